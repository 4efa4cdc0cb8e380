//! How long a test bench waits for its model: first, after a change of the design, and without one.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use memrtl::report::figures::{Bar, Figure};
use memrtl::rtl::Rtl;
use verilated::{Cache, ModelBuilder, Profile, Verilator};

use super::peers::{Place, Process, output};
use super::{Bench, median, write_modules};

/// Rounds of our build for long runs; of an unchanged design, which takes no time, more; of all the others one.
const ROUNDS: usize = 3;
const SHORT_ROUNDS: usize = 5;

/// First argument of this program when it only builds: the tools are asked for their versions once per process.
pub const CHILD: &str = "build-only";

const CASES: [(&str, f64); 3] = [("empty cache", 25.0), ("design changed", 5.0), ("unchanged", 0.3)];

/// `build-only VERILATOR CACHE fast|quick TOP FILE...`: prints `build` and the seconds until the model is loaded.
pub fn child(arguments: &[String]) -> ExitCode {
    let [verilator, cache, profile, top, files @ ..] = arguments else { return ExitCode::FAILURE };
    let profile = if profile == "fast" { Profile::FastRun } else { Profile::QuickBuild };
    let started = Instant::now();
    let built = Verilator::at(verilator)
        .and_then(|v| ModelBuilder::new(top).sources(files).profile(profile).verilator(v).build(&Cache::new(cache)));
    match built {
        Ok(_) => {
            println!("build {}", started.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds of each build, by case.
type Times = [Vec<f64>; 3];

pub fn measure(bench: &mut Bench) {
    let verilator = match bench.peer_verilator().map_or_else(Verilator::find, Ok) {
        Ok(found) => found,
        Err(error) => return bench.results.missing.push(error.to_string()),
    };
    let flags = bench.builder(&verilator).optimisation_flags();
    let folder = bench.folder.join("builds");
    let _ = std::fs::remove_dir_all(&folder);
    let place = Place { target: &bench.target, folder: &folder, verilator: &verilator, flags: &flags };
    // Another number of stored pairs changes a handful of lines in two modules, and the hash in every header.
    let mut changed = bench.design.clone();
    changed.training.history -= 1;
    changed.refresh_hash();
    let changed_rtl = Rtl::generate(&changed).expect("the templates render");
    let versions: [Option<&Rtl>; 3] = [Some(&bench.rtl), Some(&changed_rtl), None];

    let (mut fast, mut quick, mut verilators, mut marlins) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    let mut missing = Vec::new();
    for round in 0..ROUNDS {
        for (case, version) in versions.iter().enumerate() {
            if let Some(rtl) = version {
                write_modules(rtl, &folder.join("rtl"));
            }
            let ours = |profile: &str| {
                let mut command = Command::new(std::env::current_exe().expect("this program"));
                command.args([CHILD, &verilator.path().display().to_string()]);
                command.arg(folder.join(format!("{profile}{round}"))).args([profile, &bench.rtl.top]);
                // The two versions have the same modules.
                command.args(place.verilog());
                printed(&mut command).unwrap_or_else(|error| panic!("{error}"))
            };
            let often = if version.is_none() { SHORT_ROUNDS } else { 1 };
            fast[case].extend((0..often).map(|_| ours("fast")));
            if round == 0 {
                quick[case].extend((0..often).map(|_| ours("quick")));
                verilators[case].extend((0..often).map(|_| timed(&mut place.verilator_build(&folder.join("loop")))));
                // Its two interfaces build alike; the dynamic one takes the files from anywhere.
                let built = place
                    .marlin_program("dynamic", false, &folder.join("marlin"))
                    .and_then(|program| (0..often).map(|_| by_marlin(&program)).collect::<Result<Vec<f64>, String>>());
                match built {
                    Ok(seconds) => marlins[case].extend(seconds),
                    Err(why) => missing = vec![format!("builds with marlin: {why}")],
                }
            }
        }
    }
    let _ = std::fs::remove_dir_all(&folder);

    bench.results.missing.append(&mut missing);
    for (case, (title, bar)) in CASES.into_iter().enumerate() {
        let bar = Bar::AtMost(bar);
        let value = median(std::mem::take(&mut fast[case]));
        let mut beside = |name: &str, theirs: &[f64]| {
            if !theirs.is_empty() {
                let title = format!("build, {title} ({name})");
                bench.results.figures.push(Figure::beside(&title, value, "s", median(theirs.to_vec()), bar));
            }
        };
        beside("verilator --build, same flags", &verilators[case]);
        beside("marlin", &marlins[case]);
        let title = format!("build for short runs, {title}");
        bench.results.figures.push(Figure::new(&title, median(std::mem::take(&mut quick[case])), "s", bar));
    }
}

/// Seconds that a build with marlin says it took.
fn by_marlin(program: &Process) -> Result<f64, String> {
    printed(&mut program.command(Path::new("-"), 0))
}

/// The number after `build ` in what a command prints.
fn printed(command: &mut Command) -> Result<f64, String> {
    let text = output(&mut *command)?;
    let seconds = text.lines().find_map(|line| line.strip_prefix("build ")?.parse().ok());
    seconds.ok_or_else(|| format!("{command:?}: no time in\n{text}"))
}

/// Seconds that a command takes.
fn timed(command: &mut Command) -> f64 {
    let started = Instant::now();
    output(command).unwrap_or_else(|error| panic!("{error}"));
    started.elapsed().as_secs_f64()
}
