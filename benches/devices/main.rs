//! `make bench-devices`: speed of the device models and of golden training beside their peers, and accuracy of the devices through the RTL.
//!
//! Arguments: parts to measure (`models`, `update`, `training`, `cores`, `accuracy`, `switching`), all by default. Every figure is the median of rounds in which
//! all contestants take turns.

mod accuracy;
#[path = "../common/mod.rs"]
mod common;
mod models;
mod peers;
mod samples;
mod switching;
mod training;
mod update;

use std::path::Path;
use std::process::ExitCode;

use memrtl::spec::{self, Design};

use common::{Parts, Results, design, median};
use peers::Peers;

fn main() -> ExitCode {
    let parts = match Parts::from_arguments(&["models", "update", "training", "cores", "accuracy", "switching"]) {
        Ok(parts) => parts,
        Err(code) => return code,
    };
    let target = common::target();
    let folder = target.join("bench-devices");
    samples::write(&folder);

    let mut results = Results::default();
    let mut peers = Peers::start(&target, &mut results.missing);
    if parts.wanted("models") {
        models::measure(&mut results);
    }
    if parts.wanted("update") {
        update::measure(&folder, &mut peers, &mut results);
    }
    if parts.wanted("training") {
        training::measure(&folder, &mut peers, &mut results);
    }
    if parts.wanted("cores") {
        training::cores(&mut results);
    }
    if parts.wanted("switching") {
        switching::measure(&mut results);
    }
    if parts.wanted("accuracy") {
        accuracy::measure(&mut results);
    }
    results.finish("devices")
}

/// A 784-256-10 network on the enlarged digits in `folder`.
fn large(folder: &Path, training: &str, device: &str) -> Result<Design, String> {
    let text = format!(
        "name = \"mnist_sized\"\n[network]\ninputs = 784\nlayers = [{{ outputs = 256, activation = \"sigmoid\" }}, \
         {{ outputs = 10, activation = \"sigmoid\" }}]\n[training]\n{training}\nepochs = 1\n[device]\n{device}\n[data]\n\
         idx = {{ images = \"images.idx\", labels = \"labels.idx\" }}\n"
    );
    design(&text, "mnist_sized", folder)
}

/// The digits preset on `device`.
fn digits(seed: u64, device: &str) -> Result<Design, String> {
    let preset = spec::preset("digits").expect("the preset is built in");
    let (head, rest) = preset.split_once("\n[device]\n").expect("the preset has a device");
    let (_, tail) = rest.split_once("\n[timing]").expect("timing follows the device");
    let text = format!("{head}\n[device]\n{device}\n[timing]{tail}");
    let mut design = design(&text, "digits", Path::new(""))?;
    design.training.seed = seed;
    design.refresh_hash();
    Ok(design)
}

/// A preset that ships.
fn preset(seed: u64, name: &str) -> Result<Design, String> {
    let mut design = design(spec::preset(name).expect("the preset is built in"), name, Path::new(""))?;
    design.training.seed = seed;
    design.refresh_hash();
    Ok(design)
}
