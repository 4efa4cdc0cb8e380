//! `make bench-fpga`: size and speed of designs and of their parts on FPGAs, with Yosys and nextpnr and fixed seeds.
//!
//! Arguments: parts to measure (`csr`, `columns`, `scaling`, `link`, `digits`, `training`, `growth`), all by default. Each place and route takes minutes.

mod alone;
#[path = "../common/mod.rs"]
mod common;
mod growth;
mod peers;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

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
/// The way not taken.
const IN_PLACE: &str = include_str!("in_place.v");

fn main() -> ExitCode {
    let parts = match Parts::from_arguments(&["csr", "columns", "scaling", "link", "digits", "training", "growth"]) {
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
    if parts.wanted("scaling") {
        scaling(&mut results);
    }
    if parts.wanted("link") {
        link(&mut results);
    }
    if parts.wanted("digits") {
        digits(&mut results);
    }
    let wide = if parts.wanted("training") { training(&mut results) } else { None };
    if parts.wanted("growth") {
        growth::measure(&mut results, wide);
    }
    println!("{}", alone::versions().join("\n"));
    results.finish("fpga")
}

/// The digits as boards run them, with so many multipliers per array, and as many lanes.
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
    for (module, what, bar) in [
        ("col_pulse", "column driver", Bar::AtMost(16.0)),
        ("col_driver", "column driver and its stage for the next vector", Bar::None),
    ] {
        let mut parameters = vec![("COLS", COLUMNS)];
        if module == "col_driver" {
            parameters.extend(stage);
        }
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

/// Two ways to weigh stored pairs by powers of gamma: the factors that go to all layers, formed once, and what each layer would need to multiply its y
/// in place. Accuracy: `make bench-momentum ARGS=scaling`.
fn scaling(results: &mut Results) {
    const GUARD: usize = 4;
    let design = on_pins();
    let rtl = Rtl::generate(&design).expect("the templates render");
    let factors = format!("{}_momentum_decay", design.name);
    let text = rtl.modules.iter().find(|m| m.name == factors).expect("a design has factors").text.clone();
    let bits = |n: usize| n.next_power_of_two().trailing_zeros().max(1) as usize;
    let pairs = design.training.history;
    let mut add = |figure: &str, size: Result<alone::Size, String>| match size {
        Ok(size) => results.figures.push(Figure::new(figure, size.cells as f64, "logic cells", Bar::None)),
        Err(why) => results.missing.push(format!("{figure}: {why}")),
    };
    let parameters = [("AGES", pairs), ("AGE_BITS", bits(pairs))];
    add("factors at issue, digits, HX8K, all layers", alone::hx8k(&factors, &[text], &parameters, false, SEED));
    for layer in &design.layers {
        let words = pairs * layer.outputs.div_ceil(design.array.lanes);
        let parameters = [
            ("LANES", design.array.lanes),
            ("Y_BITS", design.array.error_bits as usize),
            ("GUARD", GUARD),
            ("WORDS", words),
            ("ADDR_BITS", bits(words)),
        ];
        let size = alone::hx8k("in_place_scaler", &[IN_PLACE.to_owned()], &parameters, false, SEED);
        add(&format!("y multiplied in place, {GUARD} bits more, digits, HX8K, layer {}", layer.name), size);
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
    for (target, width, least) in [("ice40-hx8k", 1, Some(50.0)), ("ice40-up5k", 1, None), ("ecp5-85k", 1, Some(100.0))]
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

/// A training sample of the digits on an FPGA with many multipliers, and in other programs on a core of this machine. Returns the FPGA's report.
fn training(results: &mut Results) -> Option<Report> {
    // Before nextpnr warms the machine up.
    let peers = ["numpy", "torch"].map(|library| (library, peers::microseconds(library, &common::target())));
    let figure = format!("digits, training sample, ecp5-85k, {MACS} multipliers per array, {MACS} lanes");
    let report = match build(&design(MACS), "ecp5-85k", &format!("digits{MACS}")) {
        Ok(report) => report,
        Err(why) => {
            results.missing.push(format!("{figure}: {why}"));
            return None;
        }
    };
    if let (Some(pace), Some(fmax)) = (&report.pace, report.fmax) {
        let value = pace.cycles_per_sample / fmax;
        for (library, baseline) in peers {
            let figure = format!("{figure}, Fmax {fmax:.1} MHz, beside {library} on one core, batch size 1");
            match baseline {
                Ok(baseline) => results.figures.push(Figure::beside(&figure, value, "us", baseline, Bar::None)),
                Err(why) => results.missing.push(format!("{figure}: {why}")),
            }
        }
    }
    Some(report)
}
