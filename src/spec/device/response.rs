//! Pulse-response models.

use std::fmt::Write;

use super::{choose_preset, foreign, read_field};
use crate::device::response::{CycleNoise, Law, Parameters, Preset, Signed, Spread};
use crate::spec::error::{Code, Problem};
use crate::spec::reader::{Reader, Section};

const SIGNED: &[(&str, Signed)] = &[("reference", Signed::Reference), ("differential", Signed::Differential)];
const NOISE: &[(&str, CycleNoise)] =
    &[("additive", CycleNoise::Additive), ("multiplicative", CycleNoise::Multiplicative)];
const SPREAD: &[(&str, Spread)] = &[("normal", Spread::Normal), ("log_normal", Spread::LogNormal)];

/// The word that stands for `value`.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, v)| v == value).map_or("", |(word, _)| word)
}

/// Reads the parameters of `law`: those of the preset, if one is named, with the given ones in their place.
pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, law: Law) -> Option<Parameters> {
    foreign(reader, section, law.name(), &own_keys(law, &["preset"]));
    let presets: Vec<(&str, Parameters)> =
        Preset::ALL.iter().filter(|p| p.law == law).map(|p| (p.name, p.parameters())).collect();
    let parameters = choose_preset(reader, section, law.name(), &presets, Parameters::of(law))?;
    read_over(reader, section, parameters)
}

/// Keys of `law`, after `first`.
pub(super) fn own_keys(law: Law, first: &[&'static str]) -> Vec<&'static str> {
    let mut own = first.to_vec();
    own.push("signed");
    own.extend(law.has_noise_kind().then_some("cycle_noise"));
    own.extend(law.has_step_spread().then_some("dw_min_spread"));
    own.extend(law.fields().iter().map(|field| field.name));
    own
}

/// Puts the given numbers in the place of those of `parameters`.
pub(super) fn read_over(reader: &Reader<'_>, section: &Section<'_>, mut parameters: Parameters) -> Option<Parameters> {
    let law = parameters.law;
    let fields = law.fields();
    let mut whole = true;
    let mut set = |ok: Option<()>| whole &= ok.is_some();
    set(section.choice("signed", SIGNED).or(parameters.signed).map(|found| parameters.signed = found.value));
    if law.has_noise_kind() {
        let kind = section.choice("cycle_noise", NOISE).or(parameters.cycle_noise);
        set(kind.map(|found| parameters.cycle_noise = found.value));
    }
    if law.has_step_spread() {
        let kind = section.choice("dw_min_spread", SPREAD).or(parameters.spread);
        set(kind.map(|found| parameters.spread = found.value));
    }
    for field in fields {
        set(read_field(section, field, &mut parameters).then_some(()));
    }
    (whole && range(reader, section, parameters.g_min, parameters.g_max)).then_some(parameters)
}

/// Reports a conductance range that is none.
pub(super) fn range(reader: &Reader<'_>, section: &Section<'_>, g_min: f64, g_max: f64) -> bool {
    if g_min < g_max {
        return true;
    }
    let message = format!("the conductance range is empty: `g_min` is {g_min:e} S, `g_max` {g_max:e} S");
    let places = [section.place("g_min"), section.place("g_max")];
    let mut given = places.into_iter().flatten();
    let problem = Problem::new(Code::OutOfRange, message).at(given.next(), "allowed: `g_min` below `g_max`");
    reader.report(problem.also(given.next(), ""));
    false
}

pub(super) fn write(out: &mut String, p: &Parameters) -> std::fmt::Result {
    writeln!(out, "signed = \"{}\"", word(SIGNED, &p.signed))?;
    if p.law.has_noise_kind() {
        writeln!(out, "cycle_noise = \"{}\"", word(NOISE, &p.cycle_noise))?;
    }
    if p.law.has_step_spread() {
        writeln!(out, "dw_min_spread = \"{}\"", word(SPREAD, &p.spread))?;
    }
    for field in p.law.fields() {
        writeln!(out, "{} = {:?}", field.name, field.value(p))?;
    }
    Ok(())
}
