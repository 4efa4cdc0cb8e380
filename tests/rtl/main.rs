//! The generated Verilog and what surrounds the core: bus, host link, emulated array, netlists, packages.

#[path = "../common/mod.rs"]
mod common;

mod bus_rtl;
mod four_state;
mod fpga_array;
mod gate_level;
mod host;
mod host_link;
mod link_protocol;
mod link_rtl;
mod packaging;
mod reference_rtl;
mod regmap;
mod synthesis;
