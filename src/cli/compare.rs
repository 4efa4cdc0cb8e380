//! `memrtl compare`: speed and energy beside a graphics card.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;

use super::cosim::write_atomic;
use super::estimate::components;
use super::load;
use crate::cost::compare::{self, Claim, Comparison, Network, Quantity};
use crate::cost::explain::{Beside, explain, power_ratio};
use crate::cost::gpu::Gpu;
use crate::cost::growth::growth;
use crate::report::compare::{assumptions, compare_chart, compare_tables, published_table};
use crate::report::cost::growth_chart;
use crate::report::plots::put_picture;

/// Compare speed and energy of training with a graphics card
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Spec of a network to compare, instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Figures of a card (TOML; benches/gpu/measure.py writes one), instead of the GTX 1080 Ti's
    #[arg(long, value_name = "FILE")]
    pub gpu: Option<PathBuf>,
    /// Component table (TOML) whose constants are taken instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub components: Option<PathBuf>,
    /// Folder with MNIST's t10k files: codes and pulses of its networks are then counted
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub mnist: Option<PathBuf>,
    // For those who work on memrtl itself.
    /// Draw the pictures of docs/cost.md into this folder
    #[arg(long, value_name = "DIR", hide = true, conflicts_with_all = ["config", "mnist"])]
    pub gallery: Option<PathBuf>,
    /// Folder for compare.json and the pictures
    #[arg(long, value_name = "DIR", default_value = "out/compare")]
    pub out: PathBuf,
}

/// compare.json
#[derive(Serialize)]
struct Summary<'s> {
    gpu: &'s Gpu,
    comparisons: &'s [Comparison],
    claims: &'s [Claim],
    published: &'s [Beside],
}

/// The pictures of docs/cost.md with their file names: all by the built-in tables, networks and card.
///
/// # Errors
/// None, unless a built-in file is broken.
pub fn gallery() -> anyhow::Result<Vec<(&'static str, String)>> {
    let networks = compare::networks(None)?;
    let digits = load(None, None, None)?;
    let (components, gpu) = (components(&digits, None)?, Gpu::embedded()?);
    let comparisons = compare::compare(&networks, &components, &gpu)?;
    let published = explain(&compare::claims()?, &networks, &comparisons, &components, &gpu)?;
    let chart = |what| compare_chart(what, &comparisons, &published, &gpu).svg();
    Ok(vec![
        ("speed-up.svg", chart(Quantity::SpeedUp)?),
        ("energy.svg", chart(Quantity::Energy)?),
        ("growth.svg", growth_chart(&growth(&digits, &components)?).svg()?),
    ])
}

/// Runs the command.
///
/// # Errors
/// A spec, a table, figures or data that do not hold, files that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let networks = match &args.config {
        Some(path) => {
            let design = load(Some(path), None, None)?;
            vec![Network::of(&design.name.clone(), design)]
        }
        None => compare::networks(args.mnist.as_deref())?,
    };
    if let Some(folder) = &args.mnist
        && !folder.is_dir()
    {
        bail!("--mnist {}: there is no such folder", folder.display());
    }
    let Some(first) = networks.first() else { return Ok(ExitCode::SUCCESS) };
    let components = components(&first.design, args.components.as_deref())?;
    let gpu = args.gpu.as_deref().map_or_else(Gpu::embedded, Gpu::load)?;
    if let Some(dir) = &args.gallery {
        for (file, svg) in gallery()? {
            put_picture(&dir.join(file), &svg)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let comparisons = compare::compare(&networks, &components, &gpu)?;
    let claims = compare::claims()?;
    let published = explain(&claims, &networks, &comparisons, &components, &gpu)?;
    println!("{}", compare_tables(&comparisons, &gpu));
    if !published.is_empty() {
        println!("{}", published_table(&published, power_ratio(&claims)));
    }
    print!("{}", assumptions(&comparisons, &gpu));
    let summary = Summary { gpu: &gpu, comparisons: &comparisons, claims: &claims, published: &published };
    let path = args.out.join("compare.json");
    write_atomic(&path, &(serde_json::to_string_pretty(&summary)? + "\n"))?;
    println!("\ncomparison: {}", path.display());
    for (what, file) in [(Quantity::SpeedUp, "speed-up"), (Quantity::Energy, "energy")] {
        if what == Quantity::Energy && comparisons.iter().all(|c| c.against.iter().all(|a| a.energy.is_none())) {
            println!("no picture of energy: the file on {} gives no power", gpu.card.name);
            continue;
        }
        let svg = compare_chart(what, &comparisons, &published, &gpu).svg()?;
        for ending in ["svg", "png"] {
            let path = args.out.join(format!("{file}.{ending}"));
            put_picture(&path, &svg)?;
            println!("picture: {}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
