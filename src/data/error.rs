//! What can be wrong with a data set; each message names the file and the place in it.

use std::io;
use std::path::PathBuf;

/// A data set that cannot be used, with the file, the place in it and what would be allowed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("cannot read `{}`: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("`{}` is a damaged or truncated gzip file: {cause}", path.display())]
    Gzip { path: PathBuf, cause: io::Error },

    #[error("`{}` is no IDX file of bytes: it starts with {found}, expected 00 00 08 and the number of dimensions", path.display())]
    IdxMagic { path: PathBuf, found: String },
    #[error("`{}` has {found} dimension(s), expected {expected}", path.display())]
    IdxDimensions { path: PathBuf, found: u8, expected: &'static str },
    #[error("`{}` is truncated: its header announces {expected} bytes, the file has {found}", path.display())]
    IdxTruncated { path: PathBuf, expected: u128, found: usize },
    #[error("`{}` is too long: its header announces {expected} bytes, the file has {found}", path.display())]
    IdxTrailing { path: PathBuf, expected: u128, found: usize },
    #[error("`{}` holds {image_count} images, but `{}` holds {label_count} labels", images.display(), labels.display())]
    IdxCounts { images: PathBuf, labels: PathBuf, image_count: usize, label_count: usize },

    #[error("line {line} of `{file}` has {found} field(s), expected {expected}")]
    CsvFields { file: String, line: u64, found: usize, expected: String },
    #[error("line {line}, column {column} of `{file}`: `{text}` is not {expected}")]
    CsvValue { file: String, line: u64, column: usize, text: String, expected: &'static str },
    #[error("`{file}` is no readable CSV: {cause}")]
    Csv { file: String, cause: csv::Error },

    #[error("`{file}` holds no samples")]
    Empty { file: String },
    #[error("every feature of `{file}` is 0: there is nothing to scale or to learn from")]
    AllZero { file: String },

    #[error("`{file}` has {found} features per sample, but the network has {expected} inputs (`network.inputs`)")]
    Features { file: String, found: usize, expected: usize },
    #[error("{place}: label {label} is out of range: allowed 0 to {}, as the last layer has {outputs} outputs", outputs.saturating_sub(1))]
    Label { place: String, label: u16, outputs: usize },

    #[error("`test_fraction = {fraction}` is out of range: allowed more than 0, less than 1")]
    TestFraction { fraction: f64 },
    #[error("`test_fraction = {fraction}` of the {samples} sample(s) in `{file}` leaves none for training")]
    NoTraining { file: String, fraction: f64, samples: usize },
}
