//! Stanford-PKU RRAM: the gap between filament tip and electrode grows and shrinks with field and temperature (Jiang et al., SISPAD
//! 2014; the form and the numbers as in MemTorch's StanfordPKU.py).

use serde::Serialize;

use super::parameters::{Checker, ParameterProblem, ParameterSet, Severity, Status};
use super::{CompactError, CompactModel, Thresholds, solve};

/// Boltzmann's constant over the elementary charge, volts per kelvin (CODATA 2018, exact).
const K_OVER_Q: f64 = 1.380_649e-23 / 1.602_176_634e-19;
/// Most noise steps of one pulse.
const MOST_NOISE_STEPS: f64 = 1e7;

/// Stanford-PKU RRAM. State: the gap g in metres, `gap_min` (high conductance) to `gap_max`.
///
/// `i = i0 exp(-g / g0) sinh(v / v0)`, `T = t_ambient + |v i| r_th`, `gamma = gamma0 - beta (g / 1 nm)^3`,
/// `dg/dt = -velocity0 exp(-q e_a / (k T)) sinh(gamma a0 q v / (t_ox k T))`, 0 where the field `gamma |v| / t_ox` is below
/// `f_min`. [`StanfordPku::pulse_with_noise`] adds the model's random velocity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StanfordPku {
    /// Metres.
    pub gap_min: f64,
    /// Metres.
    pub gap_max: f64,
    /// Metres.
    pub g0: f64,
    /// Volts.
    pub v0: f64,
    /// Amperes.
    pub i0: f64,
    /// Kelvin.
    pub t_ambient: f64,
    /// Kelvin per watt.
    pub r_th: f64,
    pub gamma0: f64,
    pub beta: f64,
    /// Metres.
    pub t_ox: f64,
    /// Volts per metre.
    pub f_min: f64,
    /// Metres per second.
    pub velocity0: f64,
    /// Electronvolts.
    pub e_a: f64,
    /// Metres.
    pub a0: f64,
    /// Amplitude of the random velocity, metres per second; 0 for none.
    pub delta_g: f64,
    /// Kelvin.
    pub t_crit: f64,
    /// Kelvin.
    pub t_smooth: f64,
    /// Seconds for which one draw of the random velocity lasts: the time step of the source's simulation, which its noise depends
    /// on. Assumed.
    pub noise_step: f64,
}

const MEMTORCH: StanfordPku = StanfordPku {
    gap_min: 0.2e-9,
    gap_max: 1.7e-9,
    g0: 0.25e-9,
    v0: 0.25,
    i0: 1e-3,
    t_ambient: 298.0,
    r_th: 2.1e3,
    gamma0: 16.0,
    beta: 0.8,
    t_ox: 12e-9,
    f_min: 1.4e9,
    velocity0: 10.0,
    e_a: 0.6,
    a0: 0.25e-9,
    delta_g: 0.02,
    t_crit: 450.0,
    t_smooth: 500.0,
    noise_step: 1e-10,
};

const SETS: &[ParameterSet<StanfordPku>] = &[ParameterSet {
    name: "memtorch",
    source: "defaults of MemTorch's Stanford-PKU model (memtorch/bh/memristor/StanfordPKU.py); gap_max is the gap whose \
             resistance at 0.1 V is the source's r_off = 218,586 ohm; noise_step is assumed",
    status: Status::Sourced,
    model: MEMTORCH,
}];

impl Default for StanfordPku {
    /// The set `memtorch`.
    fn default() -> Self {
        MEMTORCH
    }
}

impl StanfordPku {
    /// Named parameter sets with their sources.
    pub fn sets() -> &'static [ParameterSet<StanfordPku>] {
        SETS
    }

    fn temperature(&self, gap: f64, volts: f64) -> f64 {
        self.t_ambient + (volts * self.current(gap, volts)).abs() * self.r_th
    }

    /// State after a pulse with the random velocity: one draw of `normal` (mean 0, deviation 1) for each [`Self::noise_step`].
    ///
    /// The amplitude is `delta_g / (1 + exp((t_crit - T) / t_smooth))`. Where the field does not move the gap the noise
    /// does not either, so that a read stays a read.
    ///
    /// Errors: those of [`CompactModel::pulse`]; more than 10,000,000 draws.
    pub fn pulse_with_noise(
        &self,
        state: f64,
        volts: f64,
        seconds: f64,
        normal: &mut dyn FnMut() -> f64,
    ) -> Result<f64, CompactError> {
        solve::check_pulse(self.bounds(), state, volts, seconds)?;
        let steps = (seconds / self.noise_step).ceil();
        if steps.is_nan() || steps > MOST_NOISE_STEPS {
            return Err(CompactError::Integration { state, remaining: seconds });
        }
        let (mut gap, mut remaining) = (state, seconds);
        for _ in 0..steps as usize {
            let step = remaining.min(self.noise_step);
            remaining -= step;
            if self.field(gap, volts) < self.f_min {
                break;
            }
            let heat = libm::exp((self.t_crit - self.temperature(gap, volts)) / self.t_smooth);
            let kick = self.delta_g * normal() / (1.0 + heat) * step;
            gap = (self.pulse(gap, volts, step)? + kick).clamp(self.gap_min, self.gap_max);
        }
        Ok(gap)
    }

    /// Field enhancement, falling with the gap.
    fn gamma(&self, gap: f64) -> f64 {
        let nm = gap * 1e9;
        self.gamma0 - self.beta * nm * nm * nm
    }

    /// Gap beyond which the field of `volts` is below `f_min`, within the bounds: one that grows stops there, at full speed.
    fn reach(&self, volts: f64) -> f64 {
        let nm = libm::cbrt((self.gamma0 - self.f_min * self.t_ox / volts.abs()) / self.beta);
        let gap = nm * 1e-9;
        // No number: `beta` 0 and a field of just `f_min`, whatever the gap.
        if gap.is_nan() { self.gap_max } else { gap.clamp(self.gap_min, self.gap_max) }
    }

    /// Volts per metre.
    fn field(&self, gap: f64, volts: f64) -> f64 {
        self.gamma(gap) * volts.abs() / self.t_ox
    }
}

impl CompactModel for StanfordPku {
    fn name(&self) -> &'static str {
        "Stanford-PKU"
    }

    fn state_unit(&self) -> &'static str {
        "m"
    }

    fn bounds(&self) -> (f64, f64) {
        (self.gap_min, self.gap_max)
    }

    fn conducts_at_upper_bound(&self) -> bool {
        false
    }

    fn set_polarity(&self) -> f64 {
        1.0
    }

    fn current(&self, state: f64, volts: f64) -> f64 {
        self.i0 * libm::exp(-state / self.g0) * libm::sinh(volts / self.v0)
    }

    fn rate(&self, state: f64, volts: f64) -> f64 {
        let at_bound = if volts > 0.0 { state <= self.gap_min } else { state >= self.gap_max };
        if at_bound || self.field(state, volts) < self.f_min {
            return 0.0;
        }
        let thermal = K_OVER_Q * self.temperature(state, volts);
        let lowered = self.gamma(state) * self.a0 * volts / (self.t_ox * thermal);
        -self.velocity0 * libm::exp(-self.e_a / thermal) * libm::sinh(lowered)
    }

    /// A rule of quadrature does not see that the rate drops to 0 between its last node and a step's end, so the end is where it drops.
    fn pulse(&self, state: f64, volts: f64, seconds: f64) -> Result<f64, CompactError> {
        solve::check_pulse(self.bounds(), state, volts, seconds)?;
        let end = if volts < 0.0 { self.reach(volts).max(state) } else { self.gap_max };
        solve::pulse(&|s| self.rate(s, volts), (self.gap_min, end), &self.kinks(), state, seconds)
    }

    /// Below the voltage whose field stays under `f_min` at the smallest gap, no gap moves.
    fn thresholds(&self) -> Option<Thresholds> {
        let volts = self.f_min * self.t_ox / self.gamma(self.gap_min);
        Some(Thresholds { negative: -volts, positive: volts })
    }

    fn check(&self) -> Vec<ParameterProblem> {
        let mut check = Checker::default();
        if check.above("gap_min", self.gap_min, 0.0, "m") {
            check.above("gap_max", self.gap_max, self.gap_min, "m");
        } else {
            check.above("gap_max", self.gap_max, 0.0, "m");
        }
        for (field, value, unit) in [
            ("g0", self.g0, "m"),
            ("v0", self.v0, "V"),
            ("i0", self.i0, "A"),
            ("t_ambient", self.t_ambient, "K"),
            ("gamma0", self.gamma0, ""),
            ("t_ox", self.t_ox, "m"),
            ("f_min", self.f_min, "V/m"),
            ("velocity0", self.velocity0, "m/s"),
            ("e_a", self.e_a, "eV"),
            ("a0", self.a0, "m"),
            ("t_smooth", self.t_smooth, "K"),
            ("noise_step", self.noise_step, "s"),
        ] {
            check.above(field, value, 0.0, unit);
        }
        check.within("r_th", self.r_th, 0.0, 1e12, "K/W");
        check.within("beta", self.beta, 0.0, 1e6, "");
        check.within("delta_g", self.delta_g, 0.0, 1e6, "m/s");
        check.within("t_crit", self.t_crit, 0.0, 1e5, "K");
        if self.gamma(self.gap_min) <= 0.0 {
            let reason = "the field enhancement is 0 or negative at every gap: no voltage moves the state";
            check.push(Severity::Error, "beta", format!("{}", self.beta), "less, or a larger gamma0", reason);
        } else if self.gamma(self.gap_max) <= 0.0 {
            let reason = "the field enhancement is 0 or negative at gap_max: a state there stays there for ever";
            check.push(Severity::Warning, "beta", format!("{}", self.beta), "less, or a larger gamma0", reason);
        }
        check.finish()
    }
}
