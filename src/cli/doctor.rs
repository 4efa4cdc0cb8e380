//! `memrtl doctor`: which tools are there.

use std::io::Write;
use std::process::ExitCode;

use crate::doctor::{Surroundings, check, render};

/// List the tools memrtl calls, their versions, what needs them and how to get them
///
/// Exit status 1 when co-simulation would not work
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the table.
///
/// # Errors
/// Standard output that cannot be written; a tool that cannot be run is a row of the table.
pub fn run(_: &Args) -> anyhow::Result<ExitCode> {
    let reports = check(&Surroundings::current());
    std::io::stdout().write_all(render(&reports).as_bytes())?;
    let works = reports.iter().all(|report| report.ok() || !report.required);
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
