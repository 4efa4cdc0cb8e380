//! Comparison with graphics cards: baselines by hand, figures that say too little, the command.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::refused;
use approx::assert_relative_eq;
use memrtl::cost::compare::{self, Claim, Comparison, Network, Quantity};
use memrtl::cost::explain::{AGREEMENT, explain, power_ratio};
use memrtl::cost::gpu::{Baseline, Basis, Gpu, activation_bytes, operations, weight_bytes};
use memrtl::cost::shapes::Shape;
use memrtl::cost::{Components, CostError, estimate_shapes};
use memrtl::phases::Phase;
use memrtl::report::compare::{compare_chart, compare_tables};
use memrtl::spec::{self, Code, MomentumUnit, SpecErrors};

fn components() -> Components {
    Components::embedded(8).expect("the shipped table")
}

fn all() -> (Vec<Network>, Vec<Comparison>, Vec<Claim>, Gpu) {
    let networks = compare::networks(None).expect("built in");
    let gpu = Gpu::embedded().expect("shipped");
    let comparisons = compare::compare(&networks, &components(), &gpu).expect("all have an estimate");
    (networks, comparisons, compare::claims().expect("shipped"), gpu)
}

const MLP: [Shape; 2] = [Shape::full(784, 100), Shape::full(100, 10)];

/// The roofline of 784-100-10 on 11.3 TFLOP/s and 484 GB/s.
///
/// Operations: 4 * 78400 + 6 * 1000 = 319600. Bytes: 28 * 79400 of weights and 12 * (784 + 100 + 100 + 10) of activations, 2235128:
/// 4.618 us, against 28 ns of computing.
#[test]
fn by_hand_roofline_of_an_mnist_network() {
    assert_eq!((operations(&MLP), weight_bytes(&MLP), activation_bytes(&MLP)), (319_600.0, 2_223_200.0, 11_928.0));
    let gpu = Gpu::embedded().expect("shipped");
    let roofline = gpu.cost(Baseline::Roofline, "any", &MLP).expect("a data sheet");
    assert_relative_eq!(roofline.seconds, 2_235_128.0 / 484e9, max_relative = 1e-12);
    assert_relative_eq!(roofline.joules.expect("a power"), 250.0 * 2_235_128.0 / 484e9, max_relative = 1e-12);
    assert_eq!((roofline.batch_size, roofline.basis), (1, Basis::Published));
    // One by one takes the latency; 1024 at once take it together.
    let one = gpu.cost(Baseline::OneByOne, "any", &MLP).expect("an assumption");
    assert_eq!((one.seconds, one.low, one.high, one.basis), (0.55e-3, 0.3e-3, 1e-3, Basis::Assumed));
    assert_relative_eq!(one.joules.expect("a power"), 0.1375, max_relative = 1e-12);
    let large = gpu.cost(Baseline::LargeBatch, "any", &MLP).expect("an assumption");
    assert_relative_eq!(large.seconds, 0.55e-3 / 1024.0, max_relative = 1e-12);
    assert_eq!(large.batch_size, 1024);
    // A network that computes for longer than that is not launched faster than it computes: here 1024 * 3.2 ms at half of the peak.
    let wide = [Shape::full(30_000, 200_000), Shape::full(200_000, 10)];
    let seconds = |baseline| gpu.cost(baseline, "any", &wide).expect("a cost").seconds;
    assert_relative_eq!(seconds(Baseline::LargeBatch), 2.0 * operations(&wide) / 11.3e12, max_relative = 1e-9);
    assert_eq!(seconds(Baseline::OneByOne), seconds(Baseline::Roofline));
}

/// What somebody measured goes before what is assumed, for its own network and baseline alone.
#[test]
fn measurements_replace_assumptions() {
    let text = "[card]\nname = \"A card\"\npeak = \"10 TFLOP/s\"\nbandwidth = \"500 GB/s\"\nstatus = \"measured\"\nsource = \"me\"\n\
                [[measurement]]\nnetwork = \"MNIST 784-100-10\"\nbaseline = \"one_by_one\"\nbatch_size = 1\n\
                iteration = \"0.2 ms\"\nhigh = \"0.4 ms\"\npower = \"60 W\"\nframework = \"PyTorch 2\"\nby = \"me\"\ndate = \"2026-11-26\"\n\
                [[measurement]]\nnetwork = \"MNIST 784-100-10\"\nbaseline = \"large_batch\"\nbatch_size = 100\n\
                iteration = \"1 ms\"\nframework = \"PyTorch 2\"\nby = \"me\"";
    let gpu = Gpu::parse(text, "card.toml").unwrap_or_else(|e| panic!("{e}"));
    let one = gpu.cost(Baseline::OneByOne, "MNIST 784-100-10", &MLP).expect("measured");
    assert_eq!((one.seconds, one.low, one.high, one.basis), (2e-4, 2e-4, 4e-4, Basis::Measured));
    assert_relative_eq!(one.joules.expect("a power"), 60.0 * 2e-4, max_relative = 1e-12);
    assert_eq!(one.source, "measured by me, 2026-11-26; PyTorch 2");
    let large = gpu.cost(Baseline::LargeBatch, "MNIST 784-100-10", &MLP).expect("measured");
    assert_relative_eq!(large.seconds, 1e-5, max_relative = 1e-12);
    // No power, no energy; no figure, no baseline.
    assert_eq!(large.joules, None);
    assert_eq!(gpu.cost(Baseline::OneByOne, "LeNet-5", &MLP), None);
    assert_eq!(gpu.cost(Baseline::Roofline, "LeNet-5", &MLP).expect("a roofline").joules, None);
    let networks: Vec<Network> = compare::networks(None).expect("built in").into_iter().take(4).collect();
    let comparisons = compare::compare(&networks, &components(), &gpu).expect("compared");
    let tables = compare_tables(&comparisons, &gpu);
    assert!(tables.contains("A card, roofline") && tables.contains("measured by me"), "{tables}");
}

/// The published way of counting comes to the published speed-ups; the energies differ, and by what is told.
#[test]
fn published_figures_stand_beside_ours() {
    let (networks, comparisons, claims, gpu) = all();
    assert_eq!(comparisons.len(), 10);
    for c in &comparisons {
        let baselines: Vec<Baseline> = c.against.iter().map(|a| a.gpu.baseline).collect();
        assert_eq!(baselines, Baseline::ALL, "{}", c.network);
        for a in &c.against {
            assert_relative_eq!(a.speed_up, a.gpu.seconds / c.seconds, max_relative = 1e-12);
            assert!(a.low <= a.speed_up && a.speed_up <= a.high);
            assert_relative_eq!(
                a.energy.expect("a power"),
                a.gpu.joules.expect("a power") / c.joules,
                max_relative = 1e-12
            );
        }
    }
    let list = explain(&claims, &networks, &comparisons, &components(), &gpu).expect("explained");
    assert_eq!(list.len(), 3);
    for b in &list {
        match b.claim.what {
            Quantity::SpeedUp => assert!(b.agrees && (1.0 / AGREEMENT..AGREEMENT).contains(&b.ratio), "{b:?}"),
            Quantity::Energy => {
                // The terms lead from our figure to what is left, without a gap.
                let mut value = b.ours;
                for term in &b.terms {
                    assert_relative_eq!(value / term.factor, term.value, max_relative = 1e-9);
                    assert!(term.factor >= 1.0, "{term:?}");
                    value = term.value;
                }
                assert_relative_eq!(value / b.claim.value, b.rest, max_relative = 1e-12);
                assert!(!b.agrees && b.terms.len() == 6);
            }
        }
    }
    assert_relative_eq!(power_ratio(&claims).expect("both figures"), 886.0 / 7.0, max_relative = 1e-12);
}

/// A convolution of one position is a fully connected layer; of many, it takes as many reads and pulses.
#[test]
fn positions_multiply_what_a_layer_does() {
    let text = "name = \"little\"\n[network]\ninputs = 64\nlayers = [ { outputs = 10 } ]\n[training]\n\
                momentum_unit = \"in_array\"\n[data]\ncsv = \"none.csv\"";
    let design = spec::parse(text, "little.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
    let of = |positions: usize| {
        let conv = Shape { inputs: 75, outputs: 32, positions, pixels: positions, words: 3 * 32 * 32 };
        estimate_shapes(&design, "conv", &[conv, Shape::full(32, 10)], &components()).expect("an estimate")
    };
    let (few, many) = (of(10), of(1000));
    assert_eq!(few.weights, 75 * 32 + 320);
    // Fixed parts (second layer, decay and transfer) aside, a hundred times.
    let grown = |value: &dyn Fn(&memrtl::cost::Estimate) -> f64| (value(&many) - value(&few)) / 990.0;
    // A forward read of 32 columns by 8 ADCs: 5 + 5 + 3 * 5 cycles, a beat and 3 cycles to the next.
    assert_relative_eq!(grown(&|e| e.inference.phase_cycles["forward"]), 29.0, max_relative = 1e-12);
    let pulses = grown(&|e| e.training.energies.component(memrtl::cost::Component::Pulses));
    let all = few.training.energies.component(memrtl::cost::Component::Pulses);
    assert!(pulses * 10.0 < all && pulses * 10.0 > 0.8 * all, "{pulses:e} {all:e}");
    assert!(many.training.energies.part(Phase::Update, memrtl::cost::Component::Local) > 0.0);
    assert_relative_eq!(grown(&|e| e.training.energies.component(memrtl::cost::Component::Local)), 0.0);
    // Units that go row by row have no such estimate.
    let mut sram = design.clone();
    sram.training.momentum_unit = MomentumUnit::Sram;
    let conv = Shape::conv(3, 32, 5, 32, 32);
    let refused = estimate_shapes(&sram, "conv", &[conv], &components());
    assert!(matches!(refused, Err(CostError::Positions { unit: "sram", batch: 1 })));
}

#[test]
fn the_pictures_keep_baselines_apart() {
    let (_, comparisons, _, gpu) = all();
    for what in [Quantity::SpeedUp, Quantity::Energy] {
        let chart = compare_chart(what, &comparisons, &[], &gpu);
        assert_eq!(chart.groups.len(), 5);
        for group in &chart.groups {
            let mut colors: Vec<_> = group.bars.iter().map(|bar| bar.color).collect();
            colors.dedup();
            assert_eq!(colors.len(), 3, "{}", group.label);
            assert!(group.bars.iter().all(|bar| bar.dot.is_some() && bar.value > 0.0));
        }
        let notes: Vec<&str> = chart.groups.iter().map(|group| group.note.as_str()).collect();
        assert_eq!(notes[0], "codes and pulses counted");
        assert_eq!(&notes[3..], ["estimated by layer shapes"; 2]);
        roxmltree::Document::parse(&chart.svg().expect("numbers")).expect("an SVG document");
    }
}

fn memrtl(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memrtl")).args(args).current_dir(folder).output().expect("started")
}

#[test]
fn the_command_tells_figures_and_assumptions() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = memrtl(folder.path(), &["compare"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for word in [
        "GTX 1080 Ti, one by one, launches included",
        "GTX 1080 Ti, roofline, one by one",
        "GTX 1080 Ti, large batch",
        "VGG-16",
        "886x",
        "325x",
        "term by term",
        "not explained",
        "cell_conductance: 5.5 uS",
        "300 us to 1 ms",
    ] {
        assert!(text.contains(word), "{word}\n{text}");
    }
    let json = std::fs::read_to_string(folder.path().join("out/compare/compare.json")).expect("written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["comparisons"].as_array().map(Vec::len), Some(10));
    for file in ["speed-up.svg", "speed-up.png", "energy.svg", "energy.png"] {
        assert!(folder.path().join("out/compare").join(file).exists(), "{file}");
    }
    // A network of one's own, beside a card without a power: no energy is made up.
    std::fs::write(folder.path().join("tiny.toml"), spec::preset("tiny").expect("a preset")).expect("written");
    let card = "[card]\nname = \"A card\"\npeak = \"1 TFLOP/s\"\nbandwidth = \"9 GB/s\"\nstatus = \"measured\"\nsource = \"me\"";
    std::fs::write(folder.path().join("card.toml"), card).expect("written");
    let output = memrtl(folder.path(), &["compare", "--config", "tiny.toml", "--gpu", "card.toml", "--out", "own"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("no picture of energy"), "{output:?}");
    assert!(text.contains("large batch: the file on A card says too little"), "{text}");
    let output = memrtl(folder.path(), &["compare", "--mnist", "nowhere"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--mnist nowhere: there is no such folder"));
    std::fs::write(folder.path().join("bad.toml"), card.replace("name", "nome")).expect("written");
    let output = memrtl(folder.path(), &["compare", "--gpu", "bad.toml"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("bad.toml:1:1"), "{output:?}");
}

/// The pictures of docs/cost.md are those that `make diagrams` draws.
#[test]
fn pictures_in_the_documentation_are_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(memrtl(folder.path(), &["compare", "--gallery", "."]).status.success());
    for file in ["speed-up.svg", "energy.svg", "growth.svg"] {
        let drawn = std::fs::read(folder.path().join(file)).expect("drawn");
        let kept =
            std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cost").join(file)).expect("committed");
        assert!(drawn == kept, "docs/cost/{file}: run `make diagrams`");
    }
}

fn parse(text: &str) -> Result<Gpu, SpecErrors> {
    Gpu::parse(text, "card.toml")
}

macro_rules! card {
    ($rest:literal) => {
        concat!("[card]\nname = \"A card\"\nstatus = \"measured\"\nsource = \"me\"\n", $rest)
    };
}

refused! {
    a_file_without_a_card: [Code::GpuData],
        "[one_by_one]\nbatch_size = 1\niteration = \"1 ms\"\nstatus = \"assumed\"\nframework = \"none\"\nsource = \"me\"";
    a_card_without_a_name: [Code::MissingKey],
        "[card]\npeak = \"10 TFLOP/s\"\nstatus = \"measured\"\nsource = \"me\"";
    a_card_with_an_empty_name: [Code::GpuData],
        "[card]\nname = \"\"\nstatus = \"measured\"\nsource = \"me\"";
    a_card_without_a_source: [Code::MissingKey],
        "[card]\nname = \"A card\"\nstatus = \"measured\"";
    a_measurement_without_a_batch_size: [Code::MissingKey],
        card!("[[measurement]]\nnetwork = \"LeNet-5\"\nbaseline = \"large_batch\"\niteration = \"1 ms\"\nframework = \"PyTorch 2\"\nby = \"me\"");
    batches_that_are_one_by_one: [Code::OutOfRange],
        card!("[[measurement]]\nnetwork = \"LeNet-5\"\nbaseline = \"one_by_one\"\nbatch_size = 64\niteration = \"1 ms\"\nframework = \"PyTorch 2\"\nby = \"me\"");
    an_assumption_without_a_batch_size: [Code::MissingKey],
        card!("[one_by_one]\niteration = \"1 ms\"\nstatus = \"assumed\"\nframework = \"PyTorch 2\"\nsource = \"me\"");
    a_measurement_by_nobody: [Code::MissingKey, Code::MissingKey],
        card!("[[measurement]]\nnetwork = \"LeNet-5\"\nbaseline = \"large_batch\"\nbatch_size = 64\niteration = \"1 ms\"");
    an_iteration_in_another_unit: [Code::Unit],
        card!("[[measurement]]\nnetwork = \"LeNet-5\"\nbaseline = \"large_batch\"\nbatch_size = 64\niteration = \"1 mJ\"\nframework = \"PyTorch 2\"\nby = \"me\"");
    a_range_beside_its_middle: [Code::GpuData],
        card!("[one_by_one]\nbatch_size = 1\niteration = \"1 ms\"\nlow = \"2 ms\"\nstatus = \"assumed\"\nframework = \"PyTorch 2\"\nsource = \"me\"");
    numbers_that_no_card_has: [Code::OutOfRange, Code::OutOfRange, Code::Unit, Code::UnknownKey],
        "[card]\nname = \"A card\"\npeak = \"-1 TFLOP/s\"\nbandwidth = \"0 GB/s\"\npower = \"250 J\"\nstatus = \"measured\"\nsource = \"me\"\nprice = 700";
}
