//! The component table: what each event costs, how large each block is, and where the number comes from.

use std::path::Path;

use serde::Serialize;
use toml::de::{DeTable, DeValue};

use super::CostError;
use super::pulses::electrical;
use crate::device::DeviceError;
use crate::spec::error::{Code, Problem};
use crate::spec::reader::{Entry, Reader, Section};
use crate::spec::{COST_KEYS, CostKey, Design, SpecErrors, Unit};

const EMBEDDED: &str = include_str!("../../assets/components.toml");
const EMBEDDED_NAME: &str = "assets/components.toml";
const KEYS: &[&str] = &["value", "by_bits", "status", "source"];
const BITS: [&str; 12] = ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"];
const SCHEMA: &[(&str, &[&str])] = &[("the table", COST_KEYS)];

/// Where a constant comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As in its source.
    Published,
    /// Computed from published values.
    Derived,
    /// Nobody's measurement.
    Assumed,
    /// The spec or the device model says so.
    Given,
}

impl Status {
    const ALL: [(&'static str, Status); 3] =
        [("published", Status::Published), ("derived", Status::Derived), ("assumed", Status::Assumed)];

    pub fn name(self) -> &'static str {
        match self {
            Status::Published => "published",
            Status::Derived => "derived",
            Status::Assumed => "assumed",
            Status::Given => "given",
        }
    }
}

/// A constant with its source.
#[derive(Debug, Clone, PartialEq)]
struct Constant {
    key: CostKey,
    value: Value,
    status: Status,
    source: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    One(f64),
    /// By resolution, rising.
    ByBits(Vec<(u32, f64)>),
}

/// A constant as a design uses it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Used {
    pub key: CostKey,
    /// SI units.
    pub value: f64,
    /// The value with unit and prefix.
    pub text: String,
    pub meaning: &'static str,
    pub status: Status,
    pub source: String,
}

/// A whole table: every constant has a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// In the order of [`CostKey::ALL`].
    constants: Vec<Constant>,
    adc_bits: u32,
}

impl Components {
    /// The table that memrtl ships, for converters of `adc_bits`.
    ///
    /// # Errors
    /// None, unless the shipped file is broken.
    pub fn embedded(adc_bits: u32) -> Result<Components, CostError> {
        let constants = parse(EMBEDDED, EMBEDDED_NAME)?;
        let all = CostKey::ALL.iter().map(|key| constants.iter().find(|c| c.key == *key).cloned());
        let constants = all.collect::<Option<Vec<_>>>().ok_or(CostError::Incomplete)?;
        Ok(Components { constants, adc_bits })
    }

    /// Takes the constants of a table in a file instead.
    ///
    /// # Errors
    /// A file that cannot be read, and everything wrong in it.
    pub fn take_file(&mut self, path: &Path) -> Result<(), CostError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| CostError::Read { file: name.clone(), cause })?;
        self.take(&text, &name)
    }

    /// The same from a text; `name` is shown in messages.
    ///
    /// # Errors
    /// Everything wrong in it.
    pub fn take(&mut self, text: &str, name: &str) -> Result<(), CostError> {
        for constant in parse(text, name)? {
            self.put(constant);
        }
        Ok(())
    }

    /// The table for a design: its converters, the constants of its spec, and what its devices say of themselves.
    pub(super) fn of_design(&self, design: &Design) -> Result<Components, DeviceError> {
        let mut components = Components { adc_bits: design.array.adc_bits, ..self.clone() };
        for &(key, value) in &design.cost.0 {
            components.give(key, value, "the spec's section [cost]");
        }
        electrical(design, &mut components)?;
        Ok(components)
    }

    /// Takes one constant that a device or a spec gives.
    pub(super) fn give(&mut self, key: CostKey, value: f64, source: &str) {
        self.put(Constant { key, value: Value::One(value), status: Status::Given, source: source.to_owned() });
    }

    fn put(&mut self, constant: Constant) {
        if let Some(place) = self.constants.iter_mut().find(|c| c.key == constant.key) {
            *place = constant;
        }
    }

    /// A constant in SI units.
    pub fn get(&self, key: CostKey) -> f64 {
        self.constants.iter().find(|c| c.key == key).map_or(0.0, |c| c.value.at(self.adc_bits).0)
    }

    /// Whether the constant is given by a spec or a device.
    pub(super) fn given(&self, key: CostKey) -> bool {
        self.constants.iter().any(|c| c.key == key && c.status == Status::Given)
    }

    /// All constants with their sources.
    pub fn list(&self) -> Vec<Used> {
        let used = |c: &Constant| {
            let (value, listed) = c.value.at(self.adc_bits);
            let status = if listed { c.status } else { Status::Derived };
            let source = match listed {
                true => c.source.clone(),
                false => format!("{}; extrapolated to {} bits", c.source, self.adc_bits),
            };
            let (text, meaning) = (c.key.unit().text(value), c.key.meaning());
            Used { key: c.key, value, text, meaning, status, source }
        };
        self.constants.iter().map(used).collect()
    }
}

impl Value {
    /// The value for a resolution, and whether it stands in the table: beyond its ends the last ratio of neighbours goes on.
    fn at(&self, bits: u32) -> (f64, bool) {
        let table = match self {
            Value::One(value) => return (*value, true),
            Value::ByBits(table) => table,
        };
        if let Some((_, value)) = table.iter().find(|(b, _)| *b == bits) {
            return (*value, true);
        }
        let after = table.iter().position(|(b, _)| *b > bits).unwrap_or(table.len());
        let first = after.saturating_sub(1).min(table.len().saturating_sub(2));
        match table.get(first..first + 2) {
            Some(&[(b0, v0), (b1, v1)]) if v0 > 0.0 => {
                let per_bit = libm::log(v1 / v0) / f64::from(b1 - b0);
                (v0 * libm::exp(per_bit * (f64::from(bits) - f64::from(b0))), false)
            }
            _ => (table.first().map_or(0.0, |entry| entry.1), false),
        }
    }
}

/// All constants of a text.
fn parse(text: &str, name: &str) -> Result<Vec<Constant>, SpecErrors> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(SpecErrors::new(name, text, crate::spec::syntax(text, &errors)));
    }
    let reader = Reader::new(text, SCHEMA);
    let top = Section::new(&reader, String::new(), Some(table.get_ref()), Some(0..0), COST_KEYS);
    let constants: Vec<_> = CostKey::ALL
        .iter()
        .filter(|k| top.get(k.name()).is_some())
        .filter_map(|&k| constant(&reader, &top, k))
        .collect();
    let problems = reader.into_problems();
    if problems.is_empty() { Ok(constants) } else { Err(SpecErrors::new(name, text, problems)) }
}

/// One constant; `None` where something is wrong, which is reported.
fn constant(reader: &Reader<'_>, top: &Section<'_>, key: CostKey) -> Option<Constant> {
    let section = top.section(key.name(), KEYS);
    let status = section.choice("status", &Status::ALL);
    let source = section.text("source");
    for (name, absent) in [("status", status == Entry::Absent), ("source", matches!(&source, Entry::Absent))] {
        if absent {
            let help = match name {
                "status" => "one of \"published\", \"derived\", \"assumed\"",
                _ => "say where the number comes from",
            };
            section.missing(name, help);
        }
    }
    let source = match source {
        Entry::Given(text, span) if text.trim().is_empty() => {
            let message = format!("`{}` says nothing", reader.quote(&span));
            reader.report(Problem::new(Code::Constant, message).at(Some(span), "say where the number comes from"));
            None
        }
        entry => entry.optional()?.value,
    };
    let value = value(reader, &section, key);
    Some(Constant { key, value: value?, status: status.optional()?.value?, source: source? })
}

fn value(reader: &Reader<'_>, section: &Section<'_>, key: CostKey) -> Option<Value> {
    let one = section.quantity("value", key.unit(), key.zero());
    let by_bits = section.get("by_bits");
    match (one, by_bits) {
        (Entry::Given(value, _), None) => Some(Value::One(value)),
        (Entry::Bad, _) => None,
        (Entry::Absent, None) => {
            let example = if key.unit() == Unit::Share { "value = 0.5" } else { "value = \"1.5 pJ\"" };
            section.missing("value", &format!("for example `{example}`"));
            None
        }
        (Entry::Given(_, span), Some(_)) => {
            let message = format!("`{}` stands beside `by_bits`", reader.quote(&span));
            reader.report(Problem::new(Code::Constant, message).at(Some(span), "allowed: one of both"));
            None
        }
        (Entry::Absent, Some((_, list))) => {
            let bits = section.section("by_bits", &BITS);
            if !matches!(list.get_ref(), DeValue::Table(_)) {
                return None;
            }
            let entry = |name: &&'static str| match bits.quantity(name, key.unit(), false) {
                Entry::Given(value, _) => Some(Some((name.parse().ok()?, value))),
                Entry::Absent => None,
                Entry::Bad => Some(None),
            };
            let table: Option<Vec<(u32, f64)>> = BITS.iter().filter_map(entry).collect();
            let table = table?;
            if table.is_empty() {
                bits.missing("8", "give a value by resolution, `8 = \"1.5 pJ\"`");
                return None;
            }
            Some(Value::ByBits(table))
        }
    }
}
