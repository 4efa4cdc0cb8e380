//! Magnetic tunnel junctions: switching, state transitions and spreads against their formulas, the pulse table in golden model
//! and RTL, and what a spec may not ask for.

use crate::common;
use std::f64::consts::PI;
use std::path::Path;

use crate::common::{Rig, Small, memory_timing, options, refused};
use memrtl::cosim::{CosimError, What};
use memrtl::device::mtj::{Mtj, MtjPairs, PRESETS};
use memrtl::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Slot};
use memrtl::golden::Machine;
use memrtl::golden::memory::RowCells;
use memrtl::spec::{self, Backend, Code, Design, PulseTable};

const SIDE: usize = 100;
const CELLS: usize = SIDE * SIDE;
const LSB: f64 = 2e-9;

fn pairs(mtj: &Mtj, seed: u64) -> MtjPairs {
    let geometry =
        Geometry { rows: SIDE, cols: SIDE, max_code: 127, max_width: 255, pulse_lsb: LSB, update_step: 1e-3 };
    MtjPairs::new(mtj, geometry, Noise::new(seed, 0)).expect("a usable junction")
}

/// The formulas once more, as domain texts write them.
fn formula(m: &Mtj, i: f64, t: f64) -> f64 {
    if i < 1.0 {
        1.0 - (-t / (m.tau_0 * (m.delta * (1.0 - i)).exp())).exp()
    } else {
        (-(PI * PI / 4.0) * m.delta * (i - 1.0) / (i * (2.0 * (i - 1.0) * t / m.tau_d).exp() - 1.0)).exp()
    }
}

/// Fails unless `count` of `n` draws of probability `p` is within three standard errors.
fn expect_share(what: &str, count: usize, n: usize, p: f64) {
    let (got, error) = (count as f64 / n as f64, (p * (1.0 - p) / n as f64).sqrt());
    assert!((got - p).abs() <= 3.0 * error, "{what}: {got}, not {p} +- {error}");
}

fn count(weights: &[f32], w: f32) -> usize {
    weights.iter().filter(|v| **v == w).count()
}

#[test]
fn junctions_switch_as_often_as_the_formula_says() {
    let thermal = Mtj::default();
    let precessional = Mtj { write_current: 1.4, ..thermal };
    for (mtj, widths) in [(thermal, [1, 20, 90, 250]), (precessional, [1, 2, 3, 4])] {
        let currents = mtj.row_currents(127).expect("a usable junction");
        for (op, width) in widths.into_iter().enumerate() {
            for (seed, code) in [(1, 127), (2, -40), (3, 3)] {
                let mut cells = pairs(&mtj, seed);
                cells.write(Slot { x: &[code; SIDE], widths: &[width; SIDE] }, op as u64);
                let p = formula(&mtj, currents[code.unsigned_abs() as usize], f64::from(width) * LSB);
                // From 0, with both junctions antiparallel, only one of them can switch.
                let moved = count(cells.weights(), if code > 0 { 1.0 } else { -1.0 });
                expect_share(&format!("{mtj:?} code {code} width {width}"), moved, CELLS, p);
                assert_eq!(moved + count(cells.weights(), 0.0), CELLS);
            }
        }
    }
}

/// In thermal writes the chance depends on the product of code and width alone.
#[test]
fn a_rank_one_write_realises_the_product() {
    let mtj = Mtj::default();
    let currents = mtj.row_currents(127).expect("a usable junction");
    for (a, b) in [((120, 10), (12, 100)), ((64, 3), (3, 64)), ((50, 200), (100, 100))] {
        let p = |(code, width): (usize, i32)| mtj.switching_probability(currents[code], f64::from(width) * LSB);
        assert!((p(a) / p(b) - 1.0).abs() < 1e-9, "{a:?} {b:?}");
    }
}

#[test]
fn transitions_are_those_of_two_independent_junctions() {
    let mtj = Mtj::default();
    let p = formula(&mtj, mtj.write_current, 100.0 * LSB);
    for sign in [1, -1] {
        let far = -sign as f32;
        let mut cells = pairs(&mtj, 5);
        cells.program(&[far; CELLS], 1);
        cells.write(Slot { x: &[127; SIDE], widths: &[100 * sign; SIDE] }, 2);
        expect_share("one step", count(cells.weights(), 0.0), CELLS, 2.0 * p * (1.0 - p));
        expect_share("two steps", count(cells.weights(), -far), CELLS, p * p);
        expect_share("no step", count(cells.weights(), far), CELLS, (1.0 - p) * (1.0 - p));
        // What is at the end cannot go on, and pulses of no length or of rows that are off move nothing.
        cells.program(&[-far; CELLS], 3);
        cells.write(Slot { x: &[127; SIDE], widths: &[100 * sign; SIDE] }, 4);
        cells.write(Slot { x: &[0; SIDE], widths: &[-200 * sign; SIDE] }, 5);
        cells.write(Slot { x: &[127; SIDE], widths: &[0; SIDE] }, 6);
        assert_eq!(count(cells.weights(), -far), CELLS);
    }
}

#[test]
fn weights_are_programmed_to_the_nearest_and_moments_come_back() {
    let mut cells = pairs(&Mtj::default(), 1);
    let weights: Vec<f32> = (0..CELLS).map(|i| i as f32 / CELLS as f32 * 2.4 - 1.2).collect();
    cells.program(&weights, 1);
    for (got, want) in cells.weights().iter().zip(&weights) {
        assert!((got - want.clamp(-1.0, 1.0)).abs() <= 0.5 && [-1.0, 0.0, 1.0].contains(got), "{got} {want}");
    }
    let (moment, seen) = (cells.states().to_vec(), cells.weights().to_vec());
    let slot = Slot { x: &[90; SIDE], widths: &[200; SIDE] };
    cells.write(slot, 7);
    let after = cells.states().to_vec();
    assert_ne!(after, moment);
    let mut other = pairs(&Mtj::default(), 1);
    other.restore(&moment);
    assert_eq!(other.weights(), seen);
    other.write(slot, 7);
    assert_eq!(other.states(), after, "the same operation draws the same");
    other.restore(&moment);
    other.write(slot, 8);
    assert_ne!(other.states(), after, "another one does not");
}

#[test]
fn resistances_and_critical_currents_have_the_spread_asked_for() {
    let mtj = Mtj { r_dtod: 0.05, ..Mtj::default() };
    let cells = pairs(&mtj, 3);
    let address = |i: usize| CellAddress { device: i / CELLS, row: i % CELLS / SIDE, col: i % SIDE };
    let logs: Vec<f64> = (0..2 * CELLS).map(|i| (cells.conductance(address(i)) * mtj.r_ap()).ln()).collect();
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let spread = (logs.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    assert!(
        mean.abs() < 3.0 * 0.05 / n.sqrt() && (spread - 0.05).abs() < 3.0 * 0.05 / (2.0 * n).sqrt(),
        "{mean} {spread}"
    );

    // The chance of each junction, averaged over normal critical currents by a fine sum.
    let mtj = Mtj { critical_dtod: 0.02, ..Mtj::default() };
    let (width, trials) = (20, 64);
    let steps = 4000;
    let (mut weight, mut first, mut second) = (0.0, 0.0, 0.0);
    for k in 0..steps {
        let xi: f64 = -6.0 + 12.0 * (f64::from(k) + 0.5) / f64::from(steps);
        let density = (-0.5 * xi * xi).exp();
        let p = formula(&mtj, mtj.write_current / (1.0 + mtj.critical_dtod * xi), f64::from(width) * LSB);
        (weight, first, second) = (weight + density, first + density * p, second + density * p * p);
    }
    let (mean, variance) = (first / weight, second / weight - (first / weight).powi(2));
    let mut cells = pairs(&mtj, 4);
    let mut switched = vec![0.0; CELLS];
    for op in 0..trials {
        cells.program(&[0.0; CELLS], 2 * op);
        cells.write(Slot { x: &[127; SIDE], widths: &[width; SIDE] }, 2 * op + 1);
        switched.iter_mut().zip(cells.weights()).for_each(|(s, w)| *s += f64::from(*w));
    }
    let n = CELLS as f64;
    let shares: Vec<f64> = switched.iter().map(|s| s / trials as f64).collect();
    let got = shares.iter().sum::<f64>() / n;
    let central = |k: i32| shares.iter().map(|s| (s - got).powi(k)).sum::<f64>() / n;
    let wanted = variance + (mean * (1.0 - mean) - variance) / trials as f64;
    let (error, error_variance) = ((wanted / n).sqrt(), ((central(4) - central(2).powi(2)) / n).sqrt());
    assert!((got - mean).abs() < 3.0 * error, "{got} {mean}");
    assert!((central(2) - wanted).abs() < 3.0 * error_variance, "{} {wanted}", central(2));
    assert!(variance > 0.02, "the spread is worth a test: {variance}");
}

#[test]
fn pulses_on_single_junctions_follow_their_resistance() {
    let mtj = Mtj::default();
    let mut cells = pairs(&mtj, 6);
    for (op, (volts, seconds)) in [(0.75, 6e-9), (0.6, 50e-9), (0.9, 5e-9)].into_iter().enumerate() {
        cells.program(&[0.0; CELLS], 0);
        let mut set = 0;
        for (row, col) in (0..CELLS).map(|i| (i / SIDE, i % SIDE)) {
            let at = CellAddress { device: 1, row, col };
            cells.pulse(at, CellPulse { volts, seconds }, op as u64 + 1);
            set += usize::from(cells.conductance(at) > 1.5 / mtj.r_ap());
        }
        // SET drives the current through the antiparallel state.
        let p = formula(&mtj, volts / mtj.r_ap() / mtj.critical_current, seconds);
        expect_share(&format!("{volts} V"), set, CELLS, p);
        assert!(p > 0.02 && p < 0.98, "{p}");
    }
    // A RESET meets the parallel state, which carries more current: half the voltage does.
    cells.program(&[1.0; CELLS], 0);
    let (volts, seconds) = (0.4, 5e-9);
    let mut reset = 0;
    for (row, col) in (0..CELLS).map(|i| (i / SIDE, i % SIDE)) {
        let at = CellAddress { device: 0, row, col };
        cells.pulse(at, CellPulse { volts: -volts, seconds }, 9);
        reset += usize::from(cells.conductance(at) < 0.8 / mtj.r_p);
    }
    expect_share("RESET", reset, CELLS, formula(&mtj, volts / mtj.r_p / mtj.critical_current, seconds));
}

#[test]
fn junctions_forget_as_their_barrier_says() {
    let mtj = Mtj::default().stable(25.0);
    let seconds = 20.0;
    let mut cells = pairs(&mtj, 7);
    cells.program(&[1.0; CELLS], 1);
    cells.age(seconds, 2);
    let p = 0.5 * (1.0 - (-2.0 * seconds / (mtj.tau_0 * 25f64.exp())).exp());
    let flipped = cells.states()[..CELLS].iter().filter(|s| **s == 0.0).count();
    expect_share("first junctions", flipped, CELLS, p);
    expect_share("second junctions", cells.states()[CELLS..].iter().filter(|s| **s == 1.0).count(), CELLS, p);
    let mut stable = pairs(&Mtj::default(), 7);
    let before = stable.states().to_vec();
    stable.age(10.0 * 365.0 * 86400.0, 2);
    assert_eq!(stable.states(), before, "ten years are nothing to a barrier of 60 k T");
}

/// A small design on junctions; both layers have a table of their own.
fn small() -> Small<'static> {
    Small {
        device: "model = \"mtj\"\nstate_bits = 14",
        array: "adcs = 2\nlanes = 2\nweight_range = 1.0",
        ..Small::default()
    }
}

#[test]
fn the_table_takes_the_nearest_pulse_to_every_probability() {
    let design = small().rig(Backend::External).design;
    let memrtl::spec::DeviceModel::Mtj(mtj) = &design.device.model else { panic!("not a junction") };
    for layer in &design.layers {
        let table = PulseTable::of(&design, layer).expect("a table");
        let made = |width: u32| formula(mtj, mtj.write_current, f64::from(width) * 2e-9);
        // max_update over the step L, which is the weight range, for a full-scale row code of 127 / 128.
        let full = 2f64.powi(layer.ranges.update - layer.ranges.weight) * 127.0 / 128.0;
        for (code, &width) in table.widths().iter().enumerate() {
            let wanted = (mtj.transition * full * code as f64 / 256.0).tanh();
            let error = |width: u32| (made(width) - wanted).abs();
            assert!(error(width) <= (0..256).map(error).fold(1.0, f64::min) + 1e-12, "{code}: {width}");
        }
        assert!(table.widths().is_sorted() && table.widths()[0] == 0 && table.lengths() > 20, "{}", table.lengths());
        let quiet = table.quiet() as usize;
        assert!(table.widths()[quiet] == 0 && table.widths()[quiet + 1] > 0);
    }
}

/// RTL and golden model agree in every pulse, every cycle and every state, with and without momentum.
#[test]
fn junctions_train_through_the_rtl_and_repeat_to_the_bit() {
    let train = |small: &Small<'_>| {
        let rig = small.rig(Backend::External);
        let report = rig.run(&options()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
        let start = Machine::new(&rig.design).expect("usable junctions");
        assert!((0..2).any(|layer| start.states(layer) != report.states[layer]), "training has changed nothing");
        assert!(report.states.iter().flatten().all(|s| [0.0, 1.0].contains(&f32::from_bits(*s as u32))));
        report.states
    };
    let plain = Small { training: "optimizer = \"sgd\"\nlearning_rate = 0.5\nepochs = 1\nseed = 7", ..small() };
    assert_eq!(train(&small()), train(&small()));
    assert_ne!(train(&plain), train(&small()));
    // Junctions that differ, and pulses above the critical current.
    train(&Small { device: "model = \"mtj\"\nstate_bits = 16\nr_dtod = 0.05\ncritical_dtod = 0.01", ..small() });
    train(&Small {
        device: "preset = \"SttNeuroSim\"\nstate_bits = 16\nwrite_current = 1.3\ntau_d = 40e-9",
        ..small()
    });
}

/// Tables of other widths, lanes beyond the columns, shared tables: no tool has a word to say.
#[test]
fn designs_with_tables_lint_without_a_word() {
    let dir = tempfile::tempdir().expect("a folder");
    for (number, (array, timing)) in [
        ("lanes = 1\nadcs = 1\npulse_bits = 4\nweight_range = 1.0", "pulse_lsb = 40.0"),
        ("lanes = 64\nadcs = 4\npulse_bits = 12\nweight_range = 1.0", ""),
        ("lanes = 4\nadcs = 2\ndac_bits = 12\nweight_range = 1.0", ""),
    ]
    .into_iter()
    .enumerate()
    {
        for training in ["optimizer = \"sgd\"\nlearning_rate = 0.5", "learning_rate = 0.5\nhistory = 3"] {
            let small = Small { array, training, timing, ..small() };
            let design = small.rig(Backend::External).design;
            common::lint(&design, &dir.path().join(format!("{number}_{}", training.len())));
        }
    }
    let equal = "{ outputs = 8, max_update = 0.5 }, { outputs = 10, max_update = 0.5 }";
    let design = parse(equal, "[device]\nmodel = \"mtj\"\nstate_bits = 16\nwrite_current = 0.91")
        .unwrap_or_else(|e| panic!("{e}"));
    let rtl = common::lint(&design, &dir.path().join("equal"));
    let table = rtl.modules.iter().find(|m| m.name == "net_pulse_table").expect("a table");
    assert!(table.text.contains("TABLE 0 (l0, l1)") && !table.text.contains("TABLE 1"), "equal tables stand once");
    let plain = parse(equal, "[device]\nstate_bits = 16").unwrap_or_else(|e| panic!("{e}"));
    let rtl = memrtl::rtl::Rtl::generate(&plain).expect("the templates render");
    assert!(rtl.modules.iter().all(|m| !m.text.contains("TABLE") && !m.text.contains("QUIET")));
}

#[test]
fn a_wrong_entry_of_the_table_is_found() {
    let rig = small().rig(Backend::External);
    let table = PulseTable::of(&rig.design, &rig.design.layers[0]).expect("a table");
    // Every entry of the first layer one unit longer.
    let mut broken = rig.rtl.clone();
    let module = broken.modules.iter_mut().find(|m| m.name == "little_pulse_table").expect("the table");
    let (head, rest) = module.text.split_once("gen_0").expect("the first table");
    let (first, others) = rest.split_once("gen_1").expect("the second table");
    let mut first = first.to_owned();
    for (code, &width) in table.widths().iter().enumerate().filter(|(_, width)| **width > 0) {
        let line = |width: u32| format!("8'd{code}: width = 8'd{width};");
        assert!(first.contains(&line(width)), "{code}");
        first = first.replace(&line(width), &line((width + 1).min(255)));
    }
    module.text = format!("{head}gen_0{first}gen_1{others}");
    let mutant = Rig { rtl: broken, ..rig.clone() };
    match mutant.run(&options()) {
        Err(CosimError::Mismatch(m)) => {
            assert_eq!((m.what, m.layer.as_str()), (What::PulseCode, "l0"), "{m}");
            assert_eq!(m.got.abs(), m.expected.abs() + 1, "{m}");
        }
        Err(other) => panic!("not a mismatch: {other}"),
        Ok(_) => panic!("nothing was found"),
    }
    // A layer that counts a code as silent which is not.
    let quiet = format!(".QUIET       ({})", table.quiet());
    let text = &rig.rtl.modules.last().expect("the top").text;
    let others = text.matches(&quiet).count();
    assert!(others >= 1, "{text}");
    let mut lazy = rig.rtl.clone();
    let top = lazy.modules.last_mut().expect("the top");
    top.text = top.text.replace(&quiet, ".QUIET       (200)");
    let lazy = Rig { rtl: lazy, ..rig };
    assert!(matches!(lazy.run(&options()), Err(CosimError::Mismatch(_))));
}

/// Write-verify on junctions: each pulse is a draw, a failed one is followed by a stronger one.
#[test]
fn junctions_are_written_and_verified_by_the_controller() {
    let memory = "tolerance = 20e-6\nattempts = 40\n\
                  [memory.set]\namplitude_start = 0.6\namplitude_stop = 0.8\namplitude_step = 0.05\n\
                  width_start = 4\nwidth_stop = 12\nwidth_step = 4\n\
                  [memory.reset]\namplitude_start = 0.25\namplitude_stop = 0.4\namplitude_step = 0.05\n\
                  width_start = 4\nwidth_stop = 12\nwidth_step = 4";
    let timing = memory_timing(memory);
    let rig = Small { timing: &timing, ..small() }.rig(Backend::External);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let memory = rig.design.memory.clone().expect("a memory mode");
    let (low, high) = memory.conductance;
    let (low, high) = (memory.code(low), memory.code(high));
    let mut pulses = Vec::new();
    for round in 0..2 {
        for (device, row) in (0..8).flat_map(|row| [(0, row), (1, row)]) {
            let cells = RowCells { layer: 0, device, row, first_col: 0, last_col: 4 };
            let targets: Vec<u32> = (0..5).map(|col| if (col + row + round) % 2 == 0 { high } else { low }).collect();
            let results = session.program_row(cells, &targets).unwrap_or_else(|e| panic!("{e}"));
            assert!(results.iter().all(|r| !r.failed), "{results:?} {targets:?}");
            pulses.extend(results.iter().map(|r| r.pulses));
        }
    }
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    assert!(session.memory.sets > 0 && session.memory.resets > 0, "{:?}", session.memory);
    let several = pulses.iter().filter(|p| **p > 1).count();
    assert!(several > 10 && pulses.contains(&1), "some switch at once, some do not: {pulses:?}");
}

fn parse(network: &str, lines: &str) -> Result<Design, spec::SpecErrors> {
    let text = format!("name = \"net\"\n[network]\ninputs = 64\nlayers = [{network}]\n{lines}\n");
    spec::parse(&text, "memrtl.toml", Path::new(""))
}

const NETWORK: &str = "{ outputs = 32, activation = \"tanh\", max_update = 0.25 }, { outputs = 10, max_update = 0.25 }";

#[test]
fn the_canonical_spec_gives_the_same_design_and_the_table_is_hardware() {
    let design = parse(NETWORK, "[device]\npreset = \"SttNeuroSim\"\ntmr = 1.0").unwrap_or_else(|e| panic!("{e}"));
    let text = spec::canonical_toml(&design);
    let again = spec::parse(&text, "again.toml", Path::new("")).unwrap_or_else(|e| panic!("{text}\n{e}"));
    assert_eq!(again, design);
    let hash = |lines: &str| parse(NETWORK, lines).unwrap_or_else(|e| panic!("{e}")).spec_hash;
    assert_eq!(
        hash("[device]\nmodel = \"mtj\"\ntmr = 1.0"),
        design.spec_hash,
        "resistances are none of the RTL's business"
    );
    assert_ne!(hash("[device]\nmodel = \"mtj\"\nwrite_current = 0.91"), design.spec_hash);
    for preset in PRESETS {
        let read = (preset.parameters)().read_disturb(1e-6);
        assert!(read < 1e-9, "{}: {read}", preset.name);
        hash(&format!("[device]\npreset = \"{}\"", preset.name));
    }
}

refused! {
    numbers_out_of_range: [Code::OutOfRange; 5], NETWORK,
        "[device]\nmodel = \"mtj\"\ndelta = 5\ntmr = 0\nr_p = -1e3\ncritical_dtod = 0.5\nwrite_current = 0";
    reads_that_disturb: [Code::OutOfRange], NETWORK, "[device]\nmodel = \"mtj\"\nv_read = 0.25";
    a_barrier_too_low_for_any_read: [Code::OutOfRange], NETWORK, "[device]\nmodel = \"mtj\"\ndelta = 20";
    a_current_without_a_formula: [Code::DeviceDrive], NETWORK, "[device]\nmodel = \"mtj\"\nwrite_current = 0.99";
    pulses_too_weak: [Code::DeviceDrive; 2], NETWORK, "[device]\nmodel = \"mtj\"\nwrite_current = 0.8";
    pulses_too_strong: [Code::DeviceDrive], "{ outputs = 10, max_update = 0.0078125 }",
        "[device]\nmodel = \"mtj\"\nstate_bits = 16\nwrite_current = 0.96";
    an_emulated_array: [Code::DeviceBackend], NETWORK, "[array]\nbackend = \"emulated\"\n[device]\nmodel = \"mtj\"";
    a_refresh: [Code::Memory], NETWORK, "[device]\nmodel = \"mtj\"\n[memory]\nrefresh_every = 100";
    an_unknown_preset: [Code::UnknownValue], NETWORK, "[device]\nmodel = \"mtj\"\npreset = \"SttGxnr\"";
    keys_of_other_models: [Code::UnknownKey], NETWORK, "[device]\nmodel = \"mtj\"\ndw_min = 0.1";
}
