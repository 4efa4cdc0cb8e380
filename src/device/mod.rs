//! Memristor models. A model holds the state of every cell of one array.
//!
//! [`Ideal`] is the integer device that emulated arrays share bit for bit. Everything physical stands behind [`Memristors`]:
//! its state and its reads are single-precision numbers, its randomness comes from [`Noise`].
//!
//! This room knows nothing of specs and networks: a [`crate::array::Crossbar`] ties a model to a layer.

pub mod compact;
mod elementary;
mod field;
mod ideal;
pub mod measured;
pub mod mtj;
mod noise;
pub mod pcm;
pub mod response;

use std::fmt;

pub use field::Field;
pub use ideal::Ideal;
pub use noise::{Noise, Stream};

/// Size of an array and the numbers that tie its pins to weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    pub rows: usize,
    pub cols: usize,
    /// Largest magnitude of a row code.
    pub max_code: i32,
    /// Longest pulse in units of the shortest one.
    pub max_width: i32,
    /// Length of the shortest pulse in seconds.
    pub pulse_lsb: f64,
    /// Weight change that a row code of 1 and a pulse of width 1 stand for, in units of the weight's full scale.
    pub update_step: f32,
}

/// One write slot as the pins show it.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Signed row codes, one per row.
    pub x: &'a [i32],
    /// Signed pulse widths, one per column; the cell moves up where the product with the row code is positive.
    pub widths: &'a [i32],
}

/// One memristor of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellAddress {
    /// Which of the devices of a weight: 0, or 1 for the negative one of a differential pair.
    pub device: usize,
    pub row: usize,
    pub col: usize,
}

impl fmt::Display for CellAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device {} of row {}, column {}", self.device, self.row, self.col)
    }
}

/// A pulse on one memristor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellPulse {
    /// Volts across the device; positive drives it towards high conductance (SET).
    pub volts: f64,
    /// Seconds.
    pub seconds: f64,
}

/// How the conductances of a weight's memristors make up the weight: `(G - reference) / span` of one device, and of a pair
/// `(G0 - G1) / span`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Conductance of a device that the weights are read against, in siemens; 0 for pairs, which need none.
    pub reference: f64,
    /// Siemens per unit of weight.
    pub span: f64,
}

/// Physical memristors of one crossbar: `rows * cols` weights of [`Memristors::devices`] memristors each.
///
/// Weights are in units of the layer's full scale, nominally -1 to 1. `op` is the number of the operation since the array
/// was made; it keys the random numbers of the operation ([`Noise`]).
pub trait Memristors: Send {
    /// Memristors per weight: 1 (read against a reference) or 2 (differential pair).
    fn devices(&self) -> usize;

    /// Effective weights as a read sees them, row-major.
    fn weights(&self) -> &[f32];

    /// How conductances make up weights.
    fn scale(&self) -> Scale;

    /// Standard deviation of one read of each weight, row-major: reads of different devices and operations are independent.
    /// `None` where a read has no noise of the device's own.
    fn read_sigma(&self) -> Option<&[f32]> {
        None
    }

    /// Rank-1 write: all cells change at once.
    fn write(&mut self, slot: Slot<'_>, op: u64);

    /// Sets the weights as a perfect programmer would, up to what the devices can hold, row-major.
    fn program(&mut self, weights: &[f32], op: u64);

    /// Everything that distinguishes one moment of the array from another, in an order of the model's own.
    fn states(&self) -> &[f32];

    /// Retention loss that does not depend on the model: every device keeps the share `kept` of what its conductance has above
    /// the low end of the range. Nothing by default, for models that age by themselves.
    fn relax(&mut self, kept: f64) {
        let _ = kept;
    }

    /// Goes back to a moment that [`Memristors::states`] gave.
    fn restore(&mut self, states: &[f32]);

    /// Lets `seconds` pass without an operation: drift and retention loss. `op` as for a write.
    fn age(&mut self, seconds: f64, op: u64);

    /// Conductance of one memristor in siemens, without the noise of a read.
    fn conductance(&self, at: CellAddress) -> f64;

    /// Standard deviation of one read of one memristor in siemens, where reads have noise of the device's own.
    fn conductance_sigma(&self, at: CellAddress) -> f64 {
        let _ = at;
        0.0
    }

    /// Lowest and highest conductance in siemens that devices of this kind are meant to have.
    fn conductance_range(&self) -> (f64, f64);

    /// A pulse on one memristor, all others undisturbed.
    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, op: u64);
}

/// A state that is no number has come up in an array.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{at} is {value}, in weights")]
pub struct NotFinite {
    pub at: CellAddress,
    /// Of the weight.
    pub value: f32,
}

/// A model that cannot be set up.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Compact(#[from] compact::CompactError),
    #[error(transparent)]
    Mtj(#[from] mtj::MtjError),
}
