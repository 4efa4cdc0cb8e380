//! Memristor models behind the pins of a running design: RTL and golden model agree in every transaction, and the array on
//! pins ends in the same state as the one that golden calls.

use std::sync::atomic::AtomicBool;

use memrtl::cosim;
use memrtl::golden::Machine;
use memrtl::spec::Backend;

use crate::common::{Small, options};

/// Trains a small design with `device` as its `[device]` section; returns the final state words of all layers.
fn train(device: &str) -> Vec<Vec<i32>> {
    let rig = Small { device, ..Small::default() }.rig(Backend::External);
    let report = cosim::run(&rig.design, &rig.rtl, &options(), &AtomicBool::new(false), &mut |_| {})
        .unwrap_or_else(|error| panic!("{device}: {error}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
    let start = Machine::new(&rig.design).expect("a usable device");
    for (layer, states) in report.states.iter().enumerate() {
        assert_ne!(&start.states(layer), states, "training has changed nothing");
    }
    report.states
}

#[test]
fn constant_step_trains_through_the_rtl_and_repeats_to_the_bit() {
    let device = "model = \"constant_step\"\ndw_min = 0.01\ndw_min_std = 0.5";
    assert_eq!(train(device), train(device));
    assert_ne!(train(device), train("model = \"constant_step\"\ndw_min = 0.01\ndw_min_std = 0.4"));
}

#[test]
fn vteam_trains_through_the_rtl_and_repeats_to_the_bit() {
    let device = "model = \"vteam\"\nrate_dtod = 0.1\nrate_ctoc = 0.1";
    assert_eq!(train(device), train(device));
    assert_ne!(train(device), train("model = \"vteam\"\nrate_dtod = 0.1"));
    train("model = \"vteam\"\npreset = \"magic\"\nwindow = \"biolek\"");
}

#[test]
fn the_other_compact_models_train_through_the_rtl() {
    train("model = \"yakopcic\"\nv_max = 10.0\nrate_ctoc = 0.1");
    train("model = \"stanford_pku\"\nf_min = 6e8");
}

/// Every preset of the pulse-response models, half of them as differential pairs.
#[test]
fn every_pulse_response_preset_trains_through_the_rtl() {
    for (number, preset) in memrtl::device::response::Preset::ALL.iter().enumerate() {
        let signed = ["reference", "differential"][number % 2];
        train(&format!("preset = \"{}\"\nsigned = \"{signed}\"", preset.name));
    }
    train("model = \"pow_step\"\npow_gamma = 1.5");
}

#[test]
fn a_preset_repeats_to_the_bit_and_its_numbers_can_be_replaced() {
    let preset = "preset = \"ReRamSB\"";
    assert_eq!(train(preset), train("model = \"soft_bounds\"\npreset = \"ReRamSB\""));
    assert_ne!(train(preset), train("preset = \"ReRamSB\"\ndw_min = 0.004"));
}

#[test]
fn phase_change_pairs_train_through_the_rtl_and_repeat_to_the_bit() {
    assert_eq!(train("model = \"pcm\""), train("preset = \"PCM\""));
    assert_ne!(train("model = \"pcm\""), train("model = \"pcm\"\ndw_min_std = 0.3"));
}
