//! Cycles per training sample, from the golden model and the cycle model.

use serde::Serialize;

use crate::cycles::CycleModel;
use crate::data::{Dataset, epoch_order};
use crate::golden::{Machine, Mode, SampleTrace, encode};
use crate::spec::Design;

/// How fast a design trains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Mean over the first epoch.
    pub cycles_per_sample: f64,
    /// Samples of that epoch.
    pub samples: usize,
}

/// Trains one epoch and counts. The first epoch has the largest errors, and with them the longest pulses.
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
    let mut cycles = 0;
    let indices = epoch_order(design.training.seed, 0, train.len());
    for &index in &indices {
        encode::input_codes_into(design, train.sample(index), &mut input);
        let class = usize::from(train.labels[index]);
        machine.run(&input, &targets[class], Mode::Train, &mut trace).map_err(|e| text(&e))?;
        cycles += model.sample(&trace, Mode::Train).total();
    }
    Ok(Pace { cycles_per_sample: cycles as f64 / indices.len().max(1) as f64, samples: indices.len() })
}
