//! The command line: one file per command, each a few lines of calling into the library.

mod array;
mod board;
mod cache;
mod compare;
mod cosim;
mod device;
mod doctor;
mod estimate;
mod fpga;
mod generate;
mod host;
mod memory;
mod new;
mod timing;
mod train;
mod wires;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cost::CostError;
use crate::spec::{self, Backend, Design, DeviceModel, SpecErrors};

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
    Generate(generate::Args),
    Fpga(fpga::Args),
    Cosim(Box<cosim::Args>),
    Memory(memory::Args),
    Train(train::Args),
    Estimate(estimate::Args),
    Compare(compare::Args),
    Device(device::Args),
    Array(array::Args),
    Wires(wires::Args),
    Host(host::Args),
    Board(board::Args),
    Doctor(doctor::Args),
    Cache(cache::Args),
    // For those who work on memrtl itself.
    #[command(hide = true)]
    Diagrams(timing::Args),
}

/// Parses the arguments, runs the command, prints errors to stderr.
pub fn run() -> ExitCode {
    // `memrtl ... | head` ends quietly, as other tools do.
    sigpipe::reset();
    let result = match Cli::parse().command {
        Command::New(args) => new::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Generate(args) => generate::run(&args),
        Command::Fpga(args) => fpga::run(&args),
        Command::Cosim(args) => cosim::run(&args),
        Command::Memory(args) => memory::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Estimate(args) => estimate::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Device(args) => device::run(&args),
        Command::Array(args) => array::run(&args),
        Command::Wires(args) => wires::run(&args),
        Command::Host(args) => host::run(&args),
        Command::Board(args) => board::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Cache(args) => cache::run(&args),
        Command::Diagrams(args) => timing::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &anyhow::Error) {
    let table = match error.downcast_ref::<CostError>() {
        Some(CostError::Table(errors)) => Some(errors),
        _ => None,
    };
    match error.downcast_ref::<SpecErrors>().or(table) {
        Some(spec) => eprintln!("{}", spec.render(std::io::stderr().is_terminal())),
        None => eprintln!("error: {error:#}"),
    }
}

/// The design of a spec file, or of the built-in digits preset, with the choices of the command line put in.
fn load(config: Option<&Path>, backend: Option<Backend>, seed: Option<u64>) -> anyhow::Result<Design> {
    finish(read(config, "digits")?, backend, seed)
}

/// The design that a board runs: that of a spec file or of the built-in preset for boards. A spec for an array on pins gets the array
/// that fits a chip; one that asks for an emulated array has what it asks for.
fn load_for_board(config: Option<&Path>, seed: Option<u64>) -> anyhow::Result<Design> {
    let design = read(config, "digits_fpga")?;
    let backend = (design.array.backend == Backend::External).then_some(Backend::Fpga);
    finish(design, backend, seed)
}

/// The design of a spec file, or of a built-in preset.
fn read(config: Option<&Path>, preset: &str) -> anyhow::Result<Design> {
    Ok(match config {
        Some(path) => spec::load(path)?,
        None => spec::parse(spec::preset(preset).unwrap_or_default(), &format!("preset {preset}"), Path::new(""))?,
    })
}

/// Puts in the choices of the command line, and says what the design can be used in spite of.
fn finish(mut design: Design, backend: Option<Backend>, seed: Option<u64>) -> anyhow::Result<Design> {
    if let Some(backend) = backend {
        let chosen = backend.name();
        if backend.emulated() && design.device.model != DeviceModel::Ideal {
            anyhow::bail!(
                "--backend {chosen}: the emulated array has the `ideal` device only; this spec has another `model`"
            );
        }
        let unit = design.training.momentum_unit;
        if backend.emulated() && unit.second_devices() {
            let unit = unit.name();
            anyhow::bail!(
                "--backend {chosen}: nothing in Verilog holds the second devices of `momentum_unit = \"{unit}\"`"
            );
        }
        if backend.emulated() && design.array.slices.is_some() {
            anyhow::bail!("--backend {chosen}: nothing in Verilog holds several devices per weight (`slices`)");
        }
        design.array.backend = backend;
        if let Some((why, help)) = design.fpga_obstacle() {
            anyhow::bail!("--backend {chosen}: {why}; {help}");
        }
    }
    if let Some(seed) = seed {
        design.training.seed = seed;
    }
    design.refresh_hash();
    warn(&spec::device_warnings(&design.device.model));
    warn(&spec::nonideal_warnings(&design.nonideal));
    warn(&spec::momentum_warnings(&design));
    Ok(design)
}

/// Says on the error stream what a design can be used in spite of.
fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

/// Seconds on the command line.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        _ => Err("allowed: 0 or more seconds".to_string()),
    }
}

/// Lets time pass before the last test, instead of what the spec says.
fn let_age(design: &mut Design, age: Option<f64>) -> anyhow::Result<()> {
    let Some(age) = age else { return Ok(()) };
    if let (true, Some(why)) = (age > 0.0, design.ageless()) {
        anyhow::bail!("--age {age}: {why}");
    }
    design.nonideal.age = age;
    Ok(())
}
