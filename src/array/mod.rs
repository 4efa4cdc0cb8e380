//! A crossbar: the cells of one layer with the periphery that turns sums into ADC codes.

use crate::device::{Device, Ideal};
use crate::fixed;
use crate::spec::{Design, DeviceModel, Layer};

/// The array of one layer: `inputs + 1` rows (the last is the bias) by `outputs` columns.
pub struct Crossbar {
    rows: usize,
    cols: usize,
    adc_bits: u32,
    forward_shift: u32,
    backward_shift: u32,
    device: Box<dyn Device>,
    sums: Vec<i64>,
}

impl Crossbar {
    /// The array of `layer` with all cells at zero.
    pub fn new(design: &Design, layer: &Layer) -> Self {
        let (rows, cols) = (layer.rows(), layer.outputs);
        let device: Box<dyn Device> = match design.device.model {
            DeviceModel::Ideal => Box::new(Ideal::new(rows, cols, design.device.state_bits, layer.shifts.write)),
        };
        Crossbar {
            rows,
            cols,
            adc_bits: design.array.adc_bits,
            forward_shift: layer.shifts.forward,
            backward_shift: layer.shifts.backward,
            device,
            sums: vec![0; rows.max(cols)],
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Forward read: row codes `x` (all rows) to the ADC codes of all columns.
    pub fn read_forward(&mut self, x: &[i32], codes: &mut Vec<i32>) {
        let sums = &mut self.sums[..self.cols];
        self.device.read_columns(x, sums);
        convert(sums, self.forward_shift, self.adc_bits, codes);
    }

    /// Transposed read: column codes `u` to the ADC codes of all rows but the bias.
    pub fn read_transposed(&mut self, u: &[i32], codes: &mut Vec<i32>) {
        let sums = &mut self.sums[..self.rows - 1];
        self.device.read_rows(u, sums);
        convert(sums, self.backward_shift, self.adc_bits, codes);
    }

    /// Rank-1 write: row codes `x` and signed pulse widths in units of the shortest pulse.
    pub fn write(&mut self, x: &[i32], pulses: &[i32]) {
        self.device.write(x, pulses);
    }

    /// Cell states, row-major.
    pub fn states(&self) -> &[i32] {
        self.device.states()
    }

    /// Sets all cell states, row-major.
    pub fn load(&mut self, states: &[i32]) {
        self.device.load(states);
    }
}

fn convert(sums: &[i64], shift: u32, adc_bits: u32, codes: &mut Vec<i32>) {
    codes.clear();
    codes.extend(sums.iter().map(|&v| fixed::saturate(fixed::round_shift(v, shift), adc_bits) as i32));
}
