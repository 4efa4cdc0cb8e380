//! Samples per second of golden training, one thread; then the gain of a second one.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use memrtl::report::figures::{Bar, Figure};
use memrtl::spec::Design;
use memrtl::train::{self, Options, Outcome, Summary};

use super::{Peers, Results, digits, large, median};

const ROUNDS: usize = 7;

fn sweep(design: &Design, seeds: &[u64], jobs: usize, limit: Option<usize>) -> Summary {
    let options = Options { seeds: seeds.to_vec(), jobs, limit, reference: false };
    train::sweep(design, &options, &AtomicBool::new(false), &|_| {}).unwrap_or_else(|error| panic!("{error}"))
}

pub fn measure(folder: &Path, peers: &mut Peers, results: &mut Results) {
    const STEP: &str = "model = \"constant_step\"";
    let sgd = "optimizer = \"sgd\"\nlearning_rate = 0.05";
    let history = "learning_rate = 0.02\nmomentum = 0.9\nhistory = 4";
    let preset = digits(1, "model = \"ideal\"").expect("the preset is valid");
    let plain = large(folder, sgd, STEP).expect("a valid spec");
    let momentum = large(folder, history, STEP).expect("a valid spec");
    let exact = large(folder, history, "model = \"ideal\"").expect("a valid spec");
    let (mut golden, mut numpy, mut analog) = (vec![Vec::new(); 4], vec![Vec::new(); 2], Vec::new());
    for _ in 0..ROUNDS {
        for (speeds, (design, limit)) in
            golden.iter_mut().zip([(&preset, None), (&plain, Some(500)), (&momentum, Some(500)), (&exact, Some(500))])
        {
            speeds.push(sweep(design, &[1], 1, limit).runs[0].samples_per_second);
        }
        numpy[0].extend(peers.numpy("64 32 10 2000"));
        numpy[1].extend(peers.numpy("784 256 10 200"));
        analog.extend(peers.analog("train constant_step 784 256 10 60"));
    }
    let mut row = |name: &str, speeds: &[f64], peer: (&str, &[f64]), bar: Bar| {
        let speed = median(speeds.to_vec());
        results.figures.push(if peer.1.is_empty() {
            Figure::new(name, speed, "1/s", bar)
        } else {
            Figure::beside(&format!("{name} ({})", peer.0), speed, "1/s", median(peer.1.to_vec()), bar)
        });
    };
    row("training, digits 64-32-10, ideal, history 8", &golden[0], ("numpy", &numpy[0]), Bar::AtLeast(40_000.0));
    row("training, 784-256-10, constant step, no momentum", &golden[1], ("aihwkit", &analog), Bar::AtLeast(1500.0));
    row("training, 784-256-10, constant step, history 4", &golden[2], ("numpy", &numpy[1]), Bar::None);
    row("training, 784-256-10, ideal, history 4", &golden[3], ("numpy", &numpy[1]), Bar::None);
}

/// Eight seeds of the digits on one thread and on two, and what the machine gives to two threads that share nothing: virtual cores may
/// be two halves of one, and others may use them.
pub fn cores(results: &mut Results) {
    let design = digits(1, "model = \"ideal\"").expect("the preset is valid");
    let seeds: Vec<u64> = (1..=8).collect();
    let outcomes = |s: &Summary| s.runs.iter().map(|r| r.outcome.clone()).collect::<Vec<Outcome>>();
    let (mut one, mut two, mut same) = (Vec::new(), Vec::new(), true);
    let (mut apart, mut counted) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        let (single, double) = (sweep(&design, &seeds, 1, None), sweep(&design, &seeds, 2, None));
        same &= outcomes(&single) == outcomes(&double);
        one.push(single.samples_per_second);
        two.push(double.samples_per_second);
        // Each thread with a design, data and thread pool of its own.
        apart.push(both(&[1, 2], |half| {
            let design = digits(half, "model = \"ideal\"").expect("the preset is valid");
            let own: Vec<u64> = seeds.iter().copied().filter(|seed| seed % 2 == half % 2).collect();
            sweep(&design, &own, 1, None).runs.iter().map(|r| r.outcome.samples as f64).sum()
        }));
        counted[0].push(both(&[1], count));
        counted[1].push(both(&[1, 2], count));
    }
    let [counted_one, counted_two] = counted.map(median);
    let mut row = |figure: &str, value: f64, unit: &str, baseline: f64, bar: Bar| {
        results.figures.push(Figure::against(figure, value, unit, baseline, bar));
    };
    let single = median(one);
    row("training, 8 seeds of digits, two threads (one thread)", median(two), "1/s", single, Bar::AtLeast(1.8));
    row("the same as two separate sweeps at once: what the machine gives", median(apart), "1/s", single, Bar::None);
    row("arithmetic in registers, two threads (one thread)", counted_two, "1/s", counted_one, Bar::None);
    results.figures.push(Figure::new("one and two threads agree to the bit", f64::from(same), "", Bar::Exactly(1.0)));
}

/// Work done per second by one thread for each of `inputs`, all at once, until the last one has ended.
fn both(inputs: &[u64], work: impl Fn(u64) -> f64 + Sync) -> f64 {
    let (started, work) = (Instant::now(), &work);
    let done: f64 = thread::scope(|scope| {
        let threads: Vec<_> = inputs.iter().map(|&input| scope.spawn(move || work(input))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the work ends")).sum()
    });
    done / started.elapsed().as_secs_f64()
}

/// Steps of a generator that lives in a register.
fn count(seed: u64) -> f64 {
    const STEPS: u64 = 300_000_000;
    let last = (0..STEPS).fold(seed, |x, _| x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    black_box(last);
    STEPS as f64
}
