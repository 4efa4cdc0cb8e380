//! `memrtl array`: what is not ideal about a spec's arrays, and what it costs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

use super::load;
use super::train::Seeds;
use crate::effects;
use crate::report::array::{charts, effects_table, faults_table};
use crate::report::plots;
use crate::spec::NonIdeal;
use crate::train::{Options, TrainError};

/// Show the imperfections of a spec's arrays, and with --effects what each costs in accuracy
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Spec with an [array.nonideal] section
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Train the network without imperfections, with each alone and with all
    #[arg(long)]
    pub effects: bool,
    /// Seeds of --effects, instead of 1..3: numbers and ranges
    #[arg(long, value_name = "LIST", value_parser = super::train::seeds, requires = "effects")]
    pub seeds: Option<Seeds>,
    /// Epochs of --effects, instead of the spec's
    #[arg(long, requires = "effects", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub epochs: Option<u64>,
    /// Use only the first N samples of the training and of the test set
    #[arg(long, value_name = "N", requires = "effects", value_parser = clap::value_parser!(u64).range(1..))]
    pub samples: Option<u64>,
    /// Folder for the pictures
    #[arg(long, value_name = "DIR", default_value = "out/array")]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A spec or data that do not hold, files that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut design = load(Some(&args.config), None, None)?;
    if design.nonideal == NonIdeal::default() {
        bail!("{}: `[array.nonideal]` is missing or all off: the arrays are perfect", args.config.display());
    }
    if let Some(epochs) = args.epochs {
        design.training.epochs = epochs as usize;
    }
    print!("{}", faults_table(&design)?);
    for (name, chart) in charts(&design)? {
        for path in plots::write(&chart, &args.out, name, true)? {
            println!("picture: {}", path.display());
        }
    }
    if !args.effects {
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler in one process (tests) is harmless: the first keeps its flag.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let options = Options {
        seeds: args.seeds.clone().map_or(vec![1, 2, 3], |seeds| seeds.0),
        jobs: 0,
        limit: args.samples.map(|n| n as usize),
        reference: false,
    };
    match effects::measure(&design, &options, &stop, &|_| {}) {
        Ok(effects) => print!("\n{}", effects_table(&effects)),
        Err(error @ TrainError::Interrupted { .. }) => {
            eprintln!("error: {error}");
            // The shell's convention for an end by Ctrl-C.
            return Ok(ExitCode::from(130));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}
