//! Typed handles to ports and tapped signals.

use crate::ffi::RawSignal;

/// Where a signal lives and how wide it is. Resolved once, then copied freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Address of the storage; valid only together with the model of number `model`.
    pub address: usize,
    pub model: u64,
    pub width: u32,
    /// Storage of 1, 2, 4 or 8 bytes, or a multiple of 4 for wide signals.
    pub bytes: u32,
}

impl Signal {
    pub fn new(raw: &RawSignal, model: u64) -> Signal {
        Signal { address: raw.data as usize, model, width: raw.width, bytes: raw.bytes }
    }

    /// All ones in the width of the signal, for signals of at most 64 bit.
    pub fn mask(self) -> u64 {
        if self.width >= 64 { u64::MAX } else { (1 << self.width) - 1 }
    }

    pub fn is_wide(self) -> bool {
        self.width > 64
    }
}

/// An input (or inout) port of one model, from [`Model::input`](crate::Model::input). May be written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input(pub(crate) Signal);

/// A readable signal of one model: an output from [`Model::output`](crate::Model::output) or a tap from
/// [`Model::tap`](crate::Model::tap).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output(pub(crate) Signal);

impl Input {
    /// Width in bits.
    pub fn width(self) -> u32 {
        self.0.width
    }
}

impl Output {
    /// Width in bits.
    pub fn width(self) -> u32 {
        self.0.width
    }
}

/// Inputs can be read back.
impl From<Input> for Output {
    fn from(input: Input) -> Output {
        Output(input.0)
    }
}
