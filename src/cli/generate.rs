//! `memrtl generate`: spec to Verilog.

use std::path::PathBuf;
use std::process::ExitCode;

use super::load;
use crate::rtl::{Rtl, emit};
use crate::spec::Backend;

/// Generate the Verilog of a spec
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec; without it the built-in digits preset
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder to write; made when missing, refused when it holds files that memrtl did not write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Array backend, instead of the spec's
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// Put a UART in front of the buses, for `memrtl host`; takes emulated arrays
    #[arg(long, value_enum, value_name = "KIND")]
    pub link: Option<Link>,
}

/// What connects a design to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Link {
    Uart,
}

/// Runs the command.
///
/// # Errors
/// A spec that does not hold, or a folder that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let design = load(args.config.as_deref(), args.backend, None)?;
    let rtl = match args.link {
        Some(Link::Uart) => Rtl::with_link(&design)?,
        None => Rtl::generate(&design)?,
    };
    let files = emit::write(&design, &rtl, &args.out)?;
    println!(
        "{}: {} files in {} (spec {}, {} array)",
        design.name,
        files.len(),
        args.out.display(),
        design.spec_hash,
        design.array.backend.name()
    );
    Ok(ExitCode::SUCCESS)
}
