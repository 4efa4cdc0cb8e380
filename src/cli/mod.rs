//! The command line: one file per command, each a few lines of calling into the library.

use std::process::ExitCode;

/// Parses the arguments, runs the command, prints errors to stderr.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
