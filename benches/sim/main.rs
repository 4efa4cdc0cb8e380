//! `make bench-sim`: the simulation harness `verilated` beside its peers, and what it means for a co-simulation.
//!
//! Arguments: parts to measure (`drive`, `build`, `growth`, `cosim`, `mnist`), all by default. Figures are medians of rounds in which all
//! contestants take turns; peers come from `make peers-sim`, and rows of missing ones are left out.

mod builds;
#[path = "../common/mod.rs"]
mod common;
mod cosim;
mod drive;
mod growth;
mod peers;
mod plot;
mod stimulus;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memrtl::rtl::{Module, Rtl};
use memrtl::spec::{self, Design};
use verilated::{ModelBuilder, Profile, Verilator};

use common::{Parts, Results, median};

/// What the parts share.
pub struct Bench {
    /// Cargo's folder, and ours in it.
    pub target: PathBuf,
    pub folder: PathBuf,
    /// Folder of built models, kept from run to run.
    pub cache: PathBuf,
    /// The digits preset and its Verilog, which is also in `folder/rtl`.
    pub design: Design,
    pub rtl: Rtl,
    pub results: Results,
}

impl Bench {
    fn new() -> Bench {
        let target = common::target();
        let folder = target.join("bench-sim");
        let text = spec::preset("digits").expect("the preset is built in");
        let design = common::design(text, "digits", Path::new("")).expect("the preset is valid");
        let rtl = Rtl::generate(&design).expect("the templates render");
        let bench = Bench { cache: folder.join("models"), target, folder, design, rtl, results: Results::default() };
        write_modules(&bench.rtl, &bench.folder.join("rtl"));
        bench
    }

    pub fn sources(&self) -> impl Iterator<Item = PathBuf> {
        self.rtl.modules.iter().map(|module| file(&self.folder.join("rtl"), module))
    }

    /// The digits for long runs.
    pub fn builder(&self, verilator: &Verilator) -> ModelBuilder {
        ModelBuilder::new(&self.rtl.top).sources(self.sources()).profile(Profile::FastRun).verilator(verilator.clone())
    }

    /// The Verilator that `make peers-sim` has installed.
    pub fn peer_verilator(&self) -> Option<Verilator> {
        Verilator::at(self.target.join("peers/sim/bin/verilator")).ok()
    }

    pub fn stimulus(&self) -> PathBuf {
        self.folder.join("stimulus")
    }
}

/// Writes the Verilog to `dir`, unless it is there: a new date would make others build again. The modules alone, without the test bench and the
/// documents of a generated folder: the peers take every `.v` file in it.
pub fn write_modules(rtl: &Rtl, dir: &Path) {
    let written = |module: &Module| std::fs::read_to_string(file(dir, module)).is_ok_and(|old| old == module.text);
    let files = std::fs::read_dir(dir).into_iter().flatten().count();
    if files == rtl.modules.len() && rtl.modules.iter().all(written) {
        return;
    }
    let failed = |error| panic!("{}: {error}", dir.display());
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir).unwrap_or_else(failed);
    for module in &rtl.modules {
        std::fs::write(file(dir, module), &module.text).unwrap_or_else(failed);
    }
}

/// Where a module stands.
fn file(folder: &Path, module: &Module) -> PathBuf {
    folder.join(format!("{}.v", module.name))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((builds::CHILD, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return builds::child(rest);
    }
    let parts = match Parts::from_arguments(&["drive", "build", "growth", "cosim", "mnist"]) {
        Ok(parts) => parts,
        Err(code) => return code,
    };
    let mut bench = Bench::new();
    if parts.wanted("drive") {
        drive::measure(&mut bench);
    }
    if parts.wanted("build") {
        builds::measure(&mut bench);
    }
    if parts.wanted("growth") {
        growth::measure(&mut bench);
    }
    if parts.wanted("cosim") {
        cosim::digits(&mut bench);
    }
    if parts.wanted("mnist") {
        cosim::mnist(&mut bench);
    }
    bench.results.finish("sim")
}
