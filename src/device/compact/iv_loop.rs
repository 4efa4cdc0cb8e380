//! The current-voltage loop: the picture by which a memristor is known.

use super::{CompactError, CompactModel};

/// One point of a loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IvPoint {
    pub seconds: f64,
    pub volts: f64,
    pub amperes: f64,
    /// In the model's unit.
    pub state: f64,
}

/// Pulses per point: the sine is a staircase of this many steps between two points.
const STEPS: usize = 16;

/// One period of `amplitude * sin(2 pi frequency t)`, from `state`, as `points + 1` points; the first and the last are at 0 V.
///
/// Errors: those of [`CompactModel::pulse`]; amplitude or frequency that are not finite, a frequency of 0 or below.
pub fn iv_loop(
    model: &dyn CompactModel,
    state: f64,
    amplitude: f64,
    frequency: f64,
    points: usize,
) -> Result<Vec<IvPoint>, CompactError> {
    if !frequency.is_finite() {
        return Err(CompactError::NotFinite { what: "frequency", value: frequency });
    }
    if frequency <= 0.0 {
        return Err(CompactError::Duration { seconds: 1.0 / frequency });
    }
    let steps = points * STEPS;
    let step = 1.0 / (frequency * steps as f64);
    let volts_at = |turn: f64| amplitude * libm::sin(std::f64::consts::TAU * turn);
    let mut state = state;
    let mut points_out = Vec::with_capacity(points + 1);
    for i in 0..=points {
        let turn = i as f64 / points.max(1) as f64;
        // Exactly 0 in the middle and at the end, where the sine of a rounded pi is not.
        let volts = if (2 * i).is_multiple_of(points.max(1)) { 0.0 } else { volts_at(turn) };
        let amperes = model.current(state, volts);
        if !amperes.is_finite() {
            return Err(CompactError::NotFinite { what: "current", value: amperes });
        }
        points_out.push(IvPoint { seconds: turn / frequency, volts, amperes, state });
        if i < points {
            for k in 0..STEPS {
                // The voltage in the middle of each step: second order in the step.
                let middle = ((i * STEPS + k) as f64 + 0.5) / steps as f64;
                state = model.pulse(state, volts_at(middle), step)?;
            }
        }
    }
    Ok(points_out)
}
