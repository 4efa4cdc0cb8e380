//! What can go wrong when a compact model is set up or driven.

use super::ParameterProblem;

/// Why a compact model refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompactError {
    /// A number that is not finite went in or came out.
    #[error("{what} is {value}, not a finite number")]
    NotFinite { what: &'static str, value: f64 },
    #[error("state {state:e} is outside {low:e} to {high:e}")]
    State { state: f64, low: f64, high: f64 },
    #[error("a pulse of {seconds:e} s; allowed: 0 or longer")]
    Duration { seconds: f64 },
    #[error("conductance {siemens:e} S is outside the device's range, {low:e} to {high:e} S")]
    Conductance { siemens: f64, low: f64, high: f64 },
    /// No voltage up to the limit reaches the rate asked for.
    #[error(
        "{rate:.3e} of the range per second is out of reach: {reachable:.3e} at {volts} V, the highest voltage allowed"
    )]
    Rate { rate: f64, reachable: f64, volts: f64 },
    /// The rate jumps at the threshold beyond the one asked for.
    #[error(
        "full scale asks for {rate:.3e} of the range per second, but the slowest motion, at {volts:.3} V, is {least:.3e}"
    )]
    TooFast { rate: f64, least: f64, volts: f64 },
    /// A drive voltage that moves the state against its polarity.
    #[error("{volts} V moves the conductance {moves}, but is given as the voltage that moves it {wanted}")]
    Polarity { volts: f64, moves: &'static str, wanted: &'static str },
    /// No voltage moves the state at the middle of its range.
    #[error("{volts} V does not move the state at the middle of its range")]
    NoMotion { volts: f64 },
    #[error("{given} levels for one polarity, {other} for the other; both need the same number, at least 1")]
    Levels { given: usize, other: usize },
    #[error("{cells} table cells; allowed: {low} to {high}")]
    Cells { cells: usize, low: usize, high: usize },
    /// An adaptive step did not come to an end.
    #[error("integration stopped at state {state:e} with {remaining:e} s left")]
    Integration { state: f64, remaining: f64 },
    /// Parameters that [`super::CompactModel::check`] calls wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Parameters(Vec<ParameterProblem>),
}
