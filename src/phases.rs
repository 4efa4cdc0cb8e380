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
    /// The memory controller works and no sample may start. Only designs with a memory mode have it.
    Memory,
}

impl Phase {
    /// Phases of every design.
    pub const ALL: [Phase; 7] =
        [Phase::Idle, Phase::WaitInput, Phase::Load, Phase::Forward, Phase::Backward, Phase::Update, Phase::WaitOutput];

    /// Number of phases, [`Phase::Memory`] included.
    pub const COUNT: usize = Phase::ALL.len() + 1;

    /// Phases of a design with or without a memory mode.
    pub fn of(memory: bool) -> Vec<Phase> {
        Phase::ALL.into_iter().chain(memory.then_some(Phase::Memory)).collect()
    }

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
            Phase::Memory => "memory",
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

/// A 64-bit counter of the memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryCounter {
    /// Cycles in [`Phase::Memory`].
    Cycles,
    Reads,
    Sets,
    Resets,
    Successes,
    Failures,
    /// Only with differential pairs.
    Refreshed,
}

impl MemoryCounter {
    const ALL: [MemoryCounter; 7] = [
        MemoryCounter::Cycles,
        MemoryCounter::Reads,
        MemoryCounter::Sets,
        MemoryCounter::Resets,
        MemoryCounter::Successes,
        MemoryCounter::Failures,
        MemoryCounter::Refreshed,
    ];

    /// The counters of a design with so many memristors per weight, in register order.
    pub fn of(devices: usize) -> &'static [MemoryCounter] {
        if devices > 1 { &Self::ALL } else { &Self::ALL[..Self::ALL.len() - 1] }
    }

    /// Lower-case name; registers are `<NAME>_LO` and `<NAME>_HI`, Verilog ports `count_<name>`.
    pub const fn name(self) -> &'static str {
        match self {
            MemoryCounter::Cycles => "memory_cycles",
            MemoryCounter::Reads => "memory_reads",
            MemoryCounter::Sets => "memory_sets",
            MemoryCounter::Resets => "memory_resets",
            MemoryCounter::Successes => "memory_successes",
            MemoryCounter::Failures => "memory_failures",
            MemoryCounter::Refreshed => "memory_refreshed",
        }
    }

    /// The controller's port that says when to count; none for the cycles.
    pub const fn event(self) -> Option<&'static str> {
        match self {
            MemoryCounter::Cycles => None,
            MemoryCounter::Reads => Some("count_read"),
            MemoryCounter::Sets => Some("count_set"),
            MemoryCounter::Resets => Some("count_reset"),
            MemoryCounter::Successes => Some("count_success"),
            MemoryCounter::Failures => Some("count_failure"),
            MemoryCounter::Refreshed => Some("count_refreshed"),
        }
    }

    /// What it counts.
    pub const fn doc(self) -> &'static str {
        match self {
            MemoryCounter::Cycles => "Cycles in phase memory",
            MemoryCounter::Reads => "Reads of a single cell",
            MemoryCounter::Sets => "SET pulses",
            MemoryCounter::Resets => "RESET pulses",
            MemoryCounter::Successes => "Cells programmed to within the tolerance",
            MemoryCounter::Failures => "Cells that could not be programmed",
            MemoryCounter::Refreshed => "Pairs refreshed",
        }
    }
}
