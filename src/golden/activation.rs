//! Activation and slope tables, one entry per ADC code.

use crate::fixed;
use crate::spec::{Activation, Design, Layer};

/// Tables of one layer, indexed by the ADC code's `adc_bits` as an unsigned number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationTable {
    /// Activation codes, `dac_bits` signed.
    pub activation: Vec<i32>,
    /// Slope codes, `0 ..= 2^(dac_bits-1)`; the largest stands for the steepest slope of the function.
    pub slope: Vec<i32>,
}

impl ActivationTable {
    /// Table of `layer`. Computed with a pure Rust math library, so that every machine makes the same bits.
    pub fn new(design: &Design, layer: &Layer) -> Self {
        let (dac, adc) = (design.array.dac_bits, design.array.adc_bits);
        let full_slope = f64::from(1u32 << (dac - 1));
        let mut table = ActivationTable { activation: Vec::new(), slope: Vec::new() };
        for index in 0..1u32 << adc {
            // The index is the code's bit pattern: the upper half is negative.
            let code = i64::from(index) - if index >> (adc - 1) == 1 { 1 << adc } else { 0 };
            let r = fixed::real(code, adc, layer.ranges.read);
            let (f, slope) = evaluate(layer.activation, r);
            table.activation.push(fixed::quantize(f, dac, layer.ranges.output) as i32);
            let slope = slope * 2f64.powi(-(layer.conv.map_or(0, |conv| conv.mean_bits()) as i32));
            table.slope.push((slope * 2f64.powi(-layer.ranges.slope) * full_slope).round() as i32);
        }
        table
    }

    /// Activation and slope of an ADC code.
    #[inline]
    pub fn look_up(&self, code: i32) -> (i32, i32) {
        let index = code as usize & (self.activation.len() - 1);
        (self.activation[index], self.slope[index])
    }
}

/// f(r) and f'(r).
fn evaluate(activation: Activation, r: f64) -> (f64, f64) {
    match activation {
        Activation::Sigmoid => {
            let f = 1.0 / (1.0 + libm::exp(-r));
            (f, f * (1.0 - f))
        }
        Activation::Tanh => {
            let f = libm::tanh(r);
            (f, 1.0 - f * f)
        }
        Activation::Relu => (r.max(0.0), if r > 0.0 { 1.0 } else { 0.0 }),
        // No function of one read: see `Softmax`.
        Activation::Linear | Activation::Softmax => (r, 1.0),
    }
}
