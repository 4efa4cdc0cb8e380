//! The bus-side modules, each simulated alone under Icarus Verilog against a self-checking bench in `bus_rtl/`, linted
//! with Verilator and Icarus, and synthesised with Yosys, over a spread of parameters.

pub mod bench;
pub mod csr_model;

use askama::Template;
use bench::{Bench, Setting, combinational_outputs, memories, mutate};
use memrtl::rtl::bus::{Gear, SampleIn, SampleOut};

const TB_GEAR: &str = include_str!("bus_rtl/tb_gear.v");

/// WORD, IN, OUT.
const GEARS: [(i64, i64, i64); 11] = [
    (8, 8, 8),
    (3, 1, 1),
    (8, 8, 1),
    (8, 1, 8),
    (2, 4, 2),
    (2, 2, 4),
    (24, 2, 4),
    (11, 4, 64),
    (24, 64, 4),
    (4, 256, 1),
    (9, 1, 256),
];

fn gear() -> String {
    Gear { name: "dut" }.render().expect("render gear")
}

#[test]
fn gear_converts_under_random_stalls() {
    let bench = Bench::new(&[("dut_gear.v", gear())]);
    for (word, from, to) in GEARS {
        let packets = if from.max(to) > 64 { 20 } else { 200 };
        let parameters = [("WORD", word), ("IN", from), ("OUT", to), ("PACKETS", packets)];
        bench.must_pass(
            TB_GEAR,
            &parameters,
            &[
                &[("seed", 1), ("in_stall", 0), ("out_stall", 0)],
                &[("seed", 2), ("in_stall", 3), ("out_stall", 3)],
                &[("seed", 3), ("in_stall", 0), ("out_stall", 6)],
                &[("seed", 4), ("in_stall", 6), ("out_stall", 0)],
            ],
        );
    }
}

#[test]
fn gear_is_clean() {
    let bench = Bench::new(&[("dut_gear.v", gear())]);
    for (word, from, to) in GEARS {
        bench.must_be_clean("dut_gear", &[("WORD", word), ("IN", from), ("OUT", to)], "");
    }
}

#[test]
fn gear_bench_catches_mutants() {
    let split = [("WORD", 8), ("IN", 8), ("OUT", 2)];
    let join = [("WORD", 8), ("IN", 2), ("OUT", 8)];
    let stage = [("WORD", 8), ("IN", 2), ("OUT", 2)];
    let mutants: [(&[Setting; 3], &str, &str); 7] = [
        (&split, "in_ready  = !out_valid || (final_part && out_ready)", "in_ready  = !out_valid"),
        (&split, "data_q <= {{(OUT * WORD) {1'b0}}, data_q[IN*WORD-1:OUT*WORD]}", "data_q <= data_q >> WORD"),
        (&split, "last_q && final_part", "last_q"),
        (&join, "complete = in_last || slot_q", "complete = slot_q"),
        (&join, "else if (slot_q[0]) data_q[i*IN*WORD +: IN*WORD] <= {(IN * WORD) {1'b0}};", ""),
        (&join, "complete ? FIRST : slot_q << 1", "slot_q << 1"),
        (
            &stage,
            "if (!rst_n)        valid_q <= 1'b0;\n        else if (in_ready) ",
            "if (!rst_n) valid_q <= 1'b0; else ",
        ),
    ];
    for (parameters, from, to) in mutants {
        let bench = Bench::new(&[("dut_gear.v", mutate(&gear(), from, to))]);
        bench.must_fail(TB_GEAR, &[*parameters], &[&[("seed", 5), ("in_stall", 2), ("out_stall", 2)]], from);
    }
}

const TB_SAMPLE_IN: &str = include_str!("bus_rtl/tb_sample_in.v");

/// INPUTS, OUTPUTS, DAC_BITS, LANES: lanes below, at and above the words of a stream beat; vectors that fill their last beat,
/// leave it short, or are one word.
const SAMPLES_IN: [(i64, i64, i64, i64); 12] = [
    (64, 10, 8, 8),
    (1, 1, 2, 1),
    (1, 1, 16, 256),
    (8, 8, 8, 8),
    (9, 3, 4, 4),
    (3, 17, 8, 1),
    (5, 80, 9, 64),
    (13, 13, 9, 2),
    (40, 33, 12, 4),
    (33, 40, 8, 16),
    (80, 7, 3, 32),
    (65, 2, 16, 1),
];

fn sample_in() -> String {
    SampleIn { name: "dut" }.render().expect("render sample_in")
}

const SAMPLE_IN_RUNS: [&[Setting]; 6] = [
    &[("seed", 1), ("hold", 1)],
    &[("seed", 2), ("in_stall", 3), ("core_stall", 3), ("error_rate", 60)],
    &[("seed", 3), ("core_stall", 6), ("error_rate", 60)],
    &[("seed", 4), ("in_stall", 6)],
    &[("seed", 5), ("in_stall", 2), ("core_stall", 3), ("resets", 30)],
    &[("seed", 6), ("error_rate", 30)],
];

fn sizes_in((inputs, outputs, dac_bits, lanes): (i64, i64, i64, i64)) -> [Setting<'static>; 4] {
    [("INPUTS", inputs), ("OUTPUTS", outputs), ("DAC_BITS", dac_bits), ("LANES", lanes)]
}

#[test]
fn sample_in_receives_under_random_stalls_and_bad_packets() {
    let bench = Bench::new(&[("dut_gear.v", gear()), ("dut_sample_in.v", sample_in())]);
    for sizes in SAMPLES_IN {
        bench.must_pass(TB_SAMPLE_IN, &sizes_in(sizes), &SAMPLE_IN_RUNS);
    }
}

#[test]
fn sample_in_is_clean() {
    let bench = Bench::new(&[("dut_gear.v", gear()), ("dut_sample_in.v", sample_in())]);
    for sizes in SAMPLES_IN {
        // `busy` is the one output that looks at an input.
        bench.must_be_clean("dut_sample_in", &sizes_in(sizes), &(memories(2) + &combinational_outputs(1)));
    }
}

#[test]
fn sample_in_bench_catches_mutants() {
    let mutants = [
        ("short_d = s_axis_tlast;", "short_d = 1'b0;"),
        ("long_d  = !s_axis_tlast;", "long_d  = 1'b1;"),
        ("state_d = s_axis_tlast ? ST_FIRST : ST_SKIP;", "state_d = ST_FIRST;"),
        (".rst_n    (rst_n && !drop)", ".rst_n    (rst_n)"),
        ("if (!rst_n || drop) begin", "if (!rst_n) begin"),
        ("keep = !part_end ? {K{1'b1}} :", "keep = !in_t ? {K{1'b1}} :"),
        ("if (commit) in_bank_q <=", "if (push && part_end) in_bank_q <="),
        ("bank_free    = ~|((x_held_q | t_held_q) & in_bank_q)", "bank_free = ~|(x_held_q & in_bank_q)"),
        ("(t_held_q & ~targets_q & t_bank_q)", "(t_held_q & ~targets_q & t_bank_q & 2'b01)"),
        ("s_axis_tvalid || state_q != ST_FIRST ||", "state_q != ST_FIRST ||"),
        (
            "gear_ready && (state_q != ST_FIRST || bank_free)",
            "gear_ready && s_axis_tvalid && (state_q != ST_FIRST || bank_free)",
        ),
        ("x_rd_data <= x_mem[{x_bank_q[1], x_rd_beat}]", "x_rd_data <= x_mem[{x_bank_q[0], x_rd_beat}]"),
    ];
    for (from, to) in mutants {
        let bench = Bench::new(&[("dut_gear.v", gear()), ("dut_sample_in.v", mutate(&sample_in(), from, to))]);
        bench.must_fail(TB_SAMPLE_IN, &[sizes_in((13, 11, 8, 2)), sizes_in((35, 21, 8, 32))], &SAMPLE_IN_RUNS, from);
    }
}

const TB_SAMPLE_OUT: &str = include_str!("bus_rtl/tb_sample_out.v");

/// OUTPUTS, DAC_BITS, LANES.
const SAMPLES_OUT: [(i64, i64, i64); 11] = [
    (10, 8, 8),
    (1, 2, 1),
    (1, 16, 256),
    (8, 8, 8),
    (3, 4, 4),
    (17, 8, 1),
    (80, 9, 64),
    (13, 12, 2),
    (33, 9, 4),
    (65, 16, 16),
    (40, 5, 32),
];

fn sample_out() -> String {
    SampleOut { name: "dut" }.render().expect("render sample_out")
}

const SAMPLE_OUT_RUNS: [&[Setting]; 7] = [
    &[("seed", 1)],
    &[("seed", 2), ("hold", 1)],
    &[("seed", 3), ("core_stall", 3), ("sink_stall", 3)],
    &[("seed", 4), ("core_stall", 7)],
    &[("seed", 5), ("sink_stall", 6)],
    &[("seed", 6), ("core_stall", 3), ("sink_stall", 4), ("resets", 40)],
    &[("seed", 7), ("resets", 40)],
];

fn sizes_out((outputs, dac_bits, lanes): (i64, i64, i64)) -> [Setting<'static>; 3] {
    [("OUTPUTS", outputs), ("DAC_BITS", dac_bits), ("LANES", lanes)]
}

#[test]
fn sample_out_sends_under_random_stalls() {
    let bench = Bench::new(&[("dut_gear.v", gear()), ("dut_sample_out.v", sample_out())]);
    for sizes in SAMPLES_OUT {
        bench.must_pass(TB_SAMPLE_OUT, &sizes_out(sizes), &SAMPLE_OUT_RUNS);
    }
}

#[test]
fn sample_out_is_clean() {
    let bench = Bench::new(&[("dut_gear.v", gear()), ("dut_sample_out.v", sample_out())]);
    for sizes in SAMPLES_OUT {
        bench.must_be_clean("dut_sample_out", &sizes_out(sizes), &(memories(1) + &combinational_outputs(0)));
    }
}

#[test]
fn sample_out_keeps_the_stream_protocol() {
    let files = |text| [("dut_gear.v", gear()), ("dut_sample_out.v", text)];
    let (proven, text) = Bench::new(&files(sample_out())).is_proven("dut_sample_out");
    assert!(proven, "{text}");
    let mutant = mutate(
        &sample_out(),
        "m_axis_tvalid <= close_q || (gear_valid && rst_n)",
        "m_axis_tvalid <= gear_valid && rst_n",
    );
    let mutant = mutate(&mutant, "if (step) m_axis_tvalid", "m_axis_tvalid");
    assert!(!Bench::new(&files(mutant)).is_proven("dut_sample_out").0, "the proof has to fail on a mutant");
}

#[test]
fn sample_out_bench_catches_mutants() {
    let mutants = [
        ("keep = rd_last_q ? KEEP : {LANES{1'b1}}", "keep = {LANES{1'b1}}"),
        ("{{(WORD - DAC_BITS + 1) {gear_data[j*DAC_BITS+DAC_BITS-1]}},", "{{(WORD - DAC_BITS + 1) {1'b0}},"),
        ("~|(full_q & wr_bank_q)", "1'b1"),
        ("full_q <= (full_q |", "full_q <= ("),
        ("m_axis_tlast <= gear_last || close_q", "m_axis_tlast <= gear_last"),
        ("words & {64{!close_q}}", "words"),
        ("else if (!rst_n)     close_q <= open_q;", ""),
        ("|full_q || between_q != 2'd0 ||", "|full_q ||"),
        ("if (rd_step)  rd_data_q <=", "rd_data_q <="),
        ("assign gear_ready = step &&", "assign gear_ready = m_axis_tready &&"),
    ];
    for (from, to) in mutants {
        let bench = Bench::new(&[("dut_gear.v", gear()), ("dut_sample_out.v", mutate(&sample_out(), from, to))]);
        bench.must_fail(TB_SAMPLE_OUT, &[sizes_out((13, 7, 4)), sizes_out((37, 7, 16))], &SAMPLE_OUT_RUNS, from);
    }
}
