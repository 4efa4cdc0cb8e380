//! The one error type of the crate.

use std::{io, path::PathBuf};

/// Where in the Verilog a model ended itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Source file as it was given to [`ModelBuilder::source`](crate::ModelBuilder::source); empty when Verilator does not say.
    pub file: String,
    /// Line, counted from 1; 0 when Verilator does not say.
    pub line: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.file.is_empty() { f.write_str("unknown place") } else { write!(f, "{}:{}", self.file, self.line) }
    }
}

/// Everything that can go wrong, from a missing tool to a `$fatal` in the model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No Verilator where it was looked for.
    #[error(
        "no Verilator found ({looked}): install Verilator {minimum} or newer (Debian: apt install verilator), or set VERILATOR to its path"
    )]
    VerilatorMissing {
        /// What was tried.
        looked: String,
        /// Oldest version that works.
        minimum: crate::Version,
    },
    /// Verilator is older than this crate supports.
    #[error(
        "{path} is Verilator {found}, but {minimum} or newer is needed: install a newer one, or set VERILATOR to its path"
    )]
    VerilatorTooOld {
        /// The program.
        path: PathBuf,
        /// What it is.
        found: crate::Version,
        /// Oldest version that works.
        minimum: crate::Version,
    },
    /// A program that should be Verilator does not say its version.
    #[error("cannot tell the version of {path}: it printed `{output}`")]
    VerilatorVersion {
        /// The program.
        path: PathBuf,
        /// What it printed, trimmed.
        output: String,
    },
    /// No C++ compiler.
    #[error(
        "no C++ compiler found ({looked}): install g++ (Debian: apt install g++), or set CXX to the path of g++ or clang++"
    )]
    CompilerMissing {
        /// What was tried.
        looked: String,
    },
    /// A file or directory could not be used.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The builder was given something that cannot work.
    #[error("{0}")]
    Builder(String),
    /// Verilator or the C++ compiler refused. The text is theirs, whole; staged file names are replaced by the user's.
    #[error("{tool} failed ({status})\ncommand: {command}\n{output}")]
    Command {
        /// "verilator", "C++ compiler" or "linker".
        tool: &'static str,
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// Its standard output and standard error.
        output: String,
    },
    /// What Verilator wrote is not what this crate can read.
    #[error("cannot understand the output of Verilator {version}: {what}")]
    Generated {
        /// Version of the tool.
        version: String,
        /// What is missing.
        what: String,
    },
    /// A built library does not load.
    #[error("cannot load {path}: {message}")]
    Load {
        /// The shared library.
        path: PathBuf,
        /// What the loader said.
        message: String,
    },
    /// The top module has no such port.
    #[error("`{top}` has no port `{name}`{}", nearest(.near))]
    UnknownPort {
        /// Top module.
        top: String,
        /// What was asked for.
        name: String,
        /// The most similar existing name.
        near: Option<String>,
    },
    /// An input was asked for as an output, or the other way round.
    #[error("port `{name}` of `{top}` is an {actual}, not an {asked}")]
    PortDirection {
        /// Top module.
        top: String,
        /// Port.
        name: String,
        /// "input" or "output".
        asked: &'static str,
        /// "input", "output" or "inout".
        actual: &'static str,
    },
    /// A signal was asked for with a width that it does not have.
    #[error("`{name}` of `{top}` is {actual} bit wide, not {asked}")]
    Width {
        /// Top module.
        top: String,
        /// Port or tapped signal.
        name: String,
        /// Width asked for, in bits.
        asked: u32,
        /// Width of the signal, in bits.
        actual: u32,
    },
    /// No such tapped signal.
    #[error("`{top}` has no tapped signal `{name}`{}; taps are declared with ModelBuilder::tap(module, signal)", nearest(.near))]
    UnknownTap {
        /// Top module.
        top: String,
        /// What was asked for.
        name: String,
        /// The most similar existing name.
        near: Option<String>,
    },
    /// An index beyond the elements of a tapped memory.
    #[error("`{name}` of `{top}` has {elements} elements, no element {index}")]
    TapIndex {
        /// Top module.
        top: String,
        /// Tapped memory.
        name: String,
        /// Number of elements.
        elements: u32,
        /// What was asked for.
        index: u32,
    },
    /// A trace of a model that was built without.
    #[error("`{top}` was built without waveforms: build it with ModelBuilder::trace(Some(TraceFormat::Fst)) or Vcd")]
    NoTrace {
        /// Top module.
        top: String,
    },
    /// Coverage of a model that was built without.
    #[error("`{top}` was built without coverage: build it with ModelBuilder::coverage(true)")]
    NoCoverage {
        /// Top module.
        top: String,
    },
    /// A snapshot of a model that was built without, or of another model.
    #[error("{0}")]
    Snapshot(String),
    /// A file with coverage counts that is none.
    #[error("{path}:{line}: not a line of a coverage file")]
    Coverage {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
    },
    /// The model executed `$finish`.
    #[error("`{top}` called $finish at {location}")]
    Finished {
        /// Top module.
        top: String,
        /// Where.
        location: Location,
    },
    /// The model executed `$stop`, `$fatal` or `$error`, or an assertion failed.
    #[error("`{top}` stopped at {location}: {message}")]
    Stopped {
        /// Top module.
        top: String,
        /// Where.
        location: Location,
        /// What the model printed about it, or `$stop`.
        message: String,
    },
    /// Verilator's runtime gave up, for example because a combinational loop did not settle. The model cannot go on.
    #[error("`{top}` failed at {location}: {message}")]
    Fatal {
        /// Top module.
        top: String,
        /// Where.
        location: Location,
        /// What the runtime said.
        message: String,
    },
}

fn nearest(near: &Option<String>) -> String {
    near.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

impl Error {
    /// An I/O error with what was attempted and where.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}
