//! Typed handles: resolution, reading and writing of ports of every width.

use crate::common::{build, builder, model, start};
use verilated::Error;

#[test]
fn every_storage_size_keeps_its_value() {
    let mut m = model("wide");
    let clk = m.input("clk", 1).unwrap();
    for (name, width) in [("7", 7), ("16", 16), ("32", 32), ("64", 64)] {
        let a = m.input(&format!("a{name}"), width).unwrap();
        let q = m.output(&format!("q{name}"), width).unwrap();
        let ones = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        for value in [0, 1, ones, ones / 3, 1 << (width - 1)] {
            m.set(a, value);
            assert_eq!(m.get(a), value);
            m.cycle(clk).unwrap();
            assert_eq!(m.get(q), value, "{width} bit");
        }
        // Bits beyond the width must not leak into the neighbour or into the value.
        m.set(a, u64::MAX);
        m.cycle(clk).unwrap();
        assert_eq!(m.get(q), ones, "{width} bit");
    }
}

#[test]
fn wide_ports_are_word_slices() {
    let mut m = model("wide");
    let clk = m.input("clk", 1).unwrap();
    let (a65, q65) = (m.input("a65", 65).unwrap(), m.output("q65", 65).unwrap());
    let (a200, q200) = (m.input("a200", 200).unwrap(), m.output("q200", 200).unwrap());
    assert_eq!((m.words(a65).len(), m.words(q200).len()), (3, 7));
    m.words_mut(a65).copy_from_slice(&[0x89ab_cdef, 0x0123_4567, 1]);
    // 200 bits: the halves of 100 bits change places.
    let low: u128 = 0x5_1234_5678_9abc_def0_1357_9bdf;
    let high: u128 = 0xa_fedc_ba98_7654_3210_2468_ace0;
    let word = |i: usize| -> u32 {
        (0..32).fold(0, |w, bit| {
            let at = i * 32 + bit;
            let one = if at < 100 {
                low >> at
            } else if at < 200 {
                high >> (at - 100)
            } else {
                0
            };
            w | (((one & 1) as u32) << bit)
        })
    };
    let words: Vec<u32> = (0..7).map(word).collect();
    m.words_mut(a200).copy_from_slice(&words);
    m.cycle(clk).unwrap();
    assert_eq!(m.words(q65), [0x89ab_cdef, 0x0123_4567, 1]);
    assert_eq!(m.get(q65), 0x0123_4567_89ab_cdef);
    let bit = |words: &[u32], at: usize| words[at / 32] >> (at % 32) & 1;
    for at in 0..200 {
        assert_eq!(bit(m.words(q200), at), bit(&words, (at + 100) % 200), "bit {at}");
    }
    m.set(a65, 7);
    assert_eq!(m.words(a65), [7, 0, 0]);
    assert!(m.words(clk).is_empty());
}

#[test]
fn names_with_double_underscore_and_combinational_paths() {
    let mut m = model("wide");
    let a = m.input("two__under", 8).unwrap();
    let comb = m.output("comb", 8).unwrap();
    m.set(a, 0x0f);
    m.eval().unwrap();
    assert_eq!(m.get(comb), 0xf0);
    assert_eq!(m.cycles(), 0);
}

#[test]
fn wrong_names_widths_and_directions_are_told() {
    let m = model("wide");
    let unknown = m.input("a62", 64).unwrap_err();
    assert!(
        matches!(&unknown, Error::UnknownPort { near: Some(near), .. } if near == "a32" || near == "a64"),
        "{unknown:?}"
    );
    assert_eq!(m.output("nothing_like_it", 1).unwrap_err().to_string(), "`wide` has no port `nothing_like_it`");
    assert_eq!(m.input("a16", 17).unwrap_err().to_string(), "`a16` of `wide` is 16 bit wide, not 17");
    assert_eq!(m.output("a16", 16).unwrap_err().to_string(), "port `a16` of `wide` is an input, not an output");
    assert_eq!(m.input("q7", 7).unwrap_err().to_string(), "port `q7` of `wide` is an output, not an input");
    let ports: Vec<_> = m.ports().collect();
    assert_eq!(ports.len(), 15);
    assert!(ports.contains(&("a200", 200, "input")) && ports.contains(&("comb", 8, "output")));
}

#[test]
#[should_panic(expected = "handle of another model")]
fn a_handle_of_another_instance_is_refused() {
    let library = build(&builder("wide"));
    let (a, mut b) = (start(&library), start(&library));
    let handle = a.input("a7", 7).unwrap();
    b.set(handle, 1);
}
