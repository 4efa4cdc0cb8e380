//! Records the pins of every array macro, cycle by cycle, while the co-simulation trains a few samples.

use verilated::{Input, Library, Model, Output};

use super::TimingError;
use crate::cosim::{Bench, CosimError, Mismatch, Stalls, Step};
use crate::golden::{Machine, Mode};
use crate::phases::Phase;
use crate::spec::{Design, Layer, MOMENTUM_BITS};

/// Cycles after which a recording that has not ended is given up; a sample of a small design takes some dozen.
const CYCLE_LIMIT: usize = 100_000;

/// What an array does in an operation; the value of `op_kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Forward,
    Transposed,
    Write,
    /// Of second devices.
    ReadVelocity,
    Decay,
    WriteVelocity,
    Transfer,
}

/// The pins of one macro in one cycle, as they stand before the rising edge that ends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    pub op_valid: bool,
    pub op_kind: u64,
    pub op_last: bool,
    pub op_ready: bool,
    /// One code per row, two's complement, bias last.
    pub row_code: Vec<i32>,
    pub col_mag: Vec<i32>,
    pub col_neg: Vec<bool>,
    pub col_on: Vec<bool>,
    /// What drives the rows in reads of bit planes; empty with other inputs.
    pub row_bit: Vec<i32>,
    /// What a decay leaves, in units of `2^-16`; `None` without.
    pub gamma: Option<u64>,
    pub adc_group: u64,
    pub adc_ready: bool,
    pub adc_valid: bool,
    /// One code per ADC, two's complement.
    pub adc_code: Vec<i32>,
}

impl Pins {
    /// The running operation.
    pub fn operation(&self) -> Option<Kind> {
        match (self.op_valid, self.op_kind) {
            (false, _) => None,
            (true, 0) => Some(Kind::Forward),
            (true, 1) => Some(Kind::Transposed),
            (true, 4) => Some(Kind::ReadVelocity),
            (true, 5) => Some(Kind::Decay),
            (true, 6) => Some(Kind::WriteVelocity),
            (true, 7) => Some(Kind::Transfer),
            (true, _) => Some(Kind::Write),
        }
    }

    /// A read runs.
    pub fn reading(&self) -> bool {
        matches!(self.operation(), Some(Kind::Forward | Kind::Transposed | Kind::ReadVelocity))
    }

    /// A write slot runs, or an operation of all cells.
    pub fn in_slot(&self) -> bool {
        self.op_valid && !self.reading()
    }

    /// A write slot to the weights runs.
    pub fn writing(&self) -> bool {
        self.operation() == Some(Kind::Write)
    }

    /// A group's codes move with the end of this cycle.
    pub fn code_moves(&self) -> bool {
        self.reading() && self.adc_valid && self.adc_ready
    }

    /// The operation ends with this cycle.
    pub fn ends(&self) -> bool {
        self.op_last && (self.code_moves() || (self.in_slot() && self.op_ready))
    }
}

/// One clock cycle of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    pub reset_n: bool,
    pub phase: Phase,
    /// Bit l: a beat of y of layer l.
    pub y_valid: u64,
    /// A sample ends with this cycle.
    pub sample_end: bool,
    /// Pins by layer.
    pub layers: Vec<Pins>,
}

/// An operation of one array: its first and last cycle in the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    pub kind: Kind,
    pub first: usize,
    pub last: usize,
    /// It ran to its end; otherwise it was aborted, or the recording ended before it.
    pub complete: bool,
}

/// Operations of the array of `layer`, in order.
pub fn operations(cycles: &[Cycle], layer: usize) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    let mut running = false;
    for (at, cycle) in cycles.iter().enumerate() {
        let pins = &cycle.layers[layer];
        let Some(kind) = pins.operation() else {
            running = false;
            continue;
        };
        match all.last_mut() {
            Some(operation) if running => operation.last = at,
            _ => all.push(Operation { kind, first: at, last: at, complete: false }),
        }
        running = !pins.ends();
        if let Some(operation) = all.last_mut() {
            operation.complete = !running;
        }
    }
    all
}

/// Whether a recording goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Stop,
}

/// A look at the cycle that begins, before the bench does: may drive pins that the bench leaves alone.
pub type Hook<'a> = dyn FnMut(&Cycle, &Hands, &mut Model) -> Flow + 'a;

/// Inputs of the design that a hook may drive.
#[derive(Debug, Clone)]
pub struct Hands {
    pub reset_n: Input,
    /// By layer. The bench's macro sets this pin in the first cycle of a slot and never again.
    pub op_ready: Vec<Input>,
}

struct LayerHandles {
    one_bit: [Output; 5],
    op_kind: Output,
    adc_group: Output,
    row_code: Output,
    col_mag: Output,
    col_neg: Output,
    col_on: Output,
    adc_code: Output,
    row_bit: Option<Output>,
    gamma: Option<Output>,
    rows: usize,
    columns: usize,
}

/// A sample as it enters the machine: codes of x and of the targets.
pub type Sample = (Vec<i32>, Vec<i32>);

/// A machine in training whose pins are watched.
pub struct Recorder {
    bench: Bench,
    golden: Machine,
    design: Design,
    hands: Hands,
    handles: Vec<LayerHandles>,
    y_valid: Output,
    sample_end: Output,
}

impl Recorder {
    /// A reset machine with external arrays.
    ///
    /// # Errors
    /// A port that the model does not have, or the simulator's own.
    pub fn new(design: &Design, library: &Library) -> Result<Recorder, TimingError> {
        let bench = Bench::new(design, library, design.training.seed, Stalls::default())?;
        let model = &bench.model;
        let handles =
            design.layers.iter().map(|l| LayerHandles::find(model, design, l)).collect::<Result<Vec<_>, _>>()?;
        let op_ready = design.layers.iter().map(|l| model.input(&format!("{}_op_ready", l.name), 1));
        let hands = Hands { reset_n: model.input("aresetn", 1)?, op_ready: op_ready.collect::<Result<_, _>>()? };
        let tap = |name: &str, width: usize| model.tap(&format!("{}.{name}", design.name), width as u32);
        let y_valid = tap("y_valid", design.layers.len())?;
        let sample_end = tap("sample_end", 1)?;
        let golden = Machine::new(design).map_err(CosimError::Setup)?;
        Ok(Recorder { design: design.clone(), golden, hands, handles, y_valid, sample_end, bench })
    }

    /// Trains `samples` (at least two) and returns all cycles from the first sample on. With `checked`, every transaction
    /// and in the end every device state is held against the golden model; a hook that changes the course of things must
    /// do without.
    ///
    /// # Errors
    /// A mismatch, or the simulator's own.
    pub fn train(mut self, samples: &[Sample], checked: bool, hook: &mut Hook<'_>) -> Result<Vec<Cycle>, TimingError> {
        let control = self.bench.address("CTRL");
        // Train, and send outputs in training.
        self.bench.write(control, 0b110)?;
        for (x, t) in &samples[..2] {
            self.bench.send(x, Some(t));
        }
        let mut waited = 0;
        while self.bench.unsent() > 0 && waited < CYCLE_LIMIT {
            self.bench.step()?;
            waited += 1;
        }
        // The last beats still move through the width converter.
        for _ in 0..self.design.stream_words() + 4 {
            self.bench.step()?;
        }
        self.expect(&samples[0], 0)?;
        self.bench.checking = checked;
        self.bench.forget();
        self.bench.write(control, 0b111)?;
        for (x, t) in &samples[2..] {
            self.bench.send(x, Some(t));
        }

        let mut cycles = Vec::new();
        let mut done = 0;
        while cycles.len() < CYCLE_LIMIT {
            let before = self.outputs();
            if hook(&before, &self.hands, &mut self.bench.model) == Flow::Stop {
                return Ok(cycles);
            }
            let step = self.bench.step()?;
            cycles.push(self.inputs(before));
            let Step::SampleEnd(measured) = step else { continue };
            if checked {
                // How long a sample waits for its input depends on the order of queueing here, so cycles are not compared.
                self.bench.scoreboard.end(&measured, &[], self.bench.cycle())?;
                self.check_states()?;
            }
            done += 1;
            let Some(next) = samples.get(done) else { return Ok(cycles) };
            self.expect(next, done as u64)?;
        }
        Err(TimingError::Endless { cycles: CYCLE_LIMIT, phase: self.bench.phase().name() })
    }

    /// Computes what the next sample must do.
    fn expect(&mut self, (x, t): &Sample, number: u64) -> Result<(), CosimError> {
        let board = &mut self.bench.scoreboard;
        let run = self.golden.run(x, t, Mode::Train, &mut board.trace);
        run.map_err(|fault| CosimError::Device { sample: number, fault })?;
        board.mode = Mode::Train;
        board.sample = number;
        board.begin();
        Ok(())
    }

    fn check_states(&self) -> Result<(), Mismatch> {
        for array in &self.bench.arrays {
            self.bench.scoreboard.array_states(array, &self.golden, self.bench.cycle())?;
        }
        Ok(())
    }

    /// The cycle that begins, with what the design drives. The macro's answers of this cycle are not there yet.
    fn outputs(&self) -> Cycle {
        let model = &self.bench.model;
        Cycle {
            reset_n: model.get(self.hands.reset_n) == 1,
            phase: self.bench.phase(),
            y_valid: model.get(self.y_valid),
            sample_end: model.get(self.sample_end) == 1,
            layers: self.handles.iter().map(|h| h.pins(&self.design, model)).collect(),
        }
    }

    /// The same cycle with the inputs that were driven in it. No output of the design depends on them within the cycle.
    fn inputs(&self, mut cycle: Cycle) -> Cycle {
        let model = &self.bench.model;
        cycle.reset_n = model.get(self.hands.reset_n) == 1;
        for (pins, handles) in cycle.layers.iter_mut().zip(&self.handles) {
            handles.answers(&self.design, model, pins);
        }
        cycle
    }
}

impl LayerHandles {
    fn find(model: &Model, design: &Design, layer: &Layer) -> Result<LayerHandles, TimingError> {
        let name = |pin: &str| format!("{}_{pin}", layer.name);
        let output = |pin: &str, width: usize| model.output(&name(pin), width as u32);
        let input = |pin: &str, width: usize| model.input(&name(pin), width as u32).map(Output::from);
        let array = &design.array;
        let last_group = layer.outputs.max(layer.inputs).div_ceil(array.adcs) - 1;
        let group_bits = (usize::BITS - last_group.leading_zeros()).max(1) as usize;
        Ok(LayerHandles {
            one_bit: [
                output("op_valid", 1)?,
                output("op_last", 1)?,
                output("adc_ready", 1)?,
                input("op_ready", 1)?,
                input("adc_valid", 1)?,
            ],
            op_kind: output("op_kind", design.kind_bits() as usize)?,
            adc_group: output("adc_group", group_bits)?,
            row_code: output("row_code", layer.rows() * array.dac_bits as usize)?,
            col_mag: output("col_mag", layer.outputs * mag_bits(design) as usize)?,
            col_neg: output("col_neg", layer.outputs)?,
            col_on: output("col_on", layer.outputs)?,
            adc_code: input("adc_code", array.adcs * array.adc_bits as usize)?,
            row_bit: match array.input_coding.bit_serial() {
                true => Some(output("row_bit", layer.rows())?),
                false => None,
            },
            gamma: match design.training.momentum_unit.in_array() {
                true => Some(output("gamma", MOMENTUM_BITS as usize)?),
                false => None,
            },
            rows: layer.rows(),
            columns: layer.outputs,
        })
    }

    fn pins(&self, design: &Design, model: &Model) -> Pins {
        let bit = |at: usize| model.get(self.one_bit[at]) == 1;
        let flags = |signal| words(model, signal, 1, self.columns).iter().map(|&v| v == 1).collect();
        Pins {
            op_valid: bit(0),
            op_kind: model.get(self.op_kind),
            op_last: bit(1),
            row_code: signed(&words(model, self.row_code, design.array.dac_bits, self.rows), design.array.dac_bits),
            col_mag: words(model, self.col_mag, mag_bits(design), self.columns).iter().map(|&v| v as i32).collect(),
            col_neg: flags(self.col_neg),
            col_on: flags(self.col_on),
            row_bit: self
                .row_bit
                .map_or(Vec::new(), |pin| words(model, pin, 1, self.rows).iter().map(|&bit| bit as i32).collect()),
            gamma: self.gamma.map(|pin| model.get(pin)),
            adc_group: model.get(self.adc_group),
            adc_ready: bit(2),
            ..Pins::default()
        }
    }

    fn answers(&self, design: &Design, model: &Model, pins: &mut Pins) {
        let array = &design.array;
        pins.op_ready = model.get(self.one_bit[3]) == 1;
        pins.adc_valid = model.get(self.one_bit[4]) == 1;
        pins.adc_code = signed(&words(model, self.adc_code, array.adc_bits, array.adcs), array.adc_bits);
    }
}

/// Bits of a column magnitude: it carries a pulse width or the magnitude of a driven code.
fn mag_bits(design: &Design) -> u32 {
    design.array.pulse_bits.max(design.array.dac_bits - 1)
}

/// `count` words of `width` bits (at most 32) of a signal of any width, lowest first.
fn words(model: &Model, signal: Output, width: u32, count: usize) -> Vec<u32> {
    let value = model.get(signal);
    let narrow = [value as u32, (value >> 32) as u32];
    let store = if signal.width() > 64 { model.words(signal) } else { &narrow[..] };
    let bit = |at: usize| store[at / 32] >> (at % 32) & 1;
    let word = |first: usize| (0..width as usize).fold(0, |word, b| word | bit(first + b) << b);
    (0..count).map(|i| word(i * width as usize)).collect()
}

fn signed(words: &[u32], width: u32) -> Vec<i32> {
    words.iter().map(|&w| (w << (32 - width)) as i32 >> (32 - width)).collect()
}
