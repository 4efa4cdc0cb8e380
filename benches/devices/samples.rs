//! The shipped digits, enlarged to 28x28, as IDX files: data of the size that the literature's networks have.

use std::path::Path;

use memrtl::data::Dataset;
use memrtl::spec::DataSource;

const SIDE: usize = 28;

/// Writes `images.idx` and `labels.idx`; every pixel of a digit becomes a square.
pub fn write(folder: &Path) {
    let digits = Dataset::load(&DataSource::Digits).expect("shipped");
    let count = (digits.len() as u32).to_be_bytes();
    let mut images = vec![0, 0, 8, 3];
    images.extend(count);
    images.extend([0, 0, 0, SIDE as u8, 0, 0, 0, SIDE as u8]);
    let mut labels = vec![0, 0, 8, 1];
    labels.extend(count);
    for index in 0..digits.len() {
        let sample = digits.sample(index);
        let pixel = |i: usize| (sample[i / SIDE * 8 / SIDE * 8 + i % SIDE * 8 / SIDE] * 255.0).round() as u8;
        images.extend((0..SIDE * SIDE).map(pixel));
        labels.push(digits.labels[index] as u8);
    }
    let save = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes);
    std::fs::create_dir_all(folder)
        .and_then(|()| save("images.idx", &images))
        .and_then(|()| save("labels.idx", &labels))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}
