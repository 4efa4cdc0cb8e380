//! The digits through the generated RTL on every kind of device, three seeds each.

use std::sync::atomic::AtomicBool;

use memrtl::cosim::{self, Options, Summary};
use memrtl::report::figures::{Bar, Figure};
use memrtl::rtl::Rtl;
use memrtl::train::Spread;

use super::{Results, digits, preset};

const SEEDS: [u64; 3] = [1, 2, 3];

/// Where a design comes from.
#[derive(Clone, Copy)]
enum Contestant {
    /// The digits preset on this device.
    Digits(&'static str),
    /// A preset of its own.
    Preset(&'static str),
}

pub fn measure(results: &mut Results) {
    let devices = [
        ("ideal", "model = \"ideal\""),
        ("constant step", "model = \"constant_step\""),
        ("RRAM, soft bounds", "model = \"soft_bounds\"\npreset = \"ReRamSB\""),
        ("RRAM, VTEAM", "model = \"vteam\""),
    ];
    let mut contestants: Vec<(&str, Contestant)> =
        devices.map(|(name, device)| (name, Contestant::Digits(device))).to_vec();
    contestants.push(("PCM with refresh, preset digits_pcm", Contestant::Preset("digits_pcm")));
    contestants.push(("STT-MRAM, ternary, preset digits_stt", Contestant::Preset("digits_stt")));
    for (name, contestant) in contestants {
        let runs: Result<Vec<Summary>, String> = SEEDS.iter().map(|&seed| run(seed, contestant)).collect();
        let runs = match runs {
            Ok(runs) => runs,
            Err(error) => {
                results
                    .missing
                    .push(format!("accuracy through the RTL, {name}: {}", error.lines().next().unwrap_or("")));
                continue;
            }
        };
        let of = |pick: fn(&Summary) -> f64| Spread::of(&runs.iter().map(pick).collect::<Vec<_>>());
        let (rtl, float) = (of(|s| s.accuracy), of(|s| s.accuracy_float));
        let wrong: u64 = runs.iter().map(|s| s.mismatches + s.cycles_total.abs_diff(s.cycles_predicted)).sum();
        let row = |what: &str| format!("{what}, {name}, 3 seeds");
        let percent = 100.0 * rtl.mean;
        let title = row("test accuracy through the RTL") + " (f64)";
        results.figures.push(Figure::beside(&title, percent, "%", 100.0 * float.mean, Bar::None));
        let spread = 100.0 * rtl.deviation.unwrap_or(0.0);
        results.figures.push(Figure::new(&row("its standard deviation"), spread, "%", Bar::None));
        let title = row("differences between RTL and golden model");
        results.figures.push(Figure::new(&title, wrong as f64, "", Bar::Exactly(0.0)));
        let refreshed: u64 = runs.iter().filter_map(|s| s.memory.as_ref()).map(|m| m.refreshed).sum();
        if runs.iter().any(|s| s.memory.is_some()) {
            results.figures.push(Figure::new(&row("pairs refreshed"), refreshed as f64, "", Bar::AtLeast(1.0)));
        }
    }
}

/// A whole co-simulation: the first difference in any value or cycle would end it with an error.
fn run(seed: u64, contestant: Contestant) -> Result<Summary, String> {
    let design = match contestant {
        Contestant::Digits(device) => digits(seed, device),
        Contestant::Preset(name) => preset(seed, name),
    }?;
    let rtl = Rtl::generate(&design).map_err(|error| error.to_string())?;
    cosim::run(&design, &rtl, &Options::default(), &AtomicBool::new(false), &mut |_| {})
        .map(|report| report.summary)
        .map_err(|error| error.to_string())
}
