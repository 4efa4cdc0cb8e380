//! The independent reference: a fully connected network in f64, trained with SGD and momentum, sample by sample or in batches.
//!
//! It shares no arithmetic with the fixed-point model on purpose: what both get wrong in the same way nobody would notice.
//! Recursion: `V <- gamma V + eta x y^T`, `W <- W + V` (other kinds: [`MomentumKind`]), with `y = (t - o) f'(r)` at the output and
//! `y = (W^T y') f'(r)` below it (descent on the squared error `1/2 |t - o|^2`). A softmax at the output stands for the cross-entropy
//! `-sum t ln o`: its `y` is `t - o`.

use crate::spec::{Activation, Conv, MomentumKind, Pooling};

/// One layer as given: `outputs` neurons reading `inputs` values and a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatLayer {
    /// M, without the bias.
    pub inputs: usize,
    /// N.
    pub outputs: usize,
    pub activation: Activation,
    /// What makes a convolution of the first layer, whose `inputs` are the words of a window and whose `outputs` are channels.
    pub conv: Option<Conv>,
    /// Value on the bias row: the full scale of the layer's inputs.
    pub bias: f64,
    /// `(inputs + 1) * outputs`, one row per input, the bias row last.
    pub weights: Vec<f64>,
}

/// Layers that make no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
    #[error("a network needs at least one layer")]
    NoLayers,
    #[error("layer {layer} has {found} weights, expected {expected} ((inputs + 1) * outputs)")]
    Weights { layer: usize, found: usize, expected: usize },
    #[error("layer {layer} is a convolution, which only the first layer of several can be")]
    Convolution { layer: usize },
    #[error("layer {layer} has {found} inputs, but the layer before it has {expected} outputs")]
    Chain { layer: usize, found: usize, expected: usize },
}

/// A network with its velocities.
#[derive(Debug, Clone)]
pub struct FloatNet {
    layers: Vec<State>,
    eta: f64,
    gamma: f64,
    kind: MomentumKind,
    batch: usize,
    /// Samples of the unfinished batch.
    waiting: usize,
}

#[derive(Debug, Clone)]
struct State {
    layer: FloatLayer,
    /// V, shaped like the weights.
    velocity: Vec<f64>,
    /// Sum of `y x^T` over the unfinished batch.
    gradient: Vec<f64>,
    /// a = f(r) of the last forward pass.
    output: Vec<f64>,
    /// y of the last backward pass.
    error: Vec<f64>,
    /// Of a convolution: for each word of its map the positions of its window that have a share in it.
    pooled: Vec<Vec<usize>>,
}

impl FloatNet {
    /// Network with the given initial weights, learning rate `eta` and momentum `gamma` (0: plain SGD).
    ///
    /// # Errors
    /// No layers, or sizes that do not fit together.
    pub fn new(layers: Vec<FloatLayer>, eta: f64, gamma: f64) -> Result<FloatNet, FloatError> {
        if layers.is_empty() {
            return Err(FloatError::NoLayers);
        }
        for (index, layer) in layers.iter().enumerate() {
            let expected = (layer.inputs + 1) * layer.outputs;
            if layer.weights.len() != expected {
                return Err(FloatError::Weights { layer: index, found: layer.weights.len(), expected });
            }
            if layer.conv.is_some() && (index > 0 || layers.len() == 1) {
                return Err(FloatError::Convolution { layer: index });
            }
            if index > 0 && layer.inputs != layers[index - 1].words() {
                return Err(FloatError::Chain {
                    layer: index,
                    found: layer.inputs,
                    expected: layers[index - 1].words(),
                });
            }
        }
        let layers = layers.into_iter().map(|layer| State {
            velocity: vec![0.0; layer.weights.len()],
            gradient: vec![0.0; layer.weights.len()],
            output: vec![0.0; layer.words()],
            error: vec![0.0; layer.words()],
            pooled: Vec::new(),
            layer,
        });
        Ok(FloatNet { layers: layers.collect(), eta, gamma, kind: MomentumKind::Classical, batch: 1, waiting: 0 })
    }

    /// The same with another kind of momentum than the classical one.
    pub fn with_kind(self, kind: MomentumKind) -> FloatNet {
        FloatNet { kind, ..self }
    }

    /// Changes learning rate and momentum; the velocities stay.
    pub fn set_rates(&mut self, eta: f64, gamma: f64) {
        (self.eta, self.gamma) = (eta, gamma);
    }

    /// The same with batches of `batch` samples (at least 1), whose gradients are averaged.
    pub fn with_batch(self, batch: usize) -> FloatNet {
        FloatNet { batch: batch.max(1), ..self }
    }

    /// One training step on input `x` (length: inputs) and target `t` (length: outputs).
    /// Returns the loss before the step: `1/2 |t - o|^2`, of a softmax `-sum t ln o`. Weights change with the last sample of a batch.
    pub fn train(&mut self, x: &[f64], t: &[f64]) -> f64 {
        self.forward(x);
        let loss = self.backward(t);
        self.waiting += 1;
        let whole = self.waiting == self.batch;
        let mut input = x;
        for state in &mut self.layers {
            if self.batch == 1 && state.layer.conv.is_none() {
                state.descend(input, self.eta, self.gamma, self.kind);
            } else {
                state.collect(input);
            }
            if (self.batch > 1 || state.layer.conv.is_some()) && whole {
                state.descend_together(self.eta / self.batch as f64, self.gamma, self.kind);
            }
            input = &state.output;
        }
        if whole {
            self.waiting = 0;
        }
        loss
    }

    /// Outputs for input `x`.
    pub fn infer(&self, x: &[f64]) -> Vec<f64> {
        let mut values = x.to_vec();
        for State { layer, .. } in &self.layers {
            let mut output = vec![0.0; layer.words()];
            match layer.conv {
                Some(conv) => layer.convolve(&conv, &values, &mut output, &mut Vec::new()),
                None => layer.forward(&values, &mut output),
            }
            values = output;
        }
        values
    }

    /// Share of samples (input, class) whose largest output is that of their class, 0 to 1; NaN without samples.
    pub fn accuracy<X: AsRef<[f64]>>(&self, samples: impl IntoIterator<Item = (X, usize)>) -> f64 {
        let (mut right, mut all) = (0u32, 0u32);
        for (x, class) in samples {
            right += u32::from(largest(&self.infer(x.as_ref())) == class);
            all += 1;
        }
        f64::from(right) / f64::from(all)
    }

    /// Weights of layer `index`, laid out as in [`FloatLayer::weights`].
    pub fn weights(&self, index: usize) -> &[f64] {
        &self.layers[index].layer.weights
    }

    fn forward(&mut self, x: &[f64]) {
        let mut input = x;
        for state in &mut self.layers {
            match state.layer.conv {
                Some(conv) => state.layer.convolve(&conv, input, &mut state.output, &mut state.pooled),
                None => state.layer.forward(input, &mut state.output),
            }
            input = &state.output;
        }
    }

    /// Fills every layer's error with the weights as they are before the update.
    fn backward(&mut self, t: &[f64]) -> f64 {
        let mut loss = 0.0;
        let mut above: Option<&State> = None;
        for state in self.layers.iter_mut().rev() {
            match above {
                None => {
                    let softmax = state.layer.activation == Activation::Softmax;
                    for ((y, t), a) in state.error.iter_mut().zip(t).zip(&state.output) {
                        *y = t - a;
                        loss += match softmax {
                            false => 0.5 * *y * *y,
                            true if *t > 0.0 => -t * libm::log(*a),
                            true => 0.0,
                        };
                    }
                }
                Some(above) => above.layer.transposed(&above.error, &mut state.error),
            }
            for (y, a) in state.error.iter_mut().zip(&state.output) {
                *y *= slope(state.layer.activation, *a);
            }
            above = Some(state);
        }
        loss
    }
}

impl State {
    /// A step with the gradient of one sample.
    fn descend(&mut self, input: &[f64], eta: f64, gamma: f64, kind: MomentumKind) {
        let n = self.layer.outputs;
        let rows = self.layer.weights.chunks_exact_mut(n).zip(self.velocity.chunks_exact_mut(n));
        for (x, (weights, velocity)) in input.iter().chain([&self.layer.bias]).zip(rows) {
            let scale = eta * x;
            for ((w, v), y) in weights.iter_mut().zip(velocity).zip(&self.error) {
                *w += moved(kind, gamma, v, scale * y);
            }
        }
    }

    /// Adds the gradient of one sample.
    fn collect(&mut self, input: &[f64]) {
        if let Some(conv) = self.layer.conv {
            return self.collect_convolution(&conv, input);
        }
        let rows = self.gradient.chunks_exact_mut(self.layer.outputs);
        for (x, gradient) in input.iter().chain([&self.layer.bias]).zip(rows) {
            for (g, y) in gradient.iter_mut().zip(&self.error) {
                *g += x * y;
            }
        }
    }

    /// The same for a convolution: every word of the map passes its error on to the windows that it is from.
    fn collect_convolution(&mut self, conv: &Conv, image: &[f64]) {
        let channels = self.layer.outputs;
        for (word, (positions, y)) in self.pooled.iter().zip(&self.error).enumerate() {
            let (channel, share) = (word % channels, y / positions.len() as f64);
            for &position in positions {
                let window = window_words(conv, position).map(|word| image[word]).chain([self.layer.bias]);
                for (x, gradient) in window.zip(self.gradient.chunks_exact_mut(channels)) {
                    gradient[channel] += x * share;
                }
            }
        }
    }

    /// A step with the gradients since the one before.
    fn descend_together(&mut self, eta: f64, gamma: f64, kind: MomentumKind) {
        let cells = self.layer.weights.iter_mut().zip(&mut self.velocity).zip(&mut self.gradient);
        for ((w, v), g) in cells {
            *w += moved(kind, gamma, v, eta * std::mem::take(g));
        }
    }
}

/// Takes a gradient (times the learning rate) into a velocity; by how much the weight moves.
#[inline]
fn moved(kind: MomentumKind, gamma: f64, v: &mut f64, gradient: f64) -> f64 {
    match kind {
        MomentumKind::Classical => {
            *v = gamma * *v + gradient;
            *v
        }
        MomentumKind::Dampened => {
            *v = gamma * *v + (1.0 - gamma) * gradient;
            *v
        }
        MomentumKind::Nesterov => {
            *v = gamma * *v + gradient;
            gamma * *v + gradient
        }
    }
}

/// Words of the image under the kernel at a place of it: `position` counts pooled pixels, and in each the places of its window, both
/// line by line.
fn window_words(conv: &Conv, position: usize) -> impl Iterator<Item = usize> + use<> {
    let Conv { input, kernel, stride, pool, .. } = *conv;
    let across = ((input.width - kernel) / stride + 1) / pool;
    let (pixel, place) = (position / (pool * pool), position % (pool * pool));
    let top = (pixel / across * pool + place / pool) * stride;
    let left = (pixel % across * pool + place % pool) * stride;
    (0..kernel * kernel * input.channels).map(move |row| {
        let (channel, at) = (row % input.channels, row / input.channels);
        ((top + at / kernel) * input.width + left + at % kernel) * input.channels + channel
    })
}

impl FloatLayer {
    /// Values that the layer hands on.
    fn words(&self) -> usize {
        let side = |size: usize, conv: &Conv| ((size - conv.kernel) / conv.stride + 1) / conv.pool;
        let pixels = self.conv.map_or(1, |c| side(c.input.height, &c) * side(c.input.width, &c));
        self.outputs * pixels
    }

    /// `output = f(pool(W x))` over all windows; `pooled` takes the positions that each word is from.
    fn convolve(&self, conv: &Conv, image: &[f64], output: &mut [f64], pooled: &mut Vec<Vec<usize>>) {
        let (channels, places) = (self.outputs, conv.pool * conv.pool);
        pooled.clear();
        let mut reads = vec![0.0; places * channels];
        for (pixel, output) in output.chunks_exact_mut(channels).enumerate() {
            for (place, read) in reads.chunks_exact_mut(channels).enumerate() {
                let window = window_words(conv, pixel * places + place).map(|word| image[word]).chain([self.bias]);
                read.fill(0.0);
                for (x, weights) in window.zip(self.weights.chunks_exact(channels)) {
                    for (r, w) in read.iter_mut().zip(weights) {
                        *r += w * x;
                    }
                }
            }
            for (channel, value) in output.iter_mut().enumerate() {
                let read = |place: usize| reads[place * channels + channel];
                let positions = match conv.pooling {
                    Pooling::Average => (0..places).collect::<Vec<_>>(),
                    Pooling::Max => vec![(1..places).fold(0, |best, p| if read(p) > read(best) { p } else { best })],
                };
                let mean = positions.iter().map(|&p| read(p)).sum::<f64>() / positions.len() as f64;
                *value = activate(self.activation, mean);
                pooled.push(positions.into_iter().map(|place| pixel * places + place).collect());
            }
        }
    }

    /// `output = f(W x)`, row by row so that the inner loop runs along memory.
    fn forward(&self, input: &[f64], output: &mut [f64]) {
        output.fill(0.0);
        let rows = self.weights.chunks_exact(self.outputs);
        for (x, weights) in input.iter().chain([&self.bias]).zip(rows) {
            for (r, w) in output.iter_mut().zip(weights) {
                *r += w * x;
            }
        }
        if self.activation == Activation::Softmax {
            return softmax(output);
        }
        for r in output {
            *r = activate(self.activation, *r);
        }
    }

    /// `back = W^T y`, without the bias row: nothing lies below it.
    fn transposed(&self, y: &[f64], back: &mut [f64]) {
        for (b, weights) in back.iter_mut().zip(self.weights.chunks_exact(self.outputs)) {
            *b = weights.iter().zip(y).map(|(w, y)| w * y).sum();
        }
    }
}

/// Target vector of a class: 1 at the class, elsewhere 0, or -1 for the tanh.
pub fn target(class: usize, outputs: usize, activation: Activation) -> Vec<f64> {
    let off = if activation == Activation::Tanh { -1.0 } else { 0.0 };
    (0..outputs).map(|output| if output == class { 1.0 } else { off }).collect()
}

// libm rather than the platform's functions: the same command must print the same accuracy on any machine.
fn activate(activation: Activation, r: f64) -> f64 {
    match activation {
        Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-r)),
        Activation::Tanh => libm::tanh(r),
        Activation::Relu => r.max(0.0),
        // A softmax is no function of one read.
        Activation::Linear | Activation::Softmax => r,
    }
}

/// `o_i = exp(r_i) / sum_j exp(r_j)`, in place.
fn softmax(values: &mut [f64]) {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter_mut().for_each(|r| *r = libm::exp(*r - largest));
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|e| *e /= sum);
}

/// f'(r), from a = f(r); 0 for the relu at its kink.
fn slope(activation: Activation, a: f64) -> f64 {
    match activation {
        Activation::Sigmoid => a * (1.0 - a),
        Activation::Tanh => 1.0 - a * a,
        Activation::Relu => f64::from(a > 0.0),
        // A softmax's error is that of its reads already.
        Activation::Linear | Activation::Softmax => 1.0,
    }
}

/// Index of the largest value, the first of equal ones.
fn largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::spec::Map;

    const ALL: [Activation; 4] = [Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::Linear];

    /// Irregular weights in -0.7..0.7, the same in every run.
    fn layer(inputs: usize, outputs: usize, activation: Activation) -> FloatLayer {
        let weights = (0..(inputs + 1) * outputs).map(|i| 0.7 * (1.3 + 2.1 * i as f64 + outputs as f64).sin());
        FloatLayer { inputs, outputs, activation, conv: None, bias: 1.0, weights: weights.collect() }
    }

    /// Holds a step of plain SGD at a learning rate of 1 against differences of `loss` of the outputs.
    fn descends(layers: &[FloatLayer], x: &[f64], t: &[f64], loss: impl Fn(&[f64]) -> f64) {
        let loss = |layers: &[FloatLayer]| loss(&FloatNet::new(layers.to_vec(), 0.0, 0.0).unwrap().infer(x));
        let mut net = FloatNet::new(layers.to_vec(), 1.0, 0.0).unwrap();
        assert_relative_eq!(net.train(x, t), loss(layers), epsilon = 1e-12);
        for l in 0..layers.len() {
            for i in 0..layers[l].weights.len() {
                let shifted = |by: f64| {
                    let mut layers = layers.to_vec();
                    layers[l].weights[i] += by;
                    loss(&layers)
                };
                let gradient = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                let step = net.weights(l)[i] - layers[l].weights[i];
                assert_relative_eq!(step, -gradient, epsilon = 1e-8, max_relative = 1e-6);
            }
        }
    }

    fn squared(t: &[f64]) -> impl Fn(&[f64]) -> f64 {
        move |o| o.iter().zip(t).map(|(o, t)| 0.5 * (t - o) * (t - o)).sum()
    }

    #[test]
    fn a_step_descends_along_the_gradient() {
        let (x, t) = ([0.3, -0.8, 0.5], [0.9, 0.1]);
        for hidden in ALL {
            for output in ALL {
                let first = FloatLayer { bias: 0.6, ..layer(3, 4, hidden) };
                descends(&[first, layer(4, 3, hidden), layer(3, 2, output)], &x, &t, squared(&t));
            }
        }
    }

    #[test]
    fn a_step_descends_along_the_gradient_of_the_cross_entropy() {
        let (x, t) = ([0.3, -0.8, 0.5], [0.0, 1.0, 0.0]);
        let layers = [layer(3, 4, Activation::Tanh), layer(4, 3, Activation::Softmax)];
        let outputs = FloatNet::new(layers.to_vec(), 0.0, 0.0).unwrap().infer(&x);
        assert_relative_eq!(outputs.iter().sum::<f64>(), 1.0, epsilon = 1e-12);
        descends(&layers, &x, &t, |o| -o[1].ln());
    }

    #[test]
    fn a_step_descends_along_the_gradient_of_a_convolution() {
        let input = Map { height: 5, width: 7, channels: 2 };
        let image: Vec<f64> = (0..input.words()).map(|i| (0.7 * i as f64).sin()).collect();
        let t = [0.9, 0.1];
        for (pool, pooling) in [(1, Pooling::Max), (2, Pooling::Max), (2, Pooling::Average)] {
            for activation in [Activation::Tanh, Activation::Sigmoid] {
                let conv = Some(Conv { input, kernel: 2, stride: 1, pool, pooling });
                let first = FloatLayer { conv, bias: 0.6, ..layer(8, 3, activation) };
                let pixels = (4 / pool) * (6 / pool);
                descends(&[first, layer(3 * pixels, 2, Activation::Sigmoid)], &image, &t, squared(&t));
            }
        }
    }

    /// The recursion against its unrolled form: `v_k = eta sum_j gamma^(k-j) y_j x_j`.
    #[test]
    fn momentum_sums_past_steps_with_decaying_weight() {
        let (eta, gamma) = (0.05, 0.9);
        let start = layer(1, 1, Activation::Linear);
        let mut net = FloatNet::new(vec![start.clone()], eta, gamma).unwrap();
        let mut past: Vec<[f64; 2]> = Vec::new();
        let mut expected = start.weights;
        for k in 0..40 {
            let (x, t) = ((0.7 * k as f64).cos(), (0.2 * k as f64).sin());
            let y = t - net.infer(&[x])[0];
            past.push([eta * y * x, eta * y]);
            net.train(&[x], &[t]);
            for (row, w) in expected.iter_mut().enumerate() {
                *w += past.iter().enumerate().map(|(j, step)| gamma.powi(k - j as i32) * step[row]).sum::<f64>();
            }
            assert_relative_eq!(net.weights(0), &expected[..], max_relative = 1e-9);
        }
    }

    #[test]
    fn xor_is_learned() {
        let samples = [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)];
        for (output, eta) in [(Activation::Sigmoid, 0.1), (Activation::Tanh, 0.02)] {
            let layers = vec![layer(2, 4, Activation::Tanh), layer(4, 2, output)];
            let mut net = FloatNet::new(layers, eta, 0.9).unwrap();
            assert!(net.accuracy(samples) < 1.0);
            for _ in 0..500 {
                for (x, class) in samples {
                    net.train(&x, &target(class, 2, output));
                }
            }
            assert_eq!(net.accuracy(samples), 1.0, "{output:?}");
        }
    }

    #[test]
    fn targets_and_ties() {
        assert_eq!(target(1, 3, Activation::Sigmoid), [0.0, 1.0, 0.0]);
        assert_eq!(target(1, 3, Activation::Tanh), [-1.0, 1.0, -1.0]);
        assert_eq!(largest(&[1.0, 3.0, 3.0]), 1);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let a = layer(2, 3, Activation::Tanh);
        let mut short = a.clone();
        short.weights.pop();
        assert_eq!(FloatNet::new(vec![], 0.1, 0.0).unwrap_err(), FloatError::NoLayers);
        assert_eq!(
            FloatNet::new(vec![short], 0.1, 0.0).unwrap_err(),
            FloatError::Weights { layer: 0, found: 8, expected: 9 }
        );
        assert_eq!(
            FloatNet::new(vec![a.clone(), a], 0.1, 0.0).unwrap_err(),
            FloatError::Chain { layer: 1, found: 2, expected: 3 }
        );
    }
}
