//! `make bench-momentum`: momentum engines, input codings and tiled arrays through the RTL. Arguments: parts to measure (`digits`, `coding`,
//! `slices`, `scaling`, `mnist`, `devices`), all by default; `mnist` needs the environment variable `MNIST`, a folder with the test images.

mod common;
#[path = "momentum/scaling.rs"]
mod scaling;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use common::{Parts, Results, differences, mean, run, with_seed};
use memrtl::cosim::Report;
use memrtl::report::figures::{Bar, Figure};
use memrtl::spec::{self, Design};
use memrtl::train;

const SEEDS: [u64; 3] = [1, 2, 3];
/// Momentum units; the first is the one that bars are on.
const ENGINES: [&str; 5] = ["history", "in_array", "sram", "tiki_taka", "none"];
/// Rate and momentum of the unit `tiki_taka`: its gradients count late, and sum up before they do.
const LATE: &str = "learning_rate = 0.5\nmomentum = 0.5";
/// Specs for measured devices: as for ideal ones, and made for their noise.
const SPECS: [&str; 2] = ["digits", "digits_reram"];
/// Keys of `[training]` for softmax and cross-entropy.
const CROSS_ENTROPY: &str = "loss = \"cross_entropy\"\nlearning_rate = 0.02";
/// Bits of an ideal device that is too coarse for small updates, and of measured ones.
const STATE_BITS: [u32; 2] = [10, 11];
const DEVICES: [&str; 2] = ["ReRamSB", "ReRamES"];

/// A preset with another momentum unit, `loss` in place of its loss and learning rate, and lines of its own in `[array]` and `[device]`.
fn preset(name: &str, engine: &str, loss: Option<&str>, array: &str, device: Option<&str>) -> Result<Design, String> {
    let text = spec::preset(name).expect("the preset is built in");
    let mut section = "";
    let mut lines = vec![];
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        let key = line.split('=').next().unwrap_or("").trim();
        match (section, key) {
            ("training", "loss") if loss.is_some() => lines.push(loss.unwrap_or_default().to_owned()),
            ("training", "learning_rate") if loss.is_some() => {}
            ("training", "history") if engine != "history" => {}
            ("training", "learning_rate") if engine == "tiki_taka" => lines.push(LATE.to_owned()),
            ("training", "momentum") if engine == "tiki_taka" => {}
            ("training", "momentum" | "momentum_unit") if engine == "none" => {}
            ("training", "optimizer") if engine == "none" => lines.push("optimizer = \"sgd\"".to_owned()),
            ("training", "momentum_unit") => lines.push(format!("momentum_unit = \"{engine}\"")),
            ("device", "model" | "preset") if device.is_some() => {
                lines.push(format!("preset = \"{}\"", device.unwrap_or_default()))
            }
            ("array", "adcs") => lines.push(format!("{line}\n{array}")),
            // The loss brings its own.
            _ if loss.is_some() && line.starts_with("  { outputs = 10, activation") => {
                lines.push("  { outputs = 10 },".to_owned());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    common::design(&lines.join("\n"), name, Path::new(""))
}

/// Every engine on the digits, ideal device.
fn digits(results: &mut Results) {
    for (engine, loss) in ENGINES.map(|engine| (engine, None)).into_iter().chain([(ENGINES[0], Some(CROSS_ENTROPY))]) {
        let design = match preset("digits", engine, loss, "", None) {
            Ok(design) => design,
            Err(why) => {
                results.missing.push(format!("digits, {engine}: {why}"));
                continue;
            }
        };
        let reports: Vec<Report> = SEEDS.iter().map(|&seed| run(&with_seed(&design, seed))).collect();
        let loss = if loss.is_some() { ", cross-entropy" } else { "" };
        let title = |what: &str| format!("digits, {engine}{loss}: {what}");
        let accuracy = 100.0 * mean(reports.iter().map(|r| r.summary.accuracy));
        let float = 100.0 * mean(reports.iter().map(|r| r.summary.accuracy_float));
        let s = &reports[0].summary;
        let list = &mut results.figures;
        let different = reports.iter().map(differences).sum();
        list.push(Figure::new(&title("differences in any value or cycle, 3 seeds"), different, "", Bar::Exactly(0.0)));
        list.push(Figure::beside(
            &title("test accuracy, mean of 3 seeds (baseline: f64)"),
            accuracy,
            "%",
            float,
            Bar::None,
        ));
        if engine != "none" {
            let short = float - accuracy;
            list.push(Figure::new(&title("points of accuracy below f64"), short, "", Bar::AtMost(0.5)));
        }
        list.push(Figure::new(&title("cycles per training sample"), s.cycles_per_sample, "cycles", Bar::None));
        let bar = if engine == "history" { Bar::AtLeast(95.0) } else { Bar::None };
        list.push(Figure::new(&title("arrays busy in a training step"), 100.0 * s.array_busy, "%", bar));
    }
}

/// Bit-serial inputs beside amplitudes on the digits, ideal device.
fn coding(results: &mut Results) {
    for unit in ["history", "sram"] {
        let mut baseline: Option<(f64, f64, f64)> = None;
        for coding in ["amplitude", "bit_serial"] {
            let design = match preset("digits", unit, None, &format!("input_coding = \"{coding}\""), None) {
                Ok(design) => design,
                Err(why) => {
                    results.missing.push(format!("digits, {coding}: {why}"));
                    continue;
                }
            };
            let reports: Vec<Report> = SEEDS.iter().map(|&seed| run(&with_seed(&design, seed))).collect();
            let s = &reports[0].summary;
            let accuracy = 100.0 * mean(reports.iter().map(|r| r.summary.accuracy));
            let now = (accuracy, s.cycles_per_sample, s.cycles_per_inference);
            let before = *baseline.get_or_insert(now);
            let title = |what: &str| format!("digits, {unit}, {coding}: {what}");
            let different = reports.iter().map(differences).sum();
            let list = &mut results.figures;
            list.push(Figure::new(
                &title("differences in any value or cycle, 3 seeds"),
                different,
                "",
                Bar::Exactly(0.0),
            ));
            for (what, now, before, unit) in [
                ("test accuracy, mean of 3 seeds (baseline: amplitude)", now.0, before.0, "%"),
                ("cycles per training sample (baseline: amplitude)", now.1, before.1, "cycles"),
                ("cycles per inference (baseline: amplitude)", now.2, before.2, "cycles"),
            ] {
                list.push(Figure::beside(&title(what), now, unit, before, Bar::None));
            }
            let short = 100.0 * mean(reports.iter().map(|r| r.summary.accuracy_float)) - accuracy;
            list.push(Figure::new(&title("points of accuracy below f64"), short, "", Bar::AtMost(0.5)));
            list.push(Figure::new(&title("arrays busy in a training step"), 100.0 * s.array_busy, "%", Bar::None));
        }
    }
}

/// 784-256-10 on tiles of 128 x 128, MNIST's test images, 80 % of them for training.
fn mnist(results: &mut Results) {
    let tiled = || preset("mnist", "history", None, "rows = 128\ncols = 128", None);
    let ((images, labels), mut design) = match common::mnist().and_then(|files| Ok((files, tiled()?))) {
        Ok(both) => both,
        Err(why) => return results.missing.push(format!("784-256-10 on tiles: {why}")),
    };
    design.data.source = spec::DataSource::Idx { images, labels };
    // With the preset's 32, the short pulses of late epochs end before the next vector is there.
    design.array.lanes = 64;
    design.refresh_hash();
    let report = run(&design);
    let s = &report.summary;
    let title = |what: &str| {
        format!("784-256-10 on {} tiles, {} lanes, MNIST: {what}", design.arrays().count(), design.array.lanes)
    };
    let list = &mut results.figures;
    list.push(Figure::new(&title("differences in any value or cycle"), differences(&report), "", Bar::Exactly(0.0)));
    list.push(Figure::new(&title("arrays busy in a training step"), 100.0 * s.array_busy, "%", Bar::AtLeast(95.0)));
    let (accuracy, float) = (100.0 * s.accuracy, 100.0 * s.accuracy_float);
    list.push(Figure::beside(&title("test accuracy (baseline: f64)"), accuracy, "%", float, Bar::None));
    list.push(Figure::new(&title("points of accuracy below f64"), float - accuracy, "", Bar::AtMost(0.5)));
    list.push(Figure::new(&title("cycles per training sample"), s.cycles_per_sample, "cycles", Bar::None));
    list.push(Figure::new(&title("samples per second"), s.samples_per_second, "1/s", Bar::None));
}

/// The digits with `history`, `device` in place of the ideal one's lines, and `slices` devices per weight.
fn sliced(device: &str, bits: u32, slices: usize) -> Result<Design, String> {
    let text = spec::preset("digits").expect("the preset is built in");
    let mut changed = text.to_owned();
    for (from, to) in [
        ("model = \"ideal\"", device.to_owned()),
        ("state_bits = 20", format!("state_bits = {bits}")),
        ("weight_range = 4.0", "weight_range = 2.0".to_owned()),
        ("backend = ", format!("slices = {slices}\nbackend = ")),
    ] {
        if !changed.contains(from) {
            return Err(format!("the preset has no `{from}`"));
        }
        changed = changed.replacen(from, &to, 1);
    }
    common::design(&changed, "digits", Path::new(""))
}

/// Bit slices beside one device per weight: an ideal device of few states through the RTL, measured ones in the golden model.
fn slices(results: &mut Results) {
    let [bits, measured] = STATE_BITS;
    let ideal = |slices| sliced("model = \"ideal\"", bits, slices);
    let designs = ideal(1).and_then(|one| Ok([one, ideal(2)?]));
    match designs {
        Ok(designs) => {
            let [one, two] = designs.map(|design| SEEDS.map(|seed| run(&with_seed(&design, seed))));
            let title = |what: &str| format!("digits, history, states of {bits} bits, 2 slices: {what}");
            let accuracy = |reports: &[Report]| 100.0 * mean(reports.iter().map(|r| r.summary.accuracy));
            let list = &mut results.figures;
            let different = one.iter().chain(&two).map(differences).sum();
            list.push(Figure::new(&title("differences in any value or cycle"), different, "", Bar::Exactly(0.0)));
            let (before, now) = (accuracy(&one), accuracy(&two));
            let what = "test accuracy, mean of 3 seeds (baseline: 1 device)";
            list.push(Figure::beside(&title(what), now, "%", before, Bar::None));
            let short = 100.0 * mean(two.iter().map(|r| r.summary.accuracy_float)) - now;
            list.push(Figure::new(&title("points of accuracy below f64"), short, "", Bar::AtMost(0.5)));
            let cycles = |reports: &[Report]| reports[0].summary.cycles_per_sample;
            let what = "cycles per training sample (baseline: 1 device)";
            list.push(Figure::beside(&title(what), cycles(&two), "cycles", cycles(&one), Bar::None));
            let busy = 100.0 * two[0].summary.array_busy;
            list.push(Figure::new(&title("arrays busy in a training step"), busy, "%", Bar::None));
        }
        Err(why) => results.missing.push(format!("digits, slices: {why}")),
    }
    for device in DEVICES {
        let lines = format!("preset = \"{device}\"\nsigned = \"differential\"");
        let trained = |slices: usize| {
            let sweep = |design| train::sweep(&design, &golden(), &AtomicBool::new(false), &|_| {});
            sliced(&lines, measured, slices).and_then(|design| sweep(design).map_err(|error| error.to_string()))
        };
        match trained(1).and_then(|one| Ok((one, trained(2)?))) {
            Ok((one, two)) => {
                let title =
                    format!("digits, history, {device}, 2 slices: test accuracy, mean of 3 seeds (baseline: 1 device)");
                let accuracy = |summary: &train::Summary| 100.0 * summary.accuracy.mean;
                results.figures.push(Figure::beside(&title, accuracy(&two), "%", accuracy(&one), Bar::None));
            }
            Err(why) => results.missing.push(format!("{device}, slices: {why}")),
        }
    }
}

/// Training of the golden model alone, all seeds.
fn golden() -> train::Options {
    train::Options { seeds: SEEDS.to_vec(), jobs: 0, limit: None, reference: false }
}

/// Engines on measured ReRAM devices: golden model, which the RTL follows to the bit.
fn devices(results: &mut Results) {
    let sweep = |design: Design| train::sweep(&design, &golden(), &AtomicBool::new(false), &|_| {});
    for device in DEVICES {
        let mut best: f64 = 0.0;
        for (spec, engine) in SPECS.into_iter().flat_map(|spec| ENGINES.map(|engine| (spec, engine))) {
            let trained = preset(spec, engine, None, "", Some(device))
                .and_then(|design| sweep(design).map_err(|error| error.to_string()));
            match trained {
                Ok(summary) => {
                    let accuracy = 100.0 * summary.accuracy.mean;
                    best = best.max(accuracy);
                    let title = format!("{spec}, {device}, {engine}: test accuracy, mean of 3 seeds");
                    results.figures.push(Figure::new(&title, accuracy, "%", Bar::None));
                }
                Err(why) => results.missing.push(format!("{spec}, {device}, {engine}: {why}")),
            }
        }
        let title = format!("digits, {device}: best engine, test accuracy");
        results.figures.push(Figure::new(&title, best, "%", Bar::AtLeast(90.0)));
    }
}

fn main() -> ExitCode {
    let parts = match Parts::from_arguments(&["digits", "coding", "slices", "scaling", "mnist", "devices"]) {
        Ok(parts) => parts,
        Err(code) => return code,
    };
    let mut results = Results::default();
    if parts.wanted("digits") {
        digits(&mut results);
    }
    if parts.wanted("coding") {
        coding(&mut results);
    }
    if parts.wanted("slices") {
        slices(&mut results);
    }
    if parts.wanted("scaling") {
        match preset("digits", "history", None, "", None) {
            Ok(design) => scaling::measure(&design, &mut results),
            Err(why) => results.missing.push(format!("scaling of stored pairs: {why}")),
        }
    }
    if parts.wanted("mnist") {
        mnist(&mut results);
    }
    if parts.wanted("devices") {
        devices(&mut results);
    }
    results.finish("momentum")
}
