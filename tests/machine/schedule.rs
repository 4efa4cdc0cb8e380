//! Learning rate and momentum that the host changes between epochs: RTL, golden model, f64 and `memrtl train` all follow.

use crate::common;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::common::{Rig, Small, mutated, options};
use memrtl::cosim::{CosimError, Options};
use memrtl::spec::{self, Backend};
use memrtl::train;

const STEPS: &str = "[[training.schedule]]\nepoch = 2\nlearning_rate = 0.25\nmomentum = 0.95\n\
                     [[training.schedule]]\nepoch = 3\nmomentum = 0.5";

fn training(unit: &str) -> String {
    format!("learning_rate = 0.5\nmomentum = 0.9\n{unit}\nepochs = 3\nseed = 7\n{STEPS}")
}

fn rig(unit: &str, backend: Backend) -> Rig {
    let timing = "clock = 2.0\nread_settle = 4.0\nadc_conversion = 6.0";
    Small { training: &training(unit), timing, ..Small::default() }.rig(backend)
}

const UNITS: [&str; 6] = [
    "history = 3",
    "history = 3\nmomentum_kind = \"dampened\"",
    "history = 3\nmomentum_kind = \"nesterov\"",
    "momentum_unit = \"in_array\"",
    "momentum_unit = \"tiki_taka\"",
    "momentum_unit = \"sram\"\nmomentum_kind = \"dampened\"",
];

#[test]
fn all_units_follow_exactly() {
    let cases: Vec<(&str, Backend)> = UNITS.map(|unit| (unit, Backend::External)).to_vec();
    common::on_all_cores(&cases, |&(unit, backend)| {
        let rig = rig(unit, backend);
        let report = rig.run(&options()).unwrap_or_else(|e| panic!("{unit}: {e}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
        // The golden model alone makes the same weights.
        let sweep = train::Options { seeds: vec![7], ..train::Options::default() };
        let summary = train::sweep(&rig.design, &sweep, &AtomicBool::new(false), &|_| {}).unwrap();
        assert_eq!(summary.runs[0].outcome.weights_hash, report.summary.weights_hash, "{unit}");
    });
}

#[test]
fn a_schedule_changes_what_is_learnt() {
    let with = rig(UNITS[0], Backend::Emulated);
    let mut without = with.clone();
    without.design.training.schedule.clear();
    let states = |rig: &Rig| rig.run(&options()).unwrap_or_else(|e| panic!("{e}")).states;
    assert_ne!(states(&with), states(&without));
}

/// Pieces begin within epochs whose registers are not those of the reset.
#[test]
fn pieces_of_a_run_take_the_registers_of_their_epoch() {
    let training = training("history = 4");
    let rig = Small { training: &training, samples: 97, ..Small::default() }.rig(Backend::External);
    let run = |options: &Options| rig.run(options).unwrap_or_else(|e| panic!("{e}"));
    let one = run(&options());
    let many = run(&Options { jobs: 2, cuts: (Some(9), None), ..options() });
    assert_eq!(many.refuted, None);
    assert!(many.segments >= 8, "{}", many.segments);
    assert!(many.states == one.states && many.training == one.training);
}

/// A register that the host cannot change is found in the first sample of the second epoch.
#[test]
fn a_register_that_stays_is_found() {
    let rig = rig(UNITS[0], Backend::External);
    let rtl = mutated(
        &rig.rtl,
        &[("csr", "if (wr_strb_q[1]) learning_rate_q[15:8] <=", "if (1'b0) learning_rate_q[15:8] <=")],
    );
    match (Rig { rtl, ..rig.clone() }).run(&options()) {
        Err(CosimError::Mismatch(m)) => assert_eq!(m.sample, 30, "{m}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

/// Factors of earlier gradients take longer to form than the first sample to come: it waits for those of its epoch.
#[test]
fn samples_wait_for_their_factors() {
    let rig = rig("history = 24", Backend::External);
    rig.run(&options()).unwrap_or_else(|e| panic!("{e}"));
    let rtl = mutated(&rig.rtl, &[("", "(run && factors_ready)", "(run)")]);
    match (Rig { rtl, ..rig.clone() }).run(&options()) {
        Err(CosimError::Mismatch(m)) => assert_eq!(m.sample, 30, "{m}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

/// The schedule is the host's: the same Verilog, but for words that must hold its largest momentum.
#[test]
fn only_widths_reach_the_hardware() {
    let parse = |unit: &str, steps: &str| {
        let text = format!(
            "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 10 }}]\n\
             [training]\nlearning_rate = 0.1\nmomentum = 0.9\nmomentum_unit = \"{unit}\"\n{steps}"
        );
        spec::parse(&text, "net.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
    };
    let step = |gamma: f64| format!("[[training.schedule]]\nepoch = 3\nlearning_rate = 0.05\nmomentum = {gamma}\n");
    let plain = parse("history", "");
    let lower = parse("history", &step(0.5));
    assert_eq!(lower.spec_hash, plain.spec_hash);
    assert_eq!(lower.training.rates(1).momentum, 0.9);
    assert_eq!((lower.training.rates(2).momentum, lower.training.rates(7).learning_rate), (0.5, 0.05));

    let bits = |steps: &str| {
        let design = parse("sram", steps);
        (design.velocity_bits().unwrap(), design.spec_hash)
    };
    let (plain, lower, higher) = (bits(""), bits(&step(0.5)), bits(&step(0.995)));
    assert_eq!(lower.0, plain.0);
    assert!(higher.0 > plain.0 && higher.1 != lower.1, "{higher:?} {lower:?}");
    let again = parse("sram", &step(0.995));
    assert_eq!(spec::parse(&spec::canonical_toml(&again), "again", Path::new("")).unwrap(), again);

    // A gradient of dampened momentum is multiplied with 1 - gamma: a smaller momentum takes fraction bits.
    let dampened = |steps: &str| parse("history\"\nmomentum_kind = \"dampened", steps);
    let (plain, lower, higher) = (dampened(""), dampened(&step(0.5)), dampened(&step(0.95)));
    assert!(lower.factor_format().shift < plain.factor_format().shift && lower.spec_hash != plain.spec_hash);
    assert_eq!(higher.spec_hash, plain.spec_hash);
}
