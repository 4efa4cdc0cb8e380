//! Bit-serial inputs: reads in bit planes, through the RTL and in the golden model.

use std::path::Path;

use crate::common::{Rig, Small, lint, mutated, on_all_cores, one_sample, options, refused};
use memrtl::cosim::{CosimError, Mismatch, What};
use memrtl::fixed::{max_code, round_shift, saturate};
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::spec::{self, Backend, Code, Design};

use Backend::{Emulated, External};

const NETWORK: &str = "inputs = 12\nlayers = [\n\
    { outputs = 11, activation = \"tanh\", error_range = 0.5, max_update = 0.25 },\n\
    { outputs = 5, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5, max_update = 0.125 } ]";
/// Full scales of planes of their own, which give each layer its own shifts.
const SCALED: &str = "inputs = 12\nlayers = [\n\
    { outputs = 11, activation = \"tanh\", error_range = 0.5, max_update = 0.25, read_plane_range = 8 },\n\
    { outputs = 5, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5, max_update = 0.125, back_plane_range = 0.25 } ]";
const SERIAL: &str = "input_coding = \"bit_serial\"\nadcs = 2\nlanes = 2";
const CUT: &str = "input_coding = \"bit_serial\"\nadcs = 2\nlanes = 2\nrows = 6\ncols = 4";
const NARROW: &str = "input_coding = \"bit_serial\"\nadcs = 4\nlanes = 1\ndac_bits = 2\nerror_bits = 3";
const HISTORY: &str = "learning_rate = 0.5\nmomentum = 0.9\nhistory = 3\nepochs = 1\nseed = 7";

fn small<'a>(array: &'a str, training: &'a str) -> Small<'a> {
    Small { network: NETWORK, array, training, ..Small::default() }
}

fn unit(name: &str) -> String {
    format!("learning_rate = 0.25\nmomentum = 0.75\nmomentum_unit = \"{name}\"\nepochs = 1\nseed = 7")
}

/// Every unit, grid and backend: all values and all cycles, and Verilog that no tool has a word about.
#[test]
fn bit_planes_train_exactly() {
    let sgd = "optimizer = \"sgd\"\nlearning_rate = 0.5\nepochs = 1\nseed = 7".to_owned();
    let softmax = format!("{HISTORY}\nloss = \"cross_entropy\"\nbatch = 3");
    let outputs = "inputs = 9\nlayers = [ { outputs = 6, activation = \"linear\" }, { outputs = 4 } ]";
    let imperfect = "model = \"soft_bounds\"\ndw_min = 0.01\ndw_min_std = 0.3\nstate_bits = 16\n\
                     [array.nonideal]\nstuck_lrs = 0.03\nread_noise = 0.01\nwire_row = 2.0\nwire_column = 1.0\nadc_offset = 0.02";
    // One group, no settling: steps follow one another in every cycle.
    let quick = "clock = 2.0\nread_settle = 0.0\nadc_conversion = 2.0";
    let rushed = "input_coding = \"bit_serial\"\nadcs = 16\nlanes = 2";
    let memory = "preset = \"EpiRAM\"\nsigned = \"differential\"\n[memory]\nattempts = 4\nrefresh_every = 3";
    let (in_array, sram, tiki_taka) = (unit("in_array"), unit("sram"), unit("tiki_taka"));
    let cases = [
        (small(SERIAL, HISTORY), External),
        (small(SERIAL, HISTORY), Emulated),
        (small(CUT, HISTORY), Emulated),
        (small(CUT, &sgd), External),
        (Small { network: SCALED, ..small(SERIAL, HISTORY) }, External),
        (Small { network: SCALED, ..small(CUT, HISTORY) }, Emulated),
        (Small { network: outputs, ..small(SERIAL, &softmax) }, External),
        (Small { timing: quick, ..small(rushed, HISTORY) }, External),
        (Small { device: imperfect, ..small(CUT, HISTORY) }, External),
        (Small { device: memory, ..small(SERIAL, HISTORY) }, External),
        (small(CUT, &in_array), External),
        (small(CUT, &sram), Emulated),
        (small(CUT, &tiki_taka), External),
        (Small { device: imperfect, ..small(SERIAL, &tiki_taka) }, External),
        // The narrowest code: one plane of magnitudes.
        (Small { device: "state_bits = 12", ..small(NARROW, HISTORY) }, External),
        (Small { device: "state_bits = 12", ..small(NARROW, &tiki_taka) }, External),
    ];
    on_all_cores(&cases, |(small, backend)| {
        let rig = small.rig(*backend);
        lint(&rig.design, &rig.dir.path().join("rtl"));
        let report = rig.run(&options()).unwrap_or_else(|e| panic!("{backend:?} {small:?}: {e}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "{backend:?} {small:?}");
    });
}

#[test]
fn stalls_in_single_steps_change_no_weight() {
    small(CUT, HISTORY).rig(External).stalls_change_no_weight();
}

/// What a read costs: a step for each bit, in cycles that are counted here by hand.
#[test]
fn a_read_takes_a_step_for_each_bit() {
    let network = "inputs = 7\nlayers = [ { outputs = 5, activation = \"sigmoid\" } ]";
    let cycles = |array: &str| {
        let rig = Small { network, ..small(array, HISTORY) }.rig(External);
        let library = rig.build();
        let mut session = rig.session(&library, &options());
        one_sample(&mut session, &[3; 7], None).unwrap().total()
    };
    // Settling takes 2 cycles, a conversion 3, and 5 columns are 3 conversions of 2.
    let step = 2 + 3 * 3;
    let (amplitude, serial) = (cycles("adcs = 2\nlanes = 2"), cycles(SERIAL));
    assert_eq!(serial - amplitude, (8 - 1) * step);
}

/// The most negative code comes from the host alone: all rows at full scale in the plane of the sign.
#[test]
fn the_most_negative_code_is_read_whole() {
    let rig = small(SERIAL, HISTORY).rig(External);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    one_sample(&mut session, &[-128; 12], Some(&[0; 5])).unwrap();
    one_sample(&mut session, &[127, -128, -1, 0, 1, 64, -64, 85, -86, 2, -2, -127], Some(&[64; 5])).unwrap();
}

/// Sums of planes next to the exact dot product: each plane is off by half a step of its own, and so is the sum.
#[test]
fn codes_are_those_of_amplitudes_within_the_rounding_of_the_planes() {
    let serial = small(SERIAL, HISTORY).rig(External);
    let design = &serial.design;
    let amplitude = spec::parse(
        &spec::canonical_toml(design)
            .lines()
            .filter(|l| !l.contains("plane_range") && !l.contains("input_coding"))
            .collect::<Vec<_>>()
            .join("\n"),
        "amplitude.toml",
        Path::new(""),
    )
    .unwrap();
    let mut machines = [Machine::new(design).unwrap(), Machine::new(&amplitude).unwrap()];
    let (mut traces, mut apart, mut limit) = ([SampleTrace::default(), SampleTrace::default()], 0, 0);
    for sample in 0..20 {
        let x = encode::input_codes(design, serial.data.sample(sample));
        let t = encode::target_codes(design, usize::from(serial.data.labels[sample]));
        // The same states: what each of them learns is its own.
        let start = machines[0].moment();
        machines[1].restore(&start);
        for (machine, trace) in machines.iter_mut().zip(&mut traces) {
            machine.run(&x, &t, Mode::Train, trace).unwrap();
        }
        let [planes, whole] = &traces;
        for (a, b) in planes.layers[0].read.iter().zip(&whole.layers[0].read) {
            apart = apart.max((a - b).abs());
            limit += usize::from(a.abs() == 127);
        }
        // 8 planes count 1 together, each half a step off, and two final roundings.
        assert!(apart <= 2, "{apart}");
    }
    assert!(apart > 0 && limit < 20, "{apart} {limit}");
}

/// The golden model's sums again, from its own planes: row codes are two's complement, errors have magnitudes and a sign.
#[test]
fn sums_follow_from_the_codes_of_the_planes() {
    for small in [small(SERIAL, HISTORY), Small { network: SCALED, ..small(SERIAL, HISTORY) }] {
        let rig = small.rig(External);
        let design: &Design = &rig.design;
        let mut machine = Machine::new(design).unwrap();
        let mut trace = SampleTrace::default();
        let x = [-128, 127, -1, 1, 77, -77, 0, 3, -5, 100, -100, 64];
        machine.run(&x, &[100; 5], Mode::Train, &mut trace).unwrap();
        let weigh = |codes: &[i32], lines: usize, line: usize, signed: bool| -> i64 {
            let planes = codes.len() / lines;
            (0..planes)
                .map(|plane| {
                    let sign = if signed && plane + 1 == planes { -1 } else { 1 };
                    sign * (i64::from(codes[plane * lines + line]) << plane)
                })
                .sum()
        };
        for (layer, t) in design.layers.iter().zip(&trace.layers) {
            assert_eq!(t.tile_reads[0].len(), 8 * layer.outputs);
            for (line, &code) in t.read.iter().enumerate() {
                let sum = weigh(&t.tile_reads[0], layer.outputs, line, true);
                assert!(sum.abs() <= max_code(8) * 255, "a sum of full scales fits 16 bits");
                assert_eq!(i64::from(code), saturate(round_shift(sum, layer.shifts.planes_forward), 8));
            }
        }
        let (layer, t) = (&design.layers[1], &trace.layers[1]);
        assert_eq!(t.tile_backs[0].len(), 7 * layer.inputs);
        for (line, &code) in t.back.iter().enumerate() {
            let sum = weigh(&t.tile_backs[0], layer.inputs, line, false);
            assert_eq!(i64::from(code), saturate(round_shift(sum, layer.shifts.planes_backward), 8));
        }
        assert!(t.back.iter().any(|&code| code != 0));
    }
}

fn mismatch(rig: &Rig, changes: &[(&str, &str, &str)]) -> Mismatch {
    match (Rig { rtl: mutated(&rig.rtl, changes), ..rig.clone() }).run(&options()) {
        Err(CosimError::Mismatch(mismatch)) => mismatch,
        Err(other) => panic!("{changes:?}: not a mismatch: {other}"),
        Ok(_) => panic!("{changes:?}: nothing was found"),
    }
}

/// Wrong Verilog is found, and named.
#[test]
fn mutants_are_reported() {
    // Module, text, what replaces it, backend, layer and quantity of the first mismatch.
    let mutants = [
        ("shift_add", "wire subtract = plane_last && !back_q;", "wire subtract = 1'b0;", External, "l1", What::Error),
        (
            "shift_add",
            "wire subtract = plane_last && !back_q;",
            "wire subtract = plane_last;",
            External,
            "l0",
            What::Error,
        ),
        (
            "shift_add",
            "added(plane_first ? {SUM_BITS{1'b0}} : sum",
            "added(1'b0 ? {SUM_BITS{1'b0}} : sum",
            External,
            "l1",
            What::RowCode,
        ),
        (
            "shift_add",
            "code_last ? {GROUP_BITS{1'b0}} : group_q",
            "1'b0 ? {GROUP_BITS{1'b0}} : group_q",
            External,
            "l1",
            What::RowCode,
        ),
        (
            "shift_add",
            "localparam LOW_BITS = DAC_BITS - 1;",
            "localparam LOW_BITS = DAC_BITS - 2;",
            External,
            "l1",
            What::RowCode,
        ),
        (
            "shift_add",
            "(code + BACK_HALF) >>> BACK_SHIFT",
            "(code + BACK_HALF) >>> FWD_SHIFT",
            External,
            "l0",
            What::Error,
        ),
        ("row_driver", "else if (turn) begin", "else if (1'b0) begin", External, "l0", What::RowCode),
        // Codes that are not whole again reach the write.
        (
            "layer",
            "turn_rows = step_end && !op_kind[0]",
            "turn_rows = step_end && !op_kind[0] && !plane_last",
            External,
            "l1",
            What::RowCode,
        ),
        ("col_pulse", "mag_q <= mag_q >> 1", "mag_q <= mag_q >> 2", External, "l1", What::DriveCode),
        ("array_port", "plane_q <= plane_q + PLANE_STEP;", "plane_q <= plane_q;", External, "l0", What::RowCode),
        ("array_emulated", "s2_row_q, back && s2_neg_q[k]", "s2_row_q, 1'b0", Emulated, "l1", What::BackCode),
    ];
    on_all_cores(&mutants, |(module, from, to, backend, layer, what)| {
        let network = "inputs = 12\nlayers = [\n\
            { outputs = 11, activation = \"tanh\", error_range = 0.5, max_update = 0.25 },\n\
            { outputs = 5, activation = \"tanh\", error_range = 0.25, back_range = 0.5, max_update = 0.125 } ]";
        // The optimizer without pairs of earlier samples: rows are written as they stand after the read.
        let training = "optimizer = \"sgd\"\nlearning_rate = 0.5\nepochs = 1\nseed = 7";
        let rig = Small { network, ..small(SERIAL, training) }.rig(*backend);
        let m = mismatch(&rig, &[(module, from, to)]);
        assert_eq!((m.layer.as_str(), m.what), (*layer, *what), "{from} -> {to}: {m}");
        assert!(m.sample < 3, "{m}");
    });
}

/// Steps of one conversion in cycles that follow one another: the sums of a group are back before the memory has them.
#[test]
fn sums_that_do_not_go_around_the_memory_are_found() {
    let timing = "clock = 2.0\nread_settle = 0.0\nadc_conversion = 2.0";
    let array = "input_coding = \"bit_serial\"\nadcs = 16\nlanes = 16";
    let rig = Small { timing, ..small(array, HISTORY) }.rig(External);
    let m = mismatch(&rig, &[("shift_add", "around_q ? next_q : stored", "stored")]);
    assert_eq!((m.sample, m.layer.as_str(), m.what), (0, "l1", What::RowCode), "{m}");
}

/// A good spec with changes.
fn parse(layer: &str, array: &str) -> Result<Design, spec::SpecErrors> {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 32{layer} }}, {{ outputs = 10 }}]\n[array]\n{array}\n"
    );
    spec::parse(&text, "memrtl.toml", Path::new(""))
}

refused! {
    planes_of_amplitudes: [Code::Coding, Code::Coding], ", read_plane_range = 8, back_plane_range = 1", "";
    planes_coarser_than_the_lowest_bit: [Code::Coding], ", read_plane_range = 2048", "input_coding = \"bit_serial\"";
    planes_finer_than_any_use: [Code::Coding], ", read_plane_range = 1", "input_coding = \"bit_serial\"\ndac_bits = 6";
    planes_finer_than_the_device: [Code::NegativeShift, Code::NegativeShift], "", "input_coding = \"bit_serial\"\nadc_bits = 14\n[device]\nstate_bits = 11";
    an_unknown_coding: [Code::UnknownValue], "", "input_coding = \"serial\"";
    nonlinearity_of_one_bit: [Code::NonIdeal], "",
        "input_coding = \"bit_serial\"\n[array.nonideal]\ndac_inl = 0.5\n[device]\nmodel = \"constant_step\"";
}

#[test]
fn the_coding_is_in_the_canonical_spec_and_its_hash() {
    let plain = parse("", "").unwrap();
    assert!(!spec::canonical_toml(&plain).contains("plane_range"));
    let serial = parse(", back_plane_range = 1", "input_coding = \"bit_serial\"").unwrap();
    let text = spec::canonical_toml(&serial);
    assert_eq!(spec::parse(&text, "memrtl.toml", Path::new("")).unwrap(), serial);
    assert_ne!(serial.spec_hash, plain.spec_hash);
    assert_eq!(parse("", "input_coding = \"amplitude\"").unwrap(), plain);
}
