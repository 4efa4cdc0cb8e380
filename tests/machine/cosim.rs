//! Co-simulation of whole designs: RTL, golden model, cycle model and f64 reference hold together, and the machine obeys the
//! algebra of the algorithm.

use crate::common;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::common::{Small, far_from_float, on_all_cores, one_sample, options};
use approx::assert_abs_diff_eq;
use memrtl::cosim::{self, Options, Report, Stalls};
use memrtl::fixed;
use memrtl::golden::{Mode, SampleTrace, encode};
use memrtl::phases::{Counter, Phase};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend};

const BACKENDS: [Backend; 2] = [Backend::External, Backend::Emulated];

fn digits(backend: Backend) -> Report {
    let text = spec::preset("digits").expect("the preset");
    let mut design = spec::parse(text, "digits.toml", Path::new("")).expect("a valid preset");
    design.array.backend = backend;
    let rtl = Rtl::generate(&design).expect("the templates render");
    let options = Options { cache: Some(common::model_cache()), ..Options::default() };
    cosim::run(&design, &rtl, &options, &AtomicBool::new(false), &mut |_| {}).unwrap_or_else(|e| panic!("{e}"))
}

/// The main job: all epochs of the digits, every value and every cycle checked on the way.
#[test]
fn digits_train_exactly_and_alike_on_both_arrays() {
    let reports = std::thread::scope(|scope| {
        let runs = BACKENDS.map(|backend| scope.spawn(move || digits(backend)));
        runs.map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    for Report { summary, training, .. } in &reports {
        assert_eq!((summary.mismatches, summary.samples), (0, 8 * 1437), "{summary:#?}");
        assert_eq!(summary.cycles_total, summary.cycles_predicted, "{summary:#?}");
        assert_eq!(summary.cycles_total, training.total());
        assert!(summary.array_busy >= 0.8, "{summary:#?}");
        assert!(summary.epochs.len() <= 8 && summary.accuracy >= 0.95, "{summary:#?}");
        for epoch in &summary.epochs {
            assert_eq!(epoch.rtl, epoch.golden, "{summary:#?}");
        }
    }
    let [external, emulated] = &reports;
    assert!(external.states == emulated.states, "the arrays end with different weights");
    assert_eq!(external.summary.weights_hash, emulated.summary.weights_hash);
    assert_eq!(external.summary.epochs, emulated.summary.epochs);
    assert_eq!(
        (external.summary.slots, external.summary.slots_skipped),
        (emulated.summary.slots, emulated.summary.slots_skipped)
    );
}

#[test]
fn counters_on_the_bus_equal_what_the_bench_measures() {
    for backend in BACKENDS {
        // Coarse pulses, so that some pairs give none.
        let (array, device) = ("adcs = 2\nlanes = 2\npulse_bits = 3", "state_bits = 14");
        let training = "learning_rate = 0.5\nmomentum = 0.2\nhistory = 3\nseed = 7";
        let rig = Small { training, array, device, ..Small::default() }.rig(backend);
        let library = rig.build();
        let mut session = rig.session(&library, &options());
        let (mut slots, mut pairs) = (0, 0);
        let order: Vec<usize> = (0..9).collect();
        session
            .samples(&rig.data, &order, Mode::Train, &AtomicBool::new(false), &mut |session| {
                let layers = &session.bench.scoreboard.trace.layers;
                slots += layers.iter().map(|l| l.slots.len()).sum::<usize>() as u64;
                pairs += layers.iter().map(|l| l.slots.len() + l.skipped).sum::<usize>() as u64;
            })
            .unwrap();
        let trained = session.totals.trained;
        let mut count = |counter: Counter| session.bench.counter(counter.name()).unwrap();
        // Between the last sample and the end of `run` the machine waits for input: these cycles are nobody's sample.
        let waited = count(Counter::Phase(Phase::WaitInput)) - trained.phase(Phase::WaitInput);
        assert_eq!(count(Counter::Cycles), trained.total() + waited);
        for phase in [Phase::Load, Phase::Forward, Phase::Backward, Phase::Update, Phase::WaitOutput] {
            assert_eq!(count(Counter::Phase(phase)), trained.phase(phase), "{phase:?}");
        }
        assert_eq!(count(Counter::ArrayBusy), trained.array_busy);
        assert_eq!(count(Counter::Samples), order.len() as u64);
        assert_eq!(count(Counter::Slots), slots);
        assert_eq!(count(Counter::SlotsSkipped), pairs - slots);
        assert!(slots > order.len() as u64 && pairs > slots, "{slots} slots of {pairs} pairs test little");

        // A machine told to run without samples waits, and counts every cycle of it.
        let bench = &mut session.bench;
        bench.write(bench.address("CTRL"), 1).unwrap();
        // The factors of two earlier samples are formed first, 16 cycles each.
        for _ in 0..50 {
            bench.step().unwrap();
        }
        for counter in [Counter::Cycles, Counter::Phase(Phase::WaitInput)] {
            let (before, from) = (bench.counter(counter.name()).unwrap(), bench.cycle());
            for _ in 0..1000 {
                bench.step().unwrap();
            }
            let (after, to) = (bench.counter(counter.name()).unwrap(), bench.cycle());
            assert_eq!(after - before, to - from, "{counter:?}");
        }
        bench.write(bench.address("CTRL"), 0).unwrap();
        let clear = bench.registers.mask("COMMAND", "clear_counters").unwrap();
        bench.write(bench.address("COMMAND"), clear).unwrap();
        for counter in Counter::ALL {
            assert_eq!(bench.counter(counter.name()).unwrap(), 0, "{counter:?}");
        }
    }
}

/// Random handshakes on all sides change when things happen, never what happens.
#[test]
fn stalls_change_no_weight() {
    for backend in BACKENDS {
        let rig = Small::default().rig(backend);
        let still = rig.run(&options()).unwrap_or_else(|e| panic!("{e}"));
        let mut slower = 0;
        for (input, output, conversion) in [(0.9, 0.0, 0.0), (0.0, 0.998, 0.0), (0.0, 0.0, 0.9), (0.6, 0.6, 0.6)] {
            let stalls = Stalls { input, output, conversion, seed: 11 };
            let report = rig.run(&Options { stalls, watchdog: 400, ..options() }).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(report.states, still.states, "{backend:?} {stalls:?}");
            slower += u32::from(report.summary.cycles_total > still.summary.cycles_total);
        }
        assert!(slower > 0, "{backend:?}: no stall was ever felt");
    }
}

/// A group of codes that waits for the read path is taken without a change of `adc_valid`: the bench has to wake all the same. Several
/// sizes, for whether another signal wakes it is a matter of where they lie in the model's memory.
#[test]
fn codes_that_wait_are_seen() {
    on_all_cores(&[33, 40, 43, 50, 57, 64], |outputs| {
        let network: &str = &format!("inputs = 3\nlayers = [ {{ outputs = {outputs}, activation = \"linear\" }} ]");
        let small = Small { network, array: "adcs = 32\nlanes = 1", samples: 2 * outputs, ..Small::default() };
        let report = small.rig(Backend::Emulated).run(&options()).unwrap_or_else(|e| panic!("{outputs} columns: {e}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "{outputs} columns");
    });
}

/// Contract 2c. With a history longer than the run, truncated momentum is momentum: what remains is rounding, and that shrinks
/// with the widths. In the fine machine the largest part is eta gamma^j, cut to 14 fraction bits: on average half a unit in each
/// of the terms that are not yet 0, 0.1 % of the sum for the learning rate of 1/4, 0.5 % for 1/16.
#[test]
fn weights_follow_the_f64_reference_within_the_resolution_of_the_codes() {
    let fast = "learning_rate = 0.25\nmomentum = 0.625\nhistory = 100\nseed = 3";
    let slow = "learning_rate = 0.0625\nmomentum = 0.625\nhistory = 100\nseed = 3";
    for (training, bound, network) in [
        (
            fast,
            0.002,
            "{ outputs = 6, activation = \"tanh\", error_range = 0.5, max_update = 0.125 },
             { outputs = 4, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5, max_update = 0.0625 }",
        ),
        // (t - o) f' of the tanh exceeds 1.
        (
            fast,
            0.002,
            "{ outputs = 5, activation = \"sigmoid\", error_range = 1.0, max_update = 0.25 },
             { outputs = 4, activation = \"tanh\", error_range = 2.0, back_range = 4.0, max_update = 0.5 }",
        ),
        (fast, 0.002, "{ outputs = 4, activation = \"sigmoid\", error_range = 0.25, max_update = 0.0625 }"),
        (
            slow,
            0.01,
            "{ outputs = 6, activation = \"relu\", error_range = 8.0, max_update = 0.5 },
             { outputs = 4, activation = \"linear\", error_range = 4.0, back_range = 8.0, max_update = 1.0 }",
        ),
    ] {
        let network: &str = &format!("inputs = 8\nlayers = [ {network} ]");
        let distance = |array, device| {
            let small = Small { network, training, array, device, samples: 60, ..Small::default() };
            let rig = small.rig(Backend::External);
            far_from_float(&rig, cosim::float_net(&rig.design), 40)
        };
        let fine = distance("dac_bits = 12\nadc_bits = 14\npulse_bits = 12\nerror_bits = 16", "state_bits = 24");
        let coarse = distance("dac_bits = 7\nadc_bits = 8\npulse_bits = 7", "state_bits = 14");
        assert_abs_diff_eq!(fine, 0.0, epsilon = bound);
        assert!(coarse > 5.0 * fine, "{coarse} coarse, {fine} fine\n{network}");
    }
}

/// Whatever the unit: without momentum it is plain SGD, to the last bit.
#[test]
fn a_history_without_momentum_is_plain_sgd() {
    for backend in BACKENDS {
        let with = |training| Small { training, ..Small::default() }.rig(backend).run(&options()).unwrap();
        let history = with("learning_rate = 0.5\nmomentum = 0.0\nhistory = 5\nepochs = 2\nseed = 7");
        let none = with("optimizer = \"sgd\"\nlearning_rate = 0.5\nepochs = 2\nseed = 7");
        let momentum = with("learning_rate = 0.5\nmomentum = 0.5\nhistory = 5\nepochs = 2\nseed = 7");
        assert_eq!(history.states, none.states, "{backend:?}");
        assert_eq!(history.summary.slots, none.summary.slots);
        assert_ne!(history.states, momentum.states, "momentum must make a difference");
    }
}

/// One gradient, then samples without any error: each cell moves by `eta (1 - gamma^n) / (1 - gamma) x y` over the n steps that
/// the pair stays in the history, and by nothing afterwards.
#[test]
fn a_gradient_is_written_with_falling_weight_until_it_leaves_the_history() {
    let small = Small {
        training: "learning_rate = 0.5\nmomentum = 0.75\nhistory = 4\nseed = 5",
        array: "adcs = 2\nlanes = 2\npulse_bits = 12\nerror_bits = 12",
        device: "state_bits = 24",
        ..Small::default()
    };
    let rig = small.rig(Backend::Emulated);
    let design = &rig.design;
    let (layers, n) = (&design.layers, design.training.history);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let states = |session: &mut cosim::Session| -> Vec<Vec<i32>> {
        (0..design.layers.len()).map(|l| session.bench.read_states(l).unwrap()).collect()
    };

    let start = states(&mut session);
    let x = |sample: usize| encode::input_codes(design, rig.data.sample(sample));
    one_sample(&mut session, &x(0), Some(&encode::target_codes(design, 1))).unwrap();
    let gradient = session.bench.scoreboard.trace.clone();
    let mut before = states(&mut session);
    for step in 1..n + 3 {
        // What the machine puts out anyway is the target: no error.
        let mut trace = SampleTrace::default();
        session.golden.run(&x(step), &[], Mode::Infer, &mut trace).expect("finite devices");
        one_sample(&mut session, &x(step), Some(trace.output())).unwrap();
        let after = states(&mut session);
        assert_eq!(after != before, step < n, "step {step}");
        before = after;
    }

    let (eta, gamma) = (design.training.learning_rate, design.training.momentum);
    let total = eta * (1.0 - gamma.powi(n as i32)) / (1.0 - gamma);
    for (index, layer) in layers.iter().enumerate() {
        let trace = &gradient.layers[index];
        let weight = |s: i32| fixed::real(s.into(), design.device.state_bits, layer.ranges.weight);
        let y = |n: usize| fixed::real(trace.y[n].into(), design.array.error_bits, layer.ranges.error);
        let x = |m: usize| fixed::real(trace.x[m].into(), design.array.dac_bits, layer.ranges.input);
        assert!(trace.y.iter().any(|y| y.abs() > 50), "layer {index} has no gradient to speak of: {:?}", trace.y);
        for (cell, (&s, &s0)) in before[index].iter().zip(&start[index]).enumerate() {
            let (m, n) = (cell / layer.outputs, cell % layer.outputs);
            // Per write: half a pulse unit, a cut factor of 14 fraction bits, half a state step.
            let pulse = 2f64.powi(layer.ranges.update - layer.ranges.input - design.array.pulse_bits as i32);
            let rounding = 0.5 * pulse * x(m).abs() + 2f64.powi(-14) * (x(m) * y(n)).abs() + 0.5 * weight(1);
            assert_abs_diff_eq!(weight(s - s0), total * x(m) * y(n), epsilon = 4.0 * rounding);
        }
    }
}

/// Forward and transposed read go through the same conductances: `<u, W x> = <W^T u, x>`, exactly, because the shifts from sum
/// to ADC code are 0 here and no code saturates.
#[test]
fn both_reads_see_the_same_conductances() {
    let small = Small {
        network: "inputs = 9\nlayers = [ { outputs = 7, activation = \"tanh\", read_range = 128.0 }, \
                  { outputs = 6, activation = \"tanh\", read_range = 128.0, back_range = 128.0, error_range = 1.0 } ]",
        training: "learning_rate = 0.4\nmomentum = 0.5\nhistory = 2\nseed = 4",
        array: "dac_bits = 4\nadc_bits = 14\npulse_bits = 6\nadcs = 4\nlanes = 2",
        device: "state_bits = 6",
        ..Small::default()
    };
    for backend in BACKENDS {
        let rig = small.rig(backend);
        let layer = &rig.design.layers[1];
        assert_eq!((layer.shifts.forward, layer.shifts.backward), (0, 0));
        let library = rig.build();
        let mut session = rig.session(&library, &options());
        let mut seen = 0;
        for sample in 0..rig.data.len().min(12) {
            let x = encode::input_codes(&rig.design, rig.data.sample(sample));
            let t = encode::target_codes(&rig.design, usize::from(rig.data.labels[sample]));
            let bias: Vec<i32> = session.golden.states(1)[layer.inputs * layer.outputs..].to_vec();
            // The scoreboard has held all codes on the pins against this trace.
            one_sample(&mut session, &x, Some(&t)).unwrap();
            let l = &session.bench.scoreboard.trace.layers[1];
            let dot = |a: &[i32], b: &[i32]| a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum::<i64>();
            let forward = dot(&l.drive, &l.read);
            // The transposed read leaves the bias row out.
            let backward = dot(&l.x, &l.back) + i64::from(l.x[layer.inputs]) * dot(&l.drive, &bias);
            assert_eq!(forward, backward, "{backend:?} sample {sample}");
            seen += i64::from(forward != 0);
        }
        assert!(seen > 3, "all products were zero");
    }
}

#[test]
fn reads_leave_the_states_alone() {
    let rig = Small::default().rig(Backend::Emulated);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    rig.samples(&mut session, 0..5, Mode::Train).unwrap();
    let before: Vec<_> = (0..2).map(|l| session.bench.read_states(l).unwrap()).collect();
    let mut outputs = Vec::new();
    for _ in 0..2 {
        for sample in 0..6 {
            let x = encode::input_codes(&rig.design, rig.data.sample(sample));
            one_sample(&mut session, &x, None).unwrap();
            outputs.push(session.bench.scoreboard.trace.output().to_vec());
        }
    }
    assert_eq!(outputs[..6], outputs[6..], "the second inference of a sample gives something else");
    let after: Vec<_> = (0..2).map(|l| session.bench.read_states(l).unwrap()).collect();
    assert_eq!(before, after);
    session.check_states().unwrap();
}
