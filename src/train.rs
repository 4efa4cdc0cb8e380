//! Training of the golden model alone, over one or many seeds: the quick loop of who works on a device.
//!
//! No Verilog is generated and no simulator runs. Data, order, initial weights and arithmetic are those of a co-simulation with the same
//! seed: both end in the same device states.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use crate::cosim::{begin_epoch, float_net};
use crate::data::{self, DataError, Dataset};
use crate::device::DeviceError;
use crate::golden::float::{self, FloatNet};
use crate::golden::memory::MemoryTrace;
use crate::golden::{DeviceFault, Machine, Mode, SampleTrace, encode};
use crate::spec::{Design, Device, Imperfection, MomentumUnit};

/// Samples between two reports of progress and two looks at `stop`.
const STRIDE: usize = 64;

/// What to train.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// One network each; a seed chooses split, order, initial weights and the noise of the devices.
    pub seeds: Vec<u64>,
    /// Threads, each with one seed at a time; 0: as many as the machine has cores.
    pub jobs: usize,
    /// Uses only so many training and so many test samples.
    pub limit: Option<usize>,
    /// Trains the f64 reference beside.
    pub reference: bool,
}

/// Test accuracies after one epoch, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    pub golden: f64,
    /// Independent f64 network; none without [`Options::reference`].
    pub float: Option<f64>,
}

/// What one seed came to; the same on every machine and with any number of threads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    pub seed: u64,
    /// Test accuracy after the last epoch, 0 to 1.
    pub accuracy: f64,
    pub accuracy_float: Option<f64>,
    pub epochs: Vec<Epoch>,
    /// Training samples.
    pub samples: u64,
    /// Write slots, and stored pairs passed over for want of a pulse.
    pub slots: u64,
    pub slots_skipped: u64,
    /// See [`Machine::states_hash`].
    pub weights_hash: String,
}

/// One seed with its speed.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Training samples of the golden model per second of its thread, without tests and reference.
    pub samples_per_second: f64,
}

/// A finished sweep.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub name: String,
    pub device: Device,
    pub momentum_unit: MomentumUnit,
    pub spec_hash: String,
    /// What makes the arrays imperfect (`[array.nonideal]`); empty for perfect ones.
    pub imperfections: Vec<Imperfection>,
    pub runs: Vec<Run>,
    pub accuracy: Spread,
    pub accuracy_float: Option<Spread>,
    /// Training samples of all seeds per second of wall time, everything included.
    pub samples_per_second: f64,
    pub wall_seconds: f64,
    pub jobs: usize,
}

/// Mean and sample standard deviation (none of a single value).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: &[f64]) -> Spread {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Spread { mean, deviation: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()) }
    }
}

/// Why a sweep did not finish.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("no seed to train")]
    NoSeeds,
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error("seed {seed}, sample {sample}: {fault}")]
    Fault { seed: u64, sample: u64, fault: DeviceFault },
    #[error("interrupted: seed {seed} stopped after {samples} samples, nothing is written")]
    Interrupted { seed: u64, samples: u64 },
    #[error("{jobs} threads cannot be had: {cause}")]
    Threads { jobs: usize, cause: rayon::ThreadPoolBuildError },
}

/// Samples, training and test, that a sweep runs: what [`sweep`] tells adds up to it.
///
/// # Errors
/// Data that cannot be read or do not fit the design.
pub fn total_samples(design: &Design, options: &Options) -> Result<u64, TrainError> {
    let data = load(design)?;
    let (train, test) = split(design, &data, design.training.seed, options.limit)?;
    Ok((options.seeds.len() * design.training.epochs * (train.len() + test.len())) as u64)
}

/// Trains `design` once per seed. `stop` ends all of them within a few samples; `tell` hears of samples done, in small numbers, from any
/// thread.
///
/// # Errors
/// Data that cannot be read or do not fit, a device whose state is no number any more, an interruption; of several the first in the order
/// of the seeds.
pub fn sweep(
    design: &Design,
    options: &Options,
    stop: &AtomicBool,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Summary, TrainError> {
    if options.seeds.is_empty() {
        return Err(TrainError::NoSeeds);
    }
    let data = load(design)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.jobs)
        .build()
        .map_err(|cause| TrainError::Threads { jobs: options.jobs, cause })?;
    let started = Instant::now();
    let results: Vec<_> = pool.install(|| {
        // One seed is one piece of work: threads that are done take the next one.
        let seeds = options.seeds.par_iter().with_max_len(1);
        seeds.map(|&seed| run(design, &data, seed, options, stop, tell)).collect()
    });
    let runs = results.into_iter().collect::<Result<Vec<Run>, _>>()?;
    let wall_seconds = started.elapsed().as_secs_f64();
    let golden: Vec<f64> = runs.iter().map(|r| r.outcome.accuracy).collect();
    let float: Option<Vec<f64>> = runs.iter().map(|r| r.outcome.accuracy_float).collect();
    Ok(Summary {
        name: design.name.clone(),
        device: design.device.clone(),
        momentum_unit: design.training.momentum_unit,
        spec_hash: design.spec_hash.clone(),
        imperfections: design.nonideal.listed(),
        accuracy: Spread::of(&golden),
        accuracy_float: float.as_deref().map(Spread::of),
        samples_per_second: runs.iter().map(|r| r.outcome.samples).sum::<u64>() as f64 / wall_seconds,
        wall_seconds,
        jobs: pool.current_num_threads(),
        runs,
    })
}

fn load(design: &Design) -> Result<Dataset, DataError> {
    let data = Dataset::load(&design.data.source)?;
    data.check(design)?;
    Ok(data)
}

fn split(design: &Design, data: &Dataset, seed: u64, limit: Option<usize>) -> Result<(Dataset, Dataset), DataError> {
    let (train, test) = data.split(design.data.test_fraction, seed)?;
    let shorten = |set: Dataset| match limit {
        Some(most) if most < set.len() => set.select(&(0..most).collect::<Vec<_>>()),
        _ => set,
    };
    Ok((shorten(train), shorten(test)))
}

fn run(
    design: &Design,
    data: &Dataset,
    seed: u64,
    options: &Options,
    stop: &AtomicBool,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Run, TrainError> {
    let mut design = design.clone();
    design.training.seed = seed;
    let (train, test) = split(&design, data, seed, options.limit)?;
    let mut trainer = Trainer::new(&design)?;
    let mut float = options.reference.then(|| float_net(&design));
    let (mut spent, mut epochs) = (Duration::ZERO, Vec::new());
    for epoch in 0..design.training.epochs {
        let order = data::epoch_order(seed, epoch as u64, train.len());
        trainer.machine.begin_epoch(&design, epoch);
        if let Some(net) = &mut float {
            begin_epoch(net, &design, epoch);
        }
        let started = Instant::now();
        for chunk in order.chunks(STRIDE) {
            trainer.pass(&train, chunk, Mode::Train)?;
            trainer.report(chunk.len(), stop, tell)?;
        }
        spent += started.elapsed();
        if epoch + 1 == design.training.epochs && design.nonideal.age > 0.0 {
            trainer.machine.age(design.nonideal.age);
        }
        let all: Vec<usize> = (0..test.len()).collect();
        let mut right = 0;
        for chunk in all.chunks(STRIDE) {
            right += trainer.pass(&test, chunk, Mode::Infer)?;
            trainer.report(chunk.len(), stop, tell)?;
        }
        epochs.push(Epoch {
            epoch: epoch + 1,
            golden: right as f64 / test.len().max(1) as f64,
            float: float.as_mut().map(|net| reference(&design, net, &train, &order, &test)),
        });
    }
    let last = epochs.last().copied();
    let outcome = Outcome {
        seed,
        accuracy: last.map_or(0.0, |e| e.golden),
        accuracy_float: last.and_then(|e| e.float),
        epochs,
        samples: trainer.trained,
        slots: trainer.slots,
        slots_skipped: trainer.skipped,
        weights_hash: trainer.machine.states_hash(),
    };
    Ok(Run { samples_per_second: trainer.trained as f64 / spent.as_secs_f64(), outcome })
}

/// One epoch of the f64 network; its test accuracy.
fn reference(design: &Design, net: &mut FloatNet, train: &Dataset, order: &[usize], test: &Dataset) -> f64 {
    for &index in order {
        let target = design
            .layers
            .last()
            .map_or(Vec::new(), |l| float::target(usize::from(train.labels[index]), l.outputs, l.activation));
        net.train(&train.sample_f64(index), &target);
    }
    net.accuracy((0..test.len()).map(|i| (test.sample_f64(i), usize::from(test.labels[i]))))
}

/// A golden machine fed with samples of a data set; all memory is reused from sample to sample.
pub struct Trainer<'a> {
    design: &'a Design,
    pub machine: Machine,
    trace: SampleTrace,
    input: Vec<i32>,
    /// Target codes of every class.
    targets: Vec<Vec<i32>>,
    /// Samples so far, and those among them that trained.
    samples: u64,
    pub trained: u64,
    pub slots: u64,
    pub skipped: u64,
}

impl<'a> Trainer<'a> {
    /// The machine of `design` with its initial weights, programmed by its memory controller if the spec says so.
    ///
    /// # Errors
    /// A device that cannot do what the design asks of it.
    pub fn new(design: &'a Design) -> Result<Self, TrainError> {
        let mut machine = Machine::new(design)?;
        machine.program_initial(design, &mut MemoryTrace::default())?;
        let seed = design.training.seed;
        machine.sound().map_err(|fault| TrainError::Fault { seed, sample: 0, fault })?;
        Ok(Trainer {
            design,
            machine,
            trace: SampleTrace::default(),
            input: Vec::new(),
            targets: (0..design.outputs()).map(|class| encode::target_codes(design, class)).collect(),
            samples: 0,
            trained: 0,
            slots: 0,
            skipped: 0,
        })
    }

    /// Runs the samples `indices` of `data`, which must fit the design ([`Dataset::check`]); how many were classified right.
    ///
    /// # Errors
    /// A device whose state is no number any more.
    pub fn pass(&mut self, data: &Dataset, indices: &[usize], mode: Mode) -> Result<usize, TrainError> {
        let mut right = 0;
        for &index in indices {
            let class = usize::from(data.labels[index]);
            encode::input_codes_into(self.design, data.sample(index), &mut self.input);
            let result = self.machine.run(&self.input, &self.targets[class], mode, &mut self.trace);
            let (seed, sample) = (self.design.training.seed, self.samples);
            result.map_err(|fault| TrainError::Fault { seed, sample, fault })?;
            self.samples += 1;
            right += usize::from(encode::classify(self.trace.output()) == class);
            if mode == Mode::Train {
                self.trained += 1;
                for layer in &self.trace.layers {
                    self.slots += layer.slots.len() as u64;
                    self.skipped += layer.skipped as u64;
                }
            }
        }
        Ok(right)
    }

    fn report(&self, done: usize, stop: &AtomicBool, tell: &(dyn Fn(u64) + Sync)) -> Result<(), TrainError> {
        tell(done as u64);
        if stop.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted { seed: self.design.training.seed, samples: self.samples });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_that_of_a_sample() {
        let s = Spread::of(&[0.9, 0.95, 1.0]);
        assert!((s.mean - 0.95).abs() < 1e-12 && (s.deviation.unwrap() - 0.05).abs() < 1e-12);
        assert_eq!(Spread::of(&[0.5]).deviation, None);
    }
}
