//! Phases of the sequencer and the performance counters: one list for RTL, cycle model, register map and reports.

use serde::Serialize;

/// What the sequencer does in a cycle; the code stands in the STATUS register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Idle,
    /// The host has not delivered a sample.
    WaitInput,
    /// A sample's x moves into the row stage, not hidden behind the sample before it.
    Load,
    /// Forward reads up to the error of the output layer.
    Forward,
    /// Transposed reads up to the error of the first layer.
    Backward,
    /// Write slots until all arrays are done.
    Update,
    /// The host has not taken the last output vector.
    WaitOutput,
}

impl Phase {
    pub const ALL: [Phase; 7] =
        [Phase::Idle, Phase::WaitInput, Phase::Load, Phase::Forward, Phase::Backward, Phase::Update, Phase::WaitOutput];

    /// Code in the STATUS register.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// Name in counters, summaries and (upper case) Verilog.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Idle => "idle",
            Phase::WaitInput => "wait_input",
            Phase::Load => "load",
            Phase::Forward => "forward",
            Phase::Backward => "backward",
            Phase::Update => "update",
            Phase::WaitOutput => "wait_output",
        }
    }
}

/// A 64-bit performance counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Cycles in any phase but idle.
    Cycles,
    /// Cycles in one phase.
    Phase(Phase),
    /// Cycles in which at least one array reads, converts or writes.
    ArrayBusy,
    /// Samples finished.
    Samples,
    /// Write slots started, over all layers.
    Slots,
    /// Stored pairs passed over because none of their pulses lasts half a unit.
    SlotsSkipped,
}

impl Counter {
    /// All counters in register order.
    pub const ALL: [Counter; 11] = [
        Counter::Cycles,
        Counter::Phase(Phase::WaitInput),
        Counter::Phase(Phase::Load),
        Counter::Phase(Phase::Forward),
        Counter::Phase(Phase::Backward),
        Counter::Phase(Phase::Update),
        Counter::Phase(Phase::WaitOutput),
        Counter::ArrayBusy,
        Counter::Samples,
        Counter::Slots,
        Counter::SlotsSkipped,
    ];

    /// Lower-case name; registers are `<NAME>_LO` and `<NAME>_HI`, Verilog ports `count_<name>`.
    pub const fn name(self) -> &'static str {
        match self {
            Counter::Cycles => "cycles",
            Counter::Phase(phase) => phase.name(),
            Counter::ArrayBusy => "array_busy",
            Counter::Samples => "samples",
            Counter::Slots => "slots",
            Counter::SlotsSkipped => "slots_skipped",
        }
    }
}
