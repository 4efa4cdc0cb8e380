//! Co-simulation: the generated Verilog under Verilator, driven over its buses and array pins, held to the golden model at
//! every transaction and to the cycle model at every sample.

mod array_pins;
mod bench;
mod cell_pins;
mod error;
mod memory;
mod pins;
mod run;
mod scoreboard;
mod summary;

pub use bench::{Bench, Stalls, Step};
pub use error::{CosimError, Mismatch, What};
pub use memory::MemoryTotals;
pub use run::{Options, Progress, Report, Session, Waves, build, float_net, run};
pub use summary::{Epoch, Summary};
