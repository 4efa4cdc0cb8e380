//! Pins of the operations on single cells, and what the macro sees and does on them.

use verilated::{Model, Output};

use crate::array::Crossbar;
use crate::device::{CellAddress, NotFinite};
use crate::golden::memory::{CellKind, CellOp, cell_pulse};
use crate::spec::{AMPLITUDE_BITS, Design, Layer, Memory, WIDTH_BITS};

/// Handles of one layer.
#[derive(Debug, Clone, Copy)]
struct Pins {
    op: Output,
    device: Output,
    row: Output,
    col: Output,
    amp: Output,
    width: Output,
    on: Output,
}

/// The macro's view of one layer's cell operations.
pub struct CellPins {
    pins: Pins,
    memory: Memory,
    /// Seconds of a clock cycle.
    clock: f64,
    /// The operation as the pins showed it at its start.
    pub op: CellOp,
    /// Cycles from the operation's start to its pulse.
    pub setup: u64,
    /// Cycles that the pulse has lasted; counted in reads, too, where there must be none.
    on: u64,
    on_since: Option<u64>,
    started: u64,
}

impl CellPins {
    /// The pins of `layer`; `None` for a design without a memory mode.
    ///
    /// # Errors
    /// A pin that is missing or has another width than the design says.
    pub fn find(model: &Model, design: &Design, index: usize, layer: &Layer) -> Result<Option<Self>, verilated::Error> {
        let Some(memory) = design.memory.clone() else { return Ok(None) };
        let pin = |name: &str, bits: u32| model.output(&format!("{}_cell_{name}", layer.name), bits);
        let pins = Pins {
            op: pin("op", 2)?,
            device: pin("device", 1)?,
            row: pin("row", crate::rtl::bits_for(layer.rows() - 1))?,
            col: pin("col", crate::rtl::bits_for(layer.outputs - 1))?,
            amp: pin("amp", AMPLITUDE_BITS)?,
            width: pin("width", WIDTH_BITS)?,
            on: pin("on", 1)?,
        };
        let at = CellAddress { device: 0, row: 0, col: 0 };
        let op = CellOp { layer: index, at, kind: CellKind::Read, amplitude: 0, width: 0, code: 0 };
        let clock = design.timing.clock_ns * 1e-9;
        Ok(Some(CellPins { pins, memory, clock, op, setup: 0, on: 0, on_since: None, started: 0 }))
    }

    /// Adds the pins whose change is an event.
    pub fn watch(&self, watch: verilated::Watch) -> verilated::Watch {
        watch.changes(self.pins.on)
    }

    /// First cycle of an operation; the code of a read, for the converter.
    ///
    /// # Errors
    /// A device whose conductance is no number.
    pub fn begin(&mut self, model: &Model, now: u64, crossbar: Option<&mut Crossbar>) -> Result<i32, NotFinite> {
        self.op = CellOp { code: 0, ..self.shown(model) };
        self.started = now;
        (self.on, self.on_since, self.setup) = (0, None, 0);
        self.look(model, now);
        match (self.op.kind, crossbar) {
            (CellKind::Read, Some(crossbar)) if self.exists(crossbar) => {
                self.op.code = crossbar.read_cell(self.op.at, &self.memory)? as i32;
            }
            _ => {}
        }
        Ok(self.op.code)
    }

    /// Notes whether the pulse is on in this cycle.
    pub fn look(&mut self, model: &Model, now: u64) {
        let on = model.get(self.pins.on) == 1;
        match (on, self.on_since) {
            (true, None) => {
                if self.on == 0 {
                    self.setup = now - self.started;
                }
                self.on_since = Some(now);
            }
            (false, Some(since)) => {
                self.on += now - since;
                self.on_since = None;
            }
            _ => {}
        }
    }

    /// Last cycle of an operation: what it was, with the width that the pulse really had, and its effect on the cell.
    pub fn end(&mut self, model: &Model, now: u64, crossbar: Option<&mut Crossbar>) {
        self.look(model, now);
        if let Some(since) = self.on_since.take() {
            self.on += now + 1 - since;
        }
        // Pins that moved meanwhile differ from what golden expects.
        let (shown, code) = (self.shown(model), self.op.code);
        self.op = CellOp { code, width: self.on as u32, ..shown };
        if let (Some(crossbar), CellKind::Set | CellKind::Reset) = (crossbar, self.op.kind)
            && self.exists(crossbar)
        {
            let pulse = cell_pulse(&self.memory, self.clock, self.op.kind, self.op.amplitude, self.op.width);
            crossbar.pulse(self.op.at, pulse);
        }
    }

    /// The width that the pins announce.
    pub fn announced(&self, model: &Model) -> u32 {
        model.get(self.pins.width) as u32
    }

    fn exists(&self, crossbar: &Crossbar) -> bool {
        let at = self.op.at;
        at.device < self.memory.devices && at.row < crossbar.rows() && at.col < crossbar.cols()
    }

    fn shown(&self, model: &Model) -> CellOp {
        let get = |pin: Output| model.get(pin) as usize;
        let kind = match get(self.pins.op) {
            1 => CellKind::Set,
            2 => CellKind::Reset,
            _ => CellKind::Read,
        };
        let pulse = kind != CellKind::Read;
        CellOp {
            at: CellAddress { device: get(self.pins.device), row: get(self.pins.row), col: get(self.pins.col) },
            kind,
            amplitude: if pulse { get(self.pins.amp) as u32 } else { 0 },
            ..self.op
        }
    }
}
