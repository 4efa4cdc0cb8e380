//! TEAM: like VTEAM, with thresholds of the current (Kvatinsky, Friedman, Kolodny, Weiser, TCAS-I 60(1), 2013).

use serde::Serialize;

use super::parameters::{Checker, ParameterProblem, ParameterSet, Severity, Status};
use super::{CompactModel, Thresholds, Window};

/// TEAM. State: w in metres, from `w_on` (high conductance) to `w_off`.
///
/// `dw/dt = k_off (i / i_off - 1)^alpha_off f_off(w)` for currents above `i_off`,
/// `dw/dt = k_on (i / i_on - 1)^alpha_on f_on(w)` below `i_on`, 0 between; `i = v / (r_on + (r_off - r_on) x)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Team {
    /// Resistance at `w_on`, ohm.
    pub r_on: f64,
    /// Resistance at `w_off`, ohm.
    pub r_off: f64,
    /// Metres.
    pub w_on: f64,
    /// Metres, above `w_on`.
    pub w_off: f64,
    /// Amperes, below 0.
    pub i_on: f64,
    /// Amperes, above 0.
    pub i_off: f64,
    /// Metres per second, below 0.
    pub k_on: f64,
    /// Metres per second, above 0.
    pub k_off: f64,
    pub alpha_on: f64,
    pub alpha_off: f64,
    pub window: Window,
    /// Take a window that sticks at the bounds with a warning instead of an error.
    pub accept_sticking: bool,
}

const TECHNION: Team = Team {
    r_on: 100.0,
    r_off: 200e3,
    w_on: 0.0,
    w_off: 3e-9,
    i_on: -1e-6,
    i_off: 1e-6,
    k_on: -8e-13,
    k_off: 8e-13,
    alpha_on: 3.0,
    alpha_off: 3.0,
    window: Window::Clip,
    accept_sticking: false,
};

const SETS: &[ParameterSet<Team>] = &[
    ParameterSet {
        name: "technion",
        source: "Technion MATLAB and Verilog-A memristor models (memristor.m), TEAM; with the clip window",
        status: Status::Sourced,
        model: TECHNION,
    },
    ParameterSet {
        name: "technion_window",
        source: "the same with the source's own window (a_on = 2 nm, a_off = 1.2 nm, w_c = 107 pm), under which states between a_off \
                 and a_on hardly move",
        status: Status::Sourced,
        model: Team { window: Window::Kvatinsky { a_on: 2e-9, a_off: 1.2e-9, w_c: 107e-12 }, ..TECHNION },
    },
];

impl Default for Team {
    /// The set `technion`.
    fn default() -> Self {
        TECHNION
    }
}

impl Team {
    /// Named parameter sets with their sources.
    pub fn sets() -> &'static [ParameterSet<Team>] {
        SETS
    }

    fn x(&self, w: f64) -> f64 {
        (w - self.w_on) / (self.w_off - self.w_on)
    }
}

impl CompactModel for Team {
    fn name(&self) -> &'static str {
        "TEAM"
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
        volts / (self.r_on + (self.r_off - self.r_on) * self.x(state))
    }

    fn rate(&self, state: f64, volts: f64) -> f64 {
        let current = self.current(state, volts);
        let drift = if current > self.i_off {
            self.k_off * libm::pow(current / self.i_off - 1.0, self.alpha_off)
        } else if current < self.i_on {
            self.k_on * libm::pow(current / self.i_on - 1.0, self.alpha_on)
        } else {
            return 0.0;
        };
        drift * self.window.factor(self.x(state), state, drift > 0.0)
    }

    /// Voltages below which no state passes a current beyond its thresholds: those of the lowest resistance.
    fn thresholds(&self) -> Option<Thresholds> {
        Some(Thresholds { negative: self.i_on * self.r_on, positive: self.i_off * self.r_on })
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
        check.below("i_on", self.i_on, 0.0, "A");
        check.above("i_off", self.i_off, 0.0, "A");
        check.below("k_on", self.k_on, 0.0, "m/s");
        check.above("k_off", self.k_off, 0.0, "m/s");
        check.within("alpha_on", self.alpha_on, 0.1, 50.0, "");
        check.within("alpha_off", self.alpha_off, 0.1, 50.0, "");
        self.window.check(self.accept_sticking, &mut check);
        if let Window::Kvatinsky { a_on, a_off, .. } = self.window
            && a_on > a_off
        {
            let reason = "states between window.a_off and window.a_on hardly move";
            let allowed = format!("up to {a_off:e} m");
            check.push(Severity::Warning, "window.a_on", format!("{a_on:e} m"), allowed, reason);
        }
        check.finish()
    }
}
