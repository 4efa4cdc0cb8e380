//! The pictures of docs/devices.md.

use std::path::{Path, PathBuf};

use super::{Drawn, Kind, PlotError, Subject, draw_one, fit_chart, write};
use crate::device::compact::{Kind as CompactKind, Model};
use crate::device::measured::{Measured, fit_best};
use crate::spec;

/// Model, parameter set and kind of each.
const SHOWN: &[(&str, &str, Kind)] = &[
    ("vteam", "pt_hfox", Kind::IvLoop),
    ("vteam", "pt_hfox", Kind::PulseResponse),
    ("vteam", "magic", Kind::IvLoop),
    ("team", "technion", Kind::IvLoop),
    ("ion_drift", "memtorch", Kind::IvLoop),
    ("ion_drift", "technion_course", Kind::IvLoop),
    ("yakopcic", "low_threshold", Kind::IvLoop),
    ("yakopcic", "low_threshold", Kind::PulseResponse),
    ("stanford_pku", "memtorch", Kind::IvLoop),
    ("stanford_pku", "memtorch", Kind::PulseResponse),
    ("constant_step", "GokmenVlasov", Kind::PulseResponse),
    ("linear_step", "EcRam", Kind::PulseResponse),
    ("soft_bounds", "ReRamSB", Kind::PulseResponse),
    ("soft_bounds_reference", "ReRamArrayOM", Kind::PulseResponse),
    ("exp_step", "ReRamES", Kind::PulseResponse),
    ("neurosim", "AgSi", Kind::PulseResponse),
    ("neurosim", "EpiRAM", Kind::PulseResponse),
    ("pcm", "PCM", Kind::PulseResponse),
    ("pcm", "PCM", Kind::Drift),
    ("mtj", "SttNeuroSim", Kind::SwitchingProbability),
    ("mtj", "SttArm", Kind::SwitchingProbability),
];

/// The measured response of docs/devices.md, and the picture of its fit.
const EXAMPLE: (&str, &[u8], &str) =
    ("example.csv", include_bytes!("../../../docs/devices/example.csv"), "example-fit");

/// Draws all pictures of docs/devices.md into `dir` as SVG; returns their paths.
///
/// # Errors
/// A parameter set that is gone, a foreign file in the way, a file system error.
pub fn gallery(dir: &Path) -> Result<Vec<PathBuf>, PlotError> {
    let mut paths = Vec::new();
    for &(model, preset, kind) in SHOWN {
        let drawn = match compact(model, preset) {
            Some(alone) if kind == Kind::IvLoop => draw_one(preset, Subject::Alone(&alone, ""), kind)?,
            _ => {
                let section = format!("model = \"{model}\"\npreset = \"{preset}\"\n");
                let device = spec::parse_device(&section, "gallery", Path::new("")).map_err(PlotError::drawing)?;
                draw_one(preset, Subject::Device(&device), kind)?
            }
        };
        match drawn {
            Drawn::Chart(chart) => {
                paths.extend(write(&chart, dir, &format!("{model}-{preset}-{}", kind.file()), false)?);
            }
            Drawn::Absent(why) => return Err(PlotError::Drawing(format!("{model}/{preset}: {why}"))),
        }
    }
    let (name, text, file) = EXAMPLE;
    let measured = Measured::parse(name, text).map_err(PlotError::drawing)?;
    let (fits, best) = fit_best(&measured).map_err(PlotError::drawing)?;
    paths.extend(write(&fit_chart(name, &measured, &fits[best])?, dir, file, false)?);
    Ok(paths)
}

fn compact(model: &str, preset: &str) -> Option<Model> {
    let kind = CompactKind::ALL.into_iter().find(|kind| kind.name() == model)?;
    kind.sets().into_iter().find(|set| set.name == preset).map(|set| set.model)
}
