//! Checks across keys: shifts, accumulators, ranges. Advice is tried on the parameters before it is given.

use super::derive::{ACCUMULATOR_LIMIT, AccumulatorBits, Fault, FaultKind, Params, SCALE_LIMIT, learning_rate_code};
use super::error::{Code, Problem, Span};
use super::reader::list;
use super::{Activation, Tiling};

/// Where the user wrote what takes part in the checks; `None` for defaults.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub dac_bits: Option<Span>,
    pub adc_bits: Option<Span>,
    pub pulse_bits: Option<Span>,
    pub error_bits: Option<Span>,
    pub adcs: Option<Span>,
    /// Most rows and columns of an array.
    pub rows: Option<Span>,
    pub cols: Option<Span>,
    pub state_bits: Option<Span>,
    pub learning_rate: Option<Span>,
    /// Name and place of every layer.
    pub layers: Vec<(String, Option<Span>)>,
}

impl Places {
    /// Widths that take part in a shift.
    fn widths(&self, shift: &str) -> Vec<Option<Span>> {
        let Places { dac_bits, adc_bits, pulse_bits, error_bits, state_bits, learning_rate, .. } = self;
        let spans = match shift {
            "forward" | "backward" => [dac_bits, adc_bits, state_bits],
            "error" => [dac_bits, adc_bits, error_bits],
            "width" => [learning_rate, pulse_bits, error_bits],
            "write" => [dac_bits, pulse_bits, state_bits],
            _ => [dac_bits, error_bits, &None],
        };
        spans.into_iter().cloned().collect()
    }
}

/// Result and product of a shift, in words.
fn words(shift: &str) -> (&'static str, &'static str) {
    match shift {
        "forward" => ("forward ADC code", "dot product of inputs and weights"),
        "error" => ("error code", "product of error and slope"),
        "drive" => ("driven error code", "error code"),
        "backward" => ("transposed ADC code", "dot product of errors and weights"),
        "width" => ("pulse width", "product of learning rate and error"),
        _ => ("device state", "product of input and pulse width"),
    }
}

/// Most tiles of a layer: each brings its own pins.
const TILES_MAX: usize = 1024;

/// Tiles that groups of ADC codes cannot be cut from, or too many of them.
pub(super) fn tiles(params: &Params, places: &Places) -> Vec<Problem> {
    let array = &params.array;
    let adcs = array.adcs;
    let mut problems = Vec::new();
    for (key, most, span) in [("rows", array.rows, &places.rows), ("cols", array.cols, &places.cols)] {
        let Some(most) = most.filter(|most| most % adcs != 0) else { continue };
        let near = (most / adcs * adcs).max(adcs);
        problems.push(
            Problem::new(Code::OutOfRange, format!("`{key} = {most}` is no multiple of `adcs`"))
                .at(span.clone(), format!("allowed: multiples of {adcs}"))
                .also(places.adcs.clone(), "the codes of one conversion come from one array")
                .help(format!("nearest: `{key} = {near}`")),
        );
    }
    if !problems.is_empty() {
        return problems;
    }
    for (layer, (name, span)) in params.layers.iter().zip(&places.layers) {
        let slices = array.slices.map_or(1, |slices| slices.count);
        let tiling = Tiling::new(layer.inputs + 1, layer.outputs, (array.rows, array.cols), adcs);
        let tiling = Tiling { slices, ..tiling };
        if tiling.count() > TILES_MAX {
            let message = format!("layer `{name}` would need {} arrays", tiling.count());
            let allowed = format!("allowed: at most {TILES_MAX} arrays per layer, each has pins of its own");
            problems.push(
                Problem::new(Code::OutOfRange, message)
                    .at(span.clone(), allowed)
                    .also(places.rows.clone(), "")
                    .also(places.cols.clone(), "")
                    .help(format!("its {} x {} cells ask for larger arrays", layer.inputs + 1, layer.outputs)),
            );
        }
        // Pins of a tile carry the layer's name, its slice and its place in the grid.
        let prefix = format!("{name}_{}", if slices > 1 { 's' } else { 'r' });
        let clash = places.layers.iter().find(|(other, _)| {
            other.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        if let (false, Some((other, span))) = (tiling.is_single(), clash) {
            problems.push(
                Problem::new(Code::ReservedName, format!("the layer name `{other}` is reserved"))
                    .at(span.clone(), format!("names pins of the arrays of layer `{name}`")),
            );
        }
    }
    problems
}

/// Problems of shifts, one for each quantity with all its layers.
pub(super) fn shifts(params: &Params, places: &Places) -> Vec<Problem> {
    let faults = params.faults();
    let mut problems = Vec::new();
    for (i, first) in faults.iter().enumerate() {
        if faults[..i].iter().any(|f| f.alike(first)) {
            continue;
        }
        let group: Vec<&Fault> = faults.iter().filter(|f| f.alike(first)).collect();
        problems.push(shift_problem(params, places, &faults, &group));
    }
    problems
}

fn shift_problem(params: &Params, places: &Places, all: &[Fault], group: &[&Fault]) -> Problem {
    // The layer with the most missing bits stands for the group.
    let severity = |f: &&&Fault| match f.kind {
        FaultKind::TooFine(bits) => bits,
        FaultKind::AlwaysZero { .. } => f.step.shift_by().unsigned_abs(),
    };
    let worst = group.iter().max_by_key(severity).unwrap_or(&group[0]);
    let (result, product) = words(worst.step.shift);
    let names: Vec<&str> = group.iter().map(|f| places.layers[f.layer].0.as_str()).collect();
    let layers = format!("layer{} {}", if names.len() == 1 { "" } else { "s" }, list(&names, '`'));
    let (from, to) = (worst.step.product, worst.step.result);
    let mut problem = match worst.kind {
        FaultKind::TooFine(bits) => {
            let plural = if bits == 1 { "" } else { "s" };
            Problem::new(
                Code::NegativeShift,
                format!("the {result} of {layers} is {bits} bit{plural} finer than the {product}"),
            )
            .note(format!("one step of the {result} is 2^{to}, of the {product} 2^{from}"))
        }
        FaultKind::AlwaysZero { largest } => {
            let largest = (largest as f64).log2() + f64::from(from);
            Problem::new(Code::AlwaysZero, format!("the {product} of {layers} always rounds to zero"))
                .note(format!("it is at most 2^{largest:.1}, half a step of the {result} is 2^{}", to - 1))
        }
    };
    if params.array.input_coding.bit_serial() && matches!(worst.step.shift, "forward" | "backward") {
        problem = problem.note("with bit-serial inputs it is that of one bit plane");
    }
    problem = problem.at(places.layers[group[0].layer].1.clone(), "");
    for fault in &group[1..] {
        problem = problem.also(places.layers[fault.layer].1.clone(), "");
    }
    for span in places.widths(worst.step.shift) {
        problem = problem.also(span, "");
    }
    let advice = advice(params, all, group);
    if advice.is_empty() {
        return problem.help("no single key repairs this; `memrtl new` writes widths and ranges that fit one another");
    }
    let one_of = if advice.len() == 1 { "set" } else { "one of these is enough:" };
    problem.help(format!("{one_of} {}", advice.join(", ")))
}

/// A key that may be turned.
#[derive(Debug, Clone, Copy)]
enum Knob {
    Dac,
    Adc,
    Pulse,
    Error,
    State,
    LearningRate,
    Scale(Scale),
}

/// A full scale of one layer.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Weight,
    Read,
    Output,
    Error,
    Back,
    Update,
}

impl Knob {
    /// Keys worth trying for a shift, the most natural first.
    fn of(shift: &str) -> &'static [Knob] {
        use Knob::{Adc, Dac, Error, LearningRate, Pulse, State};
        match shift {
            "forward" => &[Adc, State, Dac, Knob::Scale(Scale::Read), Knob::Scale(Scale::Weight)],
            "backward" => &[Adc, State, Dac, Knob::Scale(Scale::Back), Knob::Scale(Scale::Weight)],
            "error" => &[Error, Dac, Adc, Knob::Scale(Scale::Error), Knob::Scale(Scale::Output)],
            "width" => &[LearningRate, Pulse, Error, Knob::Scale(Scale::Update)],
            "write" => &[State, Pulse, LearningRate, Knob::Scale(Scale::Update), Knob::Scale(Scale::Weight)],
            _ => &[Error, Dac],
        }
    }

    /// Settings of this key, the nearest to the present one first: the changed parameters and how the user writes it.
    fn settings(self, params: &Params, layer: usize) -> Vec<(Params, String)> {
        let bits = |key: &str, now: u32, low: u32, high: u32, set: fn(&mut Params, u32)| {
            let mut values: Vec<u32> = (low..=high).filter(|v| *v != now).collect();
            values.sort_by_key(|v| v.abs_diff(now));
            let setting = |v: u32| {
                let mut changed = params.clone();
                set(&mut changed, v);
                (changed, format!("`{key} = {v}` (now {now})"))
            };
            values.into_iter().map(setting).collect()
        };
        match self {
            Knob::Dac => bits("dac_bits", params.array.dac_bits, 2, 12, |p, v| p.array.dac_bits = v),
            Knob::Adc => bits("adc_bits", params.array.adc_bits, 3, 14, |p, v| p.array.adc_bits = v),
            Knob::Pulse => bits("pulse_bits", params.array.pulse_bits, 2, 12, |p, v| p.array.pulse_bits = v),
            Knob::Error => bits("error_bits", params.error_bits(), 2, 18, |p, v| p.error_bits = Some(v)),
            Knob::State => bits("state_bits", params.state_bits, 4, 32, |p, v| p.state_bits = v),
            Knob::LearningRate => {
                let scaled = |k: i32| params.learning_rate * 2f64.powi(k);
                let by_distance = (1..=16).flat_map(|k| [k, -k]);
                let usable = by_distance.filter(|k| scaled(*k) < 4.0 && learning_rate_code(scaled(*k)) > 0);
                let setting = |k: i32| {
                    let changed = Params { learning_rate: scaled(k), ..params.clone() };
                    (changed, format!("`learning_rate = {}` (now {})", scaled(k), params.learning_rate))
                };
                usable.map(setting).collect()
            }
            Knob::Scale(scale) => scale.settings(params, layer),
        }
    }
}

impl Scale {
    fn settings(self, params: &Params, layer: usize) -> Vec<(Params, String)> {
        let ranges = params.ranges()[layer];
        let (key, now) = match self {
            Scale::Weight => ("weight_range", ranges.weight),
            Scale::Read => ("read_range", ranges.read),
            Scale::Output => ("output_range", ranges.output),
            Scale::Error => ("error_range", ranges.error),
            Scale::Back => ("back_range", ranges.back),
            Scale::Update => ("max_update", ranges.update),
        };
        let mut values: Vec<i32> = (-SCALE_LIMIT..=SCALE_LIMIT).filter(|v| *v != now).collect();
        values.sort_by_key(|v| v.abs_diff(now));
        let setting = |v: i32| {
            let mut changed = params.clone();
            let target = &mut changed.layers[layer];
            match self {
                Scale::Weight => target.weight = v,
                Scale::Read => target.read = Some(v),
                Scale::Output => target.output = Some(v),
                Scale::Error => target.error = Some(v),
                Scale::Back => target.back = Some(v),
                Scale::Update => target.update = Some(v),
            }
            (changed, format!("`{key} = {}` in the layer (now {})", 2f64.powi(v), 2f64.powi(now)))
        };
        values.into_iter().map(setting).collect()
    }
}

/// Keys which, turned alone, repair all faults of the group and cause no other.
fn advice(params: &Params, all: &[Fault], group: &[&Fault]) -> Vec<String> {
    let repairs = |changed: &Params| {
        let error_bits = changed.error_bits();
        error_bits >= changed.array.dac_bits
            && changed.stray_range().is_none()
            && changed.faults().iter().all(|f| {
                !group.iter().any(|g| g.layer == f.layer && g.step.shift == f.step.shift)
                    && all.iter().any(|a| a.layer == f.layer && a.alike(f))
            })
    };
    let single = group.len() == 1;
    let try_knob = |knob: &Knob| {
        if matches!(knob, Knob::Scale(_)) && !single {
            return None;
        }
        // Probabilities have the one full scale.
        if matches!(knob, Knob::Scale(Scale::Output)) && params.layers[group[0].layer].activation == Activation::Softmax
        {
            return None;
        }
        knob.settings(params, group[0].layer).into_iter().find(|(changed, _)| repairs(changed)).map(|(_, text)| text)
    };
    Knob::of(group[0].step.shift).iter().filter_map(try_knob).collect()
}

/// Sums of products that would not fit.
pub(super) fn accumulators(params: &Params, places: &Places) -> Vec<Problem> {
    let array = params.array();
    let mut problems = Vec::new();
    for (layer, (name, span)) in params.layers.iter().zip(&places.layers) {
        let bits = AccumulatorBits::of(layer.inputs + 1, layer.outputs, &array, params.state_bits);
        let sums = [
            ("forward", bits.forward, layer.inputs + 1, "rows"),
            ("backward", bits.backward, layer.outputs, "columns"),
        ];
        for (shift, bits, count, what) in sums.into_iter().filter(|s| s.1 > ACCUMULATOR_LIMIT) {
            problems.push(
                Problem::new(Code::Accumulator, format!("the {} of layer `{name}` needs {bits} bits", words(shift).1))
                    .at(span.clone(), format!("{count} {what}"))
                    .also(places.dac_bits.clone(), "")
                    .also(places.state_bits.clone(), "")
                    .note(format!(
                        "dac_bits {} + state_bits {} + {} for {count} {what}; at most {ACCUMULATOR_LIMIT} are there",
                        array.dac_bits,
                        params.state_bits,
                        bits - array.dac_bits - params.state_bits
                    ))
                    .help(format!("take {} bits off `state_bits` or `dac_bits`", bits - ACCUMULATOR_LIMIT)),
            );
        }
    }
    problems
}

/// A full scale that follows from others and lies outside the limits.
pub(super) fn stray_range(params: &Params, places: &Places) -> Option<Problem> {
    let (layer, key, exponent) = params.stray_range()?;
    let (name, span) = &places.layers[layer];
    Some(
        Problem::new(
            Code::DerivedRange,
            format!("`{key}` of layer `{name}` follows as 2^{exponent}, which is out of range"),
        )
        .at(span.clone(), format!("allowed: 2^-{SCALE_LIMIT} to 2^{SCALE_LIMIT}"))
        .help(format!("give `{key}` in this layer, or other full scales for the layers after it")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::derive::LayerParams;
    use crate::spec::{Array, Backend, FactorFormat, MomentumKind, MomentumUnit};

    fn params(inputs: usize, outputs: usize) -> Params {
        let (weight, layer_defaults) = (2, (None, None, None, None, None));
        let (read, output, error, back, update) = layer_defaults;
        Params {
            array: Array {
                input_coding: crate::spec::InputCoding::Amplitude,
                dac_bits: 12,
                adc_bits: 8,
                pulse_bits: 8,
                error_bits: 0,
                adcs: 8,
                lanes: 8,
                rows: None,
                cols: None,
                slices: None,
                state_memory: None,
                backend: Backend::External,
            },
            error_bits: None,
            state_bits: 32,
            learning_rate: 0.02,
            factor: FactorFormat::new(MomentumKind::Classical, MomentumUnit::None, 0, 1),
            scheduled: 0.0,
            layers: vec![LayerParams {
                inputs,
                outputs,
                conv: None,
                activation: Activation::Sigmoid,
                weight,
                read,
                output,
                error,
                back,
                update,
                read_plane: None,
                back_plane: None,
            }],
        }
    }

    /// The limits of the keys keep every spec within the accumulator, so the check is reached only with sizes beyond them.
    #[test]
    fn accumulators_are_limited() {
        let places = Places { layers: vec![("l0".to_owned(), None)], ..Places::default() };
        assert!(accumulators(&params(65_535, 65_535), &places).is_empty());
        let bits = AccumulatorBits::of(65_536, 65_535, &params(1, 1).array(), 32);
        assert_eq!((bits.forward, bits.backward), (60, 60));
        let problems = accumulators(&params(1 << 18, 1 << 19), &places);
        let messages: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the dot product of inputs and weights of layer `l0` needs 63 bits",
                "the dot product of errors and weights of layer `l0` needs 63 bits"
            ]
        );
        assert_eq!(problems[0].code, Code::Accumulator);
        assert_eq!(problems[0].notes[0], "dac_bits 12 + state_bits 32 + 19 for 262145 rows; at most 62 are there");
    }
}
