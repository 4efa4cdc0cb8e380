//! `memrtl board`: a simulated board for `memrtl host`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use verilated::Profile;

use super::load_for_board;
use crate::host::{Board, Terminal};
use crate::rtl::Rtl;

/// Simulate a board: the design behind its UART under Verilator, on a pseudo-terminal for `memrtl host`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec; without it the built-in preset digits_fpga
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of built models [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Build within seconds, simulate at half the speed
    #[arg(long)]
    pub quick: bool,
}

/// Runs the command until Ctrl-C.
///
/// # Errors
/// A spec that does not hold, a simulator or a terminal that cannot be had.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let design = load_for_board(args.config.as_deref(), None)?;
    let rtl = Rtl::with_link(&design)?;
    let profile = if args.quick { Profile::QuickBuild } else { Profile::FastRun };
    let library = Board::build(&rtl, profile, args.cache.clone())?;
    let mut board = Board::new(&library, design.training.seed)?;
    let mut terminal = Terminal::open().context("cannot open a pseudo-terminal")?;

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    println!("{} (spec {}) on {}; Ctrl-C switches it off", design.name, design.spec_hash, terminal.name);
    board.serve(&mut terminal, &stop)?;
    Ok(ExitCode::SUCCESS)
}
