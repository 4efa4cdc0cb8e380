//! Cycle model: predicts every phase of every sample from the design's sizes and the pulses of the sample.
//!
//! Within a sample, times are clock cycles counted from its START cycle (0), in which the sequencer lets the first forward
//! read begin. The formulas follow the registers of the generated Verilog one by one; the co-simulation holds them to it.
//!
//! The host is taken to be ready always: the next beat of a sample is on offer in every cycle, an output beat is taken at once.

mod update;

use crate::golden::memory::{CellKind, CellOp, MemoryTrace};
use update::{Step, UpdateTimes};

use crate::golden::{LayerTrace, Mode, SampleTrace};
use crate::phases::Phase;
use crate::spec::{Backend, Design, Layer, LocalTiming, MomentumKind, MomentumUnit};

/// Cycles of one sample: those after the end of the sample before it, up to its own end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SampleCycles {
    /// Indexed by [`Phase::code`].
    pub phases: [u64; Phase::COUNT],
    /// Cycles in which at least one array reads, converts or writes.
    pub array_busy: u64,
}

impl SampleCycles {
    /// Cycles of all phases but idle.
    pub fn total(&self) -> u64 {
        self.phases[1..].iter().sum()
    }

    pub fn phase(&self, phase: Phase) -> u64 {
        self.phases[phase.code() as usize]
    }

    /// Adds another sample's cycles.
    pub fn add(&mut self, other: &SampleCycles) {
        for (sum, v) in self.phases.iter_mut().zip(other.phases) {
            *sum += v;
        }
        self.array_busy += other.array_busy;
    }
}

/// How long an array takes for its operations, in cycles.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ArrayTiming {
    /// First group of a read, from the first `op_valid` cycle up to and with its transfer.
    fwd_first: u64,
    fwd_next: u64,
    back_first: u64,
    back_next: u64,
    /// Least length of a write.
    write_min: u64,
}

/// The groups of a read, which come from one set of tiles after the other: from the first array on, those of a set wait for their
/// own converters, and the first of the next set stands ready.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Groups {
    /// All groups of the layer.
    count: u64,
    /// Sets of tiles: 1 where the layer lies on one array.
    sets: u64,
}

impl Groups {
    /// Cycles from the transfer of the first group to that of the last: `next` after a group of the same set, `beats`, the pace of
    /// the read path, after another's.
    fn span(self, next: u64, beats: u64) -> u64 {
        (self.count - self.sets) * next.max(beats) + (self.sets - 1) * beats
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct LayerTiming {
    array: ArrayTiming,
    /// Steps of a read: bit planes, or one.
    fwd_planes: u64,
    back_planes: u64,
    fwd_groups: Groups,
    back_groups: Groups,
    /// Beats of the last group.
    fwd_tail: u64,
    back_tail: u64,
    x_beats: u64,
    y_beats: u64,
    rows: u64,
    /// It is a convolution.
    walks: bool,
    /// The momentum unit writes pairs of earlier samples before y is there.
    history: bool,
}

/// A layer's last read of a sample: the cycle in which the port takes it, and that of its last transfer. A slot may be taken in the
/// latter.
#[derive(Debug, Clone, Copy)]
struct Reads {
    taken: u64,
    end: u64,
}

/// The model; keeps what one sample leaves to the next. Equal models predict the same for whatever follows.
#[derive(Debug, Clone, PartialEq)]
pub struct CycleModel {
    layers: Vec<LayerTiming>,
    /// Cycles in which the windows of a convolution's places are asked for.
    gathers: Vec<u64>,
    /// Beats of a full group of codes.
    group_beats: u64,
    pulse_lsb: u64,
    unit: MomentumUnit,
    /// Several devices per weight.
    sliced: bool,
    kind: MomentumKind,
    local: Option<LocalTiming>,
    /// See [`softmax_delay`].
    softmax: u64,
    /// Cycles of a cell's read at the macro, and from a cell's address to its pulse.
    cell_read: u64,
    cell_setup: u64,
    /// 1 where the machine has more registers: three more on the way to y, and one before and one behind the multipliers of pulses.
    deep: u64,
    /// Cycles from the last beat of y until the unit can look at the sample's own pair, beyond one: levels of a tree of comparisons.
    peak: u64,
    input: InputSide,
    output: OutputSide,
    /// Last cycle of the sample before, counted from the start of the run; the first load may begin in the cycle after.
    end: u64,
    /// First cycle in which the next x may be loaded.
    stage_free: u64,
    /// The sample before sent its output vector with its last cycle.
    sent_last: bool,
    busy: Vec<(u64, u64)>,
}

/// The two banks of the sample memory and the stream that fills them, in cycles from the start of the run.
#[derive(Debug, Clone, PartialEq)]
struct InputSide {
    /// From the first taken beat of a packet to the first cycle in which the sample is valid; [inference, training].
    receive: [u64; 2],
    /// From the first taken beat of a packet to the first cycle in which the next packet's may be taken.
    pitch: [u64; 2],
    /// First cycle in which the stream side can take the next packet.
    ready: u64,
    /// First cycles in which the banks of the last two samples are free again, the older first.
    released: [u64; 2],
    /// Samples already waiting at the start of the run.
    waiting: u32,
}

impl InputSide {
    fn new(design: &Design) -> Self {
        let (k, lanes) = (design.stream_words(), design.array.lanes);
        let beats = |words: usize| words.div_ceil(k);
        // A stream beat of more than `lanes` words leaves in parts, one per cycle.
        let parts = |words: usize| words.div_ceil(lanes) as u64;
        let last = |words: usize| words - (beats(words) - 1) * k;
        let time = |train: bool| {
            let (x, t) = (design.inputs, design.outputs());
            let tail = if train { last(t) } else { last(x) };
            if k > lanes {
                let full = (k / lanes) as u64;
                let section = |words: usize| (beats(words) as u64 - 1) * full + parts(last(words));
                let all = section(x) + if train { section(t) } else { 0 };
                (all + 1, all, parts(tail))
            } else {
                let all = (beats(x) + if train { beats(t) } else { 0 }) as u64;
                (all + 1, all, 1)
            }
        };
        let (infer, train) = (time(false), time(true));
        InputSide { receive: [infer.0, train.0], pitch: [infer.1, train.1], ready: 0, released: [0, 0], waiting: 2 }
    }

    /// First cycle in which the next sample is valid.
    fn next_valid(&mut self, mode: Mode) -> u64 {
        if self.waiting > 0 {
            self.waiting -= 1;
            return 0;
        }
        let kind = usize::from(mode == Mode::Train);
        let first = self.ready.max(self.released[0]);
        self.ready = first + self.pitch[kind];
        first + self.receive[kind]
    }

    fn release(&mut self, cycle: u64) {
        self.released = [self.released[1], cycle];
    }
}

/// The two banks of output vectors and the stream that they leave on to a host that takes every beat, in cycles from the start of the run.
#[derive(Debug, Clone, PartialEq)]
struct OutputSide {
    /// Cycles that each beat of a vector takes in the width converter behind the banks.
    parts: Vec<u64>,
    /// First cycle in which a beat can leave a bank, and in which the converter can take one.
    read: u64,
    gear: u64,
    /// First cycles in which the banks of the last two vectors are free again, the older first.
    freed: [u64; 2],
}

impl OutputSide {
    fn new(design: &Design) -> Self {
        let (outputs, lanes, k) = (design.outputs(), design.array.lanes, design.stream_words());
        let beats = outputs.div_ceil(lanes);
        let words = |beat: usize| if beat + 1 < beats { lanes } else { outputs - beat * lanes };
        // A beat of no more than a stream beat's words passes in one cycle.
        let parts = (0..beats).map(|beat| if lanes > k { words(beat).div_ceil(k) as u64 } else { 1 }).collect();
        OutputSide { parts, read: 0, gear: 0, freed: [0, 0] }
    }

    /// A vector is complete with cycle `cycle`.
    fn send(&mut self, cycle: u64) {
        let mut read = self.read.max(cycle + 1);
        let mut left = read;
        for &parts in &self.parts {
            left = read;
            let taken = self.gear.max(read + 1);
            self.gear = taken + parts;
            // The register between bank and converter is free again when the converter takes its beat.
            read = taken;
        }
        self.read = read;
        self.freed = [self.freed[1], left + 1];
    }
}

/// End of a sample, counted from its START cycle.
#[derive(Debug, Clone, Copy)]
struct Finish {
    end: u64,
    stage_free: u64,
    /// Last cycle in which its targets are needed.
    targets: u64,
    /// Last activation beat of the output layer.
    output: u64,
    /// Last cycle in which a convolution needs the image.
    image: u64,
}

/// What a layer takes for one of many vectors that go through it, in cycles: from the beginning of one read to the earliest of
/// the next, and from slot to slot where pulses are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub forward: u64,
    pub backward: u64,
    pub slot: u64,
}

impl CycleModel {
    /// The pace of each layer.
    pub fn paces(&self) -> Vec<Pace> {
        let pace = |layer: &LayerTiming| Pace {
            forward: layer.forward_read(self.group_beats) + layer.fwd_tail + 3,
            backward: layer.transposed_read(self.group_beats) + layer.back_tail + 3,
            slot: layer.x_beats.max(layer.y_beats) + 3,
        };
        self.layers.iter().map(pace).collect()
    }

    /// Model of `design`, before its first sample.
    pub fn new(design: &Design) -> Self {
        let group_beats = design.array.adcs.div_ceil(design.array.lanes) as u64;
        CycleModel {
            layers: design.layers.iter().map(|l| LayerTiming::new(design, l)).collect(),
            gathers: gathers(design),
            group_beats,
            pulse_lsb: u64::from(design.timing.pulse_lsb),
            unit: design.training.momentum_unit,
            sliced: design.array.slices.is_some(),
            kind: design.training.momentum_kind,
            local: design.timing.local,
            softmax: softmax_delay(design),
            deep: design.array.backend.lines_in_memory().into(),
            peak: peak_delay(design),
            cell_read: u64::from(design.timing.read_settle + design.timing.adc_conversion),
            cell_setup: design.memory.as_ref().map_or(0, |m| u64::from(m.setup)),
            input: InputSide::new(design),
            output: OutputSide::new(design),
            end: 0,
            stage_free: 0,
            sent_last: false,
            busy: Vec::new(),
        }
    }

    /// The machine is told to run from idle, with two samples (or all there are) waiting.
    pub fn restart(&mut self) {
        self.input = InputSide { ready: 0, released: [0, 0], waiting: 2, ..self.input.clone() };
        self.output = OutputSide { read: 0, gear: 0, freed: [0, 0], ..self.output.clone() };
        // Cycle 1 is the first in which the sequencer looks for a sample.
        self.end = 0;
        self.stage_free = 1;
        self.sent_last = false;
    }

    /// Cycles of the next sample.
    pub fn sample(&mut self, trace: &SampleTrace, mode: Mode) -> SampleCycles {
        let mut cycles = SampleCycles::default();
        let x_beats = self.layers[0].x_beats;
        let valid = self.input.next_valid(mode);
        let load = self.stage_free.max(valid);
        // A convolution reads the sample where it lies.
        let walks = self.layers[0].walks;
        let loaded = if walks { valid } else { load + x_beats + 1 };
        // The sequencer does not trust the output side's word in the very cycle in which a vector enters it.
        let (held, held_busy) = self.memory(&trace.memory);
        // After a refresh the sequencer needs a cycle to see that it is over.
        let released = self.end + held + u64::from(held > 0);
        let early = loaded.max(self.end + u64::from(self.sent_last)).max(released);
        // The bank that this sample's vector goes to holds the vector before the last one.
        let free = self.output.freed[0];
        let ready = early.max(free);
        let stalled = free.saturating_sub(loaded.max(self.end + 1).max(released));
        let waits = valid.saturating_sub(self.end + held + 1);
        cycles.phases[Phase::Memory.code() as usize] = held;
        cycles.phases[Phase::WaitInput.code() as usize] = waits;
        cycles.phases[Phase::Load.code() as usize] = ready.max(self.end) - self.end - held - waits - stalled;
        cycles.phases[Phase::WaitOutput.code() as usize] = stalled;
        let start = ready + 1;
        let finish = match mode {
            Mode::Infer => self.infer(&mut cycles),
            Mode::Train => self.train(trace, &mut cycles),
        };
        self.end = start + finish.end;
        self.stage_free = start + finish.stage_free;
        self.sent_last = mode == Mode::Infer;
        self.output.send(start + finish.output);
        let x_done = if walks { start + finish.image } else { load + x_beats };
        self.input.release(x_done.max(if mode == Mode::Train { start + finish.targets } else { 0 }) + 1);
        cycles.array_busy = union(&mut self.busy) + held_busy;
        cycles
    }

    /// Sets the register of the memory controller that the model depends on, in cycles.
    pub fn set_cell_setup(&mut self, cycles: u32) {
        self.cell_setup = u64::from(cycles);
    }

    /// Cycles that the memory controller takes for a command or a refresh, and those of them in which an array works.
    pub fn memory(&self, trace: &MemoryTrace) -> (u64, u64) {
        let length = |op: &CellOp| match op.kind {
            CellKind::Read => self.cell_read,
            CellKind::Set | CellKind::Reset => self.cell_setup + u64::from(op.width),
        };
        let busy: u64 = trace.ops.iter().map(length).sum();
        // Besides: a request per operation; fetch and take of a target; a judgement per code; the end of a cell; two looks at a pair.
        let around = trace.ops.len() as u64 + 2 * trace.fetched + trace.judged + trace.stored + 2 * trace.pairs;
        (busy + around, busy)
    }

    /// Forward reads; returns the last activation beat of the output layer. `reads` takes those of all layers.
    fn forward(&mut self, reads: &mut Vec<Reads>) -> u64 {
        self.busy.clear();
        reads.clear();
        let mut start = 1;
        let mut activation = 0;
        for layer in &self.layers {
            if layer.walks {
                let last = layer.walk(&self.gathers, self.group_beats, &mut self.busy);
                reads.push(last);
                activation = last.end + layer.fwd_tail + 1;
                start = activation + 2;
                continue;
            }
            let transfer = start - 1 + layer.forward_read(self.group_beats);
            self.busy.push((start, transfer));
            reads.push(Reads { taken: start - 1, end: transfer });
            // Beats, table.
            activation = transfer + layer.fwd_tail + 1;
            // Stage, take.
            start = activation + 2;
        }
        activation + self.softmax
    }

    fn infer(&mut self, cycles: &mut SampleCycles) -> Finish {
        let mut reads = Vec::new();
        let end = self.forward(&mut reads);
        cycles.phases[Phase::Forward.code() as usize] = end + 1;
        Finish { end, stage_free: 1, targets: 0, output: end, image: reads[0].taken }
    }

    fn train(&mut self, trace: &SampleTrace, cycles: &mut SampleCycles) -> Finish {
        let mut reads = Vec::with_capacity(self.layers.len());
        let output = self.forward(&mut reads);
        // y of each layer, last first; the transposed read follows two cycles after the last beat of y.
        let mut y_done = output + 2 + 3 * self.deep;
        cycles.phases[Phase::Forward.code() as usize] = y_done + 1;
        let forward_end = y_done;
        let mut end = 0;
        let mut stage_free = 0;
        let mut image = 0;
        for index in (0..self.layers.len()).rev() {
            let layer = self.layers[index];
            let y_last = y_done;
            let mut reads = reads[index];
            if index > 0 {
                let start = y_last + 2;
                let transfer = start - 1 + layer.transposed_read(self.group_beats);
                self.busy.push((start, transfer));
                y_done = transfer + layer.back_tail + 3 + 3 * self.deep;
                reads = Reads { taken: start - 1, end: transfer };
            }
            let times = match layer.walks {
                true => {
                    let times = self.convolution(layer, &trace.layers[index], y_last, reads);
                    // The walk needs the image until the unit has done with the last pair.
                    image = times.unit_idle - 1;
                    times
                }
                false => self.update(layer, Step::of(layer, &trace.layers[index]), y_last, reads),
            };
            end = end.max(times.unit_idle).max(times.port_idle);
            stage_free = times.unit_idle;
        }
        cycles.phases[Phase::Backward.code() as usize] = y_done - forward_end;
        let end = end.max(y_done + 1);
        cycles.phases[Phase::Update.code() as usize] = end - y_done;
        Finish { end, stage_free: stage_free.max(y_done + 1), targets: forward_end, output, image }
    }
}

impl CycleModel {
    /// Update of a convolution from the cycle on in which y of its whole map is there: window, errors and momentum unit, place by place.
    /// `unit_idle` is that of the walk.
    fn convolution(&mut self, layer: LayerTiming, trace: &LayerTrace, map_last: u64, mut reads: Reads) -> UpdateTimes {
        let mut gather = map_last + 1;
        let gathers = std::mem::take(&mut self.gathers);
        for (step, asks) in Step::positions(layer, trace).zip(&gathers) {
            reads.taken = gather + asks;
            let y_last = reads.taken + layer.y_beats;
            let times = self.update(layer, step, y_last, reads);
            reads.end = times.port_idle - 1;
            gather = times.unit_idle.max(y_last + 1) + 1;
        }
        self.gathers = gathers;
        UpdateTimes { unit_idle: gather, port_idle: reads.end + 1 }
    }
}

impl LayerTiming {
    fn new(design: &Design, layer: &Layer) -> Self {
        let (adcs, lanes) = (design.array.adcs, design.array.lanes);
        let fwd_groups = layer.outputs.div_ceil(adcs);
        let back_groups = layer.inputs.div_ceil(adcs);
        // A row of the grid that has the bias alone takes no part in transposed reads.
        let back_sets = layer.inputs.div_ceil(layer.tiling.tile_rows) as u64;
        let tail = |lines: usize, groups: usize| (lines - (groups - 1) * adcs).div_ceil(lanes) as u64;
        let array = match design.array.backend {
            Backend::External => {
                let settle = u64::from(design.timing.read_settle);
                let convert = u64::from(design.timing.adc_conversion);
                ArrayTiming {
                    fwd_first: settle + convert,
                    fwd_next: convert,
                    back_first: settle + convert,
                    back_next: convert,
                    write_min: 1,
                }
            }
            Backend::Emulated | Backend::Fpga => {
                // One memory word per cycle, seven cycles of pipeline and the adder tree, see array_emulated.v.
                // The first tile is the largest.
                let tile = layer.tiling.tile(0);
                let rows = tile.rows as u64;
                let words = tile.cols.div_ceil(adcs) as u64;
                let lines = rows.min(adcs as u64);
                let (fwd, back) = (rows + 7, lines * words + u64::from(adcs.ilog2()) + 7);
                ArrayTiming {
                    fwd_first: fwd,
                    fwd_next: fwd,
                    back_first: back,
                    back_next: back,
                    write_min: rows * words + 7,
                }
            }
        };
        let (fwd_planes, back_planes) = design.array.planes();
        LayerTiming {
            array,
            fwd_planes: fwd_planes.into(),
            back_planes: back_planes.into(),
            fwd_groups: Groups { count: fwd_groups as u64, sets: layer.tiling.grid().1 as u64 },
            back_groups: Groups { count: back_groups as u64, sets: back_sets },
            fwd_tail: tail(layer.outputs, fwd_groups),
            back_tail: tail(layer.inputs, back_groups),
            x_beats: layer.inputs.div_ceil(lanes) as u64,
            y_beats: layer.outputs.div_ceil(lanes) as u64,
            rows: layer.rows() as u64,
            walks: layer.conv.is_some(),
            history: design.training.ring(),
        }
    }

    /// Cycles of a forward read, from its first up to and with its last transfer; `beats` is the read path's pace.
    fn forward_read(&self, beats: u64) -> u64 {
        let step = |beats: u64| self.array.fwd_first + self.fwd_groups.span(self.array.fwd_next, beats);
        // Codes of all planes but the last are added on the spot.
        (self.fwd_planes - 1) * step(1) + step(beats)
    }

    /// Reads of all places of a convolution, whose windows take so many cycles to ask for; the last of them. The next window is gathered
    /// from the cycle on after a read has taken the one before.
    fn walk(&self, gathers: &[u64], beats: u64, busy: &mut Vec<(u64, u64)>) -> Reads {
        let mut read = Reads { taken: 0, end: 0 };
        for (position, gather) in gathers.iter().enumerate() {
            let taken = (read.taken + 1 + gather + 2).max(read.end);
            // The first codes wait until the last ones of the read before have gone through the read path.
            let path = if position > 0 { read.end + self.fwd_tail } else { 0 };
            let end = (taken + self.forward_read(beats)).max(path + self.fwd_groups.span(self.array.fwd_next, beats));
            busy.push((taken + 1, end));
            read = Reads { taken, end };
        }
        read
    }

    /// The same of a transposed read.
    fn transposed_read(&self, beats: u64) -> u64 {
        let step = |beats: u64| self.array.back_first + self.back_groups.span(self.array.back_next, beats);
        (self.back_planes - 1) * step(1) + step(beats)
    }
}

/// Cycles in which the words under the kernel of each place are asked for, see conv_walk.v: a cycle brings those that lie in one beat of the
/// image and one line of the kernel, and that fill up one beat of x at most.
fn gathers(design: &Design) -> Vec<u64> {
    let Some(conv) = design.layers.first().and_then(|layer| layer.conv) else { return Vec::new() };
    let (lanes, run) = (design.array.lanes, conv.kernel * conv.input.channels);
    let asks = |position: usize| {
        let (mut asks, mut to) = (0, 0);
        for line in 0..conv.kernel {
            let mut word = conv.first_word(position) + line * conv.input.width * conv.input.channels;
            let mut left = run;
            while left > 0 {
                let many = left.min(lanes - (word % lanes).max(to));
                (word, left, to) = (word + many, left - many, (to + many) % lanes);
                asks += 1;
            }
        }
        asks
    };
    (0..conv.positions()).map(asks).collect()
}

/// Cycles by which the last output of a softmax comes later than from a table: two more passes over the codes, the division, and
/// the registers between; 0 without one.
pub fn softmax_delay(design: &Design) -> u64 {
    let delay = |layer: &Layer| {
        let beats = layer.outputs.div_ceil(design.array.lanes) as u64;
        Some(2 * beats + u64::from(layer.softmax(design)?.division()) + 4)
    };
    design.layers.last().and_then(delay).unwrap_or(0)
}

/// Cycles from the last beat of y until its largest magnitude is found, where that takes more than one: a level of a tree of comparisons
/// each, and one more for a unit that looks at nothing before.
fn peak_delay(design: &Design) -> u64 {
    if !design.array.backend.lines_in_memory() {
        return 0;
    }
    u64::from(design.array.lanes.ilog2()) + u64::from(!design.training.ring())
}

/// Number of cycles covered by closed intervals.
fn union(intervals: &mut [(u64, u64)]) -> u64 {
    intervals.sort_unstable();
    let mut covered = 0;
    let mut reached = 0;
    for &(first, last) in intervals.iter() {
        let first = first.max(reached);
        if last + 1 > first {
            covered += last + 1 - first;
            reached = last + 1;
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn union_counts_overlaps_once() {
        assert_eq!(union(&mut [(5, 9), (1, 3), (2, 6), (20, 20)]), 10);
        assert_eq!(union(&mut []), 0);
    }
}
