//! `[array.nonideal]`: what real arrays and converters add to their devices. All of it is off unless the spec says otherwise.

use std::fmt::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::{Code, Problem};
use super::fault_map;
use super::reader::{Bounds, Entry, Reader, Section};
use super::{Design, DeviceModel};
use crate::device::CellAddress;

pub(super) const KEYS: &[&str] = &[
    "stuck_lrs",
    "stuck_hrs",
    "stuck_open",
    "lrs_conductance",
    "hrs_conductance",
    "fault_map",
    "read_noise",
    "adc_offset",
    "adc_gain",
    "dac_inl",
    "dac_bow",
    "wire_row",
    "wire_column",
    "retention",
    "age",
];

/// Most LSBs of a DAC's nonlinearity.
const INL_MOST: f64 = 64.0;
/// Largest resistance of a wire segment.
const MOST_OHMS: f64 = 1e6;
/// Longest time in seconds: ten thousand years.
const LONGEST: f64 = 3.2e11;

/// Imperfections of arrays and converters. The default is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NonIdeal {
    /// Probabilities that a device is stuck, 0 to 1, at most 1 together.
    pub stuck_lrs: f64,
    pub stuck_hrs: f64,
    pub stuck_open: f64,
    /// Siemens of devices stuck at low and at high resistance; `None`: the ends of the device's range.
    pub lrs_conductance: Option<f64>,
    pub hrs_conductance: Option<f64>,
    pub fault_map: Option<FaultMap>,
    /// Standard deviation of a read, in full scales of the ADC.
    pub read_noise: f64,
    /// Standard deviations over the converters of offset, in full scales, and of gain, relative.
    pub adc_offset: f64,
    pub adc_gain: f64,
    /// Largest integral nonlinearity of the row and column drivers in LSB: odd (cubic) and even (quadratic) in the code.
    pub dac_inl: f64,
    pub dac_bow: f64,
    /// Ohms of the wire from one cell to the next, along a row and along a column.
    pub wire_row: f64,
    pub wire_column: f64,
    /// Time constant in seconds with which conductances fall to the low end of the range; `None`: never.
    pub retention: Option<f64>,
    /// Seconds that pass between training and the last test.
    pub age: f64,
}

/// What an array is modelled without: wires act on reads alone.
pub fn nonideal_warnings(nonideal: &NonIdeal) -> Vec<String> {
    let wires = [("wire_row", nonideal.wire_row), ("wire_column", nonideal.wire_column)];
    let set: Vec<String> =
        wires.iter().filter(|(_, ohms)| *ohms > 0.0).map(|(key, ohms)| format!("`{key} = {ohms}`")).collect();
    if set.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "{}: wires weaken reads alone; pulses reach every cell of the array whole, so training is better than on a real array",
        set.join(", ")
    )]
}

/// Stuck devices by address, from a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultMap {
    /// Path as the user wrote it.
    pub path: PathBuf,
    #[serde(skip)]
    pub faults: Vec<MappedFault>,
}

/// A line of a fault map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappedFault {
    /// Number of the layer.
    pub layer: usize,
    pub at: CellAddress,
    pub kind: FaultKind,
}

/// How a device is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// At low resistance.
    Lrs,
    /// At high resistance.
    Hrs,
    /// It does not conduct at all.
    Open,
}

impl FaultKind {
    pub const ALL: [FaultKind; 3] = [FaultKind::Lrs, FaultKind::Hrs, FaultKind::Open];

    /// Name as in a fault map.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Lrs => "lrs",
            FaultKind::Hrs => "hrs",
            FaultKind::Open => "open",
        }
    }
}

/// An imperfection that is on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imperfection {
    /// As in `[array.nonideal]`.
    pub key: &'static str,
    pub value: Amount,
    /// Empty for shares and for text.
    pub unit: &'static str,
}

/// Value of a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Amount {
    Number(f64),
    Text(String),
}

impl fmt::Display for Imperfection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.unit.is_empty() { "" } else { " " };
        match &self.value {
            Amount::Number(number) => write!(f, "{} {number}{separator}{}", self.key, self.unit),
            Amount::Text(text) => write!(f, "{} {text}", self.key),
        }
    }
}

impl NonIdeal {
    /// What is on, a map of faults first; nothing for perfect arrays.
    pub fn listed(&self) -> Vec<Imperfection> {
        let stuck = |siemens: Option<f64>| siemens.filter(|_| self.has_faults());
        let on = |value: f64| (value != 0.0).then_some(value);
        let numbers = [
            ("stuck_lrs", on(self.stuck_lrs), ""),
            ("stuck_hrs", on(self.stuck_hrs), ""),
            ("stuck_open", on(self.stuck_open), ""),
            ("lrs_conductance", stuck(self.lrs_conductance), "S"),
            ("hrs_conductance", stuck(self.hrs_conductance), "S"),
            ("read_noise", on(self.read_noise), "full scales"),
            ("adc_offset", on(self.adc_offset), "full scales"),
            ("adc_gain", on(self.adc_gain), ""),
            ("dac_inl", on(self.dac_inl), "LSB"),
            ("dac_bow", on(self.dac_bow), "LSB"),
            ("wire_row", on(self.wire_row), "ohm"),
            ("wire_column", on(self.wire_column), "ohm"),
            ("retention", self.retention, "s"),
            ("age", on(self.age), "s"),
        ];
        let number = |(key, value, unit): (_, Option<f64>, _)| {
            value.map(|value| Imperfection { key, value: Amount::Number(value), unit })
        };
        let mut all: Vec<Imperfection> = numbers.into_iter().filter_map(number).collect();
        if let Some(map) = &self.fault_map {
            let path = map.path.display().to_string();
            all.insert(0, Imperfection { key: "fault_map", value: Amount::Text(path), unit: "" });
        }
        all
    }

    /// Whether devices may be stuck.
    pub fn has_faults(&self) -> bool {
        self.stuck_lrs > 0.0 || self.stuck_hrs > 0.0 || self.stuck_open > 0.0 || self.fault_map.is_some()
    }

    /// Whether wires have a resistance.
    pub fn has_wires(&self) -> bool {
        self.wire_row > 0.0 || self.wire_column > 0.0
    }
}

/// A device model that keeps its state for ever, unless [`NonIdeal::retention`] says otherwise.
fn keeps_its_state(model: &DeviceModel) -> bool {
    matches!(model, DeviceModel::Ideal | DeviceModel::Compact(_) | DeviceModel::Response(_))
}

impl Design {
    /// Why it is of no use to let time pass for these devices; `None`: they age.
    pub fn ageless(&self) -> Option<&'static str> {
        match &self.device.model {
            DeviceModel::Ideal => {
                Some("the `ideal` device keeps its integers for ever: choose another `model` in `[device]`")
            }
            model if keeps_its_state(model) && self.nonideal.retention.is_none() => Some(
                "these devices keep their states for ever: give `retention` in `[array.nonideal]`, or take `pcm`, which drifts",
            ),
            _ => None,
        }
    }
}

/// Reads the section of a design that has one; `None` where something is wrong.
pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, design: &Design, base_dir: &Path) -> Option<NonIdeal> {
    let number = |key: &str, limits: RangeInclusive<f64>, unit: &str| {
        Some(section.real_within(key, limits, unit).or(0.0)?.value)
    };
    let siemens = |key: &str| Some(section.real(key, Bounds::above(0.0, " S").below(1e3)).optional()?.value);
    let resistance = |key: &str| number(key, 0.0..=MOST_OHMS, " ohm");
    let probability = |key: &str| number(key, 0.0..=1.0, "");
    let (lrs, hrs, open) = (probability("stuck_lrs"), probability("stuck_hrs"), probability("stuck_open"));
    let (lrs_conductance, hrs_conductance) = (siemens("lrs_conductance"), siemens("hrs_conductance"));
    let read_noise = number("read_noise", 0.0..=1.0, " full scales");
    let adc_offset = number("adc_offset", 0.0..=1.0, " full scales");
    let adc_gain = number("adc_gain", 0.0..=1.0, "");
    let inl = |key: &str| number(key, -INL_MOST..=INL_MOST, " LSB");
    let (dac_inl, dac_bow) = (inl("dac_inl"), inl("dac_bow"));
    let (wire_row, wire_column) = (resistance("wire_row"), resistance("wire_column"));
    let seconds = Bounds::above(0.0, " s").below(LONGEST);
    let retention = section.real("retention", seconds).optional();
    let age = section.real("age", Bounds::at_least(0.0, " s").below(LONGEST)).or(0.0);
    // An address can only be judged where devices exist.
    let cell = design.cell().ok()?;
    let devices = cell.map_or(1, |cell| cell.devices);
    let fault_map = match section.text("fault_map") {
        Entry::Absent => Some(None),
        Entry::Bad => None,
        Entry::Given(path, span) => fault_map::read(reader, &path, span, design, devices, base_dir).map(Some),
    };
    let nonideal = NonIdeal {
        stuck_lrs: lrs?,
        stuck_hrs: hrs?,
        stuck_open: open?,
        lrs_conductance: lrs_conductance?,
        hrs_conductance: hrs_conductance?,
        fault_map: fault_map?,
        read_noise: read_noise?,
        adc_offset: adc_offset?,
        adc_gain: adc_gain?,
        dac_inl: dac_inl?,
        dac_bow: dac_bow?,
        wire_row: wire_row?,
        wire_column: wire_column?,
        retention: retention.as_ref()?.value,
        age: age.as_ref()?.value,
    };
    let refuse = |key: Option<&str>, message: String, label: &str, help: &str| {
        let place = key.and_then(|key| section.place(key)).or(section.span.clone());
        reader.report(Problem::new(Code::NonIdeal, message).at(place, label).help(help));
    };
    if design.device.model == DeviceModel::Ideal && nonideal != NonIdeal::default() {
        let message =
            "`[array.nonideal]` needs memristors: the `ideal` device is an integer, the same in every backend";
        refuse(None, message.to_owned(), "", "choose another `model` in `[device]`, or remove the section");
        return None;
    }
    if design.array.input_coding.bit_serial() && (nonideal.dac_inl != 0.0 || nonideal.dac_bow != 0.0) {
        let key = if nonideal.dac_inl != 0.0 { "dac_inl" } else { "dac_bow" };
        let message = format!("`{key}` with `input_coding = \"bit_serial\"`");
        let help = "remove it, or set `input_coding = \"amplitude\"`";
        refuse(Some(key), message, "reads drive lines by one bit: a driver of two levels is linear", help);
        return None;
    }
    let share = nonideal.stuck_lrs + nonideal.stuck_hrs + nonideal.stuck_open;
    if share > 1.0 {
        let keys = ["stuck_lrs", "stuck_hrs", "stuck_open"];
        let key = keys.into_iter().find(|key| section.place(key).is_some());
        let message = format!("more devices are stuck than there are: the three probabilities add up to {share}");
        refuse(key, message, "allowed: at most 1 together", "lower one of them");
        return None;
    }
    if retention.as_ref()?.value.is_some() && !keeps_its_state(&design.device.model) {
        let message = "`retention` is for devices that do not age by themselves".to_owned();
        refuse(Some("retention"), message, "", "remove it; this device's own drift has its keys in `[device]`");
        return None;
    }
    let with_retention = Design { nonideal: nonideal.clone(), ..design.clone() };
    if let (true, Some(why)) = (nonideal.age > 0.0, with_retention.ageless()) {
        refuse(Some("age"), "`age` has no effect".to_owned(), "allowed: 0", why);
        return None;
    }
    Some(nonideal)
}

/// Writes the section in its canonical form; nothing where nothing is on.
pub(super) fn write(out: &mut String, n: &NonIdeal) -> std::fmt::Result {
    if *n == NonIdeal::default() {
        return Ok(());
    }
    writeln!(out, "\n[array.nonideal]\nstuck_lrs = {:?}\nstuck_hrs = {:?}", n.stuck_lrs, n.stuck_hrs)?;
    writeln!(out, "stuck_open = {:?}", n.stuck_open)?;
    // Absent, these follow from the device.
    for (key, value) in [("lrs_conductance", n.lrs_conductance), ("hrs_conductance", n.hrs_conductance)] {
        if let Some(value) = value {
            writeln!(out, "{key} = {value:?}")?;
        }
    }
    if let Some(map) = &n.fault_map {
        writeln!(out, "fault_map = {}", super::canonical::quoted(&map.path))?;
    }
    writeln!(out, "read_noise = {:?}\nadc_offset = {:?}", n.read_noise, n.adc_offset)?;
    writeln!(out, "adc_gain = {:?}\ndac_inl = {:?}\ndac_bow = {:?}", n.adc_gain, n.dac_inl, n.dac_bow)?;
    writeln!(out, "wire_row = {:?}\nwire_column = {:?}", n.wire_row, n.wire_column)?;
    if let Some(retention) = n.retention {
        writeln!(out, "retention = {retention:?}")?;
    }
    writeln!(out, "age = {:?}", n.age)
}
