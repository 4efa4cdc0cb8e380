//! Whole co-simulations by the program that users run: samples per second, build time, memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use memrtl::report::figures::{Bar, Figure};
use serde_json::Value;

use super::common::mnist as mnist_files;
use super::{Bench, median};

const ROUNDS: usize = 5;
/// The program that users run.
const MEMRTL: &str = env!("CARGO_BIN_EXE_memrtl");

/// `make cosim`, beside memrtl as it was before the work on its harness, and beside itself on one thread and evaluating everything
/// in every cycle.
pub fn digits(bench: &mut Bench) {
    let out = bench.folder.join("digits");
    let cache = bench.cache.display().to_string();
    let before = before(&bench.target);
    if before.is_none() {
        bench
            .results
            .missing
            .push("make cosim before: make peers-sim builds it, where git knows the commit".to_string());
    }
    let (mut now, mut plain, mut old) = (Vec::new(), Vec::new(), Vec::new());
    // The first round may have to build.
    for round in 0..=ROUNDS {
        let ran = run(Path::new(MEMRTL), &["--cache", &cache], &out);
        let slow = run(Path::new(MEMRTL), &["--cache", &cache, "--no-shortcuts"], &out);
        assert_eq!(ran.summary["weights_hash"], slow.summary["weights_hash"], "shortcuts change the result");
        let earlier = before.as_ref().map(|program| run(program, &["--cache", &cache], &out));
        if round > 0 {
            now.push(ran);
            plain.push(slow);
            old.extend(earlier);
        }
    }
    let middle = |runs: &[Ran], name: &str| median(runs.iter().map(|ran| ran.number(name)).collect());
    let mut row = |what: &str, name: &str, than: &[Ran], by: &str, bar: Bar| {
        if !than.is_empty() {
            let title = format!("make cosim, digits, {what} ({by})");
            bench.results.figures.push(Figure::against(&title, middle(&now, name), "1/s", middle(than, name), bar));
        }
    };
    row("samples", "samples_per_second", &old, "before, commit 27dd39b", Bar::AtLeast(2.0));
    row("cycles", "simulated_cycles_per_second", &old, "before, commit 27dd39b", Bar::None);
    row("samples", "samples_per_second", &plain, "--no-shortcuts", Bar::None);
}

/// memrtl of the commit before the work on its harness, if `make peers-sim` has built it.
fn before(target: &Path) -> Option<PathBuf> {
    let program = target.join("peers/sim/before/cargo/release/memrtl");
    program.exists().then_some(program)
}

/// A 784-256-10 network on the 10,000 images, 8,000 of them for training.
pub fn mnist(bench: &mut Bench) {
    let (images, labels) = match mnist_files() {
        Ok(files) => files,
        Err(why) => return bench.results.missing.push(format!("784-256-10 on MNIST: {why}")),
    };
    let spec = bench.folder.join("mnist.toml");
    let text = format!(
        "name = \"mnist\"\n[network]\ninputs = 784\nlayers = [{{ outputs = 256, activation = \"sigmoid\" }}, \
         {{ outputs = 10, activation = \"sigmoid\" }}]\n[training]\nlearning_rate = 0.05\nmomentum = 0.9\nhistory = 4\nepochs = 1\n\
         [data]\nidx = {{ images = \"{}\", labels = \"{}\" }}\n",
        images.display(),
        labels.display()
    );
    std::fs::write(&spec, text).unwrap_or_else(|error| panic!("{}: {error}", spec.display()));
    let (out, cache) = (bench.folder.join("mnist"), bench.folder.join("mnist-models"));
    // Everything is built anew, the runtime included.
    let _ = std::fs::remove_dir_all(&cache);
    let arguments = ["--config", &spec.display().to_string(), "--cache", &cache.display().to_string()];
    let ran = run(Path::new(MEMRTL), &arguments, &out);
    let _ = std::fs::remove_dir_all(&cache);
    let samples = ran.number("samples") + ran.number("samples_inferred");
    let wrong = ran.number("mismatches") + (ran.number("cycles_total") - ran.number("cycles_predicted")).abs();
    let title = |what: &str| format!("784-256-10 on MNIST, {what}");
    let mut row = |what: &str, value: f64, unit: &str, bar: Bar| {
        bench.results.figures.push(Figure::new(&title(what), value, unit, bar));
    };
    row("samples of one epoch and its test", samples, "", Bar::Exactly(10_000.0));
    row("differences in any value or cycle", wrong, "", Bar::Exactly(0.0));
    row("samples", ran.number("samples_per_second"), "1/s", Bar::AtLeast(100.0));
    row("test accuracy after one epoch", 100.0 * ran.number("accuracy"), "%", Bar::None);
    row("build, empty cache", ran.number("build_seconds"), "s", Bar::AtMost(90.0));
    row("memory, largest", ran.memory / f64::from(1 << 20), "MiB", Bar::AtMost(2048.0));
}

struct Ran {
    summary: Value,
    /// Largest resident size of the process, in bytes.
    memory: f64,
}

impl Ran {
    fn number(&self, name: &str) -> f64 {
        self.summary[name].as_f64().unwrap_or_else(|| panic!("no `{name}` in the summary"))
    }
}

/// Runs `cosim` of a memrtl.
fn run(program: &Path, arguments: &[&str], out: &Path) -> Ran {
    let mut command = Command::new(program);
    command.arg("cosim").arg("--out").arg(out).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0.0;
    while child.try_wait().expect("our child").is_none() {
        // The kernel keeps the largest value, so that only what grows in the last moment is missed.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        memory = kilobytes.map_or(memory, |k: f64| k * 1024.0);
        std::thread::sleep(Duration::from_millis(20));
    }
    let done = child.wait_with_output().expect("our child");
    assert!(done.status.success(), "{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    let summary = out.join("summary.json");
    let text = std::fs::read_to_string(&summary).unwrap_or_else(|error| panic!("{}: {error}", summary.display()));
    Ran { summary: serde_json::from_str(&text).expect("JSON"), memory }
}
