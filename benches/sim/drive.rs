//! Clock cycles per second of the digits design, the same stimulus through our harness and through its peers. All of them run in one thread,
//! and it is its processor time that counts: what else the machine does then matters less.

use cpu_time::ThreadTime;
use memrtl::report::figures::{Bar, Figure};
use verilated::{Cache, Input, Model, ModelBuilder, Options, Output, Verilator};

use super::peers::{Place, Process};
use super::stimulus::{INPUTS, OUTPUTS, RESET, Stimulus, add, settled};
use super::{Bench, median};

const ROUNDS: usize = 7;
/// Passes through the stimulus, so that a measurement takes about half a second (cocotb: some seconds).
const PASSES: u64 = 80;
const SLOW_PASSES: u64 = 8;

/// How one contestant fared.
pub struct Ran {
    pub cycles: u64,
    pub seconds: f64,
    /// Sampled outputs of the first pass, and of all.
    pub first: u64,
    pub all: u64,
}

impl Ran {
    pub fn speed(&self) -> f64 {
        self.cycles as f64 / self.seconds
    }
}

/// Our harness with its handles.
struct Ours {
    model: Model,
    clock: Input,
    inputs: [Input; INPUTS.len()],
    outputs: [Output; OUTPUTS.len()],
}

impl Ours {
    fn new(builder: &ModelBuilder, cache: &Cache) -> Result<Ours, verilated::Error> {
        let model = builder.build(cache)?.instantiate(Options::default())?;
        let input = |(name, width)| model.input(name, width).unwrap_or_else(|error| panic!("{error}"));
        let output = |(name, width)| model.output(name, width).unwrap_or_else(|error| panic!("{error}"));
        let (clock, inputs, outputs) = (input(("aclk", 1)), INPUTS.map(input), OUTPUTS.map(output));
        Ok(Ours { model, clock, inputs, outputs })
    }

    /// The bare loop: set what changes, run a cycle, sample.
    #[inline]
    fn pass(&mut self, words: &[u64], mut sample: impl FnMut(&Model, &[Output])) -> Result<(), verilated::Error> {
        let mut at = 1;
        for _ in 0..words[0] {
            let changes = words[at] as usize;
            for change in words[at + 1..at + 1 + 2 * changes].chunks_exact(2) {
                self.model.set(self.inputs[change[0] as usize], change[1]);
            }
            at += 1 + 2 * changes;
            self.model.cycle(self.clock)?;
            sample(&self.model, &self.outputs);
        }
        Ok(())
    }

    fn run(&mut self, words: &[u64], passes: u64) -> Result<Ran, verilated::Error> {
        let (mut all, mut first) = (0, 0);
        let started = ThreadTime::now();
        for pass in 0..passes {
            self.pass(words, |model, outputs| {
                for &output in outputs {
                    all = add(all, model.get(output));
                }
            })?;
            if pass == 0 {
                first = all;
            }
        }
        Ok(Ran { cycles: passes * words[0], seconds: started.elapsed().as_secs_f64(), first, all })
    }

    /// One pass; what [`Stimulus::recorded`] adds up.
    fn replayed(&mut self, words: &[u64]) -> Result<u64, verilated::Error> {
        let (mut cycle, mut sum) = (0, 0);
        self.pass(words, |model, outputs| {
            if cycle >= RESET.len() {
                let kept = OUTPUTS.iter().zip(outputs).filter(|(o, _)| settled(o.0));
                sum = kept.fold(sum, |sum, o| add(sum, model.get(*o.1)));
            }
            cycle += 1;
        })?;
        Ok(sum)
    }
}

/// Somebody who runs the stimulus, too.
struct Peer {
    name: &'static str,
    /// Of our speed over theirs.
    bar: Bar,
    rounds: usize,
    passes: u64,
    process: Process,
    speeds: Vec<f64>,
}

pub fn measure(bench: &mut Bench) {
    let stimulus = Stimulus::record(&bench.design, &bench.rtl, &bench.cache, &bench.stimulus());
    let mut tools: Vec<Verilator> = bench.peer_verilator().into_iter().collect();
    match Verilator::find() {
        Ok(found) if tools.iter().all(|t| t.version() != found.version()) => tools.push(found),
        Ok(_) => {}
        Err(error) => bench.results.missing.push(error.to_string()),
    }
    for (index, verilator) in tools.iter().enumerate() {
        // marlin and cocotb take part once, with the newest.
        with(bench, &stimulus, verilator, index == 0);
    }
}

fn with(bench: &mut Bench, stimulus: &Stimulus, verilator: &Verilator, everybody: bool) {
    let cache = Cache::new(&bench.cache);
    let builder = bench.builder(verilator);
    let flags = builder.optimisation_flags();
    let mut peers = Vec::new();
    let mut enter = |name, bar, rounds, passes, process: Result<Process, String>| match process {
        Ok(process) => peers.push(Peer { name, bar, rounds, passes, process, speeds: Vec::new() }),
        Err(why) => bench.results.missing.push(format!("{name}: {why}")),
    };
    let place = Place { target: &bench.target, folder: &bench.folder, verilator, flags: &flags };
    enter("hand-written C++ loop", Bar::AtLeast(0.95), ROUNDS, PASSES, place.hand_written());
    if everybody {
        enter("marlin, static", Bar::AtLeast(1.5), ROUNDS, PASSES, place.marlin("static", false));
        enter("marlin, static, our C++ flags", Bar::None, ROUNDS, PASSES, place.marlin("static", true));
        enter("marlin, dynamic", Bar::AtLeast(10.0), ROUNDS, SLOW_PASSES, place.marlin("dynamic", false));
        enter("cocotb", Bar::AtLeast(100.0), 3, 1, place.cocotb());
    }

    let mut ours = Ours::new(&builder, &cache).unwrap_or_else(|error| panic!("{error}"));
    let mut unfolded =
        Ours::new(&builder.clone().fold_falling_edge(false), &cache).unwrap_or_else(|error| panic!("{error}"));
    let replayed = Ours::new(&builder, &cache).and_then(|mut fresh| fresh.replayed(&stimulus.words));
    assert_eq!(replayed.ok(), Some(stimulus.recorded), "the stimulus does not do what was recorded");
    let (mut speeds, mut unfolded_speeds) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let ran = ours.run(&stimulus.words, PASSES).unwrap_or_else(|error| panic!("{error}"));
        let same = unfolded.run(&stimulus.words, PASSES).unwrap_or_else(|error| panic!("{error}"));
        if round == 0 {
            assert_eq!((ran.first, ran.all), (same.first, same.all), "one and two evaluations a cycle");
        }
        speeds.push(ran.speed());
        unfolded_speeds.push(same.speed());
        for peer in peers.iter_mut().filter(|peer| round < peer.rounds) {
            let theirs = peer.process.run(&bench.stimulus(), peer.passes);
            // Later rounds of ours begin with what the round before left in the memories.
            if round == 0 {
                assert_eq!(theirs.first, ran.first, "{} does something else", peer.name);
                assert!(peer.passes != PASSES || theirs.all == ran.all, "{} does something else", peer.name);
            }
            peer.speeds.push(theirs.speed());
        }
    }
    let (label, ours) = (format!("cycles/s, Verilator {}", verilator.version()), median(speeds));
    for peer in peers {
        let title = format!("{label} ({})", peer.name);
        bench.results.figures.push(Figure::against(&title, ours, "1/s", median(peer.speeds), peer.bar));
    }
    let title = format!("{label} (ours, two evaluations a cycle)");
    bench.results.figures.push(Figure::against(&title, ours, "1/s", median(unfolded_speeds), Bar::None));
}
