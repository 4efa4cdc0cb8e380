//! Energy of a sample: numbers of events times what each costs, per phase and component.

use std::collections::BTreeMap;

use serde::Serialize;

use super::activity::{Activity, Counted, GoldenRun, LayerActivity};
use super::area::{Area, area};
use super::components::{Components, Used};
use super::pulses::{devices, electrical};
use super::{CostError, shapes};
use crate::phases::Phase;
use crate::spec::{
    Backend, CostKey, Design, InputCoding, LEARNING_RATE_BITS, Layer, MomentumUnit, SCALE_GUARD_BITS, Tiling,
};

/// What energy goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// DACs of rows and columns, and the lines behind them.
    Drivers,
    /// Currents through memristors in reads.
    Cells,
    /// Write pulses.
    Pulses,
    /// Decays and transfers inside of synapses.
    Local,
    /// Sample-and-holds and ADCs.
    Converters,
    /// Sums of tiles and of bit planes.
    Adders,
    /// Activations and slopes.
    Tables,
    Multipliers,
    /// Vectors, pairs, velocities in memory on the chip.
    Memory,
    /// Words that move between blocks.
    Bus,
    /// Samples and outputs, from and to outside.
    Samples,
    /// Registers of line drivers.
    Registers,
    /// Converters and drivers that do nothing.
    Leakage,
}

impl Component {
    pub const ALL: [Component; 13] = [
        Component::Drivers,
        Component::Cells,
        Component::Pulses,
        Component::Local,
        Component::Converters,
        Component::Adders,
        Component::Tables,
        Component::Multipliers,
        Component::Memory,
        Component::Bus,
        Component::Samples,
        Component::Registers,
        Component::Leakage,
    ];

    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Component::Drivers => "line drivers",
            Component::Cells => "memristors, reads",
            Component::Pulses => "memristors, pulses",
            Component::Local => "second devices",
            Component::Converters => "ADCs",
            Component::Adders => "adders",
            Component::Tables => "activation tables",
            Component::Multipliers => "multipliers",
            Component::Memory => "memory",
            Component::Bus => "buses",
            Component::Samples => "samples in, outputs out",
            Component::Registers => "registers",
            Component::Leakage => "leakage",
        }
    }
}

/// A kind of event: so many times a sample, at so much each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    pub phase: Phase,
    pub component: Component,
    pub what: &'static str,
    /// Per sample, on average.
    pub number: f64,
    /// Joules.
    pub each: f64,
}

/// The energy of a sample in its parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Energies {
    pub events: Vec<Event>,
}

impl Energies {
    fn add(&mut self, phase: Phase, component: Component, what: &'static str, number: f64, each: f64) {
        if number == 0.0 {
            return;
        }
        let same = |e: &&mut Event| (e.phase, e.component, e.what, e.each) == (phase, component, what, each);
        match self.events.iter_mut().find(same) {
            Some(event) => event.number += number,
            None => self.events.push(Event { phase, component, what, number, each }),
        }
    }

    fn sum(&self, wanted: impl Fn(&Event) -> bool) -> f64 {
        self.events.iter().filter(|e| wanted(e)).map(|e| e.number * e.each).sum()
    }

    /// Joules of all events.
    pub fn total(&self) -> f64 {
        self.sum(|_| true)
    }

    pub fn phase(&self, phase: Phase) -> f64 {
        self.sum(|e| e.phase == phase)
    }

    pub fn component(&self, component: Component) -> f64 {
        self.sum(|e| e.component == component)
    }

    pub fn part(&self, phase: Phase, component: Component) -> f64 {
        self.sum(|e| e.phase == phase && e.component == component)
    }
}

/// What a training or inference sample costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Seconds, all and by phase.
    pub seconds: f64,
    pub phase_seconds: BTreeMap<&'static str, f64>,
    /// Clock cycles, all and by phase.
    pub cycles: f64,
    pub phase_cycles: BTreeMap<&'static str, f64>,
    /// Share of the cycles in which an array works.
    pub array_busy: f64,
    /// Joules, all, by phase and by component.
    pub joules: f64,
    pub phase_joules: BTreeMap<&'static str, f64>,
    pub component_joules: BTreeMap<&'static str, f64>,
    #[serde(flatten)]
    pub energies: Energies,
}

/// Everything that is said of a design.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    pub name: String,
    pub spec_hash: String,
    pub momentum_unit: MomentumUnit,
    /// Weights, biases left out.
    pub weights: u64,
    pub arrays: usize,
    pub clock_ns: f64,
    pub activity: Activity,
    pub training: Step,
    pub inference: Step,
    pub area: Area,
    pub constants: Vec<Used>,
}

impl Estimate {
    /// Mean power of training in watts.
    pub fn power(&self) -> f64 {
        self.training.joules / self.training.seconds
    }
}

/// Where an activity is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// A golden run.
    Golden(GoldenRun),
    Assumed,
}

/// What `design` costs with the constants of `components`.
///
/// # Errors
/// An emulated array, data or devices that a golden run cannot use.
pub fn estimate(design: &Design, components: &Components, counting: Counting) -> Result<Estimate, CostError> {
    if design.array.backend == Backend::Emulated {
        return Err(CostError::Emulated);
    }
    let mut components = components.clone();
    components.override_with(&design.cost);
    electrical(design, &mut components)?;
    let activity = match counting {
        Counting::Golden(run) => Activity::golden(design, &components, run)?,
        Counting::Assumed => Activity::assumed(design, &components)?,
    };
    Ok(of_activity(design, &components, &activity))
}

/// The same of a known activity; `components` with all that spec and device say.
fn of_activity(design: &Design, components: &Components, activity: &Activity) -> Estimate {
    let model = Model { design, components };
    let (mut training, mut inference) = (Energies::default(), Energies::default());
    for energies in [&mut training, &mut inference] {
        model.load(energies);
        model.output(energies);
    }
    for (index, (layer, activity)) in design.layers.iter().zip(&activity.layers).enumerate() {
        model.forward(&mut training, layer, activity);
        model.forward(&mut inference, layer, activity);
        model.errors(&mut training, index);
        if index > 0 {
            model.transposed(&mut training, layer, activity);
        }
        model.update(&mut training, layer, activity);
    }
    model.idle(&mut training, &activity.training);
    model.idle(&mut inference, &activity.inference);
    let clock = design.timing.clock_ns * 1e-9;
    Estimate {
        name: design.name.clone(),
        spec_hash: design.spec_hash.clone(),
        momentum_unit: design.training.momentum_unit,
        weights: shapes::weights(design),
        arrays: design.layers.iter().map(|l| l.tiling.count()).sum(),
        clock_ns: design.timing.clock_ns,
        activity: activity.clone(),
        training: step(&activity.training, training, clock),
        inference: step(&activity.inference, inference, clock),
        area: area(design, components),
        constants: components.list(),
    }
}

fn step(counted: &Counted, energies: Energies, clock: f64) -> Step {
    let phases = || Phase::of(true).into_iter().filter(|phase| *phase != Phase::Idle);
    let by_phase = |value: &dyn Fn(Phase) -> f64| phases().map(|phase| (phase.name(), value(phase))).collect();
    let names = Component::ALL.iter().map(|c| (c.name(), energies.component(*c)));
    Step {
        seconds: counted.total() * clock,
        phase_seconds: by_phase(&|phase| counted.phase(phase) * clock),
        cycles: counted.total(),
        phase_cycles: by_phase(&|phase| counted.phase(phase)),
        array_busy: counted.busy(),
        joules: energies.total(),
        phase_joules: by_phase(&|phase| energies.phase(phase)),
        component_joules: names.collect(),
        energies,
    }
}

/// Lines of a layer as its arrays have them: rows stand once per column of the grid, columns once per row of it.
pub(super) struct Lines {
    pub rows: f64,
    pub cols: f64,
    /// Rows that a transposed read converts: all but the bias.
    pub inputs: f64,
}

impl Lines {
    pub fn of(tiling: &Tiling) -> Lines {
        let (down, across) = tiling.grid();
        let (rows, cols) = (tiling.rows as f64, tiling.cols as f64);
        Lines { rows: rows * across as f64, cols: cols * down as f64, inputs: (rows - 1.0) * across as f64 }
    }
}

struct Model<'a> {
    design: &'a Design,
    components: &'a Components,
}

impl Model<'_> {
    fn constant(&self, key: CostKey) -> f64 {
        self.components.get(key)
    }

    /// Joules to set a line to a code.
    fn drive(&self) -> f64 {
        match self.design.array.input_coding {
            InputCoding::Amplitude => self.amplitude(),
            InputCoding::BitSerial => self.constant(CostKey::BitDriveEnergy),
        }
    }

    fn amplitude(&self) -> f64 {
        self.constant(CostKey::DacEnergy) * per_bit(self.design.array.dac_bits)
    }

    /// Joules of a memristor at full scale of a read, while lines settle and the first conversion samples them.
    fn conducting(&self) -> f64 {
        let (timing, volts) = (&self.design.timing, self.constant(CostKey::ReadVoltage));
        let seconds = f64::from(timing.read_settle + timing.adc_conversion) * timing.clock_ns * 1e-9;
        volts * volts * self.constant(CostKey::CellConductance) * seconds
    }

    fn multiply(&self, bits: (u32, u32)) -> f64 {
        self.constant(CostKey::MultiplyEnergy) * f64::from(bits.0 * bits.1) / 64.0
    }

    /// Bits that are written to a memory on the chip, moved, and read again.
    fn stored(&self, energies: &mut Energies, phase: Phase, what: &'static str, bits: f64) {
        energies.add(phase, Component::Memory, what, 2.0 * bits, self.constant(CostKey::MemoryEnergy));
        energies.add(phase, Component::Bus, what, bits, self.constant(CostKey::BusEnergy));
    }

    /// The sample, x and targets, waits in the input banks.
    fn load(&self, energies: &mut Energies) {
        let bits = self.design.inputs as f64 * f64::from(self.design.array.dac_bits);
        energies.add(Phase::Load, Component::Samples, "bits of x", bits, self.constant(CostKey::SampleEnergy));
        self.stored(energies, Phase::Load, "bits of x", bits);
    }

    fn output(&self, energies: &mut Energies) {
        let bits = self.design.outputs() as f64 * f64::from(self.design.array.dac_bits);
        energies.add(Phase::Forward, Component::Samples, "bits of outputs", bits, self.constant(CostKey::SampleEnergy));
        self.stored(energies, Phase::Forward, "bits of outputs", bits);
    }

    /// A read's steps: lines driven, cells that conduct while the lines settle and are sampled, conversions.
    fn read(&self, energies: &mut Energies, phase: Phase, layer: &Layer, read: Read) {
        let planes = f64::from(read.planes);
        energies.add(phase, Component::Drivers, "lines driven in reads", read.driven * planes, self.drive());
        let volts = self.constant(CostKey::ReadVoltage);
        let cells = (layer.rows() * layer.outputs) as f64;
        let wire = self.constant(CostKey::LineCapacitance) * volts * volts * read.power;
        energies.add(phase, Component::Drivers, "wires charged in reads", cells * planes, wire);
        // A column of references stands beside weights of one device.
        let per_weight = devices(&self.design.device.model);
        let references = if per_weight > 1.0 { 0.0 } else { Lines::of(&layer.tiling).rows };
        let each = read.power * self.conducting();
        energies.add(phase, Component::Cells, "memristors read", (cells * per_weight + references) * planes, each);
        let conversions = read.sensed * planes;
        let sample = self.constant(CostKey::SampleHoldEnergy);
        energies.add(phase, Component::Converters, "lines sampled", conversions, sample);
        energies.add(phase, Component::Converters, "conversions", conversions, self.constant(CostKey::AdcEnergy));
        // Codes of the first tile need no adder; with bit planes each sum is added to a memory.
        let sums = (read.sensed - read.words) * planes + if planes > 1.0 { read.words * planes } else { 0.0 };
        energies.add(phase, Component::Adders, "codes added", sums, self.constant(CostKey::AddEnergy));
        if planes > 1.0 {
            let bits = f64::from(self.design.array.adc_bits + self.design.array.dac_bits);
            self.stored(energies, phase, "bits of sums", read.words * (planes - 1.0) * bits);
        }
        energies.add(
            phase,
            Component::Bus,
            "bits of codes",
            read.words * f64::from(self.design.array.adc_bits),
            self.constant(CostKey::BusEnergy),
        );
    }

    fn forward(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity) {
        let lines = Lines::of(&layer.tiling);
        let words = layer.outputs as f64;
        let planes = self.design.array.planes().0;
        let read = Read { planes, driven: lines.rows, sensed: lines.cols, words, power: activity.row_power };
        self.read(energies, Phase::Forward, layer, read);
        let table = self.constant(CostKey::TableEnergy);
        energies.add(Phase::Forward, Component::Tables, "activations", words, table);
        let dac = f64::from(self.design.array.dac_bits);
        // Activations go to the next layer's rows, slopes wait for the errors.
        self.stored(energies, Phase::Forward, "bits of activations and slopes", 2.0 * words * dac);
        if let Some(softmax) = layer.softmax(self.design) {
            energies.add(Phase::Forward, Component::Tables, "exponentials", words, table);
            let bits = (self.design.array.dac_bits + 2, softmax.division() * 2);
            energies.add(Phase::Forward, Component::Multipliers, "quotients", words, self.multiply(bits));
        }
    }

    /// Errors times slopes: of the output layer at the end of the forward phase, of the others behind the read of the layer above.
    fn errors(&self, energies: &mut Energies, index: usize) {
        let (layer, array) = (&self.design.layers[index], &self.design.array);
        let last = index + 1 == self.design.layers.len();
        let phase = if last { Phase::Forward } else { Phase::Backward };
        let operand = if last { array.dac_bits + 1 } else { array.adc_bits };
        let words = layer.outputs as f64;
        energies.add(phase, Component::Multipliers, "errors", words, self.multiply((operand, array.dac_bits)));
        self.stored(energies, phase, "bits of errors", words * f64::from(array.error_bits));
    }

    fn transposed(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity) {
        let lines = Lines::of(&layer.tiling);
        let read = Read {
            planes: self.design.array.planes().1,
            driven: lines.cols,
            sensed: lines.inputs,
            words: layer.inputs as f64,
            power: activity.column_power,
        };
        self.read(energies, Phase::Backward, layer, read);
    }

    /// Pulses and what the momentum unit does for them.
    fn update(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity) {
        let (array, training) = (&self.design.array, &self.design.training);
        let phase = Phase::Update;
        let cells = (layer.rows() * layer.outputs) as f64;
        let across = layer.tiling.grid().1 as f64;
        energies.add(phase, Component::Pulses, "joules of all pulses", activity.pulse_energy, 1.0);
        // Rows of a write have amplitudes whatever reads have.
        energies.add(phase, Component::Drivers, "rows set for writes", activity.rows_set * across, self.amplitude());
        let volts = self.constant(CostKey::WriteVoltage);
        let wire = self.constant(CostKey::LineCapacitance) * volts * volts;
        energies.add(phase, Component::Drivers, "wires charged in writes", activity.slot_power * cells, wire);
        energies.add(phase, Component::Local, "cells", activity.local * cells, self.constant(CostKey::LocalEnergy));
        let (dac, error) = (f64::from(array.dac_bits), f64::from(array.error_bits));
        let memory = self.constant(CostKey::MemoryEnergy);
        let factor = LEARNING_RATE_BITS + SCALE_GUARD_BITS;
        let words = layer.outputs as f64;
        if training.ring() {
            let pair = layer.inputs as f64 * dac + words * error;
            energies.add(phase, Component::Memory, "bits of pairs stored", pair, memory);
            // Words of x and y by their mean width.
            let mean = pair / (layer.inputs as f64 + words);
            energies.add(phase, Component::Memory, "bits of pairs fetched", activity.ring_words * mean, memory);
            let bus = self.constant(CostKey::BusEnergy);
            energies.add(phase, Component::Bus, "bits of pairs fetched", activity.ring_words * mean, bus);
        }
        if let Some(format) = layer.digital_velocity(self.design) {
            let kept = if training.rounding.stochastic() { 1.0 } else { 2.0 };
            let bits = cells * kept * f64::from(format.bits);
            energies.add(phase, Component::Memory, "bits of velocities read and written", 2.0 * bits, memory);
            let decay = self.multiply((format.bits, LEARNING_RATE_BITS));
            let gradient = self.multiply((array.dac_bits, array.error_bits))
                + self.multiply((array.dac_bits + array.error_bits, LEARNING_RATE_BITS));
            energies.add(phase, Component::Multipliers, "velocities", cells, decay + gradient);
            energies.add(phase, Component::Adders, "velocities", kept * cells, self.constant(CostKey::AddEnergy));
            return;
        }
        // One product per column and slot: |y| times the factor.
        let slots = (activity.slots - 2.0 * activity.fast_reads).max(0.0);
        energies.add(
            phase,
            Component::Multipliers,
            "pulse widths",
            slots * words,
            self.multiply((array.error_bits, factor)),
        );
        if let Some(format) = layer.transfer_format(self.design) {
            let reads = activity.fast_reads;
            let sensed = Lines::of(&layer.tiling).cols;
            let per_weight = devices(&self.design.device.model);
            for (component, what, number, each) in [
                // One row at half of full scale.
                (Component::Cells, "second devices read", words * per_weight, 0.25 * self.conducting()),
                (Component::Converters, "lines sampled", sensed, self.constant(CostKey::SampleHoldEnergy)),
                (Component::Converters, "conversions", sensed, self.constant(CostKey::AdcEnergy)),
                (Component::Memory, "bits of residues read and written", 2.0 * words * f64::from(format.bits), memory),
                (Component::Adders, "residues", words, self.constant(CostKey::AddEnergy)),
                (Component::Multipliers, "pulses back", words, self.multiply((array.adc_bits, LEARNING_RATE_BITS))),
            ] {
                energies.add(phase, component, what, reads * number, each);
            }
        }
    }

    /// What goes on in every cycle, whatever happens.
    fn idle(&self, energies: &mut Energies, counted: &Counted) {
        let (mut adcs, mut drivers, mut bits) = (0.0, 0.0, 0.0);
        for layer in &self.design.layers {
            let lines = Lines::of(&layer.tiling);
            adcs += (self.design.array.adcs * layer.tiling.count()) as f64;
            drivers += lines.rows + lines.cols;
            bits += register_bits(self.design, layer);
        }
        let clock = self.design.timing.clock_ns * 1e-9;
        for phase in Phase::of(true) {
            let cycles = counted.phase(phase);
            if phase == Phase::Idle || cycles == 0.0 {
                continue;
            }
            let seconds = cycles * clock;
            let register = self.constant(CostKey::RegisterEnergy);
            energies.add(phase, Component::Registers, "bits times cycles", bits * cycles, register);
            let adc = self.constant(CostKey::AdcLeakage);
            energies.add(phase, Component::Leakage, "ADCs times seconds", adcs * seconds, adc);
            let dac = self.constant(CostKey::DacLeakage);
            energies.add(phase, Component::Leakage, "line drivers times seconds", drivers * seconds, dac);
        }
    }
}

/// A read in numbers of lines, over all arrays of the layer.
struct Read {
    /// Steps.
    planes: u32,
    driven: f64,
    sensed: f64,
    /// Codes behind the sums over tiles.
    words: f64,
    /// Mean square of the driven codes.
    power: f64,
}

/// How much more a DAC of so many bits costs than one of 8.
pub(super) fn per_bit(bits: u32) -> f64 {
    libm::exp2(f64::from(bits) - 8.0)
}

/// Bits of a layer's line drivers: codes of rows, magnitudes and signs of columns, each with the stage behind.
pub(super) fn register_bits(design: &Design, layer: &Layer) -> f64 {
    let array = &design.array;
    let (row, col) = (f64::from(array.dac_bits), f64::from(array.pulse_bits.max(array.dac_bits - 1) + 1));
    2.0 * (layer.rows() as f64 * row + layer.outputs as f64 * col)
}
