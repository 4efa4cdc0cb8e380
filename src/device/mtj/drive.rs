//! Write currents of the row codes: a cell then switches as often as the product of row code and pulse width asks for.
//!
//! Half the row code shall make of a junction's chance to stay, 1 - P, the square root: `1 - P = (1 - P_full)^(|x| / x_max)`. Below
//! the critical current the rate is exponential in the current, so that a current that grows with the logarithm of the code does
//! this for pulses of all lengths, and `P = 1 - exp(-rate |x| width)` depends on the product alone. Above it, the currents are
//! those that do it for the median pulse.

use super::Mtj;

/// Barrier in k T that a write current below the critical one must leave.
pub const BARRIER_LEAST: f64 = 2.0;
/// Least write current above the critical one, in units of it.
pub const DYNAMIC_LEAST: f64 = 1.1;

/// Why a junction cannot be driven.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MtjError {
    #[error(
        "a write current of {overdrive} critical currents is where no formula for its switching holds; \
         allowed: up to {low:.4} (thermal), or from {DYNAMIC_LEAST} (precessional)"
    )]
    Between { overdrive: f64, low: f64 },
    /// The smallest code needs a current that drives nothing.
    #[error("row code 1 of {codes} needs {overdrive:.3} critical currents, which drive no junction")]
    Weak { codes: i32, overdrive: f64 },
    /// The smallest code switches too often even at the critical current.
    #[error(
        "row code 1 of {codes} must switch with a probability of {wanted:.2e} when full scale does with 1/2, \
         but {least:.2e} is the least above the critical current"
    )]
    Steep { codes: i32, wanted: f64, least: f64 },
}

impl Mtj {
    /// Whether a full-scale row writes below the critical current.
    pub fn thermal(&self) -> bool {
        self.write_current <= 1.0
    }

    /// Write currents of the magnitudes `0 ..= codes` of a row code over the critical one; 0 for code 0.
    ///
    /// # Errors
    /// Currents for which the model has no formula.
    pub fn row_currents(&self, codes: i32) -> Result<Vec<f64>, MtjError> {
        let (full, low) = (self.write_current, 1.0 - BARRIER_LEAST / self.delta);
        if full > low && full < DYNAMIC_LEAST {
            return Err(MtjError::Between { overdrive: full, low });
        }
        let share = |code: i32| f64::from(code) / f64::from(codes);
        let mut currents = vec![0.0; codes as usize + 1];
        if self.thermal() {
            for code in 1..=codes {
                currents[code as usize] = full + libm::log(share(code)) / self.delta;
            }
            let overdrive = currents[1];
            return if overdrive > 0.0 { Ok(currents) } else { Err(MtjError::Weak { codes, overdrive }) };
        }
        let median = self.pulse_length(full, 0.5);
        let least = self.switching_probability(1.0 + 1e-9, median);
        for code in 1..=codes {
            let wanted = -libm::expm1(share(code) * libm::log1p(-0.5));
            if wanted <= least {
                return Err(MtjError::Steep { codes, wanted, least });
            }
            currents[code as usize] = bisect(1.0 + 1e-9, full, |i| self.switching_probability(i, median) >= wanted);
        }
        Ok(currents)
    }
}

/// Where `above` turns true between `low` and `high`.
fn bisect(mut low: f64, mut high: f64, above: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if above(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thermal_rows_make_the_rate_proportional_to_the_code() {
        let mtj = Mtj::default();
        let currents = mtj.row_currents(127).expect("a usable junction");
        for (code, &i) in currents.iter().enumerate().skip(1) {
            for seconds in [1e-9, 100e-9, 1e-6] {
                let stay = 1.0 - mtj.switching_probability(i, seconds);
                let full = 1.0 - mtj.switching_probability(mtj.write_current, seconds);
                assert!((stay - full.powf(code as f64 / 127.0)).abs() < 1e-12, "{code}");
            }
        }
    }

    #[test]
    fn precessional_rows_do_so_for_the_median_pulse() {
        let mtj = Mtj { write_current: 1.3, ..Mtj::default() };
        let currents = mtj.row_currents(15).expect("a usable junction");
        let median = mtj.pulse_length(1.3, 0.5);
        for (code, &i) in currents.iter().enumerate().skip(1) {
            let p = mtj.switching_probability(i, median);
            assert!((1.0 - p - 0.5f64.powf(code as f64 / 15.0)).abs() < 1e-9, "{code} {p}");
        }
        let slow = Mtj { write_current: 1.1, ..mtj };
        assert!(matches!(slow.row_currents(127), Err(MtjError::Steep { .. })));
    }

    #[test]
    fn currents_without_a_formula_are_refused() {
        let at = |write_current| Mtj { write_current, ..Mtj::default() }.row_currents(127);
        assert!(matches!(at(0.97), Err(MtjError::Between { .. })) && matches!(at(1.05), Err(MtjError::Between { .. })));
        assert!(matches!(at(0.05), Err(MtjError::Weak { .. })));
        assert!(at(0.96).is_ok() && at(1.5).is_ok());
    }
}
