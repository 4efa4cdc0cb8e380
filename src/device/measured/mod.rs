//! A device of one's own: measured conductances after each pulse up and down, and the pulse-response law that fits them best.
//!
//! Conductances are brought to weights, the lowest of the data to -1 and the highest to 1. Each law gives a mean curve from a
//! start of its own in each direction (`curves`); its numbers follow by least squares (MINPACK's Levenberg-Marquardt). What
//! the steps scatter around the fitted ones is noise: changes of the state stay, errors of the measurement come back with the
//! opposite sign in the next step, so that both can be told apart.

mod curves;
mod fit;
mod read;

pub use fit::{AUTOMATIC, Fit, FitError, fit, fit_best};
pub use read::MeasuredError;

/// Conductances of one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Pulses given before each measurement, rising.
    pub pulses: Vec<f64>,
    /// Siemens.
    pub siemens: Vec<f64>,
}

/// A measured response to pulses.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub up: Branch,
    pub down: Branch,
}

impl Measured {
    /// Reads the text of a CSV file; `file` is named in messages.
    ///
    /// The header names the columns `pulse`, `up` and `down` in any order: pulses given so far, and the conductance in siemens
    /// after that many pulses upwards and downwards. A direction that was measured for fewer pulses leaves its last fields
    /// empty. Lines that begin with `#` are comments.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(file: &str, text: &[u8]) -> Result<Measured, MeasuredError> {
        read::parse(file, text)
    }

    /// Lowest and highest conductance.
    pub fn range(&self) -> (f64, f64) {
        let all = || self.up.siemens.iter().chain(&self.down.siemens).copied();
        (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max))
    }
}
