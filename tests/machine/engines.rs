//! Momentum units side by side: each through the RTL, each against momentum in f64, and what they cost.

use crate::common;
use std::sync::atomic::AtomicBool;

use crate::common::{Rig, Small, found, options, trained};
use memrtl::array::Grid;
use memrtl::cosim::What;
use memrtl::golden::momentum::{Engine, Kind, Registers};
use memrtl::golden::{LayerTrace, Machine, Mode, SampleTrace, encode};
use memrtl::phases::Counter;
use memrtl::spec::Backend::{self, Emulated, External};
use memrtl::spec::{Design, MomentumKind};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const IN_ARRAY: &str = "learning_rate = 0.5\nmomentum = 0.9\nmomentum_unit = \"in_array\"\nepochs = 2\nseed = 7";

fn in_array() -> Small<'static> {
    Small {
        training: IN_ARRAY,
        timing: "clock = 2.0\nread_settle = 4.0\nadc_conversion = 6.0\ndecay = 9.0\ntransfer = 30.0",
        ..Small::default()
    }
}

/// Runs with every value and every cycle checked, and the design linted.
fn exact(small: &Small<'_>, backend: Backend) -> Rig {
    let rig = small.rig(backend);
    common::lint(&rig.design, &rig.dir.path().join("rtl"));
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{small:?}: {e}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
    rig
}

#[test]
fn a_velocity_in_the_array_is_exact_on_every_device() {
    let devices = [
        "",
        "preset = \"ReRamSB\"",
        "preset = \"EpiRAM\"\nsigned = \"differential\"",
        "model = \"vteam\"\nrate_ctoc = 0.1\nv_max = 20.0",
    ];
    common::on_all_cores(&devices, |device| {
        exact(&Small { device, ..in_array() }, External);
    });
    let array = "adcs = 4\nlanes = 8\npulse_bits = 4\ndac_bits = 6";
    exact(&Small { array, device: "state_bits = 14", ..in_array() }, External);
}

const SRAM: &str = "learning_rate = 0.5\nmomentum = 0.9\nmomentum_unit = \"sram\"\nepochs = 2\nseed = 7";

fn sram() -> Small<'static> {
    Small { training: SRAM, ..Small::default() }
}

#[test]
fn a_velocity_in_memory_is_exact_on_both_backends_and_devices() {
    for backend in [External, Emulated] {
        exact(&sram(), backend);
        exact(
            &Small { array: "adcs = 4\nlanes = 8\npulse_bits = 6\ndac_bits = 6", device: "state_bits = 14", ..sram() },
            backend,
        );
    }
    exact(&Small { device: "preset = \"ReRamSB\"", ..sram() }, External);
    // A state coarser than a pulse at half scale.
    exact(&Small { array: "adcs = 1\nlanes = 1\ndac_bits = 4", device: "state_bits = 12", ..sram() }, External);
}

const TIKI_TAKA: &str = "learning_rate = 0.5\nmomentum = 0.75\nmomentum_unit = \"tiki_taka\"\nepochs = 6\nseed = 7";

fn tiki_taka() -> Small<'static> {
    Small { training: TIKI_TAKA, ..Small::default() }
}

#[test]
fn a_fast_array_is_exact_on_every_device() {
    let devices = [
        "",
        "preset = \"ReRamSB\"",
        "preset = \"EpiRAM\"\nsigned = \"differential\"",
        "model = \"vteam\"\nrate_ctoc = 0.1\nv_max = 20.0",
    ];
    common::on_all_cores(&devices, |device| {
        exact(&Small { device, ..tiki_taka() }, External);
    });
    // Beats of two groups, groups of two beats, tiles; transfers that are rare, small and of a wide fast array.
    let slow = format!("{TIKI_TAKA}\ntransfer_every = 3\ntransfer_divisor = 8\nfast_range = 4");
    let arrays = [
        "adcs = 4\nlanes = 8\npulse_bits = 5\ndac_bits = 6\nadc_bits = 9",
        "adcs = 4\nlanes = 1\nadc_bits = 6",
        "adcs = 2\nlanes = 4\nrows = 4\ncols = 4",
    ];
    common::on_all_cores(&arrays, |array| {
        exact(&Small { array, device: "state_bits = 13", ..tiki_taka() }, External);
        exact(&Small { array, device: "state_bits = 13", training: &slow, ..tiki_taka() }, External);
    });
}

/// Forgetting before a step is the same for both, and the residue goes with the velocity.
#[test]
fn units_forget_on_command() {
    for small in [in_array(), sram(), tiki_taka()] {
        let rig = small.rig(External);
        let library = rig.build();
        let mut s = rig.session(&library, &options());
        rig.samples(&mut s, 0..5, Mode::Train).unwrap();
        let command = s.bench.address("COMMAND");
        let clear = s.bench.registers.mask("COMMAND", "clear_history").unwrap();
        s.bench.write(command, clear).unwrap();
        s.golden.clear_history();
        rig.samples(&mut s, 5..9, Mode::Train).unwrap();
    }
}

/// The counters that a host reads, of operations and of those left out for want of a pulse.
#[test]
fn every_unit_counts_what_it_does_and_leaves_out() {
    for (unit, rate) in [("in_array", 0.05), ("sram", 0.5), ("tiki_taka", 0.5)] {
        let training = format!("learning_rate = {rate}\nmomentum = 0.5\nseed = 7\nmomentum_unit = \"{unit}\"");
        // Coarse pulses, so that some writes have none.
        let (array, device) = ("adcs = 2\nlanes = 2\npulse_bits = 3", "state_bits = 11");
        let rig = Small { training: &training, array, device, ..Small::default() }.rig(External);
        let library = rig.build();
        let mut session = rig.session(&library, &options());
        let (mut slots, mut skipped) = (0, 0);
        let order: Vec<usize> = (0..20).collect();
        session
            .samples(&rig.data, &order, Mode::Train, &AtomicBool::new(false), &mut |session| {
                for layer in &session.bench.scoreboard.trace.layers {
                    slots += layer.slots.len() as u64;
                    skipped += layer.skipped as u64;
                }
            })
            .unwrap();
        let mut count = |counter: Counter| session.bench.counter(counter.name()).unwrap();
        assert_eq!((count(Counter::Slots), count(Counter::SlotsSkipped)), (slots, skipped), "{unit}");
        assert!(slots > 20 && skipped > 0, "{unit}: {slots} and {skipped} test little");
    }
}

/// Without saturation nothing is lost: what went out as pulses and what is left as residue are all velocities together.
#[test]
fn pulses_of_the_memory_unit_are_whole_steps() {
    let design = design_of("momentum = 0.0\nmomentum_unit = \"sram\"");
    let (states, exact) = trained(&design, MomentumKind::Classical, 30);
    let format = design.layers[0].digital_velocity(&design).unwrap();
    // A step of the device in states; gradients round to far less.
    let step =
        2f64.powi((design.array.dac_bits as i32 - 2) + format.coarse as i32 - design.layers[0].shifts.write as i32);
    for (&s, w) in states.iter().zip(&exact) {
        assert_eq!(f64::from(s) % step, 0.0);
        assert!((f64::from(s) - w).abs() < step + 0.5, "{s} {w}, step {step}");
    }
}

#[test]
fn a_changed_phase_of_the_memory_unit_is_found() {
    let changes: [(&str, &str, &str, &[What]); 5] = [
        ("momentum_sram", "kept = kept + TRUNCATE;", "kept = kept;", PULSES),
        ("momentum_sram", "total + taken : total - taken", "total : total", PULSES),
        ("momentum_sram", "clear_q   <= 1'b1;", "clear_q   <= 1'b0;", PULSES),
        ("momentum_sram", "s4_row_q;\n  end", "s3_row_q;\n  end", &[What::RowCode]),
        ("row_driver", "if (take) bias_q <= FULL_SCALE;", "if (take) bias_q <= HALF_SCALE;", &[What::RowCode]),
    ];
    const PULSES: &[What] = &[What::PulseCode, What::Slots, What::RowCode];
    let rig = sram().rig(External);
    common::on_all_cores(&changes, |(module, from, to, what)| {
        let m = found(&rig, &[(module, from, to)]);
        assert!(what.contains(&m.what), "{from}: {m}");
    });
}

/// Decay, write, transfer: at most three operations a step, whatever the past is; without a pulse two.
#[test]
fn a_step_in_the_array_is_three_operations() {
    let rig = in_array().rig(External);
    let mut machine = Machine::new(&rig.design).unwrap();
    let mut trace = SampleTrace::default();
    for sample in 0..20 {
        let x = encode::input_codes(&rig.design, rig.data.sample(sample));
        let t = encode::target_codes(&rig.design, usize::from(rig.data.labels[sample]));
        machine.run(&x, &t, Mode::Train, &mut trace).unwrap();
        for layer in &trace.layers {
            let gamma = if sample == 0 { 0 } else { rig.design.momentum_code() };
            assert_eq!(layer.slots.len() + layer.skipped, 3);
            assert_eq!(layer.slots[0].kind, Kind::Decay { gamma });
            assert_eq!(layer.slots.last().unwrap().kind, Kind::Transfer);
        }
    }
}

fn design_of(training: &str) -> Design {
    let training = format!("learning_rate = 0.125\nseed = 5\n{training}");
    let small = Small {
        training: &training,
        array: "adcs = 2\nlanes = 2\npulse_bits = 10\nerror_bits = 12",
        device: "state_bits = 20",
        ..Small::default()
    };
    small.rig(External).design
}

/// With the `ideal` device each unit is momentum up to the rounding of its pulses.
#[test]
fn units_are_momentum_in_f64_up_to_rounding() {
    const STEPS: usize = 24;
    for unit in UNITS {
        let design = design_of(&format!("momentum = 0.875\nmomentum_unit = \"{unit}\""));
        let (states, exact) = trained(&design, MomentumKind::Classical, STEPS);
        let largest = exact.iter().fold(0.0f64, |most, w| most.max(w.abs()));
        let error = states.iter().zip(&exact).fold(0.0f64, |most, (&s, w)| most.max((f64::from(s) - w).abs()));
        // Half a width unit at a full-scale row, for each gradient as often as it is written or lives on.
        let half = 0.5 * 127.0 * 2f64.powi(-(design.layers[0].shifts.write as i32)) + 0.5;
        let bound = half * (STEPS * STEPS / 2).min(8 * STEPS) as f64;
        assert!(error <= bound, "{unit}: {error} of {largest}, allowed {bound}");
        assert!(error < 0.02 * largest, "{unit}: {error} of {largest}");
    }
}

const UNITS: [&str; 3] = ["history\"\nhistory = 24 #", "in_array", "sram"];

/// Without momentum the units that keep no residue are plain SGD, to the bit.
#[test]
fn gamma_zero_is_plain_sgd() {
    let none = trained(&design_of("optimizer = \"sgd\""), MomentumKind::Classical, 30).0;
    for unit in ["history", "in_array"] {
        let design = design_of(&format!("momentum = 0.0\nmomentum_unit = \"{unit}\""));
        let states = trained(&design, MomentumKind::Classical, 30).0;
        assert_eq!(states, none, "{unit}");
    }
}

#[test]
fn a_changed_phase_of_the_array_unit_is_found() {
    let changes: [(&str, &str, &str, &[What]); 6] = [
        ("momentum_in_array", "clear_q ? 16'd0 : momentum", "clear_q ? 16'd0 : momentum ^ 16'd1", &[What::Gamma]),
        ("momentum_in_array", "clear_q <= 1'b1;", "clear_q <= 1'b0;", &[What::Gamma]),
        (
            "momentum_in_array",
            "if (slot_take) step_d = STEP_WRITE;",
            "if (slot_take) step_d = STEP_TRANSFER;",
            &[What::SlotKind],
        ),
        ("momentum_in_array", "KIND_TRANSFER = 3'd7", "KIND_TRANSFER = 3'd5", &[What::SlotKind]),
        (
            "array_port",
            "DECAY_LAST[15:0] : TRANSFER_LAST[15:0]",
            "TRANSFER_LAST[15:0] : TRANSFER_LAST[15:0]",
            &[What::SlotLength],
        ),
        ("layer", "slot_lines = slot_kind == 3'd6", "slot_lines = 1'b1", &[What::PulseWidth, What::PulseCode]),
    ];
    let rig = in_array().rig(External);
    common::on_all_cores(&changes, |(module, from, to, what)| {
        let m = found(&rig, &[(module, from, to)]);
        assert!(what.contains(&m.what), "{from}: {m}");
    });
}

/// The unit against its recursion in f64, residue included: `A <- A + eta x y`; of the row whose turn it is, `a` to the weights and
/// `(1 - gamma) a` off A. What is still in A and in the residue is all that is missing in the weights.
#[test]
fn transfers_of_the_fast_array_follow_their_recursion() {
    const STEPS: usize = 60;
    for (gamma, share) in [(0.0, 1.0), (0.5, 0.25)] {
        let training = format!(
            "momentum = {gamma}\nmomentum_unit = \"tiki_taka\"\ntransfer_divisor = {}\nfast_range = 8",
            1.0 / share
        );
        let mut design = design_of(&training);
        // Codes that hold all there is in a cell of the fast array.
        design.array.adc_bits = 14;
        let layer = design.layers[0].clone();
        let (rows, cols) = (layer.rows(), layer.outputs);
        let mut engine = Engine::new(&design, &layer);
        let mut array = Grid::new(&design, 0, &layer).unwrap();
        let registers = Registers { eta: design.learning_rate_code(), gamma: design.momentum_code(), depth: 1 };
        let eta = f64::from(registers.eta) * 2f64.powi(-((layer.shifts.width + layer.shifts.write) as i32));
        let (mut fast, mut moved) = (vec![0.0; rows * cols], vec![0.0; rows * cols]);
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut trace = LayerTrace::default();
        for step in 0..STEPS {
            trace.x = (0..rows).map(|_| rng.random_range(0..=127)).collect();
            trace.y = (0..cols).map(|_| rng.random_range(-700..=700)).collect();
            engine.step(registers, &mut array, &mut trace).unwrap();
            for (m, &x) in trace.x.iter().enumerate() {
                for (n, &y) in trace.y.iter().enumerate() {
                    fast[m * cols + n] += eta * f64::from(x) * f64::from(y);
                }
            }
            let row = step % rows * cols;
            // The first pass over the rows only empties them.
            let (share, left) = if step < rows { (0.0, 0.0) } else { (share, gamma) };
            for cell in row..row + cols {
                moved[cell] += share * fast[cell];
                fast[cell] *= left;
            }
        }
        let largest = moved.iter().fold(0.0f64, |most, w| most.max(w.abs()));
        let error = array.states().iter().zip(&moved).fold(0.0f64, |most, (&s, w)| most.max((f64::from(s) - w).abs()));
        assert!(largest > 1000.0, "{largest}");
        assert!(error < 0.02 * largest, "gamma {gamma}: {error} of {largest}");
    }
}

#[test]
fn a_changed_phase_of_the_fast_array_is_found() {
    const MODULE: &str = "momentum_tiki_taka";
    let changes: [(&str, &str, &str, &[What]); 7] = [
        (MODULE, "drain_q <= ROW_COUNT[ROW_BITS:0];\n      clear_q", "drain_q <= DRAIN_ONE;\n      clear_q", PULSES),
        (MODULE, "total + taken : total - taken", "total : total", PULSES),
        (MODULE, "17'h10000 - {1'b0, momentum}", "{1'b0, momentum}", PULSES),
        (MODULE, "<= !f1_code", "<= f1_code", PULSES),
        (MODULE, "KIND_WRITE   = 3'd2", "KIND_WRITE   = 3'd6", &[What::SlotKind]),
        (MODULE, "row_q + ROW_ONE", "row_q", &[What::RowCode]),
        (
            "layer",
            "adc_ready && !row_read",
            "adc_ready",
            &[What::Error, What::RowCode, What::Cycles("forward"), What::AdcCode],
        ),
    ];
    const PULSES: &[What] = &[What::PulseCode, What::Slots, What::SlotKind, What::SlotLength];
    let rig = tiki_taka().rig(External);
    common::on_all_cores(&changes, |(module, from, to, what)| {
        let m = found(&rig, &[(module, from, to)]);
        assert!(what.contains(&m.what), "{from}: {m}");
    });
}

/// What only shows with residues that are left over, at their limits, or in steps without a pulse.
#[test]
fn a_changed_residue_of_the_fast_array_is_found() {
    let left = "learning_rate = 0.5\ntransfer_divisor = 8";
    let limit = "learning_rate = 3.9\nfast_range = 8";
    let quiet = "learning_rate = 0.004\ntransfer_every = 2";
    let changes = [
        (left, "? {H_ADDR_BITS{1'b0}} : s0_addr_q", "? H_ONE : s0_addr_q"),
        (left, "drains ? {RESIDUE_BITS{1'b0}} : left", "left"),
        (left, "total + taken : total - taken", "total : total"),
        (limit, "if (sum > H_LIMIT) sum = H_LIMIT;", ""),
        (limit, "product > BACK_LONGEST", "product < BACK_LONGEST"),
        (quiet, "if (y_valid && y_last) silent_q <= 1'b0;", "if (!rst_n) silent_q <= 1'b0;"),
        (quiet, "steps_q <= due ? 16'd0", "steps_q <= due ? 16'd1"),
    ];
    common::on_all_cores(&changes, |&(training, from, to)| {
        let training = format!("{training}\nmomentum = 0.75\nmomentum_unit = \"tiki_taka\"\nepochs = 6\nseed = 7");
        let rig = Small { training: &training, ..Small::default() }.rig(External);
        let m = found(&rig, &[("momentum_tiki_taka", from, to)]);
        assert!([What::PulseCode, What::Slots, What::SlotKind, What::PulseWidth].contains(&m.what), "{from}: {m}");
    });
}
