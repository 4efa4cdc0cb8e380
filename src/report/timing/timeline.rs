//! A training sample of any design as a picture: which unit works when.
//!
//! A row per unit, bars over the cycles in which it works, at one scale whatever the sample's length is.

use std::fmt::Write as _;

use super::svg::{FAINT, GRID, INK, NAME_SIZE, NOTE_SIZE, PAPER, VALUE_SIZE, escape, n, text_width};
use crate::cosim::{Activity, LayerCycle, Timeline, TimelineCycle};
use crate::golden::momentum::Kind;
use crate::phases::Phase;
use crate::report::plots::MARK;
use crate::spec::{Design, MomentumUnit};

/// Width of all cycles together.
const PLOT: f64 = 900.0;
const MARGIN: f64 = 12.0;
const ROW: f64 = 23.0;
const BAR: f64 = 15.0;
const HEADING: f64 = 24.0;
/// Height of a mark; below the letters in a bar.
const TICK: f64 = 4.0;

const READ: &str = "#9cc4ee";
const TRANSPOSED: &str = "#9ad6a5";
const CODES: &str = "#1f4e8c";
const IDLE: &str = "#f1f3f5";
const BUSY: &str = "#7b8794";
const UNIT: &str = "#c9b6e4";
const LOAD: &str = "#e3c567";
/// Write slots: of the sample's own pair, of pairs of earlier samples, of further operations.
const OWN: &str = "#d9480f";
const EARLIER: [&str; 3] = ["#f08c4a", "#f7b583", "#fbd9bd"];
const DECAY: &str = "#8f7fc0";
const TRANSFER: &str = "#3d9c94";
const CELL: &str = "#adb5bd";

/// Cycles that are drawn as one.
#[derive(Debug, Clone, PartialEq)]
struct Bar {
    first: usize,
    last: usize,
    fill: &'static str,
    text: String,
}

/// A row of the picture.
enum Row {
    Heading(String),
    Bars {
        name: &'static str,
        bars: Vec<Bar>,
        /// Marks of a cycle each, and their colour.
        ticks: Vec<(usize, &'static str)>,
    },
}

/// Runs of cycles in which `of` says the same.
fn bars<'t>(cycles: &'t [TimelineCycle], of: impl Fn(&'t TimelineCycle) -> Option<(&'static str, String)>) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for (at, cycle) in cycles.iter().enumerate() {
        let Some((fill, text)) = of(cycle) else { continue };
        match bars.last_mut() {
            Some(bar) if bar.last + 1 == at && bar.fill == fill && bar.text == text => bar.last = at,
            _ => bars.push(Bar { first: at, last: at, fill, text }),
        }
    }
    bars
}

fn ticks(
    cycles: &[TimelineCycle],
    layer: usize,
    colour: &'static str,
    of: fn(&LayerCycle) -> bool,
) -> impl Iterator<Item = (usize, &'static str)> {
    let marked = cycles.iter().enumerate().filter(move |(_, cycle)| of(&cycle.layers[layer]));
    marked.map(move |(at, _)| (at, colour))
}

/// Colour and word of an operation of the update.
fn update(unit: MomentumUnit, operation: Option<&(Kind, usize)>) -> (&'static str, String) {
    match operation {
        Some((Kind::Decay { .. }, _)) => (DECAY, "decay".to_owned()),
        Some((Kind::Transfer, _)) => (TRANSFER, "transfer".to_owned()),
        Some((Kind::WriteVelocity, _)) => (OWN, "write V".to_owned()),
        Some((Kind::ReadVelocity, _)) => (READ, "read V".to_owned()),
        Some((Kind::ReadSlice { .. }, _)) => (READ, "read row".to_owned()),
        Some((Kind::WriteSlice { slice }, _)) => (TRANSFER, format!("slice {slice}")),
        Some((Kind::Write, age)) if unit.history() => match age {
            0 => (OWN, "own".to_owned()),
            age => (EARLIER[(age - 1).min(EARLIER.len() - 1)], format!("-{age}")),
        },
        // Row after row; neighbours must differ to be told apart.
        Some((Kind::Write, row)) if unit.sram() => (EARLIER[row % 2], format!("row {row}")),
        Some((Kind::Write, _)) | None => (OWN, "write".to_owned()),
    }
}

fn rows(timeline: &Timeline, design: &Design) -> Vec<Row> {
    let cycles = &timeline.cycles;
    let unit = design.training.momentum_unit;
    let phase = |cycle: &TimelineCycle| {
        let fill = match cycle.phase {
            Phase::Forward => READ,
            Phase::Backward => TRANSPOSED,
            Phase::Update => EARLIER[1],
            Phase::Load => LOAD,
            _ => CELL,
        };
        Some((fill, cycle.phase.name().replace('_', " ")))
    };
    let load = |cycle: &TimelineCycle| cycle.load.then(|| (LOAD, String::new()));
    let walks = design.layers.first().is_some_and(|layer| layer.conv.is_some());
    let mut rows = vec![
        Row::Bars { name: "sequencer", bars: bars(cycles, phase), ticks: Vec::new() },
        Row::Bars {
            name: if walks { "windows of x" } else { "load next x" },
            bars: bars(cycles, load),
            ticks: Vec::new(),
        },
    ];
    for (index, layer) in design.layers.iter().enumerate() {
        let tiles = layer.tiling.count();
        let arrays = if tiles == 1 { String::new() } else { format!(" on {tiles} arrays") };
        rows.push(Row::Heading(format!("layer {}: {} x {}{arrays}", layer.name, layer.rows(), layer.outputs)));
        let array = |cycle: &TimelineCycle| {
            Some(match cycle.layers[index].activity? {
                Activity::Forward => (READ, "forward".to_owned()),
                Activity::Transposed => (TRANSPOSED, "transposed".to_owned()),
                Activity::Update(number) => update(unit, timeline.updates[index].get(number)),
                Activity::Cell => (CELL, "cell".to_owned()),
            })
        };
        let codes = ticks(cycles, index, CODES, |layer| layer.codes).collect();
        rows.push(Row::Bars {
            name: if tiles == 1 { "array" } else { "arrays" },
            bars: bars(cycles, array),
            ticks: codes,
        });
        let beats = ticks(cycles, index, CODES, |layer| layer.activation);
        let errors = ticks(cycles, index, OWN, |layer| layer.error);
        let ticks = beats.chain(errors).collect();
        let works = |cycle: &TimelineCycle| cycle.layers[index].unit.then(|| (UNIT, unit.name().replace('_', " ")));
        rows.push(Row::Bars { name: "momentum", bars: bars(cycles, works), ticks: Vec::new() });
        rows.push(Row::Bars { name: "read path", bars: Vec::new(), ticks });
    }
    rows.push(Row::Heading("all layers".to_owned()));
    let busy = |cycle: &TimelineCycle| {
        cycle.layers.iter().any(|layer| layer.activity.is_some()).then(|| (BUSY, String::new()))
    };
    rows.push(Row::Bars { name: "arrays busy", bars: bars(cycles, busy), ticks: Vec::new() });
    rows
}

/// What the colours mean, as far as they come up.
fn legend(rows: &[Row], design: &Design) -> Vec<(&'static str, bool, String)> {
    let unit = design.training.momentum_unit;
    let own = if unit.history() { "write slot, the sample's own pair" } else { "write slot" };
    let earlier = if unit.sram() { "write slot, a row" } else { "write slot, pair of an earlier sample" };
    let fills = [
        (READ, "forward read"),
        (TRANSPOSED, "transposed read"),
        (OWN, own),
        (EARLIER[0], earlier),
        (DECAY, "decay of V"),
        (TRANSFER, if design.array.slices.is_some() { "carry, up and down" } else { "transfer to W" }),
        (UNIT, "momentum unit at work"),
    ];
    let shown = |fill: &str| {
        rows.iter().any(|row| matches!(row, Row::Bars { bars, .. } if bars.iter().any(|bar| bar.fill == fill)))
    };
    let mut entries: Vec<_> =
        fills.iter().filter(|(fill, _)| shown(fill)).map(|&(fill, text)| (fill, false, text.to_owned())).collect();
    entries.push((CODES, true, "codes of a conversion, beat of activations".to_owned()));
    entries.push((OWN, true, "beat of errors y".to_owned()));
    entries
}

/// Distance of the axis' numbers: 1, 2 or 5 times a power of ten, at least 50 units.
fn stride(cycles: usize) -> usize {
    let least = 50.0 * cycles as f64 / PLOT;
    let powers = (0..12).map(|p| 10usize.pow(p));
    powers.flat_map(|p| [p, 2 * p, 5 * p]).find(|&s| s as f64 >= least).unwrap_or(usize::MAX)
}

/// The picture as an SVG document.
pub fn timeline_svg(timeline: &Timeline, design: &Design) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = document(&mut out, timeline, design);
    out
}

fn document(out: &mut String, timeline: &Timeline, design: &Design) -> std::fmt::Result {
    let rows = rows(timeline, design);
    let (total, busy) = (timeline.cycles.len(), timeline.measured.array_busy);
    let title = format!(
        "{}, training sample {}: {total} cycles of {} ns, an array is busy in {busy} of them ({:.1} %)",
        design.name,
        timeline.sample,
        design.timing.clock_ns,
        100.0 * busy as f64 / total.max(1) as f64
    );
    let names = rows.iter().map(|row| if let Row::Bars { name, .. } = row { text_width(name, NAME_SIZE) } else { 0.0 });
    let left = (MARGIN + names.fold(0.0, f64::max) + 10.0).ceil();
    let scale = PLOT / total.max(1) as f64;
    let x = |cycle: usize| left + scale * cycle as f64;
    let height = |row: &Row| if let Row::Heading(_) = row { HEADING } else { ROW };
    let top = MARGIN + 42.0;
    let bottom = top + rows.iter().map(height).sum::<f64>();
    let width = (left + PLOT).max(2.0 * MARGIN + 1.05 * text_width(&title, NAME_SIZE)) + MARGIN;
    let entries = legend(&rows, design);
    let (entries, lines) = placed(&entries, width);
    let (w, h) = (n(width.ceil()), n((bottom + 20.0 + 18.0 * lines as f64 + MARGIN).ceil()));

    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img">"#
    )?;
    writeln!(out, "<!-- {MARK} -->\n<title>{}</title>\n<style>", escape(&title))?;
    writeln!(out, "text {{ font: {VALUE_SIZE}px 'DejaVu Sans', Verdana, sans-serif; fill: {INK}; }}")?;
    writeln!(out, ".name {{ font-size: {NAME_SIZE}px; text-anchor: end; }}")?;
    writeln!(out, ".heading {{ font-size: {NAME_SIZE}px; font-weight: bold; }}")?;
    writeln!(out, ".mid {{ text-anchor: middle; }}")?;
    writeln!(out, ".axis {{ text-anchor: middle; fill: #52606d; font-size: 10px; }}\n</style>")?;
    writeln!(out, r#"<rect width="{w}" height="{h}" fill="{PAPER}"/>"#)?;
    writeln!(out, r#"<text class="heading" x="{MARGIN}" y="{}">{}</text>"#, n(MARGIN + 11.0), escape(&title))?;

    let every = stride(total);
    for cycle in (0..=total).step_by(every) {
        let at = n(x(cycle));
        writeln!(out, r#"<text class="axis" x="{at}" y="{}">{cycle}</text>"#, n(top - 6.0))?;
        writeln!(out, r#"<path d="M{at} {}V{}" stroke="{GRID}"/>"#, n(top - 2.0), n(bottom))?;
    }
    writeln!(out, r#"<text class="name" x="{}" y="{}">cycle</text>"#, n(left - 8.0), n(top - 6.0))?;

    let mut y = top;
    for row in &rows {
        match row {
            Row::Heading(text) => {
                writeln!(out, r#"<text class="heading" x="{MARGIN}" y="{}">{}</text>"#, n(y + 17.0), escape(text))?;
            }
            Row::Bars { name, bars, ticks } => {
                let base = n(y + BAR - 3.5);
                writeln!(out, r#"<text class="name" x="{}" y="{base}">{name}</text>"#, n(left - 8.0))?;
                writeln!(
                    out,
                    r#"<rect x="{}" y="{}" width="{}" height="{BAR}" fill="{IDLE}"/>"#,
                    n(left),
                    n(y),
                    n(PLOT)
                )?;
                for bar in bars {
                    let (from, to) = (x(bar.first), x(bar.last + 1));
                    writeln!(
                        out,
                        r#"<rect x="{}" y="{}" width="{}" height="{BAR}" fill="{}" stroke="{PAPER}" stroke-width="0.7"/>"#,
                        n(from),
                        n(y),
                        n(to - from),
                        bar.fill
                    )?;
                    if text_width(&bar.text, VALUE_SIZE) + 6.0 < to - from {
                        let middle = n((from + to) / 2.0);
                        writeln!(out, r#"<text class="mid" x="{middle}" y="{base}">{}</text>"#, escape(&bar.text))?;
                    }
                }
                for (cycle, colour) in ticks {
                    let thick = n((0.6 * scale).clamp(1.0, 3.0));
                    let (at, low) = (n(x(*cycle) + scale / 2.0), n(y + BAR));
                    writeln!(
                        out,
                        r#"<path d="M{at} {}V{low}" stroke="{colour}" stroke-width="{thick}"/>"#,
                        n(y + BAR - TICK)
                    )?;
                }
            }
        }
        y += height(row);
    }
    for (entry, at, line) in entries {
        let (fill, tick, text) = entry;
        let low = bottom + 20.0 + 18.0 * line as f64;
        match tick {
            true => {
                writeln!(out, r#"<path d="M{} {}v9" stroke="{fill}" stroke-width="3"/>"#, n(at + 6.0), n(low - 9.0))?
            }
            false => writeln!(
                out,
                r#"<rect x="{}" y="{}" width="14" height="10" fill="{fill}" stroke="{FAINT}" stroke-width="0.5"/>"#,
                n(at),
                n(low - 9.0)
            )?,
        }
        writeln!(out, r#"<text x="{}" y="{}">{}</text>"#, n(at + 20.0), n(low), escape(text))?;
    }
    writeln!(out, "</svg>")
}

/// An entry of the legend with its place: from the left, and in which line.
type Placed<'e> = (&'e (&'static str, bool, String), f64, usize);

/// Places of the entries within a width, and the number of lines.
fn placed<'e>(entries: &'e [(&'static str, bool, String)], width: f64) -> (Vec<Placed<'e>>, usize) {
    let (mut at, mut line) = (MARGIN, 0);
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        let long = text_width(&entry.2, NOTE_SIZE) + 34.0;
        if at + long > width && at > MARGIN {
            (at, line) = (MARGIN, line + 1);
        }
        all.push((entry, at, line));
        at += long;
    }
    (all, line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_axis_are_round_and_far_enough() {
        assert_eq!([10, 100, 253, 5000].map(stride), [1, 10, 20, 500]);
    }

    #[test]
    fn equal_neighbours_are_one_bar() {
        let cycle = |phase| TimelineCycle { phase, load: false, layers: Vec::new() };
        let cycles = [Phase::Load, Phase::Forward, Phase::Forward, Phase::Idle, Phase::Forward].map(cycle);
        let of = |cycle: &TimelineCycle| (cycle.phase == Phase::Forward).then(|| (READ, "r".to_owned()));
        let places: Vec<_> = bars(&cycles, of).iter().map(|bar| (bar.first, bar.last)).collect();
        assert_eq!(places, [(1, 2), (4, 4)]);
    }
}
