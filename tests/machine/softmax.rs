//! Softmax and cross-entropy through the RTL: values and cycles exact, changes found, digits learnt.

use crate::common;
use std::sync::atomic::AtomicBool;

use crate::common::{Rig, Small, mutated, options};
use memrtl::cosim::{CosimError, What};
use memrtl::cycles::softmax_delay;
use memrtl::spec::Backend::{self, Emulated, External};
use memrtl::spec::{self, Activation, Loss};
use memrtl::train;

const TRAINING: &str =
    "loss = \"cross_entropy\"\nlearning_rate = 0.25\nmomentum = 0.9\nhistory = 3\nepochs = 2\nseed = 7";

fn small() -> Small<'static> {
    Small {
        network: "inputs = 7\nlayers = [{ outputs = 5, activation = \"tanh\" }, { outputs = 3 }]",
        training: TRAINING,
        ..Small::default()
    }
}

/// Runs training and tests with every value and every cycle checked, and the design linted.
fn exact(small: &Small<'_>, backend: Backend) {
    let rig = small.rig(backend);
    assert_eq!(rig.design.training.loss, Loss::CrossEntropy);
    assert_eq!(rig.design.layers.last().unwrap().activation, Activation::Softmax);
    common::lint(&rig.design, &rig.dir.path().join("rtl"));
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{small:?}: {e}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
    // Outputs came and went: the softmax has something to tell apart.
    assert!(report.summary.slots > 0);
}

/// One beat, several, a last one with a single word; one lane and more lanes than outputs; codes of other widths than activations.
#[test]
fn values_and_cycles_are_exact() {
    let eleven = "inputs = 7\nlayers = [{ outputs = 5, activation = \"relu\" }, { outputs = 11, read_range = 16.0 }]";
    let alone = "inputs = 6\nlayers = [{ outputs = 9, activation = \"softmax\" }]";
    let shared = "inputs = 6\nlayers = [{ outputs = 4 }, { outputs = 4, activation = \"tanh\" }, { outputs = 17 }]";
    let cases = [
        (small(), External),
        (Small { array: "adcs = 1\nlanes = 1", ..small() }, Emulated),
        (Small { array: "adcs = 2\nlanes = 8", ..small() }, External),
        (Small { network: eleven, array: "adcs = 4\nlanes = 8\nadc_bits = 6", ..small() }, External),
        (
            Small { network: eleven, array: "adcs = 8\nlanes = 1\ndac_bits = 6", device: "state_bits = 14", ..small() },
            External,
        ),
        (Small { network: alone, array: "adcs = 4\nlanes = 4", ..small() }, External),
        (Small { network: alone, array: "adcs = 2\nlanes = 8\ndac_bits = 10\nadc_bits = 9", ..small() }, Emulated),
        (Small { network: shared, array: "adcs = 2\nlanes = 4\nrows = 4\ncols = 4", ..small() }, External),
    ];
    common::on_all_cores(&cases, |(small, backend)| exact(small, *backend));
}

/// Momentum units that wait for y meet a later one.
#[test]
fn all_momentum_units_take_it() {
    let units = ["in_array", "sram", "tiki_taka"].map(|unit| {
        format!("loss = \"cross_entropy\"\nlearning_rate = 0.25\nmomentum = 0.9\nmomentum_unit = \"{unit}\"\nepochs = 1\nseed = 7")
    });
    let sgd = "loss = \"cross_entropy\"\noptimizer = \"sgd\"\nlearning_rate = 0.25\nepochs = 1\nseed = 7".to_owned();
    let all: Vec<String> = units.into_iter().chain([sgd]).collect();
    common::on_all_cores(&all, |training| exact(&Small { training, ..small() }, External));
}

#[test]
fn a_changed_softmax_is_found() {
    let changes = [
        ("$signed(found_code_q) > $signed(largest_q)", "$signed(found_code_q) < $signed(largest_q)"),
        ("sum_of(exponential, last_q[2] ? TAIL_LANES", "sum_of(exponential, last_q[2] ? {LANES{1'b1}}"),
        ("largest_of(in_code, in_last ? TAIL_LANES", "largest_of(in_code, in_last ? {LANES{1'b0}}"),
        ("sum_q <= sum_q + beat_sum_q", "sum_q <= beat_sum_q"),
        ("bit_0     = doubled_0 >= sum_wide", "bit_0     = 1'b0"),
        ("(product + HALF) >> SHIFT", "product >> SHIFT"),
        ("assign next_beat = product_beat_q", "assign next_beat = out_beat"),
    ];
    let rig = small().rig(External);
    common::on_all_cores(&changes, |(from, to)| {
        let rtl = mutated(&rig.rtl, &[("softmax", from, to)]);
        match (Rig { rtl, ..rig.clone() }).run(&options()) {
            Err(CosimError::Mismatch(m)) => {
                assert!(matches!(m.what, What::Error | What::Output), "{from}: {m}");
            }
            Err(other) => panic!("{from}: {other}"),
            Ok(_) => panic!("{from}: nothing was found"),
        }
    });
}

/// The third pass a cycle later: all values are right, and the count is not.
#[test]
fn a_slower_softmax_is_found() {
    let rig = small().rig(External);
    let rtl = mutated(&rig.rtl, &[("softmax", "STEP_EMIT = STEPS - 3", "STEP_EMIT = STEPS - 2")]);
    match (Rig { rtl, ..rig }).run(&options()) {
        Err(CosimError::Mismatch(m)) => assert_eq!(m.what, What::Cycles("forward"), "{m}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

#[test]
fn squared_error_has_no_softmax() {
    let rig = Small::default().rig(External);
    assert_eq!(softmax_delay(&rig.design), 0);
    assert!(!rig.rtl.modules.iter().any(|m| m.name.contains("softmax") || m.name.contains("exp_table")));
}

/// The digits with the preset's widths: as good as f64, epoch by epoch within what a test of 360 samples can tell.
#[test]
fn digits_are_learnt_as_in_f64() {
    let text = spec::preset("digits").expect("embedded");
    let text = text.replace("  { outputs = 10, activation = \"sigmoid\" },", "  { outputs = 10 },");
    let text = text.replace("loss = \"squared\"", "loss = \"cross_entropy\"");
    let text = text.replace("learning_rate = 0.1", "learning_rate = 0.02").replace("epochs = 8", "epochs = 4");
    let design = spec::parse(&text, "digits", std::path::Path::new("")).unwrap_or_else(|e| panic!("{e}"));
    let options = train::Options { seeds: vec![1], reference: true, ..train::Options::default() };
    let summary = train::sweep(&design, &options, &AtomicBool::new(false), &|_| {}).unwrap();
    let float = summary.accuracy_float.unwrap().mean;
    assert!(summary.accuracy.mean > 0.94 && float > 0.94, "{} {float}", summary.accuracy.mean);
}
