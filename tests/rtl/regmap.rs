//! The register map: its addresses and fields, its C header and documentation, and the CSR block made from it.

use std::fs;
use std::path::Path;

use super::bus_rtl::bench::{Bench, combinational_outputs, memories, mutate};
use super::bus_rtl::csr_model::Model;
use memrtl::regmap::{Access, RegMap};
use memrtl::spec::{self, Backend, Design, MomentumUnit, Optimizer};

/// A design of these layers (outputs each); everything else does not matter to the registers.
fn design(
    backend: Backend,
    unit: MomentumUnit,
    history: usize,
    state_bits: u32,
    inputs: usize,
    outputs: &[usize],
) -> Design {
    let text = spec::preset("tiny").expect("preset");
    let mut design = spec::parse(text, "tiny.toml", Path::new("")).expect("preset is valid");
    let layer = design.layers[0].clone();
    let sizes = std::iter::once(&inputs).chain(outputs);
    design.layers =
        sizes.zip(outputs).map(|(&inputs, &outputs)| spec::Layer { inputs, outputs, ..layer.clone() }).collect();
    design.name = "dut".to_string();
    design.inputs = inputs;
    design.array.backend = backend;
    design.device.state_bits = state_bits;
    design.training.momentum_unit = unit;
    design.training.optimizer = if unit == MomentumUnit::None { Optimizer::Sgd } else { Optimizer::Momentum };
    design.training.history = history;
    design.spec_hash = "0123456789abcdef".to_string();
    design
}

/// Both backends, with and without momentum; one layer and several; powers of two and their neighbours.
fn designs() -> Vec<Design> {
    use Backend::{Emulated, External};
    use MomentumUnit::{History, None};
    vec![
        design(Emulated, History, 5, 12, 9, &[7, 5]),
        design(Emulated, None, 1, 32, 15, &[4]),
        design(Emulated, History, 8, 20, 16, &[8, 1, 17]),
        design(Emulated, History, 1, 4, 63, &[1, 64, 2, 3]),
        design(External, None, 1, 20, 64, &[10]),
        design(External, History, 256, 20, 1, &[1]),
    ]
}

#[test]
fn registers_are_placed_without_overlap() {
    for design in designs() {
        let map = RegMap::for_design(&design);
        assert!(map.registers.windows(2).all(|w| w[0].address < w[1].address));
        let mut signals = std::collections::BTreeSet::new();
        for register in &map.registers {
            assert!(register.address.is_multiple_of(4) && register.address < 4096, "{}", register.name);
            let mut used = 0u32;
            for field in &register.fields {
                assert_eq!(used & field.mask(), 0, "{}.{}", register.name, field.name);
                assert!(
                    field.lsb + field.width <= 32 && field.reset <= field.max(),
                    "{}.{}",
                    register.name,
                    field.name
                );
                used |= field.mask();
                if let Some((min, max)) = field.range {
                    assert!(register.fields.len() == 1 && field.lsb == 0, "{}: a ranged field is alone", register.name);
                    assert!(
                        (min..=max).contains(&field.reset) && max <= field.max(),
                        "{}.{}",
                        register.name,
                        field.name
                    );
                }
                let is_signal = field.access != Access::Constant && field.name != "value";
                assert!(!is_signal || signals.insert(field.name), "{} names two signals", field.name);
            }
        }
    }
}

#[test]
fn names_lead_to_addresses_and_fields() {
    let map = RegMap::for_design(&designs()[0]);
    assert_eq!(map.addr("CTRL"), Some(0x20));
    assert_eq!(map.addr("SLOTS_SKIPPED_HI"), Some(0x154));
    assert_eq!(map.mask("STATUS", "phase"), Some(0xf0));
    assert_eq!(map.mask("CTRL", "emit"), Some(4));
    assert_eq!(map.mask("WEIGHT_DATA", "weight_data"), Some(u32::MAX));
    assert_eq!(map.addr("CONTROL"), None);
    assert_eq!(map.field("CTRL", "stop"), None);
    assert_eq!(map.register("HISTORY").map(|r| r.reset()), Some(5));
    let plain = RegMap::for_design(&designs()[4]);
    for absent in ["MOMENTUM", "HISTORY", "WEIGHT_LAYER", "WEIGHT_ROW", "WEIGHT_COL", "WEIGHT_DATA"] {
        assert!(map.addr(absent).is_some() && plain.addr(absent).is_none(), "{absent}");
    }
}

#[test]
fn documentation_lists_every_register() {
    let text = RegMap::for_design(&designs()[0]).markdown().expect("render");
    insta::assert_snapshot!("registers", text);
}

/// The header compiles without a warning, and what it defines has the values of the map.
#[test]
fn c_header_agrees_with_the_map() {
    let map = RegMap::for_design(&designs()[0]);
    let header = map.c_header().expect("render");
    let mut prints = String::new();
    let mut want = String::new();
    for register in &map.registers {
        let name = &register.name;
        prints += &format!("printf(\"{name} %x %x\\n\", DUT_{name}_ADDR, DUT_{name}_RESET);\n");
        want += &format!("{name} {:x} {:x}\n", register.address, register.reset());
    }
    for (register, field) in
        [("CTRL", "train"), ("STATUS", "phase"), ("STATUS", "long_packet"), ("FORMAT", "pulse_bits")]
    {
        let macro_name = format!("DUT_{register}_{}", field.to_uppercase());
        prints += &format!("printf(\"{field} %x %d\\n\", {macro_name}_MASK, {macro_name}_LSB);\n");
        let field_of_map = map.field(register, field).expect("field");
        want += &format!("{field} {:x} {}\n", field_of_map.mask(), field_of_map.lsb);
    }
    let source = format!(
        "#include <stdio.h>\n#include \"dut_regs.h\"\n#include \"dut_regs.h\"\nint main(void) {{\n{prints}return 0;\n}}\n"
    );
    let bench = Bench::new(&[("dut_regs.h", header), ("main.c", source)]);
    let args = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "main.c", "-o", "main"];
    let (ok, text) = bench.tool("cc", &args.map(String::from));
    assert!(ok && text.is_empty(), "{text}");
    let (ok, text) = bench.tool("./main", &[]);
    assert!(ok);
    assert_eq!(text, want);
}

fn csr(design: &Design) -> String {
    RegMap::for_design(design).csr(design).expect("render")
}

fn bits_for(last: usize) -> i64 {
    i64::from((usize::BITS - last.leading_zeros()).max(1))
}

/// Plays random operations on `verilog`, the CSR block of `design`; what the runs printed.
fn play(design: &Design, verilog: String, count: usize) -> (String, usize) {
    let bench = Bench::new(&[("dut_csr.v", verilog)]);
    let mut tb = String::new();
    if design.training.momentum_unit == MomentumUnit::History {
        tb += "`define HISTORY\n";
    }
    if design.array.backend == Backend::Emulated {
        tb += "`define WEIGHTS\n";
    }
    tb += include_str!("bus_rtl/tb_csr.v");
    let largest = |size: fn(&spec::Layer) -> usize| design.layers.iter().map(size).max().unwrap_or(1);
    let parameters = [
        ("HISTORY_BITS", bits_for(design.training.history)),
        ("LAYER_BITS", bits_for(design.layers.len() - 1)),
        ("ROW_BITS", bits_for(largest(|l| l.inputs))),
        ("COL_BITS", bits_for(largest(|l| l.outputs) - 1)),
        ("STATE_BITS", i64::from(design.device.state_bits)),
    ];
    let mut text = String::new();
    let stalls = [0, 3, 6];
    for stall in stalls {
        let operations = Model::new(design).operations(stall as u64 + 1, count);
        let lines = operations.lines().count() as i64;
        fs::write(bench.path().join("ops.hex"), operations).expect("write operations");
        text += &bench.simulate(&tb, &parameters, &[&[("seed", stall + 1), ("stall", stall), ("operations", lines)]]);
    }
    (text, stalls.len())
}

#[test]
fn csr_block_answers_like_its_documentation() {
    for design in designs() {
        let (text, runs) = play(&design, csr(&design), 1500);
        assert!(!text.contains("FAIL") && text.matches("PASS").count() == runs, "{text}");
    }
}

#[test]
fn csr_bench_catches_mutants() {
    let design = &designs()[0];
    let mutants = [
        ("to_ctrl_q && (!busy || ctrl_same_q)", "to_ctrl_q"),
        ("to_learning_rate_q && (!busy || learning_rate_same_q)", "to_learning_rate_q && !busy"),
        ("wr_data_q  <= wr_set[", "wr_data_q  <= s_axil_wdata["),
        ("if (wr_strb_q[1]) momentum_q[15:8]", "if (wr_strb_q[0]) momentum_q[15:8]"),
        ("(!wr_strb_q[0] || wr_data_q[2:0] >= 3'd1)", "1'b1"),
        ("(!wr_strb_q[0] || wr_data_q[2:0] >= 3'd1)", "wr_data_q[2:0] >= 3'd1"),
        ("wr_above_q <= |wr_set[31:16]", "wr_above_q <= |wr_set[30:16]"),
        ("(!wr_strb_q[1] || wr_data_q[15:8] == learning_rate_q[15:8])", "1'b1"),
        ("s_axil_awaddr[11:9] == 3'h0", "1'b1"),
        ("&& s_axil_araddr[1:0] == 2'h0", ""),
        ("weight_ok = !busy &&", "weight_ok ="),
        ("= !busy && weight_row_q < weight_rows", "= !busy"),
        ("wr_data_q[11:0] != 12'h800", "1'b1"),
        ("wr_data_q[15:12] == {4{wr_data_q[11]}}", "1'b1"),
        ("(wr_data_q[11] ? wr_ones_q : !wr_above_q)", "1'b1"),
        ("if (soft_reset_d) run_q <= 1'b0;", ""),
        ("rd_ok = weight_ok;", "rd_ok    = 1'b1;"),
        ("if (rd_addr == ADDR_LOAD_LO)", "if (rd_addr == ADDR_LOAD_HI)"),
        (
            "wr_start  = aw_full_q && w_full_q && b_free && !weight_valid_q",
            "wr_start  = aw_full_q && w_full_q && b_free",
        ),
        ("!(rd_weight && (wr_start || wr_exec_q))", "1'b1"),
        ("(rd_weight && (wr_start || wr_exec_q))", "(rd_weight && wr_start)"),
        ("bvalid_q <= wr_answer || (bvalid_q && !s_axil_bready)", "bvalid_q <= wr_answer"),
        ("status_ok && wr_data_q[9]", "status_ok && wr_data_q[8]"),
        ("if (long_packet) long_packet_q", "if (long_packet && !wr_ok) long_packet_q"),
        ("wire        b_free  = !bvalid_q || s_axil_bready;", "wire        b_free  = !bvalid_q;"),
        ("assign s_axil_arready = !ar_full_q", "assign s_axil_arready = !ar_full_q && r_free"),
    ];
    let missed = |(from, to): &(&str, &str)| !play(design, mutate(&csr(design), from, to), 800).0.contains("FAIL");
    let missed: Vec<_> = mutants.iter().filter(|mutant| missed(mutant)).collect();
    assert!(missed.is_empty(), "these mutants were not caught: {missed:?}");
}

#[test]
fn csr_block_is_clean() {
    let checks = memories(0) + &combinational_outputs(0);
    for design in designs() {
        Bench::new(&[("dut_csr.v", csr(&design))]).must_be_clean("dut_csr", &[], &checks);
    }
}

#[test]
fn csr_block_keeps_the_bus_protocol() {
    for design in designs().into_iter().skip(2).step_by(2) {
        let (proven, text) = Bench::new(&[("dut_csr.v", csr(&design))]).is_proven("dut_csr");
        assert!(proven, "{text}");
    }
    let mutants = [
        ("b_free  = !bvalid_q || s_axil_bready", "b_free  = 1'b1"),
        ("rd_exec   = ar_full_q && r_free && !weight_valid_q", "rd_exec   = ar_full_q && r_free"),
    ];
    let text = csr(&designs()[0]);
    for (from, to) in mutants {
        let bench = Bench::new(&[("dut_csr.v", mutate(&text, from, to))]);
        assert!(!bench.is_proven("dut_csr").0, "the proof has to fail on the mutant of `{from}`");
    }
}
