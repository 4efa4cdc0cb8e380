//! `$display`, `$finish`, `$stop`, `$fatal`, assertions and run-away logic: errors and text, never the end of the process.

use std::sync::{Arc, Mutex};

use crate::common::{build, builder, model, rtl, start};
use verilated::{Error, Input, Location, Model, Options};

fn events() -> (Model, Input, Input) {
    let m = start(&build(&builder("events").verilator_arg("--sv")));
    let (clk, what) = (m.input("clk", 1).unwrap(), m.input("what", 3).unwrap());
    (m, clk, what)
}

/// Runs three quiet cycles, then one with `what`.
fn provoke(code: u64) -> (Model, Result<(), Error>) {
    let (mut m, clk, what) = events();
    for _ in 0..3 {
        m.cycle(clk).unwrap();
    }
    m.set(what, code);
    let result = m.cycle(clk);
    (m, result)
}

fn place(line: u32) -> Location {
    Location { file: rtl("events.v").display().to_string(), line }
}

#[test]
fn display_is_collected() {
    let (mut m, result) = provoke(1);
    result.unwrap();
    assert_eq!(m.take_output(), "count is 3\n");
    assert_eq!(m.take_output(), "");
    m.finish().unwrap();
    assert_eq!(m.take_output(), "at the end count is 4\n");
}

#[test]
fn display_goes_to_a_callback_and_plusargs_arrive() {
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = seen.clone();
    let options = Options {
        plusargs: vec!["+level=42".into()],
        on_output: Some(Box::new(move |text| sink.lock().unwrap().push_str(text))),
        ..Options::default()
    };
    let library = build(&builder("events").verilator_arg("--sv"));
    let mut m = library.instantiate(options).unwrap();
    let (clk, what) = (m.input("clk", 1).unwrap(), m.input("what", 3).unwrap());
    m.set(what, 1);
    m.cycle(clk).unwrap();
    m.cycle(clk).unwrap();
    assert_eq!(*seen.lock().unwrap(), "level 42\ncount is 0\ncount is 1\n");
    assert_eq!(m.take_output(), "");
    let bad = library.instantiate(Options { plusargs: vec!["level=1".into()], ..Options::default() });
    assert!(matches!(bad, Err(Error::Builder(_))));
    let unknown = library.instantiate(Options { plusargs: vec!["+verilator+nonsense".into()], ..Options::default() });
    assert!(matches!(&unknown, Err(Error::Fatal { message, .. }) if message.contains("nonsense")), "{unknown:?}");
}

#[test]
fn finish_is_an_error_value_and_lasts() {
    let (mut m, result) = provoke(2);
    match result.unwrap_err() {
        Error::Finished { top, location } => assert_eq!((top.as_str(), location), ("events", place(16))),
        other => panic!("{other}"),
    }
    let count = m.output("count", 8).unwrap();
    let before = m.get(count);
    assert!(matches!(m.eval(), Err(Error::Finished { .. })));
    assert_eq!(m.get(count), before);
}

#[test]
fn stop_fatal_error_and_assertions_are_errors_with_their_message() {
    for (code, line, text) in
        [(3, 17, "$stop"), (4, 18, "count 3 is bad"), (5, 19, "count 3 is odd"), (6, 22, "must_not_be_six")]
    {
        match provoke(code).1.unwrap_err() {
            Error::Stopped { location, message, .. } => {
                assert_eq!(location, place(line));
                assert!(message.contains(text), "{message}");
                assert!(!message.contains("staged"), "{message}");
            }
            other => panic!("{code}: {other}"),
        }
    }
}

#[test]
fn assertions_can_be_left_out() {
    let mut m = start(&build(&builder("events").verilator_arg("--sv").assertions(false)));
    let (clk, what) = (m.input("clk", 1).unwrap(), m.input("what", 3).unwrap());
    m.set(what, 6);
    m.cycle(clk).unwrap();
}

#[test]
fn a_loop_that_does_not_settle_is_fatal_and_leaves_others_alone() {
    let mut sane = model("wide");
    let library = build(&builder("oscillate"));
    let mut m = start(&library);
    let (on, out) = (m.input("on", 1).unwrap(), m.output("out", 1).unwrap());
    m.eval().unwrap();
    assert_eq!(m.get(out), 0);
    m.set(on, 1);
    match m.eval().unwrap_err() {
        Error::Fatal { message, .. } => assert!(message.contains("converge"), "{message}"),
        other => panic!("{other}"),
    }
    assert!(matches!(m.eval(), Err(Error::Fatal { .. })));
    // A new instance of the same library and one of another still work.
    start(&library).eval().unwrap();
    sane.eval().unwrap();
}
