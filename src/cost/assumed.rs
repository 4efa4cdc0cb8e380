//! Training steps of assumed pulses: the operations that each momentum unit would do, without a golden model behind them.

use super::components::Components;
use crate::golden::momentum::{Kind, Slot};
use crate::golden::{LayerTrace, SampleTrace, Share};
use crate::spec::{CostKey, Design, Layer, MomentumUnit};

/// What the table assumes of codes and pulses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Assumption {
    pub row_power: f64,
    pub column_power: f64,
    pub longest_pulse: f64,
    pub mean_pulse: f64,
    pub rows_written: f64,
}

impl Assumption {
    pub fn of(components: &Components) -> Assumption {
        Assumption {
            row_power: components.get(CostKey::RowPower),
            column_power: components.get(CostKey::ColumnPower),
            longest_pulse: components.get(CostKey::LongestPulse),
            mean_pulse: components.get(CostKey::MeanPulse),
            rows_written: components.get(CostKey::RowsWritten),
        }
    }
}

/// One training step after the other; all are alike but for their place in a batch.
pub(super) struct Steps<'d> {
    design: &'d Design,
    assumption: Assumption,
    trace: SampleTrace,
    /// Samples so far.
    samples: usize,
    /// Batches so far.
    batches: usize,
}

impl<'d> Steps<'d> {
    pub fn new(design: &'d Design, components: &Components) -> Steps<'d> {
        let assumption = Assumption::of(components);
        Steps { design, assumption, trace: SampleTrace::default(), samples: 0, batches: 0 }
    }

    /// The next sample.
    pub fn next(&mut self) -> &SampleTrace {
        let batch = self.design.training.batch;
        let (first, last) = (self.samples.is_multiple_of(batch), (self.samples + 1).is_multiple_of(batch));
        self.samples += 1;
        self.batches += usize::from(last);
        self.trace.layers = self.design.layers.iter().map(|layer| self.layer(layer, first, last)).collect();
        &self.trace
    }

    fn layer(&self, layer: &Layer, first: bool, last: bool) -> LayerTrace {
        if layer.conv.is_none() {
            let mut one = self.pair(layer, first, last, self.samples);
            if last {
                self.carry(layer, &mut one);
            }
            return one;
        }
        // A pair for every place of the kernel.
        let (places, mut all) = (layer.positions(), LayerTrace::default());
        for place in 0..places {
            let pairs = (self.samples - 1) * places + place + 1;
            let one = self.pair(layer, first && place == 0, last && place + 1 == places, pairs);
            all.positions.push(Share { slots: one.slots.len(), skipped: one.skipped });
            all.skipped += one.skipped;
            all.slots.extend(one.slots);
        }
        all
    }

    /// What the unit makes of a pair, the `pairs`-th of all.
    fn pair(&self, layer: &Layer, first: bool, last: bool, pairs: usize) -> LayerTrace {
        let training = &self.design.training;
        let unit = training.momentum_unit;
        let most = f64::from((1u32 << self.design.array.pulse_bits) - 1);
        let longest = (self.assumption.longest_pulse * most).round().max(1.0);
        let local = |kind| Slot { kind, ..Slot::default() };
        let own = |kind| Slot { kind, longest: longest as u32, ..Slot::default() };
        match unit {
            _ if training.ring() => self.ring(layer, longest, last, pairs),
            MomentumUnit::None | MomentumUnit::History => bare(vec![own(Kind::Write)], 0),
            MomentumUnit::InArray => {
                let decay = local(Kind::Decay { gamma: self.design.momentum_code() });
                let mut slots = Vec::new();
                if training.momentum_kind.nesterov() {
                    slots.extend([own(Kind::WriteVelocity), own(Kind::Write), decay]);
                } else {
                    slots.extend(first.then_some(decay));
                    slots.push(own(Kind::WriteVelocity));
                }
                slots.extend(last.then(|| local(Kind::Transfer)));
                bare(slots, 0)
            }
            MomentumUnit::Sram => {
                let step = layer.digital_velocity(self.design).map_or(1, |format| 1u32 << format.coarse.min(16));
                let written = |row: &usize| {
                    let share = self.assumption.rows_written;
                    ((*row + 1) as f64 * share).floor() > (*row as f64 * share).floor()
                };
                let slot = |row| Slot { age: row, longest: step.max(longest as u32), ..Slot::default() };
                let slots: Vec<Slot> = (0..layer.rows()).filter(|row| last && written(row)).map(slot).collect();
                let skipped = if last { layer.rows() - slots.len() } else { 0 };
                // The unit goes through all rows, whether they are written or not.
                LayerTrace { x: vec![0; layer.rows()], ..bare(slots, skipped) }
            }
            MomentumUnit::TikiTaka => {
                let mut slots = vec![own(Kind::WriteVelocity)];
                let every = training.transfer.map_or(1, |transfer| transfer.every as usize);
                if last && self.batches.is_multiple_of(every) {
                    let row = (self.batches / every) % layer.rows();
                    let kinds = [Kind::ReadVelocity, Kind::Write, Kind::WriteVelocity];
                    slots.extend(kinds.map(|kind| Slot { age: row, ..own(kind) }));
                }
                bare(slots, 0)
            }
        }
    }

    /// A row's carry, where one is due and there are several devices per weight: both writes have pulses.
    fn carry(&self, layer: &Layer, step: &mut LayerTrace) {
        let (Some(slices), Some(format)) = (self.design.array.slices, layer.carry_format(self.design)) else { return };
        let every = slices.every as usize;
        if !self.batches.is_multiple_of(every) {
            return;
        }
        let turn = self.batches / every;
        let (slice, age) = (turn % (slices.count - 1), turn / (slices.count - 1) % layer.rows());
        let slot = |kind, longest| Slot { kind, age, longest, ..Slot::default() };
        step.slots.extend([
            slot(Kind::ReadSlice { slice }, 0),
            slot(Kind::WriteSlice { slice: slice + 1 }, 1 << format.coarse),
            slot(Kind::WriteSlice { slice }, 1 << format.back),
        ]);
    }

    /// The pairs of a ring, youngest first, then the sample's own; each shorter by gamma than that of a batch later.
    fn ring(&self, layer: &Layer, longest: f64, last: bool, pairs: usize) -> LayerTrace {
        let training = &self.design.training;
        if !last {
            return LayerTrace::default();
        }
        let gamma = training.momentum;
        let nesterov = training.momentum_kind.nesterov();
        let share = |age: usize| {
            let batches = (age / layer.gradients(training)) as i32;
            match nesterov {
                true if batches > 0 => gamma.powi(batches + 1) / (1.0 + gamma),
                _ => gamma.powi(batches),
            }
        };
        let pairs = layer.pairs(training).min(pairs);
        let slot = |age: usize| Slot { age, longest: (longest * share(age)).round() as u32, ..Slot::default() };
        let slots: Vec<Slot> = (1..pairs).chain([0]).map(slot).filter(|slot| slot.longest > 0).collect();
        let skipped = pairs - slots.len();
        bare(slots, skipped)
    }
}

/// A trace of a layer without vectors.
fn bare(slots: Vec<Slot>, skipped: usize) -> LayerTrace {
    LayerTrace { slots, skipped, ..LayerTrace::default() }
}
