//! `[array.nonideal]` from the spec to the machine: values and messages, co-simulation with everything switched on, faults reported by
//! the memory mode, and the command line with what cannot be.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use crate::common::{Rig, Small, model_cache, options, refused};
use memrtl::cosim;
use memrtl::device::CellAddress;
use memrtl::golden::Mode;
use memrtl::golden::memory::RowCells;
use memrtl::report;
use memrtl::spec::{self, Backend, Code, Design, FaultKind, NonIdeal, canonical_toml};
use tempfile::TempDir;

/// A spec with the section in `dir`, where `map.csv` may lie.
fn parse(device: &str, nonideal: &str) -> Result<Design, spec::SpecErrors> {
    parse_in(device, nonideal, Path::new(""))
}

/// The same with files relative to `dir`.
fn parse_in(device: &str, nonideal: &str, dir: &Path) -> Result<Design, spec::SpecErrors> {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ name = \"hidden\", outputs = 32 }}, {{ outputs = 10 }}]\n\
         [device]\n{device}\n[array.nonideal]\n{nonideal}\n"
    );
    spec::parse(&text, "memrtl.toml", dir)
}

fn with_map(device: &str, map: &str) -> Result<Design, spec::SpecErrors> {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("map.csv"), map).unwrap();
    parse_in(device, "fault_map = \"map.csv\"", dir.path())
}

const DEVICE: &str = "model = \"constant_step\"";

#[test]
fn everything_is_off_by_default() {
    let design = parse(DEVICE, "").unwrap();
    assert_eq!(design.nonideal, NonIdeal::default());
    assert!(!canonical_toml(&design).contains("nonideal"));
    assert!(design.nonideal.listed().is_empty());
    // Zeros are no imperfection: the `ideal` device takes them.
    assert!(parse("model = \"ideal\"", "read_noise = 0.0").is_ok());
}

#[test]
fn the_canonical_spec_gives_the_same_design() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("map.csv"), "layer,row,col,device,kind\nhidden,64,31,0,open\nl1,3,9,0,hrs\n")
        .unwrap();
    let lines = "stuck_lrs = 0.1\nstuck_hrs = 0.2\nstuck_open = 0.05\nlrs_conductance = 1e-4\nfault_map = \"map.csv\"\n\
                 read_noise = 0.01\nadc_offset = 0.02\nadc_gain = 0.03\ndac_inl = -1.5\ndac_bow = 0.5\nwire_row = 2\n\
                 wire_column = 1.5\nretention = 1e6\nage = 3600";
    let design = parse_in(DEVICE, lines, dir.path()).unwrap_or_else(|e| panic!("{e}"));
    let faults = &design.nonideal.fault_map.as_ref().expect("a map").faults;
    let found: Vec<_> = faults.iter().map(|f| (f.layer, f.at, f.kind)).collect();
    let at = |row, col| CellAddress { device: 0, row, col };
    assert_eq!(found, [(0, at(64, 31), FaultKind::Open), (1, at(3, 9), FaultKind::Hrs)]);
    let text = canonical_toml(&design);
    let again = spec::parse(&text, "again.toml", dir.path()).unwrap_or_else(|e| panic!("{text}\n{e}"));
    assert_eq!(again, design);
    // What sits behind the pins is none of the hardware's business.
    assert_eq!(design.spec_hash, parse(DEVICE, "").unwrap().spec_hash);
}

refused! {
    probability_above_one: [Code::OutOfRange], DEVICE, "stuck_lrs = 1.5";
    probability_below_zero: [Code::OutOfRange], DEVICE, "stuck_open = -0.1";
    probabilities_above_one_together: [Code::NonIdeal], DEVICE, "stuck_lrs = 0.5\nstuck_hrs = 0.6";
    negative_resistance: [Code::OutOfRange], DEVICE, "wire_row = -2.0";
    negative_conductance: [Code::OutOfRange], DEVICE, "lrs_conductance = -1e-6";
    noise_without_bounds: [Code::OutOfRange], DEVICE, "read_noise = inf";
    nonlinearity_beyond_reason: [Code::OutOfRange], DEVICE, "dac_inl = 100";
    retention_of_nothing: [Code::OutOfRange], DEVICE, "retention = 0.0";
    unknown_key: [Code::UnknownKey], DEVICE, "stuck_rls = 0.1";
    ideal_device: [Code::NonIdeal], "model = \"ideal\"", "read_noise = 0.01";
    age_of_devices_that_do_not: [Code::NonIdeal], DEVICE, "age = 3600";
    retention_of_devices_that_drift: [Code::NonIdeal], "model = \"pcm\"", "retention = 1e6";
    no_such_map: [Code::FaultMap], DEVICE, "fault_map = \"nowhere.csv\"";
}

#[test]
fn every_bad_line_of_a_fault_map_is_told() {
    let map = "layer,row,col,device,kind\nhidden,65,0,0,lrs\nhidden,0,32,0,lrs\nhidden,0,0,1,lrs\nhiden,0,0,0,lrs\n\
               hidden,0,0,0,shorted\nhidden,0,0\nl1,x,0,0,open\nl1,-1,0,0,open\nl1,5,5,0,open\nl1,5,5,0,hrs\n";
    let errors = with_map(DEVICE, map).expect_err("the map is bad");
    assert!(errors.codes().iter().all(|code| *code == Code::FaultMap));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(errors.to_string()) });
    // A second device exists in pairs.
    assert!(with_map("model = \"pcm\"", "layer,row,col,device,kind\nhidden,0,0,1,lrs\n").is_ok());
}

#[test]
fn a_fault_map_has_its_header() {
    for (map, words) in [
        ("", "the file is empty"),
        ("row,col\n1,2\n", "the header is `row,col`"),
        ("hidden,0,0,0,lrs\n", "allowed: layer,row,col,device,kind"),
    ] {
        let text = with_map(DEVICE, map).expect_err("the map is bad").to_string();
        assert!(text.contains(words) && text.contains("line 1"), "{text}");
    }
    assert!(with_map(DEVICE, "layer,row,col,device,kind\n").is_ok(), "no fault at all");
    let many: String = (0..30).map(|i| format!("hidden,{},0,0,lrs\n", 100 + i)).collect();
    let text = with_map(DEVICE, &format!("layer,row,col,device,kind\n{many}")).expect_err("bad").to_string();
    assert!(text.contains("20 more problems"), "{text}");
}

#[test]
fn what_is_on_is_listed_with_its_unit() {
    let listed = |nonideal: &str| {
        let design = parse(DEVICE, nonideal).unwrap_or_else(|e| panic!("{e}"));
        design.nonideal.listed().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let lines =
        "stuck_lrs = 0.01\nlrs_conductance = 1e-4\ndac_inl = -1.5\nread_noise = 0.0\nwire_row = 2\nretention = 1e6";
    let all =
        ["stuck_lrs 0.01", "lrs_conductance 0.0001 S", "dac_inl -1.5 LSB", "wire_row 2 ohm", "retention 1000000 s"];
    assert_eq!(listed(lines), all);
    assert!(listed("lrs_conductance = 1e-4").is_empty(), "no device is stuck");
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("map.csv"), "layer,row,col,device,kind\n").unwrap();
    let design =
        parse_in(DEVICE, "fault_map = \"map.csv\"\nadc_gain = 0.5", dir.path()).unwrap_or_else(|e| panic!("{e}"));
    let json = serde_json::to_value(design.nonideal.listed()).unwrap();
    let want = serde_json::json!([
        { "key": "fault_map", "value": "map.csv", "unit": "" },
        { "key": "adc_gain", "value": 0.5, "unit": "" }
    ]);
    assert_eq!(json, want);
}

/// Everything at once, but what needs a file.
const ALL: &str = "[array.nonideal]\nstuck_lrs = 0.03\nstuck_hrs = 0.03\nstuck_open = 0.03\nread_noise = 0.01\nadc_offset = 0.01\n\
                   adc_gain = 0.02\ndac_inl = 0.7\ndac_bow = 0.4\nwire_row = 3.0\nwire_column = 2.0";

/// The array on the pins and the one that golden calls are the same, whatever is wrong with them.
#[test]
fn imperfect_arrays_train_through_the_rtl_and_repeat_to_the_bit() {
    let aging = "\nage = 3600.0";
    for (device, more) in [
        ("model = \"vteam\"\nrate_ctoc = 0.1", "\nretention = 1e6\nage = 1e5"),
        ("preset = \"ReRamSB\"", ""),
        ("preset = \"ReRamSB\"\nsigned = \"differential\"", "\nretention = 1e4\nage = 1e4"),
        ("preset = \"PCM\"\nread_noise = 1.0", aging),
    ] {
        let train = |nonideal: &str| {
            let device = format!("{device}\n{nonideal}");
            let rig = Small { device: &device, ..Small::default() }.rig(Backend::External);
            let report = cosim::run(&rig.design, &rig.rtl, &options(), &AtomicBool::new(false), &mut |_| {})
                .unwrap_or_else(|error| panic!("{device}: {error}"));
            assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
            let table = report::cosim_table(&report.summary);
            let told = report.summary.imperfections.iter().all(|i| table.contains(&i.to_string()));
            assert!(told && table.contains("imperfect arrays") != nonideal.is_empty(), "{table}");
            assert_eq!(report.summary.imperfections, rig.design.nonideal.listed());
            report.states
        };
        let all = format!("{ALL}{more}");
        let states = train(&all);
        assert_eq!(states, train(&all), "{device}");
        assert_ne!(states, train(""), "{device}: no imperfection shows");
    }
}

fn memory_rig(device: &str, map: &str, memory: &str) -> Rig {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("map.csv");
    std::fs::write(&path, map).unwrap();
    let device = format!("{device}\n[array.nonideal]\nfault_map = {:?}", path.display().to_string());
    let timing = format!("{}\n[memory]\n{memory}", Small::default().timing);
    Small { device: &device, timing: &timing, ..Small::default() }.rig(Backend::External)
}

/// Pulses of one cycle and 1 V are unit pulses.
const UNIT: &str = "up_seconds = 2e-9\ndown_seconds = 2e-9";

#[test]
fn the_memory_mode_reports_stuck_devices_by_address() {
    let map = "layer,row,col,device,kind\nl0,2,0,0,lrs\nl0,2,3,0,hrs\nl0,4,1,0,open\nl1,5,2,0,lrs\n";
    let device = format!(
        "model = \"constant_step\"\ndw_min_std = 0.0\ndw_min_dtod = 0.0\nw_max_dtod = 0.0\nw_min_dtod = 0.0\n{UNIT}"
    );
    let rig = memory_rig(&device, map, "attempts = 300");
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    let memory = rig.design.memory.clone().expect("a memory mode");
    let middle = memory.code(0.5 * (memory.conductance.0 + memory.conductance.1));
    let mut failed = Vec::new();
    for (layer, shape) in rig.design.layers.iter().enumerate() {
        for row in 0..shape.rows() {
            let cells = RowCells { layer, device: 0, row, first_col: 0, last_col: shape.outputs - 1 };
            // Inside, the results and the last failure's address that the bus shows are held against golden's.
            let results = session.program_row(cells, &vec![middle; shape.outputs]).unwrap_or_else(|e| panic!("{e}"));
            for (col, result) in results.iter().enumerate().filter(|(_, r)| r.failed) {
                assert_eq!(result.pulses, 300, "all attempts on a device that does not move");
                failed.push((layer, row, col, result.code));
            }
        }
    }
    let (low, high) = (memory.code(memory.conductance.0), memory.code(memory.conductance.1));
    assert_eq!(failed, [(0, 2, 0, high), (0, 2, 3, low), (0, 4, 1, 0), (1, 5, 2, high)]);
    assert_eq!(session.memory.failures, 4);
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    // Where a stuck device happens to be right, there is nothing to report.
    let cells = RowCells { layer: 0, device: 0, row: 2, first_col: 0, last_col: 0 };
    assert!(!session.program_row(cells, &[high]).unwrap_or_else(|e| panic!("{e}"))[0].failed);
    rig.samples(&mut session, 0..5, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
}

/// Pairs with a device that is stuck high are refreshed in vain, again and again, exactly as the hardware does it.
#[test]
fn a_refresh_fails_on_stuck_devices_and_stays_exact() {
    let map = "layer,row,col,device,kind\nl0,1,1,0,lrs\nl0,1,1,1,lrs\nl1,0,0,1,lrs\nl1,2,2,0,open\n";
    let device = format!("preset = \"PCM\"\nread_noise = 0.5\nup_seconds = 2e-9\nreset_seconds = 2e-9\n{ALL}");
    let device =
        device.replace("[array.nonideal]\n", "").replace("stuck_lrs = 0.03\nstuck_hrs = 0.03\nstuck_open = 0.03\n", "");
    let (device, nonideal) = device.split_at(device.find("read_noise = 0.01").unwrap());
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("map.csv");
    std::fs::write(&path, map).unwrap();
    let device = format!("{device}\n[array.nonideal]\n{nonideal}\nfault_map = {:?}", path.display().to_string());
    let timing = format!(
        "{}\n[memory]\nattempts = 30\nrefresh_every = 4\nrefresh_upper = 0.75\nrefresh_lower = 0.25\n\
         [memory.reset]\namplitude_start = 2.0\namplitude_stop = 3.0",
        Small::default().timing
    );
    let rig = Small { device: &device, timing: &timing, ..Small::default() }.rig(Backend::External);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    rig.samples(&mut session, 0..18, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    let totals = session.memory;
    // Both devices of the pair at (1, 1) of the first layer fail, four times.
    assert!(totals.refreshed >= 4 && totals.failures >= 8, "{totals:?}");
}

fn memrtl(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_memrtl")).args(args).stdin(Stdio::null()).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

/// Numbers that overflow in training end the commands with the device's address, not with a wrong result.
#[test]
fn a_state_that_is_no_number_ends_the_commands() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let spec = "name = \"net\"\n[network]\ninputs = 64\nlayers = [{ outputs = 8 }, { outputs = 10 }]\n\
                [device]\nmodel = \"constant_step\"\ndw_min = 1e-60\n";
    std::fs::write(dir.path().join("net.toml"), spec).unwrap();
    let (config, out, cache) = (path("net.toml"), path("out"), model_cache().display().to_string());
    for command in ["train", "cosim"] {
        let mut args = vec![command, "--config", &config, "--out", &out, "--samples", "20"];
        if command == "cosim" {
            args.extend(["--cache", &cache]);
        }
        let (code, stderr) = memrtl(&args);
        assert_eq!(code, 1, "{command}: {stderr}");
        assert!(stderr.contains("sample") && stderr.contains("layer 0: device 0 of row"), "{command}: {stderr}");
        assert!(stderr.contains("is NaN") || stderr.contains("is inf") || stderr.contains("is -inf"), "{stderr}");
        assert!(!dir.path().join("out/summary.json").exists(), "{command} leaves no summary");
    }
}

#[test]
fn time_passes_only_for_devices_that_age() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let out = path("out");
    let train = |device: &str, age: &str| {
        let spec = format!(
            "name = \"net\"\n[network]\ninputs = 64\nlayers = [{{ outputs = 8 }}, {{ outputs = 10 }}]\n[device]\n{device}\n"
        );
        std::fs::write(dir.path().join("net.toml"), spec).unwrap();
        let args =
            ["train", "--config", &path("net.toml"), "--out", &out, "--samples", "40", "--epochs", "1", "--age", age];
        memrtl(&args)
    };
    let hash = || {
        let text = std::fs::read(dir.path().join("out/summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&text).unwrap();
        summary["runs"][0]["weights_hash"].as_str().unwrap().to_owned()
    };
    let (code, stderr) = train("model = \"ideal\"", "3600");
    assert!(code == 1 && stderr.contains("--age") && stderr.contains("choose another `model`"), "{stderr}");
    let (code, stderr) = train(DEVICE, "3600");
    assert!(code == 1 && stderr.contains("give `retention`"), "{stderr}");
    let (code, stderr) = train("model = \"pcm\"", "-1");
    assert!(code == 2 && stderr.contains("allowed: 0 or more seconds"), "{stderr}");
    let mut hashes = Vec::new();
    for age in ["0", "3600", "1e6"] {
        let (code, stderr) = train("model = \"pcm\"", age);
        assert_eq!(code, 0, "{stderr}");
        hashes.push(hash());
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 3, "drift changes the states");
}

/// Wires that writes do not feel are told, and what has none is silent.
#[test]
fn wires_are_told_to_act_on_reads_alone() {
    let warnings = |lines: &str| spec::nonideal_warnings(&parse(DEVICE, lines).unwrap().nonideal);
    assert_eq!(warnings("read_noise = 0.01"), Vec::<String>::new());
    insta::assert_snapshot!(warnings("wire_row = 2.0\nwire_column = 1.5").join("\n"), @"`wire_row = 2`, `wire_column = 1.5`: wires weaken reads alone; pulses reach every cell of the array whole, so training is better than on a real array");
    assert!(warnings("wire_column = 1.5")[0].starts_with("`wire_column = 1.5`: "));
}
