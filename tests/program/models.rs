//! Built models, by the program itself: how they are optimised, and `memrtl cache`.

use crate::common;
use crate::stand_ins::script;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use verilated::{Cache, ModelBuilder};

fn memrtl(arguments: &[&str], cache: &Path) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_memrtl")).arg("cache").args(arguments).arg("--cache").arg(cache).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with the models `first` and `second`, the second one used last, and Verilator's runtime.
struct Filled {
    dir: TempDir,
    cache: PathBuf,
    /// Entries of the two models.
    models: [PathBuf; 2],
}

fn filled() -> Filled {
    let dir = TempDir::new().unwrap();
    let cache = dir.path().join("cache");
    // The runtime is there already, compiled for all tests.
    let shared = Cache::new(common::model_cache());
    let models = ["first", "second"].map(|name| {
        let source = dir.path().join(format!("{name}.v"));
        fs::write(&source, format!("module {name} (input wire a, output wire b);\n  assign b = !a;\nendmodule\n"))
            .unwrap();
        let built = ModelBuilder::new(name).source(source).build(&shared).unwrap();
        built.path().parent().unwrap().to_path_buf()
    });
    let runtime = shared.list().unwrap().into_iter().find(|e| e.kind == verilated::EntryKind::Runtime).unwrap();
    for from in models.iter().chain([&runtime.path]) {
        let to = cache.join(from.strip_prefix(shared.dir()).unwrap());
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(from).unwrap().flatten() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let models = models.map(|m| cache.join(m.strip_prefix(shared.dir()).unwrap()));
    for (model, minutes) in models.iter().zip([90, 5]) {
        let used = SystemTime::now() - Duration::from_secs(60 * minutes);
        fs::File::options().append(true).open(model.join("manifest")).unwrap().set_modified(used).unwrap();
    }
    Filled { dir, cache, models }
}

#[test]
fn list_names_every_entry_and_what_they_take() {
    let filled = filled();
    let text = memrtl(&["list"], &filled.cache);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let line =
        |end: &str| lines.iter().position(|l| l.trim_end().ends_with(end)).unwrap_or_else(|| panic!("{end}: {text}"));
    assert!(line("model    second") < line("model    first"), "{text}");
    assert!(
        lines[line("model    second")].contains(" 5 min ago") && lines[line("model    first")].contains("90 min ago"),
        "{text}"
    );
    assert!(lines.iter().any(|l| l.contains("  runtime  verilated")), "{text}");
    let size = |l: &str| l.trim().split(" MiB").next().unwrap().parse::<f64>().unwrap();
    let total = lines[3];
    assert!(total.contains("in 3 entries") && total.contains(&filled.cache.display().to_string()), "{text}");
    let sum: f64 = lines[..3].iter().map(|l| size(l)).sum();
    // Each line is rounded to 0.1 MiB.
    assert!((size(total) - sum).abs() < 0.3 && sum > 0.0, "{text}");
}

#[test]
fn clear_removes_all_but_what_is_being_built() {
    let filled = filled();
    let key = |model: &Path| model.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    // A build of the second model is under way; one of the first was killed.
    let locks = filled.cache.join("locks");
    fs::create_dir_all(&locks).unwrap();
    let lock = fs::File::create(locks.join(key(&filled.models[1]))).unwrap();
    lock.lock().unwrap();
    let [left, running] = [0, 1].map(|i| filled.cache.join("tmp").join(format!("{}-x", key(&filled.models[i]))));
    fs::create_dir_all(&left).unwrap();
    fs::create_dir_all(&running).unwrap();
    let text = memrtl(&["clear"], &filled.cache);
    assert!(text.contains(" MiB freed in ") && !text.starts_with("0.0"), "{text}");
    assert!(!filled.models[0].exists() && filled.models[1].exists());
    assert!(!left.exists() && running.exists());
    let text = memrtl(&["list"], &filled.cache);
    assert!(text.contains("second") && text.contains("in 1 entries"), "{text}");
    drop(lock);
    memrtl(&["clear"], &filled.cache);
    assert!(!filled.models[1].exists() && !running.exists());
    assert!(memrtl(&["list"], &filled.cache).contains("in 0 entries"));
    assert!(filled.dir.path().join("first.v").exists());
}

#[test]
fn the_folder_comes_from_the_environment_and_may_be_missing() {
    let filled = filled();
    let ask = |cache: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
        let output = command.args(["cache", "list"]).env("VERILATED_CACHE", cache).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(ask(&filled.cache).contains("in 3 entries"));
    let nothing = filled.dir.path().join("nothing");
    assert!(ask(&nothing).contains("in 0 entries"));
    assert!(!nothing.exists(), "listing makes no folder");
}

#[test]
fn long_runs_are_built_for_speed_and_short_ones_quickly() {
    let dir = TempDir::new().unwrap();
    let (log, compiler) = (dir.path().join("log"), dir.path().join("cxx"));
    // Notes what it is asked and gives up: this is about the question.
    let body = "case \"$*\" in *vlrs_unit*) echo \"$@\" >> 'LOG'; exit 1;; esac\nexec g++ \"$@\"";
    script(&compiler, &body.replace("LOG", &log.display().to_string()));
    // A design that nobody else builds: it is never in the cache.
    let spec = dir.path().join("spec.toml");
    fs::write(
        &spec,
        "name = \"never_built\"\n[network]\ninputs = 64\nlayers = [{ outputs = 10, activation = \"sigmoid\" }]\n\
         [data]\nset = \"digits\"\n",
    )
    .unwrap();
    let flags = |arguments: &[&str]| {
        let _ = fs::remove_file(&log);
        let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
        command.arg("cosim").args(arguments).arg("--out").arg(dir.path().join("out")).env("CXX", &compiler);
        command.arg("--config").arg(&spec).arg("--cache").arg(common::model_cache());
        assert!(!command.output().unwrap().status.success());
        fs::read_to_string(&log).unwrap()
    };
    let model = |text: &str, flag: &str| text.lines().any(|l| l.contains("vlrs_unit") && l.contains(flag));
    let short = flags(&["--samples", "5"]);
    assert!(model(&short, " -O1 ") && !model(&short, " -O3 "), "{short}");
    let long = flags(&["--epochs", "1000"]);
    assert!(model(&long, " -O3 "), "{long}");
}
