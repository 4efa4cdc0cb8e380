//! Probability that a magnetic tunnel junction switches, against the length of the pulse.

use super::chart::short;
use super::{Axis, BLUE, Chart, GREEN, GREY, HEIGHT, Mark, ORANGE, PURPLE, Panel, WIDTH};
use crate::device::mtj::Mtj;

/// Write currents over the critical one, beside the junction's own: below 0.97 heat switches, above 1.1 the spin torque.
const OVERDRIVES: [f64; 3] = [0.85, 1.5, 2.0];
/// Points of a curve.
const POINTS: i32 = 240;

pub(super) fn chart(name: &str, junction: &Mtj) -> Chart {
    let mut overdrives = OVERDRIVES.to_vec();
    overdrives.push(junction.write_current);
    overdrives.sort_by(f64::total_cmp);
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    // From where the strongest current switches one in a thousand to where the weakest leaves one in a thousand.
    let (weakest, strongest) = (overdrives[0], overdrives[overdrives.len() - 1]);
    let from = junction.pulse_length(strongest, 1e-3).max(1e-11).log10();
    let to = junction.pulse_length(weakest, 0.999).log10();
    for (overdrive, color) in overdrives.into_iter().zip([PURPLE, GREEN, ORANGE, BLUE]) {
        let point = |k: i32| {
            let seconds = 10f64.powf(from + (to - from) * f64::from(k) / f64::from(POINTS));
            (seconds, junction.switching_probability(overdrive, seconds))
        };
        marks.push(Mark::Line { points: (0..=POINTS).map(point).collect(), color, width: 2.0, dashed: false });
        let own = if overdrive == junction.write_current { ", a full-scale row code" } else { "" };
        legend.push((color, format!("{} of the critical current{own}", short(overdrive))));
    }
    let half = vec![(10f64.powf(from), 0.5), (10f64.powf(to), 0.5)];
    marks.push(Mark::Line { points: half, color: GREY, width: 1.0, dashed: true });
    Chart {
        title: format!("{name}: switching probability against pulse length"),
        panels: vec![Panel {
            title: format!("{name}: one junction, critical current {} \u{b5}A", short(1e6 * junction.critical_current)),
            x: Axis::log("pulse length (s)"),
            y: Axis::linear("switching probability"),
            marks,
            legend,
        }],
        width: WIDTH,
        height: HEIGHT,
    }
}
