//! `memrtl memory`: the arrays as plain memory, programmed and read back through the RTL.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use verilated::Profile;

use super::cosim::write_atomic;
use super::load;
use crate::cosim::{self, CosimError, Options, Session};
use crate::golden::memory::{RowCells, initial_targets};
use crate::report::memory::{Report, Tally, memory_table};
use crate::rtl::Rtl;
use crate::spec::{Design, Memory};

/// Program all cells through the RTL's write-verify controller, read them back, everything checked against the golden model
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec with a [memory] section
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// What to program
    #[arg(long, value_enum, default_value_t = Pattern::Initial)]
    pub pattern: Pattern,
    /// Conductance of all cells in siemens, instead of a pattern
    #[arg(long, value_name = "SIEMENS")]
    pub target: Option<f64>,
    /// Only this layer
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// Folder for memory.json
    #[arg(long, value_name = "DIR", default_value = "out/memory")]
    pub out: PathBuf,
    /// Folder of built models [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// Targets by cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pattern {
    /// The initial weights
    Initial,
    /// From the lowest to the highest conductance along the columns
    Ramp,
    /// Lowest and highest conductance in turn
    Checkerboard,
}

/// Runs the command; exit status 1 on a mismatch. Cells that fail are results, not errors.
///
/// # Errors
/// A spec without memory mode, a target that the devices do not reach, a simulator that cannot be had.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut design = load(Some(&args.config), None, None)?;
    let Some(memory) = design.memory.clone() else {
        bail!("{}: `[memory]` is missing: without it no controller is generated", args.config.display());
    };
    if let Some(target) = args.target {
        let (low, high) = memory.conductance;
        if !(low..=high).contains(&target) {
            bail!("--target {target:e} S is outside the device's range; allowed: {low:e} to {high:e} S");
        }
    }
    let layers: Vec<usize> = match &args.layer {
        None => (0..design.layers.len()).collect(),
        Some(name) => match design.layers.iter().position(|l| l.name == *name) {
            Some(index) => vec![index],
            None => {
                let known: Vec<_> = design.layers.iter().map(|l| l.name.as_str()).collect();
                bail!("--layer {name}: no such layer; there are {}", known.join(", "));
            }
        },
    };
    // The command programs; the session must not do it before.
    if let Some(memory) = &mut design.memory {
        memory.program_initial = false;
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let rtl = Rtl::generate(&design)?;
    let options = Options { profile: Profile::QuickBuild, cache: args.cache.clone(), ..Options::default() };
    let library = cosim::build(&design, &rtl, &options)?;
    let mut session = Session::new(&design, &library, &options)?;
    let report = match program(&mut session, &design, &memory, args, &layers) {
        Ok(report) => report,
        Err(error @ CosimError::Mismatch(_)) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    print!("{}", memory_table(&report));
    let path = args.out.join("memory.json");
    write_atomic(&path, &(serde_json::to_string_pretty(&report)? + "\n"))?;
    println!("results: {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Programs and reads back row by row.
fn program(
    session: &mut Session,
    design: &Design,
    memory: &Memory,
    args: &Args,
    layers: &[usize],
) -> Result<Report, CosimError> {
    let mut tally = Tally::new(memory);
    for &layer in layers {
        let shape = &design.layers[layer];
        let cols = shape.outputs;
        for (device, targets) in targets(design, memory, args, layer)?.iter().enumerate() {
            for (row, targets) in targets.chunks_exact(cols).enumerate() {
                // A failure ends the command where the spec says so; the host goes on behind it.
                let mut first_col = 0;
                while first_col < cols {
                    let cells = RowCells { layer, device, row, first_col, last_col: cols - 1 };
                    let results = session.program_row(cells, &targets[first_col..])?;
                    tally.programmed(&shape.name, cells, &targets[first_col..], &results);
                    first_col += results.len();
                }
                let cells = RowCells { layer, device, row, first_col: 0, last_col: cols - 1 };
                tally.read_back(&session.read_cells(cells)?, targets);
            }
        }
    }
    session.check_memory_counters()?;
    Ok(tally.report(design, session.memory))
}

/// Codes for each device of a layer, row-major.
fn targets(design: &Design, memory: &Memory, args: &Args, layer: usize) -> Result<Vec<Vec<u32>>, CosimError> {
    let shape = &design.layers[layer];
    let (low, high) = memory.conductance;
    let pattern = |share: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<u32>> {
        let code = |cell: usize| memory.code(low + (high - low) * share(cell / shape.outputs, cell % shape.outputs));
        vec![(0..shape.rows() * shape.outputs).map(code).collect(); memory.devices]
    };
    Ok(match (args.target, args.pattern) {
        (Some(siemens), _) => vec![vec![memory.code(siemens); shape.rows() * shape.outputs]; memory.devices],
        (None, Pattern::Initial) => initial_targets(design, layer)?,
        (None, Pattern::Ramp) => pattern(&|_, col| col as f64 / (shape.outputs - 1).max(1) as f64),
        (None, Pattern::Checkerboard) => pattern(&|row, col| ((row + col) % 2) as f64),
    })
}
