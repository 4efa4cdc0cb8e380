//! Running many compiler commands on all cores.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use crate::Error;

/// One command line.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub tool: &'static str,
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

impl Job {
    /// Runs in `dir`; returns what was printed.
    pub fn run(&self, dir: &Path) -> Result<String, Error> {
        let output = Command::new(&self.program)
            .args(&self.args)
            .current_dir(dir)
            .output()
            .map_err(Error::io("run", self.program.clone()))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            return Ok(text);
        }
        text.push_str(missing_library(&text));
        Err(Error::Command {
            tool: self.tool,
            command: self.command_line(),
            status: output.status.to_string(),
            output: text,
        })
    }

    fn command_line(&self) -> String {
        let words = self.args.iter().map(|a| {
            let word = a.to_string_lossy();
            if word.contains([' ', '"', '\'', '$', '*']) { format!("'{word}'") } else { word.into_owned() }
        });
        std::iter::once(self.program.display().to_string()).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// What to install, when a writer of waveforms lacks its compression library: the one failure that a user meets without a fault of
/// his own.
fn missing_library(output: &str) -> &'static str {
    if ["lz4.h", "-llz4"].iter().any(|m| output.contains(m)) {
        "help: this Verilator writes FST with LZ4: install its development files (Debian: apt install liblz4-dev), or use VCD\n"
    } else if ["zlib.h", "cannot find -lz:", "cannot find -lz\n"].iter().any(|m| output.contains(m)) {
        "help: FST needs the development files of zlib (Debian: apt install zlib1g-dev); VCD does not\n"
    } else {
        ""
    }
}

/// How many compilers run at once.
pub(crate) fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

/// Runs all jobs, the first ones first, as many at once as there are cores. The first failure stops the rest and is returned.
pub(crate) fn run_all(jobs: &[Job], dir: &Path) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let error = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..parallelism().min(jobs.len()) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    if let Err(e) = job.run(dir) {
                        failed.store(true, Ordering::Relaxed);
                        error.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(e);
                    }
                }
            });
        }
    });
    match error.into_inner().unwrap_or_else(|e| e.into_inner()) {
        Some(e) => Err(e),
        None => Ok(()),
    }
}
