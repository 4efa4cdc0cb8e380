//! Finding the tools, and what they say when they refuse.

use std::{fs, path::PathBuf, process::Command};

use crate::common::{self, builder, cache};
use verilated::{Error, ModelBuilder, Verilator, Version};

/// A script that prints `text` whatever it is asked.
fn script(dir: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    common::script(&path, &format!("cat <<'EOF'\n{text}\nEOF"));
    path
}

#[test]
fn version_lines_of_all_origins_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for (line, minor) in [
        ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", 6),
        ("Verilator 5.038 2025-07-08 rev v5.038", 38),
        ("Verilator 5.041 devel rev v5.040-12-gdeadbeef (mod)", 41),
        ("a wrapper says hello\nVerilator 5.020 2024-01-01 rev (Debian 5.020-1)", 20),
    ] {
        let found = Verilator::at(script(&dir, "verilator", line)).unwrap();
        assert_eq!(found.version(), Version { major: 5, minor }, "{line}");
    }
}

#[test]
fn a_line_without_version_falls_back_to_the_header() {
    let dir = tempfile::tempdir().unwrap();
    let include = dir.path().join("include");
    fs::create_dir(&include).unwrap();
    fs::write(include.join("verilated.cpp"), "").unwrap();
    fs::write(
        include.join("verilated_config.h"),
        "#define VERILATOR_PRODUCT \"x\"\n#define VERILATOR_VERSION \"5.48\"\n",
    )
    .unwrap();
    let path = dir.path().join("verilator");
    let root = dir.path().display();
    common::script(&path, &format!("case $1 in --getenv) echo {root};; *) echo ' rev UNKNOWN.REV';; esac"));
    assert_eq!(Verilator::at(&path).unwrap().version(), Version { major: 5, minor: 48 });
}

#[test]
fn too_old_missing_and_strange_programs_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let old = Verilator::at(script(&dir, "old", "Verilator 4.228 2022-10-01 rev v4.228")).unwrap_err();
    let text = old.to_string();
    assert!(matches!(old, Error::VerilatorTooOld { found: Version { major: 4, minor: 228 }, .. }));
    assert!(text.contains("4.228") && text.contains("5.006 or newer") && !text.contains('\n'), "{text}");
    let missing = Verilator::at("/nonexistent/verilator").unwrap_err();
    assert!(matches!(missing, Error::VerilatorMissing { .. }));
    let strange = Verilator::at(script(&dir, "strange", "GNU bash, version 5")).unwrap_err();
    assert!(strange.to_string().contains("strange"), "{strange}");
}

/// Run by the test below in a process of its own, as the environment belongs to the process.
#[test]
#[ignore = "helper of the next test"]
fn find_and_print() {
    match Verilator::find() {
        Ok(found) => println!("found {} at {}", found.version(), found.path().display()),
        Err(error) => println!("error: {error}"),
    }
}

#[test]
fn the_environment_is_searched() {
    let dir = tempfile::tempdir().unwrap();
    let find = |variables: &[(&str, &std::ffi::OsStr)]| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tools::find_and_print", "--ignored", "--nocapture"]).env_remove("VERILATOR");
        command.envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let text = find(&[("PATH", empty.as_os_str())]);
    let line = text.lines().find(|l| l.contains("error:")).unwrap();
    assert!(line.contains("install Verilator 5.006 or newer") && line.contains("VERILATOR"), "{line}");
    let text = find(&[("VERILATOR", "/nonexistent/v".as_ref())]);
    assert!(text.contains("VERILATOR=/nonexistent/v does not exist"), "{text}");
    script(&dir, "verilator-cli", "Verilator 5.040 2025-08-30 rev x");
    // The script needs cat.
    let path = std::env::join_paths([dir.path(), "/bin".as_ref()]).unwrap();
    let text = find(&[("PATH", dir.path().as_os_str())]);
    assert!(!text.contains("install Verilator"), "{text}");
    let text = find(&[("VERILATOR", "verilator-cli".as_ref()), ("PATH", &path)]);
    assert!(text.contains("found 5.040"), "{text}");
}

#[test]
fn verilator_errors_come_whole_under_the_users_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("broken.v");
    fs::write(
        &path,
        "module broken (input wire a, output wire b);\n  assign b = nothing_here;\n  assign = 1;\nendmodule\n",
    )
    .unwrap();
    let error = ModelBuilder::new("broken").source(&path).build(&cache()).unwrap_err();
    let Error::Command { tool, command, output, .. } = &error else { panic!("{error}") };
    assert_eq!(*tool, "verilator");
    assert!(output.contains(&format!("{}:3:", path.display())), "{output}");
    assert!(command.contains("--top-module broken") && error.to_string().contains(output.as_str()));
    // A failed build leaves nothing that a second one would take for a model.
    assert!(ModelBuilder::new("broken").source(&path).build(&cache()).is_err());
}

#[test]
fn compiler_errors_come_whole_with_the_command() {
    let error = builder("wide").compiler_arg("-Deval_step=1").build(&cache()).unwrap_err();
    let Error::Command { tool, command, output, .. } = &error else { panic!("{error}") };
    assert_eq!(*tool, "C++ compiler");
    assert!(command.contains("-Deval_step=1") && output.contains("error:"), "{error}");
}

#[test]
fn wrong_builders_are_refused_before_anything_runs() {
    let nothing = verilated::Cache::new("/nonexistent/cache");
    for (builder, text) in [
        (ModelBuilder::new("no such"), "`no such` is not the name of a Verilog module"),
        (ModelBuilder::new("empty"), "no source file"),
        (builder("wide").parameter("A B", 1), "`A B` is not a name"),
        (builder("wide").tap("a\"b", "c"), "cannot name a tapped signal"),
        (builder("wide").source("/nonexistent/x.v"), "cannot read /nonexistent/x.v"),
    ] {
        let error = builder.build(&nothing).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}
