//! The second devices of an array: one per cell, of the same model as the weights' devices, behind the same lines. They hold the
//! velocity V of the momentum unit `in_array`.
//!
//! Decay and transfer are local: each cell gets a dose in proportion to the velocity that it holds, all cells at once. Faults, noise
//! and wires of [`crate::spec::NonIdeal`] are of the weights' devices and their reads; a velocity is never read through the lines.

use super::Cells;
use crate::device::{DeviceError, Geometry, Memristors, Noise, Slot};
use crate::fixed;
use crate::spec::{Design, Layer, MOMENTUM_BITS, Tile};

/// Longest pulses that a local operation may need on a cell.
const MOST_PULSES: usize = 256;

/// The second devices of one array.
pub(super) struct Velocity {
    cols: usize,
    plane: Plane,
    local: Local,
}

/// What sums a read has left.
pub(super) enum Sums<'a> {
    /// Integers.
    Exact,
    /// Real numbers, of these devices.
    Real(&'a dyn Memristors),
}

enum Plane {
    Ideal(Integers),
    Memristors(Box<dyn Memristors>),
}

/// Integer velocities: units of the product of row code and pulse width, and `guard` bits below.
struct Integers {
    v: Vec<i32>,
    max: i64,
    guard: u32,
    /// From a velocity to steps of the weight's state.
    shift: u32,
}

/// Doses that cells get by themselves.
struct Local {
    geometry: Geometry,
    /// Row-major, in units of a row code of 1 and a pulse of width 1.
    doses: Vec<f32>,
    x: Vec<i32>,
    widths: Vec<i32>,
}

impl Velocity {
    /// The second devices of a tile of `layer` at zero; `None` where the design has none.
    pub fn new(design: &Design, layer: &Layer, tile: &Tile, noise: Noise) -> Result<Option<Velocity>, DeviceError> {
        let formats = design.velocity_bits().zip(design.training.velocity_guard).or(design.fast_bits());
        let (Some(geometry), Some((bits, guard))) = (layer.velocity_geometry(design), formats) else {
            return Ok(None);
        };
        let geometry = Geometry { rows: tile.rows, cols: tile.cols, ..geometry };
        let cells = geometry.rows * geometry.cols;
        let plane = match design.device.model.memristors(geometry, noise)? {
            Some(mut memristors) => {
                memristors.program(&vec![0.0; cells], 0);
                Plane::Memristors(memristors)
            }
            None => Plane::Ideal(Integers {
                v: vec![0; cells],
                max: fixed::max_code(bits),
                guard,
                shift: layer.shifts.write + guard,
            }),
        };
        let local = Local { geometry, doses: Vec::new(), x: vec![0; geometry.rows], widths: vec![0; geometry.cols] };
        Ok(Some(Velocity { cols: geometry.cols, plane, local }))
    }

    /// Sums of all columns for row codes `x`, into `sums`.
    pub fn read(&self, x: &[i32], sums: &mut super::Sums) -> Sums<'_> {
        match &self.plane {
            Plane::Ideal(cells) => {
                let sums = &mut sums.exact[..self.cols];
                sums.fill(0);
                for (&x, row) in x.iter().zip(cells.v.chunks_exact(self.cols)).filter(|(x, _)| **x != 0) {
                    sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += i64::from(x) * i64::from(v));
                }
                Sums::Exact
            }
            Plane::Memristors(cells) => {
                let sums = &mut sums.real[..self.cols];
                sums.fill(0.0);
                for (&x, row) in x.iter().zip(cells.weights().chunks_exact(self.cols)).filter(|(x, _)| **x != 0) {
                    sums.iter_mut().zip(row).for_each(|(sum, &w)| *sum += x as f32 * w);
                }
                Sums::Real(cells.as_ref())
            }
        }
    }

    /// V <- V + x pulses^T.
    pub fn write(&mut self, x: &[i32], pulses: &[i32], op: u64) {
        match &mut self.plane {
            Plane::Ideal(cells) => {
                for (row, &x) in cells.v.chunks_exact_mut(self.cols).zip(x) {
                    for (v, &p) in row.iter_mut().zip(pulses) {
                        let step = (i64::from(x) * i64::from(p)) << cells.guard;
                        *v = (i64::from(*v) + step).clamp(-cells.max, cells.max) as i32;
                    }
                }
            }
            Plane::Memristors(cells) => cells.write(Slot { x, widths: pulses }, op),
        }
    }

    /// V <- gamma V, rounded towards zero: rounded to nearest, a small velocity would stay for ever and move its weight at each step.
    pub fn decay(&mut self, gamma: u32, op: &mut u64) {
        match &mut self.plane {
            Plane::Ideal(cells) => {
                for v in &mut cells.v {
                    *v = (i64::from(*v) * i64::from(gamma) / (1 << MOMENTUM_BITS)) as i32;
                }
            }
            Plane::Memristors(cells) => {
                let lost = (1 << MOMENTUM_BITS) - gamma;
                let share = -(lost as f32 / (1u32 << MOMENTUM_BITS) as f32) / self.local.geometry.update_step;
                self.local.set(cells.weights(), share);
                self.local.pulse(cells.as_mut(), op);
            }
        }
    }

    /// W <- W + V, rounded to states of the weight as a write to it is.
    pub fn transfer(&mut self, weights: &mut Cells, op: &mut u64) {
        match (&mut self.plane, weights) {
            (Plane::Ideal(cells), Cells::Ideal(weights)) => {
                let shift = cells.shift;
                weights.add(cells.v.iter().map(|&v| fixed::round_shift(i64::from(v), shift)));
            }
            (Plane::Memristors(cells), Cells::Memristors(weights)) => {
                self.local.set(cells.weights(), 1.0 / self.local.geometry.update_step);
                self.local.pulse(weights.as_mut(), op);
            }
            // Both devices of a cell are of one model.
            _ => {}
        }
    }

    /// State words: integers of the `ideal` device, or the bits of what memristors keep.
    pub fn states(&self) -> &[i32] {
        match &self.plane {
            Plane::Ideal(cells) => &cells.v,
            Plane::Memristors(cells) => bytemuck::cast_slice(cells.states()),
        }
    }

    /// Goes to states of another moment.
    pub fn restore(&mut self, states: &[i32]) {
        match &mut self.plane {
            Plane::Ideal(cells) => cells.v.copy_from_slice(states),
            Plane::Memristors(cells) => cells.restore(bytemuck::cast_slice(states)),
        }
    }

    pub fn memristors(&mut self) -> Option<&mut (dyn Memristors + 'static)> {
        match &mut self.plane {
            Plane::Ideal(_) => None,
            Plane::Memristors(cells) => Some(cells.as_mut()),
        }
    }
}

impl Local {
    /// Doses in proportion to `held`.
    fn set(&mut self, held: &[f32], share: f32) {
        self.doses.clear();
        self.doses.extend(held.iter().map(|v| v * share));
    }

    /// Gives all cells their doses. In the array all cells get them at once; here row by row, one row code for the cells of a row,
    /// as small as the longest pulse allows. Doses beyond the strongest pulse take several.
    fn pulse(&mut self, cells: &mut dyn Memristors, op: &mut u64) {
        let Geometry { cols, max_code, max_width, .. } = self.geometry;
        let strongest = max_width as f32;
        for (row, doses) in self.doses.chunks_exact_mut(cols).enumerate() {
            for _ in 0..MOST_PULSES {
                let largest = doses.iter().fold(0.0f32, |most, dose| most.max(dose.abs()));
                let code = (largest / strongest).ceil().clamp(1.0, max_code as f32);
                for (width, dose) in self.widths.iter_mut().zip(&mut *doses) {
                    *width = (*dose / code).round().clamp(-strongest, strongest) as i32;
                    *dose -= *width as f32 * code;
                }
                if self.widths.iter().all(|width| *width == 0) {
                    break;
                }
                self.x[row] = code as i32;
                cells.write(Slot { x: &self.x, widths: &self.widths }, *op);
                // Pulses on the same cells have random numbers of their own.
                *op += 1;
                if largest <= strongest * code {
                    break;
                }
            }
            self.x[row] = 0;
        }
    }
}
