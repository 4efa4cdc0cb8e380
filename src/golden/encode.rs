//! Real values to the codes that enter the machine.

use crate::fixed;
use crate::spec::{Activation, Design};

/// DAC codes of a sample: values 0 to 1, 1 being the full scale of the first layer's inputs.
pub fn input_codes(design: &Design, sample: &[f32]) -> Vec<i32> {
    let mut codes = Vec::new();
    input_codes_into(design, sample, &mut codes);
    codes
}

/// The same into memory of the caller's.
pub fn input_codes_into(design: &Design, sample: &[f32], codes: &mut Vec<i32>) {
    let max = fixed::max_code(design.array.dac_bits) as f64;
    codes.clear();
    codes.extend(sample.iter().map(|&v| (f64::from(v) * max).round() as i32));
}

/// Target codes of a class: 1 at the class, elsewhere 0 (tanh: -1), in the full scale of the output layer.
pub fn target_codes(design: &Design, class: usize) -> Vec<i32> {
    let Some(last) = design.layers.last() else {
        return Vec::new();
    };
    let off = if last.activation == Activation::Tanh { -1.0 } else { 0.0 };
    let code = |value: f64| fixed::quantize(value, design.array.dac_bits, last.ranges.output) as i32;
    (0..last.outputs).map(|n| code(if n == class { 1.0 } else { off })).collect()
}

/// Index of the largest output; the first of equals.
pub fn classify(outputs: &[i32]) -> usize {
    let mut best = 0;
    for (index, &value) in outputs.iter().enumerate() {
        if value > outputs[best] {
            best = index;
        }
    }
    best
}
