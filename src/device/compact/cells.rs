//! An array of compact models: one memristor per weight, read against a reference.

use serde::Serialize;

use super::{Balance, CompactError, Drive, Flow, FullScale, Model};
use crate::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Scale, Slot, Stream};

/// Cells of the flow tables: their error lies below that of single precision for pulses that matter (see [`Flow::error`]).
const FLOW_CELLS: usize = 512;
/// Steps of the table from position to weight.
const WEIGHT_STEPS: usize = 4096;

/// A compact model in an array.
///
/// The weight of a cell is `(G - G_ref) / G_span` in units of the full scale, with `G_ref` the middle and `G_span` half the
/// width of the range `g_low` to `g_high`; the device may leave that range as far as its own bounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompactCells {
    pub model: Model,
    /// Conductance of weight -1, siemens.
    pub g_low: f64,
    /// Conductance of weight 1, siemens.
    pub g_high: f64,
    /// Volts of a read; below the thresholds.
    pub v_read: f64,
    /// Highest magnitude of a write voltage.
    pub v_max: f64,
    /// Spread of the rate between devices, relative.
    pub rate_dtod: f64,
    /// Spread of the rate between pulses, relative.
    pub rate_ctoc: f64,
}

impl CompactCells {
    fn reference(&self) -> f64 {
        0.5 * (self.g_low + self.g_high)
    }

    fn span(&self) -> f64 {
        0.5 * (self.g_high - self.g_low)
    }

    /// Weight of a device at `position`, 0 at the bound of low conductance and 1 at the other.
    pub fn weight_at(&self, position: f64) -> f64 {
        let model = self.model.as_dyn();
        (model.conductance(model.state_at(position), self.v_read) - self.reference()) / self.span()
    }

    /// Write voltages of all row codes: at the reference state the strongest code and the longest pulse change the weight by
    /// `update_step * max_code * max_width`, as the design's integers say.
    ///
    /// # Errors
    /// A reference outside the device's range, a rate that `v_max` does not reach, or a device that does not move there.
    pub fn drive(&self, geometry: &Geometry) -> Result<Drive, CompactError> {
        let model = self.model.as_dyn();
        let at = model.position_of(model.state_of(self.reference(), self.v_read)?);
        let step = 1e-6;
        let g = |position: f64| model.conductance(model.state_at(position.clamp(0.0, 1.0)), self.v_read);
        let slope = (g(at + step) - g(at - step)) / ((at + step).min(1.0) - (at - step).max(0.0));
        let weight = f64::from(geometry.update_step) * f64::from(geometry.max_code) * f64::from(geometry.max_width);
        let seconds = geometry.pulse_lsb * f64::from(geometry.max_width);
        let per_second = weight * self.span() / slope / seconds;
        let full = FullScale::Rate { per_second, limit: self.v_max };
        Drive::predistorted_at(model, at, geometry.max_code as usize, full, Balance::None)
    }
}

/// The array.
pub struct CompactArray {
    geometry: Geometry,
    cells: CompactCells,
    flow: Flow,
    noise: Noise,
    /// 0: low conductance bound, 1: high conductance bound; row-major.
    positions: Vec<f32>,
    weights: Vec<f32>,
    /// Factor on the pulse widths of each device.
    pace: Vec<f32>,
    /// Weight by position.
    table: Vec<f32>,
    widths: Vec<f32>,
    xi: Vec<f32>,
}

impl CompactArray {
    /// Devices at weight 0.
    ///
    /// # Errors
    /// See [`CompactCells::drive`] and [`Flow::new`].
    pub fn new(cells: &CompactCells, geometry: Geometry, noise: Noise) -> Result<Self, CompactError> {
        let model = cells.model.as_dyn();
        let flow = Flow::new(model, &cells.drive(&geometry)?, FLOW_CELLS)?;
        let weight = |step: usize| cells.weight_at(step as f64 / WEIGHT_STEPS as f64) as f32;
        let count = geometry.rows * geometry.cols;
        let mut pace = vec![1.0; count];
        if cells.rate_dtod > 0.0 {
            for (row, pace) in pace.chunks_exact_mut(geometry.cols).enumerate() {
                noise.normals(Stream::DeviceToDevice, 0, row, pace);
                pace.iter_mut().for_each(|v| *v = (1.0 + cells.rate_dtod as f32 * *v).max(0.0));
            }
        }
        let mut array = CompactArray {
            flow,
            noise,
            positions: vec![0.0; count],
            weights: vec![0.0; count],
            pace,
            table: (0..=WEIGHT_STEPS).map(weight).collect(),
            widths: vec![0.0; geometry.cols],
            xi: vec![0.0; geometry.cols],
            geometry,
            cells: cells.clone(),
        };
        array.program(&vec![0.0; count], 0);
        Ok(array)
    }

    fn cell(&self, at: CellAddress) -> usize {
        at.row * self.geometry.cols + at.col
    }

    /// Gives a device the conductance, as far as its range has it; one that is no number stays so.
    fn settle(&mut self, cell: usize, siemens: f64) {
        let model = self.cells.model.as_dyn();
        let (low, high) = model.conductance_range(self.cells.v_read);
        self.positions[cell] = if siemens.is_nan() {
            f32::NAN
        } else {
            // Within the range by the clamp; the bound itself can miss it by a rounding.
            let state = model.state_of(siemens.clamp(low, high), self.cells.v_read);
            (model.position_of(state.unwrap_or_else(|_| model.state_at(0.5))) as f32).clamp(0.0, 1.0)
        };
        self.weights[cell] = look_up(&self.table, self.positions[cell]);
    }
}

/// Weight at a position: linear between the table's entries.
fn look_up(table: &[f32], position: f32) -> f32 {
    let at = position * WEIGHT_STEPS as f32;
    // A position that is no number gives a weight that is none.
    let index = (at as usize).min(WEIGHT_STEPS - 1);
    table[index] + (at - index as f32) * (table[index + 1] - table[index])
}

impl Memristors for CompactArray {
    fn devices(&self) -> usize {
        1
    }

    fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn scale(&self) -> Scale {
        Scale { reference: self.cells.reference(), span: self.cells.span() }
    }

    fn write(&mut self, slot: Slot<'_>, op: u64) {
        let cols = self.geometry.cols;
        let seconds = self.geometry.pulse_lsb as f32;
        for (row, &x) in slot.x.iter().enumerate().filter(|(_, x)| **x != 0) {
            let cells = row * cols..(row + 1) * cols;
            let pace = &self.pace[cells.clone()];
            for ((width, &w), &pace) in self.widths.iter_mut().zip(slot.widths).zip(pace) {
                *width = w as f32 * pace;
            }
            if self.cells.rate_ctoc > 0.0 {
                let sigma = self.cells.rate_ctoc as f32;
                self.noise.normals(Stream::CycleToCycle, op, row, &mut self.xi);
                self.widths.iter_mut().zip(&self.xi).for_each(|(width, &xi)| *width *= (1.0 + sigma * xi).max(0.0));
            }
            self.flow.advance(x, seconds, &mut self.positions[cells.clone()], &self.widths);
            let positions = &self.positions[cells.clone()];
            for (weight, &position) in self.weights[cells].iter_mut().zip(positions) {
                *weight = look_up(&self.table, position);
            }
        }
    }

    fn program(&mut self, weights: &[f32], _op: u64) {
        for (i, &w) in weights.iter().enumerate() {
            self.settle(i, self.cells.reference() + f64::from(w) * self.cells.span());
        }
    }

    fn states(&self) -> &[f32] {
        &self.positions
    }

    fn restore(&mut self, states: &[f32]) {
        self.positions.copy_from_slice(states);
        for (weight, &position) in self.weights.iter_mut().zip(states) {
            *weight = look_up(&self.table, position);
        }
    }

    /// A compact model with thresholds keeps its state without a voltage.
    fn age(&mut self, _seconds: f64, _op: u64) {}

    fn relax(&mut self, kept: f64) {
        let low = self.conductance_range().0;
        for i in 0..self.positions.len() {
            let (row, col) = (i / self.geometry.cols, i % self.geometry.cols);
            let siemens = self.conductance(CellAddress { device: 0, row, col });
            self.settle(i, low + (siemens - low) * kept);
        }
    }

    fn conductance(&self, at: CellAddress) -> f64 {
        let model = self.cells.model.as_dyn();
        model.conductance(model.state_at(f64::from(self.positions[self.cell(at)])), self.cells.v_read)
    }

    fn conductance_range(&self) -> (f64, f64) {
        self.cells.model.as_dyn().conductance_range(self.cells.v_read)
    }

    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, op: u64) {
        let cell = self.cell(at);
        let model = self.cells.model.as_dyn();
        let mut seconds = pulse.seconds * f64::from(self.pace[cell]);
        if self.cells.rate_ctoc > 0.0 {
            let xi = f64::from(self.noise.normal(Stream::CycleToCycle, op, at.row, at.col));
            seconds *= (1.0 + self.cells.rate_ctoc * xi).max(0.0);
        }
        // Positive volts of the array mean SET; the model has its own polarity.
        let volts = pulse.volts * model.set_polarity();
        let state = model.state_at(f64::from(self.positions[cell]));
        self.positions[cell] = match model.pulse(state, volts, seconds) {
            Ok(state) => (model.position_of(state) as f32).clamp(0.0, 1.0),
            // Shows at the next read, with the cell's address.
            Err(_) => f32::NAN,
        };
        self.weights[cell] = look_up(&self.table, self.positions[cell]);
    }
}
