//! The main job: trains epoch by epoch through the RTL, with the golden model alongside.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sha2::{Digest, Sha256};
use verilated::{Cache, Library, ModelBuilder, Profile, TraceFormat, Verilator};

use super::bench::Stalls;
use super::error::CosimError;
use super::memory::MemoryTotals;
use super::pins;
use super::reference::Reference;
use super::schedule::{Place, Schedule};
use super::segments::{self, Ran};
use super::session::{Session, Totals};
use super::summary::{Epoch, Summary};
use super::timeline;
use crate::cycles::{CycleModel, SampleCycles};
use crate::data::Dataset;
use crate::golden::memory::MemoryTrace;
use crate::golden::{Machine, Mode, SampleTrace, encode};
use crate::phases::Phase;
use crate::rtl::Rtl;
use crate::spec::{Backend, Design};

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
    /// Threads that share the run where it can be cut, see [`Options::splits`]. Results are the same for any number.
    pub jobs: usize,
    /// The model also shows what [`super::record`] looks at; a model of its own otherwise.
    pub timeline: bool,
    /// Takes what makes a run fast and changes no result: several threads, and evaluations of the RTL that can be skipped.
    pub shortcuts: bool,
    /// Least number of training samples between two cuts, and samples by which the RTL begins before a cut, instead of those that suit:
    /// for tests of the cuts.
    pub cuts: (Option<usize>, Option<usize>),
}

impl Options {
    /// Whether the run of `design` may be cut into segments for several threads: with external arrays, whose devices can be set to any
    /// moment, and when neither waveforms, random stalls nor the memory controller go through the run as a whole.
    pub fn splits(&self, design: &Design) -> bool {
        self.jobs > 1 && self.shortcuts && self.comparable(design) && !self.stalls.any()
    }

    /// Whether the states of two instances of the RTL say all about them.
    fn comparable(&self, design: &Design) -> bool {
        design.array.backend == Backend::External && design.memory.is_none() && self.waves.is_none()
    }
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
            jobs: 1,
            timeline: false,
            shortcuts: true,
            cuts: (None, None),
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
    /// Segments that were run on their own and proven to be the pieces of one run; 1 in a sequential run.
    pub segments: usize,
    /// The run was cut, but at a border the RTL was not as it should be, in this, and all was run again in sequence: the RTL keeps
    /// something for longer than the momentum history does.
    pub refuted: Option<String>,
}

/// What every way to run needs.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub schedule: &'a Schedule<'a>,
    pub library: &'a Library,
    pub options: &'a Options,
    pub stop: &'a AtomicBool,
}

/// What the pieces of a run add up to.
#[derive(Default)]
pub(super) struct Parts {
    pub totals: Totals,
    pub memory: MemoryTotals,
    /// Test samples of each epoch that RTL and golden model classified right.
    pub rights: Vec<(usize, usize)>,
    /// Cycles in all.
    pub cycle: u64,
    pub states: Vec<Vec<i32>>,
    pub segments: usize,
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
    let more = timeline::TAPS.iter().filter(|_| options.timeline).map(ToString::to_string);
    for tap in pins::taps(design).into_iter().chain(more) {
        builder = builder.tap(&rtl.top, &tap);
    }
    builder = builder.skip_settled_inputs(options.shortcuts);
    // One build for any number of threads.
    builder = builder.snapshots(options.comparable(design));
    builder = builder.trace(options.waves.as_ref().map(|w| w.format));
    Ok(builder.build(&cache)?)
}

fn file_error(path: &str, error: std::io::Error) -> CosimError {
    CosimError::File { path: path.to_string(), error }
}

/// The samples of a run: for training, and for the test.
pub(super) fn load(design: &Design, options: &Options) -> Result<(Dataset, Dataset), CosimError> {
    let data = Dataset::load(&design.data.source)?;
    data.check(design)?;
    let (mut train, mut test) = data.split(design.data.test_fraction, design.training.seed)?;
    if let Some((most_train, most_test)) = options.limit {
        train = train.select(&(0..train.len().min(most_train)).collect::<Vec<_>>());
        test = test.select(&(0..test.len().min(most_test)).collect::<Vec<_>>());
    }
    Ok((train, test))
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
    let (train, test) = load(design, options)?;
    let mut options = options.clone();
    if options.pick_profile {
        options.profile = Profile::for_cycles(expected_cycles(design, &train, &test)?);
    }
    if !options.splits(design) {
        options.jobs = 1;
    }
    let schedule = Schedule::new(design, &train, &test, &options);
    if schedule.border_after(Place::START).is_none() {
        options.jobs = 1;
    }
    let built = Instant::now();
    let library = build(design, rtl, &options)?;
    let build_seconds = built.elapsed().as_secs_f64();

    let started = Instant::now();
    let job = Job { schedule: &schedule, library: &library, options: &options, stop };
    let (parts, floats, refuted) = if options.shortcuts {
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reference = scope.spawn(|| Reference::new(&schedule).all(&ended));
            let result = split_or_not(job, progress);
            // After an error nobody waits for the reference.
            ended.store(result.is_err(), Ordering::Relaxed);
            let floats = reference.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result.map(|(parts, refuted)| (parts, floats, refuted))
        })?
    } else {
        let mut reference = Reference::new(&schedule);
        let mut floats = Vec::new();
        let parts = sequence(job, progress, &mut |epoch| {
            reference.train(epoch);
            floats.push(reference.accuracy());
        })?;
        (parts, floats, None)
    };
    let wall = started.elapsed().as_secs_f64();
    let share = |right: usize| right as f64 / test.len().max(1) as f64;
    let epochs = parts.rights.iter().zip(floats).enumerate().map(|(index, (&(rtl, golden), float))| Epoch {
        epoch: index + 1,
        rtl: share(rtl),
        golden: share(golden),
        float,
    });
    let summary = parts.summary(design, epochs.collect(), wall, build_seconds)?;
    Ok(Report { summary, training: parts.totals.trained, states: parts.states, segments: parts.segments, refuted })
}

/// On several threads if the options say so, in sequence if not or if that proved nothing; why, if that happened.
fn split_or_not(job: Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<(Parts, Option<String>), CosimError> {
    let mut refuted = None;
    if job.options.jobs > 1 {
        match segments::run(job, progress)? {
            Ran::Proven(parts) => return Ok((*parts, None)),
            Ran::Refuted(difference) => refuted = Some(difference),
        }
    }
    let parts = sequence(job, progress, &mut |_| {})?;
    Ok((parts, refuted))
}

/// One sample after the other, through one instance of the RTL. `trained` is called after each epoch's training with its number.
fn sequence(
    job: Job<'_>,
    progress: &mut dyn FnMut(Progress),
    trained: &mut dyn FnMut(usize),
) -> Result<Parts, CosimError> {
    let Job { schedule, library, options, stop } = job;
    let mut session = Session::started(schedule.design, library, options)?;
    let tests: Vec<usize> = (0..schedule.test.len()).collect();
    let mut rights = Vec::new();
    for epoch in 0..schedule.epochs {
        let mut tell = |session: &Session, training: bool| {
            progress(Progress { epoch: epoch + 1, done: session.samples, total: schedule.samples(), training });
        };
        session.begin_epoch(epoch)?;
        session.samples(schedule.train, &schedule.order(epoch), Mode::Train, stop, &mut |s| tell(s, true))?;
        trained(epoch);
        session.check_states()?;
        session.check_memory_counters()?;
        session.age_before_test(epoch)?;
        rights.push(session.samples(schedule.test, &tests, Mode::Infer, stop, &mut |s| tell(s, false))?);
    }
    session.bench.model.trace_close()?;
    Ok(Parts {
        totals: session.totals,
        memory: session.memory,
        rights,
        cycle: session.bench.cycle(),
        states: session.states(),
        segments: 1,
    })
}

/// Cycles of the whole run, by golden model and cycle model on its first samples.
pub(super) fn expected_cycles(design: &Design, train: &Dataset, test: &Dataset) -> Result<u64, CosimError> {
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

impl Parts {
    fn summary(
        &self,
        design: &Design,
        epochs: Vec<Epoch>,
        wall: f64,
        build_seconds: f64,
    ) -> Result<Summary, CosimError> {
        let Totals { samples: all, inferred, trained, predicted, inference, slots, skipped } = self.totals;
        let samples = all - inferred;
        let total = trained.total();
        let per = |cycles: u64, n: u64| if n == 0 { 0.0 } else { cycles as f64 / n as f64 };
        let mut hash = Sha256::new();
        for state in self.states.iter().flatten() {
            hash.update(state.to_le_bytes());
        }
        let last = epochs.last().copied();
        let phases = &Phase::of(design.memory.is_some())[1..];
        Ok(Summary {
            accuracy: last.map_or(0.0, |e| e.rtl),
            accuracy_float: last.map_or(0.0, |e| e.float),
            epochs,
            mismatches: 0,
            samples,
            samples_inferred: inferred,
            cycles_total: total,
            cycles_predicted: predicted.total(),
            cycles_per_sample: per(total, samples),
            phases: phases.iter().map(|&p| (p.name().to_string(), trained.phase(p))).collect(),
            array_busy: per(trained.array_busy, total),
            cycles_per_inference: per(inference.total(), inferred),
            slots,
            slots_skipped: skipped,
            imperfections: design.nonideal.listed(),
            memory: design.memory.is_some().then_some(self.memory),
            samples_per_second: all as f64 / wall,
            simulated_cycles_per_second: self.cycle as f64 / wall,
            wall_seconds: wall,
            build_seconds,
            seed: design.training.seed,
            verilator: Verilator::find()?.version().to_string(),
            spec_hash: design.spec_hash.clone(),
            backend: design.array.backend.name().to_string(),
            weights_hash: hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect(),
        })
    }
}
