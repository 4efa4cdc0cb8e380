//! Numbers of a device's parameters by name, with the ranges that they may have.

/// One number of the parameters `P`.
pub struct Field<P> {
    /// Key in specs.
    pub name: &'static str,
    /// With a leading blank, or nothing.
    pub unit: &'static str,
    pub low: f64,
    pub low_included: bool,
    /// Excluded; infinite for none.
    pub high: f64,
    access: fn(&mut P) -> &mut f64,
}

/// Range of numbers above 0.
pub(super) const POSITIVE: (f64, bool, f64) = (0.0, false, f64::INFINITY);

impl<P: Clone> Field<P> {
    /// `range`: low, whether that is allowed itself, high.
    pub(super) const fn new(
        name: &'static str,
        unit: &'static str,
        range: (f64, bool, f64),
        access: fn(&mut P) -> &mut f64,
    ) -> Self {
        let (low, low_included, high) = range;
        Field { name, unit, low, low_included, high, access }
    }

    pub fn of<'p>(&self, parameters: &'p mut P) -> &'p mut f64 {
        (self.access)(parameters)
    }

    pub fn value(&self, parameters: &P) -> f64 {
        *(self.access)(&mut parameters.clone())
    }
}
