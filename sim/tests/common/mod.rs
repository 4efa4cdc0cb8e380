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
