//! The samples of a run in their order, and where it may be cut.

use super::run::Options;
use crate::data::{self, Dataset};
use crate::spec::Design;

/// Position in a training pass: this many of its samples are finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub epoch: usize,
    pub position: usize,
}

impl Place {
    /// Before the first sample.
    pub const START: Place = Place { epoch: 0, position: 0 };
}

/// How often a lead may be about doubled: 64 times as long costs less than a run in sequence.
const DOUBLINGS: u32 = 6;

/// Each epoch trains with all samples in an order of its own, then tests.
pub(super) struct Schedule<'a> {
    pub design: &'a Design,
    pub train: &'a Dataset,
    pub test: &'a Dataset,
    pub epochs: usize,
    /// Least number of samples by which a segment's RTL begins early.
    lead: usize,
    /// How often the lead may be about doubled.
    doublings: u32,
    /// Least number of training samples from one border to the next.
    length: usize,
}

impl<'a> Schedule<'a> {
    /// The schedule of `design`, to be cut for the options' number of threads.
    pub fn new(design: &'a Design, train: &'a Dataset, test: &'a Dataset, options: &Options) -> Schedule<'a> {
        let epochs = design.training.epochs;
        let (length, lead) = options.cuts;
        // As many samples as a ring has pairs fill it; two more, and the pace of the input is that of a long run.
        let doublings = if lead.is_some() { 0 } else { DOUBLINGS };
        let lead = lead.unwrap_or(design.training.pairs() + 2);
        // Long segments waste little on leads, short ones leave no thread waiting for the last segment: the geometric mean.
        let share = epochs * train.len() / options.jobs.max(1);
        let length = length.unwrap_or((lead * share).isqrt().max(4 * lead));
        Schedule { design, train, test, epochs, lead, doublings, length: length.max(lead).max(1) }
    }

    /// Samples of the whole run, tests included.
    pub fn samples(&self) -> u64 {
        (self.epochs * (self.train.len() + self.test.len())) as u64
    }

    /// Samples of the run before a place.
    pub fn number(&self, place: Place) -> u64 {
        (place.epoch * (self.train.len() + self.test.len()) + place.position) as u64
    }

    /// Training samples of the run before a place.
    pub fn trained(&self, place: Place) -> u64 {
        (place.epoch * self.train.len() + place.position) as u64
    }

    /// Samples after which ring of pairs and batch stand alike.
    fn turn(&self) -> usize {
        self.design.training.pairs().max(self.design.training.batch)
    }

    /// By how many samples the segment from `first` on may begin early, the longest lead first: they differ by whole turns.
    pub fn leads(&self, first: Place) -> impl Iterator<Item = usize> + use<> {
        let (lead, turn) = (self.lead, self.turn());
        let leads = (0..=self.doublings).rev().map(move |n| lead + turn * ((1 << n) - 1));
        // The lead's first sample is not the first of a pass.
        leads.filter(move |lead| *lead < first.position)
    }

    /// The training samples of an epoch in their order.
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        data::epoch_order(self.design.training.seed, epoch as u64, self.train.len())
    }

    /// Where the segment that begins at `place` ends; `None`: with the run.
    ///
    /// A ring of pairs turns by one place a sample: it stands alike after a whole run and after a lead when their training samples differ
    /// by whole turns. So does the place in a batch, of which a turn is a multiple.
    pub fn border_after(&self, place: Place) -> Option<Place> {
        if self.design.sums_the_past() {
            // What its memories hold is the sum of the whole past: no lead comes to it.
            return None;
        }
        let (samples, turn) = (self.train.len(), self.turn());
        let mut least = place.position + self.length;
        for epoch in place.epoch..self.epochs {
            // The lead's first sample is not the first of a pass.
            let from = least.max(self.lead + 1);
            let trained = epoch * samples + from;
            let rest = (trained - self.lead) % turn;
            let position = from + if rest == 0 { 0 } else { turn - rest };
            if position < samples {
                return Some(Place { epoch, position });
            }
            least = least.saturating_sub(samples);
        }
        None
    }
}
