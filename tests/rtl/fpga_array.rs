//! The emulated array whose lines lie in memories: as exact as the one with drivers, whatever the widths of beats and words.

use std::path::Path;

use crate::common::{Rig, Small, as_yosys_reads, found, lint, mutated, on_all_cores, options, refused};
use memrtl::cosim::What;
use memrtl::spec::{self, Backend, Code};

use Backend::{External, Fpga};

const SGD: &str = "optimizer = \"sgd\"\nlearning_rate = 0.5\nepochs = 1\nseed = 7";
const ONE: &str = "learning_rate = 0.5\nmomentum = 0.75\nhistory = 1\nepochs = 1\nseed = 7";
const HISTORY: &str = "learning_rate = 0.5\nmomentum = 0.9\nhistory = 3\nepochs = 1\nseed = 7";

fn unit(name: &str) -> String {
    format!("learning_rate = 0.25\nmomentum = 0.75\n{name}\nepochs = 1\nseed = 7")
}

/// Lints, trains and checks designs of these arrays and trainings.
fn exact(cases: &[(&str, &str)]) {
    on_all_cores(cases, |(array, training)| {
        let rig = Small { array, training, ..Small::default() }.rig(Fpga);
        lint(&rig.design, &rig.dir.path().join("rtl"));
        let report = rig.run(&options()).unwrap_or_else(|e| panic!("{array}\n{training}\n{e}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "{array}");
    });
}

/// Beats wider and narrower than words, words that the columns do not fill, every unit that an emulated array serves.
#[test]
fn lines_in_memories_train_exactly() {
    exact(&[
        ("adcs = 1\nlanes = 1", HISTORY),
        ("adcs = 8\nlanes = 2", HISTORY),
        ("adcs = 2\nlanes = 8", SGD),
        ("adcs = 1\nlanes = 8", &format!("{SGD}\nbatch = 5")),
        ("adcs = 4\nlanes = 2", &unit("history = 3\nbatch = 4\nmomentum_kind = \"nesterov\"")),
        ("adcs = 4\nlanes = 1", &unit("history = 1")),
        ("adcs = 2\nlanes = 4", &unit("momentum_unit = \"sram\"")),
    ]);
}

#[test]
#[ignore = "minutes: `make test-long`"]
fn the_widest_and_other_units_train_exactly() {
    exact(&[
        ("adcs = 2\nlanes = 2", HISTORY),
        ("adcs = 32\nlanes = 1", HISTORY),
        ("adcs = 1\nlanes = 32", HISTORY),
        ("adcs = 64\nlanes = 64", HISTORY),
        ("adcs = 2\nlanes = 2\npulse_bits = 10", &unit("history = 2\nmomentum_kind = \"dampened\"")),
        ("adcs = 4\nlanes = 4", &unit("momentum_unit = \"sram\"\nrounding = \"stochastic\"\nbatch = 2")),
    ]);
}

/// What stands under `YOSYS` in place of a few expressions and tables: more shapes than there are netlists in these tests.
#[test]
fn what_yosys_reads_trains_exactly() {
    let softmax = format!("{SGD}\nloss = \"cross_entropy\"\nbatch = 3");
    let outputs = "inputs = 9\nlayers = [ { outputs = 6, activation = \"linear\" }, { outputs = 4 } ]";
    let sram = unit("momentum_unit = \"sram\"");
    let small = |array, training| Small { array, training, ..Small::default() };
    // Beside the modules that have such a text.
    let cases = [
        (small("adcs = 8\nlanes = 2", HISTORY), Fpga, "row_lines col_lines momentum_history read_path array_emulated"),
        (small("adcs = 1\nlanes = 8", SGD), Fpga, "row_lines col_lines read_path array_emulated"),
        (small("adcs = 4\nlanes = 4", &sram), Fpga, "row_lines col_lines momentum_sram read_path array_emulated"),
        (small("adcs = 2\nlanes = 4", HISTORY), Backend::Emulated, "momentum_history read_path array_emulated"),
        (
            Small { network: outputs, ..small("adcs = 2\nlanes = 2", &softmax) },
            External,
            "momentum_history softmax read_path",
        ),
    ];
    on_all_cores(&cases, |(small, backend, modules)| {
        let mut rig = small.rig(*backend);
        let with_such = rig.rtl.modules.iter().filter(|m| m.text.contains("`ifdef YOSYS"));
        let names: Vec<&str> = with_such.map(|m| m.name.split_once('_').unwrap().1).collect();
        assert_eq!(names.join(" "), *modules, "{}, {}", small.array, small.training);
        rig.rtl = as_yosys_reads(&rig.rtl);
        let report = rig.run(&options()).unwrap_or_else(|e| panic!("{}\n{}\n{e}", small.array, small.training));
        assert_eq!(report.summary.mismatches, 0);
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "{}", small.array);
    });
}

/// Wrong Verilog is found. No pin shows the lines, so it shows in the codes that they make.
#[test]
fn mutants_are_found() {
    // Module, text, what replaces it, array, layer of the first mismatch.
    let mutants = [
        ("row_lines", "if (take) half_q <= !half_q;", "if (take) half_q <= half_q;", "adcs = 2\nlanes = 2", "l0"),
        ("row_lines", "bias_q ? FULL_SCALE : code", "1'b0 ? FULL_SCALE : code", "adcs = 2\nlanes = 2", "l0"),
        ("col_lines", "if (take) half_q <= !half_q;", "if (take) half_q <= half_q;", "adcs = 2\nlanes = 2", "l1"),
        ("col_lines", "part_q <= word_32[PART_BITS-1:0];", "part_q <= {PART_BITS{1'b0}};", "adcs = 2\nlanes = 8", "l1"),
        ("col_lines", "beat_32 >> BANK_BITS;", "beat_32;", "adcs = 4\nlanes = 1", "l1"),
        ("array_emulated", "(back || writing) ? signed_drive", "back ? signed_drive", "adcs = 2\nlanes = 2", "l0"),
        ("array_emulated", "if (root_end) root_line_q <=", "if (1'b0) root_line_q <=", "adcs = 4\nlanes = 4", "l1"),
        ("array_emulated", "walk_addr  = s4_addr_q", "walk_addr  = s3_addr_q", "adcs = 4\nlanes = 4", "l0"),
    ];
    on_all_cores(&mutants, |(module, from, to, array, layer)| {
        let rig = Small { array, training: HISTORY, ..Small::default() }.rig(Fpga);
        let m = found(&rig, &[(module, from, to)]);
        assert_eq!(m.layer.as_str(), *layer, "{from} -> {to}: {m}");
        assert!(matches!(m.what, What::AdcCode | What::BackCode | What::State), "{from} -> {to}: {m}");
    });
}

/// Banks of single-port memory: rows of an odd and of an even number of words, of one word, several lanes, wide states.
#[test]
fn states_in_banks_train_exactly() {
    exact(&[
        ("adcs = 1\nlanes = 1\nstate_memory = \"single_port\"", HISTORY),
        ("adcs = 2\nlanes = 2\nstate_memory = \"single_port\"", HISTORY),
        ("adcs = 32\nlanes = 2\nstate_memory = \"single_port\"", &unit("momentum_unit = \"sram\"")),
    ]);
    let rig = Small { array: "adcs = 2\nstate_memory = \"single_port\"", ..Small::default() }.rig(Backend::Emulated);
    rig.run(&options()).expect("an array behind drivers");
}

/// A bank has one access a cycle: a read beside a write in one bank would show.
#[test]
fn mutants_of_the_banks_are_found() {
    let mutants = [
        // Four words behind: in the bank that is read.
        ("array_emulated", "if (BANKED == 1) begin : gen_fifth", "if (BANKED == 2) begin : gen_fifth"),
        ("bank_mem", "side_q <= rd_addr[0]", "side_q <= !rd_addr[0]"),
        ("bank_mem", "wr_addr[0] == SIDE[0]", "wr_addr[0] != SIDE[0]"),
        ("bank_mem", "write ? wr_wide", "1'b0 ? wr_wide"),
    ];
    on_all_cores(&mutants, |(module, from, to)| {
        let array = "adcs = 2\nlanes = 2\nstate_memory = \"single_port\"";
        let m = found(&Small { array, training: HISTORY, ..Small::default() }.rig(Fpga), &[(module, from, to)]);
        assert!(matches!(m.what, What::AdcCode | What::BackCode | What::State), "{from} -> {to}: {m}");
    });
}

/// No word is used that is read in the cycle in which it is written: memories may then return anything.
#[test]
fn collisions_in_memories_do_not_matter() {
    let read = "rd_data <= mem[rd_addr];";
    let other = "rd_data <= (wr_en && (wr_addr == rd_addr)) ? ~mem[rd_addr] : mem[rd_addr];";
    let sram = unit("momentum_unit = \"sram\"");
    let cases = [
        ("adcs = 2\nlanes = 2", HISTORY, Fpga),
        ("adcs = 2\nlanes = 2", &sram, Fpga),
        ("adcs = 2\nlanes = 2\ninput_coding = \"bit_serial\"", HISTORY, External),
    ];
    on_all_cores(&cases, |(array, training, backend)| {
        let rig = Small { array, training, ..Small::default() }.rig(*backend);
        let of_samples = |bank: &str| {
            let read = format!("{bank}_rd_data <= {bank}_mem[{{{bank}_bank_q[1], {bank}_rd_beat}}];");
            let written = format!(
                "(wr_valid && ({{wr_bank_q[1], wr_beat_q[{}_BEAT_BITS-1:0]}} == {{{bank}_bank_q[1], {bank}_rd_beat}}))",
                bank.to_uppercase()
            );
            let word = format!("{bank}_mem[{{{bank}_bank_q[1], {bank}_rd_beat}}]");
            (read, format!("{bank}_rd_data <= {written} ? ~{word} : {word};"))
        };
        let (x, t) = (of_samples("x"), of_samples("t"));
        let changes = [("vector_mem", read, other), ("sample_in", &*x.0, &*x.1), ("sample_in", &*t.0, &*t.1)];
        let rtl = mutated(&rig.rtl, &changes);
        let report = (Rig { rtl, ..rig }).run(&options()).unwrap_or_else(|e| panic!("{array}\n{training}\n{e}"));
        assert_eq!(report.summary.mismatches, 0);
    });
}

/// The search for the largest |y|, and the factor that is read a look ahead: too small a peak or factor passes a pair over, or makes its pulses shorter.
#[test]
fn mutants_of_the_looks_are_found() {
    let mutants = [
        (HISTORY, "larger_of = (a > b) ? a : b;", "larger_of = (a < b) ? a : b;"),
        (HISTORY, "nodes[(2*p+1)*MAGNITUDE+:MAGNITUDE]);", "{MAGNITUDE{1'b0}});"),
        (ONE, "assign y_done     = done_q[LEVELS-1];", "assign y_done     = y_valid && y_last;"),
        (HISTORY, "? AGE_FIRST : age_q + AGE_ONE;", "? AGE_FIRST : age_q;"),
        (HISTORY, "y_first_q <= y_beat == {Y_BEAT_BITS{1'b0}};", "y_first_q <= 1'b1;"),
        (SGD, "y_found_q <= y_done;", "y_found_q <= y_valid && y_last;"),
        (SGD, "&& !y_below && !y_found_q;", "&& !y_found_q;"),
        (SGD, "&& !y_below && !y_found_q;", "&& !y_below;"),
    ];
    on_all_cores(&mutants, |(training, from, to)| {
        // Many levels, or many beats.
        let array = if *training == HISTORY { "adcs = 2\nlanes = 2" } else { "adcs = 8\nlanes = 8" };
        let small = Small { array, training, ..Small::default() };
        let (module, small) = match *training {
            // No array of another layer is busy while this one looks at y.
            SGD => ("momentum_none", Small { network: "inputs = 7\nlayers = [{ outputs = 5 }]", ..small }),
            _ => ("momentum_history", small),
        };
        let rig = small.rig(Fpga);
        found(&rig, &[(module, from, to)]);
    });
}

/// Columns, rows and lanes that no layer has take no multiplier; those that it has must all be there.
#[test]
fn mutants_of_wide_arrays_are_found() {
    let mutants = [
        ("array_emulated", "(COLS < ADCS) ? COLS : ADCS;", "(COLS < ADCS) ? COLS - 1 : ADCS;"),
        ("array_emulated", "((ROWS < ADCS) ? ROWS : ADCS) - 1;", "((ROWS < ADCS) ? ROWS : ADCS) - 2;"),
        ("momentum_history", "(COLS < LANES) ? COLS : LANES;", "(COLS < LANES) ? COLS - 1 : LANES;"),
        ("read_path", "localparam USED     = 5;", "localparam USED     = 4;"),
        ("read_path", "<= s1_back_q ? {DAC_BITS{1'b0}} : s1_act", "<= s1_act"),
    ];
    on_all_cores(&mutants, |(module, from, to)| {
        let rig = Small { array: "adcs = 8\nlanes = 8", training: HISTORY, ..Small::default() }.rig(Fpga);
        found(&rig, &[(module, from, to)]);
    });
}

/// Arrays on pins search for the largest |y|, or the longest pulse, within a cycle: pulses there show a wrong choice.
#[test]
fn mutants_of_the_largest_are_found() {
    let sram = unit("momentum_unit = \"sram\"");
    let mutants = [("momentum_history", HISTORY, "MAGNITUDE"), ("momentum_sram", &sram, "PULSE_BITS")];
    on_all_cores(&mutants, |(module, training, bits)| {
        let compared = |sign: &str| format!("node[2*p*{bits}+:{bits}] {sign} node[(2*p+1)*{bits}+:{bits}]");
        let m =
            found(&Small { training, ..Small::default() }.rig(External), &[(module, &compared(">"), &compared("<"))]);
        assert!(matches!(m.what, What::SlotLength | What::PulseWidth | What::Slots), "{module}: {m}");
    });
}

/// Factors of earlier gradients, where the pins show the pulses.
#[test]
fn mutants_of_the_factors_are_found() {
    let mutants = [
        ("momentum_decay", "momentum[bit_d]", "momentum[~bit_d]"),
        ("momentum_history", "AGE_FIRST = 1;", "AGE_FIRST = 0;"),
        ("momentum_history", "older ? age_q + AGE_ONE : age_q", "age_q"),
    ];
    on_all_cores(&mutants, |(module, from, to)| {
        let m = found(&Small { training: HISTORY, ..Small::default() }.rig(External), &[(module, from, to)]);
        assert!(matches!(m.what, What::PulseCode | What::Slots), "{from} -> {to}: {m}");
    });
}

/// A good spec with changes.
fn parse(layer: &str, array: &str) -> Result<spec::Design, spec::SpecErrors> {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 32{layer} }}, {{ outputs = 10 }}]\n[array]\n\
         backend = \"fpga\"\n{array}\n"
    );
    spec::parse(&text, "memrtl.toml", Path::new(""))
}

refused! {
    lines_of_bits: [Code::DeviceBackend], "", "input_coding = \"bit_serial\"";
    layers_in_pieces: [Code::DeviceBackend], "", "rows = 32";
    devices_of_the_lab: [Code::DeviceBackend], "", "[device]\nmodel = \"constant_step\"";
    memories_of_no_such_kind: [Code::UnknownValue], "", "state_memory = \"flash\"";
}

/// The counters of an FPGA are shorter, and the register map says so.
#[test]
fn counters_have_forty_bits() {
    let design = parse("", "").unwrap();
    let csr = memrtl::regmap::RegMap::for_design(&design).csr(&design).unwrap();
    assert!(csr.contains("input  wire [39:0] count_cycles") && csr.contains("{24'd0, count_cycles_high_q}"), "{csr}");
}
