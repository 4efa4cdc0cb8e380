//! `make bench-convolution`: convolutions through the RTL. Arguments: parts to measure (`digits`, `mnist`), all by default; `mnist` needs the
//! environment variable `MNIST`, a folder with the test images.

mod common;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use common::{Parts, Results, differences, mean, run, with_seed};
use memrtl::report::figures::{Bar, Figure};
use memrtl::{spec, train};

const SEEDS: [u64; 3] = [1, 2, 3];
/// Momentum units with their keys; the first is the preset's, which bars are on.
const UNITS: [(&str, &str); 3] = [
    ("in_array", "momentum = 0.9\nmomentum_unit = \"in_array\""),
    ("history", "momentum = 0.9\nmomentum_unit = \"history\"\nhistory = 7"),
    ("none", "optimizer = \"sgd\""),
];
/// 8 kernels of 6 x 6, step 2, the largest of 2 x 2: 144 reads of an image, then 288 x 10.
const MNIST: &str = "name = \"mnist_cnn\"
[network]
image = { height = 28, width = 28 }
layers = [
  { outputs = 8, kernel = 6, stride = 2, pool = 2, activation = \"tanh\" },
  { outputs = 10, activation = \"sigmoid\" },
]
[training]
learning_rate = 0.02
momentum_unit = \"in_array\"
epochs = 4
[data]
idx = { images = \"images\", labels = \"labels\" }
";

/// Accuracy in per cent beside f64, and how far below.
fn accuracies(list: &mut Vec<Figure>, title: &dyn Fn(&str) -> String, accuracy: f64, float: f64, bar: Bar) {
    list.push(Figure::beside(&title("test accuracy (baseline: f64)"), accuracy, "%", float, Bar::None));
    list.push(Figure::new(&title("points of accuracy below f64"), float - accuracy, "", bar));
}

/// The preset in several units.
fn digits(results: &mut Results) {
    let text = spec::preset("digits_cnn").expect("the preset is built in");
    for (index, (unit, keys)) in UNITS.into_iter().enumerate() {
        let own = |line: &&str| !line.starts_with("momentum = ") && !line.starts_with("momentum_unit = ");
        let lines: Vec<&str> = text.lines().filter(own).collect();
        let text = lines.join("\n").replace("epochs = 8", &format!("epochs = 8\n{keys}"));
        let design = match common::design(&text, "digits_cnn", Path::new("")) {
            Ok(design) => design,
            Err(why) => {
                results.missing.push(format!("digits, {unit}: {why}"));
                continue;
            }
        };
        let seeded = SEEDS.map(|seed| run(&with_seed(&design, seed)));
        let title = |what: &str| format!("digits CNN, {unit}: {what}");
        let s = &seeded[0].summary;
        let different = seeded.iter().map(differences).sum();
        let list = &mut results.figures;
        list.push(Figure::new(&title("differences in any value or cycle, 3 seeds"), different, "", Bar::Exactly(0.0)));
        let accuracy = 100.0 * mean(seeded.iter().map(|r| r.summary.accuracy));
        let float = 100.0 * mean(seeded.iter().map(|r| r.summary.accuracy_float));
        let bar = if index == 0 { Bar::AtMost(0.5) } else { Bar::None };
        accuracies(list, &|what| title(&format!("{what}, mean of 3 seeds")), accuracy, float, bar);
        list.push(Figure::new(&title("cycles per training sample"), s.cycles_per_sample, "cycles", Bar::None));
        list.push(Figure::new(&title("cycles per inference"), s.cycles_per_inference, "cycles", Bar::None));
        list.push(Figure::new(&title("arrays busy in a training step"), 100.0 * s.array_busy, "%", Bar::None));
        list.push(Figure::new(&title("samples per second"), s.samples_per_second, "1/s", Bar::None));
    }
}

/// MNIST's test images, 80 % of them for training: one epoch through the RTL, all of the training by the golden model, which the RTL
/// follows to the bit.
fn mnist(results: &mut Results) {
    let both = common::mnist().and_then(|files| Ok((files, common::design(MNIST, "mnist_cnn", Path::new(""))?)));
    let ((images, labels), mut design) = match both {
        Ok(both) => both,
        Err(why) => return results.missing.push(format!("MNIST: {why}")),
    };
    design.data.source = spec::DataSource::Idx { images, labels };
    let mut short = design.clone();
    short.training.epochs = 1;
    let report = run(&short);
    let title = |what: &str| format!("MNIST CNN, in_array: {what}");
    let s = &report.summary;
    let list = &mut results.figures;
    let different = differences(&report);
    list.push(Figure::new(&title("differences in any value or cycle, 1 epoch"), different, "", Bar::Exactly(0.0)));
    list.push(Figure::new(&title("cycles per training sample"), s.cycles_per_sample, "cycles", Bar::None));
    list.push(Figure::new(&title("arrays busy in a training step"), 100.0 * s.array_busy, "%", Bar::None));
    list.push(Figure::new(&title("samples per second"), s.samples_per_second, "1/s", Bar::None));
    let options = train::Options { seeds: SEEDS.to_vec(), jobs: 0, limit: None, reference: true };
    match train::sweep(&design, &options, &AtomicBool::new(false), &|_| {}) {
        Ok(summary) => {
            let float = summary.accuracy_float.map_or(f64::NAN, |float| 100.0 * float.mean);
            let title = |what: &str| title(&format!("{what}, golden, 4 epochs, mean of 3 seeds"));
            accuracies(list, &title, 100.0 * summary.accuracy.mean, float, Bar::AtMost(0.5));
        }
        Err(error) => results.missing.push(format!("MNIST: {error}")),
    }
}

fn main() -> ExitCode {
    let parts = match Parts::from_arguments(&["digits", "mnist"]) {
        Ok(parts) => parts,
        Err(code) => return code,
    };
    let mut results = Results::default();
    if parts.wanted("digits") {
        digits(&mut results);
    }
    if parts.wanted("mnist") {
        mnist(&mut results);
    }
    results.finish("convolution")
}
