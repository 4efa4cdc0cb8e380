//! The command line: one file per command, each a few lines of calling into the library.

mod new;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::spec::SpecErrors;

/// Synthesizable Verilog for memristor-crossbar training accelerators, checked against a golden memristor model
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::Args),
}

/// Parses the arguments, runs the command, prints errors to stderr.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::New(args) => new::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &anyhow::Error) {
    match error.downcast_ref::<SpecErrors>() {
        Some(spec) => eprintln!("{}", spec.render(std::io::stderr().is_terminal())),
        None => eprintln!("error: {error:#}"),
    }
}
