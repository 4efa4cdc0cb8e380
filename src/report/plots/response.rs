//! Conductance under a train of equal pulses up and then down, over many devices and two cycles.

use super::chart::{prefixed, short};
use super::{Axis, BLUE, Chart, GREEN, HEIGHT, Mark, ORANGE, Panel, PlotError, WIDTH};
use crate::device::compact::CompactModel;
use crate::device::response::{Law, Parameters};
use crate::device::{CellAddress, CellPulse, Geometry, Memristors, Noise};
use crate::spec::DeviceModel;

/// Devices: this many rows and columns.
const SIDE: usize = 10;
/// Most points of one direction; more pulses than that are taken several at a time.
const POINTS: usize = 60;
/// Pulses of a compact model in each direction, and the positions from where to where they lead upwards.
const COMPACT_PULSES: usize = 40;
const COMPACT_START: f64 = 0.05;
const COMPACT_REACH: f64 = 0.9;
/// SET pulses of phase-change memory, and the RESET pulses after them.
const SETS: usize = 40;
const RESETS: usize = 4;

/// Equal pulses of one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Train {
    /// Positive upwards.
    pub volts: f64,
    /// Of one pulse.
    pub seconds: f64,
    pub pulses: usize,
    /// Pulses from one point of the picture to the next.
    pub each: usize,
}

impl Train {
    fn new(volts: f64, seconds: f64, pulses: usize) -> Train {
        Train { volts, seconds, pulses, each: pulses.div_ceil(POINTS).max(1) }
    }

    fn words(&self) -> String {
        let (second, factor) = prefixed(self.seconds, "s");
        format!("{} V, {} {second}", short(self.volts), short(self.seconds * factor))
    }
}

/// Unit pulses that cross the range, with room for laws that slow down towards the bound.
fn of_response(p: &Parameters) -> [Train; 2] {
    let cross = |room: f64| (room * (p.w_max - p.w_min) / p.dw_min).ceil() as usize;
    let (up, down) = match p.law {
        Law::NeuroSim => (p.pulses_up as usize, p.pulses_down as usize),
        Law::ConstantStep => (cross(1.1), cross(1.1)),
        Law::LinearStep | Law::ExpStep => (cross(1.3), cross(1.3)),
        Law::SoftBounds | Law::SoftBoundsReference | Law::PowStep => (cross(2.0), cross(2.0)),
    };
    [Train::new(p.up.volts, p.up.seconds, up), Train::new(-p.down.volts, p.down.seconds, down)]
}

/// Pulses of a compact model in the direction `sign` (1: SET): the lowest voltage of a series that moves the state everywhere,
/// and the length with which [`COMPACT_PULSES`] of them cross the range.
fn of_compact(model: &dyn CompactModel, sign: f64) -> Result<Train, PlotError> {
    let polarity = sign * model.set_polarity();
    let threshold = model.thresholds().map_or(0.5, |t| if polarity > 0.0 { t.positive } else { -t.negative });
    let moves =
        |volts: f64| [0.05, 0.5, 0.95].iter().all(|&at| model.rate(model.state_at(at), polarity * volts) != 0.0);
    let mut volts = 1.25 * threshold;
    for _ in 0..60 {
        if moves(volts) {
            break;
        }
        volts *= 1.25;
    }
    // Downwards back to the start, so that the cycle closes.
    let (from, to) = if sign > 0.0 { (COMPACT_START, COMPACT_REACH) } else { (COMPACT_REACH, COMPACT_START) };
    let arrives = |seconds: f64| -> Result<bool, PlotError> {
        let end = model.position_of(model.pulse(model.state_at(from), polarity * volts, seconds)?);
        Ok(if sign > 0.0 { end >= to } else { end <= to })
    };
    let (mut short, mut long) = (-15.0, 9.0);
    for _ in 0..40 {
        let middle = 0.5 * (short + long);
        if arrives(10f64.powf(middle))? { long = middle } else { short = middle }
    }
    Ok(Train::new(sign * volts, 10f64.powf(long) / COMPACT_PULSES as f64, COMPACT_PULSES))
}

/// The trains up and down with which a model is shown.
fn trains(model: &DeviceModel) -> Result<[Train; 2], PlotError> {
    Ok(match model {
        DeviceModel::Compact(cells) => {
            let model = cells.model.as_dyn();
            [of_compact(model, 1.0)?, of_compact(model, -1.0)?]
        }
        DeviceModel::Pcm(pairs) => [
            Train::new(pairs.set.up.volts, pairs.set.up.seconds, SETS),
            Train::new(-pairs.set.down.volts, pairs.set.down.seconds, RESETS),
        ],
        DeviceModel::Response(parameters) => of_response(parameters),
        // Neither has a conductance that pulses move step by step.
        DeviceModel::Ideal | DeviceModel::Mtj(_) => [Train::new(0.0, 0.0, 0); 2],
    })
}

/// Conductances of many devices along two cycles: the pulse number of each point, and then cycle by cycle, point by point.
pub(super) struct Recorded {
    pub pulses: Vec<f64>,
    pub cycles: [Vec<Vec<f64>>; 2],
}

/// Gives all devices the trains up and down, twice, from their lower end: brought there by pulses, or `programmed` to that weight.
fn record(cells: &mut dyn Memristors, [up, down]: [Train; 2], programmed: Option<f32>) -> Recorded {
    let addresses: Vec<CellAddress> =
        (0..SIDE * SIDE).map(|i| CellAddress { device: 0, row: i / SIDE, col: i % SIDE }).collect();
    let mut op = 1;
    let mut give = |cells: &mut dyn Memristors, train: &Train, pulses: usize| {
        let pulse = CellPulse { volts: train.volts, seconds: train.seconds * pulses as f64 };
        addresses.iter().for_each(|&at| cells.pulse(at, pulse, op));
        op += 1;
    };
    match programmed {
        Some(weight) => cells.program(&[weight; SIDE * SIDE], 0),
        None => (0..4 * down.pulses.div_ceil(down.each)).for_each(|_| give(cells, &down, down.each)),
    }
    let conductances =
        |cells: &dyn Memristors| -> Vec<f64> { addresses.iter().map(|&at| cells.conductance(at)).collect() };
    let mut pulses = Vec::new();
    let cycles = [0, 1].map(|cycle| {
        let mut points = vec![conductances(cells)];
        let mut number = 0;
        let mut numbers = vec![0.0];
        for train in [&up, &down] {
            let mut left = train.pulses;
            while left > 0 {
                let now = left.min(train.each);
                give(cells, train, now);
                left -= now;
                number += now;
                numbers.push(number as f64);
                points.push(conductances(cells));
            }
        }
        if cycle == 0 {
            pulses = numbers;
        }
        points
    });
    Recorded { pulses, cycles }
}

/// An array of [`SIDE`] by [`SIDE`] devices whose write slots are of no account: the least full scale that it can be driven with.
fn array(model: &DeviceModel) -> Result<Option<Box<dyn Memristors>>, PlotError> {
    let driven = |quarter: i32| {
        let update_step = 1e-9 * 10f32.powf(0.25 * quarter as f32);
        let geometry = Geometry { rows: SIDE, cols: SIDE, max_code: 1, max_width: 1, pulse_lsb: 1.0, update_step };
        model.memristors(geometry, Noise::new(1, 0))
    };
    let mut found = driven(0);
    for quarter in 1..=120 {
        if found.is_ok() {
            break;
        }
        found = driven(quarter);
    }
    Ok(found?)
}

/// Value below which `share` of the values lie.
pub(super) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

pub(super) fn chart(name: &str, model: &DeviceModel) -> Result<Chart, PlotError> {
    let trains = trains(model)?;
    let Some(mut cells) = array(model)? else {
        return Err(PlotError::Empty { chart: name.to_owned(), panel: String::new(), what: "a memristor" });
    };
    let programmed = match model {
        // At a bound some windows would hold it for ever.
        DeviceModel::Compact(cells) => Some(cells.weight_at(COMPACT_START) as f32),
        _ => None,
    };
    let recorded = record(&mut *cells, trains, programmed);
    let largest = recorded.cycles.iter().flatten().flatten().fold(0.0f64, |most, g| most.max(*g));
    let (siemens, scale) = prefixed(largest, "S");
    let along = |value: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> {
        recorded.pulses.iter().enumerate().map(|(i, &x)| (x, scale * value(i))).collect()
    };
    let [first, second] = &recorded.cycles;
    let spread = |i: usize, share: f64| percentile(&second[i], share);
    let band = recorded.pulses.iter().enumerate().map(|(i, &x)| (x, scale * spread(i, 0.1), scale * spread(i, 0.9)));
    // The device in the middle of the crowd, so that it is typical.
    let end = recorded.pulses.len() / 2;
    let middle = percentile(&second[end], 0.5);
    let typical = second[end].iter().position(|g| *g == middle).unwrap_or(0);
    let line = |points, color, width| Mark::Line { points, color, width, dashed: false };
    let marks = vec![
        Mark::Band { points: band.collect(), color: BLUE },
        line(along(&|i| first[i][typical]), GREEN, 1.2),
        line(along(&|i| second[i][typical]), ORANGE, 1.2),
        line(along(&|i| spread(i, 0.5)), BLUE, 2.2),
    ];
    let [up, down] = &trains;
    Ok(Chart {
        title: format!("{name}: conductance under pulses up and down"),
        panels: vec![Panel {
            title: name.to_owned(),
            x: Axis::linear(format!(
                "pulses: {} up ({}), then {} down ({})",
                up.pulses,
                up.words(),
                down.pulses,
                down.words()
            )),
            y: Axis::linear(format!("conductance ({siemens})")),
            marks,
            legend: vec![
                (BLUE, format!("median of {} devices, 10 to 90 % shaded", SIDE * SIDE)),
                (GREEN, "one device, first cycle".to_owned()),
                (ORANGE, "second cycle".to_owned()),
            ],
        }],
        width: WIDTH,
        height: HEIGHT,
    })
}
