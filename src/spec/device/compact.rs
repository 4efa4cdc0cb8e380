//! Compact models: a parameter set by name, every number of which can be replaced.

use std::fmt::Write;

use super::{choose_preset, foreign};
use crate::device::compact::{CompactCells, IvCurve, Kind, Model, ParameterProblem, Severity, Window};
use crate::spec::DeviceModel;
use crate::spec::error::{Code, Problem};
use crate::spec::reader::{Bounds, Found, Reader, Section};

/// Keys of the array of any compact model.
const CELLS: &[&str] = &["g_low", "g_high", "v_read", "v_max", "rate_dtod", "rate_ctoc"];
/// Keys of the window; the last three are those of the window of TEAM.
const WINDOW: &[&str] = &["window", "window_p", "accept_sticking", "window_a_on", "window_a_off", "window_w_c"];

const CURVES: &[(&str, IvCurve)] = &[("linear", IvCurve::Linear), ("exponential", IvCurve::Exponential)];

pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, kind: Kind) -> Option<CompactCells> {
    let model = model(reader, section, kind)?;
    checked(reader, section, &model).then_some(())?;
    cells(reader, section, model)
}

/// The model with its numbers, in itself right or not.
fn model(reader: &Reader<'_>, section: &Section<'_>, kind: Kind) -> Option<Model> {
    let mut own = vec!["preset"];
    own.extend(matches!(kind, Kind::Vteam).then_some("iv"));
    own.extend(kind.model().numbers().iter().map(|number| number.name));
    own.extend(kind.model().window().is_some().then_some(WINDOW).into_iter().flatten());
    own.extend(CELLS);
    foreign(reader, section, kind.name(), &own);
    let sets: Vec<(&str, Model)> = kind.sets().iter().map(|set| (set.name, set.model)).collect();
    let mut model = choose_preset(reader, section, kind.name(), &sets, kind.model())?;
    let mut whole = true;
    if let Model::Vteam(vteam) = &mut model {
        match section.choice("iv", CURVES).or(IvCurve::Exponential) {
            Some(found) => vteam.iv = found.value,
            None => whole = false,
        }
    }
    // What a number may be is the model's own to say; this only keeps out what is no number.
    let anything = Bounds::at_least(-1e18, "");
    for number in model.numbers() {
        match section.real(number.name, anything).or(*number.value) {
            Some(found) => *number.value = found.value,
            None => whole = false,
        }
    }
    if let Some((window, accept)) = model.window() {
        match chosen_window(section, *window) {
            Some((chosen, own)) => {
                // Sticking comes with a published set; who asks for it must say so.
                *accept &= !own;
                *window = chosen;
            }
            None => whole = false,
        }
        match section.flag("accept_sticking").or(*accept) {
            Some(found) => *accept = found.value,
            None => whole = false,
        }
    }
    whole.then_some(model)
}

/// The window, and whether the spec itself names one; `preset` is that of the parameter set.
fn chosen_window(section: &Section<'_>, preset: Window) -> Option<(Window, bool)> {
    let (mut p, (mut on, mut off, mut w_c)) = (1.0, (2e-9, 1.2e-9, 107e-12));
    match preset {
        Window::Joglekar { p: own } | Window::Biolek { p: own } | Window::Prodromakis { p: own, .. } => p = own,
        Window::Kvatinsky { a_on, a_off, w_c: own } => (on, off, w_c) = (a_on, a_off, own),
        Window::Clip => {}
    }
    let p = section.real("window_p", Bounds::at_least(0.5, "").below(100.0)).or(p)?.value;
    let metres = |key: &str, preset: f64| Some(section.real(key, Bounds::above(0.0, " m")).or(preset)?.value);
    let kvatinsky = Window::Kvatinsky {
        a_on: metres("window_a_on", on)?,
        a_off: metres("window_a_off", off)?,
        w_c: metres("window_w_c", w_c)?,
    };
    let windows =
        [Window::Clip, Window::Joglekar { p }, Window::Prodromakis { p, j: 1.0 }, Window::Biolek { p }, kvatinsky]
            .map(|window| (window.name(), window));
    let Found { value, span } = section.choice("window", &windows).optional()?;
    let same_kind = windows.iter().find(|(name, _)| *name == preset.name()).map_or(preset, |(_, window)| *window);
    Some((value.unwrap_or(same_kind), span.is_some()))
}

/// What the array needs beside the model: the range of the weights, the voltages, the spread.
fn cells(reader: &Reader<'_>, section: &Section<'_>, model: Model) -> Option<CompactCells> {
    let v_read = section.real("v_read", Bounds::above(0.0, " V")).or(0.1)?;
    let v_max = section.real("v_max", Bounds::above(0.0, " V")).or(2.0)?.value;
    reads_leave_alone(reader, section, &model, &v_read)?;
    let (low, high) = model.as_dyn().conductance_range(v_read.value);
    let (g_low, g_high) = model.default_range(v_read.value);
    let g_low = section.real("g_low", Bounds::above(0.0, " S")).or(g_low)?;
    let g_high = section.real("g_high", Bounds::above(0.0, " S")).or(g_high)?;
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

/// Refuses a read that moves the state: the golden model takes reads for harmless.
fn reads_leave_alone(reader: &Reader<'_>, section: &Section<'_>, model: &Model, v_read: &Found<f64>) -> Option<()> {
    let message = format!("a read of {} V disturbs the device", v_read.value);
    let places = [v_read.span.clone(), section.place("preset"), section.place("model")];
    let problem = Problem::new(Code::OutOfRange, message);
    let at = places.into_iter().flatten().next();
    match model.as_dyn().thresholds() {
        Some(limits) => {
            let safe = limits.positive.min(-limits.negative);
            if v_read.value < safe {
                return Some(());
            }
            let (low, high) = (figure(limits.negative), figure(limits.positive));
            let problem = problem.at(at, format!("allowed: `v_read` below {} V", figure(safe)));
            reader.report(problem.note(format!("its thresholds are {low} V and {high} V")));
        }
        None => {
            let model = model.as_dyn();
            let (low, high) = model.bounds();
            let rate = model.rate(model.state_at(0.5), v_read.value).abs() / (high - low);
            let problem = problem.at(at, "allowed: none, this device has no thresholds");
            let moved = format!("every second of it moves the state by {rate:.2e} of its range");
            reader.report(problem.note(moved).help("give thresholds: `v_negative` below 0, `v_positive` above 0"));
        }
    }
    None
}

/// Four digits, as a spec would have them.
fn figure(value: f64) -> String {
    format!("{:?}", format!("{value:.3e}").parse::<f64>().unwrap_or(value))
}

/// What a compact model that can be used warns of, in words of the spec; nothing for sound parameters.
pub fn compact_warnings(model: &Model) -> Vec<String> {
    let warnings = model.as_dyn().check().into_iter().filter(|p| p.severity == Severity::Warning);
    let words = |p: ParameterProblem| {
        let key = p.field.replace('.', "_");
        format!("`{key}` of the device is {}: {}; better: {}", p.value, p.reason, p.allowed)
    };
    warnings.map(words).collect()
}

/// The same of any model of a spec; all but the compact ones refuse what they would warn of.
pub fn device_warnings(model: &DeviceModel) -> Vec<String> {
    match model {
        DeviceModel::Compact(cells) => compact_warnings(&cells.model),
        _ => Vec::new(),
    }
}

/// Reports what the model itself says about its parameters; whether it can be used.
fn checked(reader: &Reader<'_>, section: &Section<'_>, model: &Model) -> bool {
    let mut usable = true;
    for found in model.as_dyn().check().into_iter().filter(|p| p.severity == Severity::Error) {
        usable = false;
        // `window.p` of the model is `window_p` in the spec.
        let key = found.field.replace('.', "_");
        let message = format!("`{key}` is {}, which is out of range", found.value);
        let place = section.place(&key).or(section.place("preset")).or(section.place("model"));
        let problem = Problem::new(Code::OutOfRange, message).at(place, format!("allowed: {}", found.allowed));
        reader.report(if found.reason.is_empty() { problem } else { problem.note(found.reason.to_owned()) });
    }
    usable
}

/// Writes the keys of the model alone.
pub(super) fn write_numbers(out: &mut String, model: &Model) -> std::fmt::Result {
    let mut model = *model;
    if let Model::Vteam(vteam) = &model {
        writeln!(out, "iv = \"{}\"", if vteam.iv == IvCurve::Linear { "linear" } else { "exponential" })?;
    }
    for number in model.numbers() {
        writeln!(out, "{} = {:?}", number.name, number.value)?;
    }
    if let Some((window, accept)) = model.window() {
        writeln!(out, "window = \"{}\"", window.name())?;
        match window {
            Window::Joglekar { p } | Window::Prodromakis { p, .. } | Window::Biolek { p } => {
                writeln!(out, "window_p = {p:?}")?;
            }
            Window::Kvatinsky { a_on, a_off, w_c } => {
                writeln!(out, "window_a_on = {a_on:?}\nwindow_a_off = {a_off:?}\nwindow_w_c = {w_c:?}")?;
            }
            Window::Clip => {}
        }
        if *accept {
            writeln!(out, "accept_sticking = true")?;
        }
    }
    Ok(())
}

pub(super) fn write(out: &mut String, cells: &CompactCells) -> std::fmt::Result {
    write_numbers(out, &cells.model)?;
    writeln!(out, "g_low = {:?}\ng_high = {:?}", cells.g_low, cells.g_high)?;
    writeln!(out, "v_read = {:?}\nv_max = {:?}", cells.v_read, cells.v_max)?;
    writeln!(out, "rate_dtod = {:?}\nrate_ctoc = {:?}", cells.rate_dtod, cells.rate_ctoc)
}
