//! What a synthesized netlist is made of, by module of the design.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::names;
use super::target::Family;
use crate::spec::Design;

/// Of a netlist of Yosys (`write_json`), the cells.
#[derive(Deserialize)]
struct Netlist {
    modules: HashMap<String, NetlistModule>,
}

#[derive(Deserialize)]
struct NetlistModule {
    #[serde(default)]
    cells: HashMap<String, NetlistCell>,
}

#[derive(Deserialize)]
struct NetlistCell {
    #[serde(rename = "type")]
    kind: String,
}

/// Cells of a part of the design.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Look-up tables, carries of the ECP5 as the two that they take.
    pub luts: u64,
    pub flip_flops: u64,
    pub memories: u64,
    pub multipliers: u64,
    pub large_memories: u64,
}

impl Cells {
    /// A measure for the size in logic: what is larger, as a logic cell holds one of each.
    pub fn logic(&self) -> u64 {
        self.luts.max(self.flip_flops)
    }

    fn count(&mut self, kind: &str, family: Family) {
        match (family, kind) {
            (Family::Ice40, "SB_LUT4") | (Family::Ecp5, "LUT4") => self.luts += 1,
            (Family::Ecp5, "CCU2C") => self.luts += 2,
            (Family::Ecp5, "TRELLIS_DPR16X4") => self.luts += 6,
            (Family::Ice40, "SB_RAM40_4K") | (Family::Ecp5, "DP16KD" | "PDPW16KD") => self.memories += 1,
            (Family::Ice40, "SB_MAC16") | (Family::Ecp5, "MULT18X18D") => self.multipliers += 1,
            (Family::Ice40, "SB_SPRAM256KA") => self.large_memories += 1,
            (Family::Ecp5, "TRELLIS_FF") => self.flip_flops += 1,
            // Block RAMs without or with inverted clocks have suffixes, flip-flops their kinds.
            (Family::Ice40, kind) if kind.starts_with("SB_RAM40_4K") => self.memories += 1,
            (Family::Ice40, kind) if kind.starts_with("SB_DFF") => self.flip_flops += 1,
            _ => {}
        }
    }
}

/// A part of the design in the user's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Such as `layer l0: momentum unit`.
    pub name: String,
    #[serde(flatten)]
    pub cells: Cells,
}

/// The parts of a flattened netlist whose cells carry the names of their instances, the largest first. Look-up tables belong to the
/// instance of the signal after which Yosys (`autoname`) calls them.
///
/// # Errors
/// Text that is no such netlist.
pub fn parts(text: &[u8], design: &Design, family: Family) -> Result<Vec<Part>, serde_json::Error> {
    let netlist: Netlist = serde_json::from_slice(text)?;
    let mut parts: BTreeMap<String, Cells> = BTreeMap::new();
    // Many cells share an instance.
    let mut known: HashMap<String, String> = HashMap::new();
    for module in netlist.modules.values() {
        for (name, cell) in &module.cells {
            let instance = name.rsplit_once('.').map_or("", |(path, _)| path);
            let part = match known.get(instance) {
                Some(part) => part.clone(),
                None => {
                    let part = names::part(instance, design);
                    known.insert(instance.to_string(), part.clone());
                    part
                }
            };
            parts.entry(part).or_default().count(&cell.kind, family);
        }
    }
    let mut parts: Vec<Part> = parts.into_iter().map(|(name, cells)| Part { name, cells }).collect();
    parts.retain(|part| part.cells != Cells::default());
    parts.sort_by_key(|part| (std::cmp::Reverse(part.cells.logic()), part.name.clone()));
    Ok(parts)
}
