//! One training sample cycle by cycle: what every unit does in it, for a picture.

use std::sync::atomic::{AtomicBool, Ordering};

use verilated::{Output, Profile};

use super::bench::{Bench, Step};
use super::error::CosimError;
use super::run::{Options, build, expected_cycles, load};
use super::schedule::{Place, Schedule};
use super::session::{Pass, Session};
use crate::cycles::SampleCycles;
use crate::golden::Mode;
use crate::golden::momentum::Kind;
use crate::phases::Phase;
use crate::rtl::Rtl;
use crate::spec::Design;

/// Signals of the top module that only a timeline looks at.
pub(super) const TAPS: [&str; 3] = ["x_valid", "act_valid", "unit_idle"];
/// Sample that is recorded unless another is asked for: the pace is long settled, and the errors are still those of a network that
/// learns.
const USUAL: usize = 1000;

/// What the array, or one of the arrays, of a layer does in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Forward,
    Transposed,
    /// Number of the operation among those of the update, see [`Timeline::updates`].
    Update(usize),
    /// An operation on a single cell.
    Cell,
}

/// A layer in a cycle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerCycle {
    pub activity: Option<Activity>,
    /// Codes of a conversion leave an array.
    pub codes: bool,
    /// A beat of its activations, of its y.
    pub activation: bool,
    pub error: bool,
    /// Its momentum unit has something to do.
    pub unit: bool,
}

/// A cycle of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineCycle {
    pub phase: Phase,
    /// A beat of x moves from the sample memory to the first layer.
    pub load: bool,
    pub layers: Vec<LayerCycle>,
}

/// A recorded training sample, from the cycle after the end of the one before it to its own last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Number in the first epoch, from 0.
    pub sample: usize,
    pub cycles: Vec<TimelineCycle>,
    pub measured: SampleCycles,
    /// Kind and age (or row) of the operations of each layer's update, in order.
    pub updates: Vec<Vec<(Kind, usize)>>,
}

/// Whether the first epoch has a training sample of that number.
///
/// # Errors
/// It has not, or data that cannot be read or do not fit.
pub fn find_sample(design: &Design, options: &Options, sample: usize) -> Result<(), CosimError> {
    let samples = load(design, options)?.0.len();
    if sample < samples { Ok(()) } else { Err(CosimError::NoSample { sample, samples }) }
}

/// Trains through the RTL up to sample `sample` of the first epoch (or a usual one) and records that sample. Values and cycles of all
/// samples are checked.
///
/// # Errors
/// As for [`super::run()`], or no such sample.
pub fn record(
    design: &Design,
    rtl: &Rtl,
    options: &Options,
    sample: Option<usize>,
    stop: &AtomicBool,
) -> Result<Timeline, CosimError> {
    let mut options = Options { timeline: true, ..options.clone() };
    let (train, test) = load(design, &options)?;
    let sample = sample.unwrap_or(USUAL.min(train.len().saturating_sub(1)));
    if sample >= train.len() {
        return Err(CosimError::NoSample { sample, samples: train.len() });
    }
    if options.pick_profile {
        options.profile = Profile::for_cycles(expected_cycles(design, &train, &test)?);
    }
    let library = build(design, rtl, &options)?;
    let order = Schedule::new(design, &train, &test, &options).order(Place::START.epoch);
    let mut session = Session::started(design, &library, &options)?;
    let watched = Watched::find(&session.bench, design)?;
    session.cycles.restart();
    let pass = Pass { data: &train, order: &order, mode: Mode::Train };
    let mut running = session.begin(pass, true)?;
    session.advance(&mut running, sample, &mut |_| !stop.load(Ordering::Relaxed))?;
    let mut cycles = Vec::new();
    let measured = session.watch_sample(&mut running, &mut |bench| {
        let mut cycle = watched.cycle(bench);
        let before = watched.codes(bench);
        let step = bench.step()?;
        for (array, (before, now)) in before.into_iter().zip(watched.codes(bench)).enumerate() {
            cycle.layers[bench.arrays[array].layer].codes |= before != now;
        }
        cycles.push(cycle);
        Ok(step)
    })?;
    let layers = &session.bench.scoreboard.trace.layers;
    let updates = layers.iter().map(|t| t.slots.iter().map(|slot| (slot.kind, slot.age)).collect()).collect();
    Ok(Timeline { sample, cycles, measured, updates })
}

/// Handles of what is looked at.
struct Watched {
    load: Output,
    activation: Output,
    error: Output,
    unit_idle: Output,
    layers: usize,
}

impl Watched {
    fn find(bench: &Bench, design: &Design) -> Result<Watched, CosimError> {
        let layers = design.layers.len();
        let tap = |name: &str, width: usize| bench.model.tap(&format!("{}.{name}", design.name), width as u32);
        Ok(Watched {
            load: tap(TAPS[0], 1)?,
            activation: tap(TAPS[1], layers)?,
            unit_idle: tap(TAPS[2], layers)?,
            error: tap("y_valid", layers)?,
            layers,
        })
    }

    /// The cycle that begins; which codes leave the arrays is known at its end only.
    fn cycle(&self, bench: &Bench) -> TimelineCycle {
        let get = |signal| bench.model.get(signal);
        let (activation, error, idle) = (get(self.activation), get(self.error), get(self.unit_idle));
        let bit = |word: u64, layer: usize| word >> layer & 1 == 1;
        let mut layers: Vec<LayerCycle> = (0..self.layers)
            .map(|layer| LayerCycle {
                activation: bit(activation, layer),
                error: bit(error, layer),
                unit: !bit(idle, layer),
                ..LayerCycle::default()
            })
            .collect();
        for (number, array) in bench.arrays.iter().enumerate() {
            let activity = array.operation(&bench.model).map(|kind| match kind {
                0 => Activity::Forward,
                1 => Activity::Transposed,
                3 => Activity::Cell,
                _ => Activity::Update(bench.scoreboard.progress(number).1),
            });
            let layer = &mut layers[array.layer];
            layer.activity = layer.activity.or(activity);
        }
        TimelineCycle { phase: bench.phase(), load: get(self.load) == 1, layers }
    }

    /// Codes that have left each array so far.
    fn codes(&self, bench: &Bench) -> Vec<usize> {
        (0..bench.arrays.len()).map(|array| bench.scoreboard.progress(array).0).collect()
    }
}

/// A step of the bench, with what is to be seen in it.
pub(super) type Look<'a> = dyn FnMut(&mut Bench) -> Result<Step, CosimError> + 'a;
