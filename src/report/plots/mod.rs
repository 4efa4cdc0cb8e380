//! Pictures of devices: current-voltage loop, response to pulses, drift, as SVG and PNG.
//!
//! The text of a picture is outlines, so that it looks the same on any machine; the same device always gives the same SVG.

mod bars;
mod chart;
mod drift;
mod files;
mod fit;
mod gallery;
mod iv;
mod outline;
mod response;
mod switching;

use crate::device::DeviceError;
use crate::device::compact::{CompactError, Model};
use crate::spec::DeviceModel;

pub use bars::{Bar, BarChart, Group};
pub use chart::{Axis, BLUE, Chart, GREEN, GREY, Mark, ORANGE, PURPLE, Panel, short};
pub use files::{free_place, put_picture, write};
pub use fit::fit_chart;
pub use gallery::gallery;

/// In every file: what memrtl has drawn, it may draw again.
pub(super) const MARK: &str = "drawn by memrtl";
/// Size of a picture in pixels.
const WIDTH: u32 = 760;
const HEIGHT: u32 = 330;

/// Why no picture could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    #[error("`{chart}`, panel `{panel}`: there is no {what} to draw", what = what.trim_start_matches("a "))]
    Empty { chart: String, panel: String, what: &'static str },
    #[error("the drawing failed: {0}")]
    Drawing(String),
    #[error("the drawing is no SVG document")]
    Document,
    #[error(transparent)]
    Svg(#[from] resvg::usvg::Error),
    #[error(transparent)]
    Png(#[from] png::EncodingError),
    #[error("{action} `{}`: {cause}", path.display())]
    File { action: &'static str, path: std::path::PathBuf, cause: std::io::Error },
    #[error("`{}` was not drawn by memrtl; choose another folder with --out", path.display())]
    Foreign { path: std::path::PathBuf },
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl PlotError {
    fn drawing(error: impl std::fmt::Display) -> PlotError {
        PlotError::Drawing(error.to_string())
    }
}

impl From<CompactError> for PlotError {
    fn from(error: CompactError) -> Self {
        PlotError::Device(error.into())
    }
}

impl From<std::io::Error> for PlotError {
    fn from(error: std::io::Error) -> Self {
        PlotError::Drawing(error.to_string())
    }
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A device that specs can use.
    Device(&'a DeviceModel),
    /// A compact model that no array can use, and why.
    Alone(&'a Model, &'a str),
}

/// A kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    IvLoop,
    PulseResponse,
    Drift,
    SwitchingProbability,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::IvLoop, Kind::PulseResponse, Kind::Drift, Kind::SwitchingProbability];

    /// Name of its files, without extension.
    pub fn file(self) -> &'static str {
        match self {
            Kind::IvLoop => "iv-loop",
            Kind::PulseResponse => "pulse-response",
            Kind::Drift => "drift",
            Kind::SwitchingProbability => "switching-probability",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Kind::IvLoop => "current-voltage loop",
            Kind::PulseResponse => "response to pulses up and down",
            Kind::Drift => "drift",
            Kind::SwitchingProbability => "switching probability against pulse length",
        }
    }
}

/// A picture, or why there is none of its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    Chart(Chart),
    Absent(String),
}

fn absent(why: &str) -> Drawn {
    Drawn::Absent(why.to_owned())
}

/// The picture of each kind for a device called `name`.
///
/// # Errors
/// A device that cannot be set up or gives numbers that are none.
pub fn draw(name: &str, subject: Subject<'_>) -> Result<Vec<(Kind, Drawn)>, PlotError> {
    Kind::ALL.into_iter().map(|kind| Ok((kind, draw_one(name, subject, kind)?))).collect()
}

fn draw_one(name: &str, subject: Subject<'_>, kind: Kind) -> Result<Drawn, PlotError> {
    const NO_VOLTAGE: &str = "the model has no current at a voltage";
    Ok(match (kind, subject) {
        (_, Subject::Device(DeviceModel::Ideal)) => absent("the ideal device is an integer"),
        (Kind::IvLoop, Subject::Alone(model, _)) => Drawn::Chart(iv::chart(name, model.as_dyn())?),
        (Kind::IvLoop, Subject::Device(DeviceModel::Compact(cells))) => {
            Drawn::Chart(iv::chart(name, cells.model.as_dyn())?)
        }
        (Kind::IvLoop, _) => absent(NO_VOLTAGE),
        (Kind::PulseResponse, Subject::Alone(_, why)) => absent(why),
        (Kind::PulseResponse, Subject::Device(DeviceModel::Mtj(_))) => {
            absent("a junction has two states, between which pulses switch it at random")
        }
        (Kind::PulseResponse, Subject::Device(model)) => Drawn::Chart(response::chart(name, model)?),
        (Kind::Drift, Subject::Device(model @ DeviceModel::Pcm(pairs))) if pairs.drift > 0.0 => {
            Drawn::Chart(drift::chart(name, model)?)
        }
        (Kind::Drift, Subject::Device(DeviceModel::Pcm(_))) => absent("`drift` is 0"),
        (Kind::Drift, _) => absent("the model keeps its state without a voltage"),
        (Kind::SwitchingProbability, Subject::Device(DeviceModel::Mtj(junction))) => {
            Drawn::Chart(switching::chart(name, junction))
        }
        (Kind::SwitchingProbability, _) => absent("the model has no states between which it switches at random"),
    })
}
