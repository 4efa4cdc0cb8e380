//! Line charts as SVG: panels side by side, each with axes, curves and bands.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::{PlotError, outline};

/// Drawing units per pixel: curves are placed between pixels.
pub(super) const UNIT: i32 = 10;
/// Pixels.
pub(super) const FONT: i32 = 13;
pub(super) const TITLE: i32 = 14;
const MARGIN: i32 = 10;
const HEADING: i32 = 24;
const LEGEND_LINE: i32 = 20;
const LEFT: i32 = 58;
const BELOW: i32 = 46;
/// Width of a letter in units of the font's size: the mean of DejaVu Sans is below.
pub(super) const LETTER: f64 = 0.56;

/// Colours that stay apart in print and for the colour-blind (Okabe and Ito).
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub const GREY: RGBColor = RGBColor(120, 120, 120);
pub(super) const INK: RGBColor = RGBColor(40, 40, 40);
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);

/// One axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// Logarithmic: values are positive.
    pub log: bool,
    /// Ticks of one's own instead of round numbers: place and text.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    pub fn linear(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), log: false, ticks: Vec::new() }
    }

    pub fn log(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), log: true, ticks: Vec::new() }
    }
}

/// What is drawn in a panel, in the order of drawing.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    Line {
        points: Vec<(f64, f64)>,
        color: RGBColor,
        width: f64,
        dashed: bool,
    },
    Dots {
        points: Vec<(f64, f64)>,
        color: RGBColor,
    },
    /// The area between two curves: x, lower, upper.
    Band {
        points: Vec<(f64, f64, f64)>,
        color: RGBColor,
    },
}

/// A part of a chart with axes of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
    /// Colour, and what it stands for.
    pub legend: Vec<(RGBColor, String)>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// For readers that cannot see it, and as a tool tip.
    pub title: String,
    /// From left to right.
    pub panels: Vec<Panel>,
    /// Pixels.
    pub width: u32,
    pub height: u32,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Chart {
    /// The picture as an SVG document whose text is drawn as outlines: it looks the same everywhere, without any font.
    ///
    /// # Errors
    /// Numbers that are not finite, or none at all.
    pub fn svg(&self) -> Result<String, PlotError> {
        let mut text = String::new();
        let (width, height) = (self.width * UNIT as u32, self.height * UNIT as u32);
        {
            let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
            root.fill(&WHITE).map_err(PlotError::drawing)?;
            for (area, panel) in root.split_evenly((1, self.panels.len())).iter().zip(&self.panels) {
                panel.draw(area, &self.title)?;
            }
            root.present().map_err(PlotError::drawing)?;
        }
        outline::outlined(&text, (width, height), (self.width, self.height), &self.title)
    }
}

pub(super) fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size * UNIT).into_font().color(&INK)
}

impl Panel {
    fn draw(&self, area: &Area<'_>, chart: &str) -> Result<(), PlotError> {
        let problem =
            |what: &'static str| PlotError::Empty { chart: chart.to_owned(), panel: self.title.clone(), what };
        let (x, y) = self.ranges().ok_or_else(|| problem("a finite range"))?;
        let (x_ticks, y_ticks) = (ticks(&self.x, x, 6), ticks(&self.y, y, 6));
        let (width, _) = area.dim_in_pixel();
        let title = font(TITLE).transform(FontTransform::None);
        area.draw(&Text::new(self.title.clone(), ((LEFT + MARGIN) * UNIT, MARGIN * UNIT), title))
            .map_err(PlotError::drawing)?;
        let lines = self.draw_legend(area, width as i32)?;
        let top = HEADING + lines * LEGEND_LINE + 4;
        let (_, plot) = area.split_vertically(top * UNIT);
        let mut chart = ChartBuilder::on(&plot)
            .margin_right(2 * MARGIN * UNIT)
            .margin_left(MARGIN * UNIT)
            .margin_bottom(4 * UNIT)
            .set_label_area_size(LabelAreaPosition::Left, LEFT * UNIT)
            .set_label_area_size(LabelAreaPosition::Bottom, BELOW * UNIT)
            .build_cartesian_2d(Scale { range: x, ticks: x_ticks }, Scale { range: y, ticks: y_ticks })
            .map_err(PlotError::drawing)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(UNIT as u32))
            .axis_style(INK.stroke_width(UNIT as u32))
            .set_all_tick_mark_size(5 * UNIT)
            .x_desc(self.x.label.clone())
            .y_desc(self.y.label.clone())
            .label_style(font(FONT))
            .axis_desc_style(font(FONT))
            .draw()
            .map_err(PlotError::drawing)?;
        for mark in &self.marks {
            self.draw_mark(&mut chart, mark, (x, y))?;
        }
        Ok(())
    }

    /// Draws the legend below the title; returns its number of lines.
    fn draw_legend(&self, area: &Area<'_>, width: i32) -> Result<i32, PlotError> {
        let (mut line, mut at) = (0, (LEFT + MARGIN) * UNIT);
        let left = at;
        for (color, text) in &self.legend {
            let long = (28.0 * f64::from(UNIT) + LETTER * f64::from(FONT * UNIT) * text.chars().count() as f64) as i32;
            if at > left && at + long > width {
                (line, at) = (line + 1, left);
            }
            let y = (HEADING + line * LEGEND_LINE + 10) * UNIT;
            let stroke = color.stroke_width(3 * UNIT as u32);
            area.draw(&PathElement::new(vec![(at, y), (at + 16 * UNIT, y)], stroke)).map_err(PlotError::drawing)?;
            let place = (at + 21 * UNIT, y - 6 * UNIT);
            area.draw(&Text::new(text.clone(), place, font(FONT))).map_err(PlotError::drawing)?;
            at += long + 10 * UNIT;
        }
        Ok(if self.legend.is_empty() { 0 } else { line + 1 })
    }

    fn draw_mark<'a>(
        &self,
        chart: &mut ChartContext<'a, SVGBackend<'a>, Plane>,
        mark: &Mark,
        ranges: ((f64, f64), (f64, f64)),
    ) -> Result<(), PlotError> {
        let place = |x: f64, y: f64| (scaled(&self.x, x), scaled(&self.y, y).clamp(ranges.1.0, ranges.1.1));
        match mark {
            Mark::Line { points, color, width, dashed } => {
                let style = color.stroke_width((width * f64::from(UNIT)) as u32);
                let points = points.iter().map(|&(x, y)| place(x, y));
                if *dashed {
                    chart.draw_series(DashedLineSeries::new(points, 6 * UNIT, 4 * UNIT, style))
                } else {
                    chart.draw_series(LineSeries::new(points, style))
                }
                .map_err(PlotError::drawing)?;
            }
            Mark::Dots { points, color } => {
                let dot = |&(x, y): &(f64, f64)| Circle::new(place(x, y), 22, color.filled());
                chart.draw_series(points.iter().map(dot)).map_err(PlotError::drawing)?;
            }
            Mark::Band { points, color } => {
                let lower = points.iter().map(|&(x, low, _)| place(x, low));
                let upper = points.iter().rev().map(|&(x, _, high)| place(x, high));
                let area = Polygon::new(lower.chain(upper).collect::<Vec<_>>(), color.mix(0.22).filled());
                chart.draw_series(std::iter::once(area)).map_err(PlotError::drawing)?;
            }
        }
        Ok(())
    }

    /// Ranges of both axes (logarithms where an axis is logarithmic), a little wider than the marks.
    fn ranges(&self) -> Option<((f64, f64), (f64, f64))> {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for mark in &self.marks {
            match mark {
                Mark::Line { points, .. } | Mark::Dots { points, .. } => {
                    xs.extend(points.iter().map(|p| p.0));
                    ys.extend(points.iter().map(|p| p.1));
                }
                Mark::Band { points, .. } => {
                    xs.extend(points.iter().map(|p| p.0));
                    ys.extend(points.iter().flat_map(|p| [p.1, p.2]));
                }
            }
        }
        Some((extent(&self.x, &xs, 0.0)?, extent(&self.y, &ys, 0.05)?))
    }
}

type Plane = Cartesian2d<Scale, Scale>;

/// An axis with its range and ticks, both scaled.
struct Scale {
    range: (f64, f64),
    ticks: Vec<(f64, String)>,
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let (low, high) = self.range;
        from + ((value - low) / (high - low) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.0..self.range.1
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        self.ticks.iter().find(|tick| tick.0 == *value).map_or_else(String::new, |tick| tick.1.clone())
    }
}

fn scaled(axis: &Axis, value: f64) -> f64 {
    if axis.log { value.max(f64::MIN_POSITIVE).log10() } else { value }
}

fn extent(axis: &Axis, values: &[f64], margin: f64) -> Option<(f64, f64)> {
    let usable = |v: &f64| v.is_finite() && (!axis.log || *v > 0.0);
    let scaled = || values.iter().filter(|v| usable(v)).map(|v| scaled(axis, *v));
    let (low, high) = (scaled().fold(f64::INFINITY, f64::min), scaled().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return None;
    }
    let room = if high > low { margin * (high - low) } else { 0.5 * low.abs().max(1e-30) };
    Some((low - room, high + room))
}

/// Places (scaled) and texts of the ticks of an axis.
fn ticks(axis: &Axis, (low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
    if !axis.ticks.is_empty() {
        let own = axis.ticks.iter().map(|(v, text)| (scaled(axis, *v), text.clone()));
        return own.filter(|(v, _)| (low..=high).contains(v)).collect();
    }
    if axis.log && high - low >= 1.0 {
        let every = ((high - low) / most as f64).ceil().max(1.0) as i32;
        let first = (low - 1e-9).ceil() as i32;
        let decade = |k: i32| (f64::from(k), power(k));
        return (first..=(high + 1e-9).floor() as i32).filter(|k| k.rem_euclid(every) == 0).map(decade).collect();
    }
    if axis.log {
        // Less than a decade: round numbers on the logarithmic scale.
        let (from, to) = (10f64.powf(low), 10f64.powf(high));
        return round(from, to, most).into_iter().map(|v| (v.log10(), number(v, to))).collect();
    }
    round(low, high, most).into_iter().map(|v| (v, number(v, low.abs().max(high.abs())))).collect()
}

/// Round numbers between two limits: steps of 1, 2 or 5 times a power of ten.
fn round(low: f64, high: f64, most: usize) -> Vec<f64> {
    let raw = (high - low) / most as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    (first..).map(|k| k as f64 * step).take_while(|v| *v <= high + 1e-9 * step).collect()
}

pub(super) fn power(k: i32) -> String {
    match k {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        2 => "100".to_owned(),
        _ => format!("1e{k}"),
    }
}

/// A tick's text; `largest` is the largest magnitude on the axis.
fn number(value: f64, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&largest) {
        return format!("{:e}", format!("{value:.3e}").parse::<f64>().unwrap_or(value));
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three digits of a number, without the zeros behind them.
pub fn short(value: f64) -> String {
    let digits = (2 - value.abs().max(1e-30).log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The unit in which numbers up to `largest` are short, and its factor: `uS` for siemens of the order 1e-6.
pub fn prefixed(largest: f64, unit: &str) -> (String, f64) {
    let prefixes =
        [(1e-15, "f"), (1e-12, "p"), (1e-9, "n"), (1e-6, "\u{b5}"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M")];
    let best = prefixes.iter().rev().find(|(factor, _)| largest.abs() >= 0.999 * factor).unwrap_or(&prefixes[0]);
    (format!("{}{unit}", best.1), 1.0 / best.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let of = |axis: &Axis, low, high| ticks(axis, (low, high), 6).into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(of(&Axis::linear(""), -1.0, 1.0), ["-1", "-0.5", "0", "0.5", "1"]);
        assert_eq!(of(&Axis::linear(""), 0.0, 130.0), ["0", "50", "100"]);
        assert_eq!(of(&Axis::log(""), -6.5, -3.9), ["1e-6", "1e-5", "1e-4"]);
        assert_eq!(of(&Axis::log(""), 0.0, 0.5), ["1", "1.5", "2", "2.5", "3"]);
        assert_eq!(prefixed(2.5e-6, "S"), ("\u{b5}S".to_owned(), 1e6));
        assert_eq!(prefixed(1.0, "V").0, "V");
        assert_eq!([1.0, 65.536, -0.45, 1234.0].map(short), ["1", "65.5", "-0.45", "1234"]);
    }

    #[test]
    fn a_chart_without_numbers_is_refused() {
        let panel = Panel {
            title: "nothing".to_owned(),
            x: Axis::linear("x"),
            y: Axis::log("y"),
            marks: vec![Mark::Line { points: vec![(0.0, -1.0)], color: BLUE, width: 1.0, dashed: false }],
            legend: Vec::new(),
        };
        let chart = Chart { title: "t".to_owned(), panels: vec![panel], width: 300, height: 200 };
        let error = chart.svg().unwrap_err();
        assert_eq!(error.to_string(), "`t`, panel `nothing`: there is no finite range to draw");
    }
}
