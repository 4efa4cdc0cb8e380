//! Training and inference over a link, as `memrtl cosim` does them: the same data, order and rates, so the same weights.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{HostError, Machine, Weights};
use crate::data::{self, Dataset};
use crate::golden::{Mode, encode};
use crate::spec::Design;

/// Requests between two looks at whether the machine still runs: a reset would otherwise be seen at the end of the epoch only.
const LOOK_EVERY: u64 = 32;

/// What is to be trained.
pub struct Plan<'a> {
    pub train: &'a Dataset,
    pub test: &'a Dataset,
    pub epochs: usize,
}

/// A moment between two samples of a training, with what is needed to go on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Epoch, from 0, and samples of it that have been trained.
    pub epoch: usize,
    pub position: usize,
    /// Seed and samples per epoch of the training: a resumed one must have the same.
    pub seed: u64,
    pub samples: usize,
    /// The machine's count of samples: with the same weights a sign that it has been left alone.
    pub machine_samples: u64,
    pub weights: Weights,
}

impl Stage {
    /// Whether a training of `design` with `samples` samples per epoch can go on from here.
    pub fn fits(&self, design: &Design, samples: usize) -> bool {
        self.weights.spec_hash == design.spec_hash && self.seed == design.training.seed && self.samples == samples
    }
}

/// How far a run is; for progress bars.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// From 1.
    pub epoch: usize,
    pub training: bool,
    pub done: usize,
    pub total: usize,
}

/// What a training has brought.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub spec_hash: String,
    pub seed: u64,
    /// Test accuracy of each epoch that was finished: number from 1, right, of.
    pub epochs: Vec<(usize, usize, usize)>,
    /// Samples trained, and seconds for them.
    pub trained: u64,
    pub seconds: f64,
    /// The machine's counters over training.
    pub counters: Vec<(String, u64)>,
    /// Frames that had to be sent again.
    pub retries: u64,
    /// A resumed machine had been left alone, so that momentum went on, too; `None`: not resumed.
    pub intact: Option<bool>,
}

/// Trains, and tests after each epoch. `save` is told of the end of each epoch, and of the moment in which `stop` ended the run.
///
/// Without `from` the machine is reset and begins with the spec's initial weights. With it, a machine that was left alone goes on
/// as if it had never stopped; any other one gets the weights, and an empty momentum.
///
/// # Errors
/// Those of the link; [`HostError::Interrupted`] after `stop`, the machine idle and `save` told; what `save` says.
pub fn train<E: From<HostError>>(
    machine: &mut Machine,
    plan: &Plan<'_>,
    from: Option<&Stage>,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
    save: &mut dyn FnMut(&Stage) -> Result<(), E>,
) -> Result<Outcome, E> {
    let design = machine.design().clone();
    let intact = from.map(|stage| is_intact(machine, stage)).transpose()?;
    if intact != Some(true) {
        machine.soft_reset()?;
        match from {
            Some(stage) => stage.weights.write(machine)?,
            None => Weights::initial(&design).write(machine)?,
        }
        machine.clear_counters()?;
    }
    let mut outcome = Outcome {
        spec_hash: design.spec_hash.clone(),
        seed: design.training.seed,
        epochs: Vec::new(),
        trained: 0,
        seconds: 0.0,
        counters: Vec::new(),
        retries: 0,
        intact,
    };
    let first = from.map_or((0, 0), |stage| (stage.epoch, stage.position));
    for epoch in first.0..plan.epochs {
        machine.set_rates(epoch)?;
        let order = data::epoch_order(design.training.seed, epoch as u64, plan.train.len());
        let begin = if epoch == first.0 { first.1 } else { 0 };
        let before = machine.counters()?;
        let started = Instant::now();
        let mut tell_position = |done| tell(Progress { epoch: epoch + 1, training: true, done, total: order.len() });
        let position = train_pass(machine, plan.train, &order, begin, stop, &mut tell_position)?;
        outcome.seconds += started.elapsed().as_secs_f64();
        outcome.trained += (position - begin) as u64;
        add(&mut outcome.counters, &before, machine.counters()?);

        let mut tell_test = |done| tell(Progress { epoch: epoch + 1, training: false, done, total: plan.test.len() });
        let tested = match position == order.len() {
            true => infer(machine, plan.test, stop, &mut tell_test)?,
            false => None,
        };
        outcome.retries = machine.retries();
        let next = if tested.is_some() { (epoch + 1, 0) } else { (epoch, position) };
        save(&Stage {
            epoch: next.0,
            position: next.1,
            seed: design.training.seed,
            samples: plan.train.len(),
            machine_samples: machine.counter("samples")?,
            weights: Weights::read(machine)?,
        })?;
        match tested {
            Some(right) => outcome.epochs.push((epoch + 1, right, plan.test.len())),
            None => return Err(HostError::Interrupted.into()),
        }
    }
    Ok(outcome)
}

/// Whether the machine is as it was at that stage.
fn is_intact(machine: &mut Machine, stage: &Stage) -> Result<bool, HostError> {
    Ok(machine.counter("samples")? == stage.machine_samples
        && machine.is_idle()?
        && Weights::read(machine)? == stage.weights)
}

/// Trains with the samples of `order` from `begin` on; returns where it stopped, the machine idle.
fn train_pass(
    machine: &mut Machine,
    data: &Dataset,
    order: &[usize],
    begin: usize,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(usize),
) -> Result<usize, HostError> {
    let mut position = begin;
    if position == order.len() {
        return Ok(position);
    }
    let before = machine.counter("samples")?;
    machine.start(Mode::Train)?;
    let at_once = machine.at_once(Mode::Train);
    for (request, group) in order[begin..].chunks(at_once).enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let samples: Vec<(&[f32], usize)> =
            group.iter().map(|&index| (data.sample(index), usize::from(data.labels[index]))).collect();
        machine.train(&samples)?;
        position += group.len();
        if (request as u64).is_multiple_of(LOOK_EVERY) {
            machine.check_running(Mode::Train)?;
        }
        tell(position);
    }
    machine.stop(Mode::Train, before, (position - begin) as u64)?;
    Ok(position)
}

/// Classifies all samples of `data`; how many were right, or `None` if `stop` ended it. The machine is idle afterwards.
///
/// # Errors
/// Those of the link.
pub fn infer(
    machine: &mut Machine,
    data: &Dataset,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(usize),
) -> Result<Option<usize>, HostError> {
    let before = machine.counter("samples")?;
    machine.start(Mode::Infer)?;
    let at_once = machine.at_once(Mode::Infer);
    let all: Vec<usize> = (0..data.len()).collect();
    let (mut right, mut done) = (0, 0);
    for group in all.chunks(at_once) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let samples: Vec<&[f32]> = group.iter().map(|&index| data.sample(index)).collect();
        for (&index, output) in group.iter().zip(machine.infer(&samples)?) {
            right += usize::from(encode::classify(&output) == usize::from(data.labels[index]));
        }
        done += group.len();
        tell(done);
    }
    machine.stop(Mode::Infer, before, done as u64)?;
    Ok((done == data.len()).then_some(right))
}

/// Adds what counters have counted since `before`.
fn add(sum: &mut Vec<(String, u64)>, before: &[(String, u64)], after: Vec<(String, u64)>) {
    if sum.is_empty() {
        *sum = after.iter().map(|(name, _)| (name.clone(), 0)).collect();
    }
    for ((sum, before), after) in sum.iter_mut().zip(before).zip(after) {
        sum.1 += after.1 - before.1;
    }
}
