//! Lint of generated Verilog with the tools that its users have.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use memrtl::rtl::{Rtl, emit};
use memrtl::spec::Design;

/// Writes the design to `dir` and holds it, as simulators and as Yosys read it, against `verilator -Wall`, and against `iverilog -Wall`; panics with
/// their words.
pub fn lint(design: &Design, dir: &Path) -> Rtl {
    let rtl = Rtl::generate(design).expect("the templates render");
    lint_rtl(design, &rtl, dir);
    rtl
}

/// The same of a design that has been generated.
pub fn lint_rtl(design: &Design, rtl: &Rtl, dir: &Path) {
    emit::write(design, rtl, dir).expect("the folder is writable");
    let files: Vec<String> = rtl.modules.iter().map(|m| format!("{}.v", m.name)).collect();
    let verilator = ["--lint-only", "-Wall", "--default-language", "1364-2005", "--top-module", &rtl.top];
    for reader in [None, Some("-DYOSYS")] {
        silent(Command::new("verilator").args(verilator).args(reader).args(&files).current_dir(dir), design);
    }
    let iverilog = ["-g2005", "-Wall", "-o", "/dev/null", "-s", &rtl.top];
    silent(Command::new("iverilog").args(iverilog).args(&files).current_dir(dir), design);
}

/// Runs a tool that must succeed without a word.
fn silent(command: &mut Command, design: &Design) {
    let output = command.output().expect("the tool runs; `make setup` installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let spec = memrtl::spec::canonical_toml(design);
    assert!(output.status.success() && text.trim().is_empty(), "{command:?}\n{text}\nspec:\n{spec}");
}

/// `rtl` with changes, each a module name without the design's prefix, a text that stands once in it, and what replaces it: a
/// design that does something else than it says.
pub fn mutated(rtl: &Rtl, changes: &[(&str, &str, &str)]) -> Rtl {
    let mut rtl = rtl.clone();
    for (module, from, to) in changes {
        let name = if module.is_empty() { rtl.top.clone() } else { format!("{}_{module}", rtl.top) };
        let found = rtl.modules.iter_mut().find(|m| m.name == name).unwrap_or_else(|| panic!("no module {name}"));
        assert_eq!(found.text.matches(from).count(), 1, "`{from}` must stand once in {name}");
        found.text = found.text.replace(from, to);
    }
    rtl
}

/// The same design with the text under `YOSYS`, which simulators pass over, for everyone.
pub fn as_yosys_reads(rtl: &Rtl) -> Rtl {
    let mut rtl = rtl.clone();
    for module in &mut rtl.modules {
        module.text = module.text.replace("`ifdef YOSYS", "`ifndef YOSYS");
    }
    rtl
}

/// Does `work` for every item, on all cores; a panic in one of them comes out at the end.
pub fn on_all_cores<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..std::thread::available_parallelism().map_or(1, usize::from))
            .map(|_| {
                scope.spawn(|| {
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                        work(item);
                    }
                })
            })
            .collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}
