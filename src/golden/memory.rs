//! The memory controller: write-verify of single memristors and refresh of differential pairs, operation by operation as
//! the hardware does them.

use super::DeviceFault;
use crate::array::Crossbar;
use crate::device::{CellAddress, CellPulse, DeviceError};
use crate::spec::{Design, Inner, Memory, Sweep};

/// What is done to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    Read,
    Set,
    Reset,
}

/// One operation on one memristor, as it stands on the pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellOp {
    pub layer: usize,
    pub at: CellAddress,
    pub kind: CellKind,
    /// Amplitude code and width in cycles of a pulse; 0 in a read.
    pub amplitude: u32,
    pub width: u32,
    /// ADC code of a read; 0 of a pulse.
    pub code: i32,
}

/// How a cell came out of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellResult {
    /// Last code read.
    pub code: u32,
    /// It is not within the tolerance.
    pub failed: bool,
    /// Pulses that it took.
    pub pulses: u32,
}

/// Everything that a command or a refresh does, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryTrace {
    pub ops: Vec<CellOp>,
    /// Cells of a row command, from its first column on; those after a failure that ended it are missing.
    pub cells: Vec<CellResult>,
    /// Cells whose target was fetched.
    pub fetched: u64,
    /// Codes held against a target.
    pub judged: u64,
    /// Cells and steps of a refresh that were brought to an end.
    pub stored: u64,
    /// Pairs looked at.
    pub pairs: u64,
    pub refreshed: u64,
    pub successes: u64,
    /// Cells that could not be programmed, in order.
    pub failures: Vec<(usize, CellAddress)>,
}

/// The cells of one row that a command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCells {
    pub layer: usize,
    pub device: usize,
    pub row: usize,
    pub first_col: usize,
    pub last_col: usize,
}

/// What the controller works on.
pub trait Arrays {
    fn count(&self) -> usize;
    fn array(&mut self, layer: usize) -> &mut Crossbar;
}

impl Arrays for Vec<Crossbar> {
    fn count(&self) -> usize {
        self.len()
    }

    fn array(&mut self, layer: usize) -> &mut Crossbar {
        &mut self[layer]
    }
}

/// The controller with its registers.
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    /// Registers at reset; software may change them between commands.
    pub registers: Memory,
    /// Seconds of a clock cycle.
    clock: f64,
    /// Training samples since the last refresh.
    samples: u32,
    /// The first device read whose conductance is no number.
    pub fault: Option<DeviceFault>,
}

impl Controller {
    /// The controller of a design with a memory mode.
    pub fn new(design: &Design) -> Option<Controller> {
        let registers = design.memory.clone()?;
        Some(Controller { registers, clock: design.timing.clock_ns * 1e-9, samples: 0, fault: None })
    }

    /// Programs cells of a row to `targets`, one code per column.
    pub fn program(&mut self, cells: RowCells, targets: &[u32], arrays: &mut dyn Arrays, trace: &mut MemoryTrace) {
        for (col, &target) in (cells.first_col..=cells.last_col).zip(targets) {
            let at = CellAddress { device: cells.device, row: cells.row, col };
            trace.fetched += 1;
            let result = self.verify(cells.layer, at, target, false, arrays, trace);
            trace.cells.push(result);
            if result.failed && !self.registers.skip_on_failure {
                break;
            }
        }
    }

    /// Reads cells of a row.
    pub fn read(&mut self, cells: RowCells, arrays: &mut dyn Arrays, trace: &mut MemoryTrace) {
        for col in cells.first_col..=cells.last_col {
            let at = CellAddress { device: cells.device, row: cells.row, col };
            let code = self.read_cell(cells.layer, at, arrays, trace);
            trace.cells.push(CellResult { code, failed: false, pulses: 0 });
            trace.stored += 1;
        }
    }

    /// Counts a training sample; whether a refresh follows it.
    pub fn trained(&mut self) -> bool {
        self.samples += 1;
        let due = self.registers.refresh_every > 0 && self.samples >= self.registers.refresh_every;
        if due {
            self.samples = 0;
        }
        due
    }

    /// Refreshes all pairs of all arrays.
    pub fn refresh(&mut self, arrays: &mut dyn Arrays, trace: &mut MemoryTrace) {
        self.samples = 0;
        let codes = self.registers.refresh_codes();
        for layer in 0..arrays.count() {
            let (rows, cols) = (arrays.array(layer).rows(), arrays.array(layer).cols());
            for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
                let at = |device| CellAddress { device, row, col };
                let plus = self.read_cell(layer, at(0), arrays, trace);
                let minus = self.read_cell(layer, at(1), arrays, trace);
                trace.pairs += 1;
                let (larger, smaller) = (plus.max(minus), plus.min(minus));
                if larger <= codes.upper || smaller <= codes.lower {
                    continue;
                }
                trace.refreshed += 1;
                for device in 0..2 {
                    self.verify(layer, at(device), codes.floor, true, arrays, trace);
                }
                if larger > smaller {
                    let target = (codes.floor + larger - smaller).min(self.registers.max_code());
                    self.verify(layer, at(usize::from(plus < minus)), target, false, arrays, trace);
                }
            }
        }
    }

    fn read_cell(&mut self, layer: usize, at: CellAddress, arrays: &mut dyn Arrays, trace: &mut MemoryTrace) -> u32 {
        let code = arrays.array(layer).read_cell(at, &self.registers).unwrap_or_else(|cell| {
            self.fault = self.fault.or(Some(DeviceFault { layer, cell }));
            0
        });
        let kind = CellKind::Read;
        trace.ops.push(CellOp { layer, at, kind, amplitude: 0, width: 0, code: code as i32 });
        code
    }

    /// Read, pulse, read until the code fits. With `to_floor` any code below the target fits, too.
    fn verify(
        &mut self,
        layer: usize,
        at: CellAddress,
        target: u32,
        to_floor: bool,
        arrays: &mut dyn Arrays,
        trace: &mut MemoryTrace,
    ) -> CellResult {
        let m = self.registers.clone();
        let mut last: Option<(CellKind, u32, u32)> = None;
        let mut pulses = 0;
        let (code, failed) = loop {
            let code = self.read_cell(layer, at, arrays, trace);
            trace.judged += 1;
            let too_high = code > target + m.tolerance_codes;
            let too_low = code + m.tolerance_codes < target && !to_floor;
            if !too_high && !too_low {
                break (code, false);
            }
            if pulses == m.attempts {
                break (code, true);
            }
            let (kind, ramp) = if too_high { (CellKind::Reset, &m.reset) } else { (CellKind::Set, &m.set) };
            let (amplitude, width) = match last {
                Some((before, amplitude, width)) if before == kind => {
                    next_pulse(m.inner, (&ramp.amplitude, amplitude), (&ramp.width, width))
                }
                _ => (ramp.amplitude.start, ramp.width.start),
            };
            last = Some((kind, amplitude, width));
            pulses += 1;
            let pulse = cell_pulse(&m, self.clock, kind, amplitude, width);
            arrays.array(layer).pulse(at, pulse);
            trace.ops.push(CellOp { layer, at, kind, amplitude, width, code: 0 });
        };
        trace.stored += 1;
        match failed {
            true => trace.failures.push((layer, at)),
            false => trace.successes += 1,
        }
        CellResult { code, failed, pulses }
    }
}

/// Volts and seconds of a pulse of these codes; `clock` is a cycle's length in seconds.
pub fn cell_pulse(memory: &Memory, clock: f64, kind: CellKind, amplitude: u32, width: u32) -> CellPulse {
    let volts = f64::from(amplitude) * memory.amplitude_lsb;
    CellPulse { volts: if kind == CellKind::Reset { -volts } else { volts }, seconds: f64::from(width) * clock }
}

/// The inner loop moves unless it is through; then it begins anew and the outer one moves. The strongest pulse stays.
fn next_pulse(inner: Inner, amplitude: (&Sweep, u32), width: (&Sweep, u32)) -> (u32, u32) {
    let next = |(sweep, now): (&Sweep, u32)| Some(now + sweep.step).filter(|&next| next <= sweep.stop);
    match (inner, next(amplitude), next(width)) {
        (_, None, None) => (amplitude.1, width.1),
        (Inner::Amplitude, Some(moved), _) => (moved, width.1),
        (Inner::Amplitude, None, Some(moved)) => (amplitude.0.start, moved),
        (Inner::Width, _, Some(moved)) => (amplitude.1, moved),
        (Inner::Width, Some(moved), None) => (moved, width.0.start),
    }
}

/// Codes to which the initial weights program the devices of layer `index`: for each device, row-major.
///
/// # Errors
/// See [`Crossbar::new`].
pub fn initial_targets(design: &Design, index: usize) -> Result<Vec<Vec<u32>>, DeviceError> {
    let (Some(memory), Some(layer)) = (&design.memory, design.layers.get(index)) else {
        return Ok(Vec::new());
    };
    // What a perfect programmer would make of them in an array without faults.
    let mut ideal = Crossbar::perfect(design, index, layer)?;
    ideal.load(&super::initial_states(design, index, layer));
    let cells = |device| {
        let at = |cell: usize| CellAddress { device, row: cell / layer.outputs, col: cell % layer.outputs };
        let code = |cell: usize| ideal.conductance(at(cell)).map_or(0, |siemens| memory.code(siemens));
        (0..layer.rows() * layer.outputs).map(code).collect()
    };
    Ok((0..memory.devices).map(cells).collect())
}
