//! One co-simulation on several threads, parallel in time.
//!
//! The run is cut into segments at borders between two training samples. The golden model is an order of magnitude faster than the RTL:
//! it runs ahead and knows every state at every border. A segment's RTL begins a few samples early, from reset, with golden's devices
//! behind its pins: after as many samples as a ring of pairs holds, its memory is that of a machine that has run from the start.
//! That is not taken on trust: all registers and memories at the beginning of a segment must be those at the end of the segment before
//! it, bit for bit ([`Border`]). Then, one by one from the first, the segments are the pieces of one sequential run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::border::{Border, Fresh};
use super::error::CosimError;
use super::leader::{Leader, Task};
use super::run::{Job, Parts, Progress};
use super::schedule::{Place, Schedule};
use super::session::{Pass, Session, Totals};
use crate::golden::Mode;

/// What all threads share.
struct Shared<'a> {
    schedule: &'a Schedule<'a>,
    stop: &'a AtomicBool,
    /// First segment that is known to fail: later ones need not go on.
    failed: AtomicUsize,
    done: AtomicU64,
    /// Where the latest sample was: epoch, and whether in training.
    epoch: AtomicUsize,
    training: AtomicBool,
}

impl Shared<'_> {
    fn wanted(&self, segment: usize) -> bool {
        !self.stop.load(Ordering::Relaxed) && segment <= self.failed.load(Ordering::Relaxed)
    }

    fn fail(&self, segment: usize) {
        self.failed.fetch_min(segment, Ordering::Relaxed);
    }

    fn progress(&self, done: u64) -> Progress {
        Progress {
            epoch: self.epoch.load(Ordering::Relaxed) + 1,
            done,
            total: self.schedule.samples(),
            training: self.training.load(Ordering::Relaxed),
        }
    }
}

/// What a segment came to.
struct Outcome {
    index: usize,
    /// Border at which it began to check, with the cycle there; none for the first segment, and when it did not get so far.
    start: Option<(Border, u64)>,
    /// Border at its end; none for the last.
    end: Option<Border>,
    /// Cycle at its end.
    cycle: u64,
    totals: Totals,
    rights: Vec<(usize, usize)>,
    /// Final device states, of the last segment.
    states: Option<Vec<Vec<i32>>>,
    result: Result<(), CosimError>,
}

/// The segments from the first on, put together.
#[derive(Default)]
struct Chain {
    parts: Parts,
    /// Segments put together.
    joined: usize,
    last: Option<Border>,
    waiting: BTreeMap<usize, Outcome>,
}

/// Why a chain ends before its last segment.
enum Broken {
    /// The machine at the beginning of this segment was not that at the end of the one before it: in what.
    Border(String),
    Error(CosimError),
}

impl Chain {
    /// Takes an outcome; joins what can be joined.
    fn add(&mut self, outcome: Outcome) -> Result<(), Broken> {
        self.waiting.insert(outcome.index, outcome);
        while let Some(outcome) = self.waiting.remove(&self.joined) {
            self.join(outcome)?;
        }
        Ok(())
    }

    fn join(&mut self, outcome: Outcome) -> Result<(), Broken> {
        // Cycles of the one long run that came before the segment's own.
        let mut before = 0;
        if let Some(last) = self.last.take() {
            let difference = match &outcome.start {
                Some((start, cycle)) => {
                    before = self.parts.cycle.wrapping_sub(*cycle);
                    start.differs(&last)
                }
                None => {
                    Some(outcome.result.as_ref().map_or_else(ToString::to_string, |()| "nothing to compare".into()))
                }
            };
            if let Some(difference) = difference {
                return Err(Broken::Border(difference));
            }
        }
        outcome.result.map_err(|error| Broken::Error(error.later(before)))?;
        self.joined += 1;
        self.last = outcome.end;
        let parts = &mut self.parts;
        parts.cycle = outcome.cycle.wrapping_add(before);
        parts.totals.add(&outcome.totals);
        parts.rights.extend(outcome.rights);
        parts.segments = self.joined;
        if let Some(states) = outcome.states {
            parts.states = states;
        }
        Ok(())
    }
}

/// How a run in segments ended.
pub(super) enum Ran {
    Proven(Box<Parts>),
    /// A border did not hold, for this reason, so that nothing is proven: the run has to be done in sequence.
    Refuted(String),
}

/// Runs the whole schedule on the options' number of threads.
///
/// # Errors
/// The first error in the order of the samples, as a sequential run would report it.
pub(super) fn run(job: Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Ran, CosimError> {
    let Job { schedule, library, options, stop } = job;
    let mut sessions = Vec::new();
    for _ in 0..options.jobs {
        sessions.push(Session::started(schedule.design, library, options)?);
    }
    let shared = Shared {
        schedule,
        stop,
        failed: AtomicUsize::new(usize::MAX),
        done: AtomicU64::new(0),
        epoch: AtomicUsize::new(0),
        training: AtomicBool::new(true),
    };
    let leader = Mutex::new(Leader::new(schedule)?);
    let mut chain = Chain::default();
    let mut broken = None;
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for session in sessions {
            let (sender, shared, leader) = (sender.clone(), &shared, &leader);
            scope.spawn(move || work(session, leader, shared, &sender));
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(Duration::from_millis(50)) {
                Ok(outcome) if broken.is_none() => {
                    if let Err(reason) = chain.add(outcome) {
                        shared.fail(chain.joined);
                        broken = Some(reason);
                    }
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => progress(shared.progress(shared.done.load(Ordering::Relaxed))),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    let samples = shared.done.load(Ordering::Relaxed);
    let stopped = stop.load(Ordering::Relaxed);
    progress(shared.progress(samples));
    match broken {
        _ if stopped => Err(CosimError::Interrupted { samples }),
        Some(Broken::Border(difference)) => Ok(Ran::Refuted(difference)),
        Some(Broken::Error(error)) => Err(error),
        None => Ok(Ran::Proven(Box::new(chain.parts))),
    }
}

/// Takes segments and runs them until there are no more.
fn work(mut session: Session, leader: &Mutex<Leader<'_>>, shared: &Shared<'_>, sender: &mpsc::Sender<Outcome>) {
    let mut fresh = None;
    loop {
        let task = {
            let mut leader = leader.lock().unwrap_or_else(PoisonError::into_inner);
            leader.next(&|segment| shared.wanted(segment))
        };
        let Some(task) = task else { return };
        let mut outcome = Outcome {
            index: task.index,
            start: None,
            end: None,
            cycle: 0,
            totals: Totals::default(),
            rights: Vec::new(),
            states: None,
            result: Ok(()),
        };
        outcome.result = run_segment(&mut session, &mut fresh, &task, shared, &mut outcome);
        outcome.totals = session.totals;
        outcome.cycle = session.bench.cycle();
        if outcome.result.is_err() {
            shared.fail(task.index);
        }
        // The receiver lives as long as its senders.
        let _ = sender.send(outcome);
    }
}

fn run_segment(
    session: &mut Session,
    fresh: &mut Option<Fresh>,
    task: &Task,
    shared: &Shared<'_>,
    outcome: &mut Outcome,
) -> Result<(), CosimError> {
    let schedule = shared.schedule;
    match fresh {
        Some(fresh) => session.rewind(fresh)?,
        None => *fresh = Some(session.fresh()?),
    }
    let mut first = task.first.unwrap_or(Place::START);
    let mut lead = 0;
    if let Some(checkpoint) = &task.checkpoint {
        lead = checkpoint.lead;
        let sample = schedule.number(first) - lead as u64;
        if !schedule.number(first).abs_diff(lead as u64).is_multiple_of(2) {
            // Samples take turns in two banks: one more brings the turns into step.
            let pass = Pass { data: schedule.train, order: &[0], mode: Mode::Infer };
            let mut running = session.begin(pass, false)?;
            session.lead(&mut running, 1)?;
            session.finish(running)?;
        }
        session.jump(&checkpoint.golden, &checkpoint.cycles, sample);
        if !schedule.design.training.schedule.is_empty() {
            session.write_rates()?;
        }
        first.position -= lead;
    }
    for epoch in first.epoch..schedule.epochs {
        let order = schedule.order(epoch);
        let (skipped, leading) = if epoch == first.epoch { (first.position, lead) } else { (0, 0) };
        let go_on = |training: bool| {
            shared.done.fetch_add(1, Ordering::Relaxed);
            shared.epoch.fetch_max(epoch, Ordering::Relaxed);
            shared.training.store(training, Ordering::Relaxed);
            shared.wanted(task.index)
        };
        if leading == 0 {
            session.begin_epoch(epoch)?;
            session.cycles.restart();
        }
        let pass = Pass { data: schedule.train, order: &order[skipped..], mode: Mode::Train };
        let mut running = session.begin(pass, leading == 0)?;
        if leading > 0 {
            running.clear_in = Some(leading - 1);
            session.lead(&mut running, leading)?;
            session.bench.checking = true;
            outcome.start = Some((session.border(&running)?, session.bench.cycle()));
        }
        let end = task.end.filter(|end| end.epoch == epoch);
        let until = end.map_or(order.len(), |end| end.position) - skipped;
        running.clear_in = end.map(|_| until - 1);
        session.advance(&mut running, until, &mut |_| go_on(true))?;
        if end.is_some() {
            outcome.end = Some(session.border(&running)?);
            return Ok(());
        }
        session.finish(running)?;
        session.age_before_test(epoch)?;
        let tests: Vec<usize> = (0..schedule.test.len()).collect();
        let pass = Pass { data: schedule.test, order: &tests, mode: Mode::Infer };
        outcome.rights.push(session.run_pass(pass, &mut |_| go_on(false))?);
    }
    outcome.states = Some(session.states());
    Ok(())
}
