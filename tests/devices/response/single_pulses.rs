//! The pulse-response models in double precision, one device and one pulse at a time, and populations of both kinds beside each
//! other. Tests and `make bench-devices` share it.

use std::fmt;

use memrtl::device::response::{self, CycleNoise, Law, Parameters, Preset, Spread};
use memrtl::device::{Geometry, Memristors, Noise, Slot};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const SIDE: usize = 100;

/// 10,000 cells; a row code of 1 and a pulse of width 1 are one unit pulse.
pub fn geometry(p: &Parameters) -> Geometry {
    Geometry {
        rows: SIDE,
        cols: SIDE,
        max_code: 127,
        max_width: 255,
        pulse_lsb: 1e-9,
        update_step: p.unit_step() as f32,
    }
}

pub fn array(p: &Parameters, seed: u64) -> Box<dyn Memristors> {
    response::array(p, geometry(p), Noise::new(seed, 0))
}

/// One slot of the same `pulses` (signed) on all cells.
pub fn all(cells: &mut dyn Memristors, pulses: i32, op: u64) {
    cells.write(Slot { x: &[1; SIDE], widths: &[pulses; SIDE] }, op);
}

/// A device in double precision, pulse by pulse, written from the equations of the sources.
pub struct Device {
    p: Parameters,
    up: f64,
    down: f64,
    max: f64,
    min: f64,
    gamma_up: f64,
    gamma_down: f64,
    reference: f64,
    /// Curvatures of NeuroSim's law, up and down.
    curvature: [f64; 2],
    w: f64,
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

impl Device {
    pub fn curvatures(p: &Parameters) -> [f64; 2] {
        [p.nl_up, p.nl_down].map(response::curvature::curvature)
    }

    pub fn draw(p: &Parameters, curvature: [f64; 2], rng: &mut ChaCha8Rng) -> Device {
        let mut xi = || normal(rng);
        let gain = match p.spread {
            Spread::Normal => 1.0 + p.dw_min_dtod * xi(),
            Spread::LogNormal => (p.dw_min_dtod * xi()).exp(),
        };
        let bias = p.up_down_dtod * xi();
        let (weaker_up, weaker_down) = if p.up_down > 0.0 { (0.0, -p.up_down) } else { (p.up_down, 0.0) };
        let up = (p.dw_min * (gain + weaker_up + bias)).abs();
        let down = (p.dw_min * (gain + weaker_down - bias)).abs();
        let max = (p.w_max * (1.0 + p.w_max_dtod * xi())).abs();
        let min = -(p.w_min * (1.0 + p.w_min_dtod * xi())).abs();
        let (gamma_up, gamma_down) = match p.law {
            Law::PowStep => {
                let mut gamma = || (p.pow_gamma * (1.0 + p.pow_gamma_dtod * xi())).abs();
                (gamma(), gamma())
            }
            _ => ((p.gamma_up + p.gamma_up_dtod * xi()).abs(), (p.gamma_down + p.gamma_down_dtod * xi()).abs()),
        };
        let reference = if p.law == Law::SoftBoundsReference {
            let symmetry = (up - down) / (up / max - down / min);
            (symmetry + p.reference_std * xi()).clamp(min, max)
        } else {
            0.0
        };
        Device { p: p.clone(), up, down, max, min, gamma_up, gamma_down, reference, curvature, w: 0.0 }
    }

    /// One unit pulse.
    pub fn pulse(&mut self, upwards: bool, rng: &mut ChaCha8Rng) {
        let (p, w) = (&self.p, self.w);
        let (sign, step) = if upwards { (1.0, self.up) } else { (-1.0, self.down) };
        let xi = p.dw_min_std * normal(rng);
        let moved = match p.law {
            Law::ConstantStep => w + sign * step * (1.0 + xi),
            Law::LinearStep => {
                let slope = if upwards { -self.gamma_up / p.w_max } else { -self.gamma_down / p.w_min };
                match p.cycle_noise {
                    CycleNoise::Additive => w + sign * step * (1.0 + slope * w + xi),
                    CycleNoise::Multiplicative => w + sign * step * (1.0 + slope * w) * (1.0 + xi),
                }
            }
            Law::SoftBounds | Law::SoftBoundsReference => {
                let bound = if upwards { self.max } else { self.min };
                // The rule of memrtl for steps that are longer than the way to the bound.
                let step = step.min((1.0 - 1.0 / 1024.0) * bound.abs());
                let raw = w + self.reference;
                let moved = match p.cycle_noise {
                    CycleNoise::Additive => raw + sign * step * (1.0 - raw / bound + xi),
                    CycleNoise::Multiplicative => raw + sign * step * (1.0 - raw / bound) * (1.0 + xi),
                };
                moved.clamp(self.min, self.max) - self.reference
            }
            Law::ExpStep => {
                let z = 2.0 * p.exp_a * w / (self.max - self.min) + p.exp_b;
                let y = if upwards {
                    1.0 - p.a_up * (p.gamma_up * z).exp()
                } else {
                    1.0 - p.a_down * (-p.gamma_down * z).exp()
                };
                let dw = y.max(0.0) * step;
                w + sign * dw + xi * (dw + p.dw_min_std_add + p.dw_min_std_slope * w.abs())
            }
            Law::PowStep => {
                let range = self.max - self.min;
                let share = if upwards { (self.max - w) / range } else { (w - self.min) / range };
                let gamma = if upwards { self.gamma_up } else { self.gamma_down };
                w + sign * step * share.max(0.0).powf(gamma) * (1.0 + xi)
            }
            Law::NeuroSim => {
                // Straight from the definition: the pulse number of the present state, one more, back to a state.
                let (a, pulses) =
                    if upwards { (self.curvature[0], p.pulses_up) } else { (self.curvature[1], p.pulses_down) };
                let a = a * pulses;
                let range = p.w_max - p.w_min;
                let b = range / (1.0 - (-pulses / a).exp());
                let travelled = if upwards { w - p.w_min } else { p.w_max - w };
                let number = -a * (1.0 - travelled / b).ln();
                // Doses are counted in unit pulses upwards.
                let travelled = b * (1.0 - (-(number + pulses / p.pulses_up) / a).exp());
                if upwards { p.w_min + travelled } else { p.w_max - travelled }
            }
        };
        self.w = match p.law {
            Law::SoftBounds | Law::SoftBoundsReference => moved,
            _ => moved.clamp(self.min, self.max),
        };
    }

    /// Weight after pulses as a read sees it.
    pub fn after(&mut self, pulses: i32, rng: &mut ChaCha8Rng) -> f64 {
        for _ in 0..pulses.abs() {
            self.pulse(pulses > 0, rng);
        }
        if self.p.law == Law::NeuroSim {
            // NeuroSim adds the noise of a write once, after all its pulses.
            let own = if pulses > 0 { 1.0 } else { self.p.pulses_down / self.p.pulses_up };
            let sigma = self.p.cycle_sigma * (self.p.w_max - self.p.w_min);
            let noisy = self.w + sigma * (f64::from(pulses.abs()) * own).sqrt() * normal(rng);
            self.w = noisy.clamp(self.p.w_min, self.p.w_max);
        }
        self.w + self.p.write_noise_std * self.p.unit_step() * normal(rng)
    }
}

pub struct Moments {
    pub mean: f64,
    pub deviation: f64,
    pub kurtosis: f64,
}

pub fn moments(values: &[f64]) -> Moments {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |k: i32| values.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
    Moments { mean, deviation: central(2).sqrt(), kurtosis: central(4) / (central(2) * central(2)) }
}

/// How far a figure of 10,000 devices is from that of the loop.
pub struct Deviation {
    pub preset: &'static str,
    pub pulses: i32,
    /// Mean or spread.
    pub what: &'static str,
    pub standard_errors: f64,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deviation { preset, pulses, what, standard_errors } = self;
        write!(f, "{preset} after {pulses}: {what} off by {standard_errors:.2} standard errors")
    }
}

/// Mean and spread of the weight after pulses: 10,000 devices of each preset against 60,000 of the loop.
pub fn deviations() -> Vec<Deviation> {
    const REFERENCE: usize = 60_000;
    let mut found = Vec::new();
    for preset in Preset::ALL {
        let p = preset.parameters();
        let curvature = Device::curvatures(&p);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for pulses in [1i32, -1, 8] {
            // The bounds cut each pulse's noise, in the array after the whole dose: devices that reach them within a few
            // pulses are compared after one.
            if pulses.abs() > 1 && p.law == Law::SoftBoundsReference {
                continue;
            }
            let want: Vec<f64> =
                (0..REFERENCE).map(|_| Device::draw(&p, curvature, &mut rng).after(pulses, &mut rng)).collect();
            let want = moments(&want);
            let mut cells = array(&p, 11);
            all(&mut *cells, pulses, 1);
            let got: Vec<f64> = cells.weights().iter().map(|&w| f64::from(w)).collect();
            let n = 1.0 / got.len() as f64 + 1.0 / REFERENCE as f64;
            let got = moments(&got);
            let errors = [
                ("mean", (got.mean - want.mean) / (want.deviation * n.sqrt())),
                (
                    "spread",
                    (got.deviation - want.deviation) / (want.deviation * (0.25 * (want.kurtosis - 1.0) * n).sqrt()),
                ),
            ];
            let deviation = |(what, standard_errors)| Deviation { preset: preset.name, pulses, what, standard_errors };
            found.extend(errors.map(deviation));
        }
    }
    found
}
