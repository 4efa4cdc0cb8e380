//! Helpers shared by the integration tests.
// Every test binary compiles this module and uses a part of it.
#![allow(dead_code, unused_imports)]

mod specs;

pub use specs::{random_design_toml, random_draft_toml, random_spec};
