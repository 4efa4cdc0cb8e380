//! A crossbar: the cells of one layer, or of one tile of it, with the periphery that turns sums into ADC codes.

mod bit_serial;
mod converters;
mod faults;
mod grid;
mod nonideal;
mod velocity;
pub mod wires;

pub use bit_serial::{column_bit, row_bit};
pub use converters::{Converters, Drivers};
pub use grid::{Grid, GridMoment, TileCodes};
use nonideal::Imperfections;
use velocity::Velocity;

use crate::device::{CellAddress, CellPulse, DeviceError, Ideal, Memristors, Noise, NotFinite, Slot};
use crate::fixed;
use crate::spec::{Design, Layer, Memory, Tile, Tiling};

/// One array: all `inputs + 1` rows (the last is the bias) by `outputs` columns of a layer, or a tile of them.
pub struct Crossbar {
    rows: usize,
    cols: usize,
    /// Rows that a transposed read converts: all but the bias.
    inputs: usize,
    adc_bits: u32,
    forward_shift: u32,
    backward_shift: u32,
    state_bits: u32,
    cells: Cells,
    /// Second devices; `None` where the design has none.
    velocity: Option<Box<Velocity>>,
    /// Bits of a cell of second devices that are read, and from the dot product to the code.
    fast_bits: u32,
    fast_shift: Option<u32>,
    /// Bits from the dot product of one row at half of full scale to its code.
    row_shift: u32,
    /// `None` where reads need nothing but weights.
    imperfections: Option<Box<Imperfections>>,
    /// Operations so far: the key of their random numbers.
    op: u64,
    sums: Sums,
}

/// Everything that distinguishes one moment of an array from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    states: Vec<i32>,
    velocities: Vec<i32>,
    op: u64,
}

/// Integer states read exactly, or memristors read in single precision.
enum Cells {
    Ideal(Ideal),
    Memristors(Box<dyn Memristors>),
}

#[derive(Default)]
struct Sums {
    exact: Vec<i64>,
    real: Vec<f32>,
}

impl Crossbar {
    /// The array of `layer`, layer `index` of the design, with all weights at zero as far as its devices can.
    ///
    /// # Errors
    /// Devices that cannot be driven as the layer's codes ask for; a validated design has none.
    pub fn new(design: &Design, index: usize, layer: &Layer) -> Result<Self, DeviceError> {
        Crossbar::of_tile(design, index, layer, &Tiling::whole(layer.rows(), layer.outputs).tile(0))
    }

    /// A tile of `layer`.
    ///
    /// # Errors
    /// As for [`Crossbar::new`].
    pub fn of_tile(design: &Design, index: usize, layer: &Layer, tile: &Tile) -> Result<Self, DeviceError> {
        let geometry = layer.tile_geometry(design, tile);
        let cells = match design.device.model.memristors(geometry, noise(design, index, tile))? {
            None => Cells::Ideal(Ideal::new(tile.rows, tile.cols, design.device.state_bits, layer.shifts.write)),
            Some(memristors) => Cells::Memristors(memristors),
        };
        let velocity = Velocity::new(design, layer, tile, second_noise(design, index, tile))?.map(Box::new);
        Ok(Crossbar { velocity, ..Crossbar::of_cells(design, index, layer, tile, cells) })
    }

    /// An array of `layer`, layer `index` of the design, with memristors of the caller's own, `layer.rows()` x `layer.outputs`.
    pub fn with_memristors(design: &Design, index: usize, layer: &Layer, memristors: Box<dyn Memristors>) -> Self {
        let whole = Tiling::whole(layer.rows(), layer.outputs).tile(0);
        Crossbar::of_cells(design, index, layer, &whole, Cells::Memristors(memristors))
    }

    /// The same array with nothing but its devices: no faults, wires and converters of [`crate::spec::NonIdeal`].
    ///
    /// # Errors
    /// As for [`Crossbar::new`].
    pub fn perfect(design: &Design, index: usize, layer: &Layer) -> Result<Self, DeviceError> {
        Ok(Crossbar { imperfections: None, ..Crossbar::new(design, index, layer)? })
    }

    fn of_cells(design: &Design, index: usize, layer: &Layer, tile: &Tile, cells: Cells) -> Self {
        let (rows, cols) = (tile.rows, tile.cols);
        let imperfections = match &cells {
            Cells::Ideal(_) => None,
            Cells::Memristors(cells) => {
                Imperfections::new(design, index, tile, cells.as_ref(), noise(design, index, tile)).map(Box::new)
            }
        };
        let coarser = design.array.slices.map_or(0, |slices| slices.coarser(tile.slice));
        Crossbar {
            rows,
            cols,
            inputs: tile.inputs,
            adc_bits: design.array.adc_bits,
            forward_shift: layer.shifts.forward + coarser,
            backward_shift: layer.shifts.backward + coarser,
            state_bits: design.device.state_bits,
            cells,
            velocity: None,
            fast_bits: design.fast_bits().map_or(0, |(bits, _)| bits),
            fast_shift: design.fast_shift(),
            row_shift: design.row_shift(),
            imperfections,
            op: 0,
            sums: Sums { exact: vec![0; rows.max(cols)], real: vec![0.0; rows.max(cols)] },
        }
    }

    /// Whether a cell is one exact integer.
    pub fn is_ideal(&self) -> bool {
        matches!(self.cells, Cells::Ideal(_))
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Forward read: row codes `x` (all rows) to the ADC codes of all columns. Where inputs are bit-serial this is one step: `x` is a bit of
    /// each row, and the converter has the full scale of a bit plane.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn read_forward(&mut self, x: &[i32], codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        self.forward(x, self.forward_shift, codes)
    }

    /// Forward read of one row at half of full scale (or driven by a bit, where inputs are bit-serial): the full scale of the code is that of
    /// a weight.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn read_row(&mut self, x: &[i32], codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        self.forward(x, self.row_shift, codes)
    }

    fn forward(&mut self, x: &[i32], shift: u32, codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        self.op += 1;
        match &self.cells {
            Cells::Ideal(ideal) => {
                let sums = &mut self.sums.exact[..self.cols];
                ideal.read_columns(x, sums);
                convert(sums, shift, self.adc_bits, codes);
                Ok(())
            }
            Cells::Memristors(cells) => {
                let gain = gain(self.state_bits, shift);
                if let Some(extra) = &mut self.imperfections {
                    extra.read_forward(cells.as_ref(), x, self.op, gain, codes);
                    return finite(extra.sums(self.cols), cells.as_ref(), self.cols);
                }
                let sums = &mut self.sums.real[..self.cols];
                sums.fill(0.0);
                for (&x, row) in x.iter().zip(cells.weights().chunks_exact(self.cols)) {
                    if x != 0 {
                        let x = x as f32;
                        sums.iter_mut().zip(row).for_each(|(sum, &w)| *sum += x * w);
                    }
                }
                quantize(sums, gain, self.adc_bits, codes);
                finite(sums, cells.as_ref(), self.cols)
            }
        }
    }

    /// Transposed read: column codes `u` to the ADC codes of all rows but the bias. Where inputs are bit-serial this is one step: `u` is -1,
    /// 0 or 1.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn read_transposed(&mut self, u: &[i32], codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        self.op += 1;
        let lines = self.inputs;
        match &self.cells {
            Cells::Ideal(ideal) => {
                let sums = &mut self.sums.exact[..lines];
                ideal.read_rows(u, sums);
                convert(sums, self.backward_shift, self.adc_bits, codes);
                Ok(())
            }
            Cells::Memristors(cells) => {
                let gain = gain(self.state_bits, self.backward_shift);
                if let Some(extra) = &mut self.imperfections {
                    extra.read_transposed(cells.as_ref(), u, self.op, gain, codes);
                    return finite(extra.sums(lines), cells.as_ref(), self.cols);
                }
                let sums = &mut self.sums.real[..lines];
                for (sum, row) in sums.iter_mut().zip(cells.weights().chunks_exact(self.cols)) {
                    *sum = dot(u, row, |u| u as f32);
                }
                quantize(sums, gain, self.adc_bits, codes);
                finite(sums, cells.as_ref(), self.cols)
            }
        }
    }

    /// Rank-1 write: row codes `x` and signed pulse widths in units of the shortest pulse.
    pub fn write(&mut self, x: &[i32], pulses: &[i32]) {
        self.operate();
        match &mut self.cells {
            Cells::Ideal(ideal) => ideal.write(x, pulses),
            Cells::Memristors(cells) => cells.write(Slot { x, widths: pulses }, self.op),
        }
    }

    /// Forward read of the second devices: row codes `x` (bits, where inputs are bit-serial) to the ADC codes of all columns; the full scale
    /// of the code is that of the devices on a row at half of full scale, or on a row that is driven by a bit. No code without second devices. Imperfections are those of the weights' reads alone.
    ///
    /// # Errors
    /// A velocity that is no number.
    pub fn read_velocity(&mut self, x: &[i32], codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        self.op += 1;
        codes.clear();
        let (Some(velocity), Some(shift)) = (&self.velocity, self.fast_shift) else { return Ok(()) };
        match velocity.read(x, &mut self.sums) {
            velocity::Sums::Exact => convert(&self.sums.exact[..self.cols], shift, self.adc_bits, codes),
            velocity::Sums::Real(cells) => {
                let sums = &self.sums.real[..self.cols];
                quantize(sums, gain(self.fast_bits, shift), self.adc_bits, codes);
                finite(sums, cells, self.cols)?;
            }
        }
        Ok(())
    }

    /// Rank-1 write to the velocities; nothing without second devices.
    pub fn write_velocity(&mut self, x: &[i32], pulses: &[i32]) {
        self.operate();
        if let Some(velocity) = &mut self.velocity {
            velocity.write(x, pulses, self.op);
        }
    }

    /// All velocities keep the share `gamma`, in units of `2^-16`; nothing without second devices.
    pub fn decay(&mut self, gamma: u32) {
        self.operate();
        if let Some(velocity) = &mut self.velocity {
            velocity.decay(gamma, &mut self.op);
        }
    }

    /// All weights take their velocities; nothing without second devices.
    pub fn transfer(&mut self) {
        self.operate();
        if let Some(velocity) = &mut self.velocity {
            velocity.transfer(&mut self.cells, &mut self.op);
        }
    }

    /// State words of the second devices, as [`Crossbar::states`]; empty without.
    pub fn velocities(&self) -> &[i32] {
        self.velocity.as_ref().map_or(&[], |velocity| velocity.states())
    }

    /// Counts an operation that changes devices.
    fn operate(&mut self) {
        self.op += 1;
        if let Some(extra) = &mut self.imperfections {
            extra.stale = true;
        }
    }

    /// State words, the same for two arrays in the same state: the integers of the `ideal` device, row-major, or the bits of
    /// everything that physical devices keep, those that are stuck included.
    pub fn states(&self) -> &[i32] {
        match &self.cells {
            Cells::Ideal(ideal) => ideal.states(),
            Cells::Memristors(cells) => bytemuck::cast_slice(cells.states()),
        }
    }

    /// This moment, to be gone back to with [`Crossbar::restore`].
    pub fn moment(&self) -> Moment {
        Moment { states: self.states().to_vec(), velocities: self.velocities().to_vec(), op: self.op }
    }

    /// Goes back (or ahead) to a moment of this array or of one like it: all that follows is as it was there, noise included.
    pub fn restore(&mut self, moment: &Moment) {
        self.set(&moment.states, &moment.velocities, moment.op);
    }

    /// Brings this array to the moment at which `other`, an array like it, is.
    pub fn follow(&mut self, other: &Crossbar) {
        self.set(other.states(), other.velocities(), other.op);
    }

    /// Whether all that follows would be the same as with `other`.
    pub fn is_at(&self, other: &Crossbar) -> bool {
        self.op == other.op && self.states() == other.states() && self.velocities() == other.velocities()
    }

    fn set(&mut self, states: &[i32], velocities: &[i32], op: u64) {
        self.op = op;
        if let Some(velocity) = &mut self.velocity {
            velocity.restore(velocities);
        }
        if let Some(extra) = &mut self.imperfections {
            extra.stale = true;
        }
        match &mut self.cells {
            Cells::Ideal(ideal) => ideal.load(states),
            Cells::Memristors(cells) => cells.restore(bytemuck::cast_slice(states)),
        }
    }

    /// Programs all weights, row-major, in steps of the weight's full scale over `2^(state_bits - 1)`; what the devices cannot
    /// hold saturates.
    pub fn load(&mut self, states: &[i32]) {
        self.operate();
        match &mut self.cells {
            Cells::Ideal(ideal) => ideal.load(states),
            Cells::Memristors(cells) => {
                let step = 2f32.powi(1 - self.state_bits as i32);
                let weights: Vec<f32> = states.iter().map(|&s| s as f32 * step).collect();
                cells.program(&weights, self.op);
            }
        }
    }

    /// Effective weights as a forward read sees them, in units of the layer's full scale, row-major, bias row last.
    pub fn weights(&self) -> Vec<f32> {
        match (&self.cells, &self.imperfections) {
            (Cells::Ideal(ideal), _) => {
                let step = 2f32.powi(1 - self.state_bits as i32);
                ideal.states().iter().map(|&s| s as f32 * step).collect()
            }
            (Cells::Memristors(cells), Some(extra)) => extra.weights(cells.as_ref()),
            (Cells::Memristors(cells), None) => cells.weights().to_vec(),
        }
    }

    /// Lets time pass without an operation: drift and retention loss.
    pub fn age(&mut self, seconds: f64) {
        self.operate();
        let retention = self.imperfections.as_ref().and_then(|extra| extra.retention);
        let velocities = self.velocity.as_mut().and_then(|velocity| velocity.memristors());
        let weights = match &mut self.cells {
            Cells::Ideal(_) => None,
            Cells::Memristors(cells) => Some(cells.as_mut()),
        };
        for cells in [weights, velocities].into_iter().flatten() {
            cells.age(seconds, self.op);
            if let Some(retention) = retention {
                cells.relax(libm::exp(-seconds / retention));
            }
        }
    }

    /// The stuck devices with what they conduct in siemens, by row, column, device.
    pub fn stuck(&self) -> &[(CellAddress, f64)] {
        self.imperfections.as_ref().map_or(&[], |extra| extra.all_stuck())
    }

    /// Conductances that the devices are meant to have, in siemens; `None` for the `ideal` device.
    pub fn conductance_range(&self) -> Option<(f64, f64)> {
        match &self.cells {
            Cells::Ideal(_) => None,
            Cells::Memristors(cells) => Some(cells.conductance_range()),
        }
    }

    /// Conductance of one memristor in siemens; `None` for the `ideal` device, which has none.
    pub fn conductance(&self, at: CellAddress) -> Option<f64> {
        match &self.cells {
            Cells::Ideal(_) => None,
            Cells::Memristors(cells) => {
                let stuck = self.imperfections.as_ref().and_then(|extra| extra.stuck(at));
                Some(stuck.unwrap_or_else(|| cells.conductance(at)))
            }
        }
    }

    /// Reads one memristor: the code that the converter of the memory mode gives for it; 0 for the `ideal` device.
    ///
    /// # Errors
    /// A conductance that is no number.
    pub fn read_cell(&mut self, at: CellAddress, memory: &Memory) -> Result<u32, NotFinite> {
        self.op += 1;
        let (Some(siemens), Cells::Memristors(cells)) = (self.conductance(at), &self.cells) else { return Ok(0) };
        if !siemens.is_finite() {
            return Err(NotFinite { at, value: cells.weights()[at.row * self.cols + at.col] });
        }
        Ok(match &self.imperfections {
            Some(extra) => extra.cell_code(cells.as_ref(), at, siemens, self.op, memory),
            None => memory.code(siemens),
        })
    }

    /// A pulse on one memristor; nothing happens to the `ideal` device and to devices that are stuck.
    pub fn pulse(&mut self, at: CellAddress, pulse: CellPulse) {
        self.operate();
        let Cells::Memristors(cells) = &mut self.cells else { return };
        let volts = match &self.imperfections {
            Some(extra) if extra.stuck(at).is_some() => return,
            Some(extra) => pulse.volts * extra.path(at, cells.conductance(at)),
            None => pulse.volts,
        };
        cells.pulse(at, CellPulse { volts, ..pulse }, self.op);
    }
}

/// Random numbers of a tile of layer `index`; those of the first tile are those of a layer that is not cut.
fn noise(design: &Design, index: usize, tile: &Tile) -> Noise {
    Noise::new(design.training.seed, (tile.index as u64) << 32 | index as u64)
}

/// The same of a tile's second devices.
fn second_noise(design: &Design, index: usize, tile: &Tile) -> Noise {
    Noise::new(design.training.seed, 1 << 63 | (tile.index as u64) << 32 | index as u64)
}

/// ADC codes per unit of a sum of codes times weights.
fn gain(state_bits: u32, shift: u32) -> f32 {
    2f32.powi(state_bits as i32 - 1 - shift as i32)
}

/// Finds the device that made a sum no number.
fn finite(sums: &[f32], cells: &dyn Memristors, cols: usize) -> Result<(), NotFinite> {
    if sums.iter().all(|v| v.is_finite()) {
        return Ok(());
    }
    // Finite weights in the range of an f32 cannot overflow a sum of codes, so there is one.
    let weights = cells.weights();
    let cell = weights.iter().position(|w| !w.is_finite()).unwrap_or(0);
    let at = |device| CellAddress { device, row: cell / cols, col: cell % cols };
    let device = (0..cells.devices()).find(|&device| !cells.conductance(at(device)).is_finite()).unwrap_or(0);
    Err(NotFinite { at: at(device), value: weights[cell] })
}

/// Sum of products in eight strands: an order that a vector unit can keep, the same everywhere. `real` makes numbers of codes.
fn dot<T: Copy>(u: &[T], row: &[f32], real: impl Fn(T) -> f32) -> f32 {
    const STRANDS: usize = 8;
    let mut strands = [0.0f32; STRANDS];
    let (us, rows) = (u.chunks_exact(STRANDS), row.chunks_exact(STRANDS));
    let rest: f32 = us.remainder().iter().zip(rows.remainder()).map(|(&u, &w)| real(u) * w).sum();
    for (u, w) in us.zip(rows) {
        for l in 0..STRANDS {
            strands[l] += real(u[l]) * w[l];
        }
    }
    strands.iter().sum::<f32>() + rest
}

fn convert(sums: &[i64], shift: u32, adc_bits: u32, codes: &mut Vec<i32>) {
    codes.clear();
    codes.extend(sums.iter().map(|&v| fixed::saturate(fixed::round_shift(v, shift), adc_bits) as i32));
}

/// The same for real sums: half towards plus infinity, symmetric saturation.
fn quantize(sums: &[f32], gain: f32, adc_bits: u32, codes: &mut Vec<i32>) {
    let max = fixed::max_code(adc_bits) as f32;
    codes.clear();
    codes.extend(sums.iter().map(|&v| (v * gain + 0.5).floor().clamp(-max, max) as i32));
}
