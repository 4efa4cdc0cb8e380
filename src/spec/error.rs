//! What is wrong with a spec: every problem with its place in the user's file, rendered in one go.

use std::fmt;
use std::ops::Range;

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::termcolor::Buffer;
use codespan_reporting::term::{self, Config, Styles, StylesWriter};

/// Byte range in the spec's text.
pub(crate) type Span = Range<usize>;

/// Kind of a problem; the number in `E0nn` never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// No design, yet no problem found: a mistake of memrtl.
    Internal = 0,
    /// The text is not TOML.
    Syntax = 1,
    UnknownKey = 2,
    MissingKey = 3,
    WrongType = 4,
    OutOfRange = 5,
    /// A word that is not among those the key knows.
    UnknownValue = 6,
    NotPowerOfTwo = 7,
    /// Not usable as a Verilog name.
    Identifier = 8,
    /// A Verilog keyword, or a name that memrtl needs itself.
    ReservedName = 9,
    /// Two layers, or a layer and the design, share a name.
    DuplicateName = 10,
    /// Optimizer, momentum, momentum unit and history contradict one another.
    Optimizer = 11,
    /// More than one data source.
    DataSource = 12,
    /// The network does not fit the data set that ships with memrtl.
    DataShape = 13,
    /// A result asks for more bits than its product has.
    NegativeShift = 14,
    /// A result that rounds to zero whatever the operands are.
    AlwaysZero = 15,
    /// A sum of products would not fit the machine's accumulator.
    Accumulator = 16,
    /// A full scale that follows from others lies outside what memrtl handles.
    DerivedRange = 17,
    /// Initial weights outside the weight range.
    InitialWeight = 18,
    /// A time that is too many clock cycles.
    TooManyCycles = 19,
    /// The file cannot be read.
    File = 20,
    /// A device that the array's backend does not have.
    DeviceBackend = 21,
    /// A device that cannot be driven as the layer's codes ask for.
    DeviceDrive = 22,
    /// A file of measured pulses that cannot be used.
    Measured = 25,
    /// A momentum unit whose numbers do not fit, or that the array or its devices cannot serve.
    Engine = 26,
    /// Loss and activations contradict one another.
    Loss = 27,
    /// Keys of bit-serial inputs without them, or full scales of bit planes that do not fit.
    Coding = 29,
    /// Steps of the schedule that come in no order, never, or to nothing.
    Schedule = 28,
    /// A convolution that does not fit its image, or that the array cannot do.
    Convolution = 31,
    /// Several devices per weight where the design has no use for them.
    Slices = 32,
    /// The memory mode contradicts itself, the device or the array.
    Memory = 30,
    /// Imperfections that the device does not have, or that contradict one another.
    NonIdeal = 40,
    /// A fault map that cannot be read, or a line of it that says nothing.
    FaultMap = 41,
    /// A quantity without a number, or in another unit.
    Unit = 60,
    /// A constant of the cost model without a value, or without a source.
    Constant = 61,
    /// Figures of a graphics card that say too little to be compared with.
    GpuData = 62,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:03}", *self as u32)
    }
}

/// One problem: a sentence, its place, further places that take part, and notes.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub code: Code,
    pub message: String,
    /// `None` when the problem has no place in the text.
    pub span: Option<Span>,
    /// Text beside the caret line.
    pub label: String,
    pub secondary: Vec<(Span, String)>,
    pub notes: Vec<String>,
}

impl Problem {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Problem {
            code,
            message: message.into(),
            span: None,
            label: String::new(),
            secondary: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn at(mut self, span: Option<Span>, label: impl Into<String>) -> Self {
        self.span = span;
        self.label = label.into();
        self
    }

    /// Marks a further place; without a place (a default) nothing is drawn.
    pub fn also(mut self, span: Option<Span>, label: impl Into<String>) -> Self {
        if let Some(span) = span {
            self.secondary.push((span, label.into()));
        }
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub fn help(self, help: impl fmt::Display) -> Self {
        self.note(format!("help: {help}"))
    }

    fn diagnostic(&self) -> Diagnostic<()> {
        let mut labels = Vec::new();
        if let Some(span) = &self.span {
            labels.push(Label::primary((), span.clone()).with_message(&self.label));
        }
        labels.extend(self.secondary.iter().map(|(s, m)| Label::secondary((), s.clone()).with_message(m)));
        Diagnostic::error()
            .with_code(self.code)
            .with_message(&self.message)
            .with_labels(labels)
            .with_notes(self.notes.clone())
    }
}

/// Every problem of a spec, in the order of the file. `Display` renders all of them without colour.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.render(false))]
pub struct SpecErrors {
    file_name: String,
    text: String,
    problems: Vec<Problem>,
}

impl SpecErrors {
    pub(crate) fn new(file_name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        // Stable sort: problems of one place stay in the order in which the checks found them.
        problems.sort_by_key(|p| p.span.as_ref().map(|s| (s.start, s.end)));
        SpecErrors { file_name: file_name.to_owned(), text: text.to_owned(), problems }
    }

    /// Kinds of all problems, in the order of the file.
    pub fn codes(&self) -> Vec<Code> {
        self.problems.iter().map(|p| p.code).collect()
    }

    /// The sentence of each problem with its notes, in the order of the file.
    pub fn sentences(&self) -> Vec<String> {
        let words = |p: &Problem| {
            let notes: String = p.notes.iter().map(|note| format!("; {note}")).collect();
            let label = if p.label.is_empty() { String::new() } else { format!(", {}", p.label) };
            format!("{}{label}{notes}", p.message)
        };
        self.problems.iter().map(words).collect()
    }

    /// All problems as text: sentence, place in the file, allowed values, help. `color`: with ANSI escapes.
    pub fn render(&self, color: bool) -> String {
        let file = SimpleFile::new(self.file_name.as_str(), self.text.as_str());
        let config = Config::default();
        let styles = if color { Styles::default() } else { Styles::no_color() };
        let mut buffer = if color { Buffer::ansi() } else { Buffer::no_color() };
        let mut out = StylesWriter::new(&mut buffer, &styles);
        let mut plain = String::new();
        for problem in &self.problems {
            if term::emit_to_write_style(&mut out, &config, &file, &problem.diagnostic()).is_err() {
                // Writing to memory fails only for a span outside the text; the sentence alone is still of use.
                plain.push_str(&format!("error[{}]: {}\n", problem.code, problem.message));
            }
        }
        let mut text = String::from_utf8_lossy(buffer.as_slice()).into_owned();
        text.push_str(&plain);
        if self.problems.len() > 1 {
            text.push_str(&format!("{}: {} problems\n", self.file_name, self.problems.len()));
        }
        text.truncate(text.trim_end().len());
        text
    }
}
