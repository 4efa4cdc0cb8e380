//! Carries between the devices of a weight: a row of a slice is read, and what it holds of whole carries moves to the slice above.
//!
//! Every so many steps comes the next row; with more than two slices each row is carried from the lowest slice upwards, one slice
//! a step. What moves leaves the weight as it is: a pulse on the slice above counts as much as the pulses of the slice below that it
//! replaces. What is less than a whole carry stays.

use super::{Batch, Kind, Slot, largest};
use crate::array::Grid;
use crate::device::NotFinite;
use crate::golden::machine::LayerTrace;
use crate::spec::{CarryFormat, Design, Layer};

/// The carries of one layer.
#[derive(Debug, Clone)]
pub struct Carry {
    format: CarryFormat,
    every: u32,
    slices: usize,
    rows: usize,
    /// Row code of a slot's one row.
    code: i32,
    /// Most carries at once.
    most: i32,
    turn: Turn,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    batch: Batch,
    /// Steps since the last carry; a batch is one.
    steps: u32,
    row: usize,
    /// The slice that is emptied.
    slice: usize,
}

impl Carry {
    /// Those of `layer` as after a reset; `None` with one device per weight.
    pub fn new(design: &Design, layer: &Layer) -> Option<Carry> {
        let (slices, format) = (design.array.slices?, layer.carry_format(design)?);
        Some(Carry {
            format,
            every: slices.every,
            slices: slices.count,
            rows: layer.rows(),
            code: 1 << (design.array.dac_bits - 2),
            most: ((1 << design.array.pulse_bits) - 1) >> format.back,
            turn: Turn { batch: Batch::new(design, layer), steps: 0, row: 0, slice: 0 },
        })
    }

    /// What comes after the momentum unit's step: adds the operations to those of the trace, and a row without a whole carry to what
    /// was passed over.
    ///
    /// # Errors
    /// A device that is read and whose state is no number.
    pub fn step(&mut self, array: &mut Grid, t: &mut LayerTrace) -> Result<(), NotFinite> {
        let (_, last) = self.turn.batch.next();
        if !last {
            return Ok(());
        }
        self.turn.steps += 1;
        if self.turn.steps < self.every {
            return Ok(());
        }
        self.turn.steps = 0;
        let Turn { row, slice, .. } = self.turn;
        let mut x = vec![0; self.rows];
        x[row] = self.code;
        array.read_slice(slice, &x, &mut t.tile_fast, &mut t.fast)?;
        t.slots.push(Slot { kind: Kind::ReadSlice { slice }, age: row, x: x.clone(), ..Slot::default() });
        let carries: Vec<i32> = t.fast.iter().map(|&code| self.carries(code)).collect();
        let longest = largest(&carries);
        if longest == 0 {
            t.skipped += 1;
        }
        let writes = [(slice + 1, self.format.coarse, 1), (slice, self.format.back, -1)];
        for (slice, shift, sign) in writes.into_iter().filter(|_| longest > 0) {
            let slot = Slot {
                kind: Kind::WriteSlice { slice },
                age: row,
                x: x.clone(),
                pulses: carries.iter().map(|&n| sign * (n << shift)).collect(),
                longest: (longest << shift) as u32,
            };
            slot.apply(array);
            t.slots.push(slot);
        }
        self.turn.slice = if slice + 2 < self.slices { slice + 1 } else { 0 };
        if self.turn.slice == 0 {
            self.turn.row = if row + 1 == self.rows { 0 } else { row + 1 };
        }
        Ok(())
    }

    /// Whole carries that a code stands for.
    fn carries(&self, code: i32) -> i32 {
        let whole = (code.abs() << self.format.up) >> self.format.down;
        whole.min(self.most) * code.signum()
    }

    /// Forgets an unfinished batch.
    pub fn clear(&mut self) {
        self.turn.batch.restart();
    }

    pub fn turn(&self) -> Turn {
        self.turn
    }

    pub fn restore(&mut self, turn: Turn) {
        self.turn = turn;
    }
}
