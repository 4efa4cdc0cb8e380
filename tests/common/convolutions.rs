//! Random valid specs with a convolution: images, kernels, strides, pooling, units, batches, lanes, converters, grids, backends.

use std::fmt::Write as _;
use std::path::Path;

use memrtl::spec;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Most words of an image, and most pairs of a ring.
const WORDS: usize = 150;
const PAIRS: usize = 256;

/// Spec number `seed`.
pub fn random_convolution(seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    loop {
        let text = draft(&mut rng, seed);
        if spec::parse(&text, "random.toml", Path::new("")).is_ok() {
            return text;
        }
    }
}

fn draft(rng: &mut ChaCha8Rng, seed: u64) -> String {
    let mut pick = |of: &[usize]| *of.choose(rng).expect("a choice");
    let (kernel, stride, pool) = (pick(&[1, 2, 3, 4]), pick(&[1, 2, 3]), pick(&[1, 2, 2, 3, 4]));
    let (down, across, channels) = (pick(&[1, 2, 3]), pick(&[1, 2, 3]), pick(&[1, 1, 2, 3]));
    let side = |pixels: usize| (pixels * pool - 1) * stride + kernel;
    let (height, width) = (side(down), side(across));
    let (lanes, adcs) = (pick(&[1, 2, 4, 8]), pick(&[1, 2, 4, 8]));
    let outputs = lanes * pick(&[1, 2, 3]);
    let places = down * across * pool * pool;
    let batch = pick(&[1, 1, 2, 3]);
    let most = PAIRS / (places * batch);
    if height * width * channels > WORDS || most == 0 {
        return String::new();
    }
    let history = pick(&[1, 2, 3, 4]).min(most);
    let unit = pick(&[0, 1, 2, 3]);
    let (hidden, rows, cols) = (pick(&[0, 1, 2]), pick(&[1, 2, 3]), pick(&[1, 2, 3]));
    let activation = |rng: &mut ChaCha8Rng| *["tanh", "sigmoid", "relu", "linear"].choose(rng).expect("a choice");
    let mut text = format!(
        "name = \"random\"\n[network]\nimage = {{ height = {height}, width = {width}, channels = {channels} }}\nlayers = [\n  \
         {{ outputs = {outputs}, kernel = {kernel}, stride = {stride}, pool = {pool}{}, activation = \"{}\" }},\n",
        if pool.is_power_of_two() && pool > 1 && rng.random_bool(0.5) { ", pooling = \"average\"" } else { "" },
        activation(rng),
    );
    if hidden > 0 {
        let _ = writeln!(text, "  {{ outputs = {}, activation = \"{}\" }},", 4 * hidden - 1, activation(rng));
    }
    let in_array = unit == 2;
    let unit = match unit {
        0 => "optimizer = \"sgd\"".to_owned(),
        1 => format!("momentum = 0.875\nhistory = {history}"),
        2 => "momentum = 0.875\nmomentum_unit = \"in_array\"".to_owned(),
        _ => "momentum = 0.875\nmomentum_unit = \"sram\"".to_owned(),
    };
    let backend = if in_array || rng.random_bool(0.5) { "external" } else { "emulated" };
    let _ = write!(
        text,
        "  {{ outputs = 4, activation = \"sigmoid\" }},\n]\n[training]\n{unit}\nbatch = {batch}\nlearning_rate = {}\nseed = {seed}\n\
         [array]\nlanes = {lanes}\nadcs = {adcs}\nbackend = \"{backend}\"\n",
        [0.05, 0.25, 1.0].choose(rng).expect("a choice"),
    );
    if rng.random_bool(0.25) {
        text.push_str("input_coding = \"bit_serial\"\n");
    }
    if rng.random_bool(0.3) {
        let _ = write!(text, "rows = {}\ncols = {}\n", rows * adcs.max(2), cols * adcs.max(2));
    }
    let (settle, convert) = ([0.0, 4.0, 10.0].choose(rng), [2.0, 6.0].choose(rng));
    let _ = write!(
        text,
        "[timing]\nread_settle = {:?}\nadc_conversion = {:?}\n[data]\ncsv = \"random.csv\"\ntest_fraction = 0.2\n",
        settle.expect("a choice"),
        convert.expect("a choice"),
    );
    text
}
