//! No momentum: one rank-1 write per step.

use super::{Kind, Registers, Slot, Widths, largest};
use crate::spec::{Design, FactorFormat, Layer};

/// Writes the current pair.
#[derive(Debug, Clone)]
pub struct Single {
    widths: Widths,
    factor: FactorFormat,
}

impl Single {
    pub fn new(design: &Design, layer: &Layer) -> Single {
        Single { widths: Widths::new(design, layer), factor: design.factor_format() }
    }

    /// See [`super::Engine::step`].
    pub fn step(&mut self, x: &[i32], y: &[i32], registers: Registers, slots: &mut Vec<Slot>) -> usize {
        slots.resize_with(1, Slot::default);
        // It may have been another operation's.
        (slots[0].kind, slots[0].age) = (Kind::Write, 0);
        if self.fill(x, y, registers, &mut slots[0]) {
            return 0;
        }
        slots.clear();
        1
    }

    /// Sets `slot` to the write of the pair; false when it has no pulse.
    pub(super) fn fill(&self, x: &[i32], y: &[i32], registers: Registers, slot: &mut Slot) -> bool {
        let rate = self.factor.factors(registers.eta, registers.gamma).rate();
        self.widths.fill(slot, x, y, largest(y), i64::from(rate))
    }
}
