//! The schema and the way from a parsed document to the design.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::checks::{self, Places};
use super::defaults;
use super::derive::{LayerParams, Params, SCALE_LIMIT};
use super::error::{Code, Problem, Span};
use super::ident::{self, BadName, MAX_NAME};
use super::reader::{Entry, Found, Reader, Section};
use super::sections::{self, ArrayEntry};
use super::{
    Activation, Array, Design, Device, InputCoding, Layer, Loss, NonIdeal, Shifts, StateMemory, Tiling, coding, conv,
    cost, device, engine, memory, nonideal, schedule, slices,
};

pub(super) type Schema = &'static [(&'static str, &'static [&'static str])];

const TOP: &[&str] = &["name", "network", "training", "array", "device", "timing", "memory", "cost", "data"];
const NETWORK: &[&str] = &["inputs", "image", "layers"];
const LAYER: &[&str] = &[
    "name",
    "outputs",
    "activation",
    "kernel",
    "stride",
    "pool",
    "pooling",
    "weight_range",
    "read_range",
    "output_range",
    "error_range",
    "back_range",
    "max_update",
    "read_plane_range",
    "back_plane_range",
];
const TRAINING: &[&str] = &[
    "loss",
    "optimizer",
    "learning_rate",
    "momentum",
    "momentum_unit",
    "momentum_kind",
    "batch",
    "history",
    "velocity_guard",
    "rounding",
    "transfer_every",
    "transfer_divisor",
    "fast_range",
    "epochs",
    "schedule",
    "seed",
    "initial_weight",
];
const ARRAY: &[&str] = &[
    "input_coding",
    "dac_bits",
    "adc_bits",
    "pulse_bits",
    "error_bits",
    "adcs",
    "lanes",
    "rows",
    "cols",
    "slices",
    "slice_ratio",
    "slice_code_ratio",
    "carry_every",
    "backend",
    "state_memory",
    "weight_range",
    "nonideal",
];
const TIMING: &[&str] = &["clock", "read_settle", "adc_conversion", "pulse_lsb", "decay", "transfer"];
const DATA: &[&str] = &["set", "idx", "csv", "test_fraction"];
pub(super) const IDX: &[&str] = &["images", "labels"];

/// Every section with its keys.
pub(super) const SCHEMA: Schema = &[
    ("the top level", TOP),
    ("[network]", NETWORK),
    ("image", conv::IMAGE),
    ("layers", LAYER),
    ("[training]", TRAINING),
    ("[[training.schedule]]", schedule::KEYS),
    ("[array]", ARRAY),
    ("[array.nonideal]", nonideal::KEYS),
    ("[device]", device::KEYS),
    ("[timing]", TIMING),
    ("[memory]", memory::KEYS),
    ("set", memory::RAMP_KEYS),
    ("[cost]", cost::COST_KEYS),
    ("[data]", DATA),
    ("idx", IDX),
];

const LAYER_HELP: &str = "write each layer as `{ outputs = 32, activation = \"sigmoid\" }`";
/// Most words of a vector: their count fits 16 bits.
pub(super) const MAX_WORDS: i64 = 65_535;
/// Pins of the clock and of the buses, which layer names must not imitate.
const RESERVED: &[&str] = &["aclk", "aresetn"];
const RESERVED_PREFIXES: &[&str] = &["s_axi", "m_axi"];

/// A layer as read, before ranges follow.
struct LayerEntry {
    /// The default where the user's name cannot be read.
    name: String,
    name_span: Option<Span>,
    span: Option<Span>,
    /// `None` where a key is wrong.
    params: Option<LayerParams>,
}

/// Reads the document and reports every problem; `None` when there was one. The design's hash is still empty.
pub(super) fn design(reader: &Reader<'_>, table: &DeTable<'_>, base_dir: &Path) -> Option<Design> {
    // What the whole file lacks is shown at its start.
    let top = Section::new(reader, String::new(), Some(table), Some(0..0), TOP);
    let name = design_name(reader, &top);
    let network = top.section("network", NETWORK);
    let image = conv::image(&network);
    let inputs = inputs(&network, image.as_ref());
    let array_section = top.section("array", ARRAY);
    let array = sections::array(reader, &array_section);
    let imperfect = array_section.get("nonideal").map(|_| array_section.section("nonideal", nonideal::KEYS));
    let section = top.section("device", device::KEYS);
    let model = device::read(reader, &section, base_dir);
    let state_bits = section.width("state_bits", 4..=32).or(defaults::STATE_BITS);
    let training = sections::training(reader, &top.section("training", TRAINING));
    let coding = array.coding.as_ref().map(|coding| coding.value);
    let context = LayerContext { image: image.as_ref(), weight: array.weight, loss: training.loss(), coding };
    let layers = layers(reader, &network, inputs.as_ref().map(|n| n.value), &context);
    let unit = training.unit();
    let timing = sections::timing(reader, &top.section("timing", TIMING), unit);
    let data = sections::data(reader, &top.section("data", DATA), base_dir);
    let cost_section = top.section("cost", cost::COST_KEYS);
    let cost = cost::read(&cost_section);
    if let Some(model) = &model {
        cost::check(reader, &cost_section, &model.value);
    }

    let memory = top.get("memory").map(|_| top.section("memory", memory::KEYS));

    let layers = layers?;
    conv::image_fits(
        reader,
        image.as_ref().and_then(Option::as_ref),
        inputs.as_ref(),
        network.get("layers").is_none() || kernels(&network),
    );
    layer_names(reader, &layers, name.as_deref());
    if let (Some(data), Some(inputs)) = (&data, &inputs) {
        let last = layers.last().and_then(|l| Some((l.params.as_ref()?.outputs, l.span.clone())));
        sections::data_shape(reader, data, inputs, last);
    }
    sections::initial_weight(
        reader,
        &training,
        layers.iter().filter_map(|l| Some((l.name.as_str(), l.span.clone(), l.params.as_ref()?.weight))),
    );

    let engines = training.engine();
    let backend_place = array.backend.as_ref().and_then(|v| v.span.clone());
    sections::state_memory(reader, &array);
    let slices_places = array.slices.as_ref().map(slices::SlicesEntry::spans).unwrap_or_default();
    let places = Places {
        dac_bits: array.dac.as_ref().and_then(|v| v.span.clone()),
        adc_bits: array.adc.as_ref().and_then(|v| v.span.clone()),
        pulse_bits: array.pulse.as_ref().and_then(|v| v.span.clone()),
        error_bits: array.error.as_ref().and_then(|v| v.span.clone()),
        rows: array.rows.as_ref().and_then(|v| v.span.clone()),
        cols: array.cols.as_ref().and_then(|v| v.span.clone()),
        adcs: array.adcs.as_ref().and_then(|v| v.span.clone()),
        state_bits: state_bits.as_ref().and_then(|v| v.span.clone()),
        learning_rate: training.learning_rate.as_ref().and_then(|v| v.span.clone()),
        layers: layers.iter().map(|l| (l.name.clone(), l.span.clone())).collect(),
    };
    let lanes_place = array.lanes.as_ref().and_then(|v| v.span.clone());
    let error_bits = array.error.as_ref().map(|e| e.value);
    let params = Params {
        array: widths(array)?,
        error_bits: error_bits?,
        state_bits: state_bits?.value,
        learning_rate: training.learning_rate.as_ref()?.value,
        factor: training.factor()?,
        scheduled: training.scheduled()?,
        layers: layers.into_iter().map(|l| l.params).collect::<Option<_>>()?,
    };
    device::backend(reader, &model, params.array.backend);
    let cut = checks::tiles(&params, &places);
    if !cut.is_empty() {
        cut.into_iter().for_each(|p| reader.report(p));
        return None;
    }
    checks::stray_range(&params, &places).into_iter().for_each(|p| reader.report(p));
    coding::planes(&params, &places).into_iter().for_each(|p| reader.report(p));
    checks::accumulators(&params, &places).into_iter().for_each(|p| reader.report(p));
    checks::shifts(&params, &places).into_iter().for_each(|p| reader.report(p));

    let model = model?;
    let settings = training.complete();
    let mut design = Design {
        name: name?,
        inputs: inputs?.value,
        layers: assemble(&params, &places)?,
        training: settings?,
        array: params.array(),
        nonideal: NonIdeal::default(),
        device: Device { model: model.value, state_bits: params.state_bits },
        timing: timing?,
        memory: None,
        cost,
        data: data?.data,
        spec_hash: String::new(),
    };
    let with_memory = memory.as_ref().map(|section| section.span.clone());
    engine::check(reader, &mut design, &engines, with_memory.clone());
    slices::check(reader, &design, &slices_places, with_memory);
    schedule::check(reader, &design, training.schedule()?);
    device::drives(reader, &section, &design, model.span, &places.layers);
    let imperfect = imperfect.map(|section| nonideal::read(reader, &section, &design, base_dir));
    if let Some(section) = memory {
        design.memory = Some(memory::read(reader, &section, &design)?);
    }
    if let Some(imperfect) = imperfect {
        design.nonideal = imperfect?;
    }
    conv::check(reader, &design, places.layers[0].1.clone(), lanes_place, backend_place.clone());
    if let Some((why, help)) = design.fpga_obstacle() {
        reader.report(Problem::new(Code::DeviceBackend, why).at(backend_place, "").help(help));
    }
    Some(design)
}

fn widths(entry: ArrayEntry) -> Option<Array> {
    Some(Array {
        input_coding: entry.coding?.value,
        dac_bits: entry.dac?.value,
        adc_bits: entry.adc?.value,
        pulse_bits: entry.pulse?.value,
        // Filled in by `Params::array`, which knows what it follows from.
        error_bits: 0,
        adcs: entry.adcs?.value as usize,
        lanes: entry.lanes?.value as usize,
        rows: entry.rows?.value.map(|n| n as usize),
        cols: entry.cols?.value.map(|n| n as usize),
        slices: entry.slices?.complete(),
        backend: entry.backend?.value,
        state_memory: entry.state_memory?.value,
    })
}

/// Layers with ranges and shifts; `None` when a shift is negative.
fn assemble(params: &Params, places: &Places) -> Option<Vec<Layer>> {
    let (array, ranges) = (params.array(), params.ranges());
    let layer = |(l, p): (usize, &LayerParams)| {
        let shifts =
            Shifts::derive(&ranges[l], ranges.get(l + 1), &array, params.state_bits, params.factor.fraction()).ok()?;
        Some(Layer {
            name: places.layers[l].0.clone(),
            inputs: p.inputs,
            outputs: p.outputs,
            activation: p.activation,
            conv: p.conv,
            ranges: ranges[l],
            shifts,
            tiling: Tiling {
                slices: array.slices.map_or(1, |slices| slices.count),
                ..Tiling::new(p.inputs + 1, p.outputs, (array.rows, array.cols), array.adcs)
            },
            state_memory: array.state_memory.unwrap_or(StateMemory::DualPort),
        })
    };
    params.layers.iter().enumerate().map(layer).collect()
}

/// Words of a sample; `image`: `None` where it is wrong.
fn inputs(network: &Section<'_>, image: Option<&Option<Found<conv::Map>>>) -> Option<Found<usize>> {
    match (network.int("inputs", 1..=MAX_WORDS), image) {
        // An image says it, too.
        (Entry::Absent, Some(Some(image))) => Some(Found { value: image.value.words(), span: image.span.clone() }),
        (Entry::Absent, None) => None,
        (Entry::Absent, Some(None)) => {
            network.missing("inputs", "give the number of words of one sample, for example `inputs = 64`");
            None
        }
        (entry, _) => entry.map(|n| n as usize).or(0),
    }
}

fn layers(
    reader: &Reader<'_>,
    network: &Section<'_>,
    mut inputs: Option<usize>,
    context: &LayerContext<'_>,
) -> Option<Vec<LayerEntry>> {
    let (sections, span) = match network.tables("layers", LAYER, LAYER_HELP) {
        Entry::Given(sections, span) => (sections, span),
        Entry::Bad => return None,
        Entry::Absent => {
            network.missing("layers", LAYER_HELP);
            return None;
        }
    };
    if sections.is_empty() {
        let problem = Problem::new(Code::OutOfRange, "`layers` is empty");
        reader.report(problem.at(Some(span), "allowed: at least 1 layer").help(LAYER_HELP));
        return None;
    }
    let mut layers = Vec::with_capacity(sections.len());
    for (l, section) in sections.iter().enumerate() {
        let name = section.as_ref().map_or(Entry::Absent, |s| s.text("name"));
        let (name, name_span) = match name {
            Entry::Given(name, span) => (name, Some(span)),
            Entry::Absent | Entry::Bad => (format!("l{l}"), None),
        };
        let (params, outputs) = match section {
            Some(section) => layer_params(reader, section, inputs, context, (l == 0, l + 1 == sections.len())),
            None => (None, None),
        };
        layers.push(LayerEntry { name, name_span, span: section.as_ref().and_then(|s| s.span.clone()), params });
        inputs = outputs;
    }
    Some(layers)
}

/// What other sections say of all layers; `None` where a key is wrong.
struct LayerContext<'l> {
    /// `None`: wrong.
    image: Option<&'l Option<Found<conv::Map>>>,
    weight: Option<i32>,
    loss: Option<&'l Found<Loss>>,
    coding: Option<InputCoding>,
}

/// What a layer's place says of its activation.
struct LayerPlace<'l> {
    /// `None`: the key is wrong, so that nothing can be said.
    loss: Option<&'l Found<Loss>>,
    /// It is the output layer.
    last: bool,
}

impl LayerPlace<'_> {
    /// The layer's activation, as given or by default; `None` where it is wrong.
    fn activation(&self, reader: &Reader<'_>, entry: Entry<Activation>) -> Option<Activation> {
        let cross_entropy = self.loss.map(|loss| loss.value == Loss::CrossEntropy);
        let Entry::Given(activation, span) = entry else {
            let softmax = self.last && cross_entropy == Some(true);
            return entry.or(if softmax { Activation::Softmax } else { defaults::ACTIVATION }).map(|found| found.value);
        };
        let quote = reader.quote(&span);
        let hidden = "allowed: \"sigmoid\", \"tanh\", \"relu\", \"linear\"";
        let (message, label, help) = match (activation, self.last, cross_entropy) {
            (Activation::Softmax, false, _) => (
                format!("`{quote}` in a hidden layer"),
                hidden,
                "a softmax spans the outputs of the last layer, with `loss = \"cross_entropy\"`",
            ),
            (Activation::Softmax, true, Some(false)) => (
                format!("`{quote}` without `loss = \"cross_entropy\"`"),
                hidden,
                "set `loss = \"cross_entropy\"` in `[training]`",
            ),
            (Activation::Softmax, ..) | (_, false, _) | (_, true, None | Some(false)) => return Some(activation),
            (_, true, Some(true)) => (
                format!("`{quote}` contradicts `loss = \"cross_entropy\"`"),
                "allowed: \"softmax\"",
                "remove it, or set `loss = \"squared\"` in `[training]`",
            ),
        };
        let loss = self.loss.and_then(|loss| loss.span.clone()).filter(|_| self.last);
        reader.report(Problem::new(Code::Loss, message).at(Some(span), label).also(loss, "").help(help));
        None
    }
}

/// Parameters of one layer, and its outputs, which the next layer needs even when another key is wrong.
fn layer_params(
    reader: &Reader<'_>,
    section: &Section<'_>,
    inputs: Option<usize>,
    context: &LayerContext<'_>,
    (first, last): (bool, bool),
) -> (Option<LayerParams>, Option<usize>) {
    let conv = conv::read(reader, section, context.image, first, last);
    let outputs = match section.int("outputs", 1..=MAX_WORDS) {
        Entry::Absent => {
            section.missing("outputs", LAYER_HELP);
            None
        }
        entry => entry.or(0).map(|n| n.value as usize),
    };
    let activations = [
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
        ("relu", Activation::Relu),
        ("linear", Activation::Linear),
        ("softmax", Activation::Softmax),
    ];
    let activation =
        LayerPlace { loss: context.loss, last }.activation(reader, section.choice("activation", &activations));
    let scale = |key: &str| section.full_scale(key, SCALE_LIMIT).optional().map(|found| found.value);
    let (own_weight, read, output) = (scale("weight_range"), scale("read_range"), scale("output_range"));
    let (error, back, update) = (scale("error_range"), scale("back_range"), scale("max_update"));
    let (read_plane, back_plane) = (scale("read_plane_range"), scale("back_plane_range"));
    coding::unused(reader, section, context.coding);
    if let (Some(Activation::Softmax), Some(1), Some(span)) = (activation, outputs, section.place("outputs")) {
        let message = format!("`{}` does not fit a softmax", reader.quote(&span));
        let problem = Problem::new(Code::Loss, message).at(Some(span), "allowed: at least 2");
        reader.report(problem.help("one output alone would always be 1"));
    }
    if let (Some(Activation::Softmax), Some(Some(1.. | ..=-1)), Some(span)) =
        (activation, output, section.place("output_range"))
    {
        let message = format!("`{}` does not fit a softmax", reader.quote(&span));
        let problem = Problem::new(Code::Loss, message).at(Some(span), "allowed: 1");
        reader.report(problem.help("remove it: its outputs are probabilities, 0 to 1"));
    }
    let params = || {
        Some(LayerParams {
            inputs: match conv? {
                Some(conv) => conv.window(),
                None => inputs?,
            },
            outputs: outputs?,
            activation: activation?,
            conv: conv?,
            weight: own_weight?.or(context.weight)?,
            read: read?,
            output: output?,
            error: error?,
            back: back?,
            update: update?,
            read_plane: read_plane?,
            back_plane: back_plane?,
        })
    };
    let words = match conv {
        Some(Some(conv)) => outputs.and_then(|channels| conv::words(reader, section, &conv, channels)),
        Some(None) => outputs,
        // What the next layer reads is not known.
        None => None,
    };
    (params(), words)
}

/// Whether a layer is a convolution, right or wrong.
fn kernels(network: &Section<'_>) -> bool {
    let layers = network.get("layers").and_then(|(_, value)| value.get_ref().as_array());
    let kernel = |layer: &serde_spanned::Spanned<DeValue<'_>>| {
        layer.get_ref().as_table().is_some_and(|t| t.contains_key("kernel"))
    };
    layers.is_some_and(|layers| layers.iter().any(kernel))
}

fn design_name(reader: &Reader<'_>, top: &Section<'_>) -> Option<String> {
    match top.text("name") {
        Entry::Absent => {
            top.missing("name", "give a Verilog identifier, the prefix of every module: `name = \"digits\"`");
            None
        }
        Entry::Bad => None,
        Entry::Given(name, span) => check_name(reader, &name, span).then_some(name),
    }
}

/// Reports a name that Verilog cannot take.
fn check_name(reader: &Reader<'_>, name: &str, span: Span) -> bool {
    let Err(bad) = ident::check(name) else { return true };
    let quote = reader.quote(&span);
    let (code, message) = match bad {
        BadName::Keyword => (Code::ReservedName, format!("`{quote}` is a keyword of Verilog or SystemVerilog")),
        _ => (Code::Identifier, format!("`{quote}` is no usable Verilog identifier")),
    };
    let label = match bad {
        BadName::Keyword => String::new(),
        BadName::Empty => "a name has at least one character".to_owned(),
        BadName::TooLong => format!("at most {MAX_NAME} characters, this has {}", name.len()),
        BadName::Character(c) => {
            format!("`{c}` cannot stand here; allowed: letters, `_`, and digits but for the first")
        }
        BadName::DoubleUnderscore => "allowed: single `_`, and none at the end".to_owned(),
    };
    let mut problem = Problem::new(code, message).at(Some(span), label);
    if let Some(near) = ident::suggest(name) {
        problem = problem.help(format!("nearest: `name = \"{near}\"`"));
    }
    reader.report(problem);
    false
}

/// Layer names become prefixes of pins and instances: usable, free and different from one another.
fn layer_names(reader: &Reader<'_>, layers: &[LayerEntry], design: Option<&str>) {
    for (l, layer) in layers.iter().enumerate() {
        if let Some(span) = &layer.name_span
            && !check_name(reader, &layer.name, span.clone())
        {
            continue;
        }
        let place = layer.name_span.clone().or(layer.span.clone());
        if let Some(taken) = reserved(&layer.name) {
            reader.report(
                Problem::new(Code::ReservedName, format!("the layer name `{}` is reserved", layer.name))
                    .at(place.clone(), format!("the top module's own pins: `{taken}`"))
                    .help(format!("for example: `name = \"l{l}\"`")),
            );
        }
        if design == Some(layer.name.as_str()) {
            reader.report(
                Problem::new(Code::DuplicateName, format!("layer and design are both named `{}`", layer.name))
                    .at(place.clone(), "names an instance and the pins of its array")
                    .help(format!("for example: `name = \"l{l}\"`")),
            );
        }
        if let Some(other) = layers[..l].iter().find(|other| other.name == layer.name) {
            reader.report(
                Problem::new(Code::DuplicateName, format!("two layers are named `{}`", layer.name))
                    .at(place, "second")
                    .also(other.name_span.clone().or(other.span.clone()), "first")
                    .help("layers without a name are called `l0`, `l1` and so on"),
            );
        }
    }
}

fn reserved(name: &str) -> Option<String> {
    let prefix = RESERVED_PREFIXES.iter().find(|p| name.starts_with(**p)).map(|p| format!("{p}..."));
    prefix.or_else(|| RESERVED.contains(&name).then(|| name.to_owned()))
}
