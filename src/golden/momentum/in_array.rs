//! Momentum in the synapse: the velocity lies in a second device of each cell (domain: approach 2).
//!
//! A step is `V <- gamma V`, `V <- V + eta y x^T`, `W <- W + V`: classical momentum. This sequence of operations is our own
//! reconstruction; the paper's abstract says no more than that each synapse has a memory built in. Nesterov's kind has the decay after
//! the write, which goes to V and to W: `V <- V + eta y x^T`, `W <- W + eta y x^T`, `V <- gamma V`, `W <- W + V`. In a batch the decay
//! comes with the first sample, the transfer with the last; writes to V leave the weights alone.

use super::{Batch, Kind, Registers, Single, Slot};
use crate::spec::{Design, Layer};

/// The sequencer of the three operations.
#[derive(Debug, Clone)]
pub struct InArray {
    single: Single,
    nesterov: bool,
    pending: Pending,
}

/// What is still to be done in the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The velocity is forgotten: its next decay is a whole one.
    clear: bool,
    batch: Batch,
}

impl InArray {
    /// As after a reset: what the second devices hold is not known, so the first step begins by emptying them.
    pub fn new(design: &Design, layer: &Layer) -> InArray {
        InArray {
            single: Single::new(design, layer),
            nesterov: design.training.momentum_kind.nesterov(),
            pending: Pending { clear: true, batch: Batch::new(design, layer) },
        }
    }

    /// See [`super::Engine::step`].
    pub fn step(&mut self, x: &[i32], y: &[i32], registers: Registers, slots: &mut Vec<Slot>) -> usize {
        let (first, last) = self.pending.batch.next();
        let clear = first && std::mem::take(&mut self.pending.clear);
        let gamma = if clear && !self.nesterov { 0 } else { registers.gamma };
        // Its vectors serve again.
        let mut write = slots.drain(..).find(|slot| slot.kind.writes()).unwrap_or_default();
        let written = self.single.fill(x, y, registers, &mut write);
        write.kind = Kind::WriteVelocity;
        let local = |kind| Slot { kind, ..Slot::default() };
        if self.nesterov {
            if clear {
                slots.push(local(Kind::Decay { gamma: 0 }));
            }
            if written {
                slots.push(write.clone());
                slots.push(Slot { kind: Kind::Write, ..write });
            }
            slots.push(local(Kind::Decay { gamma }));
        } else {
            if first {
                slots.push(local(Kind::Decay { gamma }));
            }
            if written {
                slots.push(write);
            }
        }
        if last {
            slots.push(local(Kind::Transfer));
        }
        usize::from(!written)
    }

    pub fn clear(&mut self) {
        self.pending.clear = true;
        self.pending.batch.restart();
    }

    pub fn pending(&self) -> Pending {
        self.pending
    }

    pub fn restore(&mut self, pending: Pending) {
        self.pending = pending;
    }
}
