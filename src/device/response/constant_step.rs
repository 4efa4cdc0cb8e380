//! Constant step: every pulse moves the weight by the same amount, up to the device's bounds.

use super::Parameters;
use crate::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Slot, Stream};

/// `w <- clip(w +- dw q (1 + s xi / sqrt(q)))` with a step `dw` and bounds of each device's own.
#[derive(Debug, Clone)]
pub struct ConstantStep {
    geometry: Geometry,
    parameters: Parameters,
    noise: Noise,
    /// Weights, row-major.
    w: Vec<f32>,
    up: Vec<f32>,
    down: Vec<f32>,
    max: Vec<f32>,
    min: Vec<f32>,
    xi: Vec<f32>,
}

impl ConstantStep {
    /// Devices drawn from `noise`, all at weight 0.
    pub fn new(parameters: &Parameters, geometry: Geometry, noise: Noise) -> Self {
        let (rows, cols) = (geometry.rows, geometry.cols);
        let spread = |number: u64, mean: f64, share: f64| -> Vec<f32> {
            let mut out = vec![0.0; rows * cols];
            for (row, out) in out.chunks_exact_mut(cols).enumerate() {
                noise.normals(Stream::DeviceToDevice, number, row, out);
                out.iter_mut().for_each(|v| *v = mean as f32 * (1.0 + share as f32 * *v));
            }
            out
        };
        let step = spread(0, parameters.dw_min, parameters.dw_min_dtod);
        let asymmetry = {
            let mut bias = spread(1, 1.0, parameters.up_down_dtod);
            bias.iter_mut().for_each(|v| *v += parameters.up_down as f32 - 1.0);
            bias
        };
        let directed =
            |sign: f32| step.iter().zip(&asymmetry).map(|(&d, &a)| (d * (1.0 + sign * a)).max(0.0)).collect();
        ConstantStep {
            w: vec![0.0; rows * cols],
            up: directed(1.0),
            down: directed(-1.0),
            max: spread(2, parameters.w_max, parameters.w_max_dtod).into_iter().map(|v| v.max(0.0)).collect(),
            min: spread(3, parameters.w_min, parameters.w_min_dtod).into_iter().map(|v| v.min(0.0)).collect(),
            xi: vec![0.0; cols],
            geometry,
            parameters: parameters.clone(),
            noise,
        }
    }
}

impl Memristors for ConstantStep {
    fn devices(&self) -> usize {
        1
    }

    fn weights(&self) -> &[f32] {
        &self.w
    }

    fn write(&mut self, slot: Slot<'_>, op: u64) {
        let cols = self.geometry.cols;
        let dose = self.geometry.update_step / self.parameters.dw_min as f32;
        let sigma = self.parameters.dw_min_std as f32;
        for (row, &x) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            self.noise.normals(Stream::CycleToCycle, op, row, &mut self.xi);
            let cells = row * cols..(row + 1) * cols;
            let (w, up, down) = (&mut self.w[cells.clone()], &self.up[cells.clone()], &self.down[cells.clone()]);
            let (max, min) = (&self.max[cells.clone()], &self.min[cells]);
            let drive = x as f32 * dose;
            for col in 0..cols {
                let signed = drive * slot.widths[col] as f32;
                let q = signed.abs();
                let step = if signed > 0.0 { up[col] } else { -down[col] };
                w[col] = (w[col] + step * (q + sigma * q.sqrt() * self.xi[col])).min(max[col]).max(min[col]);
            }
        }
    }

    fn program(&mut self, weights: &[f32], _op: u64) {
        for (i, &v) in weights.iter().enumerate() {
            self.w[i] = v.min(self.max[i]).max(self.min[i]);
        }
    }

    fn states(&self) -> &[f32] {
        &self.w
    }

    fn restore(&mut self, states: &[f32]) {
        self.w.copy_from_slice(states);
    }

    fn age(&mut self, _seconds: f64, _op: u64) {}

    fn conductance(&self, at: CellAddress) -> f64 {
        let (low, high) = self.conductance_range();
        let share = (f64::from(self.w[at.row * self.geometry.cols + at.col]) + 1.0) / 2.0;
        low + share * (high - low)
    }

    fn conductance_range(&self) -> (f64, f64) {
        (1e-6, 10e-6)
    }

    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, op: u64) {
        let cell = at.row * self.geometry.cols + at.col;
        let q = (pulse.seconds / self.geometry.pulse_lsb) as f32;
        let xi = self.noise.normal(Stream::CycleToCycle, op, at.row, at.col);
        let step = if pulse.volts > 0.0 { self.up[cell] } else { -self.down[cell] };
        let moved = self.w[cell] + step * (q + self.parameters.dw_min_std as f32 * q.sqrt() * xi);
        self.w[cell] = moved.min(self.max[cell]).max(self.min[cell]);
    }
}
