//! How cost grows with the number of weights: the same hardware on larger and larger networks, by the cycle model's closed forms.

use serde::Serialize;

use super::components::Components;
use super::energy::{Counting, Estimate, estimate};
use super::{CostError, shapes};
use crate::spec::Design;

/// Decades of weights.
const FIRST: i32 = 3;
const LAST: i32 = 9;

/// One size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Size {
    /// Inputs, and outputs of each layer.
    pub widths: Vec<usize>,
    /// Most rows and columns of an array.
    pub array_lines: (usize, usize),
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// Networks of two layers with about 1e3 to 1e9 weights, all else as `design` says, pulses assumed.
///
/// # Errors
/// See [`estimate`].
pub fn growth(design: &Design, components: &Components) -> Result<Vec<Size>, CostError> {
    (FIRST..=LAST)
        .map(|decade| {
            let widths = shapes::square(10f64.powi(decade));
            let sized = design.resized(&format!("{}_1e{decade}", design.name), &widths);
            let estimate = estimate(&sized, components, Counting::Assumed)?;
            let lines = |most: Option<usize>| most.unwrap_or(shapes::ARRAY_LINES);
            let array_lines = (lines(sized.array.rows), lines(sized.array.cols));
            Ok(Size { widths: widths.to_vec(), array_lines, estimate })
        })
        .collect()
}
