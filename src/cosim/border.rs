//! The machine between two samples: all of it that decides what follows, so that two runs can be held against each other there.

use std::collections::VecDeque;

use verilated::Snapshot;

use super::array_pins::ArrayPins;
use super::error::CosimError;
use super::session::{Running, Session, Totals};
use crate::cycles::CycleModel;
use crate::golden::Moment;

/// What decides all that follows the end of a sample: registers and memories of the RTL, what the bench is about to drive and still
/// waits for, devices behind the pins, golden model and cycle model.
///
/// The performance counters tell how long the RTL has run, and nothing in it reads them. The host clears them in the sample before a
/// border; they are compared as everything else.
///
/// Two runs with equal borders go on alike, cycle by cycle, when they are given the same samples.
pub(super) struct Border {
    rtl: Vec<u8>,
    input: VecDeque<(u64, bool)>,
    receiving: Vec<i32>,
    expected: VecDeque<(u64, Vec<i32>, usize)>,
    golden: Moment,
    cycles: CycleModel,
    sample: u64,
    /// No array works, and the devices behind the pins are where golden's are.
    at_rest: bool,
}

impl Border {
    /// What keeps a run that began here from being the continuation of the one that ended in `before`; `None`: nothing.
    pub fn differs(&self, before: &Border) -> Option<String> {
        let bytes: Vec<usize> =
            (0..self.rtl.len().max(before.rtl.len())).filter(|&i| self.rtl.get(i) != before.rtl.get(i)).collect();
        let of = self.rtl.len();
        let rtl =
            bytes.first().map(|first| format!("{} of {of} bytes of the RTL's state, from {first} on", bytes.len()));
        let parts = [
            (self.at_rest && before.at_rest, "arrays at work or in other states"),
            (self.sample == before.sample, "another sample"),
            (self.input == before.input, "beats on their way in"),
            (self.receiving == before.receiving, "the vector on its way out"),
            (self.expected == before.expected, "vectors still to come"),
            (self.golden == before.golden, "golden model"),
            (self.cycles == before.cycles, "cycle model"),
        ];
        let parts = parts.into_iter().filter(|(same, _)| !same).map(|(_, what)| what.to_string());
        let all: Vec<String> = rtl.into_iter().chain(parts).collect();
        (!all.is_empty()).then(|| format!("sample {}: {}", self.sample, all.join("; ")))
    }
}

/// A machine fresh from reset, to begin again from.
pub(super) struct Fresh {
    model: Snapshot,
    cycle: u64,
    golden: Moment,
    cycles: CycleModel,
}

impl Session {
    /// The border after the sample that has just ended, the one in which the counters were cleared.
    pub(super) fn border(&mut self, running: &Running<'_>) -> Result<Border, CosimError> {
        let at_rest = self.bench.arrays.iter().all(|array| {
            let golden = self.golden.array(array.layer).tile(array.tile.index);
            !array.active() && array.crossbar.as_ref().is_some_and(|c| c.is_at(golden))
        });
        let bench = &mut self.bench;
        Ok(Border {
            rtl: bench.model.state()?,
            input: bench.input.clone(),
            receiving: bench.receiving.clone(),
            expected: running.expected.clone(),
            golden: self.golden.moment(),
            cycles: self.cycles.clone(),
            sample: self.samples,
            at_rest,
        })
    }

    /// This moment of a session that has run nothing yet.
    pub(super) fn fresh(&mut self) -> Result<Fresh, CosimError> {
        Ok(Fresh {
            model: self.bench.model.snapshot()?,
            cycle: self.bench.cycle,
            golden: self.golden.moment(),
            cycles: self.cycles.clone(),
        })
    }

    /// Begins again.
    pub(super) fn rewind(&mut self, fresh: &Fresh) -> Result<(), CosimError> {
        self.bench.model.restore(&fresh.model)?;
        self.bench.cycle = fresh.cycle;
        self.bench.input.clear();
        self.bench.forget();
        self.bench.checking = false;
        self.totals = Totals::default();
        self.jump(&fresh.golden, &fresh.cycles, 0);
        Ok(())
    }

    /// Sets golden model, devices behind the pins and cycle model to a moment before sample `sample`. The RTL stays where it is.
    pub(super) fn jump(&mut self, golden: &Moment, cycles: &CycleModel, sample: u64) {
        self.golden.restore(golden);
        self.cycles.clone_from(cycles);
        self.samples = sample;
        self.follow_golden();
    }

    /// Brings the devices behind the pins to the states of golden's.
    pub(super) fn follow_golden(&mut self) {
        for ArrayPins { crossbar, layer, tile, .. } in &mut self.bench.arrays {
            if let Some(crossbar) = crossbar {
                crossbar.follow(self.golden.array(*layer).tile(tile.index));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::golden::{Machine, Mode, SampleTrace};
    use crate::spec;

    /// Each part alone makes a difference. That golden's states agree with the pins on either side says nothing about the two sides: one
    /// may have begun from a wrong checkpoint, and what the weights are need not have reached a register of the RTL yet.
    #[test]
    fn no_part_of_a_border_follows_from_the_others() {
        let text = spec::preset("digits").expect("built in");
        let design = spec::parse(text, "digits", Path::new("")).expect("valid");
        let mut golden = Machine::new(&design).expect("usable devices");
        let mut cycles = CycleModel::new(&design);
        let (start, rested) = (golden.moment(), cycles.clone());
        let mut trace = SampleTrace::default();
        let (x, t) = (vec![100; design.inputs], vec![100; design.layers.last().expect("a layer").outputs]);
        golden.run(&x, &t, Mode::Train, &mut trace).expect("finite devices");
        cycles.sample(&trace, Mode::Train);
        let border = || Border {
            rtl: vec![1, 2, 3],
            input: VecDeque::from([(7, false)]),
            receiving: vec![5],
            expected: VecDeque::from([(3, vec![1], 0)]),
            golden: start.clone(),
            cycles: rested.clone(),
            sample: 9,
            at_rest: true,
        };
        assert_eq!(border().differs(&border()), None);
        let others = [
            (Border { rtl: vec![1, 2, 4], ..border() }, "1 of 3 bytes of the RTL's state, from 2 on"),
            (Border { at_rest: false, ..border() }, "arrays at work"),
            (Border { sample: 8, ..border() }, "another sample"),
            (Border { input: VecDeque::new(), ..border() }, "beats"),
            (Border { receiving: vec![6], ..border() }, "the vector on its way out"),
            (Border { expected: VecDeque::new(), ..border() }, "vectors still to come"),
            (Border { golden: golden.moment(), ..border() }, "golden model"),
            (Border { cycles: cycles.clone(), ..border() }, "cycle model"),
        ];
        for (other, part) in others {
            for (one, two) in [(&other, &border()), (&border(), &other)] {
                let difference = one.differs(two).expect(part);
                assert!(difference.contains(part) && !difference.contains(';'), "{part}: {difference}");
            }
        }
    }
}
