//! The command line with input and surroundings that do not hold: a clear message, the right exit status, nothing half-written.

use crate::common;
use crate::stand_ins::script;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

fn memrtl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
    command.stdin(Stdio::null());
    command
}

/// The tiny preset as a file of its own, with `replace` applied.
fn spec(dir: &Path, replace: &[(&str, &str)]) -> PathBuf {
    let mut text = memrtl::spec::preset("tiny").unwrap().to_string();
    for (from, to) in replace {
        // At the start of a line: the comments show keys, too.
        let (from, to) = (format!("\n{from}"), format!("\n{to}"));
        assert!(text.contains(&from), "{from}");
        text = text.replacen(&from, &to, 1);
    }
    let path = dir.join("tiny.toml");
    fs::write(&path, text).unwrap();
    path
}

/// A short co-simulation of the tiny preset.
fn cosim(dir: &Path, spec: &Path) -> Command {
    let mut command = memrtl();
    command.args(["cosim", "--samples", "5", "--config"]).arg(spec).arg("--out").arg(dir.join("out"));
    command.arg("--cache").arg(common::model_cache());
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The command must fail with status 1 and say all of `words`, in few lines and without saying it twice.
fn refused(command: &mut Command, words: &[&str]) -> String {
    let (code, _, stderr) = run(command);
    assert_eq!(code, 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is missing in:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

fn summary(dir: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(dir.join("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn a_short_run_works_and_repeats_to_the_byte() {
    let dir = TempDir::new().unwrap();
    let spec = spec(dir.path(), &[]);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (code, stdout, stderr) = run(cosim(dir.path(), &spec).args(["--seed", "7", "--epochs", "2"]));
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains("mismatches"), "{stdout}");
        let mut summary = summary(dir.path());
        for timing in ["samples_per_second", "simulated_cycles_per_second", "wall_seconds", "build_seconds"] {
            assert!(summary.as_object_mut().unwrap().remove(timing).unwrap().as_f64().unwrap() >= 0.0);
        }
        seen.push(summary);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0]["seed"], 7);
    assert_eq!(seen[0]["samples"], 10);
    assert_eq!(seen[0]["mismatches"], 0);
    assert_eq!(seen[0]["epochs"].as_array().unwrap().len(), 2);
    assert_eq!(seen[0]["cycles_total"], seen[0]["cycles_predicted"]);
    let keys = ["accuracy", "accuracy_float", "cycles_per_sample", "phases", "array_busy", "verilator", "spec_hash"];
    assert!(keys.iter().all(|k| !seen[0][k].is_null()));
}

#[test]
fn waves_are_written_in_both_formats_within_the_window() {
    let dir = TempDir::new().unwrap();
    let spec = spec(dir.path(), &[]);
    for ending in ["vcd", "fst"] {
        let file = dir.path().join(format!("waves.{ending}"));
        let window = ["--waves-from", "100", "--waves-to", "150"];
        let (code, _, stderr) = run(cosim(dir.path(), &spec).arg("--waves").arg(&file).args(window));
        assert_eq!(code, 0, "{stderr}");
        let size = fs::metadata(&file).unwrap().len();
        assert!((200..2_000_000).contains(&size), "{ending}: {size} bytes");
    }
    let bad = dir.path().join("waves.txt");
    refused(cosim(dir.path(), &spec).arg("--waves").arg(&bad), &["waves.txt", ".fst or .vcd"]);
    let reversed = ["--waves", "w.vcd", "--waves-from", "9", "--waves-to", "8"];
    refused(cosim(dir.path(), &spec).args(reversed), &["--waves-from 9", "--waves-to 8"]);
    assert!(!bad.exists());
}

#[test]
fn data_that_do_not_hold_are_named() {
    let dir = TempDir::new().unwrap();
    let csv = r#"csv = "mine.csv""#;
    let path = spec(dir.path(), &[(r#"set = "digits""#, csv)]);
    refused(&mut cosim(dir.path(), &path), &["mine.csv"]);

    let row = |n: usize, label: &str| vec!["1"; n].join(",") + "," + label + "\n";
    fs::write(dir.path().join("mine.csv"), row(64, "0") + &row(63, "1")).unwrap();
    refused(&mut cosim(dir.path(), &path), &["mine.csv", "2"]);
    fs::write(dir.path().join("mine.csv"), row(64, "0") + &row(64, "99")).unwrap();
    refused(&mut cosim(dir.path(), &path), &["mine.csv", "99", "9"]);

    let idx = r#"idx = { images = "i.gz", labels = "l.gz" }"#;
    let path = spec(dir.path(), &[(r#"set = "digits""#, idx)]);
    refused(&mut cosim(dir.path(), &path), &["i.gz"]);
    fs::write(dir.path().join("i.gz"), [0, 0, 8, 3, 0, 0, 0, 9]).unwrap();
    fs::write(dir.path().join("l.gz"), [0, 0, 8, 1, 0, 0, 0, 1, 0]).unwrap();
    refused(&mut cosim(dir.path(), &path), &["i.gz"]);
    assert!(!dir.path().join("out/summary.json").exists());
}

#[test]
fn a_missing_or_old_verilator_is_one_clear_line() {
    let dir = TempDir::new().unwrap();
    let spec = spec(dir.path(), &[]);
    let error =
        |stderr: String| stderr.lines().filter(|l| l.starts_with("error")).map(String::from).collect::<Vec<_>>();

    let none = refused(cosim(dir.path(), &spec).env("VERILATOR", "/no/such/verilator"), &["install Verilator 5.006"]);
    assert_eq!(error(none).len(), 1);
    let empty = TempDir::new().unwrap();
    refused(cosim(dir.path(), &spec).env_remove("VERILATOR").env("PATH", empty.path()), &["install Verilator 5.006"]);
    let old = script(&dir.path().join("old"), "echo 'Verilator 4.038 2020-07-11 rev v4.036'\n");
    let old = refused(cosim(dir.path(), &spec).env("VERILATOR", old), &["4.038", "5.006 or newer"]);
    assert_eq!(error(old).len(), 1);
}

#[test]
fn failing_tools_are_quoted_once_with_their_command() {
    let dir = TempDir::new().unwrap();
    let spec = spec(dir.path(), &[]);
    let cache = dir.path().join("cache");
    let fails = "case \"$*\" in *--version*|*--getenv*) exec verilator \"$@\";; esac\n\
                 echo '%Error: broken on purpose' >&2\nexit 7\n";
    let verilator = script(&dir.path().join("verilator"), fails);
    let mut command = cosim(dir.path(), &spec);
    let stderr =
        refused(command.arg("--cache").arg(&cache).env("VERILATOR", verilator), &["broken on purpose", "command:"]);
    assert_eq!(stderr.matches("broken on purpose").count(), 1, "{stderr}");

    let compiler = script(
        &dir.path().join("cxx"),
        "case \"$*\" in *' -c '*) echo 'cc: broken on purpose' >&2; exit 1;; esac\nexec g++ \"$@\"\n",
    );
    let mut command = cosim(dir.path(), &spec);
    let stderr = refused(command.arg("--cache").arg(&cache).env("CXX", compiler), &["broken on purpose", "command:"]);
    assert_eq!(stderr.matches("broken on purpose").count(), 1, "{stderr}");
    assert!(!dir.path().join("out/summary.json").exists());
}

#[test]
fn ctrl_c_ends_between_two_samples() {
    let dir = TempDir::new().unwrap();
    let spec = spec(dir.path(), &[]);
    let (code, _, stderr) = run(&mut cosim(dir.path(), &spec));
    assert_eq!(code, 0, "{stderr}");
    fs::remove_file(dir.path().join("out/summary.json")).unwrap();

    // The model is built; this run would take minutes.
    let mut child = memrtl();
    child.args(["cosim", "--epochs", "10000", "--config"]).arg(&spec).arg("--out").arg(dir.path().join("out"));
    child.arg("--cache").arg(common::model_cache()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let child = child.spawn().unwrap();
    let pid = child.id().to_string();
    std::thread::sleep(Duration::from_secs(3));
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted after"), "{stderr}");
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 0, "nothing half-written");
}

#[test]
fn generate_keeps_its_hands_off_foreign_files() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("rtl");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine.v"), "module mine; endmodule\n").unwrap();
    let generate = |extra: &[&str]| {
        let mut command = memrtl();
        command.arg("generate").arg("--out").arg(&out).args(extra);
        command
    };
    refused(&mut generate(&[]), &["`mine.v`", "--out"]);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    fs::remove_file(out.join("mine.v")).unwrap();

    // A file of the same name as ours, but not from us.
    fs::write(out.join("digits.v"), "module digits; endmodule\n").unwrap();
    refused(&mut generate(&[]), &["`digits.v`"]);
    fs::remove_file(out.join("digits.v")).unwrap();

    let read = |dir: &Path| {
        let mut files: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .map(|p| (p.file_name().unwrap().to_owned(), fs::read(&p).unwrap()))
            .collect();
        files.sort();
        files
    };
    assert_eq!(run(&mut generate(&["--backend", "emulated"])).0, 0);
    let first = read(&out);
    assert_eq!(run(&mut generate(&["--backend", "emulated"])).0, 0);
    assert_eq!(first, read(&out), "byte-identical");
    assert!(out.join("digits_array_emulated.v").exists());

    // What another design of the folder no longer needs goes.
    assert_eq!(run(&mut generate(&[])).0, 0);
    assert!(!out.join("digits_array_emulated.v").exists());
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["top"], "digits");
    for file in manifest["files"].as_array().unwrap() {
        assert!(out.join(file.as_str().unwrap()).exists());
    }
}

/// A file system of `size`, or the reason why there is none.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<SmallDisk> {
        let dir = TempDir::new().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(dir.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(SmallDisk(dir)),
            _ => {
                eprintln!("not checked: mounting a small file system needs root");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let Some(disk) = SmallDisk::mount("size=600k") else { return };
    let out = disk.0.path().join("rtl");
    let mut generate = memrtl();
    generate.arg("generate").arg("--out").arg(&out);
    assert_eq!(run(&mut generate).0, 0);
    let before = fs::read(out.join("digits.v")).unwrap();
    // Leave less than a second copy needs.
    let mut ballast = fs::File::create(disk.0.path().join("ballast")).unwrap();
    while std::io::Write::write_all(&mut ballast, &[0; 4096]).is_ok() {}
    let filled = ballast.metadata().unwrap().len();
    ballast.set_len(filled - (40 << 10)).unwrap();
    std::io::Seek::seek(&mut ballast, std::io::SeekFrom::End(0)).unwrap();
    let mut again = memrtl();
    again.args(["generate", "--backend", "emulated", "--out"]).arg(&out);
    refused(&mut again, &["rtl", "No space left"]);
    assert_eq!(fs::read(out.join("digits.v")).unwrap(), before);
    assert!(!out.join("digits_array_emulated.v").exists());
    assert!(fs::read_dir(&out).unwrap().all(|e| !e.unwrap().file_name().to_string_lossy().starts_with('.')));

    // The model cache and the summary on a full disk.
    let dir = TempDir::new().unwrap();
    let spec = spec(dir.path(), &[]);
    let mut command = memrtl();
    command.args(["cosim", "--samples", "5", "--config"]).arg(&spec).arg("--out").arg(dir.path().join("out"));
    refused(command.arg("--cache").arg(disk.0.path().join("cache")), &["space"]);
    assert!(!dir.path().join("out/summary.json").exists());
    while std::io::Write::write_all(&mut ballast, &[0; 512]).is_ok() {}
    let mut command = cosim(dir.path(), &spec);
    refused(command.args(["--out"]).arg(disk.0.path().join("full")), &["space"]);
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    for (option, value) in [("--stalls", "1.5"), ("--stalls", "x"), ("--watchdog", "0"), ("--backend", "analog")] {
        let (code, _, stderr) = run(memrtl().args(["cosim", option, value]));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(option) && stderr.contains(value), "{stderr}");
    }
    let (code, _, stderr) = run(memrtl().args(["cosim", "--config", "/no/such/spec.toml"]));
    assert_eq!(code, 1);
    assert!(stderr.contains("/no/such/spec.toml") && stderr.contains("memrtl new"), "{stderr}");
}
