//! TOML spec -> validated [`Design`]. Every other room reads [`Design`], never raw TOML.

mod design;

pub use design::*;
