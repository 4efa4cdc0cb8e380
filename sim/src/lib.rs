#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod build;
mod builder;
mod cache;
mod compile;
mod coverage;
mod error;
mod evaluation;
mod ffi;
mod fold;
mod generated;
mod library;
mod model;
mod ports;
mod precompiled;
mod runtime;
mod shim;
mod verilator;
mod watch;

pub use builder::{ModelBuilder, Profile, TraceFormat};
pub use cache::{Cache, Entry, EntryKind};
pub use coverage::{Coverage, Point};
pub use error::{Error, Location};
pub use library::{Library, Options, OutputSink};
pub use model::{Model, Snapshot};
pub use ports::{Input, Output};
pub use verilator::{Verilator, Version};
pub use watch::{Ran, Watch};
