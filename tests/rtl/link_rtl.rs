//! The Verilog of the host link: clean, small, one block RAM.

use crate::common;
use std::path::Path;
use std::process::Command;

use memrtl::rtl::{Rtl, emit};
use memrtl::spec::{self, Backend, Design};

fn tiny() -> Design {
    let mut design =
        spec::parse(spec::preset("tiny").unwrap(), "tiny", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
    design.array.backend = Backend::Emulated;
    design.refresh_hash();
    design
}

#[test]
fn linked_designs_lint_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let design = tiny();
    let rtl = Rtl::with_link(&design).unwrap();
    common::lint_rtl(&design, &rtl, &dir.path().join("rtl"));
    // The fastest and a slow line; the clock cycles of a bit set the widths of counters.
    for (bit_cycles, timeout_bits) in [(4, 5), (5, 17), (10_417, 24)] {
        let files: Vec<String> = rtl.modules.iter().map(|m| format!("{}.v", m.name)).collect();
        let parameters = [format!("-GBIT_CYCLES={bit_cycles}"), format!("-GTIMEOUT_BITS={timeout_bits}")];
        let output = Command::new("verilator")
            .args(["--lint-only", "-Wall", "--top-module", &rtl.top])
            .args(&parameters)
            .args(&files)
            .current_dir(dir.path().join("rtl"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{parameters:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_link_changes_nothing_of_the_design() {
    let design = tiny();
    let (plain, linked) = (Rtl::generate(&design).unwrap(), Rtl::with_link(&design).unwrap());
    assert_eq!(linked.modules[..plain.modules.len()], plain.modules);
    assert_eq!(linked.top, "tiny_link");
    let manifest = linked.manifest(&design);
    assert_eq!((manifest.top.as_str(), manifest.spec_hash), ("tiny_link", design.spec_hash.clone()));
    assert_eq!(manifest.files.last().unwrap(), "tiny_link.v");
}

#[test]
fn external_arrays_cannot_be_linked() {
    let mut design = tiny();
    design.array.backend = Backend::External;
    let error = Rtl::with_link(&design).unwrap_err().to_string();
    assert!(error.contains("--backend emulated"), "{error}");
}

/// Beside a core that fills an iCE40 UP5K there is little room.
#[test]
fn the_bridge_is_small() {
    let dir = tempfile::tempdir().unwrap();
    let design = tiny();
    let rtl = Rtl::with_link(&design).unwrap();
    emit::write(&design, &rtl, dir.path()).unwrap();
    let script = "read_verilog tiny_vector_mem.v tiny_link_rx.v tiny_link_tx.v tiny_link_bridge.v; \
                  synth_ice40 -abc2 -top tiny_link_bridge; select -assert-none t:$_DLATCH*; tee -o stat.txt stat";
    let output = Command::new("yosys").args(["-q", "-p", script]).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stat = std::fs::read_to_string(dir.path().join("stat.txt")).unwrap();
    let count = |cell: &str| -> usize {
        let line = stat.lines().find(|line| line.trim_start().starts_with(cell));
        line.and_then(|line| line.split_whitespace().last()).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    assert_eq!(count("SB_RAM40_4K"), 1, "{stat}");
    // 332 with Yosys 0.23; the margin is for other versions.
    assert!((100..=350).contains(&count("SB_LUT4")), "{stat}");
}
