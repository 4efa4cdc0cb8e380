//! Velocities in memory that leave as pulses by chance: through the RTL to the bit, right on average, and changes that are found.

use crate::common;
use crate::common::{Rig, Small, found, options, trained};
use memrtl::cosim::What;
use memrtl::golden::Mode;
use memrtl::spec::Backend::{self, Emulated, External};
use memrtl::spec::MomentumKind;

const TRAINING: &str =
    "learning_rate = 0.5\nmomentum = 0.9\nmomentum_unit = \"sram\"\nrounding = \"stochastic\"\nepochs = 2\nseed = 7";

fn small() -> Small<'static> {
    Small { training: TRAINING, ..Small::default() }
}

/// Pairs of junctions that a pulse of half the longest surely switches; a step of a weight is a whole state.
fn junctions() -> Small<'static> {
    Small {
        network: "inputs = 7\nlayers = [\n\
                  { outputs = 5, activation = \"tanh\", weight_range = 0.25, error_range = 0.5, max_update = 0.0625 },\n\
                  { outputs = 3, activation = \"sigmoid\", weight_range = 0.5, error_range = 0.25, back_range = 0.5, max_update = 0.03125 } ]",
        device: "model = \"mtj\"\nwrite_current = 1.4\nstate_bits = 16",
        ..small()
    }
}

/// Runs with every value and every cycle checked, and the design linted; the hash of the weights.
fn exact(small: &Small<'_>, backend: Backend) -> String {
    let rig = small.rig(backend);
    common::lint(&rig.design, &rig.dir.path().join("rtl"));
    let summary = rig.run(&options()).unwrap_or_else(|e| panic!("{small:?}: {e}")).summary;
    assert_eq!(summary.cycles_total, summary.cycles_predicted);
    summary.weights_hash
}

#[test]
fn chance_is_exact_on_both_backends_and_devices() {
    for backend in [External, Emulated] {
        // The generators start again with every reset: two runs are one.
        assert_eq!(exact(&small(), backend), exact(&small(), backend));
        // Beats of more lanes than there are words; pulses so coarse that most are drawn.
        let array = "adcs = 4\nlanes = 8\npulse_bits = 6\ndac_bits = 6";
        exact(&Small { array, device: "state_bits = 14", ..small() }, backend);
        exact(&Small { array: "adcs = 1\nlanes = 1\ndac_bits = 4", device: "state_bits = 12", ..small() }, backend);
    }
    exact(&Small { device: "preset = \"ReRamSB\"", ..small() }, External);
    for more in ["batch = 3", "momentum_kind = \"dampened\"\nbatch = 2", "velocity_guard = 0"] {
        exact(&Small { training: &format!("{TRAINING}\n{more}"), ..small() }, External);
    }
}

#[test]
fn junctions_take_whole_states_by_chance() {
    exact(&junctions(), External);
    let rig = junctions().rig(External);
    // No table of pulse lengths: each pulse switches surely.
    assert!(rig.rtl.modules.iter().all(|module| !module.name.contains("pulse_table")));
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let (mut pulses, mut widths) = (0, Vec::new());
    let order: Vec<usize> = (0..20).collect();
    let stop = std::sync::atomic::AtomicBool::new(false);
    session
        .samples(&rig.data, &order, Mode::Train, &stop, &mut |session| {
            for slot in session.bench.scoreboard.trace.layers.iter().flat_map(|layer| &layer.slots) {
                widths.extend(slot.pulses.iter().map(|p| p.unsigned_abs()).filter(|p| *p > 0));
                pulses += 1;
            }
        })
        .unwrap();
    assert!(pulses > 20, "{pulses} slots test little");
    assert!(widths.iter().all(|w| *w == 128), "{widths:?}");
}

/// The mean of the pulses is the velocity: over all cells the error is that of rounding by chance, and nothing more.
#[test]
fn rounding_by_chance_is_right_on_average() {
    const STEPS: usize = 60;
    for momentum in [0.0, 0.875] {
        let training = format!(
            "learning_rate = 0.125\nseed = 5\nmomentum = {momentum:?}\nmomentum_unit = \"sram\"\nrounding = \"stochastic\""
        );
        let small = Small {
            training: &training,
            array: "adcs = 2\nlanes = 2\npulse_bits = 4\nerror_bits = 12",
            device: "state_bits = 16",
            ..Small::default()
        };
        let design = small.rig(External).design;
        let (states, exact) = trained(&design, MomentumKind::Classical, STEPS);
        let format = design.layers[0].digital_velocity(&design).unwrap();
        let step =
            2f64.powi((design.array.dac_bits as i32 - 2) + format.coarse as i32 - design.layers[0].shifts.write as i32);
        let errors: Vec<f64> = states.iter().zip(&exact).map(|(&s, w)| (f64::from(s) - w) / step).collect();
        // A draw is off by half a step at most, with that as its largest standard deviation.
        let deviation = 0.5 * (STEPS as f64).sqrt();
        let worst = errors.iter().fold(0.0f64, |most, e| most.max(e.abs()));
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        assert!(worst < 5.0 * deviation, "{momentum}: {worst} steps, standard deviation {deviation}");
        assert!(mean.abs() < 5.0 * deviation / (errors.len() as f64).sqrt(), "{momentum}: mean error of {mean} steps");
        // And it is chance: not all cells are within the half step that a residue leaves.
        assert!(worst > 1.0, "{momentum}: {worst}");
    }
}

/// The draws do not depend on what was forgotten, only on how many there were.
#[test]
fn generators_go_on_over_a_clear() {
    let rig = small().rig(External);
    let restarted =
        common::mutated(&rig.rtl, &[("momentum_sram", "if (!rst_n) lfsr_q", "if (!rst_n || fresh_q) lfsr_q")]);
    for (rig, right) in [(&rig, true), (&Rig { rtl: restarted, ..rig.clone() }, false)] {
        let library = rig.build();
        let mut s = rig.session(&library, &options());
        let first = rig.samples(&mut s, 0..5, Mode::Train);
        let command = s.bench.address("COMMAND");
        let clear = s.bench.registers.mask("COMMAND", "clear_history").unwrap();
        s.bench.write(command, clear).unwrap();
        s.golden.clear_history();
        assert_eq!(first.and_then(|()| rig.samples(&mut s, 5..9, Mode::Train)).is_ok(), right);
    }
}

#[test]
fn a_changed_generator_is_found() {
    const PULSES: &[What] = &[What::PulseCode, What::Slots, What::RowCode];
    let changes = [
        ("advanced_of[21]", "advanced_of[20]"),
        ("s < 32", "s < 31"),
        ("lane * 32'h9e3779b9", "lane * 32'h9e3779b8"),
        ("LFSR_SEED + lane", "32'd1 + lane"),
        ("lfsr_q[31-:DRAW_BITS]", "lfsr_q[30-:DRAW_BITS]"),
        ("else if (col_valid) lfsr_q", "else if (done) lfsr_q"),
        ("stepped_of(whole, more)", "whole"),
        ("(size << (HELD_BITS - STEP_SHIFT))", "(size << (HELD_BITS - STEP_SHIFT - 1))"),
        ("~velocity + HELD_ONE", "velocity"),
    ];
    let rig = small().rig(External);
    common::on_all_cores(&changes, |(from, to)| {
        let m = found(&rig, &[("momentum_sram", from, to)]);
        assert!(PULSES.contains(&m.what), "{from}: {m}");
    });
    // A draw that equals the rest comes up where both have few bits.
    let coarse = format!("{TRAINING}\nvelocity_guard = 0");
    let array = "adcs = 1\nlanes = 1\ndac_bits = 4";
    let coarse = Small { training: &coarse, array, device: "state_bits = 12", ..small() }.rig(External);
    let m = found(&coarse, &[("momentum_sram", "draw < rest_of", "draw <= rest_of")]);
    assert!(PULSES.contains(&m.what), "{m}");
    // Only junctions reach the longest pulse, a single step, and only where a velocity is larger than a state.
    let network = junctions().network.replace("weight_range = 0.5", "weight_range = 0.03125");
    let m = found(
        &Small { network: &network, ..junctions() }.rig(External),
        &[("momentum_sram", "(more && (whole != MOST[PULSE_BITS-1:0]))", "more")],
    );
    assert!(PULSES.contains(&m.what), "{m}");
}
