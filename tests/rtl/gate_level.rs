//! The netlist that Yosys makes, with the vendor's models of its cells, in the same bench as the RTL: every value and every cycle.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use crate::common::{Rig, Small, as_yosys_reads, mutated, on_all_cores, options};
use memrtl::cosim::{self, CosimError, Options};
use memrtl::fpga::{self, Target};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend, Design};

fn gates(design: &Design, rtl: &Rtl) -> Rtl {
    gates_of("ice40-hx8k", design, rtl)
}

fn gates_of(target: &str, design: &Design, rtl: &Rtl) -> Rtl {
    let target = Target::load(target).unwrap();
    let never = AtomicBool::new(false);
    fpga::gate_level(design, rtl, &target, &cosim::taps(design), &never).unwrap_or_else(|e| panic!("{e}"))
}

/// A small design, and its netlist.
pub fn small() -> &'static (Rig, Rtl) {
    static SMALL: OnceLock<(Rig, Rtl)> = OnceLock::new();
    SMALL.get_or_init(|| {
        let rig = small_rig(SMALLEST, "adcs = 1\nlanes = 1");
        let netlist = gates(&rig.design, &rig.rtl);
        (rig, netlist)
    })
}

/// Inputs and hidden words.
const SMALLEST: (u32, u32) = (3, 3);

fn small_rig((inputs, hidden): (u32, u32), array: &str) -> Rig {
    let array = format!("{array}\ndac_bits = 5\nadc_bits = 5\npulse_bits = 4");
    let network = format!(
        "inputs = {inputs}\nlayers = [{{ outputs = {hidden}, activation = \"tanh\", max_update = 0.25 }},\n\
         {{ outputs = 2, activation = \"sigmoid\", max_update = 0.125 }}]"
    );
    let small = Small {
        network: &network,
        training: "learning_rate = 0.5\nmomentum = 0.9\nhistory = 2\nepochs = 1\nseed = 7",
        array: &array,
        device: "state_bits = 10",
        samples: 24,
        ..Small::default()
    };
    small.rig(Backend::Fpga)
}

/// Flip-flops start at random values, others for each seed: nothing may depend on what they are before reset.
fn trains(mut rig: Rig, rtl: &Rtl, seeds: &[u64]) {
    for &seed in seeds {
        rig.design.training.seed = seed;
        let report = cosim::run(&rig.design, rtl, &options(), &AtomicBool::new(false), &mut |_| {});
        let summary = report.unwrap_or_else(|e| panic!("seed {seed}: {e}")).summary;
        assert_eq!((summary.mismatches, summary.samples), (0, 16));
        assert_eq!(summary.cycles_total, summary.cycles_predicted);
    }
}

#[test]
fn the_netlist_of_a_small_design_trains_like_golden() {
    let (rig, rtl) = small();
    for cell in ["SB_LUT4 #(", "SB_DFF", "SB_CARRY"] {
        assert!(rtl.modules[1].text.contains(cell), "a netlist of the vendor's cells has {cell}");
    }
    trains(rig.clone(), rtl, &[7, 8, 9]);
}

/// Beats of several words, words of several columns, none of them a power of two: what Yosys reads in other words than a simulator.
fn wide_rig() -> Rig {
    small_rig((9, 5), "adcs = 2\nlanes = 4")
}

#[test]
fn the_netlist_of_a_wide_design_trains_like_golden() {
    let rig = wide_rig();
    let rtl = gates(&rig.design, &rig.rtl);
    trains(rig, &rtl, &[7, 8]);
}

/// Module, text and what replaces it: a selected word or a multiple of an address that is wrong for Yosys alone.
const WRONG_FOR_YOSYS: [(&str, &str, &str); 5] = [
    ("row_lines", "beat[s*DAC_BITS+b]", "beat[b]"),
    ("col_lines", "by_bit[part_q]", "by_bit[0]"),
    ("array_emulated", "by_bit[host_lane_32[USED_BITS-1:0]]", "by_bit[0]"),
    ("array_emulated", "(n << b)", "(n << (b / 2))"),
    ("momentum_history", "(n << b)", "(n << (b / 2))"),
];

/// Co-simulates what `read` makes of each of them.
fn all_are_found(read: impl Fn(&Design, &Rtl) -> Rtl + Sync) {
    let rig = wide_rig();
    on_all_cores(&WRONG_FOR_YOSYS, |mutant| {
        let rtl = read(&rig.design, &mutated(&rig.rtl, &[*mutant]));
        let report = cosim::run(&rig.design, &rtl, &options(), &AtomicBool::new(false), &mut |_| {});
        let error = report.err().unwrap_or_else(|| panic!("{mutant:?}: nothing was found"));
        assert!(matches!(error, CosimError::Mismatch(_)), "{mutant:?}: {error}");
    });
}

#[test]
fn mutants_in_what_yosys_reads_are_found() {
    all_are_found(|_, rtl| as_yosys_reads(rtl));
}

/// So are they among the gates.
#[test]
#[ignore = "minutes, for each mutant is synthesized and its netlist compiled: `make test-long`"]
fn mutants_for_yosys_are_found() {
    all_are_found(gates);
}

/// Multipliers and single-port memories of the device, which others have not.
#[test]
fn the_netlist_for_an_ultraplus_trains_like_golden() {
    let rig = small_rig(SMALLEST, "adcs = 1\nlanes = 1\nstate_memory = \"single_port\"");
    let rtl = gates_of("ice40-up5k", &rig.design, &rig.rtl);
    for (cell, count) in [("SB_MAC16 #(", 1), ("SB_SPRAM256KA \\", 4)] {
        let found = rtl.modules[1].text.matches(cell).count();
        assert!(found >= count, "{found} of {cell}");
    }
    trains(rig, &rtl, &[7, 8]);
}

/// One wrong look-up table of an array is found.
#[test]
#[ignore = "a minute to compile one more netlist: `make test-long`"]
fn a_wrong_look_up_table_is_found() {
    let (rig, rtl) = small();
    let mut wrong = rtl.clone();
    wrong.modules[1].text = with_a_wrong_table(&wrong.modules[1].text);
    let report = cosim::run(&rig.design, &wrong, &options(), &AtomicBool::new(false), &mut |_| {});
    let error = report.err().expect("the netlist is wrong");
    assert!(matches!(error, CosimError::Mismatch(_)), "{error}");
}

/// Inverts the first look-up table that feeds the sum of an array's read.
fn with_a_wrong_table(netlist: &str) -> String {
    let instance = netlist.find(") \\u_l0_array.").expect("the array has look-up tables");
    let init = netlist[..instance].rfind(".LUT_INIT(16'h").expect("a look-up table has its contents") + 14;
    let value = u16::from_str_radix(&netlist[init..init + 4], 16).expect("four hexadecimal digits");
    format!("{}{:04x}{}", &netlist[..init], !value, &netlist[init + 4..])
}

/// The digits as gates.
#[test]
#[ignore = "minutes of synthesis and compilation: `make test-long`"]
fn the_netlist_of_the_digits_trains_like_golden() {
    let text = spec::preset("digits_fpga").unwrap();
    let mut design = spec::parse(text, "digits_fpga", std::path::Path::new("")).unwrap();
    design.training.epochs = 1;
    design.refresh_hash();
    let rtl = gates(&design, &Rtl::generate(&design).unwrap());
    let options = Options { limit: Some((100, 20)), ..options() };
    let report = cosim::run(&design, &rtl, &options, &AtomicBool::new(false), &mut |_| {});
    let summary = report.unwrap_or_else(|e| panic!("{e}")).summary;
    assert_eq!((summary.mismatches, summary.samples), (0, 100));
    assert_eq!(summary.cycles_total, summary.cycles_predicted);
}
