//! Pulse-response models.

use std::fmt::Write;

use super::foreign;
use crate::device::response::{Law, Parameters};
use crate::spec::reader::{Bounds, Reader, Section};

/// Models of the family by name.
pub(super) const MODELS: &[(&str, Law)] = &[("constant_step", Law::ConstantStep)];

const OWN: &[&str] = &[
    "preset",
    "dw_min",
    "dw_min_dtod",
    "dw_min_std",
    "up_down",
    "up_down_dtod",
    "w_max",
    "w_min",
    "w_max_dtod",
    "w_min_dtod",
];

pub(super) fn name(law: Law) -> &'static str {
    MODELS.iter().find(|(_, l)| *l == law).map_or("", |(name, _)| name)
}

pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, law: Law) -> Option<Parameters> {
    foreign(reader, section, name(law), OWN);
    let start = Parameters { law, ..Parameters::default() };
    let spread = Bounds::at_least(0.0, "");
    let real = |key: &str, bounds: Bounds, default: f64| Some(section.real(key, bounds).or(default)?.value);
    Some(Parameters {
        law,
        dw_min: real("dw_min", Bounds::above(0.0, ""), start.dw_min)?,
        dw_min_dtod: real("dw_min_dtod", spread, start.dw_min_dtod)?,
        dw_min_std: real("dw_min_std", spread, start.dw_min_std)?,
        up_down: real("up_down", Bounds::at_least(-1.0, "").below(1.0), start.up_down)?,
        up_down_dtod: real("up_down_dtod", spread, start.up_down_dtod)?,
        w_max: real("w_max", Bounds::above(0.0, ""), start.w_max)?,
        w_min: real("w_min", Bounds::at_least(-1e3, "").below(0.0), start.w_min)?,
        w_max_dtod: real("w_max_dtod", spread, start.w_max_dtod)?,
        w_min_dtod: real("w_min_dtod", spread, start.w_min_dtod)?,
    })
}

pub(super) fn write(out: &mut String, p: &Parameters) -> std::fmt::Result {
    writeln!(out, "dw_min = {:?}\ndw_min_dtod = {:?}\ndw_min_std = {:?}", p.dw_min, p.dw_min_dtod, p.dw_min_std)?;
    writeln!(out, "up_down = {:?}\nup_down_dtod = {:?}", p.up_down, p.up_down_dtod)?;
    writeln!(out, "w_max = {:?}\nw_min = {:?}", p.w_max, p.w_min)?;
    writeln!(out, "w_max_dtod = {:?}\nw_min_dtod = {:?}", p.w_max_dtod, p.w_min_dtod)
}
