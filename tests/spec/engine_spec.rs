//! What momentum units, kinds and batches ask of a spec: values, refusals and warnings.

use std::path::Path;

use crate::common::refused;
use memrtl::spec::{self, Code, Design};

/// A good spec with further lines.
fn parse(lines: &str) -> Result<Design, spec::SpecErrors> {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 32 }}, {{ outputs = 10 }}]\n[training]\n{lines}\n"
    );
    spec::parse(&text, "memrtl.toml", Path::new(""))
}

refused! {
    depth_of_a_unit_without_pairs: [Code::Engine], "momentum_unit = \"sram\"\nhistory = 4";
    guard_of_a_unit_without_velocity: [Code::Engine], "velocity_guard = 4";
    times_of_second_devices_that_are_not_there: [Code::Engine, Code::Engine],
        "momentum_unit = \"sram\"\n[timing]\ndecay = 10\ntransfer = 20";
    memory_of_an_array_outside: [Code::DeviceBackend], "[array]\nstate_memory = \"single_port\"";
    second_devices_in_the_emulated_array: [Code::Engine], "momentum_unit = \"in_array\"\n[array]\nbackend = \"emulated\"";
    second_devices_in_memory_mode: [Code::Engine],
        "momentum_unit = \"in_array\"\n[device]\nmodel = \"constant_step\"\n[memory]";
    second_devices_of_two_states: [Code::Engine, Code::DeviceDrive],
        "momentum_unit = \"in_array\"\n[array]\nbackend = \"external\"\n[device]\nmodel = \"mtj\"";
    second_devices_that_only_grow: [Code::Engine], "momentum_unit = \"in_array\"\n[device]\npreset = \"PCM\"";
    residues_of_chance: [Code::Engine], "momentum_unit = \"sram\"\n[device]\nmodel = \"mtj\"";
    velocities_too_wide: [Code::Engine], "momentum_unit = \"in_array\"\nmomentum = 0.99\nvelocity_guard = 14";
    velocities_too_wide_in_batches: [Code::Engine], "momentum_unit = \"in_array\"\nbatch = 256\nvelocity_guard = 8";
    a_fast_array_in_verilog: [Code::Engine], "momentum_unit = \"tiki_taka\"\n[array]\nbackend = \"emulated\"";
    another_kind_for_the_fast_array: [Code::Engine], "momentum_unit = \"tiki_taka\"\nmomentum_kind = \"nesterov\"";
    transfers_without_a_fast_array: [Code::Engine, Code::Engine, Code::Engine],
        "transfer_every = 2\ntransfer_divisor = 4\nfast_range = 2";
    shares_that_are_no_power_of_two: [Code::NotPowerOfTwo, Code::OutOfRange],
        "momentum_unit = \"tiki_taka\"\ntransfer_divisor = 3\ntransfer_every = 0";
    a_fast_array_beyond_its_codes: [Code::Engine],
        "momentum_unit = \"tiki_taka\"\nfast_range = 256\n[array]\npulse_bits = 12\nadc_bits = 4";
    chance_without_memory: [Code::Engine], "momentum_unit = \"history\"\nrounding = \"stochastic\"";
    chance_that_looks_ahead: [Code::Engine],
        "momentum_unit = \"sram\"\nmomentum_kind = \"nesterov\"\nrounding = \"stochastic\"";
    another_rounding: [Code::UnknownValue], "momentum_unit = \"sram\"\nrounding = \"nearest\"";
    pulses_that_do_not_surely_switch: [Code::Engine],
        "momentum_unit = \"sram\"\nrounding = \"stochastic\"\n[device]\nmodel = \"mtj\"\nstate_bits = 16";
    slices_of_one_device: [Code::Slices, Code::Slices, Code::Slices],
        "[array]\nslice_ratio = 8\nslice_code_ratio = 2\ncarry_every = 2";
    slices_that_count_the_same: [Code::Slices], "[array]\nslices = 2\nslice_ratio = 1";
    more_slices_than_there_are: [Code::OutOfRange, Code::NotPowerOfTwo], "[array]\nslices = 5\nslice_ratio = 6";
    codes_that_count_more_than_slices: [Code::Slices], "[array]\nslices = 2\nslice_ratio = 4\nslice_code_ratio = 8";
    slices_in_verilog: [Code::Slices], "[array]\nslices = 2\nbackend = \"emulated\"";
    slices_of_second_devices: [Code::Slices], "momentum_unit = \"in_array\"\n[array]\nslices = 2";
    slices_of_junctions: [Code::Slices, Code::DeviceDrive], "[array]\nslices = 2\n[device]\nmodel = \"mtj\"";
    slices_that_only_grow: [Code::Slices], "[array]\nslices = 2\n[device]\npreset = \"PCM\"";
    slices_in_memory_mode: [Code::Slices], "[array]\nslices = 2\n[device]\nmodel = \"constant_step\"\n[memory]";
    updates_beyond_the_lowest_slice: [Code::Slices, Code::Slices], "[array]\nslices = 3\nslice_ratio = 32\n[device]\nstate_bits = 12";
    carries_longer_than_pulses: [Code::Slices, Code::Slices], "[array]\nslices = 2\n[device]\nstate_bits = 9";
    velocities_finer_than_gradients: [Code::Engine], "momentum_unit = \"sram\"\nmomentum = 0.5\nvelocity_guard = 16";
}

#[test]
fn kinds_and_batches_are_in_the_canonical_spec_and_its_hash() {
    let plain = parse("").unwrap();
    assert!(!spec::canonical_toml(&plain).contains("batch"));
    for lines in [
        "momentum_kind = \"nesterov\"",
        "batch = 4",
        "momentum_unit = \"sram\"\nmomentum_kind = \"dampened\"\nbatch = 3",
        "momentum_unit = \"sram\"\nrounding = \"stochastic\"",
        "[array]\nslices = 3\nslice_ratio = 4\nslice_code_ratio = 2\ncarry_every = 7",
    ] {
        let design = parse(lines).unwrap();
        let text = spec::canonical_toml(&design);
        let again = spec::parse(&text, "memrtl.toml", Path::new("")).unwrap();
        assert_eq!(again, design);
        assert_ne!(design.spec_hash, plain.spec_hash, "{lines}");
    }
}

/// Full scales of writes follow what a gradient is multiplied with, so that pulses keep their resolution.
#[test]
fn full_scales_follow_the_factor() {
    let update = |lines: &str| parse(lines).unwrap().layers.iter().map(|l| l.ranges.update).collect::<Vec<_>>();
    let width = |lines: &str| parse(lines).unwrap().layers[0].shifts.width;
    let less = |by: i32| update("").into_iter().map(|exponent| exponent - by).collect::<Vec<_>>();
    assert_eq!(update("batch = 4"), less(2));
    assert_eq!(update("momentum_kind = \"dampened\""), less(3));
    assert_eq!(update("momentum_kind = \"dampened\"\nbatch = 4"), less(5));
    assert_eq!(update("momentum_kind = \"nesterov\""), less(-1));
    assert_eq!([width("batch = 4"), width("momentum_kind = \"dampened\"")], [width(""); 2]);
}

/// A batch that is gathered goes out at once, momentum included: as large as the state is fine.
#[test]
fn gathered_batches_have_room_for_their_velocity() {
    let sram = |lines: &str| {
        let design = parse(&format!("momentum_unit = \"sram\"\n{lines}")).unwrap();
        design.layers.iter().map(|l| (l.ranges.update, l.shifts.write)).collect::<Vec<_>>()
    };
    let single = sram("");
    let batch = sram("batch = 4");
    assert_eq!(batch, sram("batch = 16"));
    for ((update, write), (single, _)) in batch.iter().zip(single) {
        assert!(*update >= single + 2 && *write <= 1, "{update} {single} {write}");
    }
    // The mean of gradients of one sign, as a moving average, is never more than each of them.
    let average = sram("momentum_kind = \"dampened\"\nbatch = 4");
    assert!(average.iter().zip(&batch).all(|(average, batch)| average.0 <= batch.0), "{average:?} {batch:?}");
}

/// Entries whose pulses would be shorter than half a unit, whatever the error, are told.
#[test]
fn histories_deeper_than_pulses_are_told() {
    let warnings = |lines: &str| spec::momentum_warnings(&parse(lines).unwrap());
    assert_eq!(warnings(""), Vec::<String>::new());
    assert_eq!(warnings("momentum = 0.5\nmomentum_unit = \"sram\""), Vec::<String>::new());
    let deep = warnings("momentum = 0.5\nhistory = 100");
    insta::assert_snapshot!(deep.join("\n"));
    // Plain SGD writes its own pair alone.
    assert!(warnings("momentum = 0.0\nhistory = 5")[0].contains("1 of 5"));
    assert!(warnings("momentum = 0.5\nhistory = 50\nbatch = 4")[0].contains(" of 50 batches"));
}
