//! Bindings of what bit-serial reads add: planes, and the module that adds their codes.

use askama::Template;

use super::bits_for;
use super::read_path::layer_mask;
use crate::spec::Design;

/// Sizes that the top needs.
pub(super) struct Sizes {
    /// Groups of the longest read of any layer.
    pub groups: usize,
    pub group_bits: u32,
    pub plane_bits: u32,
}

impl Sizes {
    /// `None` where inputs are coded by amplitude.
    pub fn new(design: &Design) -> Option<Sizes> {
        if !design.array.input_coding.bit_serial() {
            return None;
        }
        let adcs = design.array.adcs;
        // Nothing reads the first layer backward.
        let hidden = design.layers.iter().skip(1).map(|layer| layer.inputs);
        let lines = design.layers.iter().map(|layer| layer.outputs).chain(hidden);
        let groups = lines.map(|lines| lines.div_ceil(adcs)).max().unwrap_or(1);
        let plane_bits = bits_for(design.array.planes().0 as usize - 1);
        Some(Sizes { groups, group_bits: bits_for(groups - 1), plane_bits })
    }
}

#[derive(Template)]
#[template(path = "shift_add.v", escape = "none")]
pub(super) struct ShiftAdd<'a> {
    name: &'a str,
    layers: usize,
    /// From sums to codes, distinct ones.
    shifts: Vec<PlaneShifts>,
    max_shift: u32,
}

/// Shifts of some layers, and the mask of these.
struct PlaneShifts {
    forward: u32,
    backward: u32,
    mask: String,
}

/// The module; `None` where inputs are coded by amplitude.
pub(super) fn shift_add(design: &Design) -> Option<ShiftAdd<'_>> {
    if !design.array.input_coding.bit_serial() {
        return None;
    }
    let mut users: Vec<((u32, u32), Vec<usize>)> = Vec::new();
    for (index, layer) in design.layers.iter().enumerate() {
        // Sums of a transposed read end a bit higher.
        let key = (layer.shifts.planes_forward, layer.shifts.planes_backward + 1);
        match users.iter_mut().find(|(shifts, _)| *shifts == key) {
            Some((_, layers)) => layers.push(index),
            None => users.push((key, vec![index])),
        }
    }
    let max_shift = users.iter().map(|((forward, backward), _)| *forward.max(backward)).max().unwrap_or(0);
    let layers = design.layers.len();
    let shifts = users.into_iter().map(|((forward, backward), users)| PlaneShifts {
        forward,
        backward,
        mask: layer_mask(layers, &users),
    });
    Some(ShiftAdd { name: &design.name, layers, shifts: shifts.collect(), max_shift })
}
