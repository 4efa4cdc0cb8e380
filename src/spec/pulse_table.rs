//! Pulse lengths of devices that switch by chance: the table that stands in the RTL and in the golden model.

use super::{Design, DeviceModel, Layer};
use crate::fixed;

/// From the code of a wanted weight change to the code of the pulse length that makes it on average.
///
/// A momentum unit gives the wanted change of a full-scale row in units of `2^(update - pulse_bits)`; a junction shall switch
/// with the probability of the discrete state transition for it. Of all pulse lengths the nearest in probability is taken; a
/// probability below half that of the shortest pulse gives none. Code 0 has no pulse, and lengths never fall with the code.
#[derive(Debug, Clone, PartialEq)]
pub struct PulseTable {
    widths: Vec<u32>,
    wanted: (f64, f64),
    made: (f64, f64),
}

impl PulseTable {
    /// The table of `layer`; `None` where the device takes widths as they come.
    pub fn of(design: &Design, layer: &Layer) -> Option<PulseTable> {
        let DeviceModel::Mtj(junction) = &design.device.model else { return None };
        if design.training.momentum_unit.sram() {
            // Its pulses switch surely; what is left to chance has been drawn before.
            return None;
        }
        let geometry = layer.geometry(design);
        // A full-scale row is one step below the full scale.
        let full = f64::from(geometry.max_code) / 2f64.powi(design.array.dac_bits as i32 - 1);
        let step = full * 2f64.powi(layer.ranges.update - design.array.pulse_bits as i32 - layer.ranges.weight);
        let made =
            |width: i32| junction.switching_probability(junction.write_current, f64::from(width) * geometry.pulse_lsb);
        let wanted = |code: i32| junction.transition_probability(f64::from(code) * step);
        let probabilities: Vec<f64> = (0..=geometry.max_width).map(made).collect();
        let nearest = |code: i32| {
            let p = wanted(code);
            let above = probabilities.partition_point(|made| *made < p).min(probabilities.len() - 1);
            let below = above.saturating_sub(1);
            let lower = p - probabilities[below] <= probabilities[above] - p;
            if lower { below as u32 } else { above as u32 }
        };
        Some(PulseTable {
            widths: (0..=geometry.max_width).map(nearest).collect(),
            wanted: (wanted(1), wanted(geometry.max_width)),
            made: (made(1), made(geometry.max_width)),
        })
    }

    /// Pulse length for a code, in units of the shortest pulse.
    #[inline]
    pub fn width(&self, code: i32) -> i32 {
        self.widths[code as usize] as i32
    }

    /// Lengths for the codes `0 ..= 2^pulse_bits - 1`.
    pub fn widths(&self) -> &[u32] {
        &self.widths
    }

    /// Largest code without a pulse.
    pub fn quiet(&self) -> u32 {
        self.widths.partition_point(|width| *width == 0) as u32 - 1
    }

    /// Longest pulse that comes up.
    pub fn longest(&self) -> u32 {
        self.widths.last().copied().unwrap_or(0)
    }

    /// How many lengths come up, that of 0 left out.
    pub fn lengths(&self) -> usize {
        let mut widths = self.widths.clone();
        widths.dedup();
        widths.len() - 1
    }

    /// Smallest and largest probability asked for, code 0 left out.
    pub fn wanted(&self) -> (f64, f64) {
        self.wanted
    }

    /// Probability of the shortest and of the longest pulse of a full-scale row.
    pub fn made(&self) -> (f64, f64) {
        self.made
    }
}

impl Design {
    /// Tables of all layers; empty where the device takes widths as they come.
    pub fn pulse_tables(&self) -> Vec<PulseTable> {
        self.layers.iter().filter_map(|layer| PulseTable::of(self, layer)).collect()
    }
}

/// Width of a rounded and saturated code: what goes through the table, where there is one.
pub(crate) fn width(product: i64, shift: u32, pulse_bits: u32, table: Option<&PulseTable>) -> i32 {
    let code = fixed::saturate_unsigned(fixed::round_shift(product, shift), pulse_bits) as i32;
    table.map_or(code, |table| table.width(code))
}
