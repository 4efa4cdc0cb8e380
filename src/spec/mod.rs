//! TOML spec -> validated [`Design`]. Every other room reads [`Design`], never raw TOML.

mod array;
mod build;
mod canonical;
mod checks;
mod coding;
mod conv;
mod cost;
mod defaults;
mod depth;
mod derive;
mod design;
mod device;
mod engine;
pub(crate) mod error;
mod fault_map;
mod ident;
mod memory;
mod momentum;
mod nonideal;
mod pulse_table;
mod quantity;
pub(crate) mod reader;
mod schedule;
mod sections;
mod slices;
mod softmax;
mod tiles;
mod training;
mod transfer;

use std::io::ErrorKind;
use std::path::Path;

use toml::de::DeTable;

pub use array::{Array, Backend, InputCoding, StateMemory};
pub use canonical::canonical_toml;
pub use conv::{Conv, Map, Pooling};
pub(crate) use cost::COST_KEYS;
pub use cost::{CostKey, CostOverrides};
pub use depth::momentum_warnings;
pub use derive::AccumulatorBits;
pub use design::*;
pub use device::{
    DEVICE_KEYS, DeviceKey, DeviceParameter, DevicePreset, compact_parameters, compact_warnings, device_parameters,
    device_presets, device_warnings, parse_device,
};
pub use engine::DigitalVelocity;
pub use error::{Code, SpecErrors};
pub use memory::{AMPLITUDE_BITS, COUNT_BITS, Inner, Memory, Ramp, RefreshCodes, SETUP_BITS, Sweep, WIDTH_BITS};
pub use momentum::{FactorFormat, Factors, MomentumKind, SCALE_BITS, Scale};
pub use nonideal::{Amount, FaultKind, FaultMap, Imperfection, MappedFault, NonIdeal, nonideal_warnings};
pub use pulse_table::PulseTable;
pub(crate) use pulse_table::width as pulse_width;
pub use quantity::Unit;
pub use schedule::{Rates, ScheduleStep};
pub use slices::{CarryFormat, Slices};
pub use softmax::{QUOTIENT_STEP, Softmax};
pub use tiles::{Tile, Tiling};
pub use training::{Loss, MomentumUnit, Optimizer, Rounding, Training, Transfer};
pub use transfer::TransferFormat;

use error::Problem;

/// The word of `known` that was most likely meant by `word`, if one is near.
pub fn nearest_word<'w>(word: &str, known: &'w [String]) -> Option<&'w str> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    reader::nearest(word, &known)
}

/// Names of the embedded presets.
pub const PRESETS: [&str; 9] =
    ["digits", "mnist", "tiny", "digits_cnn", "digits_fpga", "mnist_fpga", "digits_pcm", "digits_stt", "digits_reram"];

/// Text of an embedded preset: a commented spec.
pub fn preset(name: &str) -> Option<&'static str> {
    match name {
        "digits" => Some(include_str!("../../presets/digits.toml")),
        "digits_cnn" => Some(include_str!("../../presets/digits_cnn.toml")),
        "mnist" => Some(include_str!("../../presets/mnist.toml")),
        "digits_reram" => Some(include_str!("../../presets/digits_reram.toml")),
        "digits_pcm" => Some(include_str!("../../presets/digits_pcm.toml")),
        "digits_fpga" => Some(include_str!("../../presets/digits_fpga.toml")),
        "mnist_fpga" => Some(include_str!("../../presets/mnist_fpga.toml")),
        "digits_stt" => Some(include_str!("../../presets/digits_stt.toml")),
        "tiny" => Some(include_str!("../../presets/tiny.toml")),
        _ => None,
    }
}

/// Reads and checks a spec file; paths in it are relative to its folder.
///
/// # Errors
/// All problems of the file, or that it cannot be read.
pub fn load(path: &Path) -> Result<Design, SpecErrors> {
    let name = path.display().to_string();
    let unreadable = |why: String| Problem::new(Code::File, format!("cannot read `{name}`: {why}"));
    let refuse = |problem: Problem| SpecErrors::new(&name, "", vec![problem]);
    let bytes = std::fs::read(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => refuse(
            unreadable("there is no such file".to_owned())
                .help(format!("`memrtl new --out {name}` writes one to start from")),
        ),
        _ => refuse(unreadable(e.to_string())),
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
        refuse(unreadable(format!("line {line} is not UTF-8 text")))
    })?;
    parse(&text, &name, path.parent().unwrap_or(Path::new("")))
}

/// Checks a spec's text. `file_name` is shown in messages, `base_dir` is what data paths are relative to.
///
/// # Errors
/// All problems, each with its place: those of the notation alone where the text is not TOML, else those of the content.
pub fn parse(text: &str, file_name: &str, base_dir: &Path) -> Result<Design, SpecErrors> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What stands around a broken line may have gone to the wrong key or section, so its content is not judged.
        return Err(SpecErrors::new(file_name, text, syntax(text, &errors)));
    }
    let reader = reader::Reader::new(text, build::SCHEMA);
    let design = build::design(&reader, table.get_ref(), base_dir);
    let mut problems = reader.into_problems();
    match design {
        Some(mut design) if problems.is_empty() => {
            design.refresh_hash();
            Ok(design)
        }
        _ => {
            if problems.is_empty() {
                problems.push(Problem::new(Code::Internal, "the spec was refused without a reason: a bug in memrtl"));
            }
            Err(SpecErrors::new(file_name, text, problems))
        }
    }
}

/// Syntax errors of the TOML reader in the form of all others; the first of each line, since the rest follow from it.
pub(crate) fn syntax(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for error in errors {
        let span = error.span().map(|s| s.start.min(text.len())..s.end.min(text.len()));
        let line = span.as_ref().map(|s| text.as_bytes()[..s.start].iter().filter(|b| **b == b'\n').count());
        if !lines.contains(&line) {
            lines.push(line);
            problems.push(syntax_problem(text, error.message(), span));
        }
    }
    problems
}

fn syntax_problem(text: &str, message: &str, span: Option<error::Span>) -> Problem {
    let word = span.clone().and_then(|s| text.get(s)).unwrap_or_default();
    let (message, expected) = match message.split_once(", expected ") {
        // The reader takes any unknown word for a string or a boolean.
        Some(("string values must be quoted" | "invalid boolean", _)) => match word {
            "" => ("a value is missing", "expected a number, true or false, a list, or text in quotes".to_owned()),
            _ => ("no value", "a number, true or false, a list, or text in quotes".to_owned()),
        },
        Some((message, expected)) => (message, format!("expected {expected}")),
        None => (message, String::new()),
    };
    let sentence = if word.trim().is_empty() { message.to_owned() } else { format!("`{word}`: {message}") };
    Problem::new(Code::Syntax, format!("the text is not TOML: {sentence}")).at(span, expected)
}
