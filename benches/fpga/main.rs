//! `make bench-fpga`: size and speed of designs and of their parts on FPGAs, with Yosys and nextpnr and fixed seeds.
//!
//! Arguments: parts to measure (`csr`, `columns`, `link`, `digits`, `growth`), all by default. Each place and route takes minutes.

mod alone;
#[path = "../common/mod.rs"]
mod common;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use comfy_table::{Table, presets};
use memrtl::fpga::{self, FpgaError, Options, Report, Target};
use memrtl::regmap::RegMap;
use memrtl::report::figures::{Bar, Figure};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Design};

use common::{Parts, Results};

/// Of the placer, in all rows.
const SEED: u64 = 1;
/// A register map of each kind of register.
const SIX: [&str; 6] = ["CTRL", "COMMAND", "STATUS", "LEARNING_RATE", "MOMENTUM", "HISTORY"];
/// Columns of the array that the drivers are measured for.
const COLUMNS: usize = 64;
/// Multipliers of each array in the figure of training time.
const MACS: usize = 32;

fn main() -> ExitCode {
    let parts = match Parts::from_arguments(&["csr", "columns", "link", "digits", "growth"]) {
        Ok(parts) => parts,
        Err(code) => return code,
    };
    let mut results = Results::default();
    if parts.wanted("csr") {
        csr(&mut results);
    }
    if parts.wanted("columns") {
        columns(&mut results);
    }
    if parts.wanted("link") {
        link(&mut results);
    }
    if parts.wanted("digits") {
        digits(&mut results);
    }
    if parts.wanted("growth") {
        growth(&mut results);
    }
    println!("{}", alone::versions().join("\n"));
    results.finish("fpga")
}

/// The digits as boards run them, with so many lanes and multipliers per array.
fn design(width: usize) -> Design {
    let text = spec::preset("digits_fpga").expect("the preset is built in");
    let changed =
        text.replace("\nadcs = 1", &format!("\nadcs = {width}")).replace("\nlanes = 1", &format!("\nlanes = {width}"));
    assert!(width == 1 || changed != text, "the preset says adcs and lanes");
    common::design(&changed, "digits_fpga", Path::new("")).expect("the preset is valid")
}

/// The digits with arrays on pins.
fn on_pins() -> Design {
    let text = spec::preset("digits").expect("the preset is built in");
    common::design(text, "digits", Path::new("")).expect("the preset is valid")
}

fn csr(results: &mut Results) {
    let design = on_pins();
    let mut map = RegMap::for_design(&design);
    map.registers.retain(|register| SIX.contains(&register.name.as_str()));
    let text = map.csr(&design).expect("the template renders");
    match alone::hx8k(&format!("{}_csr", design.name), &[text], &[], true, SEED) {
        Ok(size) => {
            let figure = "CSR block with 6 registers alone, HX8K";
            results.figures.push(Figure::new(figure, size.cells as f64, "logic cells", Bar::AtMost(230.0)));
            let fmax = size.fmax.unwrap_or(0.0);
            results.figures.push(Figure::new(&format!("{figure}, Fmax"), fmax, "MHz", Bar::AtLeast(170.0)));
        }
        Err(why) => results.missing.push(format!("CSR block: {why}")),
    }
}

/// Cells of all drivers of an array over its columns: lines and pulses alone, and with the stage for the next vector.
fn columns(results: &mut Results) {
    let design = on_pins();
    let rtl = Rtl::generate(&design).expect("the templates render");
    let name = |part: &str| format!("{}_{part}", design.name);
    let sources = [name("col_pulse"), name("col_driver")]
        .map(|module| rtl.modules.iter().find(|m| m.name == module).expect("a design has column drivers").text.clone());
    let beats = COLUMNS / design.array.lanes;
    let stage =
        [("BEATS", beats), ("BEAT_BITS", beats.trailing_zeros().max(1) as usize), ("LANES", design.array.lanes)];
    let rows: [(&str, &[(&str, usize)], &str, Bar); 2] = [
        ("col_pulse", &[], "column driver", Bar::AtMost(16.0)),
        ("col_driver", &stage, "column driver and its stage for the next vector", Bar::None),
    ];
    for (module, parameters, what, bar) in rows {
        let parameters: Vec<_> = [("COLS", COLUMNS)].iter().chain(parameters).copied().collect();
        match alone::hx8k(&name(module), &sources, &parameters, false, SEED) {
            Ok(size) => {
                let cells = size.cells as f64 / COLUMNS as f64;
                let figure = format!("{what}, 8 bit, HX8K, per column of {COLUMNS}");
                results.figures.push(Figure::new(&figure, cells, "logic cells", bar));
            }
            Err(why) => results.missing.push(format!("{what}: {why}")),
        }
    }
}

/// The bridge of the host link, without the design behind it.
fn link(results: &mut Results) {
    let design = design(1);
    let rtl = match Rtl::with_link(&design) {
        Ok(rtl) => rtl,
        Err(why) => return results.missing.push(format!("host link: {why}")),
    };
    let module = format!("{}_link_bridge", design.name);
    let parts = ["vector_mem", "link_rx", "link_tx", "link_bridge"].map(|part| format!("{}_{part}", design.name));
    let sources: Vec<String> = rtl.modules.iter().filter(|m| parts.contains(&m.name)).map(|m| m.text.clone()).collect();
    match alone::hx8k(&module, &sources, &[], false, SEED) {
        Ok(size) => {
            results.figures.push(Figure::new(
                "bridge of the host link alone, HX8K",
                size.cells as f64,
                "logic cells",
                Bar::None,
            ));
        }
        Err(why) => results.missing.push(format!("host link: {why}")),
    }
}

/// The whole flow; `Err` says why there is no figure.
fn build(design: &Design, target: &str, name: &str) -> Result<Report, FpgaError> {
    let target = Target::load(target)?;
    let out = common::target().join("bench-fpga").join(format!("{name}-{}", target.name));
    let options = Options { clock: None, seed: SEED, route: true, out };
    let pace = fpga::pace(design).ok();
    fpga::run(design, &target, &options, pace, &AtomicBool::new(false), &|_| {})
}

fn digits(results: &mut Results) {
    for (target, width, least) in
        [("ice40-hx8k", 1, Some(50.0)), ("ice40-up5k", 1, None), ("ecp5-85k", 1, Some(100.0)), ("ecp5-85k", MACS, None)]
    {
        let figure = format!("digits, {width} lanes and multipliers per array, {target}");
        let mut add = |what: &str, value: f64, unit: &str, bar: Bar| {
            results.figures.push(Figure::new(&format!("{figure}{what}"), value, unit, bar));
        };
        match build(&design(width), target, &format!("digits{width}")) {
            Ok(report) => {
                let fits = |index: usize| report.resources.get(index).map_or((0, 0), |u| (u.used, u.available));
                let (used, available) = fits(0);
                add("", used as f64, "logic cells", Bar::AtMost(available as f64));
                let fmax = report.fmax.unwrap_or(0.0);
                add(", Fmax", fmax, "MHz", least.map_or(Bar::None, Bar::AtLeast));
                if let Some(pace) = report.pace {
                    add(", training sample at Fmax", pace.cycles_per_sample / fmax, "us", Bar::None);
                }
            }
            // A design that does not fit is a result: the bar does not hold.
            Err(FpgaError::TooLarge(why)) => {
                let logic = why.uses[0];
                add("", logic.used as f64, "logic cells", Bar::AtMost(logic.available as f64));
            }
            Err(why) => results.missing.push(format!("{figure}: {why}")),
        }
    }
}

/// Cells, Fmax and cycles over lanes and converters, on the largest target.
fn growth(results: &mut Results) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "lanes = ADCs",
        "logic cells",
        "block RAMs",
        "multipliers",
        "Fmax, MHz",
        "cycles per sample",
        "us per sample",
    ]);
    for width in [1, 2, 4, 8, 16, 32, 64] {
        let figure = format!("digits, ecp5-85k, lanes = ADCs = {width}, training sample at Fmax");
        match build(&design(width), "ecp5-85k", &format!("digits{width}")) {
            Ok(report) => {
                let used = |index: usize| report.resources.get(index).map_or(0, |u| u.used).to_string();
                let fmax = report.fmax.unwrap_or(0.0);
                let cycles = report.pace.map_or(f64::NAN, |pace| pace.cycles_per_sample);
                table.add_row([
                    width.to_string(),
                    used(0),
                    used(1),
                    used(2),
                    format!("{fmax:.1}"),
                    format!("{cycles:.1}"),
                    format!("{:.2}", cycles / fmax),
                ]);
                results.figures.push(Figure::new(&figure, cycles / fmax, "us", Bar::None));
            }
            Err(FpgaError::TooLarge(why)) => results.missing.push(format!("{figure}: {why}")),
            Err(why) => results.missing.push(format!("{figure}: {why}")),
        }
    }
    println!("{table}");
}
