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
    #[serde(default)]
    netnames: HashMap<String, NetlistName>,
}

#[derive(Deserialize)]
struct NetlistCell {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    port_directions: HashMap<String, String>,
    #[serde(default)]
    connections: HashMap<String, Vec<Bit>>,
}

#[derive(Deserialize)]
struct NetlistName {
    bits: Vec<Bit>,
}

/// Number of a net, or a constant.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Bit {
    Net(u64),
    Constant(char),
}

/// Nameless cells that a path goes through, at most, before it is given up.
const FAR: usize = 64;

/// Names that Yosys has made up.
fn made_up(name: &str) -> bool {
    name.starts_with('$')
}

/// The instance in a name.
fn instance(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(path, _)| path)
}

/// Where nameless cells belong: with the first signal or cell on the way from their output that has a name.
struct Places<'m> {
    module: &'m NetlistModule,
    /// Instance of the signal on a net, the innermost where it has several names.
    signals: HashMap<u64, &'m str>,
    /// A cell that a net goes to: one with a name, where there is one.
    readers: HashMap<u64, &'m str>,
}

impl<'m> Places<'m> {
    fn new(module: &'m NetlistModule) -> Places<'m> {
        let mut signals: HashMap<u64, &str> = HashMap::new();
        for (name, net) in module.netnames.iter().filter(|(name, _)| !made_up(name)) {
            for bit in &net.bits {
                let Bit::Net(number) = bit else { continue };
                let place = signals.entry(*number).or_insert_with(|| instance(name));
                let rank = |path: &'m str| (path.matches('.').count(), path);
                if rank(instance(name)) > rank(place) {
                    *place = instance(name);
                }
            }
        }
        let mut readers: HashMap<u64, &str> = HashMap::new();
        for (name, cell) in &module.cells {
            for (port, bits) in &cell.connections {
                if cell.port_directions.get(port).is_none_or(|direction| direction != "input") {
                    continue;
                }
                for bit in bits {
                    let Bit::Net(number) = bit else { continue };
                    let reader = readers.entry(*number).or_insert(name);
                    // The same one whatever the order of a hash map.
                    if (made_up(name), name.as_str()) < (made_up(reader), *reader) {
                        *reader = name;
                    }
                }
            }
        }
        Places { module, signals, readers }
    }

    /// The instance that a nameless cell works for.
    fn of(&self, name: &'m str) -> &'m str {
        let mut name = name;
        for _ in 0..FAR {
            if !made_up(name) {
                return instance(name);
            }
            let Some(cell) = self.module.cells.get(name) else { break };
            let outputs = cell.port_directions.iter().filter(|(_, direction)| *direction == "output");
            let bits = outputs.filter_map(|(port, _)| cell.connections.get(port)).flatten();
            let mut nets: Vec<u64> =
                bits.filter_map(|bit| if let Bit::Net(number) = bit { Some(*number) } else { None }).collect();
            nets.sort_unstable();
            if let Some(place) = nets.iter().find_map(|net| self.signals.get(net)) {
                return place;
            }
            let Some(next) = nets.iter().find_map(|net| self.readers.get(net)) else { break };
            name = next;
        }
        ""
    }
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
/// instance of the signal after which Yosys (`autoname`) calls them; those without a name, to that of the next signal with one.
///
/// # Errors
/// Text that is no such netlist.
pub fn parts(text: &[u8], design: &Design, family: Family) -> Result<Vec<Part>, serde_json::Error> {
    let netlist: Netlist = serde_json::from_slice(text)?;
    let mut parts: BTreeMap<String, Cells> = BTreeMap::new();
    // Many cells share an instance.
    let mut known: HashMap<String, String> = HashMap::new();
    for module in netlist.modules.values() {
        let places = Places::new(module);
        for (name, cell) in &module.cells {
            let instance = places.of(name);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec;

    /// Without `autoname`: a table on the way to a named signal, one behind it on the way to a named flip-flop, and one that leads nowhere.
    #[test]
    fn tables_without_a_name_belong_to_the_next_signal() {
        let text = r#"{"modules":{"m":{"netnames":{
            "u_core.u_perf.sum":{"bits":[7,"0"]},"sum_of_top":{"bits":[7]},"$abc$1$new_n2":{"bits":[8]}},"cells":{
            "$abc$1$a.cc:3":{"type":"SB_LUT4","port_directions":{"O":"output","I0":"input"},"connections":{"O":[7],"I0":[8]}},
            "$abc$1$a.cc:4":{"type":"SB_LUT4","port_directions":{"O":"output"},"connections":{"O":[8]}},
            "$abc$1$a.cc:5":{"type":"SB_LUT4","port_directions":{"O":"output"},"connections":{"O":[9]}},
            "$abc$1$a.cc:6":{"type":"SB_LUT4","port_directions":{"O":"output"},"connections":{"O":[10]}},
            "u_core.u_csr.q_reg":{"type":"SB_DFF","port_directions":{"D":"input"},"connections":{"D":[9]}}}}}}"#;
        let design = spec::parse(spec::preset("digits_fpga").expect("built in"), "digits_fpga", Path::new(""));
        let parts = parts(text.as_bytes(), &design.expect("valid"), Family::Ice40).expect("a netlist");
        let found: Vec<(&str, u64, u64)> =
            parts.iter().map(|p| (p.name.as_str(), p.cells.luts, p.cells.flip_flops)).collect();
        assert_eq!(found, [("performance counters", 2, 0), ("board", 1, 0), ("registers", 1, 1)]);
    }
}
