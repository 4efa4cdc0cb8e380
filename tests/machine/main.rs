//! The running machine: RTL, golden model and cycle model side by side.

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod bit_serial;
mod checker_can_fail;
mod convolution;
mod cosim;
mod engines;
mod float;
mod kinds;
mod learning;
mod memory;
mod memory_refresh;
mod random_designs;
mod rounding;
mod schedule;
mod segments;
mod slices;
mod softmax;
mod tiles;
mod timeline;
mod train;
