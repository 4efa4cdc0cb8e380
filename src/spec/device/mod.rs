//! `[device]`: the model of the cells, one file per family of models.
//!
//! `model` names the model, `preset` the numbers to start from; every other key changes one of them.

mod catalogue;
mod compact;
mod keys;
mod measured;
mod mtj;
mod pcm;
mod response;

use std::fmt::Write;
use std::path::Path;

use super::error::{Code, Problem, Span};
use super::reader::{Bounds, Entry, Found, Reader, Section};
use super::{Backend, Design, Device, DeviceModel};
use crate::device::Field;
use crate::device::compact::{CompactError, Kind};
use crate::device::response::{Law, Preset};

pub use catalogue::{
    DeviceParameter, DevicePreset, compact_parameters, device_parameters, device_presets, parse_device,
};
pub use compact::{compact_warnings, device_warnings};
pub use keys::{DEVICE_KEYS, DeviceKey};

pub(super) use keys::KEYS;

/// Families of models, as the user's `model` chooses them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    Ideal,
    Response(Law),
    Mtj,
    Pcm,
    Compact(Kind),
    /// A pulse response from a file.
    Measured,
}

/// Reads the model with its parameters; `state_bits` is read elsewhere, files lie relative to `base_dir`. `None` where
/// something is wrong.
pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, base_dir: &Path) -> Option<Found<DeviceModel>> {
    let mut families = vec![("ideal", Family::Ideal)];
    families.extend(Kind::ALL.map(|kind| (kind.name(), Family::Compact(kind))));
    families.push(("pcm", Family::Pcm));
    families.push(("mtj", Family::Mtj));
    families.push(("measured", Family::Measured));
    families.extend(Law::ALL.map(|law| (law.name(), Family::Response(law))));
    let Found { value, span } = match (section.choice("model", &families), section.place("preset")) {
        // The preset says which model it is of.
        (Entry::Absent, Some(span)) => Found { value: preset_family(reader, section)?, span: Some(span) },
        (entry, _) => entry.or(Family::Ideal)?,
    };
    let value = match value {
        Family::Ideal => {
            foreign(reader, section, "ideal", &[]);
            DeviceModel::Ideal
        }
        Family::Compact(kind) => DeviceModel::Compact(compact::read(reader, section, kind)?),
        Family::Mtj => DeviceModel::Mtj(mtj::read(reader, section)?),
        Family::Pcm => DeviceModel::Pcm(Box::new(pcm::read(reader, section)?)),
        Family::Measured => DeviceModel::Response(measured::read(reader, section, base_dir)?),
        Family::Response(law) => DeviceModel::Response(response::read(reader, section, law)?),
    };
    Some(Found { value, span })
}

/// The model of a preset that stands without one; a name that several models use needs it.
fn preset_family(reader: &Reader<'_>, section: &Section<'_>) -> Option<Family> {
    let mut presets: Vec<(&str, Family)> = Preset::ALL.iter().map(|p| (p.name, Family::Response(p.law))).collect();
    for kind in Kind::ALL {
        presets.extend(kind.sets().iter().map(|set| (set.name, Family::Compact(kind))));
    }
    presets.push((crate::device::pcm::PRESET.0, Family::Pcm));
    presets.extend(crate::device::mtj::PRESETS.iter().map(|preset| (preset.name, Family::Mtj)));
    if let Entry::Given(name, span) = section.text("preset") {
        let homes: Vec<&str> = device_presets().iter().filter(|p| p.name == name).map(|p| p.model).collect();
        if homes.len() > 1 {
            let message = format!("`preset = \"{name}\"` names sets of several models");
            let problem = Problem::new(Code::UnknownValue, message);
            let allowed = format!("with one of: `model = {}`", super::reader::list(&homes, '"'));
            reader.report(problem.at(Some(span), allowed));
            return None;
        }
    }
    // A name that several models use is listed once.
    let mut seen = Vec::new();
    presets.retain(|(name, _)| {
        !seen.contains(name) && {
            seen.push(*name);
            true
        }
    });
    section.choice("preset", &presets).optional()?.value
}

/// The parameter set that `preset` names, `default` where there is none. `presets`: those of the model.
fn choose_preset<T: Clone>(
    reader: &Reader<'_>,
    section: &Section<'_>,
    model: &str,
    presets: &[(&str, T)],
    default: T,
) -> Option<T> {
    let (name, span) = match section.text("preset") {
        Entry::Given(name, span) => (name, span),
        Entry::Absent => return Some(default),
        Entry::Bad => return None,
    };
    if let Some((_, parameters)) = presets.iter().find(|(preset, _)| *preset == name) {
        return Some(parameters.clone());
    }
    let names: Vec<&str> = presets.iter().map(|(name, _)| *name).collect();
    let home = device_presets().into_iter().find(|preset| preset.name == name);
    let problem = match home {
        Some(home) => {
            let message = format!("the preset `{name}` is no `{model}`");
            Problem::new(Code::UnknownValue, message).help(format!("its model: `model = \"{}\"`", home.model))
        }
        None => {
            let problem = Problem::new(Code::UnknownValue, format!("`preset = \"{name}\"` is unknown"));
            match super::reader::nearest(&name, &names) {
                Some(near) => problem.help(format!("did you mean `preset = \"{near}\"`?")),
                None => problem,
            }
        }
    };
    let allowed = if names.is_empty() {
        "this model has none".to_owned()
    } else {
        format!("allowed: {}", super::reader::list(&names, '"'))
    };
    reader.report(problem.at(Some(span), allowed));
    None
}

/// Reads a number's key, where it is given, into `parameters`; false after a problem.
fn read_field<P: Clone>(section: &Section<'_>, field: &Field<P>, parameters: &mut P) -> bool {
    let bounds = Bounds { low: field.low, low_included: field.low_included, high: field.high, unit: field.unit };
    let found = section.real(field.name, bounds).or(field.value(parameters));
    found.map(|found| *field.of(parameters) = found.value).is_some()
}

/// Reports keys that the chosen model does not have.
fn foreign(reader: &Reader<'_>, section: &Section<'_>, model: &str, own: &[&str]) {
    let strangers = KEYS.iter().filter(|key| !["model", "state_bits"].contains(key) && !own.contains(key));
    for key in strangers {
        if let Some(span) = section.place(key) {
            let problem = Problem::new(Code::UnknownKey, format!("`{key}` is no parameter of the model `{model}`"));
            let allowed = if own.is_empty() { "it has none".to_owned() } else { super::reader::list(own, '`') };
            reader.report(problem.at(Some(span), allowed));
        }
    }
}

/// Only the `ideal` device exists in Verilog.
pub(super) fn backend(reader: &Reader<'_>, model: &Option<Found<DeviceModel>>, backend: Backend) {
    if let Some(Found { value, span }) = model
        && backend.emulated()
        && *value != DeviceModel::Ideal
    {
        let message = "the emulated array has the `ideal` device only";
        let problem = Problem::new(Code::DeviceBackend, message).at(span.clone(), "");
        reader.report(problem.help("set `backend = \"external\"`: the array then answers on the design's pins"));
    }
}

/// Devices that cannot make the weight changes that a layer's codes stand for. `places`: those of the layers.
pub(super) fn drives(
    reader: &Reader<'_>,
    section: &Section<'_>,
    design: &Design,
    model: Option<Span>,
    places: &[(String, Option<Span>)],
) {
    if let DeviceModel::Mtj(junction) = &design.device.model {
        mtj::drives(reader, section, design, junction, model, places);
        return;
    }
    let DeviceModel::Compact(cells) = &design.device.model else { return };
    for (layer, (name, span)) in design.layers.iter().zip(places) {
        let geometries = [Some(layer.geometry(design)), layer.velocity_geometry(design)];
        if let Some(error) = geometries.iter().flatten().find_map(|geometry| cells.drive(geometry).err()) {
            let problem = Problem::new(Code::DeviceDrive, format!("the device cannot serve layer `{name}`: {error}"));
            let help = match error {
                CompactError::TooFast { .. } => "raise `max_update` of the layer, or give shorter pulses (`pulse_lsb`)",
                _ => "lower `max_update` of the layer, raise `v_max`, or give longer pulses (`pulse_lsb`)",
            };
            reader.report(problem.at(model.clone(), "").also(span.clone(), "").help(help));
        }
    }
}

/// Name of the model in specs.
fn name(model: &DeviceModel) -> &'static str {
    match model {
        DeviceModel::Ideal => "ideal",
        DeviceModel::Compact(cells) => cells.model.kind().name(),
        DeviceModel::Mtj(_) => "mtj",
        DeviceModel::Pcm(_) => "pcm",
        DeviceModel::Response(parameters) => parameters.law.name(),
    }
}

/// Writes the section in its canonical form.
pub(super) fn write(out: &mut String, device: &Device) -> std::fmt::Result {
    writeln!(out, "\n[device]\nmodel = \"{}\"\nstate_bits = {}", name(&device.model), device.state_bits)?;
    write_model(out, &device.model)
}

/// The keys of the model itself.
fn write_model(out: &mut String, model: &DeviceModel) -> std::fmt::Result {
    match model {
        DeviceModel::Ideal => Ok(()),
        DeviceModel::Compact(cells) => compact::write(out, cells),
        DeviceModel::Mtj(junction) => mtj::write(out, junction),
        DeviceModel::Pcm(pairs) => pcm::write(out, pairs),
        DeviceModel::Response(parameters) => response::write(out, parameters),
    }
}
