//! Keys of single momentum units, and what a unit asks of devices, array and widths.

use super::defaults;
use super::error::{Code, Problem, Span};
use super::reader::{Entry, Reader};
use super::{Backend, Design, DeviceModel, MOMENTUM_BITS, MomentumUnit};
use crate::fixed;

/// Widest velocity in bits.
const VELOCITY_BITS: u32 = 32;

/// Where the keys of the unit stand.
#[derive(Debug, Clone, Default)]
pub(super) struct EngineEntry {
    unit: Option<Span>,
    momentum: Option<Span>,
    /// More than one pair.
    history: Option<Span>,
    guard: Option<(u32, Span)>,
}

impl EngineEntry {
    pub fn new(
        unit: &Entry<MomentumUnit>,
        momentum: &Entry<f64>,
        history: &Entry<usize>,
        guard: Entry<u32>,
    ) -> EngineEntry {
        let history = match history {
            Entry::Given(2.., span) => Some(span.clone()),
            _ => None,
        };
        let guard = match guard {
            Entry::Given(guard, span) => Some((guard, span)),
            _ => None,
        };
        EngineEntry { unit: unit.span(), momentum: momentum.span(), history, guard }
    }
}

/// A key that the unit does not have.
pub(super) fn unused(reader: &Reader<'_>, key: &str, span: &Span, unit: MomentumUnit) {
    let message = format!("`{key}` says nothing with `momentum_unit = \"{}\"`", unit.name());
    reader.report(Problem::new(Code::Engine, message).at(Some(span.clone()), "").help("remove it"));
}

/// Bits of a velocity with `guard` bits below the product of row code and pulse width: what endless full-scale writes of
/// one sign sum up to, with sign.
fn velocity_bits(design: &Design, guard: u32) -> u32 {
    let write = fixed::max_code(design.array.dac_bits) as u128 * ((1 << design.array.pulse_bits) - 1);
    let rest = (1u128 << MOMENTUM_BITS) - u128::from(design.momentum_code());
    let sum = ((write << guard) << MOMENTUM_BITS) / rest;
    u128::BITS - sum.leading_zeros() + 1
}

impl Design {
    /// Bits of a velocity of an `ideal` second device; `None` for units that keep none.
    pub fn velocity_bits(&self) -> Option<u32> {
        self.training.velocity_guard.map(|guard| velocity_bits(self, guard))
    }
}

/// Reports what the unit cannot work with and settles its widths.
pub(super) fn check(reader: &Reader<'_>, design: &mut Design, entry: &EngineEntry, memory: Option<Option<Span>>) {
    let unit = design.training.momentum_unit;
    if let (Some(span), false) = (&entry.history, unit.history() || unit == MomentumUnit::None) {
        unused(reader, "history", span, unit);
    }
    if !unit.velocity() {
        if let Some((_, span)) = &entry.guard {
            unused(reader, "velocity_guard", span, unit);
        }
        return;
    }
    guard(reader, design, entry);
    let refuse = |message: &str, also: Option<Span>, help: &str| {
        let message = format!("`momentum_unit = \"{}\"` {message}", unit.name());
        reader.report(Problem::new(Code::Engine, message).at(entry.unit.clone(), "").also(also, "").help(help));
    };
    let units = "take `momentum_unit = \"history\"`";
    if design.array.backend == Backend::Emulated {
        refuse(
            "has no emulated array: nothing in Verilog holds its second devices",
            None,
            "set `backend = \"external\"`",
        );
    }
    if let Some(span) = memory {
        refuse("has no memory mode: cells have a second device that nothing programs", span, "remove `[memory]`");
    }
    match design.device.model {
        DeviceModel::Mtj(_) => {
            refuse("needs devices that hold a value between their extremes: a junction has two states", None, units)
        }
        DeviceModel::Pcm(_) => refuse(
            "needs devices that can be moved both ways: the pairs of a velocity that decays for ever only grow, until they are full",
            None,
            units,
        ),
        _ => {}
    }
}

/// Settles the guard bits.
fn guard(reader: &Reader<'_>, design: &mut Design, entry: &EngineEntry) {
    let fits = |guard: u32| velocity_bits(design, guard) <= VELOCITY_BITS;
    let natural = (0..=defaults::VELOCITY_GUARD).rev().find(|&guard| fits(guard));
    let wanted = entry.guard.as_ref().map(|(guard, _)| *guard);
    if let Some(guard) = wanted.filter(|&guard| fits(guard)).or(if wanted.is_none() { natural } else { None }) {
        design.training.velocity_guard = Some(guard);
        return;
    }
    let guard = wanted.unwrap_or(0);
    let bits = velocity_bits(design, guard);
    let span = entry.guard.as_ref().map(|(_, span)| span.clone()).or(entry.momentum.clone()).or(entry.unit.clone());
    let array = &design.array;
    let mut problem = Problem::new(Code::Engine, format!("the velocity needs {bits} bits"))
        .at(span, format!("at most {VELOCITY_BITS} are there"))
        .note(format!(
            "dac_bits {} - 1, pulse_bits {}, velocity_guard {guard}, the sum of past steps up to 1 / (1 - {}), and the sign",
            array.dac_bits, array.pulse_bits, design.training.momentum
        ));
    problem = match natural {
        Some(natural) => problem.help(format!("set `velocity_guard = {natural}`")),
        None => problem.help("lower `momentum`, `dac_bits` or `pulse_bits`"),
    };
    reader.report(problem);
    design.training.velocity_guard = Some(0);
}
