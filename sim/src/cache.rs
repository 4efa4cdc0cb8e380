//! The content-addressed cache: entries are directories that appear by one rename, guarded by a lock per key.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::Error;

/// A directory of built models and runtimes. Any number of processes may use it at once; a process killed at any moment leaves it whole.
///
/// Layout: `models/KEY`, `runtime/KEY`, `deps/KEY` (files a design includes), `locks/KEY`, `tmp/KEY-…` (builds under way).
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// A cache in `dir`, made on first use.
    pub fn new(dir: impl Into<PathBuf>) -> Cache {
        Cache { dir: dir.into() }
    }

    /// The directory named by `VERILATED_CACHE`, else `$XDG_CACHE_HOME/verilated`, else `~/.cache/verilated`.
    ///
    /// # Errors
    /// [`Error::Builder`] when none of `VERILATED_CACHE`, `XDG_CACHE_HOME` and `HOME` is set.
    pub fn default_dir() -> Result<Cache, Error> {
        let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        set("VERILATED_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("verilated")))
            .or_else(|| set("HOME").map(|d| d.join(".cache/verilated")))
            .map(Cache::new)
            .ok_or_else(|| Error::Builder("no place for the model cache: set VERILATED_CACHE to a directory".into()))
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.dir.join("models")
    }

    pub(crate) fn runtimes(&self) -> PathBuf {
        self.dir.join("runtime")
    }

    /// Waits for the lock of `key`. The lock is the system's, so it goes with the process that holds it.
    pub(crate) fn lock(&self, key: &str) -> Result<Lock, Error> {
        let file = self.lock_file(key)?;
        file.lock().map_err(Error::io("lock", self.lock_path(key)))?;
        Ok(Lock { _file: file })
    }

    fn lock_path(&self, key: &str) -> PathBuf {
        self.dir.join("locks").join(key)
    }

    fn lock_file(&self, key: &str) -> Result<File, Error> {
        make_dir(&self.dir.join("locks"))?;
        let path = self.lock_path(key);
        File::options().create(true).append(true).open(&path).map_err(Error::io("open", path))
    }

    /// A fresh directory for a build of `key`, on the same file system as the entries. What earlier builds left behind is removed:
    /// of this key, because the caller holds its lock; of any other key whose lock is free, because its builder is dead.
    pub(crate) fn workspace(&self, key: &str, _held: &Lock) -> Result<tempfile::TempDir, Error> {
        let tmp = self.dir.join("tmp");
        make_dir(&tmp)?;
        for entry in fs::read_dir(&tmp).map_err(Error::io("read", tmp.clone()))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.split('-').next().unwrap_or_default();
            let dead = owner == key || self.lock_file(owner).is_ok_and(|f| f.try_lock().is_ok());
            if dead {
                // Someone else may be cleaning up as well, and what stays is only litter.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        tempfile::Builder::new()
            .prefix(&format!("{key}-"))
            .tempdir_in(&tmp)
            .map_err(Error::io("create a directory in", tmp))
    }

    /// Moves a finished build to its place, over whatever is there.
    pub(crate) fn publish(&self, built: &Path, place: &Path, workspace: &Path) -> Result<(), Error> {
        if let Some(parent) = place.parent() {
            make_dir(parent)?;
        }
        if place.exists() {
            // A directory cannot be renamed over a full one; the damaged entry leaves with the workspace.
            fs::rename(place, workspace.join("replaced")).map_err(Error::io("replace", place))?;
        }
        fs::rename(built, place).map_err(Error::io("create", place))
    }

    /// Files a design read beyond its sources (includes, libraries), from its last build; empty if it never was built.
    pub(crate) fn dependencies(&self, key: &str) -> Vec<PathBuf> {
        let text = fs::read_to_string(self.dir.join("deps").join(key)).unwrap_or_default();
        text.lines().map(PathBuf::from).collect()
    }

    pub(crate) fn set_dependencies(&self, key: &str, files: &[PathBuf], workspace: &Path) -> Result<(), Error> {
        let deps = self.dir.join("deps");
        let text: String = files.iter().map(|f| format!("{}\n", f.display())).collect();
        make_dir(&deps)?;
        let new = workspace.join("deps");
        fs::write(&new, text).map_err(Error::io("write", new.clone()))?;
        fs::rename(&new, deps.join(key)).map_err(Error::io("write", deps.join(key)))
    }
}

pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))
}

/// Exclusive use of one key, until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// SHA-256 over parts with their lengths, so that moving a byte from one part to the next changes the key.
#[derive(Clone, Default)]
pub(crate) struct Key(Sha256);

impl Key {
    pub fn part(&mut self, label: &str, bytes: &[u8]) {
        for piece in [label.as_bytes(), bytes] {
            self.0.update((piece.len() as u64).to_le_bytes());
            self.0.update(piece);
        }
    }

    /// 32 hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize()[..16])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Name of the file in an entry that lists the other files with their checksums. Written last.
const MANIFEST: &str = "manifest";

/// Writes the checksums of `files` (names inside `dir`).
pub(crate) fn seal(dir: &Path, files: &[&str]) -> Result<(), Error> {
    let mut text = String::new();
    for name in files {
        let bytes = fs::read(dir.join(name)).map_err(Error::io("read", dir.join(name)))?;
        text.push_str(&format!("{} {name}\n", hex(&Sha256::digest(&bytes))));
    }
    fs::write(dir.join(MANIFEST), text).map_err(Error::io("write", dir.join(MANIFEST)))
}

/// True when every listed file is there, unchanged. A missing entry, a missing manifest and a truncated file all mean "build it".
pub(crate) fn intact(dir: &Path) -> bool {
    let Ok(text) = fs::read_to_string(dir.join(MANIFEST)) else { return false };
    !text.is_empty()
        && text.ends_with('\n')
        && text.lines().all(|line| {
            line.split_once(' ').is_some_and(|(sum, name)| {
                fs::read(dir.join(name)).is_ok_and(|bytes| hex(&Sha256::digest(&bytes)) == sum)
            })
        })
}
