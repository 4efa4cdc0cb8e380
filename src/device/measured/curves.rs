//! Mean curves of the laws in weights, pulse by pulse, and the parameters that belong to their numbers.

use crate::device::response::{Law, Parameters, curvature::curvature};

/// A number of a law to be found: where the search starts, and its limits.
pub(super) struct Unknown {
    pub start: f64,
    pub low: f64,
    pub high: f64,
}

const fn unknown(start: f64, low: f64, high: f64) -> Unknown {
    Unknown { start, low, high }
}

/// Fixed points of the soft-bound laws lie at most this far out: beyond, the step at the end of the data is more than a third of
/// that in the middle, and [`Law::LinearStep`] describes it.
const FURTHEST_BOUND: f64 = 1.5;

/// The numbers of `law`: both starts, both bounds, then its own. `up`, `down`: steps that cross the range evenly.
pub(super) fn unknowns(law: Law, up: f64, down: f64) -> Vec<Unknown> {
    // Starts at the ends of the data, with room for their noise.
    let mut all = vec![unknown(-1.0, -1.5, 1.0), unknown(1.0, -1.0, 1.5)];
    let (first, least, most) = match law {
        // The fixed points of the curve; noise may have reached beyond them.
        Law::SoftBounds | Law::SoftBoundsReference => (1.1, 0.8, FURTHEST_BOUND),
        Law::NeuroSim => (1.0, 0.5, 1.5),
        Law::PowStep => (1.2, 0.8, 3.0),
        // Where the curve ends short, if it does.
        Law::ConstantStep | Law::LinearStep | Law::ExpStep => (1.0, 0.5, 1.2),
    };
    all.extend([unknown(-first, -most, -least), unknown(first, least, most)]);
    let step = |even: f64| unknown(even, 1e-3 * even, 1e3 * even);
    all.extend(match law {
        Law::ConstantStep | Law::SoftBounds | Law::SoftBoundsReference => vec![step(up), step(down)],
        Law::LinearStep => {
            let slope = || unknown(0.3, 0.0, 1.0 / FURTHEST_BOUND);
            vec![step(up), slope(), step(down), slope()]
        }
        Law::NeuroSim => vec![unknown(1.0, 0.0, 9.0), unknown(1.0, 0.0, 9.0)],
        Law::PowStep => vec![step(up), step(down), unknown(1.0, 0.0, 10.0)],
        Law::ExpStep => {
            let direction = |even| [step(even), unknown(0.2, -100.0, 100.0), unknown(1.0, 0.0, 20.0)];
            direction(up).into_iter().chain(direction(down)).collect()
        }
    });
    all
}

/// Where searches for the numbers `all` of `law` start: one place, or several for a law whose sum of squares has several hollows.
pub(super) fn starts(law: Law, all: &[Unknown]) -> Vec<Vec<f64>> {
    let plain: Vec<f64> = all.iter().map(|u| u.start).collect();
    if law != Law::ExpStep {
        return vec![plain];
    }
    let mut starts = Vec::new();
    for a in [-3.0, -0.8, 0.2, 0.7] {
        for gamma in [0.7, 2.0, 5.0] {
            let mut start = plain.clone();
            // The mean step stays about even.
            let even = 1.0 - a;
            for first in [4, 7] {
                (start[first], start[first + 1], start[first + 2]) = (plain[first] / even, a, gamma);
            }
            starts.push(start);
        }
    }
    starts
}

/// One direction of a law: how a weight moves with pulses, between two bounds.
pub(super) struct Way {
    motion: Motion,
    low: f64,
    high: f64,
}

enum Motion {
    /// `w + step (1 - w / target)`; `target` infinite for a constant step.
    Contraction { step: f64, target: f64 },
    /// Towards `target`, `rate` of the rest gone with each pulse in the exponent.
    Approach { target: f64, rate: f64 },
    /// `step |(bound - w) / range|^gamma` towards `bound`, both signed alike.
    Power { step: f64, gamma: f64, bound: f64, range: f64 },
    /// `step max(1 - a exp(s gamma w), 0)`, s the sign of the direction.
    Exponential { step: f64, a: f64, gamma: f64, sign: f64 },
}

impl Way {
    /// The two directions of `law` with the numbers `x` after the starts. `pulses`: of the data, up and down.
    pub fn of(law: Law, x: &[f64], pulses: (f64, f64)) -> [Way; 2] {
        let (low, high, x) = (x[0], x[1], &x[2..]);
        let motions = match law {
            Law::ConstantStep => [x[0], -x[1]].map(|step| Motion::Contraction { step, target: f64::INFINITY }),
            Law::LinearStep => {
                let way = |step: f64, slope: f64, end: f64| Motion::Contraction { step, target: end / slope.max(1e-9) };
                [way(x[0], x[1], high), way(-x[2], x[3], low)]
            }
            Law::SoftBounds | Law::SoftBoundsReference => {
                [Motion::Contraction { step: x[0], target: high }, Motion::Contraction { step: -x[1], target: low }]
            }
            Law::NeuroSim => {
                let way = |nl: f64, pulses: f64, from: f64, to: f64| {
                    let a = curvature(nl);
                    Motion::Approach { target: from - (to - from) / libm::expm1(-1.0 / a), rate: 1.0 / (a * pulses) }
                };
                [way(x[0], pulses.0, low, high), way(x[1], pulses.1, high, low)]
            }
            Law::PowStep => {
                let way =
                    |step: f64, from: f64, to: f64| Motion::Power { step, gamma: x[2], bound: to, range: to - from };
                [way(x[0], low, high), way(x[1], high, low)]
            }
            Law::ExpStep => [
                Motion::Exponential { step: x[0], a: x[1], gamma: x[2], sign: 1.0 },
                Motion::Exponential { step: x[3], a: x[4], gamma: x[5], sign: -1.0 },
            ],
        };
        motions.map(|motion| Way { motion, low, high })
    }

    /// Weight after `pulses` more pulses: in closed form, or whole pulse by whole pulse.
    pub fn after(&self, w: f64, pulses: f64) -> f64 {
        let end = match self.motion {
            Motion::Contraction { step, target } if target.is_infinite() => w + step * pulses,
            Motion::Contraction { step, target } => {
                let share = (step / target).min(1.0 - 1e-9);
                target + (w - target) * libm::exp(libm::log1p(-share) * pulses)
            }
            Motion::Approach { target, rate } => target + (w - target) * libm::exp(-rate * pulses),
            Motion::Power { .. } | Motion::Exponential { .. } => {
                let one = |w: f64, _| (w + self.step(w)).clamp(self.low, self.high);
                (0..pulses.round() as usize).fold(w, one)
            }
        };
        end.clamp(self.low, self.high)
    }

    /// Whether one pulse leads from `w` to a bound or beyond.
    pub fn clips(&self, w: f64) -> bool {
        let next = w + self.step(w);
        next <= self.low || next >= self.high
    }

    /// Change of `w` with one pulse away from the bounds, signed.
    pub fn step(&self, w: f64) -> f64 {
        match self.motion {
            Motion::Contraction { step, target } => step * (1.0 - w / target),
            Motion::Approach { target, rate } => -(target - w) * libm::expm1(-rate),
            Motion::Power { step, gamma, bound, range } => {
                let share = ((bound - w) / range).max(1e-9);
                range.signum() * step * libm::exp(gamma * libm::log(share))
            }
            Motion::Exponential { step, a, gamma, sign } => {
                sign * step * (1.0 - a * libm::exp((sign * gamma * w).min(100.0))).max(0.0)
            }
        }
    }
}

/// Numbers that one device cannot tell.
const SPREADS: [&str; 9] = [
    "dw_min_dtod",
    "up_down_dtod",
    "w_max_dtod",
    "w_min_dtod",
    "gamma_up_dtod",
    "gamma_down_dtod",
    "pow_gamma_dtod",
    "reference_std",
    "nl_dtod",
];

/// Parameters of the model for the numbers `x` after the starts, without noise, over the conductances `range` of weights
/// -1 and 1.
pub(super) fn parameters(law: Law, x: &[f64], pulses: (f64, f64), range: (f64, f64)) -> Parameters {
    let mut p = Parameters::of(law);
    for field in law.fields().into_iter().filter(|field| SPREADS.contains(&field.name)) {
        *field.of(&mut p) = 0.0;
    }
    (p.w_min, p.w_max) = (x[0], x[1]);
    let x = &x[2..];
    let steps = match law {
        Law::ConstantStep | Law::PowStep | Law::SoftBounds | Law::SoftBoundsReference => Some((x[0], x[1])),
        Law::LinearStep => Some((x[0], x[2])),
        Law::ExpStep => Some((x[0], x[3])),
        Law::NeuroSim => None,
    };
    // The longer of the two is `dw_min`; the other is shorter by a share.
    match steps {
        Some((up, down)) if down <= up => (p.dw_min, p.up_down) = (up, 1.0 - down / up),
        Some((up, down)) => (p.dw_min, p.up_down) = (down, up / down - 1.0),
        None => {}
    }
    match law {
        Law::LinearStep => (p.gamma_up, p.gamma_down) = (x[1], x[3]),
        Law::PowStep => p.pow_gamma = x[2],
        Law::ExpStep => {
            // z is then the weight itself.
            (p.exp_a, p.exp_b) = (0.5 * (p.w_max - p.w_min), 0.0);
            (p.a_up, p.gamma_up, p.a_down, p.gamma_down) = (x[1], x[2], x[4], x[5]);
        }
        Law::NeuroSim => {
            (p.nl_up, p.nl_down) = (x[0], x[1]);
            (p.pulses_up, p.pulses_down) = pulses;
        }
        Law::ConstantStep | Law::SoftBounds | Law::SoftBoundsReference => {}
    }
    let siemens = |w: f64| (range.0 + 0.5 * (w + 1.0) * (range.1 - range.0)).max(0.0);
    (p.g_min, p.g_max) = (siemens(p.w_min), siemens(p.w_max));
    p
}
