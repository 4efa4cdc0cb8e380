//! Whether a design fits its target, and what would help if not.

use std::fmt;

use super::netlist::Part;
use super::target::{Resource, Target};
use super::{Resources, Use, built_in};
use crate::spec::{Backend, Design, MomentumUnit, StateMemory};

/// Parts shown in the message.
const SHOWN: usize = 6;
/// Knobs that act on a smaller share of the design are not named.
const WORTH_NAMING: f64 = 0.01;

/// A design larger than its target.
#[derive(Debug, Clone, PartialEq)]
pub struct TooLarge {
    pub design: String,
    pub target: String,
    /// All resources; those that do not suffice are the reason.
    pub uses: Vec<Use>,
    /// The largest first.
    pub parts: Vec<Part>,
    /// What would help, a line each.
    pub knobs: Vec<String>,
}

impl std::error::Error for TooLarge {}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} does not fit {}:", self.design, self.target)?;
        for u in self.uses.iter().filter(|u| u.used > u.available) {
            let over = u.used - u.available;
            writeln!(
                f,
                "  {}: {} needed, {} there, {over} too many ({:.0} %)",
                u.name,
                u.used,
                u.available,
                100.0 * u.share()
            )?;
        }
        writeln!(f, "largest parts, before packing:")?;
        for part in self.parts.iter().take(SHOWN) {
            writeln!(f, "  {:<32} {}", part.name, part_words(part))?;
        }
        write!(f, "what would help:")?;
        self.knobs.iter().try_for_each(|knob| write!(f, "\n  {knob}"))
    }
}

/// Cells of a part in words.
fn part_words(part: &Part) -> String {
    let c = &part.cells;
    let all = [
        (c.luts, "LUTs"),
        (c.flip_flops, "flip-flops"),
        (c.memories, "block RAMs"),
        (c.multipliers, "multipliers"),
        (c.large_memories, "SPRAMs"),
    ];
    let words = all.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}"));
    words.collect::<Vec<_>>().join(", ")
}

/// Each resource that the device has or the design wants.
pub fn uses(used: &Resources, target: &Target) -> Vec<Use> {
    let all = Resource::ALL.into_iter().map(|resource| Use {
        resource,
        name: resource.words(target.family),
        used: used.of(resource),
        available: target.resources.of(resource),
    });
    all.filter(|u| u.used > 0 || u.available > 0).collect()
}

/// Compares what is used with what is there.
///
/// # Errors
/// More is used than there is.
pub fn check(design: &Design, target: &Target, used: &Resources, parts: &[Part]) -> Result<(), Box<TooLarge>> {
    let uses = uses(used, target);
    if uses.iter().all(|u| u.used <= u.available) {
        return Ok(());
    }
    let short = |resource| uses.iter().any(|u| u.resource == resource && u.used > u.available);
    let knobs = knobs(design, target, used, parts, short);
    Err(Box::new(TooLarge {
        design: design.name.clone(),
        target: target.to_string(),
        parts: parts.to_vec(),
        knobs,
        uses,
    }))
}

/// Keys of the spec and targets that would help, the most effective first.
fn knobs(
    design: &Design,
    target: &Target,
    used: &Resources,
    parts: &[Part],
    short: impl Fn(Resource) -> bool,
) -> Vec<String> {
    let array = &design.array;
    // Share of the logic in parts that a knob acts on.
    let share = |words: &[&str]| {
        let logic = |matches: &dyn Fn(&Part) -> bool| {
            parts.iter().filter(|p| matches(p)).map(|p| p.cells.logic()).sum::<u64>() as f64
        };
        let all = logic(&|_| true).max(1.0);
        logic(&|part| words.iter().any(|word| part.name.contains(word))) / all
    };
    let logic = short(Resource::Logic);
    let mut knobs: Vec<(f64, String)> = Vec::new();
    let mut add = |weight: f64, text: String| knobs.push((weight, text));
    let of_logic = |share: f64| format!("{:.0} % of the logic is there", 100.0 * share);
    if logic || short(Resource::Multipliers) {
        let arrays = share(&["emulated array"]);
        if array.adcs > 1 {
            add(
                arrays,
                format!(
                    "`adcs` (now {}): multipliers and adders of each emulated array; {}",
                    array.adcs,
                    of_logic(arrays)
                ),
            );
        }
        let moved = share(&["momentum unit", "read path", "sample", "gear"]);
        if array.lanes > 1 {
            add(
                moved,
                format!(
                    "`lanes` (now {}): words per cycle in momentum units, read path and streams; {}",
                    array.lanes,
                    of_logic(moved)
                ),
            );
        }
    }
    if logic {
        let bits = share(&["rows", "columns", "momentum unit", "emulated array"]);
        add(
            // Narrower words help less than fewer of them.
            0.5 * bits,
            format!(
                "`dac_bits` (now {}), `pulse_bits` (now {}), `state_bits` (now {}): width of drivers, multipliers and adders; {}",
                array.dac_bits,
                array.pulse_bits,
                design.device.state_bits,
                of_logic(bits)
            ),
        );
        let lines = share(&["rows", "columns"]);
        add(lines, format!("fewer `inputs` and `outputs`: codes of rows and columns; {}", of_logic(lines)));
        if array.backend == Backend::Emulated {
            // What reads them one by one is in the arrays.
            let both = lines + share(&["emulated array"]);
            add(both, format!("`backend = \"fpga\"`: codes of rows and columns in memories; {}", of_logic(both)));
        }
        let tables = share(&["read path"]);
        add(
            0.5 * tables,
            format!(
                "`adc_bits` (now {}): activation tables of 2^adc_bits entries; {}",
                array.adc_bits,
                of_logic(tables)
            ),
        );
    }
    if short(Resource::Memories) || short(Resource::LargeMemories) {
        if design.training.momentum_unit == MomentumUnit::History {
            add(0.3, format!("`history` (now {}): pairs kept in memory", design.training.history));
        }
        add(0.5, format!("`state_bits` (now {}): bits of a weight in memory", design.device.state_bits));
        if array.state_memory == Some(StateMemory::DualPort) && target.resources.large_memories > 0 {
            add(0.6, "without `state_memory = \"dual_port\"`: weights in the SPRAMs as far as these go".to_owned());
        }
        if array.adcs.max(array.lanes) > 1 {
            add(0.4, format!("`adcs` (now {}) and `lanes` (now {}): width of the memories", array.adcs, array.lanes));
        }
    }
    knobs.retain(|(weight, _)| *weight >= WORTH_NAMING);
    knobs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut knobs: Vec<String> = knobs.into_iter().map(|(_, text)| text).collect();
    let larger: Vec<String> = built_in()
        .filter(|t| t.name != target.name && t.resources.logic > used.logic)
        .filter(|t| t.resources.multipliers + t.resources.memories > used.multipliers + used.memories)
        .map(|t| format!("`{}` ({} {})", t.name, t.resources.logic, Resource::Logic.words(t.family)))
        .collect();
    if !larger.is_empty() {
        knobs.push(format!("`--target`: {}", larger.join(", ")));
    }
    knobs
}
