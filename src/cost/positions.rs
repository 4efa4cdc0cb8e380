//! Networks with layers that many vectors go through per sample, by their shapes: convolutions as im2col matrices.
//!
//! Hardware is generated for a convolution as the first layer alone, and the cycle model counts that. What is said of networks with more
//! of them is an estimate from the paces of single layers: one position goes through a layer's arrays after the other, and layer after
//! layer, as the sequencer does it with fully connected ones.

use super::activity::{Activity, Counted, Source};
use super::assumed::Steps;
use super::components::Components;
use super::energy::{Estimate, of_activity};
use super::shapes::Shape;
use super::{CostError, energy};
use crate::cycles::{CycleModel, Pace, SampleCycles};
use crate::golden::LayerTrace;
use crate::golden::momentum::Kind;
use crate::phases::Phase;
use crate::spec::Design;

/// What a network of `shapes` costs on the hardware of `design`, codes and pulses assumed. Fully connected networks get the cycle model itself.
///
/// # Errors
/// An emulated array, batches, units that go row by row where positions are many, devices that cannot be driven.
pub fn estimate_shapes(
    design: &Design,
    name: &str,
    shapes: &[Shape],
    components: &Components,
) -> Result<Estimate, CostError> {
    let design = design.with_shapes(name, shapes);
    if shapes.iter().all(|shape| shape.positions == 1) {
        return energy::estimate(&design, components, energy::Counting::Assumed);
    }
    let unit = design.training.momentum_unit;
    if design.array.backend.emulated() {
        return Err(CostError::Emulated);
    }
    if design.single_rows() || design.training.batch > 1 {
        return Err(CostError::Positions { unit: unit.name(), batch: design.training.batch });
    }
    let components = components.of_design(&design)?;
    let mut activity = Activity::assumed(&design, &components)?;
    let (training, inference) = cycles(&design, shapes, &components);
    activity.source = Source::Assumed;
    activity.training = Counted { samples: 1, cycles: training };
    activity.inference = Counted { samples: 1, cycles: inference };
    Ok(of_activity(&design, &components, &activity, shapes))
}

/// Cycles of a training sample and of an inference.
pub(super) fn cycles(design: &Design, shapes: &[Shape], components: &Components) -> (SampleCycles, SampleCycles) {
    let paces = CycleModel::new(design).paces();
    let mut steps = Steps::new(design, components);
    // A full ring.
    (0..design.training.pairs()).for_each(|_| {
        steps.next();
    });
    let trace = steps.next();
    let reads = |pace: fn(&Pace) -> u64| -> Vec<u64> {
        paces.iter().zip(shapes).map(|(p, shape)| pace(p) * shape.positions as u64).collect()
    };
    let (forwards, backward) = (reads(|pace| pace.forward), reads(|pace| pace.backward));
    let forward: u64 = forwards.iter().sum();
    let (mut y_done, mut end) = (forward, forward);
    for index in (0..shapes.len()).rev() {
        // The first layer needs no transposed read; the others' arrays are free for slots after it.
        let y = y_done;
        y_done += if index > 0 { backward[index] } else { 0 };
        let free = if index > 0 { y_done } else { forwards[0] };
        let (earlier, own) = slots(design, &trace.layers[index], paces[index], shapes[index].positions);
        // Pairs of earlier samples do not wait for y.
        end = end.max((free + earlier).max(y) + own);
    }
    let (mut training, mut inference) = (SampleCycles::default(), SampleCycles::default());
    let at = |phase: Phase| phase.code() as usize;
    inference.phases[at(Phase::Forward)] = forward;
    training.phases[at(Phase::Forward)] = forward;
    training.phases[at(Phase::Backward)] = y_done - forward;
    training.phases[at(Phase::Update)] = end - y_done;
    // One of the arrays reads or writes, but for the few cycles between two reads.
    (inference.array_busy, training.array_busy) = (forward, end);
    (training, inference)
}

/// Cycles of a layer's operations that need no y of the sample, and of the others, one after the other.
fn slots(design: &Design, trace: &LayerTrace, pace: Pace, positions: usize) -> (u64, u64) {
    let length = |kind: Kind, longest: u32| match (kind, design.timing.local) {
        (Kind::Decay { .. }, Some(local)) => u64::from(local.decay),
        (Kind::Transfer, Some(local)) => u64::from(local.transfer),
        _ => (u64::from(longest) * u64::from(design.timing.pulse_lsb)).max(pace.slot) * positions as u64,
    };
    let history = design.training.momentum_unit.history();
    let cycles = |earlier: bool| {
        let slots = trace.slots.iter().filter(|slot| (history && slot.age > 0) == earlier);
        slots.map(|slot| length(slot.kind, slot.longest)).sum()
    };
    (cycles(true), cycles(false))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec;

    /// For single positions the paces come near the cycle model, which knows the few cycles around and between.
    #[test]
    fn paces_are_near_the_cycle_model() {
        for unit in ["history", "in_array", "none"] {
            let optimizer = if unit == "none" { "sgd" } else { "momentum" };
            let text = format!(
                "name = \"little\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 32 }}, {{ outputs = 10 }} ]\n\
                 [training]\noptimizer = \"{optimizer}\"\nmomentum_unit = \"{unit}\""
            );
            let design = spec::parse(&text, "little.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
            let components = Components::embedded(8).expect("the shipped table");
            for widths in [[64, 32, 10], [784, 100, 10], [2000, 1000, 500]] {
                let sized = design.resized("sized", &widths);
                let exact = Activity::assumed(&sized, &components).expect("drivable");
                let (training, inference) = cycles(&sized, &sized.shapes(), &components);
                for (near, exact) in [(training, exact.training), (inference, exact.inference)] {
                    let ratio = near.total() as f64 / exact.total();
                    assert!((0.8..1.1).contains(&ratio), "{unit}, {widths:?}: {ratio}");
                }
            }
        }
    }
}
