//! Cells, clock and time over lanes and multipliers of the digits, on the largest target: table and picture.

use std::path::Path;

use comfy_table::{Table, presets};
use memrtl::fpga::Report;
use memrtl::report::figures::{Bar, Figure};
use memrtl::report::plots::{Axis, BLUE, Chart, GREEN, Mark, ORANGE, PURPLE, Panel};

use crate::common::{self, Results};
use crate::{MACS, build, design};

const TARGET: &str = "ecp5-85k";

struct Point {
    /// Lanes, and multipliers of an array.
    width: usize,
    cells: u64,
    memories: u64,
    multipliers: u64,
    /// MHz.
    fmax: f64,
    /// Per training sample.
    cycles: f64,
}

impl Point {
    /// Microseconds per training sample.
    fn time(&self) -> f64 {
        self.cycles / self.fmax
    }
}

/// `wide` is the report of [`MACS`] multipliers, where that has been built.
pub fn measure(results: &mut Results, mut wide: Option<Report>) {
    let mut points = Vec::new();
    for width in [1, 2, 4, 8, 16, 32, 64] {
        let figure = format!("digits, {TARGET}, {width} multipliers per array, {width} lanes, training sample at Fmax");
        let built = wide.take_if(|_| width == MACS);
        match built.map_or_else(|| build(&design(width), TARGET, &format!("digits{width}")), Ok) {
            Ok(report) => {
                let used = |index: usize| report.resources.get(index).map_or(0, |u| u.used);
                let point = Point {
                    width,
                    cells: used(0),
                    memories: used(1),
                    multipliers: used(2),
                    fmax: report.fmax.unwrap_or(f64::NAN),
                    cycles: report.pace.map_or(f64::NAN, |pace| pace.cycles_per_sample),
                };
                results.figures.push(Figure::new(&figure, point.time(), "us", Bar::None));
                points.push(point);
            }
            Err(why) => results.missing.push(format!("{figure}: {why}")),
        }
    }
    println!("{}", table(&points));
    if points.len() > 1 {
        let path = common::target().join("bench/fpga-growth.svg");
        match write(&path, &points) {
            Ok(()) => println!("written to target/bench/fpga-growth.svg"),
            Err(why) => results.missing.push(format!("{}: {why}", path.display())),
        }
    }
}

fn table(points: &[Point]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "multipliers per array, lanes",
        "logic cells",
        "block RAMs",
        "multipliers",
        "Fmax, MHz",
        "cycles per sample",
        "us per sample",
    ]);
    for p in points {
        table.add_row([
            p.width.to_string(),
            p.cells.to_string(),
            p.memories.to_string(),
            p.multipliers.to_string(),
            format!("{:.1}", p.fmax),
            format!("{:.1}", p.cycles),
            format!("{:.2}", p.time()),
        ]);
    }
    table
}

fn write(path: &Path, points: &[Point]) -> Result<(), Box<dyn std::error::Error>> {
    let panel = |title: &str, unit: &str, color, value: &dyn Fn(&Point) -> f64| {
        let points: Vec<_> = points.iter().map(|p| (p.width as f64, value(p))).collect();
        Panel {
            title: title.to_owned(),
            x: Axis::log("multipliers of an array"),
            y: Axis::log(unit),
            marks: vec![
                Mark::Line { points: points.clone(), color, width: 2.0, dashed: false },
                Mark::Dots { points, color },
            ],
            legend: Vec::new(),
        }
    };
    let chart = Chart {
        title: format!("Digits on {TARGET}, as many lanes as multipliers per array"),
        panels: vec![
            panel("Logic cells", "cells", BLUE, &|p| p.cells as f64),
            panel("Fmax", "MHz", GREEN, &|p| p.fmax),
            panel("Cycles per training sample", "cycles", PURPLE, &|p| p.cycles),
            panel("Time per training sample", "us", ORANGE, &Point::time),
        ],
        width: 1200,
        height: 330,
    };
    let part = path.with_extension("svg.part");
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(&part, chart.svg()?)?;
    std::fs::rename(part, path)?;
    Ok(())
}
