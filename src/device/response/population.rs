//! Draws the devices of an array: each number of each cell around the parameters' means.

use super::curvature::Table;
use super::parameters::{CycleNoise, Law, Parameters, Spread};
use crate::device::{Geometry, Noise, Stream};

/// Numbers that are drawn for a cell; the discriminant separates their random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Drawn {
    Step = 0,
    Asymmetry = 1,
    Max = 2,
    Min = 3,
    SlopeUp = 4,
    SlopeDown = 5,
    Reference = 6,
    Reset = 7,
    Drift = 8,
}

/// Numbers of one cell may be drawn for that many devices of a weight.
const DEVICE_STRIDE: u64 = 64;
/// A step that is longer than the way from weight 0 to the bound is taken as that way but for this share, so that a part of
/// a pulse has a meaning.
const NEAREST: f64 = 1.0 / 1024.0;
/// A linear step whose slope is less than this counts as one with this: its fixed point would lie at infinity.
const LEAST_SLOPE: f64 = 1e-6;

/// Source of the devices of one array.
pub(crate) struct Population<'p> {
    pub parameters: &'p Parameters,
    pub geometry: &'p Geometry,
    pub noise: Noise,
    /// Which device of each weight.
    pub device: usize,
}

/// Numbers of one device.
struct Steps {
    up: f64,
    down: f64,
    max: f64,
    min: f64,
}

impl Population<'_> {
    fn cells(&self) -> usize {
        self.geometry.rows * self.geometry.cols
    }

    /// Standard normal numbers of all cells, row-major.
    pub fn normals(&self, number: Drawn) -> Vec<f32> {
        let mut out = vec![0.0; self.cells()];
        let op = number as u64 + DEVICE_STRIDE * self.device as u64;
        for (row, out) in out.chunks_exact_mut(self.geometry.cols).enumerate() {
            self.noise.normals(Stream::DeviceToDevice, op, row, out);
        }
        out
    }

    /// Steps at weight 0 and bounds of all cells, as aihwkit draws them for consistent devices: no step and no bound changes
    /// its sign.
    fn steps(&self) -> Vec<Steps> {
        let p = self.parameters;
        let (step, bias) = (self.normals(Drawn::Step), self.normals(Drawn::Asymmetry));
        let (max, min) = (self.normals(Drawn::Max), self.normals(Drawn::Min));
        let device = |i: usize| {
            let spread = p.dw_min_dtod * f64::from(step[i]);
            let gain = match p.spread {
                Spread::Normal => 1.0 + spread,
                Spread::LogNormal => libm::exp(spread),
            };
            let bias = p.up_down_dtod * f64::from(bias[i]);
            Steps {
                up: p.dw_min * (p.up_down.min(0.0) + gain + bias).abs(),
                down: p.dw_min * (gain - bias - p.up_down.max(0.0)).abs(),
                max: p.w_max * (1.0 + p.w_max_dtod * f64::from(max[i])).abs(),
                min: p.w_min * (1.0 + p.w_min_dtod * f64::from(min[i])).abs(),
            }
        };
        (0..self.cells()).map(device).collect()
    }

    pub fn constant(&self) -> Vec<[f32; 4]> {
        self.steps().iter().map(|s| [s.up, s.down, s.max, s.min].map(|v| v as f32)).collect()
    }

    /// Fixed point, rate (to base 2) and noise of one direction with the `step` at weight 0.
    fn direction(&self, step: f64, target: f64) -> [f64; 3] {
        let p = self.parameters;
        let step = step.min((1.0 - NEAREST) * target.abs());
        // A device whose bound is 0 stays there.
        let share = if target == 0.0 { 1.0 - NEAREST } else { step / target.abs() };
        let reach = -libm::log1p(-share);
        let noise = match p.cycle_noise {
            CycleNoise::Multiplicative => share / (1.0 - share),
            CycleNoise::Additive if share == 0.0 => 0.0,
            CycleNoise::Additive => p.dw_min_std * step * (2.0 * reach / (share * (2.0 - share))).sqrt(),
        };
        [target, reach * std::f64::consts::LOG2_E, noise]
    }

    pub fn soft_bounds(&self) -> Vec<[f32; 6]> {
        let reference = self.references();
        let cell = |(i, s): (usize, &Steps)| {
            let ([max, rate_up, noise_up], [min, rate_down, noise_down]) =
                (self.direction(s.up, s.max), self.direction(s.down, s.min));
            let zero = reference(i, s);
            [max - zero, rate_up, noise_up, min - zero, rate_down, noise_down].map(|v| v as f32)
        };
        self.steps().iter().enumerate().map(cell).collect()
    }

    /// States that the cells of this law are read against: their symmetry points, where steps up and down are equally long,
    /// up to an error.
    fn references(&self) -> impl Fn(usize, &Steps) -> f64 + use<'_> {
        let errors = (self.parameters.law == Law::SoftBoundsReference).then(|| self.normals(Drawn::Reference));
        move |i, s| {
            let Some(errors) = &errors else { return 0.0 };
            let slopes = s.up / s.max - s.down / s.min;
            let symmetry = if slopes > 0.0 && slopes.is_finite() { (s.up - s.down) / slopes } else { 0.0 };
            // The reference is a device itself and cannot stand outside the cell's range.
            (symmetry + self.parameters.reference_std * f64::from(errors[i])).clamp(s.min, s.max)
        }
    }

    pub fn linear(&self) -> Vec<[f32; 8]> {
        let p = self.parameters;
        let (up, down) = (self.normals(Drawn::SlopeUp), self.normals(Drawn::SlopeDown));
        let cell = |(i, s): (usize, &Steps)| {
            let slope = |mean: f64, spread: f64, xi: f32| (mean + spread * f64::from(xi)).abs().max(LEAST_SLOPE);
            // The slope refers to the mean bound, not to that of the device.
            let above = p.w_max / slope(p.gamma_up, p.gamma_up_dtod, up[i]);
            let below = p.w_min / slope(p.gamma_down, p.gamma_down_dtod, down[i]);
            let ([to_max, rate_up, noise_up], [to_min, rate_down, noise_down]) =
                (self.direction(s.up, above), self.direction(s.down, below));
            [to_max, rate_up, noise_up, to_min, rate_down, noise_down, s.max, s.min].map(|v| v as f32)
        };
        self.steps().iter().enumerate().map(cell).collect()
    }

    pub fn exponential(&self) -> Vec<[f32; 5]> {
        let cell = |s: &Steps| {
            let range = s.max - s.min;
            let scale = if range > 0.0 { 2.0 * self.parameters.exp_a / range } else { 0.0 };
            [s.up, s.down, s.max, s.min, scale].map(|v| v as f32)
        };
        self.steps().iter().map(cell).collect()
    }

    pub fn power(&self) -> Vec<[f32; 6]> {
        let p = self.parameters;
        let (up, down) = (self.normals(Drawn::SlopeUp), self.normals(Drawn::SlopeDown));
        let cell = |(i, s): (usize, &Steps)| {
            let exponent = |xi: f32| p.pow_gamma * (1.0 + p.pow_gamma_dtod * f64::from(xi)).abs();
            [s.up, s.down, s.max, s.min, exponent(up[i]), exponent(down[i])].map(|v| v as f32)
        };
        self.steps().iter().enumerate().map(cell).collect()
    }

    pub fn neurosim(&self) -> Vec<[f32; 4]> {
        let p = self.parameters;
        let (up, down) = (self.normals(Drawn::SlopeUp), self.normals(Drawn::SlopeDown));
        let range = p.w_max - p.w_min;
        let (upwards, downwards) = (Table::new(p.nl_up, p.nl_dtod), Table::new(p.nl_down, p.nl_dtod));
        let cell = |i: usize| {
            let a_up = upwards.curvature(p.nl_up + p.nl_dtod * f64::from(up[i]));
            let a_down = downwards.curvature(p.nl_down + p.nl_dtod * f64::from(down[i]));
            let (to_max, to_min) =
                (p.w_min - range / libm::expm1(-1.0 / a_up), p.w_min - range / libm::expm1(1.0 / a_down));
            // Doses are counted in unit pulses upwards, in both directions.
            let rate = |a: f64| std::f64::consts::LOG2_E / (a * p.pulses_up);
            [to_max, rate(a_up), to_min, rate(a_down)].map(|v| v as f32)
        };
        (0..self.cells()).map(cell).collect()
    }
}
