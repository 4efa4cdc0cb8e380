//! Structs of ports.

use crate::common::{build, builder, model, start};
use verilated::Error;

verilated::ports! {
    /// Some pins.
    struct Pins(wide: u32) {
        clk: input(1),
        a7: input(7),
        low: output(7) = "q7",
        /// As wide as the caller says.
        a200: input(wide * 2),
    }
}

verilated::ports! {
    pub struct Taps {
        clk: input(1),
        total: tap(12) = "nest.u_narrow.g[0].u_leaf.total_q",
    }
}

#[test]
fn a_struct_of_ports_reads_naturally() {
    let mut m = model("wide");
    let pins = Pins::resolve(&m, 100).unwrap();
    m.set(pins.a7, 77);
    m.words_mut(pins.a200).fill(0);
    m.cycle(pins.clk).unwrap();
    assert_eq!(m.get(pins.low), 77);
    assert!(matches!(Pins::resolve(&m, 50), Err(Error::Width { asked: 100, actual: 200, .. })));
    let m = start(&build(&builder("nest").tap("nest_leaf", "total_q")));
    let taps = Taps::resolve(&m).unwrap();
    assert_eq!((taps.total.width(), taps.clk.width()), (12, 1));
}
