//! Networks beside a graphics card, as tables and as the two pictures.

use super::plots::{BLUE, Bar, BarChart, GREEN, Group, ORANGE, short};
use super::{table, trimmed};
use crate::cost::compare::{Comparison, Quantity};
use crate::cost::explain::{AGREEMENT, Beside};
use crate::cost::gpu::{Baseline, Gpu};
use crate::cost::{Source, Status};
use crate::spec::{MomentumUnit, Unit};

/// A factor with three digits.
fn times(value: f64) -> String {
    match value {
        v if v >= 1e5 => format!("{v:.1e}x"),
        v if v >= 1000.0 => format!("{v:.0}x"),
        v => format!("{}x", short(v)),
    }
}

/// How a network's codes and pulses are known.
fn basis(c: &Comparison) -> &'static str {
    match (c.by_shapes, c.activity) {
        (true, _) => "estimated by layer shapes",
        (_, Source::Golden) => "codes and pulses counted",
        (_, Source::Assumed) => "codes and pulses assumed",
    }
}

/// One table for the hardware and one for each baseline: they are never mixed.
pub fn compare_tables(comparisons: &[Comparison], gpu: &Gpu) -> String {
    let mut rows =
        table(&["a training sample on the arrays", "unit", "weights", "arrays", "time", "energy", "area", ""]);
    for c in comparisons {
        let e = &c.estimate;
        rows.add_row([
            c.network.clone(),
            c.unit.name().to_owned(),
            e.weights.to_string(),
            e.arrays.to_string(),
            Unit::Time.text(c.seconds),
            Unit::Energy.text(c.joules),
            Unit::Area.text(e.area.total),
            basis(c).to_owned(),
        ]);
    }
    let mut parts = vec![trimmed(&rows) + "\n"];
    for baseline in Baseline::ALL {
        let of = |c: &&Comparison| c.over(baseline).is_some();
        let Some(first) = comparisons.iter().find(of).and_then(|c| c.over(baseline)) else {
            let words = baseline.words();
            parts.push(format!("{words}: the file on {} says too little\n", gpu.card.name));
            continue;
        };
        let title = format!("{}, {}", gpu.card.name, baseline.words());
        let mut rows =
            table(&[&title, "unit", "batch", "time per sample", "energy", "speed-up", "range", "energy ratio", ""]);
        for c in comparisons {
            let Some(a) = c.over(baseline) else { continue };
            let range = if a.low < a.high { format!("{} to {}", times(a.low), times(a.high)) } else { String::new() };
            rows.add_row([
                c.network.clone(),
                c.unit.name().to_owned(),
                a.gpu.batch_size.to_string(),
                Unit::Time.text(a.gpu.seconds),
                a.gpu.joules.map_or(String::new(), |joules| Unit::Energy.text(joules)),
                times(a.speed_up),
                range,
                a.energy.map_or(String::new(), times),
                a.gpu.basis.name().to_owned(),
            ]);
        }
        let source = format!("  {}\n", first.gpu.source);
        parts.push(trimmed(&rows) + "\n" + &source);
    }
    parts.join("\n")
}

/// Everything that the figures rest on.
pub fn assumptions(comparisons: &[Comparison], gpu: &Gpu) -> String {
    let mut lines = vec![format!("card: {} ({}, {})", gpu.card.name, gpu.card.status.name(), gpu.card.source)];
    for (what, value) in [
        ("peak", gpu.card.peak.map(|v| Unit::Operations.text(v))),
        ("bandwidth", gpu.card.bandwidth.map(|v| Unit::Bandwidth.text(v))),
        ("board power", gpu.card.power.map(|v| Unit::Power.text(v))),
    ] {
        lines.push(format!("card's {what}: {}", value.unwrap_or("not given".to_owned())));
    }
    if let Some(one) = &gpu.one_by_one {
        let (low, high) = (Unit::Time.text(one.low), Unit::Time.text(one.high));
        let power = one.power.map_or(String::new(), |power| format!(" at {}", Unit::Power.text(power)));
        lines.push(format!(
            "card, one by one: {} ({low} to {high}){power}; {}",
            Unit::Time.text(one.iteration),
            one.source
        ));
    }
    if let Some(large) = &gpu.large_batch {
        let (batch, efficiency) = (large.batch_size, large.efficiency);
        lines.push(format!("card, large batch: {batch} samples, {efficiency} of the roofline; {}", large.source));
    }
    lines.push("card, operations: 2 per weight and position forward, 2 for the weights' gradient, 2 for the inputs' but in the first layer".to_owned());
    lines
        .push("card, bytes: 28 per weight and step (7 words of 4), 12 per word of inputs and outputs; fp32".to_owned());
    for unit in [MomentumUnit::History, MomentumUnit::InArray] {
        if let Some(c) = comparisons.iter().find(|c| c.unit == unit) {
            let clock = Unit::Time.text(c.estimate.clock_ns * 1e-9);
            lines.push(format!("arrays, unit `{}`: clock {clock}, one sample after the other, batch 1", unit.name()));
        }
    }
    lines.push("arrays: cycles as co-simulation proves them for fully connected networks; by the pace of single layers for others, one position after the other, poolings free".to_owned());
    if let Some(c) = comparisons.first() {
        for used in c.estimate.constants.iter().filter(|used| used.status == Status::Assumed) {
            lines.push(format!("arrays, {}: {} ({})", used.key.name(), used.text, used.source));
        }
    }
    let list: String = lines.iter().map(|line| format!("* {line}\n")).collect();
    format!("assumptions\n{list}")
}

/// The published figures beside ours, and what lies between.
pub fn published_table(list: &[Beside], power: Option<f64>) -> String {
    let mut out = String::new();
    let mut rows = table(&["published", "figure", "ours", "ours / published", "within a factor of 3"]);
    for b in list {
        let what = match b.claim.what {
            Quantity::SpeedUp => "speed-up",
            Quantity::Energy => "energy ratio",
        };
        rows.add_row([
            format!("{what}, {}", b.claim.unit),
            times(b.claim.value),
            times(b.ours),
            times(b.ratio),
            if b.agrees { "yes" } else { "no" }.to_owned(),
        ]);
    }
    out += &(trimmed(&rows) + "\n");
    if let Some(b) = list.first() {
        out += &format!("  ours: geometric mean of {}, {}\n", b.networks.join(" and "), Baseline::OneByOne.words());
    }
    for b in list {
        out += &format!("  {}: {}\n", times(b.claim.value), b.claim.source);
    }
    for b in list.iter().filter(|b| !b.terms.is_empty()) {
        out += &format!(
            "\nfrom {} to the published {}, term by term (all terms assumed)\n",
            times(b.ours),
            times(b.claim.value)
        );
        if let Some(power) = power {
            out += &format!(
                "  the published speed-up over the published energy ratio: {power:.0} times the card's power while computing\n"
            );
        }
        let mut rows = table(&["term", "factor", "then"]);
        for term in &b.terms {
            rows.add_row([term.what.to_owned(), times(term.factor), times(term.value)]);
        }
        rows.add_row(["not explained".to_owned(), times(b.rest), times(b.claim.value)]);
        out += &(trimmed(&rows) + "\n");
        for term in &b.terms {
            out += &format!("  {}: {}\n", term.what, term.why);
        }
        let verdict = if (1.0 / AGREEMENT..=AGREEMENT).contains(&b.rest) { "within" } else { "beyond" };
        out += &format!("  what is left is {verdict} a factor of {AGREEMENT}\n");
    }
    out
}

fn color(baseline: Baseline) -> plotters::style::RGBColor {
    match baseline {
        Baseline::OneByOne => BLUE,
        Baseline::Roofline => ORANGE,
        Baseline::LargeBatch => GREEN,
    }
}

/// The picture of one quantity: a bar for each baseline with the unit `in_array`, a dot for `history`.
pub fn compare_chart(what: Quantity, comparisons: &[Comparison], published: &[Beside], gpu: &Gpu) -> BarChart {
    let value = |c: &Comparison, baseline| {
        let against = c.over(baseline)?;
        match what {
            Quantity::SpeedUp => Some((against.speed_up, Some((against.low, against.high)))),
            Quantity::Energy => Some((against.energy?, None)),
        }
    };
    let mut names: Vec<&str> = comparisons.iter().map(|c| c.network.as_str()).collect();
    names.dedup();
    let group = |name: &&str| {
        let of = |unit: Option<MomentumUnit>| {
            comparisons.iter().find(|c| c.network == *name && unit.is_none_or(|unit| c.unit == unit))
        };
        // A network of the user's has one unit.
        let main = of(Some(MomentumUnit::InArray)).or(of(None));
        let other = of(Some(MomentumUnit::History)).filter(|other| main.is_some_and(|main| main.unit != other.unit));
        let bar = |baseline: Baseline| {
            let (value_, range) = value(main?, baseline)?;
            let dot = other.and_then(|c| value(c, baseline)).map(|(value, _)| value);
            Some(Bar { color: color(baseline), value: value_, range, dot, text: times(value_) })
        };
        let note = main.map_or("", basis);
        Group {
            label: (*name).to_owned(),
            note: note.to_owned(),
            bars: Baseline::ALL.into_iter().filter_map(bar).collect(),
        }
    };
    let groups: Vec<Group> = names.iter().map(group).collect();
    let two = comparisons.iter().any(|c| c.unit != comparisons[0].unit);
    let batch = comparisons.iter().find_map(|c| c.over(Baseline::LargeBatch)).map(|a| a.gpu.batch_size);
    let legend = Baseline::ALL.into_iter().map(|baseline| {
        let words = match (baseline, batch) {
            (Baseline::LargeBatch, Some(batch)) => format!("{} ({batch})", baseline.words()),
            _ => baseline.words().to_owned(),
        };
        (color(baseline), words)
    });
    let (title, axis) = match what {
        Quantity::SpeedUp => ("Speed-up of a training step over", "times faster"),
        Quantity::Energy => ("Energy of a training step on", "times the energy of the arrays"),
    };
    let mut notes = Vec::new();
    if two {
        notes.push("bar: momentum inside the synapses (in_array); dot: pairs beside the array (history)".to_owned());
    }
    if what == Quantity::SpeedUp {
        notes.push("line: range of the card's latency".to_owned());
    }
    let claims = published.iter().filter(|b| b.claim.what == what && b.claim.unit == MomentumUnit::InArray.name());
    BarChart {
        title: format!("{title} {}", gpu.card.name),
        axis: axis.to_owned(),
        groups,
        legend: legend.collect(),
        notes,
        marks: claims.map(|b| (b.claim.value, format!("published, one by one: {}", times(b.claim.value)))).collect(),
        width: 760,
    }
}
