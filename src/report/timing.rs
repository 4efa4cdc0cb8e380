//! Timing diagrams: recorded signals to SVG, and the diagrams of docs/array-macro.md.
//!
//! A diagram shows whole clock cycles, left to right. The width of a cycle follows from the texts: every value, label and
//! bracket fits, or the cycles become wider. The same recording always gives the same bytes.

mod record;
mod scenes;
mod svg;
mod timeline;
mod units;

use crate::cosim::CosimError;
use crate::data::{DataError, Dataset};
use crate::golden::encode;
use crate::spec::{Design, SpecErrors};

pub use record::{Cycle, Flow, Hands, Hook, Kind, Operation, Pins, Recorder, Sample, operations};
pub use scenes::{Picture, draw_all, record};
pub use timeline::timeline_svg;

/// Samples of a recording: the third finds the history of the example filled.
pub const SAMPLES: usize = 3;

/// Why no diagram could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum TimingError {
    #[error(transparent)]
    Cosim(#[from] CosimError),
    #[error("the recording for {picture} holds no {what}: the example design must be such that it does")]
    Missing { picture: &'static str, what: &'static str },
    #[error("the example does not stand the changes that a picture needs\n{0}")]
    Spec(#[from] SpecErrors),
    #[error("the pictures need {SAMPLES} samples, the example has {0}")]
    Samples(usize),
    #[error("the recording did not end within {cycles} cycles, in phase {phase}")]
    Endless { cycles: usize, phase: &'static str },
}

impl From<DataError> for TimingError {
    fn from(error: DataError) -> Self {
        TimingError::Cosim(error.into())
    }
}

impl From<verilated::Error> for TimingError {
    fn from(error: verilated::Error) -> Self {
        TimingError::Cosim(error.into())
    }
}

impl From<crate::cosim::Mismatch> for TimingError {
    fn from(mismatch: crate::cosim::Mismatch) -> Self {
        TimingError::Cosim(mismatch.into())
    }
}

/// The first [`SAMPLES`] samples of the design's data set, or all there are.
///
/// # Errors
/// Data that cannot be read or do not fit the design.
pub fn first_samples(design: &Design) -> Result<Vec<Sample>, TimingError> {
    let data = Dataset::load(&design.data.source)?;
    data.check(design)?;
    let sample = |index: usize| {
        let class = usize::from(data.labels[index]);
        (encode::input_codes(design, data.sample(index)), encode::target_codes(design, class))
    };
    Ok((0..data.len().min(SAMPLES)).map(sample).collect())
}

/// Who drives a signal: decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// The generated design.
    Design,
    /// The array macro.
    Macro,
    /// What lies outside both.
    Host,
}

/// Fill of a bus value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Forward,
    Transposed,
    Write,
}

/// A value on a bus; equal neighbours are drawn as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    pub tone: Tone,
}

/// What a signal does in each cycle of the diagram. `None`: it has no meaning then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wave {
    Line(Vec<Option<bool>>),
    Bus(Vec<Option<Value>>),
    /// A bus that rests between values: `None` is drawn as a thin line, not as meaningless.
    Activity(Vec<Option<Value>>),
}

/// A row of a diagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A heading over the rows below it.
    Heading(String),
    Signal {
        name: String,
        driver: Driver,
        wave: Wave,
    },
}

/// A bracket above the waves, over the cycles `first ..= last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub first: usize,
    pub last: usize,
    pub text: String,
}

/// A timing diagram.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagram {
    /// For readers that cannot see it, and as a tool tip.
    pub title: String,
    /// Number of cycles.
    pub cycles: usize,
    /// Cycle that the axis calls 0; those before it have negative numbers.
    pub origin: usize,
    /// Time of a cycle in ns, for the axis.
    pub clock_ns: f64,
    pub rows: Vec<Row>,
    /// Brackets over cycles of their own.
    pub spans: Vec<Span>,
    /// Shaded cycles, and what the shade means.
    pub shade: Option<(String, Vec<usize>)>,
}

impl Diagram {
    /// The picture as an SVG document.
    pub fn svg(&self) -> String {
        svg::render(self)
    }
}

impl Span {
    /// Number of its cycles.
    fn cycles(&self) -> usize {
        self.last + 1 - self.first
    }
}

impl Value {
    /// A value without colour of its own.
    pub fn plain(text: impl Into<String>) -> Value {
        Value { text: text.into(), tone: Tone::Plain }
    }
}
