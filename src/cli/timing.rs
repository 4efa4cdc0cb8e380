//! `memrtl diagrams`: the timing diagrams of docs/array-macro.md and docs/momentum.md.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use verilated::Profile;

use super::cosim::write_atomic;
use super::{load, read};
use crate::cosim::{self, Options};
use crate::report::timing;
use crate::rtl::Rtl;

/// Draw the timing diagrams of docs/array-macro.md and docs/momentum.md from co-simulations of their example, and the timelines of the digits, with and
/// without a convolution
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The example's spec
    #[arg(long, value_name = "FILE", default_value = "docs/array-macro.toml")]
    pub config: PathBuf,
    /// Folder to write; made when missing
    #[arg(long, value_name = "DIR", default_value = "docs/img")]
    pub out: PathBuf,
    /// Folder of built models, instead of the user's cache folder
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A spec or data that do not hold, a simulator that cannot be had, or a file that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let design = load(Some(&args.config), None, None)?;
    let samples = timing::first_samples(&design)?;
    let options = Options { profile: Profile::QuickBuild, cache: args.cache.clone(), ..Options::default() };
    let pictures = timing::draw_all(&design, &samples, &options)?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    for picture in &pictures {
        write_atomic(&args.out.join(picture.file), &picture.svg)?;
    }
    for (preset, file) in [("digits", "timeline.svg"), ("digits_cnn", "convolution.svg")] {
        let design = read(None, preset)?;
        let rtl = Rtl::generate(&design)?;
        let timeline = cosim::record(&design, &rtl, &options, None, &AtomicBool::new(false))?;
        write_atomic(&args.out.join(file), &timing::timeline_svg(&timeline, &design))?;
    }
    println!("{}: {} timing diagrams in {}", design.name, pictures.len(), args.out.display());
    Ok(ExitCode::SUCCESS)
}
