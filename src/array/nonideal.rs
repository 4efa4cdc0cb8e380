//! Reads of an array whose devices, wires and converters are not perfect.
//!
//! A read takes driver levels for codes, weights as the ends of the wires see them with stuck devices in their places, noise of array and
//! devices, and the ADCs' gain and offset. Cells are independent, so the noise of a line's devices is drawn as one normal number with the
//! sum of their variances.

use super::converters::{Converters, Drivers};
use super::dot;
use super::faults::Faults;
use super::wires::attenuate;
use crate::device::{CellAddress, Memristors, Noise, Scale, Stream};
use crate::fixed;
use crate::spec::{Design, Memory, NonIdeal, Tile};

/// Key of the random numbers of a read of one cell, for the second device of a pair.
const SECOND: u64 = 1 << 63;

/// What is not ideal about one array.
#[derive(Clone)]
pub(super) struct Imperfections {
    /// Rows that a transposed read converts.
    inputs: usize,
    rows: usize,
    cols: usize,
    adc_max: f32,
    faults: Faults,
    wires: Option<WiredArray>,
    drivers: Option<Drivers>,
    converters: Option<Converters>,
    /// Standard deviation of a read, in ADC codes.
    read_noise: f32,
    /// Seconds, see [`NonIdeal::retention`].
    pub retention: Option<f64>,
    noise: Noise,
    /// Weights as reads see them in the two directions, row-major; empty where they are those of the devices.
    forward: Vec<f32>,
    transposed: Vec<f32>,
    /// The devices have changed since.
    pub stale: bool,
    levels: Vec<f32>,
    sums: Vec<f32>,
    variance: Vec<f32>,
    xi: Vec<f32>,
}

/// Wires, in units of the weights.
#[derive(Clone)]
struct WiredArray {
    /// Ohms times siemens of a weight of 1.
    row: f32,
    col: f32,
    /// As in the spec, in ohms.
    ohms: (f64, f64),
    /// Lines with those of the reference devices.
    cols: usize,
    /// Conductances of one device of each weight, and as they are seen.
    g: Vec<f32>,
    seen: Vec<f32>,
}

/// Lines of one direction: what drives them, the weights in their way, and the ADC codes of a unit of their sums.
struct Lines {
    count: usize,
    gain: f32,
}

impl Imperfections {
    /// Those of a tile of layer `index` of the design; `None` for a perfect one.
    pub fn new(design: &Design, index: usize, tile: &Tile, cells: &dyn Memristors, noise: Noise) -> Option<Self> {
        let nonideal = &design.nonideal;
        if *nonideal == NonIdeal::default() && cells.read_sigma().is_none() {
            return None;
        }
        let (rows, cols, array) = (tile.rows, tile.cols, &design.array);
        let faults = Faults::new(nonideal, index, tile, cells, noise);
        let single = cells.devices() == 1;
        let wires = nonideal.has_wires().then(|| {
            let span = cells.scale().span;
            // Reference devices are a column behind the last and a row below the bias.
            let (rows, cols) = if single { (rows + 1, cols + 1) } else { (rows, cols) };
            WiredArray {
                row: (nonideal.wire_row * span) as f32,
                col: (nonideal.wire_column * span) as f32,
                ohms: (nonideal.wire_row, nonideal.wire_column),
                cols,
                g: vec![0.0; rows * cols],
                seen: vec![0.0; rows * cols],
            }
        });
        let own = wires.is_some() || !faults.all().is_empty();
        let two_ways = wires.is_some() && single;
        let longest = rows.max(cols);
        Some(Imperfections {
            inputs: tile.inputs,
            rows,
            cols,
            adc_max: fixed::max_code(array.adc_bits) as f32,
            faults,
            wires,
            drivers: Drivers::new(array, nonideal),
            converters: Converters::new(array, nonideal, noise),
            read_noise: (nonideal.read_noise * 2f64.powi(array.adc_bits as i32 - 1)) as f32,
            retention: nonideal.retention,
            noise,
            forward: vec![0.0; if own { rows * cols } else { 0 }],
            transposed: vec![0.0; if two_ways { rows * cols } else { 0 }],
            stale: true,
            levels: vec![0.0; longest],
            sums: vec![0.0; longest],
            variance: vec![0.0; longest],
            xi: vec![0.0; longest],
        })
    }

    /// Conductance of a stuck device.
    pub fn stuck(&self, at: CellAddress) -> Option<f64> {
        self.faults.at(at)
    }

    /// All stuck devices with their conductances.
    pub fn all_stuck(&self) -> &[(CellAddress, f64)] {
        self.faults.all()
    }

    /// Weights that a forward read sees.
    pub fn weights(&self, cells: &dyn Memristors) -> Vec<f32> {
        if self.forward.is_empty() {
            return cells.weights().to_vec();
        }
        let mut now = self.clone();
        now.update(cells);
        now.forward
    }

    /// Forward read: codes of all columns.
    pub fn read_forward(&mut self, cells: &dyn Memristors, x: &[i32], op: u64, gain: f32, codes: &mut Vec<i32>) {
        self.update(cells);
        self.drive(x);
        let weights = if self.forward.is_empty() { cells.weights() } else { &self.forward };
        let (sums, variance) = (&mut self.sums[..self.cols], &mut self.variance[..self.cols]);
        sums.fill(0.0);
        for (&x, row) in self.levels.iter().zip(weights.chunks_exact(self.cols)) {
            if x != 0.0 {
                sums.iter_mut().zip(row).for_each(|(sum, &w)| *sum += x * w);
            }
        }
        if let Some(sigma) = cells.read_sigma() {
            variance.fill(0.0);
            for (&x, row) in self.levels.iter().zip(sigma.chunks_exact(self.cols)) {
                if x != 0.0 {
                    variance.iter_mut().zip(row).for_each(|(v, &s)| *v += (x * s) * (x * s));
                }
            }
            for (row, col, all) in self.faults.weights(cells.devices()) {
                let s = self.levels[row] * sigma[row * self.cols + col];
                if all {
                    variance[col] -= s * s;
                }
            }
        }
        self.convert(cells, op, Lines { count: self.cols, gain }, codes);
    }

    /// Transposed read: codes of all rows but the bias.
    pub fn read_transposed(&mut self, cells: &dyn Memristors, u: &[i32], op: u64, gain: f32, codes: &mut Vec<i32>) {
        self.update(cells);
        self.drive(u);
        let weights = match (self.transposed.is_empty(), self.forward.is_empty()) {
            (false, _) => &self.transposed,
            (true, false) => &self.forward,
            (true, true) => cells.weights(),
        };
        let lines = self.inputs;
        for (sum, row) in self.sums[..lines].iter_mut().zip(weights.chunks_exact(self.cols)) {
            *sum = dot(&self.levels, row, |u| u);
        }
        if let Some(sigma) = cells.read_sigma() {
            for (v, row) in self.variance[..lines].iter_mut().zip(sigma.chunks_exact(self.cols)) {
                *v = self.levels.iter().zip(row).map(|(u, s)| (u * s) * (u * s)).sum();
            }
            for (row, col, all) in self.faults.weights(cells.devices()) {
                let s = self.levels[col] * sigma[row * self.cols + col];
                if all && row < lines {
                    self.variance[row] -= s * s;
                }
            }
        }
        self.convert(cells, op, Lines { count: lines, gain }, codes);
    }

    /// Sums of the last read, before noise and converters.
    pub fn sums(&self, lines: usize) -> &[f32] {
        &self.sums[..lines]
    }

    /// Code of a single device of the given conductance in siemens: noise, and the first ADC.
    pub fn cell_code(&self, cells: &dyn Memristors, at: CellAddress, siemens: f64, op: u64, memory: &Memory) -> u32 {
        let own = if self.faults.at(at).is_some() { 0.0 } else { cells.conductance_sigma(at) / memory.step() };
        let sigma = (own * own + f64::from(self.read_noise) * f64::from(self.read_noise)).sqrt();
        let mut codes = siemens * self.path(at, siemens) / memory.step();
        if sigma > 0.0 {
            let key = if at.device == 0 { op } else { op | SECOND };
            codes += sigma * f64::from(self.noise.normal(Stream::Read, key, at.row, at.col));
        }
        if let Some(converters) = &self.converters {
            codes = f64::from(converters.shift(0, codes as f32));
        }
        memory.code(codes * memory.step())
    }

    /// Share of the voltage at a single cell that its wires leave, all other lines being open.
    pub fn path(&self, at: CellAddress, siemens: f64) -> f64 {
        let Some(wires) = &self.wires else { return 1.0 };
        let (row, col) = wires.ohms;
        let segments = (at.col + 1, wires.g.len() / wires.cols - at.row);
        1.0 / (1.0 + siemens * (row * segments.0 as f64 + col * segments.1 as f64))
    }

    fn drive(&mut self, codes: &[i32]) {
        let drivers = &self.drivers;
        self.levels.clear();
        self.levels.extend(codes.iter().map(|&code| match drivers {
            Some(drivers) => drivers.level(code),
            None => code as f32,
        }));
    }

    /// Noise, converters, rounding.
    fn convert(&mut self, cells: &dyn Memristors, op: u64, lines: Lines, codes: &mut Vec<i32>) {
        let Lines { count, gain } = lines;
        let own = cells.read_sigma().is_some();
        let noisy = own || self.read_noise > 0.0;
        if noisy {
            self.noise.normals(Stream::Read, op, 0, &mut self.xi[..count]);
        }
        codes.clear();
        for (line, &sum) in self.sums[..count].iter().enumerate() {
            let mut value = sum * gain;
            if noisy {
                let devices = if own { gain * gain * self.variance[line].max(0.0) } else { 0.0 };
                value += (self.read_noise * self.read_noise + devices).sqrt() * self.xi[line];
            }
            if let Some(converters) = &self.converters {
                value = converters.shift(line, value);
            }
            codes.push((value + 0.5).floor().clamp(-self.adc_max, self.adc_max) as i32);
        }
    }

    /// Brings the seen weights up to the devices.
    fn update(&mut self, cells: &dyn Memristors) {
        if self.forward.is_empty() || !self.stale {
            return;
        }
        self.stale = false;
        match &mut self.wires {
            None => self.forward.copy_from_slice(cells.weights()),
            Some(wires) if cells.devices() == 1 => {
                wires.single(cells, self.rows, self.cols, &self.faults);
                wires.against_references((&mut self.forward, &mut self.transposed), self.cols);
                return;
            }
            Some(wires) => {
                for device in 0..2 {
                    wires.plane(cells, device, self.cols, &self.faults);
                    let seen = wires.seen.iter();
                    match device {
                        0 => self.forward.copy_from_slice(&wires.seen),
                        _ => self.forward.iter_mut().zip(seen).for_each(|(w, seen)| *w -= seen),
                    }
                }
                return;
            }
        }
        let Scale { reference, span } = cells.scale();
        for (row, col, _) in self.faults.weights(cells.devices()) {
            let siemens = |device| {
                let at = CellAddress { device, row, col };
                self.faults.at(at).unwrap_or_else(|| cells.conductance(at))
            };
            let other = if cells.devices() == 1 { reference } else { siemens(1) };
            self.forward[row * self.cols + col] = ((siemens(0) - other) / span) as f32;
        }
    }
}

impl WiredArray {
    /// One device for each weight, with reference devices in a column and a row of their own.
    fn single(&mut self, cells: &dyn Memristors, rows: usize, cols: usize, faults: &Faults) {
        let Scale { reference, span } = cells.scale();
        let zero = (reference / span) as f32;
        self.g.fill(zero);
        for (g, w) in self.g.chunks_exact_mut(self.cols).zip(cells.weights().chunks_exact(cols)) {
            // A device whose state lies below what its conductance can show still conducts nothing less than nothing.
            g.iter_mut().zip(w).for_each(|(g, w)| *g = floor(w + zero));
        }
        for (at, siemens) in faults.all() {
            self.g[at.row * self.cols + at.col] = (siemens / span) as f32;
        }
        debug_assert_eq!(self.g.len(), (rows + 1) * self.cols);
        attenuate(&self.g, self.cols, self.row, self.col, &mut self.seen);
    }

    /// The devices of one number of all pairs; both planes have wires of their own.
    fn plane(&mut self, cells: &dyn Memristors, device: usize, cols: usize, faults: &Faults) {
        let span = cells.scale().span;
        for (i, g) in self.g.iter_mut().enumerate() {
            *g = (cells.conductance(CellAddress { device, row: i / cols, col: i % cols }) / span) as f32;
        }
        for (at, siemens) in faults.all().iter().filter(|(at, _)| at.device == device) {
            self.g[at.row * cols + at.col] = (siemens / span) as f32;
        }
        attenuate(&self.g, cols, self.row, self.col, &mut self.seen);
    }

    /// Weights of the two directions: each line's current less that of the reference line beside it.
    fn against_references(&self, (forward, transposed): (&mut [f32], &mut [f32]), cols: usize) {
        let (seen, last) = self.seen.split_at(self.seen.len() - self.cols);
        let rows = seen.chunks_exact(self.cols);
        for ((seen, forward), transposed) in
            rows.zip(forward.chunks_exact_mut(cols)).zip(transposed.chunks_exact_mut(cols))
        {
            let reference = seen[cols];
            for (((&g, &below), forward), transposed) in seen.iter().zip(last).zip(forward).zip(transposed) {
                *forward = g - reference;
                *transposed = g - below;
            }
        }
    }
}

/// At least 0; what is no number stays so.
fn floor(g: f32) -> f32 {
    if g < 0.0 { 0.0 } else { g }
}
