//! The drawing itself. All lengths in SVG user units, which viewers show as pixels.

use std::fmt::Write as _;

use super::{Diagram, Driver, Row, Tone, Value, Wave};

/// Width of a character per unit of font size: that of DejaVu Sans Mono, the widest of the common monospace fonts.
const CHAR: f64 = 0.605;
pub(super) const NAME_SIZE: f64 = 12.0;
pub(super) const VALUE_SIZE: f64 = 11.0;
pub(super) const NOTE_SIZE: f64 = 11.0;
/// From a row's top to the next row's.
const ROW: f64 = 27.0;
const HEADING: f64 = 24.0;
/// Height of a wave within its row.
const WAVE: f64 = 17.0;
/// Width of a value change; it begins with the rising edge.
const CHANGE: f64 = 5.0;
const MARGIN: f64 = 10.0;
const LEAST_CYCLE: f64 = 13.0;
/// Blank left and right of a text in its place.
const PAD: f64 = 3.5;

pub(super) const INK: &str = "#1f2933";
pub(super) const FAINT: &str = "#9aa5b1";
pub(super) const GRID: &str = "#e4e7eb";
pub(super) const PAPER: &str = "#fdfdfb";
const SHADE: &str = "#fff1c2";

impl Driver {
    fn colour(self) -> &'static str {
        match self {
            Driver::Design => "#1f4e8c",
            Driver::Macro => "#a3450d",
            Driver::Host => "#4a5560",
        }
    }

    fn legend(self) -> &'static str {
        match self {
            Driver::Design => "driven by the design",
            Driver::Macro => "driven by the macro",
            Driver::Host => "driven from outside",
        }
    }
}

impl Tone {
    fn fill(self) -> &'static str {
        match self {
            Tone::Plain => "#ffffff",
            Tone::Forward => "#d7e8fb",
            Tone::Transposed => "#d9f2dd",
            Tone::Write => "#fbdcd0",
        }
    }
}

/// A run of equal values: first cycle, cycles, value.
type Run<'a> = (usize, usize, Option<&'a Value>);

fn runs(values: &[Option<Value>]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        match runs.last_mut() {
            Some((_, length, last)) if *last == value.as_ref() => *length += 1,
            _ => runs.push((at, 1, value.as_ref())),
        }
    }
    runs
}

pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * CHAR
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A number of the document: at most one digit after the point, so that the bytes do not hang on the last bit.
pub(super) fn n(v: f64) -> String {
    let text = format!("{v:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Where things are.
struct Layout {
    /// Left edge of cycle 0.
    left: f64,
    /// Width of a cycle.
    cycle: f64,
    /// Top of the clock's row.
    top: f64,
    width: f64,
    height: f64,
}

impl Layout {
    fn of(diagram: &Diagram) -> Layout {
        let names = diagram.rows.iter().map(|row| match row {
            // Bold is a little wider.
            Row::Heading(text) => 1.05 * text_width(text, NAME_SIZE),
            Row::Signal { name, .. } => text_width(name, NAME_SIZE),
        });
        let left = (MARGIN + names.fold(text_width("cycle", NAME_SIZE), f64::max) + 12.0).ceil();
        let brackets = diagram.spans.iter().map(|s| (text_width(&s.text, NOTE_SIZE) + 8.0) / s.cycles() as f64);
        let mut cycle = brackets.fold(LEAST_CYCLE, f64::max);
        for row in &diagram.rows {
            if let Row::Signal { wave: Wave::Bus(values) | Wave::Activity(values), .. } = row {
                for (_, length, value) in runs(values) {
                    let needed = value.map_or(0.0, |v| text_width(&v.text, VALUE_SIZE) + 2.0 * (CHANGE + PAD));
                    cycle = cycle.max(needed / length as f64);
                }
            }
        }
        let cycle = cycle.ceil();
        let right = left + cycle * diagram.cycles as f64;
        let top = MARGIN + if diagram.spans.is_empty() { 20.0 } else { 41.0 };
        let rows: f64 = diagram.rows.iter().map(height).sum();
        let width = (right + MARGIN).ceil();
        let legend = 6.0 + 18.0 * legend_lines(diagram, width) as f64;
        Layout { left, cycle, top, width, height: (top + ROW + rows + legend + MARGIN).ceil() }
    }

    /// Left edge of a cycle.
    fn x(&self, cycle: usize) -> f64 {
        self.left + self.cycle * cycle as f64
    }
}

fn height(row: &Row) -> f64 {
    match row {
        Row::Heading(_) => HEADING,
        Row::Signal { .. } => ROW,
    }
}

/// The picture as an SVG document.
pub fn render(diagram: &Diagram) -> String {
    let layout = Layout::of(diagram);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = document(&mut out, diagram, &layout);
    out
}

fn document(out: &mut String, diagram: &Diagram, layout: &Layout) -> std::fmt::Result {
    let (w, h) = (n(layout.width), n(layout.height));
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img">"#
    )?;
    writeln!(out, "<title>{}</title>", escape(&diagram.title))?;
    writeln!(out, "<style>")?;
    writeln!(out, "text {{ font: {VALUE_SIZE}px 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: {INK}; }}")?;
    writeln!(out, ".name {{ font-size: {NAME_SIZE}px; text-anchor: end; }}")?;
    writeln!(out, ".heading {{ font-size: {NAME_SIZE}px; font-weight: bold; }}")?;
    writeln!(out, ".mid {{ text-anchor: middle; }}")?;
    writeln!(out, ".axis {{ text-anchor: middle; fill: #52606d; font-size: 10px; }}")?;
    writeln!(out, "path, line {{ fill: none; stroke-width: 1.4; stroke-linejoin: round; }}")?;
    writeln!(out, "</style>")?;
    writeln!(out, r#"<defs><pattern id="void" width="6" height="6" patternUnits="userSpaceOnUse">"#)?;
    writeln!(out, r#"<rect width="6" height="6" fill="{GRID}"/><path d="M0 6L6 0" stroke="{FAINT}"/>"#)?;
    writeln!(out, "</pattern></defs>")?;
    writeln!(out, r#"<rect width="{w}" height="{h}" fill="{PAPER}"/>"#)?;

    let bottom = layout.top + ROW + diagram.rows.iter().map(height).sum::<f64>();
    backdrop(out, diagram, layout, bottom)?;
    brackets(out, diagram, layout, bottom)?;
    clock(out, diagram, layout)?;
    let mut y = layout.top + ROW;
    for row in &diagram.rows {
        match row {
            Row::Heading(text) => {
                writeln!(out, r#"<text class="heading" x="{MARGIN}" y="{}">{}</text>"#, n(y + 17.0), escape(text))?;
            }
            Row::Signal { name, driver, wave } => {
                let (x, base) = (n(layout.left - 10.0), n(y + WAVE - 4.0));
                let colour = driver.colour();
                writeln!(
                    out,
                    r#"<text class="name" x="{x}" y="{base}" style="fill:{colour}">{}</text>"#,
                    escape(name)
                )?;
                match wave {
                    Wave::Line(values) => line(out, layout, y, colour, values)?,
                    Wave::Bus(values) => bus(out, layout, y, colour, values, false)?,
                    Wave::Activity(values) => bus(out, layout, y, colour, values, true)?,
                }
            }
        }
        y += height(row);
    }
    legend(out, diagram, layout, bottom + 8.0)?;
    writeln!(out, "</svg>")
}

/// Shaded cycles and the grid.
fn backdrop(out: &mut String, diagram: &Diagram, layout: &Layout, bottom: f64) -> std::fmt::Result {
    let (top, tall) = (n(layout.top - 16.0), n(bottom - layout.top + 16.0));
    if let Some((_, cycles)) = &diagram.shade {
        for &cycle in cycles {
            let (x, w) = (n(layout.x(cycle)), n(layout.cycle));
            writeln!(out, r#"<rect x="{x}" y="{top}" width="{w}" height="{tall}" fill="{SHADE}"/>"#)?;
        }
    }
    for cycle in 0..=diagram.cycles {
        let x = n(layout.x(cycle));
        writeln!(out, r#"<line x1="{x}" y1="{}" x2="{x}" y2="{}" stroke="{GRID}"/>"#, n(layout.top), n(bottom))?;
    }
    Ok(())
}

fn brackets(out: &mut String, diagram: &Diagram, layout: &Layout, bottom: f64) -> std::fmt::Result {
    let y = layout.top - 19.0;
    for span in &diagram.spans {
        let (from, to) = (layout.x(span.first), layout.x(span.last + 1));
        let (a, b, low, high) = (n(from + 1.5), n(to - 1.5), n(y - 3.0), n(y + 3.0));
        writeln!(out, r#"<path d="M{a} {high}V{low}H{b}V{high}" stroke="{INK}"/>"#)?;
        let middle = n((from + to) / 2.0);
        writeln!(out, r#"<text class="mid" x="{middle}" y="{}">{}</text>"#, n(y - 7.0), escape(&span.text))?;
        for x in [from, to] {
            let (x, y1, y2) = (n(x), n(y + 3.0), n(bottom));
            writeln!(out, r#"<line x1="{x}" y1="{y1}" x2="{x}" y2="{y2}" stroke="{FAINT}" stroke-dasharray="2 3"/>"#)?;
        }
    }
    Ok(())
}

/// Cycle numbers and the clock: it rises where a cycle begins.
fn clock(out: &mut String, diagram: &Diagram, layout: &Layout) -> std::fmt::Result {
    let y = layout.top;
    writeln!(out, r#"<text class="name" x="{}" y="{}">cycle</text>"#, n(layout.left - 10.0), n(y - 3.0))?;
    let every = if layout.cycle >= 22.0 { 1 } else { 5 };
    for cycle in 0..diagram.cycles {
        let number = cycle as i64 - diagram.origin as i64;
        if number % every == 0 {
            let x = n(layout.x(cycle) + layout.cycle / 2.0);
            writeln!(out, r#"<text class="axis" x="{x}" y="{}">{number}</text>"#, n(y - 3.0))?;
        }
    }
    let (x, base) = (n(layout.left - 10.0), n(y + WAVE - 4.0));
    let colour = Driver::Host.colour();
    writeln!(out, r#"<text class="name" x="{x}" y="{base}" style="fill:{colour}">aclk</text>"#)?;
    let mut path = format!("M{} {}", n(layout.left), n(y + WAVE));
    for cycle in 0..diagram.cycles {
        let x = layout.x(cycle) + layout.cycle / 2.0;
        write!(path, "V{}H{}V{}H{}", n(y), n(x), n(y + WAVE), n(layout.x(cycle + 1)))?;
    }
    writeln!(out, r#"<path d="{path}" stroke="{colour}"/>"#)
}

fn void(out: &mut String, x: f64, y: f64, width: f64) -> std::fmt::Result {
    let (x, y, width) = (n(x), n(y), n(width));
    writeln!(out, r##"<rect x="{x}" y="{y}" width="{width}" height="{WAVE}" fill="url(#void)"/>"##)
}

fn line(out: &mut String, layout: &Layout, y: f64, colour: &str, values: &[Option<bool>]) -> std::fmt::Result {
    let level = |high: bool| n(if high { y } else { y + WAVE });
    let mut path = String::new();
    let mut before = None;
    for (at, &value) in values.iter().enumerate() {
        let (from, to) = (layout.x(at), layout.x(at + 1));
        match value {
            None => void(out, from, y, layout.cycle)?,
            Some(high) => {
                if before == Some(!high) {
                    write!(path, "L{} {}", n(from + CHANGE), level(high))?;
                } else if before.is_none() {
                    write!(path, "M{} {}", n(from), level(high))?;
                }
                write!(path, "H{}", n(to))?;
            }
        }
        before = value;
    }
    if path.is_empty() { Ok(()) } else { writeln!(out, r#"<path d="{path}" stroke="{colour}"/>"#) }
}

/// Values that go on beyond the picture are open on that side.
fn bus(
    out: &mut String,
    layout: &Layout,
    y: f64,
    colour: &str,
    values: &[Option<Value>],
    rests: bool,
) -> std::fmt::Result {
    let (top, middle, low) = (n(y), n(y + WAVE / 2.0), n(y + WAVE));
    // Two values cross in the middle of the change; beside no value the tip lies on the edge.
    let tip = |x: f64, neighbour: Option<&Option<Value>>| match neighbour {
        None => None,
        Some(None) => Some(x),
        Some(Some(_)) => Some(x + CHANGE / 2.0),
    };
    for (first, length, value) in runs(values) {
        let (from, to) = (layout.x(first), layout.x(first + length));
        let Some(value) = value else {
            if rests {
                writeln!(out, r#"<path d="M{} {middle}H{}" stroke="{FAINT}"/>"#, n(from), n(to))?;
            } else {
                void(out, from, y, to - from)?;
            }
            continue;
        };
        let left = tip(from, first.checked_sub(1).map(|before| &values[before]));
        let right = tip(to, values.get(first + length));
        let a = n(left.map_or(from, |x| x + CHANGE / 2.0));
        let b = n(right.map_or(to, |x| x - CHANGE / 2.0));
        let start = left.map_or(String::new(), |x| format!("M{a} {low}L{} {middle}", n(x)));
        let begin = if left.is_some() { "L" } else { "M" };
        let turn = right.map_or(format!("M{b} {low}"), |x| format!("L{} {middle}L{b} {low}", n(x)));
        let fill = value.tone.fill();
        writeln!(out, r#"<path d="M{a} {top}H{b}V{low}H{a}Z" style="fill:{fill}"/>"#)?;
        writeln!(out, r#"<path d="{start}{begin}{a} {top}H{b}{turn}H{a}" stroke="{colour}"/>"#)?;
        let x = n((from + to + CHANGE / 2.0) / 2.0);
        writeln!(out, r#"<text class="mid" x="{x}" y="{}">{}</text>"#, n(y + WAVE - 4.5), escape(&value.text))?;
    }
    Ok(())
}

/// Entries of the legend: a sample box and its text.
fn entries(diagram: &Diagram) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let mut voids = false;
    let mut drivers = Vec::new();
    for row in &diagram.rows {
        let Row::Signal { driver, wave, .. } = row else { continue };
        if !drivers.contains(driver) {
            drivers.push(*driver);
        }
        voids |= match wave {
            Wave::Line(values) => values.contains(&None),
            Wave::Bus(values) => values.contains(&None),
            Wave::Activity(_) => false,
        };
    }
    for driver in drivers {
        entries.push((format!("<path d=\"M0 -4H16\" stroke=\"{}\"/>", driver.colour()), driver.legend().to_owned()));
    }
    if voids {
        entries.push((r#"<rect y="-9" width="16" height="10" fill="url(#void)"/>"#.to_owned(), "ignored".to_owned()));
    }
    if let Some((text, _)) = &diagram.shade {
        let shade = format!(r#"<rect y="-9" width="16" height="10" fill="{SHADE}" stroke="{FAINT}"/>"#);
        entries.push((shade, text.clone()));
    }
    entries.push((String::new(), format!("1 cycle = {} ns", diagram.clock_ns)));
    entries
}

fn entry_width((sample, text): &(String, String)) -> f64 {
    text_width(text, NOTE_SIZE) + if sample.is_empty() { 14.0 } else { 36.0 }
}

fn legend_lines(diagram: &Diagram, width: f64) -> usize {
    let mut lines = 1;
    let mut x = MARGIN;
    for entry in entries(diagram) {
        if x + entry_width(&entry) > width && x > MARGIN {
            lines += 1;
            x = MARGIN;
        }
        x += entry_width(&entry);
    }
    lines
}

fn legend(out: &mut String, diagram: &Diagram, layout: &Layout, y: f64) -> std::fmt::Result {
    let (mut x, mut y) = (MARGIN, y + 12.0);
    for entry in entries(diagram) {
        if x + entry_width(&entry) > layout.width && x > MARGIN {
            (x, y) = (MARGIN, y + 18.0);
        }
        let (sample, text) = &entry;
        let offset = if sample.is_empty() { 0 } else { 22 };
        let text = escape(text);
        writeln!(out, r#"<g transform="translate({} {})">{sample}<text x="{offset}">{text}</text></g>"#, n(x), n(y))?;
        x += entry_width(&entry);
    }
    Ok(())
}
