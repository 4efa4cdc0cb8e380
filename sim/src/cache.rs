//! The content-addressed cache: entries are directories that appear by one rename, guarded by a lock per key.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use crate::Error;

/// A directory of built models and runtimes. Any number of processes may use it at once; a process killed at any moment leaves it whole.
///
/// Layout: `models/KEY/CONTENT` (KEY is that of sources and options, CONTENT adds included files), `runtime/KEY/FILE`, `deps/KEY` (the
/// included files), `locks/KEY`, `tmp/KEY-…` (builds under way).
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    limit: u64,
}

/// What an entry of the cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A model, ready to load.
    Model,
    /// An object of the Verilated runtime.
    Runtime,
}

/// One entry of the cache.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it holds.
    pub kind: EntryKind,
    /// Top module of a model, file of the runtime.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Size of its files.
    pub bytes: u64,
    /// When it was built or last taken from the cache.
    pub last_used: SystemTime,
}

/// Size at which the least recently used entries go, unless [`Cache::with_limit`] says otherwise.
const DEFAULT_LIMIT: u64 = 2 << 30;

impl Cache {
    /// A cache in `dir`, made on first use, of at most 2 GiB.
    pub fn new(dir: impl Into<PathBuf>) -> Cache {
        Cache { dir: dir.into(), limit: DEFAULT_LIMIT }
    }

    /// Lets the cache grow to `bytes`. After a build that exceeds it the least recently used entries are removed, never the one just
    /// built nor one that is being built.
    pub fn with_limit(mut self, bytes: u64) -> Cache {
        self.limit = bytes;
        self
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

    /// All entries, the most recently used first. Empty when there is no cache yet.
    ///
    /// # Errors
    /// [`Error::Io`] when a directory of the cache cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for (kind, dir) in [(EntryKind::Model, self.models()), (EntryKind::Runtime, self.runtimes())] {
            for group in read_dir(&dir)? {
                for path in read_dir(&group)? {
                    entries.extend(describe(kind, path));
                }
            }
        }
        entries.sort_by(|a, b| b.last_used.cmp(&a.last_used).then_with(|| a.path.cmp(&b.path)));
        Ok(entries)
    }

    /// Removes the least recently used entries until the rest takes at most `bytes`; returns how many bytes went. Entries being
    /// built or waited for stay. A loaded model goes on working without its file.
    ///
    /// # Errors
    /// [`Error::Io`] when an entry cannot be removed.
    pub fn shrink(&self, bytes: u64) -> Result<u64, Error> {
        let entries = self.list()?;
        let mut size: u64 = entries.iter().map(|e| e.bytes).sum();
        let mut freed = 0;
        for entry in entries.iter().rev() {
            if size <= bytes {
                break;
            }
            if self.evict(&entry.path)? {
                size -= entry.bytes;
                freed += entry.bytes;
            }
        }
        Ok(freed)
    }

    /// Removes all entries, and what dead builds left; returns the bytes of the entries.
    ///
    /// # Errors
    /// As [`Cache::shrink`].
    pub fn clear(&self) -> Result<u64, Error> {
        let freed = self.shrink(0)?;
        self.sweep(None);
        Ok(freed)
    }

    pub(crate) fn enforce_limit(&self) -> Result<(), Error> {
        self.shrink(self.limit).map(drop)
    }

    /// Removes one entry unless its lock is taken.
    fn evict(&self, path: &Path) -> Result<bool, Error> {
        let group =
            path.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let lock = self.lock_file(&group)?;
        if lock.try_lock().is_err() {
            return Ok(false);
        }
        // Out of sight in one step: nobody sees half an entry.
        let tmp = self.dir.join("tmp");
        make_dir(&tmp)?;
        let grave = tempfile::Builder::new()
            .prefix(&format!("{group}-"))
            .tempdir_in(&tmp)
            .map_err(Error::io("create a directory in", tmp))?;
        fs::rename(path, grave.path().join("evicted")).map_err(Error::io("remove", path))?;
        if let Some(parent) = path.parent() {
            // Only succeeds when it was the last of its group.
            let _ = fs::remove_dir(parent);
        }
        Ok(true)
    }

    /// Removes what killed builds left: of `held`, whose lock the caller has, and of every key whose lock is free.
    fn sweep(&self, held: Option<&str>) {
        for path in read_dir(&self.dir.join("tmp")).unwrap_or_default() {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let owner = name.split('-').next().unwrap_or_default();
            if held == Some(owner) || self.lock_file(owner).is_ok_and(|f| f.try_lock().is_ok()) {
                // Someone else may be cleaning up as well, and what stays is only litter.
                let _ = fs::remove_dir_all(path);
            }
        }
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

    /// A fresh directory for a build of `key`, whose lock is held, on the same file system as the entries.
    pub(crate) fn workspace(&self, key: &str, _held: &Lock) -> Result<tempfile::TempDir, Error> {
        let tmp = self.dir.join("tmp");
        make_dir(&tmp)?;
        self.sweep(Some(key));
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
            let grave = tempfile::tempdir_in(workspace).map_err(Error::io("create a directory in", workspace))?;
            fs::rename(place, grave.path().join("replaced")).map_err(Error::io("replace", place))?;
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

/// Paths in a directory; none when it does not exist (any more).
fn read_dir(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.flatten().map(|e| e.path()).collect()),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(e) => Err(Error::io("read", dir)(e)),
    }
}

/// None for an entry that goes away meanwhile.
fn describe(kind: EntryKind, path: PathBuf) -> Option<Entry> {
    let bytes = fs::read_dir(&path).ok()?.flatten().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
    let last_used = fs::metadata(path.join(MANIFEST)).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let name = fs::read_to_string(path.join(INFO)).unwrap_or_default().trim().to_string();
    Some(Entry { kind, name, path, bytes, last_used })
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
/// Name of the file in an entry that says what it is, for people.
pub(crate) const INFO: &str = "info";

/// Notes that an entry was used. A cache that cannot be written still serves.
pub(crate) fn touch(entry: &Path) {
    let _ = File::options().append(true).open(entry.join(MANIFEST)).and_then(|f| f.set_modified(SystemTime::now()));
}

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
