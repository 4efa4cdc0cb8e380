//! Momentum units: each turns (x, y) of the current sample into the operations of the step on the array.

mod carry;
mod history;
mod in_array;
mod single;
mod sram;
mod tiki_taka;

pub use carry::{Carry, Turn};
pub use history::{History, Pairs};
pub use in_array::InArray;
pub use single::Single;
pub use sram::Sram;
pub use tiki_taka::TikiTaka;

use super::machine::LayerTrace;
use crate::array::Grid;
use crate::device::NotFinite;
use crate::spec::{Design, Layer, MomentumUnit, PulseTable, pulse_width};

/// What an operation of a step does to the array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Rank-1 write to the weights.
    #[default]
    Write,
    /// The velocities of all cells keep the share `gamma`, in units of `2^-16`.
    Decay { gamma: u32 },
    /// Rank-1 write to the velocities.
    WriteVelocity,
    /// The weights of all cells take their velocities.
    Transfer,
    /// A forward read of the second devices.
    ReadVelocity,
    /// A forward read of one row of one slice of the weights.
    ReadSlice { slice: usize },
    /// Rank-1 write to one slice.
    WriteSlice { slice: usize },
}

impl Kind {
    /// Code on the pins `op_kind`.
    pub fn code(self) -> u64 {
        match self {
            Kind::Write | Kind::WriteSlice { .. } => 2,
            Kind::ReadVelocity | Kind::ReadSlice { .. } => 4,
            Kind::Decay { .. } => 5,
            Kind::WriteVelocity => 6,
            Kind::Transfer => 7,
        }
    }

    /// Whether the operation is a rank-1 write: row codes and pulses.
    pub fn writes(self) -> bool {
        matches!(self, Kind::Write | Kind::WriteVelocity | Kind::WriteSlice { .. })
    }

    /// Whether it is an operation on the arrays of a slice; with one device per weight that is 0.
    pub fn reaches(self, slice: usize) -> bool {
        match self {
            Kind::ReadSlice { slice: own } | Kind::WriteSlice { slice: own } => own == slice,
            _ => slice == 0,
        }
    }
}

/// One operation of a step: a write slot, that is the pulses of all columns that go out together with one vector of row codes, or
/// something that all cells do by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot {
    pub kind: Kind,
    /// How many samples ago the pair was stored, 0 is the current one; of a slot with a single row: that row.
    pub age: usize,
    /// Row codes, bias included; empty without lines, as are the pulses.
    pub x: Vec<i32>,
    /// Signed pulse widths, one per column.
    pub pulses: Vec<i32>,
    /// Longest width of a write, at least 1.
    pub longest: u32,
}

impl Slot {
    /// Lets the operation happen to the arrays of a layer.
    pub fn apply(&self, array: &mut Grid) {
        match self.kind {
            Kind::Write => array.write(&self.x, &self.pulses),
            Kind::Decay { gamma } => array.decay(gamma),
            Kind::WriteVelocity => array.write_velocity(&self.x, &self.pulses),
            Kind::Transfer => array.transfer(),
            // What a read brings is the business of who asks for it.
            Kind::ReadVelocity | Kind::ReadSlice { .. } => {}
            Kind::WriteSlice { slice } => array.write_slice(slice, &self.x, &self.pulses),
        }
    }
}

/// Registers that software may change between samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    /// Learning rate, [`crate::spec::LEARNING_RATE_FRACTION`] fraction bits.
    pub eta: u32,
    /// Momentum, [`crate::spec::MOMENTUM_BITS`] fraction bits.
    pub gamma: u32,
    /// Batches whose pairs are in use.
    pub depth: usize,
}

/// From |y| times a factor to the width of a pulse.
#[derive(Debug, Clone)]
struct Widths {
    pulse_bits: u32,
    shift: u32,
    table: Option<PulseTable>,
}

impl Widths {
    fn new(design: &Design, layer: &Layer) -> Widths {
        let table = PulseTable::of(design, layer);
        Widths { pulse_bits: design.array.pulse_bits, shift: layer.shifts.width, table }
    }

    fn width(&self, magnitude: i32, factor: i64) -> i32 {
        pulse_width(i64::from(magnitude) * factor, self.shift, self.pulse_bits, self.table.as_ref())
    }

    /// Sets `slot` to the write of a pair; false, and nothing said of the slot, when no pulse is left. `largest`: of |y|.
    fn fill(&self, slot: &mut Slot, x: &[i32], y: &[i32], largest: i32, factor: i64) -> bool {
        let longest = self.width(largest, factor);
        if longest == 0 {
            return false;
        }
        slot.longest = longest as u32;
        slot.x.clear();
        slot.x.extend_from_slice(x);
        slot.pulses.clear();
        slot.pulses.extend(y.iter().map(|&y| self.width(y.abs(), factor) * y.signum()));
        true
    }
}

/// Where the next pair stands among those of its step: samples of a batch, places of a kernel in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    size: usize,
    place: usize,
}

impl Batch {
    fn new(design: &Design, layer: &Layer) -> Batch {
        Batch { size: layer.gradients(&design.training), place: 0 }
    }

    /// Counts a sample: whether it is the first of its batch, and whether the last.
    fn next(&mut self) -> (bool, bool) {
        let first = self.place == 0;
        self.place += 1;
        let last = self.place == self.size;
        if last {
            self.place = 0;
        }
        (first, last)
    }

    /// The next sample is the first of a batch.
    fn restart(&mut self) {
        self.place = 0;
    }
}

fn largest(y: &[i32]) -> i32 {
    y.iter().map(|y| y.abs()).max().unwrap_or(0)
}

/// The momentum unit of one layer.
#[derive(Debug, Clone)]
pub enum Engine {
    None(Single),
    History(History),
    InArray(InArray),
    Sram(Sram),
    TikiTaka(TikiTaka),
}

/// What a unit remembers between two samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memory {
    None,
    History(Pairs),
    InArray(in_array::Pending),
    Sram(sram::Cells),
    TikiTaka(tiki_taka::Residues),
}

impl Engine {
    /// The unit of `layer` as it is after a reset.
    pub fn new(design: &Design, layer: &Layer) -> Engine {
        match design.training.momentum_unit {
            _ if design.training.ring() => Engine::History(History::new(design, layer)),
            MomentumUnit::None => Engine::None(Single::new(design, layer)),
            MomentumUnit::History => Engine::History(History::new(design, layer)),
            MomentumUnit::InArray => Engine::InArray(InArray::new(design, layer)),
            MomentumUnit::Sram => Engine::Sram(Sram::new(design, layer)),
            MomentumUnit::TikiTaka => Engine::TikiTaka(TikiTaka::new(design, layer)),
        }
    }

    /// A training step with x (bias included) and y of `trace`: lets the operations happen to `array` and puts them, in order, into the
    /// trace, with the number of pairs (`sram`: rows) that the unit passed over for want of a pulse. Most come with the last sample of a
    /// batch.
    ///
    /// # Errors
    /// A device that is read and whose state is no number.
    pub fn step(&mut self, registers: Registers, array: &mut Grid, trace: &mut LayerTrace) -> Result<(), NotFinite> {
        let LayerTrace { x, y, slots, .. } = trace;
        trace.skipped = match self {
            Engine::None(unit) => unit.step(x, y, registers, slots),
            Engine::History(unit) => unit.step(x, y, registers, slots),
            Engine::InArray(unit) => unit.step(x, y, registers, slots),
            Engine::Sram(unit) => unit.step(x, y, registers, slots),
            // What it does depends on what it reads.
            Engine::TikiTaka(unit) => return unit.step(registers, array, trace),
        };
        for slot in slots {
            slot.apply(array);
        }
        Ok(())
    }

    /// Forgets the past.
    pub fn clear(&mut self) {
        match self {
            Engine::None(_) => {}
            Engine::History(unit) => unit.clear(),
            Engine::InArray(unit) => unit.clear(),
            Engine::Sram(unit) => unit.clear(),
            Engine::TikiTaka(unit) => unit.clear(),
        }
    }

    /// What the unit remembers now.
    pub fn memory(&self) -> Memory {
        match self {
            Engine::None(_) => Memory::None,
            Engine::History(unit) => Memory::History(unit.pairs()),
            Engine::InArray(unit) => Memory::InArray(unit.pending()),
            Engine::Sram(unit) => Memory::Sram(unit.cells().clone()),
            Engine::TikiTaka(unit) => Memory::TikiTaka(unit.residues().clone()),
        }
    }

    /// Goes to what this unit, or one like it, remembered at another moment.
    pub fn restore(&mut self, memory: &Memory) {
        match (self, memory) {
            (Engine::History(unit), Memory::History(pairs)) => unit.restore(pairs),
            (Engine::InArray(unit), Memory::InArray(pending)) => unit.restore(*pending),
            (Engine::Sram(unit), Memory::Sram(cells)) => unit.restore(cells),
            (Engine::TikiTaka(unit), Memory::TikiTaka(residues)) => unit.restore(residues),
            _ => {}
        }
    }
}
