//! Internal signals of nested, parametrised instances, without a change to the Verilog.

use crate::common::{build, builder, start};
use verilated::{Error, ModelBuilder};

fn tapped() -> ModelBuilder {
    builder("nest")
        .tap("nest_leaf", "total_q")
        .tap("nest_leaf", "log_mem")
        .tap("nest_leaf", "add")
        .tap("nest_mid", "sum")
}

#[test]
fn taps_follow_the_registers_of_every_instance() {
    let mut m = start(&build(&tapped()));
    let (clk, rst, add) = (m.input("clk", 1).unwrap(), m.input("rst", 1).unwrap(), m.input("add", 4).unwrap());
    let narrow: Vec<_> = (0..3).map(|i| m.tap(&format!("nest.u_narrow.g[{i}].u_leaf.total_q"), 12).unwrap()).collect();
    let wide: Vec<_> = (0..2).map(|i| m.tap(&format!("nest.u_wide.g[{i}].u_leaf.total_q"), 100).unwrap()).collect();
    let add_of_leaf = m.tap("nest.u_narrow.g[1].u_leaf.add", 12).unwrap();
    let sum = m.tap("nest.u_narrow.sum", 12).unwrap();
    let log: Vec<_> = (0..4).map(|i| m.tap_element("nest.u_wide.g[1].u_leaf.log_mem", 8, i).unwrap()).collect();
    m.set(rst, 1);
    m.cycle(clk).unwrap();
    m.set(rst, 0);
    let mut total = 0;
    for value in [3, 9, 15, 1] {
        m.set(add, value);
        m.cycle(clk).unwrap();
        total += value;
        for (i, tap) in (1..).zip(&narrow) {
            assert_eq!(m.get(*tap), total * i);
        }
        for (i, tap) in (1..).zip(&wide) {
            assert_eq!(m.words(*tap), [(total * i) as u32, 0, 0, 0]);
        }
        assert_eq!(m.get(add_of_leaf), value);
        assert_eq!(m.get(sum), total ^ (total * 3));
    }
    assert_eq!(log.iter().map(|e| m.get(*e)).collect::<Vec<_>>(), [19, 25, 31, 17]);
    let memory = m.taps().find(|(path, ..)| *path == "nest.u_wide.g[0].u_leaf.log_mem");
    assert_eq!(memory, Some(("nest.u_wide.g[0].u_leaf.log_mem", 8, 4)));
}

#[test]
fn module_patterns_reach_every_parametrisation() {
    let m = start(&build(&builder("nest").tap("nest_l*", "slot_q")));
    let paths: Vec<_> = m.taps().map(|(path, ..)| path.to_string()).collect();
    assert_eq!(paths.len(), 5, "{paths:?}");
}

#[test]
fn wrong_taps_are_told() {
    let m = start(&build(&tapped()));
    let error = m.tap("nest.u_narrow.g[0].u_leaf.total", 12).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownTap { near: Some(near), .. } if near == "nest.u_narrow.g[0].u_leaf.total_q"),
        "{error:?}"
    );
    assert!(matches!(m.tap("nest.u_narrow.sum", 13), Err(Error::Width { asked: 13, actual: 12, .. })));
    let element = m.tap_element("nest.u_wide.g[1].u_leaf.log_mem", 8, 4);
    assert!(matches!(element, Err(Error::TapIndex { elements: 4, index: 4, .. })));
    assert!(matches!(start(&build(&builder("nest"))).tap("nest.u_narrow.sum", 12), Err(Error::UnknownTap { .. })));
}
