//! Askama structs of the core modules: sizes and structure that follow from the design.

use askama::Template;

use super::conv::{self, ConvErrors, ConvSizes, ConvWalk, Pool};
use super::read_path::{TableUse, act_table, activation_tables, exp_table, read_path};
use super::{Module, bit_serial, bus, memory, momentum, pulse_table};
use crate::golden;
use crate::lfsr;
use crate::phases::{Counter, Phase};
use crate::regmap;
use crate::spec::{
    Backend, Design, DigitalVelocity, InputCoding, Layer, LocalTiming, MomentumKind, MomentumUnit, Tile, TransferFormat,
};

/// Modules without own bindings but the name: plain parametric Verilog.
macro_rules! plain {
    ($type:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        struct $type<'a> {
            name: &'a str,
        }
    };
}
plain!(VectorMem, "vector_mem.v");
plain!(Softmax, "softmax.v");
plain!(ColLines, "col_lines.v");

#[derive(Template)]
#[template(path = "tiles.v", escape = "none")]
struct Tiles<'a> {
    name: &'a str,
    /// Second devices are read, too.
    fast: bool,
}

#[derive(Template)]
#[template(path = "array_port.v", escape = "none")]
struct ArrayPort<'a> {
    name: &'a str,
    memory: bool,
    /// The macro's cells do something by themselves: decay and transfer.
    local: bool,
    /// Both devices of a cell are written.
    nesterov: bool,
    /// Second devices are read.
    fast: bool,
    serial: bool,
    kind_bits: u32,
}

#[derive(Template)]
#[template(path = "row_driver.v", escape = "none")]
struct RowDriver<'a> {
    name: &'a str,
    /// Rows are driven one by one, too,
    single_rows: bool,
    /// and that in reads of second devices.
    fast: bool,
    /// Reads are bit-serial.
    serial: bool,
}

#[derive(Template)]
#[template(path = "col_driver.v", escape = "none")]
struct ColDriver<'a> {
    name: &'a str,
    serial: bool,
}

#[derive(Template)]
#[template(path = "col_pulse.v", escape = "none")]
struct ColPulse<'a> {
    name: &'a str,
    serial: bool,
}

#[derive(Template)]
#[template(path = "array_emulated.v", escape = "none")]
struct ArrayEmulated<'a> {
    name: &'a str,
    serial: bool,
    /// It reads the codes on its lines from memories.
    lines: bool,
}

#[derive(Template)]
#[template(path = "row_lines.v", escape = "none")]
struct RowLines<'a> {
    name: &'a str,
    single_rows: bool,
}

#[derive(Template)]
#[template(path = "layer.v", escape = "none")]
struct LayerTemplate<'a> {
    name: &'a str,
    /// Of its modules' names behind the design's.
    prefix: &'a str,
    conv: bool,
    unit: MomentumUnit,
    /// The momentum unit's module.
    module: &'a str,
    /// It keeps pairs in a ring.
    ring: bool,
    /// It has something to forget.
    clears: bool,
    batch: usize,
    batch_bits: u32,
    batch_first: bool,
    /// Batches that a step looks at.
    ages: usize,
    age_bits: u32,
    nesterov: bool,
    memory: bool,
    pulse_table: bool,
    serial: bool,
    /// The unit `sram` rounds by chance.
    stochastic: bool,
    /// Codes on the lines lie in memories.
    lines: bool,
}

#[derive(Template)]
#[template(path = "sequencer.v", escape = "none")]
struct Sequencer<'a> {
    name: &'a str,
    conv: bool,
    phases: Vec<(String, u32)>,
    memory: bool,
    batch: usize,
    batch_bits: u32,
    /// The first sample of a batch is announced, too.
    batch_first: bool,
}

#[derive(Template)]
#[template(path = "perf.v", escape = "none")]
struct Perf<'a> {
    name: &'a str,
    counters: Vec<CounterView>,
    bits: u32,
    /// Events of the memory controller.
    memory: Vec<&'static str>,
}

/// A counter of the performance block: in cycles with `when` it moves on by `add`.
pub(super) struct CounterView {
    pub(super) name: String,
    pub(super) when: String,
    pub(super) add: String,
}

impl CounterView {
    /// One of the cycles in which a condition holds.
    pub(super) fn cycles(name: &str, when: String, bits: u32) -> CounterView {
        CounterView { name: format!("count_{name}"), when, add: format!("{bits}'d1") }
    }
}

/// Sizes of one array as the templates need them.
struct TileSizes {
    /// Prefix of its pins.
    name: String,
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
}

#[derive(Template)]
#[template(path = "top.v", escape = "none")]
struct Top<'a> {
    name: &'a str,
    shape: String,
    summary: String,
    external: bool,
    /// Codes on the lines lie in memories.
    lines: bool,
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

/// Bits to hold the values `0 ..= last`, at least 1.
pub(crate) fn bits_for(last: usize) -> u32 {
    (usize::BITS - last.leading_zeros()).max(1)
}

/// Bits of the number of a group of codes at the pins of a layer's arrays: that of the largest tile.
pub(crate) fn tile_group_bits(design: &Design, layer: &Layer) -> u32 {
    let Tile { inputs, cols, .. } = layer.tiling.tile(0);
    bits_for(inputs.max(cols).div_ceil(design.array.adcs) - 1)
}

/// What stands before the names of a convolution's own modules.
fn prefix(layer: &Layer) -> &'static str {
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

/// Renders every module, top last.
pub(super) fn render(design: &Design) -> Result<Vec<Module>, askama::Error> {
    let name = design.name.as_str();
    let unit = design.training.momentum_unit;
    let mut modules = Vec::new();
    let mut add = |suffix: &str, text: Result<String, askama::Error>| -> Result<(), askama::Error> {
        modules.push(Module { name: format!("{name}{suffix}"), text: text? });
        Ok(())
    };

    add("_vector_mem", VectorMem { name }.render())?;
    let serial = design.array.input_coding.bit_serial();
    let lines = design.array.backend.lines_in_memory();
    if lines {
        add("_row_lines", RowLines { name, single_rows: unit.single_rows() }.render())?;
        add("_col_lines", ColLines { name }.render())?;
    } else {
        let rows = RowDriver { name, single_rows: unit.single_rows(), fast: unit.tiki_taka(), serial };
        add("_row_driver", rows.render())?;
        add("_col_pulse", ColPulse { name, serial }.render())?;
        add("_col_driver", ColDriver { name, serial }.render())?;
    }
    let with_memory = design.memory.is_some();
    add(
        "_array_port",
        ArrayPort {
            name,
            memory: with_memory,
            local: unit.in_array(),
            nesterov: design.training.momentum_kind.nesterov(),
            fast: unit.tiki_taka(),
            serial,
            kind_bits: unit.kind_bits(),
        }
        .render(),
    )?;
    let tables = pulse_table::PulseTables::new(design);
    let pulse_table = tables.is_some();
    if let Some(tables) = tables {
        add("_pulse_table", tables.render())?;
    }
    let training = &design.training;
    let module = momentum::module(training);
    // Layers of a kind share their modules.
    let last = design.layers.iter().rev().take(1);
    let kinds: Vec<&Layer> = conv::of(design).map(|(layer, _)| layer).into_iter().chain(last).collect();
    for layer in &kinds {
        let prefix = prefix(layer);
        add(&format!("_{prefix}momentum_{module}"), momentum::unit(design, layer, prefix, pulse_table))?;
    }
    let factors = momentum::Factors::new(design);
    if let Some(factors) = &factors {
        add("_momentum_factors", factors.render())?;
    }
    if let Some(decay) = momentum::Decay::new(design) {
        add("_momentum_decay", decay.render())?;
    }
    for layer in kinds {
        let batch = momentum::batch(training, layer);
        let text = LayerTemplate {
            name,
            prefix: prefix(layer),
            conv: layer.conv.is_some(),
            unit,
            module,
            ring: training.ring(),
            clears: momentum::clears(training),
            batch,
            batch_bits: bits_for(batch - 1),
            batch_first: momentum::batch_first(training, batch),
            ages: momentum::ages(training),
            age_bits: bits_for(momentum::ages(training) - 1),
            nesterov: design.training.momentum_kind.nesterov(),
            stochastic: design.training.rounding.stochastic(),
            memory: with_memory,
            pulse_table,
            serial,
            lines,
        };
        add(&format!("_{}layer", prefix(layer)), text.render())?;
    }
    if let Some(pool) = Pool::new(design) {
        add("_pool", pool.render())?;
    }
    if let Some(sizes) = ConvSizes::new(design) {
        add(
            "_conv_walk",
            ConvWalk {
                name,
                lanes: design.array.lanes,
                count_wider: sizes.count_bits > sizes.word_bits,
                count_same: sizes.count_bits == sizes.word_bits,
            }
            .render(),
        )?;
        add("_conv_errors", ConvErrors { name, winners: sizes.winners }.render())?;
    }

    let tables = activation_tables(design);
    for (table, layer) in &tables {
        add(&format!("_act_{}", table.suffix), act_table(design, layer, &table.suffix).render())?;
    }
    let output = design.layers.last();
    if let Some((layer, softmax)) = output.and_then(|layer| Some((layer, golden::Softmax::new(design, layer)?))) {
        add("_exp_table", exp_table(design, layer, &softmax).render())?;
        add("_softmax", Softmax { name }.render())?;
    }
    if let Some(shift_add) = bit_serial::shift_add(design) {
        add("_shift_add", shift_add.render())?;
    }
    let uses: Vec<TableUse> = tables.into_iter().map(|(u, _)| u).collect();
    add("_read_path", read_path(design, &uses).render())?;

    let phases = Phase::of(with_memory).iter().map(|p| (p.name().to_uppercase(), p.code())).collect();
    let sequencer = Sequencer {
        name,
        conv: conv::of(design).is_some(),
        phases,
        memory: with_memory,
        batch: training.batch,
        batch_bits: bits_for(training.batch - 1),
        batch_first: momentum::batch_first(training, training.batch),
    };
    add("_sequencer", sequencer.render())?;
    let events = design.memory.as_ref().map_or(Vec::new(), memory::events);
    add("_perf", Perf { name, counters: counters(design), bits: design.counter_bits(), memory: events }.render())?;
    if let Some(mode) = &design.memory {
        add("_memory_ctrl", memory::controller(design, mode).render())?;
    }
    if design.array.backend.emulated() {
        add("_array_emulated", ArrayEmulated { name, serial, lines }.render())?;
    }
    if design.layers.iter().any(|layer| !layer.tiling.is_single()) {
        add("_tiles", Tiles { name, fast: unit.tiki_taka() }.render())?;
    }
    add("_gear", bus::Gear { name }.render())?;
    add("_sample_in", bus::SampleIn { name }.render())?;
    add("_sample_out", bus::SampleOut { name }.render())?;
    add("_csr", regmap::RegMap::for_design(design).csr(design))?;
    add("", top(design).render())?;
    Ok(modules)
}

/// Counters of the performance block.
fn counters(design: &Design) -> Vec<CounterView> {
    let bits = design.counter_bits();
    let one = || format!("{bits}'d1");
    let padded = |events: &str| format!("{{{{({bits} - ADD_BITS) {{1'b0}}}}, {events}}}");
    let mut counters: Vec<CounterView> = Counter::ALL
        .iter()
        .map(|&counter| {
            let (when, add) = match counter {
                Counter::Cycles => ("phase != 4'd0".to_string(), one()),
                Counter::Phase(phase) => (format!("phase == 4'd{}", phase.code()), one()),
                Counter::ArrayBusy => ("array_busy".to_string(), one()),
                Counter::Samples => ("sample_end".to_string(), one()),
                Counter::Slots => ("|slot_start".to_string(), padded("slots_add")),
                Counter::SlotsSkipped => ("|slot_skipped".to_string(), padded("skipped_add")),
            };
            CounterView { add, ..CounterView::cycles(counter.name(), when, bits) }
        })
        .collect();
    counters.extend(design.memory.iter().flat_map(|mode| memory::counters(mode, bits)));
    counters
}

/// Bits of a beat number of the longest vector that leaves a layer.
pub(crate) fn max_beat_bits(design: &Design) -> u32 {
    let longest = design.layers.iter().map(Layer::words).max().unwrap_or(1);
    bits_for(longest.div_ceil(design.array.lanes) - 1)
}

fn top(design: &Design) -> Top<'_> {
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
