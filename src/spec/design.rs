//! The validated design: sizes, fixed-point formats and cycle counts that golden model, RTL and cycle model share.
//!
//! Symbols follow the field: a layer has `M` inputs and `N` outputs; its array has `M + 1` rows (the last is the bias) and
//! `N` columns; `x` input vector, `r = W x` read result, `a = f(r)` activation, `y` error times slope, `u` driven error,
//! `b = W^T u` back-read, `s` device state.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    Array, Conv, CostOverrides, FactorFormat, InputCoding, Memory, NonIdeal, StateMemory, Tile, Tiling, Training,
};
use crate::device::{DeviceError, Geometry, Memristors, Noise, compact, mtj, pcm, response};
use crate::fixed;

/// Fraction bits of the learning-rate register: 16 bits, unsigned, `0 <= eta < 4`.
pub const LEARNING_RATE_FRACTION: u32 = 14;
/// Bits of the learning-rate register.
pub const LEARNING_RATE_BITS: u32 = 16;
/// Bits (all fraction) of the momentum register: `0 <= gamma < 1`.
pub const MOMENTUM_BITS: u32 = 16;
/// Guard bits below the learning rate while `eta gamma^j` is formed by repeated multiplication.
pub const SCALE_GUARD_BITS: u32 = 8;

/// Most cycles of one timed step; bounds the counters.
pub(super) const MAX_CYCLES: u32 = 65_535;

/// A whole validated design.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Design {
    /// Verilog identifier, prefix of every module.
    pub name: String,
    /// Words of one sample.
    pub inputs: usize,
    pub layers: Vec<Layer>,
    pub training: Training,
    pub array: Array,
    /// What arrays and converters add to the devices.
    pub nonideal: NonIdeal,
    pub device: Device,
    pub timing: Timing,
    /// The arrays as plain memory; `None`: no controller is generated.
    pub memory: Option<Memory>,
    /// Constants of the cost model that the spec changes.
    pub cost: CostOverrides,
    pub data: Data,
    /// First 16 hex digits of the SHA-256 of the canonical spec (all defaults filled in) without what only concerns a run:
    /// epochs, seed, initial weights, data. The same hash means the same Verilog.
    pub spec_hash: String,
}

/// One layer of `inputs + 1` rows and `outputs` columns, on one array or a grid of them: fully connected, or a convolution, whose rows are
/// the words of the kernel's window and whose columns are the channels of its map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// Verilog identifier, prefix of the layer's instance and of its array pins.
    pub name: String,
    /// M, without the bias row.
    pub inputs: usize,
    /// N.
    pub outputs: usize,
    pub activation: Activation,
    /// `None`: fully connected.
    pub conv: Option<Conv>,
    pub ranges: Ranges,
    pub shifts: Shifts,
    /// How its cells lie on arrays.
    pub tiling: Tiling,
    /// What `[array] state_memory` says, or the target of an FPGA where it says nothing.
    pub state_memory: StateMemory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    Sigmoid,
    Tanh,
    Relu,
    Linear,
    /// Over all outputs of the last layer; with [`crate::spec::Loss::CrossEntropy`].
    Softmax,
}

/// Full scales of a layer's quantities as powers of two: a signed code of `bits` bits has the value `code * 2^(exp - (bits - 1))`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ranges {
    /// Input codes x, `dac_bits`.
    pub input: i32,
    /// Activation codes a, `dac_bits`.
    pub output: i32,
    /// Weights, `state_bits`.
    pub weight: i32,
    /// Forward read r, `adc_bits`.
    pub read: i32,
    /// Slope f'(r), unsigned codes `0 ..= 2^(dac_bits-1)`, the largest meaning `2^slope`.
    pub slope: i32,
    /// Error y, `error_bits`.
    pub error: i32,
    /// Transposed read b, `adc_bits`.
    pub back: i32,
    /// What the ADC takes as full scale of one bit plane, forward and transposed; without a meaning with
    /// [`InputCoding::Amplitude`].
    pub read_plane: i32,
    pub back_plane: i32,
    /// Weight change of a full-scale input and the longest pulse.
    pub update: i32,
}

/// Right shifts (with rounding, see [`crate::fixed::round_shift`]) that follow from ranges and widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shifts {
    /// Dot product -> forward ADC code; of one bit plane, where inputs are bit-serial.
    pub forward: u32,
    /// Error (output layer: target - activation; hidden: back-read of the next layer) times slope -> y.
    pub error: u32,
    /// y -> driven code u of the transposed read.
    pub drive: u32,
    /// Transposed dot product -> ADC code; of one bit plane, where inputs are bit-serial.
    pub backward: u32,
    /// |y| times `eta gamma^j` -> pulse width.
    pub width: u32,
    /// Input code times pulse width -> change of state.
    pub write: u32,
    /// Sums of the bit planes' codes -> codes of the two reads; 0 with [`InputCoding::Amplitude`].
    pub planes_forward: u32,
    pub planes_backward: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Device {
    pub model: DeviceModel,
    /// Bits of the integer device state s (two's complement, symmetric saturation); `w = s * 2^(weight - (state_bits - 1))`.
    pub state_bits: u32,
}

/// What the cells are made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceModel {
    /// An integer that takes every write exactly.
    Ideal,
    /// A compact model: voltage and time in, state out.
    Compact(compact::CompactCells),
    /// Pairs of magnetic tunnel junctions.
    Mtj(mtj::Mtj),
    /// Pairs of phase-change devices.
    Pcm(Box<pcm::Pcm>),
    /// A measured or assumed pulse response.
    Response(response::Parameters),
}

/// What the memory mode needs to know of a kind of device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Memristors per weight.
    pub devices: usize,
    /// Lowest and highest conductance in siemens.
    pub conductance: (f64, f64),
}

impl DeviceModel {
    /// Memristors of an array; `None` for the `ideal` device.
    ///
    /// # Errors
    /// Devices that cannot be driven as the geometry asks for.
    pub fn memristors(&self, geometry: Geometry, noise: Noise) -> Result<Option<Box<dyn Memristors>>, DeviceError> {
        Ok(match self {
            DeviceModel::Ideal => None,
            DeviceModel::Compact(cells) => Some(Box::new(compact::CompactArray::new(cells, geometry, noise)?)),
            DeviceModel::Mtj(junction) => Some(Box::new(mtj::MtjPairs::new(junction, geometry, noise)?)),
            DeviceModel::Pcm(pairs) => Some(Box::new(pcm::PcmPairs::new(pairs, geometry, noise))),
            DeviceModel::Response(parameters) => Some(response::array(parameters, geometry, noise)),
        })
    }
}

impl Design {
    /// What a single cell is like; `None` for the `ideal` device.
    ///
    /// # Errors
    /// As for [`DeviceModel::memristors`].
    pub fn cell(&self) -> Result<Option<Cell>, DeviceError> {
        let Some(layer) = self.layers.first() else { return Ok(None) };
        let one = Geometry { rows: 1, cols: 1, ..layer.geometry(self) };
        let cells = self.device.model.memristors(one, Noise::new(0, 0))?;
        Ok(cells.map(|cells| Cell { devices: cells.devices(), conductance: cells.conductance_range() }))
    }
}

/// Times in ns as given, and the clock cycles that follow (rounded up).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    pub clock_ns: f64,
    pub read_settle_ns: f64,
    pub adc_conversion_ns: f64,
    pub pulse_lsb_ns: f64,
    pub read_settle: u32,
    /// At least 1.
    pub adc_conversion: u32,
    /// Cycles of one pulse-width unit, at least 1.
    pub pulse_lsb: u32,
    /// Of the second devices; `None` for units without.
    pub local: Option<LocalTiming>,
}

impl Timing {
    /// The same times with another clock: cycles follow, rounded up. `None` where one is more cycles than the hardware counts.
    pub fn with_clock(&self, clock_ns: f64) -> Option<Timing> {
        let cycles = |ns: f64| {
            // As where the spec is read: 1.1 / 0.1 is no twelfth cycle.
            let cycles = (ns / clock_ns * (1.0 - 1e-9)).ceil();
            (cycles <= f64::from(MAX_CYCLES)).then_some(cycles as u32)
        };
        let local = match self.local {
            None => None,
            Some(local) => Some(LocalTiming {
                decay: cycles(local.decay_ns)?.max(1),
                transfer: cycles(local.transfer_ns)?.max(1),
                ..local
            }),
        };
        Some(Timing {
            clock_ns,
            read_settle: cycles(self.read_settle_ns)?,
            adc_conversion: cycles(self.adc_conversion_ns)?.max(1),
            pulse_lsb: cycles(self.pulse_lsb_ns)?.max(1),
            local,
            ..self.clone()
        })
    }
}

/// How long all cells of an array take for what they do by themselves, without the lines, in ns and in cycles (at least 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LocalTiming {
    pub decay_ns: f64,
    pub transfer_ns: f64,
    /// V <- gamma V.
    pub decay: u32,
    /// W <- W + V.
    pub transfer: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Data {
    /// Paths resolved against the spec's folder; not serialized, so that outputs do not depend on the machine.
    #[serde(skip)]
    pub source: DataSource,
    /// The same with paths as the user wrote them: what the canonical spec and its hash hold.
    #[serde(rename = "source")]
    pub written: DataSource,
    pub test_fraction: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// The 8x8 handwritten digits that memrtl ships.
    Digits,
    /// IDX files (optionally gzip).
    Idx { images: PathBuf, labels: PathBuf },
    /// CSV (optionally gzip): features, then the label in the last column.
    Csv(PathBuf),
}

impl Design {
    /// Outputs of the last layer: classes.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |l| l.outputs)
    }

    /// All arrays: their layers and their places in them, in order.
    pub fn arrays(&self) -> impl Iterator<Item = (usize, Tile)> {
        self.layers.iter().enumerate().flat_map(|(index, layer)| layer.tiling.tiles().map(move |tile| (index, tile)))
    }

    /// Whether rows are driven one by one, too.
    pub fn single_rows(&self) -> bool {
        self.training.momentum_unit.sram() || self.row_reads()
    }

    /// Whether the RTL holds more than a ring of the last pairs: sums, or the place of a round through the rows.
    pub fn sums_the_past(&self) -> bool {
        self.training.momentum_unit.sums_the_past() || self.array.slices.is_some()
    }

    /// Whether rows are read one by one: second devices, or slices of the weights.
    pub fn row_reads(&self) -> bool {
        self.training.momentum_unit.tiki_taka() || self.array.slices.is_some()
    }

    /// Bits of an array's `op_kind`.
    pub fn kind_bits(&self) -> u32 {
        if self.training.momentum_unit.second_devices() || self.row_reads() { 3 } else { 2 }
    }

    /// Words of one 64-bit stream beat: 8 of 8 bits when DAC codes fit, else 4 of 16 bits.
    pub fn stream_words(&self) -> usize {
        if self.array.dac_bits <= 8 { 8 } else { 4 }
    }

    /// Reset value of the learning-rate register: eta in unsigned fixed point with [`LEARNING_RATE_FRACTION`] fraction bits.
    pub fn learning_rate_code(&self) -> u32 {
        self.training.initial_rates().codes().0
    }

    /// Reset value of the momentum register: gamma in units of `2^-16`.
    pub fn momentum_code(&self) -> u32 {
        self.training.initial_rates().codes().1
    }

    /// What a gradient is multiplied with.
    pub fn factor_format(&self) -> FactorFormat {
        let training = &self.training;
        let format =
            FactorFormat::new(training.momentum_kind, training.momentum_unit, self.momentum_code(), training.batch);
        training.schedule.iter().fold(format, |format, step| format.down_to(step.rates.codes().1))
    }

    /// The same for the learning rate of the spec, without guard bits.
    pub fn rate_code(&self) -> u32 {
        self.factor_format().of_spec(self.learning_rate_code()).rate()
    }

    /// The largest of the whole schedule.
    pub fn largest_rate_code(&self) -> u32 {
        let factor = |(eta, gamma)| self.factor_format().factors(eta, gamma).rate();
        let steps = self.training.schedule.iter().map(|step| factor(step.rates.codes()));
        steps.fold(self.rate_code(), u32::max)
    }
}

impl Layer {
    /// Prefix of the pins of one of its arrays: the layer's name, the slice and the place in the grid where there are several.
    pub fn array_name(&self, tile: &Tile) -> String {
        let mut name = self.name.clone();
        if self.tiling.slices > 1 {
            name += &format!("_s{}", tile.slice);
        }
        if self.tiling.grid() != (1, 1) {
            name += &format!("_r{}c{}", tile.grid.0, tile.grid.1);
        }
        name
    }

    /// Initial weights of this layer are uniform in +- this value, never beyond the weight range.
    pub fn initial_weight(&self, training: &Training) -> f64 {
        let glorot = (6.0 / (self.inputs + self.outputs) as f64).sqrt();
        training.initial_weight.unwrap_or(glorot).min(2f64.powi(self.ranges.weight))
    }

    /// Size of the layer's array, and what its pins stand for.
    pub fn geometry(&self, design: &Design) -> Geometry {
        Geometry {
            rows: self.rows(),
            cols: self.outputs,
            max_code: fixed::max_code(design.array.dac_bits) as i32,
            max_width: (1 << design.array.pulse_bits) - 1,
            // The hardware's pulse lasts whole clock cycles.
            pulse_lsb: f64::from(design.timing.pulse_lsb) * design.timing.clock_ns * 1e-9,
            update_step: 2f32.powi(1 - design.device.state_bits as i32 - self.shifts.write as i32),
        }
    }

    /// The same for one of its tiles.
    pub fn tile_geometry(&self, design: &Design, tile: &Tile) -> Geometry {
        Geometry { rows: tile.rows, cols: tile.cols, ..self.geometry(design) }
    }

    /// Geometry of the layer's second devices, which hold the velocity: its full scale is what endless writes of one sign come up to.
    /// `None` for units that have none.
    pub fn velocity_geometry(&self, design: &Design) -> Option<Geometry> {
        let unit = design.training.momentum_unit;
        if let (true, Some(transfer)) = (unit.tiki_taka(), design.training.transfer) {
            let step = 2 - (design.array.pulse_bits + design.array.dac_bits + transfer.range) as i32;
            return Some(Geometry { update_step: 2f32.powi(step), ..self.geometry(design) });
        }
        if !unit.in_array() {
            return None;
        }
        let rest = (1u32 << MOMENTUM_BITS) - design.training.largest_momentum_code();
        let batch = self.gradients(&design.training).next_power_of_two().ilog2() as i32;
        let gain = MOMENTUM_BITS as i32 - (rest.ilog2() as i32) + batch;
        let step = 1 - (design.array.pulse_bits + design.array.dac_bits) as i32 - gain;
        Some(Geometry { update_step: 2f32.powi(step), ..self.geometry(design) })
    }

    /// Forward reads of a sample: 1, or the places of the kernel.
    pub fn positions(&self) -> usize {
        self.conv.map_or(1, |conv| conv.positions())
    }

    /// Words that the layer hands on: one per column, or those of the pooled map.
    pub fn words(&self) -> usize {
        self.outputs * self.conv.map_or(1, |conv| conv.pixels())
    }

    /// Pairs (x, y) whose gradients make one step.
    pub fn gradients(&self, training: &Training) -> usize {
        self.positions() * training.batch
    }

    /// Pairs that the ring of its momentum unit holds; 1 for units without.
    pub fn pairs(&self, training: &Training) -> usize {
        if training.ring() { training.history * self.gradients(training) } else { 1 }
    }

    /// Rows: inputs and the bias.
    pub fn rows(&self) -> usize {
        self.inputs + 1
    }
}

impl Activation {
    /// Full scale of the activation's output (power-of-two exponent).
    pub fn default_output_range(self) -> i32 {
        match self {
            Activation::Sigmoid | Activation::Tanh | Activation::Softmax => 0,
            Activation::Relu | Activation::Linear => 2,
        }
    }

    /// Full scale of the forward read.
    pub fn default_read_range(self) -> i32 {
        match self {
            Activation::Sigmoid | Activation::Softmax => 3,
            Activation::Tanh | Activation::Relu | Activation::Linear => 2,
        }
    }

    /// Full scale of target minus activation in the output layer: outputs without bounds are clipped at twice the distance
    /// of the targets, which costs no accuracy and leaves the bits to the errors that come up.
    pub fn output_error_range(self, output_range: i32) -> i32 {
        match self {
            Activation::Sigmoid | Activation::Tanh | Activation::Softmax => output_range,
            Activation::Relu | Activation::Linear => output_range.min(1),
        }
    }

    /// Doublings from the full scale of a layer's errors to that of its transposed read. Sigmoid layers grow large weights
    /// to make up for their small slope; the others would only lose resolution, layer by layer.
    pub fn back_gain(self) -> i32 {
        match self {
            Activation::Sigmoid => 1,
            Activation::Tanh | Activation::Relu | Activation::Linear | Activation::Softmax => 0,
        }
    }

    /// Largest slope as a power-of-two exponent: 1/4 for the sigmoid, 1 for the others. With a softmax the error of the loss is
    /// t - o itself: a slope of 1.
    pub fn slope_range(self) -> i32 {
        match self {
            Activation::Sigmoid => -2,
            Activation::Tanh | Activation::Relu | Activation::Linear | Activation::Softmax => 0,
        }
    }
}

/// A shift that came out negative: the widths and ranges ask for more resolution than exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegativeShift {
    /// Which shift, as named in [`Shifts`].
    pub shift: &'static str,
    /// Missing bits.
    pub missing: u32,
}

/// Where one shift comes from: a product with steps of `2^product` becomes a code with steps of `2^result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which shift, as named in [`Shifts`].
    pub shift: &'static str,
    pub product: i32,
    pub result: i32,
}

impl Step {
    /// The right shift from product to result; negative when the result is finer than the product.
    pub fn shift_by(&self) -> i32 {
        self.result - self.product
    }
}

impl Shifts {
    /// Steps of all six products and results of a layer, in the order of the fields of [`Shifts`]. `next`: ranges of the
    /// layer after it, `None` for the output layer.
    pub fn steps(
        ranges: &Ranges,
        next: Option<&Ranges>,
        array: &Array,
        state_bits: u32,
        rate_fraction: u32,
    ) -> [Step; 6] {
        let d = array.dac_bits as i32 - 1;
        let a = array.adc_bits as i32 - 1;
        let e = array.error_bits as i32 - 1;
        let p = array.pulse_bits as i32;
        // A product's step is the product of its factors' steps, so exponents add.
        let (input, output, slope) = (ranges.input - d, ranges.output - d, ranges.slope - d);
        let state = ranges.weight - (state_bits as i32 - 1);
        let error = ranges.error - e;
        let drive = ranges.error - d;
        let width = ranges.update - p - ranges.input;
        // A line that a bit plane drives stands at full scale.
        let (forward, backward) = match array.input_coding {
            InputCoding::Amplitude => ((input, ranges.read), (drive, ranges.back)),
            InputCoding::BitSerial => ((ranges.input, ranges.read_plane), (ranges.error, ranges.back_plane)),
        };
        let learning_rate = -(rate_fraction as i32);
        // Hidden layers multiply the back-read of the next layer, the output layer multiplies target minus activation.
        let error_operand = next.map_or(output, |next| next.back - a);
        let step = |shift, product, result| Step { shift, product, result };
        [
            step("forward", forward.0 + state, forward.1 - a),
            step("error", error_operand + slope, error),
            step("drive", error, drive),
            step("backward", backward.0 + state, backward.1 - a),
            step("width", learning_rate + error, width),
            // Writes go to the lowest slice, whose states count least.
            step("write", ranges.update - p - d, state - array.slice_span() as i32),
        ]
    }

    /// Shifts of layer `l` from its ranges, those of the layer after it (`None` for the output layer) and the widths.
    ///
    /// # Errors
    /// The first shift that would be negative.
    pub fn derive(
        ranges: &Ranges,
        next: Option<&Ranges>,
        array: &Array,
        state_bits: u32,
        rate_fraction: u32,
    ) -> Result<Shifts, NegativeShift> {
        let steps = Shifts::steps(ranges, next, array, state_bits, rate_fraction);
        let check = |step: Step| {
            let by = step.shift_by();
            u32::try_from(by).map_err(|_| NegativeShift { shift: step.shift, missing: by.unsigned_abs() })
        };
        let [forward, error, drive, backward, width, write] = steps;
        // The step of a plane's code, for the plane of the lowest bit.
        let planes = |shift, range: i32, plane: i32| match array.input_coding {
            InputCoding::Amplitude => Ok(0),
            InputCoding::BitSerial => {
                check(Step { shift, product: plane - (array.dac_bits as i32 - 1), result: range })
            }
        };
        Ok(Shifts {
            forward: check(forward)?,
            error: check(error)?,
            drive: check(drive)?,
            backward: check(backward)?,
            width: check(width)?,
            write: check(write)?,
            planes_forward: planes("planes_forward", ranges.read, ranges.read_plane)?,
            planes_backward: planes("planes_backward", ranges.back, ranges.back_plane)?,
        })
    }
}

impl Activation {
    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::Linear => "linear",
            Activation::Softmax => "softmax",
        }
    }
}
