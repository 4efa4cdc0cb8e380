//! The arrays of a layer: one, or a grid of tiles that are driven side by side and whose codes are added digitally.

use super::bit_serial::{BitSerial, Way};
use super::{Crossbar, Moment};
use crate::device::{CellAddress, DeviceError, NotFinite};
use crate::fixed;
use crate::spec::{Design, Layer, Slices, Tile, Tiling};

/// ADC codes of a read, tile by tile; where inputs are bit-serial, those of all planes one after the other, lowest bit first.
pub type TileCodes = Vec<Vec<i32>>;

/// All arrays of a layer. Where there is one, it is the layer's array and nothing else.
pub struct Grid {
    tiling: Tiling,
    tiles: Vec<Crossbar>,
    adc_bits: u32,
    /// Several devices per weight.
    slices: Option<Slices>,
    /// Where inputs are bit-serial.
    serial: Option<BitSerial>,
}

/// Everything that distinguishes one moment of a layer's arrays from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridMoment(Vec<Moment>);

impl Grid {
    /// The arrays of `layer`, layer `index` of the design, with all weights at zero as far as their devices can.
    ///
    /// # Errors
    /// See [`Crossbar::new`].
    pub fn new(design: &Design, index: usize, layer: &Layer) -> Result<Self, DeviceError> {
        let tile = |tile: Tile| Crossbar::of_tile(design, index, layer, &tile);
        let tiles = layer.tiling.tiles().map(tile).collect::<Result<_, _>>()?;
        let serial = BitSerial::new(design, layer);
        Ok(Grid { tiling: layer.tiling, tiles, adc_bits: design.array.adc_bits, slices: design.array.slices, serial })
    }

    /// How the layer is cut.
    pub fn tiling(&self) -> Tiling {
        self.tiling
    }

    /// Array `index`, slice by slice, row of the grid by row.
    pub fn tile(&self, index: usize) -> &Crossbar {
        &self.tiles[index]
    }

    /// The first array; the only one in designs with a memory mode.
    pub fn first_mut(&mut self) -> &mut Crossbar {
        &mut self.tiles[0]
    }

    /// Forward read: row codes `x` (all rows) to the codes of all columns. Codes of tiles in one column of the grid are added
    /// exactly, then limited symmetrically to `adc_bits`; where inputs are bit-serial, in each plane.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn read_forward(&mut self, x: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        let Some(mut serial) = self.serial.take() else { return self.step_forward(x, tiles, codes) };
        let step = |bits: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>| self.step_forward(bits, tiles, codes);
        let read = serial.read(Way::Forward, x, tiles, codes, step);
        self.serial = Some(serial);
        read
    }

    fn step_forward(&mut self, x: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        tiles.resize_with(self.tiles.len(), Vec::new);
        for ((array, tile), own) in self.tiles.iter_mut().zip(self.tiling.tiles()).zip(tiles.iter_mut()) {
            let read = array.read_forward(&x[tile.first_row..][..tile.rows], own);
            read.map_err(|fault| in_layer(fault, &tile))?;
        }
        self.add(tiles, self.tiling.cols, |tile| tile.first_col, codes);
        Ok(())
    }

    /// Transposed read: column codes `u` to the codes of all rows but the bias; a tile that has the bias alone is not read.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn read_transposed(&mut self, u: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        let Some(mut serial) = self.serial.take() else { return self.step_transposed(u, tiles, codes) };
        let step = |bits: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>| self.step_transposed(bits, tiles, codes);
        let read = serial.read(Way::Transposed, u, tiles, codes, step);
        self.serial = Some(serial);
        read
    }

    fn step_transposed(&mut self, u: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        tiles.resize_with(self.tiles.len(), Vec::new);
        for ((array, tile), own) in self.tiles.iter_mut().zip(self.tiling.tiles()).zip(tiles.iter_mut()) {
            own.clear();
            if tile.inputs > 0 {
                let read = array.read_transposed(&u[tile.first_col..][..tile.cols], own);
                read.map_err(|fault| in_layer(fault, &tile))?;
            }
        }
        self.add(tiles, self.tiling.rows - 1, |tile| tile.first_row, codes);
        Ok(())
    }

    /// Sums of the tiles' codes, each from its tile's first line on; slices count by their ratio, and the sum is that of the highest.
    fn add(&self, tiles: &TileCodes, lines: usize, first: impl Fn(&Tile) -> usize, codes: &mut Vec<i32>) {
        codes.clear();
        if let [only] = &tiles[..] {
            codes.extend_from_slice(only);
            return;
        }
        codes.resize(lines, 0);
        for (own, tile) in tiles.iter().zip(self.tiling.tiles()) {
            let shift = self.slices.map_or(0, |slices| slices.code_bits) * tile.slice as u32;
            codes[first(&tile)..].iter_mut().zip(own).for_each(|(sum, code)| *sum += code << shift);
        }
        let span = self.slices.map_or(0, |slices| slices.code_span());
        for code in codes {
            *code = fixed::saturate(fixed::round_shift(i64::from(*code), span), self.adc_bits) as i32;
        }
    }

    /// Rank-1 write: row codes `x` and signed pulse widths in units of the shortest pulse, on all arrays at once; of several devices per
    /// weight it reaches the lowest.
    pub fn write(&mut self, x: &[i32], pulses: &[i32]) {
        self.write_slice(0, x, pulses);
    }

    /// The same on the arrays of one slice.
    pub fn write_slice(&mut self, slice: usize, x: &[i32], pulses: &[i32]) {
        let tiles = self.tiles.iter_mut().zip(self.tiling.tiles());
        for (array, tile) in tiles.filter(|(_, tile)| tile.slice == slice) {
            array.write(&x[tile.first_row..][..tile.rows], &pulses[tile.first_col..][..tile.cols]);
        }
    }

    /// Rank-1 write to the velocities, see [`Crossbar::write_velocity`].
    pub fn write_velocity(&mut self, x: &[i32], pulses: &[i32]) {
        for (array, tile) in self.tiles.iter_mut().zip(self.tiling.tiles()) {
            array.write_velocity(&x[tile.first_row..][..tile.rows], &pulses[tile.first_col..][..tile.cols]);
        }
    }

    /// Forward read of the second devices, see [`Crossbar::read_velocity`]; codes of tiles are added as in [`Grid::read_forward`].
    ///
    /// # Errors
    /// A velocity that is no number.
    pub fn read_velocity(&mut self, x: &[i32], tiles: &mut TileCodes, codes: &mut Vec<i32>) -> Result<(), NotFinite> {
        // One row at half of full scale: one bit, one step.
        let x = self.serial.as_mut().map_or(x, |serial| serial.half_scale(x));
        tiles.resize_with(self.tiles.len(), Vec::new);
        for ((array, tile), own) in self.tiles.iter_mut().zip(self.tiling.tiles()).zip(tiles.iter_mut()) {
            let read = array.read_velocity(&x[tile.first_row..][..tile.rows], own);
            read.map_err(|fault| in_layer(fault, &tile))?;
        }
        self.add(tiles, self.tiling.cols, |tile| tile.first_col, codes);
        Ok(())
    }

    /// Forward read of one slice with one row at half of full scale, see [`Crossbar::read_row`]: its own codes, those of tiles added and
    /// limited to `adc_bits`.
    ///
    /// # Errors
    /// A weight that is no number.
    pub fn read_slice(
        &mut self,
        slice: usize,
        x: &[i32],
        tiles: &mut TileCodes,
        codes: &mut Vec<i32>,
    ) -> Result<(), NotFinite> {
        // One row at half of full scale: one bit, one step.
        let x = self.serial.as_mut().map_or(x, |serial| serial.half_scale(x));
        tiles.resize_with(self.tiles.len(), Vec::new);
        codes.clear();
        codes.resize(self.tiling.cols, 0);
        for ((array, tile), own) in self.tiles.iter_mut().zip(self.tiling.tiles()).zip(tiles.iter_mut()) {
            own.clear();
            if tile.slice != slice {
                continue;
            }
            let read = array.read_row(&x[tile.first_row..][..tile.rows], own);
            read.map_err(|fault| in_layer(fault, &tile))?;
            codes[tile.first_col..].iter_mut().zip(own.iter()).for_each(|(sum, code)| *sum += code);
        }
        codes.iter_mut().for_each(|code| *code = fixed::saturate(i64::from(*code), self.adc_bits) as i32);
        Ok(())
    }

    /// See [`Crossbar::decay`].
    pub fn decay(&mut self, gamma: u32) {
        self.tiles.iter_mut().for_each(|array| array.decay(gamma));
    }

    /// See [`Crossbar::transfer`].
    pub fn transfer(&mut self) {
        self.tiles.iter_mut().for_each(Crossbar::transfer);
    }

    /// Programs all weights of the layer, row-major; see [`Crossbar::load`]. Of several devices per weight the highest takes them, and the
    /// others are set to zero.
    pub fn load(&mut self, states: &[i32]) {
        for (array, tile) in self.tiles.iter_mut().zip(self.tiling.tiles()) {
            array.load(&self.tiling.programmed(&tile, states));
        }
    }

    /// State words of all arrays, see [`Crossbar::states`]: row-major over the layer where a weight is one word (one `ideal`
    /// device), else array by array.
    pub fn states(&self) -> Vec<i32> {
        let (rows, cols) = (self.tiling.rows, self.tiling.cols);
        if self.tiles.len() > 1 && self.slices.is_none() && self.tiles.iter().all(Crossbar::is_ideal) {
            let mut states = vec![0; rows * cols];
            for (array, tile) in self.tiles.iter().zip(self.tiling.tiles()) {
                tile.paste(array.states(), &mut states, cols);
            }
            return states;
        }
        self.tiles.iter().flat_map(|array| array.states().iter().copied()).collect()
    }

    /// Effective weights of the layer, row-major; see [`Crossbar::weights`].
    pub fn weights(&self) -> Vec<f32> {
        let mut weights = vec![0.0; self.tiling.rows * self.tiling.cols];
        for slice in 0..self.tiling.slices {
            let share = self.slices.map_or(1.0, |slices| slices.share(slice));
            let own = self.slice_weights(slice);
            weights.iter_mut().zip(own).for_each(|(weight, own)| *weight += share * own);
        }
        weights
    }

    /// What one slice holds, in units of its own full scale, row-major.
    pub fn slice_weights(&self, slice: usize) -> Vec<f32> {
        let mut weights = vec![0.0; self.tiling.rows * self.tiling.cols];
        for (array, tile) in self.tiles.iter().zip(self.tiling.tiles()).filter(|(_, tile)| tile.slice == slice) {
            tile.paste(&array.weights(), &mut weights, self.tiling.cols);
        }
        weights
    }

    /// The stuck devices with what they conduct in siemens, by their address in the layer.
    pub fn stuck(&self) -> Vec<(CellAddress, f64)> {
        let own = |(array, tile): (&Crossbar, Tile)| -> Vec<(CellAddress, f64)> {
            array.stuck().iter().map(|&(at, siemens)| (address_in_layer(at, &tile), siemens)).collect()
        };
        self.tiles.iter().zip(self.tiling.tiles()).flat_map(own).collect()
    }

    /// This moment, to be gone back to with [`Grid::restore`].
    pub fn moment(&self) -> GridMoment {
        GridMoment(self.tiles.iter().map(Crossbar::moment).collect())
    }

    /// Goes back (or ahead) to a moment of these arrays or of arrays like them.
    pub fn restore(&mut self, moment: &GridMoment) {
        self.tiles.iter_mut().zip(&moment.0).for_each(|(array, moment)| array.restore(moment));
    }

    /// Lets time pass without an operation: drift and retention loss.
    pub fn age(&mut self, seconds: f64) {
        self.tiles.iter_mut().for_each(|array| array.age(seconds));
    }
}

fn address_in_layer(at: CellAddress, tile: &Tile) -> CellAddress {
    CellAddress { row: at.row + tile.first_row, col: at.col + tile.first_col, ..at }
}

fn in_layer(fault: NotFinite, tile: &Tile) -> NotFinite {
    NotFinite { at: address_in_layer(fault.at, tile), ..fault }
}
