//! Devices without a network: the parameter sets by name, and a `[device]` section alone.

use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::{DEVICE_KEYS, DeviceKey, KEYS, read, write_model};
use crate::device::compact::{Kind, Model, Status};
use crate::device::response::Preset;
use crate::device::{mtj, pcm};
use crate::spec::reader::{Reader, Section};
use crate::spec::{DeviceModel, SpecErrors};

/// A named parameter set of `[device]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePreset {
    pub name: &'static str,
    /// Its model; a name may belong to several.
    pub model: &'static str,
    /// Where the numbers are from.
    pub source: String,
}

/// All parameter sets, family after family.
pub fn device_presets() -> Vec<DevicePreset> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        all.extend(kind.sets().iter().map(|set| {
            let assumed =
                if set.status == Status::Assumed && !set.source.contains("assumed") { "; assumed" } else { "" };
            DevicePreset { name: set.name, model: kind.name(), source: format!("{}{assumed}", set.source) }
        }));
    }
    let of_preset = |p: &Preset| DevicePreset { name: p.name, model: p.law.name(), source: p.source.to_owned() };
    all.extend(Preset::ALL.iter().map(of_preset));
    all.push(DevicePreset { name: pcm::PRESET.0, model: "pcm", source: pcm::PRESET.1.to_owned() });
    let of_junction = |p: &mtj::Preset| DevicePreset { name: p.name, model: "mtj", source: p.source.to_owned() };
    all.extend(mtj::PRESETS.iter().map(of_junction));
    all
}

/// The model of a text that holds the keys of `[device]` and nothing else. `file_name` is shown in messages, files lie relative
/// to `base_dir`.
///
/// # Errors
/// All problems of the text.
pub fn parse_device(text: &str, file_name: &str, base_dir: &Path) -> Result<DeviceModel, SpecErrors> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(SpecErrors::new(file_name, text, crate::spec::syntax(text, &errors)));
    }
    let whole: Range<usize> = 0..0;
    let reader = Reader::new(text, &[("[device]", KEYS)]);
    let section = Section::new(&reader, "[device]".to_owned(), Some(table.get_ref()), Some(whole), KEYS);
    let found = read(&reader, &section, base_dir);
    let problems = reader.into_problems();
    match found {
        Some(found) if problems.is_empty() => Ok(found.value),
        _ => Err(SpecErrors::new(file_name, text, problems)),
    }
}

/// A key of a model with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceParameter {
    pub key: DeviceKey,
    /// As a spec has it, words without their quotes.
    pub value: String,
}

/// Every key of `model` with its value, defaults filled in.
pub fn device_parameters(model: &DeviceModel) -> Vec<DeviceParameter> {
    let mut text = format!("model = \"{}\"\n", super::name(model));
    // Writing to a string cannot fail.
    let _ = write_model(&mut text, model);
    parameters(&text)
}

/// The same for a compact model without an array.
pub fn compact_parameters(model: &Model) -> Vec<DeviceParameter> {
    let mut text = format!("model = \"{}\"\n", model.kind().name());
    let _ = super::compact::write_numbers(&mut text, model);
    parameters(&text)
}

/// The keys of a canonical section.
fn parameters(section: &str) -> Vec<DeviceParameter> {
    let parameter = |line: &str| {
        let (name, value) = line.split_once(" = ")?;
        let key = *DEVICE_KEYS.iter().find(|key| key.name == name)?;
        Some(DeviceParameter { key, value: value.trim_matches('"').to_owned() })
    };
    section.lines().filter_map(parameter).collect()
}
