//! Softmax of an output layer's ADC codes, in integers.

use crate::fixed;
use crate::spec::{self, Design, Layer};

/// Turns a vector of ADC codes into activation codes, full scale 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Softmax {
    /// Exponentials by how far a code lies below the largest, `0 ..= 2^(exp_bits - 1)`.
    exponentials: Vec<u32>,
    format: spec::Softmax,
    dac_bits: u32,
    /// Exponentials of the vector at work.
    terms: Vec<i64>,
}

impl Softmax {
    /// That of `layer`; `None` for other activations. Computed with a pure Rust math library, so that every machine makes the same bits.
    pub fn new(design: &Design, layer: &Layer) -> Option<Self> {
        let format = layer.softmax(design)?;
        let one = 2f64.powi(format.exp_bits as i32 - 1);
        let adc = design.array.adc_bits;
        let exponential = |below: i64| (libm::exp(-fixed::real(below, adc, layer.ranges.read)) * one).round() as u32;
        Some(Softmax {
            exponentials: (0..1 << adc).map(exponential).collect(),
            format,
            dac_bits: design.array.dac_bits,
            terms: Vec::new(),
        })
    }

    /// The table, indexed by largest code minus code.
    pub fn exponentials(&self) -> &[u32] {
        &self.exponentials
    }

    /// Appends the activation code of each of `codes` to `activation`.
    pub fn run(&mut self, codes: &[i32], activation: &mut Vec<i32>) {
        let largest = codes.iter().copied().max().unwrap_or(0);
        self.terms.clear();
        self.terms.extend(codes.iter().map(|code| i64::from(self.exponentials[(largest - code) as usize])));
        // The largest code's own exponential is in the sum: it is never 0.
        let sum: i64 = self.terms.iter().sum();
        let quotient = (1i64 << self.format.one()) / sum.max(1);
        let code =
            |&term: &i64| fixed::saturate(fixed::round_shift(term * quotient, self.format.shift), self.dac_bits) as i32;
        activation.extend(self.terms.iter().map(code));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn design(outputs: usize, read_range: f64, dac_bits: u32, adc_bits: u32) -> Design {
        let text = format!(
            "name = \"net\"\n[network]\ninputs = 4\nlayers = [{{ outputs = {outputs}, read_range = {read_range:?} }}]\n\
             [training]\nloss = \"cross_entropy\"\n[array]\ndac_bits = {dac_bits}\nadc_bits = {adc_bits}\n\
             [device]\nstate_bits = 16\n[data]\ncsv = \"none.csv\"\n"
        );
        crate::spec::parse(&text, "net.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Against the softmax in f64: an output code is one of the two nearest to the exact value.
    #[test]
    fn codes_are_those_of_the_exact_softmax() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for (outputs, range, dac, adc) in
            [(2, 4.0, 8, 8), (3, 4.0, 8, 8), (10, 8.0, 8, 9), (100, 2.0, 10, 8), (7, 16.0, 4, 6)]
        {
            let design = design(outputs, range, dac, adc);
            let layer = &design.layers[0];
            let mut softmax = Softmax::new(&design, layer).unwrap();
            let most = fixed::max_code(adc) as i32;
            for spread in [1, most / 8 + 1, most] {
                let codes: Vec<i32> = (0..outputs).map(|_| rng.random_range(-spread..=spread)).collect();
                let mut got = Vec::new();
                softmax.run(&codes, &mut got);
                let terms: Vec<f64> =
                    codes.iter().map(|&c| fixed::real(c.into(), adc, layer.ranges.read).exp()).collect();
                let sum: f64 = terms.iter().sum();
                for (&code, term) in got.iter().zip(&terms) {
                    let exact = term / sum * 2f64.powi(dac as i32 - 1);
                    let off = (f64::from(code) - exact.min(fixed::max_code(dac) as f64)).abs();
                    assert!(off < 0.5 + 0.3125, "{outputs} outputs, {codes:?}: {code} for {exact}");
                }
            }
        }
    }

    /// Equal reads are equally likely; one far above all others is certain.
    #[test]
    fn ends_of_the_scale() {
        let design = design(4, 8.0, 8, 8);
        let mut softmax = Softmax::new(&design, &design.layers[0]).unwrap();
        let mut codes = Vec::new();
        softmax.run(&[-127; 4], &mut codes);
        softmax.run(&[-127, 127, -127, -128], &mut codes);
        assert_eq!(codes, [32, 32, 32, 32, 0, 127, 0, 0]);
    }
}
