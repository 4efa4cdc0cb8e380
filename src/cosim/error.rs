//! What can go wrong in a co-simulation.

use std::fmt;

use thiserror::Error;

/// A quantity that the scoreboard compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    RowCode,
    AdcCode,
    Error,
    DriveCode,
    BackCode,
    /// ADC code of a forward read of second devices.
    FastCode,
    PulseWidth,
    PulseCode,
    SlotLength,
    /// Codes on `op_kind`.
    SlotKind,
    /// What a decay leaves, in units of 2^-16.
    Gamma,
    /// Codes that were taken in a sample's reads in a direction.
    Codes(&'static str),
    Slots,
    Operation,
    Output,
    State,
    Velocity,
    /// Operations on single cells, numbered from 0 in the command or refresh.
    CellOperation,
    CellDevice,
    CellRow,
    CellColumn,
    CellAmplitude,
    CellWidth,
    CellSetup,
    CellCode,
    /// Result of a command, by column.
    CellResult,
    CellFailed,
    Counter(&'static str),
    Cycles(&'static str),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::RowCode => "row code of row",
            What::AdcCode => "forward ADC code of column",
            What::Error => "error y of output",
            What::DriveCode => "driven code of column",
            What::BackCode => "transposed ADC code of row",
            What::FastCode => "ADC code of the fast array, column",
            What::PulseWidth => "pulse width on the pin of column",
            What::PulseCode => "pulse code of column",
            What::SlotLength => "length in cycles of write slot",
            What::SlotKind => "kind (2 write, 5 decay, 6 write to V, 7 transfer) of operation",
            What::Gamma => "gamma of operation",
            What::Velocity => "velocity of cell",
            What::Codes(way) => return write!(f, "number of ADC codes of {way} reads of array"),
            What::Slots => "number of write slots of array",
            What::Operation => "operation",
            What::Output => "network output",
            What::State => "device state of cell",
            What::CellOperation => "kind (0 read, 1 SET, 2 RESET, 3 none) of cell operation",
            What::CellDevice => "device of cell operation",
            What::CellRow => "row of cell operation",
            What::CellColumn => "column of cell operation",
            What::CellAmplitude => "amplitude code of cell operation",
            What::CellWidth => "pulse width in cycles of cell operation",
            What::CellSetup => "cycles before the pulse of cell operation",
            What::CellCode => "conductance code of cell operation",
            What::CellResult => "conductance code that the bus reads for column",
            What::CellFailed => "failure flag that the bus reads for column",
            What::Counter(name) => return write!(f, "counter {name}, entry"),
            What::Cycles(phase) => return write!(f, "cycles of {phase}, entry"),
        })
    }
}

/// RTL and golden model differ.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("sample {sample}, layer {layer}, {what} {index}: expected {expected}, got {got} (cycle {cycle})")]
pub struct Mismatch {
    /// Samples since the start of the co-simulation, training and inference counted together, from 0.
    pub sample: u64,
    pub layer: String,
    pub what: What,
    pub index: usize,
    pub expected: i64,
    pub got: i64,
    pub cycle: u64,
}

/// Any end of a co-simulation but success.
#[derive(Debug, Error)]
pub enum CosimError {
    #[error("RTL differs from the golden model: {0}")]
    Mismatch(Mismatch),
    #[error(
        "no end of sample {sample} after {seen} cycles; the cycle model expects {expected}. Phase {phase}. \
         Raise the limit with --watchdog FACTOR (now {factor})"
    )]
    Watchdog { sample: u64, seen: u64, expected: u64, phase: &'static str, factor: u64 },
    #[error("bus: {action} at {address:#05x} answered {response} (cycle {cycle})")]
    Bus { action: &'static str, address: u32, response: &'static str, cycle: u64 },
    #[error("bus: no answer to {action} at {address:#05x} within {limit} cycles (cycle {cycle})")]
    BusTimeout { action: &'static str, address: u32, limit: u64, cycle: u64 },
    #[error(transparent)]
    Simulator(#[from] verilated::Error),
    #[error(transparent)]
    Template(#[from] askama::Error),
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
    #[error("sample {sample}: {fault}")]
    Device { sample: u64, fault: crate::golden::DeviceFault },
    #[error(transparent)]
    Setup(#[from] crate::device::DeviceError),
    #[error("no end of a command of the memory controller after {seen} cycles; the cycle model expects {expected}")]
    MemoryWatchdog { seen: u64, expected: u64 },
    #[error("the memory controller refused a command: the machine was at work, or there are no such cells")]
    MemoryRefused,
    #[error("the design has no memory mode: its spec has no `[memory]`")]
    NoMemory,
    #[error("there is no training sample {sample}: the epoch has {samples}, from 0 on")]
    NoSample { sample: usize, samples: usize },
    #[error("interrupted after {samples} samples")]
    Interrupted { samples: u64 },
}

impl CosimError {
    /// The same error of a run whose cycles are counted from `before` cycles earlier.
    pub(super) fn later(mut self, before: u64) -> CosimError {
        if let CosimError::Mismatch(Mismatch { cycle, .. })
        | CosimError::Bus { cycle, .. }
        | CosimError::BusTimeout { cycle, .. } = &mut self
        {
            *cycle = cycle.wrapping_add(before);
        }
        self
    }
}

impl From<Mismatch> for CosimError {
    fn from(mismatch: Mismatch) -> CosimError {
        CosimError::Mismatch(mismatch)
    }
}
