//! Askama structs of the core modules: sizes and structure that follow from the design.

use askama::Template;

use super::conv::{self, ConvErrors, ConvSizes, ConvWalk, Pool};
use super::read_path::{TableUse, act_table, activation_tables, exp_table, read_path};
use super::top::{prefix, top};
use super::{Module, bit_serial, bus, memory, momentum, pulse_table};
use crate::golden;
use crate::phases::{Counter, Phase};
use crate::regmap;
use crate::spec::{Design, Layer, MomentumUnit, Slices};

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
plain!(BankMem, "bank_mem.v");
plain!(Softmax, "softmax.v");
plain!(ColLines, "col_lines.v");

#[derive(Template)]
#[template(path = "tiles.v", escape = "none")]
struct Tiles<'a> {
    name: &'a str,
    /// Rows of second devices or of slices are read, too.
    fast: bool,
    slices: Option<Slices>,
    /// Their codes count differently.
    shifted: bool,
}

#[derive(Template)]
#[template(path = "carry.v", escape = "none")]
struct Carry<'a> {
    name: &'a str,
    batch: usize,
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
    /// Rows of second devices or of slices are read.
    fast: bool,
    sliced: bool,
    serial: bool,
    kind_bits: u32,
}

#[derive(Template)]
#[template(path = "row_driver.v", escape = "none")]
struct RowDriver<'a> {
    name: &'a str,
    /// Rows are driven one by one, too,
    single_rows: bool,
    /// and that in reads.
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
    /// The states of some layer lie in two banks of single-port memory.
    banked: bool,
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
    /// Rows are driven one by one, too, and that in reads.
    single_rows: bool,
    row_reads: bool,
    /// Several devices per weight.
    sliced: bool,
    kind_bits: u32,
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

/// Bits to hold the values `0 ..= last`, at least 1.
pub(crate) fn bits_for(last: usize) -> u32 {
    (usize::BITS - last.leading_zeros()).max(1)
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
        add("_row_lines", RowLines { name, single_rows: design.single_rows() }.render())?;
        add("_col_lines", ColLines { name }.render())?;
    } else {
        let rows = RowDriver { name, single_rows: design.single_rows(), fast: design.row_reads(), serial };
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
            fast: design.row_reads(),
            sliced: design.array.slices.is_some(),
            serial,
            kind_bits: design.kind_bits(),
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
    if design.array.slices.is_some() {
        add("_carry", Carry { name, batch: training.batch }.render())?;
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
            single_rows: design.single_rows(),
            row_reads: design.row_reads(),
            sliced: design.array.slices.is_some(),
            kind_bits: design.kind_bits(),
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
        let banked = design.banked();
        if banked {
            add("_bank_mem", BankMem { name }.render())?;
        }
        add("_array_emulated", ArrayEmulated { name, serial, lines, banked }.render())?;
    }
    if design.layers.iter().any(|layer| !layer.tiling.is_single()) {
        add(
            "_tiles",
            Tiles {
                name,
                fast: design.row_reads(),
                slices: design.array.slices,
                shifted: design.array.slices.is_some_and(|s| s.code_bits > 0),
            }
            .render(),
        )?;
    }
    add("_gear", bus::Gear { name }.render())?;
    add("_sample_in", bus::SampleIn { name }.render())?;
    add("_sample_out", bus::SampleOut { name }.render())?;
    add("_csr", regmap::RegMap::for_design(design).csr(design))?;
    add("", top(design).render())?;
    Ok(modules)
}

/// Counters of the performance block.
pub(super) fn counters(design: &Design) -> Vec<CounterView> {
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
                Counter::Slots => ("|slots_add".to_string(), padded("slots_add")),
                Counter::SlotsSkipped => ("|skipped_add".to_string(), padded("skipped_add")),
            };
            CounterView { add, ..CounterView::cycles(counter.name(), when, bits) }
        })
        .collect();
    counters.extend(design.memory.iter().flat_map(|mode| memory::counters(mode, bits)));
    counters
}
