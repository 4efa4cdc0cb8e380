//! docs/devices.md: its pictures are what the command draws, and all of them are shown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use memrtl::report::plots;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn pictures(dir: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".svg")).collect()
}

#[test]
fn committed_pictures_are_what_the_command_draws() {
    let out = tempfile::tempdir().unwrap();
    plots::gallery(out.path()).unwrap();
    let committed = docs().join("devices");
    assert_eq!(pictures(out.path()), pictures(&committed), "run `make diagrams`");
    for name in pictures(&committed) {
        let (drawn, stored) = (fs::read(out.path().join(&name)).unwrap(), fs::read(committed.join(&name)).unwrap());
        assert!(drawn == stored, "docs/devices/{name} is out of date: run `make diagrams` and look at it");
    }
}

#[test]
fn every_picture_is_shown() {
    let page = fs::read_to_string(docs().join("devices.md")).unwrap();
    for name in pictures(&docs().join("devices")) {
        assert!(page.contains(&format!("](devices/{name})")), "docs/devices/{name} is not in docs/devices.md");
    }
}
