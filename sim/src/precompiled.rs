//! The headers that every unit of a model includes, compiled once per Verilator, compiler and flags.
//!
//! Reading them takes longer than compiling most units, and is the same for all models. GCC takes the result `NAME.gch` in place of the
//! header `NAME` that lies beside it, if it was made by the same compiler with the same macros and machine; the rest of the flags must be the
//! same as well, the level of optimisation above all, or the compiler may crash.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use crate::{
    Cache, Error,
    cache::{self, Key},
    compile::Job,
    runtime::Toolchain,
    shim,
};

/// The header, in the entry and in a workspace.
pub(crate) const HEADER: &str = "vlrs_prelude.h";
const COMPILED: &str = "vlrs_prelude.h.gch";
/// Lists the files that were read, as they were.
const READ: &str = "read";
const ENTRY: &str = "headers";

/// What [`HEADER`] holds: the prelude, then what nearly every unit needs.
pub(crate) fn text() -> String {
    let standard = ["algorithm", "atomic", "cstdint", "cstdio", "cstring", "exception", "memory", "string", "vector"];
    let includes: String = standard.iter().map(|name| format!("#include <{name}>\n")).collect();
    format!("{}#include \"verilated.h\"\n#include \"verilated_syms.h\"\n{includes}", shim::PRELUDE)
}

/// The compiled headers for units with `flags`, from the cache or compiled now. None for a compiler that does it in another way.
///
/// # Errors
/// The compiler's, and those of the cache. A model can be built without.
pub(crate) fn headers(cache: &Cache, tools: &Toolchain, flags: &[OsString]) -> Result<Option<PathBuf>, Error> {
    if tools.compiler.is_clang() {
        return Ok(None);
    }
    let text = text();
    let mut key = Key::default();
    key.part("verilator", tools.verilator.as_bytes());
    key.part("compiler", tools.compiler.identity.as_bytes());
    key.part("text", text.as_bytes());
    for flag in flags {
        key.part("flag", flag.as_encoded_bytes());
    }
    let key = key.finish();
    let place = cache.runtimes().join(&key).join(ENTRY);
    let valid = || cache::intact(&place) && unchanged(&place);
    if valid() {
        cache::touch(&place);
        return Ok(Some(place.join(COMPILED)));
    }
    let lock = cache.lock(&key)?;
    if valid() {
        return Ok(Some(place.join(COMPILED)));
    }
    let workspace = cache.workspace(&key, &lock)?;
    let dir = workspace.path().join(ENTRY);
    cache::make_dir(&dir)?;
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).map_err(Error::io("write", dir.join(name)));
    write(HEADER, &text)?;
    let rules = workspace.path().join("rules");
    let mut args = flags.to_vec();
    args.extend(["-x", "c++-header", HEADER, "-o", COMPILED, "-MD", "-MF"].map(OsString::from));
    args.push(rules.clone().into());
    Job { tool: "C++ compiler", program: tools.compiler.path.clone(), args }.run(&dir)?;
    let rules = fs::read_to_string(&rules).map_err(Error::io("read", rules))?;
    let files: String = prerequisites(&rules).iter().map(|f| format!("{}\n", state(f))).collect();
    write(READ, &files)?;
    write(cache::INFO, "precompiled headers\n")?;
    cache::seal(&dir, &[COMPILED, READ, cache::INFO])?;
    cache.publish(&dir, &place, workspace.path())?;
    Ok(Some(place.join(COMPILED)))
}

/// Puts the compiled headers beside [`HEADER`] in `obj`, where an eviction does not reach them.
pub(crate) fn place(compiled: &Path, obj: &Path) {
    let here = obj.join(COMPILED);
    // Without them the build takes longer, nothing else.
    let _ = fs::hard_link(compiled, &here).or_else(|_| std::os::unix::fs::symlink(compiled, &here));
}

/// Takes them away again; false if they are not there.
pub(crate) fn withdraw(obj: &Path) -> bool {
    fs::remove_file(obj.join(COMPILED)).is_ok()
}

/// The absolute paths in the rule `TARGET: FILE FILE \ FILE` that the compiler writes for make.
fn prerequisites(rules: &str) -> BTreeSet<PathBuf> {
    let blank = "\u{0}";
    let words = rules.replace("\\\n", " ").replace("\\ ", blank);
    words.split_whitespace().map(|w| PathBuf::from(w.replace(blank, " "))).filter(|p| p.is_absolute()).collect()
}

/// Path, size and time of change of a file.
fn state(path: &Path) -> String {
    let seen = fs::metadata(path).ok().and_then(|m| {
        let changed = m.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(format!("{} {}", m.len(), changed.as_nanos()))
    });
    format!("{} {}", seen.unwrap_or_default(), path.display())
}

/// No header has been replaced: neither the compiler's own version nor Verilator's tells of a new C library.
fn unchanged(place: &Path) -> bool {
    let Ok(text) = fs::read_to_string(place.join(READ)) else { return false };
    text.lines().all(|line| line.splitn(3, ' ').nth(2).is_some_and(|path| state(Path::new(path)) == line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_rule() {
        let rules =
            "vlrs_prelude.h.gch: vlrs_prelude.h \\\n /usr/include/c++/12/cstdarg \\\n /opt/my\\ tools/verilated.h\n";
        let files: Vec<_> = prerequisites(rules).into_iter().collect();
        assert_eq!(files, [Path::new("/opt/my tools/verilated.h"), Path::new("/usr/include/c++/12/cstdarg")]);
    }

    #[test]
    fn a_touched_header_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let header = dir.path().join("a b.h");
        fs::write(&header, "1").unwrap();
        fs::write(dir.path().join(READ), format!("{}\n", state(&header))).unwrap();
        assert!(unchanged(dir.path()));
        fs::write(&header, "22").unwrap();
        assert!(!unchanged(dir.path()));
        fs::remove_file(&header).unwrap();
        assert!(!unchanged(dir.path()));
    }
}
