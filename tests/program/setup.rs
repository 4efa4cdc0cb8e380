//! `scripts/setup.sh` and the Makefile, in a world of stand-ins: PATH holds nothing but the programs that a test puts there.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::stand_ins::StandIns;

const TOOLS: [(&str, &str); 7] = [
    ("verilator", "verilator"),
    ("g++", "g++"),
    ("zlib1g-dev", "zlib.h"),
    ("make", "make"),
    ("python3", "python3"),
    ("yosys", "yosys"),
    ("iverilog", "iverilog"),
];
const ALL: &str = "verilator g++ zlib1g-dev make python3 yosys iverilog";
const APT: &str = "apt-get install -y --no-install-recommends";

struct World(StandIns);

impl World {
    /// Rust, root, a shelf with every package, and no tool installed.
    fn new() -> World {
        let world = World(StandIns::new());
        fs::create_dir(world.0.path("bin")).unwrap();
        for program in ["env", "sh"] {
            let real = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(program));
            let real = real.iter().find(|path| path.exists()).unwrap();
            std::os::unix::fs::symlink(real, world.0.path("bin").join(program)).unwrap();
        }
        world.0.program("bin/cargo", "echo 'cargo 1.95.0 (f2d3ce0bd 2026-03-21)'");
        world.0.program("bin/id", "echo 0");
        // Packages come from the shelf; what apt-get was told goes to a log.
        world.0.program(
            "bin/apt-get",
            r#"echo "apt-get $*" >>"$WORLD/log"
[ "$1" = install ] || exit 0
for package; do
  [ -e "$WORLD/shelf/$package" ] && /bin/cp -p "$WORLD/shelf/$package" "$WORLD/bin/"
done
exit 0"#,
        );
        for (package, _) in TOOLS {
            world.0.program(&format!("shelf/{package}"), "exit 0");
        }
        world.verilator("shelf", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)");
        // The compiler finds zlib.h once its package is there. It reads all input: a broken pipe would be another error.
        world.0.program("shelf/g++", r#"while read -r _; do :; done; [ -e "$WORLD/bin/zlib1g-dev" ]"#);
        world
    }

    /// As [`World::new`], with every tool installed.
    fn complete() -> World {
        let world = World::new();
        // By another program, as with `script`.
        let packages = TOOLS.iter().map(|(package, _)| world.0.path("shelf").join(package));
        let copied = Command::new("/bin/cp").args(packages).arg(world.0.path("bin")).status();
        assert!(copied.unwrap().success());
        world
    }

    fn verilator(&self, folder: &str, version: &str) {
        self.0.program(
            &format!("{folder}/verilator"),
            &format!(r#"if [ "$1" = --getenv ]; then echo "$WORLD/root"; else echo '{version}'; fi"#),
        );
    }

    fn setup(&self, variables: &[(&str, &str)]) -> Run {
        self.setup_with(&[], variables)
    }

    fn setup_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let bash = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"].into_iter().find(|p| Path::new(p).exists());
        let output = Command::new(bash.expect("bash is needed for scripts/setup.sh"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/setup.sh"))
            .args(arguments)
            .env_clear()
            .env("PATH", self.0.path("bin"))
            .env("HOME", self.0.root())
            .env("WORLD", self.0.root())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let log = fs::read_to_string(self.0.path("log")).unwrap_or_default();
        Run::new(output, log)
    }
}

struct Run {
    ok: bool,
    text: String,
    /// Calls of apt-get and sudo, one a line.
    log: String,
}

impl Run {
    fn new(output: Output, log: String) -> Run {
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        Run { ok: output.status.success(), text, log }
    }
}

#[test]
fn nothing_happens_when_all_is_there() {
    let run = World::complete().setup(&[]);
    assert_eq!((run.ok, run.text.as_str(), run.log.as_str()), (true, "", ""));
}

#[test]
fn root_installs_what_is_missing() {
    let world = World::new();
    let run = world.setup(&[]);
    assert!(run.ok, "{}", run.text);
    assert_eq!(run.log, format!("apt-get update\n{APT} {ALL}\n"));
    assert!(run.text.ends_with("setup: all tools are there\n"), "{}", run.text);
    // The second run finds all of it.
    assert_eq!(world.setup(&[]).text, "");
}

#[test]
fn each_missing_tool_is_noticed_and_named() {
    for (package, named) in TOOLS {
        let world = World::complete();
        world.0.remove(&format!("bin/{package}"));
        let run = world.setup(&[]);
        assert!(run.ok, "{package}: {}", run.text);
        let expected = if package == "g++" { "g++ zlib1g-dev" } else { package };
        assert_eq!(run.log, format!("apt-get update\n{APT} {expected}\n"));
        let named = if package == "g++" { "a C++ compiler" } else { named };
        assert!(run.text.starts_with("setup: missing:\nsetup:   ") && run.text.contains(named), "{}", run.text);
    }
}

#[test]
fn tools_for_fpgas_are_asked_for() {
    let world = World::complete();
    // The program of one package has another name.
    world.0.program(
        "bin/apt-get",
        r#"echo "apt-get $*" >>"$WORLD/log"; [ "$1" = install ] || exit 0
for p; do
  case $p in nextpnr-ice40) name=$p ;; fpga-icestorm) name=icepack ;; *) continue ;; esac
  printf '#!/bin/sh\n' >"$WORLD/bin/$name"; /bin/chmod +x "$WORLD/bin/$name"
done"#,
    );
    assert_eq!(world.setup(&[]).text, "", "nobody asked for them");
    let run = world.setup_with(&["fpga"], &[]);
    assert!(run.ok, "{}", run.text);
    assert_eq!(run.log, format!("apt-get update\n{APT} nextpnr-ice40 fpga-icestorm\n"));
    assert_eq!(world.setup_with(&["fpga"], &[]).text, "");
    let run = world.setup_with(&["asic"], &[]);
    assert_eq!((run.ok, run.text.as_str()), (false, "setup: `asic` is unknown; allowed: fpga, ecp5, packaging\n"));
}

#[test]
fn sudo_is_used_where_it_asks_for_no_password() {
    let world = World::new();
    world.0.program("bin/id", "echo 1000");
    world.0.program("bin/sudo", r#"echo "sudo $*" >>"$WORLD/log"; shift; [ "$1" = true ] || "$@""#);
    let run = world.setup(&[]);
    assert!(run.ok, "{}", run.text);
    let calls: Vec<&str> = run.log.lines().filter(|line| line.starts_with("sudo")).collect();
    let install = format!("sudo -n env DEBIAN_FRONTEND=noninteractive {APT} {ALL}");
    assert_eq!(calls, ["sudo -n true", "sudo -n apt-get update", &install]);
}

#[test]
fn without_root_the_command_is_printed_and_nothing_done() {
    let world = World::complete();
    world.0.remove("bin/yosys");
    world.0.remove("bin/iverilog");
    world.0.program("bin/id", "echo 1000");
    let expected = format!("setup: installing needs root; run: sudo apt-get update && sudo {APT} yosys iverilog\n");
    for sudo in [false, true] {
        if sudo {
            world.0.program("bin/sudo", "echo 'a password is required' >&2; exit 1");
        }
        let run = world.setup(&[]);
        assert!(!run.ok);
        assert!(run.text.ends_with(&expected), "{}", run.text);
        assert_eq!(run.log, "");
    }
}

#[test]
fn other_systems_are_told_what_to_install() {
    let world = World::new();
    world.0.remove("bin/apt-get");
    let run = world.setup(&[]);
    assert!(!run.ok);
    assert!(run.text.contains("setup:   verilator >= 5.006\n"), "{}", run.text);
    assert!(run.text.ends_with("install the above with this system's package manager\n"), "{}", run.text);
}

#[test]
fn an_old_verilator_is_replaced_or_refused() {
    let world = World::complete();
    for (old, number) in [("Verilator 4.038 2020-07-11 rev v4.036", "4.038"), ("Verilator 5.002 2022-10-29", "5.002")] {
        world.verilator("bin", old);
        let run = world.setup(&[]);
        assert!(run.ok, "{}", run.text);
        assert!(run.text.contains(&format!("verilator >= 5.006 (verilator is {number})")), "{}", run.text);
    }
    // The package is as old as what is there: Ubuntu 22.04.
    world.verilator("bin", "Verilator 4.038 2020-07-11");
    world.verilator("shelf", "Verilator 4.038 2020-07-11");
    let run = world.setup(&[]);
    assert!(!run.ok);
    assert!(
        run.text.contains("setup: still missing after the installation:\nsetup:   verilator >= 5.006"),
        "{}",
        run.text
    );
}

#[test]
fn newer_verilators_are_accepted_however_they_tell_it() {
    let world = World::complete();
    for version in ["Verilator 5.008 2023-03-04", "Verilator 5.048 2026-01-01 rev v5.048", "Verilator 6.0 x"] {
        world.verilator("bin", version);
        let run = world.setup(&[]);
        assert!(run.ok && run.text.is_empty(), "{version}: {}", run.text);
    }
    // Without a number in its line, the header decides.
    world.verilator("bin", "Verilator rev vUNKNOWN");
    fs::create_dir_all(world.0.path("root/include")).unwrap();
    let header = |version: &str| {
        let text = format!("// header\n#define VERILATOR_VERSION \"{version}\"\n");
        fs::write(world.0.path("root/include/verilated_config.h"), text).unwrap();
    };
    header("5.048 2026-01-01");
    assert!(world.setup(&[]).text.is_empty());
    header("5.004 2022-12-14");
    assert!(world.setup(&[]).text.contains("(verilator is 5.004)"));
    world.verilator("bin", "no Verilator at all");
    fs::remove_dir_all(world.0.path("root")).unwrap();
    assert!(world.setup(&[]).text.contains("(verilator does not tell its version)"));
}

#[test]
fn a_package_list_that_cannot_be_refreshed_is_no_reason_to_stop() {
    let world = World::new();
    let body = fs::read_to_string(world.0.path("bin/apt-get")).unwrap().replace("|| exit 0", "|| exit 100");
    fs::write(world.0.path("bin/apt-get"), body).unwrap();
    let run = world.setup(&[]);
    assert!(run.ok && run.text.contains("`apt-get update` failed"), "{}", run.text);
}

#[test]
fn a_failing_installation_is_reported() {
    let world = World::new();
    world.0.program("bin/apt-get", r#"echo "apt-get $*" >>"$WORLD/log"; echo 'E: no network'; exit 100"#);
    let run = world.setup(&[]);
    assert!(!run.ok);
    assert!(run.text.contains("E: no network") && run.text.ends_with("failed, see above\n"), "{}", run.text);
}

#[test]
fn rust_must_be_there_and_recent() {
    let world = World::complete();
    world.0.program("bin/cargo", "echo 'cargo 1.63.0 (Debian)'");
    let run = world.setup(&[]);
    assert!(!run.ok);
    assert!(run.text.starts_with("setup: Rust is 1.63.0, 1."), "{}", run.text);

    world.0.remove("bin/cargo");
    let run = world.setup(&[]);
    assert!(!run.ok);
    assert!(run.text.contains("cargo is missing") && run.text.contains("https://sh.rustup.rs"), "{}", run.text);

    // rustup's folder counts although PATH does not name it yet.
    world.0.program(".cargo/bin/cargo", "echo 'cargo 1.95.0'");
    assert_eq!(world.setup(&[]).text, "");
}

#[test]
fn the_variables_of_memrtl_are_honoured() {
    let world = World::complete();
    world.0.remove("bin/verilator");
    world.verilator("my tools", "Verilator 5.020");
    let program = world.0.path("my tools/verilator");
    assert_eq!(world.setup(&[("VERILATOR", program.to_str().unwrap())]).text, "");
    let run = world.setup(&[("VERILATOR", "/no/verilator")]);
    assert_eq!((run.ok, run.text.as_str()), (false, "setup: VERILATOR=/no/verilator does not exist\n"));
    let run = world.setup(&[("CXX", "/no/g++")]);
    assert_eq!((run.ok, run.text.as_str()), (false, "setup: CXX=/no/g++ does not exist\n"));
    assert_eq!(run.log, "");
}

#[test]
fn make_alone_lists_every_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let makefile = fs::read_to_string(root.join("Makefile")).unwrap();
    let targets = makefile.lines().find_map(|line| line.strip_prefix(".PHONY: ")).unwrap();
    // Run by `make test`, it is a make within a make, which would announce its folder.
    let mut make = Command::new("make");
    make.arg("--no-print-directory").current_dir(root).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    let output = make.output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(help.lines().count(), targets.split(' ').count(), "{help}");
    for target in targets.split(' ') {
        assert!(help.lines().any(|line| line.starts_with(&format!("  make {target} "))), "{target}: {help}");
    }
}
