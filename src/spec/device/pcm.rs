//! Phase-change memory.

use std::fmt::Write;

use super::{choose_preset, foreign, read_field, response};
use crate::device::pcm::{PRESET, Pcm};
use crate::spec::reader::{Bounds, Reader, Section};

/// Least of the numbers that describe a pulse; all others may be 0.
fn bounds(key: &str) -> Bounds {
    match key {
        "reset_volts" => Bounds::above(0.0, " V"),
        "reset_seconds" => Bounds::above(0.0, " s"),
        _ => Bounds::at_least(0.0, ""),
    }
}

pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>) -> Option<Pcm> {
    let mut own = vec!["preset"];
    own.extend(Pcm::set_fields().iter().map(|field| field.name));
    own.extend(Pcm::default().others().map(|(name, _)| name));
    foreign(reader, section, "pcm", &own);
    let mut pairs = choose_preset(reader, section, "pcm", &[(PRESET.0, Pcm::default())], Pcm::default())?;
    let mut whole = true;
    for field in Pcm::set_fields() {
        whole &= read_field(section, field, &mut pairs.set);
    }
    for (name, value) in pairs.others() {
        match section.real(name, bounds(name)).or(*value) {
            Some(found) => *value = found.value,
            None => whole = false,
        }
    }
    (whole && response::range(reader, section, pairs.set.g_min, pairs.set.g_max)).then_some(pairs)
}

pub(super) fn write(out: &mut String, pairs: &Pcm) -> std::fmt::Result {
    for field in Pcm::set_fields() {
        writeln!(out, "{} = {:?}", field.name, field.value(&pairs.set))?;
    }
    for (name, value) in pairs.clone().others() {
        writeln!(out, "{name} = {value:?}")?;
    }
    Ok(())
}
