//! memrtl: synthesizable Verilog for memristor-crossbar training accelerators with SGD + momentum, checked against a
//! golden memristor model.
//!
//! Imports run downward: cli -> (cosim, cost, fpga, host, report) -> (golden, rtl, cycles) -> (array, regmap) -> device -> (spec, fixed, lfsr).

pub mod array;
pub mod cli;
pub mod cosim;
pub mod cost;
pub mod cycles;
pub mod data;
pub mod device;
pub mod doctor;
pub mod effects;
pub mod fixed;
pub mod fpga;
pub mod golden;
pub mod host;
pub mod lfsr;
pub mod phases;
pub mod regmap;
pub mod report;
pub mod rtl;
pub mod spec;
pub mod train;
