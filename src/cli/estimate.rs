//! `memrtl estimate`: time, energy and area of a design.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::cosim::write_atomic;
use super::load;
use crate::cost::{Components, Counting, GoldenRun, estimate, growth};
use crate::data::Dataset;
use crate::report::cost::{constants_table, estimate_table, growth_chart, growth_table};
use crate::report::plots;
use crate::spec::{DataSource, Design, Unit};

/// Cells times training samples of a golden run: some seconds.
const MOST_WORK: usize = 1_000_000_000;

/// Estimate time, energy and area per phase and component
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Spec; without it the built-in digits preset
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Component table (TOML) whose constants are taken instead of the built-in ones; the spec's [cost] comes last
    #[arg(long, value_name = "FILE")]
    pub components: Option<PathBuf>,
    /// Count codes and pulses of the first N samples of the training and of the test set only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,
    /// Epochs to count, instead of the spec's, or of as many as take some seconds
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub epochs: Option<u32>,
    /// Assume codes and pulses instead of counting them
    #[arg(long)]
    pub assumed: bool,
    /// Clock in ns, instead of the spec's
    #[arg(long, value_name = "NS", value_parser = nanoseconds, allow_negative_numbers = true)]
    pub clock: Option<f64>,
    /// List the constants with their sources
    #[arg(long)]
    pub constants: bool,
    /// Also networks of 1e3 to 1e9 weights: table and picture
    #[arg(long)]
    pub growth: bool,
    /// Folder for estimate.json and the picture
    #[arg(long, value_name = "DIR", default_value = "out/estimate")]
    pub out: PathBuf,
}

fn nanoseconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ns) if ns.is_finite() && ns > 0.0 => Ok(ns),
        _ => Err("allowed: above 0 ns".to_owned()),
    }
}

/// The built-in constants, then those of a file.
pub(super) fn components(design: &Design, file: Option<&Path>) -> anyhow::Result<Components> {
    let mut components = Components::embedded(design.array.adc_bits)?;
    if let Some(path) = file {
        components.take_file(path)?;
    }
    Ok(components)
}

/// The golden run that counts; the reason why there is none.
fn golden(design: &Design, args: &Args) -> anyhow::Result<Result<GoldenRun, String>> {
    let missing = |path: &Path| (!path.exists()).then(|| format!("there is no `{}`", path.display()));
    let missing = match &design.data.source {
        DataSource::Digits => None,
        DataSource::Csv(path) => missing(path),
        DataSource::Idx { images, labels } => missing(images).or(missing(labels)),
    };
    if let Some(why) = missing {
        return Ok(Err(why));
    }
    let (samples, own) = (Dataset::load(&design.data.source)?.len(), args.samples.map(|n| n as usize));
    let within = GoldenRun::within(design, MOST_WORK, own.unwrap_or(samples));
    let run = match (own, within) {
        (None, None) => return Ok(Err("the network is too large for a golden run without --samples".to_owned())),
        // The user's wish goes before the time that it takes.
        (Some(_), run) => GoldenRun { epochs: run.map_or(1, |run| run.epochs), limit: own },
        (None, Some(run)) => run,
    };
    Ok(Ok(GoldenRun { epochs: args.epochs.map_or(run.epochs, |n| n as usize), ..run }))
}

/// Runs the command.
///
/// # Errors
/// A spec, a table or data that do not hold, files that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut design = load(args.config.as_deref(), None, None)?;
    if let Some(clock) = args.clock {
        let Some(timing) = design.timing.with_clock(clock) else {
            bail!("--clock {clock}: a step of [timing] is more than 65535 cycles of {}", Unit::Time.text(clock * 1e-9));
        };
        design.timing = timing;
    }
    let components = components(&design, args.components.as_deref())?;
    let counting = if args.assumed {
        Counting::Assumed
    } else {
        match golden(&design, args)? {
            Ok(run) => Counting::Golden(run),
            Err(why) => {
                eprintln!("note: {why}: codes and pulses are assumed");
                Counting::Assumed
            }
        }
    };
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let estimate = estimate(&design, &components, counting)?;
    print!("{}", estimate_table(&estimate));
    if args.constants {
        print!("\n{}", constants_table(&estimate.constants));
    }
    let path = args.out.join("estimate.json");
    write_atomic(&path, &(serde_json::to_string_pretty(&estimate)? + "\n"))?;
    println!("estimate: {}", path.display());
    if args.growth {
        let sizes = growth::growth(&design, &components)?;
        print!("\n{}", growth_table(&sizes));
        let path = args.out.join("growth.json");
        write_atomic(&path, &(serde_json::to_string_pretty(&sizes)? + "\n"))?;
        println!("growth: {}", path.display());
        for path in plots::write(&growth_chart(&sizes), &args.out, "growth", true)? {
            println!("picture: {}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
