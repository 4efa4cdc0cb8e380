//! TBD

pub mod bus;
