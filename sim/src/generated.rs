//! Reading what Verilator wrote: the list of classes and the list of files it read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, shim::PREFIX};

/// The lists in `Vmodel_classes.mk`, without their extensions.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// Parts of the model.
    pub code: Vec<String>,
    /// Those of them that run once: construction, reset of the variables, settling, snapshots.
    pub cold: Vec<String>,
    /// Parts of the runtime that the model needs.
    pub runtime: Vec<String>,
}

/// Several generated files compiled as one: each of them alone spends time on the headers.
#[derive(Debug)]
pub(crate) struct Unit {
    pub files: Vec<String>,
    pub bytes: u64,
    /// Level that the code is optimised to, where it is not that of the command line.
    level: Option<&'static str>,
}

impl Unit {
    pub fn text(&self) -> String {
        let includes = self.files.iter().map(|f| format!("#include \"{f}.cpp\"\n"));
        level(self.level).into_iter().chain(includes).collect()
    }
}

/// Sets the level of all code behind it. Headers that were compiled before keep theirs, so this is no matter of the command line: GCC 12
/// crashes when headers compiled with one level meet another.
pub(crate) fn level(level: Option<&str>) -> Option<String> {
    level.map(|level| format!("#ifndef __clang__\n#pragma GCC optimize(\"{level}\")\n#endif\n"))
}

/// Smallest and largest amount of generated C++ worth a compiler of its own.
const UNIT_MIN: u64 = 48 << 10;
const UNIT_MAX: u64 = 384 << 10;

impl Classes {
    pub fn read(obj: &Path) -> Result<Classes, Error> {
        let path = obj.join(format!("{PREFIX}_classes.mk"));
        let text = fs::read_to_string(&path).map_err(Error::io("read", path))?;
        Ok(Classes::parse(&text))
    }

    /// Lists look like `VM_CLASSES_FAST += \`, then one indented name and a backslash per line, then a blank line.
    fn parse(text: &str) -> Classes {
        let mut classes = Classes::default();
        let mut list = "";
        for line in text.lines() {
            let word = line.trim().trim_end_matches('\\').trim();
            if let Some((name, _)) = line.split_once("+=") {
                list = name.trim();
            } else if line.starts_with([' ', '\t']) && !word.is_empty() {
                match list {
                    "VM_CLASSES_FAST" | "VM_SUPPORT_FAST" => classes.code.push(word.into()),
                    "VM_CLASSES_SLOW" | "VM_SUPPORT_SLOW" => {
                        classes.code.push(word.into());
                        classes.cold.push(word.into());
                    }
                    "VM_GLOBAL_FAST" | "VM_GLOBAL_SLOW" => classes.runtime.push(word.into()),
                    _ => {}
                }
            } else {
                list = "";
            }
        }
        classes
    }

    /// Distributes the files over translation units, about evenly by size. With a level for code that runs once, that code has units of
    /// its own. They come last: the linker keeps the first of several copies of a function.
    pub fn units(&self, obj: &Path, jobs: usize, cold: Option<&'static str>) -> Result<Vec<Unit>, Error> {
        let is_cold = |file: &&String| cold.is_some() && self.cold.contains(file);
        let hot: Vec<&String> = self.code.iter().filter(|file| !is_cold(file)).collect();
        let rest: Vec<&String> = self.code.iter().filter(is_cold).collect();
        let mut units = distribute(obj, &hot, jobs, None)?;
        units.extend(distribute(obj, &rest, 1, cold)?);
        Ok(units)
    }
}

fn distribute(obj: &Path, files: &[&String], jobs: usize, level: Option<&'static str>) -> Result<Vec<Unit>, Error> {
    let mut sized = Vec::new();
    for &file in files {
        let path = obj.join(format!("{file}.cpp"));
        sized.push((fs::metadata(&path).map_err(Error::io("read", path))?.len(), file));
    }
    let total: u64 = sized.iter().map(|(bytes, _)| bytes).sum();
    let count = (total / UNIT_MIN).clamp(1, jobs as u64).max(total.div_ceil(UNIT_MAX));
    let mut units: Vec<Unit> = (0..count).map(|_| Unit { files: Vec::new(), bytes: 0, level }).collect();
    // Largest first into the emptiest: names break ties, so that the same design is always split the same way.
    sized.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    for (bytes, file) in sized {
        if let Some(unit) = units.iter_mut().min_by_key(|u| u.bytes) {
            unit.bytes += bytes;
            unit.files.push(file.clone());
        }
    }
    units.retain(|u| !u.files.is_empty());
    Ok(units)
}

/// Files that Verilator read and that are neither staged nor its own, from the lines `S … "path"` of its file list.
pub(crate) fn dependencies(obj: &Path, root: &Path) -> Result<Vec<PathBuf>, Error> {
    let path = obj.join(format!("{PREFIX}__verFiles.dat"));
    let text = fs::read_to_string(&path).map_err(Error::io("read", path))?;
    let mut files: Vec<PathBuf> = text
        .lines()
        .filter(|line| line.starts_with('S'))
        .filter_map(|line| line.trim_end().strip_suffix('"')?.rsplit_once('"').map(|(_, name)| PathBuf::from(name)))
        // Staged sources have relative names; the program itself and its library are covered by the version.
        .filter(|file| file.is_absolute() && !file.starts_with(root) && !is_verilator(file))
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_verilator(file: &Path) -> bool {
    file.file_name().is_some_and(|n| n.to_string_lossy().starts_with("verilator_bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_a_makefile() {
        let text = "VM_TRACE = 0\n\nVM_CLASSES_FAST += \\\n\tVmodel \\\n\tVmodel__0 \\\n\nVM_CLASSES_SLOW += \\\n  Vmodel__Slow \\\n\n\
                    VM_GLOBAL_FAST += \\\n  verilated \\\n  verilated_threads \\\n\nVM_GLOBAL_SLOW += \\\n\n";
        let classes = Classes::parse(text);
        assert_eq!(classes.code, ["Vmodel", "Vmodel__0", "Vmodel__Slow"]);
        assert_eq!(classes.cold, ["Vmodel__Slow"]);
        assert_eq!(classes.runtime, ["verilated", "verilated_threads"]);
    }
}
