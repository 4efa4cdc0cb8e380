//! Training of the golden model alone: the same network as through the RTL, the same with any number of threads, refusals.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::common::{Rig, Small, options};
use memrtl::cosim;
use memrtl::spec::{self, Backend, Design};
use memrtl::train::{self, Options, Outcome, TrainError};

const DEVICES: [&str; 2] = ["", "model = \"constant_step\"\ndw_min = 0.01\ndw_min_std = 0.5"];

fn digits_text(device: &str) -> String {
    format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 16, activation = \"tanh\" }}, \
         {{ outputs = 10, activation = \"sigmoid\" }}]\n[training]\nlearning_rate = 0.02\nepochs = 2\n[device]\n{device}\n"
    )
}

fn digits(device: &str) -> Design {
    spec::parse(&digits_text(device), "net.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
}

fn outcomes(design: &Design, options: &Options) -> Vec<Outcome> {
    let told = AtomicU64::new(0);
    let tell = |done: u64| {
        told.fetch_add(done, Ordering::Relaxed);
    };
    let summary = train::sweep(design, options, &AtomicBool::new(false), &tell).unwrap();
    assert_eq!(told.into_inner(), train::total_samples(design, options).unwrap());
    summary.runs.into_iter().map(|run| run.outcome).collect()
}

#[test]
fn threads_change_nothing() {
    for device in DEVICES {
        let design = digits(device);
        let options = |jobs| Options { seeds: vec![3, 1, 2, 9], jobs, limit: Some(150), reference: true };
        let single = outcomes(&design, &options(1));
        assert_eq!(single.iter().map(|o| o.seed).collect::<Vec<_>>(), [3, 1, 2, 9]);
        assert!(single.windows(2).all(|w| w[0].weights_hash != w[1].weights_hash), "seeds differ");
        for jobs in [2, 3] {
            assert_eq!(single, outcomes(&design, &options(jobs)), "{jobs} threads, {device}");
        }
    }
}

/// A co-simulation checks every value of the RTL against the golden model; here both of its ends are compared with the quick loop.
#[test]
fn the_states_are_those_of_a_co_simulation() {
    for device in DEVICES {
        let rig = Small { device, ..Small::default() }.rig(Backend::External);
        let cosim = rig.run(&options()).unwrap_or_else(|error| panic!("{error}")).summary;
        let options = Options { seeds: vec![rig.design.training.seed], jobs: 1, limit: None, reference: true };
        let [alone] = &outcomes(&rig.design, &options)[..] else { panic!("one seed") };
        assert_eq!(alone.weights_hash, cosim.weights_hash, "{device}");
        assert_eq!(alone.accuracy, cosim.accuracy);
        assert_eq!(alone.accuracy_float, Some(cosim.accuracy_float));
        assert_eq!(
            (alone.samples, alone.slots, alone.slots_skipped),
            (cosim.samples, cosim.slots, cosim.slots_skipped)
        );
    }
}

#[test]
fn time_passes_once_before_the_last_test() {
    let device = "preset = \"PCM\"\n[array.nonideal]\nage = 1e5";
    let small =
        Small { device, training: "learning_rate = 0.5\nhistory = 3\nepochs = 3\nseed = 7", ..Small::default() };
    let rig = small.rig(Backend::External);
    let young = Small { device: "preset = \"PCM\"", ..small }.rig(Backend::External);
    let options_of =
        |rig: &Rig| Options { seeds: vec![rig.design.training.seed], jobs: 1, limit: None, reference: false };
    let [alone] = &outcomes(&rig.design, &options_of(&rig))[..] else { panic!("one seed") };
    let [unaged] = &outcomes(&young.design, &options_of(&young))[..] else { panic!("one seed") };
    assert_ne!(alone.weights_hash, unaged.weights_hash, "no drift");
    assert_eq!(alone.epochs[..2], unaged.epochs[..2], "drift before the last test");
    // Whole, and in pieces beside one another.
    for jobs in [1, 3] {
        let cosim = rig.run(&cosim::Options { jobs, ..options() }).unwrap_or_else(|error| panic!("{error}")).summary;
        assert_eq!(alone.weights_hash, cosim.weights_hash, "{jobs} threads");
        let golden = |epochs: &[cosim::Epoch]| epochs.iter().map(|e| e.golden).collect::<Vec<_>>();
        assert_eq!(alone.epochs.iter().map(|e| e.golden).collect::<Vec<_>>(), golden(&cosim.epochs));
    }
}

#[test]
fn a_sweep_can_be_stopped_and_needs_a_seed() {
    let design = digits("");
    let mut options = Options { seeds: vec![1], jobs: 1, ..Options::default() };
    let stopped = train::sweep(&design, &options, &AtomicBool::new(true), &|_| {});
    assert!(matches!(stopped, Err(TrainError::Interrupted { seed: 1, samples: 64 })), "{stopped:?}");
    options.seeds.clear();
    assert!(matches!(train::sweep(&design, &options, &AtomicBool::new(false), &|_| {}), Err(TrainError::NoSeeds)));
}

#[test]
fn the_command_writes_a_table_and_a_summary() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("sub/out");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
        command.arg("train").args(args).arg("--out").arg(&out).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, table, stderr) = run(&["--seeds", "1..3", "--samples", "100", "--epochs", "1", "--jobs", "2"]);
    assert_eq!(code, Some(0), "{stderr}");
    for word in ["seed 1", "seed 2", "seed 3", "mean", "standard deviation", "f64", "samples per second"] {
        assert!(table.contains(word), "`{word}` is missing in:\n{table}");
    }
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    let runs = summary["runs"].as_array().unwrap();
    let mean = runs.iter().map(|r| r["accuracy"].as_f64().unwrap()).sum::<f64>() / 3.0;
    assert!((summary["accuracy"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert_eq!(runs.iter().map(|r| r["samples"].as_u64().unwrap()).sum::<u64>(), 300);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "nothing but the summary is left");

    // What is wrong with the arrays is told, and what the device's own parameters warn of.
    assert!(!table.contains("imperfect") && !stderr.contains("warning"), "{table}{stderr}");
    assert_eq!(summary["imperfections"].as_array().unwrap().len(), 0);
    let spec = dir.path().join("memrtl.toml");
    let device = "model = \"vteam\"\nwindow = \"joglekar\"\naccept_sticking = true";
    let text = format!("{}\n[array.nonideal]\nread_noise = 0.01\nwire_row = 2\n", digits_text(device));
    std::fs::write(&spec, text).unwrap();
    let (code, table, stderr) = run(&["--config", spec.to_str().unwrap(), "--samples", "20", "--epochs", "1"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(table.contains("imperfect arrays: read_noise 0.01 full scales, wire_row 2 ohm"), "{table}");
    assert!(stderr.contains("warning: `window` of the device is joglekar: it vanishes at both bounds"), "{stderr}");
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["imperfections"][1], serde_json::json!({ "key": "wire_row", "value": 2.0, "unit": "ohm" }));

    for (args, word) in [
        (["--seeds", "4..2"], "ends before it begins"),
        (["--seeds", "1,x"], "`x` is no seed, allowed: 0 to 2^63 - 1"),
        (["--jobs", "0"], "1..=1024"),
        (["--epochs", "0"], "1..=100000"),
        (["--samples", "0"], "1.."),
        (["--config", "nowhere.toml"], "there is no such file"),
    ] {
        let (code, _, stderr) = run(&args);
        assert!(code != Some(0) && stderr.contains(word), "{args:?}: {stderr}");
    }
}
