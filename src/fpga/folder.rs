//! The output folder: nothing of others is touched, nothing stays half, nothing stale survives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use super::FpgaError;

/// The report; its list of files says what is ours.
pub const REPORT: &str = "fpga.json";
/// Folder of the design's Verilog.
pub const RTL: &str = "rtl";
const STAGE: &str = ".memrtl-";

#[derive(Deserialize)]
struct Earlier {
    generator: String,
    files: Vec<String>,
}

/// An output folder in use: files are made in a stage beside the results and renamed when all is done.
pub struct Folder {
    dir: PathBuf,
    stage: TempDir,
}

impl Folder {
    /// Opens `dir`, which is made when missing, and removes what an earlier run left there.
    ///
    /// # Errors
    /// Files that memrtl did not write, or a file system error.
    pub fn open(dir: &Path) -> Result<Folder, FpgaError> {
        fs::create_dir_all(dir).map_err(error(dir, "cannot make", "."))?;
        let report = fs::read(dir.join(REPORT)).ok();
        let earlier = report.and_then(|text| serde_json::from_slice::<Earlier>(&text).ok());
        let ours: Vec<String> = earlier.filter(|e| e.generator == "memrtl").map_or_else(Vec::new, |e| {
            let plain = |name: &String| !name.contains(['/', '\\']);
            e.files.into_iter().filter(plain).chain([REPORT.to_string()]).collect()
        });
        let mut foreign = Vec::new();
        let mut stages = Vec::new();
        for entry in fs::read_dir(dir).map_err(error(dir, "cannot read", "."))? {
            let entry = entry.map_err(error(dir, "cannot read", "."))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(STAGE) && entry.path().is_dir() {
                stages.push(entry.path());
            } else if name != RTL && !ours.contains(&name) {
                foreign.push(format!("`{name}`"));
            }
        }
        if !foreign.is_empty() {
            foreign.sort();
            return Err(FpgaError::Foreign { dir: dir.display().to_string(), files: foreign.join(", ") });
        }
        for stage in stages {
            let _ = fs::remove_dir_all(stage);
        }
        // The report goes last: were it gone first, a run that is killed here would leave files that nobody owns.
        for name in &ours {
            match fs::remove_file(dir.join(name)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(error(dir, "cannot remove", name)(cause));
                }
                _ => {}
            }
        }
        let stage = tempfile::Builder::new().prefix(STAGE).tempdir_in(dir);
        Ok(Folder { dir: dir.to_path_buf(), stage: stage.map_err(error(dir, "cannot write to", "."))? })
    }

    /// Where files are made.
    pub fn stage(&self) -> &Path {
        self.stage.path()
    }

    /// Writes a file to the stage.
    ///
    /// # Errors
    /// A file system error.
    pub fn put(&self, name: &str, text: &str) -> Result<(), FpgaError> {
        fs::write(self.stage().join(name), text).map_err(error(&self.dir, "cannot write", name))
    }

    /// Reads a file from the stage.
    ///
    /// # Errors
    /// A file system error.
    pub fn get(&self, name: &str) -> Result<Vec<u8>, FpgaError> {
        fs::read(self.stage().join(name)).map_err(error(&self.dir, "cannot read", name))
    }

    /// Files of the stage.
    ///
    /// # Errors
    /// A file system error.
    pub fn files(&self) -> Result<Vec<String>, FpgaError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.stage()).map_err(error(&self.dir, "cannot read", "."))? {
            let entry = entry.map_err(error(&self.dir, "cannot read", "."))?;
            if entry.path().is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Moves the files to the folder, the report first, so that all files in the folder are always ours.
    ///
    /// # Errors
    /// A file system error.
    pub fn finish(self, report: &str, files: &[String]) -> Result<(), FpgaError> {
        self.put(REPORT, report)?;
        for name in [REPORT.to_string()].iter().chain(files) {
            let (from, to) = (self.stage().join(name), self.dir.join(name));
            fs::rename(from, to).map_err(error(&self.dir, "cannot rename", name))?;
        }
        Ok(())
    }
}

fn error<'a>(dir: &'a Path, action: &'static str, file: &'a str) -> impl FnOnce(io::Error) -> FpgaError + 'a {
    move |cause| FpgaError::Io { dir: dir.display().to_string(), action, file: file.to_string(), cause }
}
