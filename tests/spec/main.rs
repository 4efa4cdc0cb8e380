//! Specs and data: what is read, what is refused and with which words.

#[path = "../common/mod.rs"]
mod common;

mod compact_spec;
mod data;
mod engine_spec;
mod memory_spec;
mod spec;
mod spec_random;
