//! Tabulated pulses: the flow map of a compact model for every row code, fast enough to train through.
//!
//! States are positions in `f32`: 0 is the bound of low conductance, 1 that of high conductance. A track holds, cell by cell,
//! the time that the state needs on its way in one direction. Within a cell that time is a parabola through three exact points (a
//! logarithm where the rate changes fast), and its inverse is exact, too: many short pulses add up to one long pulse, without the
//! drift of two tables that are inverse to each other only nearly. Increments below half an ulp of the position (3e-8 near 1) vanish, as in any `f32` sum.

use super::{CompactError, CompactModel, Drive, RateProfile, solve};

/// Times beyond this many cell times count as never.
const NEVER: f64 = 1e30;
const MOST_CELLS: usize = 1 << 16;

/// The flow map of one model under one [`Drive`].
#[derive(Debug, Clone)]
pub struct Flow {
    /// For code 1, 2, ..
    up: Vec<Pace>,
    down: Vec<Pace>,
    tracks: Vec<Track>,
}

/// One code and direction: positions per second for a constant rate, else a track and its clock.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    Constant { rate: f32 },
    Track { index: u32, clock: f32 },
}

/// The way from one end (0) to the other (1).
#[derive(Debug, Clone)]
struct Track {
    cells: Vec<Cell>,
    /// Time from the first cell to the beginning of each, and to the end.
    starts: Vec<f64>,
}

/// Motion within a cell, u from 0 to 1, times in units of the track's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// The time from 0 to u is `a u + b u^2`.
    Parabola { a: f32, b: f32 },
    /// The rate is proportional to `1 + ratio u`, where it changes so fast that a parabola would not do; `growth` is its
    /// logarithmic growth per unit of time.
    Linear { ratio: f32, growth: f32 },
    /// The rate vanishes linearly towards u = 1: `1 - u` decays at `rate`.
    Approach { rate: f32 },
    /// The rate vanishes linearly towards u = 0: u grows at `rate`.
    Depart { rate: f32 },
    /// A constant pace (`per_u` time for the whole cell) between `from` and `to`, rest outside.
    Partial { per_u: f32, from: f32, to: f32 },
}

/// Largest difference between the flow map and [`CompactModel::pulse`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowError {
    /// As a fraction of the state's range.
    pub position: f64,
    /// Where: position before the pulse, volts, seconds.
    pub at: (f64, f64, f64),
}

impl Flow {
    /// Tabulates `model` for the codes of `drive`, with `cells` cells per track.
    ///
    /// Errors: fewer than 8 or more than 65,536 cells, rates that are not finite.
    pub fn new(model: &dyn CompactModel, drive: &Drive, cells: usize) -> Result<Flow, CompactError> {
        if !(8..=MOST_CELLS).contains(&cells) {
            return Err(CompactError::Cells { cells, low: 8, high: MOST_CELLS });
        }
        let mut tracks = Vec::new();
        let (up_factor, down_factor) = drive.width_factors();
        let up = paces(model, drive.up(), true, up_factor, cells, &mut tracks)?;
        let down = paces(model, drive.down(), false, down_factor, cells, &mut tracks)?;
        Ok(Flow { up, down, tracks })
    }

    /// The largest code.
    pub fn levels(&self) -> usize {
        self.up.len()
    }

    /// One write to one row: `states` are its positions, driven with `code` for `widths` times `seconds`.
    ///
    /// Where code and width have the same sign the conductance rises, else it falls. Codes beyond [`Self::levels`] drive like
    /// the largest. `states` and `widths` have the same length; what is longer is left alone.
    pub fn advance(&self, code: i32, seconds: f32, states: &mut [f32], widths: &[f32]) {
        if code == 0 {
            return;
        }
        let level = (code.unsigned_abs() as usize).min(self.levels()) - 1;
        let unit = if code > 0 { seconds } else { -seconds };
        match (self.up[level], self.down[level]) {
            (Pace::Constant { rate: up }, Pace::Constant { rate: down }) => {
                let (up, down) = (unit * up, unit * down);
                for (x, &width) in states.iter_mut().zip(widths) {
                    let (rise, fall) = (width * up, width * down);
                    *x = (*x + rise.max(0.0) + fall.min(0.0)).clamp(0.0, 1.0);
                }
            }
            (up, down) => {
                for (x, &width) in states.iter_mut().zip(widths) {
                    let time = width * unit;
                    if time > 0.0 {
                        *x = (*x + self.travel(up, *x, time)).min(1.0);
                    } else if time < 0.0 {
                        *x = (*x - self.travel(down, 1.0 - *x, -time)).max(0.0);
                    }
                }
            }
        }
    }

    /// Distance from position `from` (along the way) in `seconds`.
    fn travel(&self, pace: Pace, from: f32, seconds: f32) -> f32 {
        match pace {
            Pace::Constant { rate } => rate * seconds,
            Pace::Track { index, clock } => self.tracks[index as usize].travel(from, seconds * clock),
        }
    }

    /// Compares the map with the model: `positions` starting positions by eight codes, both directions and six durations from
    /// 1e-5 of `longest` to `longest` seconds.
    pub fn error(
        &self,
        model: &dyn CompactModel,
        drive: &Drive,
        positions: usize,
        longest: f64,
    ) -> Result<FlowError, CompactError> {
        let mut worst = FlowError { position: 0.0, at: (0.0, 0.0, 0.0) };
        let levels = self.levels();
        let (up_factor, down_factor) = drive.width_factors();
        for eighth in 1..=8 {
            let code = (levels * eighth).div_ceil(8);
            for (sign, volts, factor) in
                [(1.0f32, drive.up()[code - 1], up_factor), (-1.0, drive.down()[code - 1], down_factor)]
            {
                for decade in 0..6 {
                    let seconds = (longest * [1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5][decade]) as f32;
                    for i in 0..positions {
                        let mut cell = [(i as f32 + 0.5) / positions as f32];
                        let from = f64::from(cell[0]);
                        self.advance(code as i32, seconds, &mut cell, &[sign]);
                        let exact = model.pulse(model.state_at(from), volts, f64::from(seconds) * factor)?;
                        let position = (f64::from(cell[0]) - model.position_of(exact)).abs();
                        if position > worst.position {
                            worst = FlowError { position, at: (from, volts, f64::from(seconds)) };
                        }
                    }
                }
            }
        }
        Ok(worst)
    }
}

/// Paces of all codes in one direction; adds the tracks that they need.
fn paces(
    model: &dyn CompactModel,
    volts: &[f64],
    up: bool,
    width_factor: f64,
    cells: usize,
    tracks: &mut Vec<Track>,
) -> Result<Vec<Pace>, CompactError> {
    let (low, high) = model.bounds();
    let range = high - low;
    let middle = model.state_at(0.5);
    let speed = |v: f64| -> Result<f64, CompactError> {
        let rate = model.rate(middle, v).abs() / range;
        if rate.is_finite() { Ok(rate) } else { Err(CompactError::NotFinite { what: "rate of a level", value: rate }) }
    };
    let mut paces = Vec::with_capacity(volts.len());
    match model.rate_profile() {
        RateProfile::Constant => {
            for &v in volts {
                paces.push(Pace::Constant { rate: (speed(v)? * width_factor) as f32 });
            }
        }
        RateProfile::Separable => {
            // One shape for all codes: the last one's, or rest if no code moves the state.
            let reference = volts[volts.len() - 1];
            let full = speed(reference)?;
            let track = Track::new(model, reference, up, cells);
            let index = tracks.len() as u32;
            for &v in volts {
                paces.push(match (&track, full > 0.0) {
                    (Some((_, unit)), true) => {
                        Pace::Track { index, clock: (width_factor * speed(v)? / full / unit) as f32 }
                    }
                    _ => Pace::Constant { rate: 0.0 },
                });
            }
            tracks.extend(track.map(|(track, _)| track));
        }
        RateProfile::General => {
            for &v in volts {
                paces.push(match Track::new(model, v, up, cells) {
                    Some((track, unit)) => {
                        tracks.push(track);
                        Pace::Track { index: tracks.len() as u32 - 1, clock: (width_factor / unit) as f32 }
                    }
                    None => Pace::Constant { rate: 0.0 },
                });
            }
        }
    }
    Ok(paces)
}

impl Track {
    /// The way up or down at `volts`, and its unit of time in seconds. `None` if the state rests everywhere.
    fn new(model: &dyn CompactModel, volts: f64, up: bool, cells: usize) -> Option<(Track, f64)> {
        let state = |way: f64| model.state_at(if up { way } else { 1.0 - way });
        let rate = |s: f64| model.rate(s, volts);
        let time = |a: f64, b: f64| solve::crossing_time(&rate, state(a), state(b));
        let width = 1.0 / cells as f64;
        let edge = |k: usize| k as f64 * width;
        let half = |k: usize| (k as f64 + 0.5) * width;
        // Where the field is too weak whole stretches rest; asking for the time there would only find that out slowly.
        let rests = |k: usize| [0.0, 0.25, 0.5, 0.75, 1.0].iter().all(|u| rate(state(edge(k) + u * width)) == 0.0);
        let halves: Vec<(f64, f64)> = (0..cells)
            .map(|k| {
                if rests(k) {
                    return (f64::INFINITY, f64::INFINITY);
                }
                (time(edge(k), half(k)), time(half(k), if k + 1 == cells { 1.0 } else { edge(k + 1) }))
            })
            .collect();
        // The fastest cell is the unit: single precision then has room on the slow side, where precision is of no account.
        let unit = halves.iter().map(|(a, b)| a + b).fold(f64::INFINITY, f64::min);
        if !unit.is_finite() || unit >= NEVER {
            return None;
        }
        let mut track = Track { cells: Vec::with_capacity(cells), starts: vec![0.0] };
        let mut total = 0.0;
        for (k, &(first, second)) in halves.iter().enumerate() {
            let (first, second) = (first / unit, second / unit);
            let way = |u: f64| edge(k) + u * width;
            let speed = |u: f64| rate(state(way(u))).abs();
            track.cells.push(if first + second < NEVER {
                Cell::crossed(first, second, &speed)
            } else if rests(k) {
                Cell::REST
            } else {
                Cell::broken(first, second, &speed, &|a, b| time(way(a), way(b)) / unit)
            });
            total += if first + second < NEVER { first + second } else { f64::INFINITY };
            track.starts.push(total);
        }
        Some((track, unit))
    }

    /// Distance from `from` in `time`.
    fn travel(&self, from: f32, time: f32) -> f32 {
        let count = self.cells.len();
        let at = from * count as f32;
        let first = (at as usize).min(count - 1);
        let u = at - first as f32;
        let mut remaining = match self.cells[first].advance(u, time) {
            Ok(du) => return du / count as f32,
            Err(remaining) => remaining,
        };
        let mut k = first + 1;
        for _ in 0..4 {
            if k == count {
                return 1.0 - from;
            }
            match self.cells[k].advance(0.0, remaining) {
                Ok(du) => return ((k - first) as f32 - u + du) / count as f32,
                Err(left) => remaining = left,
            }
            k += 1;
        }
        // A long way: find the cell by its time, as far as the times are finite.
        while k < count {
            let base = self.starts[k];
            if base.is_finite() {
                let goal = base + f64::from(remaining);
                let found = self.starts[k..].partition_point(|&start| start <= goal) - 1 + k;
                if found >= count {
                    return 1.0 - from;
                }
                remaining = (goal - self.starts[found]) as f32;
                k = found;
            }
            match self.cells[k].advance(0.0, remaining) {
                Ok(du) => return ((k - first) as f32 - u + du) / count as f32,
                Err(left) => remaining = left,
            }
            k += 1;
        }
        1.0 - from
    }
}

impl Cell {
    const REST: Cell = Cell::Partial { per_u: 1.0, from: 1.0, to: 0.0 };

    /// A cell that takes `first` and `second` for its halves.
    fn crossed(first: f64, second: f64, speed: &dyn Fn(f64) -> f64) -> Cell {
        let whole = first + second;
        let quotient = speed(1.0) / speed(0.0);
        // A rate that is 0 at an end of a cell that is crossed jumps there: the times tell more.
        if quotient > 0.0 && quotient.is_finite() && !(0.8..=1.25).contains(&quotient) {
            return Cell::Linear { ratio: (quotient - 1.0) as f32, growth: (libm::log(quotient) / whole) as f32 };
        }
        // Outside these limits the parabola would turn back within the cell.
        let a = (4.0 * first - whole).clamp(0.0, 2.0 * whole);
        Cell::Parabola { a: a as f32, b: (whole - a) as f32 }
    }

    /// A cell that the state does not cross from end to end.
    fn broken(first: f64, second: f64, speed: &dyn Fn(f64) -> f64, time: &dyn Fn(f64, f64) -> f64) -> Cell {
        const NEAR: f64 = 1e-6;
        let vanishes = |close: f64, far: f64| (0.1 * NEAR..10.0 * NEAR).contains(&(close / far));
        if first < NEVER && vanishes(speed(1.0 - NEAR), speed(0.0)) {
            return Cell::Approach { rate: (std::f64::consts::LN_2 / first) as f32 };
        }
        if second < NEVER && vanishes(speed(NEAR), speed(1.0)) {
            return Cell::Depart { rate: (std::f64::consts::LN_2 / second) as f32 };
        }
        // Somewhere the state comes to rest, or wakes up: the reachable stretch, by bisection.
        let stretch = |from_left: bool| {
            let (mut good, mut bad) = (0.0, 1.0);
            for _ in 0..24 {
                let middle = 0.5 * (good + bad);
                let reached = if from_left { time(0.0, middle) } else { time(1.0 - middle, 1.0) };
                if reached < NEVER { good = middle } else { bad = middle }
            }
            good
        };
        let (left, right) = (stretch(true), stretch(false));
        if left == 0.0 && right == 0.0 {
            Cell::REST
        } else if left >= right {
            Cell::Partial { per_u: (time(0.0, left) / left) as f32, from: 0.0, to: left as f32 }
        } else {
            Cell::Partial { per_u: (time(1.0 - right, 1.0) / right) as f32, from: 1.0 - right as f32, to: 1.0 }
        }
    }

    /// From `u`: the distance after `time`, or the time that is left at the end of the cell.
    fn advance(&self, u: f32, time: f32) -> Result<f32, f32> {
        match *self {
            Cell::Parabola { a, b } => {
                let needed = (1.0 - u) * (a + b * (1.0 + u));
                if time >= needed {
                    return Err(time - needed);
                }
                // The root of b d^2 + (a + 2 b u) d = time in the form that does not cancel.
                let slope = a + 2.0 * b * u;
                let root = (slope * slope + 4.0 * b * time).max(0.0).sqrt();
                Ok((2.0 * time / (slope + root)).min(1.0 - u))
            }
            Cell::Linear { ratio, growth } => {
                let now = 1.0 + ratio * u;
                let needed = libm::logf((1.0 + ratio) / now) / growth;
                if time >= needed {
                    return Err(time - needed);
                }
                Ok((now / ratio * libm::expm1f(growth * time)).min(1.0 - u))
            }
            Cell::Approach { rate } => Ok(-(1.0 - u) * libm::expm1f(-rate * time)),
            Cell::Depart { rate } => {
                let needed = -libm::logf(u) / rate;
                if time >= needed { Err(time - needed) } else { Ok(u * libm::expm1f(rate * time)) }
            }
            Cell::Partial { per_u, from, to } => {
                if u < from || u >= to {
                    return Ok(0.0);
                }
                let needed = (to - u) * per_u;
                match (time >= needed, to < 1.0) {
                    (false, _) => Ok(time / per_u),
                    (true, true) => Ok(to - u),
                    (true, false) => Err(time - needed),
                }
            }
        }
    }
}
