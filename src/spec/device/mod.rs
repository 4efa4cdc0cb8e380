//! `[device]`: the model of the cells, one file per family of models.
//!
//! `model` names the model, `preset` the numbers to start from; every other key changes one of them.

mod compact;
mod mtj;
mod pcm;
mod response;

use std::fmt::Write;

use super::error::{Code, Problem, Span};
use super::reader::{Entry, Found, Reader, Section};
use super::{Backend, Design, Device, DeviceModel};
use crate::device::compact::Vteam;
use crate::device::response::{Law, Preset};

/// Keys of `[device]`: `model`, `state_bits`, then those of the families.
pub(super) const KEYS: &[&str] = &[
    "model",
    "preset",
    "state_bits",
    "signed",
    "dw_min",
    "dw_min_dtod",
    "dw_min_spread",
    "dw_min_std",
    "dw_min_std_add",
    "dw_min_std_slope",
    "cycle_noise",
    "up_down",
    "up_down_dtod",
    "w_max",
    "w_min",
    "w_max_dtod",
    "w_min_dtod",
    "gamma_up",
    "gamma_down",
    "gamma_up_dtod",
    "gamma_down_dtod",
    "reference_std",
    "exp_a",
    "exp_b",
    "a_up",
    "a_down",
    "pow_gamma",
    "pow_gamma_dtod",
    "nl_up",
    "nl_down",
    "nl_dtod",
    "pulses_up",
    "pulses_down",
    "cycle_sigma",
    "write_noise_std",
    "g_min",
    "g_max",
    "up_volts",
    "up_seconds",
    "down_volts",
    "down_seconds",
    "reset",
    "reset_dtod",
    "reset_std",
    "reset_volts",
    "reset_seconds",
    "drift",
    "read_noise",
    "programming_noise",
    "iv",
    "r_on",
    "r_off",
    "w_on",
    "w_off",
    "v_on",
    "v_off",
    "k_on",
    "k_off",
    "alpha_on",
    "alpha_off",
    "window",
    "window_p",
    "g_low",
    "g_high",
    "v_read",
    "v_max",
    "rate_dtod",
    "rate_ctoc",
    "delta",
    "critical_current",
    "tau_d",
    "tau_0",
    "r_p",
    "tmr",
    "r_dtod",
    "critical_dtod",
    "write_current",
    "transition",
];

/// Families of models, as the user's `model` chooses them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    Ideal,
    Response(Law),
    Mtj,
    Pcm,
    Vteam,
}

/// Reads the model with its parameters; `state_bits` is read elsewhere. `None` where something is wrong.
pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>) -> Option<Found<DeviceModel>> {
    let mut families = vec![("ideal", Family::Ideal), ("vteam", Family::Vteam)];
    families.extend([("pcm", Family::Pcm), ("mtj", Family::Mtj)]);
    families.extend(Law::ALL.map(|law| (law.name(), Family::Response(law))));
    let Found { value, span } = match (section.choice("model", &families), section.place("preset")) {
        // The preset says which model it is of.
        (Entry::Absent, Some(span)) => Found { value: preset_family(section)?, span: Some(span) },
        (entry, _) => entry.or(Family::Ideal)?,
    };
    let value = match value {
        Family::Ideal => {
            foreign(reader, section, "ideal", &[]);
            DeviceModel::Ideal
        }
        Family::Vteam => DeviceModel::Compact(compact::vteam(reader, section)?),
        Family::Mtj => DeviceModel::Mtj(mtj::read(reader, section)?),
        Family::Pcm => DeviceModel::Pcm(Box::new(pcm::read(reader, section)?)),
        Family::Response(law) => DeviceModel::Response(response::read(reader, section, law)?),
    };
    Some(Found { value, span })
}

/// The model of a preset that stands without one.
fn preset_family(section: &Section<'_>) -> Option<Family> {
    let mut presets: Vec<(&str, Family)> = Preset::ALL.iter().map(|p| (p.name, Family::Response(p.law))).collect();
    presets.extend(Vteam::sets().iter().map(|set| (set.name, Family::Vteam)));
    presets.push((crate::device::pcm::PRESET.0, Family::Pcm));
    presets.extend(crate::device::mtj::PRESETS.iter().map(|preset| (preset.name, Family::Mtj)));
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
    let home = Preset::ALL.iter().find(|preset| preset.name == name);
    let problem = match home {
        Some(home) => {
            let message = format!("the preset `{name}` is no `{model}`");
            Problem::new(Code::UnknownValue, message).help(format!("its model: `model = \"{}\"`", home.law.name()))
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
    if let (Some(Found { value, span }), Backend::Emulated) = (model, backend)
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
        if let Err(error) = cells.drive(&layer.geometry(design)) {
            let problem = Problem::new(Code::DeviceDrive, format!("the device cannot serve layer `{name}`: {error}"));
            let help = "lower `max_update` of the layer, raise `v_max`, or give longer pulses (`pulse_lsb`)";
            reader.report(problem.at(model.clone(), "").also(span.clone(), "").help(help));
        }
    }
}

/// Writes the section in its canonical form.
pub(super) fn write(out: &mut String, device: &Device) -> std::fmt::Result {
    let model = match &device.model {
        DeviceModel::Ideal => "ideal",
        DeviceModel::Compact(_) => "vteam",
        DeviceModel::Mtj(_) => "mtj",
        DeviceModel::Pcm(_) => "pcm",
        DeviceModel::Response(parameters) => parameters.law.name(),
    };
    writeln!(out, "\n[device]\nmodel = \"{model}\"\nstate_bits = {}", device.state_bits)?;
    match &device.model {
        DeviceModel::Ideal => Ok(()),
        DeviceModel::Compact(cells) => compact::write(out, cells),
        DeviceModel::Mtj(junction) => mtj::write(out, junction),
        DeviceModel::Pcm(pairs) => pcm::write(out, pairs),
        DeviceModel::Response(parameters) => response::write(out, parameters),
    }
}
