//! `memrtl new` as the user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use memrtl::spec;

fn memrtl_new(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memrtl")).arg("new").args(args).current_dir(folder).output().expect("started")
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}

#[test]
fn every_preset_is_written_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in spec::PRESETS {
        let file = format!("{name}.toml");
        let output = memrtl_new(folder.path(), &["--preset", name, "--out", &file]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            fs::read_to_string(folder.path().join(&file)).expect("written"),
            spec::preset(name).expect("embedded")
        );
        spec::load(&folder.path().join(&file)).unwrap_or_else(|e| panic!("{e}"));
    }
    assert_eq!(
        files(folder.path()),
        [
            "digits.toml",
            "digits_cnn.toml",
            "digits_fpga.toml",
            "digits_pcm.toml",
            "digits_reram.toml",
            "digits_stt.toml",
            "mnist.toml",
            "mnist_fpga.toml",
            "tiny.toml"
        ]
    );
}

#[test]
fn digits_go_to_memrtl_toml() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = memrtl_new(folder.path(), &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "wrote memrtl.toml; next: memrtl cosim --config memrtl.toml\n");
    assert_eq!(spec::load(&folder.path().join("memrtl.toml")).expect("valid").name, "digits");
}

#[test]
fn existing_files_stay_without_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("memrtl.toml");
    fs::write(&file, "mine").expect("written");
    let message = refused(&memrtl_new(folder.path(), &[]));
    assert_eq!(message, "error: `memrtl.toml` exists; `--force` replaces it, `--out` names another file");
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
    assert!(memrtl_new(folder.path(), &["--force"]).status.success());
    assert_eq!(fs::read_to_string(&file).expect("there"), spec::preset("digits").expect("embedded"));
    assert_eq!(files(folder.path()), ["memrtl.toml"]);
}

#[test]
fn what_is_no_file_is_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("memrtl.toml")).expect("made");
    let message = refused(&memrtl_new(folder.path(), &["--force"]));
    assert_eq!(message, "error: `memrtl.toml` is not a plain file; `--out` names another");
    assert_eq!(files(folder.path()), ["memrtl.toml"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_files_are_readable_for_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("real.toml"), "mine").expect("written");
    std::os::unix::fs::symlink("real.toml", folder.path().join("link.toml")).expect("linked");
    refused(&memrtl_new(folder.path(), &["--out", "link.toml"]));
    assert!(memrtl_new(folder.path(), &["--out", "link.toml", "--force"]).status.success());
    assert!(folder.path().join("link.toml").is_symlink());
    assert_eq!(
        fs::read_to_string(folder.path().join("real.toml")).expect("there"),
        spec::preset("digits").expect("embedded")
    );
    // The same rights as any file that is made here.
    fs::write(folder.path().join("plain"), "").expect("written");
    let mode = |name: &str| fs::metadata(folder.path().join(name)).expect("there").permissions().mode();
    assert_eq!(mode("real.toml"), mode("plain"));
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = refused(&memrtl_new(folder.path(), &["--out", "nowhere/net.toml"]));
    assert!(message.starts_with("error: cannot write into `nowhere`: "), "{message}");
    assert!(files(folder.path()).is_empty());
}

#[test]
fn unknown_presets_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = refused(&memrtl_new(folder.path(), &["--preset", "digit"]));
    assert!(message.contains("'digits'") && message.contains("mnist, tiny"), "{message}");
    assert!(files(folder.path()).is_empty());
}
