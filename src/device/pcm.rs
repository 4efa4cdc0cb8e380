//! Phase-change memory: pairs of devices whose SET pulses add up, whose RESET is abrupt, and which drift.
//!
//! A weight is the difference of two states, each between 0 and about `w_max`. A pulse upwards is a SET of the first device, a
//! pulse downwards one of the second; only a RESET ([`Memristors::pulse`] with negative volts) brings a state down, so that
//! pairs need a refresh from time to time. Steps, noise and RESET follow aihwkit's training device (IBM;
//! `presets/devices.py`, `rpu_expstep_device.cpp`, after Nandakumar et al., Front. Neurosci. 14:406, 2020); drift, read noise
//! and the noise of programming its inference statistics (`inference/noise/pcm.py`).

use multiversion::multiversion;
use serde::Serialize;

use super::elementary::{exp, ln};
use super::noise::RowNoise;
use super::response::cells::{
    BLOCK, Block, Push, Scratch, draw, interleave, move_block, moved, numbers_of_block, numbers_of_cell, padded,
};
use super::response::laws::{ExpStep, pick, settle};
use super::response::population::{Drawn, Population};
use super::response::{Law, Parameters, UnitPulse};
use super::{CellAddress, CellPulse, Field, Geometry, Memristors, Noise, Scale, Slot, Stream};

/// Seconds after programming at which a conductance counts as programmed.
const T0: f64 = 20.0;
/// Seconds that a read takes, for the bandwidth of its 1/f noise.
const T_READ: f64 = 250e-9;
/// Conductance of a state of `w_max` in the statistics of programming, microsiemens.
const STATISTICS_G_MAX: f64 = 25.0;
/// Numbers of a device: steps up and (unused) down, upper and lower bound, scale of the exponent.
const N: usize = 5;

/// Parameters of phase-change memory; states in units of the layer's full scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pcm {
    /// SET steps, conductances and unit pulses: an exponential step above 0. `down` is the RESET pulse, whose volts are the
    /// least that melt the cell.
    pub set: Parameters,
    /// State after a RESET, its spread between devices and between pulses.
    pub reset: f64,
    pub reset_dtod: f64,
    pub reset_std: f64,
    /// Factors on the measured drift exponents, read noise ([`Memristors::read_sigma`]) and noise of programming; 0 for none.
    pub drift: f64,
    pub read_noise: f64,
    pub programming_noise: f64,
}

/// Name and source of the one parameter set, the default.
pub const PRESET: (&str, &str) =
    ("PCM", "aihwkit PCMPresetDevice, after Nandakumar et al., Front. Neurosci. 14:406 (2020)");

impl Default for Pcm {
    /// aihwkit's `PCMPresetDevice`; 0.25 to 25 uS after its inference statistics and CrossSim's ratio of 100; pulses assumed:
    /// SET 1 V and 50 ns, RESET from 2 V and 500 ns.
    fn default() -> Self {
        let set = Parameters {
            dw_min: 0.01,
            dw_min_dtod: 0.2,
            dw_min_std: 0.6,
            dw_min_std_add: 0.042,
            dw_min_std_slope: 0.108,
            up_down_dtod: 0.05,
            w_max: 2.0,
            w_min: 0.0,
            w_max_dtod: 0.1,
            w_min_dtod: 0.0,
            exp_a: -1.0,
            exp_b: 0.0,
            gamma_up: 2.5,
            gamma_down: 2.5,
            a_up: -27.235,
            a_down: -2.235,
            g_min: 0.25e-6,
            g_max: 25e-6,
            up: UnitPulse { volts: 1.0, seconds: 50e-9 },
            down: UnitPulse { volts: 2.0, seconds: 500e-9 },
            ..Parameters::of(Law::ExpStep)
        };
        Pcm { set, reset: 0.01, reset_dtod: 0.02, reset_std: 0.0, drift: 1.0, read_noise: 0.0, programming_noise: 0.0 }
    }
}

impl Pcm {
    /// Parameters of the SET that specs may change: all that aihwkit's device has for one direction.
    const SET: [&str; 16] = [
        "dw_min",
        "dw_min_dtod",
        "dw_min_std",
        "dw_min_std_add",
        "dw_min_std_slope",
        "up_down_dtod",
        "w_max",
        "w_max_dtod",
        "gamma_up",
        "exp_a",
        "exp_b",
        "a_up",
        "g_min",
        "g_max",
        "up_volts",
        "up_seconds",
    ];

    /// Numbers of the SET with their ranges.
    pub fn set_fields() -> Vec<&'static Field<Parameters>> {
        Law::ExpStep.fields().into_iter().filter(|field| Self::SET.contains(&field.name)).collect()
    }

    /// The other numbers by name; each at least 0.
    pub fn others(&mut self) -> [(&'static str, &mut f64); 8] {
        [
            ("reset", &mut self.reset),
            ("reset_dtod", &mut self.reset_dtod),
            ("reset_std", &mut self.reset_std),
            ("reset_volts", &mut self.set.down.volts),
            ("reset_seconds", &mut self.set.down.seconds),
            ("drift", &mut self.drift),
            ("read_noise", &mut self.read_noise),
            ("programming_noise", &mut self.programming_noise),
        ]
    }
}

/// Mean and spread of the drift exponent at conductance `share` of the largest.
fn drift_exponent(share: f64) -> (f64, f64) {
    let log = libm::log(share.max(1e-6));
    ((-0.0155 * log + 0.0244).clamp(0.049, 0.1), (-0.0125 * log - 0.0059).clamp(0.008, 0.045))
}

/// Standard deviation of programming to `share` of the largest conductance, as such a share.
fn programming_sigma(share: f64) -> f64 {
    (0.26348 + 1.9650 * share - 1.1731 * share * share).max(0.0) / STATISTICS_G_MAX
}

/// Pairs of phase-change devices.
///
/// States: those of the first and of the second devices now, both as they were programmed, and the seconds since then, each
/// row-major. What was never aged is as programmed.
pub struct PcmPairs {
    parameters: Pcm,
    geometry: Geometry,
    noise: Noise,
    law: ExpStep,
    /// Device by device, row by row, block by block, number by number.
    numbers: Vec<f32>,
    /// Standard normal numbers that place each device's drift exponent and RESET state, device by device.
    drift_xi: Vec<f32>,
    reset_xi: Vec<f32>,
    states: Vec<f32>,
    weights: Vec<f32>,
    /// Variance of one read of each device at full conductance, times its spectrum's logarithm; device by device.
    spectrum: Vec<f32>,
    /// Standard deviation of one read of each weight; empty without read noise.
    read_sigma: Vec<f32>,
    aged: bool,
    scratch: Scratch,
}

/// Numbers of a row of cells while its pair is written.
struct Row<'a> {
    first: &'a mut [f32],
    second: &'a mut [f32],
    numbers: [&'a [f32]; 2],
    weights: &'a mut [f32],
    noise: Option<RowNoise>,
}

/// One dose on each pair of a row: upwards to the first device, downwards to the second.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn set_row(law: ExpStep, row: Row<'_>, gain: f32, scratch: &Scratch) {
    let (numbers, noise, gains) = (row.numbers, row.noise, gain.abs());
    let (firsts, rest) = row.first.as_chunks_mut::<BLOCK>();
    let (seconds, rest_second) = row.second.as_chunks_mut::<BLOCK>();
    let (weights, rest_weights) = row.weights.as_chunks_mut::<BLOCK>();
    let whole = firsts.len();
    for (index, ((first, second), weights)) in firsts.iter_mut().zip(seconds).zip(weights).enumerate() {
        let xi = draw(noise, index, BLOCK);
        let push = Push::new(scratch, index, gains, gains.sqrt(), &xi);
        set_block(law, [first, second, weights], numbers, gain, push, (index, BLOCK));
    }
    if !rest.is_empty() {
        let n = rest.len();
        let (mut first, mut second, mut weights) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        first[..n].copy_from_slice(rest);
        second[..n].copy_from_slice(rest_second);
        let xi = draw(noise, whole, n);
        let push = Push::new(scratch, whole, gains, gains.sqrt(), &xi);
        set_block(law, [&mut first, &mut second, &mut weights], numbers, gain, push, (whole, n));
        rest.copy_from_slice(&first[..n]);
        rest_second.copy_from_slice(&second[..n]);
        rest_weights.copy_from_slice(&weights[..n]);
    }
}

/// The first `n` cells of block `index` of [`set_row`]: first and second states and weights.
#[inline(always)]
fn set_block(
    law: ExpStep,
    [first, second, weights]: [&mut Block; 3],
    numbers: [&[f32]; 2],
    gain: f32,
    push: Push<'_>,
    (index, n): (usize, usize),
) {
    let n = n.min(BLOCK);
    // Of the device that the dose's sign chooses: size of its dose, state and numbers.
    let (mut doses, mut sizes, mut w) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let (before_first, before_second) = (*first, *second);
    for l in 0..n {
        doses[l] = gain * push.doses[l];
        sizes[l] = push.doses[l].abs();
        w[l] = pick(doses[l] < 0.0, before_second[l], before_first[l]);
    }
    let (ups, downs) = (numbers_of_block::<N>(numbers[0], index), numbers_of_block::<N>(numbers[1], index));
    let mut chosen = [[0.0; BLOCK]; N];
    for (chosen, (up, down)) in chosen.iter_mut().zip(ups.into_iter().zip(downs)) {
        for l in 0..n {
            chosen[l] = pick(doses[l] < 0.0, down[l], up[l]);
        }
    }
    move_block(law, &mut w, &chosen.each_ref(), Push { doses: &sizes, ..push }, n);
    for l in 0..n {
        first[l] = pick(doses[l] < 0.0, before_first[l], w[l]);
        second[l] = pick(doses[l] < 0.0, w[l], before_second[l]);
    }
    for l in 0..n {
        weights[l] = first[l] - second[l];
    }
}

/// Spread of a read of pairs: `u Q` of the largest conductance for each device, `Q = min(0.2, 0.0088 / u^0.65)`.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn read_spread(states: [&[f32]; 2], spectrum: [&[f32]; 2], share: f32, out: &mut [f32]) {
    const LEAST: f32 = 1e-9;
    let cols = out.len();
    let (a, b) = (&states[0][..cols], &states[1][..cols]);
    let (of_a, of_b) = (&spectrum[0][..cols], &spectrum[1][..cols]);
    let amplitude = |state: f32| {
        let u = state * share;
        let u = if u < LEAST { LEAST } else { u };
        let (power, linear) = (0.0088 * exp(0.35 * ln(u)), 0.2 * u);
        if power < linear { power } else { linear }
    };
    for col in 0..cols {
        let (sa, sb) = (amplitude(a[col]), amplitude(b[col]));
        out[col] = (sa * sa * of_a[col] + sb * sb * of_b[col]).sqrt();
    }
}

impl PcmPairs {
    /// Pairs drawn from `noise`, all RESET.
    pub fn new(parameters: &Pcm, geometry: Geometry, noise: Noise) -> Self {
        let cells = geometry.rows * geometry.cols;
        let p = &parameters.set;
        let mut numbers = Vec::with_capacity(2 * geometry.rows * padded(geometry.cols) * N);
        let (mut drift_xi, mut reset_xi) = (Vec::new(), Vec::new());
        for device in 0..2 {
            let population = Population { parameters: p, geometry: &geometry, noise, device };
            interleave(&population.exponential(), geometry.cols, &mut numbers);
            drift_xi.extend(population.normals(Drawn::Drift));
            reset_xi.extend(population.normals(Drawn::Reset));
        }
        let mut pairs = PcmPairs {
            parameters: parameters.clone(),
            geometry,
            noise,
            law: super::response::exp_step(p),
            numbers,
            drift_xi,
            reset_xi,
            states: vec![0.0; 6 * cells],
            weights: vec![0.0; cells],
            spectrum: Vec::new(),
            read_sigma: if parameters.read_noise > 0.0 { vec![0.0; cells] } else { Vec::new() },
            aged: false,
            scratch: Scratch::new(geometry.cols),
        };
        pairs.spectrum = vec![pairs.spectrum_after(0.0); 2 * cells];
        for i in 0..2 * cells {
            pairs.states[i] = pairs.reset_state(i, 0.0);
        }
        pairs.derive();
        pairs
    }

    fn cells(&self) -> usize {
        self.weights.len()
    }

    /// Numbers of device `i`, counted device by device.
    fn numbers_of(&self, i: usize) -> [f32; N] {
        let (cols, stride) = (self.geometry.cols, padded(self.geometry.cols) * N);
        numbers_of_cell(&self.numbers[i / cols * stride..][..stride], i % cols)
    }

    fn reset_state(&self, i: usize, xi: f32) -> f32 {
        let p = &self.parameters;
        let state = p.reset as f32 + p.reset_dtod as f32 * self.reset_xi[i] + p.reset_std as f32 * xi;
        settle(&self.law, state, 0.0, 0.0, self.numbers_of(i))
    }

    /// Variance of a read at full conductance, `seconds` after programming, over `Q^2`, in weights.
    fn spectrum_after(&self, seconds: f64) -> f32 {
        let scale = self.parameters.read_noise * self.parameters.set.w_max;
        (scale * scale * libm::log((seconds + T0 + T_READ) / (2.0 * T_READ))) as f32
    }

    /// Notes that device `i` has been programmed anew.
    fn fresh(&mut self, i: usize) {
        if self.aged {
            let cells = self.cells();
            self.states[2 * cells + i] = 0.0;
            self.states[4 * cells + i] = 0.0;
            self.spectrum[i] = self.spectrum_after(0.0);
        }
    }

    /// What follows from the states of all cells.
    fn derive(&mut self) {
        let cells = self.cells();
        for i in 0..cells {
            self.weights[i] = self.states[i] - self.states[cells + i];
        }
        for row in 0..self.geometry.rows {
            self.spread_row(row);
        }
    }

    fn spread_row(&mut self, row: usize) {
        if self.read_sigma.is_empty() {
            return;
        }
        let (cells, cols) = (self.cells(), self.geometry.cols);
        let at = row * cols;
        let (a, b) = (at..at + cols, cells + at..cells + at + cols);
        let share = (1.0 / self.parameters.set.w_max) as f32;
        read_spread(
            [&self.states[a.clone()], &self.states[b.clone()]],
            [&self.spectrum[a], &self.spectrum[b]],
            share,
            &mut self.read_sigma[at..at + cols],
        );
    }
}

impl Memristors for PcmPairs {
    fn devices(&self) -> usize {
        2
    }

    fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn scale(&self) -> Scale {
        let p = &self.parameters.set;
        Scale { reference: 0.0, span: (p.g_max - p.g_min) / p.w_max }
    }

    fn read_sigma(&self) -> Option<&[f32]> {
        (!self.read_sigma.is_empty()).then_some(&self.read_sigma)
    }

    fn write(&mut self, slot: Slot<'_>, op: u64) {
        let (cells, cols) = (self.cells(), self.geometry.cols);
        let unit = self.geometry.update_step / self.parameters.set.dw_min as f32;
        if !self.scratch.doses(slot.widths, unit) {
            return;
        }
        let stride = padded(cols) * N;
        let noisy = self.parameters.set.dw_min_std > 0.0;
        for (row, &x) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            let at = row * cols;
            if self.aged {
                for (col, &width) in slot.widths.iter().enumerate().filter(|(_, w)| **w != 0) {
                    let device = usize::from((width < 0) != (x < 0));
                    self.fresh(device * cells + at + col);
                }
            }
            let gain = x as f32;
            let (first, second) = self.states.split_at_mut(cells);
            let of = |device: usize| &self.numbers[(device * self.geometry.rows + row) * stride..][..stride];
            let pair = Row {
                first: &mut first[at..][..cols],
                second: &mut second[at..][..cols],
                numbers: [of(0), of(1)],
                weights: &mut self.weights[at..][..cols],
                noise: noisy.then(|| self.noise.row(Stream::CycleToCycle, op, row)),
            };
            set_row(self.law, pair, gain, &self.scratch);
            self.spread_row(row);
        }
    }

    fn program(&mut self, weights: &[f32], op: u64) {
        let (cells, cols) = (self.cells(), self.geometry.cols);
        let p = &self.parameters;
        let (w_max, factor) = (p.set.w_max, p.programming_noise);
        let mut xi = vec![0.0; cols];
        for device in 0..2 {
            for row in 0..self.geometry.rows {
                let key = op | (device as u64) << 63;
                self.noise.normals(Stream::Program, key, row, &mut xi);
                for (col, &xi) in xi.iter().enumerate() {
                    let w = weights[row * cols + col];
                    let want = if device == 0 { w } else { -w };
                    let i = device * cells + row * cols + col;
                    // The device that carries nothing stays RESET, and its state is made up for.
                    let rest = self.reset_state(if device == 0 { cells + i } else { i - cells }, 0.0);
                    let state = if want > 0.0 {
                        let target = want + rest;
                        let sigma = factor * w_max * programming_sigma(f64::from(target) / w_max);
                        settle(&self.law, target, sigma as f32, xi, self.numbers_of(i))
                    } else {
                        self.reset_state(i, 0.0)
                    };
                    self.states[i] = state;
                    self.fresh(i);
                }
            }
        }
        self.derive();
    }

    fn states(&self) -> &[f32] {
        &self.states
    }

    fn restore(&mut self, states: &[f32]) {
        self.states.copy_from_slice(states);
        let cells = self.cells();
        self.aged = states[4 * cells..].iter().any(|seconds| *seconds > 0.0);
        for i in 0..2 * cells {
            self.spectrum[i] = self.spectrum_after(f64::from(states[4 * cells + i]));
        }
        self.derive();
    }

    fn age(&mut self, seconds: f64, _op: u64) {
        if seconds <= 0.0 {
            return;
        }
        let cells = self.cells();
        for i in 0..2 * cells {
            let passed = f64::from(self.states[4 * cells + i]);
            if passed == 0.0 {
                self.states[2 * cells + i] = self.states[i];
            }
            let programmed = f64::from(self.states[2 * cells + i]);
            let passed = passed + seconds;
            let (mean, spread) = drift_exponent(programmed / self.parameters.set.w_max);
            let exponent = self.parameters.drift * (mean + spread * f64::from(self.drift_xi[i])).max(0.0);
            self.states[i] = (programmed * libm::pow((T0 + passed) / T0, -exponent)) as f32;
            self.states[4 * cells + i] = passed as f32;
            self.spectrum[i] = self.spectrum_after(passed);
        }
        self.aged = true;
        self.derive();
    }

    fn conductance(&self, at: CellAddress) -> f64 {
        let p = &self.parameters.set;
        let state = self.states[at.device * self.cells() + at.row * self.geometry.cols + at.col];
        p.g_min + f64::from(state) / p.w_max * (p.g_max - p.g_min)
    }

    fn conductance_sigma(&self, at: CellAddress) -> f64 {
        let i = at.device * self.cells() + at.row * self.geometry.cols + at.col;
        let mut sigma = [0.0];
        let (state, spectrum) = (&self.states[i..=i], &self.spectrum[i..=i]);
        // The other device of the pair reads nothing.
        read_spread([state, &[0.0]], [spectrum, &[0.0]], (1.0 / self.parameters.set.w_max) as f32, &mut sigma);
        f64::from(sigma[0]) * self.scale().span
    }

    fn conductance_range(&self) -> (f64, f64) {
        (self.parameters.set.g_min, self.parameters.set.g_max)
    }

    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, op: u64) {
        let p = &self.parameters;
        let i = at.device * self.cells() + at.row * self.geometry.cols + at.col;
        let key = op | (at.device as u64) << 63;
        let xi = self.noise.normal(Stream::CycleToCycle, key, at.row, at.col);
        if pulse.seconds <= 0.0 || pulse.volts == 0.0 {
            return;
        }
        if pulse.volts < 0.0 {
            // A pulse that does not melt the cell leaves it as it is.
            if -pulse.volts < p.set.down.volts {
                return;
            }
            self.states[i] = self.reset_state(i, xi);
        } else {
            let numbers = self.numbers_of(i);
            let dose = p.set.dose(pulse.volts, pulse.seconds) as f32;
            let (mean, sigma) = moved(&self.law, self.states[i], numbers, dose);
            let xi = if p.set.dw_min_std > 0.0 { xi } else { 0.0 };
            self.states[i] = settle(&self.law, mean, sigma, xi, numbers);
        }
        self.fresh(i);
        let weight = at.row * self.geometry.cols + at.col;
        self.weights[weight] = self.states[weight] - self.states[self.cells() + weight];
        self.spread_row(at.row);
    }
}
