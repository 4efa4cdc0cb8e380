//! Truncated momentum: the pairs (x, y) of the last n batches, those of the j-th written with widths scaled by `gamma^j` (domain: approach
//! 1). With a depth of one batch it keeps the pairs of plain SGD until the batch is whole.

use std::collections::VecDeque;

use super::{Batch, Kind, Registers, Slot, Widths, largest};
use crate::spec::{Design, FactorFormat, Layer, Scale};

/// Ring of (x, y) pairs of one layer.
#[derive(Debug, Clone)]
pub struct History {
    widths: Widths,
    factor: FactorFormat,
    batch: Batch,
    capacity: usize,
    /// Newest first.
    pairs: VecDeque<Pair>,
    /// Slots of former steps, for their memory.
    spare: Vec<Slot>,
}

/// The stored pairs of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    pairs: VecDeque<Pair>,
    batch: Batch,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pair {
    x: Vec<i32>,
    y: Vec<i32>,
    /// Largest magnitude of y.
    largest: i32,
}

impl History {
    /// An empty ring of as many pairs as the design keeps.
    pub fn new(design: &Design, layer: &Layer) -> Self {
        let widths = Widths::new(design, layer);
        History::of(layer.pairs(&design.training), widths, design.factor_format(), Batch::new(design, layer))
    }

    fn of(capacity: usize, widths: Widths, factor: FactorFormat, batch: Batch) -> Self {
        History { widths, factor, batch, capacity, pairs: VecDeque::with_capacity(capacity + 1), spare: Vec::new() }
    }

    /// Pairs stored.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Forgets all pairs, those of an unfinished batch among them.
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.batch.restart();
    }

    /// The pairs as they are now.
    pub fn pairs(&self) -> Pairs {
        Pairs { pairs: self.pairs.clone(), batch: self.batch }
    }

    /// Goes back to the pairs of another moment.
    pub fn restore(&mut self, pairs: &Pairs) {
        self.pairs.clone_from(&pairs.pairs);
        self.batch = pairs.batch;
    }

    /// See [`super::Engine::step`]: stores the pair; the last sample of a batch then writes pairs of earlier samples, youngest first, then
    /// its own. The earlier ones wait for no error, so that the hardware can write them while it still reads. Pairs whose widths all
    /// round to zero give no slot.
    pub fn step(&mut self, x: &[i32], y: &[i32], registers: Registers, slots: &mut Vec<Slot>) -> usize {
        let mut pair = if self.pairs.len() == self.capacity { self.pairs.pop_back() } else { None }.unwrap_or_default();
        pair.x.clear();
        pair.x.extend_from_slice(x);
        pair.y.clear();
        pair.y.extend_from_slice(y);
        pair.largest = largest(y);
        self.pairs.push_front(pair);

        self.spare.append(slots);
        // No step needs more than it has pairs; what a caller's trace brings along from elsewhere is not kept.
        self.spare.truncate(self.capacity);
        if !self.batch.next().1 {
            return 0;
        }
        let factors = self.factor.factors(registers.eta, registers.gamma);
        let mut scale = Scale::new(factors.past);
        let own = Scale::new(factors.own).factor();
        let pairs = self.pairs.len().min(registers.depth * self.batch.size);
        for age in 1..pairs {
            if age % self.batch.size == 0 {
                scale.decay(registers.gamma);
            }
            slots.extend(self.slot(age, if age < self.batch.size { own } else { scale.factor() }));
        }
        slots.extend(self.slot(0, own));
        pairs - slots.len()
    }

    /// The slot of the pair `age` samples ago with widths scaled by `factor`; none where they all round to zero.
    fn slot(&mut self, age: usize, factor: i64) -> Option<Slot> {
        let mut slot = self.spare.pop().unwrap_or_default();
        let pair = &self.pairs[age];
        // It may have been another operation's.
        (slot.kind, slot.age) = (Kind::Write, age);
        if self.widths.fill(&mut slot, &pair.x, &pair.y, pair.largest, factor) {
            return Some(slot);
        }
        self.spare.push(slot);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{MomentumKind, MomentumUnit, SCALE_GUARD_BITS};

    #[test]
    fn weights_of_old_pairs_fall_geometrically() {
        let mut scale = Scale::new(16384 << SCALE_GUARD_BITS);
        for j in 0..10 {
            let exact = 16384.0 * 0.9f64.powi(j);
            assert!((scale.factor() as f64 - exact).abs() < 1.5, "{j}: {} {exact}", scale.factor());
            scale.decay(58982);
        }
    }

    /// An empty ring whose widths are |y| at a learning rate of 1.
    fn plain(capacity: usize) -> History {
        of_kind(capacity, MomentumKind::Classical, 0, 1)
    }

    /// The same for a kind of momentum, and the factors that suit a `gamma`.
    fn of_kind(capacity: usize, kind: MomentumKind, gamma: u32, batch: usize) -> History {
        let factor = FactorFormat::new(kind, MomentumUnit::History, gamma, batch);
        History::of(
            capacity,
            Widths { pulse_bits: 8, shift: factor.fraction(), table: None },
            factor,
            Batch { size: batch, place: 0 },
        )
    }

    fn step(h: &mut History, x: i32, y: i32, gamma: u32, depth: usize) -> Vec<Slot> {
        let mut slots = Vec::new();
        h.step(&[x], &[y], Registers { eta: 16384, gamma, depth }, &mut slots);
        slots
    }

    #[test]
    fn pairs_leave_after_capacity_steps() {
        let mut h = plain(2);
        step(&mut h, 1, 10, 65535, 2);
        step(&mut h, 2, 0, 65535, 2);
        // The silent pair of age 1 gives no slot, the first pair has left.
        let slots = step(&mut h, 3, -5, 65535, 2);
        assert_eq!(slots, [Slot { x: vec![3], pulses: vec![-5], longest: 5, ..Slot::default() }]);
    }

    #[test]
    fn gamma_zero_is_plain_sgd() {
        let (mut h, mut one) = (plain(4), plain(1));
        for k in 1..6 {
            assert_eq!(step(&mut h, k, k * 7, 0, 4), step(&mut one, k, k * 7, 0, 1));
        }
    }

    /// Factors of a pair over its life: (1 - gamma) gamma^j, and (1 + gamma), then gamma^(j + 1).
    #[test]
    fn kinds_scale_pairs_by_their_own_factors() {
        let life = |kind| {
            let mut h = of_kind(4, kind, 32768, 1);
            let mut pulses = vec![step(&mut h, 1, 160, 32768, 4)[0].pulses[0]];
            for _ in 1..4 {
                pulses.push(step(&mut h, 1, 0, 32768, 4)[0].pulses[0]);
            }
            pulses
        };
        assert_eq!(life(MomentumKind::Classical), [160, 80, 40, 20]);
        assert_eq!(life(MomentumKind::Dampened), [80, 40, 20, 10]);
        assert_eq!(life(MomentumKind::Nesterov), [240, 40, 20, 10]);
    }

    /// Pairs wait for the last of their batch, and decay once per batch.
    #[test]
    fn batches_are_written_as_one() {
        let mut h = of_kind(6, MomentumKind::Nesterov, 32768, 2);
        assert_eq!(step(&mut h, 1, 320, 32768, 3), []);
        let pulses = |slots: Vec<Slot>| slots.iter().map(|slot| slot.pulses[0]).collect::<Vec<_>>();
        // Half of 1.5 of each.
        assert_eq!(pulses(step(&mut h, 2, 80, 32768, 3)), [240, 60]);
        assert_eq!(step(&mut h, 1, 0, 32768, 3), []);
        // Half of 1/4, youngest first.
        assert_eq!(pulses(step(&mut h, 1, 0, 32768, 3)), [10, 40]);
        // A clear drops what waits, and the next sample begins a batch.
        step(&mut h, 1, 100, 32768, 3);
        h.clear();
        assert_eq!(step(&mut h, 1, 0, 32768, 3), []);
        assert_eq!(pulses(step(&mut h, 1, 8, 32768, 3)), [6]);
    }

    #[test]
    fn slots_of_former_steps_leave_nothing_behind() {
        let (mut h, mut fresh) = (plain(3), plain(3));
        let registers = Registers { eta: 16384, gamma: 40000, depth: 3 };
        let mut slots = Vec::new();
        for k in 1..8 {
            h.step(&[k, 2], &[k * 9 - 30, 5], registers, &mut slots);
            let mut own = Vec::new();
            fresh.step(&[k, 2], &[k * 9 - 30, 5], registers, &mut own);
            assert_eq!(slots, own);
        }
    }
}
