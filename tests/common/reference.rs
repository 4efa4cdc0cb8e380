//! What tests of training hold a design against: momentum in f64, and what a co-simulation says of changed Verilog.

use memrtl::array::Grid;
use memrtl::cosim::{CosimError, Mismatch};
use memrtl::fixed;
use memrtl::golden::float::FloatNet;
use memrtl::golden::momentum::{Engine, Registers};
use memrtl::golden::{LayerTrace, Machine, Mode, SampleTrace, encode};
use memrtl::spec::{Design, Layer, MomentumKind};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Rig, mutated, options};

/// States of the first layer after `steps` random pairs through its unit; and the weights of momentum of `kind` in f64 after the same
/// pairs, in steps of the device's state, in the batches of the design.
pub fn trained(design: &Design, kind: MomentumKind, steps: usize) -> (Vec<i32>, Vec<f64>) {
    let layer: &Layer = &design.layers[0];
    let batch = design.training.batch;
    let mut engine = Engine::new(design, layer);
    let mut array = Grid::new(design, 0, layer).unwrap();
    let cells = layer.rows() * layer.outputs;
    let (mut v, mut w, mut sum) = (vec![0.0; cells], vec![0.0; cells], vec![0.0; cells]);
    let registers =
        Registers { eta: design.learning_rate_code(), gamma: design.momentum_code(), depth: design.training.history };
    let gamma = f64::from(registers.gamma) / 65_536.0;
    // Codes times widths to states, |y| times the learning rate to widths.
    let fraction = design.factor_format().shift as i32;
    let eta = f64::from(registers.eta) / batch as f64
        * 2f64.powi(fraction - (layer.shifts.width + layer.shifts.write) as i32);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut trace = LayerTrace::default();
    for step in 0..steps {
        trace.x = (0..layer.rows()).map(|_| rng.random_range(0..=127)).collect();
        trace.y = (0..layer.outputs).map(|_| rng.random_range(-1500..=1500)).collect();
        engine.step(registers, &mut array, &mut trace).unwrap();
        for (m, &x) in trace.x.iter().enumerate() {
            for (n, &y) in trace.y.iter().enumerate() {
                sum[m * layer.outputs + n] += eta * f64::from(x) * f64::from(y);
            }
        }
        if (step + 1) % batch > 0 {
            continue;
        }
        for ((v, w), g) in v.iter_mut().zip(&mut w).zip(&mut sum) {
            let gradient = std::mem::take(g);
            let taken = if kind == MomentumKind::Dampened { (1.0 - gamma) * gradient } else { gradient };
            *v = gamma * *v + taken;
            *w += if kind == MomentumKind::Nesterov { gamma * *v + gradient } else { *v };
        }
    }
    (array.states(), w)
}

/// Largest distance of a weight of the golden model from that of the network `float` after `steps` samples, as a share of the
/// largest change.
pub fn far_from_float(rig: &Rig, mut float: FloatNet, steps: usize) -> f64 {
    let design = &rig.design;
    let mut machine = Machine::new(design).unwrap();
    let start = float.clone();
    let mut trace = SampleTrace::default();
    let real = |codes: &[i32], range: i32| -> Vec<f64> {
        codes.iter().map(|&c| fixed::real(c.into(), design.array.dac_bits, range)).collect()
    };
    let last = design.layers.last().unwrap();
    for step in 0..steps {
        let x = encode::input_codes(design, rig.data.sample(step));
        let t = encode::target_codes(design, usize::from(rig.data.labels[step]));
        machine.run(&x, &t, Mode::Train, &mut trace).unwrap();
        float.train(&real(&x, design.layers[0].ranges.input), &real(&t, last.ranges.output));
    }
    let (mut distance, mut change): (f64, f64) = (0.0, 0.0);
    for (index, layer) in design.layers.iter().enumerate() {
        for ((&s, w), w0) in machine.states(index).iter().zip(float.weights(index)).zip(start.weights(index)) {
            let value = fixed::real(s.into(), design.device.state_bits, layer.ranges.weight);
            distance = distance.max((value - w).abs());
            change = change.max((w - w0).abs());
        }
    }
    distance / change
}

/// The difference that a co-simulation of changed Verilog ends with; each change: suffix of the module's name, text, text instead.
pub fn found(rig: &Rig, changes: &[(&str, &str, &str)]) -> Mismatch {
    let rtl = mutated(&rig.rtl, changes);
    match (Rig { rtl, ..rig.clone() }).run(&options()) {
        Err(CosimError::Mismatch(m)) => m,
        Err(other) => panic!("{changes:?}: {other}"),
        Ok(_) => panic!("{changes:?}: nothing was found"),
    }
}
