//! The top module: sizes of layers and arrays as its template needs them.

use askama::Template;

use super::conv::{self, ConvSizes};
use super::core::counters;
use super::{bit_serial, bits_for, memory, momentum, pulse_table};
use crate::lfsr;
use crate::spec::{
    Backend, CarryFormat, Design, DigitalVelocity, InputCoding, Layer, LocalTiming, MomentumKind, MomentumUnit, Slices,
    StateMemory, Tile, TransferFormat,
};

/// Sizes of one array as the templates need them.
struct TileSizes {
    /// Prefix of its pins.
    name: String,
    slice: usize,
    grid: (usize, usize),
    first_row: usize,
    rows: usize,
    first_col: usize,
    cols: usize,
    words: usize,
    row_bits: u32,
    col_bits: u32,
    word_bits: u32,
    addr_bits: u32,
    sum_bits: u32,
}

/// Several devices per weight.
struct SliceSizes {
    count: usize,
    number_bits: u32,
    code_bits: u32,
    every: u32,
}

impl SliceSizes {
    fn new(slices: Slices) -> SliceSizes {
        let Slices { count, code_bits, every, .. } = slices;
        SliceSizes { count, number_bits: bits_for(count - 1), code_bits, every }
    }
}

/// Sizes of one layer as the templates need them.
struct LayerSizes {
    name: String,
    /// Of its modules' names behind the design's.
    prefix: &'static str,
    conv: bool,
    /// Several pairs make a step of its momentum unit, which has to know the first.
    batched: bool,
    batch_first: bool,
    /// Pairs in the ring.
    depth: usize,
    depth_bits: u32,
    inputs: usize,
    cols: usize,
    activation: &'static str,
    x_beats: usize,
    x_beat_bits: u32,
    y_beats: usize,
    y_beat_bits: u32,
    fwd_groups: usize,
    back_groups: usize,
    group_bits: u32,
    fwd_tail: usize,
    back_tail: usize,
    back: u32,
    width_shift: u32,
    pulse_table: Option<pulse_table::TableUse>,
    /// Of the unit `sram`.
    velocity: Option<DigitalVelocity>,
    /// Hexadecimal digits, where it rounds by chance.
    lfsr_seed: Option<String>,
    /// Of the unit `tiki_taka`.
    transfer: Option<TransferFormat>,
    /// Of several devices per weight.
    carry: Option<CarryFormat>,
    row_bits: u32,
    col_bits: u32,
    /// Whether it lies on several arrays, on a grid of so many rows and columns.
    tiled: bool,
    grid: (usize, usize),
    tiles: Vec<TileSizes>,
    tile_group_bits: u32,
    tile_fwd_groups: usize,
    tile_back_groups: usize,
    /// 1: the last row of the grid has the bias alone.
    bias_only: u32,
    forward_shift: u32,
    backward_shift: u32,
    write_shift: u32,
    /// 1: states in two banks of single-port memory.
    banked: u32,
}

#[derive(Template)]
#[template(path = "top.v", escape = "none")]
pub(super) struct Top<'a> {
    name: &'a str,
    shape: String,
    summary: String,
    external: bool,
    /// Codes on the lines lie in memories.
    lines: bool,
    /// Some layer's states lie in two banks of single-port memory.
    banked: bool,
    unit: MomentumUnit,
    ring: bool,
    clears: bool,
    batch: usize,
    batch_first: bool,
    /// Words of a sample, and bits of the number of one of its beats.
    inputs: usize,
    image_beat_bits: u32,
    conv: Option<ConvSizes>,
    /// Of the register for the depth.
    history_bits: u32,
    factors: Option<momentum::Factors<'a>>,
    /// Batches that a step of the unit `history` looks at, and what their factors decay from.
    ages: usize,
    age_bits: u32,
    first: &'static str,
    local: Option<LocalTiming>,
    /// Steps from one row's transfer to the next row's, of the unit `tiki_taka`.
    every: u32,
    slices: Option<SliceSizes>,
    kind_bits: u32,
    stream_words: usize,
    stream_bits: usize,
    dac_bits: usize,
    adc_bits: usize,
    error_bits: usize,
    pulse_bits: u32,
    mag_bits: usize,
    state_bits: u32,
    adcs: usize,
    lanes: usize,
    pulse_cycles: u32,
    depth_bits: u32,
    full_beats: usize,
    tail_bits: u32,
    beat_bits: u32,
    last_beat_bits: u32,
    outputs: usize,
    csr_layer_bits: u32,
    csr_row_bits: u32,
    csr_col_bits: u32,
    counters: Vec<String>,
    counter_bits: u32,
    layers: Vec<LayerSizes>,
    memory: Option<memory::Wiring>,
    serial: Option<bit_serial::Sizes>,
}

/// Bits of the number of a group of codes at the pins of a layer's arrays: that of the largest tile.
pub(crate) fn tile_group_bits(design: &Design, layer: &Layer) -> u32 {
    let Tile { inputs, cols, .. } = layer.tiling.tile(0);
    bits_for(inputs.max(cols).div_ceil(design.array.adcs) - 1)
}

/// What stands before the names of a convolution's own modules.
pub(super) fn prefix(layer: &Layer) -> &'static str {
    if layer.conv.is_some() { "conv_" } else { "" }
}

fn layer_sizes(design: &Design, index: usize, layer: &Layer) -> LayerSizes {
    let (lanes, adcs) = (design.array.lanes, design.array.adcs);
    let x_beats = layer.inputs.div_ceil(lanes);
    let y_beats = layer.outputs.div_ceil(lanes);
    let fwd_groups = layer.outputs.div_ceil(adcs);
    let back_groups = layer.inputs.div_ceil(adcs);
    let tail = |lines: usize, groups: usize| (lines - (groups - 1) * adcs).div_ceil(lanes);
    let first = layer.tiling.tile(0);
    let unit_batch = momentum::batch(&design.training, layer);
    LayerSizes {
        name: layer.name.clone(),
        prefix: prefix(layer),
        conv: layer.conv.is_some(),
        batched: unit_batch > 1,
        batch_first: momentum::batch_first(&design.training, unit_batch),
        depth: layer.pairs(&design.training),
        depth_bits: bits_for(layer.pairs(&design.training)),
        inputs: layer.inputs,
        cols: layer.outputs,
        activation: layer.activation.name(),
        x_beats,
        x_beat_bits: bits_for(x_beats - 1),
        y_beats,
        y_beat_bits: bits_for(y_beats - 1),
        fwd_groups,
        back_groups,
        group_bits: bits_for(fwd_groups.max(back_groups) - 1),
        fwd_tail: tail(layer.outputs, fwd_groups),
        back_tail: tail(layer.inputs, back_groups),
        back: u32::from(index > 0),
        width_shift: layer.shifts.width,
        pulse_table: None,
        velocity: layer.digital_velocity(design),
        lfsr_seed: design.training.rounding.stochastic().then(|| format!("{:08x}", lfsr::seed(index))),
        transfer: layer.transfer_format(design),
        carry: layer.carry_format(design),
        row_bits: bits_for(layer.rows() - 1),
        col_bits: bits_for(layer.outputs - 1),
        tiled: !layer.tiling.is_single(),
        grid: layer.tiling.grid(),
        tiles: layer.tiling.tiles().map(|tile| tile_sizes(design, layer, &tile)).collect(),
        tile_group_bits: tile_group_bits(design, layer),
        tile_fwd_groups: first.cols.div_ceil(adcs),
        tile_back_groups: first.inputs.div_ceil(adcs),
        bias_only: u32::from(layer.tiling.tiles().any(|tile| tile.inputs == 0)),
        forward_shift: layer.shifts.forward,
        backward_shift: layer.shifts.backward,
        write_shift: layer.shifts.write,
        banked: u32::from(layer.state_memory == StateMemory::SinglePort),
    }
}

fn tile_sizes(design: &Design, layer: &Layer, tile: &Tile) -> TileSizes {
    let adcs = design.array.adcs;
    let words = tile.cols.div_ceil(adcs);
    let driven = match design.array.input_coding {
        InputCoding::Amplitude => design.array.dac_bits.max(design.array.pulse_bits + 1),
        InputCoding::BitSerial => 1,
    };
    let product_bits = driven + design.device.state_bits;
    TileSizes {
        name: layer.array_name(tile),
        slice: tile.slice,
        grid: tile.grid,
        first_row: tile.first_row,
        rows: tile.rows,
        first_col: tile.first_col,
        cols: tile.cols,
        words,
        row_bits: bits_for(tile.rows - 1),
        col_bits: bits_for(tile.cols - 1),
        word_bits: bits_for(words - 1),
        addr_bits: bits_for(tile.rows * words - 1),
        sum_bits: product_bits + bits_for(tile.rows.max(words * adcs)),
    }
}

/// Bits of a beat number of the longest vector that leaves a layer.
pub(crate) fn max_beat_bits(design: &Design) -> u32 {
    let longest = design.layers.iter().map(Layer::words).max().unwrap_or(1);
    bits_for(longest.div_ceil(design.array.lanes) - 1)
}

pub(super) fn top(design: &Design) -> Top<'_> {
    let array = &design.array;
    let mut layers: Vec<LayerSizes> =
        design.layers.iter().enumerate().map(|(i, l)| layer_sizes(design, i, l)).collect();
    for (layer, table) in layers.iter_mut().zip(pulse_table::uses(design)) {
        layer.pulse_table = Some(table);
    }
    let full_beats = array.adcs.div_ceil(array.lanes);
    let widths: Vec<String> =
        std::iter::once(design.inputs).chain(design.layers.iter().map(Layer::words)).map(|n| n.to_string()).collect();
    let max = |f: fn(&LayerSizes) -> u32| layers.iter().map(f).max().unwrap_or(1);
    Top {
        name: &design.name,
        shape: widths.join("-"),
        summary: format!(
            "Momentum unit {}{}, {} lanes, {} ADCs per array, {} array.",
            design.training.momentum_unit.name(),
            match design.training.momentum_kind {
                MomentumKind::Classical => String::new(),
                kind => format!(" ({})", kind.name()),
            },
            array.lanes,
            array.adcs,
            if array.backend == Backend::External { "external" } else { "emulated" }
        ),
        external: array.backend == Backend::External,
        lines: array.backend.lines_in_memory(),
        banked: design.banked(),
        unit: design.training.momentum_unit,
        ring: design.training.ring(),
        clears: momentum::clears(&design.training),
        batch: design.training.batch,
        batch_first: momentum::batch_first(&design.training, design.training.batch),
        inputs: design.inputs,
        image_beat_bits: conv::image_beat_bits(design),
        conv: ConvSizes::new(design),
        history_bits: bits_for(design.training.history),
        factors: momentum::Factors::new(design),
        ages: momentum::ages(&design.training),
        age_bits: bits_for(momentum::ages(&design.training) - 1),
        first: momentum::decays_from(design),
        local: design.timing.local,
        every: design.training.transfer.map_or(1, |transfer| transfer.every),
        slices: array.slices.map(SliceSizes::new),
        kind_bits: design.kind_bits(),
        stream_words: design.stream_words(),
        stream_bits: 64 / design.stream_words(),
        dac_bits: array.dac_bits as usize,
        adc_bits: array.adc_bits as usize,
        error_bits: array.error_bits as usize,
        pulse_bits: array.pulse_bits,
        mag_bits: array.pulse_bits.max(array.dac_bits - 1) as usize,
        state_bits: design.device.state_bits,
        adcs: array.adcs,
        lanes: array.lanes,
        pulse_cycles: design.timing.pulse_lsb,
        depth_bits: bits_for(design.training.pairs()),
        full_beats,
        tail_bits: bits_for(full_beats),
        beat_bits: max_beat_bits(design),
        last_beat_bits: bits_for(design.outputs().div_ceil(array.lanes) - 1),
        outputs: design.outputs(),
        csr_layer_bits: bits_for(layers.len() - 1),
        csr_row_bits: max(|l| l.row_bits),
        csr_col_bits: max(|l| l.col_bits),
        counter_bits: design.counter_bits(),
        counters: counters(design).into_iter().map(|counter| counter.name).collect(),
        layers,
        memory: design.memory.as_ref().map(|mode| memory::wiring(design, mode)),
        serial: bit_serial::Sizes::new(design),
    }
}
