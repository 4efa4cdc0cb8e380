//! The program as its user runs it: commands, reports, pictures, tools.

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod compare;
mod cost;
mod diagrams;
mod doctor;
mod documents;
mod fpga;
mod models;
mod new;
mod setup;
mod stand_ins;
