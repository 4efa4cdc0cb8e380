//! Cycles per training sample, from the golden model and the cycle model.

use serde::Serialize;

use crate::cycles::CycleModel;
use crate::data::{Dataset, epoch_order};
use crate::golden::{Machine, Mode, SampleTrace, encode};
use crate::spec::Design;

/// Samples after which the mean stands: that of a whole training of the digits and more.
const MOST_SAMPLES: usize = 20_000;

/// How fast a design trains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Mean over the training. Early samples take longer: their errors are large, and so are their pulses.
    pub cycles_per_sample: f64,
    /// Training samples that the mean is over.
    pub samples: usize,
}

/// Trains as the spec says, for 20,000 samples at most, and counts.
///
/// # Errors
/// Data that cannot be read or do not fit the design, a device that cannot do what the design asks of it; in words.
pub fn pace(design: &Design) -> Result<Pace, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let data = Dataset::load(&design.data.source).map_err(|e| text(&e))?;
    data.check(design).map_err(|e| text(&e))?;
    let (train, _) = data.split(design.data.test_fraction, design.training.seed).map_err(|e| text(&e))?;
    let mut machine = Machine::new(design).map_err(|e| text(&e))?;
    let mut model = CycleModel::new(design);
    let mut trace = SampleTrace::default();
    let mut input = Vec::new();
    let targets: Vec<Vec<i32>> = (0..design.outputs()).map(|class| encode::target_codes(design, class)).collect();
    let (mut cycles, mut samples) = (0, 0);
    'training: for epoch in 0..design.training.epochs {
        machine.begin_epoch(design, epoch);
        for index in epoch_order(design.training.seed, epoch as u64, train.len()) {
            if samples == MOST_SAMPLES {
                break 'training;
            }
            encode::input_codes_into(design, train.sample(index), &mut input);
            let class = usize::from(train.labels[index]);
            machine.run(&input, &targets[class], Mode::Train, &mut trace).map_err(|e| text(&e))?;
            cycles += model.sample(&trace, Mode::Train).total();
            samples += 1;
        }
    }
    Ok(Pace { cycles_per_sample: cycles as f64 / samples.max(1) as f64, samples })
}
