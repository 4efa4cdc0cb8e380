//! The netlist in four states: Verilator knows no X, Icarus Verilog does. All flip-flops and memories start unknown; after reset nothing
//! unknown may leave the design, and what it answers is what golden says.

use std::fmt::Write as _;
use std::fs;

use crate::bus_rtl::bench::Bench;
use crate::common::mutated;
use crate::gate_level::small;
use memrtl::cosim;
use memrtl::data::Dataset;
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::regmap::RegMap;
use memrtl::rtl::Rtl;
use memrtl::spec::Design;

const TB: &str = include_str!("four_state.v");
/// Samples, more than the history holds.
const SAMPLES: usize = 4;
/// Cycles that the run may take; several times what it does.
const LIMIT: u32 = 3_000;
const RUN: u32 = 0b001;
const TRAIN: u32 = 0b010;
const EMIT: u32 = 0b100;

/// Codes of the inputs and of the targets.
type Sample = (Vec<i32>, Vec<i32>);

/// What the bench printed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answers {
    /// Words of output vectors.
    outputs: Vec<i32>,
    /// Weights that were read.
    weights: Vec<i32>,
    /// Unknown bits that left the design, and the first of them in words.
    unknown: u32,
    first_unknown: Option<String>,
    /// Other lines: a refused access, an end that did not come.
    rest: Vec<String>,
}

/// Runs the netlist `rtl` of `design` on the first samples of its data.
fn run(design: &Design, rtl: &Rtl, samples: &[Sample], states: &[Vec<i32>]) -> Answers {
    let files: Vec<(String, String)> = rtl.modules.iter().map(|m| (format!("{}.v", m.name), m.text.clone())).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let bench = Bench::new(&files);
    fs::write(bench.path().join("script.hex"), script(design, samples.len(), states)).unwrap();
    fs::write(bench.path().join("beats.hex"), beats(design, samples)).unwrap();
    let tb =
        TB.replace("DESIGN", &design.name).replace("LIMIT", &LIMIT.to_string()).replace("WATCHED", &watched(design));
    let mut answers = Answers::default();
    for line in bench.simulate(&tb, &[], &[&[]]).lines() {
        // The first line begins with the settings of the run.
        let line = line.trim_start_matches("[] [] ");
        match line.split_once(' ') {
            Some(("OUT", beat)) => answers.outputs.extend(words(design, beat)),
            Some(("READ", word)) => {
                answers.weights.push(u32::from_str_radix(word, 16).unwrap_or(u32::MAX).cast_signed())
            }
            Some(("UNKNOWN", count)) => answers.unknown = count.parse().unwrap(),
            Some(("X", place)) => drop(answers.first_unknown.get_or_insert(place.to_string())),
            _ if line.starts_with("WARNING") && line.contains("Not enough words") => {}
            _ if line.contains("$finish") => {}
            _ => answers.rest.push(line.to_string()),
        }
    }
    answers
}

/// Signals inside the top that the co-simulation watches: known always, or while another says so.
fn watched(design: &Design) -> String {
    let mut text = String::new();
    let taps = cosim::taps(design);
    for signal in &taps {
        let always = ["phase", "sample_end", "y_valid"].contains(&signal.as_str())
            || ["_op_valid", "_op_ready", "_adc_valid"].iter().any(|end| signal.ends_with(end));
        let when = match signal.rsplit_once('_') {
            _ if always => String::new(),
            Some(("y", _)) => "if (dut.y_valid != 0) ".to_string(),
            Some((array, "code")) if array.ends_with("_adc") => format!("if (dut.{array}_valid) "),
            _ => continue,
        };
        writeln!(text, "    {when}known(\"{signal}\", ^dut.{signal});").unwrap();
    }
    assert!(text.lines().count() > 8, "{text}");
    text
}

/// Operations of the host: weights, run, wait for the outputs, stop, weights again.
fn script(design: &Design, samples: usize, states: &[Vec<i32>]) -> String {
    let map = RegMap::for_design(design);
    let address = |name: &str| map.registers.iter().find(|r| r.name == name).expect("a register of the map").address;
    let mut text = String::new();
    let mut step = |op: u32, register: &str, value: u32| {
        let address = if register.is_empty() { 0 } else { address(register) };
        writeln!(text, "{op:x}{address:03x}{value:08x}").unwrap();
    };
    let point_at = |step: &mut dyn FnMut(u32, &str, u32), layer: usize| {
        step(1, "WEIGHT_LAYER", layer as u32);
        step(1, "WEIGHT_ROW", 0);
        step(1, "WEIGHT_COL", 0);
    };
    for (layer, states) in states.iter().enumerate() {
        point_at(&mut step, layer);
        states.iter().for_each(|state| step(1, "WEIGHT_DATA", state.cast_unsigned()));
    }
    step(1, "CTRL", TRAIN | EMIT);
    step(1, "CTRL", TRAIN | EMIT | RUN);
    step(3, "", samples as u32);
    step(1, "CTRL", TRAIN | EMIT);
    step(4, "STATUS", 0);
    for (layer, states) in states.iter().enumerate() {
        point_at(&mut step, layer);
        states.iter().for_each(|_| step(2, "WEIGHT_DATA", 0));
    }
    step(0, "", 0);
    text
}

/// The input stream.
fn beats(design: &Design, samples: &[Sample]) -> String {
    let mut text = String::new();
    let (k, bits) = (design.stream_words(), 64 / design.stream_words());
    for (x, t) in samples {
        let sections: Vec<&[i32]> = x.chunks(k).chain(t.chunks(k)).collect();
        for (index, words) in sections.iter().enumerate() {
            let beat = words.iter().rev().fold(0, |beat, &word| (beat << bits) | (word as u64 & ((1 << bits) - 1)));
            writeln!(text, "{:x}{beat:016x}", u8::from(index + 1 == sections.len())).unwrap();
        }
    }
    text
}

/// Words of an output beat in hexadecimal; the output vectors here are one beat long.
fn words(design: &Design, beat: &str) -> Vec<i32> {
    let Ok(beat) = u64::from_str_radix(beat, 16) else { return vec![i32::MAX] };
    let bits = 64 / design.stream_words();
    let word = |index: usize| ((beat >> (index * bits)) << (64 - bits)).cast_signed() >> (64 - bits);
    (0..design.outputs()).map(|index| i32::try_from(word(index)).unwrap()).collect()
}

/// Stimulus and what golden makes of it: samples, initial weights, expected answers.
fn expected(design: &Design, data: &Dataset) -> (Vec<Sample>, Vec<Vec<i32>>, Answers) {
    let mut golden = Machine::new(design).unwrap();
    let states = |golden: &Machine| (0..design.layers.len()).map(|layer| golden.states(layer)).collect::<Vec<_>>();
    let initial = states(&golden);
    golden.begin_epoch(design, 0);
    let mut trace = SampleTrace::default();
    let mut answers = Answers::default();
    let mut samples = Vec::new();
    for index in 0..SAMPLES {
        let x = encode::input_codes(design, data.sample(index));
        let t = encode::target_codes(design, usize::from(data.labels[index]));
        golden.run(&x, &t, Mode::Train, &mut trace).unwrap();
        answers.outputs.extend(trace.output());
        samples.push((x, t));
    }
    answers.weights = states(&golden).concat();
    assert_ne!(answers.weights, initial.concat(), "the samples must teach something");
    (samples, initial, answers)
}

#[test]
fn nothing_unknown_leaves_the_netlist_and_it_trains_like_golden() {
    let (rig, netlist) = small();
    let (samples, states, right) = expected(&rig.design, &rig.data);
    assert_eq!(run(&rig.design, &rig.rtl, &samples, &states), right, "before synthesis");
    assert_eq!(run(&rig.design, netlist, &samples, &states), right);

    // A flip-flop that reset does not reach and that turns what it holds stays unknown, and it shows.
    let (reset, turned) = ("if (!rst_n) half_q <= 1'b0;\n    else if (take) half_q", "if (take) half_q");
    let wrong = mutated(&rig.rtl, &[("row_lines", reset, turned)]);
    let answers = run(&rig.design, &wrong, &samples, &states);
    assert!(answers.unknown > 0, "{answers:?}");
}
