//! Groups of horizontal bars on a logarithmic scale that part at 1: to the right what is more, to the left what is less.

use plotters::prelude::*;

use super::chart::{FONT, GRID, INK, LETTER, TITLE, UNIT, font, power};
use super::{PlotError, outline};

/// Pixels.
const LEFT: i32 = 206;
const RIGHT: i32 = 64;
const TOP: i32 = 30;
const LINE: i32 = 20;
const BAR: i32 = 15;
const GAP: i32 = 14;
const BELOW: i32 = 48;

/// One bar with what stands around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub color: RGBColor,
    pub value: f64,
    /// Range of the value.
    pub range: Option<(f64, f64)>,
    /// A second value.
    pub dot: Option<f64>,
    /// Stands at the bar's end.
    pub text: String,
}

/// Bars that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub label: String,
    /// Smaller, below the label.
    pub note: String,
    pub bars: Vec<Bar>,
}

/// A picture of groups, one below the other.
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    pub title: String,
    pub axis: String,
    pub groups: Vec<Group>,
    /// Colour, and what it stands for.
    pub legend: Vec<(RGBColor, String)>,
    /// Below the legend.
    pub notes: Vec<String>,
    /// Values with a line through all groups, and its text.
    pub marks: Vec<(f64, String)>,
    /// Pixels; the height follows.
    pub width: u32,
}

impl BarChart {
    /// The picture as an SVG document, as [`super::Chart::svg`].
    ///
    /// # Errors
    /// No positive number.
    pub fn svg(&self) -> Result<String, PlotError> {
        let (low, high) = self.range().ok_or_else(|| PlotError::Empty {
            chart: self.title.clone(),
            panel: self.axis.clone(),
            what: "a positive number",
        })?;
        let legend = self.legend_places();
        let lines = legend.last().map_or(0, |place| place.1 + 1) + self.notes.len() as i32;
        let top = TOP + lines * LINE + LINE + 6;
        let height = top + self.groups.iter().map(|group| group_height(group) + GAP).sum::<i32>() + BELOW;
        let size = (self.width * UNIT as u32, height as u32 * UNIT as u32);
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
            root.fill(&WHITE).map_err(PlotError::drawing)?;
            let drawing = Drawing { root: &root, low, high, width: self.width as i32 };
            self.draw(&drawing, &legend, top, height).map_err(PlotError::drawing)?;
            root.present().map_err(PlotError::drawing)?;
        }
        outline::outlined(&text, size, (self.width, height as u32), &self.title)
    }

    /// Whole decades around all values and 1.
    fn range(&self) -> Option<(f64, f64)> {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let all = bars()
            .flat_map(|bar| [Some(bar.value), bar.range.map(|r| r.0), bar.range.map(|r| r.1), bar.dot])
            .flatten()
            .chain(self.marks.iter().map(|mark| mark.0))
            .filter(|v| v.is_finite() && *v > 0.0)
            .map(f64::log10);
        let (low, high) = all.fold((0.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
        (low < high).then_some((low.floor(), high.ceil()))
    }

    /// Left end and line of each entry.
    fn legend_places(&self) -> Vec<(i32, i32)> {
        let (mut at, mut line) = (12, 0);
        let mut places = Vec::new();
        for (_, text) in &self.legend {
            let long = 36 + (LETTER * f64::from(FONT) * text.chars().count() as f64) as i32;
            if at > 12 && at + long > self.width as i32 {
                (at, line) = (12, line + 1);
            }
            places.push((at, line));
            at += long;
        }
        places
    }

    fn draw(
        &self,
        d: &Drawing<'_, '_>,
        legend: &[(i32, i32)],
        top: i32,
        height: i32,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        d.text(&self.title, (12, 8), TITLE)?;
        for ((color, text), (at, line)) in self.legend.iter().zip(legend) {
            let y = TOP + line * LINE;
            d.rectangle((*at, y + 4), (at + 14, y + 14), *color)?;
            d.text(text, (at + 20, y + 3), FONT)?;
        }
        let lines = legend.last().map_or(0, |place| place.1 + 1);
        for (note, line) in self.notes.iter().zip(lines..) {
            d.text(note, (12, TOP + line * LINE + 3), FONT)?;
        }
        let bottom = height - BELOW;
        let every = ((d.high - d.low) / 8.0).ceil().max(1.0) as i32;
        for decade in (d.low as i32..=d.high as i32).filter(|k| k.rem_euclid(every) == 0) {
            let x = d.x(f64::from(decade));
            let (color, wide) = if decade == 0 { (INK, 15) } else { (GRID, 10) };
            d.line((x, top * UNIT), (x, bottom * UNIT), color, wide)?;
            let word = if decade < 0 { format!("1e{decade}") } else { power(decade) };
            d.centred(&word, (x, (bottom + 8) * UNIT))?;
        }
        d.centred(&self.axis, (d.x(0.5 * (d.low + d.high)), (bottom + 27) * UNIT))?;
        for (value, text) in &self.marks {
            let x = d.x(value.log10());
            let mut y = top * UNIT;
            while y < bottom * UNIT {
                d.line((x, y), (x, (y + 5 * UNIT).min(bottom * UNIT)), INK, 10)?;
                y += 9 * UNIT;
            }
            d.centred(text, (x, (top - 17) * UNIT))?;
        }
        let mut y = top + GAP / 2;
        for group in &self.groups {
            let middle = y + group_height(group) / 2;
            d.text(&group.label, (12, middle - 15), FONT)?;
            d.text(&group.note, (12, middle + 2), FONT - 2)?;
            for bar in &group.bars {
                d.bar(bar, y)?;
                y += BAR;
            }
            y += GAP;
        }
        Ok(())
    }
}

fn group_height(group: &Group) -> i32 {
    group.bars.len() as i32 * BAR
}

/// Where to draw, with the scale (decades).
struct Drawing<'a, 'b> {
    root: &'a DrawingArea<SVGBackend<'b>, plotters::coord::Shift>,
    low: f64,
    high: f64,
    width: i32,
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl Drawing<'_, '_> {
    /// Units from the left of a decimal logarithm.
    fn x(&self, decades: f64) -> i32 {
        let long = f64::from(self.width - LEFT - RIGHT);
        let share = (decades - self.low) / (self.high - self.low);
        ((f64::from(LEFT) + share * long) * f64::from(UNIT)).round() as i32
    }

    fn text(&self, text: &str, (x, y): (i32, i32), size: i32) -> Drawn {
        self.root.draw(&Text::new(text.to_owned(), (x * UNIT, y * UNIT), font(size)))
    }

    /// `at` in units.
    fn centred(&self, text: &str, (x, y): (i32, i32)) -> Drawn {
        let half = (0.5 * LETTER * f64::from(FONT * UNIT) * text.chars().count() as f64) as i32;
        self.root.draw(&Text::new(text.to_owned(), (x - half, y), font(FONT)))
    }

    fn rectangle(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Drawn {
        let corners = [(from.0 * UNIT, from.1 * UNIT), (to.0 * UNIT, to.1 * UNIT)];
        self.root.draw(&Rectangle::new(corners, color.filled()))
    }

    /// Ends and width in units.
    fn line(&self, from: (i32, i32), to: (i32, i32), color: RGBColor, width: u32) -> Drawn {
        self.root.draw(&PathElement::new(vec![from, to], color.stroke_width(width)))
    }

    fn bar(&self, bar: &Bar, y: i32) -> Drawn {
        let (one, end) = (self.x(0.0), self.x(bar.value.log10()));
        let corners = [(one.min(end), (y + 2) * UNIT), (one.max(end), (y + BAR - 1) * UNIT)];
        self.root.draw(&Rectangle::new(corners, bar.color.filled()))?;
        let middle = (y * UNIT) + (BAR * UNIT) / 2 + 5;
        let mut reach = (one.min(end), one.max(end));
        if let Some((low, high)) = bar.range.filter(|(low, high)| low < high) {
            let (from, to) = (self.x(low.log10()), self.x(high.log10()));
            self.line((from, middle), (to, middle), INK, 12)?;
            for x in [from, to] {
                self.line((x, middle - 3 * UNIT), (x, middle + 3 * UNIT), INK, 12)?;
            }
            reach = (reach.0.min(from), reach.1.max(to));
        }
        if let Some(dot) = bar.dot {
            let x = self.x(dot.log10());
            self.root.draw(&Circle::new((x, middle), 45, WHITE.filled()))?;
            self.root.draw(&Circle::new((x, middle), 45, INK.stroke_width(12)))?;
            reach = (reach.0.min(x - 4 * UNIT), reach.1.max(x + 4 * UNIT));
        }
        // At the end that is away from 1.
        let long = (LETTER * f64::from((FONT - 2) * UNIT) * bar.text.chars().count() as f64) as i32;
        let x = if bar.value >= 1.0 { reach.1 + 5 * UNIT } else { reach.0 - long - 5 * UNIT };
        self.root.draw(&Text::new(bar.text.clone(), (x, middle - 5 * UNIT), font(FONT - 2)))
    }
}
