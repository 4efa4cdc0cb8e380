//! VTEAM: voltage thresholds, a power law of the overdrive (Kvatinsky, Ramadan, Friedman, Kolodny, TCAS-II 62(8), 2015).

use serde::Serialize;

use super::parameters::{Checker, ParameterProblem, ParameterSet, Severity, Status};
use super::{CompactError, CompactModel, RateProfile, Thresholds, Window, solve};

/// Current as a function of voltage, at position x = (w - w_on) / (w_off - w_on).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IvCurve {
    /// `i = v / (r_on + (r_off - r_on) x)`
    Linear,
    /// `i = v / r_on * exp(-lambda x)` with `exp(lambda) = r_off / r_on`
    Exponential,
}

/// VTEAM. State: w in metres, from `w_on` (high conductance) to `w_off`.
///
/// `dw/dt = k_off (v / v_off - 1)^alpha_off f_off(w)` for v above `v_off`,
/// `dw/dt = k_on (v / v_on - 1)^alpha_on f_on(w)` for v below `v_on`, 0 between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Vteam {
    /// Resistance at `w_on`, ohm.
    pub r_on: f64,
    /// Resistance at `w_off`, ohm.
    pub r_off: f64,
    /// Metres.
    pub w_on: f64,
    /// Metres, above `w_on`.
    pub w_off: f64,
    /// Threshold of SET, volts, below 0.
    pub v_on: f64,
    /// Threshold of RESET, volts, above 0.
    pub v_off: f64,
    /// Metres per second, below 0.
    pub k_on: f64,
    /// Metres per second, above 0.
    pub k_off: f64,
    pub alpha_on: f64,
    pub alpha_off: f64,
    pub iv: IvCurve,
    pub window: Window,
    /// Take a window that sticks at the bounds with a warning instead of an error.
    pub accept_sticking: bool,
}

const BASE: Vteam = Vteam {
    r_on: 2e3,
    r_off: 100e3,
    w_on: 0.0,
    w_off: 3e-9,
    v_on: -0.3,
    v_off: 0.4,
    k_on: -4.8e-3,
    k_off: 2.8e-3,
    alpha_on: 3.0,
    alpha_off: 1.0,
    iv: IvCurve::Linear,
    window: Window::Clip,
    accept_sticking: false,
};

/// All with the linear I-V and the clip window; both can be changed.
const SETS: &[ParameterSet<Vteam>] = &[
    ParameterSet {
        name: "pt_hfox",
        source: "Pt/HfOx/Hf/TiN RRAM with a buffer layer, after the VTEAM fit of Danial et al. (DIDACTIC), 2018; assumed, the \
                 publication was not at hand",
        status: Status::Assumed,
        model: BASE,
    },
    ParameterSet {
        name: "memtorch",
        source: "defaults of MemTorch's VTEAM model (memtorch/bh/memristor/VTEAM.py)",
        status: Status::Sourced,
        model: Vteam { r_on: 50.0, r_off: 1000.0, v_on: -0.2, v_off: 0.02, k_on: -10.0, k_off: 5e-4, ..BASE },
    },
    ParameterSet {
        name: "magic",
        source: "VTEAM parameters of the MAGIC logic work of Kvatinsky's group, as in public simulation decks",
        status: Status::Sourced,
        model: MAGIC,
    },
    ParameterSet {
        name: "floatpim",
        source: "the MAGIC parameters with the resistances of FloatPIM, as in public simulation decks",
        status: Status::Sourced,
        model: Vteam { r_on: 10e3, r_off: 10e6, ..MAGIC },
    },
    ParameterSet {
        name: "taox",
        source: "VTEAM fit of a TaOx device in a public student repository; stiff, slow RESET",
        status: Status::Sourced,
        model: Vteam {
            r_on: 4.8e3,
            r_off: 700e3,
            w_off: 25e-9,
            v_on: -0.6,
            v_off: 0.78,
            k_on: -0.1,
            k_off: 1e-8,
            alpha_on: 18.0,
            alpha_off: 2.0,
            ..BASE
        },
    },
    ParameterSet {
        name: "teaching",
        source: "symmetric parameters of public test fixtures",
        status: Status::Sourced,
        model: Vteam {
            r_on: 1e3,
            r_off: 100e3,
            v_on: -0.8,
            v_off: 0.8,
            k_on: -10.0,
            k_off: 10.0,
            alpha_on: 3.0,
            alpha_off: 3.0,
            ..BASE
        },
    },
];

const MAGIC: Vteam = Vteam {
    r_on: 1e3,
    r_off: 300e3,
    v_on: -1.5,
    v_off: 0.3,
    k_on: -216.2,
    k_off: 0.091,
    alpha_on: 4.0,
    alpha_off: 4.0,
    ..BASE
};

impl Default for Vteam {
    /// The set `pt_hfox`.
    fn default() -> Self {
        BASE
    }
}

impl Vteam {
    /// Named parameter sets with their sources.
    pub fn sets() -> &'static [ParameterSet<Vteam>] {
        SETS
    }

    /// Position of `w`: 0 at `w_on`, 1 at `w_off`.
    fn x(&self, w: f64) -> f64 {
        (w - self.w_on) / (self.w_off - self.w_on)
    }

    /// dw/dt at `volts` without the window.
    fn drift(&self, volts: f64) -> f64 {
        if volts > self.v_off {
            self.k_off * libm::pow(volts / self.v_off - 1.0, self.alpha_off)
        } else if volts < self.v_on {
            self.k_on * libm::pow(volts / self.v_on - 1.0, self.alpha_on)
        } else {
            0.0
        }
    }
}

impl CompactModel for Vteam {
    fn name(&self) -> &'static str {
        "VTEAM"
    }

    fn state_unit(&self) -> &'static str {
        "m"
    }

    fn bounds(&self) -> (f64, f64) {
        (self.w_on, self.w_off)
    }

    fn conducts_at_upper_bound(&self) -> bool {
        false
    }

    fn set_polarity(&self) -> f64 {
        -1.0
    }

    fn current(&self, state: f64, volts: f64) -> f64 {
        let x = self.x(state);
        match self.iv {
            IvCurve::Linear => volts / (self.r_on + (self.r_off - self.r_on) * x),
            IvCurve::Exponential => volts / self.r_on * libm::exp(-libm::log(self.r_off / self.r_on) * x),
        }
    }

    fn rate(&self, state: f64, volts: f64) -> f64 {
        let drift = self.drift(volts);
        if drift == 0.0 { 0.0 } else { drift * self.window.factor(self.x(state), state, drift > 0.0) }
    }

    fn thresholds(&self) -> Option<Thresholds> {
        Some(Thresholds { negative: self.v_on, positive: self.v_off })
    }

    fn rate_profile(&self) -> RateProfile {
        if self.window == Window::Clip { RateProfile::Constant } else { RateProfile::Separable }
    }

    /// `|2x - 1|^(2p)` of Joglekar's window has one in the middle unless 2p is even.
    fn kinks(&self) -> Vec<f64> {
        vec![self.state_at(0.5)]
    }

    fn pulse(&self, state: f64, volts: f64, seconds: f64) -> Result<f64, CompactError> {
        solve::check_pulse(self.bounds(), state, volts, seconds)?;
        let drift = self.drift(volts);
        if !drift.is_finite() {
            return Err(CompactError::NotFinite { what: "rate of the state", value: drift });
        }
        let range = self.w_off - self.w_on;
        if self.window == Window::Clip {
            // Without the detour over x, which would cost digits of w.
            return Ok((state + drift * seconds).clamp(self.w_on, self.w_off));
        }
        match self.window.advance(self.x(state), drift * seconds / range) {
            Some(x) if drift != 0.0 => Ok((self.w_on + range * x).clamp(self.w_on, self.w_off)),
            Some(_) => Ok(state),
            None => solve::pulse(&|w| self.rate(w, volts), self.bounds(), &self.kinks(), state, seconds),
        }
    }

    fn volts_for_rate(&self, state: f64, rate: f64, limit: f64) -> Result<f64, CompactError> {
        let (threshold, k, alpha) =
            if rate > 0.0 { (self.v_off, self.k_off, self.alpha_off) } else { (self.v_on, self.k_on, self.alpha_on) };
        let factor = self.window.factor(self.x(state), state, rate > 0.0);
        let volts = threshold * (1.0 + libm::pow(rate / (k * factor), 1.0 / alpha));
        // NaN, from a window that is 0, is out of reach, too.
        if volts.abs() <= limit * (1.0 + 1e-12) {
            return Ok(volts);
        }
        let reachable = self.rate(state, limit * threshold.signum()).abs();
        Err(self.out_of_reach(rate.abs(), reachable, limit))
    }

    fn state_of(&self, siemens: f64, read_volts: f64) -> Result<f64, CompactError> {
        let (low, high) = self.conductance_range(read_volts);
        if !(low..=high).contains(&siemens) {
            return Err(CompactError::Conductance { siemens, low, high });
        }
        let x = match self.iv {
            IvCurve::Linear => (1.0 / siemens - self.r_on) / (self.r_off - self.r_on),
            IvCurve::Exponential => -libm::log(siemens * self.r_on) / libm::log(self.r_off / self.r_on),
        };
        Ok((self.w_on + (self.w_off - self.w_on) * x).clamp(self.w_on, self.w_off))
    }

    fn check(&self) -> Vec<ParameterProblem> {
        let mut check = Checker::default();
        if check.above("r_on", self.r_on, 0.0, "ohm") {
            check.above("r_off", self.r_off, self.r_on, "ohm");
        } else {
            check.above("r_off", self.r_off, 0.0, "ohm");
        }
        if check.finite("w_on", self.w_on, "m") {
            check.above("w_off", self.w_off, self.w_on, "m");
        }
        check.below("v_on", self.v_on, 0.0, "V");
        check.above("v_off", self.v_off, 0.0, "V");
        check.below("k_on", self.k_on, 0.0, "m/s");
        check.above("k_off", self.k_off, 0.0, "m/s");
        check.within("alpha_on", self.alpha_on, 0.1, 50.0, "");
        check.within("alpha_off", self.alpha_off, 0.1, 50.0, "");
        self.window.check(self.accept_sticking, &mut check);
        if let Window::Kvatinsky { a_on, a_off, .. } = self.window {
            let inside = self.w_on..=self.w_off;
            for (field, value) in [("window.a_on", a_on), ("window.a_off", a_off)] {
                if value.is_finite() && !inside.contains(&value) {
                    let allowed = format!("{:e} to {:e} m", self.w_on, self.w_off);
                    check.push(
                        Severity::Warning,
                        field,
                        format!("{value:e} m"),
                        allowed,
                        "outside the range of the state",
                    );
                }
            }
        }
        check.finish()
    }
}
