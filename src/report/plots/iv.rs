//! Current under a sine of the voltage: the pinched loop.

use super::chart::{prefixed, short};
use super::{Axis, BLUE, Chart, HEIGHT, Mark, ORANGE, Panel, PlotError, WIDTH};
use crate::device::compact::{CompactModel, IvPoint, iv_loop};

/// Points of a loop.
const POINTS: usize = 400;
/// Amplitude over the larger threshold.
const OVERDRIVE: f64 = 1.5;
/// Amplitude without thresholds, volts.
const PLAIN: f64 = 1.0;
/// Share of the state's range that the slow loop covers.
const EXCURSION: f64 = 0.6;
/// Position from which the first period starts: away from the bounds, where some windows let no state go.
const START: f64 = 0.1;
/// The second loop is this much faster.
const FASTER: f64 = 5.0;

/// The second period of a sine, from the end of low conductance, and the share of the range that the state covers.
fn period(model: &dyn CompactModel, volts: f64, frequency: f64) -> Result<(Vec<IvPoint>, f64), PlotError> {
    let first = iv_loop(model, model.state_at(START), volts, frequency, POINTS)?;
    let from = first.last().map_or_else(|| model.state_at(START), |point| point.state);
    let points = iv_loop(model, from, volts, frequency, POINTS)?;
    let positions = || points.iter().map(|point| model.position_of(point.state));
    let covered = positions().fold(0.0, f64::max) - positions().fold(1.0, f64::min);
    Ok((points, covered))
}

/// Frequency whose loop covers [`EXCURSION`] of the range, or else the most: of all powers of two from 2^-20 to 2^34 Hz the
/// highest.
fn frequency(model: &dyn CompactModel, volts: f64) -> Result<f64, PlotError> {
    let (mut best, mut most) = (1.0, 0.0);
    for exponent in (-20..=34).rev().step_by(2) {
        let frequency = 2f64.powi(exponent);
        let (_, covered) = period(model, volts, frequency)?;
        if covered >= EXCURSION {
            return Ok(frequency);
        }
        if covered > most {
            (best, most) = (frequency, covered);
        }
    }
    Ok(best)
}

/// Amplitude that moves the middle of the range, and the state from which the loop starts, in both directions.
fn amplitude(model: &dyn CompactModel) -> f64 {
    let moves = |position: f64, volts: f64| {
        let state = model.state_at(position);
        model.rate(state, volts) != 0.0 && model.rate(state, -volts) != 0.0
    };
    let enough = |volts: f64| moves(0.5, volts / OVERDRIVE * 1.05) && moves(START, 0.9 * volts);
    let volts = model.thresholds().map_or(PLAIN, |t| OVERDRIVE * t.positive.max(-t.negative));
    if enough(volts) {
        return volts;
    }
    // Thresholds of the lowest resistance say nothing of the others, which need several times as much.
    let more = (1..60).map(|k| volts * 1.5f64.powi(k)).find(|volts| enough(*volts));
    FASTER * more.unwrap_or(volts)
}

pub(super) fn chart(name: &str, model: &dyn CompactModel) -> Result<Chart, PlotError> {
    let volts = amplitude(model);
    let slow = frequency(model, volts)?;
    let loops = [(slow, BLUE), (FASTER * slow, ORANGE)];
    let (mut lines, mut legend) = (Vec::new(), Vec::new());
    let mut largest: f64 = 0.0;
    for (frequency, color) in loops {
        let (points, _) = period(model, volts, frequency)?;
        largest = points.iter().fold(largest, |most, p| most.max(p.amperes.abs()));
        let (unit, factor) = prefixed(frequency, "Hz");
        legend.push((color, format!("{} {unit}", short(frequency * factor))));
        lines.push((points, color));
    }
    let (ampere, scale) = prefixed(largest, "A");
    let line = |points: Vec<(f64, f64)>, color| Mark::Line { points, color, width: 1.8, dashed: false };
    let whole = |points: &[IvPoint]| points.iter().map(|p| (p.volts, p.amperes * scale)).collect();
    let linear = lines.iter().map(|(points, color)| line(whole(points), *color)).collect();
    // Near 0 V the logarithm says nothing: one line for each sign of the voltage.
    let half = |points: &[IvPoint], sign: f64| {
        let beyond = points.iter().filter(|p| sign * p.volts > 0.02 * volts);
        beyond.map(|p| (p.volts, p.amperes.abs())).collect()
    };
    let halves = |(points, color): &(Vec<IvPoint>, _)| [1.0, -1.0].map(|sign| line(half(points, sign), *color));
    let logarithmic = lines.iter().flat_map(halves).collect();
    Ok(Chart {
        title: format!("{name}: current-voltage loop under a sine of {} V", short(volts)),
        panels: vec![
            Panel {
                title: name.to_owned(),
                x: Axis::linear("voltage (V)"),
                y: Axis::linear(format!("current ({ampere})")),
                marks: linear,
                legend: legend.clone(),
            },
            Panel {
                title: "the same, logarithmic".to_owned(),
                x: Axis::linear("voltage (V)"),
                y: Axis::log("magnitude of the current (A)"),
                marks: logarithmic,
                legend,
            },
        ],
        width: WIDTH,
        height: HEIGHT,
    })
}
