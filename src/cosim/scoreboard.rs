//! Holds what the RTL does in one sample against the golden trace of that sample.

use super::array_pins::{ArrayPins, Event};
use super::error::{Mismatch, What};
use crate::cycles::SampleCycles;
use crate::golden::memory::CellKind;
use crate::golden::{Mode, SampleTrace};
use crate::phases::Phase;
use crate::spec::Design;

/// How far a layer has come within the sample.
#[derive(Debug, Clone, Copy, Default)]
struct LayerProgress {
    forward_codes: usize,
    back_codes: usize,
    slots: usize,
    y_words: usize,
}

/// The expectations of the running sample.
pub struct Scoreboard {
    pub trace: SampleTrace,
    pub predicted: SampleCycles,
    pub mode: Mode,
    /// Number of the sample since the start of the co-simulation.
    pub sample: u64,
    layers: Vec<LayerProgress>,
    /// Cell operations seen, of those in `trace.memory`.
    cells: usize,
    /// Cycles before a pulse on a cell.
    pub cell_setup: u64,
    names: Vec<String>,
    adcs: usize,
    pulse_lsb: u32,
    longest_checked: bool,
}

impl Scoreboard {
    pub fn new(design: &Design) -> Self {
        Scoreboard {
            trace: SampleTrace::default(),
            predicted: SampleCycles::default(),
            mode: Mode::Infer,
            sample: 0,
            layers: vec![LayerProgress::default(); design.layers.len()],
            cells: 0,
            cell_setup: design.memory.as_ref().map_or(0, |m| u64::from(m.setup)),
            names: design.layers.iter().map(|l| l.name.clone()).collect(),
            adcs: design.array.adcs,
            pulse_lsb: design.timing.pulse_lsb,
            longest_checked: design.array.backend == crate::spec::Backend::External,
        }
    }

    /// Forgets the progress of the last sample; `trace` and `predicted` hold the next one.
    pub fn begin(&mut self) {
        self.layers.fill(LayerProgress::default());
        self.cells = 0;
    }

    fn mismatch(&self, layer: usize, what: What, index: usize, expected: i64, got: i64, cycle: u64) -> Mismatch {
        Mismatch { sample: self.sample, layer: self.names[layer].clone(), what, index, expected, got, cycle }
    }

    fn compare(
        &self,
        layer: usize,
        what: What,
        first: usize,
        expected: &[i32],
        got: &[i32],
        cycle: u64,
    ) -> Result<(), Mismatch> {
        if expected == got {
            return Ok(());
        }
        for (i, (&e, &g)) in expected.iter().zip(got).enumerate() {
            if e != g {
                return Err(self.mismatch(layer, what, first + i, e.into(), g.into(), cycle));
            }
        }
        Err(self.mismatch(layer, What::Operation, expected.len(), expected.len() as i64, got.len() as i64, cycle))
    }

    /// An event on the array pins of `layer`.
    pub fn array_event(&mut self, layer: usize, event: Event, array: &ArrayPins, cycle: u64) -> Result<(), Mismatch> {
        if let Event::CellEnd { announced } = event {
            return self.cell(layer, array, announced, cycle);
        }
        let Some(t) = self.trace.layers.get(layer) else { return Ok(()) };
        let p = self.layers[layer];
        match event {
            Event::None | Event::CellStart | Event::CellEnd { .. } => Ok(()),
            Event::ForwardStart => self.lines_of_read(layer, false, array, cycle),
            Event::BackStart => self.lines_of_read(layer, true, array, cycle),
            Event::Codes { back, group } => {
                let (what, all, done) = if back {
                    (What::BackCode, &t.back, p.back_codes)
                } else {
                    (What::AdcCode, &t.read, p.forward_codes)
                };
                let first = group * self.adcs;
                let last = (first + self.adcs).min(all.len());
                if first != done || first >= last {
                    return Err(self.mismatch(layer, What::Operation, group, done as i64, first as i64, cycle));
                }
                self.lines_of_read(layer, back, array, cycle)?;
                self.compare(layer, what, first, &all[first..last], &array.codes, cycle)?;
                let p = &mut self.layers[layer];
                *(if back { &mut p.back_codes } else { &mut p.forward_codes }) = last;
                Ok(())
            }
            Event::SlotStart => {
                let Some(slot) = t.slots.get(p.slots) else {
                    return Err(self.mismatch(
                        layer,
                        What::Slots,
                        p.slots,
                        t.slots.len() as i64,
                        p.slots as i64 + 1,
                        cycle,
                    ));
                };
                self.compare(layer, What::RowCode, 0, &slot.x, &array.x, cycle)?;
                self.compare(layer, What::PulseCode, 0, &slot.pulses, &array.pulses, cycle)
            }
            Event::SlotEnd { cycles } => {
                let slot = &t.slots[p.slots];
                self.compare(layer, What::RowCode, 0, &slot.x, &array.x, cycle)?;
                self.compare(layer, What::PulseCode, 0, &slot.pulses, &array.pulses, cycle)?;
                for (col, (&pulse, &width)) in slot.pulses.iter().zip(&array.widths).enumerate() {
                    let expected = pulse.unsigned_abs() * self.pulse_lsb;
                    if expected != width {
                        return Err(self.mismatch(layer, What::PulseWidth, col, expected.into(), width.into(), cycle));
                    }
                }
                let expected = u64::from(slot.longest * self.pulse_lsb);
                if self.longest_checked && cycles != expected {
                    return Err(self.mismatch(layer, What::SlotLength, p.slots, expected as i64, cycles as i64, cycle));
                }
                self.layers[layer].slots += 1;
                Ok(())
            }
        }
    }

    /// An operation on one cell of `layer` has ended.
    fn cell(&mut self, layer: usize, array: &ArrayPins, announced: u32, cycle: u64) -> Result<(), Mismatch> {
        let index = self.cells;
        let Some(pins) = &array.cell else { return Ok(()) };
        let got = pins.op;
        let Some(want) = self.trace.memory.ops.get(index).copied() else {
            return Err(self.mismatch(layer, What::CellOperation, index, 3, got.kind as i64, cycle));
        };
        if let Some(col) = array.stray_pulse {
            return Err(self.mismatch(layer, What::PulseWidth, col, 0, 1, cycle));
        }
        let pulse = want.kind != CellKind::Read;
        let setup = if pulse { self.cell_setup } else { 0 };
        let announced = if pulse { announced } else { 0 };
        let checks = [
            (What::CellOperation, want.kind as i64, got.kind as i64),
            (What::CellDevice, want.at.device as i64, got.at.device as i64),
            (What::CellRow, want.at.row as i64, got.at.row as i64),
            (What::CellColumn, want.at.col as i64, got.at.col as i64),
            (What::CellAmplitude, want.amplitude.into(), got.amplitude.into()),
            (What::CellWidth, want.width.into(), got.width.into()),
            (What::CellWidth, want.width.into(), announced.into()),
            (What::CellSetup, setup as i64, pins.setup as i64),
            (What::CellCode, want.code.into(), got.code.into()),
        ];
        if want.layer != layer {
            return Err(self.mismatch(layer, What::CellOperation, index, 3, got.kind as i64, cycle));
        }
        for (what, expected, got) in checks {
            if expected != got {
                return Err(self.mismatch(layer, what, index, expected, got, cycle));
            }
        }
        self.cells += 1;
        Ok(())
    }

    /// All cell operations of a command or refresh must have happened.
    pub fn cells_end(&self, cycle: u64) -> Result<(), Mismatch> {
        match self.trace.memory.ops.get(self.cells) {
            None => Ok(()),
            Some(missing) => {
                Err(self.mismatch(missing.layer, What::CellOperation, self.cells, missing.kind as i64, 3, cycle))
            }
        }
    }

    /// A difference of the memory mode.
    pub fn memory(
        &self,
        layer: usize,
        what: What,
        index: usize,
        expected: u64,
        got: u64,
        cycle: u64,
    ) -> Result<(), Mismatch> {
        if expected == got {
            return Ok(());
        }
        Err(self.mismatch(layer, what, index, expected as i64, got as i64, cycle))
    }

    /// The lines that a read drives, and the columns, none of which may be switched on.
    fn lines_of_read(&self, layer: usize, back: bool, array: &ArrayPins, cycle: u64) -> Result<(), Mismatch> {
        let t = &self.trace.layers[layer];
        if let Some(col) = array.stray_pulse {
            return Err(self.mismatch(layer, What::PulseWidth, col, 0, 1, cycle));
        }
        match back {
            false => self.compare(layer, What::RowCode, 0, &t.x, &array.x, cycle),
            true => self.compare(layer, What::DriveCode, 0, &t.drive, &array.drive, cycle),
        }
    }

    /// A beat of y of `layer`, first word `first`.
    pub fn y_beat(&mut self, layer: usize, first: usize, words: &[i32], cycle: u64) -> Result<(), Mismatch> {
        let y = &self.trace.layers[layer].y;
        let last = (first + words.len()).min(y.len());
        if first != self.layers[layer].y_words || first >= last {
            let done = self.layers[layer].y_words as i64;
            return Err(self.mismatch(layer, What::Error, first, done, first as i64, cycle));
        }
        self.compare(layer, What::Error, first, &y[first..last], &words[..last - first], cycle)?;
        // Lanes beyond the last word must be silent: they take part in the search for the longest pulse.
        for (i, &word) in words[last - first..].iter().enumerate() {
            if word != 0 {
                return Err(self.mismatch(layer, What::Error, last + i, 0, word.into(), cycle));
            }
        }
        self.layers[layer].y_words = last;
        Ok(())
    }

    /// The RTL says that the sample is finished: everything expected must have happened.
    pub fn end(&self, measured: &SampleCycles, phases: &[Phase], cycle: u64) -> Result<(), Mismatch> {
        self.cells_end(cycle)?;
        for (index, (t, p)) in self.trace.layers.iter().zip(&self.layers).enumerate() {
            let checks = [
                (What::AdcCode, t.read.len(), p.forward_codes),
                (What::BackCode, t.back.len(), p.back_codes),
                (What::Slots, t.slots.len(), p.slots),
                (What::Error, t.y.len(), p.y_words),
            ];
            for (what, expected, got) in checks {
                if expected != got {
                    return Err(self.mismatch(index, what, got, expected as i64, got as i64, cycle));
                }
            }
        }
        for &phase in phases {
            let (expected, got) = (self.predicted.phase(phase), measured.phase(phase));
            if expected != got {
                let what = What::Cycles(phase.name());
                return Err(self.mismatch(0, what, 0, expected as i64, got as i64, cycle));
            }
        }
        if phases.contains(&Phase::Load) && self.predicted.array_busy != measured.array_busy {
            let (expected, got) = (self.predicted.array_busy, measured.array_busy);
            return Err(self.mismatch(0, What::Cycles("array_busy"), 0, expected as i64, got as i64, cycle));
        }
        Ok(())
    }

    /// Compares all device states of `layer`.
    pub fn states(&self, layer: usize, expected: &[i32], got: &[i32], cycle: u64) -> Result<(), Mismatch> {
        self.compare(layer, What::State, 0, expected, got, cycle)
    }

    /// Compares an output vector that left the machine.
    pub fn output(&self, sample: u64, expected: &[i32], got: &[i32], cycle: u64) -> Result<(), Mismatch> {
        let last = self.names.len() - 1;
        self.compare(last, What::Output, 0, expected, got, cycle).map_err(|m| Mismatch { sample, ..m })
    }
}
