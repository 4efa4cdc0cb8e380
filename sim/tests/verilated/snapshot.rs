//! Snapshots: a restored model repeats what followed, random numbers included.

use crate::common::{build, builder, start};
use verilated::{Error, Model, Options, Watch};

fn play(m: &mut Model, cycles: u64) -> Vec<(u64, Vec<u32>)> {
    let clk = m.input("clk", 1).unwrap();
    let (drawn, value) = (m.output("drawn", 32).unwrap(), m.output("value", 100).unwrap());
    (0..cycles)
        .map(|_| {
            m.cycle(clk).unwrap();
            (m.get(drawn), m.words(value).to_vec())
        })
        .collect()
}

#[test]
fn a_restored_model_repeats_itself() {
    let library = build(&builder("powerup").random_init(true).snapshots(true));
    let mut m = library.instantiate(Options { seed: 5, ..Options::default() }).unwrap();
    play(&mut m, 10);
    let snapshot = m.snapshot().unwrap();
    let first = play(&mut m, 20);
    assert_eq!((m.cycles(), m.time()), (30, 60));
    m.restore(&snapshot).unwrap();
    assert_eq!((m.cycles(), m.time()), (10, 20));
    assert_eq!(play(&mut m, 20), first);
    // Into another instance, with another past.
    let mut other = library.instantiate(Options { seed: 6, ..Options::default() }).unwrap();
    assert_ne!(play(&mut other, 20), first);
    other.restore(&snapshot).unwrap();
    assert_eq!(play(&mut other, 20), first);
}

/// Equal states go on alike, whatever the past; a register that differs shows.
#[test]
fn states_tell_instances_apart() {
    let library = build(&builder("bulk").snapshots(true));
    let (mut a, mut b) = (start(&library), start(&library));
    let drive = |m: &mut Model, address: u64, data: u64| {
        let inputs = [("write", 1, 1), ("address", 16, address), ("data", 64, data)];
        for (name, width, value) in inputs {
            let input = m.input(name, width).unwrap();
            m.set(input, value);
        }
        let clk = m.input("clk", 1).unwrap();
        m.cycle(clk).unwrap();
    };
    for address in 0..100 {
        drive(&mut a, address, 7);
    }
    for address in 0..100 {
        drive(&mut b, address, 8);
    }
    assert_ne!(a.state().unwrap(), b.state().unwrap());
    for address in 0..100 {
        drive(&mut b, address, 7);
    }
    // The output register holds the word that was there before the last write.
    drive(&mut a, 0, 7);
    drive(&mut b, 0, 7);
    assert_ne!(a.cycles(), b.cycles());
    assert!(a.state().unwrap() == b.state().unwrap(), "the same contents, by another way");
    let snapshot = a.snapshot().unwrap();
    drive(&mut a, 65535, 1);
    assert!(a.state().unwrap() != b.state().unwrap(), "one word of the memory differs");
    b.restore(&snapshot).unwrap();
    drive(&mut b, 65535, 1);
    assert!(a.state().unwrap() == b.state().unwrap());
    assert!(matches!(start(&build(&builder("powerup"))).state(), Err(Error::Snapshot(_))));
}

#[test]
fn memories_beyond_the_stream_buffer_survive() {
    // 64 Ki words of 64 bit: twice the buffer of Verilator's streams.
    let library = build(&builder("bulk").snapshots(true));
    let mut m = start(&library);
    let (clk, write, address, data) = (
        m.input("clk", 1).unwrap(),
        m.input("write", 1).unwrap(),
        m.input("address", 16).unwrap(),
        m.input("data", 64).unwrap(),
    );
    let out = m.output("out", 64).unwrap();
    let word = |a: u64| a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ a;
    m.set(write, 1);
    for a in 0..65536 {
        m.set(address, a);
        m.set(data, word(a));
        m.cycle(clk).unwrap();
    }
    let snapshot = m.snapshot().unwrap();
    m.set(data, 0);
    for a in 0..65536 {
        m.set(address, a);
        m.cycle(clk).unwrap();
    }
    m.restore(&snapshot).unwrap();
    m.set(write, 0);
    for a in 0..65536 {
        m.set(address, a);
        m.cycle(clk).unwrap();
        assert_eq!(m.get(out), word(a), "word {a}");
    }
}

#[test]
fn an_ended_model_runs_again_after_restore() {
    let library = build(&builder("events").verilator_arg("--sv").snapshots(true));
    let mut m = start(&library);
    let (clk, what, count) = (m.input("clk", 1).unwrap(), m.input("what", 3).unwrap(), m.output("count", 8).unwrap());
    m.run(clk, 3, &Watch::new()).unwrap();
    let snapshot = m.snapshot().unwrap();
    m.set(what, 2);
    assert!(matches!(m.cycle(clk), Err(Error::Finished { .. })));
    m.restore(&snapshot).unwrap();
    m.cycle(clk).unwrap();
    assert_eq!(m.get(count), 4);
}

#[test]
fn wrong_snapshots_are_refused() {
    let mut without = start(&build(&builder("powerup")));
    assert!(matches!(without.snapshot(), Err(Error::Snapshot(_))));
    let mut a = start(&build(&builder("powerup").snapshots(true)));
    let mut b = start(&build(&builder("bulk").snapshots(true)));
    let snapshot = a.snapshot().unwrap();
    assert!(matches!(b.restore(&snapshot), Err(Error::Snapshot(_))));
}
