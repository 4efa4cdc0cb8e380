//! Several devices per weight: through the RTL, against exact sums, and what they are good for.

use crate::common::{self, Rig, Small, found, options};
use memrtl::array::Grid;
use memrtl::cosim::What;
use memrtl::golden::LayerTrace;
use memrtl::golden::momentum::Carry;
use memrtl::spec::Backend::External;
use memrtl::spec::{Design, Slices};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const HISTORY: &str = "learning_rate = 0.5\nmomentum = 0.9\nhistory = 3\nepochs = 2\nseed = 7";

/// The small network, with room below its weights.
fn sliced<'a>(training: &'a str, array: &'a str, device: &'a str) -> Small<'a> {
    Small { training, array, device, ..Small::default() }
}

/// Runs with every value and every cycle checked, and the design linted.
fn exact(small: &Small<'_>) -> Rig {
    let rig = small.rig(External);
    common::lint(&rig.design, &rig.dir.path().join("rtl"));
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{small:?}: {e}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
    assert_eq!(report.summary.mismatches, 0);
    rig
}

/// Units, batches, grids of tiles, bit planes, beats of several groups and groups of several beats, devices that scatter and stick.
#[test]
fn slices_train_exactly() {
    let plain = "learning_rate = 0.5\noptimizer = \"sgd\"\nepochs = 2\nseed = 7";
    let slow = "learning_rate = 0.02\noptimizer = \"sgd\"\nepochs = 2\nseed = 7";
    let batches = "learning_rate = 0.5\nmomentum = 0.9\nhistory = 2\nbatch = 3\nmomentum_kind = \"nesterov\"\nepochs = 2\nseed = 7";
    let noisy = "model = \"soft_bounds\"\ndw_min = 0.01\ndw_min_std = 0.3\nstate_bits = 16\n\
                 [array.nonideal]\nstuck_lrs = 0.03\nread_noise = 0.01\nadc_offset = 0.5";
    let designs = [
        (plain, "adcs = 2\nlanes = 2\nslices = 2\nslice_ratio = 4\nslice_code_ratio = 4", "state_bits = 13"),
        (
            HISTORY,
            "adcs = 2\nlanes = 2\nslices = 2\nslice_ratio = 4\ncarry_every = 3\nrows = 4\ncols = 2",
            "state_bits = 13",
        ),
        (
            batches,
            "adcs = 4\nlanes = 8\nslices = 3\nslice_ratio = 4\nslice_code_ratio = 2\nadc_bits = 10",
            "state_bits = 13",
        ),
        (HISTORY, "adcs = 8\nlanes = 2\nslices = 2\nslice_ratio = 2\ninput_coding = \"bit_serial\"", "state_bits = 14"),
        (HISTORY, "adcs = 2\nlanes = 2\nslices = 4\nslice_ratio = 2\nslice_code_ratio = 2\nrows = 4", noisy),
        // Pulses up that end before the carries have come again for those down.
        (slow, "adcs = 8\nlanes = 1\nslices = 2\nslice_ratio = 4", "state_bits = 16"),
    ];
    common::on_all_cores(&designs, |(training, array, device)| {
        let rig = exact(&sliced(training, array, device));
        let slices = rig.design.array.slices.expect("several");
        let arrays = rig.design.layers[0].tiling.count();
        assert_eq!(arrays % slices.count, 0);
    });
}

#[test]
fn converters_that_end_at_different_times_change_no_weight() {
    let array = "adcs = 2\nlanes = 2\nslices = 2\nslice_ratio = 4\nrows = 4\ncols = 2";
    sliced(HISTORY, array, "state_bits = 13").rig(External).stalls_change_no_weight();
}

fn design(slices: &str, device: &str) -> Design {
    let array = format!("adcs = 2\nlanes = 2\n{slices}");
    sliced(HISTORY, &array, device).rig(External).design
}

/// What all devices of each weight are worth together, in states of the lowest.
fn totals(grid: &Grid, slices: Slices) -> Vec<i64> {
    let mut sums = Vec::new();
    for slice in 0..slices.count {
        let states = grid.tile(slice).states();
        sums.resize(states.len(), 0);
        let worth = 1i64 << (slices.bits * slice as u32);
        sums.iter_mut().zip(states).for_each(|(sum, &s)| *sum += worth * i64::from(s));
    }
    sums
}

/// A round of carries leaves each weight as it was, to the last state, and less than a carry in each slice but the highest.
#[test]
fn carries_move_weights_between_slices_and_change_none() {
    for text in ["slices = 2\nslice_ratio = 8", "slices = 3\nslice_ratio = 4\ncarry_every = 2"] {
        let design = design(text, "state_bits = 16");
        let (layer, slices) = (design.layers[0].clone(), design.array.slices.expect("several"));
        let format = layer.carry_format(&design).expect("several devices");
        let mut grid = Grid::new(&design, 0, &layer).expect("ideal devices");
        let (rows, cols) = (layer.rows(), layer.outputs);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // As much as a carry takes at once.
        let most = (((1 << design.array.pulse_bits) - 1) >> format.back) << format.back;
        for slice in 0..slices.count - 1 {
            for row in 0..rows {
                let mut x = vec![0; rows];
                x[row] = 1 << (design.array.dac_bits - 2);
                let pulses: Vec<i32> = (0..cols).map(|_| rng.random_range(-most..=most)).collect();
                grid.write_slice(slice, &x, &pulses);
            }
        }
        let before = totals(&grid, slices);
        assert!(before.iter().any(|&t| t != 0));
        let mut carry = Carry::new(&design, &layer).expect("several devices");
        let mut trace = LayerTrace::default();
        // More than one round: what comes up into a slice in the middle goes on.
        for _ in 0..3 * rows * (slices.count - 1) * slices.every as usize {
            carry.step(&mut grid, &mut trace).expect("numbers");
        }
        assert_eq!(totals(&grid, slices), before, "{text}");
        // A carry in states of the slice itself, and what the code of its read leaves open.
        let carry = (1i64 << (format.back + design.array.dac_bits - 2)) >> layer.shifts.write;
        let code = 1i64 << (design.device.state_bits - design.array.adc_bits);
        for slice in 0..slices.count - 1 {
            let worst = grid.tile(slice).states().iter().map(|&s| i64::from(s).abs()).max().unwrap_or(0);
            assert!(worst < carry + code, "{text}, slice {slice}: {worst} of {carry}");
        }
    }
}

/// The codes of all devices of a weight together are those of one device with more bits, within the rounding of each converter.
#[test]
fn reads_are_those_of_a_finer_device() {
    for ratio in [1, 4, 16] {
        let design = design(&format!("slices = 2\nslice_ratio = 16\nslice_code_ratio = {ratio}"), "state_bits = 12");
        let layer = design.layers[0].clone();
        let slices = design.array.slices.expect("several");
        let mut grid = Grid::new(&design, 0, &layer).expect("ideal devices");
        let (rows, cols) = (layer.rows(), layer.outputs);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut draw = |most: i32| -> Vec<i32> { (0..rows * cols).map(|_| rng.random_range(-most..=most)).collect() };
        grid.load(&draw(400));
        for m in 0..rows {
            let mut x = vec![0; rows];
            x[m] = 64;
            let pulses: Vec<i32> = draw(255).into_iter().take(cols).collect();
            grid.write(&x, &pulses);
        }
        let states = totals(&grid, slices);
        let mut x: Vec<i32> = draw(127).into_iter().take(rows).collect();
        x[rows - 1] = 127;
        let (mut tiles, mut codes) = (Vec::new(), Vec::new());
        grid.read_forward(&x, &mut tiles, &mut codes).expect("numbers");
        // Half a code of the highest, of the lowest, and of the sum where it is rounded.
        let allowed = 0.5 + 0.5 / f64::from(ratio) + if ratio > 1 { 0.5 } else { 0.0 };
        let near = |codes: &[i32], shift: u32, dot: &dyn Fn(usize) -> i64| {
            let scale = 2f64.powi((shift + slices.span()) as i32);
            for (line, &code) in codes.iter().enumerate() {
                let exact = (dot(line) as f64 / scale).clamp(-127.0, 127.0);
                assert!((f64::from(code) - exact).abs() <= allowed, "{ratio}, line {line}: {code} {exact}");
            }
        };
        near(&codes, layer.shifts.forward, &|col| (0..rows).map(|m| i64::from(x[m]) * states[m * cols + col]).sum());
        // The lowest converter is not to be beyond its full scale.
        let u: Vec<i32> = x[..cols].iter().map(|x| x / 4).collect();
        let mut back = Vec::new();
        grid.read_transposed(&u, &mut tiles, &mut back).expect("numbers");
        near(&back, layer.shifts.backward, &|row| (0..cols).map(|n| i64::from(u[n]) * states[row * cols + n]).sum());
        assert!(back.iter().any(|code| code.abs() > 4), "{back:?} test little");
        assert!(codes.iter().any(|code| code.abs() > 10), "{codes:?} test little");
        let full = 2f64.powi((design.device.state_bits - 1 + slices.span()) as i32);
        for (w, s) in grid.weights().iter().zip(&states) {
            assert!((f64::from(*w) - *s as f64 / full).abs() < 1e-6);
        }
    }
}

/// Updates below half a state of one device are lost; the lowest slice takes them, and carries bring them up.
#[test]
fn small_updates_add_up_where_one_device_loses_them() {
    const STEPS: i32 = 2_000;
    let run = |slices: &str| {
        let design = design(slices, "state_bits = 12");
        let layer = design.layers[0].clone();
        let mut grid = Grid::new(&design, 0, &layer).expect("ideal devices");
        let mut carry = Carry::new(&design, &layer);
        let mut trace = LayerTrace::default();
        let (x, pulses) = (vec![64; layer.rows()], vec![1; layer.outputs]);
        for _ in 0..STEPS {
            grid.write(&x, &pulses);
            if let Some(carry) = &mut carry {
                carry.step(&mut grid, &mut trace).expect("numbers");
            }
        }
        (grid.weights()[0], layer.shifts.write)
    };
    // A quarter of a state, and four of the lowest slice's.
    assert_eq!(run(""), (0.0, 8));
    assert_eq!(run("slices = 2\nslice_ratio = 16"), ((4 * STEPS) as f32 / 2f32.powi(11 + 4), 4));
}

#[test]
fn changed_carries_are_found() {
    /// What operations of a carry show.
    const CARRIES: &[What] =
        &[What::PulseCode, What::PulseWidth, What::Slots, What::SlotKind, What::SlotLength, What::RowCode];
    /// What the sums of the slices' codes turn into.
    const SUMS: &[What] = &[What::Error, What::Output, What::RowCode, What::DriveCode, What::PulseCode];
    let changes: [(&str, &str, &str, &[What]); 12] = [
        ("carry", "f1_valid_q ? ~f1_neg", "f1_valid_q ? f1_neg", CARRIES),
        ("carry", "most_q << BACK", "most_q << COARSE", CARRIES),
        (
            "carry",
            "f1_count[m*PULSE_BITS+:PULSE_BITS] << BACK",
            "f1_count[m*PULSE_BITS+:PULSE_BITS] << COARSE",
            CARRIES,
        ),
        ("carry", ">> CODE_DOWN;", ">> (CODE_DOWN + 1);", CARRIES),
        ("carry", "(step_q == STEP_UP) ? slice_q + SLICE_ONE", "(step_q == STEP_UP) ? slice_q", CARRIES),
        ("carry", "{SLICE_BITS{1'b0}} : slice_q + SLICE_ONE;", "{SLICE_BITS{1'b0}} : slice_q;", CARRIES),
        ("carry", "row_q + ROW_ONE;", "row_q;", CARRIES),
        ("carry", "KIND_READ  = 3'd4", "KIND_READ  = 3'd2", CARRIES),
        ("carry", "(count > MOST_WIDE) ?", "(count < MOST_WIDE) ?", CARRIES),
        ("tiles", "(whole ? SLICE_SHIFT * (t / (ROWS * COLS)) : SPAN)", "SPAN", SUMS),
        ("tiles", "(sum + HALF)", "sum", SUMS),
        ("layer", "op_slice <= slot_slice", "op_slice <= {SLICE_BITS{1'b0}}", CARRIES),
    ];
    let array = "adcs = 2\nlanes = 2\nslices = 3\nslice_ratio = 2\nslice_code_ratio = 2";
    let rig = sliced(HISTORY, array, "state_bits = 13").rig(External);
    common::on_all_cores(&changes, |(module, from, to, what)| {
        let mismatch = found(&rig, &[(module, from, to)]);
        assert!(what.contains(&mismatch.what), "{module}: {from}: {mismatch}");
    }); // Rows without a whole carry.
    let training = HISTORY.replace("0.5", "0.02");
    let rig = sliced(&training, array, "state_bits = 13").rig(External);
    let mismatch = found(&rig, &[("carry", "row_quiet ? STEP_UNIT : STEP_UP", "STEP_UP")]);
    assert!(CARRIES.contains(&mismatch.what), "{mismatch}");
}
