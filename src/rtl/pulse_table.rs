//! Tables of pulse widths for devices that switch by chance.

use askama::Template;

use crate::spec::{Design, PulseTable};

/// All distinct tables of a design in one module.
#[derive(Template)]
#[template(path = "pulse_table.v", escape = "none")]
pub(super) struct PulseTables<'a> {
    name: &'a str,
    pulse_bits: u32,
    tables: Vec<Shown>,
}

struct Shown {
    /// Names of the layers that use it.
    layers: String,
    /// Its range of probabilities.
    shown: String,
    widths: Vec<u32>,
}

/// What a layer needs to know of its table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableUse {
    /// Which one.
    pub number: usize,
    /// Largest code without a pulse.
    pub quiet: u32,
}

/// The tables of all layers, equal ones once, with the numbers of the layers that use each.
fn distinct(design: &Design) -> Vec<(PulseTable, Vec<usize>)> {
    let mut tables: Vec<(PulseTable, Vec<usize>)> = Vec::new();
    for (layer, table) in design.pulse_tables().into_iter().enumerate() {
        match tables.iter_mut().find(|(known, _)| *known == table) {
            Some((_, users)) => users.push(layer),
            None => tables.push((table, vec![layer])),
        }
    }
    tables
}

/// What each layer uses; empty for devices that take widths as they come.
pub(super) fn uses(design: &Design) -> Vec<TableUse> {
    let tables = distinct(design);
    let of = |layer: usize| {
        let number = tables.iter().position(|(_, users)| users.contains(&layer))?;
        Some(TableUse { number, quiet: tables[number].0.quiet() })
    };
    (0..design.layers.len()).filter_map(of).collect()
}

impl<'a> PulseTables<'a> {
    /// The module's bindings; `None` for devices that take widths as they come.
    pub fn new(design: &'a Design) -> Option<Self> {
        let shown = |(table, users): (PulseTable, Vec<usize>)| {
            let names: Vec<&str> = users.iter().map(|&layer| design.layers[layer].name.as_str()).collect();
            let (low, high) = table.wanted();
            Shown {
                layers: names.join(", "),
                shown: format!("{low:.2e} to {high:.3}"),
                widths: table.widths().to_vec(),
            }
        };
        let tables: Vec<Shown> = distinct(design).into_iter().map(shown).collect();
        let name = design.name.as_str();
        (!tables.is_empty()).then_some(PulseTables { name, pulse_bits: design.array.pulse_bits, tables })
    }
}
