//! A folder of small shell scripts that stand in for real programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// One folder at a time: a script that another test's fork still holds open for writing could not be run.
static SERIAL: Mutex<()> = Mutex::new(());

pub struct StandIns {
    folder: TempDir,
    _serial: MutexGuard<'static, ()>,
}

impl StandIns {
    pub fn new() -> StandIns {
        let serial = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
        StandIns { folder: tempfile::tempdir().unwrap(), _serial: serial }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes an executable script, its folder included.
    pub fn program(&self, name: &str, body: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }
}
