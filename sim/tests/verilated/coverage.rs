//! Coverage: counts of lines and toggles, under the user's file names, merged over runs.

use crate::common::{build, builder, model, rtl, start};
use verilated::{Coverage, Error};

/// Counts of two runs that do different things.
fn run(code: u64, cycles: u64, path: &std::path::Path) {
    let mut m = start(&build(&builder("events").verilator_arg("--sv").coverage(true)));
    let (clk, what) = (m.input("clk", 1).unwrap(), m.input("what", 3).unwrap());
    m.set(what, code);
    for _ in 0..cycles {
        m.cycle(clk).unwrap();
    }
    m.write_coverage(path).unwrap();
}

fn line_count(coverage: &Coverage, line: u32) -> u64 {
    coverage.points().filter(|p| !p.page.starts_with("v_toggle") && p.line == line).map(|p| p.count).max().unwrap_or(0)
}

#[test]
fn runs_are_counted_and_merged() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.dat"), dir.path().join("b.dat"));
    run(0, 5, &a);
    run(1, 7, &b);
    let (first, second) = (Coverage::read(&a).unwrap(), Coverage::read(&b).unwrap());
    let file = rtl("events.v").display().to_string();
    assert!(first.points().all(|p| p.file == file), "{:?}", first.points().next());
    // Line 15 is the $display of code 1, line 20 the default.
    assert_eq!((line_count(&first, 15), line_count(&first, 20)), (0, 5));
    assert_eq!((line_count(&second, 15), line_count(&second, 20)), (7, 0));
    let mut both = first.clone();
    both.merge(&second);
    assert_eq!((line_count(&both, 15), line_count(&both, 20)), (7, 5));
    let (covered, all) = both.summary("");
    assert!(covered > first.summary("").0 && covered < all);
    assert_eq!(all, first.summary("").1);
    assert!(both.summary("v_toggle").1 > 10 && both.summary("v_nothing") == (0, 0));
    let merged = dir.path().join("merged.dat");
    both.write(&merged).unwrap();
    assert_eq!(Coverage::read(&merged).unwrap(), both);
}

#[test]
fn errors_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.dat");
    assert!(matches!(model("nest").write_coverage(&path), Err(Error::NoCoverage { .. })));
    assert!(!path.exists());
    std::fs::write(&path, "# SystemC::Coverage-3\nC 'a' 1\nnonsense\n").unwrap();
    assert!(matches!(Coverage::read(&path), Err(Error::Coverage { line: 3, .. })));
    let mut m = start(&build(&builder("events").verilator_arg("--sv").coverage(true)));
    assert!(matches!(m.write_coverage("/nonexistent/x.dat"), Err(Error::Io { .. })));
}
