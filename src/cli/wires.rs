//! `memrtl wires`: what the resistance of an array's wires costs, against its size.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::array::wires::Wires;
use crate::report::plots;
use crate::report::wires::{Subject, sweep, wires_chart, wires_table};

/// Compare reads through resistive wires with the exact circuit, against array size
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Rows of the largest array
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub rows: u16,
    /// Columns of the largest array
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub cols: u16,
    /// Ohms of a wire between two cells
    #[arg(long, value_name = "OHM", default_value_t = 1.0, value_parser = ohms, allow_hyphen_values = true)]
    pub r_wire: f64,
    /// The same for the wires of columns, where it differs
    #[arg(long, value_name = "OHM", value_parser = ohms, allow_hyphen_values = true)]
    pub r_column: Option<f64>,
    /// Lowest conductance of a cell in siemens
    #[arg(long, value_name = "SIEMENS", default_value_t = 1e-6, value_parser = siemens, allow_hyphen_values = true)]
    pub g_min: f64,
    /// Highest conductance of a cell in siemens
    #[arg(long, value_name = "SIEMENS", default_value_t = 1e-5, value_parser = siemens, allow_hyphen_values = true)]
    pub g_max: f64,
    /// Seed of the conductances, which are uniform in between
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder for wires.svg and wires.png
    #[arg(long, value_name = "DIR", default_value = "out/wires")]
    pub out: PathBuf,
}

fn ohms(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(r) if (0.0..=1e6).contains(&r) => Ok(r),
        _ => Err("allowed: 0 to 1000000 ohm".to_owned()),
    }
}

fn siemens(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(g) if (0.0..=1.0).contains(&g) => Ok(g),
        _ => Err("allowed: 0 to 1 S".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// An empty range of conductances, or a file that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.g_min >= args.g_max {
        bail!("--g-min {:e} S is not below --g-max {:e} S", args.g_min, args.g_max);
    }
    let subject = Subject {
        rows: args.rows.into(),
        cols: args.cols.into(),
        wires: Wires { row: args.r_wire, col: args.r_column.unwrap_or(args.r_wire) },
        siemens: (args.g_min, args.g_max),
        seed: args.seed,
    };
    let cases = sweep(&subject)?;
    print!("{}", wires_table(&cases));
    if subject.wires.row + subject.wires.col == 0.0 {
        println!("\nno resistance, no loss, nothing to draw");
        return Ok(ExitCode::SUCCESS);
    }
    for path in plots::write(&wires_chart(&subject, &cases), &args.out, "wires", true)? {
        println!("picture: {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
