//! `make bench-cost`: the cost model against co-simulation, its speed at sizes beyond simulation, and the published comparison beside ours.

mod common;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use common::Results;
use memrtl::cosim::{self, Options};
use memrtl::cost::compare::{self, Quantity};
use memrtl::cost::explain::{AGREEMENT, explain};
use memrtl::cost::gpu::Gpu;
use memrtl::cost::growth::growth;
use memrtl::cost::{Component, Components, Counting, Estimate, GoldenRun, estimate};
use memrtl::report::figures::{Bar, Figure};
use memrtl::rtl::Rtl;
use memrtl::spec::Design;

fn digits(unit: &str) -> Design {
    let depth = if unit == "history" { "history = 8" } else { "" };
    let text = format!(
        "name = \"digits\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 32, activation = \"sigmoid\" }}, \
         {{ outputs = 10, activation = \"sigmoid\" }} ]\n[training]\nmomentum_unit = \"{unit}\"\n{depth}"
    );
    common::design(&text, "digits", Path::new("")).unwrap_or_else(|why| panic!("{why}"))
}

/// A whole training, estimated and co-simulated.
fn proof(results: &mut Results, components: &Components) {
    for unit in ["history", "in_array", "sram", "tiki_taka"] {
        let design = digits(unit);
        let rtl = Rtl::generate(&design).expect("the templates render");
        let report = cosim::run(&design, &rtl, &Options::default(), &AtomicBool::new(false), &mut |_| {})
            .unwrap_or_else(|error| panic!("{error}"));
        let counting = Counting::Golden(GoldenRun::whole(&design));
        let estimate = estimate(&design, components, counting).unwrap_or_else(|error| panic!("{error}"));
        let s = &report.summary;
        let counted = estimate.activity.training.cycles.total();
        let title = |what: &str| format!("digits, {unit}: {what}");
        let list = &mut results.figures;
        let off = counted.abs_diff(s.cycles_total) as f64;
        list.push(Figure::new(
            &title("cycles of the estimate off the co-simulation"),
            off,
            "cycles",
            Bar::Exactly(0.0),
        ));
        list.push(Figure::new(&title("time of a training sample"), 1e9 * estimate.training.seconds, "ns", Bar::None));
        list.push(Figure::new(&title("energy of a training sample"), 1e9 * estimate.training.joules, "nJ", Bar::None));
        list.push(Figure::new(&title("components off the total"), apart(&estimate), "", Bar::AtMost(1e-9)));
    }
}

/// How far the sum of the components is from the total, relative.
fn apart(estimate: &Estimate) -> f64 {
    let step = &estimate.training;
    let sum: f64 = Component::ALL.iter().map(|component| step.energies.component(*component)).sum();
    (sum / step.joules - 1.0).abs()
}

fn sizes(results: &mut Results, components: &Components) {
    let design = digits("history");
    let start = Instant::now();
    let sizes = growth(&design, components).unwrap_or_else(|error| panic!("{error}"));
    let all = start.elapsed().as_secs_f64();
    let large = digits("history").resized("billion", &[22_361, 22_361, 22_361]);
    let start = Instant::now();
    let billion = estimate(&large, components, Counting::Assumed).unwrap_or_else(|error| panic!("{error}"));
    let one = start.elapsed().as_secs_f64();
    let list = &mut results.figures;
    list.push(Figure::new("estimate of a network of 1e9 weights", one, "s", Bar::AtMost(1.0)));
    list.push(Figure::new("growth table, 1e3 to 1e9 weights", all, "s", Bar::None));
    list.push(Figure::new("its sizes", sizes.len() as f64, "", Bar::Exactly(7.0)));
    let nameless = billion.constants.iter().filter(|constant| constant.source.trim().is_empty()).count();
    list.push(Figure::new("constants without a source", nameless as f64, "", Bar::Exactly(0.0)));
}

fn published(results: &mut Results, components: &Components) {
    let networks = compare::networks(None).unwrap_or_else(|error| panic!("{error}"));
    let gpu = Gpu::embedded().unwrap_or_else(|error| panic!("{error}"));
    let comparisons = compare::compare(&networks, components, &gpu).unwrap_or_else(|error| panic!("{error}"));
    let claims = compare::claims().unwrap_or_else(|error| panic!("{error}"));
    let list = explain(&claims, &networks, &comparisons, components, &gpu).unwrap_or_else(|error| panic!("{error}"));
    for b in &list {
        let factor = |ratio: f64| ratio.max(1.0 / ratio);
        let what = match b.claim.what {
            Quantity::SpeedUp => "speed-up",
            Quantity::Energy => "energy ratio",
        };
        let title = |rest: &str| format!("{what}, {}, one by one, MNIST{rest}", b.claim.unit);
        let figures = &mut results.figures;
        figures.push(Figure::beside(&title(" (baseline: published)"), b.ours, "", b.claim.value, Bar::None));
        // Either both agree, or the terms lead from one to the other.
        let (rest, words) =
            if b.agrees { (b.ratio, ": factor between both") } else { (b.rest, ": factor that no term explains") };
        figures.push(Figure::new(&title(words), factor(rest), "", Bar::AtMost(AGREEMENT)));
    }
}

fn main() -> ExitCode {
    let mut results = Results::default();
    let components = Components::embedded(8).unwrap_or_else(|error| panic!("{error}"));
    proof(&mut results, &components);
    sizes(&mut results, &components);
    published(&mut results, &components);
    results.finish("cost")
}
