//! Compact memristor models: voltage and time in, state out.
//!
//! A [`CompactModel`] is a scalar, autonomous differential equation `ds/dt = rate(s, V)` with a current `i(s, V)`. Under a
//! rectangular pulse the voltage is constant, so that a pulse is exact wherever the equation has a closed form and a
//! quadrature of `dt = ds / rate` elsewhere (`solve`). [`Flow`] tabulates that map for training, [`Drive`] says which
//! voltage stands for which row code.
//!
//! Transcendental functions come from `libm`, so that every machine computes the same bits.

mod catalogue;
mod cells;
mod drive;
mod error;
mod flow;
mod ion_drift;
mod iv_loop;
mod parameters;
mod solve;
mod stanford_pku;
mod team;
mod vteam;
mod window;
mod yakopcic;

pub use catalogue::{Kind, Model, Number, Set};
pub use cells::{CompactArray, CompactCells};
pub use drive::{Balance, Drive, FullScale, Nonlinearity};
pub use error::CompactError;
pub use flow::{Flow, FlowError};
pub use ion_drift::IonDrift;
pub use iv_loop::{IvPoint, iv_loop};
pub use parameters::{ParameterProblem, ParameterSet, Severity, Status};
pub use stanford_pku::StanfordPku;
pub use team::Team;
pub use vteam::{IvCurve, Vteam};
pub use window::Window;
pub use yakopcic::Yakopcic;

/// Voltages beyond which the state moves; between them it rests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Volts, below 0.
    pub negative: f64,
    /// Volts, above 0.
    pub positive: f64,
}

/// How the rate depends on state and voltage; decides how [`Flow`] represents the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateProfile {
    /// The voltage alone sets the rate: a pulse adds `rate * seconds`, clipped at the bounds.
    Constant,
    /// `rate(s, V) = k(V) f(s)`, with one f per polarity.
    Separable,
    General,
}

/// A memristor with one state variable, `ds/dt = rate(s, V)`.
///
/// States are in the model's own unit ([`Self::state_unit`]) and lie within [`Self::bounds`]. Parameters are taken as
/// they are; [`Self::check`] says whether they make sense.
pub trait CompactModel: std::fmt::Debug + Send + Sync {
    /// Name of the model, as in the literature.
    fn name(&self) -> &'static str;

    /// Unit of the state: `m`, or `1` for a fraction.
    fn state_unit(&self) -> &'static str;

    /// Lowest and highest state.
    fn bounds(&self) -> (f64, f64);

    /// Whether the upper bound is the end of high conductance.
    fn conducts_at_upper_bound(&self) -> bool;

    /// Sign of the voltage that raises the conductance: 1 or -1.
    fn set_polarity(&self) -> f64;

    /// Amperes at `volts`.
    fn current(&self, state: f64, volts: f64) -> f64;

    /// ds/dt at `volts`, in state units per second. Zero in a state that `volts` cannot move, bounds included.
    fn rate(&self, state: f64, volts: f64) -> f64;

    /// Voltages that do not move the state, if the model has thresholds.
    fn thresholds(&self) -> Option<Thresholds>;

    /// What is wrong or doubtful about the parameters.
    fn check(&self) -> Vec<ParameterProblem>;

    /// Structure of [`Self::rate`].
    fn rate_profile(&self) -> RateProfile {
        RateProfile::General
    }

    /// States at which the rate, as a function of the state, is not smooth.
    fn kinks(&self) -> Vec<f64> {
        Vec::new()
    }

    /// State after a rectangular pulse of `volts` for `seconds`.
    ///
    /// Errors: a state outside the bounds, a negative duration, numbers that are not finite.
    fn pulse(&self, state: f64, volts: f64, seconds: f64) -> Result<f64, CompactError> {
        solve::check_pulse(self.bounds(), state, volts, seconds)?;
        solve::pulse(&|s| self.rate(s, volts), self.bounds(), &self.kinks(), state, seconds)
    }

    /// Voltage that moves `state` at `rate` (its sign included), with a magnitude of up to `limit` volts.
    ///
    /// Errors: a rate beyond the one at `limit`.
    fn volts_for_rate(&self, state: f64, rate: f64, limit: f64) -> Result<f64, CompactError> {
        let rises = if self.conducts_at_upper_bound() { 1.0 } else { -1.0 };
        let polarity = self.set_polarity() * rises * rate.signum();
        let wanted = rate.abs();
        let reachable = self.rate(state, polarity * limit).abs();
        // A code of full scale may miss its own voltage by the rounding of one operation.
        if reachable.is_nan() || reachable * (1.0 + 1e-12) < wanted {
            return Err(self.out_of_reach(wanted, reachable, limit));
        }
        let (mut below, mut above) = (0.0, limit);
        for _ in 0..64 {
            let middle = 0.5 * (below + above);
            if self.rate(state, polarity * middle).abs() < wanted {
                below = middle;
            } else {
                above = middle;
            }
        }
        Ok(polarity * above)
    }

    /// The error for a rate that no voltage up to `limit` reaches, in fractions of the range per second.
    fn out_of_reach(&self, rate: f64, reachable: f64, limit: f64) -> CompactError {
        let (low, high) = self.bounds();
        CompactError::Rate { rate: rate / (high - low), reachable: reachable / (high - low), volts: limit }
    }

    /// Siemens at `read_volts`: current over voltage.
    fn conductance(&self, state: f64, read_volts: f64) -> f64 {
        self.current(state, read_volts) / read_volts
    }

    /// Lowest and highest conductance at `read_volts`, in siemens.
    fn conductance_range(&self, read_volts: f64) -> (f64, f64) {
        (self.conductance(self.state_at(0.0), read_volts), self.conductance(self.state_at(1.0), read_volts))
    }

    /// State from its position: 0 is the bound of low conductance, 1 that of high conductance.
    fn state_at(&self, position: f64) -> f64 {
        let (low, high) = self.bounds();
        let fraction = if self.conducts_at_upper_bound() { position } else { 1.0 - position };
        low + (high - low) * fraction
    }

    /// Position of a state: 0 is the bound of low conductance, 1 that of high conductance.
    fn position_of(&self, state: f64) -> f64 {
        let (low, high) = self.bounds();
        let fraction = (state - low) / (high - low);
        if self.conducts_at_upper_bound() { fraction } else { 1.0 - fraction }
    }

    /// State that has `siemens` at `read_volts`.
    ///
    /// Errors: a conductance outside [`Self::conductance_range`].
    fn state_of(&self, siemens: f64, read_volts: f64) -> Result<f64, CompactError> {
        let (low, high) = self.conductance_range(read_volts);
        if !(low..=high).contains(&siemens) {
            return Err(CompactError::Conductance { siemens, low, high });
        }
        let (mut below, mut above) = (0.0, 1.0);
        // Bisection to the last bit of the position: conductance is monotone in it.
        for _ in 0..60 {
            let middle = 0.5 * (below + above);
            if self.conductance(self.state_at(middle), read_volts) < siemens {
                below = middle;
            } else {
                above = middle;
            }
        }
        Ok(self.state_at(above))
    }
}
