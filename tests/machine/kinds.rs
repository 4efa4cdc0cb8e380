//! Kinds of momentum: dampened and Nesterov's, in every unit that has momentum, through the RTL and against f64.

use crate::common;
use crate::common::{Small, far_from_float, found, options, trained};
use memrtl::cosim::{self, What};
use memrtl::golden::momentum::Kind;
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::rtl::Rtl;
use memrtl::spec::Backend::{self, Emulated, External};
use memrtl::spec::{Design, MomentumKind};

const UNITS: [&str; 3] = ["history", "in_array", "sram"];
const OTHERS: [MomentumKind; 2] = [MomentumKind::Dampened, MomentumKind::Nesterov];

/// `[training]` of a unit and a kind; `depth`: of the unit `history`.
fn training(unit: &str, depth: usize, kind: MomentumKind, more: &str) -> String {
    let depth = if unit == "history" { format!("history = {depth}\n") } else { String::new() };
    format!("momentum_unit = \"{unit}\"\nmomentum_kind = \"{}\"\n{depth}seed = 7\n{more}", kind.name())
}

/// Runs with every value and every cycle checked, and the design linted.
fn exact(small: &Small<'_>, backend: Backend) {
    let rig = small.rig(backend);
    common::lint(&rig.design, &rig.dir.path().join("rtl"));
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{small:?}: {e}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
}

#[test]
fn every_unit_is_exact_with_every_kind() {
    let mut cases = Vec::new();
    for kind in OTHERS {
        let text = |unit: &str, gamma: f64| {
            training(unit, 3, kind, &format!("learning_rate = 0.5\nmomentum = {gamma}\nepochs = 2"))
        };
        for backend in [External, Emulated] {
            cases.push((text("history", 0.9), "adcs = 2\nlanes = 2", "", backend));
            cases.push((
                text("sram", 0.9),
                "adcs = 4\nlanes = 8\npulse_bits = 6\ndac_bits = 6",
                "state_bits = 14",
                backend,
            ));
        }
        cases.push((text("history", 0.3), "adcs = 4\nlanes = 8", "preset = \"ReRamSB\"", External));
        cases.push((text("in_array", 0.9), "adcs = 2\nlanes = 2", "", External));
        cases.push((
            text("in_array", 0.6),
            "adcs = 2\nlanes = 2\nrows = 4\ncols = 2",
            "preset = \"ReRamSB\"",
            External,
        ));
    }
    common::on_all_cores(&cases, |(training, array, device, backend)| {
        exact(&Small { training, array, device, ..Small::default() }, *backend);
    });
}

/// `momentum_kind` may be written out without any effect on the Verilog.
#[test]
fn the_classical_kind_is_the_default_to_the_letter() {
    let rtl = |training: &str| Rtl::generate(&Small { training, ..Small::default() }.rig(External).design).unwrap();
    let plain = "learning_rate = 0.5\nmomentum = 0.9\nhistory = 3\nseed = 7";
    assert_eq!(rtl(plain), rtl(&format!("{plain}\nmomentum_kind = \"classical\"")));
    assert_ne!(rtl(plain), rtl(&format!("{plain}\nmomentum_kind = \"nesterov\"")));
}

/// The factors follow when software writes the registers, and saturate as golden's do; a clear forgets.
#[test]
fn registers_change_the_factors_between_samples() {
    for kind in OTHERS {
        for unit in ["history", "in_array"] {
            let training = training(unit, 3, kind, "learning_rate = 0.5\nmomentum = 0.9");
            let rig = Small { training: &training, ..Small::default() }.rig(External);
            let library = rig.build();
            let mut s = rig.session(&library, &options());
            for (step, (rate, gamma)) in
                [(8192, 58_982), (3000, 65_535), (65_535, 20_000), (700, 0)].into_iter().enumerate()
            {
                for (name, value) in [("LEARNING_RATE", rate), ("MOMENTUM", gamma)] {
                    let address = s.bench.address(name);
                    s.bench.write(address, value).unwrap();
                }
                (s.golden.learning_rate, s.golden.momentum) = (rate, gamma);
                if step == 2 {
                    let command = s.bench.address("COMMAND");
                    let clear = s.bench.registers.mask("COMMAND", "clear_history").unwrap();
                    s.bench.write(command, clear).unwrap();
                    s.golden.clear_history();
                }
                rig.samples(&mut s, step * 4..step * 4 + 4, Mode::Train).unwrap();
            }
        }
    }
}

/// Nesterov's pair goes to both devices of a cell: at most four operations a step, and one more after a reset.
#[test]
fn a_step_in_the_array_writes_both_devices() {
    let training = training("in_array", 1, MomentumKind::Nesterov, "learning_rate = 0.5\nmomentum = 0.9");
    let rig = Small { training: &training, ..Small::default() }.rig(External);
    let gamma = rig.design.momentum_code();
    let mut machine = Machine::new(&rig.design).unwrap();
    let mut trace = SampleTrace::default();
    for sample in 0..20 {
        let x = encode::input_codes(&rig.design, rig.data.sample(sample));
        let t = encode::target_codes(&rig.design, usize::from(rig.data.labels[sample]));
        machine.run(&x, &t, Mode::Train, &mut trace).unwrap();
        for layer in &trace.layers {
            let mut kinds = vec![Kind::WriteVelocity, Kind::Write, Kind::Decay { gamma }, Kind::Transfer];
            if layer.skipped == 1 {
                kinds.drain(..2);
            }
            if sample == 0 {
                kinds.insert(0, Kind::Decay { gamma: 0 });
            }
            assert_eq!(layer.slots.iter().map(|slot| slot.kind).collect::<Vec<_>>(), kinds);
        }
    }
}

fn design_of(unit: &str, kind: MomentumKind, gamma: f64) -> Design {
    let training = training(unit, 24, kind, &format!("learning_rate = 0.125\nmomentum = {gamma}"));
    let small = Small {
        training: &training,
        array: "adcs = 2\nlanes = 2\npulse_bits = 10\nerror_bits = 12",
        device: "state_bits = 20",
        ..Small::default()
    };
    small.rig(External).design
}

/// Largest distance between states and weights of f64, as a share of the largest of these.
fn distance((states, exact): &(Vec<i32>, Vec<f64>)) -> f64 {
    let largest = exact.iter().fold(0.0f64, |most, w| most.max(w.abs()));
    let error = states.iter().zip(exact).fold(0.0f64, |most, (&s, w)| most.max((f64::from(s) - w).abs()));
    error / largest
}

/// With the `ideal` device each unit is momentum of its kind up to the rounding of its pulses, and of no other.
#[test]
fn units_are_their_kind_in_f64_up_to_rounding() {
    for unit in UNITS {
        for kind in OTHERS {
            let design = design_of(unit, kind, 0.875);
            let own = distance(&trained(&design, kind, 24));
            assert!(own < 0.03, "{unit} {kind:?}: {own}");
            for other in MomentumKind::ALL.into_iter().filter(|other| *other != kind) {
                let far = distance(&trained(&design, other, 24));
                assert!(far > 0.04 && far > 5.0 * own, "{unit} {kind:?} as {other:?}: {far} and {own}");
            }
        }
    }
}

/// Without momentum all kinds are plain SGD, to the bit where no residue is kept.
#[test]
fn gamma_zero_is_plain_sgd_whatever_the_kind() {
    let none = {
        let training = "optimizer = \"sgd\"\nlearning_rate = 0.125\nseed = 7";
        let array = "adcs = 2\nlanes = 2\npulse_bits = 10\nerror_bits = 12";
        let small = Small { training, array, device: "state_bits = 20", ..Small::default() };
        trained(&small.rig(External).design, MomentumKind::Classical, 30).0
    };
    let classical = trained(&design_of("sram", MomentumKind::Classical, 0.0), MomentumKind::Classical, 30).0;
    for kind in OTHERS {
        for unit in ["history", "in_array"] {
            assert_eq!(trained(&design_of(unit, kind, 0.0), kind, 30).0, none, "{unit} {kind:?}");
        }
        assert_eq!(trained(&design_of("sram", kind, 0.0), kind, 30).0, classical, "{kind:?}");
    }
}

/// A whole network with a history longer than the run: weights follow the f64 network of the same kind.
#[test]
fn networks_follow_their_kind_in_f64() {
    for kind in MomentumKind::ALL {
        let training = training("history", 100, kind, "learning_rate = 0.25\nmomentum = 0.625");
        let small = Small {
            network: "inputs = 8\nlayers = [ { outputs = 6, activation = \"tanh\", error_range = 0.5 },
                      { outputs = 4, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5 } ]",
            training: &training,
            array: "dac_bits = 12\nadc_bits = 14\npulse_bits = 12\nerror_bits = 16",
            device: "state_bits = 24",
            samples: 60,
            ..Small::default()
        };
        let rig = small.rig(External);
        let away = |reference| far_from_float(&rig, cosim::float_net(&rig.design).with_kind(reference), 40);
        let own = away(kind);
        assert!(own < 0.003, "{kind:?}: {own}");
        for other in MomentumKind::ALL.into_iter().filter(|other| *other != kind) {
            assert!(away(other) > 20.0 * own, "{kind:?} as {other:?}: {} and {own}", away(other));
        }
    }
}

#[test]
fn changed_factors_and_phases_are_found() {
    use MomentumKind::{Dampened, Nesterov};
    let changes: [(&str, MomentumKind, &str, &str, &str); 8] = [
        ("history", Dampened, "momentum_factors", "17'h10000 -", "17'h0f000 -"),
        ("history", Nesterov, "momentum_factors", "own_q  <= sum[24] ?", "own_q  <= !sum[24] ?"),
        ("history", Nesterov, "momentum_factors", "past_q <= product[39:16];", "past_q <= sum[23:0];"),
        ("in_array", Dampened, "momentum_factors", "17'h10000 -", "17'h0f000 -"),
        ("in_array", Nesterov, "momentum_in_array", "KIND_WEIGHTS  = 3'd2", "KIND_WEIGHTS  = 3'd6"),
        ("in_array", Nesterov, "momentum_in_array", "gamma_q <= 16'd0;", "gamma_q <= momentum;"),
        ("sram", Nesterov, "momentum_sram", "kept = kept + TRUNCATE;", "kept = kept;"),
        ("sram", Nesterov, "momentum_sram", "s5_step_q  <= s4_step_q;", "s5_step_q  <= s4_velocity_q;"),
    ];
    common::on_all_cores(&changes, |&(unit, kind, module, from, to)| {
        let training = training(unit, 3, kind, "learning_rate = 0.5\nmomentum = 0.9\nepochs = 2");
        let rig = Small { training: &training, ..Small::default() }.rig(External);
        let m = found(&rig, &[(module, from, to)]);
        let expected = [What::PulseCode, What::Slots, What::RowCode, What::SlotKind, What::Gamma];
        assert!(expected.contains(&m.what), "{from}: {m}");
    });
}
