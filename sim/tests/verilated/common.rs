//! What the test files share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Once,
};

use verilated::{Cache, Library, Model, ModelBuilder, Options, Profile, TraceFormat};

/// A cache that stays between test runs: the tests of the cache itself use their own.
pub fn cache() -> Cache {
    Cache::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
}

pub fn rtl(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtl").join(name)
}

/// A builder for the test file of the module's own name.
pub fn builder(top: &str) -> ModelBuilder {
    ModelBuilder::new(top).source(rtl(&format!("{top}.v")))
}

pub fn build(builder: &ModelBuilder) -> Library {
    builder.build(&cache()).unwrap_or_else(|e| panic!("{e}"))
}

pub fn model(top: &str) -> Model {
    start(&build(&builder(top)))
}

pub fn start(library: &Library) -> Model {
    library.instantiate(Options::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// An own cache that already holds what the tests need of runtime and compiled headers: compiling those takes seconds and is the same
/// for all.
pub fn fresh_cache(dir: &Path) -> Cache {
    static READY: Once = Once::new();
    READY.call_once(|| {
        build(&builder("wide"));
        build(&builder("wide").profile(Profile::Unoptimised));
        build(&builder("wide").profile(Profile::FastRun));
        build(&builder("nest").trace(Some(TraceFormat::Vcd)));
    });
    let fresh = Cache::new(dir.join("cache"));
    for group in fs::read_dir(cache().dir().join("runtime")).unwrap().flatten() {
        for entry in fs::read_dir(group.path()).unwrap().flatten() {
            let to = fresh.dir().join("runtime").join(group.file_name()).join(entry.file_name());
            fs::create_dir_all(&to).unwrap();
            for file in fs::read_dir(entry.path()).unwrap().flatten() {
                let to = to.join(file.file_name());
                // Compiled headers are large. What is touched must be a file of its own.
                let large = to.extension().is_some_and(|e| e == "gch");
                if !large || fs::hard_link(file.path(), &to).is_err() {
                    fs::copy(file.path(), &to).unwrap();
                }
            }
        }
    }
    fresh
}

/// Writes an executable script. A shell does it: what this process has open for writing, the compilers that other tests start just then
/// have open as well, and a script that is open for writing cannot be run.
pub fn script(path: &Path, text: &str) {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$0\" && chmod 755 \"$0\"";
    let status = Command::new("/bin/sh").args(["-c", write]).arg(path).arg(text).status().unwrap();
    assert!(status.success(), "{}", path.display());
}
