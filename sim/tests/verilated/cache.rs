//! The cache of models: hits, keys, listing, eviction.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::common::{builder, fresh_cache, rtl, start};
use verilated::{Cache, EntryKind, Library, ModelBuilder, Profile, TraceFormat};

fn path(builder: &ModelBuilder, cache: &Cache) -> std::path::PathBuf {
    builder.build(cache).unwrap_or_else(|e| panic!("{e}")).path().to_path_buf()
}

#[test]
fn an_unchanged_model_comes_from_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    let first = path(&builder("wide"), &cache);
    let inode = |p: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(p).unwrap());
    let built = inode(&first);
    let began = Instant::now();
    let second = path(&builder("wide"), &cache);
    let took = began.elapsed();
    assert_eq!((second.clone(), inode(&second)), (first, built));
    assert!(took < Duration::from_millis(300), "{took:?}");
    // The same text under another path is the same model.
    let copy = dir.path().join("wide.v");
    fs::copy(rtl("wide.v"), &copy).unwrap();
    assert_eq!(path(&ModelBuilder::new("wide").source(&copy), &cache), second);
}

#[test]
fn whatever_changes_the_model_changes_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    let source = dir.path().join("adder.v");
    let text = "module adder #(parameter N = 1) (input wire clk, input wire [7:0] a, output reg [7:0] s);\n\
                `ifdef TWICE\n  localparam K = 2 * N;\n`else\n  localparam K = N;\n`endif\n\
                always @(posedge clk) s <= a + K[7:0];\nendmodule\n";
    fs::write(&source, text).unwrap();
    let plain = || ModelBuilder::new("adder").source(&source);
    let sum = |library: &Library| {
        let mut m = start(library);
        let (clk, a, s) = (m.input("clk", 1).unwrap(), m.input("a", 8).unwrap(), m.output("s", 8).unwrap());
        m.set(a, 10);
        m.cycle(clk).unwrap();
        m.get(s)
    };
    let build = |b: ModelBuilder| b.build(&cache).unwrap_or_else(|e| panic!("{e}"));
    let mut seen = vec![build(plain())];
    let mut check = |b: ModelBuilder, expected: u64| {
        let library = build(b);
        assert_eq!(sum(&library), expected);
        assert!(seen.iter().all(|l| l.path() != library.path()));
        seen.push(library);
    };
    check(plain().parameter("N", 5), 15);
    check(plain().define("TWICE", ""), 12);
    check(plain().define("TWICE", "").parameter("N", 5), 20);
    check(plain().random_init(true), 11);
    check(plain().trace(Some(TraceFormat::Vcd)), 11);
    check(plain().profile(Profile::FastRun), 11);
    check(plain().profile(Profile::Unoptimised), 11);
    check(plain().compiler_arg("-DUNUSED"), 11);
    check(plain().tap("adder", "s"), 11);
    fs::write(&source, text.replace("a + K", "a - K")).unwrap();
    check(plain(), 9);
    // And back: the first one is still there, and still the first one.
    fs::write(&source, text).unwrap();
    let again = build(plain());
    assert_eq!((again.path(), sum(&again)), (seen[0].path(), 11));
}

#[test]
fn included_files_belong_to_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    let (front, back) = (dir.path().join("front"), dir.path().join("back"));
    fs::create_dir_all(&front).unwrap();
    fs::create_dir_all(&back).unwrap();
    let source = dir.path().join("inc.v");
    fs::write(&source, "`include \"value.vh\"\nmodule inc (output wire [7:0] o);\n  assign o = `VALUE;\nendmodule\n")
        .unwrap();
    let value = |of: &Path, v: u32| fs::write(of.join("value.vh"), format!("`define VALUE 8'd{v}\n")).unwrap();
    let result = || {
        let library = ModelBuilder::new("inc").source(&source).include_dir(&front).include_dir(&back).build(&cache);
        let library = library.unwrap_or_else(|e| panic!("{e}"));
        let mut m = start(&library);
        m.eval().unwrap();
        (m.get(m.output("o", 8).unwrap()), library.path().to_path_buf())
    };
    value(&back, 1);
    let first = result();
    assert_eq!(first.0, 1);
    assert_eq!(result(), first);
    value(&back, 2);
    assert_eq!(result().0, 2);
    value(&back, 1);
    assert_eq!(result(), first);
    // A file that appears earlier in the search path takes the place of the one that was read.
    value(&front, 3);
    assert_eq!(result().0, 3);
    fs::remove_file(front.join("value.vh")).unwrap();
    assert_eq!(result().0, 1);
    fs::remove_file(back.join("value.vh")).unwrap();
    let missing = ModelBuilder::new("inc").source(&source).include_dir(&front).include_dir(&back).build(&cache);
    assert!(missing.unwrap_err().to_string().contains("value.vh"));
}

#[test]
fn entries_are_listed_evicted_and_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    assert!(Cache::new(dir.path().join("nothing")).list().unwrap().is_empty());
    let source = |n: u32| {
        let path = dir.path().join(format!("m{n}.v"));
        fs::write(&path, format!("module m{n} (output wire [7:0] o);\n  assign o = 8'd{n};\nendmodule\n")).unwrap();
        ModelBuilder::new(&format!("m{n}")).source(path)
    };
    let names = |cache: &Cache| {
        let entries = cache.list().unwrap();
        entries.into_iter().filter(|e| e.kind == EntryKind::Model).map(|e| e.name).collect::<Vec<_>>()
    };
    // Times of files may be as coarse as 10 ms.
    let wait = || std::thread::sleep(Duration::from_millis(20));
    for n in 0..3 {
        source(n).build(&cache).unwrap();
        wait();
    }
    assert_eq!(names(&cache), ["m2", "m1", "m0"]);
    source(0).build(&cache).unwrap();
    wait();
    assert_eq!(names(&cache), ["m0", "m2", "m1"]);
    let before = cache.list().unwrap();
    let size = |entries: &[verilated::Entry]| entries.iter().map(|e| e.bytes).sum::<u64>();
    let paths = |entries: &[verilated::Entry]| entries.iter().map(|e| e.path.clone()).collect::<Vec<_>>();
    assert!(before.iter().all(|e| e.bytes > 1000 && !e.name.is_empty()));
    // One byte less than all: the last one goes, and only that.
    let keep = before.len() - 1;
    assert_eq!(cache.shrink(size(&before) - 1).unwrap(), before[keep].bytes);
    assert_eq!(paths(&cache.list().unwrap()), paths(&before[..keep]));
    // A limit that the next build exceeds by far: all but the new one may go. It is loaded, and works.
    let kept = source(3).build(&cache.clone().with_limit(1)).unwrap();
    assert_eq!(names(&cache), ["m3"]);
    assert!(cache.clear().unwrap() > 0);
    assert!(cache.list().unwrap().is_empty());
    let mut m = start(&kept);
    m.eval().unwrap();
    assert_eq!(m.get(m.output("o", 8).unwrap()), 3);
    // The next build starts from nothing.
    source(3).build(&cache).unwrap();
    assert_eq!(names(&cache), ["m3"]);
}
