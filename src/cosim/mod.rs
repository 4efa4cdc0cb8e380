//! Co-simulation: the generated Verilog under Verilator, driven over its buses and array pins, held to the golden model at
//! every transaction and to the cycle model at every sample.

mod array_pins;
mod bench;
mod border;
mod cell_pins;
mod error;
mod leader;
mod memory;
mod pins;
mod reference;
mod run;
mod schedule;
mod scoreboard;
mod segments;
mod session;
mod summary;
mod timeline;

pub use bench::{Bench, Stalls, Step};
pub use error::{CosimError, Mismatch, What};
pub use memory::MemoryTotals;
pub use pins::taps;
pub use reference::{begin_epoch, float_net};
pub use run::{Options, Progress, Report, Waves, build, run};
pub use session::{Session, Totals};
pub use summary::{Epoch, Summary};
pub use timeline::{Activity, LayerCycle, Timeline, TimelineCycle, find_sample, record};
