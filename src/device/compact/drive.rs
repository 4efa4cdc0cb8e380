//! Which voltage a row code stands for: amplitude pre-distortion, so that a rank-1 write moves the state by x * y.
//!
//! A pulse as wide as |y| moves the state in proportion to |y| as long as it is short. In proportion to |x| it moves only if the
//! rate is proportional to the code, which a threshold and a power law are not: the voltage of code k is the one whose rate, at the
//! middle of the range, is k / levels of the rate at full scale. For VTEAM that is `|v| = v_th (1 + (c k)^(1/alpha))`.

use super::{CompactError, CompactModel};

/// How far beyond the rate of full scale the slowest motion of a device may lie.
const TOO_FAST: f64 = 0.01;

/// What the largest code does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FullScale {
    /// Magnitudes in volts of the strongest pulse that raises the conductance and of the strongest that lowers it.
    Volts { up: f64, down: f64 },
    /// Fraction of the state's range per second at the middle of the range, for both polarities; `limit` is the highest magnitude
    /// in volts that the drivers reach.
    Rate { per_second: f64, limit: f64 },
}

/// How a device whose SET is faster than its RESET (or slower) is brought to equal steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Not at all: the asymmetry stays.
    None,
    /// The faster polarity gets a lower amplitude.
    Amplitude,
    /// The faster polarity gets shorter pulses.
    Width,
}

/// Voltages of all row codes, for both polarities, and the width calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    up: Vec<f64>,
    down: Vec<f64>,
    up_width: f64,
    down_width: f64,
}

/// How far a driven device is from the ideal step proportional to x * y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nonlinearity {
    /// Largest relative deviation of the rate from `code / levels` of full scale, at the middle of the range. Rounding only, if
    /// the voltages are pre-distorted.
    pub code: f64,
    /// Largest relative deviation from proportionality to the width: the longest pulse at full scale from the middle of the
    /// range, against the rate at its start.
    pub width: f64,
    /// Step of the conductance at full scale, lowest and highest between 5 % and 95 % of the conductance range, relative to the
    /// step at its middle.
    pub conductance: (f64, f64),
    /// Rate up over rate down at full scale and the middle of the range, width calibration included.
    pub up_over_down: f64,
}

impl Drive {
    /// Pre-distorted voltages for codes 1 to `levels`, right at the middle of the state's range.
    ///
    /// Errors: a full scale that does not move the state, is out of the drivers' reach or below the slowest motion, no levels.
    pub fn predistorted(
        model: &dyn CompactModel,
        levels: usize,
        full_scale: FullScale,
        balance: Balance,
    ) -> Result<Drive, CompactError> {
        Drive::predistorted_at(model, 0.5, levels, full_scale, balance)
    }

    /// As [`Drive::predistorted`], right at `position` instead of the middle.
    ///
    /// Errors: as there.
    pub fn predistorted_at(
        model: &dyn CompactModel,
        position: f64,
        levels: usize,
        full_scale: FullScale,
        balance: Balance,
    ) -> Result<Drive, CompactError> {
        if levels == 0 {
            return Err(CompactError::Levels { given: 0, other: 0 });
        }
        let middle = model.state_at(position);
        let (low, high) = model.bounds();
        let polarity = model.set_polarity();
        let rate_at = |volts: f64| {
            let rate = model.rate(middle, volts).abs();
            match rate {
                _ if !rate.is_finite() => Err(CompactError::NotFinite { what: "rate at full scale", value: rate }),
                0.0 => Err(CompactError::NoMotion { volts }),
                _ => Ok(rate),
            }
        };
        let (mut up, mut down, limits) = match full_scale {
            FullScale::Volts { up, down } => {
                (rate_at(polarity * up.abs())?, rate_at(-polarity * down.abs())?, (up.abs(), down.abs()))
            }
            FullScale::Rate { per_second, limit } => {
                let rate = per_second * (high - low);
                (rate, rate, (limit.abs(), limit.abs()))
            }
        };
        let (mut up_width, mut down_width) = (1.0, 1.0);
        match balance {
            Balance::None => {}
            Balance::Amplitude => (up, down) = (up.min(down), up.min(down)),
            Balance::Width => {
                let slower = up.min(down);
                (up_width, down_width) = (slower / up, slower / down);
            }
        }
        let rises = if model.conducts_at_upper_bound() { 1.0 } else { -1.0 };
        let voltages = |full: f64, direction: f64, limit: f64| {
            // Full scale first: its voltage is the one to name when it cannot be had.
            let strongest = model.volts_for_rate(middle, direction * full, limit)?;
            let least = model.rate(middle, strongest).abs();
            if least > full * (1.0 + TOO_FAST) {
                let range = high - low;
                return Err(CompactError::TooFast { rate: full / range, least: least / range, volts: strongest });
            }
            (1..=levels)
                .map(|code| model.volts_for_rate(middle, direction * full * code as f64 / levels as f64, limit))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Drive { up: voltages(up, rises, limits.0)?, down: voltages(down, -rises, limits.1)?, up_width, down_width })
    }

    /// Given voltages for codes 1, 2, ..: `up` raise the conductance, `down` lower it, in volts with their sign.
    ///
    /// Errors: no or unequal numbers of levels, numbers that are not finite, a voltage of the wrong polarity.
    pub fn from_volts(model: &dyn CompactModel, up: Vec<f64>, down: Vec<f64>) -> Result<Drive, CompactError> {
        if up.is_empty() || up.len() != down.len() {
            return Err(CompactError::Levels { given: up.len(), other: down.len() });
        }
        let middle = model.state_at(0.5);
        let rises = if model.conducts_at_upper_bound() { 1.0 } else { -1.0 };
        for (list, direction) in [(&up, 1.0), (&down, -1.0)] {
            for &volts in list {
                let rate = model.rate(middle, volts) * rises * direction;
                if !volts.is_finite() || !rate.is_finite() {
                    return Err(CompactError::NotFinite { what: "voltage or rate of a level", value: volts });
                }
                if rate < 0.0 {
                    let (moves, wanted) = if direction > 0.0 { ("down", "up") } else { ("up", "down") };
                    return Err(CompactError::Polarity { volts, moves, wanted });
                }
            }
        }
        Ok(Drive { up, down, up_width: 1.0, down_width: 1.0 })
    }

    /// The largest code.
    pub fn levels(&self) -> usize {
        self.up.len()
    }

    /// Volts of codes 1, 2, .. that raise the conductance.
    pub fn up(&self) -> &[f64] {
        &self.up
    }

    /// Volts of codes 1, 2, .. that lower the conductance.
    pub fn down(&self) -> &[f64] {
        &self.down
    }

    /// Factors on the pulse widths, up and down.
    pub fn width_factors(&self) -> (f64, f64) {
        (self.up_width, self.down_width)
    }

    /// What pre-distortion and calibration leave of the nonlinearity, for pulses of up to `longest` seconds, seen at `read_volts`.
    pub fn nonlinearity(
        &self,
        model: &dyn CompactModel,
        read_volts: f64,
        longest: f64,
    ) -> Result<Nonlinearity, CompactError> {
        let middle = model.state_at(0.5);
        let rate = |volts: f64| model.rate(middle, volts).abs();
        let last = self.levels() - 1;
        let mut code_error: f64 = 0.0;
        let mut width_error: f64 = 0.0;
        for (volts, factor) in [(&self.up, self.up_width), (&self.down, self.down_width)] {
            let full = rate(volts[last]);
            for (i, &v) in volts.iter().enumerate() {
                let ideal = (i + 1) as f64 / (last + 1) as f64;
                code_error = code_error.max((rate(v) / full / ideal - 1.0).abs());
            }
            let seconds = longest * factor;
            let moved = (model.pulse(middle, volts[last], seconds)? - middle).abs();
            width_error = width_error.max((moved / (full * seconds) - 1.0).abs());
        }
        let (low, high) = model.conductance_range(read_volts);
        // dG/dt = dG/ds * ds/dt; the same polarity throughout, so that the ratio to the middle shows the dependence on the state.
        let step = |share: f64| -> Result<f64, CompactError> {
            let state = model.state_of(low + share * (high - low), read_volts)?;
            let (from, to) = model.bounds();
            let d = (to - from) * 1e-6;
            let (a, b) = ((state - d).max(from), (state + d).min(to));
            let slope = (model.conductance(b, read_volts) - model.conductance(a, read_volts)) / (b - a);
            Ok((slope * model.rate(state, self.up[last])).abs())
        };
        let reference = step(0.5)?;
        let (mut weakest, mut strongest) = (f64::INFINITY, 0.0_f64);
        for i in 0..=90 {
            let ratio = step(0.05 + 0.01 * f64::from(i))? / reference;
            weakest = weakest.min(ratio);
            strongest = strongest.max(ratio);
        }
        let up_over_down = rate(self.up[last]) * self.up_width / (rate(self.down[last]) * self.down_width);
        Ok(Nonlinearity { code: code_error, width: width_error, conductance: (weakest, strongest), up_over_down })
    }
}
