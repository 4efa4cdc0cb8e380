//! Area of a design, block by block.

use serde::Serialize;

use super::components::Components;
use super::counts::{Lines, per_bit, register_bits};
use super::pulses::devices;
use super::shapes::Shape;
use crate::spec::{CostKey, Design, InputCoding, LEARNING_RATE_BITS, SCALE_GUARD_BITS};

/// So many of a kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Block {
    pub what: &'static str,
    pub number: f64,
    /// Square metres.
    pub each: f64,
}

/// All blocks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Area {
    /// Square metres.
    pub total: f64,
    pub blocks: Vec<Block>,
}

/// Counts the blocks of `design`, whose layers keep activations and pairs of all positions. Control logic, wires and the multiplexers before the ADCs are left out.
pub(super) fn area(design: &Design, components: &Components, shapes: &[Shape]) -> Area {
    let (array, training) = (&design.array, &design.training);
    let get = |key| components.get(key);
    let mut blocks: Vec<Block> = Vec::new();
    let mut add = |what: &'static str, number: f64, each: f64| {
        if number == 0.0 {
            return;
        }
        match blocks.iter_mut().find(|b| b.what == what && b.each == each) {
            Some(block) => block.number += number,
            None => blocks.push(Block { what, number, each }),
        }
    };
    let per_weight = devices(&design.device.model);
    let second = if training.momentum_unit.second_devices() { 2.0 } else { 1.0 };
    let amplitude = get(CostKey::DacArea) * per_bit(array.dac_bits);
    let bit = get(CostKey::BitDriveArea);
    let serial = array.input_coding == InputCoding::BitSerial;
    let lanes = array.lanes as f64;
    let multiplier = |a: u32, b: u32| get(CostKey::MultiplyArea) * f64::from(a * b) / 64.0;
    let mut bits = f64::from(array.dac_bits) * 2.0 * (design.inputs + 2 * design.outputs()) as f64;
    for (index, layer) in design.layers.iter().enumerate() {
        let (positions, pixels) = shapes.get(index).map_or((1.0, 1.0), |s| (s.positions as f64, s.pixels as f64));
        let (lines, tiles) = (Lines::of(&layer.tiling), layer.tiling.count() as f64);
        let (rows, words) = (layer.rows() as f64, layer.outputs as f64);
        let cells = rows * words;
        let references = if per_weight > 1.0 { 0.0 } else { lines.rows };
        let memristors = cells * layer.tiling.slices as f64 * per_weight * second + references;
        add("memristors", memristors, get(CostKey::CellArea));
        add("access transistors", memristors, get(CostKey::AccessArea));
        // Rows have amplitudes for writes even where reads are bit-serial, but for one row at a time.
        add("row drivers", lines.rows, if serial && training.momentum_unit.sram() { bit } else { amplitude });
        add("column drivers", lines.cols, if serial { bit } else { amplitude });
        add("ADCs", array.adcs as f64 * tiles, get(CostKey::AdcArea));
        add("sample-and-holds", lines.cols + lines.inputs, get(CostKey::SampleHoldArea));
        let adders = if tiles > 1.0 { lanes * tiles } else { 0.0 } + if serial { lanes } else { 0.0 };
        add("adders", adders, get(CostKey::AddArea));
        add("registers of line drivers", register_bits(design, layer), get(CostKey::RegisterArea));
        let factor = LEARNING_RATE_BITS + SCALE_GUARD_BITS;
        let (dac, error) = (f64::from(array.dac_bits), f64::from(array.error_bits));
        // Activations, slopes, errors.
        bits += pixels * words * (2.0 * dac + error);
        if training.ring() {
            bits += positions * training.pairs() as f64 * (layer.inputs as f64 * dac + words * error);
        }
        match (layer.digital_velocity(design), layer.transfer_format(design)) {
            (Some(format), _) => {
                bits += cells * f64::from(format.bits) * if training.rounding.stochastic() { 1.0 } else { 2.0 };
                let each = multiplier(format.bits, LEARNING_RATE_BITS)
                    + multiplier(array.dac_bits, array.error_bits)
                    + multiplier(array.dac_bits + array.error_bits, LEARNING_RATE_BITS);
                add("multipliers of velocities", lanes, each);
            }
            (None, format) => {
                bits += format.map_or(0.0, |format| cells * f64::from(format.bits));
                add("multipliers of pulse widths", lanes, multiplier(array.error_bits, factor));
            }
        }
    }
    add("activation tables", lanes, get(CostKey::TableArea));
    add("multipliers of errors", lanes, multiplier(array.adc_bits.max(array.dac_bits + 1), array.dac_bits));
    add("memory bits", bits, get(CostKey::MemoryArea));
    Area { total: blocks.iter().map(|b| b.number * b.each).sum(), blocks }
}
