//! Data sets from files: what is read, what is refused and with which words.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use memrtl::data::{DataError, Dataset, epoch_order};
use memrtl::spec::{self, DataSource, Design};
use tempfile::TempDir;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(elements);
    bytes
}

/// A folder for the files of one test; messages are compared without its name.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn csv(&self, text: impl AsRef<[u8]>) -> Result<Dataset, DataError> {
        fs::write(self.path("a.csv"), text).unwrap();
        Dataset::load(&DataSource::Csv(self.path("a.csv")))
    }

    fn idx(&self, images: impl AsRef<[u8]>, labels: impl AsRef<[u8]>) -> Result<Dataset, DataError> {
        fs::write(self.path("images"), images).unwrap();
        fs::write(self.path("labels"), labels).unwrap();
        Dataset::load(&DataSource::Idx { images: self.path("images"), labels: self.path("labels") })
    }

    fn message<T: std::fmt::Debug>(&self, result: Result<T, DataError>) -> String {
        result.unwrap_err().to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn the_digits_are_all_there() {
    let digits = Dataset::load(&DataSource::Digits).unwrap();
    assert_eq!((digits.len(), digits.features, digits.classes), (1797, 64, 10));
    // First line of the file: 0,0,5,13,9,1,0,0,... of 16, label 0.
    assert_eq!(digits.sample(0)[..8], [0.0, 0.0, 0.3125, 0.8125, 0.5625, 0.0625, 0.0, 0.0]);
    assert_eq!(digits.labels[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    assert!(digits.samples.iter().all(|value| (0.0..=1.0).contains(value)));
    assert_eq!(digits.samples.iter().copied().fold(0.0, f32::max), 1.0);
    let counts: Vec<usize> = (0..10).map(|class| digits.labels.iter().filter(|&&l| l == class).count()).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(digits.place(1796), "line 1797 of `digits`");
}

#[test]
fn csv_is_scaled_by_its_largest_value() {
    let folder = Folder::new();
    let plain = folder.csv("0, 4, 2\n8, 1e0, 0\n").unwrap();
    assert_eq!((plain.features, plain.classes), (2, 3));
    assert_eq!(plain.samples, [0.0, 0.5, 1.0, 0.125]);
    assert_eq!(plain.labels, [2, 0]);

    for same in ["a,b,label\n0,4,2\n8,1,0\n", "0,4,2.0\r\n8,1,0.0", "\u{feff}0,4,2\n8,1,0\n"] {
        let other = folder.csv(same).unwrap();
        assert_eq!((other.samples, other.labels), (plain.samples.clone(), plain.labels.clone()), "{same:?}");
    }
    assert_eq!(folder.csv(gzip(b"0,4,2\n8,1,0\n")).unwrap().samples, plain.samples);
}

#[test]
fn csv_errors_name_line_and_column() {
    let folder = Folder::new();
    let message = |text: &str| folder.message(folder.csv(text));
    assert_eq!(message("1,2,0\n3,-4,1\n"), "line 2, column 2 of `a.csv`: `-4` is not a non-negative number");
    assert_eq!(message("a,b,c\n1,2,0\n3,x,1\n"), "line 3, column 2 of `a.csv`: `x` is not a non-negative number");
    // A typing error in the first line must not turn it into a header.
    assert_eq!(message("l,2,0\n3,4,1\n"), "line 1, column 1 of `a.csv`: `l` is not a non-negative number");
    assert_eq!(message("1,nan,0\n"), "line 1, column 2 of `a.csv`: `nan` is not a non-negative number");
    assert_eq!(message("1,inf,0\n"), "line 1, column 2 of `a.csv`: `inf` is not a non-negative number");
    assert_eq!(message("1,2,0\n1,,0\n"), "line 2, column 2 of `a.csv`: `` is not a non-negative number");
    let label = "is not a label: an integer from 0 to 65535";
    assert_eq!(message("1,2,0.5\n"), format!("line 1, column 3 of `a.csv`: `0.5` {label}"));
    assert_eq!(message("1,2,65536\n"), format!("line 1, column 3 of `a.csv`: `65536` {label}"));
    assert_eq!(message("1,2,0\n1,2,\n"), format!("line 2, column 3 of `a.csv`: `` {label}"));
    assert_eq!(message("1,2,0\n1,2\n"), "line 2 of `a.csv` has 2 field(s), expected 3");
    assert_eq!(
        message("1;2;0\n"),
        "line 1 of `a.csv` has 1 field(s), expected at least one feature and a label, separated by commas"
    );
    assert_eq!(message(""), "`a.csv` holds no samples");
    assert_eq!(message("a,b,label\n"), "`a.csv` holds no samples");
    assert_eq!(message("0,0,1\n"), "every feature of `a.csv` is 0: there is nothing to scale or to learn from");
}

#[test]
fn csv_lines_are_counted_across_blank_ones_and_both_line_ends() {
    let folder = Folder::new();
    for (text, line) in [("1,0\n\n\n-1,0\n", 4), ("1,0\r\n\r\n-1,0\r\n", 3), ("\n\n-1,0\n", 3), ("h,l\r\n-1,0", 2)] {
        let message = folder.message(folder.csv(text));
        assert!(message.starts_with(&format!("line {line}, column 1")), "{text:?}: {message}");
    }
}

#[test]
fn idx_is_read_plain_and_compressed() {
    let folder = Folder::new();
    let images = idx(&[2, 2, 2], &[0, 51, 255, 1, 2, 3, 4, 5]);
    let labels = idx(&[2], &[3, 1]);
    let plain = folder.idx(&images, &labels).unwrap();
    assert_eq!((plain.len(), plain.features, plain.classes), (2, 4, 4));
    assert_eq!(plain.sample(0), [0.0, 0.2, 1.0, 1.0 / 255.0]);
    assert_eq!(plain.labels, [3, 1]);
    assert_eq!(folder.idx(gzip(&images), gzip(&labels)).unwrap(), plain);
}

#[test]
fn damaged_idx_is_refused() {
    let folder = Folder::new();
    let images = idx(&[2, 2, 2], &[1; 8]);
    let labels = idx(&[2], &[0, 1]);
    let message = |images: &[u8], labels: &[u8]| folder.message(folder.idx(images, labels));

    assert_eq!(
        message(&images[..images.len() - 1], &labels),
        "`images` is truncated: its header announces 24 bytes, the file has 23"
    );
    assert_eq!(message(&images[..9], &labels), "`images` is truncated: its header announces 16 bytes, the file has 9");
    assert_eq!(
        message(&[&images[..], &[0]].concat(), &labels),
        "`images` is too long: its header announces 24 bytes, the file has 25"
    );
    assert_eq!(message(&images, &idx(&[3], &[0, 1, 2])), "`images` holds 2 images, but `labels` holds 3 labels");
    // The two files exchanged, the commonest mistake.
    assert_eq!(message(&labels, &images), "`images` has 1 dimension(s), expected 2 to 4 (images, rows, columns)");
    assert_eq!(message(&images, &images), "`labels` has 3 dimension(s), expected 1 (labels)");
    let magic = "expected 00 00 08 and the number of dimensions";
    assert_eq!(
        message(b"\x89PNG", &labels),
        format!("`images` is no IDX file of bytes: it starts with 89 50 4e 47, {magic}")
    );
    assert_eq!(
        message(b"", &labels),
        format!("`images` is no IDX file of bytes: it starts with nothing (it is empty), {magic}")
    );
    // Little-endian sizes and an element type other than bytes.
    let swapped = [&images[..4], &[2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0], &images[16..]].concat();
    assert!(message(&swapped, &labels).contains("announces 37778931862957161709584 bytes"));
    let floats = [&[0, 0, 0x0d, 3], &images[4..]].concat();
    assert!(message(&floats, &labels).contains("starts with 00 00 0d 03"));
    assert_eq!(message(&idx(&[0, 2, 2], &[]), &idx(&[0], &[])), "`images` holds no samples");

    let compressed = gzip(&images);
    let cut = message(&compressed[..compressed.len() - 6], &labels);
    assert!(cut.starts_with("`images` is a damaged or truncated gzip file: "), "{cut}");
    let mut flipped = compressed;
    let middle = flipped.len() - 7;
    flipped[middle] ^= 0xff;
    assert!(message(&flipped, &labels).starts_with("`images` is a damaged or truncated gzip file: "));
}

#[test]
fn a_missing_file_is_named() {
    let error = Dataset::load(&DataSource::Csv("no/such/file.csv".into())).unwrap_err();
    assert!(matches!(&error, DataError::Read { path, .. } if path == Path::new("no/such/file.csv")));
    assert!(error.to_string().starts_with("cannot read `no/such/file.csv`: No such file"), "{error}");
}

#[test]
fn a_split_keeps_the_share_of_every_class() {
    let digits = Dataset::load(&DataSource::Digits).unwrap();
    let (train, test) = digits.split(0.2, 1).unwrap();
    assert_eq!((train.len(), test.len()), (1437, 360));
    for class in 0..10 {
        let count = |set: &Dataset| set.labels.iter().filter(|&&label| label == class).count() as f64;
        assert!((count(&test) - 0.2 * count(&digits)).abs() < 1.0, "class {class}");
    }
    // Together they are the whole, with nothing twice.
    let places: HashSet<String> = (0..1437).map(|i| train.place(i)).chain((0..360).map(|i| test.place(i))).collect();
    assert_eq!(places.len(), 1797);
    let line: usize = test.place(0).split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(test.sample(0), digits.sample(line - 1));
    assert_eq!(test.labels[0], digits.labels[line - 1]);

    assert_eq!(digits.split(0.2, 1).unwrap(), (train.clone(), test));
    assert_ne!(digits.split(0.2, 2).unwrap().0, train);
}

#[test]
fn an_impossible_split_is_refused() {
    let folder = Folder::new();
    let one = folder.csv("1,2,0\n").unwrap();
    for fraction in [0.0, 1.0, -0.1, f64::NAN] {
        let message = folder.message(one.split(fraction, 1));
        assert_eq!(message, format!("`test_fraction = {fraction}` is out of range: allowed more than 0, less than 1"));
    }
    assert_eq!(
        folder.message(one.split(0.5, 1)),
        "`test_fraction = 0.5` of the 1 sample(s) in `a.csv` leaves none for training"
    );
}

#[test]
fn epochs_differ_and_repeat() {
    assert_eq!(epoch_order(1, 0, 1437), epoch_order(1, 0, 1437));
    assert_ne!(epoch_order(1, 0, 1437), epoch_order(1, 1, 1437));
    assert_ne!(epoch_order(1, 0, 1437), epoch_order(2, 0, 1437));
}

#[test]
fn samples_must_fit_the_network() {
    let text = spec::preset("digits").unwrap();
    let digits = Dataset::load(&DataSource::Digits).unwrap();
    let design = spec::parse(text, "digits.toml", Path::new("")).unwrap();
    digits.check(&design).unwrap();

    let folder = Folder::new();
    let message = |dataset: &Dataset, design: &Design| folder.message(dataset.check(design));
    let mut narrow = design.clone();
    narrow.inputs = 63;
    let expected = "`digits` has 64 features per sample, but the network has 63 inputs (`network.inputs`)";
    assert_eq!(message(&digits, &narrow), expected);

    // The digits' line 9 is the first with label 8, past the outputs of an 8-class network.
    let mut few = design;
    few.layers.last_mut().unwrap().outputs = 8;
    let range = "is out of range: allowed 0 to 7, as the last layer has 8 outputs";
    assert_eq!(message(&digits, &few), format!("line 9 of `digits`: label 8 {range}"));

    few.inputs = 2;
    let csv = folder.csv("x,y,label\n1,2,7\n\n3,4,9\n").unwrap();
    assert_eq!(message(&csv, &few), format!("line 4 of `a.csv`: label 9 {range}"));
    let images = folder.idx(idx(&[2, 2], &[1; 4]), idx(&[2], &[7, 12])).unwrap();
    assert_eq!(message(&images, &few), format!("item 1 of `labels`: label 12 {range}"));
}

/// MNIST is not part of the project: `MEMRTL_MNIST` names a folder that holds its 10,000 test images.
#[test]
fn mnist_is_read_where_it_is_given() {
    let Some(folder) = std::env::var_os("MEMRTL_MNIST").map(PathBuf::from) else {
        eprintln!("MEMRTL_MNIST is not set: nothing tested");
        return;
    };
    let mnist = Dataset::load(&DataSource::Idx {
        images: folder.join("t10k-images-idx3-ubyte.gz"),
        labels: folder.join("t10k-labels-idx1-ubyte.gz"),
    })
    .unwrap();
    assert_eq!((mnist.len(), mnist.features, mnist.classes), (10_000, 784, 10));
    assert_eq!(mnist.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
}
