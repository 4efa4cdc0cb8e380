//! Designs with delays: time moves by the steps of the test bench.

use crate::common::{build, builder, start};

#[test]
fn delays_pass_with_the_time_of_steps_and_cycles() {
    let mut m = start(&build(&builder("delays").verilator_arg("--timing")));
    let (clk, count) = (m.input("clk", 1).unwrap(), m.output("count", 8).unwrap());
    assert!(!m.is_folded(clk), "a half cycle in which a delay ends needs its evaluation");
    m.eval().unwrap();
    // Rising edges of the own clock come at 5, 15, 25, ...
    for (step, expected) in [(4, 0), (1, 1), (5, 1), (5, 2)] {
        m.step(step).unwrap();
        assert_eq!(m.get(count), expected, "at {}", m.time());
    }
    // 50 cycles are 100 ticks.
    for _ in 0..50 {
        m.cycle(clk).unwrap();
    }
    assert_eq!((m.time(), m.get(count)), (115, 12));
}
