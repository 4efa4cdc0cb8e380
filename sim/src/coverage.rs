//! Coverage counts in the format of Verilator: reading, merging, writing.

use std::{collections::BTreeMap, fs, path::Path};

use crate::Error;

/// Counts of coverage points, from one run or many. The text that names a point is Verilator's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
}

/// One coverage point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point<'a> {
    /// Source file.
    pub file: &'a str,
    /// Line, counted from 1; 0 if unknown.
    pub line: u32,
    /// What is covered: `v_line`, `v_toggle`, `v_branch`, `v_user`, with the module after a slash.
    pub page: &'a str,
    /// The signal or branch.
    pub object: &'a str,
    /// Instance.
    pub hierarchy: &'a str,
    /// How often.
    pub count: u64,
}

const HEADER: &str = "# SystemC::Coverage-3";

impl Coverage {
    /// Nothing covered yet.
    pub fn new() -> Coverage {
        Coverage::default()
    }

    /// Reads a file written by [`Model::write_coverage`](crate::Model::write_coverage), by [`Coverage::write`] or by Verilator.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Coverage`].
    pub fn read(path: impl AsRef<Path>) -> Result<Coverage, Error> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let mut counts = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            // C 'key' count; a key may hold a quote.
            let point = line.strip_prefix("C '").and_then(|rest| rest.rsplit_once("' "));
            let point = point.and_then(|(key, count)| Some((key, count.trim().parse::<u64>().ok()?)));
            let Some((key, count)) = point else {
                return Err(Error::Coverage { path: path.to_path_buf(), line: at + 1 });
            };
            *counts.entry(key.to_string()).or_default() += count;
        }
        Ok(Coverage { counts })
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Coverage) {
        for (key, count) in &other.counts {
            let sum = self.counts.entry(key.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// Writes a file that `verilator_coverage` reads.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let mut text = format!("{HEADER}\n");
        for (key, count) in &self.counts {
            text.push_str(&format!("C '{key}' {count}\n"));
        }
        fs::write(path.as_ref(), text).map_err(Error::io("write", path.as_ref()))
    }

    /// All points, in the order of their text.
    pub fn points(&self) -> impl Iterator<Item = Point<'_>> {
        self.counts.iter().map(|(key, &count)| {
            // Fields stand as \u{1}name\u{2}value.
            let field = |name: &str| {
                key.split('\u{1}')
                    .find_map(|f| f.split_once('\u{2}').filter(|(n, _)| *n == name))
                    .map_or("", |(_, v)| v)
            };
            let line = field("l").parse().unwrap_or(0);
            Point { file: field("f"), line, page: field("page"), object: field("o"), hierarchy: field("h"), count }
        })
    }

    /// Covered and all points whose page starts with `page` (such as `v_line`; the empty text takes all).
    pub fn summary(&self, page: &str) -> (usize, usize) {
        let counts: Vec<u64> = self.points().filter(|p| p.page.starts_with(page)).map(|p| p.count).collect();
        (counts.iter().filter(|&&c| c > 0).count(), counts.len())
    }

    /// Applies `edit` to the name of every point.
    pub(crate) fn rename(self, edit: impl Fn(&str) -> String) -> Coverage {
        let mut counts = BTreeMap::new();
        for (key, count) in self.counts {
            *counts.entry(edit(&key)).or_default() += count;
        }
        Coverage { counts }
    }
}
