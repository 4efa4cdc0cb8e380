//! `[memory]` in a spec: values, defaults, and the text of every message.

use std::path::Path;

use crate::common::refused;
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Code, Design, Inner, canonical_toml};

fn parse(lines: &str) -> Result<Design, spec::SpecErrors> {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 32 }}, {{ outputs = 10 }}]\n\
         [device]\nmodel = \"constant_step\"\n{lines}\n"
    );
    spec::parse(&text, "memrtl.toml", Path::new(""))
}

fn valid(lines: &str) -> Design {
    parse(lines).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn defaults_follow_from_device_and_array() {
    let memory = valid("[memory]").memory.expect("a memory mode");
    let (low, high) = memory.conductance;
    assert!(low > 0.0 && high > low);
    // 8-bit codes: half of them are conductances.
    assert_eq!((memory.read_range, memory.code_bits, memory.max_code()), (high, 7, 127));
    assert_eq!((memory.tolerance, memory.tolerance_codes), (high / 128.0, 1));
    assert_eq!(memory.code(0.0), 0);
    assert_eq!(memory.code(high / 2.0), 64);
    assert_eq!(memory.code(2.0 * high), 127, "codes saturate");
    assert_eq!((memory.devices, memory.refresh_every, memory.inner), (1, 0, Inner::Amplitude));
}

#[test]
fn times_become_cycles_and_volts_codes() {
    let lines = "[timing]\nclock = 2.0\n[memory]\nsetup = 5.0\namplitude_lsb = 0.1\ntolerance = 1e-6\n\
                 [memory.set]\namplitude_start = 1.0\namplitude_stop = 2.5\namplitude_step = 0.3\n\
                 width_start = 3.0\nwidth_stop = 100.0\nwidth_step = 10.0";
    let memory = valid(lines).memory.expect("a memory mode");
    assert_eq!(memory.setup, 3, "rounded up");
    let (a, w) = (memory.set.amplitude, memory.set.width);
    assert_eq!((a.start, a.stop, a.step), (10, 25, 3));
    assert_eq!((w.start, w.stop, w.step), (2, 50, 5));
    assert_eq!(memory.tolerance_codes, 12, "whole codes inside 1 uS");
}

#[test]
fn the_canonical_spec_gives_the_same_design() {
    let design = valid("[memory]\nprogram_initial = true\ninner = \"width\"\nskip_on_failure = false\nattempts = 77");
    let text = canonical_toml(&design);
    let again = spec::parse(&text, "again.toml", Path::new("")).unwrap_or_else(|e| panic!("{text}\n{e}"));
    assert_eq!(again, design);
}

/// Who programs the initial weights is the host's business, not the hardware's.
#[test]
fn the_hash_covers_registers_but_no_runs() {
    let hash = |lines: &str| valid(lines).spec_hash;
    assert_eq!(hash("[memory]\nprogram_initial = true"), hash("[memory]"));
    assert_ne!(hash("[memory]\nattempts = 7"), hash("[memory]"));
    assert_ne!(hash(""), hash("[memory]"));
}

#[test]
fn without_the_section_there_is_no_controller() {
    let rtl = Rtl::generate(&valid("")).expect("the templates render");
    assert!(rtl.modules.iter().all(|m| !m.name.contains("memory_ctrl") && !m.text.contains("cell_")));
    let rtl = Rtl::generate(&valid("[memory]")).expect("the templates render");
    assert!(rtl.modules.iter().any(|m| m.name == "net_memory_ctrl"));
}

refused! {
    tolerance_narrower_than_the_adc: [Code::Memory], "[memory]\ntolerance = 1e-9";
    tolerance_wider_than_the_device: [Code::Memory], "[memory]\ntolerance = 1e-3";
    read_range_below_the_device: [Code::Memory], "[memory]\nread_range = 1e-6";
    stop_before_start: [Code::Memory], "[memory]\n[memory.set]\namplitude_start = 1.2\namplitude_stop = 1.0";
    step_of_zero: [Code::OutOfRange], "[memory]\n[memory.reset]\nwidth_step = 0";
    step_that_is_no_step: [Code::Memory], "[memory]\n[memory.set]\namplitude_step = 0.01";
    amplitude_beyond_the_code: [Code::Memory], "[memory]\n[memory.reset]\namplitude_stop = 20.0";
    width_beyond_the_counter: [Code::Memory], "[memory]\n[memory.set]\nwidth_stop = 1e6";
    no_attempt: [Code::OutOfRange], "[memory]\nattempts = 0";
    setup_too_long: [Code::Memory], "[memory]\nsetup = 1000.0";
    refresh_without_pairs: [Code::Memory], "[memory]\nrefresh_every = 100";
    refresh_thresholds_crossed: [Code::Memory], "[memory]\nrefresh_upper = 0.2\nrefresh_lower = 0.3";
    emulated_array: [Code::DeviceBackend, Code::Memory], "[array]\nbackend = \"emulated\"\n[memory]";
    unknown_key: [Code::UnknownKey], "[memory]\ntolerence = 1e-6";
    flag_in_quotes: [Code::WrongType], "[memory]\nprogram_initial = \"true\"";
}

#[test]
fn the_ideal_device_has_nothing_to_program() {
    let text = "name = \"net\"\n[network]\ninputs = 64\nlayers = [{ outputs = 10 }]\n[memory]\n";
    let errors = spec::parse(text, "memrtl.toml", Path::new("")).expect_err("the spec is bad");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(errors.to_string()) });
}

#[test]
fn phase_change_cells_must_be_melted() {
    let parse = |lines: &str| {
        let text = format!(
            "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 10 }}]\n[device]\nmodel = \"pcm\"\n{lines}\n"
        );
        spec::parse(&text, "memrtl.toml", Path::new(""))
    };
    let errors = parse("[memory]\n[memory.reset]\namplitude_start = 1.0\namplitude_stop = 1.9").expect_err("too weak");
    assert_eq!(errors.codes(), [Code::Memory]);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(errors.to_string()) });
    // The default begins where the device melts.
    let melting = |lines: &str| parse(lines).unwrap_or_else(|e| panic!("{e}")).memory.expect("a memory mode").reset;
    assert_eq!(melting("[memory]").amplitude.written[0], 2.0);
    assert_eq!(melting("reset_volts = 3.0\nreset_seconds = 1e-7\n[memory]").width.written[0], 100.0);
}
