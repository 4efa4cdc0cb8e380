//! The flow: RTL, synthesis, packing, place and route, bitstream, report.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::board::{Board, BoardClock};
use super::folder::{Folder, RTL};
use super::target::{Family, Target};
use super::tools::{self, Tools};
use super::{FpgaError, Pace, Report, fit, netlist, place, states};
use crate::doctor::Surroundings;
use crate::rtl::{Rtl, emit};
use crate::spec::Design;

/// How to build.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// MHz; the target's own when none.
    pub clock: Option<f64>,
    /// Of the placer.
    pub seed: u64,
    /// Place and route, and a bitstream.
    pub route: bool,
    /// Output folder.
    pub out: PathBuf,
}

/// What the flow is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Generate,
    Synthesis,
    Packing,
    PlaceAndRoute,
    Bitstream,
}

impl Step {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Step::Generate => "Verilog",
            Step::Synthesis => "synthesis",
            Step::Packing => "packing",
            Step::PlaceAndRoute => "place and route",
            Step::Bitstream => "bitstream",
        }
    }
}

/// Builds `design`, which must have the emulated array, for `target`. `pace` goes to the report as it is; `tell` hears of each step
/// as it begins.
///
/// A design whose clock is not met is built and reported all the same. After an error no file of this run is in the folder but the
/// Verilog, and of an earlier run none.
///
/// # Errors
/// A missing or failing program, a design larger than the device, a folder with files of others, an interruption by `stop`.
pub fn run(
    design: &Design,
    target: &Target,
    options: &Options,
    pace: Option<Pace>,
    stop: &AtomicBool,
    tell: &dyn Fn(Step),
) -> Result<Report, FpgaError> {
    let design = &states::placed(design, target);
    let wanted = options.clock.unwrap_or(target.clock.design_mhz);
    let clock = BoardClock::new(target, wanted)?;
    let routed_here = target.family != Family::Xc7;
    let tools = if routed_here { Some(Tools::find(target, &Surroundings::current())?) } else { None };

    tell(Step::Generate);
    let rtl = Rtl::with_link(design)?;
    let folder = Folder::open(&options.out)?;
    emit::write(design, &rtl, &options.out.join(RTL))?;
    let board = Board {
        design,
        target,
        clock,
        sources: rtl.modules.iter().map(|module| format!("{RTL}/{}.v", module.name)).collect(),
    };
    for file in board.files()? {
        folder.put(&file.name, &file.text)?;
    }

    let mut report = Report {
        generator: "memrtl",
        files: Vec::new(),
        design: design.name.clone(),
        spec_hash: design.spec_hash.clone(),
        target: target.name.clone(),
        board: target.board.clone(),
        family: target.family,
        seed: options.seed,
        clock_requested: wanted,
        clock_board: clock.mhz,
        fmax: None,
        met: None,
        resources: Vec::new(),
        parts: Vec::new(),
        critical_path: None,
        pace,
        bitstream: None,
        tools: Vec::new(),
    };
    if let Some(tools) = tools {
        build(&board, &tools, options, &folder, &mut report, stop, tell)?;
    }
    report.files = folder.files()?;
    // A struct of plain values always serializes.
    let text = serde_json::to_string_pretty(&report).unwrap_or_default() + "\n";
    folder.finish(&text, &report.files)?;
    Ok(report)
}

fn build(
    board: &Board,
    tools: &Tools,
    options: &Options,
    folder: &Folder,
    report: &mut Report,
    stop: &AtomicBool,
    tell: &dyn Fn(Step),
) -> Result<(), FpgaError> {
    let (design, target) = (board.design, board.target);
    let stem = design.name.as_str();
    let stage = folder.stage();
    report.tools = tools.versions();

    tell(Step::Synthesis);
    // The script names the Verilog as it lies when all is done, beside the stage.
    link_rtl(&options.out, stage)?;
    let script = ["-q", "-l", "yosys.log", "-s", &format!("{stem}.ys")].map(str::to_string);
    tools::run(&tools.yosys, &script, stage, "yosys.out", stop)?;
    let _ = std::fs::remove_file(stage.join("yosys.out"));
    let unreadable = |tool| move |cause: serde_json::Error| FpgaError::Output { tool, cause: cause.to_string() };
    let text = folder.get(&format!("{stem}.json"))?;
    let parts = netlist::parts(&text, design, target.family).map_err(unreadable("Yosys"))?;

    tell(Step::Packing);
    let (Some(nextpnr), Some(pack)) = (&tools.nextpnr, &tools.pack) else { return Ok(()) };
    tools::run(nextpnr, &place::pack_arguments(target, stem), stage, "nextpnr.log", stop)?;
    let log = folder.get("nextpnr.log")?;
    let used = place::packed(&String::from_utf8_lossy(&log), target.family).ok_or_else(|| FpgaError::Output {
        tool: "nextpnr",
        cause: "its log lists no device utilisation".to_string(),
    })?;
    fit::check(design, target, &used, &parts)?;
    report.resources = fit::uses(&used, target);
    report.parts = parts;
    if !options.route {
        return Ok(());
    }

    tell(Step::PlaceAndRoute);
    let arguments = place::arguments(target, stem, report.clock_requested, options.seed);
    tools::run(nextpnr, &arguments, stage, "nextpnr.log", stop)?;
    let text = folder.get("nextpnr.json")?;
    let routed = place::read_report(&text, design, target.family).map_err(unreadable("nextpnr"))?;
    report.resources = fit::uses(&routed.used, target);
    report.fmax = Some(routed.fmax);
    report.met = Some(routed.fmax >= report.clock_requested);
    report.critical_path = routed.critical_path;

    tell(Step::Bitstream);
    let (input, ending) = (format!("{stem}.{}", place::routed(target.family)), bitstream(target.family));
    let output = format!("{stem}.{ending}");
    let mut arguments = vec![input, output.clone()];
    if target.family == Family::Ecp5 {
        arguments.insert(0, "--compress".to_string());
    }
    tools::run(pack, &arguments, stage, "pack.log", stop)?;
    let _ = std::fs::remove_file(stage.join("pack.log"));
    report.bitstream = Some(output);
    Ok(())
}

/// Ending of the bitstream, as the packer's users call it.
fn bitstream(family: Family) -> &'static str {
    if family == Family::Ice40 { "bin" } else { "bit" }
}

/// Makes the Verilog visible in the stage under the name that scripts use.
fn link_rtl(out: &Path, stage: &Path) -> Result<(), FpgaError> {
    let error =
        |cause| FpgaError::Io { dir: out.display().to_string(), action: "cannot copy", file: RTL.to_string(), cause };
    std::fs::create_dir(stage.join(RTL)).map_err(error)?;
    for entry in std::fs::read_dir(out.join(RTL)).map_err(error)? {
        let entry = entry.map_err(error)?;
        std::fs::copy(entry.path(), stage.join(RTL).join(entry.file_name())).map_err(error)?;
    }
    Ok(())
}
