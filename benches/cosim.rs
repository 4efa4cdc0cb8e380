//! `make bench`: the figures of the main job, from whole co-simulations of the digits preset.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use memrtl::cosim::{self, Options, Report};
use memrtl::report::figures::{self, Bar, Figure};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend, Design, MomentumUnit, Optimizer};

const SEEDS: [u64; 3] = [1, 2, 3];

fn digits(seed: u64) -> Design {
    let text = spec::preset("digits").expect("the preset is built in");
    let mut design = spec::parse(text, "digits", Path::new("")).expect("the preset is valid");
    design.training.seed = seed;
    design.refresh_hash();
    design
}

fn run(design: &Design) -> Report {
    let rtl = Rtl::generate(design).expect("the templates render");
    cosim::run(design, &rtl, &Options::default(), &AtomicBool::new(false), &mut |_| {})
        .unwrap_or_else(|error| panic!("{error}"))
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
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
    let mut whole: Vec<f64> = (0..3).map(|_| timed(&[])).collect();
    let mut start: Vec<f64> = (0..3).map(|_| timed(&["--epochs", "1", "--samples", "1"])).collect();
    whole.sort_by(f64::total_cmp);
    start.sort_by(f64::total_cmp);
    list.push(Figure::new("whole cosim after the first build", whole[1], "s", Bar::AtMost(20.0)));
    list.push(Figure::new("second start to the end of its first sample", start[1], "s", Bar::AtMost(1.0)));

    print!("{}", figures::render(&list));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    match figures::write(&target, "cosim", &list) {
        Ok(path) => println!("written to target/bench/{}", path.file_name().unwrap_or_default().display()),
        Err(error) => eprintln!("error: {}: {error}", target.display()),
    }
    if list.iter().all(|f| f.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
