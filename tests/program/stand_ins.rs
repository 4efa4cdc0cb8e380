//! A folder of small shell scripts that stand in for real programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub struct StandIns {
    folder: TempDir,
}

impl StandIns {
    pub fn new() -> StandIns {
        StandIns { folder: tempfile::tempdir().unwrap() }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes an executable script, its folder included.
    pub fn program(&self, name: &str, body: &str) -> PathBuf {
        script(&self.path(name), body)
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }
}

/// Writes an executable script, its folder included. A shell does it: what this process has open for writing, the programs that other
/// tests start just then have open as well, and a script that is open for writing cannot be run.
pub fn script(path: &Path, body: &str) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$0\" && chmod 755 \"$0\"";
    let status = Command::new("/bin/sh").args(["-c", write]).arg(path).arg(body).status().unwrap();
    assert!(status.success(), "{}", path.display());
    path.to_path_buf()
}
