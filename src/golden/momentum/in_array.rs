//! Momentum in the synapse: the velocity lies in a second device of each cell (domain: approach 2).
//!
//! A step is `V <- gamma V`, `V <- V + eta y x^T`, `W <- W + V`: classical momentum. This sequence of operations is our own
//! reconstruction; the paper's abstract says no more than that each synapse has a memory built in.

use super::{Kind, Registers, Single, Slot};
use crate::spec::{Design, Layer};

/// The sequencer of the three operations.
#[derive(Debug, Clone)]
pub struct InArray {
    single: Single,
    pending: Pending,
}

/// What is still to be done in the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The velocity is forgotten: its next decay is a whole one.
    clear: bool,
}

impl InArray {
    /// As after a reset: what the second devices hold is not known, so the first step begins by emptying them.
    pub fn new(design: &Design, layer: &Layer) -> InArray {
        InArray { single: Single::new(design, layer), pending: Pending { clear: true } }
    }

    /// See [`super::Engine::step`].
    pub fn step(&mut self, x: &[i32], y: &[i32], registers: Registers, slots: &mut Vec<Slot>) -> usize {
        let gamma = if self.pending.clear { 0 } else { registers.gamma };
        self.pending.clear = false;
        slots.resize_with(3, Slot::default);
        let written = self.single.fill(x, y, registers, &mut slots[1]);
        slots[1].kind = Kind::WriteVelocity;
        slots.truncate(if written { 3 } else { 2 });
        let last = slots.len() - 1;
        for (index, kind) in [(0, Kind::Decay { gamma }), (last, Kind::Transfer)] {
            slots[index] = Slot { kind, ..Slot::default() };
        }
        usize::from(!written)
    }

    pub fn clear(&mut self) {
        self.pending.clear = true;
    }

    pub fn pending(&self) -> Pending {
        self.pending
    }

    pub fn restore(&mut self, pending: Pending) {
        self.pending = pending;
    }
}
