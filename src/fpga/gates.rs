//! The design as gates: the netlist that synthesis made, with the vendor's models of its cells, for the same co-simulation as the RTL.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::FpgaError;
use super::target::{Family, Target};
use super::tools::{self, Tools};
use crate::doctor::Surroundings;
use crate::rtl::{Module, Rtl};
use crate::spec::Design;

/// Lines of Yosys' models that make flip-flops start at 0, as configuration does. Reset has to do without: they start at random
/// values instead.
const INITIAL: (&str, &str) = ("`define SB_DFF_INIT initial Q = 0;", "`define SB_DFF_INIT");
/// Default values of ports are newer than the Verilog that simulators read.
const DEFINES: &str = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n";
/// Their widths are the vendor's business.
const QUIET: [&str; 2] = ["// verilator lint_off WIDTH\n", "\n// verilator lint_on WIDTH\n"];

/// Synthesizes `rtl` for `target` and returns the netlist, module for module what [`Rtl`] says, with the models of its cells. Ports keep
/// their names; so do the signals `watched` of the top, which are kept for the bench.
///
/// # Errors
/// A family without open models of its cells, a missing or failing Yosys, an interruption by `stop`.
pub fn gate_level(
    design: &Design,
    rtl: &Rtl,
    target: &Target,
    watched: &[String],
    stop: &AtomicBool,
) -> Result<Rtl, FpgaError> {
    if target.family != Family::Ice40 {
        return Err(FpgaError::NoGates { target: target.name.clone() });
    }
    let yosys = Tools::yosys(target, &Surroundings::current())?;
    let dir = tempfile::tempdir().map_err(file_error("."))?;
    let mut script = String::new();
    for module in &rtl.modules {
        let file = format!("{}.v", module.name);
        std::fs::write(dir.path().join(&file), &module.text).map_err(file_error(&file))?;
        script += &format!("read_verilog {file}\n");
    }
    let top = &rtl.top;
    let signals: String = watched.iter().map(|signal| format!(" {top}/w:{signal}")).collect();
    let command = super::board::synthesis(target.family, target);
    script += &format!("hierarchy -check -top {top}\nsetattr -set keep 1{signals}\n{command} -top {top}\n");
    // Bits that share a name would look like loops of logic to a simulator that takes a vector as one.
    script += &format!(
        "select -set kept{signals} {top}/i:* {top}/o:*\nselect -set rest {top}/w:* @kept %d\nsplitnets @rest\n\
         select -clear\nwrite_verilog -noattr gates.v\n"
    );
    std::fs::write(dir.path().join("gates.ys"), script).map_err(file_error("gates.ys"))?;
    let arguments = ["-q", "-s", "gates.ys"].map(str::to_string);
    tools::run(&yosys, &arguments, dir.path(), "yosys.log", stop)?;
    let netlist = std::fs::read_to_string(dir.path().join("gates.v")).map_err(file_error("gates.v"))?;

    let models = models(&yosys)?;
    let text = std::fs::read_to_string(&models).map_err(file_error(&models.display().to_string()))?;
    let text = format!("{}{DEFINES}{}{}", QUIET[0], text.replacen(INITIAL.0, INITIAL.1, 1), QUIET[1]);
    let modules = vec![
        Module { name: format!("{}_cells", design.name), text },
        Module { name: top.clone(), text: format!("`timescale 1ps / 1ps\n{netlist}") },
    ];
    Ok(Rtl { top: top.clone(), modules, documents: Vec::new() })
}

/// Yosys' models of iCE40 cells, below the folder that Yosys was installed in.
fn models(yosys: &Path) -> Result<PathBuf, FpgaError> {
    let real = yosys.canonicalize().map_err(file_error("yosys"))?;
    let root = real.ancestors().nth(2).unwrap_or(Path::new("/"));
    Ok(root.join("share/yosys/ice40/cells_sim.v"))
}

fn file_error(file: &str) -> impl FnOnce(std::io::Error) -> FpgaError + '_ {
    move |cause| FpgaError::Io {
        dir: "gates".to_string(),
        action: "cannot read or write",
        file: file.to_string(),
        cause,
    }
}
