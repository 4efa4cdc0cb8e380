//! The bench with golden model and cycle model: runs samples, everything checked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use verilated::Library;

use super::bench::{Bench, Step};
use super::error::CosimError;
use super::memory::MemoryTotals;
use super::run::Options;
use super::timeline::Look;
use crate::cycles::{CycleModel, SampleCycles};
use crate::data::Dataset;
use crate::golden::{Machine, Mode, encode};
use crate::phases::Phase;
use crate::spec::Design;

/// Cycles beyond the prediction that a sample may take before the watchdog ends the run.
pub(super) const WATCHDOG_SLACK: u64 = 2_000;

/// What checked samples add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Samples, training and inference.
    pub samples: u64,
    pub inferred: u64,
    /// Measured and predicted cycles of training.
    pub trained: SampleCycles,
    pub predicted: SampleCycles,
    /// Measured cycles of inference.
    pub inference: SampleCycles,
    /// Write slots, and stored pairs passed over for want of a pulse.
    pub slots: u64,
    pub skipped: u64,
}

impl Totals {
    /// Adds those of another part of the run.
    pub fn add(&mut self, other: &Totals) {
        self.samples += other.samples;
        self.inferred += other.inferred;
        self.trained.add(&other.trained);
        self.predicted.add(&other.predicted);
        self.inference.add(&other.inference);
        self.slots += other.slots;
        self.skipped += other.skipped;
    }
}

/// Samples that run without a pause: a part of a data set in some order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub data: &'a Dataset,
    pub order: &'a [usize],
    pub mode: Mode,
}

/// How far a pass has come.
pub(super) struct Running<'a> {
    pub pass: Pass<'a>,
    /// Samples finished.
    position: usize,
    /// Samples handed to the input stream.
    queued: usize,
    /// Output vectors still to come: number of the sample, vector, class.
    pub expected: VecDeque<(u64, Vec<i32>, usize)>,
    /// How many RTL and golden model classified right.
    right: (usize, usize),
    /// Position of a sample in which the host clears the performance counters.
    pub clear_in: Option<usize>,
}

/// Asked after each sample whether to go on.
pub(super) type GoOn<'a> = dyn FnMut(&Session) -> bool + 'a;

/// The bench with golden model, cycle model and totals.
pub struct Session {
    pub bench: Bench,
    pub golden: Machine,
    pub(super) design: Design,
    /// Phases of the design but idle.
    phases: Vec<Phase>,
    pub(super) cycles: CycleModel,
    pub(super) watchdog: u64,
    /// Number of the next sample, from the start of the co-simulation.
    pub samples: u64,
    /// What has been checked in this session.
    pub totals: Totals,
    /// What the memory controller has done.
    pub memory: MemoryTotals,
}

impl Session {
    /// A reset machine; an emulated array has its initial weights loaded over the bus.
    ///
    /// # Errors
    /// A port that the model lacks, devices that cannot be driven, a bus that does not answer.
    pub fn new(design: &Design, library: &Library, options: &Options) -> Result<Session, CosimError> {
        let mut bench = Bench::new(design, library, design.training.seed, options.stalls)?;
        if let Some(waves) = &options.waves {
            bench.model.trace_open_window(&waves.path, waves.from..=waves.to)?;
        }
        let golden = Machine::new(design)?;
        if design.array.backend.emulated() {
            for layer in 0..design.layers.len() {
                bench.write_states(layer, &golden.states(layer))?;
            }
        }
        let mut session = Session {
            bench,
            golden,
            design: design.clone(),
            phases: Phase::of(design.memory.is_some()).split_off(1),
            cycles: CycleModel::new(design),
            watchdog: options.watchdog,
            samples: 0,
            totals: Totals::default(),
            memory: MemoryTotals::default(),
        };
        if design.memory.as_ref().is_some_and(|m| m.program_initial) {
            session.program_initial()?;
        }
        Ok(session)
    }

    /// A session whose machine has been spoken to once: a machine fresh from reset has a random address on its bus.
    pub(super) fn started(design: &Design, library: &Library, options: &Options) -> Result<Session, CosimError> {
        let mut session = Session::new(design, library, options)?;
        session.read_status()?;
        Ok(session)
    }

    /// Device states of golden, per layer.
    pub(super) fn states(&self) -> Vec<Vec<i32>> {
        (0..self.design.layers.len()).map(|layer| self.golden.states(layer)).collect()
    }

    /// Runs samples of `data` in the given order; returns how many RTL and golden model classified right.
    ///
    /// # Errors
    /// The first mismatch, a watchdog, or `stop`.
    pub fn samples(
        &mut self,
        data: &Dataset,
        order: &[usize],
        mode: Mode,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&Session),
    ) -> Result<(usize, usize), CosimError> {
        self.run_pass(Pass { data, order, mode }, &mut |session| {
            tell(session);
            !stop.load(Ordering::Relaxed)
        })
    }

    /// The same of a whole pass.
    pub(super) fn run_pass(&mut self, pass: Pass<'_>, go_on: &mut GoOn<'_>) -> Result<(usize, usize), CosimError> {
        if pass.order.is_empty() {
            return Ok((0, 0));
        }
        self.cycles.restart();
        let mut running = self.begin(pass, true)?;
        self.advance(&mut running, pass.order.len(), go_on)?;
        self.finish(running)
    }

    /// Starts the machine on a pass of at least one sample, with checks or without; the cycle model has been told.
    pub(super) fn begin<'a>(&mut self, pass: Pass<'a>, checking: bool) -> Result<Running<'a>, CosimError> {
        // Output vectors are sent in training, too: they are checked.
        let control = self.bench.address("CTRL");
        self.bench.write(control, modes(pass.mode))?;
        let expected = VecDeque::new();
        let mut running = Running { pass, position: 0, queued: 0, expected, right: (0, 0), clear_in: None };
        self.queue(&mut running, 2);
        self.settle_input()?;
        self.expect(&mut running)?;
        self.bench.checking = checking;
        self.bench.forget();
        self.bench.write(control, modes(pass.mode) | 1)?;
        Ok(running)
    }

    /// Runs on until `until` samples of the pass are finished, with checks.
    pub(super) fn advance(
        &mut self,
        running: &mut Running<'_>,
        until: usize,
        go_on: &mut GoOn<'_>,
    ) -> Result<(), CosimError> {
        while running.position < until {
            self.next_sample(running)?;
            self.finish_sample(running.pass.mode)?;
            running.position += 1;
            self.collect_outputs(running)?;
            if !go_on(self) {
                return Err(CosimError::Interrupted { samples: self.samples });
            }
        }
        Ok(())
    }

    /// Runs on until `until` samples of the pass are finished, without checks: the arrays are brought to golden's states after each
    /// sample, whatever the RTL did to them, and outputs are thrown away.
    pub(super) fn lead(&mut self, running: &mut Running<'_>, until: usize) -> Result<(), CosimError> {
        while running.position < until {
            self.next_sample(running)?;
            self.wait_sample_end()?;
            self.follow_golden();
            self.samples += 1;
            running.position += 1;
            while self.bench.outputs.pop_front().is_some() {
                running.expected.pop_front();
            }
        }
        Ok(())
    }

    /// Ends a pass: waits for the last outputs and for the machine to become idle.
    pub(super) fn finish(&mut self, mut running: Running<'_>) -> Result<(usize, usize), CosimError> {
        self.settle_refresh()?;
        let checking = std::mem::replace(&mut self.bench.checking, false);
        self.bench.write(self.bench.address("CTRL"), modes(running.pass.mode))?;
        let mut waited = 0;
        while !running.expected.is_empty() {
            self.bench.step()?;
            if checking {
                self.collect_outputs(&mut running)?;
            } else if self.bench.outputs.pop_front().is_some() {
                running.expected.pop_front();
            }
            waited += 1;
            if waited > self.limit() {
                return Err(self.watchdog(waited));
            }
        }
        self.wait_idle()?;
        Ok(running.right)
    }

    /// Hands samples to the input stream, up to `ahead` beyond the finished ones.
    fn queue(&mut self, running: &mut Running<'_>, ahead: usize) {
        let Pass { data, order, mode } = running.pass;
        while running.queued < order.len().min(running.position + ahead) {
            let index = order[running.queued];
            let x = encode::input_codes(&self.design, data.sample(index));
            let t = encode::target_codes(&self.design, usize::from(data.labels[index]));
            self.bench.send(&x, (mode == Mode::Train).then_some(&t[..]));
            running.queued += 1;
        }
    }

    /// Steps until the queued samples are in the design's sample memory.
    fn settle_input(&mut self) -> Result<(), CosimError> {
        let mut waited = 0;
        while self.bench.unsent() > 0 {
            self.bench.step()?;
            waited += 1;
            if waited > self.limit() + 1000 * self.design.inputs as u64 {
                return Err(self.watchdog(waited));
            }
        }
        // The last beats still move through the width converter.
        for _ in 0..self.design.stream_words() + 4 {
            self.bench.step()?;
        }
        Ok(())
    }

    /// Makes ready for the sample at the position of the pass; [`Session::begin`] has done so for the first.
    fn next_sample(&mut self, running: &mut Running<'_>) -> Result<(), CosimError> {
        if running.position > 0 {
            self.expect(running)?;
        }
        self.queue(running, 4);
        if running.clear_in == Some(running.position) {
            // Far less than a training sample takes.
            let clear = self.bench.registers.mask("COMMAND", "clear_counters").unwrap_or(0);
            self.bench.write(self.bench.address("COMMAND"), clear)?;
        }
        Ok(())
    }

    /// Computes what the next sample must do.
    fn expect(&mut self, running: &mut Running<'_>) -> Result<(), CosimError> {
        let Pass { data, order, mode } = running.pass;
        let index = order[running.position];
        let class = usize::from(data.labels[index]);
        let x = encode::input_codes(&self.design, data.sample(index));
        let t = encode::target_codes(&self.design, class);
        let board = &mut self.bench.scoreboard;
        self.golden
            .run(&x, &t, mode, &mut board.trace)
            .map_err(|fault| CosimError::Device { sample: self.samples, fault })?;
        board.predicted = self.cycles.sample(&board.trace, mode);
        board.mode = mode;
        board.sample = self.samples;
        board.begin();
        running.expected.push_back((self.samples, board.trace.output().to_vec(), class));
        Ok(())
    }

    /// Steps to the end of the running sample.
    fn wait_sample_end(&mut self) -> Result<SampleCycles, CosimError> {
        let started = self.bench.cycle();
        let limit = self.limit();
        loop {
            let waited = self.bench.cycle() - started;
            if waited > limit {
                return Err(self.watchdog(waited));
            }
            if let Step::SampleEnd(measured) = self.bench.advance(limit + 1 - waited)? {
                return Ok(measured);
            }
        }
    }

    /// Steps to the end of the running sample and checks it.
    fn finish_sample(&mut self, mode: Mode) -> Result<(), CosimError> {
        let measured = self.wait_sample_end()?;
        self.check_sample(mode, measured)
    }

    /// The next sample of a pass in steps of a cycle, checked as all others; `look` takes the steps.
    pub(super) fn watch_sample(
        &mut self,
        running: &mut Running<'_>,
        look: &mut Look<'_>,
    ) -> Result<SampleCycles, CosimError> {
        self.next_sample(running)?;
        let limit = self.limit();
        for waited in 0.. {
            if waited > limit {
                return Err(self.watchdog(waited));
            }
            if let Step::SampleEnd(measured) = look(&mut self.bench)? {
                self.check_sample(running.pass.mode, measured)?;
                running.position += 1;
                return Ok(measured);
            }
        }
        unreachable!("the watchdog ends the loop")
    }

    /// Checks the sample that has ended.
    fn check_sample(&mut self, mode: Mode, measured: SampleCycles) -> Result<(), CosimError> {
        let board = &self.bench.scoreboard;
        // What waits for the host cannot be predicted when the host stalls at random.
        let phases: &[Phase] = if self.bench.unhindered() { &self.phases } else { &[] };
        board.end(&measured, phases, self.bench.cycle())?;
        if mode == Mode::Train {
            for array in &self.bench.arrays {
                board.array_states(array, &self.golden, self.bench.cycle())?;
            }
        }
        let totals = &mut self.totals;
        match mode {
            Mode::Train => {
                totals.trained.add(&measured);
                totals.predicted.add(&board.predicted);
                for t in &board.trace.layers {
                    totals.slots += t.slots.len() as u64;
                    totals.skipped += t.skipped as u64;
                }
            }
            Mode::Infer => {
                totals.inference.add(&measured);
                totals.inferred += 1;
            }
        }
        totals.samples += 1;
        self.samples += 1;
        self.memory.add(&self.bench.scoreboard.trace.memory);
        self.memory.cycles += measured.phase(Phase::Memory);
        Ok(())
    }

    fn collect_outputs(&mut self, running: &mut Running<'_>) -> Result<(), CosimError> {
        while let Some(got) = self.bench.outputs.pop_front() {
            let cycle = self.bench.cycle();
            let Some((sample, want, class)) = running.expected.pop_front() else {
                self.bench.scoreboard.output(self.samples, &[], &got, cycle)?;
                continue;
            };
            self.bench.scoreboard.output(sample, &want, &got, cycle)?;
            running.right.0 += usize::from(encode::classify(&got) == class);
            running.right.1 += usize::from(encode::classify(&want) == class);
        }
        Ok(())
    }

    /// Steps until the machine says that it is idle.
    fn wait_idle(&mut self) -> Result<(), CosimError> {
        for _ in 0..1000 {
            if self.read_status()? & 1 == 0 {
                return Ok(());
            }
        }
        Err(self.watchdog(0))
    }

    /// Reads the register STATUS.
    pub(super) fn read_status(&mut self) -> Result<u32, CosimError> {
        self.bench.read(self.bench.address("STATUS"))
    }

    fn limit(&self) -> u64 {
        // The factors of earlier gradients are formed before the first sample, a bit of momentum per cycle.
        let factors = 16 * self.design.training.history as u64;
        self.bench.scoreboard.predicted.total() * self.watchdog + WATCHDOG_SLACK + factors
    }

    fn watchdog(&self, seen: u64) -> CosimError {
        CosimError::Watchdog {
            sample: self.samples,
            seen,
            expected: self.bench.scoreboard.predicted.total(),
            phase: self.bench.phase().name(),
            factor: self.watchdog,
        }
    }

    /// What the host does before an epoch, from 0: sets learning rate and momentum where the schedule changes them.
    ///
    /// # Errors
    /// A bus that does not answer, or refuses.
    pub fn begin_epoch(&mut self, epoch: usize) -> Result<(), CosimError> {
        if self.golden.begin_epoch(&self.design, epoch) { self.write_rates() } else { Ok(()) }
    }

    /// Writes golden's learning rate and momentum to the registers of the RTL.
    pub(super) fn write_rates(&mut self) -> Result<(), CosimError> {
        self.bench.write(self.bench.address("LEARNING_RATE"), self.golden.learning_rate)?;
        if self.design.training.momentum_unit.momentum() {
            self.bench.write(self.bench.address("MOMENTUM"), self.golden.momentum)?;
        }
        Ok(())
    }

    /// Between training and test of the last epoch, lets the time of the spec pass.
    ///
    /// # Errors
    /// States that differ afterwards.
    pub(super) fn age_before_test(&mut self, epoch: usize) -> Result<(), CosimError> {
        let seconds = self.design.nonideal.age;
        if epoch + 1 < self.design.training.epochs || seconds <= 0.0 {
            return Ok(());
        }
        self.age(seconds)
    }

    /// Lets time pass in all arrays, behind the pins and in the golden model.
    ///
    /// # Errors
    /// States that differ afterwards.
    pub fn age(&mut self, seconds: f64) -> Result<(), CosimError> {
        self.golden.age(seconds);
        let cycle = self.bench.cycle();
        for array in &mut self.bench.arrays {
            if let Some(crossbar) = &mut array.crossbar {
                crossbar.age(seconds);
            }
            self.bench.scoreboard.array_states(array, &self.golden, cycle)?;
        }
        Ok(())
    }

    /// Emulated arrays: reads every weight back over the bus and compares it with golden.
    ///
    /// # Errors
    /// The first state that differs.
    pub fn check_states(&mut self) -> Result<(), CosimError> {
        if self.design.array.backend.emulated() {
            for layer in 0..self.design.layers.len() {
                let states = self.bench.read_states(layer)?;
                let cycle = self.bench.cycle();
                self.bench.scoreboard.states(layer, &self.golden.states(layer), &states, cycle)?;
            }
        }
        Ok(())
    }
}

/// The mode bits of CTRL in a pass.
fn modes(mode: Mode) -> u32 {
    if mode == Mode::Train { 0b110 } else { 0 }
}
