//! The arrays as plain memory: write-verify through the RTL, every cell operation and cycle held against the golden controller.

use crate::common;
use crate::common::{CALM as DEVICE, Rig, Small, memory_rig as rig, memory_timing, mutated, on_all_cores, options};
use memrtl::array::Crossbar;
use memrtl::cosim::{CosimError, Options, Session, Stalls, What};
use memrtl::golden::memory::{CellKind, RowCells};
use memrtl::golden::{Machine, Mode, initial_states};
use memrtl::rtl::Rtl;
use memrtl::spec::{Backend, Design, Inner, Sweep};

fn small<'a>(device: &'a str, timing: &'a str) -> Small<'a> {
    Small { device, timing, ..Small::default() }
}

fn row(layer: usize, row: usize, first_col: usize, last_col: usize) -> RowCells {
    RowCells { layer, device: 0, row, first_col, last_col }
}

#[test]
fn a_row_is_programmed_and_read_back() {
    let rig = rig(DEVICE, "");
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let memory = rig.design.memory.clone().expect("a memory mode");
    let targets = [20, 40, 64, 90, 110];
    let results = session.program_row(row(0, 3, 0, 4), &targets).unwrap_or_else(|e| panic!("{e}"));
    for (result, target) in results.iter().zip(targets) {
        assert!(!result.failed && result.code.abs_diff(target) <= memory.tolerance_codes, "{result:?} {target}");
        assert!(result.pulses > 0, "{result:?}");
    }
    let codes = session.read_cells(row(0, 3, 0, 4)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(codes, results.iter().map(|r| r.code).collect::<Vec<_>>());
    // One cell of another array, nothing else.
    let before = session.golden.states(0).to_vec();
    session.program_row(row(1, 5, 2, 2), &[77]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(session.golden.states(0), before);
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((session.memory.successes, session.memory.failures), (6, 0));
    // Training goes on with what has been programmed.
    rig.samples(&mut session, 0..4, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
}

/// Devices whose bounds and steps differ a lot: some do not move at all, some do not reach the top.
const SPREAD: &str = "model = \"constant_step\"\ndw_min_std = 0.3\ndw_min_dtod = 0.8\nw_max_dtod = 0.3\n\
                      up_seconds = 2e-9\ndown_seconds = 2e-9";

#[test]
fn failures_are_told_by_address_and_end_the_row_or_not() {
    let rig = rig(SPREAD, "attempts = 60");
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let mut memory = rig.design.memory.clone().expect("a memory mode");
    memory.attempts = 200;
    session.configure(&memory).unwrap_or_else(|e| panic!("{e}"));
    let high = vec![120; 5];
    let mut failed = 0;
    for r in 0..8 {
        // Registers and result memory are held against golden inside; here: that the two modes differ as they should.
        let results = session.program_row(row(0, r, 0, 4), &high).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(results.len(), 5, "skip_on_failure goes on");
        for (col, result) in results.iter().enumerate().filter(|(_, r)| r.failed) {
            assert_eq!(result.pulses, 200, "row {r}, column {col}: all attempts");
            assert!(result.code.abs_diff(120) > memory.tolerance_codes);
            failed += 1;
        }
    }
    assert!((3..38).contains(&failed), "{failed} of 40 cells: the spread must make some fail and some not");
    assert_eq!(session.memory.failures, failed);
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));

    memory.skip_on_failure = false;
    memory.attempts = 5;
    session.configure(&memory).unwrap_or_else(|e| panic!("{e}"));
    let mut stopped = 0;
    for r in 0..8 {
        let results = session.program_row(row(0, r, 0, 4), &[10; 5]).unwrap_or_else(|e| panic!("{e}"));
        if let Some(at) = results.iter().position(|r| r.failed) {
            assert_eq!((results.len(), results[at].pulses), (at + 1, 5), "row {r} ends with its first failure");
            stopped += usize::from(at < 4);
        }
    }
    assert!(stopped > 0);
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_loops_run_in_the_chosen_order() {
    let rig = rig(DEVICE, "");
    let library = rig.build();
    for inner in [Inner::Amplitude, Inner::Width] {
        let mut session = rig.session(&library, &options());
        let mut m = rig.design.memory.clone().expect("a memory mode");
        m.inner = inner;
        m.setup = if inner == Inner::Width { 0 } else { 7 };
        m.attempts = 8;
        m.set.amplitude = Sweep { start: 10, stop: 15, step: 2, ..m.set.amplitude };
        m.set.width = Sweep { start: 1, stop: 3, step: 2, ..m.set.width };
        session.configure(&m).unwrap_or_else(|e| panic!("{e}"));
        let result = session.program_row(row(0, 0, 1, 1), &[127]).unwrap_or_else(|e| panic!("{e}"))[0];
        assert!(result.failed && result.pulses == 8);
        let pulses: Vec<(u32, u32)> = session
            .bench
            .scoreboard
            .trace
            .memory
            .ops
            .iter()
            .filter(|op| op.kind == CellKind::Set)
            .map(|op| (op.amplitude, op.width))
            .collect();
        // 16 would be beyond the stop of 15; the strongest pulse stays.
        let expected = match inner {
            Inner::Amplitude => [(10, 1), (12, 1), (14, 1), (10, 3), (12, 3), (14, 3), (14, 3), (14, 3)],
            Inner::Width => [(10, 1), (10, 3), (12, 1), (12, 3), (14, 1), (14, 3), (14, 3), (14, 3)],
        };
        assert_eq!(pulses, expected, "{inner:?}");
    }
}

#[test]
fn commands_and_registers_refuse_what_cannot_be() {
    const SLVERR: u32 = 2;
    let rig = rig(DEVICE, "");
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    // Layer l1 has 6 rows and 3 columns, the registers reach those of l0.
    for cells in [row(1, 6, 0, 0), row(1, 0, 0, 3), row(0, 0, 3, 1)] {
        let refused = session.bench.address("MEMORY_STATUS");
        let names = ["MEMORY_LAYER", "MEMORY_ROW", "MEMORY_FIRST_COL", "MEMORY_LAST_COL"];
        for (name, value) in names.into_iter().zip([cells.layer, cells.row, cells.first_col, cells.last_col]) {
            session.bench.write(session.bench.address(name), value as u32).unwrap_or_else(|e| panic!("{e}"));
        }
        session.bench.write(session.bench.address("MEMORY_COMMAND"), 1).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(session.bench.read(refused).unwrap() & 3, 2, "{cells:?} is refused, nothing runs");
        session.bench.write(refused, 2).unwrap();
        assert_eq!(session.bench.read(refused).unwrap(), 0, "the flag is cleared by writing 1");
    }
    let bad = [
        ("MEMORY_LAYER", 2),
        ("MEMORY_DEVICE", 1),
        ("MEMORY_ROW", 8),
        ("MEMORY_LAST_COL", 5),
        ("MEMORY_COLUMN", 5),
        ("MEMORY_TARGET", 128),
        ("MEMORY_TARGET", 1 << 31 | 128),
        ("MEMORY_TOLERANCE", 128),
        ("MEMORY_ATTEMPTS", 0),
        ("MEMORY_ATTEMPTS", 0x1_0000),
        ("MEMORY_SETUP", 256),
        ("MEMORY_SET_AMP_STEP", 0),
        ("MEMORY_RESET_WIDTH_STEP", 0),
        ("MEMORY_RESET_AMP_STOP", 256),
    ];
    for (name, value) in bad {
        let address = session.bench.address(name);
        let before = session.bench.read(address).unwrap();
        assert_eq!(session.bench.write_strobed(address, value, 0xf).unwrap(), SLVERR, "{name} {value}");
        assert_eq!(session.bench.read(address).unwrap(), before, "{name}");
    }
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
}

/// While a command runs, settings answer SLVERR; a soft reset ends it at once, and the machine works as before.
#[test]
fn a_soft_reset_ends_a_command() {
    let rig = rig(DEVICE, "");
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    for delay in [0, 3, 11, 40] {
        let write = |session: &mut Session, name: &str, value| {
            let address = session.bench.address(name);
            session.bench.write(address, value).unwrap_or_else(|e| panic!("{name}: {e}"));
        };
        for col in 0..5 {
            write(&mut session, "MEMORY_COLUMN", col);
            write(&mut session, "MEMORY_TARGET", 1 << 31 | 127);
        }
        for (name, value) in [("MEMORY_LAYER", 0), ("MEMORY_ROW", 1), ("MEMORY_FIRST_COL", 0), ("MEMORY_LAST_COL", 4)] {
            write(&mut session, name, value);
        }
        session.bench.checking = false;
        write(&mut session, "MEMORY_COMMAND", 1);
        for _ in 0..delay {
            session.bench.step().unwrap();
        }
        let status = session.bench.address("MEMORY_STATUS");
        assert_eq!(session.bench.read(status).unwrap() & 1, 1, "it runs");
        let attempts = session.bench.address("MEMORY_ATTEMPTS");
        assert_eq!(session.bench.write_strobed(attempts, 7, 0xf).unwrap(), 2, "locked while it runs");
        write(&mut session, "COMMAND", 1);
        for _ in 0..4 {
            session.bench.step().unwrap();
        }
        session.bench.forget();
        assert_eq!(session.bench.read(status).unwrap() & 1, 0, "it is over");
    }
    start_over(&mut session, &rig.design);
    session.program_row(row(0, 1, 0, 4), &[30, 50, 70, 90, 100]).unwrap_or_else(|e| panic!("{e}"));
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    rig.samples(&mut session, 0..3, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
}

/// Golden model and arrays as at the start, counters at zero.
fn start_over(session: &mut Session, design: &Design) {
    session.golden = Machine::new(design).expect("drivable devices");
    for (index, layer) in design.layers.iter().enumerate() {
        let mut crossbar = Crossbar::new(design, index, layer).expect("drivable devices");
        crossbar.load(&initial_states(design, index, layer));
        session.bench.arrays[index].crossbar = Some(crossbar);
    }
    session.bench.write(session.bench.address("COMMAND"), 4).unwrap_or_else(|e| panic!("{e}"));
    session.memory = Default::default();
}

/// Conversions of random length change no value, only the cycles, which are then not compared.
#[test]
fn late_conversions_change_nothing_but_cycles() {
    let rig = rig(SPREAD, "attempts = 60");
    let library = rig.build();
    let program = |stalls: f64| {
        let options = Options { stalls: Stalls { conversion: stalls, seed: 3, ..Stalls::default() }, ..options() };
        let mut session = rig.session(&library, &options);
        session.program_row(row(0, 2, 0, 4), &[15, 35, 64, 80, 100]).unwrap_or_else(|e| panic!("{e}"));
        let bits: Vec<i32> = session.bench.arrays[0].crossbar.as_ref().expect("on pins").states().to_vec();
        (bits, session.memory)
    };
    let (calm, stalled) = (program(0.0), program(0.5));
    assert_eq!(calm.0, stalled.0);
    assert!(stalled.1.cycles > calm.1.cycles && stalled.1.reads == calm.1.reads);
}

#[test]
fn initial_weights_are_programmed_by_the_controller() {
    let rig = rig(SPREAD, "program_initial = true\nattempts = 30");
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{e}"));
    let totals = report.summary.memory.expect("a memory mode");
    assert_eq!(totals.successes + totals.failures, 8 * 5 + 6 * 3, "every cell once");
    assert!(totals.successes > totals.failures && totals.failures > 0, "{totals:?}");
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
}

/// The compact model of a real device: a SET far slower than the RESET at the same voltage.
#[test]
fn vteam_cells_are_programmed_to_their_targets() {
    let memory = "tolerance = 12e-6\nattempts = 300\n\
                  [memory.set]\namplitude_start = 0.4\namplitude_stop = 1.0\namplitude_step = 0.05\n\
                  width_start = 20\nwidth_stop = 100\nwidth_step = 20\n\
                  [memory.reset]\namplitude_start = 0.45\namplitude_stop = 0.8\namplitude_step = 0.05\n\
                  width_start = 2\nwidth_stop = 10\nwidth_step = 2";
    let rig = rig("model = \"vteam\"", memory);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let memory = rig.design.memory.clone().expect("a memory mode");
    let (low, high) = memory.conductance;
    let targets: Vec<u32> = (0..5).map(|i| memory.code(low + (high - low) * (0.1 + 0.2 * f64::from(i)))).collect();
    let results = session.program_row(row(0, 4, 0, 4), &targets).unwrap_or_else(|e| panic!("{e}"));
    assert!(results.iter().all(|r| !r.failed), "{results:?} {targets:?}");
    assert!(session.memory.sets > 0 && session.memory.resets > 0, "{:?}", session.memory);
}

/// Broken controllers: what the checker must say of each.
#[test]
fn a_broken_controller_is_found() {
    let cases = [
        (
            "band too wide",
            "+ {1'b0, tolerance};\n  wire [CODE_BITS:0] code_top",
            "+ {tolerance, 1'b0};\n  wire [CODE_BITS:0] code_top",
            What::CellOperation,
        ),
        // Whether it shows in the width or the amplitude depends on where the last ramp ended.
        ("ramp that does not start anew", "fresh_q || (too_high != down_q);", "fresh_q;", What::CellWidth),
        ("pulse one cycle too long", "left_q <= width_q;", "left_q <= width_q + WIDTH_ONE;", What::CellWidth),
        ("no setup time", "setup == {SETUP_BITS{1'b0}} : wait_q == SETUP_ONE;", "1'b1 : 1'b0;", What::CellSetup),
        ("one attempt too few", "(pulses_q == attempts);", "(pulses_q + COUNT_ONE == attempts);", What::CellOperation),
        ("stale result", ".wr_data({failed_q, code_q})", ".wr_data({failed_q, target_q})", What::CellResult),
        (
            "a cycle lost",
            "ST_TARGET: state_d = ST_READ;",
            "ST_TARGET: if (target_q == target_rd) state_d = ST_READ;",
            What::Cycles("memory"),
        ),
    ];
    let good = rig(SPREAD, "attempts = 60");
    let mut m = good.design.memory.clone().expect("a memory mode");
    // Coarse pulses of two amplitudes overshoot every now and then.
    m.attempts = 12;
    m.setup = 3;
    for ramp in [&mut m.set, &mut m.reset] {
        ramp.amplitude = Sweep { start: 10, stop: 12, step: 2, ..ramp.amplitude };
        ramp.width = Sweep { start: 8, stop: 64, step: 8, ..ramp.width };
    }
    let run = |rtl: &Rtl| {
        let rig = Rig { rtl: rtl.clone(), ..good.clone() };
        let library = rig.build();
        let mut session = rig.session(&library, &options());
        session.configure(&m)?;
        // Rows enough for every branch to be taken whatever the devices draw.
        for targets in [[64, 66, 70, 50, 80], [80, 40, 55, 60, 64], [50, 70, 62, 84, 45]] {
            for r in 0..8 {
                session.program_row(row(0, r, 0, 4), &targets)?;
            }
        }
        session.check_memory_counters()
    };
    run(&good.rtl).unwrap_or_else(|e| panic!("unbroken: {e}"));
    on_all_cores(&cases, |(name, from, to, what)| match run(&mutated(&good.rtl, &[("memory_ctrl", from, to)])) {
        Err(CosimError::Mismatch(m)) => {
            let ramp = |w: &What| matches!(w, What::CellWidth | What::CellAmplitude);
            assert!(m.what == *what || ramp(&m.what) && ramp(what), "{name}: {m}");
        }
        Err(other) => panic!("{name}: {other}"),
        Ok(()) => panic!("{name}: nothing was found"),
    });
}

/// Lint with the pairs' refresh and without it, one layer and several, down to arrays of one column.
#[test]
fn designs_with_a_memory_mode_lint_without_a_word() {
    let networks = [
        Small::default().network,
        "inputs = 1\nlayers = [{ outputs = 1, activation = \"sigmoid\" }]",
        "inputs = 9\nlayers = [{ outputs = 17, activation = \"relu\" }, { outputs = 1, activation = \"tanh\" }, \
         { outputs = 2, activation = \"sigmoid\" }]",
    ];
    for network in networks {
        for devices in [1, 2] {
            let timing = memory_timing("");
            let mut design = Small { network, ..small(DEVICE, &timing) }.rig(Backend::External).design;
            if let Some(memory) = &mut design.memory {
                memory.devices = devices;
            }
            let dir = tempfile::tempdir().expect("a folder");
            common::lint(&design, &dir.path().join("rtl"));
        }
    }
}

/// What the command line refuses, and the table of docs/memory.md.
mod command {
    use std::path::Path;
    use std::process::{Command, Output};

    fn memrtl(args: &[&str], out: &Path) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
        command.args(args).current_dir(root);
        if args[0] == "memory" {
            command.arg("--cache").arg(crate::common::model_cache()).arg("--out").arg(out);
        }
        command.output().expect("memrtl runs")
    }

    fn refused(args: &[&str]) -> String {
        let out = tempfile::tempdir().expect("a folder");
        let output = memrtl(args, out.path());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("text")
    }

    const SPEC: &str = "docs/memory.toml";

    #[test]
    fn what_cannot_be_is_refused_with_the_range() {
        assert_eq!(
            refused(&["memory", "--config", SPEC, "--target", "1e-3"]),
            "error: --target 1e-3 S is outside the device's range; allowed: 1e-5 to 5e-4 S\n"
        );
        assert_eq!(
            refused(&["memory", "--config", SPEC, "--layer", "benk"]),
            "error: --layer benk: no such layer; there are bank\n"
        );
        assert_eq!(
            refused(&["memory", "--config", "presets/digits.toml"]),
            "error: presets/digits.toml: `[memory]` is missing: without it no controller is generated\n"
        );
        assert_eq!(
            refused(&["generate", "--config", SPEC, "--out", "target/tmp/never", "--backend", "emulated"]),
            "error: --backend emulated: the emulated array has the `ideal` device only; this spec has another `model`\n"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let spec = folder.path().join("fast.toml");
        let text = std::fs::read_to_string("presets/digits.toml").expect("the preset");
        let text =
            text.replace("momentum_unit = \"history\"", "momentum_unit = \"tiki_taka\"").replace("\nhistory = 8", "");
        std::fs::write(&spec, text).expect("a spec");
        assert_eq!(
            refused(&[
                "generate",
                "--config",
                spec.to_str().expect("text"),
                "--out",
                "target/tmp/never",
                "--backend",
                "emulated"
            ]),
            "error: --backend emulated: nothing in Verilog holds the second devices of `momentum_unit = \"tiki_taka\"`\n"
        );
    }

    #[test]
    fn the_documented_table_is_what_the_command_prints() {
        let out = tempfile::tempdir().expect("a folder");
        let output = memrtl(&["memory", "--config", SPEC, "--pattern", "ramp"], out.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).expect("text");
        let table = printed.split("results: ").next().expect("a table").trim_end();
        let page = include_str!("../../docs/memory.md");
        assert!(page.contains(&format!("```text\n{table}\n```")), "docs/memory.md should hold\n{table}");
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.path().join("memory.json")).expect("results")).expect("JSON");
        assert_eq!(json["cells"], 65 * 10);
        assert_eq!(json["counters"]["successes"].as_u64(), json["cells"].as_u64());
    }
}
