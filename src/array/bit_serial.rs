//! Reads in bit planes: a step for each bit of the codes, each digitised, shifted and added.

use super::TileCodes;
use crate::device::NotFinite;
use crate::fixed;
use crate::spec::{Design, Layer};

/// What drives row of code `x` (two's complement) in a step: 0 or 1. The plane of the sign counts negative.
pub fn row_bit(x: i32, plane: u32) -> i32 {
    x >> plane & 1
}

/// What drives a column of code `u` in a step: 0, or 1 with the sign of the code.
pub fn column_bit(u: i32, plane: u32) -> i32 {
    u.signum() * (u.abs() >> plane & 1)
}

/// Direction of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Transposed,
}

/// The digital side of a layer's bit-serial reads.
pub(super) struct BitSerial {
    dac_bits: u32,
    adc_bits: u32,
    forward_shift: u32,
    backward_shift: u32,
    bits: Vec<i32>,
    step: TileCodes,
    codes: Vec<i32>,
    sums: Vec<i64>,
}

impl BitSerial {
    /// `None` where inputs are coded by amplitude.
    pub fn new(design: &Design, layer: &Layer) -> Option<BitSerial> {
        design.array.input_coding.bit_serial().then(|| BitSerial {
            dac_bits: design.array.dac_bits,
            adc_bits: design.array.adc_bits,
            forward_shift: layer.shifts.planes_forward,
            backward_shift: layer.shifts.planes_backward,
            bits: Vec::new(),
            step: TileCodes::new(),
            codes: Vec::new(),
            sums: Vec::new(),
        })
    }

    /// Lines of the one row that a read of second devices drives at half of full scale: a single bit of its code.
    pub fn half_scale(&mut self, x: &[i32]) -> &[i32] {
        let plane = self.dac_bits - 2;
        self.bits.clear();
        self.bits.extend(x.iter().map(|&x| row_bit(x, plane)));
        &self.bits
    }

    /// Reads the planes of `lines`, lowest bit first, each by `read`: driven bits to the codes of the tiles and of all lines. `tiles` takes
    /// the codes of all planes one after the other, `codes` the rounded sums, limited symmetrically to `adc_bits`.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read(
        &mut self,
        way: Way,
        lines: &[i32],
        tiles: &mut TileCodes,
        codes: &mut Vec<i32>,
        mut read: impl FnMut(&[i32], &mut TileCodes, &mut Vec<i32>) -> Result<(), NotFinite>,
    ) -> Result<(), NotFinite> {
        let (planes, shift) = match way {
            Way::Forward => (self.dac_bits, self.forward_shift),
            Way::Transposed => (self.dac_bits - 1, self.backward_shift),
        };
        tiles.iter_mut().for_each(Vec::clear);
        self.sums.clear();
        for plane in 0..planes {
            self.bits.clear();
            match way {
                Way::Forward => self.bits.extend(lines.iter().map(|&x| row_bit(x, plane))),
                Way::Transposed => self.bits.extend(lines.iter().map(|&u| column_bit(u, plane))),
            }
            read(&self.bits, &mut self.step, &mut self.codes)?;
            tiles.resize_with(self.step.len(), Vec::new);
            tiles.iter_mut().zip(&self.step).for_each(|(all, step)| all.extend_from_slice(step));
            self.sums.resize(self.codes.len(), 0);
            // Row codes are two's complement.
            let negative = way == Way::Forward && plane + 1 == planes;
            for (sum, &code) in self.sums.iter_mut().zip(&self.codes) {
                let weighted = i64::from(code) << plane;
                *sum += if negative { -weighted } else { weighted };
            }
        }
        codes.clear();
        let code = |&sum: &i64| fixed::saturate(fixed::round_shift(sum, shift), self.adc_bits) as i32;
        codes.extend(self.sums.iter().map(code));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_add_up_to_the_code() {
        const BITS: u32 = 5;
        for code in -(1 << (BITS - 1))..1 << (BITS - 1) {
            let sum: i32 = (0..BITS - 1).map(|plane| row_bit(code, plane) << plane).sum();
            assert_eq!(sum - (row_bit(code, BITS - 1) << (BITS - 1)), code);
        }
        for code in -15..=15 {
            assert_eq!((0..4).map(|plane| column_bit(code, plane) * (1 << plane)).sum::<i32>(), code);
        }
    }
}
