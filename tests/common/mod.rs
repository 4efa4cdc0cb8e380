//! Helpers shared by the integration tests.
// Every test binary compiles this module and uses a part of it.
#![allow(dead_code, unused_imports, unused_macros)]

mod convolutions;
mod memory;
mod reference;
mod refused;
mod rtl;
mod small;
mod specs;

pub use convolutions::random_convolution;
pub use memory::{CALM, memory_rig, memory_timing};
pub use reference::{far_from_float, found, trained};
pub(crate) use refused::refused;
pub use rtl::{as_yosys_reads, lint, lint_rtl, mutated, on_all_cores};
pub use small::{Rig, Small, one_sample, options, wait_idle};
pub use specs::{random_design_toml, random_draft_toml, random_spec};

/// Models that the tests build: below the target folder, shared by all of them, so that the runtime is compiled once.
pub fn model_cache() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("models")
}
