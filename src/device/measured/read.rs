//! CSV to conductances, with every way in which it can be wrong.

use csv::{ReaderBuilder, StringRecord};

use super::{Branch, Measured};

/// Fewest measurements of a direction: the laws with most numbers have four for each.
const FEWEST: usize = 8;
const COLUMNS: [&str; 3] = ["pulse", "up", "down"];

/// A file of measured pulses that cannot be used, with the place in it and what would be allowed.
#[derive(Debug, thiserror::Error)]
pub enum MeasuredError {
    #[error("cannot read `{file}`: {cause}")]
    Read { file: String, cause: std::io::Error },
    #[error("`{file}` is no readable CSV: {cause}")]
    Csv { file: String, cause: csv::Error },
    #[error("`{file}` is empty: expected a header `pulse,up,down` and at least {FEWEST} lines of numbers")]
    Empty { file: String },
    #[error(
        "line {line} of `{file}`: column {column} is named `{name}`; allowed: `pulse`, `up` and `down`, each once, in the header"
    )]
    Column { file: String, line: u64, column: usize, name: String },
    #[error("line {line} of `{file}`: columns {first} and {second} are both named `{name}`; allowed: each once")]
    Twice { file: String, line: u64, first: usize, second: usize, name: String },
    #[error("line {line} of `{file}`: there is no column `{name}`; allowed: `pulse`, `up` and `down`, each once")]
    Missing { file: String, line: u64, name: &'static str },
    #[error("line {line} of `{file}` has {found} field(s), its header has {expected}")]
    Fields { file: String, line: u64, found: usize, expected: usize },
    #[error("line {line} of `{file}`: `{name}` is `{text}`; allowed: {allowed}")]
    Value { file: String, line: u64, name: &'static str, text: String, allowed: &'static str },
    #[error("line {line} of `{file}`: `pulse` is {value} after {before}; allowed: above {before}, pulse numbers rise")]
    Order { file: String, line: u64, value: f64, before: f64 },
    #[error("line {line} of `{file}`: `{name}` goes on after an empty field; allowed: empty fields at its end only")]
    Gap { file: String, line: u64, name: &'static str },
    #[error("`{file}` has {found} measurement(s) of `{name}`; allowed: at least {FEWEST}")]
    TooFew { file: String, name: &'static str, found: usize },
    #[error(
        "line {line} of `{file}`: `{name}` ends at {last:e} S, having started at {first:e} S; allowed: {allowed} the start"
    )]
    Direction { file: String, line: u64, name: &'static str, first: f64, last: f64, allowed: &'static str },
}

/// A direction while it is read: its name and the line of its last measurement.
struct Column {
    name: &'static str,
    index: usize,
    branch: Branch,
    line: u64,
    ended: bool,
}

pub(super) fn parse(file: &str, text: &[u8]) -> Result<Measured, MeasuredError> {
    let file = file.to_owned();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text);
    let broken = |cause| MeasuredError::Csv { file: file.clone(), cause };
    let mut record = StringRecord::new();
    if !reader.read_record(&mut record).map_err(broken)? {
        return Err(MeasuredError::Empty { file });
    }
    let [pulse, up, down] = columns(&file, &record, line_of(text, &record))?;
    let expected = record.len();
    let column = |name, index| Column {
        name,
        index,
        branch: Branch { pulses: Vec::new(), siemens: Vec::new() },
        line: 0,
        ended: false,
    };
    let mut branches = [column("up", up), column("down", down)];
    let mut before = None;
    while reader.read_record(&mut record).map_err(broken)? {
        let line = line_of(text, &record);
        if record.len() != expected {
            return Err(MeasuredError::Fields { file, line, found: record.len(), expected });
        }
        let number = |name, index: usize, allowed| {
            let text = &record[index];
            let value = text.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0);
            value.ok_or_else(|| MeasuredError::Value { file: file.clone(), line, name, text: text.to_owned(), allowed })
        };
        let value = number("pulse", pulse, "a number of pulses, 0 or more")?;
        if let Some(before) = before.filter(|before| value <= *before) {
            return Err(MeasuredError::Order { file, line, value, before });
        }
        before = Some(value);
        for column in &mut branches {
            if record[column.index].is_empty() {
                column.ended = true;
                continue;
            }
            if column.ended {
                return Err(MeasuredError::Gap { file, line, name: column.name });
            }
            let siemens = number(column.name, column.index, "a conductance in siemens, 0 or more")?;
            column.branch.pulses.push(value);
            column.branch.siemens.push(siemens);
            column.line = line;
        }
    }
    if before.is_none() {
        return Err(MeasuredError::Empty { file });
    }
    for column in &branches {
        check(&file, column)?;
    }
    let [up, down] = branches.map(|column| column.branch);
    Ok(Measured { up, down })
}

/// Places of the columns.
fn columns(file: &str, header: &StringRecord, line: u64) -> Result<[usize; 3], MeasuredError> {
    let file = || file.to_owned();
    let mut places = [None; 3];
    for (index, name) in header.iter().enumerate() {
        let lower = name.to_lowercase();
        let Some(which) = COLUMNS.iter().position(|known| *known == lower) else {
            return Err(MeasuredError::Column { file: file(), line, column: index + 1, name: name.to_owned() });
        };
        if let Some(first) = places[which] {
            let (first, second) = (first + 1, index + 1);
            return Err(MeasuredError::Twice { file: file(), line, first, second, name: lower });
        }
        places[which] = Some(index);
    }
    let mut found = [0; 3];
    for ((place, name), found) in places.iter().zip(COLUMNS).zip(&mut found) {
        *found = place.ok_or(MeasuredError::Missing { file: file(), line, name })?;
    }
    Ok(found)
}

fn check(file: &str, column: &Column) -> Result<(), MeasuredError> {
    let Column { name, branch, line, .. } = column;
    let (file, name, found) = (file.to_owned(), *name, branch.siemens.len());
    if found < FEWEST {
        return Err(MeasuredError::TooFew { file, name, found });
    }
    let (first, last) = (branch.siemens[0], branch.siemens[found - 1]);
    let (wrong, allowed) = if name == "up" { (last <= first, "above") } else { (last >= first, "below") };
    if wrong {
        return Err(MeasuredError::Direction { file, line: *line, name, first, last, allowed });
    }
    Ok(())
}

/// Line of a record. The reader's position is where the record before it ended, so blank lines and comments between them are
/// added.
fn line_of(text: &[u8], record: &StringRecord) -> u64 {
    let Some(at) = record.position() else { return 0 };
    let mut line = at.line();
    let mut rest = text.get(at.byte() as usize..).unwrap_or_default();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let skipped = &rest[..end];
        if !(skipped.starts_with(b"#") || skipped.iter().all(|byte| *byte == b'\r')) {
            break;
        }
        line += 1;
        rest = &rest[end + 1..];
    }
    line
}
