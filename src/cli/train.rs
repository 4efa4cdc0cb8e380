//! `memrtl train`: the golden model alone, over one or many seeds.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::cosim::write_atomic;
use super::{let_age, load, seconds};
use crate::report;
use crate::train::{self, Options, TrainError};

/// Train the golden model alone, without Verilog, over one or many seeds
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Spec; without it the built-in digits preset
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seeds, instead of the spec's: numbers and ranges, such as 1..8 or 1,2,5..7
    #[arg(long, value_name = "LIST", value_parser = seeds)]
    pub seeds: Option<Seeds>,
    /// Threads, each with one seed at a time [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Epochs, instead of the spec's
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub epochs: Option<u64>,
    /// Seconds that pass between training and the last test, instead of the spec's: drift and retention loss
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub age: Option<f64>,
    /// Use only the first N samples of the training and of the test set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub samples: Option<u64>,
    /// Leave out the f64 reference
    #[arg(long)]
    pub no_reference: bool,
    /// Folder for summary.json
    #[arg(long, value_name = "DIR", default_value = "out/train")]
    pub out: PathBuf,
}

/// A list of seeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub(super) Vec<u64>);

const MOST_SEEDS: u64 = 10_000;
const LAST_SEED: u64 = i64::MAX as u64;

/// Reads `1..8` (both ends belong to it), `1,2,3`, or a mixture.
pub(super) fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |word: &str| match word.trim().parse::<u64>() {
        Ok(seed) if seed <= LAST_SEED => Ok(seed),
        _ => Err(format!("`{word}` is no seed, allowed: 0 to 2^63 - 1, in lists and ranges such as 1..8 or 1,2,5..7")),
    };
    let mut list = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last {
            return Err(format!("the range `{part}` ends before it begins"));
        }
        if last - first >= MOST_SEEDS || list.len() as u64 + (last - first) >= MOST_SEEDS {
            return Err(format!("more than {MOST_SEEDS} seeds"));
        }
        list.extend(first..=last);
    }
    let mut sorted = list.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|w| w[0] == w[1]) {
        Some(twice) => Err(format!("seed {} comes twice", twice[0])),
        None => Ok(Seeds(list)),
    }
}

/// Runs the command.
///
/// # Errors
/// A spec or data that do not hold, files that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut design = load(args.config.as_deref(), None, None)?;
    if let Some(epochs) = args.epochs {
        design.training.epochs = epochs as usize;
    }
    let_age(&mut design, args.age)?;
    let options = Options {
        seeds: args.seeds.clone().map_or(vec![design.training.seed], |s| s.0),
        jobs: args.jobs.map_or(0, usize::from),
        limit: args.samples.map(|n| n as usize),
        reference: !args.no_reference,
    };
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler in one process (tests) is harmless: the first keeps its flag.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));

    let bar = ProgressBar::new(train::total_samples(&design, &options)?).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} samples, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let result = train::sweep(&design, &options, &stop, &|done| bar.inc(done));
    bar.finish_and_clear();
    let summary = match result {
        Ok(summary) => summary,
        Err(error @ TrainError::Interrupted { .. }) => {
            eprintln!("error: {error}");
            // The shell's convention for an end by Ctrl-C.
            return Ok(ExitCode::from(130));
        }
        Err(error) => return Err(error.into()),
    };
    print!("{}", report::train_table(&summary));
    let path = args.out.join("summary.json");
    write_atomic(&path, &(serde_json::to_string_pretty(&summary)? + "\n"))?;
    println!("summary: {}", path.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_of_seeds() {
        assert_eq!(seeds("1..3"), Ok(Seeds(vec![1, 2, 3])));
        assert_eq!(seeds("9, 1,4..4"), Ok(Seeds(vec![9, 1, 4])));
        for (text, word) in [
            ("", "`` is no seed"),
            ("1,,2", "`` is no seed"),
            ("3..1", "ends before it begins"),
            ("1..3,2", "seed 2 comes twice"),
            ("-1", "`-1` is no seed"),
            ("9223372036854775808", "allowed: 0 to 2^63 - 1"),
            ("0..9223372036854775807", "more than 10000 seeds"),
            ("1..6000,7000..12000", "more than 10000 seeds"),
        ] {
            let message = seeds(text).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
