//! Writing a generated design to a folder: never over a file that memrtl did not write, never half.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::{MANIFEST, MARK, Rtl};
use crate::spec::Design;

/// Why a folder was not written.
#[derive(Debug, Error)]
pub enum EmitError {
    #[error("output folder `{dir}` holds files that memrtl did not write: {}; choose another folder with --out", list(.files))]
    Foreign { dir: String, files: Vec<String> },
    #[error("output folder `{dir}`: {action} `{file}`: {source}")]
    Io { dir: String, action: &'static str, file: String, source: io::Error },
}

/// Names, the first few of many.
fn list(files: &[String]) -> String {
    let shown = files.iter().take(5).map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
    if files.len() > 5 { format!("{shown} and {} more", files.len() - 5) } else { shown }
}

/// The parts of an earlier manifest that matter here.
#[derive(Deserialize)]
struct OldManifest {
    generator: String,
    files: Vec<String>,
    #[serde(default)]
    documents: Vec<String>,
}

/// Writes all modules and the manifest to `dir`, which is made when missing. Files of an earlier generation that are no longer
/// needed go. Returns the written files, manifest last.
///
/// All bytes are written to a folder beside the files first; only then do renames put them in place, so that an error or a
/// full disk leaves the folder as it was.
///
/// # Errors
/// A file in `dir` that memrtl did not write, or a file system error.
pub fn write(design: &Design, rtl: &Rtl, dir: &Path) -> Result<Vec<PathBuf>, EmitError> {
    let io_error = |action: &'static str, file: &str| {
        let (dir, file) = (dir.display().to_string(), file.to_string());
        move |source| EmitError::Io { dir, action, file, source }
    };
    fs::create_dir_all(dir).map_err(io_error("cannot make", "."))?;
    let old = generated_files(dir)?;

    let stage =
        tempfile::Builder::new().prefix(".memrtl-").tempdir_in(dir).map_err(io_error("cannot write to", "."))?;
    let mut names = Vec::new();
    let mut put = |name: String, text: &str| -> Result<(), EmitError> {
        fs::write(stage.path().join(&name), text).map_err(io_error("cannot write", &name))?;
        names.push(name);
        Ok(())
    };
    for module in &rtl.modules {
        put(format!("{}.v", module.name), &module.text)?;
    }
    for document in &rtl.documents {
        put(document.file.clone(), &document.text)?;
    }
    put(MANIFEST.to_string(), &rtl.manifest_text(design))?;

    for name in old.iter().filter(|n| !names.contains(n)) {
        fs::remove_file(dir.join(name)).map_err(io_error("cannot remove", name))?;
    }
    let mut written = Vec::new();
    for name in names {
        fs::rename(stage.path().join(&name), dir.join(&name)).map_err(io_error("cannot rename", &name))?;
        written.push(dir.join(name));
    }
    Ok(written)
}

/// Files of an earlier generation in `dir`.
fn generated_files(dir: &Path) -> Result<BTreeSet<String>, EmitError> {
    let io_error = |file: &str| {
        let (dir, file) = (dir.display().to_string(), file.to_string());
        move |source| EmitError::Io { dir, action: "cannot read", file, source }
    };
    let manifest = fs::read(dir.join(MANIFEST)).ok().and_then(|b| serde_json::from_slice::<OldManifest>(&b).ok());
    let listed: BTreeSet<String> = manifest
        .filter(|m| m.generator == "memrtl")
        .into_iter()
        .flat_map(|m| m.files.into_iter().chain(m.documents))
        .collect();
    let mut generated = BTreeSet::new();
    let mut foreign = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error("."))? {
        let entry = entry.map_err(io_error("."))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A staging folder that a killed run left behind is ours to remove.
        if name.starts_with(".memrtl-") && entry.path().is_dir() {
            let _ = fs::remove_dir_all(entry.path());
            continue;
        }
        let ours = if name == MANIFEST {
            !listed.is_empty()
        } else {
            is_generated(&entry.path())
                && (listed.contains(&name)
                    || [".v", ".h", ".md", ".rdl", ".core", ".sdc"].iter().any(|e| name.ends_with(e)))
        };
        if ours {
            generated.insert(name);
        } else {
            foreign.push(name);
        }
    }
    if foreign.is_empty() {
        return Ok(generated);
    }
    foreign.sort();
    Err(EmitError::Foreign { dir: dir.display().to_string(), files: foreign })
}

fn is_generated(path: &Path) -> bool {
    let first_line =
        |bytes: Vec<u8>| bytes.split(|b| *b == b'\n').next().map(|l| String::from_utf8_lossy(l).into_owned());
    fs::read(path).ok().and_then(first_line).is_some_and(|line| line.contains(MARK))
}
