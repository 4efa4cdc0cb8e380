//! The host program talks over a pseudo-terminal to the design behind its UART, simulated by Verilator: it must train to golden's
//! weights, over lines that break bytes, too, and say clearly what is wrong.

mod bench;

use crate::common;
use std::path::Path;
use std::process::Command;

use bench::{Cable, fails, host, library, plug, plug_new, preset, succeeds, wait};
use memrtl::data::{self, Dataset};
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::host::{Board, Terminal, Weights};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend, Design};
use verilated::Profile;

fn design(name: &str) -> Design {
    let mut design = spec::load(&preset(name)).unwrap_or_else(|e| panic!("{e}"));
    design.array.backend = Backend::Fpga;
    design.refresh_hash();
    design
}

/// The golden machine on the data of the host program.
struct Golden {
    design: Design,
    machine: Machine,
    train: Dataset,
    test: Dataset,
}

impl Golden {
    fn new(design: &Design, samples: usize) -> Golden {
        let data = Dataset::load(&design.data.source).unwrap();
        let (train, test) = data.split(design.data.test_fraction, design.training.seed).unwrap();
        let cut = |set: Dataset| set.select(&(0..set.len().min(samples)).collect::<Vec<_>>());
        let machine = Machine::new(design).unwrap();
        Golden { design: design.clone(), machine, train: cut(train), test: cut(test) }
    }

    fn run(&mut self, data: &Dataset, index: usize, mode: Mode) -> usize {
        let x = encode::input_codes(&self.design, data.sample(index));
        let t = encode::target_codes(&self.design, usize::from(data.labels[index]));
        let mut trace = SampleTrace::default();
        self.machine.run(&x, &t, mode, &mut trace).unwrap();
        encode::classify(trace.output())
    }

    /// One epoch; how many test samples were right after it.
    fn epoch(&mut self, epoch: usize) -> usize {
        let (train, test) = (self.train.clone(), self.test.clone());
        for index in data::epoch_order(self.design.training.seed, epoch as u64, train.len()) {
            self.run(&train, index, Mode::Train);
        }
        let right = |index: &usize| self.run(&test, *index, Mode::Infer) == usize::from(test.labels[*index]);
        (0..test.len()).filter(right).count()
    }

    fn weights(&self) -> Vec<Vec<i32>> {
        (0..self.design.layers.len()).map(|layer| self.machine.states(layer)).collect()
    }
}

fn weights(path: &Path, design: &Design) -> Vec<Vec<i32>> {
    Weights::load(path, design).unwrap().layers.into_iter().map(|layer| layer.states).collect()
}

fn summary(dir: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(dir.join("summary.json")).unwrap()).unwrap()
}

#[test]
fn training_over_the_link_ends_with_goldens_weights() {
    let design = design("tiny");
    let board = plug_new(&library(&Rtl::with_link(&design).unwrap()), Cable::default());
    let config = preset("tiny");
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let text = succeeds(&mut host(&board.port, &config, &["train", "--epochs", "2", "--samples", "150", "--out", out]));

    let mut golden = Golden::new(&design, 150);
    let right = [golden.epoch(0), golden.epoch(1)];
    assert_eq!(weights(&dir.path().join("weights.json"), &design), golden.weights());
    let summary = summary(dir.path());
    assert_eq!(summary["epochs"], serde_json::json!([[1, right[0], 150], [2, right[1], 150]]));
    assert_eq!((&summary["trained"], &summary["retries"]), (&300.into(), &0.into()));
    for line in ["epoch 2", "samples per second over the link", "requests sent again"] {
        assert!(text.contains(line), "{text}");
    }

    // The same weights by way of a file; inference needs no more.
    let read = dir.path().join("read.json");
    succeeds(&mut host(&board.port, &config, &["read-weights", "--out", read.to_str().unwrap()]));
    assert_eq!(weights(&read, &design), golden.weights());
    let text = succeeds(&mut host(&board.port, &config, &["infer", "--samples", "150"]));
    assert!(text.contains(&format!("({} of 150)", right[1])), "{text}");
    let mut changed = Weights::load(&read, &design).unwrap();
    changed.layers[1].states.iter_mut().for_each(|state| *state = -*state / 2);
    std::fs::write(&read, serde_json::to_string(&changed).unwrap()).unwrap();
    succeeds(&mut host(&board.port, &config, &["write-weights", read.to_str().unwrap()]));
    let again = dir.path().join("again.json");
    succeeds(&mut host(&board.port, &config, &["read-weights", "--out", again.to_str().unwrap()]));
    assert_eq!(Weights::load(&again, &design).unwrap(), changed);
    let text = succeeds(&mut host(&board.port, &config, &["counters"]));
    let samples = text.lines().find(|line| line.starts_with("samples ")).unwrap();
    // Two epochs with their tests, and one inference.
    assert_eq!(samples.split_whitespace().last(), Some("750"), "{text}");
    board.unplug();
}

/// Broken, lost and invented bytes in both directions: requests are repeated until they are answered, and done once.
#[test]
fn a_noisy_line_changes_no_weight() {
    let design = design("tiny");
    let library = library(&Rtl::with_link(&design).unwrap());
    let mut golden = Golden::new(&design, 40);
    golden.epoch(0);
    for seed in 1..=3 {
        let board = plug_new(&library, Cable { noise: 0.002, seed, ..Cable::default() });
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().to_str().unwrap();
        let config = preset("tiny");
        let mut command = host(&board.port, &config, &["--wait", "0.2", "--attempts", "50"]);
        succeeds(command.args(["train", "--epochs", "1", "--samples", "40", "--out", out]));
        assert_eq!(weights(&dir.path().join("weights.json"), &design), golden.weights(), "seed {seed}");
        assert!(summary(dir.path())["retries"].as_u64().unwrap() > 3, "seed {seed}");
        board.unplug();
    }
}

/// Bytes of the host until about the middle of the second epoch of [`short`].
const MIDDLE: usize = 40_000;

fn short(port: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = host(port, &preset("tiny"), &["--wait", "0.5", "--attempts", "10", "train"]);
    command.args(["--epochs", "2", "--samples", "200", "--out", out.to_str().unwrap()]).args(more);
    command
}

#[test]
fn a_cut_cable_is_told_and_the_machine_works_again() {
    let design = design("tiny");
    let dir = tempfile::tempdir().unwrap();
    let board = Board::new(&library(&Rtl::with_link(&design).unwrap()), 1).unwrap();
    let board = plug(board, Cable { cut_after: Some(MIDDLE), ..Cable::default() });
    let message = fails(&mut short(&board.port, dir.path(), &[]));
    assert!(message.contains(&format!("the line to `{}` is closed", board.port)), "{message}");
    // The same machine at a new cable. What it did after the last stage is undone, its momentum forgotten.
    let board = plug(board.unplug(), Cable::default());
    let mut command = short(&board.port, dir.path(), &["--resume"]);
    let output = wait(command.spawn().unwrap());
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && note.contains("an empty momentum"), "{note}");
    let mut golden = Golden::new(&design, 200);
    golden.epoch(0);
    golden.machine.clear_history();
    golden.epoch(1);
    assert_eq!(weights(&dir.path().join("weights.json"), &design), golden.weights());
    board.unplug();
}

#[test]
fn a_reset_in_the_middle_is_told_and_the_machine_works_again() {
    let design = design("tiny");
    let dir = tempfile::tempdir().unwrap();
    let library = library(&Rtl::with_link(&design).unwrap());
    let board = plug_new(&library, Cable { reset_after: Some(MIDDLE), ..Cable::default() });
    let message = fails(&mut short(&board.port, dir.path(), &[]));
    let told = ["was reset in the middle", "made no progress", "it was reset or disturbed"];
    assert!(told.iter().any(|words| message.contains(words)), "{message}");
    succeeds(&mut short(&board.port, dir.path(), &[]));
    let mut golden = Golden::new(&design, 200);
    golden.epoch(0);
    golden.epoch(1);
    assert_eq!(weights(&dir.path().join("weights.json"), &design), golden.weights());
    board.unplug();
}

/// A training that was stopped by Ctrl-C goes on as if nothing had been, momentum included.
#[test]
fn ctrl_c_leaves_a_machine_that_goes_on() {
    let design = design("tiny");
    let dir = tempfile::tempdir().unwrap();
    let board = plug_new(&library(&Rtl::with_link(&design).unwrap()), Cable::default());
    let child = short(&board.port, dir.path(), &[]).spawn().unwrap();
    board.wait_bytes(MIDDLE);
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = wait(child);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(killed.success() && output.status.code() == Some(130), "{message}");
    assert!(message.contains("stopped by Ctrl-C") && message.contains("--resume"), "{message}");
    succeeds(&mut short(&board.port, dir.path(), &["--resume"]));
    let mut golden = Golden::new(&design, 200);
    golden.epoch(0);
    golden.epoch(1);
    assert_eq!(weights(&dir.path().join("weights.json"), &design), golden.weights());
    assert_eq!(summary(dir.path())["intact"], true);

    // Another training cannot be resumed from here.
    let message = fails(&mut short(&board.port, dir.path(), &["--resume", "--seed", "99"]));
    assert!(message.contains("is of a training with spec hash"), "{message}");
    board.unplug();
}

#[test]
fn what_is_wrong_is_said() {
    let tiny = design("tiny");
    let board = plug_new(&library(&Rtl::with_link(&tiny).unwrap()), Cable::default());
    let message = fails(&mut host(&board.port, &preset("digits"), &["counters"]));
    let hash = format!("it has hash {}, `digits` has {}", tiny.spec_hash, design("digits").spec_hash);
    assert!(message.contains(&hash), "{message}");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("weights.json");
    let mut wrong = Weights::initial(&tiny);
    wrong.layers[0].states[3] = 1 << 30;
    std::fs::write(&file, serde_json::to_string(&wrong).unwrap()).unwrap();
    let message = fails(&mut host(&board.port, &preset("tiny"), &["write-weights", file.to_str().unwrap()]));
    assert!(message.contains("weights of layer 0: state 1073741824 of cell 3 is out of range"), "{message}");
    std::fs::write(&file, serde_json::to_string(&Weights::initial(&design("digits"))).unwrap()).unwrap();
    let message = fails(&mut host(&board.port, &preset("tiny"), &["write-weights", file.to_str().unwrap()]));
    assert!(message.contains("holds weights of `digits`"), "{message}");
    board.unplug();

    let nobody = Terminal::open().unwrap();
    let message = fails(&mut host(&nobody.name, &preset("tiny"), &["--wait", "0.01", "--attempts", "2", "counters"]));
    assert!(message.contains("no answer on") && message.contains("after 2 attempts"), "{message}");
    let message = fails(&mut host("/dev/no-such-port", &preset("tiny"), &["counters"]));
    assert!(message.contains("cannot open port `/dev/no-such-port`"), "{message}");
}

/// The board of the command line, and a second program that talks to it.
#[test]
fn the_simulated_board_serves_a_host() {
    let cache = common::model_cache();
    let mut board = Command::new(env!("CARGO_BIN_EXE_memrtl"));
    board.args(["board", "--quick", "--config"]).arg(preset("tiny")).arg("--cache").arg(&cache);
    let mut board = board.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(board.stdout.take().unwrap()), &mut line).unwrap();
    let port = line.split(" on ").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_else(|| panic!("{line}"));
    let text = succeeds(&mut host(port, &preset("tiny"), &["reset"]));
    assert!(text.contains("weights are as they were"), "{text}");
    let _ = Command::new("kill").args(["-INT", &board.id().to_string()]).status();
    assert!(board.wait().unwrap().success());
}

/// The whole digits, some minutes.
#[test]
#[ignore = "minutes; `make test-long` runs it"]
fn digits_over_the_link_end_with_goldens_weights() {
    let design = design("digits");
    let rtl = Rtl::with_link(&design).unwrap();
    let library = Board::build(&rtl, Profile::FastRun, Some(common::model_cache())).unwrap();
    let board = plug_new(&library, Cable::default());
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let child = host(&board.port, &preset("digits"), &["train", "--epochs", "3", "--out", out]).spawn().unwrap();
    let output = wait(child);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut golden = Golden::new(&design, usize::MAX);
    let right: Vec<usize> = (0..3).map(|epoch| golden.epoch(epoch)).collect();
    assert_eq!(weights(&dir.path().join("weights.json"), &design), golden.weights());
    assert_eq!(summary(dir.path())["epochs"][2][1], right[2]);
    assert!(right[2] * 10 > golden.test.len() * 9, "{right:?}");
    board.unplug();
}
