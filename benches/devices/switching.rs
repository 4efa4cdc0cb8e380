//! Junctions of STT-MRAM over 10,000 draws: how far share of switched ones and spread of resistances lie from their formulas.

use memrtl::device::mtj::{Mtj, MtjPairs, PRESETS};
use memrtl::device::{CellAddress, Geometry, Memristors, Noise, Slot};
use memrtl::report::figures::{Bar, Figure};

use super::Results;

const SIDE: usize = 100;
const CELLS: f64 = (SIDE * SIDE) as f64;
const LSB: f64 = 2e-9;
const WIDTHS: [i32; 4] = [5, 30, 120, 255];
const SPREAD: f64 = 0.05;
const LIMIT: Bar = Bar::AtMost(3.0);

pub fn measure(results: &mut Results) {
    for preset in PRESETS {
        let junction = (preset.parameters)();
        let mut push = |what: &str, errors: f64| {
            let name = format!("{}, 10,000 junctions, {what}", preset.name);
            results.figures.push(Figure::new(&name, errors, "s.e.", LIMIT));
        };
        let worst = WIDTHS.iter().map(|&width| switching(&junction, width).abs()).fold(0.0, f64::max);
        push("switched, worst of 4 pulse lengths", worst);
        let (mean, spread) = resistance(&Mtj { r_dtod: SPREAD, ..junction });
        push("mean of ln R", mean.abs());
        push("spread of ln R", spread.abs());
    }
}

fn pairs(junction: &Mtj, seed: u64) -> MtjPairs {
    let geometry = Geometry { rows: SIDE, cols: SIDE, max_code: 127, max_width: 255, pulse_lsb: LSB, update_step: 1.0 };
    MtjPairs::new(junction, geometry, Noise::new(seed, 0)).expect("presets can be driven")
}

/// Standard errors between the share that a pulse at full scale switches and the formula.
fn switching(junction: &Mtj, width: i32) -> f64 {
    let mut cells = pairs(junction, width as u64);
    cells.write(Slot { x: &[127; SIDE], widths: &[width; SIDE] }, 1);
    let switched = cells.weights().iter().filter(|w| **w > 0.5).count() as f64 / CELLS;
    let p = junction.switching_probability(junction.write_current, f64::from(width) * LSB);
    (switched - p) / (p * (1.0 - p) / CELLS).sqrt()
}

/// Standard errors between mean and spread of ln R and what was asked for.
fn resistance(junction: &Mtj) -> (f64, f64) {
    let cells = pairs(junction, 1);
    let log = |i: usize| {
        let at = CellAddress { device: 0, row: i / SIDE, col: i % SIDE };
        -(cells.conductance(at) * junction.r_ap()).ln()
    };
    let logs: Vec<f64> = (0..SIDE * SIDE).map(log).collect();
    let mean = logs.iter().sum::<f64>() / CELLS;
    let spread = (logs.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / CELLS).sqrt();
    (mean / (SPREAD / CELLS.sqrt()), (spread - SPREAD) / (SPREAD / (2.0 * CELLS).sqrt()))
}
