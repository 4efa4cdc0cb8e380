//! Compact models: a parameter set by name, every number of which can be replaced.

use std::fmt::Write;

use super::foreign;
use crate::device::compact::{CompactCells, IvCurve, Model, Severity, Vteam, Window};
use crate::spec::error::{Code, Problem};
use crate::spec::reader::{Bounds, Found, Reader, Section};

/// Keys of VTEAM's parameters: name in the spec, and how to reach it.
type Field = (&'static str, fn(&mut Vteam) -> &mut f64);
const FIELDS: &[Field] = &[
    ("r_on", |m| &mut m.r_on),
    ("r_off", |m| &mut m.r_off),
    ("w_on", |m| &mut m.w_on),
    ("w_off", |m| &mut m.w_off),
    ("v_on", |m| &mut m.v_on),
    ("v_off", |m| &mut m.v_off),
    ("k_on", |m| &mut m.k_on),
    ("k_off", |m| &mut m.k_off),
    ("alpha_on", |m| &mut m.alpha_on),
    ("alpha_off", |m| &mut m.alpha_off),
];

const OWN: &[&str] = &[
    "preset",
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
];

/// Share of the conductance range that the weights -1 to 1 take when the spec does not say: well inside, where the step
/// changes little with the state.
const WINDOW_LOW: f64 = 0.35;
const WINDOW_HIGH: f64 = 0.65;

pub(super) fn vteam(reader: &Reader<'_>, section: &Section<'_>) -> Option<CompactCells> {
    foreign(reader, section, "vteam", OWN);
    let sets: Vec<(&str, Vteam)> = Vteam::sets().iter().map(|set| (set.name, set.model)).collect();
    let mut model = section.choice("preset", &sets).or(Vteam::default())?.value;
    let curves = [("linear", IvCurve::Linear), ("exponential", IvCurve::Exponential)];
    model.iv = section.choice("iv", &curves).or(IvCurve::Exponential)?.value;
    let anything = Bounds::at_least(-1e18, "");
    let mut whole = true;
    for (key, field) in FIELDS {
        match section.real(key, anything).optional() {
            Some(Found { value: Some(value), .. }) => *field(&mut model) = value,
            Some(_) => {}
            None => whole = false,
        }
    }
    let power = section.real("window_p", Bounds::at_least(0.5, "").below(100.0)).or(1.0)?.value;
    let windows = [
        ("clip", Window::Clip),
        ("joglekar", Window::Joglekar { p: power }),
        ("prodromakis", Window::Prodromakis { p: power, j: 1.0 }),
        ("biolek", Window::Biolek { p: power }),
    ];
    model.window = section.choice("window", &windows).or(Window::Clip)?.value;
    if !whole {
        return None;
    }
    let model = Model::Vteam(model);
    if !checked(reader, section, &model) {
        return None;
    }
    let v_read = section.real("v_read", Bounds::above(0.0, " V")).or(0.1)?;
    let v_max = section.real("v_max", Bounds::above(0.0, " V")).or(2.0)?.value;
    if let Some(limits) = model.as_dyn().thresholds() {
        let safe = limits.positive.min(-limits.negative);
        if v_read.value >= safe {
            let message = format!("a read of {} V disturbs the device", v_read.value);
            let problem = Problem::new(Code::OutOfRange, message)
                .at(v_read.span.clone(), format!("allowed: below {safe} V"))
                .note(format!("its thresholds are {} V and {} V", limits.negative, limits.positive));
            reader.report(problem);
            return None;
        }
    }
    let (low, high) = model.as_dyn().conductance_range(v_read.value);
    let at = |share: f64| low + share * (high - low);
    let g_low = section.real("g_low", Bounds::above(0.0, " S")).or(at(WINDOW_LOW))?;
    let g_high = section.real("g_high", Bounds::above(0.0, " S")).or(at(WINDOW_HIGH))?;
    for (key, found) in [("g_low", &g_low), ("g_high", &g_high)] {
        if !(low..=high).contains(&found.value) {
            let problem = Problem::new(Code::OutOfRange, format!("`{key} = {:?}` is out of range", found.value));
            reader
                .report(problem.at(found.span.clone(), format!("allowed: {low:e} to {high:e} S, those of the device")));
            return None;
        }
    }
    if g_low.value >= g_high.value {
        let problem = Problem::new(Code::OutOfRange, format!("`g_low = {:?}` is out of range", g_low.value))
            .at(g_low.span.clone(), format!("allowed: below `g_high`, {:e} S", g_high.value))
            .also(g_high.span.clone(), "");
        reader.report(problem);
        return None;
    }
    let spread = |key: &str| Some(section.real(key, Bounds::at_least(0.0, "").below(10.0)).or(0.0)?.value);
    Some(CompactCells {
        model,
        g_low: g_low.value,
        g_high: g_high.value,
        v_read: v_read.value,
        v_max,
        rate_dtod: spread("rate_dtod")?,
        rate_ctoc: spread("rate_ctoc")?,
    })
}

/// Reports what the model itself says about its parameters; whether it can be used.
fn checked(reader: &Reader<'_>, section: &Section<'_>, model: &Model) -> bool {
    let mut usable = true;
    for found in model.as_dyn().check().into_iter().filter(|p| p.severity == Severity::Error) {
        usable = false;
        let key = found.field.split('.').next().unwrap_or(found.field);
        let message = format!("`{key}` is {}, which is out of range", found.value);
        let problem = Problem::new(Code::OutOfRange, message)
            .at(section.place(key).or(section.place("preset")), format!("allowed: {}", found.allowed));
        reader.report(if found.reason.is_empty() { problem } else { problem.note(found.reason.to_owned()) });
    }
    usable
}

pub(super) fn write(out: &mut String, cells: &CompactCells) -> std::fmt::Result {
    let Model::Vteam(mut model) = cells.model;
    let iv = if model.iv == IvCurve::Linear { "linear" } else { "exponential" };
    writeln!(out, "iv = \"{iv}\"")?;
    for (key, field) in FIELDS {
        writeln!(out, "{key} = {:?}", *field(&mut model))?;
    }
    writeln!(out, "window = \"{}\"", model.window.name())?;
    if let Window::Joglekar { p } | Window::Prodromakis { p, .. } | Window::Biolek { p } = model.window {
        writeln!(out, "window_p = {p:?}")?;
    }
    writeln!(out, "g_low = {:?}\ng_high = {:?}", cells.g_low, cells.g_high)?;
    writeln!(out, "v_read = {:?}\nv_max = {:?}", cells.v_read, cells.v_max)?;
    writeln!(out, "rate_dtod = {:?}\nrate_ctoc = {:?}", cells.rate_dtod, cells.rate_ctoc)
}
