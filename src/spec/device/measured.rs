//! A device of the user's own: a file of measured pulses, fitted.

use std::path::Path;

use super::{foreign, response};
use crate::device::measured::{self, Measured, MeasuredError};
use crate::device::response::{Law, Parameters};
use crate::spec::error::{Code, Problem};
use crate::spec::reader::{Entry, Reader, Section};

/// Reads and fits the file; keys of the law replace what was fitted, and give what no file tells.
pub(super) fn read(reader: &Reader<'_>, section: &Section<'_>, base_dir: &Path) -> Option<Parameters> {
    let laws: Vec<(&str, Option<Law>)> =
        std::iter::once(("auto", None)).chain(measured::AUTOMATIC.map(|law| (law.name(), Some(law)))).collect();
    let law = section.choice("law", &laws).or(None)?.value;
    let (file, span) = match section.text("file") {
        Entry::Given(file, span) => (file, span),
        Entry::Bad => return None,
        Entry::Absent => {
            section.missing("file", "name a CSV with the columns pulse, up and down: `file = \"my-device.csv\"`");
            return None;
        }
    };
    let refuse = |message: String| {
        reader.report(Problem::new(Code::Measured, message).at(Some(span.clone()), ""));
    };
    let measured = match load(&base_dir.join(&file), &file) {
        Ok(measured) => measured,
        Err(error) => {
            refuse(error.to_string());
            return None;
        }
    };
    let fitted = match law {
        Some(law) => measured::fit(&measured, law),
        None => measured::fit_best(&measured).map(|(mut fits, best)| fits.swap_remove(best)),
    };
    let fitted = match fitted {
        Ok(fit) => fit.parameters,
        Err(error) => {
            refuse(format!("`{file}`: {error}"));
            return None;
        }
    };
    foreign(reader, section, fitted.law.name(), &response::own_keys(fitted.law, &["file", "law"]));
    response::read_over(reader, section, fitted)
}

/// The measured pulses in the file at `path`, called `name` in messages.
fn load(path: &Path, name: &str) -> Result<Measured, MeasuredError> {
    let text = std::fs::read(path).map_err(|cause| MeasuredError::Read { file: name.to_owned(), cause })?;
    Measured::parse(name, &text)
}
