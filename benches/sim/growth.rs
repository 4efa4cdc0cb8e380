//! Build time and simulated cycles per second against the size of the array.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use memrtl::cosim::{self, Options};
use memrtl::report::figures::{Bar, Figure};
use memrtl::rtl::Rtl;
use memrtl::spec::Design;
use verilated::Profile;

use super::plot::{self, Point};
use super::{Bench, common, median};

/// Rows, and as many columns.
const SIZES: [usize; 7] = [16, 32, 64, 128, 256, 512, 1024];
const ROUNDS: usize = 3;
/// Samples of a run, training and test.
const SAMPLES: (usize, usize) = (32, 8);

pub fn measure(bench: &mut Bench) {
    let folder = bench.folder.join("growth");
    let cache = folder.join("models");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let options =
        Options { profile: Profile::FastRun, cache: Some(cache.clone()), limit: Some(SAMPLES), ..Options::default() };
    let mut points = Vec::new();
    for size in SIZES {
        let design = square(bench, size);
        let rtl = Rtl::generate(&design).expect("the templates render");
        if points.is_empty() {
            // Compiles Verilator's runtime, which all models share.
            cosim::build(&design, &rtl, &options).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut builds = Vec::new();
        // Small models are built in less time than the machine's other business takes.
        for _ in 0..if size <= 128 { ROUNDS } else { 1 } {
            std::fs::remove_dir_all(cache.join("models")).or_else(absent).unwrap_or_else(|error| panic!("{error}"));
            let started = Instant::now();
            cosim::build(&design, &rtl, &options).unwrap_or_else(|error| panic!("{error}"));
            builds.push(started.elapsed().as_secs_f64());
        }
        let speeds = (0..ROUNDS).map(|_| {
            cosim::run(&design, &rtl, &options, &AtomicBool::new(false), &mut |_| {})
                .unwrap_or_else(|error| panic!("{error}"))
                .summary
                .simulated_cycles_per_second
        });
        points.push(Point { size, build: median(builds), speed: median(speeds.collect()) });
    }
    for p in &points {
        let title = |what: &str| format!("{what}, array of {0} x {0}", p.size);
        bench.results.figures.push(Figure::new(&title("build"), p.build, "s", Bar::None));
        bench.results.figures.push(Figure::new(&title("co-simulated cycles"), p.speed, "1/s", Bar::None));
    }
    let title = "build time grows with the number of cells to the power of";
    bench.results.figures.push(Figure::new(title, exponent(&points), "", Bar::AtMost(0.99)));
    let steepest = points.windows(2).map(exponent).fold(f64::MIN, f64::max);
    bench.results.figures.push(Figure::new(
        "the same, from one size to the next, at most",
        steepest,
        "",
        Bar::AtMost(0.99),
    ));
    let path = bench.target.join("bench/growth.svg");
    match plot::write(&path, &points) {
        Ok(()) => println!("written to target/bench/growth.svg"),
        Err(error) => panic!("{}: {error}", path.display()),
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// One layer of `size` rows, the bias included, and `size` columns.
fn square(bench: &Bench, size: usize) -> Design {
    let folder = bench.folder.join("growth");
    let mut samples = String::new();
    for index in 0..64usize {
        let words = (0..size - 1).map(|word| format!("{},", (index * 37 + word * 11) % 17));
        samples.extend(words);
        samples.push_str(&format!("{}\n", index % 8));
    }
    let name = format!("square{size}.csv");
    std::fs::write(folder.join(&name), samples).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = format!(
        "name = \"square\"\n[network]\ninputs = {}\nlayers = [{{ outputs = {size}, activation = \"sigmoid\" }}]\n\
         [training]\nlearning_rate = 0.05\nmomentum = 0.9\nhistory = 4\nepochs = 1\n[data]\ncsv = \"{name}\"\n",
        size - 1
    );
    common::design(&text, "square", &folder).unwrap_or_else(|error| panic!("{error}"))
}

/// Least-squares slope of log(build time) over log(cells).
fn exponent(points: &[Point]) -> f64 {
    let logs = points.iter().map(|p| ((p.size as f64).powi(2).ln(), p.build.ln()));
    let n = points.len() as f64;
    let (sum_x, sum_y) = logs.clone().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let (up, down) =
        logs.fold((0.0, 0.0), |(up, down), (x, y)| (up + (x - mean_x) * (y - mean_y), down + (x - mean_x).powi(2)));
    up / down
}
