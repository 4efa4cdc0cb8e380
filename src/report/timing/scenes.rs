//! The pictures of docs/array-macro.md: which design runs, what is looked at, and what is said about it.
//!
//! Nothing here knows a wave: every value, bracket and shade is taken from a recording.

use verilated::Library;

use super::record::{Cycle, Flow, Hook, Kind, Operation, Pins, Recorder, Sample, operations};
use super::units;
use super::{Diagram, Driver, Row, SAMPLES, Span, TimingError, Tone, Value, Wave};
use crate::cosim::{self, CosimError, Options};
use crate::phases::Phase;
use crate::rtl::Rtl;
use crate::spec::Design;

/// Cycles shown before and after the operation.
const LEAD: usize = 2;
/// Cycles by which the slow macro prolongs its slots.
const SLOW: usize = 4;
/// Cycle of a slot in which the reset comes.
const RESET_AT: usize = 3;
/// Cycles recorded after it.
const AFTER_RESET: usize = 6;

/// A finished picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Name of its file.
    pub file: &'static str,
    pub svg: String,
}

/// The array that is looked at: the last, the only one that does all three operations first thing in a sample.
pub(super) struct View<'a> {
    pub design: &'a Design,
    pub layer: usize,
    pub picture: &'static str,
}

/// Records the example `design` in training on `samples` (at least [`SAMPLES`]) and draws all pictures.
///
/// # Errors
/// A simulator that cannot be had, a mismatch with the golden model, or a design that does not do what a picture shows.
pub fn draw_all(design: &Design, samples: &[Sample], options: &Options) -> Result<Vec<Picture>, TimingError> {
    let plain = record(design, samples, options)?;
    let library = build(design, options)?;

    // One word at a time to the read path and the fastest converter: codes come faster than they are taken.
    let mut narrow = design.clone();
    narrow.array.lanes = 1;
    narrow.timing.adc_conversion = 1;
    narrow.refresh_hash();
    let waiting = record(&narrow, samples, options)?;

    let layer = design.layers.len() - 1;
    let slow = Recorder::new(design, &library)?.train(samples, false, &mut slow_macro(layer))?;
    let aborted = Recorder::new(design, &library)?.train(samples, false, &mut reset_in_slot(layer))?;

    let view = |picture| View { design, layer, picture };
    let mut pictures = vec![
        view("forward-read.svg").read(&plain, Kind::Forward)?,
        view("transposed-read.svg").read(&plain, Kind::Transposed)?,
        View { design: &narrow, layer, picture: "read-wait.svg" }.read(&waiting, Kind::Forward)?,
        view("write-slots.svg").slots(&plain)?,
        view("slow-macro.svg").slow_slot(&slow)?,
        view("abort.svg").abort(&aborted)?,
        view("sample.svg").sample(&plain)?,
    ];
    pictures.extend(units::draw(design, samples, options)?);
    Ok(pictures)
}

/// Trains `samples` (at least [`SAMPLES`]) and returns every cycle from the first sample on, checked against the golden model.
///
/// # Errors
/// A simulator that cannot be had, or a mismatch.
pub fn record(design: &Design, samples: &[Sample], options: &Options) -> Result<Vec<Cycle>, TimingError> {
    if samples.len() < SAMPLES {
        return Err(TimingError::Samples(samples.len()));
    }
    let library = build(design, options)?;
    Recorder::new(design, &library)?.train(samples, true, &mut |_, _, _| Flow::Continue)
}

fn build(design: &Design, options: &Options) -> Result<Library, TimingError> {
    let rtl = Rtl::generate(design).map_err(CosimError::from)?;
    Ok(cosim::build(design, &rtl, options)?)
}

/// Holds `op_ready` low until a slot's pulses have been over for [`SLOW`] cycles.
fn slow_macro(layer: usize) -> Box<Hook<'static>> {
    let mut waited = 0;
    let mut before = false;
    Box::new(move |cycle, hands, model| {
        let pins = &cycle.layers[layer];
        let over = pins.writing() && pins.op_last;
        waited = if over { waited + 1 } else { 0 };
        // In a slot's first cycle the bench's macro sets the pin itself; slots of the example are longer than that.
        if before && pins.writing() {
            model.set(hands.op_ready[layer], u64::from(waited > SLOW));
        }
        before = pins.writing() && waited <= SLOW;
        Flow::Continue
    })
}

/// Resets the design in the first slot of the second sample that is long enough.
fn reset_in_slot(layer: usize) -> Box<Hook<'static>> {
    let mut samples = 0;
    let mut in_slot = 0;
    let mut after = None;
    Box::new(move |cycle, hands, model| {
        let pins = &cycle.layers[layer];
        in_slot = if pins.writing() && !pins.op_last { in_slot + 1 } else { 0 };
        match &mut after {
            None if samples > 0 && in_slot > RESET_AT => {
                model.set(hands.reset_n, 0);
                after = Some(0);
            }
            None => {}
            Some(AFTER_RESET) => return Flow::Stop,
            Some(count) => {
                model.set(hands.reset_n, 1);
                *count += 1;
            }
        }
        samples += usize::from(cycle.sample_end);
        Flow::Continue
    })
}

impl View<'_> {
    pub(super) fn missing(&self, what: &'static str) -> TimingError {
        TimingError::Missing { picture: self.picture, what }
    }

    /// The first complete operation of that kind after the first sample.
    fn find(&self, cycles: &[Cycle], kind: Kind, what: &'static str) -> Result<Operation, TimingError> {
        let begin = self.second_sample(cycles)?;
        let all = operations(cycles, self.layer);
        let found = all.into_iter().find(|o| o.kind == kind && o.complete && o.first > begin);
        found.ok_or_else(|| self.missing(what))
    }

    pub(super) fn second_sample(&self, cycles: &[Cycle]) -> Result<usize, TimingError> {
        let end = cycles.iter().position(|c| c.sample_end);
        end.map(|at| at + 1).ok_or_else(|| self.missing("second sample"))
    }

    pub(super) fn picture(&self, diagram: Diagram) -> Picture {
        Picture { file: self.picture, svg: diagram.svg() }
    }

    pub(super) fn pins<'c>(&self, cycles: &'c [Cycle]) -> Vec<&'c Pins> {
        cycles.iter().map(|c| &c.layers[self.layer]).collect()
    }

    fn name(&self, pin: &str) -> String {
        format!("{}_{pin}", self.design.layers[self.layer].name)
    }

    pub(super) fn layer_name(&self) -> &str {
        &self.design.layers[self.layer].name
    }

    pub(super) fn frame(&self, title: String, cycles: usize, rows: Vec<Row>) -> Diagram {
        let clock_ns = self.design.timing.clock_ns;
        Diagram { title, cycles, origin: LEAD, clock_ns, rows, spans: Vec::new(), shade: None }
    }

    /// A forward or transposed read with all pins that take part.
    fn read(&self, cycles: &[Cycle], kind: Kind) -> Result<Picture, TimingError> {
        let what = if kind == Kind::Forward { "forward read" } else { "transposed read" };
        let operation = self.find(cycles, kind, what)?;
        let window = &cycles[operation.first - LEAD..(operation.last + 1 + LEAD).min(cycles.len())];
        let pins = self.pins(window);
        let mut rows = self.operation_rows(&pins);
        match kind {
            Kind::Forward => rows.push(self.row_codes(&pins)),
            _ => rows.extend(self.column_codes(&pins)),
        }
        rows.extend(self.adc_rows(&pins));
        let moves: Vec<usize> = (0..pins.len()).filter(|&at| pins[at].code_moves()).collect();
        if kind == Kind::Forward && self.picture == "read-wait.svg" && !pins.iter().any(|p| p.reading() && !p.adc_ready)
        {
            return Err(self.missing("code that has to wait"));
        }
        let title = format!("One {what} of layer {} on the pins of its array macro", self.layer_name());
        let mut diagram = self.frame(title, window.len(), rows);
        let settle = self.design.timing.read_settle as usize;
        let convert = self.design.timing.adc_conversion;
        let mut first = LEAD;
        for &at in &moves {
            if first == LEAD && settle > 0 {
                diagram.spans.push(Span { first, last: first + settle - 1, text: format!("settle {settle}") });
                first += settle;
            }
            let length = at + 1 - first;
            let waits = length as u32 - convert;
            let wait = if waits > 0 { format!(", wait {waits}") } else { String::new() };
            let text = format!("convert {convert}{wait}");
            diagram.spans.push(Span { first, last: at, text });
            first = at + 1;
        }
        diagram.shade = Some(("a group's codes move".to_owned(), moves));
        Ok(self.picture(diagram))
    }

    /// Two write slots of a sample: of the pair before, and of its own. The two that follow each other most closely.
    fn slots(&self, cycles: &[Cycle]) -> Result<Picture, TimingError> {
        let begin = self.second_sample(cycles)?;
        let all = operations(cycles, self.layer);
        let slots =
            all.windows(2).filter(|p| p.iter().all(|o| o.kind == Kind::Write && o.complete) && p[0].first > begin);
        let pair = slots.min_by_key(|p| p[1].first - p[0].last);
        let Some(&[one, two]) = pair else { return Err(self.missing("two slots in a sample")) };
        let window = &cycles[one.first - LEAD..(two.last + 1 + LEAD).min(cycles.len())];
        let pins = self.pins(window);
        let mut rows = self.operation_rows(&pins);
        rows.push(self.op_ready(&pins));
        rows.push(self.row_codes(&pins));
        rows.extend(self.column_codes(&pins));
        rows.extend(self.pulse_rows(&pins));
        let title = format!("Two write slots of layer {} on the pins of its array macro", self.layer_name());
        let mut diagram = self.frame(title, window.len(), rows);
        let offset = one.first - LEAD;
        for (slot, text) in [(one, "earlier pair"), (two, "own pair")] {
            let cycles = slot.last + 1 - slot.first;
            let text = format!("{text}: {cycles} cycles");
            diagram.spans.push(Span { first: slot.first - offset, last: slot.last - offset, text });
        }
        diagram.shade = Some(ends(&pins));
        Ok(self.picture(diagram))
    }

    /// A slot whose end the macro delays.
    fn slow_slot(&self, cycles: &[Cycle]) -> Result<Picture, TimingError> {
        let slot = self.find(cycles, Kind::Write, "slot")?;
        let window = &cycles[slot.first - LEAD..(slot.last + 1 + LEAD).min(cycles.len())];
        let pins = self.pins(window);
        let mut rows = self.operation_rows(&pins);
        rows.push(self.op_ready(&pins));
        rows.push(self.row_codes(&pins));
        rows.extend(self.column_codes(&pins));
        rows.extend(self.pulse_rows(&pins));
        let title = format!("A write slot of layer {} that the macro prolongs", self.layer_name());
        let mut diagram = self.frame(title, window.len(), rows);
        let last = slot.last + LEAD - slot.first;
        let pulsed = pins[..=last].iter().rposition(|p| p.col_on.contains(&true));
        let pulsed = pulsed.ok_or_else(|| self.missing("pulse"))?;
        if last <= pulsed {
            return Err(self.missing("slot that the macro prolongs"));
        }
        diagram.spans.push(Span { first: LEAD, last: pulsed, text: "pulses".to_owned() });
        let text = format!("the macro needs {} more", last - pulsed);
        diagram.spans.push(Span { first: pulsed + 1, last, text });
        diagram.shade = Some(ends(&pins));
        Ok(self.picture(diagram))
    }

    /// A reset in the middle of a slot.
    fn abort(&self, cycles: &[Cycle]) -> Result<Picture, TimingError> {
        let all = operations(cycles, self.layer);
        let cut = all.iter().rfind(|o| o.kind == Kind::Write && !o.complete && o.last + 1 < cycles.len());
        let cut = cut.ok_or_else(|| self.missing("aborted slot"))?;
        let window = &cycles[cut.first - LEAD..];
        let pins = self.pins(window);
        let resets = window.iter().map(|c| Some(c.reset_n)).collect();
        let mut rows = vec![signal("aresetn", Driver::Host, Wave::Line(resets))];
        rows.extend(self.operation_rows(&pins));
        rows.push(self.row_codes(&pins));
        rows.extend(self.column_codes(&pins));
        rows.extend(self.pulse_rows(&pins));
        let title = format!("A reset aborts a write slot of layer {}", self.layer_name());
        let mut diagram = self.frame(title, window.len(), rows);
        let last = cut.last + LEAD - cut.first;
        diagram.spans.push(Span { first: LEAD, last, text: "slot, aborted".to_owned() });
        Ok(self.picture(diagram))
    }

    /// A whole training sample: what every array does.
    fn sample(&self, cycles: &[Cycle]) -> Result<Picture, TimingError> {
        let begin = self.second_sample(cycles)?;
        // The third sample, when the history is full.
        let ends: Vec<usize> = (begin..cycles.len()).filter(|&at| cycles[at].sample_end).collect();
        let &[first, last, ..] = &ends[..] else { return Err(self.missing("third sample")) };
        let window = &cycles[first + 1..=last];
        let count = |phase| window.iter().filter(|c| c.phase == phase).count();
        let phases = window.iter().map(|c| {
            // A phase of a cycle or two has no room for its name.
            let text = if count(c.phase) > 2 { c.phase.name().replace('_', " ") } else { String::new() };
            Some(Value { text, tone: tone_of(c.phase) })
        });
        let mut rows = vec![signal("phase", Driver::Design, Wave::Bus(phases.collect()))];
        let mut busy = Vec::new();
        for (layer, spec) in self.design.layers.iter().enumerate() {
            rows.push(Row::Heading(format!("layer {}", spec.name)));
            let all = operations(cycles, layer);
            let mut activity = vec![None; window.len()];
            for operation in all.iter().filter(|o| o.last > first && o.first <= last) {
                let age = all.iter().filter(|o| o.kind == Kind::Write && o.first > first && o.first < operation.first);
                let value = match operation.kind {
                    Kind::Forward => Value { text: "forward".to_owned(), tone: Tone::Forward },
                    Kind::Transposed => Value { text: "transposed".to_owned(), tone: Tone::Transposed },
                    // The example has no second devices.
                    _ => Value { text: format!("w{}", age.count() + 1), tone: Tone::Write },
                };
                let cycles = operation.first.max(first + 1)..=operation.last.min(last);
                busy.extend(cycles.clone());
                cycles.for_each(|at| activity[at - first - 1] = Some(value.clone()));
            }
            rows.push(signal("operation", Driver::Design, Wave::Activity(activity)));
            let codes = window.iter().map(|c| Some(c.layers[layer].code_moves())).collect();
            rows.push(signal("codes move", Driver::Macro, Wave::Line(codes)));
            let beats = window.iter().map(|c| Some(c.y_valid >> layer & 1 == 1)).collect();
            rows.push(signal("y_valid", Driver::Design, Wave::Line(beats)));
        }
        busy.sort_unstable();
        busy.dedup();
        let title = "One training sample of the example, all arrays".to_owned();
        let mut diagram = self.frame(title, window.len(), rows);
        diagram.origin = 0;
        let text = format!("one training sample: {} cycles, an array is busy in {}", window.len(), busy.len());
        diagram.spans.push(Span { first: 0, last: window.len() - 1, text });
        Ok(self.picture(diagram))
    }

    pub(super) fn operation_rows(&self, pins: &[&Pins]) -> Vec<Row> {
        let kinds = pins.iter().map(|p| {
            p.operation().map(|kind| match kind {
                Kind::Forward => Value { text: "0 forward".to_owned(), tone: Tone::Forward },
                Kind::Transposed => Value { text: "1 transposed".to_owned(), tone: Tone::Transposed },
                Kind::Write => Value { text: "2 write".to_owned(), tone: Tone::Write },
                Kind::ReadVelocity => Value { text: "4 read".to_owned(), tone: Tone::Forward },
                Kind::Decay => Value { text: "5 decay".to_owned(), tone: Tone::Plain },
                Kind::WriteVelocity => Value { text: "6 write".to_owned(), tone: Tone::Write },
                Kind::Transfer => Value { text: "7 transfer".to_owned(), tone: Tone::Plain },
            })
        });
        vec![
            self.line("op_valid", Driver::Design, pins, |p| Some(p.op_valid)),
            self.bus("op_kind", Driver::Design, kinds.collect()),
            self.line("op_last", Driver::Design, pins, |p| p.op_valid.then_some(p.op_last)),
        ]
    }

    /// Looked at only while the slot's pulses are over or in their last cycle.
    pub(super) fn op_ready(&self, pins: &[&Pins]) -> Row {
        self.line("op_ready", Driver::Macro, pins, |p| (p.in_slot() && p.op_last).then_some(p.op_ready))
    }

    pub(super) fn row_codes(&self, pins: &[&Pins]) -> Row {
        let codes = pins.iter().map(|p| {
            let kinds = [Kind::Forward, Kind::Write, Kind::ReadVelocity, Kind::WriteVelocity];
            let driven = p.operation().is_some_and(|kind| kinds.contains(&kind));
            driven.then(|| Value::plain(list(&p.row_code)))
        });
        self.bus("row_code", Driver::Design, codes.collect())
    }

    pub(super) fn column_codes(&self, pins: &[&Pins]) -> Vec<Row> {
        let driven = |p: &Pins| matches!(p.operation(), Some(Kind::Transposed | Kind::Write | Kind::WriteVelocity));
        let magnitudes = pins.iter().map(|p| driven(p).then(|| Value::plain(list(&p.col_mag))));
        let signs = pins.iter().map(|p| {
            let bits: Vec<i32> = p.col_neg.iter().map(|&neg| i32::from(neg)).collect();
            driven(p).then(|| Value::plain(list(&bits)))
        });
        vec![
            self.bus("col_mag", Driver::Design, magnitudes.collect()),
            self.bus("col_neg", Driver::Design, signs.collect()),
        ]
    }

    pub(super) fn pulse_rows(&self, pins: &[&Pins]) -> Vec<Row> {
        let columns = self.design.layers[self.layer].outputs;
        let row = |c: usize| self.line(&format!("col_on[{c}]"), Driver::Design, pins, |p| Some(p.col_on[c]));
        (0..columns).map(row).collect()
    }

    pub(super) fn adc_rows(&self, pins: &[&Pins]) -> Vec<Row> {
        let layer = &self.design.layers[self.layer];
        let groups = pins.iter().map(|p| p.reading().then(|| Value::plain(p.adc_group.to_string())));
        let codes = pins.iter().map(|p| {
            let lines = if p.operation() == Some(Kind::Transposed) { layer.inputs } else { layer.outputs };
            let first = p.adc_group as usize * self.design.array.adcs;
            let words = p.adc_code.iter().enumerate();
            // Beyond the last line a code means nothing.
            let words = words.map(|(i, code)| if first + i < lines { code.to_string() } else { "–".to_owned() });
            (p.reading() && p.adc_valid).then(|| Value::plain(words.collect::<Vec<_>>().join(" ")))
        });
        vec![
            self.bus("adc_group", Driver::Design, groups.collect()),
            self.line("adc_ready", Driver::Design, pins, |p| p.reading().then_some(p.adc_ready)),
            self.line("adc_valid", Driver::Macro, pins, |p| p.reading().then_some(p.adc_valid)),
            self.bus("adc_code", Driver::Macro, codes.collect()),
        ]
    }

    fn line(&self, pin: &str, driver: Driver, pins: &[&Pins], value: impl Fn(&Pins) -> Option<bool>) -> Row {
        signal(&self.name(pin), driver, Wave::Line(pins.iter().map(|p| value(p)).collect()))
    }

    pub(super) fn bus(&self, pin: &str, driver: Driver, values: Vec<Option<Value>>) -> Row {
        signal(&self.name(pin), driver, Wave::Bus(values))
    }
}

fn signal(name: &str, driver: Driver, wave: Wave) -> Row {
    Row::Signal { name: name.to_owned(), driver, wave }
}

/// Shade of the cycles in which an operation ends.
fn ends(pins: &[&Pins]) -> (String, Vec<usize>) {
    ("an operation ends".to_owned(), (0..pins.len()).filter(|&at| pins[at].ends()).collect())
}

fn tone_of(phase: Phase) -> Tone {
    match phase {
        Phase::Forward => Tone::Forward,
        Phase::Backward => Tone::Transposed,
        Phase::Update => Tone::Write,
        _ => Tone::Plain,
    }
}

/// Words of a vector, the first line first.
fn list(words: &[i32]) -> String {
    words.iter().map(i32::to_string).collect::<Vec<_>>().join(" ")
}
