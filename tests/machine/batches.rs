//! Mini-batches: weights stand still within a batch and take its mean gradient, in every unit, through the RTL and against f64.

use crate::common;
use crate::common::{Small, far_from_float, found, options, trained};
use memrtl::cosim::{self, What};
use memrtl::golden::momentum::Kind;
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::rtl::Rtl;
use memrtl::spec::Backend::{self, Emulated, External};
use memrtl::spec::{Design, MomentumKind};

/// `[training]` of a unit, a kind and a batch; `depth`: of the unit `history`.
fn training(unit: &str, depth: usize, kind: MomentumKind, batch: usize, more: &str) -> String {
    let unit = match unit {
        "none" => "optimizer = \"sgd\"".to_owned(),
        "history" => format!("momentum = 0.875\nhistory = {depth}"),
        _ => format!("momentum = 0.875\nmomentum_unit = \"{unit}\""),
    };
    format!("{unit}\nmomentum_kind = \"{}\"\nbatch = {batch}\nseed = 7\n{more}", kind.name())
}

/// Full scales of writes as they follow, as fine as a mean of a batch needs them; with `sram`, which writes whole velocities, large enough
/// for these.
fn network(training: &str) -> String {
    let update = |most: f64| if training.contains("sram") { format!(", max_update = {most:?}") } else { String::new() };
    format!(
        "inputs = 7\nlayers = [ {{ outputs = 5, activation = \"tanh\", error_range = 0.5{} }},\n\
         {{ outputs = 3, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5{} }} ]",
        update(1.0),
        update(0.5)
    )
}

/// Runs with every value and every cycle checked, and the design linted.
fn exact(small: &Small<'_>, backend: Backend) -> cosim::Report {
    let rig = small.rig(backend);
    common::lint(&rig.design, &rig.dir.path().join("rtl"));
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{small:?}: {e}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
    report
}

/// 20 training samples: two epochs fill no whole number of batches of 3 or of 8, so that batches run on across epochs and tests.
#[test]
fn every_unit_is_exact_with_batches() {
    use MomentumKind::{Classical, Dampened, Nesterov};
    let cases: [(&str, MomentumKind, usize, &str, &str, Backend); 16] = [
        ("none", Classical, 3, "adcs = 2\nlanes = 2", "", External),
        ("none", Classical, 8, "adcs = 4\nlanes = 8", "", Emulated),
        ("none", Classical, 2, "adcs = 2\nlanes = 2", "preset = \"ReRamSB\"", External),
        ("history", Classical, 2, "adcs = 2\nlanes = 2", "", Emulated),
        ("history", Dampened, 3, "adcs = 4\nlanes = 8", "", External),
        ("history", Nesterov, 3, "adcs = 2\nlanes = 2", "", External),
        ("history", Nesterov, 4, "adcs = 2\nlanes = 1\nrows = 4\ncols = 2", "preset = \"ReRamSB\"", External),
        ("in_array", Classical, 3, "adcs = 2\nlanes = 2", "", External),
        ("in_array", Dampened, 2, "adcs = 2\nlanes = 2", "preset = \"ReRamSB\"", External),
        ("sram", Classical, 3, "adcs = 2\nlanes = 2", "", External),
        ("sram", Dampened, 2, "adcs = 4\nlanes = 8", "", Emulated),
        ("sram", Nesterov, 3, "adcs = 2\nlanes = 2", "", External),
        ("sram", Nesterov, 8, "adcs = 4\nlanes = 4", "preset = \"ReRamSB\"", External),
        ("tiki_taka", Classical, 2, "adcs = 2\nlanes = 2", "", External),
        ("tiki_taka", Classical, 3, "adcs = 2\nlanes = 2\nrows = 4\ncols = 2", "preset = \"ReRamSB\"", External),
        ("tiki_taka", Classical, 4, "adcs = 4\nlanes = 8\ninput_coding = \"bit_serial\"", "", External),
    ];
    common::on_all_cores(&cases, |&(unit, kind, batch, array, device, backend)| {
        let training = training(unit, 3, kind, batch, "learning_rate = 1.0\nepochs = 2");
        let report = exact(&Small { training: &training, array, device, ..Small::default() }, backend);
        assert!(report.summary.slots > 0, "{training}");
    });
}

/// A batch of one is no batch, to the letter.
#[test]
fn a_batch_of_one_leaves_the_verilog_alone() {
    for unit in ["none", "history", "in_array", "sram", "tiki_taka"] {
        let text = training(unit, 3, MomentumKind::Classical, 1, "learning_rate = 0.5");
        let rtl = |training: &str| Rtl::generate(&Small { training, ..Small::default() }.rig(External).design).unwrap();
        assert_eq!(rtl(&text), rtl(&text.replace("batch = 1\n", "")), "{unit}");
        assert_ne!(rtl(&text), rtl(&text.replace("batch = 1\n", "batch = 2\n")), "{unit}");
    }
}

/// Several threads cut the run at places where ring and batch stand alike: nothing is different, and no cut is refuted.
#[test]
fn threads_change_nothing() {
    for (unit, batch) in [("none", 3), ("history", 3), ("in_array", 2)] {
        let training = training(unit, 2, MomentumKind::Classical, batch, "learning_rate = 1.0\nepochs = 2");
        let rig = Small { training: &training, samples: 150, ..Small::default() }.rig(External);
        let one = rig.run(&options()).unwrap();
        let many = rig.run(&cosim::Options { jobs: 2, cuts: (Some(20), None), ..options() }).unwrap();
        assert!(many.refuted.is_none(), "{unit}: {:?}", many.refuted);
        assert!(many.segments > 2, "{unit}");
        assert_eq!(one.states, many.states, "{unit}");
        assert_eq!(one.summary.cycles_total, many.summary.cycles_total, "{unit}");
    }
}

/// Within a batch nothing reaches the weights, a clear drops what waits, and the next sample begins a batch; so does a reset.
#[test]
fn a_clear_begins_a_batch() {
    for unit in ["none", "history", "in_array", "sram"] {
        let training = training(unit, 2, MomentumKind::Classical, 3, "learning_rate = 1.0");
        let rig = Small { training: &training, ..Small::default() }.rig(External);
        let library = rig.build();
        let mut s = rig.session(&library, &options());
        let states = |s: &cosim::Session| (0..2).map(|layer| s.golden.states(layer)).collect::<Vec<_>>();
        let start = states(&s);
        rig.samples(&mut s, 0..2, Mode::Train).unwrap();
        rig.samples(&mut s, 2..4, Mode::Infer).unwrap();
        assert_eq!(states(&s), start, "{unit}");
        let command = s.bench.address("COMMAND");
        let clear = s.bench.registers.mask("COMMAND", "clear_history").unwrap();
        s.bench.write(command, clear).unwrap();
        s.golden.clear_history();
        rig.samples(&mut s, 4..6, Mode::Train).unwrap();
        assert_eq!(states(&s), start, "{unit}");
        rig.samples(&mut s, 6..7, Mode::Train).unwrap();
        assert_ne!(states(&s), start, "{unit}");
        rig.samples(&mut s, 7..12, Mode::Train).unwrap();
    }
}

/// Velocities decay with the first sample of a batch and move the weights with the last.
#[test]
fn a_batch_in_the_array_decays_and_transfers_once() {
    let training = training("in_array", 1, MomentumKind::Classical, 3, "learning_rate = 1.0");
    let rig = Small { training: &training, ..Small::default() }.rig(External);
    let mut machine = Machine::new(&rig.design).unwrap();
    let mut trace = SampleTrace::default();
    for sample in 0..18 {
        let x = encode::input_codes(&rig.design, rig.data.sample(sample));
        let t = encode::target_codes(&rig.design, usize::from(rig.data.labels[sample]));
        machine.run(&x, &t, Mode::Train, &mut trace).unwrap();
        for layer in &trace.layers {
            let decays = layer.slots.iter().filter(|slot| matches!(slot.kind, Kind::Decay { .. })).count();
            let transfers = layer.slots.iter().filter(|slot| slot.kind == Kind::Transfer).count();
            assert_eq!((decays, transfers), (usize::from(sample % 3 == 0), usize::from(sample % 3 == 2)));
            assert_eq!(layer.slots.len() + layer.skipped, 1 + decays + transfers);
        }
    }
}

/// A fast array takes the gradients of a batch one by one; every second batch ends with the transfer of a row. A clear drops what the batch has
/// so far: the next sample begins one.
#[test]
fn a_batch_of_the_fast_array_moves_one_row_at_its_end() {
    let training = training("tiki_taka", 1, MomentumKind::Classical, 3, "learning_rate = 1.0\ntransfer_every = 2");
    let rig = Small { training: &training, ..Small::default() }.rig(External);
    let mut machine = Machine::new(&rig.design).unwrap();
    let mut trace = SampleTrace::default();
    let mut run = |machine: &mut Machine, sample: usize| {
        let x = encode::input_codes(&rig.design, rig.data.sample(sample));
        let t = encode::target_codes(&rig.design, usize::from(rig.data.labels[sample]));
        machine.run(&x, &t, Mode::Train, &mut trace).unwrap();
        let reads =
            trace.layers.iter().map(|layer| layer.slots.iter().filter(|slot| slot.kind == Kind::ReadVelocity).count());
        reads.collect::<Vec<_>>()
    };
    for sample in 0..18 {
        let due = usize::from(sample % 6 == 5);
        assert_eq!(run(&mut machine, sample), [due; 2], "{sample}");
    }
    // Four of six samples, then a batch of its own.
    for sample in 0..4 {
        assert_eq!(run(&mut machine, sample), [0; 2]);
    }
    machine.clear_history();
    assert_eq!(run(&mut machine, 4), [0; 2]);
    assert_eq!(run(&mut machine, 5), [0; 2]);
    assert_eq!(run(&mut machine, 6), [1; 2]);
}

fn design_of(training: &str) -> Design {
    let small = Small {
        training,
        array: "adcs = 2\nlanes = 2\npulse_bits = 10\nerror_bits = 12",
        network: &network(training),
        device: if training.contains("sram") { "state_bits = 20" } else { "state_bits = 22" },
        ..Small::default()
    };
    small.rig(External).design
}

/// With the `ideal` device each unit takes the mean of its batches, in f64 up to the rounding of its pulses.
#[test]
fn units_take_the_mean_of_a_batch_up_to_rounding() {
    for unit in ["none", "history", "in_array", "sram"] {
        for kind in MomentumKind::ALL {
            if kind != MomentumKind::Classical && (unit == "none" || unit == "in_array") {
                continue;
            }
            for batch in [3, 4] {
                let design = design_of(&training(unit, 16, kind, batch, "learning_rate = 0.125"));
                let (states, exact) = trained(&design, kind, 16 * batch);
                let largest = exact.iter().fold(0.0f64, |most, w| most.max(w.abs()));
                let error = states.iter().zip(&exact).fold(0.0f64, |most, (&s, w)| most.max((f64::from(s) - w).abs()));
                assert!(error < 0.03 * largest, "{unit} {kind:?} {batch}: {error} of {largest}");
            }
        }
    }
}

/// Without momentum, units that keep no residue write what the unit `none` writes, to the bit.
#[test]
fn gamma_zero_is_plain_sgd_in_batches() {
    for batch in [2, 3] {
        let none = trained(
            &design_of(&training("none", 1, MomentumKind::Classical, batch, "learning_rate = 0.125")),
            MomentumKind::Classical,
            12,
        )
        .0;
        for kind in MomentumKind::ALL {
            let text = training("history", 3, kind, batch, "learning_rate = 0.125").replace("0.875", "0.0");
            assert_eq!(trained(&design_of(&text), kind, 12).0, none, "{kind:?} {batch}");
        }
    }
}

/// A whole network: weights follow the f64 network of the same batch, and not that of another.
#[test]
fn networks_follow_the_f64_network_in_batches() {
    for (unit, kind) in [
        ("none", MomentumKind::Classical),
        ("history", MomentumKind::Classical),
        ("history", MomentumKind::Nesterov),
        ("in_array", MomentumKind::Classical),
        ("sram", MomentumKind::Dampened),
    ] {
        let training = training(unit, 40, kind, 5, "learning_rate = 1.0");
        let small = Small {
            network: &network(&training),
            training: &training,
            array: "dac_bits = 10\nadc_bits = 14\npulse_bits = 12\nerror_bits = 16",
            device: "state_bits = 24",
            samples: 80,
            ..Small::default()
        };
        let rig = small.rig(External);
        let away = |batch| far_from_float(&rig, cosim::float_net(&rig.design).with_batch(batch), 50);
        let own = away(5);
        assert!(own < 0.02, "{unit} {kind:?}: {own}");
        let other = away(1);
        assert!(other > 5.0 * own, "{unit} {kind:?}: {other} and {own}");
    }
}

#[test]
fn changed_batches_are_found() {
    use MomentumKind::{Classical, Nesterov};
    let changes: [(&str, MomentumKind, &str, &str, &str); 10] = [
        ("none", Classical, "sequencer", "PLACE_LAST = 2'd2", "PLACE_LAST = 2'd1"),
        ("none", Classical, "momentum_history", "keep || (advance", "(advance"),
        ("history", Classical, "momentum_history", "&& advance && batch_end;", "&& advance;"),
        ("history", Classical, "momentum_factors", "40'd43691", "40'd40000"),
        ("history", Nesterov, "momentum_factors", "past_q <= product[39:16];", "past_q <= sum[23:0];"),
        ("in_array", Classical, "momentum_in_array", "batch_first ? STEP_DECAY : STEP_WRITE", "STEP_DECAY"),
        ("sram", Classical, "momentum_sram", "batch_first ? {1'b0, momentum} : 17'h10000", "{1'b0, momentum}"),
        ("tiki_taka", Classical, "momentum_tiki_taka", "due       = batch_last && (", "due       = 1'b1 && ("),
        ("tiki_taka", Classical, "momentum_tiki_taka", "if (pair_end && batch_last) steps_q", "if (pair_end) steps_q"),
        ("sram", Nesterov, "momentum_sram", "batch_last ? total_of(velocity, step) : step", "total_of(velocity, step)"),
    ];
    common::on_all_cores(&changes, |&(unit, kind, module, from, to)| {
        let more = if unit == "tiki_taka" { "\ntransfer_every = 2" } else { "" };
        let training = training(unit, 3, kind, 3, &format!("learning_rate = 1.0\nepochs = 2{more}"));
        let rig = Small { training: &training, samples: 60, ..Small::default() }.rig(External);
        let m = found(&rig, &[(module, from, to)]);
        let expected = [What::PulseCode, What::PulseWidth, What::Slots, What::RowCode, What::SlotKind, What::Gamma];
        assert!(expected.contains(&m.what), "{from}: {m}");
    });
}
