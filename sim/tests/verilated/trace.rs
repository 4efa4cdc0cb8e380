//! Waveforms: both formats are readable, and the window is kept.

use std::path::Path;

use crate::common::{build, builder, model, start};
use verilated::{Error, Model, TraceFormat};
use wellen::simple;

fn traced(format: TraceFormat) -> Model {
    start(&build(&builder("nest").trace(Some(format))))
}

/// Ten counting cycles into `path`, traced in `window`.
fn run(m: &mut Model, path: &Path, window: std::ops::RangeInclusive<u64>) {
    let (clk, rst, add) = (m.input("clk", 1).unwrap(), m.input("rst", 1).unwrap(), m.input("add", 4).unwrap());
    m.set(rst, 1);
    m.set(add, 2);
    m.trace_open_window(path, window).unwrap();
    m.cycle(clk).unwrap();
    m.set(rst, 0);
    for _ in 1..10 {
        m.cycle(clk).unwrap();
    }
    m.trace_close().unwrap();
}

/// Time and value of each change of `name`, whose path starts under the wrapper scope.
fn changes(path: &Path, scopes: &[&str], name: &str) -> Vec<(u64, u64)> {
    let mut wave = simple::read(path).unwrap();
    let var = wave.hierarchy().lookup_var(scopes, name).unwrap_or_else(|| panic!("{name} not in {path:?}"));
    let signal = wave.hierarchy()[var].signal_ref();
    wave.load_signals(&[signal]);
    let times = wave.time_table().to_vec();
    let signal = wave.get_signal(signal).unwrap();
    signal
        .iter_changes()
        .map(|(at, value)| (times[at as usize], u64::from_str_radix(&value.to_bit_string().unwrap(), 2).unwrap()))
        .collect()
}

#[test]
fn both_formats_hold_the_run() {
    let dir = tempfile::tempdir().unwrap();
    for (format, file) in [(TraceFormat::Vcd, "run.vcd"), (TraceFormat::Fst, "run.fst")] {
        let path = dir.path().join(file);
        run(&mut traced(format), &path, 0..=u64::MAX);
        let sums = changes(&path, &["TOP", "nest", "u_narrow", "g[1]", "u_leaf"], "total_q");
        // Rising edges are at odd times; cycle 0 resets.
        let expected: Vec<_> = std::iter::once((0, 0)).chain((1..10).map(|c| (2 * c + 1, 4 * c))).collect();
        assert_eq!(sums, expected, "{format:?}");
        let clk = changes(&path, &["TOP"], "clk");
        assert_eq!(clk.len(), 21, "{format:?}");
    }
}

#[test]
fn nothing_is_written_outside_the_window() {
    let dir = tempfile::tempdir().unwrap();
    for (format, file) in [(TraceFormat::Vcd, "run.vcd"), (TraceFormat::Fst, "run.fst")] {
        let path = dir.path().join(file);
        run(&mut traced(format), &path, 4..=6);
        let sums = changes(&path, &["TOP", "nest", "u_narrow", "g[1]", "u_leaf"], "total_q");
        assert_eq!(sums, [(9, 16), (11, 20), (13, 24)], "{format:?}");
    }
}

#[test]
fn a_second_waveform_follows_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut m = traced(TraceFormat::Fst);
    run(&mut m, &dir.path().join("one.fst"), 0..=u64::MAX);
    run(&mut m, &dir.path().join("two.fst"), 10..=u64::MAX);
    assert_eq!(changes(&dir.path().join("two.fst"), &["TOP"], "clk").first(), Some(&(20, 0)));
    assert_eq!(changes(&dir.path().join("one.fst"), &["TOP"], "clk").len(), 21);
}

#[test]
fn depth_limits_the_hierarchy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flat.vcd");
    let mut m = start(&build(&builder("nest").trace(Some(TraceFormat::Vcd)).trace_depth(1)));
    run(&mut m, &path, 0..=u64::MAX);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(" add ") && !text.contains("total_q"));
}

#[test]
fn errors_of_waveforms_are_told() {
    let missing = model("nest").trace_open("x.vcd").unwrap_err();
    assert!(matches!(missing, Error::NoTrace { .. }));
    assert!(!Path::new("x.vcd").exists());
    for format in [TraceFormat::Vcd, TraceFormat::Fst] {
        let mut m = traced(format);
        let unwritable = m.trace_open("/nonexistent/run.fst").unwrap_err();
        assert!(matches!(&unwritable, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
        m.eval().unwrap();
    }
}

#[test]
fn a_full_disk_under_a_waveform_is_an_error() {
    // By a link: a writer that replaces its file replaces only that.
    let dir = tempfile::tempdir().unwrap();
    let full = dir.path().join("run.vcd");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    // Long enough to be written on the way, and so short that all is written at the end.
    for (cycles, at_the_end) in [(20_000, false), (10, true)] {
        let mut m = traced(TraceFormat::Vcd);
        let (clk, add) = (m.input("clk", 1).unwrap(), m.input("add", 4).unwrap());
        m.set(add, 3);
        m.trace_open(&full).unwrap();
        let ran = (0..cycles).try_for_each(|_| m.cycle(clk));
        assert_eq!(ran.is_ok(), at_the_end);
        let closed = m.trace_close();
        assert_eq!(closed.is_err(), at_the_end);
        for error in [ran, closed].into_iter().filter_map(Result::err) {
            let text = error.to_string();
            assert!(matches!(error, Error::Fatal { .. }), "{text}");
            assert!(text.contains("cannot write the waveform") && text.contains("No space left"), "{text}");
        }
    }
    // Dropped without being closed: nobody is told, and nothing worse happens.
    let mut m = traced(TraceFormat::Vcd);
    let clk = m.input("clk", 1).unwrap();
    m.trace_open(&full).unwrap();
    m.cycle(clk).unwrap();
    drop(m);
}
