//! `[training]`, `[array]`, `[timing]` and `[data]`: their keys, defaults (those of the digits preset) and inner contradictions.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::build::IDX;
use super::defaults;
use super::derive::{ERROR_BITS_MAX, SCALE_LIMIT, learning_rate_code, momentum_code};
use super::design::MAX_CYCLES;
use super::engine::{self, EngineEntry, PAIRS_MAX};
use super::error::{Code, Problem, Span};
use super::reader::{Bounds, Entry, Found, Reader, Section};
use super::schedule::{self, EPOCHS_MAX, StepEntry};
use super::slices::SlicesEntry;
use super::transfer::TransferEntry;
use super::{
    Backend, Data, DataSource, FactorFormat, InputCoding, LocalTiming, Loss, MomentumKind, MomentumUnit, Optimizer,
    Rates, Rounding, ScheduleStep, StateMemory, Timing, Training, Transfer,
};

/// Rows and columns of an array that layers are cut into.
const TILE_LINES: RangeInclusive<i64> = 2..=65_536;
/// Words and classes of the data set that ships with memrtl.
const DIGITS: (usize, usize) = (64, 10);

/// `[array]` as read; `None` where a key is wrong.
pub(super) struct ArrayEntry {
    pub coding: Option<Found<InputCoding>>,
    pub dac: Option<Found<u32>>,
    pub adc: Option<Found<u32>>,
    pub pulse: Option<Found<u32>>,
    /// The inner `None`: not given.
    pub error: Option<Found<Option<u32>>>,
    pub adcs: Option<Found<i64>>,
    pub lanes: Option<Found<i64>>,
    /// The inner `None`: not given.
    pub rows: Option<Found<Option<i64>>>,
    pub cols: Option<Found<Option<i64>>>,
    pub slices: Option<SlicesEntry>,
    pub backend: Option<Found<Backend>>,
    /// The inner `None`: not given.
    pub state_memory: Option<Found<Option<StateMemory>>>,
    pub weight: Option<i32>,
}

pub(super) fn array(reader: &Reader<'_>, section: &Section<'_>) -> ArrayEntry {
    let dac = section.width("dac_bits", 2..=12).or(defaults::DAC_BITS);
    let mut error = section.width("error_bits", 2..=i64::from(ERROR_BITS_MAX)).optional();
    if let (Some(Found { value: Some(bits), span: Some(span) }), Some(dac)) = (&error, &dac)
        && *bits < dac.value
    {
        let problem = Problem::new(Code::OutOfRange, format!("`{}` is out of range", reader.quote(span)))
            .at(Some(span.clone()), format!("allowed: {} to {ERROR_BITS_MAX}", dac.value))
            .also(dac.span.clone(), "the driven error code takes the leading bits")
            .help(format!("nearest: `error_bits = {}`", dac.value));
        reader.report(problem);
        error = None;
    }
    let codings = [("amplitude", InputCoding::Amplitude), ("bit_serial", InputCoding::BitSerial)];
    ArrayEntry {
        coding: section.choice("input_coding", &codings).or(defaults::INPUT_CODING),
        dac,
        adc: section.width("adc_bits", 3..=14).or(defaults::ADC_BITS),
        pulse: section.width("pulse_bits", 2..=12).or(defaults::PULSE_BITS),
        error,
        adcs: section.power_of_two("adcs", 256).or(defaults::ADCS),
        lanes: section.power_of_two("lanes", 64).or(defaults::LANES),
        rows: section.int("rows", TILE_LINES).optional(),
        cols: section.int("cols", TILE_LINES).optional(),
        slices: SlicesEntry::read(reader, section),
        backend: section.choice("backend", &Backend::ALL).or(defaults::BACKEND),
        state_memory: section.choice("state_memory", &StateMemory::ALL).optional(),
        weight: section.full_scale("weight_range", SCALE_LIMIT).or(defaults::WEIGHT_RANGE).map(|found| found.value),
    }
}

/// An array outside the design has no memory in it.
pub(super) fn state_memory(reader: &Reader<'_>, array: &ArrayEntry) {
    let (Some(memory), Some(backend)) = (&array.state_memory, &array.backend) else { return };
    if memory.value.is_some() && !backend.value.emulated() {
        let why = "`state_memory` says nothing of an array outside the design";
        let problem = Problem::new(Code::DeviceBackend, why).at(memory.span.clone(), "").also(backend.span.clone(), "");
        reader.report(problem.help("remove it, or take `backend = \"fpga\"` or `\"emulated\"`"));
    }
}

/// `[training]` as read; `None` where a key is wrong.
pub(super) struct TrainingEntry {
    loss: Option<Found<Loss>>,
    optimizer: Option<Optimizer>,
    pub learning_rate: Option<Found<f64>>,
    momentum: Option<f64>,
    unit: Option<MomentumUnit>,
    kind: Option<MomentumKind>,
    batch: Option<usize>,
    history: Option<usize>,
    engine: EngineEntry,
    rounding: Option<Rounding>,
    /// The outer `None`: a key is wrong.
    transfer: Option<Option<Transfer>>,
    epochs: Option<usize>,
    schedule: Option<Vec<StepEntry>>,
    seed: Option<u64>,
    initial_weight: Option<Found<Option<f64>>>,
}

impl TrainingEntry {
    /// The loss, where the key is right.
    pub fn loss(&self) -> Option<&Found<Loss>> {
        self.loss.as_ref()
    }

    /// The momentum unit, where the key is right.
    pub fn unit(&self) -> Option<MomentumUnit> {
        self.unit
    }

    /// What a gradient is multiplied with, where the keys are right.
    pub fn factor(&self) -> Option<FactorFormat> {
        let gamma = momentum_code(self.optimizer?, self.momentum?);
        let format = FactorFormat::new(self.kind?, self.unit?, gamma, self.batch?);
        Some(self.steps()?.iter().fold(format, |format, step| format.down_to(step.rates.codes().1)))
    }

    /// The largest learning rate of the schedule, times what it is multiplied with; 0 without a schedule.
    pub fn scheduled(&self) -> Option<f64> {
        let factor = self.factor()?;
        let products =
            self.steps()?.into_iter().map(|s| s.rates.learning_rate * factor.write_gain_at(s.rates.codes().1));
        Some(products.fold(0.0, f64::max))
    }

    /// The schedule with all values filled in.
    fn steps(&self) -> Option<Vec<ScheduleStep>> {
        let rates = Rates::initial(self.optimizer?, self.learning_rate.as_ref()?.value, self.momentum?);
        Some(schedule::resolve(self.schedule()?, rates))
    }

    /// The keys of the unit.
    pub fn engine(&self) -> EngineEntry {
        self.engine.clone()
    }

    /// The steps of the schedule, where all keys are right.
    pub fn schedule(&self) -> Option<&[StepEntry]> {
        self.schedule.as_deref()
    }

    pub fn complete(&self) -> Option<Training> {
        Some(Training {
            loss: self.loss.as_ref()?.value,
            optimizer: self.optimizer?,
            learning_rate: self.learning_rate.as_ref()?.value,
            momentum: self.momentum?,
            momentum_unit: self.unit?,
            momentum_kind: self.kind?,
            batch: self.batch?,
            history: self.history?,
            velocity_guard: None,
            rounding: self.rounding?,
            transfer: self.transfer?,
            epochs: self.epochs?,
            schedule: self.steps()?,
            seed: self.seed?,
            initial_weight: self.initial_weight.as_ref()?.value,
        })
    }
}

pub(super) fn training(reader: &Reader<'_>, section: &Section<'_>) -> TrainingEntry {
    let losses = [Loss::Squared, Loss::CrossEntropy].map(|loss| (loss.name(), loss));
    let optimizers = [("sgd", Optimizer::Sgd), ("momentum", Optimizer::Momentum)];
    let optimizer = section.choice("optimizer", &optimizers).or(defaults::OPTIMIZER);
    let momentum = section.real("momentum", Bounds::at_least(0.0, "").below(1.0));
    let units =
        [MomentumUnit::None, MomentumUnit::History, MomentumUnit::InArray, MomentumUnit::Sram, MomentumUnit::TikiTaka]
            .map(|unit| (unit.name(), unit));
    let unit = section.choice("momentum_unit", &units);
    let kind = section.choice("momentum_kind", &MomentumKind::ALL.map(|kind| (kind.name(), kind)));
    let batch = section.int("batch", 1..=PAIRS_MAX).map(|n| n as usize);
    let history = section.int("history", 1..=PAIRS_MAX).map(|n| n as usize);
    let guard = section.int("velocity_guard", 0..=16).map(|n| n as u32);
    let rounding = section.choice("rounding", &Rounding::ALL.map(|rounding| (rounding.name(), rounding)));
    if let Some(optimizer) = &optimizer {
        contradictions(reader, optimizer, &momentum, &unit, &history);
    }
    let sgd = optimizer.as_ref().is_some_and(|o| o.value == Optimizer::Sgd);
    let engine = EngineEntry::new(&unit, &momentum, &kind, &batch, &history, guard).with_rounding(&rounding);
    let mut defaults = if sgd { defaults::SGD } else { defaults::MOMENTUM };
    if let Entry::Given(unit, _) = &unit
        && !unit.history()
    {
        defaults.2 = 1;
    }
    let unit = unit.or(defaults.1).map(|found| found.value);
    let transfer = TransferEntry::read(section);
    let epochs = section.int("epochs", 1..=EPOCHS_MAX).or(defaults::EPOCHS);
    let schedule = schedule::read(reader, section, epochs.as_ref(), optimizer.as_ref());
    TrainingEntry {
        loss: section.choice("loss", &losses).or(defaults::LOSS),
        transfer: unit.and_then(|unit| transfer.complete(reader, unit)),
        optimizer: optimizer.map(|found| found.value),
        learning_rate: learning_rate(reader, section),
        momentum: momentum.or(defaults.0).map(|found| found.value),
        unit,
        batch: batch.or(1).map(|found| found.value),
        kind: kind.or(MomentumKind::Classical).map(|found| found.value),
        history: history.or(defaults.2).map(|found| found.value),
        engine,
        rounding: rounding.or(Rounding::Residue).map(|found| found.value),
        epochs: epochs.map(|found| found.value as usize),
        schedule,
        seed: section.int("seed", 0..=i64::MAX).or(defaults::SEED).map(|found| found.value.unsigned_abs()),
        initial_weight: section.real("initial_weight", Bounds::above(0.0, "")).optional(),
    }
}

fn learning_rate(reader: &Reader<'_>, section: &Section<'_>) -> Option<Found<f64>> {
    register_rate(reader, section.real("learning_rate", Bounds::above(0.0, "").below(4.0)).or(defaults::LEARNING_RATE)?)
}

/// A learning rate that its register can hold.
pub(super) fn register_rate(reader: &Reader<'_>, rate: Found<f64>) -> Option<Found<f64>> {
    if learning_rate_code(rate.value) > 0 {
        return Some(rate);
    }
    let span = rate.span?;
    let message = format!("`{}` rounds to zero in the learning-rate register", reader.quote(&span));
    reader.report(
        Problem::new(Code::OutOfRange, message)
            .at(Some(span), "allowed: at least 2^-15 and below 4")
            .help("the register steps by 2^-14; a larger rate with smaller `max_update` gives finer pulses"),
    );
    None
}

/// Momentum without the means for it, or the means without momentum.
fn contradictions(
    reader: &Reader<'_>,
    optimizer: &Found<Optimizer>,
    momentum: &Entry<f64>,
    unit: &Entry<MomentumUnit>,
    history: &Entry<usize>,
) {
    let report = |span: &Span, message: String, label: &str, help: &str| {
        reader.report(
            Problem::new(Code::Optimizer, message)
                .at(Some(span.clone()), label)
                .also(optimizer.span.clone(), "")
                .help(help),
        );
    };
    if optimizer.value == Optimizer::Momentum {
        if let Entry::Given(MomentumUnit::None, span) = unit {
            report(
                span,
                format!("`{}` contradicts `optimizer = \"momentum\"`", reader.quote(span)),
                "momentum needs a unit that keeps it",
                "set `momentum_unit = \"history\"`; to train without momentum set `optimizer = \"sgd\"`",
            );
        }
        return;
    }
    let mut idle: Vec<(&Span, &str)> = Vec::new();
    if let Entry::Given(momentum, span) = momentum
        && *momentum != 0.0
    {
        idle.push((span, "allowed: 0"));
    }
    if let Entry::Given(unit, span) = unit
        && unit.momentum()
    {
        idle.push((span, "allowed: \"none\""));
    }
    if let Entry::Given(2.., span) = history {
        idle.push((span, "allowed: 1, the current pair alone"));
    }
    for (span, allowed) in idle {
        report(
            span,
            format!("`{}` contradicts `optimizer = \"sgd\"`", reader.quote(span)),
            allowed,
            "remove it, or set `optimizer = \"momentum\"`",
        );
    }
}

/// Initial weights that a layer's devices cannot hold. `layers`: name, place, exponent of the weight range.
pub(super) fn initial_weight<'n>(
    reader: &Reader<'_>,
    training: &TrainingEntry,
    layers: impl Iterator<Item = (&'n str, Option<Span>, i32)>,
) {
    let Some(Found { value: Some(weight), span }) = &training.initial_weight else { return };
    for (name, layer, range) in layers.filter(|(_, _, range)| *weight > 2f64.powi(*range)) {
        let range = 2f64.powi(range);
        reader.report(
            Problem::new(
                Code::InitialWeight,
                format!("`initial_weight = {weight}` is beyond the weights of layer `{name}`"),
            )
            .at(span.clone(), format!("allowed: at most {range}"))
            .also(layer, format!("`weight_range` is {range}"))
            .help("lower `initial_weight`, leave it out, or raise `weight_range`"),
        );
    }
}

pub(super) fn timing(reader: &Reader<'_>, section: &Section<'_>, unit: Option<MomentumUnit>) -> Option<Timing> {
    let clock = section.real("clock", Bounds::above(0.0, " ns")).or(defaults::CLOCK);
    let read_settle = section.real("read_settle", Bounds::at_least(0.0, " ns")).or(defaults::READ_SETTLE);
    let adc_conversion = section.real("adc_conversion", Bounds::above(0.0, " ns")).or(defaults::ADC_CONVERSION);
    let pulse_lsb = section.real("pulse_lsb", Bounds::above(0.0, " ns"));
    let local = ["decay", "transfer"].map(|key| (key, section.real(key, Bounds::above(0.0, " ns"))));
    let clock = clock?;
    let pulse_lsb = pulse_lsb.or(clock.value);
    let (settle_cycles, conversion_cycles, pulse_cycles) = (
        cycles(reader, "read_settle", &read_settle, &clock),
        cycles(reader, "adc_conversion", &adc_conversion, &clock),
        cycles(reader, "pulse_lsb", &pulse_lsb, &clock),
    );
    let local = if unit.is_some_and(MomentumUnit::in_array) {
        let [decay, transfer] = local.map(|(_, entry)| entry);
        let (decay, transfer) = (decay.or(defaults::DECAY), transfer.or(defaults::TRANSFER));
        let lengths = (cycles(reader, "decay", &decay, &clock), cycles(reader, "transfer", &transfer, &clock));
        Some(LocalTiming {
            decay_ns: decay?.value,
            transfer_ns: transfer?.value,
            decay: lengths.0?.max(1),
            transfer: lengths.1?.max(1),
        })
    } else {
        for (key, entry) in &local {
            if let (Entry::Given(_, span), Some(unit)) = (entry, unit) {
                engine::unused(reader, key, span, unit);
            }
        }
        None
    };
    Some(Timing {
        clock_ns: clock.value,
        read_settle_ns: read_settle?.value,
        adc_conversion_ns: adc_conversion?.value,
        pulse_lsb_ns: pulse_lsb?.value,
        read_settle: settle_cycles?,
        adc_conversion: conversion_cycles?.max(1),
        pulse_lsb: pulse_cycles?.max(1),
        local,
    })
}

/// Clock cycles of a time, rounded up.
fn cycles(reader: &Reader<'_>, key: &str, time: &Option<Found<f64>>, clock: &Found<f64>) -> Option<u32> {
    let time = time.as_ref()?;
    // 1.1 / 0.1 is a little more than 11 in binary; that is no twelfth cycle.
    let cycles = (time.value / clock.value * (1.0 - 1e-9)).ceil();
    if cycles <= f64::from(MAX_CYCLES) {
        return Some(cycles as u32);
    }
    let (time_ns, clock_ns) = (time.value, clock.value);
    reader.report(
        Problem::new(Code::TooManyCycles, format!("`{key}` of {time_ns} ns is too many cycles of {clock_ns} ns"))
            .at(time.span.clone().or(clock.span.clone()), format!("allowed: at most {MAX_CYCLES} cycles")),
    );
    None
}

/// `[data]` as read.
pub(super) struct DataEntry {
    pub data: Data,
    span: Option<Span>,
}

pub(super) fn data(reader: &Reader<'_>, section: &Section<'_>, base_dir: &Path) -> Option<DataEntry> {
    let test_fraction = section.real("test_fraction", Bounds::above(0.0, "").below(1.0)).or(defaults::TEST_FRACTION);
    let set = section.choice("set", &[("digits", ())]);
    let csv = path(reader, section.text("csv"));
    let idx = match section.get("idx") {
        None => Entry::Absent,
        Some(_) => idx(reader, &section.section("idx", IDX)),
    };
    let given: Vec<Span> = [set.span(), idx.span(), csv.span()].into_iter().flatten().collect();
    if let [first, rest @ ..] = given.as_slice()
        && !rest.is_empty()
    {
        let mut problem = Problem::new(Code::DataSource, "more than one data source")
            .at(Some(first.clone()), "allowed: one of `set`, `idx`, `csv`");
        for other in rest {
            problem = problem.also(Some(other.clone()), "");
        }
        reader.report(problem);
        return None;
    }
    let (written, span) = match (set, idx, csv) {
        (Entry::Bad, ..) | (_, Entry::Bad, _) | (.., Entry::Bad) => return None,
        (_, Entry::Given(source, span), _) => (source, Some(span)),
        (.., Entry::Given(path, span)) => (DataSource::Csv(path), Some(span)),
        (set, ..) => (DataSource::Digits, set.span()),
    };
    let source = match &written {
        DataSource::Digits => DataSource::Digits,
        DataSource::Csv(path) => DataSource::Csv(base_dir.join(path)),
        DataSource::Idx { images, labels } => {
            DataSource::Idx { images: base_dir.join(images), labels: base_dir.join(labels) }
        }
    };
    Some(DataEntry { data: Data { source, written, test_fraction: test_fraction?.value }, span })
}

fn idx(reader: &Reader<'_>, section: &Section<'_>) -> Entry<DataSource> {
    let file = |key: &str| match path(reader, section.text(key)) {
        Entry::Given(path, _) => Some(path),
        Entry::Bad => None,
        Entry::Absent => {
            section.missing(key, "write `idx = { images = \"images-file\", labels = \"labels-file\" }`");
            None
        }
    };
    match (file("images"), file("labels"), section.span.clone()) {
        (Some(images), Some(labels), Some(span)) => Entry::Given(DataSource::Idx { images, labels }, span),
        _ => Entry::Bad,
    }
}

/// A file name; whether the file is there is for the loader to find out.
fn path(reader: &Reader<'_>, text: Entry<String>) -> Entry<PathBuf> {
    let Entry::Given(text, span) = text else { return text.map(PathBuf::from) };
    if !text.is_empty() {
        return Entry::Given(PathBuf::from(text), span);
    }
    let message = format!("`{}` names no file", reader.quote(&span));
    reader.report(Problem::new(Code::OutOfRange, message).at(Some(span), "allowed: a path, relative to this file"));
    Entry::Bad
}

/// Whether the network fits the shipped data set. `last`: outputs and place of the last layer.
pub(super) fn data_shape(
    reader: &Reader<'_>,
    data: &DataEntry,
    inputs: &Found<usize>,
    last: Option<(usize, Option<Span>)>,
) {
    if data.data.source != DataSource::Digits {
        return;
    }
    let (words, classes) = DIGITS;
    let report = |message: String, span: Option<Span>, allowed: String| {
        let problem = Problem::new(Code::DataShape, message).at(span, allowed).also(data.span.clone(), "");
        reader.report(problem.help("other data is named by `idx` or `csv` in `[data]`"));
    };
    if inputs.value != words {
        let message = format!("`inputs = {}` does not fit the data set `digits`", inputs.value);
        report(message, inputs.span.clone(), format!("its samples have {words} words"));
    }
    if let Some((outputs, span)) = last
        && outputs < classes
    {
        let message = format!("`outputs = {outputs}` of the last layer does not fit the data set `digits`");
        report(message, span, format!("its samples have {classes} classes"));
    }
}
