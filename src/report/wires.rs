//! What the wires of an array cost, against its size: the exact circuit, and the approximation that reads are computed with.

use super::plots::{Axis, BLUE, Chart, GREY, Mark, ORANGE, Panel};
use super::{table, trimmed};
use crate::array::wires::{Driven, Grid, Wires, WiresError, attenuate, solve};
use crate::device::{Noise, Stream};

/// Sizes between the smallest and the whole array, in eighths of its sides.
const EIGHTHS: [usize; 7] = [1, 2, 3, 4, 5, 6, 8];
/// Share of e squared that bounds the approximation's error of a conductance.
pub const BOUND: f64 = 0.25;

/// The array to look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Subject {
    pub rows: usize,
    pub cols: usize,
    pub wires: Wires,
    /// Conductances are uniform between these, in siemens.
    pub siemens: (f64, f64),
    pub seed: u64,
}

/// One size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    pub rows: usize,
    pub cols: usize,
    /// Largest e, see [`attenuate`].
    pub load: f64,
    /// Share of its current that the worst column loses when all rows are driven alike: exact, and by the approximation.
    pub exact: f64,
    pub approximate: f64,
    /// The same for a read of rows driven at random: largest difference between both, over the largest current of a column.
    pub read: f64,
    pub residual: f64,
    pub steps: usize,
}

/// Conductances uniform between the ends of the range, row-major.
fn conductances(subject: &Subject) -> Vec<f64> {
    let (low, high) = subject.siemens;
    let mut row = vec![0.0; subject.cols];
    let mut grid = Vec::with_capacity(subject.rows * subject.cols);
    for i in 0..subject.rows {
        Noise::new(subject.seed, 0).uniforms(Stream::DeviceToDevice, 0, i, &mut row);
        grid.extend(row.iter().map(|u| low + f64::from(*u) * (high - low)));
    }
    grid
}

/// Amperes of all columns.
fn columns(siemens: &[f64], cols: usize, volts: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; cols];
    for (v, row) in volts.iter().zip(siemens.chunks_exact(cols)) {
        sums.iter_mut().zip(row).for_each(|(sum, g)| *sum += v * g);
    }
    sums
}

/// Solves one size exactly and approximately.
///
/// # Errors
/// See [`solve`].
pub fn compare(subject: &Subject) -> Result<Case, WiresError> {
    let Subject { rows, cols, wires, .. } = *subject;
    let siemens = conductances(subject);
    let grid = Grid { cols, siemens: &siemens };
    // In units of the largest conductance, as reads have it in units of weights.
    let unit = siemens.iter().fold(0.0f64, |a, b| a.max(*b));
    let narrow: Vec<f32> = siemens.iter().map(|g| (g / unit) as f32).collect();
    let mut seen = vec![0.0; narrow.len()];
    let load = attenuate(&narrow, cols, (wires.row * unit) as f32, (wires.col * unit) as f32, &mut seen);
    let seen: Vec<f64> = seen.iter().map(|g| f64::from(*g) * unit).collect();

    let even = vec![1.0; rows];
    let full = columns(&siemens, cols, &even);
    let solved = solve(grid, wires, Driven::Rows(&even))?;
    let worst = |got: &[f64]| got.iter().zip(&full).map(|(got, full)| 1.0 - got / full).fold(0.0, f64::max);
    let mut uniform = vec![0.0; rows];
    Noise::new(subject.seed, 1).uniforms(Stream::Read, 0, 0, &mut uniform);
    let volts: Vec<f64> = uniform.iter().map(|u| 2.0 * f64::from(*u) - 1.0).collect();
    let read = solve(grid, wires, Driven::Rows(&volts))?;
    let off = read.lines.iter().zip(columns(&seen, cols, &volts)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Ok(Case {
        rows,
        cols,
        load: load.into(),
        exact: worst(&solved.lines),
        approximate: worst(&columns(&seen, cols, &even)),
        read: off / full.iter().fold(0.0, |a: f64, b| a.max(*b)),
        residual: solved.residual.max(read.residual),
        steps: solved.steps.max(read.steps),
    })
}

/// The array and smaller ones of the same shape.
///
/// # Errors
/// See [`solve`].
pub fn sweep(subject: &Subject) -> Result<Vec<Case>, WiresError> {
    let side = |whole: usize, eighths: usize| (whole * eighths).div_ceil(8);
    let mut sizes = EIGHTHS.map(|n| (side(subject.rows, n), side(subject.cols, n))).to_vec();
    sizes.dedup();
    sizes.into_iter().map(|(rows, cols)| compare(&Subject { rows, cols, ..*subject })).collect()
}

/// A line for each size.
pub fn wires_table(cases: &[Case]) -> String {
    let mut rows = table(&[
        "array",
        "largest e",
        "worst column loses",
        "by approximation",
        "read differs by",
        "bound",
        "Kirchhoff residual",
        "steps",
    ]);
    let percent = |v: f64| format!("{:.3} %", 100.0 * v);
    for c in cases {
        rows.add_row([
            format!("{}x{}", c.rows, c.cols),
            format!("{:.4}", c.load),
            percent(c.exact),
            percent(c.approximate),
            percent(c.read),
            percent(BOUND * c.load * c.load),
            format!("{:.0e}", c.residual),
            c.steps.to_string(),
        ]);
    }
    trimmed(&rows) + "\n"
}

/// Losses and differences against the number of rows.
pub fn wires_chart(subject: &Subject, cases: &[Case]) -> Chart {
    let points = |of: &dyn Fn(&Case) -> f64| -> Vec<(f64, f64)> {
        cases.iter().map(|c| (c.rows as f64, 100.0 * of(c))).filter(|(_, y)| *y > 0.0).collect()
    };
    let line = |points, color, dashed| Mark::Line { points, color, width: 2.0, dashed };
    let loss = Panel {
        title: format!("{} ohm a segment", subject.wires.row),
        x: Axis::linear("rows"),
        y: Axis::linear("loss of the worst column (%)"),
        marks: vec![
            line(points(&|c| c.approximate), BLUE, false),
            Mark::Dots { points: points(&|c| c.exact), color: ORANGE },
        ],
        legend: vec![(ORANGE, "exact circuit".to_owned()), (BLUE, "approximation".to_owned())],
    };
    let difference = Panel {
        title: "difference of a read".to_owned(),
        x: Axis::linear("rows"),
        y: Axis::log("% of the largest current"),
        marks: vec![
            line(points(&|c| BOUND * c.load * c.load), GREY, true),
            line(points(&|c| c.read), BLUE, false),
            Mark::Dots { points: points(&|c| c.read), color: BLUE },
        ],
        legend: vec![(BLUE, "approximation against circuit".to_owned()), (GREY, "bound, e\u{b2} / 4".to_owned())],
    };
    Chart {
        title: format!("{}x{} cells: loss in the wires", subject.rows, subject.cols),
        panels: vec![loss, difference],
        width: 760,
        height: 330,
    }
}
