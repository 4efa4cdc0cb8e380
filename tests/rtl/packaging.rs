//! What other tools read: the package of FuseSoC, the register map in SystemRDL, clock constraints. The tools come from PyPI, into
//! `target/tools` (`scripts/setup.sh packaging`); without them the tests fail, unless MEMRTL_WITHOUT_PYPI is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use crate::common::on_all_cores;
use memrtl::fpga::{self, Target};
use memrtl::regmap::{Access, RegMap};
use memrtl::rtl::{Rtl, emit};
use memrtl::spec::{self, Backend, Design};
use serde_json::Value;
use tempfile::TempDir;

/// Set where PyPI cannot be reached: the tests that need its tools then say that they tested nothing, and pass.
const WITHOUT: &str = "MEMRTL_WITHOUT_PYPI";

/// The program of that name in the tools' virtual environment; `None` only if the user said that it may be missing.
fn tool(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(name);
    path.exists().then_some(path).or_else(|| left_out(name))
}

/// A test that has nothing to test with fails, unless the user allowed it.
fn left_out(name: &str) -> Option<PathBuf> {
    assert!(
        std::env::var_os(WITHOUT).is_some(),
        "{name} is missing: `./scripts/setup.sh ecp5 packaging` installs it from PyPI, {WITHOUT}=1 leaves this test out"
    );
    eprintln!("NOT TESTED: {name} is missing");
    None
}

fn design(backend: &str) -> Design {
    let text = format!(
        "name = \"pack\"\n[network]\ninputs = 5\nlayers = [{{ outputs = 4, activation = \"tanh\" }}, \
         {{ outputs = 3, activation = \"sigmoid\" }}]\n[array]\nlanes = 2\nadcs = 2\nbackend = \"{backend}\"\n\
         [data]\ncsv = \"x.csv\"\n"
    );
    spec::parse(&text, "pack.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
}

/// One that fits the smallest device.
fn small() -> Design {
    let text = "name = \"pack\"\n[network]\ninputs = 5\nlayers = [{ outputs = 4, activation = \"tanh\" }, \
         { outputs = 3, activation = \"sigmoid\" }]\n[array]\nlanes = 1\nadcs = 1\ndac_bits = 5\nadc_bits = 5\n\
         pulse_bits = 4\nbackend = \"fpga\"\n[device]\nstate_bits = 10\n[data]\ncsv = \"x.csv\"\n";
    spec::parse(text, "pack.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
}

fn generated(design: &Design, rtl: &Rtl) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    emit::write(design, rtl, &dir.path().join("cores")).unwrap();
    dir
}

/// Runs a target of the package; its output.
fn fusesoc(program: &Path, dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(["--cores-root", "cores", "run"]).args(arguments).current_dir(dir);
    // No configuration of the user's, and make in a quiet surrounding.
    command.env("HOME", dir).env("XDG_CONFIG_HOME", dir).env("XDG_CACHE_HOME", dir).env_remove("MAKEFLAGS");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}\n{text}");
    text
}

#[test]
fn fusesoc_lints_and_simulates_the_package_as_it_is() {
    let Some(program) = tool("fusesoc") else { return };
    let version = env!("CARGO_PKG_VERSION");
    for backend in ["external", "emulated"] {
        let design = design(backend);
        let dir = generated(&design, &Rtl::generate(&design).unwrap());
        let core = format!("memrtl:generated:pack:{version}");
        let lint = fusesoc(&program, dir.path(), &["--target", "lint", &core]);
        assert!(!lint.contains("%Warning"), "{lint}");
        let simulation = fusesoc(&program, dir.path(), &["--target", "sim", &core]);
        assert!(simulation.contains("PASS") && !simulation.contains("FAIL"), "{backend}: {simulation}");
    }
    // The smoke test can fail: another identity.
    let design = design("emulated");
    let mut rtl = Rtl::generate(&design).unwrap();
    let csr = rtl.modules.iter_mut().find(|m| m.name == "pack_csr").unwrap();
    csr.text = csr.text.replace("32'h4d52544c", "32'h4d52544d");
    let dir = generated(&design, &rtl);
    let text = fusesoc(&program, dir.path(), &["--target", "sim", &format!("memrtl:generated:pack:{version}")]);
    assert!(text.contains("FAIL") && !text.contains("PASS"), "{text}");
}

/// The package that `memrtl fpga` writes around a design makes a bitstream by itself. FuseSoC calls the tools for ECP5 by the names that they have outside
/// of PyPI.
#[test]
#[ignore = "minutes of place and route: `make test-long`"]
fn fusesoc_builds_bitstreams_with_the_targets_of_boards() {
    let Some(program) = tool("fusesoc") else { return };
    let path = std::env::var("PATH").unwrap();
    let tools = tempfile::tempdir().unwrap();
    for name in ["nextpnr-ecp5", "ecppack"] {
        if !std::env::split_paths(&path).any(|dir| dir.join(name).exists()) {
            let Some(from_pypi) = tool(&format!("yowasp-{name}")) else { return };
            std::os::unix::fs::symlink(from_pypi, tools.path().join(name)).unwrap();
        }
    }
    let path = format!("{}:{path}", tools.path().display());
    on_all_cores(&[("ice40-hx8k", "icestorm", "bin"), ("ecp5-25k", "trellis", "bit")], |(target, flow, kind)| {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("cores");
        let options = fpga::Options { clock: Some(20.0), seed: 1, route: false, out };
        let board = Target::load(target).unwrap();
        fpga::run(&small(), &board, &options, None, &AtomicBool::new(false), &|_| {})
            .unwrap_or_else(|e| panic!("{target}: {e}"));
        let version = env!("CARGO_PKG_VERSION");
        let core = format!("memrtl:board:pack:{version}");
        let mut command = Command::new(&program);
        command.args(["--cores-root", "cores", "run", "--target", target, &core]).current_dir(dir.path());
        command.env("HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path()).env("PATH", &path).env_remove("MAKEFLAGS");
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let name = format!("memrtl_board_pack_{version}");
        let bitstream = dir.path().join(format!("build/{name}/{target}-{flow}/{name}.{kind}"));
        let made = fs::metadata(&bitstream).map_or(0, |file| file.len());
        assert!(made > 10_000, "{target}: {} has {made} bytes\n{text}", bitstream.display());
    });
}

#[test]
fn the_package_with_a_link_has_the_link_as_its_top() {
    let design = design("emulated");
    let rtl = Rtl::with_link(&design).unwrap();
    let text = |file: &str| &rtl.documents.iter().find(|d| d.file == file).unwrap().text;
    let core = text("pack.core");
    assert!(core.starts_with("CAPI=2: # Generated by memrtl"), "{core}");
    assert!(core.contains("toplevel: pack_link\n") && core.contains("- pack_link_bridge.v\n"), "{core}");
    assert_eq!(rtl.documents.iter().filter(|d| d.file == "pack.core").count(), 1);
    let clock = text("pack.sdc");
    assert!(clock.contains("create_clock -name clk -period 2.000 [get_ports clk]"), "{clock}");
    let Some(program) = tool("fusesoc") else { return };
    let dir = generated(&design, &rtl);
    let core = format!("memrtl:generated:pack:{}", env!("CARGO_PKG_VERSION"));
    assert!(!fusesoc(&program, dir.path(), &["--target", "lint", &core]).contains("%Warning"));
}

/// Registers, addresses and fields as `systemrdl-compiler` reads them.
const READ_RDL: &str = r#"
import json, sys
from systemrdl import RDLCompiler
from systemrdl.node import RegNode
compiler = RDLCompiler()
compiler.compile_file(sys.argv[1])
found = []
for node in compiler.elaborate().descendants():
    if isinstance(node, RegNode):
        fields = []
        for f in node.fields():
            reset = f.get_property("reset")
            fields.append({"name": f.inst_name, "lsb": f.lsb, "width": f.width, "reset": reset,
                           "read": f.is_sw_readable, "write": f.is_sw_writable,
                           "onwrite": str(f.get_property("onwrite")), "single": f.get_property("singlepulse")})
        found.append({"name": node.inst_name, "address": node.absolute_address, "fields": fields})
json.dump(found, sys.stdout)
"#;

#[test]
fn the_register_map_in_system_rdl_is_the_register_map() {
    let Some(python) = tool("python") else { return };
    let there = Command::new(&python).args(["-c", "import systemrdl"]).output().unwrap().status.success();
    if !there {
        left_out("systemrdl-compiler");
        return;
    }
    for backend in [Backend::External, Backend::Emulated] {
        let design = design(backend.name());
        let map = RegMap::for_design(&design);
        let dir = generated(&design, &Rtl::generate(&design).unwrap());
        let mut command = Command::new(&python);
        command.args(["-c", READ_RDL]).arg(dir.path().join("cores/pack_regs.rdl"));
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{errors}");
        let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found.len(), map.registers.len());
        for (register, found) in map.registers.iter().zip(&found) {
            assert_eq!((&found["name"], &found["address"]), (&register.name.as_str().into(), &register.address.into()));
            let fields = found["fields"].as_array().unwrap();
            assert_eq!(fields.len(), register.fields.len(), "{}", register.name);
            for (field, found) in register.fields.iter().zip(fields) {
                let place = format!("{}.{}", register.name, field.name);
                assert_eq!(found["name"], field.name, "{place}");
                assert_eq!((&found["lsb"], &found["width"]), (&field.lsb.into(), &field.width.into()), "{place}");
                let reset = if field.access == Access::Input { Value::Null } else { field.reset.into() };
                assert_eq!(found["reset"], reset, "{place}");
                assert_eq!(found["write"], field.access.is_writable(), "{place}");
                assert_eq!(found["read"], field.access != Access::PulseOnOne, "{place}");
                let cleared = found["onwrite"].as_str().unwrap().contains("woclr");
                assert_eq!(cleared, field.access == Access::ClearOnOne, "{place}");
                assert_eq!(found["single"], field.access == Access::PulseOnOne, "{place}");
            }
        }
    }
}

/// Files that other tools read are all listed in the manifest, so that they go with the design.
#[test]
fn documents_are_in_the_manifest() {
    let design = design("external");
    let dir = generated(&design, &Rtl::generate(&design).unwrap());
    let manifest: Value = serde_json::from_slice(&fs::read(dir.path().join("cores/manifest.json")).unwrap()).unwrap();
    let documents: Vec<&str> = manifest["documents"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for file in ["pack.core", "pack.sdc", "pack_regs.rdl", "pack_regs.h", "pack_registers.md", "pack_tb.v"] {
        assert!(documents.contains(&file) && dir.path().join("cores").join(file).exists(), "{file}: {documents:?}");
    }
}
