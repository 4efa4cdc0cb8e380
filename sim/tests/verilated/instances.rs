//! Several models in one process: threads, seeds, independence.

use crate::common::{build, builder, model, start};
use verilated::{Library, Model, Options};

#[test]
fn two_models_run_on_two_threads() {
    let library = build(&builder("nest"));
    let run = |mut m: Model, add: u64| {
        let (clk, rst, port) = (m.input("clk", 1).unwrap(), m.input("rst", 1).unwrap(), m.input("add", 4).unwrap());
        let narrow = m.output("narrow", 12).unwrap();
        m.set(rst, 1);
        m.cycle(clk).unwrap();
        m.set(rst, 0);
        m.set(port, add);
        for _ in 0..20_000 {
            m.cycle(clk).unwrap();
        }
        assert_eq!(m.cycles(), 20_001);
        (m.get(narrow), m)
    };
    let (a, b) = (start(&library), start(&library));
    let threads = [std::thread::spawn(move || run(a, 1)), std::thread::spawn(move || run(b, 5))];
    let ends = threads.map(|t| t.join().unwrap());
    for ((value, model), add) in ends.into_iter().zip([1u64, 5]) {
        let total = 20_000 * add % 4096;
        assert_eq!(value, total ^ (total * 3 % 4096));
        // Made here, run there, dropped here.
        drop(model);
    }
}

#[test]
fn models_of_different_designs_alternate_on_one_thread() {
    let (mut a, mut b, mut c) = (model("nest"), model("wide"), model("nest"));
    let clocks = [&a, &b, &c].map(|m| m.input("clk", 1).unwrap());
    for _ in 0..100 {
        a.cycle(clocks[0]).unwrap();
        b.cycle(clocks[1]).unwrap();
        b.cycle(clocks[1]).unwrap();
        c.cycle(clocks[2]).unwrap();
    }
    assert_eq!((a.cycles(), b.cycles(), c.cycles()), (100, 200, 100));
    assert_eq!((a.time(), b.time()), (200, 400));
}

fn powerup(library: &Library, seed: u64) -> (Vec<u32>, Model) {
    let mut m = library.instantiate(Options { seed, ..Options::default() }).unwrap();
    m.eval().unwrap();
    let value = m.output("value", 100).unwrap();
    (m.words(value).to_vec(), m)
}

#[test]
fn random_start_follows_the_seed() {
    let library = build(&builder("powerup").random_init(true));
    let (first, _m) = powerup(&library, 1);
    assert_eq!(powerup(&library, 1).0, first);
    assert_ne!(powerup(&library, 2).0, first);
    assert!(first.iter().any(|&w| w != 0));
    assert!(first[3] < 16, "bits beyond the width are clean");
    let elsewhere = std::thread::spawn(move || (powerup(&library, 1).0, powerup(&library, 0).0)).join().unwrap();
    assert_eq!(elsewhere.0, first);
    let zeros = build(&builder("powerup"));
    assert_eq!(powerup(&zeros, 1).0, [0; 4]);
}

#[test]
fn random_start_is_the_same_while_other_threads_build_instances() {
    let library = build(&builder("powerup").random_init(true));
    let alone: Vec<_> = (0..8).map(|seed| powerup(&library, seed).0).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50 {
                    let seed = round % 8;
                    assert_eq!(powerup(&library, seed).0, alone[seed as usize]);
                }
            });
        }
    });
}

fn draws(m: &mut Model, cycles: u64) -> Vec<u64> {
    let (clk, drawn) = (m.input("clk", 1).unwrap(), m.output("drawn", 32).unwrap());
    (0..cycles)
        .map(|_| {
            m.cycle(clk).unwrap();
            m.get(drawn)
        })
        .collect()
}

#[test]
fn random_numbers_of_a_model_do_not_depend_on_its_neighbours() {
    let library = build(&builder("powerup").random_init(true));
    let make = |seed| library.instantiate(Options { seed, ..Options::default() }).unwrap();
    let alone = draws(&mut make(3), 40);
    assert_ne!(draws(&mut make(4), 40), alone);
    assert_eq!(alone.iter().collect::<std::collections::BTreeSet<_>>().len(), 40);
    // Interleaved with another on this thread, with new ones being made, and moved to another thread half way.
    let (mut a, mut b) = (make(3), make(4));
    let mut seen = Vec::new();
    for _ in 0..20 {
        seen.extend(draws(&mut a, 1));
        draws(&mut b, 3);
        drop(make(5));
    }
    seen.extend(std::thread::spawn(move || draws(&mut a, 20)).join().unwrap());
    assert_eq!(seen, alone);
}
