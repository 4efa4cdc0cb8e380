//! Pulse-response models: how far a weight moves with each unit pulse, with the spread between devices and between pulses.
//!
//! A unit pulse moves a device by `dw_min` on average. The pulses of a write slot are longer or shorter, and stronger or
//! weaker: a cell receives the dose `q = |x w| * update_step / dw_min` in unit pulses, moves by `q` steps and gathers the
//! noise of `q` pulses, `sqrt(q)` times that of one.
//!
//! Step equations and parameter names follow aihwkit (IBM, MIT licence; `presets/devices.py` and `rpucuda` at 4545f11b).

mod constant_step;

use serde::Serialize;

pub use constant_step::ConstantStep;

/// Parameters of a pulse-response model; weights in units of the layer's full scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameters {
    pub law: Law,
    /// Mean weight change of a unit pulse.
    pub dw_min: f64,
    /// Its spread between devices, relative.
    pub dw_min_dtod: f64,
    /// Its spread between pulses, relative.
    pub dw_min_std: f64,
    /// Asymmetry: up steps are longer by this share, down steps shorter.
    pub up_down: f64,
    /// Its spread between devices.
    pub up_down_dtod: f64,
    pub w_max: f64,
    pub w_min: f64,
    /// Spread of the bounds between devices, relative.
    pub w_max_dtod: f64,
    pub w_min_dtod: f64,
}

/// How the step depends on the state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// The same step everywhere between the bounds.
    ConstantStep,
}

impl Default for Parameters {
    /// `GokmenVlasov`: the resistive processing unit of Gokmen and Vlasov as aihwkit has it.
    fn default() -> Self {
        Parameters {
            law: Law::ConstantStep,
            dw_min: 0.0016,
            dw_min_dtod: 0.3,
            dw_min_std: 0.3,
            up_down: 0.0,
            up_down_dtod: 0.01,
            w_max: 1.0,
            w_min: -1.0,
            w_max_dtod: 0.3,
            w_min_dtod: 0.3,
        }
    }
}
