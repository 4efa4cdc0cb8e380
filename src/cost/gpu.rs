//! Graphics cards: data with a source, and the three baselines that follow from them.

use std::path::Path;

use serde::Serialize;
use toml::de::DeTable;

use super::CostError;
use super::shapes::Shape;
use crate::spec::error::{Code, Problem};
use crate::spec::reader::{Entry, Reader, Section};
use crate::spec::{SpecErrors, Unit};

const EMBEDDED: &str = include_str!("../../assets/gpu/gtx-1080-ti.toml");
const EMBEDDED_NAME: &str = "assets/gpu/gtx-1080-ti.toml";

const TOP: &[&str] = &["card", "one_by_one", "large_batch", "measurement"];
const CARD: &[&str] = &["name", "peak", "bandwidth", "power", "status", "source"];
const ONE: &[&str] = &["batch_size", "iteration", "low", "high", "power", "status", "framework", "source"];
const LARGE: &[&str] = &["batch_size", "efficiency", "power", "status", "framework", "source"];
const MEASUREMENT: &[&str] =
    &["network", "baseline", "batch_size", "iteration", "low", "high", "power", "framework", "by", "date"];
const SCHEMA: &[(&str, &[&str])] = &[
    ("the top level", TOP),
    ("[card]", CARD),
    ("[one_by_one]", ONE),
    ("[large_batch]", LARGE),
    ("[[measurement]]", MEASUREMENT),
];
/// Largest batch that is believed.
const BATCH_MAX: i64 = 1 << 24;

/// Bytes of a word in training, and words of a weight that a step moves: two reads of W, then W, V and the gradient read or written.
const WORD: f64 = 4.0;
const WEIGHT_WORDS: f64 = 7.0;

/// What a speed-up is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// One sample at a time, framework and launches included: the published way.
    OneByOne,
    /// One sample at a time, nothing but the larger of computing and moving data.
    Roofline,
    /// A large batch: another algorithm, with one step of the weights per batch.
    LargeBatch,
}

impl Baseline {
    pub const ALL: [Baseline; 3] = [Baseline::OneByOne, Baseline::Roofline, Baseline::LargeBatch];

    /// In tables and pictures.
    pub fn words(self) -> &'static str {
        match self {
            Baseline::OneByOne => "one by one, launches included",
            Baseline::Roofline => "roofline, one by one",
            Baseline::LargeBatch => "large batch",
        }
    }
}

/// Whether a figure was measured or follows from assumptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    Measured,
    /// From data-sheet figures alone.
    Published,
    Assumed,
}

impl Basis {
    const ALL: [(&'static str, Basis); 3] =
        [("measured", Basis::Measured), ("published", Basis::Published), ("assumed", Basis::Assumed)];

    pub fn name(self) -> &'static str {
        match self {
            Basis::Measured => "measured",
            Basis::Published => "published",
            Basis::Assumed => "assumed",
        }
    }
}

/// A card as its data sheet has it; `None` where the file says nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    pub name: String,
    /// Floating-point operations per second.
    pub peak: Option<f64>,
    /// Bytes per second.
    pub bandwidth: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
    pub status: Basis,
    pub source: String,
}

/// Iterations of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Iterations {
    pub batch_size: u64,
    /// Seconds of an iteration, and the range that they may lie in.
    pub iteration: f64,
    pub low: f64,
    pub high: f64,
    /// Watts.
    pub power: Option<f64>,
    pub basis: Basis,
    pub source: String,
}

/// Many samples at a time, where nobody measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LargeBatch {
    pub batch_size: u64,
    /// Share of the roofline that is reached.
    pub efficiency: f64,
    pub power: Option<f64>,
    pub source: String,
}

/// A measured network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    pub network: String,
    pub baseline: Baseline,
    #[serde(flatten)]
    pub iterations: Iterations,
}

/// Everything that a file says of a card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gpu {
    pub card: Card,
    pub one_by_one: Option<Iterations>,
    pub large_batch: Option<LargeBatch>,
    pub measurements: Vec<Measurement>,
}

/// What a card takes for a training sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GpuCost {
    pub baseline: Baseline,
    pub batch_size: u64,
    /// Seconds of a sample, and the range that they may lie in.
    pub seconds: f64,
    pub low: f64,
    pub high: f64,
    /// Joules of a sample.
    pub joules: Option<f64>,
    pub basis: Basis,
    /// Where the figures come from and what they are.
    pub source: String,
}

impl Gpu {
    /// The card that memrtl ships.
    ///
    /// # Errors
    /// None, unless the shipped file is broken.
    pub fn embedded() -> Result<Gpu, CostError> {
        Ok(Gpu::parse(EMBEDDED, EMBEDDED_NAME)?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, and everything wrong in it.
    pub fn load(path: &Path) -> Result<Gpu, CostError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| CostError::Read { file: name.clone(), cause })?;
        Ok(Gpu::parse(&text, &name)?)
    }

    /// Reads a text; `name` is shown in messages.
    ///
    /// # Errors
    /// Everything wrong in it: a card without a name, figures without a batch size or a source, impossible numbers.
    pub fn parse(text: &str, name: &str) -> Result<Gpu, SpecErrors> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(SpecErrors::new(name, text, crate::spec::syntax(text, &errors)));
        }
        let reader = Reader::new(text, SCHEMA);
        let gpu = read(&reader, table.get_ref());
        let problems = reader.into_problems();
        match gpu {
            Some(gpu) if problems.is_empty() => Ok(gpu),
            _ => Err(SpecErrors::new(name, text, problems)),
        }
    }

    /// A training sample of a network of `shapes` by a baseline; `None` where the file lacks what it takes.
    pub fn cost(&self, baseline: Baseline, network: &str, shapes: &[Shape]) -> Option<GpuCost> {
        let measured = self.measurements.iter().find(|m| m.baseline == baseline && m.network == network);
        if let Some(measurement) = measured {
            return Some(self.of_iterations(baseline, &measurement.iterations));
        }
        match baseline {
            Baseline::OneByOne => {
                let assumed = self.of_iterations(baseline, self.one_by_one.as_ref()?);
                // Large networks take as long as they compute, whatever a launch takes.
                let bound = self.roofline(shapes, 1).unwrap_or(0.0);
                let least = |seconds: f64| seconds.max(bound);
                let seconds = least(assumed.seconds);
                let joules = assumed.joules.map(|joules| joules * seconds / assumed.seconds);
                Some(GpuCost { seconds, low: least(assumed.low), high: least(assumed.high), joules, ..assumed })
            }
            Baseline::Roofline => {
                let seconds = self.roofline(shapes, 1)?;
                let source = format!("max(operations / peak, bytes / bandwidth): {}", self.card.source);
                let joules = self.card.power.map(|power| power * seconds);
                let (low, high, basis) = (seconds, seconds, self.card.status);
                Some(GpuCost { baseline, batch_size: 1, seconds, low, high, joules, basis, source })
            }
            Baseline::LargeBatch => {
                let large = self.large_batch.as_ref()?;
                let bound = self.roofline(shapes, large.batch_size)? / large.efficiency;
                let latency = self.one_by_one.as_ref().map(|one| (one.iteration, one.low, one.high));
                let samples = large.batch_size as f64;
                // Launches and computing overlap: whichever takes longer.
                let per_sample = |latency: f64| bound.max(latency) / samples;
                let (seconds, low, high) = latency.map_or((0.0, 0.0, 0.0), |latency| latency);
                let (seconds, low, high) = (per_sample(seconds), per_sample(low), per_sample(high));
                let joules = large.power.or(self.card.power).map(|power| power * seconds);
                let (batch_size, basis, source) = (large.batch_size, Basis::Assumed, large.source.clone());
                Some(GpuCost { baseline, batch_size, seconds, low, high, joules, basis, source })
            }
        }
    }

    fn of_iterations(&self, baseline: Baseline, iterations: &Iterations) -> GpuCost {
        let samples = iterations.batch_size as f64;
        let seconds = iterations.iteration / samples;
        let joules = iterations.power.or(self.card.power).map(|power| power * seconds);
        GpuCost {
            baseline,
            batch_size: iterations.batch_size,
            seconds,
            low: iterations.low / samples,
            high: iterations.high / samples,
            joules,
            basis: iterations.basis,
            source: iterations.source.clone(),
        }
    }

    /// Least seconds of an iteration of `batch` samples.
    fn roofline(&self, shapes: &[Shape], batch: u64) -> Option<f64> {
        let batch = batch as f64;
        let computing = operations(shapes) * batch / self.card.peak?;
        let moving = (weight_bytes(shapes) + activation_bytes(shapes) * batch) / self.card.bandwidth?;
        Some(computing.max(moving))
    }
}

/// Floating-point operations of a training sample: forward, gradient of the weights, and of the inputs but for the first layer.
pub fn operations(shapes: &[Shape]) -> f64 {
    let product = |shape: &Shape| 2.0 * shape.weights() as f64 * shape.positions as f64;
    shapes.iter().enumerate().map(|(index, shape)| product(shape) * if index > 0 { 3.0 } else { 2.0 }).sum()
}

/// Bytes of weights, velocities and gradients that a step moves.
pub fn weight_bytes(shapes: &[Shape]) -> f64 {
    shapes.iter().map(|shape| WORD * WEIGHT_WORDS * shape.weights() as f64).sum()
}

/// Bytes of inputs and outputs of all layers that a sample moves: forward, and their gradients twice.
pub fn activation_bytes(shapes: &[Shape]) -> f64 {
    shapes.iter().map(|shape| 3.0 * WORD * (shape.words + shape.outputs * shape.positions) as f64).sum()
}

fn read(reader: &Reader<'_>, table: &DeTable<'_>) -> Option<Gpu> {
    let top = Section::new(reader, String::new(), Some(table), Some(0..0), TOP);
    if top.get("card").is_none() {
        let problem = Problem::new(Code::GpuData, "the file names no card").at(Some(0..0), "");
        reader.report(problem.help("begin with `[card]`, its `name`, `status` and `source`"));
        return None;
    }
    let section = top.section("card", CARD);
    let name = text(reader, &section, "name", "the card's name, for example `name = \"NVIDIA H100\"`");
    let (peak, bandwidth) =
        (section.quantity("peak", Unit::Operations, false), section.quantity("bandwidth", Unit::Bandwidth, false));
    let power = section.quantity("power", Unit::Power, false);
    let status = basis(&section);
    let source = text(reader, &section, "source", "say where these figures come from");
    let card = || {
        Some(Card {
            name: name?,
            peak: peak.optional()?.value,
            bandwidth: bandwidth.optional()?.value,
            power: power.optional()?.value,
            status: status?,
            source: source?,
        })
    };
    let card = card();
    let one = top.get("one_by_one").map(|_| one_by_one(reader, &top.section("one_by_one", ONE)));
    let large = top.get("large_batch").map(|_| large_batch(reader, &top.section("large_batch", LARGE)));
    let help =
        "write each as `[[measurement]]` with `network`, `baseline`, `batch_size`, `iteration`, `framework`, `by`";
    let list = match top.tables("measurement", MEASUREMENT, help) {
        Entry::Given(list, _) => list.into_iter().map(|s| measurement(reader, &s?)).collect::<Option<Vec<_>>>(),
        Entry::Absent => Some(Vec::new()),
        Entry::Bad => None,
    };
    Some(Gpu {
        card: card?,
        one_by_one: one.map_or(Some(None), |one| one.map(Some))?,
        large_batch: large.map_or(Some(None), |large| large.map(Some))?,
        measurements: list?,
    })
}

/// A text that must be there and say something.
fn text(reader: &Reader<'_>, section: &Section<'_>, key: &str, help: &str) -> Option<String> {
    match section.text(key) {
        Entry::Absent => {
            section.missing(key, help);
            None
        }
        Entry::Bad => None,
        Entry::Given(text, span) if text.trim().is_empty() => {
            let message = format!("`{}` says nothing", reader.quote(&span));
            reader.report(Problem::new(Code::GpuData, message).at(Some(span), help));
            None
        }
        Entry::Given(text, _) => Some(text),
    }
}

fn basis(section: &Section<'_>) -> Option<Basis> {
    match section.choice("status", &Basis::ALL) {
        Entry::Absent => {
            section.missing("status", "one of \"measured\", \"published\", \"assumed\"");
            None
        }
        entry => entry.optional()?.value,
    }
}

/// Samples of an iteration; `allowed` are those that the baseline is about.
fn batch_size(section: &Section<'_>, allowed: std::ops::RangeInclusive<i64>) -> Option<u64> {
    match section.int("batch_size", allowed) {
        Entry::Absent => {
            section.missing(
                "batch_size",
                "times and energies are those of a batch size: give it, for example `batch_size = 1`",
            );
            None
        }
        entry => Some(entry.optional()?.value?.unsigned_abs()),
    }
}

/// Time of an iteration with its range.
fn seconds(reader: &Reader<'_>, section: &Section<'_>) -> Option<(f64, f64, f64)> {
    let iteration = match section.quantity("iteration", Unit::Time, false) {
        Entry::Absent => {
            section.missing("iteration", "give the time of an iteration, for example `iteration = \"0.5 ms\"`");
            None
        }
        entry => entry.optional()?.value,
    };
    let (low, high) = (section.quantity("low", Unit::Time, false), section.quantity("high", Unit::Time, false));
    let (low, high) = (low.optional()?, high.optional()?);
    let iteration = iteration?;
    for (value, span, outside) in [
        (low.value, low.span, low.value.is_some_and(|v| v > iteration)),
        (high.value, high.span, high.value.is_some_and(|v| v < iteration)),
    ] {
        if let (Some(_), Some(span), true) = (value, span, outside) {
            let message = format!("`{}` is on the wrong side of `iteration`", reader.quote(&span));
            let label = format!("`iteration` is {}", Unit::Time.text(iteration));
            reader.report(Problem::new(Code::GpuData, message).at(Some(span), label));
            return None;
        }
    }
    Some((iteration, low.value.unwrap_or(iteration), high.value.unwrap_or(iteration)))
}

fn one_by_one(reader: &Reader<'_>, section: &Section<'_>) -> Option<Iterations> {
    let batch_size = batch_size(section, 1..=1);
    let times = seconds(reader, section);
    let power = section.quantity("power", Unit::Power, false).optional();
    let basis = basis(section);
    let framework = text(reader, section, "framework", "name the framework");
    let source = text(reader, section, "source", "say who measured or assumed this");
    let (iteration, low, high) = times?;
    let source = format!("{}; {}", source?, framework?);
    Some(Iterations { batch_size: batch_size?, iteration, low, high, power: power?.value, basis: basis?, source })
}

fn large_batch(reader: &Reader<'_>, section: &Section<'_>) -> Option<LargeBatch> {
    let batch_size = batch_size(section, 2..=BATCH_MAX);
    let efficiency = section.quantity("efficiency", Unit::Share, false).or(1.0);
    let power = section.quantity("power", Unit::Power, false).optional();
    let status = basis(section);
    let framework = text(reader, section, "framework", "name the framework");
    let source = text(reader, section, "source", "say who measured or assumed this");
    status?;
    let source = format!("{}; {}", source?, framework?);
    Some(LargeBatch { batch_size: batch_size?, efficiency: efficiency?.value, power: power?.value, source })
}

fn measurement(reader: &Reader<'_>, section: &Section<'_>) -> Option<Measurement> {
    let network = text(reader, section, "network", "the network's name as `memrtl compare` lists it");
    let baselines = [("one_by_one", Baseline::OneByOne), ("large_batch", Baseline::LargeBatch)];
    let baseline = match section.choice("baseline", &baselines) {
        Entry::Absent => {
            section.missing("baseline", "\"one_by_one\" or \"large_batch\"");
            None
        }
        entry => entry.optional()?.value,
    };
    let allowed = if baseline == Some(Baseline::OneByOne) { 1..=1 } else { 1..=BATCH_MAX };
    let batch_size = batch_size(section, allowed);
    let times = seconds(reader, section);
    let power = section.quantity("power", Unit::Power, false).optional();
    let framework = text(reader, section, "framework", "name the framework with its version");
    let by = text(reader, section, "by", "say who measured, or with what");
    let date = section.text("date").optional();
    let (iteration, low, high) = times?;
    let source = match date?.value {
        Some(date) => format!("measured by {}, {date}; {}", by?, framework?),
        None => format!("measured by {}; {}", by?, framework?),
    };
    let (batch_size, power, basis) = (batch_size?, power?.value, Basis::Measured);
    let iterations = Iterations { batch_size, iteration, low, high, power, basis, source };
    Some(Measurement { network: network?, baseline: baseline?, iterations })
}
