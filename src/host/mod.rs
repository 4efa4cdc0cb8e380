//! The host's side of the link: frames, a line with retries, the machine behind it, and the runs that a host makes.

mod board;
mod error;
mod frame;
mod link;
mod machine;
mod port;
mod run;
mod terminal;
mod weights;

pub use board::{Board, BoardError};
pub use error::HostError;
pub use frame::{MAX_FRAME, MAX_WORDS, Reply, Request, START, Status};
pub use link::{Line, Link, Patience};
pub use machine::Machine;
pub use port::Port;
pub use run::{Outcome, Plan, Progress, Stage, infer, train};
pub use terminal::Terminal;
pub use weights::{LayerWeights, Weights};
