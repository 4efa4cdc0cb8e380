//! What the test files share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use verilated::{Cache, Library, Model, ModelBuilder, Options};

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

/// An own cache that already holds the runtime: compiling that takes seconds and is the same for all.
pub fn fresh_cache(dir: &Path) -> Cache {
    build(&builder("wide"));
    let fresh = Cache::new(dir.join("cache"));
    for group in std::fs::read_dir(cache().dir().join("runtime")).unwrap().flatten() {
        for entry in std::fs::read_dir(group.path()).unwrap().flatten() {
            let to = fresh.dir().join("runtime").join(group.file_name()).join(entry.file_name());
            std::fs::create_dir_all(&to).unwrap();
            for file in std::fs::read_dir(entry.path()).unwrap().flatten() {
                std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
    }
    fresh
}
