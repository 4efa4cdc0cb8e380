//! Drives a FIFO: `cargo run -p verilated --example fifo`.

use std::collections::VecDeque;

use verilated::{Cache, Error, ModelBuilder, Options};

fn main() -> Result<(), Error> {
    let rtl = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fifo.v");
    let library = ModelBuilder::new("fifo").source(rtl).parameter("DEPTH", 16).build(&Cache::default_dir()?)?;
    let mut fifo = library.instantiate(Options::default())?;

    // Names, directions and widths are checked here; below, an access is a load or a store.
    let clk = fifo.input("clk", 1)?;
    let rst = fifo.input("rst", 1)?;
    let push = fifo.input("push", 1)?;
    let push_data = fifo.input("push_data", 8)?;
    let pop = fifo.input("pop", 1)?;
    let pop_data = fifo.output("pop_data", 8)?;
    let full = fifo.output("full", 1)?;
    let empty = fifo.output("empty", 1)?;

    fifo.set(rst, 1);
    fifo.cycle(clk)?;
    fifo.set(rst, 0);

    // The queue that the hardware must equal, under a stream of pushes and pops without a pattern.
    let mut expected = VecDeque::new();
    let mut moved = 0;
    let mut state = 1u64;
    for _ in 0..100_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (want_push, want_pop, word) = (state >> 63, state >> 62 & 1, state >> 40 & 0xff);
        fifo.set(push, want_push);
        fifo.set(pop, want_pop);
        fifo.set(push_data, word);
        assert_eq!(fifo.get(empty) == 1, expected.is_empty());
        let pushes = want_push == 1 && fifo.get(full) == 0;
        if want_pop == 1
            && let Some(oldest) = expected.pop_front()
        {
            assert_eq!(fifo.get(pop_data), oldest);
            moved += 1;
        }
        if pushes {
            expected.push_back(word);
        }
        fifo.cycle(clk)?;
    }
    println!("{moved} words passed through the FIFO in {} cycles, in order", fifo.cycles());
    Ok(())
}
