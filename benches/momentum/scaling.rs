//! Two ways to weigh a pair of j samples ago by gamma^j: its factor when its pulses are issued, as the unit `history` does, or a multiplication of
//! the stored y by gamma in every sample. Both beside the exact product, on all pairs of a training of the digits.

use std::collections::VecDeque;

use memrtl::data::{self, Dataset};
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::report::figures::{Bar, Figure};
use memrtl::spec::Design;

use crate::common::Results;

/// Bits kept below a stored y.
const GUARDS: [u32; 4] = [0, 2, 4, 8];

/// Pulses beside the exact ones.
#[derive(Default, Clone, Copy)]
struct Tally {
    /// Those of which the exact product or the other gives a pulse.
    pulses: u64,
    different: u64,
    width: f64,
    exact: f64,
}

impl Tally {
    fn add(&mut self, width: i64, exact: f64, most: i64) {
        let rounded = ((exact + 0.5).floor() as i64).min(most);
        if rounded > 0 || width > 0 {
            self.pulses += 1;
            self.different += u64::from(rounded != width);
        }
        self.width += width as f64;
        self.exact += exact.min(most as f64);
    }
}

/// What one layer's unit would keep in place: magnitudes with so many bits more, the newest first.
struct InPlace {
    guard: u32,
    pairs: VecDeque<Vec<i64>>,
}

impl InPlace {
    /// Weighs what is stored, rounded, as in the memory, and stores a pair.
    fn step(&mut self, y: &[i32], gamma: i64, pairs: usize) {
        for magnitude in self.pairs.iter_mut().flatten() {
            *magnitude = (*magnitude * gamma + (1 << 15)) >> 16;
        }
        self.pairs.push_front(y.iter().map(|&y| i64::from(y.abs()) << self.guard).collect());
        self.pairs.truncate(pairs);
    }
}

/// Adds the figures of `design`, which has the unit `history`.
pub fn measure(design: &Design, results: &mut Results) {
    let data = match Dataset::load(&design.data.source) {
        Ok(data) => data,
        Err(why) => return results.missing.push(format!("scaling of stored pairs: {why}")),
    };
    let (train, _) = data.split(design.data.test_fraction, design.training.seed).expect("enough samples");
    let mut golden = Machine::new(design).expect("an ideal device");
    let (eta, pairs) = (i64::from(design.learning_rate_code()), design.training.history);
    let gamma = (design.training.momentum * 65_536.0).round() as i64;
    let most = (1i64 << design.array.pulse_bits) - 1;

    let mut at_issue = Tally::default();
    let mut in_place = [Tally::default(); GUARDS.len()];
    let mut exact: Vec<VecDeque<Vec<i32>>> = vec![VecDeque::new(); design.layers.len()];
    let mut stored: Vec<[InPlace; GUARDS.len()]> =
        design.layers.iter().map(|_| GUARDS.map(|guard| InPlace { guard, pairs: VecDeque::new() })).collect();
    let mut trace = SampleTrace::default();
    for epoch in 0..design.training.epochs {
        for index in data::epoch_order(design.training.seed, epoch as u64, train.len()) {
            let x = encode::input_codes(design, train.sample(index));
            let t = encode::target_codes(design, usize::from(train.labels[index]));
            golden.run(&x, &t, Mode::Train, &mut trace).expect("an ideal device");
            for (l, layer) in trace.layers.iter().enumerate() {
                let shift = design.layers[l].shifts.width;
                exact[l].push_front(layer.y.clone());
                exact[l].truncate(pairs);
                for kept in &mut stored[l] {
                    kept.step(&layer.y, gamma, pairs);
                }
                for (age, y) in exact[l].iter().enumerate().skip(1) {
                    let factor = eta as f64 * (gamma as f64 / 65_536.0).powi(age as i32) / f64::from(1 << shift);
                    let slot = layer.slots.iter().find(|slot| slot.age == age);
                    for (n, y) in y.iter().enumerate() {
                        let product = f64::from(y.abs()) * factor;
                        at_issue.add(slot.map_or(0, |slot| i64::from(slot.pulses[n].abs())), product, most);
                        for (tally, kept) in in_place.iter_mut().zip(&stored[l]) {
                            let places = shift + kept.guard;
                            let width = (kept.pairs[age][n] * eta + (1 << (places - 1))) >> places;
                            tally.add(width.min(most), product, most);
                        }
                    }
                }
            }
        }
    }
    let ways = GUARDS.map(|guard| format!("y multiplied in place, {guard} bits more"));
    for (way, tally) in
        std::iter::once("factor at issue".to_owned()).chain(ways).zip(std::iter::once(at_issue).chain(in_place))
    {
        let share = 100.0 * tally.different as f64 / tally.pulses as f64;
        let title = |what: &str| format!("digits, history, {way}: {what}");
        results.figures.push(Figure::new(
            &title("pulses of earlier pairs off the exact product"),
            share,
            "%",
            Bar::None,
        ));
        let sum = 100.0 * tally.width / tally.exact;
        results.figures.push(Figure::new(&title("their sum, of the exact one"), sum, "%", Bar::None));
    }
    let bits = f64::from(design.array.error_bits);
    let words = (pairs * design.layers.iter().map(|layer| layer.outputs).sum::<usize>()) as f64;
    results.figures.push(Figure::new("digits, history: memory of all y", words * bits, "bits", Bar::None));
}
