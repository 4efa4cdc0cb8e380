//! What became of a design on an FPGA, for the terminal.

use super::{table, trimmed};
use crate::fpga::{Report, megahertz};

/// Parts shown.
const SHOWN: usize = 12;
/// Signals of a critical path shown.
const SIGNALS: usize = 12;

/// Resources, parts, clock, critical path and time per training sample.
pub fn fpga_table(r: &Report) -> String {
    let mut text = format!("{} on {} ({})\n\n", r.design, r.target, r.board);
    let mut resources = table(&["resource", "used", "of", "share"]);
    for u in &r.resources {
        let share = format!("{:.0} %", 100.0 * u.share());
        resources.add_row([u.name.to_string(), u.used.to_string(), u.available.to_string(), share]);
    }
    if !r.resources.is_empty() {
        text += &(trimmed(&resources) + "\n\n");
    }
    // Few devices have large memories.
    let large = r.parts.iter().any(|part| part.cells.large_memories > 0);
    let mut heads = vec!["part, before packing", "LUTs", "flip-flops", "block RAMs", "DSPs"];
    heads.extend(large.then_some("SPRAMs"));
    let columns = heads.len();
    let mut parts = table(&heads);
    for p in r.parts.iter().take(SHOWN) {
        let c = p.cells;
        let counts = [c.luts, c.flip_flops, c.memories, c.multipliers, c.large_memories];
        parts.add_row(std::iter::once(p.name.clone()).chain(counts.map(|n| n.to_string())).take(columns));
    }
    if r.parts.len() > SHOWN {
        let rest = format!("({} more in fpga.json)", r.parts.len() - SHOWN);
        parts.add_row(std::iter::once(rest).chain(std::iter::repeat_n(String::new(), columns - 1)));
    }
    if !r.parts.is_empty() {
        text += &(trimmed(&parts) + "\n\n");
    }
    let mut rest = table(&["", ""]);
    let mut row = |name: &str, value: String| {
        rest.add_row([name.to_string(), value]);
    };
    row("clock asked for", format!("{} MHz", megahertz(r.clock_requested)));
    if let Some(fmax) = r.fmax {
        row("clock reached (Fmax)", format!("{fmax:.2} MHz"));
    }
    row("clock on the board", format!("{} MHz", megahertz(r.clock_board)));
    if let (Some(pace), Some(time)) = (r.pace, r.sample_us()) {
        row("cycles per training sample", format!("{:.1}", pace.cycles_per_sample));
        row(&format!("time per training sample at {} MHz", megahertz(r.clock())), format!("{time:.2} us"));
    }
    text += trimmed(&rest).trim_start_matches('\n');
    text += "\n";
    if let Some(path) = &r.critical_path {
        text += &format!(
            "\ncritical path: {:.2} ns, {:.2} of them on wires, {} levels of logic\n",
            path.delay, path.routing, path.levels
        );
        for signal in path.signals.iter().take(SIGNALS) {
            text += &format!("  {signal}\n");
        }
        if path.signals.len() > SIGNALS {
            text += &format!("  ({} more in fpga.json)\n", path.signals.len() - SIGNALS);
        }
    }
    text
}
