//! Models from Verilog: built, cached, loaded, driven.

mod common;

mod cache;
mod coverage;
mod events;
mod faults;
mod fold;
mod headers;
mod instances;
mod macros;
mod ports;
mod run;
mod snapshot;
mod taps;
mod timing;
mod tools;
mod trace;
