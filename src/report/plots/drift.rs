//! Conductance over time without a pulse.

use super::response::percentile;
use super::{Axis, BLUE, Chart, GREEN, HEIGHT, Mark, ORANGE, PURPLE, Panel, PlotError, WIDTH};
use crate::device::{CellAddress, Geometry, Memristors, Noise};
use crate::spec::DeviceModel;

const SIDE: usize = 16;
/// Programmed weights, as shares of the largest.
const SHARES: [f32; 4] = [0.9, 0.5, 0.2, 0.05];
/// Powers of ten of the seconds, and points for each.
const DECADES: i32 = 8;
const EACH: i32 = 5;

pub(super) fn chart(name: &str, model: &DeviceModel) -> Result<Chart, PlotError> {
    let geometry = Geometry { rows: SIDE, cols: SIDE, max_code: 1, max_width: 1, pulse_lsb: 1.0, update_step: 1e-9 };
    let DeviceModel::Pcm(pairs) = model else {
        return Err(PlotError::Empty { chart: name.to_owned(), panel: String::new(), what: "a drift" });
    };
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    for (share, color) in SHARES.into_iter().zip([BLUE, ORANGE, GREEN, PURPLE]) {
        let Some(mut cells) = model.memristors(geometry, Noise::new(1, 0))? else { continue };
        cells.program(&vec![share * pairs.set.w_max as f32; SIDE * SIDE], 1);
        let micro = |cells: &dyn Memristors| -> Vec<f64> {
            let at = |i: usize| CellAddress { device: 0, row: i / SIDE, col: i % SIDE };
            (0..SIDE * SIDE).map(|i| 1e6 * cells.conductance(at(i))).collect()
        };
        let (mut passed, mut median, mut band) = (0.0, Vec::new(), Vec::new());
        for step in 0..=DECADES * EACH {
            let seconds = 10f64.powf(f64::from(step) / f64::from(EACH));
            cells.age(seconds - passed, 1);
            passed = seconds;
            let now = micro(&*cells);
            median.push((seconds, percentile(&now, 0.5)));
            band.push((seconds, percentile(&now, 0.1), percentile(&now, 0.9)));
        }
        marks.push(Mark::Band { points: band, color });
        marks.push(Mark::Line { points: median, color, width: 2.0, dashed: false });
        legend.push((color, format!("{share} of the largest")));
    }
    let mut x = Axis::log("time since the last pulse");
    let at = |(seconds, text): &(f64, &str)| (*seconds, (*text).to_owned());
    let ticks = [
        (1.0, "1 s"),
        (60.0, "1 min"),
        (3600.0, "1 h"),
        (86_400.0, "1 day"),
        (2.592e6, "30 days"),
        (3.156e7, "1 year"),
    ];
    x.ticks = ticks.iter().map(at).collect();
    Ok(Chart {
        title: format!("{name}: conductance over time"),
        panels: vec![Panel {
            title: format!("{name}: median of {} devices, 10 to 90 % shaded", SIDE * SIDE),
            x,
            y: Axis::log("conductance (\u{b5}S)"),
            marks,
            legend,
        }],
        width: WIDTH,
        height: HEIGHT,
    })
}
