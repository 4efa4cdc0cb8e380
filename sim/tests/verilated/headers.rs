//! Headers compiled once for all models.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, process::Command};

use crate::common::{builder, fresh_cache, script, start};
use verilated::{Cache, ModelBuilder, Profile, TraceFormat};

/// Run by the tests below in a process of its own, with a compiler that they choose.
#[test]
#[ignore = "helper of the other tests"]
fn build_all() {
    let cache = Cache::default_dir().unwrap();
    let only = std::env::var("ONLY").ok();
    for (name, builder) in variants() {
        if only.as_ref().is_none_or(|o| o == name) {
            let library = builder.build(&cache).unwrap_or_else(|e| panic!("{e}"));
            let mut m = start(&library);
            let clk = m.input("clk", 1).unwrap();
            m.cycle(clk).unwrap();
        }
    }
}

/// One for each way in which the flags of units differ.
fn variants() -> [(&'static str, ModelBuilder); 6] {
    [
        ("unoptimised", builder("wide").profile(Profile::Unoptimised)),
        ("quick", builder("wide")),
        ("fast", builder("wide").profile(Profile::FastRun)),
        ("traced", builder("wide").trace(Some(TraceFormat::Vcd))),
        ("covered", builder("wide").coverage(true)),
        ("other", builder("nest")),
    ]
}

/// A compiler that writes down the units it is given and the headers that it reads, and looks for some of its own first.
struct Compiler {
    dir: tempfile::TempDir,
    cache: Cache,
}

impl Compiler {
    fn new() -> Compiler {
        let dir = tempfile::tempdir().unwrap();
        let cache = fresh_cache(dir.path());
        let path = dir.path().join("cxx");
        let text = "for word; do case $word in vlrs_*.cpp) echo \"unit $word\" >> \"$LOG\";; esac; done\n\
                    exec g++ -H -isystem \"$OWN\" \"$@\" 2>> \"$LOG\"";
        script(&path, text);
        fs::create_dir(dir.path().join("own")).unwrap();
        fs::write(dir.path().join("own/algorithm"), "#include_next <algorithm>\n").unwrap();
        Compiler { dir, cache }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Builds one of the variants, or all; returns what the compiler wrote down.
    fn build(&self, only: Option<&str>) -> String {
        let _ = fs::remove_file(self.path("log"));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "headers::build_all", "--ignored", "--nocapture"])
            .env("VERILATED_CACHE", self.cache.dir());
        command.env("CXX", self.path("cxx")).env("LOG", self.path("log")).env("OWN", self.path("own"));
        if let Some(name) = only {
            command.env("ONLY", name);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The compiled headers in the cache, with their inodes.
    fn compiled(&self) -> Vec<(PathBuf, u64)> {
        let places = self.cache.list().unwrap().into_iter().map(|e| e.path.join("vlrs_prelude.h.gch"));
        let mut found: Vec<_> = places.filter_map(|p| Some((p.clone(), fs::metadata(&p).ok()?.ino()))).collect();
        found.sort();
        found
    }
}

fn count(log: &str, start: &str, end: &str) -> usize {
    log.lines().filter(|line| line.starts_with(start) && line.ends_with(end)).count()
}

#[test]
fn every_unit_of_every_profile_takes_the_compiled_headers() {
    let compiler = Compiler::new();
    let before = compiler.compiled();
    let log = compiler.build(None);
    let units = count(&log, "unit ", ".cpp");
    assert!(units > variants().len(), "{log}");
    // `!` marks one that is used, `x` one that does not fit.
    assert_eq!((count(&log, "! ", ".gch"), count(&log, "x ", ".gch")), (units, 0), "{log}");
    // Those of the three profiles and of waveforms serve all.
    assert_eq!(compiler.compiled(), before);
}

#[test]
fn a_changed_header_is_compiled_again() {
    let compiler = Compiler::new();
    // Those that came with the cache were made without the compiler's own header.
    for (path, _) in compiler.compiled() {
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
    compiler.build(Some("quick"));
    let first = compiler.compiled();
    assert_eq!(first.len(), 1);
    compiler.build(Some("other"));
    assert_eq!(compiler.compiled(), first);
    fs::write(compiler.path("own/algorithm"), "#include_next <algorithm>\n#define CHANGED\n").unwrap();
    let log = compiler.build(Some("covered"));
    let second = compiler.compiled();
    assert_eq!(second.len(), 1);
    assert_ne!(second, first);
    assert_eq!(count(&log, "! ", ".gch"), count(&log, "unit ", ".cpp"), "{log}");
}

#[test]
fn headers_that_the_compiler_cannot_read_do_not_stop_a_build() {
    let compiler = Compiler::new();
    let text = fs::read_to_string(compiler.path("cxx")).unwrap();
    let broken = "if [ -e vlrs_prelude.h.gch ]; then echo 'fatal error: cannot map PCH file' >&2; exit 1; fi\nexec g++";
    script(&compiler.path("cxx"), &text.replace("exec g++", broken));
    let log = compiler.build(Some("quick"));
    assert_eq!(count(&log, "! ", ".gch"), 0, "{log}");
    // What was tried, and then all again.
    assert!(count(&log, "unit ", ".cpp") > 1, "{log}");
}
