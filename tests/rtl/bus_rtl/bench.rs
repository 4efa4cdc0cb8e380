//! Runs Icarus Verilog, Verilator and Yosys on a module under test.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Verilog files of one design under test, in a folder of their own.
pub struct Bench {
    dir: TempDir,
    files: Vec<String>,
}

/// Name and value of a Verilog parameter or of a plusarg.
pub type Setting<'a> = (&'a str, i64);

impl Bench {
    pub fn new(files: &[(&str, String)]) -> Bench {
        let dir = TempDir::new().expect("temporary folder");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("write Verilog");
        }
        Bench { dir, files: files.iter().map(|(name, _)| name.to_string()).collect() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Stdout and stderr of a tool run in the folder, and whether it ended with status 0.
    pub fn tool(&self, program: &str, args: &[String]) -> (bool, String) {
        let out = Command::new(program)
            .args(args)
            .current_dir(self.path())
            .output()
            .unwrap_or_else(|e| panic!("cannot run {program}: {e}"));
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.success(), text)
    }

    /// Compiles the bench `tb` with the parameters set; every plusargs set is one run. Returns what the runs printed.
    pub fn simulate(&self, tb: &str, parameters: &[Setting], runs: &[&[Setting]]) -> String {
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
    pub fn must_pass(&self, tb: &str, parameters: &[Setting], runs: &[&[Setting]]) {
        let text = self.simulate(tb, parameters, runs);
        assert!(!text.contains("FAIL") && text.matches("PASS").count() == runs.len(), "{text}");
    }

    /// At least one run with at least one set of parameters must end in FAIL: the bench notices the change that `what` names.
    pub fn must_fail<const N: usize>(&self, tb: &str, sets: &[[Setting; N]], runs: &[&[Setting]], what: &str) {
        let text: String = sets.iter().map(|parameters| self.simulate(tb, parameters, runs)).collect();
        assert!(text.contains("FAIL"), "mutant of `{what}` was not caught: {text}");
    }

    /// Do the assertions under `FORMAL` hold in every state that can be reached? By induction over the clock cycles, with the
    /// parameters' default values.
    pub fn is_proven(&self, top: &str) -> (bool, String) {
        let script = format!(
            "read_verilog -formal -DFORMAL {}; hierarchy -check -top {top}; proc; flatten; memory; opt -full; dffunmap; \
             select -assert-min 1 t:$assert; sat -verify -prove-asserts -set-assumes -tempinduct -seq 1 -maxsteps 4",
            self.files.join(" ")
        );
        self.tool("yosys", &["-q".into(), "-p".into(), script])
    }

    /// No warning from Verilator, Icarus or Yosys; no latch; `yosys_checks` hold after coarse synthesis.
    pub fn must_be_clean(&self, top: &str, parameters: &[Setting], yosys_checks: &str) {
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

/// Yosys checks: exactly `count` memories, each with a clocked read port, as a block RAM has.
pub fn memories(count: usize) -> String {
    format!("select -assert-count {count} t:$mem_v2; select -assert-count {count} r:RD_CLK_ENABLE=1'1; ")
}

/// Yosys check: exactly `count` outputs depend on an input within the cycle.
pub fn combinational_outputs(count: usize) -> String {
    format!("opt_clean; select -assert-count {count} i:* %coe* o:* %i; ")
}

/// `text` with its only occurrence of `from` replaced: a mutant that the bench has to catch.
pub fn mutate(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "mutation `{from}` must match exactly once");
    text.replace(from, to)
}
