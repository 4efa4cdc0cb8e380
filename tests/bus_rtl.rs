//! The bus-side modules, each simulated alone under Icarus Verilog against a self-checking bench in `tests/bus_rtl/`, linted
//! with Verilator and Icarus, and synthesised with Yosys, over a spread of parameters.

use std::fs;
use std::path::Path;
use std::process::Command;

use askama::Template;
use memrtl::rtl::bus::Gear;
use tempfile::TempDir;

/// Verilog files of one design under test, in a folder of their own.
struct Bench {
    dir: TempDir,
    files: Vec<String>,
}

/// Name and value of a Verilog parameter or of a plusarg.
type Setting<'a> = (&'a str, i64);

impl Bench {
    fn new(files: &[(&str, String)]) -> Bench {
        let dir = TempDir::new().expect("temporary folder");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("write Verilog");
        }
        Bench { dir, files: files.iter().map(|(name, _)| name.to_string()).collect() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Stdout and stderr of a tool run in the folder, and whether it ended with status 0.
    fn tool(&self, program: &str, args: &[String]) -> (bool, String) {
        let out = Command::new(program)
            .args(args)
            .current_dir(self.path())
            .output()
            .unwrap_or_else(|e| panic!("cannot run {program}: {e}"));
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.success(), text)
    }

    /// Compiles the bench `tb` with the parameters set; every plusargs set is one run. Returns what the runs printed.
    fn simulate(&self, tb: &str, parameters: &[Setting], runs: &[&[Setting]]) -> String {
        fs::write(self.path().join("tb.v"), tb).expect("write bench");
        let mut args = vec!["-g2005".to_string(), "-o".into(), "tb.vvp".into(), "-s".into(), "tb".into()];
        args.extend(parameters.iter().map(|(name, value)| format!("-Ptb.{name}={value}")));
        args.extend(self.files.iter().cloned());
        args.push("tb.v".into());
        let (ok, text) = self.tool("iverilog", &args);
        assert!(ok, "iverilog {parameters:?}: {text}");
        let mut printed = String::new();
        for plusargs in runs {
            let mut args = vec!["-n".to_string(), "tb.vvp".into()];
            args.extend(plusargs.iter().map(|(name, value)| format!("+{name}={value}")));
            let (ok, text) = self.tool("vvp", &args);
            assert!(ok, "vvp {plusargs:?}: {text}");
            printed += &format!("{parameters:?} {plusargs:?} {text}");
        }
        printed
    }

    /// Every run must print its own PASS and nothing else of note.
    fn must_pass(&self, tb: &str, parameters: &[Setting], runs: &[&[Setting]]) {
        let text = self.simulate(tb, parameters, runs);
        assert!(!text.contains("FAIL") && text.matches("PASS").count() == runs.len(), "{text}");
    }

    /// No warning from Verilator, Icarus or Yosys; no latch; `yosys_checks` hold after coarse synthesis.
    fn must_be_clean(&self, top: &str, parameters: &[Setting], yosys_checks: &str) {
        let mut args: Vec<String> = vec!["--lint-only".into(), "-Wall".into(), "--top-module".into(), top.into()];
        args.extend(parameters.iter().map(|(name, value)| format!("-G{name}={value}")));
        args.extend(self.files.iter().cloned());
        let (ok, text) = self.tool("verilator", &args);
        assert!(ok && text.is_empty(), "verilator {parameters:?}: {text}");

        let mut args: Vec<String> = ["-g2005", "-Wall", "-tnull", "-s", top].iter().map(|s| s.to_string()).collect();
        args.extend(parameters.iter().map(|(name, value)| format!("-P{top}.{name}={value}")));
        args.extend(self.files.iter().cloned());
        let (ok, text) = self.tool("iverilog", &args);
        assert!(ok && text.is_empty(), "iverilog {parameters:?}: {text}");

        let sets: String = parameters.iter().map(|(name, value)| format!(" -chparam {name} {value}")).collect();
        let script = format!(
            "read_verilog {}; hierarchy -check -top {top}{sets}; proc; flatten; opt; check -assert; \
             select -assert-none t:$dlatch t:$adlatch t:$dlatchsr; memory -nomap; {yosys_checks}",
            self.files.join(" ")
        );
        let (ok, text) = self.tool("yosys", &["-q".into(), "-p".into(), script]);
        assert!(ok && text.trim().is_empty(), "yosys {parameters:?}: {text}");
    }
}

/// `text` with its only occurrence of `from` replaced: a mutant that the bench has to catch.
fn mutate(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "mutation `{from}` must match exactly once");
    text.replace(from, to)
}

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
    let mutants: [(&[Setting], &str, &str); 7] = [
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
        let text = bench.simulate(TB_GEAR, parameters, &[&[("seed", 5), ("in_stall", 2), ("out_stall", 2)]]);
        assert!(text.contains("FAIL") && !text.contains("PASS"), "mutant `{from}` -> `{to}` was not caught: {text}");
    }
}
