//! What the benchmarks share: choice of parts, rows of the table, its end.
// Every benchmark compiles this module and uses a part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use memrtl::cosim::{self, Options, Report};
use memrtl::report::figures::{self, Figure};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Design};

const IMAGES: &str = "t10k-images-idx3-ubyte.gz";
const LABELS: &str = "t10k-labels-idx1-ubyte.gz";

/// Figures, and what could not be measured and why.
#[derive(Default)]
pub struct Results {
    pub figures: Vec<Figure>,
    pub missing: Vec<String>,
}

impl Results {
    /// Prints the table, writes `target/bench/<name>.json`; fails when a bar does not hold.
    pub fn finish(self, name: &str) -> ExitCode {
        print!("{}", figures::render(&self.figures));
        for missing in &self.missing {
            println!("not measured: {missing}");
        }
        match figures::write(&target().join("bench"), name, &self.figures) {
            Ok(path) => println!("written to target/bench/{}", path.file_name().unwrap_or_default().display()),
            Err(error) => eprintln!("error: {}: {error}", target().display()),
        }
        if self.figures.iter().all(|f| f.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The parts of a benchmark that the arguments name.
pub struct Parts(Vec<String>);

impl Parts {
    /// Reads the arguments; `Err` after a message when one of them is not in `known`.
    pub fn from_arguments(known: &[&str]) -> Result<Parts, ExitCode> {
        let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
        if let Some(unknown) = asked.iter().find(|a| !known.contains(&a.as_str())) {
            eprintln!("error: `{unknown}` is not a part; allowed: {}", known.join(", "));
            return Err(ExitCode::FAILURE);
        }
        Ok(Parts(asked))
    }

    /// All parts are, when none is named.
    pub fn wanted(&self, part: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|a| a == part)
    }
}

/// The folder of what cargo builds.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in target").to_path_buf()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The design of a spec text; its files are relative to `folder`.
pub fn design(text: &str, name: &str, folder: &Path) -> Result<Design, String> {
    spec::parse(text, name, folder).map_err(|errors| errors.render(false))
}

/// A whole co-simulation; the benchmark ends where it finds a difference.
pub fn run(design: &Design) -> Report {
    let rtl = Rtl::generate(design).expect("the templates render");
    cosim::run(design, &rtl, &Options::default(), &AtomicBool::new(false), &mut |_| {})
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The same design with another seed.
pub fn with_seed(design: &Design, seed: u64) -> Design {
    let mut design = design.clone();
    design.training.seed = seed;
    design.refresh_hash();
    design
}

pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Differences between RTL, golden model and cycle model.
pub fn differences(report: &Report) -> f64 {
    let s = &report.summary;
    s.mismatches as f64 + s.cycles_total.abs_diff(s.cycles_predicted) as f64
}

/// Images and labels of MNIST's test set in the folder that the environment variable `MNIST` names; what is missing of them.
pub fn mnist() -> Result<(PathBuf, PathBuf), String> {
    let folder = std::env::var_os("MNIST").map(PathBuf::from);
    let folder = folder.ok_or_else(|| format!("set MNIST to a folder with {IMAGES} and {LABELS}"))?;
    let file = |name: &str| {
        let path =
            std::path::absolute(folder.join(name)).map_err(|error| format!("MNIST={}: {error}", folder.display()))?;
        if path.exists() { Ok(path) } else { Err(format!("MNIST={} lacks {name}", folder.display())) }
    };
    Ok((file(IMAGES)?, file(LABELS)?))
}
