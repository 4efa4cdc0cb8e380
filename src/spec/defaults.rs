//! Defaults of all keys: the values of the preset `digits`. A test compares the two, so change them together.

use super::{Activation, Backend, InputCoding, Loss, MomentumUnit, Optimizer};

pub(super) const ACTIVATION: Activation = Activation::Sigmoid;

pub(super) const LOSS: Loss = Loss::Squared;
pub(super) const OPTIMIZER: Optimizer = Optimizer::Momentum;
pub(super) const LEARNING_RATE: f64 = 0.1;
/// Momentum, its unit and the history's depth with the optimizer "momentum".
pub(super) const MOMENTUM: (f64, MomentumUnit, usize) = (0.9, MomentumUnit::History, 8);
/// The same with "sgd": nothing else is possible.
pub(super) const SGD: (f64, MomentumUnit, usize) = (0.0, MomentumUnit::None, 1);
/// Bits of a velocity below the product of row code and pulse width; fewer where the velocity would not fit.
pub(super) const VELOCITY_GUARD: u32 = 8;
/// Of the unit `tiki_taka`.
pub(super) const TRANSFER_EVERY: i64 = 1;
pub(super) const TRANSFER_DIVISOR: i64 = 1;
pub(super) const FAST_RANGE: i64 = 1;
pub(super) const EPOCHS: i64 = 8;
pub(super) const SEED: i64 = 1;

pub(super) const INPUT_CODING: InputCoding = InputCoding::Amplitude;
pub(super) const DAC_BITS: u32 = 8;
pub(super) const ADC_BITS: u32 = 8;
pub(super) const PULSE_BITS: u32 = 8;
pub(super) const ADCS: i64 = 8;
pub(super) const LANES: i64 = 8;
pub(super) const BACKEND: Backend = Backend::External;
/// Of bit slices.
pub(super) const SLICE_RATIO: i64 = 8;
pub(super) const SLICE_CODE_RATIO: i64 = 1;
pub(super) const CARRY_EVERY: i64 = 1;
/// Exponent: full scale of 4.
pub(super) const WEIGHT_RANGE: i32 = 2;

pub(super) const STATE_BITS: u32 = 20;

/// Times in ns; a pulse-width unit is one clock period.
pub(super) const CLOCK: f64 = 2.0;
pub(super) const READ_SETTLE: f64 = 10.0;
pub(super) const ADC_CONVERSION: f64 = 10.0;
/// Of second devices; assumed.
pub(super) const DECAY: f64 = 50.0;
pub(super) const TRANSFER: f64 = 100.0;

/// Volts; assumed, as are the pulses.
pub(super) const AMPLITUDE_LSB: f64 = 0.05;
pub(super) const ATTEMPTS: i64 = 1000;
/// Start, stop and step in volts.
pub(super) const PULSE_AMPLITUDE: [f64; 3] = [0.5, 1.5, 0.1];
/// Start, stop and step in pulse-width units.
pub(super) const PULSE_WIDTH: [f64; 3] = [1.0, 16.0, 1.0];
/// Shares of the conductance range (aihwkit's PCM preset).
pub(super) const REFRESH_UPPER: f64 = 0.75;
pub(super) const REFRESH_LOWER: f64 = 0.25;

pub(super) const TEST_FRACTION: f64 = 0.2;
