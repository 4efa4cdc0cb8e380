//! Holds what the RTL does in one sample against the golden trace of that sample.

use std::ops::Range;

use super::array_pins::{ArrayPins, Event, Read};
use super::error::{Mismatch, What};
use crate::array::{TileCodes, column_bit, row_bit};
use crate::cycles::SampleCycles;
use crate::golden::memory::CellKind;
use crate::golden::momentum::{Kind, Slot};
use crate::golden::{Machine, Mode, SampleTrace};
use crate::phases::Phase;
use crate::spec::{Design, LocalTiming, Tile};

/// How far an array has come within the sample.
#[derive(Debug, Clone, Copy)]
struct ArrayProgress {
    layer: usize,
    tile: Tile,
    /// Rows of the layer, bias included.
    layer_rows: usize,
    forward_codes: usize,
    back_codes: usize,
    /// Of the read of second devices that the update is at.
    fast_codes: usize,
    slots: usize,
}

impl ArrayProgress {
    /// Row codes of a forward read among those of all reads of a convolution.
    fn rows_of(&self, read: usize) -> Range<usize> {
        let first = read * self.layer_rows + self.tile.first_row;
        first..first + self.tile.rows
    }

    fn rows(&self) -> Range<usize> {
        self.tile.first_row..self.tile.first_row + self.tile.rows
    }

    fn cols(&self) -> Range<usize> {
        self.tile.first_col..self.tile.first_col + self.tile.cols
    }
}

/// The expectations of the running sample.
pub struct Scoreboard {
    pub trace: SampleTrace,
    pub predicted: SampleCycles,
    pub mode: Mode,
    /// Number of the sample since the start of the co-simulation.
    pub sample: u64,
    arrays: Vec<ArrayProgress>,
    /// Words of y seen, per layer.
    y_words: Vec<usize>,
    /// Cell operations seen, of those in `trace.memory`.
    cells: usize,
    /// Cycles before a pulse on a cell.
    pub cell_setup: u64,
    names: Vec<String>,
    adcs: usize,
    /// Reads are bit-serial.
    serial: bool,
    /// Several devices per weight.
    sliced: bool,
    /// Steps of a forward read.
    forward_planes: usize,
    /// Bits of a row code.
    dac_bits: u32,
    pulse_lsb: u32,
    local: Option<LocalTiming>,
    longest_checked: bool,
}

impl Scoreboard {
    pub fn new(design: &Design) -> Self {
        Scoreboard {
            trace: SampleTrace::default(),
            predicted: SampleCycles::default(),
            mode: Mode::Infer,
            sample: 0,
            arrays: design
                .arrays()
                .map(|(layer, tile)| ArrayProgress {
                    layer,
                    tile,
                    layer_rows: design.layers[layer].rows(),
                    forward_codes: 0,
                    back_codes: 0,
                    fast_codes: 0,
                    slots: 0,
                })
                .collect(),
            y_words: vec![0; design.layers.len()],
            cells: 0,
            cell_setup: design.memory.as_ref().map_or(0, |m| u64::from(m.setup)),
            names: design.layers.iter().map(|l| l.name.clone()).collect(),
            adcs: design.array.adcs,
            serial: design.array.input_coding.bit_serial(),
            sliced: design.array.slices.is_some(),
            forward_planes: design.array.planes().0 as usize,
            dac_bits: design.array.dac_bits,
            pulse_lsb: design.timing.pulse_lsb,
            local: design.timing.local,
            longest_checked: design.array.backend == crate::spec::Backend::External,
        }
    }

    /// How far an array has come in the sample: codes that left it in reads, and the operation of its layer's update that is next there.
    pub fn progress(&self, number: usize) -> (usize, usize) {
        let p = &self.arrays[number];
        (p.forward_codes + p.back_codes + p.fast_codes, self.slot_number(p))
    }

    /// Forgets the progress of the last sample; `trace` and `predicted` hold the next one.
    pub fn begin(&mut self) {
        for array in &mut self.arrays {
            (array.forward_codes, array.back_codes, array.fast_codes, array.slots) = (0, 0, 0, 0);
        }
        self.y_words.fill(0);
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

    /// An event on the pins of array `number`.
    pub fn array_event(&mut self, number: usize, event: Event, array: &ArrayPins, cycle: u64) -> Result<(), Mismatch> {
        let p = self.arrays[number];
        let layer = p.layer;
        if let Event::CellEnd { announced } = event {
            return self.cell(layer, array, announced, cycle);
        }
        let Some(t) = self.trace.layers.get(layer) else { return Ok(()) };
        match event {
            Event::None | Event::CellStart | Event::CellEnd { .. } => Ok(()),
            Event::ReadStart(read) => self.lines_of_read(p, read, array, cycle),
            Event::Codes { read, group } => {
                let (what, tiles, done, line, lines) = match read {
                    Read::Forward => (What::AdcCode, &t.tile_reads, p.forward_codes, p.tile.first_col, p.tile.cols),
                    Read::Back => (What::BackCode, &t.tile_backs, p.back_codes, p.tile.first_row, p.tile.inputs),
                    Read::Row => (What::FastCode, &t.tile_fast, p.fast_codes, p.tile.first_col, p.tile.cols),
                };
                let all = tiles.get(p.tile.index).map_or(&[][..], Vec::as_slice);
                // The codes of all steps stand one after the other.
                let begin = done / lines.max(1) * lines;
                let first = begin + group * self.adcs;
                let last = (first + self.adcs).min(begin + lines).min(all.len());
                if first != done || first >= last {
                    let (want, got) = (done - begin, group * self.adcs);
                    return Err(self.mismatch(layer, What::Operation, group, want as i64, got as i64, cycle));
                }
                self.lines_of_read(p, read, array, cycle)?;
                self.compare(layer, what, line + first - begin, &all[first..last], &array.codes, cycle)?;
                let all = all.len();
                let p = &mut self.arrays[number];
                match read {
                    Read::Forward => p.forward_codes = last,
                    Read::Back => p.back_codes = last,
                    Read::Row => {
                        p.fast_codes = last;
                        p.slots += usize::from(last == all);
                    }
                }
                Ok(())
            }
            Event::SlotStart => self.slot(p, self.next_slot(p, cycle)?, array, cycle),
            Event::SlotEnd { cycles } => {
                let slot = self.next_slot(p, cycle)?;
                self.slot(p, slot, array, cycle)?;
                if let Kind::Decay { gamma } = slot.kind
                    && gamma != array.gamma
                {
                    return Err(self.mismatch(layer, What::Gamma, p.slots, gamma.into(), array.gamma.into(), cycle));
                }
                let seen = if array.lines_seen() { p.cols() } else { 0..0 };
                for (col, &width) in seen.zip(&array.widths) {
                    let expected = slot.pulses.get(col).map_or(0, |pulse| pulse.unsigned_abs()) * self.pulse_lsb;
                    if expected != width {
                        return Err(self.mismatch(layer, What::PulseWidth, col, expected.into(), width.into(), cycle));
                    }
                }
                let expected = match (slot.kind, self.local) {
                    (Kind::Decay { .. }, Some(local)) => local.decay.into(),
                    (Kind::Transfer, Some(local)) => local.transfer.into(),
                    _ => u64::from(slot.longest * self.pulse_lsb),
                };
                if self.longest_checked && cycles != expected {
                    return Err(self.mismatch(layer, What::SlotLength, p.slots, expected as i64, cycles as i64, cycle));
                }
                self.arrays[number].slots += 1;
                Ok(())
            }
        }
    }

    /// The operation of the update that an array is at.
    fn next_slot(&self, p: ArrayProgress, cycle: u64) -> Result<&Slot, Mismatch> {
        let slots = &self.trace.layers[p.layer].slots;
        slots.get(self.slot_number(&p)).ok_or_else(|| {
            let all = self.slots_of(&p);
            self.mismatch(p.layer, What::Slots, p.slots, all as i64, p.slots as i64 + 1, cycle)
        })
    }

    /// Place of the operation that an array is at among those of its layer, of which each reaches one slice.
    fn slot_number(&self, p: &ArrayProgress) -> usize {
        if !self.sliced {
            return p.slots;
        }
        let slots = self.trace.layers[p.layer].slots.iter().enumerate();
        let mut own = slots.filter(|(_, slot)| slot.kind.reaches(p.tile.slice));
        own.nth(p.slots).map_or(usize::MAX, |(number, _)| number)
    }

    /// Operations of the update that reach an array.
    fn slots_of(&self, p: &ArrayProgress) -> usize {
        let slots = &self.trace.layers[p.layer].slots;
        if !self.sliced {
            return slots.len();
        }
        slots.iter().filter(|slot| slot.kind.reaches(p.tile.slice)).count()
    }

    /// Kind of an operation of the update, rows and columns of a write.
    fn slot(&self, p: ArrayProgress, slot: &Slot, array: &ArrayPins, cycle: u64) -> Result<(), Mismatch> {
        let (want, got) = (slot.kind.code(), array.kind);
        if want != got {
            return Err(self.mismatch(p.layer, What::SlotKind, p.slots, want as i64, got as i64, cycle));
        }
        if !slot.kind.writes() || !array.lines_seen() {
            return Ok(());
        }
        self.compare(p.layer, What::RowCode, p.tile.first_row, &slot.x[p.rows()], &array.x, cycle)?;
        self.compare(p.layer, What::PulseCode, p.tile.first_col, &slot.pulses[p.cols()], &array.pulses, cycle)
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
    fn lines_of_read(&self, p: ArrayProgress, read: Read, array: &ArrayPins, cycle: u64) -> Result<(), Mismatch> {
        // Codes in memories show in what they make of the array: codes and states.
        if !array.lines_seen() {
            return Ok(());
        }
        let t = &self.trace.layers[p.layer];
        if let Some(col) = array.stray_pulse {
            return Err(self.mismatch(p.layer, What::PulseWidth, p.tile.first_col + col, 0, 1, cycle));
        }
        let (what, first, all, lines, seen) = match read {
            Read::Forward => (What::RowCode, p.tile.first_row, &t.x, p.rows_of(self.forward_read(&p)), &array.x),
            Read::Back => (What::DriveCode, p.tile.first_col, &t.drive, p.cols(), &array.drive),
            Read::Row => {
                let slot = self.next_slot(p, cycle)?;
                let (want, got) = (slot.kind.code(), Kind::ReadVelocity.code());
                if want != got {
                    return Err(self.mismatch(p.layer, What::SlotKind, p.slots, want as i64, got as i64, cycle));
                }
                (What::RowCode, p.tile.first_row, &slot.x, p.rows(), &array.x)
            }
        };
        // A read that golden does not do has no codes to drive.
        let codes = all.get(lines).unwrap_or_default();
        if !self.serial {
            return self.compare(p.layer, what, first, codes, seen, cycle);
        }
        let step = |done: usize, lines: usize| (done / lines.max(1)) as u32;
        let bits: Vec<i32> = match read {
            Read::Forward => {
                let plane = step(p.forward_codes, p.tile.cols) - (self.forward_read(&p) * self.forward_planes) as u32;
                codes.iter().map(|&x| row_bit(x, plane)).collect()
            }
            Read::Back => {
                let plane = step(p.back_codes, p.tile.inputs);
                codes.iter().map(|&u| column_bit(u, plane)).collect()
            }
            // Half of full scale: one bit.
            Read::Row => codes.iter().map(|&x| row_bit(x, self.dac_bits - 2)).collect(),
        };
        self.compare(p.layer, what, first, &bits, seen, cycle)
    }

    /// Number of the forward read that an array is at: 0 but in a convolution. What comes after the last counts as that.
    fn forward_read(&self, p: &ArrayProgress) -> usize {
        let reads = self.trace.layers[p.layer].x.len() / p.layer_rows.max(1);
        (p.forward_codes / p.tile.cols.max(1) / self.forward_planes).min(reads.saturating_sub(1))
    }

    /// A beat of y of `layer`, first word `first`.
    pub fn y_beat(&mut self, layer: usize, first: usize, words: &[i32], cycle: u64) -> Result<(), Mismatch> {
        let y = &self.trace.layers[layer].y;
        let last = (first + words.len()).min(y.len());
        if first != self.y_words[layer] || first >= last {
            let done = self.y_words[layer] as i64;
            return Err(self.mismatch(layer, What::Error, first, done, first as i64, cycle));
        }
        self.compare(layer, What::Error, first, &y[first..last], &words[..last - first], cycle)?;
        // Lanes beyond the last word must be silent: they take part in the search for the longest pulse.
        for (i, &word) in words[last - first..].iter().enumerate() {
            if word != 0 {
                return Err(self.mismatch(layer, What::Error, last + i, 0, word.into(), cycle));
            }
        }
        self.y_words[layer] = last;
        Ok(())
    }

    /// The RTL says that the sample is finished: everything expected must have happened.
    pub fn end(&self, measured: &SampleCycles, phases: &[Phase], cycle: u64) -> Result<(), Mismatch> {
        self.cells_end(cycle)?;
        for p in &self.arrays {
            let t = &self.trace.layers[p.layer];
            let codes = |tiles: &TileCodes| tiles.get(p.tile.index).map_or(0, Vec::len);
            let checks = [
                (What::Codes("forward"), codes(&t.tile_reads), p.forward_codes),
                (What::Codes("transposed"), codes(&t.tile_backs), p.back_codes),
                (What::Slots, self.slots_of(p), p.slots),
            ];
            for (what, expected, got) in checks {
                if expected != got {
                    return Err(self.mismatch(p.layer, what, p.tile.index, expected as i64, got as i64, cycle));
                }
            }
        }
        for (index, (t, &got)) in self.trace.layers.iter().zip(&self.y_words).enumerate() {
            if t.y.len() != got {
                return Err(self.mismatch(index, What::Error, got, t.y.len() as i64, got as i64, cycle));
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

    /// Compares the device states behind the pins of `array` with golden's; nothing where the design emulates the array.
    pub fn array_states(&self, array: &ArrayPins, golden: &Machine, cycle: u64) -> Result<(), Mismatch> {
        let Some(crossbar) = &array.crossbar else { return Ok(()) };
        let expected = golden.array(array.layer).tile(array.tile.index);
        self.states(array.layer, expected.states(), crossbar.states(), cycle)?;
        self.compare(array.layer, What::Velocity, 0, expected.velocities(), crossbar.velocities(), cycle)
    }

    /// Compares all device states of `layer`, or of one of its arrays.
    pub fn states(&self, layer: usize, expected: &[i32], got: &[i32], cycle: u64) -> Result<(), Mismatch> {
        self.compare(layer, What::State, 0, expected, got, cycle)
    }

    /// Compares an output vector that left the machine.
    pub fn output(&self, sample: u64, expected: &[i32], got: &[i32], cycle: u64) -> Result<(), Mismatch> {
        let last = self.names.len() - 1;
        self.compare(last, What::Output, 0, expected, got, cycle).map_err(|m| Mismatch { sample, ..m })
    }
}
