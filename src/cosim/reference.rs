//! The f64 reference beside a co-simulation.

use std::sync::atomic::{AtomicBool, Ordering};

use super::schedule::Schedule;
use crate::golden::float::{self, FloatLayer, FloatNet};
use crate::golden::initial_states;
use crate::spec::Design;

/// An independent network in f64 that gets the same samples in the same order.
pub(super) struct Reference<'a> {
    schedule: &'a Schedule<'a>,
    net: FloatNet,
}

impl<'a> Reference<'a> {
    pub fn new(schedule: &'a Schedule<'a>) -> Self {
        Reference { schedule, net: float_net(schedule.design) }
    }

    /// Trains one epoch.
    pub fn train(&mut self, epoch: usize) {
        begin_epoch(&mut self.net, self.schedule.design, epoch);
        for index in self.schedule.order(epoch) {
            self.train_sample(index);
        }
    }

    fn train_sample(&mut self, index: usize) {
        let train = self.schedule.train;
        let class = usize::from(train.labels[index]);
        self.net.train(&train.sample_f64(index), &target(self.schedule.design, class));
    }

    /// Share of the test samples that are classified right.
    pub fn accuracy(&self) -> f64 {
        let test = self.schedule.test;
        self.net.accuracy((0..test.len()).map(|i| (test.sample_f64(i), usize::from(test.labels[i]))))
    }

    /// Accuracies after all epochs, or those that are there when it is `ended`.
    pub fn all(mut self, ended: &AtomicBool) -> Vec<f64> {
        let mut accuracies = Vec::new();
        for epoch in 0..self.schedule.epochs {
            begin_epoch(&mut self.net, self.schedule.design, epoch);
            for index in self.schedule.order(epoch) {
                if ended.load(Ordering::Relaxed) {
                    return accuracies;
                }
                self.train_sample(index);
            }
            accuracies.push(self.accuracy());
        }
        accuracies
    }
}

fn target(design: &Design, class: usize) -> Vec<f64> {
    design.layers.last().map_or(Vec::new(), |l| float::target(class, l.outputs, l.activation))
}

/// The f64 reference with the machine's initial weights.
pub fn float_net(design: &Design) -> FloatNet {
    let layers = design
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| FloatLayer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            activation: layer.activation,
            conv: layer.conv,
            bias: 2f64.powi(layer.ranges.input),
            weights: initial_states(design, index, layer)
                .into_iter()
                .map(|s| crate::fixed::real(s.into(), design.device.state_bits, layer.ranges.weight))
                .collect(),
        })
        .collect();
    let rates = design.training.initial_rates();
    FloatNet::new(layers, rates.learning_rate, rates.momentum)
        .expect("a validated design has matching layers")
        .with_kind(design.training.momentum_kind)
        .with_batch(design.training.batch)
}

/// Learning rate and momentum of an epoch, from 0.
pub fn begin_epoch(net: &mut FloatNet, design: &Design, epoch: usize) {
    let rates = design.training.rates(epoch);
    net.set_rates(rates.learning_rate, rates.momentum);
}
