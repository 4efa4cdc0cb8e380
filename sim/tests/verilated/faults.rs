//! Damage to the cache: races, kills, truncated files, no permission, no space.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::common::{builder, fresh_cache, start};
use verilated::{Cache, Error, ModelBuilder};

/// Run by the tests below in processes of their own: builds into the cache that the environment names, and says how it went.
#[test]
#[ignore = "helper of the other tests"]
fn build_and_print() {
    let cache = Cache::default_dir().unwrap();
    match slow().build(&cache) {
        Ok(library) => println!("built {}", library.path().display()),
        Err(error) => println!("error: {error}"),
    }
}

/// Takes about a second to build: long enough to be killed in every phase.
fn slow() -> ModelBuilder {
    builder("nest").trace(Some(verilated::TraceFormat::Vcd))
}

fn command(cache: &Cache) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "faults::build_and_print", "--ignored", "--nocapture"]);
    command.env("VERILATED_CACHE", cache.dir()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn litter(cache: &Cache) -> usize {
    fs::read_dir(cache.dir().join("tmp")).map_or(0, |d| d.count())
}

/// The library in the cache works.
fn works(builder: &ModelBuilder, cache: &Cache) {
    let library = builder.build(cache).unwrap_or_else(|e| panic!("{e}"));
    let mut m = start(&library);
    let clk = m.input("clk", 1).unwrap();
    m.cycle(clk).unwrap();
}

#[test]
fn processes_and_threads_that_race_share_one_build() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    let children: Vec<_> = (0..3).map(|_| command(&cache).spawn().unwrap()).collect();
    let paths: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| slow().build(&cache).unwrap())).collect();
        threads.into_iter().map(|t| format!("built {}", t.join().unwrap().path().display())).collect()
    });
    for child in children {
        let text = said(child);
        assert!(text.contains(&paths[0]), "{text}");
    }
    assert!(paths.iter().all(|p| *p == paths[0]));
    assert_eq!(cache.list().unwrap().iter().filter(|e| e.kind == verilated::EntryKind::Model).count(), 1);
    assert_eq!(litter(&cache), 0);
}

#[test]
fn a_build_killed_at_any_moment_leaves_the_cache_whole() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    let mut killed = 0;
    for delay in (0..12).map(|i| Duration::from_millis(60 + 130 * i)) {
        // Start from nothing each time, so that every phase is hit.
        let _ = fs::remove_dir_all(cache.dir().join("models"));
        let mut child = command(&cache).process_group(0).spawn().unwrap();
        std::thread::sleep(delay);
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        for entry in cache.list().unwrap() {
            assert!(entry.path.join("manifest").exists(), "{entry:?}");
        }
    }
    assert!(killed >= 3, "the builds were over before they could be killed");
    works(&slow(), &cache);
    // Compilers that outlived their parent may still have been writing.
    std::thread::sleep(Duration::from_millis(1500));
    fs::remove_dir_all(cache.dir().join("models")).unwrap();
    works(&slow(), &cache);
    assert_eq!(litter(&cache), 0);
}

#[test]
fn damaged_entries_are_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    let wide = builder("wide");
    let library = wide.build(&cache).unwrap();
    let path = library.path().to_path_buf();
    drop(library);
    let whole = fs::read(&path).unwrap();
    // Under the same name, not in place: this process may still have the old file mapped.
    let replace = |bytes: &[u8]| {
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    };
    let damage: [(&str, &dyn Fn()); 6] = [
        ("truncated", &|| replace(&whole[..whole.len() / 2])),
        ("empty", &|| replace(b"")),
        ("one bit", &|| {
            let mut bytes = whole.clone();
            bytes[whole.len() / 3] ^= 4;
            replace(&bytes);
        }),
        ("gone", &|| fs::remove_file(&path).unwrap()),
        ("no manifest", &|| fs::remove_file(path.with_file_name("manifest")).unwrap()),
        ("empty manifest", &|| fs::write(path.with_file_name("manifest"), b"").unwrap()),
    ];
    for (what, harm) in damage {
        harm();
        works(&wide, &cache);
        assert!(fs::metadata(&path).unwrap().len() > whole.len() as u64 / 2, "{what}");
    }
    // So is the runtime, on which the next model depends.
    for entry in cache.list().unwrap().iter().filter(|e| e.kind == verilated::EntryKind::Runtime) {
        for file in fs::read_dir(&entry.path).unwrap().flatten().filter(|f| f.file_name() != "manifest") {
            // The file may be shared with other caches.
            fs::remove_file(file.path()).unwrap();
            fs::write(file.path(), b"rubbish").unwrap();
        }
    }
    works(&builder("nest"), &cache);
    assert_eq!(litter(&cache), 0);
}

/// Runs the helper as somebody without rights; skipping the change of user when already nobody special.
fn unprivileged(command: &mut Command) {
    let root = fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap_or(1) == 0;
    if root {
        command.uid(65534).gid(65534);
    }
}

fn make_mode(dir: &Path, mode: u32) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            make_mode(&entry.path(), mode);
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_read_only_cache_serves_hits_and_tells_misses() {
    // Not below the target directory, which another user may not be able to enter.
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let cache = fresh_cache(dir.path());
    let ask = || {
        let mut command = command(&cache);
        unprivileged(&mut command);
        match command.spawn() {
            Ok(child) => said(child),
            Err(e) => panic!("the test program cannot be run by another user: {e}"),
        }
    };
    make_mode(cache.dir(), 0o555);
    let text = ask();
    assert!(text.contains("error: cannot create") && text.contains("ermission denied"), "{text}");
    make_mode(cache.dir(), 0o755);
    slow().build(&cache).unwrap();
    make_mode(cache.dir(), 0o555);
    let text = ask();
    make_mode(cache.dir(), 0o755);
    assert!(text.contains("built "), "{text}");
}

#[test]
fn a_full_disk_is_told_and_leaves_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let cache = fresh_cache(dir.path());
    // No file may grow beyond 32 KiB: the compiler's output does.
    let mut child = Command::new("sh");
    child.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact faults::build_and_print --ignored --nocapture"]);
    child.arg(std::env::current_exe().unwrap()).env("VERILATED_CACHE", cache.dir());
    let text = said(child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    assert!(text.contains("error: ") && text.contains("failed"), "{text}");
    assert!(cache.list().unwrap().iter().all(|e| e.kind == verilated::EntryKind::Runtime));
    works(&slow(), &cache);
    assert_eq!(litter(&cache), 0);
}

#[test]
fn a_cache_in_an_impossible_place_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = builder("wide").build(&Cache::new(file.join("cache"))).unwrap_err();
    assert!(matches!(&error, Error::Io { action: "create", .. }), "{error}");
}
