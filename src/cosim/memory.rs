//! The memory mode in co-simulation: commands over the bus, each cell operation held against the golden controller.

use serde::Serialize;

use super::bench::Step;
use super::error::{CosimError, What};
use super::session::{Session, WATCHDOG_SLACK};
use crate::golden::initial_rows;
use crate::golden::memory::{CellKind, CellResult, MemoryTrace, RowCells};
use crate::phases::{MemoryCounter, Phase};
use crate::spec::{Inner, Memory};

/// What the memory controller has done since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MemoryTotals {
    /// Cycles in phase memory, measured.
    pub cycles: u64,
    pub reads: u64,
    pub sets: u64,
    pub resets: u64,
    pub successes: u64,
    pub failures: u64,
    pub refreshed: u64,
}

impl MemoryTotals {
    /// Adds what golden expects of a command or refresh, all but the cycles.
    pub fn add(&mut self, trace: &MemoryTrace) {
        for op in &trace.ops {
            *match op.kind {
                CellKind::Read => &mut self.reads,
                CellKind::Set => &mut self.sets,
                CellKind::Reset => &mut self.resets,
            } += 1;
        }
        self.successes += trace.successes;
        self.failures += trace.failures.len() as u64;
        self.refreshed += trace.refreshed;
    }

    fn counter(&self, counter: MemoryCounter) -> u64 {
        match counter {
            MemoryCounter::Cycles => self.cycles,
            MemoryCounter::Reads => self.reads,
            MemoryCounter::Sets => self.sets,
            MemoryCounter::Resets => self.resets,
            MemoryCounter::Successes => self.successes,
            MemoryCounter::Failures => self.failures,
            MemoryCounter::Refreshed => self.refreshed,
        }
    }
}

/// Bits of MEMORY_COMMAND.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Program = 1,
    Read = 2,
    Refresh = 4,
}

impl Session {
    /// Programs cells of a row to `targets`, one code per column, through the bus, and reads the results over it.
    ///
    /// # Errors
    /// The first difference from the golden controller, a refusal, or a watchdog.
    pub fn program_row(&mut self, cells: RowCells, targets: &[u32]) -> Result<Vec<CellResult>, CosimError> {
        for (col, &target) in (cells.first_col..=cells.last_col).zip(targets) {
            self.bench.write(self.bench.address("MEMORY_COLUMN"), col as u32)?;
            self.bench.write(self.bench.address("MEMORY_TARGET"), 1 << 31 | target)?;
        }
        self.point(cells)?;
        let mut trace = MemoryTrace::default();
        self.golden.program(cells, targets, &mut trace);
        self.command(Command::Program, trace)?;
        self.results(cells)
    }

    /// Reads cells of a row through the bus; one code per column.
    ///
    /// # Errors
    /// As for [`Session::program_row`].
    pub fn read_cells(&mut self, cells: RowCells) -> Result<Vec<u32>, CosimError> {
        self.point(cells)?;
        let mut trace = MemoryTrace::default();
        self.golden.read_cells(cells, &mut trace);
        self.command(Command::Read, trace)?;
        Ok(self.results(cells)?.into_iter().map(|result| result.code).collect())
    }

    /// Refreshes all pairs on the host's command.
    ///
    /// # Errors
    /// As for [`Session::program_row`].
    pub fn refresh(&mut self) -> Result<(), CosimError> {
        let mut trace = MemoryTrace::default();
        self.golden.refresh(&mut trace);
        self.command(Command::Refresh, trace)
    }

    /// Programs the initial weights row by row.
    pub(super) fn program_initial(&mut self) -> Result<(), CosimError> {
        for (cells, targets) in initial_rows(&self.design)? {
            self.program_row(cells, &targets)?;
        }
        self.check_memory_counters()
    }

    /// Lets the refresh after the last training sample run to its end, checked.
    pub(super) fn settle_refresh(&mut self) -> Result<(), CosimError> {
        if !self.golden.refresh_due() {
            return Ok(());
        }
        let mut trace = MemoryTrace::default();
        self.golden.refresh(&mut trace);
        self.sound()?;
        self.expect_cells(trace);
        self.finish_cells(0)
    }

    /// Holds all counters of the memory controller against what has been expected so far; nothing without a memory mode.
    ///
    /// # Errors
    /// The first counter that differs.
    pub fn check_memory_counters(&mut self) -> Result<(), CosimError> {
        let Some(memory) = &self.design.memory else { return Ok(()) };
        for &counter in MemoryCounter::of(memory.devices) {
            let got = self.bench.counter(counter.name())?;
            let want = self.memory.counter(counter);
            let cycle = self.bench.cycle();
            self.bench.scoreboard.memory(0, What::Counter(counter.name()), 0, want, got, cycle)?;
        }
        Ok(())
    }

    /// Writes the registers of write-verify and ramps, and makes golden, cycle model and checker do as they say.
    ///
    /// # Errors
    /// A value that the registers do not take.
    pub fn configure(&mut self, m: &Memory) -> Result<(), CosimError> {
        let mode = u32::from(m.inner == Inner::Width) | u32::from(m.skip_on_failure) << 1;
        let settings = [
            ("MEMORY_MODE", mode),
            ("MEMORY_TOLERANCE", m.tolerance_codes),
            ("MEMORY_ATTEMPTS", m.attempts),
            ("MEMORY_SETUP", m.setup),
        ];
        for (register, value) in settings {
            self.bench.write(self.bench.address(register), value)?;
        }
        let loops = [
            ("SET_AMP", m.set.amplitude),
            ("SET_WIDTH", m.set.width),
            ("RESET_AMP", m.reset.amplitude),
            ("RESET_WIDTH", m.reset.width),
        ];
        for (name, sweep) in loops {
            for (end, value) in [("START", sweep.start), ("STOP", sweep.stop), ("STEP", sweep.step)] {
                self.bench.write(self.bench.address(&format!("MEMORY_{name}_{end}")), value)?;
            }
        }
        self.cycles.set_cell_setup(m.setup);
        self.bench.scoreboard.cell_setup = u64::from(m.setup);
        if let Some(controller) = &mut self.golden.memory {
            controller.registers = m.clone();
        }
        Ok(())
    }

    fn sound(&self) -> Result<(), CosimError> {
        self.golden.sound().map_err(|fault| CosimError::Device { sample: self.samples, fault })
    }

    fn point(&mut self, cells: RowCells) -> Result<(), CosimError> {
        if self.design.memory.is_none() {
            return Err(CosimError::NoMemory);
        }
        let registers = [
            ("MEMORY_LAYER", cells.layer),
            ("MEMORY_DEVICE", cells.device),
            ("MEMORY_ROW", cells.row),
            ("MEMORY_FIRST_COL", cells.first_col),
            ("MEMORY_LAST_COL", cells.last_col),
        ];
        for (register, value) in registers {
            self.bench.write(self.bench.address(register), value as u32)?;
        }
        Ok(())
    }

    fn expect_cells(&mut self, trace: MemoryTrace) {
        let board = &mut self.bench.scoreboard;
        board.trace.memory = trace;
        board.begin();
        self.bench.checking = true;
    }

    /// Gives a command that golden has carried out and waits for its end.
    fn command(&mut self, command: Command, trace: MemoryTrace) -> Result<(), CosimError> {
        self.sound()?;
        self.expect_cells(trace);
        let before = self.bench.measured().phase(Phase::Memory);
        self.bench.write(self.bench.address("MEMORY_COMMAND"), command as u32)?;
        self.finish_cells(before)?;
        self.bench.checking = false;
        let status = self.bench.read(self.bench.address("MEMORY_STATUS"))?;
        if status & 2 != 0 {
            return Err(CosimError::MemoryRefused);
        }
        Ok(())
    }

    /// Steps until the controller has nothing more to do; `before` cycles in phase memory had been measured at its start.
    fn finish_cells(&mut self, before: u64) -> Result<(), CosimError> {
        let trace = std::mem::take(&mut self.bench.scoreboard.trace.memory);
        let (expected, _) = self.cycles.memory(&trace);
        self.memory.add(&trace);
        self.bench.scoreboard.trace.memory = trace;
        let limit = expected * self.watchdog + WATCHDOG_SLACK;
        // The command needs two cycles to get from the bus to the controller.
        let start = self.bench.cycle();
        let most = start + limit;
        while self.bench.phase() == Phase::Memory || self.bench.cycle() < start + 3 {
            if self.bench.cycle() >= most {
                return Err(CosimError::MemoryWatchdog { seen: limit, expected });
            }
            let left = if self.bench.phase() == Phase::Memory { most - self.bench.cycle() } else { 1 };
            if let Step::SampleEnd(_) = self.bench.advance(left)? {
                break;
            }
        }
        let cycle = self.bench.cycle();
        self.bench.scoreboard.cells_end(cycle)?;
        let seen = self.bench.measured().phase(Phase::Memory) - before;
        self.memory.cycles += seen;
        if self.bench.unhindered() {
            let what = What::Cycles(Phase::Memory.name());
            self.bench.scoreboard.memory(0, what, 0, expected, seen, cycle)?;
        }
        for array in &self.bench.arrays {
            self.bench.scoreboard.array_states(array, &self.golden, cycle)?;
        }
        Ok(())
    }

    /// Reads the results of a row command over the bus and holds them against golden's.
    fn results(&mut self, cells: RowCells) -> Result<Vec<CellResult>, CosimError> {
        let expected = std::mem::take(&mut self.bench.scoreboard.trace.memory.cells);
        for (col, want) in (cells.first_col..).zip(&expected) {
            self.bench.write(self.bench.address("MEMORY_COLUMN"), col as u32)?;
            let word = self.bench.read(self.bench.address("MEMORY_RESULT"))?;
            let (code, failed) = (word & 0x7fff_ffff, word >> 31);
            let cycle = self.bench.cycle();
            let board = &self.bench.scoreboard;
            board.memory(cells.layer, What::CellResult, col, want.code.into(), code.into(), cycle)?;
            board.memory(cells.layer, What::CellFailed, col, want.failed.into(), failed.into(), cycle)?;
        }
        if let Some(&(layer, at)) = self.bench.scoreboard.trace.memory.failures.last() {
            let array = self.bench.read(self.bench.address("MEMORY_FAILED_ARRAY"))?;
            let cell = self.bench.read(self.bench.address("MEMORY_FAILED_CELL"))?;
            let cycle = self.bench.cycle();
            let checks = [
                (What::CellDevice, at.device, array >> 31),
                (What::CellRow, at.row, cell & 0xffff),
                (What::CellColumn, at.col, cell >> 16),
                (What::Operation, layer, array & 0xffff),
            ];
            for (what, want, got) in checks {
                self.bench.scoreboard.memory(layer, what, 0, want as u64, got.into(), cycle)?;
            }
        }
        Ok(expected)
    }
}
