//! `memrtl fpga`: spec to bitstream.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::load_for_board;
use crate::fpga::{self, Family, FpgaError, Options, Target, megahertz};
use crate::report;

/// Build a design with the emulated array for an FPGA board: synthesis, place and route, bitstream, report
///
/// Exit status 1 when the clock is not met or the design does not fit
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Spec; without it the built-in preset digits_fpga
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// ice40-hx8k, ice40-up5k, ecp5-25k, ecp5-85k, xc7a100t, or a file that describes a board
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub target: String,
    /// Clock of the design in MHz, instead of the target's
    #[arg(long, value_name = "MHZ", value_parser = megahertz_argument)]
    pub clock: Option<f64>,
    /// Folder for Verilog, bitstream and fpga.json [default: out/fpga/TARGET]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of the placer
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=2_147_483_647))]
    pub seed: u64,
    /// Stop after synthesis and packing: does it fit?
    #[arg(long)]
    pub no_route: bool,
}

fn megahertz_argument(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(mhz) if (1.0..=1000.0).contains(&mhz) => Ok(mhz),
        _ => Err("allowed: 1 to 1000 MHz".to_string()),
    }
}

/// Runs the command; exit status 1 when the clock is not met.
///
/// # Errors
/// A spec or target that do not hold, a missing or failing program, a design that does not fit, an interruption.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let target = Target::load(&args.target)?;
    let design = load_for_board(args.config.as_deref(), None)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("out/fpga").join(&target.name));
    let options = Options { clock: args.clock, seed: args.seed, route: !args.no_route, out };

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler in one process (tests) is harmless: the first keeps its flag.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));

    let pace = match fpga::pace(&design) {
        Ok(pace) => Some(pace),
        Err(why) => {
            eprintln!("warning: no time per training sample: {why}");
            None
        }
    };
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    let result = fpga::run(&design, &target, &options, pace, &stop, &|step| bar.set_message(step.words()));
    bar.finish_and_clear();
    let report = match result {
        Ok(report) => report,
        Err(error @ FpgaError::Interrupted { .. }) => {
            eprintln!("error: {error}");
            // The shell's convention for an end by Ctrl-C.
            return Ok(ExitCode::from(130));
        }
        Err(error) => return Err(error.into()),
    };
    print!("{}", report::fpga_table(&report));
    let out = options.out.display();
    if target.family == Family::Xc7 {
        println!(
            "\nVivado is not run by memrtl, so there are no figures of the device. To build:\n  vivado -mode batch -source {out}/{}.tcl",
            design.name
        );
    }
    if let Some(bitstream) = &report.bitstream {
        println!("\nbitstream: {out}/{bitstream}");
    }
    println!("report: {out}/fpga.json");
    if report.met == Some(false) {
        eprintln!(
            "error: the clock of {} MHz is not met: {:.2} MHz reached",
            megahertz(report.clock_requested),
            report.fmax.unwrap_or(0.0)
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
