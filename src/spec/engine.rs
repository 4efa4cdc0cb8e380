//! Keys of single momentum units, and what a unit asks of devices, array and widths.

use super::defaults;
use super::error::{Code, Problem, Span};
use super::reader::{Entry, Reader};
use super::{
    Design, DeviceModel, LEARNING_RATE_BITS, LEARNING_RATE_FRACTION, Layer, MOMENTUM_BITS, MomentumKind, MomentumUnit,
    Rounding,
};
use crate::device::mtj::Mtj;
use crate::fixed;

/// Most pairs (x, y) of a ring: words, and the largest |y| of each, lie in memories.
pub(super) const PAIRS_MAX: i64 = 256;
/// Probability from which on a pulse counts as one that surely switches.
const CERTAIN: f64 = 0.999;
/// Widest velocity in bits.
const VELOCITY_BITS: u32 = 32;

/// Where the keys of the unit stand.
#[derive(Debug, Clone, Default)]
pub(super) struct EngineEntry {
    unit: Option<Span>,
    momentum: Option<Span>,
    /// Other than classical.
    kind: Option<Span>,
    batch: Option<Span>,
    /// More than one pair.
    history: Option<Span>,
    guard: Option<(u32, Span)>,
    rounding: Option<Span>,
}

impl EngineEntry {
    pub fn new(
        unit: &Entry<MomentumUnit>,
        momentum: &Entry<f64>,
        kind: &Entry<MomentumKind>,
        batch: &Entry<usize>,
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
        let kind = match kind {
            Entry::Given(MomentumKind::Dampened | MomentumKind::Nesterov, span) => Some(span.clone()),
            _ => None,
        };
        let (unit, momentum, batch) = (unit.span(), momentum.span(), batch.span());
        EngineEntry { unit, momentum, kind, batch, history, guard, rounding: None }
    }

    pub fn with_rounding(self, rounding: &Entry<Rounding>) -> EngineEntry {
        EngineEntry { rounding: rounding.span(), ..self }
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
    let code = fixed::max_code(design.array.dac_bits) as u128;
    let largest = if design.training.momentum_unit.sram() {
        // Gradients that go into memory are no pulses, so they are not cut off at the longest.
        let product = code * fixed::max_code(design.array.error_bits) as u128 * u128::from(design.largest_rate_code());
        design.layers.iter().map(|l| product >> l.shifts.width.saturating_sub(guard)).max().unwrap_or(0) + 1
    } else {
        (code * ((1 << design.array.pulse_bits) - 1)) << guard
    };
    // All gradients of a batch come together.
    let gradients = design.layers.iter().map(|layer| layer.gradients(&design.training)).max().unwrap_or(1);
    let largest = largest * gradients as u128;
    let rest = (1u128 << MOMENTUM_BITS) - u128::from(design.training.largest_momentum_code());
    let sum = (largest << MOMENTUM_BITS) / rest;
    let bits = (u128::BITS - sum.leading_zeros() + 1).max(design.array.pulse_bits + 2);
    if !design.training.momentum_unit.sram() {
        return bits;
    }
    // A residue of almost a step and a velocity are added. With less, a device coarser than all velocities would never move.
    let steps = design.layers.iter().map(|layer| step(layer, design, guard).0 + 2);
    steps.fold(bits, u32::max) + 1
}

/// Formats of one layer's velocities and residues in digital memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigitalVelocity {
    /// Of a velocity and of a residue.
    pub bits: u32,
    /// `x y eta` to velocity.
    pub gradient_shift: u32,
    /// A step of the device is `2^step_shift` of the residue
    pub step_shift: u32,
    /// and `2^coarse` units of pulse width: more than one where the device's state is coarser than a pulse at half scale.
    pub coarse: u32,
}

impl Layer {
    /// Formats of the unit `sram`; `None` for all others.
    pub fn digital_velocity(&self, design: &Design) -> Option<DigitalVelocity> {
        let guard = design.training.velocity_guard.filter(|_| design.training.momentum_unit.sram())?;
        let (step_shift, coarse) = step(self, design, guard);
        Some(DigitalVelocity {
            bits: velocity_bits(design, guard),
            gradient_shift: self.shifts.width.saturating_sub(guard),
            step_shift,
            coarse,
        })
    }
}

/// Bits below a step of the device in a residue, and below a step in a pulse width.
fn step(layer: &Layer, design: &Design, guard: u32) -> (u32, u32) {
    if let DeviceModel::Mtj(_) = design.device.model {
        return state(layer, design, guard);
    }
    let coarse = (layer.shifts.write + 2).saturating_sub(design.array.dac_bits);
    (guard + design.array.dac_bits - 2 + coarse, coarse)
}

/// The same of junctions: a step is one state, and its pulse half of full scale.
fn state(layer: &Layer, design: &Design, guard: u32) -> (u32, u32) {
    let array = &design.array;
    let product = layer.ranges.update - (array.dac_bits - 1 + array.pulse_bits) as i32;
    ((guard as i32 + layer.ranges.weight - product).max(1) as u32, array.pulse_bits - 1)
}

/// Row code of the one row of a slot, and length of a junction's pulse in units of the shortest.
fn single_row(design: &Design) -> (usize, i32) {
    (1 << (design.array.dac_bits - 2), 1 << (design.array.pulse_bits - 1))
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
    kind(reader, design, entry);
    batch(reader, design, entry);
    rounding(reader, design, entry);
    if let (Some((_, span)), false) = (&entry.guard, unit.velocity()) {
        unused(reader, "velocity_guard", span, unit);
    }
    if !unit.velocity() && !unit.tiki_taka() {
        return;
    }
    if unit.velocity() {
        guard(reader, design, entry);
    }
    let refuse = |message: &str, also: Option<Span>, help: &str| {
        let message = format!("`momentum_unit = \"{}\"` {message}", unit.name());
        reader.report(Problem::new(Code::Engine, message).at(entry.unit.clone(), "").also(also, "").help(help));
    };
    let units = "take `momentum_unit = \"history\"`";
    if unit.sram() {
        if let DeviceModel::Mtj(junction) = &design.device.model {
            if design.training.rounding.stochastic() {
                certain(reader, design, entry, junction);
            } else {
                let units = "set `rounding = \"stochastic\"`, or take `momentum_unit = \"history\"`";
                refuse(
                    "needs devices that move by what is taken off a residue: junctions have two states",
                    None,
                    units,
                );
            }
        }
        steps(reader, design, entry);
        return;
    }
    if unit.tiki_taka() {
        steps(reader, design, entry);
        back(reader, design, entry);
    }
    if design.array.backend.emulated() {
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
            "needs devices that can be moved both ways: pairs that are written and taken back for ever only grow, until they are full",
            None,
            units,
        ),
        _ => {}
    }
}

/// A batch whose pairs the ring does not hold, or that the array cannot keep apart from the weights.
fn batch(reader: &Reader<'_>, design: &Design, entry: &EngineEntry) {
    let training = &design.training;
    let (batch, history, unit) = (training.batch, training.history, training.momentum_unit);
    let most = PAIRS_MAX as usize;
    if let Some(conv) = design.layers.iter().find(|layer| layer.conv.is_some()) {
        convolution(reader, design, entry, conv);
    }
    if training.pairs() > most {
        let message = format!("`batch = {batch}` with `history = {history}` needs {} pairs (x, y)", batch * history);
        let (shorter, fewer) = (most / batch, most / history);
        let problem = Problem::new(Code::Engine, message)
            .at(entry.batch.clone(), format!("allowed: at most {most} pairs, those of {history} batches"))
            .also(entry.history.clone(), "");
        reader.report(problem.help(format!("one of these is enough: `history = {shorter}`, `batch = {fewer}`")));
    }
    if batch > 1 && unit.in_array() && training.momentum_kind.nesterov() {
        let message = "`momentum_unit = \"in_array\"` has no batches of Nesterov's kind";
        let problem = Problem::new(Code::Engine, message)
            .at(entry.batch.clone(), "the weights take each gradient when it is there, not at the end of a batch")
            .also(entry.kind.clone(), "");
        reader
            .report(problem.help("set `batch = 1`, `momentum_kind = \"classical\"` or `momentum_unit = \"history\"`"));
    }
}

/// A convolution whose pairs the ring does not hold, or whose step is more than one for the unit.
fn convolution(reader: &Reader<'_>, design: &Design, entry: &EngineEntry, layer: &Layer) {
    let training = &design.training;
    let (pairs, positions, unit) = (layer.pairs(training), layer.positions(), training.momentum_unit);
    if pairs > PAIRS_MAX as usize && training.pairs() <= PAIRS_MAX as usize {
        let message = format!(
            "layer `{}` needs {pairs} pairs (x, y): {positions} places of the kernel, {} samples",
            layer.name,
            training.pairs()
        );
        let fits = PAIRS_MAX as usize / layer.gradients(training);
        let help = match fits {
            0 => "take `momentum_unit = \"in_array\"` or `\"sram\"`, or a larger `stride`".to_owned(),
            fits => format!("take `history = {fits}`, or `momentum_unit = \"in_array\"` or `\"sram\"`"),
        };
        let problem = Problem::new(Code::Convolution, message)
            .at(entry.history.clone().or(entry.unit.clone()), format!("allowed: at most {PAIRS_MAX} pairs"))
            .also(entry.batch.clone(), "");
        reader.report(problem.help(help));
    }
    let refuse = |message: &str, help: &str| {
        let message = format!("`momentum_unit = \"{}\"` {message}", unit.name());
        reader.report(Problem::new(Code::Convolution, message).at(entry.unit.clone(), "").help(help));
    };
    if unit.tiki_taka() {
        refuse(
            "has no convolutions: its transfers wait for no place of the kernel",
            "take `momentum_unit = \"in_array\"`",
        );
    }
    if unit.in_array() && training.momentum_kind.nesterov() {
        refuse(
            "has no convolutions with Nesterov's kind: the weights take each gradient when it is there",
            "set `momentum_kind = \"classical\"` or `momentum_unit = \"sram\"`",
        );
    }
}

/// A kind of momentum where there is none, or one whose factors do not fit.
fn kind(reader: &Reader<'_>, design: &Design, entry: &EngineEntry) {
    let training = &design.training;
    if !training.momentum_unit.momentum() {
        if let Some(span) = &entry.kind {
            let message = format!("`{}` without momentum", reader.quote(span));
            let problem = Problem::new(Code::Engine, message).at(Some(span.clone()), "allowed: \"classical\"");
            reader.report(problem.also(entry.unit.clone(), "").help("remove it, or set `optimizer = \"momentum\"`"));
        }
        return;
    }
    if training.momentum_unit.tiki_taka() && training.momentum_kind != MomentumKind::Classical {
        let message = "`momentum_unit = \"tiki_taka\"` has no other kind of momentum than the classical";
        let problem = Problem::new(Code::Engine, message.to_owned()).at(entry.kind.clone(), "allowed: \"classical\"");
        let help = "remove it, or take `momentum_unit = \"sram\"`";
        reader.report(problem.note("gradients sum up in the fast array, where nothing scales them").help(help));
        return;
    }
    let format = design.factor_format();
    let (rate, gain) = (design.learning_rate_code(), format.gain());
    // Fraction bits of a batch beyond the register's make room below, not above.
    let step = f64::from(1u32 << LEARNING_RATE_FRACTION);
    let gain = gain * f64::from(1u32 << format.shift);
    let factor = f64::from(rate) * gain;
    if factor < f64::from(1u32 << LEARNING_RATE_BITS) {
        return;
    }
    let message = format!("the factor of a gradient is {:.3}", factor / step);
    let most = (4.0 / gain * step).ceil() - 1.0;
    let problem = Problem::new(Code::Engine, message)
        .at(entry.kind.clone(), "allowed: below 4")
        .also(entry.momentum.clone(), "")
        .note(format!("1 + momentum {} times learning rate {}", training.momentum, training.learning_rate));
    reader.report(problem.help(format!("nearest: `learning_rate = {}`", most / step)));
}

/// Chance in a unit that has none, or in one that looks ahead.
fn rounding(reader: &Reader<'_>, design: &Design, entry: &EngineEntry) {
    let training = &design.training;
    if let (Some(span), false) = (&entry.rounding, training.momentum_unit.sram()) {
        unused(reader, "rounding", span, training.momentum_unit);
    } else if training.rounding.stochastic() && training.momentum_kind.nesterov() {
        let message = "`rounding = \"stochastic\"` has no momentum of Nesterov's kind";
        let problem = Problem::new(Code::Engine, message)
            .at(entry.rounding.clone(), "")
            .also(entry.kind.clone(), "allowed: \"classical\", \"dampened\"");
        reader.report(problem.help("set `momentum_kind = \"classical\"`, or remove `rounding`"));
    }
}

/// Junctions that a slot's pulse does not surely switch.
fn certain(reader: &Reader<'_>, design: &Design, entry: &EngineEntry, junction: &Mtj) {
    let (Some(layer), (code, width)) = (design.layers.first(), single_row(design)) else { return };
    let geometry = layer.geometry(design);
    let Ok(currents) = junction.row_currents(geometry.max_code) else { return };
    let seconds = f64::from(width) * geometry.pulse_lsb;
    let p = junction.switching_probability(currents[code], seconds);
    if p >= CERTAIN {
        return;
    }
    let message = format!("a pulse of `momentum_unit = \"sram\"` switches a junction with a probability of {p:.3}");
    let note = format!(
        "{:.1} ns at {:.3} critical currents: half of the longest pulse, on one row at half of full scale",
        1e9 * seconds,
        currents[code]
    );
    let problem = Problem::new(Code::Engine, message)
        .at(entry.rounding.clone(), format!("needs at least {CERTAIN}: the generators in the hardware draw"))
        .note(note);
    reader.report(problem.help("raise `write_current` or `pulse_lsb`"));
}

/// Layers whose longest pulse, on one row at half scale, is no step of the device.
fn steps(reader: &Reader<'_>, design: &Design, entry: &EngineEntry) {
    let pulse_bits = design.array.pulse_bits;
    for layer in &design.layers {
        let sram = layer.digital_velocity(design).map(|format| format.coarse);
        let Some(coarse) = sram.or(layer.transfer_format(design).map(|format| format.coarse)) else { continue };
        let finer = layer.digital_velocity(design).is_some_and(|format| format.step_shift == 0);
        if design.training.rounding.stochastic() && finer {
            let message = format!("a velocity of layer `{}` has no part of a step of the device", layer.name);
            let help = "raise `velocity_guard` or `dac_bits`, or remove `rounding`";
            reader.report(Problem::new(Code::Engine, message).at(entry.rounding.clone(), "").help(help));
        }
        if coarse >= pulse_bits {
            let message = format!("no pulse moves the device of layer `{}` by a whole step", layer.name);
            let note = format!(
                "a step of the state takes a pulse of 2^{coarse} units on a row at half scale, the longest has 2^{pulse_bits} - 1"
            );
            let help = "raise `state_bits` or `pulse_bits`, or `max_update` of the layer";
            reader.report(Problem::new(Code::Engine, message).at(entry.unit.clone(), "").note(note).help(help));
        }
    }
}

/// A fast array whose codes are coarser than its longest pulse can take back.
fn back(reader: &Reader<'_>, design: &Design, entry: &EngineEntry) {
    let array = &design.array;
    let Some(transfer) = design.training.transfer else { return };
    let finest = array.pulse_bits + 1 + transfer.range;
    if finest > MOMENTUM_BITS + array.adc_bits {
        let message =
            format!("`fast_range = {}` is too much for `adc_bits = {}`", 1u32 << transfer.range, array.adc_bits);
        let note = format!("a step of the converter would be 2^{} units of pulse width", finest - array.adc_bits);
        let help = "lower `fast_range` or `pulse_bits`, or raise `adc_bits`";
        reader.report(Problem::new(Code::Engine, message).at(entry.unit.clone(), "").note(note).help(help));
    }
}

/// Settles the guard bits.
fn guard(reader: &Reader<'_>, design: &mut Design, entry: &EngineEntry) {
    // Digital memory holds no finer gradient than the product has.
    let finest = match design.training.momentum_unit {
        MomentumUnit::Sram => design.layers.iter().map(|l| l.shifts.width).min().unwrap_or(0),
        _ => u32::MAX,
    };
    let fits = |guard: u32| velocity_bits(design, guard) <= VELOCITY_BITS && guard <= finest;
    let natural = (0..=defaults::VELOCITY_GUARD).rev().find(|&guard| fits(guard));
    let wanted = entry.guard.as_ref().map(|(guard, _)| *guard);
    if let Some(guard) = wanted.filter(|&guard| fits(guard)).or(if wanted.is_none() { natural } else { None }) {
        design.training.velocity_guard = Some(guard);
        return;
    }
    let guard = wanted.unwrap_or(0);
    if guard > finest {
        let span = entry.guard.as_ref().map(|(_, span)| span.clone());
        let message = format!("`velocity_guard = {guard}` is finer than the product of x, y and learning rate");
        let natural = natural.unwrap_or(0);
        let problem = Problem::new(Code::Engine, message).at(span, format!("allowed: 0 to {finest}"));
        reader.report(problem.help(format!("nearest: `velocity_guard = {natural}`")));
        design.training.velocity_guard = Some(natural);
        return;
    }
    let bits = velocity_bits(design, guard);
    let span = entry.guard.as_ref().map(|(_, span)| span.clone()).or(entry.momentum.clone()).or(entry.unit.clone());
    let array = &design.array;
    let batch = match design.training.batch {
        1 => String::new(),
        batch => format!(", batch {batch}"),
    };
    // As the user writes it: the register's step is finer than four digits.
    let momentum = f64::from(design.training.largest_momentum_code()) / f64::from(1u32 << MOMENTUM_BITS);
    let mut problem = Problem::new(Code::Engine, format!("the velocity needs {bits} bits"))
        .at(span, format!("at most {VELOCITY_BITS} are there"))
        .note(format!(
            "dac_bits {} - 1, pulse_bits {}, velocity_guard {guard}{batch}, the sum of past steps up to 1 / (1 - {}), and signs",
            array.dac_bits,
            array.pulse_bits,
            (momentum * 1e4).round() / 1e4
        ));
    problem = match natural {
        Some(natural) => problem.help(format!("set `velocity_guard = {natural}`")),
        None => problem.help("lower `momentum`, `dac_bits` or `pulse_bits`"),
    };
    reader.report(problem);
    design.training.velocity_guard = Some(0);
}
