//! The committed reference design is what `make generate-rtl` writes today.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use memrtl::rtl::{Rtl, emit};
use memrtl::spec::{self, Backend};

fn files(dir: &Path) -> BTreeMap<String, String> {
    fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&p).unwrap()))
        .collect()
}

#[test]
fn reference_design_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut design = spec::load(&root.join("presets/digits.toml")).unwrap_or_else(|e| panic!("{e}"));
    design.array.backend = Backend::Emulated;
    design.refresh_hash();
    let dir = tempfile::tempdir().unwrap();
    emit::write(&design, &Rtl::generate(&design).unwrap(), dir.path()).unwrap();
    let (now, committed) = (files(dir.path()), files(&root.join("rtl")));
    for (name, text) in &now {
        assert!(committed.get(name) == Some(text), "rtl/{name} is stale: run `make generate-rtl` and commit");
    }
    assert_eq!(now.len(), committed.len(), "rtl/ holds files of an earlier generation: run `make generate-rtl`");
}
