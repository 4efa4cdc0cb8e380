//! `memrtl cosim`: trains through the generated RTL, everything checked.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use verilated::{Profile, TraceFormat};

use super::{let_age, load, seconds};
use crate::cosim::{self, CosimError, Options, Stalls, Waves};
use crate::report;
use crate::report::plots::{free_place, put_picture};
use crate::report::timing::timeline_svg;
use crate::rtl::Rtl;
use crate::spec::Backend;

/// Train through the generated RTL under Verilator, checked against the golden model
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Spec; without it the built-in digits preset
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for summary.json
    #[arg(long, value_name = "DIR", default_value = "out/cosim")]
    pub out: PathBuf,
    /// Array backend, instead of the spec's
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// Epochs, instead of the spec's
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Seed of split, order, initial weights and random reset, instead of the spec's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Seconds that pass between training and the last test, instead of the spec's: drift and retention loss
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub age: Option<f64>,
    /// Use only the first N samples of the training and of the test set
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Write waveforms; the ending chooses the format
    #[arg(long, value_name = "FILE.fst|FILE.vcd")]
    pub waves: Option<PathBuf>,
    /// First cycle in the waveforms
    #[arg(long, value_name = "CYCLE", requires = "waves", default_value_t = 0)]
    pub waves_from: u64,
    /// Last cycle in the waveforms
    #[arg(long, value_name = "CYCLE", requires = "waves", default_value_t = 20_000)]
    pub waves_to: u64,
    /// Draw which unit works when in one training sample
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub timeline: Option<PathBuf>,
    /// That sample, counted from 0 in the first epoch [default: 1000, or the last if there are fewer]
    #[arg(long, value_name = "N", requires = "timeline")]
    pub timeline_sample: Option<usize>,
    /// Stall every bus handshake at random with this probability (cycle counts are then not compared)
    #[arg(long, value_name = "P", value_parser = probability, default_value_t = 0.0)]
    pub stalls: f64,
    /// A sample may take this many times the predicted cycles before the run is given up
    #[arg(long, value_name = "FACTOR", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub watchdog: u64,
    /// Threads; each runs a piece of the training through an RTL of its own, and the pieces are proven to fit. Results are the same for any
    /// number. Emulated arrays, `[memory]`, --waves and --stalls run on one [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Run on one thread and evaluate everything in every cycle: the baseline for the speed of the rest
    #[arg(long)]
    pub no_shortcuts: bool,
    /// Folder of built models [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..1.0).contains(&p) => Ok(p),
        _ => Err("allowed: 0 up to but not including 1".to_string()),
    }
}

fn waves(args: &Args) -> anyhow::Result<Option<Waves>> {
    let Some(path) = &args.waves else {
        return Ok(None);
    };
    let format = match path.extension().and_then(|e| e.to_str()) {
        Some("fst") => TraceFormat::Fst,
        Some("vcd") => TraceFormat::Vcd,
        _ => bail!("--waves {}: the ending must be .fst or .vcd", path.display()),
    };
    if args.waves_from > args.waves_to {
        bail!("--waves-from {} lies after --waves-to {}", args.waves_from, args.waves_to);
    }
    Ok(Some(Waves { path: path.clone(), format, from: args.waves_from, to: args.waves_to }))
}

/// Refuses pictures of other kinds before the run rather than after it.
fn picture_ending(path: &Path) -> anyhow::Result<()> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("svg" | "png") => Ok(()),
        _ => bail!("--timeline {}: the ending must be .svg or .png", path.display()),
    }
}

/// Runs the command; exit status 1 on a mismatch.
///
/// # Errors
/// A spec or data that do not hold, a simulator that cannot be had, files that cannot be written, an interruption.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut design = load(args.config.as_deref(), args.backend, args.seed)?;
    if let Some(epochs) = args.epochs {
        design.training.epochs = epochs;
    }
    let_age(&mut design, args.age)?;
    if let Some(path) = &args.timeline {
        picture_ending(path)?;
        free_place(path)?;
    }
    let options = Options {
        waves: waves(args)?,
        stalls: Stalls { input: args.stalls, output: args.stalls, conversion: args.stalls, seed: design.training.seed },
        watchdog: args.watchdog,
        profile: Profile::FastRun,
        pick_profile: true,
        cache: args.cache.clone(),
        limit: args.samples.map(|n| (n, n)),
        jobs: args.jobs.map_or_else(cores, usize::from),
        timeline: args.timeline.is_some(),
        shortcuts: !args.no_shortcuts,
        cuts: (None, None),
    };
    if let Some(sample) = args.timeline_sample {
        cosim::find_sample(&design, &options, sample)?;
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler in one process (tests) is harmless: the first keeps its flag.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));

    let rtl = Rtl::generate(&design)?;
    eprintln!(
        "{}: spec {}, seed {}, {} array",
        design.name,
        design.spec_hash,
        design.training.seed,
        design.array.backend.name()
    );
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{msg:20} {bar:40} {pos}/{len} samples, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut drawn = 0;
    let result = cosim::run(&design, &rtl, &options, &stop, &mut |p| {
        // Redrawing for every sample would cost more than the sample. A run that begins again counts from 0 again.
        if p.done.abs_diff(drawn) >= 64 || p.done == p.total {
            drawn = p.done;
            bar.set_length(p.total);
            bar.set_message(format!("epoch {} {}", p.epoch, if p.training { "train" } else { "test" }));
            bar.set_position(p.done);
        }
    });
    bar.finish_and_clear();
    let report = match result {
        Ok(report) => report,
        Err(error @ CosimError::Mismatch(_)) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::FAILURE);
        }
        Err(error @ CosimError::Interrupted { .. }) => {
            eprintln!("error: {error}");
            // The shell's convention for an end by Ctrl-C.
            return Ok(ExitCode::from(130));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(difference) = &report.refuted {
        eprintln!(
            "note: the RTL keeps more than the momentum history from sample to sample, so that the run cannot be cut ({difference}); \
             all was run again on one thread, without a fault"
        );
    }
    print!("{}", report::cosim_table(&report.summary));
    let path = args.out.join("summary.json");
    write_atomic(&path, &(serde_json::to_string_pretty(&report.summary)? + "\n"))?;
    println!("summary: {}", path.display());
    if let Some(path) = &args.timeline {
        // Stalls would show in it, waves would be those of another run.
        let calm = Options { stalls: Stalls::default(), waves: None, ..options };
        let timeline = cosim::record(&design, &rtl, &calm, args.timeline_sample, &stop)?;
        put_picture(path, &timeline_svg(&timeline, &design))?;
        println!("timeline of training sample {}: {}", timeline.sample, path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a file by way of a temporary one beside it.
pub fn write_atomic(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let context = || format!("cannot write {}", path.display());
    // Readable as any other file of the user; the umask has its say.
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    file.persist(path).with_context(context)?;
    Ok(())
}
