//! Momentum in digital memory, row by row: a velocity and a residue per cell.
//!
//! `V <- gamma V + eta x y`, `chi <- chi + V`; what chi holds of whole steps of the device goes out as pulses and is taken off it. So
//! every gradient reaches the weights in the end, however small (mixed-precision training, domain 5.3). For Nesterov's kind the memory
//! holds gamma V: `V <- (gamma V) + eta x y`, `chi <- chi + gamma V + eta x y`. In a batch V decays once; the pulses come with the last
//! sample.
//!
//! With rounding by chance there is no chi: whole steps in V go out as pulses, and one more with the probability of the rest. A generator
//! for each lane draws, beat by beat.

use super::{Batch, Registers, Slot};
use crate::fixed;
use crate::lfsr::{self, Lfsr};
use crate::spec::{Design, DigitalVelocity, FactorFormat, Layer, MOMENTUM_BITS};

/// The unit of one layer.
#[derive(Debug, Clone)]
pub struct Sram {
    format: DigitalVelocity,
    factor: FactorFormat,
    nesterov: bool,
    /// Row code of a slot's one row.
    code: i32,
    /// Most steps of a pulse.
    most: i64,
    lanes: usize,
    cells: Cells,
    spare: Vec<Slot>,
}

/// Most bits of a draw.
const DRAW_BITS: u32 = 24;

/// What is left of a velocity beside whole steps, as a probability of `bits` bits.
fn rest(velocity: i64, step_shift: u32, bits: u32) -> u32 {
    ((velocity.abs() & ((1 << step_shift) - 1)) >> (step_shift - bits)) as u32
}

/// Words of all cells, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    v: Vec<i32>,
    /// Empty with rounding by chance.
    chi: Vec<i32>,
    /// Generators of the lanes; empty without.
    lfsrs: Vec<Lfsr>,
    /// All words count as zero in the next step.
    clear: bool,
    batch: Batch,
}

impl Sram {
    pub fn new(design: &Design, layer: &Layer) -> Sram {
        let format = layer.digital_velocity(design).expect("a design with this unit has its formats");
        let cells = layer.rows() * layer.outputs;
        let (lanes, stochastic) = (design.array.lanes, design.training.rounding.stochastic());
        let index = design.layers.iter().position(|other| other.name == layer.name).unwrap_or(0);
        let generators = if stochastic { lanes as u32 } else { 0 };
        Sram {
            format,
            factor: design.factor_format(),
            nesterov: design.training.momentum_kind.nesterov(),
            code: 1 << (design.array.dac_bits - 2),
            most: ((1 << design.array.pulse_bits) - 1) >> format.coarse,
            lanes,
            cells: Cells {
                v: vec![0; cells],
                chi: vec![0; if stochastic { 0 } else { cells }],
                lfsrs: (0..generators).map(|lane| Lfsr::new(lfsr::seed(index), lane)).collect(),
                clear: true,
                batch: Batch::new(design, layer),
            },
            spare: Vec::new(),
        }
    }

    /// See [`super::Engine::step`].
    pub fn step(&mut self, x: &[i32], y: &[i32], registers: Registers, slots: &mut Vec<Slot>) -> usize {
        let DigitalVelocity { bits, gradient_shift, step_shift, coarse } = self.format;
        self.spare.append(slots);
        let (first, last) = self.cells.batch.next();
        if std::mem::take(&mut self.cells.clear) {
            self.cells.v.fill(0);
            self.cells.chi.fill(0);
        }
        let drawn = step_shift.min(DRAW_BITS);
        let eta = i64::from(self.factor.factors(registers.eta, registers.gamma).rate());
        let gamma = i64::from(registers.gamma);
        // Towards zero: rounded to nearest, a small velocity would never die.
        let decayed = |v: i64| v * gamma / (1 << MOMENTUM_BITS);
        let Cells { v, chi, lfsrs, .. } = &mut self.cells;
        for (row, (v, &xm)) in v.chunks_exact_mut(y.len()).zip(x).enumerate() {
            let chi = chi.get_mut(row * y.len()..).unwrap_or_default();
            let mut slot = self.spare.pop().unwrap_or_default();
            slot.pulses.clear();
            slot.longest = 0;
            for (n, (v, &yn)) in v.iter_mut().zip(y).enumerate() {
                let gradient = fixed::round_shift(i64::from(xm) * eta * i64::from(yn), gradient_shift);
                // What the residue takes of this sample.
                let step = if self.nesterov {
                    let gradient = fixed::saturate(gradient, bits);
                    let moved = fixed::saturate(i64::from(*v) + gradient, bits);
                    let kept = if last { decayed(moved) } else { moved };
                    *v = kept as i32;
                    if last { fixed::saturate(kept + gradient, bits) } else { gradient }
                } else {
                    let kept = if first { decayed(i64::from(*v)) } else { i64::from(*v) };
                    let moved = fixed::saturate(kept + gradient, bits);
                    *v = moved as i32;
                    if last { moved } else { 0 }
                };
                let (total, steps) = if let Some(lfsr) = lfsrs.get(n % self.lanes) {
                    let more = lfsr.draw(drawn) < rest(step, step_shift, drawn);
                    (step, (step.abs() >> step_shift) + i64::from(more))
                } else {
                    let total = fixed::saturate(i64::from(chi[n]) + step, bits);
                    (total, total.abs() >> step_shift)
                };
                let steps = if last { steps.min(self.most) } else { 0 };
                if let Some(chi) = chi.get_mut(n) {
                    *chi = (total - ((steps * total.signum()) << step_shift)) as i32;
                }
                // All lanes draw for each beat, and also for words that the last one lacks.
                if (n + 1) % self.lanes == 0 || n + 1 == y.len() {
                    lfsrs.iter_mut().for_each(Lfsr::advance);
                }
                let width = (steps << coarse) as u32;
                slot.longest = slot.longest.max(width);
                slot.pulses.push(width as i32 * total.signum() as i32);
            }
            if slot.longest == 0 {
                self.spare.push(slot);
                continue;
            }
            slot.age = row;
            slot.x.clear();
            slot.x.resize(x.len(), 0);
            slot.x[row] = self.code;
            slots.push(slot);
        }
        self.spare.truncate(x.len());
        if last { x.len() - slots.len() } else { 0 }
    }

    /// Forgets velocities and residues.
    pub fn clear(&mut self) {
        self.cells.clear = true;
        self.cells.batch.restart();
    }

    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    pub fn restore(&mut self, cells: &Cells) {
        self.cells.clone_from(cells);
    }
}
