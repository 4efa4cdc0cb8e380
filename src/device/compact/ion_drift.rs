//! Linear ion drift: the boundary of a doped region moves with the current (Strukov et al., Nature 453, 2008; windows since
//! Joglekar, Wolf, Eur. J. Phys. 30, 2009).

use serde::Serialize;

use super::parameters::{Checker, ParameterProblem, ParameterSet, Status};
use super::{CompactError, CompactModel, RateProfile, Thresholds, Window, solve};

/// Linear ion drift. State: the doped share x of the thickness, 0 (`r_off`) to 1 (`r_on`).
///
/// `dx/dt = mobility r_on / thickness^2 * i * f(x)` with `i = v / (r_on x + r_off (1 - x))`; no motion between the
/// thresholds `v_negative` and `v_positive`, which are an addition to the original and may be 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct IonDrift {
    /// Resistance at x = 1, ohm.
    pub r_on: f64,
    /// Resistance at x = 0, ohm.
    pub r_off: f64,
    /// Metres.
    pub thickness: f64,
    /// Mobility of the dopants, m^2 / (V s).
    pub mobility: f64,
    /// Volts, 0 or below.
    pub v_negative: f64,
    /// Volts, 0 or above.
    pub v_positive: f64,
    pub window: Window,
    /// Take a window that sticks at the bounds with a warning instead of an error.
    pub accept_sticking: bool,
}

const MEMTORCH: IonDrift = IonDrift {
    r_on: 100.0,
    r_off: 16e3,
    thickness: 10e-9,
    mobility: 1e-14,
    v_negative: -0.55,
    v_positive: 0.55,
    window: Window::Joglekar { p: 1.0 },
    // The window belongs to the published sets.
    accept_sticking: true,
};

const SETS: &[ParameterSet<IonDrift>] = &[
    ParameterSet {
        name: "memtorch",
        source: "defaults of MemTorch's linear ion drift model (memtorch/bh/memristor/LinearIonDrift.py)",
        status: Status::Sourced,
        model: MEMTORCH,
    },
    ParameterSet {
        name: "technion_course",
        source: "Joglekar model of a Technion course's homework (HW1 Jolekar.lib); no thresholds",
        status: Status::Sourced,
        model: IonDrift { v_negative: 0.0, v_positive: 0.0, ..MEMTORCH },
    },
    ParameterSet {
        name: "technion_verilog_a",
        source: "defaults of the Technion Verilog-A memristor model, linear ion drift; no thresholds",
        status: Status::Sourced,
        model: IonDrift {
            r_off: 200e3,
            thickness: 3e-9,
            mobility: 1e-15,
            v_negative: 0.0,
            v_positive: 0.0,
            ..MEMTORCH
        },
    },
];

impl Default for IonDrift {
    /// The set `memtorch`.
    fn default() -> Self {
        MEMTORCH
    }
}

impl IonDrift {
    /// Named parameter sets with their sources.
    pub fn sets() -> &'static [ParameterSet<IonDrift>] {
        SETS
    }

    fn resistance(&self, x: f64) -> f64 {
        self.r_on * x + self.r_off * (1.0 - x)
    }

    /// dx/dt times resistance, without the window: ohm per second.
    fn push(&self, volts: f64) -> f64 {
        if volts > self.v_positive || volts < self.v_negative {
            self.mobility * self.r_on / (self.thickness * self.thickness) * volts
        } else {
            0.0
        }
    }
}

impl CompactModel for IonDrift {
    fn name(&self) -> &'static str {
        "linear ion drift"
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
        1.0
    }

    fn current(&self, state: f64, volts: f64) -> f64 {
        volts / self.resistance(state)
    }

    fn rate(&self, state: f64, volts: f64) -> f64 {
        let push = self.push(volts);
        if push == 0.0 {
            return 0.0;
        }
        push / self.resistance(state) * self.window.factor(state, state * self.thickness, push > 0.0)
    }

    fn thresholds(&self) -> Option<Thresholds> {
        let any = self.v_negative < 0.0 && self.v_positive > 0.0;
        any.then_some(Thresholds { negative: self.v_negative, positive: self.v_positive })
    }

    fn rate_profile(&self) -> RateProfile {
        RateProfile::Separable
    }

    /// `|2x - 1|^(2p)` of Joglekar's window has one in the middle unless 2p is even.
    fn kinks(&self) -> Vec<f64> {
        vec![self.state_at(0.5)]
    }

    fn pulse(&self, state: f64, volts: f64, seconds: f64) -> Result<f64, CompactError> {
        solve::check_pulse(self.bounds(), state, volts, seconds)?;
        if self.window != Window::Clip {
            return solve::pulse(&|x| self.rate(x, volts), self.bounds(), &self.kinks(), state, seconds);
        }
        // R dR/dt is constant, so that R^2 is linear in time; the difference of the roots in the form that does not cancel.
        let push = self.push(volts);
        if !push.is_finite() {
            return Err(CompactError::NotFinite { what: "rate of the state", value: push });
        }
        let before = self.resistance(state);
        let square = before * before - 2.0 * (self.r_off - self.r_on) * push * seconds;
        if square <= self.r_on * self.r_on {
            return Ok(1.0);
        }
        Ok((state + 2.0 * push * seconds / (before + square.sqrt())).clamp(0.0, 1.0))
    }

    fn state_of(&self, siemens: f64, read_volts: f64) -> Result<f64, CompactError> {
        let (low, high) = self.conductance_range(read_volts);
        if !(low..=high).contains(&siemens) {
            return Err(CompactError::Conductance { siemens, low, high });
        }
        Ok(((self.r_off - 1.0 / siemens) / (self.r_off - self.r_on)).clamp(0.0, 1.0))
    }

    fn check(&self) -> Vec<ParameterProblem> {
        let mut check = Checker::default();
        if check.above("r_on", self.r_on, 0.0, "ohm") {
            check.above("r_off", self.r_off, self.r_on, "ohm");
        } else {
            check.above("r_off", self.r_off, 0.0, "ohm");
        }
        check.above("thickness", self.thickness, 0.0, "m");
        check.above("mobility", self.mobility, 0.0, "m^2/(V s)");
        check.within("v_negative", self.v_negative, -100.0, 0.0, "V");
        check.within("v_positive", self.v_positive, 0.0, 100.0, "V");
        self.window.check(self.accept_sticking, &mut check);
        check.finish()
    }
}
