//! Networks on the generated hardware beside a graphics card.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::components::Components;
use super::energy::{Counting, Estimate, estimate};
use super::gpu::{Baseline, Gpu, GpuCost};
use super::positions::estimate_shapes;
use super::shapes::Shape;
use super::{CostError, GoldenRun, Source};
use crate::data::Dataset;
use crate::spec::{self, DataSource, Design, MomentumUnit, SpecErrors};

/// Cells times training samples of a golden run: some seconds.
const MOST_WORK: usize = 1_000_000_000;
/// Pairs of the unit `history` but for the digits, which have what their preset has.
const PAIRS: usize = 10;
const IMAGES: &str = "t10k-images-idx3-ubyte.gz";
const LABELS: &str = "t10k-labels-idx1-ubyte.gz";

/// A network to compare, with one momentum unit.
#[derive(Debug, Clone)]
pub struct Network {
    /// As measurements name it.
    pub name: String,
    /// Hardware, and the layers of networks that are no mere shapes.
    pub design: Design,
    pub shapes: Vec<Shape>,
    /// By layer shapes alone: no hardware for it can be generated.
    pub by_shapes: bool,
}

/// One network and unit beside the card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub network: String,
    pub unit: MomentumUnit,
    pub by_shapes: bool,
    pub activity: Source,
    /// Seconds and joules of a training sample.
    pub seconds: f64,
    pub joules: f64,
    pub against: Vec<Against>,
    #[serde(skip)]
    pub estimate: Estimate,
}

/// How a training sample compares with one baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    pub gpu: GpuCost,
    /// The card's seconds over ours, and the range that follows from the card's.
    pub speed_up: f64,
    pub low: f64,
    pub high: f64,
    /// The card's joules over ours.
    pub energy: Option<f64>,
}

impl Comparison {
    /// The card, by one baseline.
    pub fn over(&self, baseline: Baseline) -> Option<&Against> {
        self.against.iter().find(|against| against.gpu.baseline == baseline)
    }
}

/// Units in the order of the published variants: memory beside the synapses, memory inside.
pub const UNITS: [MomentumUnit; 2] = [MomentumUnit::History, MomentumUnit::InArray];

/// The networks that memrtl compares by itself, each with every unit of [`UNITS`]. `mnist`: a folder with MNIST's test images, for codes and
/// pulses of the two networks on them.
///
/// # Errors
/// None, unless a built-in spec is broken.
pub fn networks(mnist: Option<&Path>) -> Result<Vec<Network>, SpecErrors> {
    let mut list = Vec::new();
    for unit in UNITS {
        let digits = parse(&spec_text("digits", 64, &[(32, "sigmoid"), (10, "sigmoid")], unit, 8, ""), None)?;
        list.push(Network::of("digits 64-32-10", digits));
    }
    let small: &[(usize, &str)] = &[(100, "relu"), (10, "sigmoid")];
    let large: &[(usize, &str)] = &[(500, "relu"), (300, "relu"), (10, "sigmoid")];
    let array = "[array]\nadcs = 16\nlanes = 32\nrows = 128\ncols = 128\n";
    for (name, layers) in [("MNIST 784-100-10", small), ("MNIST 784-500-300-10", large)] {
        for unit in UNITS {
            let text = spec_text("mnist", 784, layers, unit, PAIRS, array);
            list.push(Network::of(name, parse(&text, Some(mnist))?));
        }
    }
    for (name, shapes) in [("LeNet-5", lenet()), ("VGG-16", vgg())] {
        for unit in UNITS {
            let design = parse(&spec_text("mnist", 784, small, unit, PAIRS, array), Some(None))?;
            list.push(Network { name: name.to_owned(), design, shapes: shapes.clone(), by_shapes: true });
        }
    }
    Ok(list)
}

impl Network {
    /// A fully connected network with all that its spec says.
    pub fn of(name: &str, design: Design) -> Network {
        let shapes = design.shapes();
        Network { name: name.to_owned(), design, shapes, by_shapes: false }
    }

    /// What a training sample costs: codes and pulses from the network's data, where it has some.
    ///
    /// # Errors
    /// See [`estimate`] and [`estimate_shapes`].
    pub fn estimate(&self, components: &Components) -> Result<Estimate, CostError> {
        if self.by_shapes {
            return estimate_shapes(&self.design, &self.name, &self.shapes, components);
        }
        estimate(&self.design, components, counting(&self.design)?)
    }
}

/// A golden run of some seconds, or an assumption where the data are not there.
fn counting(design: &Design) -> Result<Counting, CostError> {
    let there = match &design.data.source {
        DataSource::Digits => true,
        DataSource::Csv(path) => path.exists(),
        DataSource::Idx { images, labels } => images.exists() && labels.exists(),
    };
    let Some(samples) = there.then(|| Dataset::load(&design.data.source)).transpose()?.map(|data| data.len()) else {
        return Ok(Counting::Assumed);
    };
    Ok(GoldenRun::within(design, MOST_WORK, samples).map_or(Counting::Assumed, Counting::Golden))
}

/// Compares networks with a card.
///
/// # Errors
/// A network that has no estimate.
pub fn compare(networks: &[Network], components: &Components, gpu: &Gpu) -> Result<Vec<Comparison>, CostError> {
    networks.iter().map(|network| Ok(beside(network, network.estimate(components)?, gpu))).collect()
}

/// A network's estimate beside a card.
pub(super) fn beside(network: &Network, estimate: Estimate, gpu: &Gpu) -> Comparison {
    let (seconds, joules) = (estimate.training.seconds, estimate.training.joules);
    let against = |baseline: Baseline| {
        let gpu = gpu.cost(baseline, &network.name, &network.shapes)?;
        let over = |card: f64| card / seconds;
        let energy = gpu.joules.map(|card| card / joules);
        Some(Against { speed_up: over(gpu.seconds), low: over(gpu.low), high: over(gpu.high), energy, gpu })
    };
    Comparison {
        network: network.name.clone(),
        unit: estimate.momentum_unit,
        by_shapes: network.by_shapes,
        activity: estimate.activity.source,
        seconds,
        joules,
        against: Baseline::ALL.into_iter().filter_map(against).collect(),
        estimate,
    }
}

/// A spec of a fully connected network. Learning rates are those of the presets.
fn spec_text(
    name: &str,
    inputs: usize,
    layers: &[(usize, &str)],
    unit: MomentumUnit,
    pairs: usize,
    array: &str,
) -> String {
    let layer =
        |(outputs, activation): &(usize, &str)| format!("{{ outputs = {outputs}, activation = \"{activation}\" }}");
    let layers: Vec<String> = layers.iter().map(layer).collect();
    let rate = if name == "mnist" { 0.015 } else { 0.1 };
    let depth = if unit.history() { format!("history = {pairs}\n") } else { String::new() };
    let data = if name == "mnist" { "idx = { images = \"images\", labels = \"labels\" }" } else { "set = \"digits\"" };
    format!(
        "name = \"{name}\"\n[network]\ninputs = {inputs}\nlayers = [ {} ]\n[training]\nlearning_rate = {rate}\n\
         momentum_unit = \"{}\"\n{depth}{array}[data]\n{data}\n",
        layers.join(", "),
        unit.name()
    )
}

/// The design of a built-in spec; `mnist`: it wants MNIST, which lies in the inner folder if anywhere.
fn parse(text: &str, mnist: Option<Option<&Path>>) -> Result<Design, SpecErrors> {
    let mut design = spec::parse(text, "a built-in network", Path::new(""))?;
    if let Some(folder) = mnist {
        let folder = folder.unwrap_or(Path::new("no data"));
        design.data.source = DataSource::Idx { images: folder.join(IMAGES), labels: folder.join(LABELS) };
    }
    Ok(design)
}

/// LeNet-5 (LeCun et al., Proc. IEEE 86(11), 1998) with all maps connected: 28 x 28 inputs, padded, two convolutions and poolings, three full layers.
fn lenet() -> Vec<Shape> {
    vec![
        Shape::conv(1, 28, 5, 6, 28),
        Shape::conv(6, 14, 5, 16, 10),
        Shape::full(400, 120),
        Shape::full(120, 84),
        Shape::full(84, 10),
    ]
}

/// VGG-16, configuration D of Simonyan and Zisserman, ICLR 2015: 224 x 224 inputs of 3 channels.
fn vgg() -> Vec<Shape> {
    let maps: [(usize, usize, usize); 13] = [
        (3, 64, 224),
        (64, 64, 224),
        (64, 128, 112),
        (128, 128, 112),
        (128, 256, 56),
        (256, 256, 56),
        (256, 256, 56),
        (256, 512, 28),
        (512, 512, 28),
        (512, 512, 28),
        (512, 512, 14),
        (512, 512, 14),
        (512, 512, 14),
    ];
    let convolutions = maps.map(|(channels, outputs, size)| Shape::conv(channels, size, 3, outputs, size));
    let full = [Shape::full(25_088, 4096), Shape::full(4096, 4096), Shape::full(4096, 1000)];
    convolutions.into_iter().chain(full).collect()
}

/// A figure that others have published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub what: Quantity,
    /// Name of the unit that comes nearest.
    pub unit: String,
    pub value: f64,
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    SpeedUp,
    Energy,
}

/// Published figures.
///
/// # Errors
/// None, unless the shipped file is broken.
pub fn claims() -> Result<Vec<Claim>, CostError> {
    #[derive(Deserialize)]
    struct File {
        claim: Vec<Claim>,
    }
    let file: File = toml::from_str(include_str!("../../assets/published.toml"))?;
    Ok(file.claim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::gpu::operations;

    /// 784-100-10: 79 400 weights; VGG-16 is known for 138 million weights (biases included) and 15.5 billion multiplications.
    #[test]
    fn shapes_are_those_of_the_networks() {
        let weights = |shapes: &[Shape]| shapes.iter().map(Shape::weights).sum::<u64>();
        assert_eq!(weights(&lenet()), 25 * 6 + 150 * 16 + 48_000 + 10_080 + 840);
        assert_eq!(weights(&vgg()), 138_344_128);
        let products: u64 = vgg().iter().map(|s| s.weights() * s.positions as u64).sum();
        assert_eq!(products, 15_470_264_320);
        let mlp = [Shape::full(784, 100), Shape::full(100, 10)];
        assert_eq!(operations(&mlp), 4.0 * 78_400.0 + 6.0 * 1000.0);
    }
}
