//! `[memory]`: the arrays as plain memory, programmed by the write-verify controller, and the refresh of differential pairs.

use std::fmt::Write;

use serde::Serialize;

use super::error::{Code, Problem};
use super::reader::{Bounds, Found, Reader, Section};
use super::{Design, DeviceModel, defaults};

pub(super) const KEYS: &[&str] = &[
    "read_range",
    "amplitude_lsb",
    "tolerance",
    "attempts",
    "setup",
    "inner",
    "skip_on_failure",
    "program_initial",
    "refresh_every",
    "refresh_upper",
    "refresh_lower",
    "set",
    "reset",
];
pub(super) const RAMP_KEYS: &[&str] =
    &["amplitude_start", "amplitude_stop", "amplitude_step", "width_start", "width_stop", "width_step"];

/// Bits of a pulse amplitude.
pub const AMPLITUDE_BITS: u32 = 8;
/// Bits of a pulse width in cycles.
pub const WIDTH_BITS: u32 = 16;
/// Bits of the setup time in cycles.
pub const SETUP_BITS: u32 = 8;
/// Bits of the numbers of attempts and of training samples between two refreshes.
pub const COUNT_BITS: u32 = 16;

/// The memory mode of a design.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Memory {
    /// Memristors per weight: 1, or 2 for a differential pair.
    pub devices: usize,
    /// Lowest and highest conductance of a device, in siemens.
    pub conductance: (f64, f64),
    /// Full scale of the conductance codes in siemens: a code is `round(G / read_range * 2^(adc_bits - 1))`, saturated.
    pub read_range: f64,
    /// Bits of a code: `adc_bits` without the sign.
    pub code_bits: u32,
    /// Volts of one step of a pulse's amplitude.
    pub amplitude_lsb: f64,
    /// Accepted distance from the target, in siemens and in codes.
    pub tolerance: f64,
    pub tolerance_codes: u32,
    /// Most pulses on a cell.
    pub attempts: u32,
    /// Time from a cell's address to its pulse, in ns and in cycles.
    pub setup_ns: f64,
    pub setup: u32,
    pub inner: Inner,
    /// Whether the next cell is programmed after one has failed.
    pub skip_on_failure: bool,
    /// Whether the initial weights are programmed by the controller.
    pub program_initial: bool,
    /// Training samples between two refreshes; 0 for none.
    pub refresh_every: u32,
    /// Shares of the conductance range: a pair is refreshed when the larger conductance is above `upper` and the smaller one
    /// above `lower`.
    pub refresh_upper: f64,
    pub refresh_lower: f64,
    pub set: Ramp,
    pub reset: Ramp,
}

/// The inner of the two nested loops of pulses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inner {
    Amplitude,
    Width,
}

/// Pulses of one polarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ramp {
    /// Volts; codes in steps of [`Memory::amplitude_lsb`].
    pub amplitude: Sweep,
    /// ns; codes in clock cycles.
    pub width: Sweep,
}

/// A loop from `start` by `step` up to `stop`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sweep {
    /// As written: start, stop, step.
    pub written: [f64; 3],
    pub start: u32,
    pub stop: u32,
    pub step: u32,
}

impl Memory {
    /// Conductance of one code, in siemens.
    pub fn step(&self) -> f64 {
        self.read_range / f64::from(1u32 << self.code_bits)
    }

    /// Largest code.
    pub fn max_code(&self) -> u32 {
        (1 << self.code_bits) - 1
    }

    /// Code of a conductance in siemens; half rounds up.
    pub fn code(&self, siemens: f64) -> u32 {
        ((siemens / self.step() + 0.5).floor()).clamp(0.0, f64::from(self.max_code())) as u32
    }

    /// Conductance of a share of the device's range, in siemens.
    fn share(&self, share: f64) -> f64 {
        let (low, high) = self.conductance;
        low + share * (high - low)
    }

    /// Refresh thresholds and the code of a RESET device.
    pub fn refresh_codes(&self) -> RefreshCodes {
        RefreshCodes {
            upper: self.code(self.share(self.refresh_upper)),
            lower: self.code(self.share(self.refresh_lower)),
            floor: self.code(self.conductance.0),
        }
    }
}

/// Numbers of the refresh as codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshCodes {
    pub upper: u32,
    pub lower: u32,
    pub floor: u32,
}

/// Reads the section of a design that has one; `None` where something is wrong.
pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, design: &Design) -> Option<Memory> {
    let refuse = |message: String, help: &str| {
        reader.report(Problem::new(Code::Memory, message).at(section.span.clone(), "").help(help));
    };
    // Devices that cannot be driven are reported where `[device]` is read.
    let Some(cell) = design.cell().ok()? else {
        refuse(
            "`[memory]` needs memristors: the `ideal` device has no conductance to program".to_owned(),
            "choose another `model` in `[device]`, or remove `[memory]`",
        );
        return None;
    };
    if design.array.backend.emulated() {
        refuse(
            "`[memory]` needs an array on pins: the emulated one has no single cells to program".to_owned(),
            "set `backend = \"external\"` in `[array]`, or remove `[memory]`",
        );
        return None;
    }
    if let Some(layer) = design.layers.iter().find(|layer| layer.tiling.grid() != (1, 1)) {
        refuse(
            format!("`[memory]` needs one array per layer, and layer `{}` has {}", layer.name, layer.tiling.count()),
            "remove `rows` and `cols` in `[array]`, or `[memory]`",
        );
        return None;
    }
    let (low, high) = cell.conductance;
    let code_bits = design.array.adc_bits - 1;
    let clock = design.timing.clock_ns;
    let read_range = section.real("read_range", Bounds::above(0.0, " S")).or(high)?;
    if read_range.value < high {
        let message = format!("`read_range` is below the device's highest conductance of {high:e} S");
        let problem =
            Problem::new(Code::Memory, message).at(read_range.span.clone(), format!("allowed: at least {high:e}"));
        reader.report(problem);
        return None;
    }
    let step = read_range.value / f64::from(1u32 << code_bits);
    let tolerance = tolerance(reader, section, step, high - low);
    let amplitude_lsb = section.real("amplitude_lsb", Bounds::above(0.0, " V")).or(defaults::AMPLITUDE_LSB);
    let count_max = (1i64 << COUNT_BITS) - 1;
    let attempts = section.int("attempts", 1..=count_max).or(defaults::ATTEMPTS);
    let setup = section.real("setup", Bounds::at_least(0.0, " ns")).or(clock);
    let inner =
        section.choice("inner", &[("amplitude", Inner::Amplitude), ("width", Inner::Width)]).or(Inner::Amplitude);
    let skip_on_failure = section.flag("skip_on_failure").or(true);
    let program_initial = section.flag("program_initial").or(false);
    let refresh_every = section.int("refresh_every", 0..=count_max).or(0);
    let share = |key: &str, default: f64| section.real(key, Bounds::at_least(0.0, "").below(1.0)).or(default);
    let upper = share("refresh_upper", defaults::REFRESH_UPPER);
    let lower = share("refresh_lower", defaults::REFRESH_LOWER);
    let amplitude_lsb = amplitude_lsb?.value;
    // What melts a phase-change cell, volts and ns: weaker RESET pulses leave it as it is.
    let melting = match &design.device.model {
        DeviceModel::Pcm(pcm) => Some((pcm.set.down.volts, pcm.set.down.seconds * 1e9)),
        _ => None,
    };
    let unit = design.timing.pulse_lsb_ns;
    let pulses = (defaults::PULSE_AMPLITUDE, defaults::PULSE_WIDTH.map(|units| units * unit));
    let reset_pulses = melting.map_or(pulses, |(volts, ns)| ([volts, 1.25 * volts, amplitude_lsb], [ns, ns, clock]));
    let ramp = |key: &str, (amplitudes, widths): ([f64; 3], [f64; 3])| {
        let ramp = section.section(key, RAMP_KEYS);
        let amplitude = Loop { name: "amplitude", unit: " V", per_code: amplitude_lsb, max: (1 << AMPLITUDE_BITS) - 1 };
        let width = Loop { name: "width", unit: " ns", per_code: clock, max: (1 << WIDTH_BITS) - 1 };
        let amplitude = amplitude.read(reader, &ramp, amplitudes, false);
        let width = width.read(reader, &ramp, widths, true);
        Some(Ramp { amplitude: amplitude?, width: width? })
    };
    let (set, reset) = (ramp("set", pulses), ramp("reset", reset_pulses));
    if let (Some((volts, _)), Some(reset)) = (melting, &reset) {
        let strongest = f64::from(reset.amplitude.stop) * amplitude_lsb;
        if strongest < volts {
            let message = format!("no RESET pulse melts a cell: the strongest has {strongest:.3} V");
            let place = section.place("reset").or(section.span.clone());
            reader.report(Problem::new(Code::Memory, message).at(place, format!("allowed: at least {volts} V")));
            return None;
        }
    }

    let refresh_every = refresh_every?;
    if refresh_every.value > 0 && matches!(design.device.model, DeviceModel::Mtj(_)) {
        let message = format!("`{}` refreshes nothing", reader.quote(&refresh_every.span.clone().unwrap_or(0..0)));
        let problem = Problem::new(Code::Memory, message).at(refresh_every.span.clone(), "allowed: 0");
        reader.report(problem.help("a junction has two states and does not saturate"));
        return None;
    }
    if refresh_every.value > 0 && cell.devices < 2 {
        let message =
            format!("`{}` needs differential pairs", reader.quote(&refresh_every.span.clone().unwrap_or(0..0)));
        let problem = Problem::new(Code::Memory, message).at(refresh_every.span.clone(), "allowed: 0");
        reader.report(problem.help("this device model has one memristor per weight: nothing to refresh"));
    }
    let (upper, lower) = (upper?, lower?);
    if lower.value >= upper.value {
        let message = format!("`refresh_lower` of {} is not below `refresh_upper` of {}", lower.value, upper.value);
        let span = lower.span.clone().or(upper.span.clone());
        reader.report(Problem::new(Code::Memory, message).at(span, "allowed: refresh_lower < refresh_upper"));
    }
    let setup = setup?;
    let setup_cycles = whole_cycles(setup.value, clock);
    let most = (1u32 << SETUP_BITS) - 1;
    if setup_cycles > f64::from(most) {
        let message = format!("`setup` of {} ns is {setup_cycles} cycles of {clock} ns", setup.value);
        reader.report(
            Problem::new(Code::Memory, message).at(setup.span.clone(), format!("allowed: at most {most} cycles")),
        );
        return None;
    }
    let tolerance = tolerance?;
    Some(Memory {
        devices: cell.devices,
        conductance: cell.conductance,
        read_range: read_range.value,
        code_bits,
        amplitude_lsb,
        tolerance,
        // A tolerance that is a whole number of steps may fall short of it by a rounding error.
        tolerance_codes: (tolerance / step * (1.0 + 1e-9)).floor() as u32,
        attempts: attempts?.value as u32,
        setup_ns: setup.value,
        setup: setup_cycles as u32,
        inner: inner?.value,
        skip_on_failure: skip_on_failure?.value,
        program_initial: program_initial?.value,
        refresh_every: refresh_every.value as u32,
        refresh_upper: upper.value,
        refresh_lower: lower.value,
        set: set?,
        reset: reset?,
    })
}

/// The tolerance in siemens: the ADC must be able to tell what is inside, and something must be outside.
fn tolerance(reader: &Reader<'_>, section: &Section<'_>, step: f64, range: f64) -> Option<f64> {
    let Found { value, span } = section.real("tolerance", Bounds::above(0.0, " S")).or(step)?;
    if value < step * (1.0 - 1e-9) {
        let message = format!("`tolerance` of {value:e} S is narrower than the ADC's step of {step:e} S");
        let problem = Problem::new(Code::Memory, message).at(span, format!("allowed: {step:e} to {range:e}"));
        reader.report(problem.help("raise `tolerance` or `adc_bits`, or lower `read_range`"));
        return None;
    }
    if value > range {
        let message = format!("`tolerance` of {value:e} S is wider than the device's range of {range:e} S");
        reader.report(Problem::new(Code::Memory, message).at(span, format!("allowed: {step:e} to {range:e}")));
        return None;
    }
    Some(value)
}

/// One of the two loops of a polarity, with the unit of its codes.
struct Loop {
    name: &'static str,
    unit: &'static str,
    per_code: f64,
    max: u32,
}

impl Loop {
    fn read(&self, reader: &Reader<'_>, section: &Section<'_>, default: [f64; 3], round_up: bool) -> Option<Sweep> {
        let names = ["start", "stop", "step"].map(|end| format!("{}_{end}", self.name));
        let value = |i: usize| section.real(&names[i], Bounds::above(0.0, self.unit)).or(default[i]);
        let [start, stop, step] = [value(0)?, value(1)?, value(2)?];
        if stop.value < start.value {
            let message = format!(
                "`{}` of {}{unit} is before `{}` of {}{unit}",
                names[1],
                stop.value,
                names[0],
                start.value,
                unit = self.unit
            );
            let label = format!("allowed: at least {}", start.value);
            let place = stop.span.clone().or(start.span.clone());
            reader.report(Problem::new(Code::Memory, message).at(place, label));
            return None;
        }
        let code = |name: &str, found: &Found<f64>| {
            let exact = found.value / self.per_code;
            let code = if round_up { whole_cycles(found.value, self.per_code) } else { exact.round() };
            if code >= 1.0 && code <= f64::from(self.max) {
                return Some(code as u32);
            }
            let (low, high) = (self.per_code, self.per_code * f64::from(self.max));
            let unit = self.unit;
            let message = format!("`{name}` of {}{unit} is {code} steps of {}{unit}", found.value, self.per_code);
            let label = format!("allowed: 1 to {} steps, {low} to {high}{unit}", self.max);
            reader.report(Problem::new(Code::Memory, message).at(found.span.clone().or(section.span.clone()), label));
            None
        };
        let codes = (code(&names[0], &start), code(&names[1], &stop), code(&names[2], &step));
        Some(Sweep { written: [start.value, stop.value, step.value], start: codes.0?, stop: codes.1?, step: codes.2? })
    }
}

/// Clock cycles of a time, rounded up; 1.1 / 0.1 is a little more than 11 in binary, which is no twelfth cycle.
fn whole_cycles(time: f64, clock: f64) -> f64 {
    (time / clock * (1.0 - 1e-9)).ceil()
}

/// Writes the section in its canonical form.
pub(super) fn write(out: &mut String, m: &Memory) -> std::fmt::Result {
    writeln!(out, "\n[memory]\nread_range = {:?}\namplitude_lsb = {:?}", m.read_range, m.amplitude_lsb)?;
    writeln!(out, "tolerance = {:?}\nattempts = {}\nsetup = {:?}", m.tolerance, m.attempts, m.setup_ns)?;
    let inner = match m.inner {
        Inner::Amplitude => "amplitude",
        Inner::Width => "width",
    };
    writeln!(out, "inner = \"{inner}\"\nskip_on_failure = {}", m.skip_on_failure)?;
    writeln!(out, "program_initial = {}\nrefresh_every = {}", m.program_initial, m.refresh_every)?;
    writeln!(out, "refresh_upper = {:?}\nrefresh_lower = {:?}", m.refresh_upper, m.refresh_lower)?;
    for (name, ramp) in [("set", &m.set), ("reset", &m.reset)] {
        writeln!(out, "[memory.{name}]")?;
        for (sweep, values) in [("amplitude", ramp.amplitude.written), ("width", ramp.width.written)] {
            for (end, value) in ["start", "stop", "step"].into_iter().zip(values) {
                writeln!(out, "{sweep}_{end} = {value:?}")?;
            }
        }
    }
    Ok(())
}
