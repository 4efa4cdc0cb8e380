//! The golden machine learns with the full scales that follow by default and the learning rates that the presets advise.

use std::path::Path;

use memrtl::data::{Dataset, epoch_order};
use memrtl::golden::encode::{classify, input_codes, target_codes};
use memrtl::golden::{Machine, Mode, SampleTrace};
use memrtl::spec;

/// Test accuracy on the digits after eight epochs, 0 to 1.
fn accuracy(layers: &[(usize, &str)], learning_rate: f64) -> f64 {
    let layers: Vec<String> =
        layers.iter().map(|(n, f)| format!("{{ outputs = {n}, activation = \"{f}\" }}")).collect();
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 64\nlayers = [{}]\n[training]\nlearning_rate = {learning_rate}\n",
        layers.join(", ")
    );
    let design = spec::parse(&text, "net.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
    let data = Dataset::load(&design.data.source).expect("shipped");
    let (train, test) = data.split(design.data.test_fraction, design.training.seed).expect("enough samples");
    let mut machine = Machine::new(&design).expect("a usable device");
    let mut trace = SampleTrace::default();
    for epoch in 0..8 {
        for index in epoch_order(design.training.seed, epoch, train.len()) {
            let target = target_codes(&design, usize::from(train.labels[index]));
            machine
                .run(&input_codes(&design, train.sample(index)), &target, Mode::Train, &mut trace)
                .expect("finite devices");
        }
    }
    let mut right = 0;
    for index in 0..test.len() {
        machine.run(&input_codes(&design, test.sample(index)), &[], Mode::Infer, &mut trace).expect("finite devices");
        right += usize::from(classify(trace.output()) == usize::from(test.labels[index]));
    }
    right as f64 / test.len() as f64
}

macro_rules! learns {
    ($($name:ident: $layers:expr, $rate:expr;)*) => {$(
        #[test]
        fn $name() {
            let accuracy = accuracy(&$layers, $rate);
            assert!(accuracy >= 0.9, "{accuracy}");
        }
    )*};
}

learns! {
    sigmoid: [(10, "sigmoid")], 0.1;
    sigmoid_sigmoid: [(32, "sigmoid"), (10, "sigmoid")], 0.1;
    sigmoid_sigmoid_sigmoid: [(32, "sigmoid"), (24, "sigmoid"), (10, "sigmoid")], 0.1;
    relu_sigmoid: [(32, "relu"), (10, "sigmoid")], 0.02;
    relu_relu_sigmoid: [(32, "relu"), (24, "relu"), (10, "sigmoid")], 0.01;
    tanh_sigmoid: [(32, "tanh"), (10, "sigmoid")], 0.02;
    tanh_tanh: [(32, "tanh"), (10, "tanh")], 0.005;
    tanh_tanh_tanh: [(32, "tanh"), (24, "tanh"), (10, "tanh")], 0.005;
    relu_linear: [(32, "relu"), (10, "linear")], 0.005;
    relu_relu_linear: [(32, "relu"), (24, "relu"), (10, "linear")], 0.0025;
    tanh_linear: [(32, "tanh"), (10, "linear")], 0.005;
}
