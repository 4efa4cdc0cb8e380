//! The resistance of an array's wires: the exact solution of its circuit, and the approximation that reads are computed with.
//!
//! Rows are driven at their left ends, columns end at the bottom on the virtual ground of their converters (in a transposed read the
//! other way round). Every cell sits between a node of its row and a node of its column; `row` and `col` ohms lie between
//! neighbouring nodes, and between the first node and the driver or the last and the converter. Cell `(i, j)` is thus `j + 1` segments from
//! its driver and `rows - i` from its converter.
//!
//! With cell currents c the wires lose `D c`: along a row, the segment to node j carries the currents of all cells from j on;
//! along a column, the segment below node i those of all cells down to i. Kirchhoff's laws then are `c / G + D c = V`, with
//! `D` symmetric and positive semidefinite. So there is one solution, the transposed read obeys the same matrix, and nothing is divided
//! by a resistance that may be 0.

/// Ohms of a segment between two cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wires {
    pub row: f64,
    pub col: f64,
}

/// Conductances of an array in siemens, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Grid<'a> {
    pub cols: usize,
    pub siemens: &'a [f64],
}

/// Which ends are driven.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Driven<'a> {
    /// Volts at the rows; the columns are sensed.
    Rows(&'a [f64]),
    /// Volts at the columns; the rows are sensed.
    Columns(&'a [f64]),
}

/// Currents of a solved array in amperes.
#[derive(Debug, Clone, PartialEq)]
pub struct Currents {
    /// Of the cells, row-major.
    pub cells: Vec<f64>,
    /// Of the sensed lines.
    pub lines: Vec<f64>,
    /// Largest violation of Kirchhoff's voltage law in any loop of driver, cell and converter, relative to the largest drive.
    pub residual: f64,
    /// Steps of the solver.
    pub steps: usize,
}

/// Relative residual at which a solution counts as exact: the sums' own rounding is not far below.
const TOLERANCE: f64 = 1e-14;
/// Steps after which the solver gives up.
const MOST_STEPS: usize = 10_000;

/// An array that could not be solved.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum WiresError {
    #[error("cell ({row}, {col}) has a conductance of {value} S; allowed: 0 or more, finite")]
    Conductance { row: usize, col: usize, value: f64 },
    #[error("a wire segment has {0} ohm; allowed: 0 or more, finite")]
    Resistance(f64),
    #[error("no solution after {steps} steps: a residual of {residual:e} is left")]
    Diverged { steps: usize, residual: f64 },
}

/// Solves the circuit by conjugate gradients in `y = c / sqrt(G)`, where the matrix is the identity plus what the wires lose: open cells
/// drop out by themselves, and the number of steps grows with the square root of the loss alone, not with the array.
///
/// # Errors
/// Conductances or resistances below 0 or not finite; no convergence.
pub fn solve(grid: Grid<'_>, wires: Wires, driven: Driven<'_>) -> Result<Currents, WiresError> {
    let Grid { cols, siemens } = grid;
    let rows = siemens.len() / cols.max(1);
    if let Some(cell) = siemens.iter().position(|g| !(g.is_finite() && *g >= 0.0)) {
        return Err(WiresError::Conductance { row: cell / cols, col: cell % cols, value: siemens[cell] });
    }
    if let Some(r) = [wires.row, wires.col].into_iter().find(|r| !(r.is_finite() && *r >= 0.0)) {
        return Err(WiresError::Resistance(r));
    }
    let volts = |cell: usize| match driven {
        Driven::Rows(volts) => volts[cell / cols],
        Driven::Columns(volts) => volts[cell % cols],
    };
    let roots: Vec<f64> = siemens.iter().map(|g| g.sqrt()).collect();
    let mut work = vec![0.0; siemens.len()];
    let mut apply = |y: &[f64], out: &mut [f64]| {
        work.iter_mut().zip(y).zip(&roots).for_each(|((c, y), root)| *c = y * root);
        losses(&work, cols, wires.row, wires.col, out);
        out.iter_mut().zip(y).zip(&roots).for_each(|((out, y), root)| *out = y + root * *out);
    };
    let right: Vec<f64> = roots.iter().enumerate().map(|(cell, root)| root * volts(cell)).collect();
    let norm = square(&right);
    let (mut y, mut rest, mut step) = (vec![0.0; right.len()], right.clone(), right);
    let (mut left, mut steps, mut image) = (norm, 0, vec![0.0; step.len()]);
    while left > TOLERANCE * TOLERANCE * norm {
        if steps == MOST_STEPS {
            return Err(WiresError::Diverged { steps, residual: (left / norm).sqrt() });
        }
        apply(&step, &mut image);
        let length = left / step.iter().zip(&image).map(|(a, b)| a * b).sum::<f64>();
        y.iter_mut().zip(&step).for_each(|(y, s)| *y += length * s);
        rest.iter_mut().zip(&image).for_each(|(r, i)| *r -= length * i);
        let now = square(&rest);
        step.iter_mut().zip(&rest).for_each(|(s, r)| *s = r + now / left * *s);
        (left, steps) = (now, steps + 1);
    }
    let cells: Vec<f64> = y.iter().zip(&roots).map(|(y, root)| y * root).collect();
    let lines = match driven {
        Driven::Rows(_) => (0..cols).map(|col| cells.iter().skip(col).step_by(cols).sum()).collect(),
        Driven::Columns(_) => cells.chunks_exact(cols).map(|row| row.iter().sum()).collect(),
    };
    // What the recursion believes may have drifted from the truth: Kirchhoff's law is asked anew, cell by cell.
    losses(&cells, cols, wires.row, wires.col, &mut image);
    let most = (0..rows * cols).map(|cell| volts(cell).abs()).fold(0.0, f64::max);
    let gap = |cell: usize| match siemens[cell] {
        0.0 => 0.0,
        g => (cells[cell] / g + image[cell] - volts(cell)).abs(),
    };
    let residual = (0..rows * cols).map(gap).fold(0.0, f64::max) / if most > 0.0 { most } else { 1.0 };
    Ok(Currents { cells, lines, residual, steps })
}

fn square(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum()
}

/// Volts that the wires lose on the way of each cell's current, all cells together.
fn losses(currents: &[f64], cols: usize, row: f64, col: f64, out: &mut [f64]) {
    for (currents, out) in currents.chunks_exact(cols).zip(out.chunks_exact_mut(cols)) {
        let mut through: f64 = currents.iter().sum();
        let mut lost = 0.0;
        for (&c, out) in currents.iter().zip(out) {
            lost += row * through;
            through -= c;
            *out = lost;
        }
    }
    let mut through = vec![0.0; cols];
    let mut below = vec![0.0; currents.len()];
    for (currents, below) in currents.chunks_exact(cols).zip(below.chunks_exact_mut(cols)) {
        through.iter_mut().zip(currents).for_each(|(through, c)| *through += c);
        below.copy_from_slice(&through);
    }
    let mut lost = vec![0.0; cols];
    for (below, out) in below.chunks_exact(cols).zip(out.chunks_exact_mut(cols)).rev() {
        for ((lost, through), out) in lost.iter_mut().zip(below).zip(out) {
            *lost += col * through;
            *out += *lost;
        }
    }
}

/// Conductances that the array seems to have from its ends, row-major: amperes in column j per volt on row i, all other ends at 0 V.
/// Being reciprocal, the transposed read has the same.
///
/// # Errors
/// As for [`solve`].
pub fn transfer(grid: Grid<'_>, wires: Wires) -> Result<Vec<f64>, WiresError> {
    let (cols, rows) = (grid.cols, grid.siemens.len() / grid.cols.max(1));
    let mut out = vec![0.0; rows * cols];
    // The shorter side takes fewer solutions.
    if rows <= cols {
        for row in 0..rows {
            let mut volts = vec![0.0; rows];
            volts[row] = 1.0;
            out[row * cols..][..cols].copy_from_slice(&solve(grid, wires, Driven::Rows(&volts))?.lines);
        }
    } else {
        for col in 0..cols {
            let mut volts = vec![0.0; cols];
            volts[col] = 1.0;
            let lines = solve(grid, wires, Driven::Columns(&volts))?.lines;
            lines.iter().enumerate().for_each(|(row, current)| out[row * cols + col] = *current);
        }
    }
    Ok(out)
}

/// The approximation: every conductance g becomes `g / (1 + e)`, with e the share of its voltage that the wires would lose if all
/// cells carried their full currents,
///
/// ```text
/// e(i, j) = row * sum over k of min(j, k) + 1 times g(i, k)  +  col * sum over m of (rows - max(i, m)) times g(m, j)
/// ```
///
/// Right to first order in e, and for a single cell at any resistance; its error is about `0.2 e^2` of the largest g. `row` and `col` in
/// units of 1 / g. Returns the largest e.
pub fn attenuate(g: &[f32], cols: usize, row: f32, col: f32, out: &mut [f32]) -> f32 {
    let mut through = vec![0.0f32; cols];
    for (g, out) in g.chunks_exact(cols).zip(out.chunks_exact_mut(cols)) {
        for ((through, &g), out) in through.iter_mut().zip(g).zip(out) {
            *through += g;
            *out = *through;
        }
    }
    let mut lost = vec![0.0f32; cols];
    let mut along = vec![0.0f32; cols];
    let mut largest = 0.0f32;
    for (g, out) in g.chunks_exact(cols).zip(out.chunks_exact_mut(cols)).rev() {
        let mut through = 0.0f32;
        for (along, &g) in along.iter_mut().zip(g).rev() {
            through += g;
            *along = through;
        }
        let mut sum = 0.0f32;
        for along in &mut along {
            sum += *along;
            *along = sum;
        }
        for (((out, &g), lost), &along) in out.iter_mut().zip(g).zip(&mut lost).zip(&along) {
            *lost += *out;
            let e = row * along + col * *lost;
            largest = if e > largest { e } else { largest };
            *out = g / (1.0 + e);
        }
    }
    largest
}
