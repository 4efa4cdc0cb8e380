//! Weights of a machine in a file: device states as integers, with the hash of the spec that they belong to.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::{HostError, Machine};
use crate::golden::initial_states;
use crate::spec::Design;

/// States of one layer's array, row-major; the last row is the bias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerWeights {
    pub name: String,
    pub rows: usize,
    pub cols: usize,
    /// `w = s * 2^(range - (state_bits - 1))`
    pub states: Vec<i32>,
}

/// All weights of a design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// Name of the design.
    pub design: String,
    pub spec_hash: String,
    pub layers: Vec<LayerWeights>,
}

impl Weights {
    fn new(design: &Design, states: Vec<Vec<i32>>) -> Weights {
        let layers = design.layers.iter().zip(states);
        Weights {
            design: design.name.clone(),
            spec_hash: design.spec_hash.clone(),
            layers: layers
                .map(|(layer, states)| LayerWeights {
                    name: layer.name.clone(),
                    rows: layer.rows(),
                    cols: layer.outputs,
                    states,
                })
                .collect(),
        }
    }

    /// Those that training begins with, from the spec's seed.
    pub fn initial(design: &Design) -> Weights {
        let states = design.layers.iter().enumerate().map(|(index, layer)| initial_states(design, index, layer));
        Weights::new(design, states.collect())
    }

    /// Reads all weights of a machine.
    ///
    /// # Errors
    /// Those of the link; a busy machine.
    pub fn read(machine: &mut Machine) -> Result<Weights, HostError> {
        let design = machine.design().clone();
        let states: Result<Vec<_>, _> = (0..design.layers.len()).map(|layer| machine.read_states(layer)).collect();
        Ok(Weights::new(&design, states?))
    }

    /// Writes them to a machine.
    ///
    /// # Errors
    /// Those of the link; a busy machine; weights of another design.
    pub fn write(&self, machine: &mut Machine) -> Result<(), HostError> {
        let layers = machine.design().layers.len();
        if self.layers.len() != layers {
            let why = format!("{} layers, the machine has {layers}", self.layers.len());
            return Err(HostError::Weights { layer: 0, why });
        }
        self.layers.iter().enumerate().try_for_each(|(index, layer)| machine.write_states(index, &layer.states))
    }

    /// Reads a file that `read-weights` has written for this design.
    ///
    /// # Errors
    /// No such file, no weights in it, weights of another design.
    pub fn load(path: &Path, design: &Design) -> anyhow::Result<Weights> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let weights: Weights =
            serde_json::from_str(&text).with_context(|| format!("{} holds no weights", path.display()))?;
        let shape = |layers: &[LayerWeights]| layers.iter().map(|l| (l.rows, l.cols)).collect::<Vec<_>>();
        let expected: Vec<_> = design.layers.iter().map(|layer| (layer.rows(), layer.outputs)).collect();
        ensure!(
            weights.spec_hash == design.spec_hash && shape(&weights.layers) == expected,
            "{} holds weights of `{}` (hash {}), not of `{}` (hash {})",
            path.display(),
            weights.design,
            weights.spec_hash,
            design.name,
            design.spec_hash
        );
        Ok(weights)
    }
}
