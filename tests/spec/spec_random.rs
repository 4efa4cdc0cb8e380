//! Properties of the spec over its parameter space: round trip, advice that holds, shifts that mean what they say.

use crate::common;
use std::path::Path;

use memrtl::fixed::{max_code, quantize, real, round_shift};
use memrtl::spec::{self, Code, Design, LEARNING_RATE_FRACTION, Layer, SpecErrors};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Design, SpecErrors> {
    spec::parse(text, "random.toml", Path::new(""))
}

fn valid(text: &str) -> Design {
    parse(text).unwrap_or_else(|e| panic!("{e}\n---\n{text}"))
}

/// A signed code of `bits` bits at `place` per mille of its range.
fn code(bits: u32, place: i64) -> i64 {
    max_code(bits) * place / 1000
}

/// Whether a shifted product is the nearest code to the real product of step `2^from`, in steps of `2^to`.
fn nearest(product: i64, shift: u32, from: i32, to: i32) -> bool {
    let exact = product as f64 * 2f64.powi(from);
    let rounded = round_shift(product, shift) as f64 * 2f64.powi(to);
    (rounded - exact).abs() <= 2f64.powi(to - 1)
}

/// Exponents of the steps of a layer's codes, straight from the definition of a full scale.
struct Steps {
    input: i32,
    output: i32,
    state: i32,
    read: i32,
    slope: i32,
    error: i32,
    drive: i32,
    back: i32,
}

fn steps(design: &Design, layer: &Layer) -> Steps {
    let (array, ranges) = (&design.array, &layer.ranges);
    let step = |range: i32, bits: u32| range - (bits as i32 - 1);
    Steps {
        input: step(ranges.input, array.dac_bits),
        output: step(ranges.output, array.dac_bits),
        state: step(ranges.weight, design.device.state_bits),
        read: step(ranges.read, array.adc_bits),
        slope: step(ranges.slope, array.dac_bits),
        error: step(ranges.error, array.error_bits),
        drive: step(ranges.error, array.dac_bits),
        back: step(ranges.back, array.adc_bits),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn canonical_specs_round_trip(text in common::random_design_toml()) {
        let design = valid(&text);
        let canonical = spec::canonical_toml(&design);
        let again = valid(&canonical);
        prop_assert_eq!(&again, &design);
        prop_assert_eq!(spec::canonical_toml(&again), canonical);
    }

    /// Layers chain, and what the RTL sizes its words by stays within 62 bits.
    #[test]
    fn designs_are_consistent(text in common::random_design_toml()) {
        let design = valid(&text);
        let mut inputs = design.inputs;
        let mut range = 0;
        for layer in &design.layers {
            prop_assert_eq!((layer.inputs, layer.ranges.input), (inputs, range));
            (inputs, range) = (layer.outputs, layer.ranges.output);
            let bits = spec::AccumulatorBits::of(layer.rows(), layer.outputs, &design.array, design.device.state_bits);
            prop_assert!(bits.forward.max(bits.backward).max(bits.error).max(bits.width).max(bits.write) <= 62);
            let largest = layer.rows() as i64 * max_code(design.array.dac_bits) * max_code(design.device.state_bits);
            prop_assert!(largest <= max_code(bits.forward));
        }
        prop_assert_eq!(design.outputs(), inputs);
    }

    /// A shifted product of codes is, as a real number, the product of the codes' values to within half a step.
    #[test]
    fn shifts_mean_what_they_say(
        text in common::random_design_toml(),
        places in prop::array::uniform5(-1000..=1000i64),
    ) {
        let design = valid(&text);
        let array = &design.array;
        for (l, layer) in design.layers.iter().enumerate() {
            let (at, shifts) = (steps(&design, layer), &layer.shifts);
            let x = code(array.dac_bits, places[0]);
            let state = code(design.device.state_bits, places[1]);
            if array.input_coding.bit_serial() {
                let (ranges, step) = (&layer.ranges, |range: i32| range - (array.adc_bits as i32 - 1));
                // A line that a bit drives stands at full scale; the last plane counts as much as the code's highest bit.
                prop_assert!(nearest(state, shifts.forward, ranges.input + at.state, step(ranges.read_plane)));
                prop_assert!(nearest(state, shifts.backward, ranges.error + at.state, step(ranges.back_plane)));
                let lowest = |plane: i32| step(plane) - (array.dac_bits as i32 - 1);
                prop_assert!(nearest(state, shifts.planes_forward, lowest(ranges.read_plane), at.read));
                prop_assert!(nearest(state, shifts.planes_backward, lowest(ranges.back_plane), at.back));
            } else {
                prop_assert!(nearest(x * state, shifts.forward, at.input + at.state, at.read));
            }

            let slope = code(array.dac_bits, places[2].abs()) + 1;
            let (operand, step) = match design.layers.get(l + 1) {
                Some(next) => (code(array.adc_bits, places[3]), steps(&design, next).back),
                None => (code(array.dac_bits, places[3]) - x, at.output),
            };
            prop_assert!(nearest(operand * slope, shifts.error, step + at.slope, at.error));

            let y = code(array.error_bits, places[4]);
            prop_assert!(nearest(y, shifts.drive, at.error, at.drive));
            let u = code(array.dac_bits, places[4]);
            if !array.input_coding.bit_serial() {
                prop_assert!(nearest(u * state, shifts.backward, at.drive + at.state, at.back));
            }
        }
    }

    /// A pulse as wide as `eta y` on a row driven with x changes the weight by `eta x y`, to within the two roundings.
    #[test]
    fn pulses_write_the_gradient(
        text in common::random_design_toml(),
        x in -1000..=1000i64,
        y in 0..=1000i64,
    ) {
        let design = valid(&text);
        let array = &design.array;
        let format = design.factor_format();
        let unit = 2f64.powi(-(format.fraction() as i32));
        let eta = f64::from(design.rate_code()) * unit;
        // The register's rounding, then a factor that is cut off unless it is the register.
        let register = 2f64.powi(-(LEARNING_RATE_FRACTION as i32) - 1) * format.gain();
        // That of a mean over no power of two is a product with a rounded reciprocal.
        let cut = if format.plain() { 0.0 } else { 2.1 * unit };
        prop_assert!((eta - design.training.learning_rate * format.gain()).abs() <= register + cut);
        for layer in &design.layers {
            let (at, ranges) = (steps(&design, layer), &layer.ranges);
            let (x, y) = (code(array.dac_bits, x), code(array.error_bits, y));
            let width = round_shift(i64::from(design.rate_code()) * y, layer.shifts.width);
            let state = round_shift(x * width, layer.shifts.write);
            let wanted = eta * real(y, array.error_bits, ranges.error) * real(x, array.dac_bits, ranges.input);
            // Writes go to the lowest slice.
            let state_step = at.state - array.slice_span() as i32;
            let written = state as f64 * 2f64.powi(state_step);
            // Half a unit of width at this x, and half a step of the state.
            let unit = 2f64.powi(ranges.update - array.pulse_bits as i32 - (array.dac_bits as i32 - 1));
            let tolerance = unit * x.abs() as f64 / 2.0 + 2f64.powi(state_step - 1);
            prop_assert!((written - wanted).abs() <= tolerance * (1.0 + 1e-12), "{written} {wanted} {tolerance}");
            // The longest pulse on a full-scale row is the maximum update, short of one step each.
            let longest = (1i64 << array.pulse_bits) - 1;
            let most = (max_code(array.dac_bits) * longest) as f64 * unit;
            prop_assert!(most < 2f64.powi(ranges.update) && most >= 2f64.powi(ranges.update - 2));
        }
    }

    /// Nothing that is accepted is always zero: full-scale operands come through every shift.
    #[test]
    fn full_scale_operands_come_through(text in common::random_draft_toml(), width in width()) {
        let Ok(design) = parse(&with_width(&text, width)) else { return Ok(()) };
        let (array, state) = (&design.array, max_code(design.device.state_bits));
        let (dac, error) = (max_code(array.dac_bits), max_code(array.error_bits));
        for (l, layer) in design.layers.iter().enumerate() {
            let shifts = &layer.shifts;
            let operand = if l + 1 < design.layers.len() { max_code(array.adc_bits) } else { 2 * dac };
            let driven = if array.input_coding.bit_serial() { 1 } else { dac };
            prop_assert!(round_shift(layer.rows() as i64 * driven * state, shifts.forward) > 0);
            prop_assert!(round_shift(operand << (array.dac_bits - 1), shifts.error) > 0);
            prop_assert!(round_shift(error, shifts.drive) > 0);
            prop_assert!(l == 0 || round_shift(layer.outputs as i64 * driven * state, shifts.backward) > 0);
            prop_assert!(round_shift(i64::from(design.rate_code()) * error, shifts.width) > 0);
            prop_assert!(round_shift(dac * ((1 << array.pulse_bits) - 1), shifts.write) > 0);
        }
    }

    #[test]
    fn weights_quantize_to_states(text in common::random_design_toml(), weight in -1.0..1.0f64) {
        let design = valid(&text);
        for layer in &design.layers {
            let (bits, range) = (design.device.state_bits, layer.ranges.weight);
            let weight = weight * 2f64.powi(range);
            let state = quantize(weight, bits, range);
            // Symmetric saturation takes at most one whole step off the full scale.
            prop_assert!((real(state, bits, range) - weight).abs() <= 2f64.powi(range - (bits as i32 - 1)));
        }
    }

    /// Each key that a message advises to change repairs what the message is about, alone and without new damage.
    #[test]
    fn advice_holds(text in common::random_draft_toml(), width in width()) {
        // What a momentum unit or a schedule asks for is looked at when the widths agree, so that it would come up after good advice.
        let mut section = "";
        let mut stays = Vec::new();
        for line in text.lines() {
            section = if line.starts_with('[') { line } else { section };
            if section != "[[training.schedule]]" && !line.starts_with("momentum_") {
                stays.push(line);
            }
        }
        let text = with_width(&stays.join("\n"), width);
        let Err(errors) = parse(&text) else { return Ok(()) };
        let before = errors.codes().len();
        for message in errors.to_string().split("\n\n") {
            for setting in advice(message) {
                let changed = apply(&text, message, &setting);
                let after = parse(&changed).map_or_else(|e| e.codes().len(), |_| 0);
                prop_assert!(after < before, "{setting}: {after} of {before} problems left\n{message}\n{changed}");
            }
        }
    }

    /// Whatever the text, the answer is a design or a message with a place.
    #[test]
    fn damaged_text_is_answered(
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, any::<char>()), 1..6),
    ) {
        let mut text: Vec<char> = spec::preset("digits").expect("embedded").chars().collect();
        for (at, kind, c) in damage {
            let at = at.index(text.len());
            match kind {
                0 => drop(text.remove(at)),
                1 => text.insert(at, c),
                _ => text[at] = c,
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = parse(&text) {
            prop_assert!(!errors.codes().is_empty() && !errors.codes().contains(&Code::Internal));
            prop_assert!(errors.to_string().starts_with("error[E"));
            prop_assert!(errors.to_string().contains("random.toml:"), "{errors}");
        }
    }
}

/// The text with one width that the others were not chosen for, which makes a contradiction likely.
fn with_width(text: &str, (key, value): (&str, u32)) -> String {
    let old = text.lines().find(|line| line.starts_with(key)).expect("every width is written");
    text.replace(old, &format!("{key} = {value}"))
}

fn width() -> impl Strategy<Value = (&'static str, u32)> {
    prop_oneof![
        (Just("dac_bits"), 2..=12u32),
        (Just("adc_bits"), 3..=14u32),
        (Just("pulse_bits"), 2..=12u32),
        (Just("error_bits"), 2..=18u32),
        (Just("state_bits"), 4..=32u32),
    ]
}

/// The settings of a message's help line, as `key = value`.
fn advice(message: &str) -> Vec<String> {
    // Only these try the advice; "nearest" values of single keys may bring the next problem to light.
    if !(message.starts_with("error[E014]") || message.starts_with("error[E015]")) {
        return Vec::new();
    }
    let Some((_, help)) = message.split_once("= help: ") else { return Vec::new() };
    let quoted = help.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.contains(" = ")).map(str::to_owned).collect()
}

/// The text with one key set, in the layer that the message names or in its section.
fn apply(text: &str, message: &str, setting: &str) -> String {
    let (key, _) = setting.split_once(" = ").expect("a setting");
    let replaced = |line: &str| match line.split_once(&format!("{key} = ")) {
        Some((before, after)) => {
            let rest = after.find([',', ' ']).map_or("", |end| &after[end..]);
            format!("{before}{setting}{rest}")
        }
        // A key that the layer leaves to its default.
        None => line.replacen("{ ", &format!("{{ {setting}, "), 1),
    };
    let layer: Option<usize> = message
        .split_once("of layer `l")
        .filter(|_| message.contains(&format!("`{setting}` in the layer")))
        .and_then(|(_, rest)| rest.split('`').next()?.parse().ok());
    let mut layers = 0;
    let line = |line: &str| {
        let is_layer = line.starts_with("  {");
        layers += usize::from(is_layer);
        let wanted = match layer {
            Some(l) => is_layer && layers == l + 1,
            None => line.starts_with(&format!("{key} = ")),
        };
        if wanted { replaced(line) } else { line.to_owned() }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
