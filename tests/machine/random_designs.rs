//! Random designs through the whole flow: generate, lint, compile, co-simulate bit- and cycle-exactly.

use crate::common;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memrtl::cosim::{self, Options, Stalls};
use memrtl::spec::{self, Design};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use verilated::Profile;

/// First seed of the designs of every test run: with it they are of all kinds.
const FIRST: u64 = 7523;

/// Samples of a design's random data set; a fifth is for the test.
const SAMPLES: usize = 20;

/// Random spec number `seed` with random data beside it; `spec` makes its text.
fn random_design(spec: fn(u64) -> String, seed: u64, dir: &Path) -> Design {
    let mut text = spec(seed);
    if text.contains("[array.nonideal]") {
        let map = "layer,row,col,device,kind\nl0,0,0,0,lrs\nl0,1,0,0,open\n";
        std::fs::write(dir.join("faults.csv"), map).unwrap();
        text = text.replace("[array.nonideal]", "[array.nonideal]\nfault_map = \"faults.csv\"");
    }
    let design = spec::parse(&text, "random.toml", dir).unwrap_or_else(|e| panic!("seed {seed}\n{text}\n{e}"));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = String::new();
    for sample in 0..SAMPLES {
        for _ in 0..design.inputs {
            // Sparse, as images are.
            let value: u32 = if rng.random_bool(0.3) { 0 } else { rng.random_range(0..=255) };
            write!(csv, "{value},").unwrap();
        }
        // The first value of each sample keeps the set's scale at 255 whatever the others are.
        writeln!(csv, "{}", sample % design.outputs()).unwrap();
    }
    csv.insert_str(0, "255");
    let first_comma = csv.find(',').unwrap();
    csv.replace_range(..first_comma, "255");
    std::fs::write(dir.join("random.csv"), csv).unwrap();
    design
}

fn check(text: fn(u64) -> String, seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut design = random_design(text, seed, dir.path());
    design.training.epochs = 2;
    let rtl = common::lint(&design, &dir.path().join("rtl"));
    let options = Options { profile: Profile::QuickBuild, cache: Some(common::model_cache()), ..Options::default() };
    let stop = AtomicBool::new(false);
    let spec = || spec::canonical_toml(&design);
    let report = cosim::run(&design, &rtl, &options, &stop, &mut |_| {})
        .unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", spec()));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "seed {seed}\n{}", spec());

    // The same design with a host and converters that stall at random: the same weights, later.
    let stalls = Stalls { input: 0.3, output: 0.3, conversion: 0.3, seed };
    let stalled = cosim::run(&design, &rtl, &Options { stalls, ..options }, &stop, &mut |_| {})
        .unwrap_or_else(|e| panic!("seed {seed}, stalled: {e}\n{}", spec()));
    assert_eq!(stalled.states, report.states, "seed {seed}\n{}", spec());
}

/// Runs `check` for seeds from `first` on, on all cores; tells which seed fails.
fn check_all(text: fn(u64) -> String, first: u64, count: u64) {
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..std::thread::available_parallelism().map_or(1, usize::from))
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + count {
                            return;
                        }
                        check(text, seed);
                    }
                })
            })
            .collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

#[test]
fn twenty_random_designs_are_exact() {
    check_all(common::random_spec, FIRST, 20);
}

#[test]
fn random_convolutions_are_exact() {
    check_all(common::random_convolution, 1, 4);
}

/// Words that stand together in at least so many of twenty specs.
const KINDS: &[(usize, &[&str])] = &[
    (3, &["emulated"]),
    (2, &["\"fpga\""]),
    (1, &["\"fpga\"", "single_port"]),
    (1, &["\"emulated\"", "single_port"]),
    (1, &["slices = "]),
    (8, &["external"]),
    (3, &["[array.nonideal]"]),
    (1, &["[memory]"]),
    (1, &["[array.nonideal]", "[memory]"]),
    (2, &["in_array"]),
    (1, &["in_array", "\nrows = "]),
    (2, &["sram"]),
    (1, &["sram", "\nrows = "]),
    (2, &["tiki_taka"]),
    (1, &["tiki_taka", "\nrows = "]),
    (3, &["\nrows = ", "\ncols = "]),
    (2, &["schedule"]),
    (1, &["cross_entropy", "emulated"]),
    (1, &["cross_entropy", "\nrows = "]),
    (1, &["sgd", "\nbatch = "]),
    (2, &["\nhistory = ", "\nbatch = "]),
    (1, &["in_array", "\nbatch = "]),
    (1, &["sram", "\nbatch = "]),
    (1, &["dampened", "\nhistory = "]),
    (1, &["dampened", "\nmomentum_unit = "]),
    (1, &["nesterov", "\nhistory = "]),
    (1, &["nesterov", "\nmomentum_unit = "]),
    (1, &["bit_serial", "emulated"]),
    (1, &["bit_serial", "\nrows = "]),
    (1, &["bit_serial", "[array.nonideal]"]),
    (1, &["bit_serial", "\nmomentum_unit = "]),
    (1, &["stochastic"]),
];

/// Kinds that are too rare among these specs.
fn rare(texts: &[String]) -> Vec<&'static [&'static str]> {
    let count = |words: &[&str]| texts.iter().filter(|text| words.iter().all(|word| text.contains(word))).count();
    let mut rare: Vec<_> =
        KINDS.iter().filter(|(least, words)| count(words) < *least).map(|(_, words)| *words).collect();
    if count(&["model = \"constant_step\""]) + count(&["preset"]) + count(&["vteam"]) < 4 {
        rare.push(&["memristors"]);
    }
    rare
}

/// What the seeds above are worth: every family of devices, imperfections, units and the memory mode come up.
#[test]
fn random_designs_are_of_all_kinds() {
    let texts: Vec<String> = (FIRST..FIRST + 20).map(common::random_spec).collect();
    let rare_kinds = rare(&texts);
    if !rare_kinds.is_empty() {
        let more: Vec<String> = (0..20_000).map(common::random_spec).collect();
        let better = more.windows(20).position(|texts| rare(texts).is_empty());
        panic!("too rare: {rare_kinds:?}; the seeds from {better:?} on have all");
    }
}

#[test]
#[ignore = "200 designs take a quarter of an hour; `make test-long` runs them"]
fn two_hundred_random_designs_are_exact() {
    check_all(common::random_spec, 1000, 200);
    check_all(common::random_convolution, 1000, 40);
}
