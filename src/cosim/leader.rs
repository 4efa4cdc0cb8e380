//! The golden model that runs ahead and leaves a checkpoint before each segment.

use super::error::CosimError;
use super::schedule::{Place, Schedule};
use crate::cycles::CycleModel;
use crate::data::Dataset;
use crate::golden::{DeviceFault, Machine, Mode, Moment, SampleTrace, encode};

/// Golden model and cycle model before a sample.
pub(super) struct Checkpoint {
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
    /// The moment `lead` samples before its first.
    pub checkpoint: Option<Checkpoint>,
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
        })
    }

    /// The next segment, as long as it is `wanted`.
    pub fn next(&mut self, wanted: &dyn Fn(usize) -> bool) -> Option<Task> {
        let (index, first) = self.next.take()?;
        let checkpoint = match first {
            None => None,
            Some(first) => {
                let at = Place { position: first.position - self.schedule.lead, ..first };
                // A device that fails here fails in an earlier segment, too, which reports it.
                if !self.advance(at, &|| wanted(index)).ok()? {
                    return None;
                }
                Some(Checkpoint { golden: self.golden.moment(), cycles: self.cycles.clone() })
            }
        };
        if !wanted(index) {
            return None;
        }
        let end = self.schedule.border_after(first.unwrap_or(Place::START));
        self.next = end.map(|end| (index + 1, Some(end)));
        Some(Task { index, first, end, checkpoint })
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
