//! From what the user gave to full scales, widths and shifts; pure functions, so that a knob can be tried before it is advised.

use super::reader::ceil_log2;
use super::{
    Activation, Array, Conv, FactorFormat, LEARNING_RATE_BITS, LEARNING_RATE_FRACTION, MOMENTUM_BITS, Optimizer,
    Ranges, SCALE_GUARD_BITS, Shifts, Step,
};
use crate::fixed::max_code;

/// Full scales lie in `2^-SCALE_LIMIT ..= 2^SCALE_LIMIT`.
pub(super) const SCALE_LIMIT: i32 = 24;
/// Most bits of a sum of products: one below the golden model's 64-bit word leaves room for sign and rounding.
pub(super) const ACCUMULATOR_LIMIT: u32 = 62;
/// Limits of the error width whatever the other widths are.
pub(super) const ERROR_BITS_MAX: u32 = 18;
/// Bits by which the default of `max_update` may stay below the largest update that can come up. Full-scale errors on
/// full-scale inputs are rare: networks of one to three layers learn the digits as well with two bits less, whatever their
/// activations; with three bits less, three layers of sigmoids lose ten points of accuracy.
const UPDATE_CLIP: i32 = 2;

/// Everything that ranges and shifts depend on.
#[derive(Debug, Clone)]
pub(super) struct Params {
    /// `error_bits` in here is not read, see [`Params::array`].
    pub array: Array,
    /// `None`: follows from the other widths.
    pub error_bits: Option<u32>,
    pub state_bits: u32,
    pub learning_rate: f64,
    /// From the learning rate to what a gradient is multiplied with.
    pub factor: FactorFormat,
    /// Largest product of learning rate and gain in the schedule; 0 without one.
    pub scheduled: f64,
    /// From the first layer to the last.
    pub layers: Vec<LayerParams>,
}

#[derive(Debug, Clone)]
pub(super) struct LayerParams {
    pub inputs: usize,
    pub outputs: usize,
    pub activation: Activation,
    pub conv: Option<Conv>,
    pub weight: i32,
    pub read: Option<i32>,
    pub output: Option<i32>,
    pub error: Option<i32>,
    pub back: Option<i32>,
    pub update: Option<i32>,
    pub read_plane: Option<i32>,
    pub back_plane: Option<i32>,
}

/// Why a layer's shift cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// Bits by which the result is finer than its product.
    TooFine(u32),
    /// The largest product, in its own steps, rounds to zero.
    AlwaysZero { largest: u128 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub layer: usize,
    pub step: Step,
    pub kind: FaultKind,
}

impl Fault {
    /// Whether both are the same kind of fault of the same quantity.
    pub fn alike(&self, other: &Fault) -> bool {
        self.step.shift == other.step.shift && std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
    }
}

/// Learning-rate register value, see [`super::Design::learning_rate_code`].
pub(super) fn learning_rate_code(learning_rate: f64) -> u32 {
    let code = (learning_rate * f64::from(1u32 << LEARNING_RATE_FRACTION)).round();
    code.min(f64::from((1u32 << LEARNING_RATE_BITS) - 1)) as u32
}

/// Momentum register value, see [`super::Design::momentum_code`].
pub(super) fn momentum_code(optimizer: Optimizer, momentum: f64) -> u32 {
    if optimizer == Optimizer::Sgd {
        return 0;
    }
    let code = (momentum * f64::from(1u32 << MOMENTUM_BITS)).round();
    code.min(f64::from((1u32 << MOMENTUM_BITS) - 1)) as u32
}

impl Params {
    /// Error width: as given, or four bits above the DAC's where the factors of the error carry that many.
    pub fn error_bits(&self) -> u32 {
        let Array { dac_bits, adc_bits, .. } = self.array;
        let output_layer = 2 * dac_bits - 1;
        let hidden = if self.layers.len() > 1 { dac_bits + adc_bits - 1 } else { ERROR_BITS_MAX };
        self.error_bits.unwrap_or((dac_bits + 4).min(ERROR_BITS_MAX).min(output_layer).min(hidden))
    }

    /// The array with its error width filled in.
    pub fn array(&self) -> Array {
        Array { error_bits: self.error_bits(), ..self.array.clone() }
    }

    /// First full scale, from the last layer to the first, that lies outside the limits: layer, key, exponent. Those after
    /// it follow from it.
    pub fn stray_range(&self) -> Option<(usize, &'static str, i32)> {
        self.ranges().iter().enumerate().rev().find_map(|(l, r)| {
            let keyed =
                [("read_range", r.read), ("error_range", r.error), ("back_range", r.back), ("max_update", r.update)];
            let stray = keyed.into_iter().find(|(_, e)| !(-SCALE_LIMIT..=SCALE_LIMIT).contains(e));
            stray.map(|(key, exponent)| (l, key, exponent))
        })
    }

    /// Full scales of all layers, from the first to the last.
    pub fn ranges(&self) -> Vec<Ranges> {
        let rate = ceil_log2((self.learning_rate * self.factor.write_gain()).max(self.scheduled));
        let mut input = 0;
        let mut all: Vec<Ranges> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let output = layer.output.unwrap_or(layer.activation.default_output_range());
            let read = match layer.activation {
                Activation::Sigmoid | Activation::Tanh | Activation::Softmax => layer.activation.default_read_range(),
                // These pass the read on unbounded, so reading beyond the output's full scale would be of no use.
                Activation::Relu | Activation::Linear => output,
            };
            // A mean hands its slope on to all that it is of.
            let slope = layer.activation.slope_range() - layer.conv.map_or(0, |conv| conv.mean_bits()) as i32;
            let read = layer.read.unwrap_or(read);
            let read_plane = layer.read_plane.unwrap_or(read);
            let known = Ranges { input, output, weight: layer.weight, read, slope, read_plane, ..Ranges::default() };
            all.push(known);
            input = output;
        }
        // Errors come from the output layer back to the first.
        let mut next_back = None;
        for (l, (layer, ranges)) in self.layers.iter().zip(&mut all).enumerate().rev() {
            let operand = next_back.unwrap_or(layer.activation.output_error_range(ranges.output));
            ranges.error = layer.error.unwrap_or(operand + ranges.slope);
            // Nothing reads the first layer backward: its range only has to be one that the widths allow.
            let lowest = if l == 0 { self.lowest_back(ranges) } else { i32::MIN };
            ranges.back = layer.back.unwrap_or((ranges.error + layer.activation.back_gain()).max(lowest));
            ranges.back_plane = layer.back_plane.unwrap_or(ranges.back);
            ranges.update = layer.update.unwrap_or_else(|| self.update(rate + ranges.error + ranges.input, ranges));
            next_back = Some(ranges.back);
        }
        all
    }

    /// Full scale of a write: that of the `largest` update, or less where the device's state would be finer than a write.
    fn update(&self, largest: i32, ranges: &Ranges) -> i32 {
        let Array { dac_bits, pulse_bits, .. } = self.array;
        let write_step = largest - pulse_bits as i32 - (dac_bits as i32 - 1);
        // Writes go to the lowest slice.
        let state_step = ranges.weight - self.array.slice_span() as i32 - (self.state_bits as i32 - 1);
        // A residue is as good as finer pulses, so the state alone sets the limit.
        let clip = if self.factor.gathers_batches() { i32::MAX } else { UPDATE_CLIP };
        largest - (write_step - state_step).clamp(0, clip)
    }

    /// Smallest full scale of the transposed read whose code is no finer than the dot product.
    fn lowest_back(&self, ranges: &Ranges) -> i32 {
        let Array { dac_bits, adc_bits, input_coding, .. } = self.array;
        let driven = if input_coding.bit_serial() { 1 } else { dac_bits as i32 };
        ranges.error + ranges.weight + adc_bits as i32 - driven - (self.state_bits as i32 - 1)
    }

    /// Every shift that is negative or lets nothing through.
    pub fn faults(&self) -> Vec<Fault> {
        let (array, ranges) = (self.array(), self.ranges());
        let mut faults = Vec::new();
        for (l, layer) in self.layers.iter().enumerate() {
            let next = ranges.get(l + 1);
            let steps = Shifts::steps(&ranges[l], next, &array, self.state_bits, self.factor.fraction());
            for (step, largest) in steps.into_iter().zip(self.largest(layer, next.is_some(), &array)) {
                // The first layer's back-read goes nowhere, so nothing is lost when it is zero.
                let unused = step.shift == "backward" && l == 0;
                let zero = |by: u32| by >= ACCUMULATOR_LIMIT || (!unused && 2 * largest < 1 << by);
                let kind = match u32::try_from(step.shift_by()) {
                    Err(_) => FaultKind::TooFine(step.shift_by().unsigned_abs()),
                    Ok(by) if zero(by) => FaultKind::AlwaysZero { largest },
                    Ok(_) => continue,
                };
                faults.push(Fault { layer: l, step, kind });
            }
        }
        faults
    }

    /// Largest magnitudes of a layer's six products in their own steps, in the order of [`Shifts`].
    fn largest(&self, layer: &LayerParams, hidden: bool, array: &Array) -> [u128; 6] {
        let code = |bits: u32| max_code(bits) as u128;
        let (dac, state, error) = (code(array.dac_bits), code(self.state_bits), code(array.error_bits));
        let slope = 1u128 << (array.dac_bits - 1);
        // Target minus activation spans twice the code range.
        let operand = if hidden { code(array.adc_bits) } else { 2 * dac };
        let driven = if array.input_coding.bit_serial() { 1 } else { dac };
        [
            (layer.inputs as u128 + 1) * driven * state,
            operand * slope,
            error,
            layer.outputs as u128 * driven * state,
            u128::from(self.factor.of_spec(learning_rate_code(self.learning_rate)).rate()) * error,
            dac * ((1 << array.pulse_bits) - 1),
        ]
    }
}

/// Bits of a layer's widest sums and products, sign included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccumulatorBits {
    /// Forward dot product over `M + 1` rows.
    pub forward: u32,
    /// Transposed dot product over `N` columns.
    pub backward: u32,
    /// Error operand times slope.
    pub error: u32,
    /// Error times `eta gamma^j` with its guard bits.
    pub width: u32,
    /// Input code times pulse width.
    pub write: u32,
}

impl AccumulatorBits {
    /// For an array of `rows` (bias included) by `columns`.
    pub fn of(rows: usize, columns: usize, array: &Array, state_bits: u32) -> Self {
        let log2 = |n: usize| n.max(1).next_power_of_two().trailing_zeros();
        AccumulatorBits {
            forward: array.dac_bits + state_bits + log2(rows),
            backward: array.dac_bits + state_bits + log2(columns),
            error: array.adc_bits.max(array.dac_bits + 1) + array.dac_bits,
            width: array.error_bits + LEARNING_RATE_BITS + SCALE_GUARD_BITS,
            write: array.dac_bits + array.pulse_bits,
        }
    }
}
