//! What the benchmarks share: choice of parts, rows of the table, its end.
// Every benchmark compiles this module and uses a part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memrtl::report::figures::{self, Figure};
use memrtl::spec::{self, Design};

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
