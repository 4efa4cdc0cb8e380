//! `make bench`: the figures of the main job, from whole co-simulations of the digits preset.

mod common;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use common::{Results, mean, median, run, with_seed};
use memrtl::cosim::Report;
use memrtl::report::figures::{Bar, Figure};
use memrtl::spec::{self, Backend, Design, MomentumUnit, Optimizer};

const SEEDS: [u64; 3] = [1, 2, 3];

fn digits(seed: u64) -> Design {
    let text = spec::preset("digits").expect("the preset is built in");
    with_seed(&spec::parse(text, "digits", Path::new("")).expect("the preset is valid"), seed)
}

fn main() -> ExitCode {
    let external: Vec<Report> = SEEDS.iter().map(|&seed| run(&digits(seed))).collect();
    let mut emulated = digits(1);
    emulated.array.backend = Backend::Emulated;
    let emulated = run(&emulated);
    let plain: Vec<Report> = SEEDS
        .iter()
        .map(|&seed| {
            let mut design = digits(seed);
            design.training.optimizer = Optimizer::Sgd;
            design.training.momentum = 0.0;
            design.training.momentum_unit = MomentumUnit::None;
            design.training.history = 1;
            design.training.epochs = 1;
            design.refresh_hash();
            run(&design)
        })
        .collect();

    let s = &external[0].summary;
    let e = &emulated.summary;
    let same = f64::from(external[0].states == emulated.states);
    let off = external.iter().chain([&emulated]).map(|r| r.summary.cycles_total.abs_diff(r.summary.cycles_predicted));
    let first = |reports: &[Report]| 100.0 * mean(reports.iter().map(|r| r.summary.epochs[0].rtl));
    let mut list = vec![
        Figure::new("mismatches, external, all epochs", s.mismatches as f64, "", Bar::Exactly(0.0)),
        Figure::new("mismatches, emulated, all epochs", e.mismatches as f64, "", Bar::Exactly(0.0)),
        Figure::new("external and emulated end with the same weights", same, "", Bar::Exactly(1.0)),
        Figure::new("cycles measured off the prediction", off.sum::<u64>() as f64, "cycles", Bar::Exactly(0.0)),
        Figure::beside(
            "test accuracy, mean of 3 seeds (baseline: f64)",
            100.0 * mean(external.iter().map(|r| r.summary.accuracy)),
            "%",
            100.0 * mean(external.iter().map(|r| r.summary.accuracy_float)),
            Bar::AtLeast(95.0),
        ),
        Figure::against(
            "accuracy after epoch 1, history momentum (baseline: none, same learning rate)",
            first(&external),
            "%",
            first(&plain),
            Bar::AtLeast(1.0),
        ),
        Figure::new("arrays busy in a training step, external", 100.0 * s.array_busy, "%", Bar::AtLeast(95.0)),
        Figure::new("cycles per training sample, external", s.cycles_per_sample, "cycles", Bar::None),
        Figure::new("cycles per inference, external", s.cycles_per_inference, "cycles", Bar::None),
        Figure::new("samples per second, external", s.samples_per_second, "1/s", Bar::None),
        Figure::new("samples per second, emulated", e.samples_per_second, "1/s", Bar::None),
    ];

    let binary = env!("CARGO_BIN_EXE_memrtl");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-cosim");
    let timed = |args: &[&str]| {
        let start = Instant::now();
        let status = Command::new(binary).arg("cosim").arg("--out").arg(&out).args(args).output();
        assert!(status.is_ok_and(|o| o.status.success()), "memrtl cosim {args:?}");
        start.elapsed().as_secs_f64()
    };
    let whole = median((0..3).map(|_| timed(&[])).collect());
    let start = median((0..3).map(|_| timed(&["--epochs", "1", "--samples", "1"])).collect());
    list.push(Figure::new("whole cosim after the first build", whole, "s", Bar::AtMost(20.0)));
    list.push(Figure::new("second start to the end of its first sample", start, "s", Bar::AtMost(1.0)));
    Results { figures: list, missing: Vec::new() }.finish("cosim")
}
