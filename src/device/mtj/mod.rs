//! Magnetic tunnel junctions (STT-MRAM): two states, between which a current pulse switches with a probability.
//!
//! Below the critical current a junction is thrown over its barrier by heat, above it the spin torque turns it; times and
//! probabilities are those of the usual macrospin formulas (W. F. Brown, Phys. Rev. 130:1677, 1963; W. H. Butler et al., IEEE
//! Trans. Magn. 48:4684, 2012). Currents are in units of the critical one: drivers are taken to make up for the difference
//! between both directions of switching. Between about 0.97 and 1.1 neither formula holds, and they do not meet.

mod drive;
mod material;
mod pairs;

use serde::Serialize;

pub use drive::{BARRIER_LEAST, DYNAMIC_LEAST, MtjError};
pub use material::Material;
pub use pairs::MtjPairs;

use super::field::{Field, POSITIVE};

/// Parameters of a junction and of the drivers that write it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mtj {
    /// Thermal stability: energy barrier over k T.
    pub delta: f64,
    /// Current that moves the magnetisation at zero temperature, A.
    pub critical_current: f64,
    /// Time constant of the precession's growth, s.
    pub tau_d: f64,
    /// Inverse of the attempt frequency, s.
    pub tau_0: f64,
    /// Resistance of the parallel state, ohm.
    pub r_p: f64,
    /// Tunnel magnetoresistance, (R_AP - R_P) / R_P.
    pub tmr: f64,
    /// Spread between junctions of the logarithm of the resistance, and of the critical current relative to its mean.
    pub r_dtod: f64,
    pub critical_dtod: f64,
    /// Write current of a full-scale row code over the critical current.
    pub write_current: f64,
    /// Volts across a junction in a read.
    pub v_read: f64,
    /// Steepness m of the discrete state transition, p = tanh(m |dW| / L).
    pub transition: f64,
}

/// A parameter set by name.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    pub source: &'static str,
    pub parameters: fn() -> Mtj,
}

/// All parameter sets, the default first.
pub const PRESETS: [Preset; 3] = [
    Preset {
        name: "SttNeuroSim",
        source: "resistances of MLP+NeuroSim V3.0's STT-MRAM; the rest assumed, so that its 1 V and 10 ns switch",
        parameters: Mtj::default,
    },
    Preset {
        name: "SttArm",
        source: "perpendicular 50 nm junction of ARM's mram_simulation_framework, macrospin formulas",
        parameters: || Material::default().junction(),
    },
    Preset {
        name: "SttGxnor",
        source: "assumed: near the junction that Greenberg Toledo et al., Semicond. Sci. Technol. 36:114003 (2021) train with",
        parameters: || {
            let theta_0: f64 = 0.035;
            Mtj {
                critical_current: 500e-6,
                tau_d: 0.5e-9,
                r_p: 1.5e3,
                tmr: 2.0 / 3.0,
                ..Mtj::default().stable(0.5 / (theta_0 * theta_0))
            }
        },
    },
];

impl Default for Mtj {
    /// R_P of 3.5 kOhm and R_AP / R_P of 2.3 [MLP+NeuroSim V3.0 manual]; all else assumed.
    fn default() -> Self {
        let junction = Mtj {
            delta: 0.0,
            critical_current: 80e-6,
            tau_d: 1e-9,
            tau_0: 1e-9,
            r_p: 3.5e3,
            tmr: 1.3,
            r_dtod: 0.0,
            critical_dtod: 0.0,
            write_current: 0.0,
            v_read: 0.05,
            transition: 3.0,
        };
        junction.stable(60.0)
    }
}

/// All parameters, in the order of [`Mtj`].
pub const FIELDS: [Field<Mtj>; 11] = [
    Field::new("delta", "", (10.0, true, 1000.0), |m| &mut m.delta),
    Field::new("critical_current", " A", POSITIVE, |m| &mut m.critical_current),
    Field::new("tau_d", " s", POSITIVE, |m| &mut m.tau_d),
    Field::new("tau_0", " s", POSITIVE, |m| &mut m.tau_0),
    Field::new("r_p", " ohm", POSITIVE, |m| &mut m.r_p),
    Field::new("tmr", "", POSITIVE, |m| &mut m.tmr),
    Field::new("r_dtod", "", (0.0, true, 1.0), |m| &mut m.r_dtod),
    Field::new("critical_dtod", "", (0.0, true, 0.2), |m| &mut m.critical_dtod),
    Field::new("write_current", "", POSITIVE, |m| &mut m.write_current),
    Field::new("v_read", " V", POSITIVE, |m| &mut m.v_read),
    Field::new("transition", "", POSITIVE, |m| &mut m.transition),
];

impl Mtj {
    /// The same with another barrier, written by currents that leave 6 k T of it: a full-scale row
    /// then switches its junctions after 403 `tau_0` on average.
    pub fn stable(self, delta: f64) -> Mtj {
        Mtj { delta, write_current: 1.0 - BARRIER_LEFT / delta, ..self }
    }

    /// Resistance of the antiparallel state, ohm.
    pub fn r_ap(&self) -> f64 {
        self.r_p * (1.0 + self.tmr)
    }

    /// Probability that a junction switches within a pulse of `overdrive` critical currents and `seconds`.
    ///
    /// Up to 1: `1 - exp(-t / tau)`, `tau = tau_0 exp(delta (1 - i))`. Above: `exp(-(pi^2/4) delta (i - 1) / (i exp(2 (i - 1) t /
    /// tau_d) - 1))`.
    pub fn switching_probability(&self, overdrive: f64, seconds: f64) -> f64 {
        if seconds <= 0.0 || overdrive <= 0.0 {
            return 0.0;
        }
        if overdrive <= 1.0 {
            return -libm::expm1(-seconds / self.thermal_time(overdrive));
        }
        let grown = overdrive * libm::exp(2.0 * (overdrive - 1.0) * seconds / self.tau_d) - 1.0;
        libm::exp(-self.angle() * (overdrive - 1.0) / grown)
    }

    /// Length of the pulse that switches with probability `p`, 0 to 1, in seconds: the inverse of
    /// [`Mtj::switching_probability`]. 0 where even the shortest pulse switches more often.
    pub fn pulse_length(&self, overdrive: f64, p: f64) -> f64 {
        if overdrive <= 1.0 {
            return -libm::log1p(-p) * self.thermal_time(overdrive);
        }
        let grown = self.angle() * (overdrive - 1.0) / -libm::log(p) + 1.0;
        (libm::log(grown / overdrive) * self.tau_d / (2.0 * (overdrive - 1.0))).max(0.0)
    }

    /// Mean time to switching below the critical current, s.
    pub fn thermal_time(&self, overdrive: f64) -> f64 {
        self.tau_0 * libm::exp(self.delta * (1.0 - overdrive))
    }

    /// `(pi^2 / 4) delta`: the thermal spread of the initial angle.
    fn angle(&self) -> f64 {
        std::f64::consts::PI * std::f64::consts::PI / 4.0 * self.delta
    }

    /// Probability that a read of `seconds` switches a junction in its parallel state, in which it carries most current.
    pub fn read_disturb(&self, seconds: f64) -> f64 {
        self.switching_probability(self.v_read / self.r_p / self.critical_current, seconds)
    }

    /// Probability that a junction left alone has changed after `seconds`: both states are alike, so it tends to 1/2.
    pub fn retention_loss(&self, seconds: f64) -> f64 {
        -0.5 * libm::expm1(-2.0 * seconds / self.thermal_time(0.0))
    }

    /// Probability of a discrete state transition of step L for a wanted change of `share` = |dW| / L: `tanh(m share)`, and 1
    /// from a whole step on, which a pair of junctions cannot exceed.
    pub fn transition_probability(&self, share: f64) -> f64 {
        if share >= 1.0 { 1.0 } else { libm::tanh(self.transition * share) }
    }
}

/// Barrier in k T that the default write current leaves.
const BARRIER_LEFT: f64 = 6.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of an evaluation with 40 digits.
    #[test]
    fn probabilities_are_those_of_the_formulas() {
        let mtj = Mtj { delta: 60.0, tau_d: 1e-9, tau_0: 1e-9, ..Mtj::default() };
        let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-9 * want, "{got} {want}");
        // 1 - exp(-100 / exp(6))
        near(mtj.switching_probability(0.9, 100e-9), 0.219_542_675_511_777_6);
        // exp(-(pi^2/4) 60 0.5 / (1.5 exp(6) - 1))
        near(mtj.switching_probability(1.5, 6e-9), 0.884_684_682_847_832_3);
        assert_eq!(mtj.switching_probability(1.5, 0.0), 0.0);
        assert_eq!(mtj.switching_probability(0.0, 1.0), 0.0);
    }

    #[test]
    fn pulse_lengths_are_the_inverse() {
        for preset in PRESETS {
            let mtj = (preset.parameters)();
            for overdrive in [0.5, 0.9, 1.2, 2.0] {
                for p in [1e-6, 1e-3, 0.1, 0.5, 0.99, 0.999_999] {
                    let back = mtj.switching_probability(overdrive, mtj.pulse_length(overdrive, p));
                    assert!((back - p).abs() < 1e-9 * p, "{} {overdrive} {p}: {back}", preset.name);
                }
            }
        }
    }

    #[test]
    fn longer_and_stronger_pulses_switch_more_often() {
        let mtj = Mtj::default();
        for overdrive in [0.6, 0.95, 1.1, 1.6] {
            for k in 1..200 {
                let p = |i: f64, k: i32| mtj.switching_probability(i, f64::from(k) * 0.25e-9);
                assert!(p(overdrive, k) >= p(overdrive, k - 1) && p(overdrive + 1e-3, k) >= p(overdrive, k));
            }
        }
    }

    /// NeuroSim writes with 1 V and 10 ns, whatever the state.
    #[test]
    fn the_default_junction_switches_with_the_pulses_of_its_source() {
        let mtj = Mtj::default();
        for resistance in [mtj.r_p, mtj.r_ap()] {
            let overdrive = 1.0 / resistance / mtj.critical_current;
            assert!(mtj.switching_probability(overdrive, 10e-9) > 0.99, "{overdrive}");
        }
    }

    #[test]
    fn transitions_saturate_at_a_whole_step() {
        let mtj = Mtj::default();
        assert_eq!(mtj.transition_probability(0.0), 0.0);
        assert!((mtj.transition_probability(0.1) - 0.3f64.tanh()).abs() < 1e-12);
        assert_eq!(mtj.transition_probability(1.0), 1.0);
    }
}
