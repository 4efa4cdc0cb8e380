//! Arrays of pairs of junctions: a weight of -1, 0 or 1.

use multiversion::multiversion;

use super::{Mtj, MtjError};
use crate::device::elementary::{exp, exp_m1};
use crate::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Scale, Slot, Stream};

/// Least critical current that a junction is drawn with, relative to the mean.
const LEAST_CRITICAL: f32 = 0.05;

/// Pairs of junctions. A weight is the difference of their conductances over that between both states: 1 for (parallel,
/// antiparallel), -1 for the opposite, 0 where both are alike.
///
/// A pulse upwards is a current that turns the first junction parallel and the second antiparallel, each with its own chance;
/// downwards the other way round. So a weight of 0 makes a step with probability p, one at the far end one step with 2 p (1 - p)
/// and two with p^2.
///
/// States: 1 for parallel, 0 for antiparallel, of the first, then of the second junctions, each row-major.
pub struct MtjPairs {
    parameters: Mtj,
    geometry: Geometry,
    noise: Noise,
    /// Currents of the magnitudes of row codes, over the critical one.
    currents: Vec<f64>,
    states: Vec<f32>,
    weights: Vec<f32>,
    /// Conductances over that of a nominal parallel junction, junction by junction; empty where all are nominal.
    conductance: Vec<f32>,
    /// Critical currents over the mean, inverted; empty where all are the mean.
    eased: Vec<f32>,
    scratch: Scratch,
}

/// Rows that writes work in.
struct Scratch {
    seconds: Vec<f32>,
    p: [Vec<f32>; 2],
    u: [Vec<f32>; 2],
}

/// What a pulse's switching probability depends on, in single precision.
#[derive(Debug, Clone, Copy)]
struct Chance {
    delta: f32,
    /// `(pi^2 / 4) delta`.
    angle: f32,
    /// Twice the inverse of the precession's time constant.
    growth: f32,
    /// Attempts per second.
    attempts: f32,
}

impl Chance {
    fn of(mtj: &Mtj) -> Chance {
        Chance {
            delta: mtj.delta as f32,
            angle: mtj.angle() as f32,
            growth: (2.0 / mtj.tau_d) as f32,
            attempts: (1.0 / mtj.tau_0) as f32,
        }
    }

    /// [`Mtj::switching_probability`] of a current of `i` critical ones, up to 1.
    #[inline(always)]
    fn thermal(&self, i: f32, seconds: f32) -> f32 {
        -exp_m1(-seconds * self.attempts * exp(self.delta * (i - 1.0)))
    }

    /// The same above 1.
    #[inline(always)]
    fn precessional(&self, i: f32, seconds: f32) -> f32 {
        let grown = i * exp(self.growth * (i - 1.0) * seconds) - 1.0;
        let p = exp(-self.angle * (i - 1.0) / grown);
        if seconds > 0.0 { p } else { 0.0 }
    }
}

/// Probabilities of a row of equal junctions.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn chances(chance: Chance, i: f32, seconds: &[f32], p: &mut [f32]) {
    if i > 1.0 {
        for (p, &t) in p.iter_mut().zip(seconds) {
            *p = chance.precessional(i, t);
        }
    } else {
        let rate = chance.attempts * exp(chance.delta * (i - 1.0));
        for (p, &t) in p.iter_mut().zip(seconds) {
            *p = -exp_m1(-t * rate);
        }
    }
}

/// Probabilities of a row of junctions that differ: `eased` are the inverses of their critical currents.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn chances_apart(chance: Chance, i: f32, eased: &[f32], seconds: &[f32], p: &mut [f32]) {
    for ((p, &t), &eased) in p.iter_mut().zip(seconds).zip(eased) {
        let i = i * eased;
        // Both forms are finite on either side of 1.
        let (thermal, precessional) = (chance.thermal(i, t), chance.precessional(if i > 1.0 { i } else { 2.0 }, t));
        *p = if i > 1.0 { precessional } else { thermal };
    }
}

/// Switches a row of pairs: junction k of a column with probability `p[k]`, where `u[k]` falls below it. `widths` times `sign`
/// positive: the first becomes parallel, the second antiparallel.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn switch(first: &mut [f32], second: &mut [f32], widths: &[i32], sign: i32, p: [&[f32]; 2], u: [&[f32]; 2]) {
    let cols = first.len();
    let (second, widths) = (&mut second[..cols], &widths[..cols]);
    let (pa, pb, ua, ub) = (&p[0][..cols], &p[1][..cols], &u[0][..cols], &u[1][..cols]);
    for col in 0..cols {
        let up = if widths[col] * sign > 0 { 1.0 } else { 0.0 };
        first[col] = if ua[col] < pa[col] { up } else { first[col] };
        second[col] = if ub[col] < pb[col] { 1.0 - up } else { second[col] };
    }
}

/// Key of an operation's random numbers for one junction of the pairs.
fn key(op: u64, device: usize) -> u64 {
    op | (device as u64) << 63
}

impl MtjPairs {
    /// Pairs drawn from `noise`, all weights 0: every junction antiparallel.
    ///
    /// # Errors
    /// Currents for which the model has no formula.
    pub fn new(parameters: &Mtj, geometry: Geometry, noise: Noise) -> Result<Self, MtjError> {
        let (cells, cols) = (geometry.rows * geometry.cols, geometry.cols);
        let draw = |what: u64, spread: f64, of: fn(f32) -> f32| {
            let mut out = vec![0.0; if spread > 0.0 { 2 * cells } else { 0 }];
            for (i, row) in out.chunks_exact_mut(cols).enumerate() {
                let (device, at) = (i / geometry.rows, i % geometry.rows);
                noise.normals(Stream::DeviceToDevice, key(what, device), at, row);
                row.iter_mut().for_each(|xi| *xi = of(spread as f32 * *xi));
            }
            out
        };
        let row = || vec![0.0; cols];
        let mut pairs = MtjPairs {
            currents: parameters.row_currents(geometry.max_code)?,
            states: vec![0.0; 2 * cells],
            weights: vec![0.0; cells],
            conductance: draw(0, parameters.r_dtod, |x| exp(-x)),
            eased: draw(1, parameters.critical_dtod, |x| 1.0 / (1.0 + x).max(LEAST_CRITICAL)),
            scratch: Scratch { seconds: row(), p: [row(), row()], u: [row(), row()] },
            parameters: *parameters,
            geometry,
            noise,
        };
        pairs.derive();
        Ok(pairs)
    }

    fn cells(&self) -> usize {
        self.weights.len()
    }

    /// Conductances of the antiparallel and the parallel state in siemens.
    fn nominal(&self) -> (f64, f64) {
        (1.0 / self.parameters.r_ap(), 1.0 / self.parameters.r_p)
    }

    /// Conductance of junction `i`, counted junction by junction, in siemens.
    fn siemens(&self, i: usize) -> f64 {
        let (low, high) = self.nominal();
        let state = if self.states[i] > 0.5 { high } else { low };
        self.conductance.get(i).map_or(state, |&factor| state * f64::from(factor))
    }

    /// Weights that follow from the states of all cells.
    fn derive(&mut self) {
        for row in 0..self.geometry.rows {
            self.derive_row(row);
        }
    }

    fn derive_row(&mut self, row: usize) {
        let (cells, cols) = (self.cells(), self.geometry.cols);
        let at = row * cols;
        let (a, b) = (&self.states[at..at + cols], &self.states[cells + at..][..cols]);
        let weights = &mut self.weights[at..at + cols];
        if self.conductance.is_empty() {
            weights.iter_mut().zip(a.iter().zip(b)).for_each(|(w, (a, b))| *w = a - b);
            return;
        }
        // In units of the difference between both states a junction has low + state.
        let low = (1.0 / self.parameters.tmr) as f32;
        let (fa, fb) = (&self.conductance[at..at + cols], &self.conductance[cells + at..][..cols]);
        for col in 0..cols {
            weights[col] = fa[col] * (low + a[col]) - fb[col] * (low + b[col]);
        }
    }

    /// Index of a junction, and its critical current over the mean.
    fn junction(&self, at: CellAddress) -> (usize, f64) {
        let i = at.device * self.cells() + at.row * self.geometry.cols + at.col;
        (i, self.eased.get(i).map_or(1.0, |&eased| 1.0 / f64::from(eased)))
    }
}

impl Memristors for MtjPairs {
    fn devices(&self) -> usize {
        2
    }

    fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn scale(&self) -> Scale {
        let (low, high) = self.nominal();
        Scale { reference: 0.0, span: high - low }
    }

    fn write(&mut self, slot: Slot<'_>, op: u64) {
        let (cells, cols) = (self.cells(), self.geometry.cols);
        let lsb = self.geometry.pulse_lsb as f32;
        let chance = Chance::of(&self.parameters);
        let Scratch { seconds, p, u } = &mut self.scratch;
        for (t, &width) in seconds.iter_mut().zip(slot.widths) {
            *t = width.unsigned_abs() as f32 * lsb;
        }
        for (row, &x) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            let current = self.currents[x.unsigned_abs() as usize] as f32;
            let at = row * cols;
            if self.eased.is_empty() {
                let [first, second] = &mut *p;
                chances(chance, current, seconds, first);
                second.copy_from_slice(first);
            } else {
                for (device, p) in p.iter_mut().enumerate() {
                    chances_apart(chance, current, &self.eased[device * cells + at..][..cols], seconds, p);
                }
            }
            for (device, u) in u.iter_mut().enumerate() {
                self.noise.uniforms(Stream::Switching, key(op, device), row, u);
            }
            let (first, second) = self.states.split_at_mut(cells);
            let (first, second) = (&mut first[at..at + cols], &mut second[at..at + cols]);
            switch(first, second, slot.widths, x.signum(), [&p[0], &p[1]], [&u[0], &u[1]]);
        }
        for (row, _) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            self.derive_row(row);
        }
    }

    /// The nearest of -1, 0 and 1; 0 with both junctions antiparallel.
    fn program(&mut self, weights: &[f32], _op: u64) {
        let cells = self.cells();
        for (i, &w) in weights.iter().enumerate() {
            self.states[i] = if w > 0.5 { 1.0 } else { 0.0 };
            self.states[cells + i] = if w < -0.5 { 1.0 } else { 0.0 };
        }
        self.derive();
    }

    fn states(&self) -> &[f32] {
        &self.states
    }

    fn restore(&mut self, states: &[f32]) {
        self.states.copy_from_slice(states);
        self.derive();
    }

    fn age(&mut self, seconds: f64, op: u64) {
        // The drivers' spread does not matter here, that of the barrier is not modelled.
        let p = self.parameters.retention_loss(seconds) as f32;
        if p <= 0.0 {
            return;
        }
        let cols = self.geometry.cols;
        for (i, states) in self.states.chunks_exact_mut(cols).enumerate() {
            let (device, row) = (i / self.geometry.rows, i % self.geometry.rows);
            let u = &mut self.scratch.u[0];
            self.noise.uniforms(Stream::Drift, key(op, device), row, u);
            states.iter_mut().zip(u).for_each(|(s, u)| *s = if *u < p { 1.0 - *s } else { *s });
        }
        self.derive();
    }

    fn conductance(&self, at: CellAddress) -> f64 {
        self.siemens(self.junction(at).0)
    }

    fn conductance_range(&self) -> (f64, f64) {
        self.nominal()
    }

    /// The current follows from the junction's own resistance before the pulse.
    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, op: u64) {
        let (i, critical) = self.junction(at);
        let overdrive = pulse.volts.abs() * self.siemens(i) / (self.parameters.critical_current * critical);
        let p = self.parameters.switching_probability(overdrive, pulse.seconds) as f32;
        if self.noise.uniform(Stream::Switching, key(op, at.device), at.row, at.col) < p {
            self.states[i] = if pulse.volts > 0.0 { 1.0 } else { 0.0 };
            self.derive_row(at.row);
        }
    }
}
