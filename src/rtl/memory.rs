//! The memory controller and its wires.

use askama::Template;

use super::bits_for;
use super::core::CounterView;
use crate::phases::{MemoryCounter, Phase};
use crate::regmap::{Access, RegMap};
use crate::spec::{AMPLITUDE_BITS, COUNT_BITS, Design, Memory, SETUP_BITS, WIDTH_BITS};

#[derive(Template)]
#[template(path = "memory_ctrl.v", escape = "none")]
pub(super) struct Controller<'a> {
    name: &'a str,
    /// Last row and last column of each layer.
    layers: Vec<(usize, usize)>,
    /// Differential pairs: there is something to refresh.
    pair: bool,
    layer_bits: u32,
    row_bits: u32,
    col_bits: u32,
    cols: usize,
    adc_bits: u32,
    code_bits: u32,
    amp_bits: u32,
    width_bits: u32,
    setup_bits: u32,
    count_bits: u32,
}

/// A wire between the registers and the controller.
pub(super) struct Field {
    pub name: &'static str,
    pub port: &'static str,
    /// Verilog range, empty for one bit.
    pub bits: String,
}

/// What the top module needs to know.
pub(super) struct Wiring {
    pub fields: Vec<Field>,
    pub events: Vec<&'static str>,
    pub pair: bool,
    pub amp_bits: u32,
    pub width_bits: u32,
}

pub(super) fn controller<'a>(design: &'a Design, memory: &Memory) -> Controller<'a> {
    let layers: Vec<(usize, usize)> = design.layers.iter().map(|l| (l.rows() - 1, l.outputs - 1)).collect();
    let last = |of: fn(&(usize, usize)) -> usize| layers.iter().map(of).max().unwrap_or(0);
    Controller {
        name: &design.name,
        pair: memory.devices > 1,
        layer_bits: bits_for(layers.len() - 1),
        row_bits: bits_for(last(|l| l.0)),
        col_bits: bits_for(last(|l| l.1)),
        cols: last(|l| l.1) + 1,
        adc_bits: design.array.adc_bits,
        code_bits: memory.code_bits,
        amp_bits: AMPLITUDE_BITS,
        width_bits: WIDTH_BITS,
        setup_bits: SETUP_BITS,
        count_bits: COUNT_BITS,
        layers,
    }
}

pub(super) fn wiring(design: &Design, memory: &Memory) -> Wiring {
    let map = RegMap::for_design(design);
    let fields = map.registers.iter().flat_map(|r| &r.fields).filter(|f| f.access != Access::Constant);
    let field = |f: &crate::regmap::Field| {
        let bits = if f.width > 1 { format!("[{}:0]", f.width - 1) } else { String::new() };
        Some(Field { name: f.name, port: f.name.strip_prefix("memory_")?, bits })
    };
    Wiring {
        fields: fields.filter_map(field).collect(),
        events: events(memory),
        pair: memory.devices > 1,
        amp_bits: AMPLITUDE_BITS,
        width_bits: WIDTH_BITS,
    }
}

/// Ports by which the controller says what to count.
pub(super) fn events(memory: &Memory) -> Vec<&'static str> {
    MemoryCounter::of(memory.devices).iter().filter_map(|c| c.event()).collect()
}

/// Counters of the memory mode, each of cycles.
pub(super) fn counters(memory: &Memory, bits: u32) -> Vec<CounterView> {
    let when = |counter: &MemoryCounter| match counter.event() {
        Some(event) => event.to_string(),
        None => format!("phase == 4'd{}", Phase::Memory.code()),
    };
    MemoryCounter::of(memory.devices).iter().map(|c| CounterView::cycles(c.name(), when(c), bits)).collect()
}
