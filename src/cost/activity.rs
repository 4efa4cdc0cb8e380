//! What a design does per sample: cycles, write slots and their pulses, from a short golden run or from an assumption.

use serde::Serialize;

use super::components::Components;
use super::pulses::PulseEnergy;
use super::{CostError, assumed};
use crate::cycles::{CycleModel, SampleCycles};
use crate::data::{self, Dataset};
use crate::device::DeviceError;
use crate::fixed;
use crate::golden::memory::MemoryTrace;
use crate::golden::momentum::{Kind, Slot};
use crate::golden::{LayerTrace, Machine, Mode, SampleTrace, encode};
use crate::spec::{Design, Layer};

/// Where the numbers of an activity come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The golden model trained and inferred samples of the spec's data.
    Golden,
    /// The component table's assumptions on codes and pulses.
    Assumed,
}

/// Least samples that say anything of a training.
pub const LEAST_SAMPLES: usize = 20;

/// How much of a training is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoldenRun {
    pub epochs: usize,
    /// Most samples of the training and of the test set.
    pub limit: Option<usize>,
}

impl GoldenRun {
    /// All of a design's training.
    pub fn whole(design: &Design) -> GoldenRun {
        GoldenRun { epochs: design.training.epochs, limit: None }
    }

    /// So many epochs, or samples of the first, that cells times training samples stay within `work`; `samples` are those of the whole data set.
    /// `None` where that leaves less than [`LEAST_SAMPLES`].
    pub fn within(design: &Design, work: usize, samples: usize) -> Option<GoldenRun> {
        let cells: usize = design.layers.iter().map(|layer| layer.rows() * layer.outputs * layer.positions()).sum();
        let most = work / cells.max(1);
        let train = (samples as f64 * (1.0 - design.data.test_fraction)) as usize;
        let limit = (train > most).then_some(most);
        let epochs = (most / limit.unwrap_or(train).max(1)).clamp(1, design.training.epochs);
        (most >= LEAST_SAMPLES).then_some(GoldenRun { epochs, limit })
    }
}

/// Cycles of a number of samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub samples: u64,
    #[serde(skip)]
    pub cycles: SampleCycles,
}

/// What one layer does in a training sample, on average; a convolution, at one place of its kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LayerActivity {
    /// Mean square of the codes of forward and transposed reads, full scale 1.
    pub row_power: f64,
    pub column_power: f64,
    /// Write slots, those of second devices included.
    pub slots: f64,
    /// Pairs that gave no pulse.
    pub skipped: f64,
    /// Rows whose driver took another code for a slot.
    pub rows_set: f64,
    /// Words that a ring of pairs was read for.
    pub ring_words: f64,
    /// Sum over the slots of the mean square of their row codes.
    pub slot_power: f64,
    /// Longest pulse of a slot of the sample's own pair (of the unit `sram`: of any row), as a share of the longest that there is; mean pulse of a
    /// slot over its longest.
    pub longest_pulse: f64,
    pub mean_pulse: f64,
    /// Joules of all pulses.
    pub pulse_energy: f64,
    /// Decays and transfers of second devices, each of all cells; per sample.
    pub local: f64,
    /// Reads of a row of second devices or of a slice.
    pub fast_reads: f64,
}

/// What a design does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Activity {
    pub source: Source,
    pub training: Counted,
    pub inference: Counted,
    pub layers: Vec<LayerActivity>,
}

impl Activity {
    /// Counts a training as a co-simulation with these epochs and at most `limit` training and test samples runs it, tests included. Cycles are the
    /// same, to the cycle.
    ///
    /// # Errors
    /// Data that cannot be read or do not fit, devices that cannot be set up, a state that is no number any more.
    pub fn golden(design: &Design, components: &Components, run: GoldenRun) -> Result<Activity, CostError> {
        let data = Dataset::load(&design.data.source)?;
        data.check(design)?;
        let seed = design.training.seed;
        let (train, test) = data.split(design.data.test_fraction, seed)?;
        let first = |samples: usize| samples.min(run.limit.unwrap_or(samples));
        let train = train.select(&(0..first(train.len())).collect::<Vec<_>>());
        let mut machine = Machine::new(design)?;
        machine.program_initial(design, &mut MemoryTrace::default())?;
        let mut counter = Counter::new(design, components)?;
        let (mut trace, mut input) = (SampleTrace::default(), Vec::new());
        for epoch in 0..run.epochs {
            machine.begin_epoch(design, epoch);
            counter.model.restart();
            for index in data::epoch_order(seed, epoch as u64, train.len()) {
                encode::input_codes_into(design, train.sample(index), &mut input);
                let target = encode::target_codes(design, usize::from(train.labels[index]));
                let sample = counter.training.samples;
                let result = machine.run(&input, &target, Mode::Train, &mut trace);
                result.map_err(|fault| CostError::Fault { sample, fault })?;
                counter.train(&trace);
            }
            counter.model.restart();
            // No cycle of an inference depends on its values, but for a refresh that comes before it.
            for _ in 0..first(test.len()) {
                let mut refresh = MemoryTrace::default();
                if machine.refresh_due() {
                    machine.refresh(&mut refresh);
                }
                counter.infer(refresh);
            }
        }
        Ok(counter.finish(Source::Golden))
    }

    /// What the table's assumptions say, for networks without data or beyond simulation. Steps are those of a long run.
    ///
    /// # Errors
    /// Devices that cannot be driven.
    pub fn assumed(design: &Design, components: &Components) -> Result<Activity, CostError> {
        let mut counter = Counter::new(design, components)?;
        let mut steps = assumed::Steps::new(design, components);
        counter.model.restart();
        // A full ring, and the pace of the input that two waiting samples hide at first.
        for _ in 0..design.training.pairs() + 4 * design.training.batch {
            counter.model.sample(steps.next(), Mode::Train);
        }
        // Whole batches, and for units that go row by row several of their turns.
        for _ in 0..design.training.batch * 8 {
            let trace = steps.next();
            counter.train_assumed(trace, components);
        }
        counter.model.restart();
        for _ in 0..4 {
            counter.model.sample(&SampleTrace::default(), Mode::Infer);
        }
        (0..8).for_each(|_| counter.infer(MemoryTrace::default()));
        Ok(counter.finish(Source::Assumed))
    }
}

/// Sums up samples.
struct Counter<'d> {
    design: &'d Design,
    model: CycleModel,
    pulses: Vec<PulseEnergy>,
    training: Counted,
    inference: Counted,
    layers: Vec<LayerActivity>,
    /// Slots that say something of the longest pulse.
    own: Vec<u64>,
    full_scale: f64,
}

impl<'d> Counter<'d> {
    fn new(design: &'d Design, components: &Components) -> Result<Counter<'d>, DeviceError> {
        let pulses = design.layers.iter().map(|layer| PulseEnergy::new(design, layer, components));
        Ok(Counter {
            design,
            model: CycleModel::new(design),
            pulses: pulses.collect::<Result<_, _>>()?,
            training: Counted::default(),
            inference: Counted::default(),
            layers: vec![LayerActivity::default(); design.layers.len()],
            own: vec![0; design.layers.len()],
            full_scale: fixed::max_code(design.array.dac_bits) as f64,
        })
    }

    fn train(&mut self, trace: &SampleTrace) {
        self.count_training(trace);
        let full_scale = self.full_scale;
        for (index, layer) in trace.layers.iter().enumerate() {
            let pulses = &self.pulses[index];
            let sums = &mut self.layers[index];
            sums.row_power += power(&layer.x, full_scale);
            sums.column_power += power(&layer.drive, full_scale);
            for slot in layer.slots.iter().filter(|slot| slot.kind.writes()) {
                sums.slot_power += power(&slot.x, full_scale);
                sums.pulse_energy += pulses.slot(slot);
                let widths: i64 = slot.pulses.iter().map(|&w| i64::from(w.abs())).sum();
                sums.mean_pulse += widths as f64 / slot.pulses.len() as f64 / f64::from(slot.longest);
            }
        }
    }

    /// Codes and pulses of a step of assumed longest pulses.
    fn train_assumed(&mut self, trace: &SampleTrace, components: &Components) {
        self.count_training(trace);
        let assumption = assumed::Assumption::of(components);
        for (index, layer) in trace.layers.iter().enumerate() {
            let (shape, sums) = (&self.design.layers[index], &mut self.layers[index]);
            sums.row_power += assumption.row_power;
            sums.column_power += assumption.column_power;
            for (slot, alone) in operations(self.design, layer).filter(|(slot, _)| slot.kind.writes()) {
                // One row at half of full scale, or all of them.
                let (rows, level) = if alone { (1.0, 0.25) } else { (shape.rows() as f64, assumption.row_power) };
                let width = f64::from(slot.longest) * assumption.mean_pulse;
                sums.mean_pulse += assumption.mean_pulse;
                sums.slot_power += level * rows / shape.rows() as f64;
                sums.pulse_energy += rows * shape.outputs as f64 * width * self.pulses[index].at_power(level);
            }
        }
    }

    /// Cycles and numbers of operations.
    fn count_training(&mut self, trace: &SampleTrace) {
        let cycles = self.model.sample(trace, Mode::Train);
        self.training.cycles.add(&cycles);
        self.training.samples += 1;
        let longest = f64::from((1u32 << self.design.array.pulse_bits) - 1);
        let sums = self.layers.iter_mut().zip(&mut self.own);
        for ((layer, shape), (sums, own)) in trace.layers.iter().zip(&self.design.layers).zip(sums) {
            sums.skipped += layer.skipped as f64;
            for (place, (slot, alone)) in operations(self.design, layer).enumerate() {
                match slot.kind {
                    Kind::Decay { .. } | Kind::Transfer => sums.local += 1.0,
                    Kind::ReadVelocity | Kind::ReadSlice { .. } => {
                        sums.fast_reads += 1.0;
                        sums.rows_set += 1.0;
                    }
                    Kind::Write | Kind::WriteVelocity | Kind::WriteSlice { .. } => {
                        sums.slots += 1.0;
                        let carry = matches!(slot.kind, Kind::WriteSlice { .. });
                        if (slot.age == 0 || alone) && !carry {
                            sums.longest_pulse += f64::from(slot.longest) / longest;
                            *own += 1;
                        }
                        // The rows still hold the sample's own x until another pair is written.
                        let own = slot.age == 0 && place == 0;
                        if alone {
                            sums.rows_set += 1.0;
                        } else if self.design.training.ring() {
                            sums.ring_words += (shape.outputs + if own { 0 } else { shape.inputs }) as f64;
                            sums.rows_set += if own { 0.0 } else { shape.rows() as f64 };
                        }
                    }
                }
            }
        }
    }

    /// An inference, after a refresh or none.
    fn infer(&mut self, memory: MemoryTrace) {
        let trace = SampleTrace { memory, ..SampleTrace::default() };
        self.inference.cycles.add(&self.model.sample(&trace, Mode::Infer));
        self.inference.samples += 1;
    }

    fn finish(self, source: Source) -> Activity {
        let samples = self.training.samples.max(1) as f64;
        let mean = |((sums, own), layer): ((LayerActivity, u64), &Layer)| {
            let places = samples * layer.positions() as f64;
            LayerActivity {
                longest_pulse: sums.longest_pulse / own.max(1) as f64,
                mean_pulse: sums.mean_pulse / sums.slots.max(1.0),
                row_power: sums.row_power / samples,
                column_power: sums.column_power / samples,
                slots: sums.slots / places,
                skipped: sums.skipped / places,
                rows_set: sums.rows_set / places,
                ring_words: sums.ring_words / places,
                slot_power: sums.slot_power / places,
                pulse_energy: sums.pulse_energy / places,
                local: sums.local / samples,
                fast_reads: sums.fast_reads / places,
            }
        };
        let layers = self.layers.into_iter().zip(self.own).zip(&self.design.layers).map(mean).collect();
        Activity { source, training: self.training, inference: self.inference, layers }
    }
}

/// The operations of a layer, each with whether it drives one row alone: all of the unit `sram`, and what comes from
/// the read of one row on: the transfers of `tiki_taka`, carries between slices.
fn operations<'t>(design: &Design, layer: &'t LayerTrace) -> impl Iterator<Item = (&'t Slot, bool)> {
    let mut alone = design.training.momentum_unit.sram();
    layer.slots.iter().map(move |slot| {
        alone |= matches!(slot.kind, Kind::ReadVelocity | Kind::ReadSlice { .. });
        (slot, alone)
    })
}

impl Counted {
    /// Mean cycles of a sample in a phase.
    pub fn phase(&self, phase: crate::phases::Phase) -> f64 {
        self.cycles.phase(phase) as f64 / self.samples.max(1) as f64
    }

    /// Mean cycles of a sample.
    pub fn total(&self) -> f64 {
        self.cycles.total() as f64 / self.samples.max(1) as f64
    }

    /// Share of the cycles in which an array works.
    pub fn busy(&self) -> f64 {
        self.cycles.array_busy as f64 / self.cycles.total().max(1) as f64
    }
}

/// Mean square of codes.
fn power(codes: &[i32], full_scale: f64) -> f64 {
    let sum: i64 = codes.iter().map(|&c| i64::from(c) * i64::from(c)).sum();
    sum as f64 / codes.len().max(1) as f64 / (full_scale * full_scale)
}
