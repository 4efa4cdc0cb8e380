//! What a design costs: time from the cycle model, energy and area from a table of components.
//!
//! Time is what [`crate::cycles::CycleModel`] says, which co-simulations hold to the RTL cycle by cycle. Energy is a count of events
//! (conversions, driven lines, pulses, memory words) times the table's constants; nothing of it is measured.

pub mod activity;
mod area;
mod assumed;
pub mod compare;
mod components;
mod counts;
mod energy;
pub mod explain;
pub mod gpu;
pub mod growth;
mod positions;
mod pulses;
pub mod shapes;

pub use activity::{Activity, GoldenRun, Source};
pub use area::{Area, Block};
pub use components::{Components, Status, Used};
pub use energy::{Component, Counting, Energies, Estimate, Event, Step, estimate};
pub use positions::estimate_shapes;

use crate::data::DataError;
use crate::device::DeviceError;
use crate::golden::DeviceFault;
use crate::spec::SpecErrors;

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    #[error(transparent)]
    Table(#[from] SpecErrors),
    #[error("cannot read `{file}`: {cause}")]
    Read { file: String, cause: std::io::Error },
    #[error("a file that memrtl ships is broken, a bug in memrtl: {0}")]
    Shipped(#[from] toml::de::Error),
    #[error("the component table that memrtl ships lacks a constant: a bug in memrtl")]
    Incomplete,
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("sample {sample}: {fault}")]
    Fault { sample: u64, fault: DeviceFault },
    #[error(
        "an emulated array (`backend = \"emulated\"` or `\"fpga\"`) is logic of an FPGA, whose energy and area no component table has; \
         set `backend = \"external\"`"
    )]
    Emulated,
    #[error(
        "layers with several positions are estimated for the units `history`, `in_array` and `none` without batches; \
         this is `{unit}` with a batch of {batch}"
    )]
    Positions { unit: &'static str, batch: usize },
}
