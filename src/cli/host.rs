//! `memrtl host`: drives a machine on a board over its UART.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::cosim::write_atomic;
use super::load_for_board;
use crate::data::Dataset;
use crate::host::{self, HostError, Link, Machine, Outcome, Patience, Plan, Port, Stage, Weights};
use crate::report;
use crate::spec::Design;

/// Drive a machine on a board over its UART: train, infer, move weights
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Serial port, such as /dev/ttyUSB1
    #[arg(long, value_name = "PORT")]
    pub port: String,
    /// Bits per second of the board's link
    #[arg(long, value_name = "RATE", default_value_t = 115_200, value_parser = clap::value_parser!(u32).range(300..=12_000_000))]
    pub baud: u32,
    /// Spec of the machine; without it the built-in preset digits_fpga
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seconds to wait for a reply before a request is sent again
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.5")]
    pub wait: Duration,
    /// Times that a request is sent before the machine counts as silent
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub attempts: u32,
    #[command(subcommand)]
    pub job: Job,
}

/// What the machine is to do.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Train as `memrtl cosim` does, with a test after each epoch
    Train(TrainArgs),
    /// Classify the test set with the weights that the machine has
    Infer(InferArgs),
    /// Write the machine's weights to a file
    ReadWeights {
        /// File to write
        #[arg(long, value_name = "FILE", default_value = "out/host/weights.json")]
        out: PathBuf,
    },
    /// Load weights from a file of read-weights
    WriteWeights {
        /// File to read
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the machine's counters
    Counters,
    /// Stop the machine, whatever it does; weights stay, samples and momentum go
    Reset,
}

/// Arguments of the training.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct TrainArgs {
    /// Epochs, instead of the spec's
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub epochs: Option<u64>,
    /// Seed of split, order and initial weights, instead of the spec's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Use only the first N samples of the training and of the test set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub samples: Option<u64>,
    /// Go on where an earlier training was stopped or failed, from its last stage.json
    #[arg(long)]
    pub resume: bool,
    /// Folder for weights.json, stage.json and summary.json
    #[arg(long, value_name = "DIR", default_value = "out/host")]
    pub out: PathBuf,
}

/// Arguments of the inference.
#[derive(Debug, clap::Args)]
pub struct InferArgs {
    /// Seed of the split, instead of the spec's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Use only the first N samples of the test set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub samples: Option<u64>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("allowed: 0.001 to 3600 seconds".to_string()),
    }
}

/// Runs the command.
///
/// # Errors
/// A spec or data that do not hold, a machine that does not answer or is of another spec, files that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let seed = match &args.job {
        Job::Train(train) => train.seed,
        Job::Infer(infer) => infer.seed,
        _ => None,
    };
    let design = load_for_board(args.config.as_deref(), seed)?;
    // A second handler in one process (tests) is harmless: the first keeps its flag.
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));

    let port = Port::open(&args.port, args.baud)?;
    let link = Link::new(Box::new(port), Patience { wait: args.wait, attempts: args.attempts });
    let mut machine = Machine::connect(link, &design)?;
    let result = match &args.job {
        Job::Train(train) => run_train(train, design, &mut machine, &stop),
        Job::Infer(infer) => run_infer(infer, &design, &mut machine, &stop),
        Job::ReadWeights { out } => Weights::read(&mut machine).map_err(Into::into).and_then(|weights| {
            put_json(out, &weights)?;
            println!("weights: {}", out.display());
            Ok(())
        }),
        Job::WriteWeights { file } => Weights::load(file, &design).and_then(|weights| {
            weights.write(&mut machine)?;
            println!("{} weights written", weights.layers.iter().map(|l| l.states.len()).sum::<usize>());
            Ok(())
        }),
        Job::Counters => machine.counters().map_err(Into::into).map(|counters| {
            counters.iter().for_each(|(name, count)| println!("{name:<20} {count:>20}"));
        }),
        Job::Reset => machine.soft_reset().map_err(Into::into).map(|()| println!("reset; weights are as they were")),
    };
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if matches!(error.downcast_ref(), Some(HostError::Interrupted)) => {
            eprintln!("error: {error:#}");
            // The shell's convention for an end by Ctrl-C.
            Ok(ExitCode::from(130))
        }
        Err(error) => Err(error),
    }
}

/// Training and test set of a design, cut to `limit`.
fn load_data(design: &Design, limit: Option<u64>) -> anyhow::Result<(Dataset, Dataset)> {
    let data = Dataset::load(&design.data.source)?;
    data.check(design)?;
    let (train, test) = data.split(design.data.test_fraction, design.training.seed)?;
    let cut = |set: Dataset| match limit {
        Some(most) => set.select(&(0..set.len().min(most as usize)).collect::<Vec<_>>()),
        None => set,
    };
    Ok((cut(train), cut(test)))
}

fn put_json(path: &Path, value: &impl serde::Serialize) -> anyhow::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    }
    write_atomic(path, &(serde_json::to_string(value)? + "\n"))
}

fn bar(length: usize) -> ProgressBar {
    ProgressBar::new(length as u64).with_style(
        ProgressStyle::with_template("{msg:16} {bar:40} {pos}/{len} samples, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

fn run_train(args: &TrainArgs, mut design: Design, machine: &mut Machine, stop: &AtomicBool) -> anyhow::Result<()> {
    if let Some(epochs) = args.epochs {
        design.training.epochs = epochs as usize;
    }
    let (train, test) = load_data(&design, args.samples)?;
    let file = args.out.join("stage.json");
    let from = match args.resume {
        true => Some(load_stage(&file, &design, train.len())?),
        false => None,
    };
    let plan = Plan { train: &train, test: &test, epochs: design.training.epochs };
    let bar = bar(train.len());
    let result = host::train(
        machine,
        &plan,
        from.as_ref(),
        stop,
        &mut |p| {
            bar.set_length(p.total as u64);
            bar.set_message(format!("epoch {} {}", p.epoch, if p.training { "train" } else { "test" }));
            bar.set_position(p.done as u64);
        },
        &mut |stage| {
            put_json(&file, stage)?;
            put_json(&args.out.join("weights.json"), &stage.weights)
        },
    );
    bar.finish_and_clear();
    let outcome: Outcome = result.map_err(|error| match error.downcast_ref() {
        Some(HostError::Interrupted) => error.context(format!("--resume goes on from {}", file.display())),
        _ => error,
    })?;
    if outcome.intact == Some(false) {
        eprintln!(
            "note: the machine had not been left as it was; it got the weights of {}, and an empty momentum",
            file.display()
        );
    }
    print!("{}", report::host_table(&outcome));
    let path = args.out.join("summary.json");
    put_json(&path, &outcome)?;
    println!("weights: {}, summary: {}", args.out.join("weights.json").display(), path.display());
    Ok(())
}

fn load_stage(file: &Path, design: &Design, samples: usize) -> anyhow::Result<Stage> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("--resume: cannot read {}, which a training leaves", file.display()))?;
    let stage: Stage = serde_json::from_str(&text)
        .with_context(|| format!("--resume: {} is no stage of a training", file.display()))?;
    if !stage.fits(design, samples) {
        bail!(
            "--resume: {} is of a training with spec hash {}, seed {} and {} samples per epoch; this one has {}, {} and {samples}",
            file.display(),
            stage.weights.spec_hash,
            stage.seed,
            stage.samples,
            design.spec_hash,
            design.training.seed
        );
    }
    Ok(stage)
}

fn run_infer(args: &InferArgs, design: &Design, machine: &mut Machine, stop: &AtomicBool) -> anyhow::Result<()> {
    let (_, test) = load_data(design, args.samples)?;
    if !machine.is_idle()? {
        machine.soft_reset()?;
    }
    let bar = bar(test.len());
    let started = Instant::now();
    let right = host::infer(machine, &test, stop, &mut |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let right = right?.ok_or(HostError::Interrupted)?;
    let rate = test.len() as f64 / started.elapsed().as_secs_f64();
    let share = 100.0 * right as f64 / test.len() as f64;
    println!("test accuracy {share:.1} % ({right} of {}), {rate:.0} samples per second", test.len());
    Ok(())
}
