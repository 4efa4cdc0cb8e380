//! Finding Verilator and the C++ compiler, and what identifies them in a cache key.

use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex},
    time::SystemTime,
};

use crate::Error;

/// A Verilator version, such as 5.006 (`major` 5, `minor` 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Before the point.
    pub major: u32,
    /// After the point, read as a number.
    pub minor: u32,
}

impl Version {
    /// Oldest version this crate works with: the one of Debian 12.
    pub const MINIMUM: Version = Version { major: 5, minor: 6 };

    /// Reads "5.006", "5.48" or "5.048.0"; the rest of the word is ignored.
    fn parse(word: &str) -> Option<Version> {
        let (major, rest) = word.split_once('.')?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.major, self.minor)
    }
}

/// An installed Verilator.
#[derive(Debug, Clone)]
pub struct Verilator {
    path: PathBuf,
    version: Version,
    identity: String,
}

impl Verilator {
    /// Looks at the environment variable `VERILATOR` (a path), then for `verilator` and `verilator-cli` (the name in the Python
    /// package) in `PATH`.
    ///
    /// # Errors
    /// [`Error::VerilatorMissing`], [`Error::VerilatorTooOld`] or [`Error::VerilatorVersion`].
    pub fn find() -> Result<Verilator, Error> {
        if let Some(path) = std::env::var_os("VERILATOR").filter(|v| !v.is_empty()) {
            let named = PathBuf::from(&path);
            // A bare name is looked up in PATH, as a shell would.
            let found = if named.components().count() > 1 { named.exists().then_some(named) } else { in_path(&named) };
            return match found {
                Some(path) => Verilator::at(path),
                None => Err(Error::VerilatorMissing {
                    looked: format!("VERILATOR={} does not exist", path.to_string_lossy()),
                    minimum: Version::MINIMUM,
                }),
            };
        }
        for name in ["verilator", "verilator-cli"] {
            if let Some(path) = in_path(Path::new(name)) {
                return Verilator::at(path);
            }
        }
        Err(Error::VerilatorMissing {
            looked: "neither `verilator` nor `verilator-cli` is in PATH".into(),
            minimum: Version::MINIMUM,
        })
    }

    /// Uses the program at `path`.
    ///
    /// # Errors
    /// As [`Verilator::find`].
    pub fn at(path: impl Into<PathBuf>) -> Result<Verilator, Error> {
        let path = path.into();
        let text = identity(&path, &["--version"]).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::VerilatorMissing {
                looked: format!("{} does not exist", path.display()),
                minimum: Version::MINIMUM,
            },
            _ => Error::Io { action: "run", path: path.clone(), source: e },
        })?;
        let mut identity = text.lines().find(|l| l.starts_with("Verilator ")).unwrap_or(text.trim()).trim().to_string();
        let mut version = identity.strip_prefix("Verilator ").and_then(Version::parse);
        if version.is_none() {
            // Python packages print a line without a number; the installed header knows it.
            let root = ask_root(&path)?;
            let header = fs::read_to_string(root.join("include/verilated_config.h")).unwrap_or_default();
            version = header
                .lines()
                .find_map(|l| l.trim_start_matches('#').trim().strip_prefix("define VERILATOR_VERSION "))
                .and_then(|v| Version::parse(v.trim().trim_matches('"')));
            identity = format!("{identity} at {}", root.display());
        }
        let Some(version) = version else {
            return Err(Error::VerilatorVersion { path, output: text.trim().into() });
        };
        if version < Version::MINIMUM {
            return Err(Error::VerilatorTooOld { path, found: version, minimum: Version::MINIMUM });
        }
        Ok(Verilator { path, version, identity })
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `VERILATOR_ROOT`: the directory with `include/verilated.cpp`. Asks the program (some 50 ms).
    ///
    /// # Errors
    /// When the program does not answer with a directory that holds the runtime.
    pub fn root(&self) -> Result<PathBuf, Error> {
        ask_root(&self.path)
    }

    /// The line that names version and revision: part of every cache key.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }
}

fn ask_root(path: &Path) -> Result<PathBuf, Error> {
    let output = Command::new(path)
        .args(["--getenv", "VERILATOR_ROOT"])
        .output()
        .map_err(Error::io("run", path.to_path_buf()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let root = text.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(PathBuf::from);
    root.filter(|r| r.join("include/verilated.cpp").exists()).ok_or_else(|| Error::Command {
        tool: "verilator",
        command: format!("{} --getenv VERILATOR_ROOT", path.display()),
        status: output.status.to_string(),
        output: format!("expected a directory that holds include/verilated.cpp, got `{}`", text.trim()),
    })
}

/// The C++ compiler.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    pub path: PathBuf,
    /// Whole text of `--version`.
    pub identity: String,
}

impl Compiler {
    /// `CXX`, else `g++`, `c++`, `clang++`.
    pub fn find() -> Result<Compiler, Error> {
        let chosen = std::env::var_os("CXX").filter(|v| !v.is_empty()).map(PathBuf::from);
        let found = match &chosen {
            Some(cxx) if cxx.components().count() > 1 => cxx.exists().then(|| cxx.clone()),
            Some(cxx) => in_path(cxx),
            None => ["g++", "c++", "clang++"].iter().find_map(|n| in_path(Path::new(n))),
        };
        let Some(path) = found else {
            let looked = match chosen {
                Some(cxx) => format!("CXX={}", cxx.display()),
                None => "none of g++, c++, clang++ is in PATH".into(),
            };
            return Err(Error::CompilerMissing { looked });
        };
        let identity = identity(&path, &["--version"]).map_err(Error::io("run", path.clone()))?;
        Ok(Compiler { path, identity })
    }

    pub fn is_clang(&self) -> bool {
        self.identity.contains("clang")
    }
}

fn in_path(name: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| is_executable(p))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// What a program prints, asked once per process as long as the file stays the same.
fn identity(path: &Path, args: &[&str]) -> std::io::Result<String> {
    type Key = (PathBuf, Vec<String>, Option<(u64, SystemTime)>);
    static KNOWN: LazyLock<Mutex<HashMap<Key, String>>> = LazyLock::new(Default::default);
    let stamp = fs::metadata(path).ok().and_then(|m| Some((m.len(), m.modified().ok()?)));
    let key = (path.to_path_buf(), args.iter().map(|a| a.to_string()).collect(), stamp);
    // A poisoned lock only means that another thread panicked between two whole entries.
    let lock = || KNOWN.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(text) = lock().get(&key) {
        return Ok(text.clone());
    }
    let output = Command::new(path).args(args).output()?;
    // Standard error may hold complaints of a wrapper script; it counts only when there is nothing else.
    let printed = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let text = String::from_utf8_lossy(printed).into_owned();
    lock().insert(key, text.clone());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        assert_eq!(Version::parse("5.006"), Some(Version::MINIMUM));
        assert_eq!(Version::parse("5.48.0"), Some(Version { major: 5, minor: 48 }));
        assert_eq!(Version::parse("rev"), None);
        assert!(Version::parse("4.228").unwrap() < Version::MINIMUM);
        assert_eq!(Version::MINIMUM.to_string(), "5.006");
    }
}
