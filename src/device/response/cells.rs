//! An array of devices that follow one step equation.

use multiversion::multiversion;

use super::laws::{Dose, Law, NEAR, settle};
use super::parameters::{Parameters, Signed};
use super::population::Population;
use crate::device::noise::{RowNoise, SPAN};
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
    /// Numbers of the cells: device by device, row by row, block by block, number by number, in the order of a write.
    numbers: Vec<f32>,
    states: Vec<f32>,
    devices: usize,
    /// Standard deviation of the seen state around the true one.
    write_sigma: f32,
    noisy: bool,
    scratch: Scratch,
}

/// Cells that take a dose together. What they work on stands in arrays of this length, so that no index needs a check, and
/// what they change in arrays of their own, so that no store can change what a later load sees: loops over them become vector code.
pub(crate) const BLOCK: usize = SPAN;
pub(crate) type Block = [f32; BLOCK];
/// Cells of a block that are moved side by side: two or four vectors, whose numbers find room in registers.
const LANES: usize = 16;

/// Length of a row of `cols` numbers that ends with a whole block.
pub(crate) fn padded(cols: usize) -> usize {
    cols.next_multiple_of(BLOCK)
}

/// Block `index` of a padded row.
#[inline(always)]
pub(crate) fn block(row: &[f32], index: usize) -> &Block {
    &row.as_chunks::<BLOCK>().0[index]
}

/// Rows that writes work in, padded.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Doses of a row code of 1, and the square roots of their sizes.
    pub doses: Vec<f32>,
    pub roots: Vec<f32>,
}

impl Scratch {
    pub fn new(cols: usize) -> Scratch {
        let row = || vec![0.0; padded(cols)];
        Scratch { doses: row(), roots: row() }
    }

    /// Sets the doses of a row code of 1; whether there is one.
    pub fn doses(&mut self, widths: &[i32], unit: f32) -> bool {
        for ((dose, root), &width) in self.doses.iter_mut().zip(&mut self.roots).zip(widths) {
            *dose = width as f32 * unit;
            *root = dose.abs().sqrt();
        }
        widths.iter().any(|w| *w != 0)
    }
}

/// Puts the numbers of all cells row by row, block by block, number by number, each row padded.
pub(crate) fn interleave<const N: usize>(cells: &[[f32; N]], cols: usize, out: &mut Vec<f32>) {
    for row in cells.chunks_exact(cols) {
        for block in row.chunks(BLOCK) {
            for k in 0..N {
                out.extend(block.iter().map(|cell| cell[k]));
                out.resize(out.len().next_multiple_of(BLOCK), 0.0);
            }
        }
    }
}

/// Numbers of the cell in column `col` of a row that [`interleave`] has laid out.
pub(crate) fn numbers_of_cell<const N: usize>(row: &[f32], col: usize) -> [f32; N] {
    let block = numbers_of_block::<N>(row, col / BLOCK);
    block.map(|numbers| numbers[col % BLOCK])
}

/// How many parts a dose of this many pulses is taken in.
pub(crate) fn passes<L: Law<N>, const N: usize>(dose: f32) -> usize {
    if L::PASSES == 1 { 1 } else { (dose.ceil() as usize).clamp(1, L::PASSES) }
}

/// Part `pass` of a dose of size `q`: whole pulses, then the rest.
#[inline(always)]
pub(crate) fn part(q: f32, pass: usize, most: usize) -> f32 {
    let size = q * (1.0 / most as f32);
    let size = if size < 1.0 { 1.0 } else { size };
    let left = size.mul_add(-(pass as f32), q);
    let left = if left < 0.0 { 0.0 } else { left };
    if left < size { left } else { size }
}

/// Mean and standard deviation of the noise of a whole dose on one cell.
pub(crate) fn moved<L: Law<N>, const N: usize>(law: &L, w: f32, cell: [f32; N], dose: f32) -> (f32, f32) {
    let size = dose.abs();
    if L::PASSES == 1 {
        let push = Dose { pulses: dose, root: size.sqrt(), reach: law.reach(cell, dose) };
        return law.moved::<false>(w, cell, push, law.curve::<false>(w, cell, push));
    }
    let (mut mean, mut variance) = (w, 0.0f32);
    for pass in 0..passes::<L, N>(size) {
        let part = part(size, pass, L::PASSES);
        let push = Dose { pulses: part.copysign(dose), root: 1.0, reach: 0.0 };
        let (next, sigma) = law.moved::<false>(mean, cell, push, law.curve::<false>(mean, cell, push));
        mean = settle(law, next, 0.0, 0.0, cell);
        variance = (sigma * sigma).mul_add(part, variance);
    }
    (mean, variance.sqrt())
}

/// What a block of cells is moved by.
#[derive(Clone, Copy)]
pub(crate) struct Push<'a> {
    /// Doses of a row code of 1 and their roots, and the row code.
    pub doses: &'a Block,
    pub roots: &'a Block,
    pub gain: f32,
    pub root_gain: f32,
    pub xi: &'a Block,
}

impl<'a> Push<'a> {
    /// Of block `index` of a row with the doses in `scratch`.
    #[inline(always)]
    pub fn new(scratch: &'a Scratch, index: usize, gain: f32, root_gain: f32, xi: &'a Block) -> Self {
        let (doses, roots) = (block(&scratch.doses, index), block(&scratch.roots, index));
        Push { doses, roots, gain, root_gain, xi }
    }
}

/// Moves the first `n` cells of a block. `numbers`: number by number. The law comes as a value, so that a choice between two of
/// its numbers is none between their addresses.
#[inline(always)]
pub(crate) fn move_block<L: Law<N>, const N: usize>(
    law: L,
    w: &mut Block,
    numbers: &[&Block; N],
    push: Push<'_>,
    n: usize,
) {
    let n = n.min(BLOCK);
    if L::PASSES > 1 {
        return move_in_parts(law, w, numbers, push, n);
    }
    for (index, w) in w.as_chunks_mut::<LANES>().0[..n.div_ceil(LANES)].iter_mut().enumerate() {
        let numbers = numbers.map(|row| lanes(row, index));
        let (mut pulses, mut reach) = ([0.0; LANES], [0.0; LANES]);
        let (doses, roots, xi) = (lanes(push.doses, index), lanes(push.roots, index), lanes(push.xi, index));
        let mut far = false;
        for l in 0..LANES {
            pulses[l] = push.gain * doses[l];
            reach[l] = law.reach(cell(&numbers, l), pulses[l]);
            far |= reach[l] > NEAR;
        }
        let dose = |l: usize| Dose { pulses: pulses[l], root: push.root_gain * roots[l], reach: reach[l] };
        if far {
            move_at_once::<L, N, false>(law, w, &numbers, dose, xi);
        } else {
            move_at_once::<L, N, true>(law, w, &numbers, dose, xi);
        }
    }
}

/// Part `index` of a block.
#[inline(always)]
fn lanes(block: &Block, index: usize) -> &[f32; LANES] {
    &block.as_chunks::<LANES>().0[index]
}

/// A few cells by a law that takes a dose as a whole.
#[inline(always)]
fn move_at_once<L: Law<N>, const N: usize, const CLOSE: bool>(
    law: L,
    w: &mut [f32; LANES],
    numbers: &[&[f32; LANES]; N],
    dose: impl Fn(usize) -> Dose,
    xi: &[f32; LANES],
) {
    let mut state = *w;
    for l in 0..LANES {
        let (cell, dose) = (cell(numbers, l), dose(l));
        let curve = law.curve::<CLOSE>(state[l], cell, dose);
        let (mean, sigma) = law.moved::<CLOSE>(state[l], cell, dose, curve);
        state[l] = settle(&law, mean, sigma, xi[l], cell);
    }
    *w = state;
}

/// The first `n` cells of a block by a law that takes a dose pulse by pulse.
#[inline(always)]
fn move_in_parts<L: Law<N>, const N: usize>(law: L, w: &mut Block, numbers: &[&Block; N], push: Push<'_>, n: usize) {
    let mut doses = [0.0f32; BLOCK];
    for (dose, unit) in doses.iter_mut().zip(push.doses).take(n) {
        *dose = push.gain * unit;
    }
    let (mut state, mut curve) = (*w, [0.0f32; BLOCK]);
    let (mut parts, mut variance) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
    let mut longest = 0.0f32;
    for dose in &doses[..n] {
        longest = if dose.abs() > longest { dose.abs() } else { longest };
    }
    for pass in 0..passes::<L, N>(longest) {
        let dose = |part: f32, l: usize| Dose { pulses: part.copysign(doses[l]), root: 1.0, reach: 0.0 };
        for l in 0..n {
            parts[l] = part(doses[l].abs(), pass, L::PASSES);
            curve[l] = law.curve::<false>(state[l], cell(numbers, l), dose(parts[l], l));
        }
        for l in 0..n {
            let cell = cell(numbers, l);
            let (mean, sigma) = law.moved::<false>(state[l], cell, dose(parts[l], l), curve[l]);
            state[l] = settle(&law, mean, 0.0, 0.0, cell);
            variance[l] = (sigma * sigma).mul_add(parts[l], variance[l]);
        }
    }
    for l in 0..n {
        state[l] = settle(&law, state[l], variance[l].sqrt(), push.xi[l], cell(numbers, l));
    }
    *w = state;
}

/// Numbers of cell `l` of a block.
#[inline(always)]
fn cell<const N: usize, const M: usize>(numbers: &[&[f32; M]; N], l: usize) -> [f32; N] {
    let mut cell = [0.0; N];
    for (cell, numbers) in cell.iter_mut().zip(numbers) {
        *cell = numbers[l];
    }
    cell
}

/// Block `index` of a row's numbers, number by number.
#[inline(always)]
pub(crate) fn numbers_of_block<const N: usize>(row: &[f32], index: usize) -> [&Block; N] {
    let numbers = &row.as_chunks::<BLOCK>().0[index * N..][..N];
    std::array::from_fn(|k| &numbers[k])
}

/// The first `n` numbers of a block of `noise`; zeros without noise.
#[inline(always)]
pub(crate) fn draw(noise: Option<RowNoise>, index: usize, n: usize) -> Block {
    let mut xi = [0.0; BLOCK];
    if let Some(noise) = noise {
        noise.span(index, n, &mut xi);
    }
    xi
}

/// States of a row as they are seen through the noise of writing.
struct Seen<'a> {
    states: &'a mut [f32],
    sigma: f32,
    noise: RowNoise,
}

impl Seen<'_> {
    /// Sees the first `n` cells of block `index` anew.
    #[inline(always)]
    fn block(&mut self, w: &Block, index: usize, n: usize) {
        let xi = draw(Some(self.noise), index, n);
        for ((seen, &w), &xi) in self.states[index * BLOCK..][..n].iter_mut().zip(w).zip(&xi) {
            *seen = self.sigma.mul_add(xi, w);
        }
    }
}

/// A row of cells that takes a dose.
struct Row<'a> {
    numbers: &'a [f32],
    w: &'a mut [f32],
    noise: Option<RowNoise>,
    seen: Option<Seen<'a>>,
}

/// One dose on each cell of a row: `gain` times the doses in `scratch`. Everything is done block by block, so that the numbers of
/// the next block come from memory while this one is computed.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn move_row<L: Law<N>, const N: usize>(law: L, row: Row<'_>, gain: f32, scratch: &Scratch) {
    let Row { numbers, w, noise, mut seen } = row;
    let root_gain = gain.abs().sqrt();
    let (blocks, rest) = w.as_chunks_mut::<BLOCK>();
    let whole = blocks.len();
    for (index, w) in blocks.iter_mut().enumerate() {
        let xi = draw(noise, index, BLOCK);
        let push = Push::new(scratch, index, gain, root_gain, &xi);
        move_block(law, w, &numbers_of_block(numbers, index), push, BLOCK);
        if let Some(seen) = &mut seen {
            seen.block(w, index, BLOCK);
        }
    }
    if !rest.is_empty() {
        let (mut w, n) = ([0.0; BLOCK], rest.len());
        w[..n].copy_from_slice(rest);
        let xi = draw(noise, whole, n);
        let push = Push::new(scratch, whole, gain, root_gain, &xi);
        move_block(law, &mut w, &numbers_of_block(numbers, whole), push, n);
        rest.copy_from_slice(&w[..n]);
        if let Some(seen) = &mut seen {
            seen.block(&w, whole, n);
        }
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
        let mut numbers = Vec::with_capacity(devices * geometry.rows * padded(geometry.cols) * N);
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
        let stride = padded(self.geometry.cols) * N;
        numbers_of_cell(&self.numbers[(device * self.geometry.rows + row) * stride..][..stride], col)
    }

    /// Where the seen states start: the true ones themselves where there is no write noise.
    fn seen(&self) -> usize {
        if self.write_sigma > 0.0 { self.devices * self.cells() } else { 0 }
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
        if !self.scratch.doses(slot.widths, unit) {
            return;
        }
        let (stride, first_seen) = (padded(cols) * N, self.seen());
        for (row, &x) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            for device in 0..self.devices {
                let op = key(op, device);
                let at = device * cells + row * cols;
                let (truth, seen) = self.states.split_at_mut(first_seen.max(self.devices * cells));
                let moved = Row {
                    numbers: &self.numbers[(device * self.geometry.rows + row) * stride..][..stride],
                    w: &mut truth[at..][..cols],
                    noise: self.noisy.then(|| self.noise.row(Stream::CycleToCycle, op, row)),
                    seen: (first_seen > 0).then(|| Seen {
                        states: &mut seen[at..][..cols],
                        sigma: self.write_sigma,
                        noise: self.noise.row(Stream::WriteNoise, op, row),
                    }),
                };
                let gain = if device == 0 { x as f32 } else { -(x as f32) };
                move_row(self.law, moved, gain, &self.scratch);
            }
            if self.devices == 2 {
                self.combine(row * cols..(row + 1) * cols);
            }
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
            self.states[seen + cell] = self.write_sigma.mul_add(xi, self.states[cell]);
        }
        if self.devices == 2 {
            let i = at.row * self.geometry.cols + at.col;
            self.combine(i..i + 1);
        }
    }
}
