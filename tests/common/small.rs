//! Small designs that compile within seconds, with random data, for tests of the running machine.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use memrtl::cosim::{self, CosimError, Options, Report, Session, Stalls, Step};
use memrtl::cycles::SampleCycles;
use memrtl::data::Dataset;
use memrtl::golden::Mode;
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend, Design};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use verilated::{Library, Profile};

/// Sections of a small spec as TOML, each without its header.
#[derive(Debug, Clone)]
pub struct Small<'a> {
    pub network: &'a str,
    pub training: &'a str,
    pub array: &'a str,
    pub device: &'a str,
    pub timing: &'a str,
    /// Samples of its data set; a third is for the test.
    pub samples: usize,
}

impl Default for Small<'_> {
    /// Two layers whose vectors fill no whole number of beats or groups, and a history that wraps around within a few samples.
    fn default() -> Self {
        Small {
            // Full scales given, so that better defaults change no test.
            network: "inputs = 7\nlayers = [\n\
                      { outputs = 5, activation = \"tanh\", error_range = 0.5, max_update = 0.25 },\n\
                      { outputs = 3, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5, max_update = 0.125 } ]",
            training: "learning_rate = 0.5\nmomentum = 0.9\nhistory = 3\nepochs = 1\nseed = 7",
            array: "adcs = 2\nlanes = 2",
            device: "",
            timing: "clock = 2.0\nread_settle = 4.0\nadc_conversion = 6.0",
            samples: 30,
        }
    }
}

/// A small design with its Verilog and its data.
#[derive(Clone)]
pub struct Rig {
    pub design: Design,
    pub rtl: Rtl,
    pub data: Dataset,
    /// Holds the data file, which `cosim::run` reads again.
    pub dir: Arc<TempDir>,
}

impl Small<'_> {
    pub fn rig(&self, backend: Backend) -> Rig {
        let Small { network, training, array, device, timing, samples } = self;
        let dir = TempDir::new().expect("temporary folder");
        let text = format!(
            "name = \"little\"\n[network]\n{network}\n[training]\n{training}\n[array]\nbackend = \"{}\"\n{array}\n\
             [device]\n{device}\n[timing]\n{timing}\n[data]\ncsv = \"small.csv\"\ntest_fraction = 0.33\n",
            backend.name()
        );
        let design = spec::parse(&text, "small.toml", dir.path()).unwrap_or_else(|e| panic!("{text}\n{e}"));
        std::fs::write(dir.path().join("small.csv"), random_csv(&design, *samples)).expect("write the data");
        let data = Dataset::load(&design.data.source).expect("the data just written");
        let rtl = Rtl::generate(&design).expect("the templates render");
        Rig { design, rtl, data, dir: Arc::new(dir) }
    }
}

/// Samples of values 0 to 255, a third of them 0 as in images; classes in turn.
fn random_csv(design: &Design, samples: usize) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(design.training.seed);
    let mut csv = String::new();
    for sample in 0..samples {
        for word in 0..design.inputs {
            // The first word is the largest, so that the scale of the set is 255.
            let value = if sample + word == 0 { 255 } else { rng.random_range(-128..256).max(0) };
            write!(csv, "{value},").expect("write to a string");
        }
        writeln!(csv, "{}", sample % design.outputs()).expect("write to a string");
    }
    csv
}

/// Models that take no longer to compile than they must, kept in the cache of all tests.
pub fn options() -> Options {
    Options { profile: Profile::Unoptimised, cache: Some(super::model_cache()), ..Options::default() }
}

impl Rig {
    pub fn run(&self, options: &Options) -> Result<Report, CosimError> {
        cosim::run(&self.design, &self.rtl, options, &AtomicBool::new(false), &mut |_| {})
    }

    /// Runs with and without handshakes that stall at random: the same states, later.
    pub fn stalls_change_no_weight(&self) {
        let plain = self.run(&options()).unwrap_or_else(|e| panic!("{e}"));
        let stalls = Stalls { input: 0.2, output: 0.2, conversion: 0.5, seed: 3 };
        let stalled = self.run(&Options { stalls, ..options() }).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(stalled.states, plain.states);
        assert!(stalled.summary.cycles_total > plain.summary.cycles_total);
    }

    pub fn build(&self) -> Library {
        cosim::build(&self.design, &self.rtl, &options()).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn session(&self, library: &Library, options: &Options) -> Session {
        Session::new(&self.design, library, options).expect("the machine starts")
    }

    /// Runs samples `from ..` of the data in order, all values and (without stalls) cycles checked.
    pub fn samples(&self, session: &mut Session, range: std::ops::Range<usize>, mode: Mode) -> Result<(), CosimError> {
        let order: Vec<usize> = range.collect();
        session.samples(&self.data, &order, mode, &AtomicBool::new(false), &mut |_| {}).map(|_| ())
    }
}

/// Runs one sample of the given codes through RTL and golden model, all values checked but no cycles. The machine must be
/// idle, and is idle again afterwards.
pub fn one_sample(session: &mut Session, x: &[i32], t: Option<&[i32]>) -> Result<SampleCycles, CosimError> {
    let mode = if t.is_some() { Mode::Train } else { Mode::Infer };
    let bench = &mut session.bench;
    session.golden.run(x, t.unwrap_or(&[]), mode, &mut bench.scoreboard.trace).expect("finite devices");
    bench.scoreboard.mode = mode;
    bench.scoreboard.begin();
    bench.forget();
    let modes = if t.is_some() { 0b110 } else { 0 };
    let control = bench.address("CTRL");
    bench.write(control, modes)?;
    bench.send(x, t);
    bench.checking = true;
    bench.write(control, modes | 1)?;
    let mut waited = 0;
    let measured = loop {
        if let Step::SampleEnd(measured) = bench.step()? {
            break measured;
        }
        waited += 1;
        assert!(waited < 100_000, "the sample does not end: {:?}", bench.phase());
    };
    bench.scoreboard.end(&measured, &[], bench.cycle())?;
    bench.checking = false;
    bench.write(control, modes)?;
    while bench.outputs.is_empty() {
        bench.step()?;
        waited += 1;
        assert!(waited < 200_000, "the output vector does not come");
    }
    let got = bench.outputs.pop_front().expect("a vector has come");
    let want = bench.scoreboard.trace.output().to_vec();
    bench.scoreboard.output(session.samples, &want, &got, bench.cycle())?;
    wait_idle(session)?;
    Ok(measured)
}

/// Waits until STATUS says that nothing is in the machine.
pub fn wait_idle(session: &mut Session) -> Result<(), CosimError> {
    let status = session.bench.address("STATUS");
    for _ in 0..10_000 {
        if session.bench.read(status)? & 1 == 0 {
            return Ok(());
        }
    }
    panic!("the machine does not become idle: {:?}", session.bench.phase());
}
