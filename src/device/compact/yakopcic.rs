//! Yakopcic's model: sinh current, exponential thresholds, a window that acts near the end of each way (Yakopcic et al., IEEE
//! Electron Device Letters 32(10), 2011; the SPICE library Yakopcic.lib).

use serde::Serialize;

use super::parameters::{Checker, ParameterProblem, ParameterSet, Status};
use super::{CompactModel, RateProfile, Thresholds};

/// Yakopcic's model. State: x from 0 (no current) to 1.
///
/// `i = a x sinh(b v)` with `a1` for v >= 0 and `a2` below; `dx/dt = eta g(v) f(x)`, where
/// `g = a_p (e^v - e^v_p)` above `v_p`, `-a_n (e^-v - e^v_n)` below `-v_n`, 0 between, and
/// f is 1 up to `x_p` (upwards) or down to `1 - x_n` (downwards), then falls exponentially and, linearly, to 0 at the bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Yakopcic {
    /// Amperes, for positive volts.
    pub a1: f64,
    /// Amperes, for negative volts.
    pub a2: f64,
    /// 1 / volts.
    pub b: f64,
    /// Threshold of positive volts, above 0.
    pub v_p: f64,
    /// Magnitude of the threshold of negative volts, above 0.
    pub v_n: f64,
    /// 1 / seconds.
    pub a_p: f64,
    /// 1 / seconds.
    pub a_n: f64,
    /// State above which upward motion slows down.
    pub x_p: f64,
    /// Upper distance from 1 below which downward motion slows down: at x = 1 - x_n.
    pub x_n: f64,
    pub alpha_p: f64,
    pub alpha_n: f64,
    /// 1, or -1 for a device whose state falls under positive volts.
    pub eta: f64,
}

const LOW: Yakopcic = Yakopcic {
    a1: 0.17,
    a2: 0.17,
    b: 0.05,
    v_p: 0.16,
    v_n: 0.15,
    a_p: 4000.0,
    a_n: 4000.0,
    x_p: 0.3,
    x_n: 0.5,
    alpha_p: 1.0,
    alpha_n: 5.0,
    eta: 1.0,
};

const SETS: &[ParameterSet<Yakopcic>] = &[
    ParameterSet {
        name: "low_threshold",
        source: "parameters of the SPICE library Yakopcic.lib, thresholds 0.16 V and -0.15 V",
        status: Status::Sourced,
        model: LOW,
    },
    ParameterSet {
        name: "high_threshold",
        source: "second parameters of the SPICE library Yakopcic.lib, thresholds 0.65 V and -0.56 V",
        status: Status::Sourced,
        model: Yakopcic { v_p: 0.65, v_n: 0.56, ..LOW },
    },
];

impl Default for Yakopcic {
    /// The set `low_threshold`.
    fn default() -> Self {
        LOW
    }
}

impl Yakopcic {
    /// Named parameter sets with their sources.
    pub fn sets() -> &'static [ParameterSet<Yakopcic>] {
        SETS
    }

    /// eta g(v): dx/dt where the window is 1.
    fn speed(&self, volts: f64) -> f64 {
        // expm1 instead of a difference: just above the threshold nothing cancels.
        let excess = |threshold: f64, volts: f64| libm::exp(threshold) * libm::expm1(volts - threshold);
        if volts > self.v_p {
            self.eta * self.a_p * excess(self.v_p, volts)
        } else if volts < -self.v_n {
            -self.eta * self.a_n * excess(self.v_n, -volts)
        } else {
            0.0
        }
    }

    fn window(&self, x: f64, up: bool) -> f64 {
        if up {
            if x < self.x_p { 1.0 } else { libm::exp(-self.alpha_p * (x - self.x_p)) * (1.0 - x) / (1.0 - self.x_p) }
        } else if x > 1.0 - self.x_n {
            1.0
        } else {
            libm::exp(self.alpha_n * (x + self.x_n - 1.0)) * x / (1.0 - self.x_n)
        }
    }
}

impl CompactModel for Yakopcic {
    fn name(&self) -> &'static str {
        "Yakopcic"
    }

    fn state_unit(&self) -> &'static str {
        "1"
    }

    fn bounds(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn conducts_at_upper_bound(&self) -> bool {
        true
    }

    fn set_polarity(&self) -> f64 {
        self.eta
    }

    fn current(&self, state: f64, volts: f64) -> f64 {
        let a = if volts >= 0.0 { self.a1 } else { self.a2 };
        a * state * libm::sinh(self.b * volts)
    }

    fn rate(&self, state: f64, volts: f64) -> f64 {
        let speed = self.speed(volts);
        if speed == 0.0 { 0.0 } else { speed * self.window(state, speed > 0.0) }
    }

    fn thresholds(&self) -> Option<Thresholds> {
        Some(Thresholds { negative: -self.v_n, positive: self.v_p })
    }

    fn kinks(&self) -> Vec<f64> {
        vec![self.x_p, 1.0 - self.x_n]
    }

    fn rate_profile(&self) -> RateProfile {
        RateProfile::Separable
    }

    fn check(&self) -> Vec<ParameterProblem> {
        let mut check = Checker::default();
        for (field, value, unit) in [
            ("a1", self.a1, "A"),
            ("a2", self.a2, "A"),
            ("b", self.b, "1/V"),
            ("v_p", self.v_p, "V"),
            ("v_n", self.v_n, "V"),
            ("a_p", self.a_p, "1/s"),
            ("a_n", self.a_n, "1/s"),
        ] {
            check.above(field, value, 0.0, unit);
        }
        // At 1 the window would divide by 0.
        check.within("x_p", self.x_p, 0.0, 0.999, "");
        check.within("x_n", self.x_n, 0.0, 0.999, "");
        check.within("alpha_p", self.alpha_p, 0.0, 100.0, "");
        check.within("alpha_n", self.alpha_n, 0.0, 100.0, "");
        if check.finite("eta", self.eta, "") && self.eta.abs() != 1.0 {
            check.push(super::Severity::Error, "eta", format!("{}", self.eta), "1 or -1", "");
        }
        check.finish()
    }
}
