//! An array of devices that follow one step equation.

use multiversion::multiversion;

use super::laws::{Law, settle};
use super::parameters::{Parameters, Signed};
use super::population::Population;
use crate::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Scale, Slot, Stream};

/// Key of an operation's random numbers for one of a weight's devices.
fn key(op: u64, device: usize) -> u64 {
    op | (device as u64) << 63
}

/// Devices with the step equation `L`, one or two for each weight.
///
/// Their states are kept device by device, row-major, then (with write noise) the states as they are seen, then (with two
/// devices) the weights.
pub(crate) struct PulseCells<L, const N: usize> {
    law: L,
    parameters: Parameters,
    geometry: Geometry,
    noise: Noise,
    /// Numbers of the cells: device by device, row by row, number by number, so that a row's lie together.
    numbers: Vec<f32>,
    states: Vec<f32>,
    devices: usize,
    /// Standard deviation of the seen state around the true one.
    write_sigma: f32,
    noisy: bool,
    scratch: Scratch,
}

/// Rows that writes work in.
#[derive(Default)]
pub(crate) struct Scratch {
    pub xi: Vec<f32>,
    /// Doses of a row code of 1.
    pub doses: Vec<f32>,
    pub variance: Vec<f32>,
}

impl Scratch {
    pub fn new(cols: usize) -> Scratch {
        Scratch { xi: vec![0.0; cols], doses: vec![0.0; cols], variance: vec![0.0; cols] }
    }

    /// Sets the doses of a row code of 1; returns the largest magnitude.
    pub fn doses(&mut self, widths: &[i32], unit: f32) -> f32 {
        let mut longest = 0;
        for (dose, &width) in self.doses.iter_mut().zip(widths) {
            *dose = width as f32 * unit;
            longest = longest.max(width.unsigned_abs());
        }
        longest as f32 * unit
    }
}

/// Puts the numbers of all cells row by row, number by number.
pub(crate) fn interleave<const N: usize>(cells: &[[f32; N]], cols: usize, out: &mut Vec<f32>) {
    for row in cells.chunks_exact(cols) {
        for k in 0..N {
            out.extend(row.iter().map(|cell| cell[k]));
        }
    }
}

/// How many parts a dose of this many pulses is taken in.
pub(crate) fn passes<L: Law<N>, const N: usize>(dose: f32) -> usize {
    if L::PASSES == 1 { 1 } else { (dose.ceil() as usize).clamp(1, L::PASSES) }
}

/// Part `pass` of a dose: whole pulses, then the rest.
#[inline(always)]
pub(crate) fn part(dose: f32, pass: usize, most: usize) -> f32 {
    let q = dose.abs();
    let size = q * (1.0 / most as f32);
    let size = if size < 1.0 { 1.0 } else { size };
    let left = q - pass as f32 * size;
    let left = if left < 0.0 { 0.0 } else { left };
    let taken = if left < size { left } else { size };
    if dose < 0.0 { -taken } else { taken }
}

/// Mean and standard deviation of the noise of a whole dose on one cell.
pub(crate) fn moved<L: Law<N>, const N: usize>(law: &L, w: f32, cell: [f32; N], dose: f32) -> (f32, f32) {
    if L::PASSES == 1 {
        return law.moved(w, cell, dose);
    }
    let (mut mean, mut variance) = (w, 0.0f32);
    for pass in 0..passes::<L, N>(dose.abs()) {
        let (next, sigma) = law.moved(mean, cell, part(dose, pass, L::PASSES));
        mean = settle(law, next, 0.0, 0.0, cell);
        variance += sigma * sigma;
    }
    (mean, variance.sqrt())
}

/// Cells that take a dose in parts together, in arrays of their own: no store can then change what a later load sees, and
/// loops over them become vector code.
const LANES: usize = 16;
type Lanes = [f32; LANES];

/// Up to [`LANES`] numbers of a row from `first` on, zeros behind its end.
#[inline(always)]
fn load(row: &[f32], first: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    let rest = &row[first..];
    if rest.len() >= LANES {
        lanes.copy_from_slice(&rest[..LANES]);
    } else {
        lanes[..rest.len()].copy_from_slice(rest);
    }
    lanes
}

/// The way back.
#[inline(always)]
fn store(lanes: &Lanes, row: &mut [f32], first: usize) {
    let rest = &mut row[first..];
    if rest.len() >= LANES {
        rest[..LANES].copy_from_slice(lanes);
    } else {
        rest.copy_from_slice(&lanes[..rest.len()]);
    }
}

/// States after a dose on each cell, taken in `count` parts.
#[inline(always)]
fn move_lanes<L: Law<N>, const N: usize>(
    law: &L,
    mut w: Lanes,
    cells: &[Lanes; N],
    doses: &Lanes,
    xi: &Lanes,
    count: usize,
) -> Lanes {
    let cell = |l: usize| -> [f32; N] { std::array::from_fn(|k| cells[k][l]) };
    let mut variance = [0.0; LANES];
    for pass in 0..count {
        for l in 0..LANES {
            let (mean, sigma) = law.moved(w[l], cell(l), part(doses[l], pass, L::PASSES));
            w[l] = settle(law, mean, 0.0, 0.0, cell(l));
            variance[l] += sigma * sigma;
        }
    }
    for l in 0..LANES {
        w[l] = settle(law, w[l], variance[l].sqrt(), xi[l], cell(l));
    }
    w
}

/// One dose on each cell of a row: `gain * doses`.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn move_row<L: Law<N>, const N: usize>(
    law: &L,
    numbers: &[f32],
    w: &mut [f32],
    gain: f32,
    scratch: &Scratch,
    count: usize,
) {
    let cols = w.len();
    let rows: [&[f32]; N] = std::array::from_fn(|k| &numbers[k * cols..][..cols]);
    if L::PASSES == 1 {
        let (xi, doses) = (&scratch.xi[..cols], &scratch.doses[..cols]);
        for col in 0..cols {
            let cell = std::array::from_fn(|k| rows[k][col]);
            let (mean, sigma) = law.moved(w[col], cell, gain * doses[col]);
            w[col] = settle(law, mean, sigma, xi[col], cell);
        }
        return;
    }
    for first in (0..cols).step_by(LANES) {
        let cells: [Lanes; N] = std::array::from_fn(|k| load(rows[k], first));
        let doses = load(&scratch.doses, first).map(|dose| gain * dose);
        let moved = move_lanes(law, load(w, first), &cells, &doses, &load(&scratch.xi, first), count);
        store(&moved, w, first);
    }
}

impl<L: Law<N>, const N: usize> PulseCells<L, N> {
    /// Devices with the numbers that `draw` gives, all at weight 0 as far as their bounds allow.
    pub fn new(
        law: L,
        noisy: bool,
        parameters: &Parameters,
        geometry: Geometry,
        noise: Noise,
        draw: impl Fn(&Population<'_>) -> Vec<[f32; N]>,
    ) -> Self {
        let devices = match parameters.signed {
            Signed::Reference => 1,
            Signed::Differential => 2,
        };
        let cells = geometry.rows * geometry.cols;
        let mut numbers = Vec::with_capacity(devices * cells * N);
        for device in 0..devices {
            interleave(
                &draw(&Population { parameters, geometry: &geometry, noise, device }),
                geometry.cols,
                &mut numbers,
            );
        }
        let write_sigma = (parameters.write_noise_std * parameters.unit_step()) as f32;
        let kept = devices * if write_sigma > 0.0 { 2 } else { 1 } + if devices == 2 { 1 } else { 0 };
        let mut array = PulseCells {
            law,
            parameters: parameters.clone(),
            geometry,
            noise,
            numbers,
            states: vec![0.0; kept * cells],
            devices,
            write_sigma,
            noisy,
            scratch: Scratch::new(geometry.cols),
        };
        array.program(&vec![0.0; cells], 0);
        array
    }

    fn cells(&self) -> usize {
        self.geometry.rows * self.geometry.cols
    }

    fn numbers_of(&self, device: usize, row: usize, col: usize) -> [f32; N] {
        let cols = self.geometry.cols;
        let first = (device * self.cells() + row * cols) * N + col;
        std::array::from_fn(|k| self.numbers[first + k * cols])
    }

    /// Where the seen states start: the true ones themselves where there is no write noise.
    fn seen(&self) -> usize {
        if self.write_sigma > 0.0 { self.devices * self.cells() } else { 0 }
    }

    /// Sees the row's new states, and combines its devices.
    fn show_row(&mut self, row: usize, op: u64) {
        let (cells, cols, seen) = (self.cells(), self.geometry.cols, self.seen());
        if seen > 0 {
            for device in 0..self.devices {
                self.noise.normals(Stream::WriteNoise, key(op, device), row, &mut self.scratch.xi);
                let (truth, shown) = self.states.split_at_mut(seen);
                let at = device * cells + row * cols;
                for ((shown, &w), &xi) in shown[at..][..cols].iter_mut().zip(&truth[at..][..cols]).zip(&self.scratch.xi)
                {
                    *shown = w + self.write_sigma * xi;
                }
            }
        }
        if self.devices == 2 {
            self.combine(row * cols..(row + 1) * cols);
        }
    }

    /// Weights of two devices: half the difference of what is seen of them.
    fn combine(&mut self, range: std::ops::Range<usize>) {
        let (cells, seen) = (self.cells(), self.seen());
        let weights = self.states.len() - cells;
        for i in range {
            self.states[weights + i] = 0.5 * (self.states[seen + i] - self.states[seen + cells + i]);
        }
    }
}

impl<L: Law<N>, const N: usize> Memristors for PulseCells<L, N> {
    fn devices(&self) -> usize {
        self.devices
    }

    fn weights(&self) -> &[f32] {
        &self.states[self.states.len() - self.cells()..]
    }

    fn scale(&self) -> Scale {
        let p = &self.parameters;
        let per_state = (p.g_max - p.g_min) / (p.w_max - p.w_min);
        match p.signed {
            Signed::Reference => Scale { reference: p.g_min - p.w_min * per_state, span: per_state },
            Signed::Differential => Scale { reference: 0.0, span: 2.0 * per_state },
        }
    }

    fn write(&mut self, slot: Slot<'_>, op: u64) {
        let (cells, cols) = (self.cells(), self.geometry.cols);
        let unit = self.geometry.update_step / self.parameters.unit_step() as f32;
        let longest = self.scratch.doses(slot.widths, unit);
        if longest == 0.0 {
            return;
        }
        for (row, &x) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            for device in 0..self.devices {
                if self.noisy {
                    self.noise.normals(Stream::CycleToCycle, key(op, device), row, &mut self.scratch.xi);
                } else {
                    self.scratch.xi.fill(0.0);
                }
                let gain = if device == 0 { x as f32 } else { -(x as f32) };
                let count = passes::<L, N>(longest * gain.abs());
                let at = device * cells + row * cols;
                let numbers = &self.numbers[at * N..][..cols * N];
                move_row(&self.law, numbers, &mut self.states[at..][..cols], gain, &self.scratch, count);
            }
            self.show_row(row, op);
        }
    }

    fn program(&mut self, weights: &[f32], _op: u64) {
        let (cells, cols, seen) = (self.cells(), self.geometry.cols, self.seen());
        for device in 0..self.devices {
            for (i, &v) in weights.iter().enumerate() {
                let v = if device == 0 { v } else { -v };
                let w = settle(&self.law, v, 0.0, 0.0, self.numbers_of(device, i / cols, i % cols));
                self.states[device * cells + i] = w;
                self.states[seen + device * cells + i] = w;
            }
        }
        if self.devices == 2 {
            self.combine(0..cells);
        }
    }

    fn states(&self) -> &[f32] {
        &self.states
    }

    fn restore(&mut self, states: &[f32]) {
        self.states.copy_from_slice(states);
    }

    /// Without a retention loss of the array these models keep their states.
    fn age(&mut self, _seconds: f64, _op: u64) {}

    fn relax(&mut self, kept: f64) {
        let (cells, cols, seen) = (self.cells(), self.geometry.cols, self.seen());
        let (low, kept) = (self.parameters.w_min as f32, kept as f32);
        for i in 0..self.devices * cells {
            let numbers = self.numbers_of(i / cells, i % cells / cols, i % cols);
            self.states[i] = settle(&self.law, low + (self.states[i] - low) * kept, 0.0, 0.0, numbers);
            if seen > 0 {
                self.states[seen + i] = low + (self.states[seen + i] - low) * kept;
            }
        }
        if self.devices == 2 {
            self.combine(0..cells);
        }
    }

    fn conductance(&self, at: CellAddress) -> f64 {
        let p = &self.parameters;
        let state = self.states[self.seen() + at.device * self.cells() + at.row * self.geometry.cols + at.col];
        let share = (f64::from(state) - p.w_min) / (p.w_max - p.w_min);
        // A device whose own range is wider than the mean cannot conduct less than nothing.
        (p.g_min + share * (p.g_max - p.g_min)).max(0.0)
    }

    fn conductance_range(&self) -> (f64, f64) {
        (self.parameters.g_min, self.parameters.g_max)
    }

    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, op: u64) {
        let dose = self.parameters.dose(pulse.volts, pulse.seconds) as f32;
        if dose == 0.0 {
            return;
        }
        let op = key(op, at.device);
        let cell = at.device * self.cells() + at.row * self.geometry.cols + at.col;
        let numbers = self.numbers_of(at.device, at.row, at.col);
        let xi = if self.noisy { self.noise.normal(Stream::CycleToCycle, op, at.row, at.col) } else { 0.0 };
        let (mean, sigma) = moved(&self.law, self.states[cell], numbers, dose);
        self.states[cell] = settle(&self.law, mean, sigma, xi, numbers);
        let seen = self.seen();
        if seen > 0 {
            let xi = self.noise.normal(Stream::WriteNoise, op, at.row, at.col);
            self.states[seen + cell] = self.states[cell] + self.write_sigma * xi;
        }
        if self.devices == 2 {
            let i = at.row * self.geometry.cols + at.col;
            self.combine(i..i + 1);
        }
    }
}
