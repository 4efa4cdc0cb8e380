//! Build, cache, load and drive Verilator models from Rust.
