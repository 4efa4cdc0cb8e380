//! Pairs of magnetic tunnel junctions.

use std::fmt::Write;

use super::{choose_preset, foreign, read_field};
use crate::device::mtj::{FIELDS, Mtj, PRESETS};
use crate::spec::error::{Code, Problem, Span};
use crate::spec::reader::{Reader, Section};
use crate::spec::{Design, PulseTable};

/// Most often that a single read may switch a junction. A network of 100 inputs whose junctions are read a million times each
/// then sees a tenth of a flip.
const DISTURB_LIMIT: f64 = 1e-9;
/// Probability from which on a pulse counts as certain.
const CERTAIN: f64 = 0.99;
/// Least number of pulse lengths that a layer must be able to tell apart.
const LEAST_LENGTHS: usize = 3;

pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>) -> Option<Mtj> {
    let mut own = vec!["preset"];
    own.extend(FIELDS.iter().map(|field| field.name));
    foreign(reader, section, "mtj", &own);
    let presets = PRESETS.map(|preset| (preset.name, (preset.parameters)()));
    let mut junction = choose_preset(reader, section, "mtj", &presets, Mtj::default())?;
    let mut whole = true;
    for field in &FIELDS {
        whole &= read_field(section, field, &mut junction);
        // Where the barrier is another, so is the current that leaves the usual rest of it.
        if field.name == "delta" && section.place("delta").is_some() {
            junction = junction.stable(junction.delta);
        }
    }
    whole.then_some(junction)
}

/// Junctions that cannot do what the design asks of them. `places`: those of the layers.
pub(super) fn drives(
    reader: &Reader<'_>,
    section: &Section<'_>,
    design: &Design,
    junction: &Mtj,
    model: Option<Span>,
    places: &[(String, Option<Span>)],
) {
    let place = |key: &str| section.place(key).or(model.clone());
    read_disturb(reader, design, junction, place("v_read"));
    let Some(first) = design.layers.first() else { return };
    if let Err(error) = junction.row_currents(first.geometry(design).max_code) {
        let problem = Problem::new(Code::DeviceDrive, format!("the junctions cannot be written: {error}"));
        reader.report(problem.at(place("write_current"), ""));
        return;
    }
    for (layer, (name, span)) in design.layers.iter().zip(places) {
        let Some(table) = PulseTable::of(design, layer) else { continue };
        let (wanted, made) = (table.wanted(), table.made());
        let lsb = layer.geometry(design).pulse_lsb * 1e9;
        let lengths = table.lengths();
        let trouble = if wanted.1 > made.1 && made.1 < CERTAIN {
            format!("the junctions switch too seldom for layer `{name}`")
        } else if lengths < LEAST_LENGTHS {
            format!(
                "the junctions switch too suddenly for layer `{name}`: it can use {lengths} pulse lengths, at least {LEAST_LENGTHS} are needed"
            )
        } else {
            continue;
        };
        let longest = f64::from(layer.geometry(design).max_width) * lsb;
        let problem = Problem::new(Code::DeviceDrive, trouble)
            .at(place("write_current"), "")
            .also(span.clone(), "")
            .note(format!("the layer asks for probabilities of {:.2e} to {:.3}", wanted.0, wanted.1))
            .note(format!("pulses of {lsb} to {longest} ns make {:.2e} to {:.3}", made.0, made.1))
            .help("change `write_current`, the pulses (`pulse_lsb`, `pulse_bits`), `transition`, or `max_update` of the layer");
        reader.report(problem);
    }
}

/// Refuses reads that change what they read.
fn read_disturb(reader: &Reader<'_>, design: &Design, junction: &Mtj, place: Option<Span>) {
    let lines = design.layers.iter().map(|layer| layer.outputs.max(layer.inputs)).max().unwrap_or(1);
    let conversions = lines.div_ceil(design.array.adcs) as f64;
    let timing = &design.timing;
    let cycles = f64::from(timing.read_settle) + conversions * f64::from(timing.adc_conversion);
    let seconds = cycles * timing.clock_ns * 1e-9;
    let p = junction.read_disturb(seconds);
    if p <= DISTURB_LIMIT {
        return;
    }
    // Of an exponential law the inverse is a logarithm.
    let current = 1.0 + libm::log(DISTURB_LIMIT * junction.tau_0 / seconds) / junction.delta;
    let allowed = current * junction.critical_current * junction.r_p;
    let message =
        format!("a read of {} V disturbs the junctions: it switches one with probability {p:.1e}", junction.v_read);
    let label = if allowed > 0.0 {
        format!("allowed: below {allowed:.3} V, for {DISTURB_LIMIT:.0e} a read")
    } else {
        format!("no read voltage keeps below {DISTURB_LIMIT:.0e} a read")
    };
    let problem = Problem::new(Code::OutOfRange, message).at(place, label);
    reader.report(problem.note(format!("the longest read takes {:.0} ns", seconds * 1e9)));
}

pub(super) fn write(out: &mut String, junction: &Mtj) -> std::fmt::Result {
    for field in &FIELDS {
        writeln!(out, "{} = {:?}", field.name, field.value(junction))?;
    }
    Ok(())
}
