//! Curvature of NeuroSim's pulse response from its nonlinearity.

/// NeuroSim's nonlinearity is the largest distance between the normalised curve and the straight line, times this: the
/// factor that reproduces its table of 900 entries.
const DISTANCE_TO_NL: f64 = 10.1015;
/// Below this a curve counts as one with this: straight to within 1e-4.
const LEAST_NL: f64 = 1e-3;
/// Nonlinearity where NeuroSim's table ends.
pub(super) const LARGEST_NL: f64 = 9.0;

/// Nonlinearity of the curve `(1 - exp(-x/a)) / (1 - exp(-1/a))`, `0 <= x <= 1`.
pub fn nonlinearity(a: f64) -> f64 {
    // The distance is largest where the slope is 1.
    let whole = -libm::expm1(-1.0 / a);
    let x = a * libm::log(1.0 / (a * whole));
    DISTANCE_TO_NL * (-libm::expm1(-x / a) / whole - x)
}

/// Curvature `a`, in units of the pulses that cross the range, of the curve with this nonlinearity (0 to 9): by bisection.
pub fn curvature(nl: f64) -> f64 {
    let nl = nl.clamp(LEAST_NL, LARGEST_NL);
    // In the logarithm of `a`; the nonlinearity falls with it.
    let (mut low, mut high) = (libm::log(0.01), libm::log(1e5));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if nonlinearity(libm::exp(middle)) > nl { low = middle } else { high = middle }
    }
    libm::exp(0.5 * (low + high))
}

/// Curvatures of many devices whose nonlinearities differ by a spread around a mean.
pub(super) struct Table {
    /// Curvature of the mean.
    mean: f64,
    /// `1 / a` at equal steps of the nonlinearity, which is nearly straight; empty where all devices are alike.
    inverse: Vec<f64>,
}

impl Table {
    const STEPS: usize = 4096;

    pub fn new(mean: f64, spread: f64) -> Table {
        let node = |k: usize| 1.0 / curvature(LARGEST_NL * k as f64 / Self::STEPS as f64);
        let inverse = if spread > 0.0 { (0..=Self::STEPS).map(node).collect() } else { Vec::new() };
        Table { mean: curvature(mean), inverse }
    }

    /// Curvature of a device with nonlinearity `nl`; a negative one bends as the positive one.
    pub fn curvature(&self, nl: f64) -> f64 {
        if self.inverse.is_empty() {
            return self.mean;
        }
        let place = nl.abs().clamp(LEAST_NL, LARGEST_NL) / LARGEST_NL * Self::STEPS as f64;
        let k = (place as usize).min(Self::STEPS - 1);
        let part = place - k as f64;
        1.0 / (self.inverse[k] * (1.0 - part) + self.inverse[k + 1] * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the table that MLP+NeuroSim V3.0 ships.
    #[test]
    fn curvatures_are_those_of_neurosims_table() {
        for (nl, a) in [(0.01, 126.27), (1.0, 1.2517), (1.75, 0.70208), (2.4, 0.49918), (4.88, 0.20030), (9.0, 0.02281)]
        {
            let got = curvature(nl);
            assert!((got / a - 1.0).abs() < 2e-4, "{nl}: {got} {a}");
            assert!((nonlinearity(got) - nl).abs() < 1e-9);
        }
    }

    #[test]
    fn the_table_is_as_good_as_the_bisection() {
        let table = Table::new(1.0, 0.1);
        for k in 1..1000 {
            let nl = 9.0 * f64::from(k) / 1000.3;
            let (got, want) = (table.curvature(-nl), curvature(nl));
            assert!((got / want - 1.0).abs() < 1e-5, "{nl}: {got} {want}");
        }
    }
}
