//! Truncated momentum: the last n pairs (x, y), the j-th written with widths scaled by `gamma^j` (domain: approach 1).
//! With a depth of 1 it is plain SGD.

use std::collections::VecDeque;

use super::Slot;
use crate::spec::{Design, LEARNING_RATE_BITS, Layer, MOMENTUM_BITS, PulseTable, SCALE_GUARD_BITS, pulse_width};

/// Ring of (x, y) pairs of one layer.
#[derive(Debug, Clone)]
pub struct History {
    pulse_bits: u32,
    width_shift: u32,
    table: Option<PulseTable>,
    capacity: usize,
    /// Newest first.
    pairs: VecDeque<Pair>,
    /// Slots of former steps, for their memory.
    spare: Vec<Slot>,
}

/// The stored pairs of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(VecDeque<Pair>);

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
        let table = PulseTable::of(design, layer);
        History { table, ..History::plain(design.training.history, design.array.pulse_bits, layer.shifts.width) }
    }

    /// An empty ring of `capacity` pairs whose widths go out as they are; `width_shift` as in [`crate::spec::Shifts::width`].
    fn plain(capacity: usize, pulse_bits: u32, width_shift: u32) -> Self {
        let pairs = VecDeque::with_capacity(capacity + 1);
        History { pulse_bits, width_shift, table: None, capacity, pairs, spare: Vec::new() }
    }

    /// Pairs stored.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Forgets all pairs.
    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// The pairs as they are now.
    pub fn pairs(&self) -> Pairs {
        Pairs(self.pairs.clone())
    }

    /// Goes back to the pairs of another moment.
    pub fn restore(&mut self, pairs: &Pairs) {
        self.pairs.clone_from(&pairs.0);
    }

    /// Stores the pair of this step (`x` with bias) and puts the slots to write into `slots`: pairs of earlier samples, youngest
    /// first, then the sample's own. The earlier ones wait for no error, so that the hardware can write them while it still reads.
    ///
    /// `eta` is the learning-rate register, `gamma` the momentum register, `depth` the number of pairs in use. Pairs whose
    /// widths all round to zero give no slot.
    pub fn step(&mut self, x: &[i32], y: &[i32], eta: u32, gamma: u32, depth: usize, slots: &mut Vec<Slot>) {
        let mut pair = if self.pairs.len() == self.capacity { self.pairs.pop_back() } else { None }.unwrap_or_default();
        pair.x.clear();
        pair.x.extend_from_slice(x);
        pair.y.clear();
        pair.y.extend_from_slice(y);
        pair.largest = y.iter().map(|y| y.abs()).max().unwrap_or(0);
        self.pairs.push_front(pair);

        self.spare.append(slots);
        let mut scale = Scale::new(eta);
        for age in 1..self.pairs.len().min(depth) {
            scale.decay(gamma);
            slots.extend(self.slot(age, scale.factor()));
        }
        slots.extend(self.slot(0, Scale::new(eta).factor()));
        // No step needs more than it has pairs; what a caller's trace brings along from elsewhere is not kept.
        self.spare.truncate(self.capacity);
    }

    /// The slot of the pair `age` samples ago with widths scaled by `factor`; none where they all round to zero.
    fn slot(&mut self, age: usize, factor: i64) -> Option<Slot> {
        let longest = self.width(self.pairs[age].largest, factor);
        if longest == 0 {
            return None;
        }
        let mut slot = self.spare.pop().unwrap_or_default();
        let pair = &self.pairs[age];
        slot.age = age;
        slot.longest = longest as u32;
        slot.x.clear();
        slot.x.extend_from_slice(&pair.x);
        slot.pulses.clear();
        slot.pulses.extend(pair.y.iter().map(|&y| self.width(y.abs(), factor) * y.signum()));
        Some(slot)
    }

    fn width(&self, magnitude: i32, factor: i64) -> i32 {
        pulse_width(i64::from(magnitude) * factor, self.width_shift, self.pulse_bits, self.table.as_ref())
    }
}

/// `eta gamma^j`, formed by repeated multiplication with guard bits below the learning rate.
#[derive(Debug, Clone, Copy)]
pub struct Scale(u64);

impl Scale {
    /// j = 0.
    pub fn new(eta: u32) -> Self {
        debug_assert!(eta < 1 << LEARNING_RATE_BITS);
        Scale(u64::from(eta) << SCALE_GUARD_BITS)
    }

    /// The multiplier of |y|: the guard bits are cut off.
    pub fn factor(self) -> i64 {
        (self.0 >> SCALE_GUARD_BITS) as i64
    }

    /// j + 1.
    pub fn decay(&mut self, gamma: u32) {
        self.0 = (self.0 * u64::from(gamma) + (1 << (MOMENTUM_BITS - 1))) >> MOMENTUM_BITS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_old_pairs_fall_geometrically() {
        let mut scale = Scale::new(16384);
        for j in 0..10 {
            let exact = 16384.0 * 0.9f64.powi(j);
            assert!((scale.factor() as f64 - exact).abs() < 1.5, "{j}: {} {exact}", scale.factor());
            scale.decay(58982);
        }
    }

    fn step(h: &mut History, x: i32, y: i32, gamma: u32, depth: usize) -> Vec<Slot> {
        let mut slots = Vec::new();
        h.step(&[x], &[y], 16384, gamma, depth, &mut slots);
        slots
    }

    #[test]
    fn pairs_leave_after_capacity_steps() {
        let mut h = History::plain(2, 8, 14);
        step(&mut h, 1, 10, 65535, 2);
        step(&mut h, 2, 0, 65535, 2);
        // The silent pair of age 1 gives no slot, the first pair has left.
        let slots = step(&mut h, 3, -5, 65535, 2);
        assert_eq!(slots, [Slot { age: 0, x: vec![3], pulses: vec![-5], longest: 5 }]);
    }

    #[test]
    fn gamma_zero_is_plain_sgd() {
        let (mut h, mut plain) = (History::plain(4, 8, 14), History::plain(1, 8, 14));
        for k in 1..6 {
            assert_eq!(step(&mut h, k, k * 7, 0, 4), step(&mut plain, k, k * 7, 0, 1));
        }
    }

    #[test]
    fn slots_of_former_steps_leave_nothing_behind() {
        let (mut h, mut fresh) = (History::plain(3, 8, 14), History::plain(3, 8, 14));
        let mut slots = Vec::new();
        for k in 1..8 {
            h.step(&[k, 2], &[k * 9 - 30, 5], 16384, 40000, 3, &mut slots);
            let mut own = Vec::new();
            fresh.step(&[k, 2], &[k * 9 - 30, 5], 16384, 40000, 3, &mut own);
            assert_eq!(slots, own);
        }
    }
}
