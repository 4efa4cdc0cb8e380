//! Fault maps: CSV files with a stuck device a line. Every problem is told with its line.

use std::collections::HashMap;
use std::path::Path;

use super::Design;
use super::error::{Code, Problem, Span};
use super::nonideal::{FaultKind, FaultMap, MappedFault};
use super::reader::{Reader, list, nearest};
use crate::device::CellAddress;

const COLUMNS: [&str; 5] = ["layer", "row", "col", "device", "kind"];
/// Problems of one map that are shown.
const SHOWN: usize = 10;

/// What is wrong with a line, and what is allowed in its place.
struct Fault {
    message: String,
    allowed: String,
}

impl Fault {
    fn new(message: impl Into<String>, allowed: impl Into<String>) -> Fault {
        Fault { message: message.into(), allowed: allowed.into() }
    }
}

/// Reads the map at `path`, relative to `base_dir`; reports every problem at `span`, its place in the spec.
pub(super) fn read(
    reader: &Reader<'_>,
    path: &str,
    span: Span,
    design: &Design,
    devices: usize,
    base_dir: &Path,
) -> Option<FaultMap> {
    let report = |place: &str, fault: &Fault| {
        let message = format!("fault map `{path}`{place}: {}", fault.message);
        reader.report(Problem::new(Code::FaultMap, message).at(Some(span.clone()), &fault.allowed));
    };
    let text = match std::fs::read(base_dir.join(path)) {
        Ok(text) => text,
        Err(error) => {
            report("", &Fault::new(format!("it cannot be read: {error}"), ""));
            return None;
        }
    };
    let (faults, problems) = parse(&text, design, devices);
    for (line, fault) in problems.iter().take(SHOWN) {
        report(&format!(", line {line}"), fault);
    }
    if problems.len() > SHOWN {
        report("", &Fault::new(format!("{} more problems", problems.len() - SHOWN), ""));
    }
    problems.is_empty().then(|| FaultMap { path: path.into(), faults })
}

/// All faults, and all problems with their lines.
fn parse(text: &[u8], design: &Design, devices: usize) -> (Vec<MappedFault>, Vec<(u64, Fault)>) {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text);
    let (mut faults, mut problems) = (Vec::new(), Vec::new());
    let mut seen: HashMap<(usize, usize, usize, usize), u64> = HashMap::new();
    let mut header = false;
    for record in rows.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                problems.push((line, Fault::new("this is not UTF-8 text", "")));
                break;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if !header {
            header = true;
            if !record.iter().eq(COLUMNS) {
                let found = record.iter().collect::<Vec<_>>().join(",");
                let fault = Fault::new(format!("the header is `{found}`"), format!("allowed: {}", COLUMNS.join(",")));
                problems.push((line, fault));
                break;
            }
            continue;
        }
        match fault(&record, design, devices) {
            Err(fault) => problems.push((line, fault)),
            Ok(fault) => {
                let CellAddress { device, row, col } = fault.at;
                if let Some(first) = seen.insert((fault.layer, device, row, col), line) {
                    let message = format!("{} of layer `{}` is there twice", fault.at, design.layers[fault.layer].name);
                    problems.push((line, Fault::new(message, format!("first in line {first}"))));
                } else {
                    faults.push(fault);
                }
            }
        }
    }
    if !header {
        problems.push((1, Fault::new("the file is empty", format!("allowed: the header {}", COLUMNS.join(",")))));
    }
    (faults, problems)
}

fn fault(record: &csv::StringRecord, design: &Design, devices: usize) -> Result<MappedFault, Fault> {
    if record.len() != COLUMNS.len() {
        let message = format!("{} values", record.len());
        return Err(Fault::new(message, format!("allowed: {}: {}", COLUMNS.len(), COLUMNS.join(","))));
    }
    let unknown = |key: &str, word: &str, known: &[&str]| {
        let mut message = format!("`{key}` of `{word}` is unknown");
        if let Some(near) = nearest(word, known) {
            message += &format!(", did you mean `{near}`?");
        }
        Fault::new(message, format!("allowed: {}", list(known, '`')))
    };
    let names: Vec<&str> = design.layers.iter().map(|layer| layer.name.as_str()).collect();
    let layer =
        names.iter().position(|name| *name == &record[0]).ok_or_else(|| unknown("layer", &record[0], &names))?;
    let shape = &design.layers[layer];
    let number = |column: usize, count: usize| {
        let (key, word) = (COLUMNS[column], &record[column]);
        let allowed = || format!("allowed in layer `{}`: 0 to {}", shape.name, count - 1);
        match word.parse::<usize>() {
            Ok(value) if value < count => Ok(value),
            Ok(value) => Err(Fault::new(format!("`{key}` of {value} is out of range"), allowed())),
            Err(_) => Err(Fault::new(format!("`{key}` of `{word}` is no number"), allowed())),
        }
    };
    let at = CellAddress { row: number(1, shape.rows())?, col: number(2, shape.outputs)?, device: number(3, devices)? };
    let kinds = FaultKind::ALL.map(FaultKind::name);
    let kind = FaultKind::ALL.into_iter().find(|kind| kind.name() == &record[4]);
    Ok(MappedFault { layer, at, kind: kind.ok_or_else(|| unknown("kind", &record[4], &kinds))? })
}
