//! Momentum units: each turns (x, y) of the current sample into the rank-1 writes of the step.

mod history;

pub use history::{History, Pairs};

/// One write slot: the pulses of all columns that go out together with one vector of row codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot {
    /// How many samples ago the pair was stored; 0 is the current one.
    pub age: usize,
    /// Row codes, bias included.
    pub x: Vec<i32>,
    /// Signed pulse widths, one per column.
    pub pulses: Vec<i32>,
    /// Longest width of the slot, at least 1.
    pub longest: u32,
}
