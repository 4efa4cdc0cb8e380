//! The main job: trains epoch by epoch through the RTL, with the golden model alongside.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sha2::{Digest, Sha256};
use verilated::{Cache, Library, ModelBuilder, Profile, TraceFormat, Verilator};

use super::bench::{Bench, Stalls, Step};
use super::error::CosimError;
use super::memory::MemoryTotals;
use super::pins;
use super::summary::{Epoch, Summary};
use crate::cycles::{CycleModel, SampleCycles};
use crate::data::{self, Dataset};
use crate::golden::float::{self, FloatLayer, FloatNet};
use crate::golden::memory::MemoryTrace;
use crate::golden::{Machine, Mode, SampleTrace, encode, initial_states};
use crate::phases::Phase;
use crate::rtl::Rtl;
use crate::spec::{Backend, Design};

/// Cycles beyond the prediction that a sample may take before the watchdog ends the run.
pub(super) const WATCHDOG_SLACK: u64 = 2_000;

/// Waveform request.
#[derive(Debug, Clone)]
pub struct Waves {
    pub path: PathBuf,
    pub format: TraceFormat,
    /// First and last cycle to write.
    pub from: u64,
    pub to: u64,
}

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    pub waves: Option<Waves>,
    pub stalls: Stalls,
    /// The watchdog's limit is the predicted length of a sample times this, plus a constant.
    pub watchdog: u64,
    pub profile: Profile,
    /// Choose the profile by the number of cycles that the golden model expects of the run, instead.
    pub pick_profile: bool,
    /// Folder of built models; `None`: the user's cache folder.
    pub cache: Option<PathBuf>,
    /// Uses only so many training and test samples.
    pub limit: Option<(usize, usize)>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            waves: None,
            stalls: Stalls::default(),
            watchdog: 4,
            profile: Profile::FastRun,
            pick_profile: false,
            cache: None,
            limit: None,
        }
    }
}

/// Where a run stands, for a progress bar.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// From 1.
    pub epoch: usize,
    /// Samples done, and in all; training and inference.
    pub done: u64,
    pub total: u64,
    pub training: bool,
}

/// Everything a finished run leaves.
pub struct Report {
    pub summary: Summary,
    /// Measured cycles of all training samples, by phase.
    pub training: SampleCycles,
    /// Final device states per layer, row-major.
    pub states: Vec<Vec<i32>>,
}

/// Builds (or finds in the cache) the Verilator model of `rtl`.
///
/// # Errors
/// A missing Verilator, its messages, the compiler's, or a file that cannot be written.
pub fn build(design: &Design, rtl: &Rtl, options: &Options) -> Result<Library, CosimError> {
    let cache = match &options.cache {
        Some(dir) => Cache::new(dir),
        None => Cache::default_dir()?,
    };
    let dir = tempfile::tempdir().map_err(|source| file_error("temporary folder", source))?;
    let mut builder = ModelBuilder::new(&rtl.top).random_init(true).profile(options.profile);
    for module in &rtl.modules {
        let path = dir.path().join(format!("{}.v", module.name));
        std::fs::write(&path, &module.text).map_err(|source| file_error(&path.display().to_string(), source))?;
        builder = builder.source(path);
    }
    for tap in pins::taps(design) {
        builder = builder.tap(&rtl.top, &tap);
    }
    builder = builder.trace(options.waves.as_ref().map(|w| w.format));
    Ok(builder.build(&cache)?)
}

fn file_error(path: &str, error: std::io::Error) -> CosimError {
    CosimError::File { path: path.to_string(), error }
}

/// Runs the whole co-simulation of `design`. `stop` ends it between two samples.
///
/// # Errors
/// See [`CosimError`]; the first mismatch ends the run.
pub fn run(
    design: &Design,
    rtl: &Rtl,
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, CosimError> {
    let data = Dataset::load(&design.data.source)?;
    data.check(design)?;
    let (mut train, mut test) = data.split(design.data.test_fraction, design.training.seed)?;
    if let Some((most_train, most_test)) = options.limit {
        train = train.select(&(0..train.len().min(most_train)).collect::<Vec<_>>());
        test = test.select(&(0..test.len().min(most_test)).collect::<Vec<_>>());
    }

    let mut options = options.clone();
    if options.pick_profile {
        options.profile = Profile::for_cycles(expected_cycles(design, &train, &test)?);
    }
    let built = Instant::now();
    let library = build(design, rtl, &options)?;
    let build_seconds = built.elapsed().as_secs_f64();
    let mut session = Session::new(design, &library, &options)?;
    let mut float = float_net(design);

    let started = Instant::now();
    let total = (design.training.epochs * (train.len() + test.len())) as u64;
    let mut epochs = Vec::new();
    for epoch in 0..design.training.epochs {
        let order = data::epoch_order(design.training.seed, epoch as u64, train.len());
        let mut tell = |session: &Session, training: bool| {
            progress(Progress { epoch: epoch + 1, done: session.samples, total, training });
        };
        session.samples(&train, &order, Mode::Train, stop, &mut |s| tell(s, true))?;
        for &index in &order {
            let class = usize::from(train.labels[index]);
            float.train(&train.sample_f64(index), &target(design, class));
        }
        session.check_states()?;
        session.check_memory_counters()?;
        if epoch + 1 == design.training.epochs && design.nonideal.age > 0.0 {
            session.age(design.nonideal.age)?;
        }
        let all: Vec<usize> = (0..test.len()).collect();
        let (rtl_right, golden_right) = session.samples(&test, &all, Mode::Infer, stop, &mut |s| tell(s, false))?;
        let share = |right: usize| right as f64 / test.len().max(1) as f64;
        let pairs = (0..test.len()).map(|i| (test.sample_f64(i), usize::from(test.labels[i])));
        epochs.push(Epoch {
            epoch: epoch + 1,
            rtl: share(rtl_right),
            golden: share(golden_right),
            float: float.accuracy(pairs),
        });
    }
    let wall = started.elapsed().as_secs_f64();
    session.bench.model.trace_close();
    let states: Vec<Vec<i32>> = (0..design.layers.len()).map(|l| session.golden.states(l).to_vec()).collect();
    let summary = session.summary(design, epochs, wall, build_seconds, &states)?;
    Ok(Report { summary, training: session.trained, states })
}

/// Cycles of the whole run, by golden model and cycle model on its first samples.
fn expected_cycles(design: &Design, train: &Dataset, test: &Dataset) -> Result<u64, CosimError> {
    const TRIED: usize = 16;
    let (mut golden, mut cycles, mut trace) = (Machine::new(design)?, CycleModel::new(design), SampleTrace::default());
    golden.program_initial(design, &mut MemoryTrace::default())?;
    golden.sound().map_err(|fault| CosimError::Device { sample: 0, fault })?;
    let mut mean = |data: &Dataset, mode: Mode| -> Result<u64, CosimError> {
        cycles.restart();
        let tried = data.len().min(TRIED);
        let mut sum = 0;
        for index in 0..tried {
            let x = encode::input_codes(design, data.sample(index));
            let t = encode::target_codes(design, usize::from(data.labels[index]));
            golden.run(&x, &t, mode, &mut trace).map_err(|fault| CosimError::Device { sample: index as u64, fault })?;
            sum += cycles.sample(&trace, mode).total();
        }
        Ok(sum / tried.max(1) as u64)
    };
    let (training, inference) = (mean(train, Mode::Train)?, mean(test, Mode::Infer)?);
    Ok(design.training.epochs as u64 * (train.len() as u64 * training + test.len() as u64 * inference))
}

fn target(design: &Design, class: usize) -> Vec<f64> {
    design.layers.last().map_or(Vec::new(), |l| float::target(class, l.outputs, l.activation))
}

/// The f64 reference with the machine's initial weights.
pub fn float_net(design: &Design) -> FloatNet {
    let layers = design
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| FloatLayer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            activation: layer.activation,
            bias: 2f64.powi(layer.ranges.input),
            weights: initial_states(design, index, layer)
                .into_iter()
                .map(|s| crate::fixed::real(s.into(), design.device.state_bits, layer.ranges.weight))
                .collect(),
        })
        .collect();
    let momentum = if design.momentum_code() == 0 { 0.0 } else { design.training.momentum };
    FloatNet::new(layers, design.training.learning_rate, momentum).expect("a validated design has matching layers")
}

/// The bench with golden model, cycle model and totals.
pub struct Session {
    pub bench: Bench,
    pub golden: Machine,
    pub(super) design: Design,
    /// Phases of the design but idle.
    phases: Vec<Phase>,
    pub(super) cycles: CycleModel,
    pub(super) watchdog: u64,
    /// Samples finished, training and inference.
    pub samples: u64,
    inferred: u64,
    /// Measured and predicted cycles of training.
    pub trained: SampleCycles,
    predicted: SampleCycles,
    inference: SampleCycles,
    slots: u64,
    skipped: u64,
    /// What the memory controller has done.
    pub memory: MemoryTotals,
}

impl Session {
    /// A reset machine; an emulated array has its initial weights loaded over the bus.
    pub fn new(design: &Design, library: &Library, options: &Options) -> Result<Session, CosimError> {
        let mut bench = Bench::new(design, library, design.training.seed, options.stalls)?;
        if let Some(waves) = &options.waves {
            bench.model.trace_open_window(&waves.path, waves.from..=waves.to)?;
        }
        let golden = Machine::new(design)?;
        if design.array.backend == Backend::Emulated {
            for layer in 0..design.layers.len() {
                bench.write_states(layer, golden.states(layer))?;
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
            inferred: 0,
            trained: SampleCycles::default(),
            predicted: SampleCycles::default(),
            inference: SampleCycles::default(),
            slots: 0,
            skipped: 0,
            memory: MemoryTotals::default(),
        };
        if design.memory.as_ref().is_some_and(|m| m.program_initial) {
            session.program_initial()?;
        }
        Ok(session)
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
        if order.is_empty() {
            return Ok((0, 0));
        }
        // Output vectors are sent in training, too: they are checked.
        let modes = if mode == Mode::Train { 0b110 } else { 0 };
        let control = self.bench.address("CTRL");
        self.bench.write(control, modes)?;
        let mut queued = 0;
        while queued < order.len().min(2) {
            self.queue(data, order[queued], mode);
            queued += 1;
        }
        self.settle_input()?;

        let mut right = (0, 0);
        let mut expected: VecDeque<(u64, Vec<i32>, usize)> = VecDeque::new();
        self.cycles.restart();
        self.expect(data, order[0], mode, &mut expected)?;
        self.bench.checking = true;
        self.bench.forget();
        self.bench.write(control, modes | 1)?;
        for position in 0..order.len() {
            while queued < order.len() && queued < position + 4 {
                self.queue(data, order[queued], mode);
                queued += 1;
            }
            self.finish_sample(mode)?;
            self.collect_outputs(&mut expected, &mut right)?;
            tell(self);
            if stop.load(Ordering::Relaxed) {
                return Err(CosimError::Interrupted { samples: self.samples });
            }
            if let Some(&next) = order.get(position + 1) {
                self.expect(data, next, mode, &mut expected)?;
            }
        }
        self.settle_refresh()?;
        self.bench.checking = false;
        self.bench.write(control, modes)?;
        let mut waited = 0;
        while !expected.is_empty() {
            self.bench.step()?;
            self.collect_outputs(&mut expected, &mut right)?;
            waited += 1;
            if waited > self.limit() {
                return Err(self.watchdog(waited));
            }
        }
        self.wait_idle()?;
        Ok(right)
    }

    fn queue(&mut self, data: &Dataset, index: usize, mode: Mode) {
        let x = encode::input_codes(&self.design, data.sample(index));
        let t = encode::target_codes(&self.design, usize::from(data.labels[index]));
        self.bench.send(&x, (mode == Mode::Train).then_some(&t[..]));
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

    /// Computes what the next sample must do.
    fn expect(
        &mut self,
        data: &Dataset,
        index: usize,
        mode: Mode,
        outputs: &mut VecDeque<(u64, Vec<i32>, usize)>,
    ) -> Result<(), CosimError> {
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
        outputs.push_back((self.samples, board.trace.output().to_vec(), class));
        Ok(())
    }

    /// Steps to the end of the running sample and checks it.
    fn finish_sample(&mut self, mode: Mode) -> Result<(), CosimError> {
        let started = self.bench.cycle();
        let limit = self.limit();
        let measured = loop {
            let waited = self.bench.cycle() - started;
            if waited > limit {
                return Err(self.watchdog(waited));
            }
            if let Step::SampleEnd(measured) = self.bench.advance(limit + 1 - waited)? {
                break measured;
            }
        };
        let board = &self.bench.scoreboard;
        // What waits for the host cannot be predicted when the host stalls at random.
        let phases: &[Phase] = if self.bench.unhindered() { &self.phases } else { &[] };
        board.end(&measured, phases, self.bench.cycle())?;
        for (layer, array) in self.bench.arrays.iter().enumerate() {
            if let (Mode::Train, Some(crossbar)) = (mode, &array.crossbar) {
                board.states(layer, self.golden.states(layer), crossbar.states(), self.bench.cycle())?;
            }
        }
        match mode {
            Mode::Train => {
                self.trained.add(&measured);
                self.predicted.add(&board.predicted);
                for t in &board.trace.layers {
                    self.slots += t.slots.len() as u64;
                    self.skipped += (t.pairs - t.slots.len()) as u64;
                }
            }
            Mode::Infer => {
                self.inference.add(&measured);
                self.inferred += 1;
            }
        }
        self.samples += 1;
        self.memory.add(&self.bench.scoreboard.trace.memory);
        self.memory.cycles += measured.phase(Phase::Memory);
        Ok(())
    }

    fn collect_outputs(
        &mut self,
        expected: &mut VecDeque<(u64, Vec<i32>, usize)>,
        right: &mut (usize, usize),
    ) -> Result<(), CosimError> {
        while let Some(got) = self.bench.outputs.pop_front() {
            let cycle = self.bench.cycle();
            let Some((sample, want, class)) = expected.pop_front() else {
                self.bench.scoreboard.output(self.samples, &[], &got, cycle)?;
                continue;
            };
            self.bench.scoreboard.output(sample, &want, &got, cycle)?;
            right.0 += usize::from(encode::classify(&got) == class);
            right.1 += usize::from(encode::classify(&want) == class);
        }
        Ok(())
    }

    /// Steps until the machine says that it is idle.
    fn wait_idle(&mut self) -> Result<(), CosimError> {
        let status = self.bench.address("STATUS");
        for _ in 0..1000 {
            if self.bench.read(status)? & 1 == 0 {
                return Ok(());
            }
        }
        Err(self.watchdog(0))
    }

    fn limit(&self) -> u64 {
        self.bench.scoreboard.predicted.total() * self.watchdog + WATCHDOG_SLACK
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

    /// Lets time pass in all arrays, behind the pins and in the golden model.
    ///
    /// # Errors
    /// States that differ afterwards.
    pub fn age(&mut self, seconds: f64) -> Result<(), CosimError> {
        self.golden.age(seconds);
        let cycle = self.bench.cycle();
        for (layer, array) in self.bench.arrays.iter_mut().enumerate() {
            if let Some(crossbar) = &mut array.crossbar {
                crossbar.age(seconds);
                self.bench.scoreboard.states(layer, self.golden.states(layer), crossbar.states(), cycle)?;
            }
        }
        Ok(())
    }

    /// Emulated arrays: reads every weight back over the bus and compares it with golden.
    pub fn check_states(&mut self) -> Result<(), CosimError> {
        if self.design.array.backend == Backend::Emulated {
            for layer in 0..self.design.layers.len() {
                let states = self.bench.read_states(layer)?;
                let cycle = self.bench.cycle();
                self.bench.scoreboard.states(layer, self.golden.states(layer), &states, cycle)?;
            }
        }
        Ok(())
    }

    fn summary(
        &self,
        design: &Design,
        epochs: Vec<Epoch>,
        wall: f64,
        build_seconds: f64,
        states: &[Vec<i32>],
    ) -> Result<Summary, CosimError> {
        let samples = self.samples - self.inferred;
        let total = self.trained.total();
        let per = |cycles: u64, n: u64| if n == 0 { 0.0 } else { cycles as f64 / n as f64 };
        let mut hash = Sha256::new();
        for state in states.iter().flatten() {
            hash.update(state.to_le_bytes());
        }
        let last = epochs.last().copied();
        Ok(Summary {
            accuracy: last.map_or(0.0, |e| e.rtl),
            accuracy_float: last.map_or(0.0, |e| e.float),
            epochs,
            mismatches: 0,
            samples,
            samples_inferred: self.inferred,
            cycles_total: total,
            cycles_predicted: self.predicted.total(),
            cycles_per_sample: per(total, samples),
            phases: self.phases.iter().map(|&p| (p.name().to_string(), self.trained.phase(p))).collect(),
            array_busy: per(self.trained.array_busy, total),
            cycles_per_inference: per(self.inference.total(), self.inferred),
            slots: self.slots,
            slots_skipped: self.skipped,
            memory: self.design.memory.is_some().then_some(self.memory),
            samples_per_second: self.samples as f64 / wall,
            simulated_cycles_per_second: self.bench.cycle() as f64 / wall,
            wall_seconds: wall,
            build_seconds,
            seed: design.training.seed,
            verilator: Verilator::find()?.version().to_string(),
            spec_hash: design.spec_hash.clone(),
            backend: if design.array.backend == Backend::External { "external" } else { "emulated" }.to_string(),
            weights_hash: hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect(),
        })
    }
}
