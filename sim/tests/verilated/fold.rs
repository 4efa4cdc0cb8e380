//! Cycles of one evaluation: taken only where the falling edge cannot be seen, and never to be told from two.

use std::path::Path;

use crate::common::{build, builder, start};
use verilated::{Model, ModelBuilder, TraceFormat, Watch};

fn pair(builder: impl Fn() -> ModelBuilder) -> [Model; 2] {
    [true, false].map(|on| start(&build(&builder().fold_falling_edge(on))))
}

/// All readable state: outputs and taps.
fn state(m: &Model) -> Vec<(String, u64, Vec<u32>)> {
    let ports: Vec<_> = m.ports().filter(|p| p.2 == "output").map(|p| (p.0.to_string(), p.1)).collect();
    let taps: Vec<_> = m.taps().map(|t| (t.0.to_string(), t.1)).collect();
    let ports = ports.into_iter().map(|(n, w)| (m.output(&n, w).unwrap(), n));
    let taps = taps.into_iter().map(|(n, w)| (m.tap(&n, w).unwrap(), n));
    ports.chain(taps).map(|(o, n)| (n, m.get(o), m.words(o).to_vec())).collect()
}

/// Random inputs, cycles, runs and bare evaluations in both models, with inputs that stay from one to the next, too; all state equal after
/// each.
fn same(mut models: [Model; 2], clock: &str, steps: u32) {
    let clocks = [&models[0], &models[1]].map(|m| m.input(clock, 1).unwrap());
    assert!(models[0].is_folded(clocks[0]) && !models[1].is_folded(clocks[1]));
    let inputs: Vec<_> =
        models[0].ports().filter(|p| p.2 == "input" && p.0 != clock).map(|p| (p.0.to_string(), p.1)).collect();
    let mut random = 1u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        random >> 20
    };
    for step in 0..steps {
        let values: Vec<u64> = inputs.iter().map(|_| next()).collect();
        let (kind, new_inputs) = (next() % 6, next() % 2 == 0);
        for (m, clock) in models.iter_mut().zip(clocks) {
            for ((name, width), value) in inputs.iter().zip(&values).filter(|_| new_inputs) {
                let input = m.input(name, *width).unwrap();
                m.set(input, *value);
            }
            match kind {
                0 => m.eval().unwrap(),
                1 => drop(m.run(clock, 5, &Watch::new()).unwrap()),
                _ => m.cycle(clock).unwrap(),
            }
        }
        assert_eq!(state(&models[0]), state(&models[1]), "step {step}");
    }
    assert_eq!((models[0].cycles(), models[0].time()), (models[1].cycles(), models[1].time()));
}

#[test]
fn one_evaluation_gives_what_two_give() {
    same(pair(|| builder("nest").tap("nest_leaf", "total_q").tap("nest_leaf", "slot_q")), "clk", 500);
    same(pair(|| builder("wide")), "clk", 500);
    same(pair(|| builder("bulk").snapshots(true)), "clk", 500);
    let fifo = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fifo.v");
    same(pair(|| ModelBuilder::new("fifo").source(&fifo)), "clk", 2000);
}

#[test]
fn only_clocks_without_a_visible_fall_are_folded() {
    let [mut folding, mut plain] = pair(|| builder("edges"));
    for (clock, folded) in [
        ("rise", true),
        ("rise_arst", true),
        ("both", false),
        ("gated", false),
        ("data", false),
        ("enable", false),
        ("arst_n", false),
    ] {
        let port = folding.input(clock, 1).unwrap();
        assert_eq!(folding.is_folded(port), folded, "{clock}");
        assert!(!plain.is_folded(plain.input(clock, 1).unwrap()));
    }
    for round in 0..40 {
        for m in [&mut folding, &mut plain] {
            let [enable, arst_n] = ["enable", "arst_n"].map(|n| m.input(n, 1).unwrap());
            let value = m.input("in", 8).unwrap();
            m.set(enable, u64::from(round % 3 != 0));
            m.set(arst_n, u64::from(round % 7 != 0));
            m.set(value, round);
            for clock in ["rise", "rise_arst", "both", "gated", "data"] {
                let port = m.input(clock, 1).unwrap();
                m.cycle(port).unwrap();
            }
        }
        assert_eq!(state(&folding), state(&plain), "round {round}");
    }
    for edge in ["both_rises", "falls"] {
        assert_eq!(folding.get(folding.output(edge, 8).unwrap()), 40);
    }
}

#[test]
fn waveforms_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let texts = [true, false].map(|on| {
        let path = dir.path().join(format!("{on}.vcd"));
        let mut m = start(&build(&builder("nest").trace(Some(TraceFormat::Vcd)).fold_falling_edge(on)));
        let (clk, add) = (m.input("clk", 1).unwrap(), m.input("add", 4).unwrap());
        assert_eq!(m.is_folded(clk), on);
        m.set(add, 3);
        m.trace_open(&path).unwrap();
        for _ in 0..20 {
            m.cycle(clk).unwrap();
        }
        m.trace_close().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        // The header holds the time of day.
        text[text.find("$enddefinitions").unwrap()..].to_string()
    });
    assert!(texts[0].lines().count() > 100);
    // Not assert_eq: nobody wants to see both in full.
    assert!(texts[0] == texts[1]);
}

#[test]
fn models_that_draw_random_numbers_are_not_folded() {
    let m = start(&build(&builder("powerup").random_init(true)));
    assert!(!m.is_folded(m.input("clk", 1).unwrap()));
}
