//! `make bench-devices`: speed of the device models and of golden training beside their peers, and accuracy of the devices through the RTL.
//!
//! Arguments: parts to measure (`update`, `training`, `cores`, `accuracy`), all by default. Every figure is the median of rounds in which
//! all contestants take turns.

mod accuracy;
mod peers;
mod samples;
mod training;
mod update;

use std::path::Path;
use std::process::ExitCode;

use memrtl::report::figures::{self, Figure};
use memrtl::spec::{self, Design};

use peers::Peers;

const PARTS: [&str; 4] = ["update", "training", "cores", "accuracy"];

/// Figures, and what could not be measured and why.
#[derive(Default)]
struct Results {
    figures: Vec<Figure>,
    missing: Vec<String>,
}

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let Some(unknown) = asked.iter().find(|a| !PARTS.contains(&a.as_str())) {
        eprintln!("error: `{unknown}` is not a part; allowed: {}", PARTS.join(", "));
        return ExitCode::FAILURE;
    }
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|a| a == part);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in target").to_path_buf();
    let folder = target.join("bench-devices");
    samples::write(&folder);

    let mut results = Results::default();
    let mut peers = Peers::start(&target, &mut results.missing);
    if wanted("update") {
        update::measure(&folder, &mut peers, &mut results);
    }
    if wanted("training") {
        training::measure(&folder, &mut peers, &mut results);
    }
    if wanted("cores") {
        training::cores(&mut results);
    }
    if wanted("accuracy") {
        accuracy::measure(&mut results);
    }

    print!("{}", figures::render(&results.figures));
    for missing in &results.missing {
        println!("not measured: {missing}");
    }
    match figures::write(&target.join("bench"), "devices", &results.figures) {
        Ok(path) => println!("written to target/bench/{}", path.file_name().unwrap_or_default().display()),
        Err(error) => eprintln!("error: {}: {error}", target.display()),
    }
    if results.figures.iter().all(|f| f.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A 784-256-10 network on the enlarged digits in `folder`.
fn large(folder: &Path, training: &str, device: &str) -> Result<Design, String> {
    let text = format!(
        "name = \"mnist_sized\"\n[network]\ninputs = 784\nlayers = [{{ outputs = 256, activation = \"sigmoid\" }}, \
         {{ outputs = 10, activation = \"sigmoid\" }}]\n[training]\n{training}\nepochs = 1\n[device]\n{device}\n[data]\n\
         idx = {{ images = \"images.idx\", labels = \"labels.idx\" }}\n"
    );
    spec::parse(&text, "mnist_sized", folder).map_err(|errors| errors.render(false))
}

/// The digits preset on `device`.
fn digits(seed: u64, device: &str) -> Result<Design, String> {
    let preset = spec::preset("digits").expect("the preset is built in");
    let (head, rest) = preset.split_once("\n[device]\n").expect("the preset has a device");
    let (_, tail) = rest.split_once("\n[timing]").expect("timing follows the device");
    let text = format!("{head}\n[device]\n{device}\n[timing]{tail}");
    let mut design = spec::parse(&text, "digits", Path::new("")).map_err(|errors| errors.render(false))?;
    design.training.seed = seed;
    design.refresh_hash();
    Ok(design)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
