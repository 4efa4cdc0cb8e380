//! The golden model: the whole machine in the integers of the RTL, on top of the array model.

mod activation;
pub mod conv;
pub mod encode;
pub mod float;
pub mod memory;
pub mod momentum;
mod softmax;

pub use activation::ActivationTable;
pub use machine::{DeviceFault, LayerTrace, Machine, Mode, Moment, SampleTrace, Share, initial_rows, initial_states};
pub use softmax::Softmax;

mod machine;
