//! Convolutions and pooling: through the RTL in every unit, against f64, with Verilog that is wrong, and specs that do not fit.

use std::path::Path;

use crate::common::{Rig, Small, far_from_float, found, lint, on_all_cores, options, refused};
use memrtl::cosim::{self, What};
use memrtl::golden::momentum::Kind;
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::spec::Backend::{Emulated, External};
use memrtl::spec::{self, Code, Design, SpecErrors};

const MAX: &str = "image = { height = 5, width = 7, channels = 2 }\nlayers = [\n\
    { outputs = 4, kernel = 2, pool = 2, activation = \"tanh\" }, { outputs = 3, activation = \"sigmoid\" } ]";
const MEAN: &str = "image = { height = 5, width = 7 }\nlayers = [\n\
    { outputs = 4, kernel = 2, pool = 2, pooling = \"average\", activation = \"relu\" },\n\
    { outputs = 6, activation = \"tanh\" }, { outputs = 3, activation = \"sigmoid\" } ]";
/// Neither pooled nor a step of one, the last windows at the image's edge, beats that no window fills.
const STRIDE: &str = "image = { height = 7, width = 5 }\nlayers = [\n\
    { outputs = 8, kernel = 3, stride = 2, activation = \"sigmoid\" }, { outputs = 3, activation = \"sigmoid\" } ]";
/// One pixel of a map, of nine places.
const WHOLE: &str = "image = { height = 4, width = 4, channels = 3 }\nlayers = [\n\
    { outputs = 2, kernel = 2, pool = 3, activation = \"linear\" }, { outputs = 3, activation = \"sigmoid\" } ]";

/// Windows of one word, and codes that take longer to leave than the next window to come.
const POINTS: &str = "image = { height = 2, width = 3 }\nlayers = [\n\
    { outputs = 16, kernel = 1, activation = \"tanh\" }, { outputs = 3, activation = \"sigmoid\" } ]";

fn training(unit: &str, more: &str) -> String {
    let unit = match unit {
        "none" => "optimizer = \"sgd\"".to_owned(),
        "history" => "momentum = 0.875\nhistory = 3".to_owned(),
        _ => format!("momentum = 0.875\nmomentum_unit = \"{unit}\""),
    };
    format!("{unit}\nlearning_rate = 0.25\nseed = 7\n{more}")
}

fn small<'a>(network: &'a str, training: &'a str, array: &'a str) -> Small<'a> {
    Small { network, training, array, ..Small::default() }
}

/// Every unit, pooling and backend: all values and all cycles, and Verilog that no tool has a word about.
#[test]
fn convolutions_train_exactly() {
    let (lanes, cut) = ("adcs = 2\nlanes = 2", "adcs = 2\nlanes = 4\nrows = 4\ncols = 2");
    let serial = "adcs = 4\nlanes = 1\ninput_coding = \"bit_serial\"";
    // A read that is over before its codes have left: the next one's wait.
    let (many, quick) = ("adcs = 16\nlanes = 1", "clock = 2.0\nread_settle = 0.0\nadc_conversion = 2.0");
    let [none, history, in_array, sram] =
        ["none", "history", "in_array", "sram"].map(|unit| training(unit, "epochs = 1"));
    let batches = ["none", "history", "sram"].map(|unit| training(unit, "epochs = 2\nbatch = 2"));
    let cases = [
        (small(MAX, &none, lanes), External),
        (small(MAX, &history, cut), Emulated),
        (small(MAX, &in_array, serial), External),
        (small(MEAN, &sram, lanes), Emulated),
        (small(MEAN, &in_array, cut), External),
        (Small { device: "preset = \"ReRamSB\"", ..small(STRIDE, &history, "adcs = 4\nlanes = 8") }, External),
        (Small { timing: quick, ..small(STRIDE, &none, many) }, External),
        (Small { timing: quick, ..small(POINTS, &none, many) }, External),
        (small(STRIDE, &batches[0], lanes), External),
        (small(STRIDE, &batches[1], lanes), Emulated),
        (small(WHOLE, &batches[2], lanes), External),
    ];
    on_all_cores(&cases, |(small, backend)| {
        let rig = small.rig(*backend);
        lint(&rig.design, &rig.dir.path().join("rtl"));
        let report = rig.run(&options()).unwrap_or_else(|e| panic!("{backend:?} {small:?}: {e}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "{backend:?} {small:?}");
        assert!(report.summary.slots > 0);
    });
}

#[test]
fn stalls_change_no_weight() {
    small(MAX, &training("in_array", "epochs = 1"), "adcs = 2\nlanes = 2").rig(External).stalls_change_no_weight();
}

/// Several threads cut the run: nothing is different, and no cut is refuted.
#[test]
fn threads_change_nothing() {
    let training = training("history", "epochs = 2");
    let rig = Small { samples: 150, ..small(STRIDE, &training, "adcs = 2\nlanes = 2") }.rig(External);
    let one = rig.run(&options()).unwrap();
    let many = rig.run(&cosim::Options { jobs: 2, cuts: (Some(20), None), ..options() }).unwrap();
    assert!(many.refuted.is_none(), "{:?}", many.refuted);
    assert!(many.segments > 2);
    assert_eq!(one.states, many.states);
}

fn states_after(design: &Design, rig: &Rig, samples: usize) -> Vec<Vec<i32>> {
    let mut machine = Machine::new(design).unwrap();
    let mut trace = SampleTrace::default();
    for sample in 0..samples {
        let x = encode::input_codes(design, rig.data.sample(sample));
        let t = encode::target_codes(design, usize::from(rig.data.labels[sample]));
        machine.run(&x, &t, Mode::Train, &mut trace).unwrap();
    }
    (0..design.layers.len()).map(|layer| machine.states(layer)).collect()
}

/// Without momentum the ring writes the pairs of all places as plain SGD does, to the bit.
#[test]
fn gamma_zero_is_plain_sgd() {
    let states = |training: &str| {
        let rig = small(MAX, training, "adcs = 2\nlanes = 2").rig(External);
        states_after(&rig.design, &rig, 20)
    };
    let none = states(&training("none", ""));
    assert_eq!(states(&training("history", "").replace("0.875", "0.0")), none);
    assert_ne!(states(&training("history", "")), none);
}

/// A velocity in the array decays with a sample's first place and moves the weights with its last.
#[test]
fn a_velocity_decays_and_transfers_once_per_sample() {
    let training = training("in_array", "");
    let rig = small(MAX, &training, "adcs = 2\nlanes = 2").rig(External);
    let mut machine = Machine::new(&rig.design).unwrap();
    let mut trace = SampleTrace::default();
    let x = encode::input_codes(&rig.design, rig.data.sample(0));
    machine.run(&x, &encode::target_codes(&rig.design, 0), Mode::Train, &mut trace).unwrap();
    let layer = &trace.layers[0];
    let places = rig.design.layers[0].positions();
    assert_eq!((places, layer.positions.len(), layer.read.len()), (24, 24, 24 * 4));
    let kinds: Vec<Kind> = layer.slots.iter().map(|slot| slot.kind).collect();
    assert!(matches!(kinds[0], Kind::Decay { .. }));
    assert_eq!(kinds.last(), Some(&Kind::Transfer));
    assert_eq!(kinds.len() + layer.skipped, places + 2);
    // Of each channel of a pixel one place of four wins: the others have no error.
    assert!(layer.winners.iter().any(|&winner| winner > 0));
    assert_eq!(layer.y.len(), layer.winners.len());
}

/// Weights follow the f64 network, and not that of the other pooling.
#[test]
fn networks_follow_the_f64_network() {
    for unit in ["none", "history", "in_array", "sram"] {
        for (pooling, other) in [("max", "average"), ("average", "max")] {
            let network = |pooling: &str| {
                format!(
                    "image = {{ height = 5, width = 5 }}\nlayers = [\n\
                     {{ outputs = 3, kernel = 2, pool = 2, pooling = \"{pooling}\", activation = \"tanh\"{} }},\n\
                     {{ outputs = 3, activation = \"sigmoid\" }} ]",
                    if unit == "sram" { ", max_update = 1.0" } else { "" },
                )
            };
            // A ring of 16 pairs of 16 samples holds all of them.
            let training = training(unit, "").replace("history = 3", "history = 16");
            let rig = |network: &str| {
                Small {
                    network,
                    training: &training,
                    array: "lanes = 1\ndac_bits = 10\nadc_bits = 14\npulse_bits = 12\nerror_bits = 16",
                    device: "state_bits = 24",
                    samples: 60,
                    ..Small::default()
                }
                .rig(External)
            };
            let own = rig(&network(pooling));
            let near = far_from_float(&own, cosim::float_net(&own.design), 16);
            assert!(near < 0.03, "{unit} {pooling}: {near}");
            let wrong = far_from_float(&own, cosim::float_net(&rig(&network(other)).design), 16);
            assert!(wrong > 4.0 * near, "{unit} {pooling}: {wrong} and {near}");
        }
    }
}

#[test]
fn changed_convolutions_are_found() {
    let (none, history, in_array) = (training("none", ""), training("history", ""), training("in_array", ""));
    let lanes = "adcs = 2\nlanes = 2";
    // Module, text, text instead, what is found first.
    let changes: [(Small<'_>, &str, &str, &str, What); 9] = [
        (small(MAX, &none, lanes), "conv_walk", "!pool_end ? NEXT_LINE", "!pool_end ? NEXT_PIXEL", What::RowCode),
        (
            small(MAX, &none, "adcs = 2\nlanes = 4"),
            "conv_walk",
            "turn_q <= from - to_ask_q;",
            "turn_q <= from;",
            What::RowCode,
        ),
        (small(MAX, &none, lanes), "pool", "window_first || ($signed", "($signed", What::RowCode),
        (
            small(MAX, &none, lanes),
            "pool",
            "{in_code[i*ADC_BITS+:ADC_BITS], element_q}",
            "{in_code[i*ADC_BITS+:ADC_BITS], 2'd0}",
            What::PulseCode,
        ),
        (
            small(MEAN, &none, lanes),
            "pool",
            "localparam [HELD-1:0] HALF = 2;",
            "localparam [HELD-1:0] HALF = 0;",
            What::RowCode,
        ),
        (
            small(MAX, &none, lanes),
            "conv_walk",
            "assign element    = element_q;",
            "assign element    = 0;",
            What::PulseCode,
        ),
        (
            small(MAX, &history, lanes),
            "conv_walk",
            "assign pair_last  = walk_end;",
            "assign pair_last  = pool_end;",
            What::Slots,
        ),
        (
            small(MAX, &in_array, lanes),
            "conv_walk",
            "assign pair_first = first_q == {WORD_BITS{1'b0}};",
            "assign pair_first = 1'b1;",
            What::SlotKind,
        ),
        // Rows of the last read instead of the window's.
        (
            small(MAX, &in_array, lanes),
            "conv_layer",
            "(take_fwd || (take_slot && slot_lines))",
            "(take_fwd)",
            What::RowCode,
        ),
    ];
    on_all_cores(&changes, |(small, module, from, to, what)| {
        let m = found(&small.rig(External), &[(module, from, to)]);
        assert!(m.what == *what || matches!(m.what, What::Slots | What::PulseCode | What::RowCode), "{from}: {m}");
    });
}

fn parse(text: &str) -> Result<Design, SpecErrors> {
    spec::parse(&format!("name = \"little\"\n[network]\n{text}"), "bad.toml", Path::new(""))
}

fn layers(image: &str, first: &str, rest: &str) -> String {
    format!("{image}\nlayers = [\n  {{ outputs = 8, {first} }},\n  {{ outputs = 10 }},\n]\n{rest}")
}

const DIGIT: &str = "image = { height = 8, width = 8 }";
const SGD: &str = "[training]\noptimizer = \"sgd\"";

refused! {
    a_kernel_larger_than_its_input: [Code::Convolution], layers(DIGIT, "kernel = 9", SGD);
    a_stride_that_does_not_divide: [Code::Convolution], layers(DIGIT, "kernel = 3, stride = 2", SGD);
    a_pooling_window_that_does_not_divide: [Code::Convolution], layers(DIGIT, "kernel = 3, pool = 4", SGD);
    a_mean_that_no_shift_divides: [Code::Convolution], layers(DIGIT, "kernel = 3, pool = 3, pooling = \"average\"", SGD);
    a_pooling_of_single_places: [Code::Convolution], layers(DIGIT, "kernel = 3, pooling = \"average\"", SGD);
    a_convolution_of_no_image: [Code::Convolution], layers("inputs = 64", "kernel = 3", SGD);
    an_image_of_other_words: [Code::Convolution], layers("inputs = 64\nimage = { height = 8, width = 7 }", "kernel = 3", SGD);
    an_image_without_a_width: [Code::MissingKey], layers("image = { height = 8 }\ninputs = 64", "activation = \"tanh\"", SGD);
    an_image_of_too_many_words: [Code::OutOfRange],
        layers("image = { height = 300, width = 300 }", "kernel = 3", &format!("{SGD}\n[data]\ncsv = \"x.csv\"")).as_str();
    a_map_of_too_many_words: [Code::Convolution],
        layers("image = { height = 200, width = 200 }", "kernel = 1", &format!("{SGD}\n[data]\ncsv = \"x.csv\"")).as_str();
    an_image_of_no_use: [Code::Convolution], layers(DIGIT, "activation = \"tanh\"", SGD);
    a_stride_without_a_kernel: [Code::Convolution], layers("inputs = 64", "stride = 2", SGD);
    channels_that_fill_no_beat: [Code::Convolution], layers(DIGIT, "kernel = 3", &format!("{SGD}\n[array]\nlanes = 16")).as_str();
    an_array_for_an_fpga: [Code::Convolution], layers(DIGIT, "kernel = 3", &format!("{SGD}\n[array]\nbackend = \"fpga\"")).as_str();
    more_pairs_than_the_ring_holds: [Code::Convolution], layers(DIGIT, "kernel = 3", "[training]\nhistory = 8");
    a_fast_array: [Code::Convolution], layers(DIGIT, "kernel = 3", "[training]\nmomentum_unit = \"tiki_taka\"");
    a_look_ahead_in_the_array: [Code::Convolution],
        layers(DIGIT, "kernel = 3", "[training]\nmomentum_unit = \"in_array\"\nmomentum_kind = \"nesterov\"");
    a_second_convolution: [Code::Convolution],
        format!("{DIGIT}\nlayers = [ {{ outputs = 8, kernel = 3 }}, {{ outputs = 8, kernel = 3 }}, {{ outputs = 10 }} ]\n{SGD}");
    a_convolution_alone: [Code::Convolution], format!("{DIGIT}\nlayers = [ {{ outputs = 8, kernel = 3 }} ]\n{SGD}");
}

/// The canonical spec says the same again.
#[test]
fn the_canonical_spec_is_that_design() {
    for first in ["kernel = 3, pool = 2", "kernel = 3, pool = 2, pooling = \"average\"", "kernel = 2, stride = 3"] {
        let design = parse(&layers(DIGIT, first, SGD)).unwrap_or_else(|e| panic!("{e}"));
        let again =
            spec::parse(&spec::canonical_toml(&design), "again.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again, design);
        assert_eq!(again.inputs, 64);
    }
}
