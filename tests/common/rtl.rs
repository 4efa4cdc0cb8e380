//! Lint of generated Verilog with the tools that its users have.

use std::path::Path;
use std::process::Command;

use memrtl::rtl::{Rtl, emit};
use memrtl::spec::Design;

/// Writes the design to `dir` and holds it against `verilator -Wall` and `iverilog -Wall`; panics with their words.
pub fn lint(design: &Design, dir: &Path) -> Rtl {
    let rtl = Rtl::generate(design).expect("the templates render");
    emit::write(design, &rtl, dir).expect("the folder is writable");
    let files: Vec<String> = rtl.modules.iter().map(|m| format!("{}.v", m.name)).collect();
    let verilator = ["--lint-only", "-Wall", "--default-language", "1364-2005", "--top-module", &rtl.top];
    silent(Command::new("verilator").args(verilator).args(&files).current_dir(dir), design);
    let iverilog = ["-g2005", "-Wall", "-o", "/dev/null", "-s", &rtl.top];
    silent(Command::new("iverilog").args(iverilog).args(&files).current_dir(dir), design);
    rtl
}

/// Runs a tool that must succeed without a word.
fn silent(command: &mut Command, design: &Design) {
    let output = command.output().expect("the tool runs; `make setup` installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let spec = memrtl::spec::canonical_toml(design);
    assert!(output.status.success() && text.trim().is_empty(), "{command:?}\n{text}\nspec:\n{spec}");
}
