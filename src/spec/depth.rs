//! How many entries of a momentum history ever give a pulse.

use super::{Design, Layer, PulseTable, Scale, pulse_width};
use crate::fixed;

/// What a momentum unit can be used in spite of: a history deeper than its pulses can express.
pub fn momentum_warnings(design: &Design) -> Vec<String> {
    let training = &design.training;
    if !training.momentum_unit.history() {
        return Vec::new();
    }
    let used: Vec<usize> = design.layers.iter().map(|layer| used(design, layer)).collect();
    let most = used.iter().copied().max().unwrap_or(0);
    if most >= training.history {
        return Vec::new();
    }
    let what = if training.batch > 1 { "batches" } else { "pairs" };
    let layers: Vec<String> =
        design.layers.iter().zip(&used).map(|(layer, used)| format!("`{}` {used}", layer.name)).collect();
    vec![format!(
        "`history = {n}` is deeper than pulses can express: {most} of {n} {what} ever give one, whatever the error ({}); \
         `history = {}` trains the same",
        layers.join(", "),
        most.max(1),
        n = training.history,
    )]
}

/// Batches, from the own one on, whose largest pulse does not round to zero.
fn used(design: &Design, layer: &Layer) -> usize {
    let table = PulseTable::of(design, layer);
    let largest = fixed::max_code(design.array.error_bits);
    let pulses = |scale: Scale| {
        pulse_width(largest * scale.factor(), layer.shifts.width, design.array.pulse_bits, table.as_ref()) > 0
    };
    let factors = design.factor_format().of_spec(design.learning_rate_code());
    if !pulses(Scale::new(factors.own)) {
        return 0;
    }
    let mut scale = Scale::new(factors.past);
    for age in 1..design.training.history {
        scale.decay(design.momentum_code());
        if !pulses(scale) {
            return age;
        }
    }
    design.training.history
}
