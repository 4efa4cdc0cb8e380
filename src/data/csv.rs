//! CSV: one sample per line, features then the label in the last column, with or without a header line.

use csv::{ByteRecord, ReaderBuilder};

use super::{DataError, Dataset, file};
use crate::spec::DataSource;

const FEATURE: &str = "a non-negative number";
const LABEL: &str = "a label: an integer from 0 to 65535";

/// Parses `text`; features are divided by the largest of the whole file.
///
/// The first line is a header when none of its fields is a number. A line of mixed kind is an error rather than a header:
/// a typing error in the first sample must not make it vanish.
pub(super) fn parse(source: &DataSource, text: &[u8]) -> Result<Dataset, DataError> {
    let file = file(source);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text);

    let (mut values, mut labels, mut positions) = (Vec::<f64>::new(), Vec::new(), Vec::new());
    let mut fields = 0;
    let mut record = ByteRecord::new();
    let mut first = true;
    while reader.read_byte_record(&mut record).map_err(|cause| DataError::Csv { file: file.clone(), cause })? {
        let line = record.position().map_or(0, |at| line_of(text, at));
        if first {
            first = false;
            fields = record.len();
            if fields < 2 {
                let expected = "at least one feature and a label, separated by commas".to_owned();
                return Err(DataError::CsvFields { file, line, found: fields, expected });
            }
            if record.iter().all(|field| number(field).is_none()) {
                continue;
            }
        }
        if record.len() != fields {
            return Err(DataError::CsvFields { file, line, found: record.len(), expected: fields.to_string() });
        }
        for (index, field) in record.iter().enumerate() {
            let value = number(field).filter(|&value| value >= 0.0 && value.is_finite());
            let error = |expected| {
                let text = String::from_utf8_lossy(field).into_owned();
                DataError::CsvValue { file: file.clone(), line, column: index + 1, text, expected }
            };
            if index + 1 < fields {
                values.push(value.ok_or_else(|| error(FEATURE))?);
            } else {
                // Tools that write every column as a float write labels as "3.0"; that is still the integer 3.
                let label = value.filter(|v| v.fract() == 0.0 && *v <= f64::from(u16::MAX));
                labels.push(label.ok_or_else(|| error(LABEL))? as u16);
            }
        }
        positions.push(line as u32);
    }
    if labels.is_empty() {
        return Err(DataError::Empty { file });
    }
    let largest = values.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(DataError::AllZero { file });
    }
    let samples = values.iter().map(|value| (value / largest) as f32).collect();
    Ok(Dataset::new(source.clone(), fields - 1, samples, labels, positions))
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Line of a record. The reader's position is where the record before it ended, so blank lines between them are added.
fn line_of(text: &[u8], at: &csv::Position) -> u64 {
    let rest = text.get(at.byte() as usize..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|&&byte| byte == b'\n');
    at.line() + blank.count() as u64
}
