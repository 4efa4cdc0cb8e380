#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod builder;
mod cache;
mod compile;
mod error;
mod ffi;
mod generated;
mod library;
mod model;
mod ports;
mod runtime;
mod shim;
mod verilator;

pub use builder::{ModelBuilder, Profile, TraceFormat};
pub use cache::Cache;
pub use error::{Error, Location};
pub use library::{Library, Options, OutputSink};
pub use model::Model;
pub use ports::{Input, Output};
pub use verilator::{Verilator, Version};
