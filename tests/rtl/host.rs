//! A host's view of a machine: registers at run time, soft reset at any moment, broken packets, weights and counters over the bus.

use crate::common;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use memrtl::cosim::{self, CosimError, Options, Session, Step};
use memrtl::data::Dataset;
use memrtl::golden::{Machine, Mode, encode, initial_states};
use memrtl::phases::{Counter, Phase};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend, DataSource, Design};
use verilated::Profile;

const SLVERR: u32 = 2;

fn design(backend: Backend) -> Design {
    let mut design =
        spec::parse(spec::preset("tiny").unwrap(), "tiny", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
    design.array.backend = backend;
    design.refresh_hash();
    design
}

fn session(design: &Design) -> Session {
    let options = Options { profile: Profile::QuickBuild, cache: Some(common::model_cache()), ..Options::default() };
    let rtl = Rtl::generate(design).unwrap();
    let library = cosim::build(design, &rtl, &options).unwrap_or_else(|e| panic!("{e}"));
    Session::new(design, &library, &options).unwrap_or_else(|e| panic!("{e}"))
}

/// Answers to writes of the learning rate, one after the other, from the one that lets the machine run on.
fn answers_from_run_on(design: &Design, rtl: &Rtl) -> Vec<u32> {
    let options = Options { profile: Profile::QuickBuild, cache: Some(common::model_cache()), ..Options::default() };
    let library = cosim::build(design, rtl, &options).unwrap_or_else(|e| panic!("{e}"));
    let mut s = Session::new(design, &library, &options).unwrap_or_else(|e| panic!("{e}"));
    let (control, rate) = (s.bench.address("CTRL"), s.bench.address("LEARNING_RATE"));
    s.bench.write(control, 1).unwrap();
    (0..80).map(|i| s.bench.write_strobed(rate, 700 + i, 0xf).unwrap()).collect()
}

/// What the factors of earlier gradients follow from cannot change while they are formed, nor between that and the first sample.
#[test]
fn settings_are_locked_from_run_on() {
    let design = design(Backend::External);
    let rtl = Rtl::generate(&design).unwrap();
    assert!(answers_from_run_on(&design, &rtl).iter().all(|&answer| answer == SLVERR));
    let open = common::mutated(&rtl, &[("", "|| out_busy || run)", "|| out_busy)")]);
    assert!(answers_from_run_on(&design, &open).contains(&0));
}

fn data() -> Dataset {
    Dataset::load(&DataSource::Digits).unwrap().select(&(0..12).collect::<Vec<_>>())
}

/// Trains or infers samples `range`, everything checked.
fn run(session: &mut Session, range: std::ops::Range<usize>, mode: Mode) {
    let order: Vec<usize> = range.collect();
    let stop = AtomicBool::new(false);
    session.samples(&data(), &order, mode, &stop, &mut |_| {}).unwrap_or_else(|e| panic!("{e}"));
    session.check_states().unwrap_or_else(|e| panic!("{e}"));
}

/// Golden model and arrays back to the design's initial weights, with an empty history.
fn start_over(session: &mut Session, design: &Design) -> Result<(), CosimError> {
    session.golden = Machine::new(design).expect("a usable device");
    for (index, layer) in design.layers.iter().enumerate() {
        let states = initial_states(design, index, layer);
        match &mut session.bench.arrays[index].crossbar {
            Some(crossbar) => crossbar.load(&states),
            None => session.bench.write_states(index, &states)?,
        }
    }
    Ok(())
}

fn soft_reset(session: &mut Session) {
    let command = session.bench.address("COMMAND");
    session.bench.checking = false;
    session.bench.write(command, 1).unwrap();
    // What was on its way out leaves; the host throws it away.
    for _ in 0..20 {
        session.bench.step().unwrap();
    }
    session.bench.forget();
}

#[test]
fn rate_momentum_and_depth_change_between_samples() {
    for backend in [Backend::External, Backend::Emulated] {
        let design = design(backend);
        let mut s = session(&design);
        run(&mut s, 0..4, Mode::Train);
        for (rate, momentum, depth) in [(4000, 30000, 3), (500, 65535, 8), (9000, 0, 1), (0, 58982, 8)] {
            let depth = depth.min(design.training.history);
            let registers = [("LEARNING_RATE", rate), ("MOMENTUM", momentum), ("HISTORY", depth as u32)];
            for (name, value) in registers {
                let address = s.bench.address(name);
                s.bench.write(address, value).unwrap();
                assert_eq!(s.bench.read(address).unwrap(), value);
            }
            (s.golden.learning_rate, s.golden.momentum, s.golden.history) = (rate, momentum, depth);
            run(&mut s, 4..8, Mode::Train);
            run(&mut s, 8..10, Mode::Infer);
        }
        // What was not generated cannot be chosen, and the old value stays.
        let history = s.bench.address("HISTORY");
        let before = s.bench.read(history).unwrap();
        for bad in [0, design.training.history as u32 + 1, u32::MAX] {
            assert_eq!(s.bench.write_strobed(history, bad, 0xf).unwrap(), SLVERR, "{bad}");
        }
        assert_eq!(s.bench.read(history).unwrap(), before);
        // Forgetting the history is the same for both.
        let command = s.bench.address("COMMAND");
        s.bench.write(command, 2).unwrap();
        s.golden.clear_history();
        run(&mut s, 0..4, Mode::Train);
    }
}

#[test]
fn soft_reset_at_any_moment_leaves_a_machine_that_works() {
    for backend in [Backend::External, Backend::Emulated] {
        let design = design(backend);
        let mut s = session(&design);
        let (data, control) = (data(), s.bench.address("CTRL"));
        let mut phases = std::collections::BTreeSet::new();
        // Steps of a prime number of cycles walk through all phases of several samples, also into half-received packets.
        for moment in (1..40).map(|i| i * 37) {
            s.bench.write(control, 0b110).unwrap();
            for index in 0..4 {
                let x = encode::input_codes(&design, data.sample(index));
                let t = encode::target_codes(&design, usize::from(data.labels[index]));
                s.bench.send(&x, Some(&t));
            }
            s.bench.write(control, 0b111).unwrap();
            for _ in 0..moment {
                s.bench.step().unwrap();
            }
            phases.insert(s.bench.phase());
            // The host stops sending at the end of a packet, so that the next one starts afresh.
            while s.bench.unsent() > 0 {
                soft_reset(&mut s);
            }
            soft_reset(&mut s);
            let status = s.bench.address("STATUS");
            s.bench.write(status, 0x300).unwrap();
            assert_eq!(s.bench.read(status).unwrap() & 1, 0, "idle after a reset at {moment}");
            assert_eq!(s.bench.read(control).unwrap() & 1, 0, "run is cleared");
            start_over(&mut s, &design).unwrap();
            run(&mut s, 0..2, Mode::Train);
            run(&mut s, 2..3, Mode::Infer);
        }
        for phase in [Phase::Forward, Phase::Backward, Phase::Update] {
            assert!(phases.contains(&phase), "{phase:?} was never cut: {phases:?}");
        }
    }
}

#[test]
fn broken_packets_raise_flags_and_nothing_hangs() {
    let design = design(Backend::External);
    let mut s = session(&design);
    let (status, control) = (s.bench.address("STATUS"), s.bench.address("CTRL"));
    let settle = |s: &mut Session| (0..60).for_each(|_| assert_eq!(s.bench.step().unwrap(), Step::Running));
    // Inference packets of 64 words are 8 beats; one is too short, one too long.
    s.bench.write(control, 0).unwrap();
    (0..5).for_each(|i| s.bench.send_beat(i, i == 4));
    settle(&mut s);
    assert_eq!(s.bench.read(status).unwrap() & 0x301, 0x100);
    (0..11).for_each(|i| s.bench.send_beat(i, i == 10));
    settle(&mut s);
    assert_eq!(s.bench.read(status).unwrap() & 0x301, 0x300);
    s.bench.write(status, 0x100).unwrap();
    assert_eq!(s.bench.read(status).unwrap() & 0x300, 0x200, "cleared one by one");
    s.bench.write(status, 0x200).unwrap();
    run(&mut s, 0..3, Mode::Infer);
    run(&mut s, 0..3, Mode::Train);
    assert_eq!(s.bench.read(status).unwrap() & 0x301, 0);
}

#[test]
fn wrong_addresses_and_locked_registers_answer_slverr() {
    let design = design(Backend::External);
    let mut s = session(&design);
    for address in [0x002, 0x021, 0x01c, 0x3fc, 0xffc] {
        assert_eq!(s.bench.read_response(address).unwrap(), (0, SLVERR), "{address:#x}");
        assert_eq!(s.bench.write_strobed(address, 0, 0xf).unwrap(), SLVERR, "{address:#x}");
    }
    let id = s.bench.address("ID");
    assert_eq!(s.bench.read(id).unwrap(), u32::from_be_bytes(*b"MRTL"));
    assert_eq!(s.bench.write_strobed(id, 0, 0xf).unwrap(), SLVERR);

    // A sample in the machine locks the settings, not the run bit.
    let (control, rate) = (s.bench.address("CTRL"), s.bench.address("LEARNING_RATE"));
    let x = encode::input_codes(&design, data().sample(0));
    s.bench.send(&x, None);
    (0..40).for_each(|_| assert_eq!(s.bench.step().unwrap(), Step::Running));
    assert_eq!(s.bench.write_strobed(rate, 7, 0xf).unwrap(), SLVERR);
    assert_eq!(s.bench.write_strobed(control, 0b010, 0xf).unwrap(), SLVERR);
    s.bench.write(control, 1).unwrap();
    let ended = (0..500).any(|_| matches!(s.bench.step().unwrap(), Step::SampleEnd(_)));
    assert!(ended, "the waiting sample runs");
}

#[test]
fn weights_and_counters_over_the_bus() {
    let design = design(Backend::Emulated);
    let mut s = session(&design);
    let max = (1 << (design.device.state_bits - 1)) - 1;
    for (index, layer) in design.layers.iter().enumerate() {
        let states: Vec<i32> = (0..layer.rows() * layer.outputs).map(|i| (i as i32 * 7919) % max - max / 2).collect();
        s.bench.write_states(index, &states).unwrap();
        assert_eq!(s.bench.read_states(index).unwrap(), states);
    }
    let (row, col, cell) =
        (s.bench.address("WEIGHT_ROW"), s.bench.address("WEIGHT_COL"), s.bench.address("WEIGHT_DATA"));
    let layer = s.bench.address("WEIGHT_LAYER");
    s.bench.write(layer, 1).unwrap();
    s.bench.write(row, design.layers[1].rows() as u32).unwrap();
    s.bench.write(col, 0).unwrap();
    assert_eq!(s.bench.read_response(cell).unwrap().1, SLVERR, "no such row in this layer");
    s.bench.write(row, 0).unwrap();
    assert_eq!(s.bench.write_strobed(cell, max as u32 + 1, 0xf).unwrap(), SLVERR, "beyond the device's range");

    start_over(&mut s, &design).unwrap();
    let command = s.bench.address("COMMAND");
    s.bench.write(command, 4).unwrap();
    run(&mut s, 0..5, Mode::Train);
    let trained = s.totals.trained;
    let mut sum = 0;
    for phase in [Phase::Load, Phase::Forward, Phase::Backward, Phase::Update, Phase::WaitOutput] {
        let counted = s.bench.counter(phase.name()).unwrap();
        assert_eq!(counted, trained.phase(phase), "{}", phase.name());
        sum += counted;
    }
    sum += s.bench.counter(Phase::WaitInput.name()).unwrap();
    assert_eq!(s.bench.counter(Counter::Cycles.name()).unwrap(), sum);
    assert_eq!(s.bench.counter(Counter::ArrayBusy.name()).unwrap(), trained.array_busy);
    assert_eq!(s.bench.counter(Counter::Samples.name()).unwrap(), 5);
    s.bench.write(command, 4).unwrap();
    assert_eq!(s.bench.counter("cycles").unwrap(), 0);
}
