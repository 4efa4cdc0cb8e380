//! `[[training.schedule]]`: learning rates and momenta that change between the epochs of a run.

use serde::Serialize;

use super::derive::{learning_rate_code, momentum_code};
use super::error::{Code, Problem, Span};
use super::reader::{Bounds, Entry, Found, Reader, Section};
use super::sections;
use super::{Design, LEARNING_RATE_FRACTION, Optimizer, Training};
use crate::fixed;

pub(super) const KEYS: &[&str] = &["epoch", "learning_rate", "momentum"];
const HELP: &str = "write each step as `{ epoch = 4, learning_rate = 0.05, momentum = 0.5 }`";
/// Most epochs of a run.
pub(super) const EPOCHS_MAX: i64 = 100_000;

/// What the registers LEARNING_RATE and MOMENTUM stand for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// eta
    pub learning_rate: f64,
    /// gamma; 0 with plain SGD
    pub momentum: f64,
}

/// A change that the host makes before an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScheduleStep {
    /// From 1, as epochs are counted in reports.
    pub epoch: usize,
    pub rates: Rates,
}

impl Rates {
    /// Values of the registers LEARNING_RATE and MOMENTUM.
    pub fn codes(&self) -> (u32, u32) {
        // With plain SGD the momentum is 0.
        (learning_rate_code(self.learning_rate), momentum_code(Optimizer::Momentum, self.momentum))
    }
}

impl Training {
    /// Learning rate and momentum of the first epoch.
    pub fn initial_rates(&self) -> Rates {
        Rates::initial(self.optimizer, self.learning_rate, self.momentum)
    }

    /// Those of an epoch, from 0.
    pub fn rates(&self, epoch: usize) -> Rates {
        let reached = self.schedule.iter().rev().find(|step| step.epoch <= epoch + 1);
        reached.map_or(self.initial_rates(), |step| step.rates)
    }

    /// The largest momentum of a run as its register holds it: what words of velocities are sized for.
    pub fn largest_momentum_code(&self) -> u32 {
        self.schedule.iter().map(|step| step.rates.codes().1).fold(self.initial_rates().codes().1, u32::max)
    }
}

impl Rates {
    /// What a spec means; what its momentum is by default says nothing with plain SGD.
    pub(super) fn initial(optimizer: Optimizer, learning_rate: f64, momentum: f64) -> Rates {
        Rates { learning_rate, momentum: if optimizer == Optimizer::Sgd { 0.0 } else { momentum } }
    }
}

/// A step as read.
pub(super) struct StepEntry {
    epoch: Found<usize>,
    learning_rate: Option<Found<f64>>,
    momentum: Option<Found<f64>>,
}

/// Reads the steps; `None` where a key is wrong. `epochs` and `optimizer` are those of the run, where they are right.
pub(super) fn read(
    reader: &Reader<'_>,
    section: &Section<'_>,
    epochs: Option<&Found<i64>>,
    optimizer: Option<&Found<Optimizer>>,
) -> Option<Vec<StepEntry>> {
    let tables = match section.tables("schedule", KEYS, HELP) {
        Entry::Given(tables, _) => tables,
        Entry::Absent => return Some(Vec::new()),
        Entry::Bad => return None,
    };
    let count = tables.len();
    let mut steps: Vec<StepEntry> = Vec::with_capacity(count);
    for table in tables.into_iter().flatten() {
        let Some(step) = step(reader, &table, optimizer) else { continue };
        let mut fits = true;
        let mut refuse = |message: String, label: String, also: Option<Span>| {
            reader.report(Problem::new(Code::Schedule, message).at(step.epoch.span.clone(), label).also(also, ""));
            fits = false;
        };
        let epoch = step.epoch.value;
        if let Some(before) = steps.last().filter(|before| epoch <= before.epoch.value) {
            let last = before.epoch.value;
            refuse(
                format!("`epoch = {epoch}` does not come after `epoch = {last}`"),
                format!("allowed: more than {last}"),
                before.epoch.span.clone(),
            );
        }
        if let Some(epochs) = epochs.filter(|epochs| epoch as i64 > epochs.value) {
            let message = format!("`epoch = {epoch}` never comes");
            refuse(message, format!("the run has {} epochs", epochs.value), epochs.span.clone());
        }
        if fits {
            steps.push(step);
        }
    }
    (steps.len() == count).then_some(steps)
}

fn step(reader: &Reader<'_>, table: &Section<'_>, optimizer: Option<&Found<Optimizer>>) -> Option<StepEntry> {
    let epoch = match table.int("epoch", 2..=EPOCHS_MAX) {
        Entry::Absent => {
            table.missing("epoch", HELP);
            None
        }
        entry => entry.or(0),
    };
    let rate = table.real("learning_rate", Bounds::above(0.0, "").below(4.0)).optional();
    let momentum = table.real("momentum", Bounds::at_least(0.0, "").below(1.0)).optional();
    let (rate, momentum) = (rate?, momentum?);
    if rate.value.is_none() && momentum.value.is_none() {
        let message = "a step of the schedule changes nothing";
        reader.report(Problem::new(Code::Schedule, message).at(table.span.clone(), "").help(HELP));
        return None;
    }
    if let (Some(gamma), Some(optimizer)) = (momentum.value, optimizer)
        && gamma != 0.0
        && optimizer.value == Optimizer::Sgd
        && let Some(span) = &momentum.span
    {
        let message = format!("`{}` contradicts `optimizer = \"sgd\"`", reader.quote(span));
        let problem = Problem::new(Code::Optimizer, message).at(Some(span.clone()), "allowed: 0");
        reader.report(problem.also(optimizer.span.clone(), "").help("remove it, or set `optimizer = \"momentum\"`"));
        return None;
    }
    let found = |entry: Found<Option<f64>>| entry.value.map(|value| Found { value, span: entry.span.clone() });
    let learning_rate = match found(rate) {
        Some(rate) => Some(sections::register_rate(reader, rate)?),
        None => None,
    };
    let epoch = epoch?;
    let epoch = Found { value: epoch.value as usize, span: epoch.span };
    Some(StepEntry { epoch, learning_rate, momentum: found(momentum) })
}

/// The steps with what they leave as it was filled in.
pub(super) fn resolve(steps: &[StepEntry], mut rates: Rates) -> Vec<ScheduleStep> {
    let step = |step: &StepEntry| {
        rates.learning_rate = step.learning_rate.as_ref().map_or(rates.learning_rate, |found| found.value);
        rates.momentum = step.momentum.as_ref().map_or(rates.momentum, |found| found.value);
        ScheduleStep { epoch: step.epoch.value, rates }
    };
    steps.iter().map(step).collect()
}

/// Reports steps whose gradients have factors that do not fit, or so small that no error gives a pulse any more.
pub(super) fn check(reader: &Reader<'_>, design: &Design, entries: &[StepEntry]) {
    let format = design.factor_format();
    let unit = 2f64.powi(-(format.fraction() as i32));
    for (step, entry) in design.training.schedule.iter().zip(entries) {
        let spans = [&entry.learning_rate, &entry.momentum].map(|found| found.as_ref().and_then(|f| f.span.clone()));
        let at = spans.into_iter().flatten().next();
        let (eta, gamma) = step.rates.codes();
        // In the format's own range: that of a batch begins lower.
        let range = 2f64.powi(format.shift as i32 - LEARNING_RATE_FRACTION as i32);
        let factor = f64::from(eta) * range * format.gain_at(gamma);
        if factor >= 4.0 {
            let message = format!("the factor of a gradient is {factor:.3} from epoch {} on", step.epoch);
            let problem = Problem::new(Code::Engine, message).at(at.clone(), "allowed: below 4");
            reader.report(problem.note(format!(
                "1 + momentum {} times learning rate {}",
                step.rates.momentum, step.rates.learning_rate
            )));
        }
        let error = fixed::max_code(design.array.error_bits);
        let silent = |shift: u32| 2 * i64::from(format.factors(eta, gamma).rate()) * error < 1 << shift;
        let layers: Vec<_> = design.layers.iter().filter(|layer| silent(layer.shifts.width)).collect();
        let Some(shift) = layers.iter().map(|layer| layer.shifts.width).max() else { continue };
        let names: Vec<String> = layers.iter().map(|layer| format!("`{}`", layer.name)).collect();
        let plural = if names.len() == 1 { "" } else { "s" };
        let least = (1u64 << (shift - 1)).div_ceil(error.unsigned_abs()) as f64 * unit / format.gain_at(gamma);
        let message =
            format!("no error of layer{plural} {} gives a pulse from epoch {} on", names.join(", "), step.epoch);
        let problem = Problem::new(Code::AlwaysZero, message);
        let problem = problem.at(at, format!("allowed: learning rates of at least {least}"));
        reader.report(problem.help("pulses are finest with a small `max_update` of the layer and many `pulse_bits`"));
    }
}
