//! Many cycles in one call: the run ends at the right cycle, for the right reason, in the same state as single cycles.

use crate::common::{build, builder, model, start};
use verilated::{Error, Input, Model, Ran, Watch};

fn counting() -> (Model, Input, Input) {
    let mut m = start(&build(&builder("nest").tap("nest_leaf", "slot_q")));
    let (clk, rst, add) = (m.input("clk", 1).unwrap(), m.input("rst", 1).unwrap(), m.input("add", 4).unwrap());
    m.set(rst, 1);
    m.cycle(clk).unwrap();
    m.set(rst, 0);
    (m, clk, add)
}

#[test]
fn the_budget_ends_a_run_in_the_state_of_single_cycles() {
    let ((mut a, clk_a, add_a), (mut b, clk_b, add_b)) = (counting(), counting());
    a.set(add_a, 7);
    b.set(add_b, 7);
    assert_eq!(a.run(clk_a, 1000, &Watch::new()).unwrap(), Ran { cycles: 1000, hit: None });
    for _ in 0..1000 {
        b.cycle(clk_b).unwrap();
    }
    for (name, width) in [("narrow", 12), ("wide", 100)] {
        let (x, y) = (a.output(name, width).unwrap(), b.output(name, width).unwrap());
        assert_eq!((a.get(x), a.words(x)), (b.get(y), b.words(y)));
    }
    assert_eq!((a.cycles(), a.time()), (b.cycles(), b.time()));
    assert_eq!(a.run(clk_a, 0, &Watch::new()).unwrap(), Ran { cycles: 0, hit: None });
}

#[test]
fn conditions_end_a_run_after_their_cycle() {
    let (mut m, clk, add) = counting();
    let narrow = m.output("narrow", 12).unwrap();
    let wide = m.output("wide", 100).unwrap();
    let slot = m.tap("nest.u_narrow.g[0].u_leaf.slot_q", 2).unwrap();
    // The sums stand still while 0 is added.
    assert_eq!(m.run(clk, 5, &Watch::new().changes(narrow).changes(wide)).unwrap().hit, None);
    assert_eq!(m.get(slot), 1);
    assert_eq!(m.run(clk, 100, &Watch::new().equals(slot, 0)).unwrap(), Ran { cycles: 3, hit: Some(0) });
    assert_eq!(m.run(clk, 100, &Watch::new().nonzero(slot)).unwrap(), Ran { cycles: 1, hit: Some(0) });
    m.set(add, 1);
    assert_eq!(m.run(clk, 100, &Watch::new().nonzero(wide)).unwrap(), Ran { cycles: 1, hit: Some(0) });
    // 1 ^ 2 stands in the wide output; next is 2 ^ 4.
    assert_eq!(m.get(wide), 3);
    assert_eq!(m.run(clk, 100, &Watch::new().changes(wide)).unwrap().cycles, 1);
    assert_eq!(m.run(clk, 1000, &Watch::new().equals(wide, 20 ^ 40)).unwrap().cycles, 18);
    let either = Watch::new().equals(narrow, 0xfff).differs(narrow, 20 ^ 60).nonzero(slot);
    assert_eq!(m.run(clk, 100, &either).unwrap(), Ran { cycles: 1, hit: Some(1) });
    // A value that does not fit is never reached.
    assert_eq!(m.run(clk, 50, &Watch::new().equals(slot, 4)).unwrap(), Ran { cycles: 50, hit: None });
}

#[test]
fn an_event_ends_a_run() {
    let mut m = start(&build(&builder("events").verilator_arg("--sv")));
    let (clk, what) = (m.input("clk", 1).unwrap(), m.input("what", 3).unwrap());
    m.run(clk, 9, &Watch::new()).unwrap();
    m.set(what, 4);
    assert!(matches!(m.run(clk, 1000, &Watch::new()), Err(Error::Stopped { .. })));
    assert!(m.cycles() <= 10);
    assert!(matches!(m.run(clk, 1000, &Watch::new()), Err(Error::Stopped { .. })));
}

#[test]
#[should_panic(expected = "handle of another model")]
fn a_watch_of_another_model_is_refused() {
    let (mut a, b) = (model("wide"), model("wide"));
    let clk = a.input("clk", 1).unwrap();
    let watch = Watch::new().nonzero(b.output("q7", 7).unwrap());
    let _ = a.run(clk, 1, &watch);
}

#[test]
#[should_panic(expected = "two models")]
fn a_watch_of_two_models_is_refused() {
    let (a, b) = (model("wide"), model("wide"));
    let _ = Watch::new().nonzero(a.output("q7", 7).unwrap()).nonzero(b.output("q7", 7).unwrap());
}
