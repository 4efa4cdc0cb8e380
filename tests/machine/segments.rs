//! Runs that are cut into pieces for several threads: the same results and the same errors as in sequence, with proof at the cuts.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Rig, Small, mutated, options};
use memrtl::cosim::{self, CosimError, Options, Report, Summary};
use memrtl::data;
use memrtl::golden::{Machine, Mode, SampleTrace, encode};
use memrtl::rtl::Rtl;
use memrtl::spec::Backend;

/// Two epochs whose training and test samples are odd in number, so that the banks of the sample memory change their turns.
fn rig_of(device: &str) -> Rig {
    let training = "learning_rate = 0.5\nmomentum = 0.9\nhistory = 4\nepochs = 2\nseed = 7";
    Small { training, samples: 97, device, ..Small::default() }.rig(Backend::External)
}

fn rig() -> Rig {
    rig_of("")
}

/// Devices of integers, and devices with random numbers for each operation.
const DEVICES: [&str; 2] = ["", "model = \"constant_step\"\ndw_min = 0.01\ndw_min_std = 0.5"];

fn cut(jobs: usize) -> Options {
    Options { jobs, cuts: (Some(9), None), ..options() }
}

/// What must not depend on the number of threads.
fn timeless(summary: &Summary) -> Summary {
    let mut summary = summary.clone();
    summary.samples_per_second = 0.0;
    summary.simulated_cycles_per_second = 0.0;
    summary.wall_seconds = 0.0;
    summary.build_seconds = 0.0;
    summary
}

fn run(rig: &Rig, options: &Options) -> Report {
    rig.run(options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn any_number_of_threads_gives_the_same() {
    for (device, jobs) in DEVICES.into_iter().flat_map(|device| [(device, 2), (device, 3)]) {
        let rig = rig_of(device);
        let one = run(&rig, &options());
        assert_eq!(one.segments, 1);
        let many = run(&rig, &cut(jobs));
        assert_eq!(many.refuted, None, "{jobs} jobs");
        assert!(many.segments >= 8, "{jobs} jobs: {} segments", many.segments);
        assert_eq!(timeless(&many.summary), timeless(&one.summary), "{jobs} jobs");
        assert!(many.states == one.states, "{jobs} jobs");
        assert_eq!(many.training, one.training, "{jobs} jobs");
    }
}

/// Without a lead long enough to fill the history, a border shows it, and the run is done in sequence: with the same results.
#[test]
fn a_history_that_is_not_full_at_a_border_is_seen() {
    let rig = rig();
    let one = run(&rig, &options());
    let short = Options { cuts: (Some(9), Some(2)), ..cut(2) };
    let many = run(&rig, &short);
    let difference = many.refuted.expect("two samples do not fill a history of four");
    assert!(difference.contains("bytes of the RTL's state"), "{difference}");
    assert_eq!((many.segments, timeless(&many.summary)), (1, timeless(&one.summary)));
}

/// Samples whose pulses all vanish leave the drivers with the codes of older ones, from before any short lead: a longer one is taken.
#[test]
fn silent_samples_make_the_lead_longer() {
    let training = "learning_rate = 0.003\nmomentum = 0.9\nhistory = 2\nepochs = 3\nseed = 7";
    let rig = Small { training, samples: 300, ..Small::default() }.rig(Backend::External);
    let one = run(&rig, &options());
    let fixed = run(&rig, &Options { jobs: 2, cuts: (Some(60), Some(4)), ..options() });
    let difference = fixed.refuted.expect("four samples do not bring a pulse to every layer");
    assert!(difference.contains("bytes of the RTL's state"), "{difference}");
    let many = run(&rig, &Options { jobs: 2, cuts: (Some(60), None), ..options() });
    assert_eq!(many.refuted, None);
    assert!(many.segments >= 6, "{} segments", many.segments);
    assert_eq!(timeless(&many.summary), timeless(&one.summary));
    assert!(many.states == one.states);
}

/// Largest magnitude of the output layer's y in each training sample of the first epoch.
fn peaks(rig: &Rig) -> Vec<i32> {
    let seed = rig.design.training.seed;
    let (train, _) = rig.data.split(rig.design.data.test_fraction, seed).expect("enough samples");
    let mut golden = Machine::new(&rig.design).expect("a usable device");
    let mut trace = SampleTrace::default();
    let peak = |index: usize| {
        let x = encode::input_codes(&rig.design, train.sample(index));
        let t = encode::target_codes(&rig.design, usize::from(train.labels[index]));
        golden.run(&x, &t, Mode::Train, &mut trace).expect("finite devices");
        trace.layers.iter().map(|layer| layer.y.iter().map(|y| y.abs()).max().unwrap_or(0)).max().unwrap_or(0)
    };
    data::epoch_order(seed, 0, train.len()).into_iter().map(peak).collect()
}

/// Passes over the pair of a sample in which some |y| is greater than in all samples before: found in that sample, in whatever segment
/// it is, with the same words from one thread and from several.
#[test]
fn a_fault_is_reported_as_in_sequence() {
    let rig = rig();
    let peaks = peaks(&rig);
    let records: Vec<usize> = (1..peaks.len()).filter(|&i| peaks[..i].iter().all(|&p| p < peaks[i])).collect();
    let late = records.iter().copied().filter(|&sample| sample > 12).max().expect("a record beyond the first segment");
    for sample in [records[0], late] {
        let least = peaks[..sample].iter().max().expect("samples before");
        let silent = "wire                 silent  = (peak_product_q >> SILENT_SHIFT) == {PRODUCT{1'b0}};";
        let wrong = format!("wire silent = longest == {{PULSE_BITS{{1'b0}}}} || (newest_q && pair_peak > {least});");
        let broken = Rig { rtl: mutated(&rig.rtl, &[("momentum_history", silent, &wrong)]), ..rig.clone() };
        let one = error(&broken, &options());
        let CosimError::Mismatch(mismatch) = &one else { panic!("{one}") };
        assert_eq!(mismatch.sample, sample as u64, "{one}");
        for jobs in [2, 3] {
            assert_eq!(error(&broken, &cut(jobs)).to_string(), one.to_string(), "{jobs} jobs");
        }
    }
}

/// Faults in two segments of a long run: the earlier one is reported, and the segments after it are left undone.
#[test]
fn the_first_of_two_faults_ends_the_run() {
    let mut rig = rig();
    rig.design.training.epochs = 30;
    rig.design.refresh_hash();
    rig.rtl = Rtl::generate(&rig.design).expect("the templates render");
    let peaks = peaks(&rig);
    // Values that one sample of the first epoch alone has, in the first segment and in a later one.
    let once = |range: std::ops::Range<usize>| {
        range.into_iter().find(|&i| peaks.iter().filter(|&&p| p == peaks[i]).count() == 1).expect("a peak of its own")
    };
    let (early, late) = (once(1..9), once(20..peaks.len()));
    let silent = "wire                 silent  = (peak_product_q >> SILENT_SHIFT) == {PRODUCT{1'b0}};";
    let wrong = format!(
        "wire silent = longest == {{PULSE_BITS{{1'b0}}}} || (newest_q && (pair_peak == {} || pair_peak == {}));",
        peaks[early], peaks[late]
    );
    let broken = Rig { rtl: mutated(&rig.rtl, &[("momentum_history", silent, &wrong)]), ..rig.clone() };
    let one = error(&broken, &options());
    let CosimError::Mismatch(mismatch) = &one else { panic!("{one}") };
    assert_eq!(mismatch.sample, early as u64, "{one}");
    let mut last = None;
    let stop = AtomicBool::new(false);
    let many = cosim::run(&broken.design, &broken.rtl, &cut(2), &stop, &mut |progress| last = Some(progress));
    let Err(many) = many else { panic!("nothing was found") };
    assert_eq!(many.to_string(), one.to_string());
    let last = last.expect("told at the end");
    assert!(last.done + 500 < last.total, "{} of {} samples after a fault in the first", last.done, last.total);
}

/// RTL that keeps more than the last samples: it works for a while, then stores a pair in the wrong place. Each segment alone would be
/// right, for each begins from reset; the borders tell.
#[test]
fn a_fault_of_long_memory_is_reported_as_in_sequence() {
    let rig = rig();
    let selector = "  // --- Selector: the next pair with a pulse";
    let aging = "  reg [6:0] passes_q;\n  always @(posedge clk) begin\n    if (!rst_n) passes_q <= 7'd0;\n    \
                 else if (y_valid && y_last) passes_q <= passes_q + 7'd1;\n  end\n";
    for age in [60, 127] {
        let store = format!(".wr_addr((passes_q == 7'd{age}) ? ~y_store[Y_ADDR_BITS-1:0] : y_store[Y_ADDR_BITS-1:0]),");
        let changes = [
            ("momentum_history", selector, &*format!("{aging}{selector}")),
            ("momentum_history", ".wr_addr(y_store[Y_ADDR_BITS-1:0]),", &*store),
        ];
        let broken = Rig { rtl: mutated(&rig.rtl, &changes), ..rig.clone() };
        let one = error(&broken, &options());
        assert!(matches!(one, CosimError::Mismatch(_)), "{one}");
        assert_eq!(error(&broken, &cut(2)).to_string(), one.to_string());
    }
}

/// Stopped from outside, all threads end, and the number of samples is told.
#[test]
fn all_threads_stop() {
    let rig = rig();
    let stop = AtomicBool::new(false);
    // Borders this close together keep several threads at work.
    let result = cosim::run(&rig.design, &rig.rtl, &cut(2), &stop, &mut |_| stop.store(true, Ordering::Relaxed));
    stop.store(true, Ordering::Relaxed);
    let again = cosim::run(&rig.design, &rig.rtl, &cut(2), &stop, &mut |_| {});
    for result in [result.map(|r| r.segments), again.map(|r| r.segments)] {
        match result {
            Err(CosimError::Interrupted { samples }) => assert!(samples < 194, "{samples}"),
            // The first may be over before anybody is told anything.
            other => assert!(matches!(other, Ok(segments) if segments > 1), "{other:?}"),
        }
    }
}

fn error(rig: &Rig, options: &Options) -> CosimError {
    match rig.run(options) {
        Ok(_) => panic!("nothing was found"),
        Err(error) => error,
    }
}
