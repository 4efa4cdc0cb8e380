//! Askama structs of the momentum units and of the block that forms the factors of gradients.

use askama::Template;

use super::core::bits_for;
use crate::spec::{Design, Layer, MomentumUnit, Training};

#[derive(Template)]
#[template(path = "momentum_none.v", escape = "none")]
struct MomentumNone<'a> {
    name: &'a str,
    /// Of the module's name behind the design's.
    prefix: &'a str,
    /// It is a convolution's.
    conv: bool,
    /// A register behind the multipliers.
    deep: bool,
    /// Nothing is looked at before y is there.
    single: bool,
    pulse_table: bool,
    /// Net that the pulse widths stand on.
    width: &'a str,
}

#[derive(Template)]
#[template(path = "momentum_history.v", escape = "none")]
struct MomentumHistory<'a> {
    name: &'a str,
    prefix: &'a str,
    /// A register behind the multipliers.
    deep: bool,
    single: bool,
    pulse_table: bool,
    width: &'a str,
    batch: usize,
    /// See [`ages`].
    ages: usize,
    age_bits: u32,
}

/// The block that forms the factors of earlier gradients, one for all layers.
#[derive(Template)]
#[template(path = "momentum_decay.v", escape = "none")]
pub(super) struct Decay<'a> {
    name: &'a str,
    batch: usize,
}

impl Decay<'_> {
    /// `None` where no step looks at earlier gradients again.
    pub fn new(design: &Design) -> Option<Decay<'_>> {
        (ages(&design.training) > 1).then_some(Decay { name: &design.name, batch: design.training.batch })
    }
}

/// Batches that a step of the ring looks at, the running one included.
pub(super) fn ages(training: &Training) -> usize {
    if training.momentum_unit.history() { training.history } else { 1 }
}

/// Net from which the factor of the newest earlier batch decays.
pub(super) fn decays_from(design: &Design) -> &'static str {
    match (design.factor_format().plain(), design.training.momentum_kind.nesterov()) {
        (true, _) => "{learning_rate, 8'd0}",
        (false, false) => "own_scale",
        (false, true) => "past_scale",
    }
}

#[derive(Template)]
#[template(path = "momentum_in_array.v", escape = "none")]
struct MomentumInArray<'a> {
    name: &'a str,
    prefix: &'a str,
    conv: bool,
    /// A register behind the multipliers.
    deep: bool,
    pulse_table: bool,
    width: &'a str,
    nesterov: bool,
    batch: usize,
}

#[derive(Template)]
#[template(path = "momentum_sram.v", escape = "none")]
struct MomentumSram<'a> {
    name: &'a str,
    prefix: &'a str,
    nesterov: bool,
    /// Rounding by chance.
    stochastic: bool,
    batch: usize,
    /// Cycles of a beat, and its last stage.
    stages: u32,
    end: &'a str,
}

#[derive(Template)]
#[template(path = "momentum_tiki_taka.v", escape = "none")]
struct MomentumTikiTaka<'a> {
    name: &'a str,
    /// A register behind the multipliers.
    deep: bool,
    pulse_table: bool,
    width: &'a str,
    batch: usize,
}

/// The block that makes factors of gradients from the registers, where these are not the learning rate itself.
#[derive(Template)]
#[template(path = "momentum_factors.v", escape = "none")]
pub(super) struct Factors<'a> {
    name: &'a str,
    dampened: bool,
    batch: usize,
    batch_shift: u32,
    /// Times which the learning rate becomes that of a mean, in units of `2^-16`.
    reciprocal: Option<u32>,
    /// Fraction bits of a factor.
    fraction: u32,
    /// Product of learning rate and share to factor, and half of its last place.
    shift: u32,
    half: u32,
    /// Pairs of earlier samples decay from something else than the own factor.
    pub past: bool,
}

impl Factors<'_> {
    /// `None` where the learning rate is the factor.
    pub fn new(design: &Design) -> Option<Factors<'_>> {
        let format = design.factor_format();
        if format.plain() {
            return None;
        }
        let kind = design.training.momentum_kind;
        let shift = format.damping_shift();
        Some(Factors {
            name: &design.name,
            dampened: kind.dampened(),
            batch: design.training.batch,
            batch_shift: design.training.batch.ilog2(),
            reciprocal: format.reciprocal(),
            fraction: format.fraction(),
            shift,
            half: 1 << (shift - 1),
            past: kind.nesterov() && design.training.momentum_unit.history(),
        })
    }

    /// Whether momentum takes part.
    pub fn momentum(&self) -> bool {
        self.dampened || self.past
    }
}

/// Name of the module of the design's momentum unit. A batch without momentum has a ring of its pairs, too.
pub(super) fn module(training: &Training) -> &'static str {
    if training.ring() { MomentumUnit::History.name() } else { training.momentum_unit.name() }
}

/// Whether there is something to forget: momentum, or an unfinished batch.
pub(super) fn clears(training: &Training) -> bool {
    training.momentum_unit.momentum() || training.batch > 1
}

/// Pairs that the unit of a layer takes for one step; 1 where it takes each pair by itself.
pub(super) fn batch(training: &Training, layer: &Layer) -> usize {
    match training.momentum_unit {
        MomentumUnit::None if !training.ring() => 1,
        _ => layer.gradients(training),
    }
}

/// Whether the unit has to know the first pair of such a `batch`.
pub(super) fn batch_first(training: &Training, batch: usize) -> bool {
    let unit = training.momentum_unit;
    batch > 1 && (unit.in_array() || (unit.sram() && !training.momentum_kind.nesterov()))
}

/// Text of a layer's momentum unit, those of convolutions with a `prefix` to the module's name.
pub(super) fn unit(design: &Design, layer: &Layer, prefix: &str, pulse_table: bool) -> Result<String, askama::Error> {
    let name = design.name.as_str();
    let kind = design.training.momentum_kind;
    let (batch, conv) = (batch(&design.training, layer), layer.conv.is_some());
    let deep = design.array.backend.lines_in_memory();
    let width = if pulse_table { "width" } else { "width_q" };
    match design.training.momentum_unit {
        _ if design.training.ring() => {
            let ages = ages(&design.training);
            MomentumHistory {
                name,
                prefix,
                deep,
                single: false,
                pulse_table,
                width,
                batch,
                ages,
                age_bits: bits_for(ages - 1),
            }
            .render()
        }
        MomentumUnit::None | MomentumUnit::History => {
            MomentumNone { name, prefix, conv, deep, single: true, pulse_table, width }.render()
        }
        MomentumUnit::InArray => {
            MomentumInArray { name, prefix, conv, deep, pulse_table, width, nesterov: kind.nesterov(), batch }.render()
        }
        MomentumUnit::TikiTaka => MomentumTikiTaka { name, deep, pulse_table, width: "pulse_width", batch }.render(),
        MomentumUnit::Sram => {
            let (stages, end) = if kind.nesterov() { (6, "s5") } else { (5, "s4") };
            let stochastic = design.training.rounding.stochastic();
            MomentumSram { name, prefix, nesterov: kind.nesterov(), stochastic, batch, stages, end }.render()
        }
    }
}
