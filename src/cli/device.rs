//! `memrtl device`: parameters and pictures of a device.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;

use super::{load, warn};
use crate::device::compact::{Kind as CompactKind, Model};
use crate::device::measured::{self, Measured, MeasuredError};
use crate::device::response::Law;
use crate::report::device::{fit_table, parameter_table, preset_table};
use crate::report::plots::{self, Drawn, Subject};
use crate::spec::{self, DeviceModel, DevicePreset};

/// Print the parameters of a device and draw what characterises it
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Parameter set, as NAME or MODEL/NAME; without it and --config: the list of all
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub preset: Option<String>,
    /// Spec whose device is shown
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Measured pulse response to fit and show: columns pulse, up, down; see docs/devices.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "preset"])]
    pub csv: Option<PathBuf>,
    /// Law to fit to it, instead of the plainest that fits
    #[arg(long, value_name = "LAW", requires = "csv", value_parser = law)]
    pub law: Option<Law>,
    // For those who work on memrtl itself.
    /// Draw the pictures of docs/devices.md into this folder
    #[arg(long, value_name = "DIR", hide = true, conflicts_with_all = ["config", "preset", "csv"])]
    pub gallery: Option<PathBuf>,
    /// Folder for the pictures
    #[arg(long, value_name = "DIR", default_value = "out/device")]
    pub out: PathBuf,
}

/// A law that can be fitted, by its name.
fn law(text: &str) -> Result<Law, String> {
    let names = || measured::AUTOMATIC.map(Law::name).join(", ");
    let found = measured::AUTOMATIC.into_iter().find(|law| law.name() == text);
    found.ok_or_else(|| format!("allowed: {}", names()))
}

/// A device to show.
struct Shown {
    name: String,
    source: String,
    device: Device,
}

enum Device {
    Usable(DeviceModel),
    /// A compact model that no array can use, and why.
    Alone(Model, String),
}

/// Runs the command.
///
/// # Errors
/// An unknown parameter set, a spec that does not hold, or a file that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(dir) = &args.gallery {
        println!("{} pictures in {}", plots::gallery(dir)?.len(), dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let shown = match (&args.preset, &args.config) {
        _ if args.csv.is_some() => fitted(args)?,
        (Some(name), _) => by_name(name)?,
        (None, Some(path)) => {
            let design = load(Some(path), None, None)?;
            let source = path.display().to_string();
            Shown { name: design.name.clone(), source, device: Device::Usable(design.device.model) }
        }
        (None, None) => {
            print!("{}", preset_table(&spec::device_presets()));
            println!("\nmemrtl device --preset NAME shows one; MODEL/NAME where a name stands twice");
            return Ok(ExitCode::SUCCESS);
        }
    };
    println!("{}: {}\n", shown.name, shown.source);
    match &shown.device {
        Device::Usable(model) => print!("{}", parameter_table(&spec::device_parameters(model))),
        Device::Alone(model, why) => {
            print!("{}", parameter_table(&spec::compact_parameters(model)));
            println!("\nno array can use it: {why}");
        }
    }
    // What a spec warns of has been told when it was read.
    if args.config.is_none() {
        warn(&match &shown.device {
            Device::Usable(model) => spec::device_warnings(model),
            Device::Alone(model, _) => spec::compact_warnings(model),
        });
    }
    println!();
    let subject = match &shown.device {
        Device::Usable(model) => Subject::Device(model),
        Device::Alone(model, why) => Subject::Alone(model, why),
    };
    for (kind, drawn) in plots::draw(&shown.name, subject)? {
        match drawn {
            Drawn::Chart(chart) => {
                let paths = plots::write(&chart, &args.out, kind.file(), true)?;
                let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
                println!("{}: {}", kind.words(), names.join(", "));
            }
            Drawn::Absent(why) => println!("{}: none, {why}", kind.words()),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Fits a measured response, prints how well each law does, and draws the fit.
fn fitted(args: &Args) -> anyhow::Result<Shown> {
    let path = args.csv.as_deref().unwrap_or(Path::new(""));
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|cause| MeasuredError::Read { file: name.clone(), cause })?;
    let measured = Measured::parse(&name, &text)?;
    let (mut fits, mut chosen) = measured::fit_best(&measured)?;
    if let Some(law) = args.law {
        match fits.iter().position(|fit| fit.parameters.law == law) {
            Some(index) => chosen = index,
            None => {
                fits.push(measured::fit(&measured, law)?);
                chosen = fits.len() - 1;
            }
        }
    }
    println!("{}", fit_table(&fits, chosen));
    let fit = &fits[chosen];
    let paths = plots::write(&plots::fit_chart(&name, &measured, fit)?, &args.out, "fit", true)?;
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    println!("fit and residual: {}\n", names.join(", "));
    let device = Device::Usable(DeviceModel::Response(fit.parameters.clone()));
    let source = format!("fitted to {} measurements", measured.up.pulses.len() + measured.down.pulses.len());
    Ok(Shown { name, source, device })
}

/// The parameter set that `NAME` or `MODEL/NAME` stands for.
fn by_name(text: &str) -> anyhow::Result<Shown> {
    let all = spec::device_presets();
    let (model, name) = text.split_once('/').map_or((None, text), |(model, name)| (Some(model), name));
    let fits = |p: &&DevicePreset| p.name == name && model.is_none_or(|model| p.model == model);
    let found: Vec<&DevicePreset> = all.iter().filter(fits).collect();
    let preset = match found[..] {
        [preset] => preset,
        [] => {
            let names: Vec<String> = all.iter().map(|p| p.name.to_owned()).collect();
            let near =
                spec::nearest_word(name, &names).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            bail!("--preset {text}: there is no such parameter set{near} (`memrtl device` lists all)");
        }
        _ => {
            let ways: Vec<String> = found.iter().map(|p| format!("{}/{}", p.model, p.name)).collect();
            bail!("--preset {text}: several models have such a set; allowed: {}", ways.join(", "));
        }
    };
    let section = format!("model = \"{}\"\npreset = \"{}\"\n", preset.model, preset.name);
    let device = match spec::parse_device(&section, "the parameter set", Path::new("")) {
        Ok(model) => Device::Usable(model),
        Err(errors) => match compact(preset) {
            Some(model) => Device::Alone(model, errors.sentences().join("; ")),
            None => return Err(errors.into()),
        },
    };
    Ok(Shown { name: preset.name.to_owned(), source: format!("{} ({})", preset.source, preset.model), device })
}

fn compact(preset: &DevicePreset) -> Option<Model> {
    let kind = CompactKind::ALL.into_iter().find(|kind| kind.name() == preset.model)?;
    kind.sets().into_iter().find(|set| set.name == preset.name).map(|set| set.model)
}
