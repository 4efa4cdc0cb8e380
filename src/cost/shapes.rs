//! Designs of other sizes than a spec's: shapes of layers that are estimated and never generated.

use crate::spec::{Design, Tiling};

/// Rows and columns of arrays where a spec sets no limit: those of ISAAC and PUMA.
pub const ARRAY_LINES: usize = 128;

impl Design {
    /// This design with fully connected layers of `widths`: inputs first, then the outputs of each layer, at least one. Layers lie on arrays of at
    /// most [`ARRAY_LINES`] lines where the spec says nothing else. Full scales are those of the last layer: for estimates alone.
    pub fn resized(&self, name: &str, widths: &[usize]) -> Design {
        let mut design = self.clone();
        let array = &mut design.array;
        let most = ARRAY_LINES.next_multiple_of(array.adcs);
        array.rows = array.rows.or(Some(most));
        array.cols = array.cols.or(Some(most));
        let most = (array.rows, array.cols);
        let adcs = array.adcs;
        design.name = name.to_owned();
        design.inputs = widths.first().copied().unwrap_or(1);
        design.layers = widths
            .windows(2)
            .enumerate()
            .filter_map(|(index, width)| {
                let mut layer = self.layers.get(index).or(self.layers.last())?.clone();
                layer.name = format!("l{index}");
                (layer.inputs, layer.outputs) = (width[0], width[1]);
                layer.tiling = Tiling::new(width[0] + 1, width[1], most, adcs);
                Some(layer)
            })
            .collect();
        design
    }
}

/// A network for the growth table: two layers of the same width with about so many weights in all, biases left out.
pub fn square(weights: f64) -> [usize; 3] {
    let width = (weights / 2.0).sqrt().round().max(1.0) as usize;
    [width; 3]
}

/// Weights of all layers, biases left out.
pub fn weights(design: &Design) -> u64 {
    design.layers.iter().map(|l| l.inputs as u64 * l.outputs as u64).sum()
}
