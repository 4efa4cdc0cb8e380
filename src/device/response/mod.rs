//! Pulse-response models: how far a weight moves with each unit pulse, with the spread between devices and between pulses.
//!
//! A unit pulse moves a device by `dw_min` on average. The pulses of a write slot are longer or shorter, and stronger or
//! weaker: a cell receives the dose `q = |x w| * update_step / dw_min` in unit pulses. Every law but two knows where q pulses
//! lead in closed form, whole number or not; [`Law::ExpStep`] and [`Law::PowStep`] take up to 16 pulses one by one and divide
//! a larger dose into 16 parts. The noise of a dose is that of its pulses: `sqrt(q)` times that of one where the step does
//! not depend on the state.
//!
//! Step equations and parameter names follow aihwkit (IBM; `presets/devices.py` and `rpucuda` at 4545f11b) and MLP+NeuroSim
//! V3.0 (`formula.cpp`, `Cell.cpp`).

pub(super) mod cells;
pub mod curvature;
pub(super) mod laws;
mod parameters;
pub(super) mod population;
mod presets;

pub use parameters::{CycleNoise, Law, Parameters, Signed, Spread, UnitPulse};
pub use presets::Preset;

use super::{Geometry, Memristors, Noise};
use cells::PulseCells;

/// An array of devices drawn from `noise`, all at weight 0 as far as their bounds allow.
pub fn array(p: &Parameters, geometry: Geometry, noise: Noise) -> Box<dyn Memristors> {
    let sigma = p.dw_min_std as f32;
    let (noisy, linear) = (p.dw_min_std > 0.0, p.cycle_noise == CycleNoise::Multiplicative);
    match p.law {
        Law::ConstantStep => {
            Box::new(PulseCells::new(laws::ConstantStep { sigma }, noisy, p, geometry, noise, |cells| cells.constant()))
        }
        Law::LinearStep if linear => {
            let law = laws::LinearStep::<true> { sigma };
            Box::new(PulseCells::new(law, noisy, p, geometry, noise, |cells| cells.linear()))
        }
        Law::LinearStep => {
            let law = laws::LinearStep::<false> { sigma };
            Box::new(PulseCells::new(law, noisy, p, geometry, noise, |cells| cells.linear()))
        }
        Law::SoftBounds | Law::SoftBoundsReference if linear => {
            let law = laws::SoftBounds::<true> { sigma };
            Box::new(PulseCells::new(law, noisy, p, geometry, noise, |cells| cells.soft_bounds()))
        }
        Law::SoftBounds | Law::SoftBoundsReference => {
            let law = laws::SoftBounds::<false> { sigma };
            Box::new(PulseCells::new(law, noisy, p, geometry, noise, |cells| cells.soft_bounds()))
        }
        Law::ExpStep => {
            let law = exp_step(p);
            Box::new(PulseCells::new(law, noisy, p, geometry, noise, |cells| cells.exponential()))
        }
        Law::PowStep => {
            Box::new(PulseCells::new(laws::PowStep { sigma }, noisy, p, geometry, noise, |cells| cells.power()))
        }
        Law::NeuroSim => {
            let range = p.w_max - p.w_min;
            let law = laws::NeuroSim {
                sigma_up: (p.cycle_sigma * range) as f32,
                // Doses are counted in unit pulses upwards.
                sigma_down: (p.cycle_sigma * range * (p.pulses_down / p.pulses_up).sqrt()) as f32,
                w_max: p.w_max as f32,
                w_min: p.w_min as f32,
            };
            let noisy = p.cycle_sigma > 0.0;
            Box::new(PulseCells::new(law, noisy, p, geometry, noise, |cells| cells.neurosim()))
        }
    }
}

/// The equation of an exponential step.
pub(super) fn exp_step(p: &Parameters) -> laws::ExpStep {
    laws::ExpStep {
        sigma: p.dw_min_std as f32,
        sigma_add: p.dw_min_std_add as f32,
        sigma_slope: p.dw_min_std_slope as f32,
        b: p.exp_b as f32,
        a_up: p.a_up as f32,
        a_down: p.a_down as f32,
        gamma_up: p.gamma_up as f32,
        gamma_down: p.gamma_down as f32,
    }
}
