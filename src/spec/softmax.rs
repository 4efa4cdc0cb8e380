//! Widths of the softmax behind an output layer.

use super::{Activation, Design, Layer};

/// Bits that stay below a step of the output code where something is cut off or rounded, before the code itself is rounded.
const GUARD: u32 = 3;
/// Bits of the quotient that the divider finds in a cycle.
pub const QUOTIENT_STEP: u32 = 2;

/// Formats of `o_i = exp(r_i - r_max) / sum_j exp(r_j - r_max)`. With the largest read taken off, exponentials lie in 0 to 1 and
/// their sum in 1 to N, whatever the full scale of the read is.
///
/// Sum and quotient are off by less than 1/8 of a step of the output code each, so that a code is one of the two nearest to the
/// exact value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax {
    /// Bits of an exponential: `0 ..= 2^(exp_bits - 1)`, the largest meaning 1. N of them, each half a step off, are off by less than
    /// `2^-(dac_bits + 2)`.
    pub exp_bits: u32,
    /// Bits of the sum of N such.
    pub sum_bits: u32,
    /// Bits of the quotient `floor(2^(exp_bits + quotient_bits - 2) / sum)`, at most `2^(quotient_bits - 1)`.
    pub quotient_bits: u32,
    /// Exponential times quotient to output code.
    pub shift: u32,
}

impl Softmax {
    /// For `outputs` codes of `dac_bits` bits with a full scale of 1.
    pub fn new(outputs: usize, dac_bits: u32) -> Softmax {
        let doublings = outputs.next_power_of_two().trailing_zeros();
        let exp_bits = dac_bits - 1 + GUARD + doublings;
        let largest = (outputs as u64) << (exp_bits - 1);
        let quotient_bits = (dac_bits + GUARD).next_multiple_of(QUOTIENT_STEP);
        let mut softmax = Softmax { exp_bits, sum_bits: u64::BITS - largest.leading_zeros(), quotient_bits, shift: 0 };
        softmax.shift = softmax.one() - (dac_bits - 1);
        softmax
    }

    /// An exponential times the quotient of its sum is `2^one` where the output is 1.
    pub fn one(&self) -> u32 {
        self.exp_bits + self.quotient_bits - 2
    }

    /// Cycles of the division.
    pub fn division(&self) -> u32 {
        self.quotient_bits / QUOTIENT_STEP
    }
}

impl Layer {
    /// Formats of the layer's softmax; `None` for all other activations.
    pub fn softmax(&self, design: &Design) -> Option<Softmax> {
        (self.activation == Activation::Softmax).then(|| Softmax::new(self.outputs, design.array.dac_bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest sum and product fit their widths, and no narrower ones; the golden model's 64-bit words hold all of it.
    #[test]
    fn widths_are_exact() {
        for dac in 2..=12 {
            for outputs in [1, 2, 3, 10, 64, 65, 1000, 65_535] {
                let s = Softmax::new(outputs, dac);
                let sum = (outputs as u64) << (s.exp_bits - 1);
                assert!(sum < 1 << s.sum_bits && sum >= 1 << (s.sum_bits - 1), "{outputs} {dac}: {s:?}");
                assert!(s.one() < 62 && s.shift > 0 && s.division() >= 3, "{outputs} {dac}: {s:?}");
                // Half a step of each exponential, relative to a sum of at least 1, in steps of the code.
                let off = outputs as f64 * 0.5 / 2f64.powi(s.exp_bits as i32 - 1) * 2f64.powi(dac as i32 - 1);
                assert!(off <= 0.125, "{outputs} {dac}: {off}");
            }
        }
    }
}
