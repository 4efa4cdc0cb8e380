//! How a design is trained: optimiser, loss and momentum unit, as its spec says.

use serde::Serialize;

use super::{MomentumKind, ScheduleStep};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Training {
    pub loss: Loss,
    pub optimizer: Optimizer,
    pub learning_rate: f64,
    pub momentum: f64,
    pub momentum_unit: MomentumUnit,
    pub momentum_kind: MomentumKind,
    /// Samples of a batch: weights stand still while they are read, then take the mean of their gradients.
    pub batch: usize,
    /// Depth n of the unit `history`: the pairs (x, y) of the current and the n-1 previous batches; 1 for all other units.
    pub history: usize,
    /// Bits of a unit's velocity below the product of row code and pulse width; `None` for units that keep no velocity.
    pub velocity_guard: Option<u32>,
    /// How the unit `sram` makes pulses of velocities.
    pub rounding: Rounding,
    /// How the unit `tiki_taka` moves what its fast array holds; `None` for all others.
    pub transfer: Option<Transfer>,
    pub epochs: usize,
    /// Changes of learning rate and momentum, in ascending epochs.
    pub schedule: Vec<ScheduleStep>,
    pub seed: u64,
    /// Initial weights are uniform in +- this value; `None`: sqrt(6 / (M + N)) of each layer (Glorot and Bengio 2010);
    /// see [`super::Layer::initial_weight`].
    pub initial_weight: Option<f64>,
}

/// What becomes of the part of a velocity that is less than a step of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// It waits in memory, cell by cell, until it makes a step.
    Residue,
    /// It makes a step with its own probability; generators in the hardware draw.
    Stochastic,
}

/// What training makes small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `1/2 |t - o|^2`: y = (t - o) f'(r).
    Squared,
    /// `-sum t ln o` of a softmax: y = t - o.
    CrossEntropy,
}

/// Transfers of the unit `tiki_taka`, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// Training steps from one row's transfer to the next row's, at least 1.
    pub every: u32,
    /// Share of what is read that reaches the weights: `2^-rate`.
    pub rate: u32,
    /// Full scale of the fast array: `2^range` times the longest pulse on a row at half of full scale.
    pub range: u32,
}

impl Training {
    /// Whether pairs (x, y) wait in a ring until they are written: those of past batches, or of this one.
    pub fn ring(&self) -> bool {
        self.momentum_unit.history() || (self.momentum_unit == MomentumUnit::None && self.batch > 1)
    }

    /// Pairs that a ring holds; 1 without.
    pub fn pairs(&self) -> usize {
        if self.ring() { self.history * self.batch } else { 1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    Sgd,
    Momentum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentumUnit {
    /// No momentum: one rank-1 write per step.
    None,
    /// The last pairs (x, y) in a ring beside the array.
    History,
    /// The velocity in a second device of each synapse.
    InArray,
    /// The velocity in digital memory, row by row.
    Sram,
    /// Gradients in a fast array of second devices, moved row by row to the weights.
    TikiTaka,
}

impl Loss {
    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Squared => "squared",
            Loss::CrossEntropy => "cross_entropy",
        }
    }
}

impl Rounding {
    pub const ALL: [Rounding; 2] = [Rounding::Residue, Rounding::Stochastic];

    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Rounding::Residue => "residue",
            Rounding::Stochastic => "stochastic",
        }
    }

    pub fn stochastic(self) -> bool {
        self == Rounding::Stochastic
    }
}

impl MomentumUnit {
    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            MomentumUnit::None => "none",
            MomentumUnit::History => "history",
            MomentumUnit::InArray => "in_array",
            MomentumUnit::Sram => "sram",
            MomentumUnit::TikiTaka => "tiki_taka",
        }
    }

    /// Whether the unit has a momentum register.
    pub fn momentum(self) -> bool {
        self != MomentumUnit::None
    }

    pub fn history(self) -> bool {
        self == MomentumUnit::History
    }

    pub fn in_array(self) -> bool {
        self == MomentumUnit::InArray
    }

    /// Whether the unit keeps a velocity V, see [`Training::velocity_guard`].
    pub fn velocity(self) -> bool {
        self.in_array() || self.sram()
    }

    pub fn sram(self) -> bool {
        self == MomentumUnit::Sram
    }

    pub fn tiki_taka(self) -> bool {
        self == MomentumUnit::TikiTaka
    }

    /// Whether each synapse has a second device.
    pub fn second_devices(self) -> bool {
        self.in_array() || self.tiki_taka()
    }

    /// Whether its digital memory holds a sum of the whole past.
    pub fn sums_the_past(self) -> bool {
        self.sram() || self.tiki_taka()
    }
}
