//! In which memories of the device the arrays keep the states of their cells.

use super::target::Target;
use crate::spec::{Design, Layer, StateMemory};

/// Words of one large single-port memory, and bits of a word (SPRAM of an iCE40 UltraPlus).
const DEPTH: usize = 16_384;
const WIDTH: usize = 16;

/// Large memories that the states of a layer take: two banks for each column of a word.
fn blocks(design: &Design, layer: &Layer) -> u64 {
    let (adcs, width) = (design.array.adcs, (design.device.state_bits as usize).div_ceil(WIDTH));
    let of_tile = |rows: usize, cols: usize| {
        let bank = (rows * cols.div_ceil(adcs)).div_ceil(2);
        adcs * 2 * width * bank.div_ceil(DEPTH)
    };
    layer.tiling.tiles().map(|tile| of_tile(tile.inputs + 1, tile.cols) as u64).sum()
}

/// `design` with the states of its largest layers in the target's large memories, as far as these go; as it is where its spec says where they lie, or
/// the target has none. Nothing else changes, no value and no cycle.
pub(super) fn placed(design: &Design, target: &Target) -> Design {
    let mut design = design.clone();
    if design.array.state_memory.is_some() {
        return design;
    }
    let mut order: Vec<usize> = (0..design.layers.len()).collect();
    order.sort_by_key(|&l| std::cmp::Reverse(design.layers[l].rows() * design.layers[l].outputs));
    let mut left = target.resources.large_memories;
    for l in order {
        let blocks = blocks(&design, &design.layers[l]);
        if blocks <= left {
            left -= blocks;
            design.layers[l].state_memory = StateMemory::SinglePort;
        }
    }
    design
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec;

    fn single_port(inputs: usize, outputs: usize, rest: &str, target: &str) -> Vec<bool> {
        let text = format!(
            "name = \"net\"\n[network]\ninputs = {inputs}\nlayers = [{{ outputs = {outputs} }}, {{ outputs = 10 }}]\n\
             [array]\nbackend = \"fpga\"\n{rest}\n[data]\ncsv = \"x.csv\"\n"
        );
        let design = spec::parse(&text, "net", Path::new("")).unwrap_or_else(|e| panic!("{e}"));
        let placed = placed(&design, &Target::load(target).expect("built in"));
        assert_eq!(placed.spec_hash, design.spec_hash);
        placed.layers.iter().map(|layer| layer.state_memory == StateMemory::SinglePort).collect()
    }

    /// The four SPRAMs of a UP5K, 16,384 words of 16 bits each.
    #[test]
    fn the_largest_layers_come_first() {
        let narrow = "adcs = 1\n[device]\nstate_bits = 16";
        assert_eq!(single_port(64, 32, narrow, "ice40-up5k"), [true, true]);
        // 785 * 41 words are two banks of 16,093; 785 * 42 take four blocks, and then nothing is left.
        assert_eq!(single_port(784, 41, narrow, "ice40-up5k"), [true, true]);
        assert_eq!(single_port(784, 42, narrow, "ice40-up5k"), [true, false]);
        assert_eq!(single_port(784, 84, narrow, "ice40-up5k"), [false, true]);
        let wide = "adcs = 1\n[device]\nstate_bits = 17";
        assert_eq!(single_port(64, 32, wide, "ice40-up5k"), [true, false]);
        let two = "adcs = 2\n[device]\nstate_bits = 16";
        assert_eq!(single_port(64, 32, two, "ice40-up5k"), [true, false]);
        assert_eq!(single_port(64, 32, narrow, "ice40-hx8k"), [false, false]);
    }

    #[test]
    fn what_the_spec_says_holds() {
        let said = |memory: &str| format!("adcs = 1\nstate_memory = \"{memory}\"\n[device]\nstate_bits = 16");
        assert_eq!(single_port(64, 32, &said("dual_port"), "ice40-up5k"), [false, false]);
        assert_eq!(single_port(64, 32, &said("single_port"), "ice40-hx8k"), [true, true]);
    }
}
