//! From a design to a bitstream: Verilog with the emulated array, synthesis (Yosys), place and route (nextpnr), and one report.

mod board;
mod fit;
mod flow;
mod folder;
mod gates;
mod names;
mod netlist;
mod pace;
mod place;
mod pll;
mod states;
mod target;
mod tools;

use serde::Serialize;
use thiserror::Error;

pub use board::megahertz;
pub use fit::TooLarge;
pub use flow::{Options, Step, run};
pub use gates::gate_level;
pub use netlist::{Cells, Part};
pub use pace::{Pace, pace};
pub use place::CriticalPath;
pub use target::{Family, Resource, Resources, Target, TargetError, built_in, names};

use crate::rtl::LinkError;
use crate::rtl::emit::EmitError;

/// Why there is no bitstream.
#[derive(Debug, Error)]
pub enum FpgaError {
    #[error("{tool} is missing, which `--target {target}` needs: {install}")]
    Missing { tool: String, target: String, install: String },
    #[error("cannot run `{tool}`: {cause}")]
    Start { tool: String, cause: std::io::Error },
    #[error("{tool} failed ({status}):\n  {message}")]
    Failed { tool: String, status: String, message: String },
    #[error("what {tool} wrote cannot be read: {cause}")]
    Output { tool: &'static str, cause: String },
    #[error("interrupted in {step}; no bitstream is written")]
    Interrupted { step: String },
    #[error("`--clock {mhz}`: the PLL of {target} cannot make it from the board's {oscillator} MHz")]
    Clock { mhz: f64, target: String, oscillator: f64 },
    #[error(
        "target `{target}`: {baud} bit/s of the serial port and a clock of {mhz} MHz do not go together; allowed: 4 to 65535 cycles a bit"
    )]
    Baud { baud: u32, target: String, mhz: f64 },
    #[error("target `{target}`: a gate-level check needs open models of the cells, which iCE40 targets have")]
    NoGates { target: String },
    #[error(transparent)]
    TooLarge(#[from] Box<TooLarge>),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error(transparent)]
    Template(#[from] askama::Error),
    #[error("output folder `{dir}` holds files that memrtl did not write: {files}; choose another folder with --out")]
    Foreign { dir: String, files: String },
    #[error("output folder `{dir}`: {action} `{file}`: {cause}")]
    Io { dir: String, action: &'static str, file: String, cause: std::io::Error },
}

/// How much of one resource a design takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Use {
    pub resource: Resource,
    /// In the words of the family.
    pub name: &'static str,
    pub used: u64,
    pub available: u64,
}

impl Use {
    /// Share of the device, 0 to 1, more when it does not fit.
    pub fn share(&self) -> f64 {
        self.used as f64 / self.available.max(1) as f64
    }
}

/// `fpga.json`: what became of a design on a target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Always `memrtl`.
    pub generator: &'static str,
    /// Files beside this one, written with it.
    pub files: Vec<String>,
    pub design: String,
    pub spec_hash: String,
    pub target: String,
    pub board: String,
    pub family: Family,
    pub seed: u64,
    /// MHz asked for.
    pub clock_requested: f64,
    /// MHz that the board's PLL or oscillator gives.
    pub clock_board: f64,
    /// MHz; none without place and route.
    pub fmax: Option<f64>,
    /// The clock that was asked for is reached.
    pub met: Option<bool>,
    pub resources: Vec<Use>,
    /// Cells before packing, the largest part first.
    pub parts: Vec<Part>,
    pub critical_path: Option<CriticalPath>,
    /// Training, from the cycle model.
    pub pace: Option<Pace>,
    /// File of the bitstream.
    pub bitstream: Option<String>,
    /// Programs and their versions.
    pub tools: Vec<String>,
}

impl Report {
    /// Clock of the design that times are given for, MHz: the board's, or what was reached if that is less.
    pub fn clock(&self) -> f64 {
        self.fmax.map_or(self.clock_board, |fmax| fmax.min(self.clock_board))
    }

    /// Time per training sample, microseconds.
    pub fn sample_us(&self) -> Option<f64> {
        self.pace.map(|pace| pace.cycles_per_sample / self.clock())
    }
}
