//! Measured figures next to their baselines and bars, printed and written as `target/bench/<name>.json`.

use std::io;
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// A bar that a figure has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
    Exactly(f64),
    /// Shown for orientation only.
    None,
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub figure: String,
    pub value: f64,
    pub unit: String,
    /// The same quantity of the baseline, measured in the same run; with its name in `figure`.
    pub baseline: Option<f64>,
    /// `value / baseline`.
    pub ratio: Option<f64>,
    /// The bar in words.
    pub bar: String,
    pub holds: bool,
}

impl Figure {
    /// A figure whose bar is on its value.
    pub fn new(figure: &str, value: f64, unit: &str, bar: Bar) -> Figure {
        Figure::judged(figure, value, unit, None, bar, value)
    }

    /// A figure next to its baseline; the bar is on the ratio `value / baseline`.
    pub fn against(figure: &str, value: f64, unit: &str, baseline: f64, bar: Bar) -> Figure {
        Figure::judged(figure, value, unit, Some(baseline), bar, value / baseline)
    }

    /// A figure next to its baseline; the bar is on the value itself.
    pub fn beside(figure: &str, value: f64, unit: &str, baseline: f64, bar: Bar) -> Figure {
        Figure::judged(figure, value, unit, Some(baseline), bar, value)
    }

    fn judged(figure: &str, value: f64, unit: &str, baseline: Option<f64>, bar: Bar, judged: f64) -> Figure {
        let (holds, words) = match bar {
            Bar::AtLeast(b) => (judged >= b, format!("at least {b}")),
            Bar::AtMost(b) => (judged <= b, format!("at most {b}")),
            Bar::Exactly(b) => (judged == b, format!("exactly {b}")),
            Bar::None => (true, String::new()),
        };
        let ratio = baseline.map(|b| value / b);
        Figure { figure: figure.to_string(), value, unit: unit.to_string(), baseline, ratio, bar: words, holds }
    }
}

/// The figures as a table.
pub fn render(figures: &[Figure]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["figure", "value", "unit", "baseline", "ratio", "bar", "holds"]);
    for index in [1, 3, 4] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for f in figures {
        let number = |v: Option<f64>| v.map_or(String::new(), format_number);
        let holds = if f.bar.is_empty() {
            ""
        } else if f.holds {
            "yes"
        } else {
            "NO"
        };
        table.add_row([
            f.figure.clone(),
            format_number(f.value),
            f.unit.clone(),
            number(f.baseline),
            number(f.ratio),
            f.bar.clone(),
            holds.to_string(),
        ]);
    }
    table.lines().map(|l| l.trim_end().to_string() + "\n").collect()
}

/// Four significant digits, large numbers with an exponent.
fn format_number(v: f64) -> String {
    if v != 0.0 && (v.abs() >= 1e6 || v.abs() < 1e-3) {
        return format!("{v:.3e}");
    }
    let digits = (3 - v.abs().max(1.0).log10().floor() as i32).clamp(0, 3) as usize;
    let text = format!("{v:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// Writes the figures to `<dir>/<name>.json` and returns the path.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(dir: &Path, name: &str, figures: &[Figure]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(figures)? + "\n";
    let temporary = dir.join(format!(".{name}.json.part"));
    std::fs::write(&temporary, text)?;
    std::fs::rename(&temporary, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_judge_value_or_ratio() {
        assert!(Figure::new("a", 3.0, "", Bar::AtLeast(3.0)).holds);
        assert!(!Figure::new("a", 2.9, "", Bar::AtLeast(3.0)).holds);
        let f = Figure::against("a", 10.0, "", 4.0, Bar::AtLeast(2.0));
        assert!(f.holds && f.ratio == Some(2.5));
        assert!(!Figure::beside("a", 10.0, "", 4.0, Bar::AtMost(5.0)).holds);
        assert!(!Figure::new("a", 1.0, "", Bar::Exactly(0.0)).holds);
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!(format_number(0.98765), "0.988");
        assert_eq!(format_number(96.48), "96.48");
        assert_eq!(format_number(5886.4), "5886");
        assert_eq!(format_number(1.234e6), "1.234e6");
        assert_eq!(format_number(0.0), "0");
    }
}
