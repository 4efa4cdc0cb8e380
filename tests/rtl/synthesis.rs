//! Lint over the parameter space, and Yosys: no latches, no memory that would dissolve into flip-flops.

use crate::common;
use std::path::Path;
use std::process::Command;

use memrtl::rtl::{Rtl, emit};
use memrtl::spec::{self, Backend, Design};
use tempfile::TempDir;

fn parse(text: &str) -> Design {
    spec::parse(text, "test.toml", Path::new("")).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

/// Runs Yosys over the design's files; panics unless it succeeds without a warning. Returns the folder.
fn yosys(design: &Design, script: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let rtl = Rtl::generate(design).unwrap();
    emit::write(design, &rtl, dir.path()).unwrap();
    let files: Vec<String> = rtl.modules.iter().map(|m| format!("{}.v", m.name)).collect();
    let script = format!("read_verilog {}; hierarchy -check -top {}; {script}", files.join(" "), rtl.top);
    let output = Command::new("yosys").args(["-p", &script]).current_dir(dir.path()).output().expect("yosys runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let warnings: Vec<&str> = text.lines().filter(|l| l.contains("Warning")).collect();
    assert!(output.status.success() && warnings.is_empty(), "{}\n{warnings:#?}\n{}", design.name, tail(&text));
    dir
}

fn tail(text: &str) -> String {
    text.lines().rev().take(25).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// No latch; memories stay memories. The netlist goes to `netlist.json`.
const CLEAN: &str = "proc; opt; select -assert-none t:$dlatch t:$dlatchsr t:$adlatch; \
                     flatten; opt; memory_dff; memory_collect; opt_clean; write_json netlist.json";

/// Memories of the netlist in `dir`; an error names one that is read without a clock, which no block RAM can do.
fn memories(dir: &Path) -> Result<usize, String> {
    let netlist: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("netlist.json")).unwrap()).unwrap();
    let modules = netlist["modules"].as_object().unwrap().values();
    let cells = modules.filter_map(|m| m["cells"].as_object()).flatten();
    let mut count = 0;
    for (name, cell) in cells.filter(|(_, c)| c["type"] == "$mem_v2") {
        count += 1;
        if cell["parameters"]["RD_CLK_ENABLE"].as_str().unwrap().contains('0') {
            return Err(format!("{name} is read without a clock"));
        }
    }
    Ok(count)
}

fn check(design: &Design) {
    let dir = yosys(design, CLEAN);
    let count = memories(dir.path()).unwrap_or_else(|e| panic!("{}: {e}", design.name));
    assert!(count > 0, "the memories are still memories");
}

#[test]
fn digits_has_no_latches_and_only_clocked_memories() {
    let mut design = parse(spec::preset("digits").unwrap());
    design.array.backend = Backend::Emulated;
    check(&design);
}

#[test]
fn other_shapes_synthesize_cleanly() {
    let three = "name = \"three\"\n[network]\ninputs = 9\nlayers = [{ outputs = 5, activation = \"tanh\" }, \
                 { outputs = 6, activation = \"sigmoid\" }, { outputs = 3, activation = \"sigmoid\" }]\n\
                 [array]\nlanes = 2\nadcs = 4\n[data]\ncsv = \"x.csv\"\n";
    let single = "name = \"single\"\n[network]\ninputs = 7\nlayers = [{ outputs = 3, activation = \"sigmoid\" }]\n\
                  [training]\noptimizer = \"sgd\"\n[array]\nlanes = 4\nadcs = 2\nbackend = \"emulated\"\n\
                  [data]\ncsv = \"x.csv\"\n";
    for text in [three, single] {
        check(&parse(text));
    }
}

/// Errors of the map, its winners and the pairs of all places lie in memories.
#[test]
fn convolutions_synthesize_cleanly() {
    let history = "momentum_unit = \"history\"\nhistory = 2";
    for (unit, lanes) in [("momentum_unit = \"in_array\"", 8), (history, 1)] {
        let text = spec::preset("digits_cnn").unwrap().replace("momentum_unit = \"in_array\"", unit);
        check(&parse(&text.replace("lanes = 8", &format!("lanes = {lanes}"))));
    }
}

/// Sums of bit planes lie in a memory that is read by the clock.
#[test]
fn bit_serial_reads_synthesize_cleanly() {
    let text = "name = \"serial\"\n[network]\ninputs = 9\nlayers = [{ outputs = 7, activation = \"tanh\" }, \
                { outputs = 3, activation = \"sigmoid\" }]\n[array]\ninput_coding = \"bit_serial\"\nlanes = 2\nadcs = 2\n\
                backend = \"emulated\"\n[data]\ncsv = \"x.csv\"\n";
    check(&parse(text));
}

/// The memory controller, with and without the refresh of pairs.
#[test]
fn memory_controllers_synthesize_cleanly() {
    let text = "name = \"store\"\n[network]\ninputs = 7\nlayers = [{ outputs = 5, activation = \"tanh\" }, \
                { outputs = 3, activation = \"sigmoid\" }]\n[device]\nmodel = \"constant_step\"\n[memory]\n\
                [data]\ncsv = \"x.csv\"\n";
    for devices in [1, 2] {
        let mut design = parse(text);
        design.memory.as_mut().unwrap().devices = devices;
        check(&design);
    }
}

/// Tables of pulse lengths, one per layer.
#[test]
fn pulse_tables_synthesize_cleanly() {
    let text = "name = \"chance\"\n[network]\ninputs = 7\nlayers = [{ outputs = 5, activation = \"tanh\", \
                max_update = 0.25 }, { outputs = 3, activation = \"sigmoid\", max_update = 0.125 }]\n[array]\n\
                weight_range = 1.0\n[device]\nmodel = \"mtj\"\nstate_bits = 16\n[data]\ncsv = \"x.csv\"\n";
    check(&parse(text));
}

#[test]
fn the_latch_and_memory_checks_can_fail() {
    let latch = "module m(input wire e, d, output reg q); always @* if (e) q = d; endmodule";
    let unclocked = "module m(input wire clk, we, input wire [9:0] a, input wire [7:0] d, output wire [7:0] q); \
                     reg [7:0] mem[0:1023]; always @(posedge clk) if (we) mem[a] <= d; assign q = mem[a]; endmodule";
    let run = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("m.v"), text).unwrap();
        let script = format!("read_verilog m.v; hierarchy -check -top m; {CLEAN}");
        let output = Command::new("yosys").args(["-q", "-p", &script]).current_dir(dir.path()).output().unwrap();
        (output.status.success(), dir)
    };
    assert!(!run(latch).0);
    let (ran, dir) = run(unclocked);
    assert!(ran && memories(dir.path()).is_err());
}

fn lint(design: &Design) {
    let dir = tempfile::tempdir().unwrap();
    common::lint(design, &dir.path().join("rtl"));
}

#[test]
fn forty_random_designs_lint_without_a_word() {
    std::thread::scope(|scope| {
        for worker in 0..2 {
            scope.spawn(move || (0..20).for_each(|i| lint(&parse(&common::random_spec(500 + 2 * i + worker)))));
        }
    });
}

#[test]
fn corners_lint_without_a_word() {
    let spec = |inputs: usize, layers: &str, array: &str| {
        format!(
            "name = \"corner\"\n[network]\ninputs = {inputs}\nlayers = [{layers}]\n{array}\n[data]\ncsv = \"x.csv\"\n"
        )
    };
    let one = r#"{ outputs = 1, activation = "sigmoid" }"#;
    let two = r#"{ outputs = 3, activation = "sigmoid" }, { outputs = 2, activation = "sigmoid" }"#;
    let four = r#"{ outputs = 80, activation = "sigmoid" }, { outputs = 1, activation = "tanh" },
                  { outputs = 65, activation = "sigmoid" }, { outputs = 2, activation = "sigmoid" }"#;
    for (inputs, layers) in [(1, one), (5, two), (80, four)] {
        for array in [
            "[array]\nlanes = 1\nadcs = 1",
            "[array]\nlanes = 64\nadcs = 1",
            "[array]\nlanes = 1\nadcs = 256",
            "[array]\nlanes = 64\nadcs = 256",
            "[array]\nlanes = 2\nadcs = 4\nbackend = \"emulated\"",
            "[array]\nlanes = 4\nadcs = 2\ndac_bits = 12\nadc_bits = 14\npulse_bits = 12\nbackend = \"emulated\"",
            "[timing]\nclock = 1.0\npulse_lsb = 3.0",
            "[training]\nhistory = 256",
            "[training]\noptimizer = \"sgd\"",
        ] {
            lint(&parse(&spec(inputs, layers, array)));
        }
    }
}
