//! What a co-simulation found, as `summary.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::memory::MemoryTotals;
use crate::spec::Imperfection;

/// Accuracies after one epoch, on the test set, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// From the output vectors of the RTL.
    pub rtl: f64,
    pub golden: f64,
    /// Independent f64 network.
    pub float: f64,
}

/// Result of a whole co-simulation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Test accuracy of the RTL after the last epoch, 0 to 1.
    pub accuracy: f64,
    /// The same of the f64 reference.
    pub accuracy_float: f64,
    pub epochs: Vec<Epoch>,
    /// Always 0 in a finished run: the first mismatch ends it.
    pub mismatches: u64,
    /// Training samples.
    pub samples: u64,
    /// Inference samples (the test set after each epoch).
    pub samples_inferred: u64,
    /// Cycles of all training samples, measured.
    pub cycles_total: u64,
    /// The same, predicted by the cycle model.
    pub cycles_predicted: u64,
    pub cycles_per_sample: f64,
    /// Cycles per phase over all training samples.
    pub phases: BTreeMap<String, u64>,
    /// Share of a training step in which at least one array works, 0 to 1.
    pub array_busy: f64,
    /// Cycles per inferred sample.
    pub cycles_per_inference: f64,
    /// Write slots, and stored pairs passed over for want of a pulse.
    pub slots: u64,
    pub slots_skipped: u64,
    /// What makes the arrays imperfect (`[array.nonideal]`); empty for perfect ones.
    pub imperfections: Vec<Imperfection>,
    /// What the memory controller has done; absent without a memory mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryTotals>,
    /// Training and inference samples per second of wall time, checks included.
    pub samples_per_second: f64,
    pub simulated_cycles_per_second: f64,
    pub wall_seconds: f64,
    /// Building or loading the model.
    pub build_seconds: f64,
    pub seed: u64,
    pub verilator: String,
    pub spec_hash: String,
    pub backend: String,
    /// SHA-256 of the final device states of all layers (little-endian 32 bit, row-major), first 16 hex digits.
    pub weights_hash: String,
}
