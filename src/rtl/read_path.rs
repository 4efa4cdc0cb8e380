//! Bindings of the read path and of what stands in it: tables of activations, the exponential and the softmax.

use askama::Template;

use super::conv::PoolUse;
use super::{bits_for, max_beat_bits};
use crate::golden::{self, ActivationTable};
use crate::spec::{Activation, Design, Layer};

#[derive(Template)]
#[template(path = "act_table.v", escape = "none")]
pub(super) struct ActTable {
    module: String,
    function: String,
    adc_bits: u32,
    dac_bits: u32,
    read_range: f64,
    output_range: f64,
    full_slope: u32,
    slope_range: f64,
    entries: Vec<String>,
}

#[derive(Template)]
#[template(path = "exp_table.v", escape = "none")]
pub(super) struct ExpTable<'a> {
    name: &'a str,
    adc_bits: u32,
    exp_bits: u32,
    read_range: f64,
    /// Entry of a distance of 0.
    one: u32,
    entries: Vec<String>,
}

pub(super) struct TableUse {
    pub suffix: String,
    /// One bit per layer, last layer first, as a binary number.
    mask: String,
}

/// Nets that hold activations and slopes of some layers.
struct Source {
    activation: String,
    slope: String,
    /// As in [`TableUse`].
    mask: String,
}

/// Nets of the stage at which all activations have come together.
struct Stage {
    valid: &'static str,
    last: &'static str,
    beat: &'static str,
}

/// The softmax as the read path needs it.
struct SoftmaxUse {
    format: crate::spec::Softmax,
    outputs: usize,
    beats: usize,
    beat_bits: u32,
    /// Cycles by which the last activation is later than from a table.
    delay: u64,
    /// Its beat numbers, at the width of the read path's.
    beat: String,
    next: String,
}

#[derive(Template)]
#[template(path = "read_path.v", escape = "none")]
pub(super) struct ReadPath<'a> {
    name: &'a str,
    /// A register behind the multipliers, and the prefix of the stage that has the product.
    deep: bool,
    product: &'static str,
    /// Prefix of the stage that takes the operands.
    first: &'static str,
    /// Prefix of the last stage.
    out: &'static str,
    layers: usize,
    lanes: usize,
    /// Lanes with a word in some layer's vector.
    used: usize,
    multi: bool,
    tables: &'a [TableUse],
    softmax: Option<SoftmaxUse>,
    pool: Option<PoolUse>,
    sources: Vec<Source>,
    s1: Stage,
    slope_depth: usize,
    slope_addr_bits: u32,
    slope_bases: Vec<usize>,
    slope_wr_beat: String,
    slope_rd_beat: String,
    lane_masks: Vec<String>,
    /// Shift and the mask of the layers that use it.
    error_shifts: Vec<(u32, String)>,
}

/// Distinct tables; layers with the same function and full scales share one.
pub(super) fn activation_tables(design: &Design) -> Vec<(TableUse, &Layer)> {
    let mut tables: Vec<(&Layer, Vec<usize>)> = Vec::new();
    let key = |l: &Layer| (l.activation, l.ranges.read, l.ranges.output, l.ranges.slope);
    let with_table = design.layers.iter().enumerate().filter(|(_, layer)| layer.activation != Activation::Softmax);
    for (index, layer) in with_table {
        match tables.iter_mut().find(|(l, _)| key(l) == key(layer)) {
            Some((_, users)) => users.push(index),
            None => tables.push((layer, vec![index])),
        }
    }
    let same_function = |a: Activation| tables.iter().filter(|(l, _)| l.activation == a).count();
    tables
        .iter()
        .map(|(layer, users)| {
            // The first user's name tells tables of one function apart.
            let function = layer.activation.name();
            let suffix = match same_function(layer.activation) {
                1 => function.to_string(),
                _ => format!("{function}_{}", layer.name),
            };
            (TableUse { suffix, mask: layer_mask(design.layers.len(), users) }, *layer)
        })
        .collect()
}

pub(super) fn layer_mask(layers: usize, users: &[usize]) -> String {
    (0..layers).rev().map(|l| if users.contains(&l) { '1' } else { '0' }).collect()
}

pub(super) fn act_table(design: &Design, layer: &Layer, suffix: &str) -> ActTable {
    let table = ActivationTable::new(design, layer);
    let dac = design.array.dac_bits;
    let mask = (1u32 << dac) - 1;
    let digits = (2 * dac).div_ceil(4) as usize;
    let words = table.activation.iter().zip(&table.slope);
    ActTable {
        module: format!("{}_act_{suffix}", design.name),
        function: layer.activation.name().to_string(),
        adc_bits: design.array.adc_bits,
        dac_bits: dac,
        read_range: 2f64.powi(layer.ranges.read),
        output_range: 2f64.powi(layer.ranges.output),
        full_slope: 1 << (dac - 1),
        slope_range: 2f64.powi(layer.ranges.slope),
        entries: words.map(|(&a, &s)| format!("{:0digits$x}", (s as u32) << dac | (a as u32 & mask))).collect(),
    }
}

pub(super) fn exp_table<'a>(design: &'a Design, layer: &Layer, softmax: &golden::Softmax) -> ExpTable<'a> {
    let entries = softmax.exponentials();
    let exp_bits = layer.softmax(design).map_or(0, |format| format.exp_bits);
    let digits = exp_bits.div_ceil(4) as usize;
    ExpTable {
        name: &design.name,
        adc_bits: design.array.adc_bits,
        exp_bits,
        read_range: 2f64.powi(layer.ranges.read),
        one: entries[0],
        entries: entries.iter().map(|e| format!("{e:0digits$x}")).collect(),
    }
}

/// `None` for other activations of the output layer.
fn softmax_use(design: &Design) -> Option<SoftmaxUse> {
    let layer = design.layers.last()?;
    let beats = layer.outputs.div_ceil(design.array.lanes);
    let beat_bits = bits_for(beats - 1);
    let missing = max_beat_bits(design) - beat_bits;
    let wide = |net: &str| if missing == 0 { net.to_owned() } else { format!("{{{missing}'d0, {net}}}") };
    Some(SoftmaxUse {
        format: layer.softmax(design)?,
        outputs: layer.outputs,
        beats,
        beat_bits,
        delay: crate::cycles::softmax_delay(design),
        beat: wide("soft_beat"),
        next: wide("soft_next"),
    })
}

pub(super) fn read_path<'a>(design: &'a Design, tables: &'a [TableUse]) -> ReadPath<'a> {
    let lanes = design.array.lanes;
    let count = design.layers.len();
    let hidden = &design.layers[..count - 1];
    let mut slope_bases = Vec::new();
    let mut slope_depth = 0;
    for layer in hidden {
        slope_bases.push(slope_depth);
        slope_depth += layer.words().div_ceil(lanes);
    }
    let slope_addr_bits = bits_for(slope_depth.max(1) - 1);
    let beat_bits = max_beat_bits(design);
    // Address and beat number differ in width; take or pad the beat's bits.
    let beat = |signal: &str| {
        if beat_bits > slope_addr_bits {
            format!("{signal}[{}:0]", slope_addr_bits - 1)
        } else if beat_bits == slope_addr_bits {
            signal.to_string()
        } else {
            format!("{{{}'d0, {signal}}}", slope_addr_bits - beat_bits)
        }
    };
    let lane_masks = design.layers.iter().map(|l| {
        let used = (l.words() - 1) % lanes + 1;
        (0..lanes).rev().map(|k| if k < used { '1' } else { '0' }).collect()
    });
    let mut error_shifts: Vec<(u32, Vec<usize>)> = Vec::new();
    for (index, layer) in design.layers.iter().enumerate() {
        match error_shifts.iter_mut().find(|(shift, _)| *shift == layer.shifts.error) {
            Some((_, users)) => users.push(index),
            None => error_shifts.push((layer.shifts.error, vec![index])),
        }
    }
    let softmax = softmax_use(design);
    let table = |t: &TableUse| Source {
        activation: format!("act_{}", t.suffix),
        slope: format!("slope_{}", t.suffix),
        mask: t.mask.clone(),
    };
    let mut sources: Vec<Source> = tables.iter().map(table).collect();
    let mut s1 = Stage { valid: "s1_valid_q", last: "s1_last_q", beat: "s1_beat_q" };
    if softmax.is_some() {
        let mask = layer_mask(count, &[count - 1]);
        sources.push(Source { activation: "soft_act".to_owned(), slope: "slope_one".to_owned(), mask });
        s1 = Stage { valid: "s1_valid", last: "s1_last", beat: "s1_beat" };
    }
    let deep = design.array.backend.lines_in_memory();
    ReadPath {
        name: &design.name,
        deep,
        product: if deep { "p" } else { "s2" },
        first: if deep { "l" } else { "s2" },
        out: if deep { "s4" } else { "s3" },
        layers: count,
        lanes,
        used: lanes.min(design.layers.iter().map(Layer::words).max().unwrap_or(lanes)),
        multi: count > 1,
        tables,
        softmax,
        pool: PoolUse::new(design),
        sources,
        s1,
        slope_depth,
        slope_addr_bits,
        slope_bases,
        slope_wr_beat: beat("s1_beat_q"),
        slope_rd_beat: beat("s0_beat_q"),
        lane_masks: lane_masks.collect(),
        error_shifts: error_shifts.into_iter().map(|(s, users)| (s, layer_mask(count, &users))).collect(),
    }
}
