//! Data sets: reading, scaling to `0..=1`, stratified splitting and the order of an epoch.

mod csv;
mod error;
mod idx;
mod order;

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

pub use self::error::DataError;
pub use self::order::epoch_order;
use crate::spec::{DataSource, Design};

/// The UCI digits (8x8 pixels of 0 to 16, then the label), see `data/README.md`.
const DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// Labelled samples of equal length, features scaled to `0..=1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Where the samples come from; messages name it.
    pub source: DataSource,
    /// Features of one sample.
    pub features: usize,
    /// Largest label plus 1.
    pub classes: usize,
    /// Row-major, `len() * features` values in `0..=1`.
    pub samples: Vec<f32>,
    /// One class number per sample.
    pub labels: Vec<u16>,
    /// Where each sample stood in its file: line (CSV, from 1) or index (IDX, from 0).
    positions: Vec<u32>,
}

impl Dataset {
    /// Reads a data set. IDX and CSV files may be gzip-compressed; their content tells, not their name.
    ///
    /// # Errors
    /// Missing, truncated or malformed files, features that are no numbers or negative, labels that are no integers.
    pub fn load(source: &DataSource) -> Result<Dataset, DataError> {
        match source {
            DataSource::Digits => csv::parse(source, &inflate(DIGITS, Path::new("data/digits.csv.gz"))?),
            DataSource::Csv(path) => csv::parse(source, &read(path)?),
            DataSource::Idx { images, labels } => idx::load(images, labels),
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without samples; a loaded data set never is.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Features of sample `index`, each in `0..=1`.
    pub fn sample(&self, index: usize) -> &[f32] {
        &self.samples[index * self.features..][..self.features]
    }

    /// Like [`Dataset::sample`], widened for the f64 reference.
    pub fn sample_f64(&self, index: usize) -> Vec<f64> {
        self.sample(index).iter().map(|&value| f64::from(value)).collect()
    }

    /// Where sample `index` stands in its file, for messages.
    pub fn place(&self, index: usize) -> String {
        let position = self.positions[index];
        match &self.source {
            DataSource::Digits | DataSource::Csv(_) => format!("line {position} of `{}`", file(&self.source)),
            DataSource::Idx { labels, .. } => format!("item {position} of `{}`", labels.display()),
        }
    }

    /// Checks that the samples fit the network: one feature per input, every label an output.
    ///
    /// # Errors
    /// [`DataError::Features`] and [`DataError::Label`] (the first such sample).
    pub fn check(&self, design: &Design) -> Result<(), DataError> {
        if self.features != design.inputs {
            return Err(DataError::Features {
                file: file(&self.source),
                found: self.features,
                expected: design.inputs,
            });
        }
        let outputs = design.outputs();
        match self.labels.iter().position(|&label| usize::from(label) >= outputs) {
            Some(index) => Err(DataError::Label { place: self.place(index), label: self.labels[index], outputs }),
            None => Ok(()),
        }
    }

    /// Splits into training and test set: every class keeps its share (to one sample), the choice depends on `seed` only.
    /// The test set gets `fraction` of the samples, rounded up; both keep the order of the file.
    ///
    /// # Errors
    /// A fraction outside `0 < fraction < 1`, or no sample left for training.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Dataset, Dataset), DataError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DataError::TestFraction { fraction });
        }
        let (train, test) = order::stratify(&self.labels, self.classes, fraction, seed);
        if train.is_empty() {
            return Err(DataError::NoTraining { file: file(&self.source), fraction, samples: self.len() });
        }
        Ok((self.select(&train), self.select(&test)))
    }

    /// The samples at `indices`, in that order; `features` and `classes` stay those of the whole.
    pub fn select(&self, indices: &[usize]) -> Dataset {
        Dataset {
            source: self.source.clone(),
            features: self.features,
            classes: self.classes,
            samples: indices.iter().flat_map(|&i| self.sample(i)).copied().collect(),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            positions: indices.iter().map(|&i| self.positions[i]).collect(),
        }
    }

    fn new(source: DataSource, features: usize, samples: Vec<f32>, labels: Vec<u16>, positions: Vec<u32>) -> Dataset {
        let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
        Dataset { source, features, classes, samples, labels, positions }
    }
}

/// The file that messages about samples name.
fn file(source: &DataSource) -> String {
    match source {
        DataSource::Digits => "digits".to_owned(),
        DataSource::Csv(path) => path.display().to_string(),
        DataSource::Idx { images, .. } => images.display().to_string(),
    }
}

/// A file's bytes, decompressed when they begin like a gzip stream.
fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = fs::read(path).map_err(|cause| DataError::Read { path: path.to_owned(), cause })?;
    if bytes.starts_with(&[0x1f, 0x8b]) { inflate(&bytes, path) } else { Ok(bytes) }
}

fn inflate(bytes: &[u8], path: &Path) -> Result<Vec<u8>, DataError> {
    let mut plain = Vec::new();
    match MultiGzDecoder::new(bytes).read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(cause) => Err(DataError::Gzip { path: path.to_owned(), cause }),
    }
}
