//! Place and route with nextpnr: its arguments, and what it reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names;
use super::target::{Family, Resource, Resources, Target};
use crate::spec::Design;

/// nextpnr's `--report`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    critical_paths: Vec<ReportPath>,
    fmax: BTreeMap<String, ReportClock>,
    utilization: BTreeMap<String, ReportUse>,
}

#[derive(Debug, Deserialize)]
struct ReportClock {
    achieved: f64,
}

#[derive(Debug, Deserialize)]
struct ReportUse {
    used: u64,
}

#[derive(Debug, Deserialize)]
struct ReportPath {
    from: String,
    to: String,
    path: Vec<ReportHop>,
}

#[derive(Debug, Deserialize)]
struct ReportHop {
    delay: f64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    net: Option<String>,
    from: ReportEnd,
    to: ReportEnd,
}

#[derive(Debug, Deserialize)]
struct ReportEnd {
    cell: String,
}

/// The longest path between two registers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CriticalPath {
    /// Nanoseconds.
    pub delay: f64,
    /// Of these, on wires.
    pub routing: f64,
    /// Cells of logic between the registers.
    pub levels: usize,
    /// Signals on the way, in the user's terms, each once.
    pub signals: Vec<String>,
}

/// What place and route came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    pub used: Resources,
    /// MHz.
    pub fmax: f64,
    pub critical_path: Option<CriticalPath>,
}

/// Arguments that choose the device, and those of a whole run: netlist `<stem>.json` to `<stem>.asc` or `.config`.
pub fn arguments(target: &Target, stem: &str, clock: f64, seed: u64) -> Vec<String> {
    let mut arguments = device(target);
    arguments.extend(netlist(target, stem));
    let words = [
        ("--freq", format!("{clock}")),
        ("--seed", seed.to_string()),
        ("--report", "nextpnr.json".to_string()),
        (
            if target.family == Family::Ice40 { "--asc" } else { "--textcfg" },
            format!("{stem}.{}", routed(target.family)),
        ),
    ];
    for (key, value) in words {
        arguments.extend([key.to_string(), value]);
    }
    // A clock that is not met is reported with its figures.
    arguments.push("--timing-allow-fail".to_string());
    arguments
}

/// Arguments that only pack: how much of the device is needed, in seconds.
pub fn pack_arguments(target: &Target, stem: &str) -> Vec<String> {
    let mut arguments = device(target);
    arguments.extend(netlist(target, stem));
    arguments.push("--pack-only".to_string());
    arguments
}

/// Netlist and pins; a PLL is bound to its pin when it is packed.
fn netlist(target: &Target, stem: &str) -> [String; 4] {
    let constraints = constraints(target.family);
    let key = format!("--{constraints}");
    ["--json".to_string(), format!("{stem}.json"), key, format!("{stem}.{constraints}")]
}

/// Arguments that choose the device.
pub fn device(target: &Target) -> Vec<String> {
    let mut arguments = vec![format!("--{}", target.device), "--package".to_string(), target.package.clone()];
    if let Some(speed) = &target.speed {
        arguments.extend(["--speed".to_string(), speed.clone()]);
    }
    arguments
}

/// Ending of the file with the pins.
pub fn constraints(family: Family) -> &'static str {
    match family {
        Family::Ice40 => "pcf",
        Family::Ecp5 => "lpf",
        Family::Xc7 => "xdc",
    }
}

/// Ending of the routed design, which the packer turns into a bitstream.
pub fn routed(family: Family) -> &'static str {
    if family == Family::Ice40 { "asc" } else { "config" }
}

/// nextpnr's names of the resources.
fn resource(family: Family, name: &str) -> Option<Resource> {
    Some(match (family, name) {
        (Family::Ice40, "ICESTORM_LC") | (Family::Ecp5, "TRELLIS_COMB") => Resource::Logic,
        (Family::Ice40, "ICESTORM_RAM") | (Family::Ecp5, "DP16KD") => Resource::Memories,
        (Family::Ice40, "ICESTORM_DSP") | (Family::Ecp5, "MULT18X18D") => Resource::Multipliers,
        (Family::Ice40, "ICESTORM_SPRAM") => Resource::LargeMemories,
        _ => return None,
    })
}

/// Resources that a log of nextpnr lists behind "Device utilisation"; `None` without such a list.
pub fn packed(log: &str, family: Family) -> Option<Resources> {
    let start = log.rfind("Device utilisation")?;
    let mut used = Resources::default();
    let mut found = false;
    for line in log[start..].lines().skip(1) {
        // "Info: 	         ICESTORM_LC:   319/ 7680     4%"
        let Some((name, counts)) = line.trim_start_matches("Info:").trim().split_once(':') else { break };
        let count = counts.split('/').next().and_then(|count| count.trim().parse().ok());
        if let (Some(resource), Some(count)) = (resource(family, name), count) {
            *used.of_mut(resource) = count;
            found = true;
        }
    }
    found.then_some(used)
}

/// Reads nextpnr's report.
///
/// # Errors
/// Text that is no such report.
pub fn read_report(text: &[u8], design: &Design, family: Family) -> Result<Routed, serde_json::Error> {
    let report: Report = serde_json::from_slice(text)?;
    let mut used = Resources::default();
    for (name, count) in &report.utilization {
        if let Some(resource) = resource(family, name) {
            *used.of_mut(resource) = count.used;
        }
    }
    let fmax = report.fmax.values().map(|clock| clock.achieved).fold(f64::INFINITY, f64::min);
    let length = |path: &ReportPath| path.path.iter().map(|hop| hop.delay).sum::<f64>();
    // From register to register: both ends at edges of a clock.
    let inside = report.critical_paths.iter().filter(|p| p.from.contains("edge") && p.to.contains("edge"));
    let longest = inside.max_by(|a, b| length(a).total_cmp(&length(b)));
    let critical_path = longest.map(|path| CriticalPath {
        delay: length(path),
        routing: path.path.iter().filter(|hop| hop.kind == "routing").map(|hop| hop.delay).sum(),
        levels: path.path.iter().filter(|hop| hop.kind == "logic").count(),
        signals: signals(path, design),
    });
    Ok(Routed { used, fmax, critical_path })
}

/// Names that the programs made up say nothing, and the bits of a carry chain would be a line each.
fn signals(path: &ReportPath, design: &Design) -> Vec<String> {
    let mut signals: Vec<String> = Vec::new();
    let nets = path.path.iter().filter_map(|hop| hop.net.as_deref());
    // The path ends in the cell behind the last wire.
    let last = path.path.last().map(|hop| if hop.kind == "setup" { &hop.from } else { &hop.to });
    let bare = |signal: &str| signal.split('[').next().unwrap_or_default().to_string();
    for name in nets.chain(last.map(|end| end.cell.as_str())).filter(|name| !name.starts_with('$')) {
        let signal = names::signal(name, design);
        if !signals.iter().any(|known| bare(known) == bare(&signal)) {
            signals.push(signal);
        }
    }
    signals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn utilisation_is_read_from_the_log() {
        let log = "Info: Constraining chains...\nInfo: Device utilisation:\nInfo: \t         ICESTORM_LC:   319/ 7680     4%\n\
                   Info: \t        ICESTORM_RAM:    12/   32    37%\nInfo: \t               SB_IO:   163/  256    63%\n\nInfo: Done\n";
        let used = packed(log, Family::Ice40).unwrap();
        assert_eq!((used.logic, used.memories, used.multipliers), (319, 12, 0));
        assert_eq!(packed("ERROR: no", Family::Ice40), None);
    }

    #[test]
    fn the_slowest_clock_and_the_longest_inner_path_count() {
        let design = spec::parse(spec::preset("digits").unwrap(), "digits", std::path::Path::new("")).unwrap();
        let hop = |kind: &str, delay: f64, net: &str, cell: &str| {
            format!(
                r#"{{"type":"{kind}","delay":{delay},{net}"from":{{"cell":"a"}},"to":{{"cell":"{cell}"}}}}"#,
                net = if net.is_empty() { String::new() } else { format!(r#""net":"{net}","#) }
            )
        };
        let path = |from: &str, hops: &[String]| {
            format!(r#"{{"from":"{from}","to":"posedge clk","path":[{}]}}"#, hops.join(","))
        };
        let text = format!(
            r#"{{"critical_paths":[{},{}],"fmax":{{"clk":{{"achieved":71.5,"constraint":50}},"b":{{"achieved":90}}}},
               "utilization":{{"ICESTORM_LC":{{"used":5,"available":9}},"SB_IO":{{"used":1}}}}}}"#,
            path("<async>", &[hop("logic", 50.0, "", "b")]),
            path(
                "posedge clk",
                &[
                    hop("clk-to-q", 0.5, "", "a"),
                    hop("routing", 1.0, "u_csr.wr_data[15]", "b"),
                    hop("logic", 0.25, "", "b"),
                    hop("routing", 1.0, "u_csr.wr_data_SB_LUT4_O_I1[0]", "c"),
                    hop("setup", 0.25, "", "c"),
                ]
            )
        );
        let routed = read_report(text.as_bytes(), &design, Family::Ice40).unwrap();
        assert_eq!((routed.used.logic, routed.fmax), (5, 71.5));
        let path = routed.critical_path.unwrap();
        assert_eq!((path.delay, path.routing, path.levels), (3.0, 2.0, 1));
        assert_eq!(path.signals, ["registers: wr_data[15]", "a"]);
    }
}
