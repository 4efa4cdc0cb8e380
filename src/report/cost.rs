//! What a design costs, as tables and as a picture.

use super::plots::{Axis, BLUE, Chart, GREEN, Mark, ORANGE, PURPLE, Panel};
use super::{table, trimmed};
use crate::cost::growth::Size;
use crate::cost::{Component, Estimate, Source, Status, Step, Used};
use crate::phases::Phase;
use crate::spec::Unit;

/// Phases of a table: those in which something happens.
fn phases(step: &Step) -> Vec<Phase> {
    let cycles = |phase: &Phase| step.phase_cycles.get(phase.name()).copied().unwrap_or(0.0);
    let used = |phase: &Phase| *phase != Phase::Idle && (cycles(phase) > 0.0 || step.energies.phase(*phase) > 0.0);
    Phase::of(true).into_iter().filter(used).collect()
}

fn share(part: f64, whole: f64) -> String {
    format!("{:.1} %", 100.0 * part / whole)
}

/// Time and energy of both kinds of samples by phase, energy by component, area.
pub fn estimate_table(e: &Estimate) -> String {
    let samples = e.activity.training.samples;
    let activity = match e.activity.source {
        Source::Golden => format!("codes and pulses: golden run of {samples} training samples"),
        Source::Assumed => "codes and pulses: assumed (row_power, column_power, longest_pulse, ...)".to_owned(),
    };
    let head = format!(
        "{}: {} weights on {} arrays, momentum unit `{}`, clock {}\n{activity}\n",
        e.name,
        e.weights,
        e.arrays,
        e.momentum_unit.name(),
        Unit::Time.text(e.clock_ns * 1e-9),
    );
    let mut parts = vec![head];
    for (title, step) in [("training, per sample", &e.training), ("inference, per sample", &e.inference)] {
        let mut rows = table(&[title, "cycles", "time", "energy", "share of energy"]);
        for phase in phases(step) {
            let get = |map: &std::collections::BTreeMap<&str, f64>| map.get(phase.name()).copied().unwrap_or(0.0);
            let joules = get(&step.phase_joules);
            rows.add_row([
                phase.name().replace('_', " "),
                format!("{:.1}", get(&step.phase_cycles)),
                Unit::Time.text(get(&step.phase_seconds)),
                Unit::Energy.text(joules),
                share(joules, step.joules),
            ]);
        }
        rows.add_row([
            "all".to_owned(),
            format!("{:.1}", step.cycles),
            Unit::Time.text(step.seconds),
            Unit::Energy.text(step.joules),
            share(1.0, 1.0),
        ]);
        parts.push(trimmed(&rows) + "\n");
    }
    parts.push(components(&e.training));
    let mut area = table(&["area", "number", "each", "all", "share"]);
    for block in &e.area.blocks {
        let all = block.number * block.each;
        area.add_row([
            block.what.to_owned(),
            format!("{:.0}", block.number),
            Unit::Area.text(block.each),
            Unit::Area.text(all),
            share(all, e.area.total),
        ]);
    }
    let blank = String::new;
    area.add_row(["all".to_owned(), blank(), blank(), Unit::Area.text(e.area.total), share(1.0, 1.0)]);
    parts.push(trimmed(&area) + "\n");
    let mut rest = table(&["", ""]);
    for (name, value) in [
        ("arrays busy (training)", share(e.training.array_busy, 1.0)),
        ("training samples per second", format!("{:.4e}", 1.0 / e.training.seconds)),
        ("inferences per second", format!("{:.4e}", 1.0 / e.inference.seconds)),
        ("mean power of training", Unit::Power.text(e.power())),
    ] {
        rest.add_row([name.to_owned(), value]);
    }
    // Its header is empty.
    parts.push(trimmed(&rest).trim_start_matches('\n').to_owned() + "\n");
    let assumed: Vec<&str> =
        e.constants.iter().filter(|c| c.status == Status::Assumed && used(e, c)).map(|c| c.key.name()).collect();
    parts.push(format!("assumed constants: {}\n", assumed.join(", ")));
    parts.join("\n")
}

/// Whether a constant has a part in the estimate: those of the activity have none where that is counted.
fn used(e: &Estimate, constant: &Used) -> bool {
    e.activity.source == Source::Assumed || constant.key.unit() != Unit::Share
}

/// Energy of a training sample: components by phases.
fn components(step: &Step) -> String {
    let phases = phases(step);
    let mut header = vec!["energy, per training sample"];
    let names: Vec<String> = phases.iter().map(|phase| phase.name().replace('_', " ")).collect();
    header.extend(names.iter().map(String::as_str));
    header.extend(["all", "share"]);
    let mut rows = table(&header);
    for component in Component::ALL {
        let all = step.energies.component(component);
        if all == 0.0 {
            continue;
        }
        let mut row = vec![component.name().to_owned()];
        row.extend(phases.iter().map(|phase| match step.energies.part(*phase, component) {
            0.0 => String::new(),
            joules => Unit::Energy.text(joules),
        }));
        row.extend([Unit::Energy.text(all), share(all, step.joules)]);
        rows.add_row(row);
    }
    trimmed(&rows) + "\n"
}

/// Constants with their sources.
pub fn constants_table(constants: &[Used]) -> String {
    let mut rows = table(&["constant", "value", "status", "meaning", "source"]);
    for column in rows.column_iter_mut().skip(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Left);
    }
    for c in constants {
        let status = c.status.name().to_owned();
        rows.add_row([c.key.name().to_owned(), c.text.clone(), status, c.meaning.to_owned(), c.source.clone()]);
    }
    trimmed(&rows) + "\n"
}

/// A line per size.
pub fn growth_table(sizes: &[Size]) -> String {
    let mut rows = table(&[
        "network",
        "weights",
        "arrays",
        "cycles per training sample",
        "time",
        "energy",
        "per inference",
        "energy",
        "area",
    ]);
    for size in sizes {
        let e = &size.estimate;
        let widths: Vec<String> = size.widths.iter().map(usize::to_string).collect();
        rows.add_row([
            widths.join("-"),
            format!("{:.3e}", e.weights as f64),
            e.arrays.to_string(),
            format!("{:.0}", e.training.cycles),
            Unit::Time.text(e.training.seconds),
            Unit::Energy.text(e.training.joules),
            Unit::Time.text(e.inference.seconds),
            Unit::Energy.text(e.inference.joules),
            Unit::Area.text(e.area.total),
        ]);
    }
    trimmed(&rows) + "\n"
}

/// Time and energy of training and inference against the number of weights.
pub fn growth_chart(sizes: &[Size]) -> Chart {
    let of = |value: &dyn Fn(&Estimate) -> f64| -> Vec<(f64, f64)> {
        sizes.iter().map(|size| (size.estimate.weights as f64, value(&size.estimate))).collect()
    };
    let marks = |curves: [(Vec<(f64, f64)>, plotters::style::RGBColor); 2]| {
        let mark = |(points, color): (Vec<(f64, f64)>, _)| {
            [Mark::Line { points: points.clone(), color, width: 2.0, dashed: false }, Mark::Dots { points, color }]
        };
        curves.into_iter().flat_map(mark).collect()
    };
    let panel = |title: &str, y: &str, curves, colors: [_; 2]| Panel {
        title: title.to_owned(),
        x: Axis::log("weights"),
        y: Axis::log(y),
        marks: marks(curves),
        legend: vec![(colors[0], "training".to_owned()), (colors[1], "inference".to_owned())],
    };
    let lines = sizes.first().map_or((0, 0), |size| size.array_lines);
    let title =
        format!("Time and energy per sample against the number of weights, arrays of {} x {}", lines.0, lines.1);
    Chart {
        title,
        panels: vec![
            panel(
                "Time per sample",
                "seconds",
                [(of(&|e| e.training.seconds), BLUE), (of(&|e| e.inference.seconds), ORANGE)],
                [BLUE, ORANGE],
            ),
            panel(
                "Energy per sample",
                "joules",
                [(of(&|e| e.training.joules), GREEN), (of(&|e| e.inference.joules), PURPLE)],
                [GREEN, PURPLE],
            ),
        ],
        width: 760,
        height: 330,
    }
}
