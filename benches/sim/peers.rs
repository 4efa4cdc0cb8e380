//! The peers' programs: built where needed, run as processes that print one line.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use verilated::Verilator;

use super::drive::Ran;

/// What a peer is built with.
pub struct Place<'a> {
    pub target: &'a Path,
    pub folder: &'a Path,
    pub verilator: &'a Verilator,
    /// Flags of the C++ compiler for code that runs at every evaluation.
    pub flags: &'a [String],
}

/// A program that takes a stimulus and a number of passes.
pub struct Process {
    program: PathBuf,
    before: Vec<String>,
    after: Vec<String>,
    path: Option<String>,
}

const SETUP: &str = "not set up (`make peers-sim`)";

impl Place<'_> {
    /// The Verilog files, as the bench wrote them.
    fn rtl(&self) -> PathBuf {
        self.folder.join("rtl")
    }

    pub fn verilog(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.rtl()).expect("written").flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|e| e == "v")).collect();
        files.sort();
        files
    }

    /// What Verilator's make gets, to optimise as we do.
    pub fn makeflags(&self) -> String {
        format!("OPT_FAST=\"{}\" OPT_GLOBAL=-O2", self.flags.join(" "))
    }

    /// The flags for programs that find functions of the model by name.
    fn visible_flags(&self) -> String {
        let flags: Vec<&str> =
            self.flags.iter().map(String::as_str).filter(|f| !f.starts_with("-fvisibility")).collect();
        flags.join(" ")
    }

    fn peers(&self) -> PathBuf {
        self.target.join("peers/sim")
    }

    /// A folder for a build with these flags and this Verilator, emptied when it was built otherwise.
    fn place(&self, name: &str) -> PathBuf {
        let place = self.folder.join(format!("{name}-{}", self.verilator.version()));
        let (stamp, made) = (place.join("flags"), self.makeflags());
        if std::fs::read_to_string(&stamp).ok().as_ref() != Some(&made) {
            let _ = std::fs::remove_dir_all(&place);
        }
        std::fs::create_dir_all(&place)
            .and_then(|()| std::fs::write(stamp, made))
            .unwrap_or_else(|error| panic!("{}: {error}", place.display()));
        place
    }

    /// Verilator's `--build` of the hand-written loop in `place`, every flag as in our own build.
    pub fn verilator_build(&self, place: &Path) -> Command {
        let mut command = Command::new(self.verilator.path());
        command.args(["--cc", "--exe", "--build", "-j", "0", "-O3", "--top-module", "digits", "-o", "loop"]);
        command.args(["--x-assign", "fast", "--x-initial", "fast", "--assert", "-MAKEFLAGS", &self.makeflags()]);
        command.args(["-CFLAGS", "-O2", "--Mdir"]).arg(place).arg(source("loop.cpp"));
        command.args(self.verilog());
        command
    }

    pub fn hand_written(&self) -> Result<Process, String> {
        let place = self.place("loop");
        output(&mut self.verilator_build(&place))?;
        Ok(Process { program: place.join("loop"), before: Vec::new(), after: Vec::new(), path: None })
    }

    /// The program with marlin, not yet started: `folder` is where it builds the model.
    pub fn marlin_program(&self, interface: &str, our_flags: bool, folder: &Path) -> Result<Process, String> {
        let program = self.peers().join("cargo/release/marlin-loop");
        if !program.exists() {
            return Err(SETUP.into());
        }
        // It reads the ports from the Verilog when it is compiled; nothing happens when that is the same.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--release", "--offline", "--manifest-path"]).arg(source("Cargo.toml"));
        output(cargo.arg("--target-dir").arg(self.peers().join("cargo")))?;
        let cxx = if our_flags { self.compiler()? } else { "g++".into() };
        let words = [
            interface.into(),
            self.verilator.path().display().to_string(),
            cxx,
            folder.display().to_string(),
            self.rtl().display().to_string(),
        ];
        Ok(Process { program, before: words.into(), after: Vec::new(), path: None })
    }

    /// The same, with its model built.
    pub fn marlin(&self, interface: &str, our_flags: bool) -> Result<Process, String> {
        let name = if our_flags { "marlin-flags" } else { "marlin" };
        let process = self.marlin_program(interface, our_flags, &self.place(name))?;
        output(process.command(Path::new("-"), 0))?;
        Ok(process)
    }

    /// A compiler that adds our flags after all others: marlin has no option for them.
    fn compiler(&self) -> Result<String, String> {
        let path = self.folder.join("cxx");
        let text = format!("#!/bin/sh\nexec g++ \"$@\" {}\n", self.visible_flags());
        std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path.display().to_string())
    }

    pub fn cocotb(&self) -> Result<Process, String> {
        let program = self.peers().join("python/bin/python");
        if !program.exists() {
            return Err(SETUP.into());
        }
        let bin = self.verilator.path().parent().unwrap_or(Path::new("/")).display().to_string();
        let before = [
            source("cocotb_loop.py").display().to_string(),
            self.place("cocotb").display().to_string(),
            self.rtl().display().to_string(),
        ];
        let process = Process { program, before: before.into(), after: vec![self.visible_flags()], path: Some(bin) };
        output(process.command(Path::new("-"), 0))?;
        Ok(process)
    }
}

impl Process {
    pub fn command(&self, stimulus: &Path, passes: u64) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.before).arg(stimulus).arg(passes.to_string()).args(&self.after);
        if let Some(path) = &self.path {
            let old = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{path}:{old}"));
        }
        command
    }

    /// # Panics
    /// When it fails, or prints something else than expected: a defect of the benchmark.
    pub fn run(&self, stimulus: &Path, passes: u64) -> Ran {
        let text = output(self.command(stimulus, passes)).unwrap_or_else(|error| panic!("{error}"));
        let words: Vec<&str> = text.lines().last().unwrap_or_default().split(' ').collect();
        let hex = |word: &str| u64::from_str_radix(word, 16).ok();
        let ran = match words[..] {
            [cycles, seconds, first, all] => {
                cycles.parse().ok().zip(seconds.parse().ok()).zip(hex(first).zip(hex(all)))
            }
            _ => None,
        };
        let Some(((cycles, seconds), (first, all))) = ran else {
            panic!("{}: unexpected output\n{text}", self.program.display())
        };
        Ran { cycles, seconds, first, all }
    }
}

/// A file of `benches/peers/sim`.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/sim").join(name)
}

/// Standard output of a command that succeeds; all its output and the command as the error otherwise.
pub fn output(mut command: impl std::borrow::BorrowMut<Command>) -> Result<String, String> {
    let command = command.borrow_mut();
    let result = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&result.stdout).into_owned();
    if result.status.success() {
        return Ok(text);
    }
    Err(format!("{command:?}: {}\n{text}{}", result.status, String::from_utf8_lossy(&result.stderr)))
}
