//! Keys and formats of the momentum unit `tiki_taka`: a fast array takes the gradients, its rows are read one after the other and
//! moved to the weights through residues in digital memory (domain 8; aihwkit's `TransferCompound` and `BufferedTransferCompound`).

use super::defaults;
use super::engine::unused;
use super::reader::{Entry, Reader, Section};
use super::{Design, Layer, MOMENTUM_BITS, MomentumUnit, Transfer};

/// The keys as read.
pub(super) struct TransferEntry {
    every: Entry<i64>,
    divisor: Entry<i64>,
    range: Entry<i64>,
}

impl TransferEntry {
    pub fn read(section: &Section<'_>) -> TransferEntry {
        TransferEntry {
            every: section.int("transfer_every", 1..=65_535),
            divisor: section.power_of_two("transfer_divisor", 65_536),
            range: section.power_of_two("fast_range", 256),
        }
    }

    /// What the keys say for `unit`, which may have no use for them; the outer `None`: a key is wrong.
    pub fn complete(self, reader: &Reader<'_>, unit: MomentumUnit) -> Option<Option<Transfer>> {
        if !unit.tiki_taka() {
            for (key, entry) in
                [("transfer_every", self.every), ("transfer_divisor", self.divisor), ("fast_range", self.range)]
            {
                if let Entry::Given(_, span) = entry {
                    unused(reader, key, &span, unit);
                }
            }
            return Some(None);
        }
        let every = self.every.or(defaults::TRANSFER_EVERY)?.value as u32;
        let divisor = self.divisor.or(defaults::TRANSFER_DIVISOR)?.value as u32;
        let range = self.range.or(defaults::FAST_RANGE)?.value as u32;
        Some(Some(Transfer { every, rate: divisor.ilog2(), range: range.ilog2() }))
    }
}

/// Formats of one layer's transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferFormat {
    /// Of a residue, with sign.
    pub bits: u32,
    /// A code is `2^code_shift` of the residue,
    pub code_shift: u32,
    /// a step of the weight's device `2^step_shift`,
    pub step_shift: u32,
    /// and `2^coarse` units of pulse width on a row at half of full scale.
    pub coarse: u32,
    /// A code times the share that is taken off the fast array, over `2^back_shift`, is a pulse width on that array.
    pub back_shift: u32,
}

impl Design {
    /// Bits of a cell of the fast array and, of them, those below the product of row code and pulse width; `None` for other units.
    pub fn fast_bits(&self) -> Option<(u32, u32)> {
        let transfer = self.training.transfer?;
        let products = self.array.dac_bits - 1 + self.array.pulse_bits + transfer.range;
        // No coarser than the code that reads it.
        let guard = self.array.adc_bits.saturating_sub(products);
        Some((products + guard, guard))
    }

    /// Bits from the dot product of a row at half of full scale to the code that the fast array's converter gives.
    pub fn fast_shift(&self) -> Option<u32> {
        let (bits, _) = self.fast_bits()?;
        // Half of full scale is one bit of a code: where inputs are bit-serial, a step of its own.
        let driven = if self.array.input_coding.bit_serial() { 0 } else { self.array.dac_bits - 2 };
        Some(driven + bits - self.array.adc_bits)
    }
}

impl Layer {
    /// Formats of the unit `tiki_taka`; `None` for all others.
    pub fn transfer_format(&self, design: &Design) -> Option<TransferFormat> {
        let transfer = design.training.transfer?;
        let array = &design.array;
        let coarse = (self.shifts.write + 2).saturating_sub(array.dac_bits);
        // Codes below a step: both are powers of two of the weight.
        let below = (array.adc_bits - 1 + coarse + transfer.rate) as i32 - (array.pulse_bits + transfer.range) as i32;
        let code_shift = (-below).max(0) as u32;
        let step_shift = below.max(0) as u32;
        let back = MOMENTUM_BITS as i32 - (array.pulse_bits + 1 + transfer.range) as i32 + array.adc_bits as i32;
        Some(TransferFormat {
            // What a full-scale code adds to a residue of almost a step, twice, and the sign.
            bits: (step_shift + 1).max(array.adc_bits - 1 + code_shift).max(array.pulse_bits) + 3,
            code_shift,
            step_shift,
            coarse,
            back_shift: back.max(0) as u32,
        })
    }
}
