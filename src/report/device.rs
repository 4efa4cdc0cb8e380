//! Tables of a device: its parameters, and the parameter sets that there are.

use comfy_table::{Table, presets};

use super::trimmed;
use crate::device::measured::Fit;
use crate::spec::{DeviceParameter, DevicePreset};

fn left(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

/// Every parameter with value, unit and meaning.
pub fn parameter_table(parameters: &[DeviceParameter]) -> String {
    let mut rows = left(&["parameter", "value", "unit", "meaning"]);
    for p in parameters {
        rows.add_row([p.key.name, p.value.as_str(), p.key.unit, p.key.meaning]);
    }
    trimmed(&rows) + "\n"
}

/// All parameter sets with their sources.
pub fn preset_table(all: &[DevicePreset]) -> String {
    let mut rows = left(&["model", "preset", "source"]);
    for p in all {
        rows.add_row([p.model, p.name, p.source.as_str()]);
    }
    trimmed(&rows) + "\n"
}

/// All laws that were fitted, with their residuals; `chosen` is marked.
pub fn fit_table(fits: &[Fit], chosen: usize) -> String {
    let mut rows = left(&["law", "residual, % of the range", ""]);
    for (i, fit) in fits.iter().enumerate() {
        let mark = if i == chosen { "chosen" } else { "" };
        rows.add_row([fit.parameters.law.name(), &format!("{:.3}", 100.0 * fit.residual), mark]);
    }
    trimmed(&rows) + "\n"
}
