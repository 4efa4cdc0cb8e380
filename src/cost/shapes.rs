//! Designs of other sizes than a spec's: shapes of layers that are estimated and never generated.

use serde::Serialize;

use crate::spec::{Design, Layer, Tiling};

/// Rows and columns of arrays where a spec sets no limit: those of ISAAC and PUMA.
pub const ARRAY_LINES: usize = 128;

/// A layer as its weights lie on arrays: fully connected, or a convolution whose windows are the rows of an im2col matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Rows without the bias: inputs, or the words of a window.
    pub inputs: usize,
    pub outputs: usize,
    /// Vectors that go through the weights per sample: 1, or the output pixels.
    pub positions: usize,
    /// Vectors that go on per sample: as many, or the pixels of a pooled map.
    pub pixels: usize,
    /// Words of the layer's input: `inputs`, or the whole map.
    pub words: usize,
}

impl Shape {
    pub const fn full(inputs: usize, outputs: usize) -> Shape {
        Shape { inputs, outputs, positions: 1, pixels: 1, words: inputs }
    }

    /// A convolution with a square kernel that keeps or cuts the edge, from a map of `channels` of `size` by `size` to one of `out` by `out`.
    pub const fn conv(channels: usize, size: usize, kernel: usize, outputs: usize, out: usize) -> Shape {
        let pixels = out * out;
        Shape { inputs: channels * kernel * kernel, outputs, positions: pixels, pixels, words: channels * size * size }
    }

    /// Biases left out.
    pub fn weights(&self) -> u64 {
        self.inputs as u64 * self.outputs as u64
    }
}

impl Design {
    /// This design with fully connected layers of `widths`: inputs first, then the outputs of each layer, at least one. See
    /// [`Design::with_shapes`].
    pub fn resized(&self, name: &str, widths: &[usize]) -> Design {
        let shapes: Vec<Shape> = widths.windows(2).map(|width| Shape::full(width[0], width[1])).collect();
        self.with_shapes(name, &shapes)
    }

    /// This design with other layers, at least one. They lie on arrays of at most [`ARRAY_LINES`] lines where the spec says nothing else; full
    /// scales are those of its own layers, the last one's for all that follow. For estimates alone: positions are not in it, and neighbours
    /// need not fit.
    pub fn with_shapes(&self, name: &str, shapes: &[Shape]) -> Design {
        let mut design = self.clone();
        let array = &mut design.array;
        let most = ARRAY_LINES.next_multiple_of(array.adcs);
        array.rows = array.rows.or(Some(most));
        array.cols = array.cols.or(Some(most));
        let (most, adcs) = ((array.rows, array.cols), array.adcs);
        design.name = name.to_owned();
        design.inputs = shapes.first().map_or(1, |shape| shape.words);
        design.layers = shapes
            .iter()
            .enumerate()
            .filter_map(|(index, shape)| {
                let last = index + 1 == shapes.len();
                let own = self.layers.get(index).filter(|_| !last).or(self.layers.last());
                let mut layer = own?.clone();
                layer.name = format!("l{index}");
                layer.conv = None;
                (layer.inputs, layer.outputs) = (shape.inputs, shape.outputs);
                let slices = layer.tiling.slices;
                layer.tiling = Tiling { slices, ..Tiling::new(shape.inputs + 1, shape.outputs, most, adcs) };
                Some(layer)
            })
            .collect();
        design
    }

    /// The shapes of its layers.
    pub fn shapes(&self) -> Vec<Shape> {
        let shape = |layer: &Layer| match layer.conv {
            None => Shape::full(layer.inputs, layer.outputs),
            Some(conv) => Shape {
                inputs: layer.inputs,
                outputs: layer.outputs,
                positions: conv.positions(),
                pixels: conv.pixels(),
                words: conv.input.words(),
            },
        };
        self.layers.iter().map(shape).collect()
    }
}

/// A network for the growth table: two layers of the same width with about so many weights in all, biases left out.
pub fn square(weights: f64) -> [usize; 3] {
    let width = (weights / 2.0).sqrt().round().max(1.0) as usize;
    [width; 3]
}
