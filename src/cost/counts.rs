//! Events of a design, phase by phase: how often what happens.

use super::activity::{Counted, LayerActivity};
use super::components::Components;
use super::energy::{Component, Energies};
use super::pulses::devices;
use crate::phases::Phase;
use crate::spec::{CostKey, Design, InputCoding, LEARNING_RATE_BITS, Layer, SCALE_GUARD_BITS, Tiling};

/// Lines of a layer as its arrays have them: rows stand once per column of the grid, columns once per row of it, both in each slice.
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
        let (down, across) = ((down * tiling.slices) as f64, (across * tiling.slices) as f64);
        Lines { rows: rows * across, cols: cols * down, inputs: (rows - 1.0) * across }
    }
}

/// Counts events of a design.
pub(super) struct Model<'a> {
    pub design: &'a Design,
    pub components: &'a Components,
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
    pub fn load(&self, energies: &mut Energies) {
        let bits = self.design.inputs as f64 * f64::from(self.design.array.dac_bits);
        energies.add(Phase::Load, Component::Samples, "bits of x", bits, self.constant(CostKey::SampleEnergy));
        self.stored(energies, Phase::Load, "bits of x", bits);
    }

    pub fn output(&self, energies: &mut Energies) {
        let bits = self.design.outputs() as f64 * f64::from(self.design.array.dac_bits);
        energies.add(Phase::Forward, Component::Samples, "bits of outputs", bits, self.constant(CostKey::SampleEnergy));
        self.stored(energies, Phase::Forward, "bits of outputs", bits);
    }

    /// A read's steps: lines driven, cells that conduct while the lines settle and are sampled, conversions.
    fn read(&self, energies: &mut Energies, phase: Phase, layer: &Layer, read: Read) {
        let planes = f64::from(read.planes);
        energies.add(phase, Component::Drivers, "lines driven in reads", read.driven * planes, self.drive());
        let volts = self.constant(CostKey::ReadVoltage);
        let cells = (layer.rows() * layer.outputs * layer.tiling.slices) as f64;
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

    /// A forward read and what its codes become; `share` of a vector goes on, the rest is pooled.
    pub fn forward(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity, share: f64) {
        let lines = Lines::of(&layer.tiling);
        let words = layer.outputs as f64;
        let planes = self.design.array.planes().0;
        let read = Read { planes, driven: lines.rows, sensed: lines.cols, words, power: activity.row_power };
        self.read(energies, Phase::Forward, layer, read);
        if share < 1.0 {
            energies.add(Phase::Forward, Component::Adders, "codes pooled", words, self.constant(CostKey::AddEnergy));
        }
        let words = words * share;
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

    /// The words of a window come from the map in memory, as many times as windows overlap.
    pub fn windows(&self, energies: &mut Energies, phase: Phase, layer: &Layer) {
        let bits = layer.inputs as f64 * f64::from(self.design.array.dac_bits);
        energies.add(phase, Component::Memory, "bits of windows", bits, self.constant(CostKey::MemoryEnergy));
        energies.add(phase, Component::Bus, "bits of windows", bits, self.constant(CostKey::BusEnergy));
    }

    /// Errors times slopes: of the output layer at the end of the forward phase, of the others behind the read of the layer above.
    pub fn errors(&self, energies: &mut Energies, index: usize, share: f64) {
        let (layer, array) = (&self.design.layers[index], &self.design.array);
        let last = index + 1 == self.design.layers.len();
        let phase = if last { Phase::Forward } else { Phase::Backward };
        let operand = if last { array.dac_bits + 1 } else { array.adc_bits };
        let words = layer.outputs as f64 * share;
        energies.add(phase, Component::Multipliers, "errors", words, self.multiply((operand, array.dac_bits)));
        self.stored(energies, phase, "bits of errors", words * f64::from(array.error_bits));
    }

    pub fn transposed(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity) {
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
    pub fn update(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity) {
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
        self.carries(energies, layer, activity);
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

    /// Reads of single rows of a slice; the pulses that follow are among the writes.
    fn carries(&self, energies: &mut Energies, layer: &Layer, activity: &LayerActivity) {
        if layer.tiling.slices == 1 {
            return;
        }
        let words = layer.outputs as f64;
        let sensed = words * layer.tiling.grid().0 as f64;
        let bits = words * f64::from(self.design.array.adc_bits);
        for (component, what, number, each) in [
            // One row at half of full scale.
            (
                Component::Cells,
                "memristors read for carries",
                words * devices(&self.design.device.model),
                0.25 * self.conducting(),
            ),
            (Component::Converters, "lines sampled", sensed, self.constant(CostKey::SampleHoldEnergy)),
            (Component::Converters, "conversions", sensed, self.constant(CostKey::AdcEnergy)),
            (Component::Memory, "bits of carries", 2.0 * bits, self.constant(CostKey::MemoryEnergy)),
        ] {
            energies.add(Phase::Update, component, what, activity.fast_reads * number, each);
        }
    }

    /// What goes on in every cycle, whatever happens.
    pub fn idle(&self, energies: &mut Energies, counted: &Counted) {
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
