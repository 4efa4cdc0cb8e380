//! Tiki-Taka: a fast array of second devices takes the gradients; its rows are read one after the other, and what is read reaches
//! the weights through residues in digital memory (domain 8, after aihwkit's transfer compounds).
//!
//! A step is `A <- A + eta y x^T`. Every so many steps comes the next row m: `a = A_m` is read, `H_m <- H_m + share a`; what H holds of
//! whole steps of the weights' device goes out as pulses to row m of W and is taken off it; and `A_m <- A_m - (1 - gamma) a`. aihwkit
//! leaves this last part to the device, which has to be asymmetric for it. With gamma near 1 it vanishes here, too.

use super::{Batch, Kind, Registers, Single, Slot};
use crate::array::Grid;
use crate::device::NotFinite;
use crate::fixed;
use crate::golden::machine::LayerTrace;
use crate::spec::{Design, Layer, MOMENTUM_BITS, TransferFormat};

/// The unit of one layer.
#[derive(Debug, Clone)]
pub struct TikiTaka {
    single: Single,
    format: TransferFormat,
    every: u32,
    cols: usize,
    /// Row code of a slot's one row.
    code: i32,
    /// Most steps of a pulse to the weights, and longest pulse.
    most: i64,
    longest: i64,
    residues: Residues,
}

/// What is kept from step to step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residues {
    /// H of all cells, row-major.
    h: Vec<i32>,
    batch: Batch,
    /// Steps since the last transfer; a batch is one.
    steps: u32,
    /// The row that comes next.
    row: usize,
    /// Rows whose next transfer moves nothing and leaves nothing in the fast array.
    drain: usize,
}

impl TikiTaka {
    /// As after a reset: what the fast array holds is not known, so that the first pass over its rows only empties them.
    pub fn new(design: &Design, layer: &Layer) -> TikiTaka {
        let format = layer.transfer_format(design).expect("a design with this unit has its formats");
        let longest = (1 << design.array.pulse_bits) - 1;
        TikiTaka {
            single: Single::new(design, layer),
            format,
            every: design.training.transfer.map_or(1, |transfer| transfer.every),
            cols: layer.outputs,
            code: 1 << (design.array.dac_bits - 2),
            most: longest >> format.coarse,
            longest,
            residues: Residues {
                h: vec![0; layer.rows() * layer.outputs],
                batch: Batch::new(design, layer),
                steps: 0,
                row: 0,
                drain: layer.rows(),
            },
        }
    }

    /// See [`super::Engine::step`].
    pub fn step(&mut self, registers: Registers, array: &mut Grid, t: &mut LayerTrace) -> Result<(), NotFinite> {
        t.slots.clear();
        t.skipped = 0;
        let mut pair = Slot { kind: Kind::WriteVelocity, ..Slot::default() };
        if self.single.fill(&t.x, &t.y, registers, &mut pair) {
            perform(pair, array, t);
        } else {
            t.skipped += 1;
        }
        let (_, last) = self.residues.batch.next();
        if !last {
            return Ok(());
        }
        self.residues.steps += 1;
        if self.residues.steps < self.every {
            return Ok(());
        }
        self.residues.steps = 0;

        let row = self.residues.row;
        let drains = self.residues.drain > 0;
        let mut x = vec![0; t.x.len()];
        x[row] = self.code;
        array.read_velocity(&x, &mut t.tile_fast, &mut t.fast)?;
        t.slots.push(Slot { kind: Kind::ReadVelocity, age: row, x: x.clone(), ..Slot::default() });

        let to_weights: Vec<i32> = t.fast.iter().enumerate().map(|(col, &a)| self.take(row, col, a, drains)).collect();
        let lost = i64::from(if drains { 1 << MOMENTUM_BITS } else { (1 << MOMENTUM_BITS) - registers.gamma });
        let back = |&a: &i32| {
            let width = fixed::round_shift(i64::from(a.abs()) * lost, self.format.back_shift).min(self.longest);
            -(width as i32) * a.signum()
        };
        let from_fast: Vec<i32> = t.fast.iter().map(back).collect();
        for (kind, pulses) in [(Kind::Write, to_weights), (Kind::WriteVelocity, from_fast)] {
            let longest = super::largest(&pulses) as u32;
            if longest == 0 {
                t.skipped += 1;
                continue;
            }
            perform(Slot { kind, age: row, x: x.clone(), pulses, longest }, array, t);
        }
        self.residues.row = if row + 1 == x.len() { 0 } else { row + 1 };
        self.residues.drain = self.residues.drain.saturating_sub(1);
        Ok(())
    }

    /// Adds a code to a residue and takes the whole steps off it: their pulse to the weight.
    fn take(&mut self, row: usize, col: usize, code: i32, drains: bool) -> i32 {
        let TransferFormat { bits, code_shift, step_shift, coarse, .. } = self.format;
        let h = &mut self.residues.h[row * self.cols + col];
        if drains {
            *h = 0;
            return 0;
        }
        let total = fixed::saturate(i64::from(*h) + (i64::from(code) << code_shift), bits);
        let steps = (total.abs() >> step_shift).min(self.most);
        *h = (total - ((steps * total.signum()) << step_shift)) as i32;
        ((steps << coarse) * total.signum()) as i32
    }

    /// Forgets gradients, residues and an unfinished batch: each row is emptied when it comes next.
    pub fn clear(&mut self) {
        self.residues.drain = self.residues.h.len() / self.cols;
        self.residues.batch.restart();
    }

    pub fn residues(&self) -> &Residues {
        &self.residues
    }

    pub fn restore(&mut self, residues: &Residues) {
        self.residues.clone_from(residues);
    }
}

fn perform(slot: Slot, array: &mut Grid, trace: &mut LayerTrace) {
    slot.apply(array);
    trace.slots.push(slot);
}
