//! The golden model that runs ahead and leaves a checkpoint before each segment.

use super::error::CosimError;
use super::schedule::{Place, Schedule};
use crate::cycles::CycleModel;
use crate::data::Dataset;
use crate::golden::{DeviceFault, Machine, Mode, Moment, SampleTrace, encode};

/// Golden model and cycle model before the sample in which a segment's RTL begins.
pub(super) struct Checkpoint {
    /// Samples from there to the segment's first.
    pub lead: usize,
    pub golden: Moment,
    pub cycles: CycleModel,
}

/// A segment to run.
pub(super) struct Task {
    /// From 0.
    pub index: usize,
    /// Its first sample; `None`: that of the run.
    pub first: Option<Place>,
    /// The first sample that is not its own; `None`: it goes to the end of the run.
    pub end: Option<Place>,
    /// A moment before its first sample.
    pub checkpoint: Option<Checkpoint>,
}

/// Training samples of which the registers behind a layer's rings of pairs hold codes: 0 where they were never read.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    x: u64,
    y: u64,
}

/// Hands out the segments in order. Whoever asks for one brings the golden model forward to it: so there are never more checkpoints
/// than segments at work.
pub(super) struct Leader<'a> {
    schedule: &'a Schedule<'a>,
    golden: Machine,
    cycles: CycleModel,
    trace: SampleTrace,
    /// The sample that comes next.
    at: Place,
    order: Vec<usize>,
    next: Option<(usize, Option<Place>)>,
    held: Vec<Held>,
}

impl<'a> Leader<'a> {
    pub fn new(schedule: &'a Schedule<'a>) -> Result<Self, CosimError> {
        Ok(Leader {
            schedule,
            golden: Machine::new(schedule.design)?,
            cycles: CycleModel::new(schedule.design),
            trace: SampleTrace::default(),
            at: Place::START,
            order: Vec::new(),
            next: Some((0, None)),
            held: vec![Held::default(); schedule.design.layers.len()],
        })
    }

    /// The next segment, as long as it is `wanted`.
    pub fn next(&mut self, wanted: &dyn Fn(usize) -> bool) -> Option<Task> {
        let (index, first) = self.next.take()?;
        let checkpoint = match first {
            None => None,
            Some(first) => Some(self.checkpoint(first, &|| wanted(index))?),
        };
        if !wanted(index) {
            return None;
        }
        let end = self.schedule.border_after(first.unwrap_or(Place::START));
        self.next = end.map(|end| (index + 1, Some(end)));
        Some(Task { index, first, end, checkpoint })
    }

    /// Where the RTL of the segment from `first` on begins: by the shortest lead in which all pairs on their way to the lines are
    /// new ones. Samples without a pulse leave those of older ones there. Where no lead does, the longest has the best chance. `None`: not `wanted` any more.
    fn checkpoint(&mut self, first: Place, wanted: &dyn Fn() -> bool) -> Option<Checkpoint> {
        let mut checkpoints = Vec::new();
        for lead in self.schedule.leads(first) {
            let at = Place { position: first.position - lead, ..first };
            if at < self.at {
                continue;
            }
            // A device that fails here fails in an earlier segment, too, which reports it.
            if !self.advance(at, wanted).ok()? {
                return None;
            }
            checkpoints.push(Checkpoint { lead, golden: self.golden.moment(), cycles: self.cycles.clone() });
        }
        if !self.advance(first, wanted).ok()? {
            return None;
        }
        let rings = self.schedule.design.training.pairs() > 1;
        let oldest = self.held.iter().map(|held| if rings { held.y.min(held.x) } else { held.y }).min().unwrap_or(0);
        let begin = |checkpoint: &Checkpoint| self.schedule.trained(first) - checkpoint.lead as u64;
        let renewed = checkpoints.iter().rposition(|checkpoint| begin(checkpoint) <= oldest).unwrap_or(0);
        checkpoints.into_iter().nth(renewed)
    }

    /// Trains and tests up to a place; false: not `wanted` any more.
    fn advance(&mut self, to: Place, wanted: &dyn Fn() -> bool) -> Result<bool, DeviceFault> {
        let Schedule { train, test, .. } = *self.schedule;
        while self.at < to {
            if !wanted() {
                return Ok(false);
            }
            if self.at.position == 0 {
                self.order = self.schedule.order(self.at.epoch);
                self.cycles.restart();
                self.golden.begin_epoch(self.schedule.design, self.at.epoch);
            }
            self.sample(train, self.order[self.at.position], Mode::Train)?;
            self.cycles.sample(&self.trace, Mode::Train);
            let sample = self.schedule.trained(self.at);
            for (held, layer) in self.held.iter_mut().zip(&self.trace.layers) {
                if let Some(slot) = layer.slots.last() {
                    held.y = sample.saturating_sub(slot.age as u64);
                    // Of the sample's own pair alone the drivers have x from the read.
                    held.x = if layer.slots.iter().any(|slot| slot.age > 0) { held.y } else { held.x };
                }
            }
            self.at.position += 1;
            if self.at.position == train.len() {
                // Tests leave the weights alone, but they count as operations of the arrays.
                for index in 0..test.len() {
                    self.sample(test, index, Mode::Infer)?;
                }
                self.at = Place { epoch: self.at.epoch + 1, position: 0 };
            }
        }
        Ok(true)
    }

    fn sample(&mut self, data: &Dataset, index: usize, mode: Mode) -> Result<(), DeviceFault> {
        let design = self.schedule.design;
        let x = encode::input_codes(design, data.sample(index));
        let t = encode::target_codes(design, usize::from(data.labels[index]));
        self.golden.run(&x, &t, mode, &mut self.trace)
    }
}
