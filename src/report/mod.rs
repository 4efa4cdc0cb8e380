//! Tables and pictures for people.

pub mod array;
pub mod timing;

pub mod compare;
pub mod cost;
pub mod device;
pub mod figures;
mod fpga;
mod host;
pub mod memory;
pub mod plots;
mod train;
pub mod wires;

pub use fpga::fpga_table;
pub use host::host_table;
pub use train::train_table;

use comfy_table::{CellAlignment, Table, presets};

use crate::cosim::Summary;
use crate::phases::Phase;

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The closing tables of a co-simulation: accuracy per epoch, cycles per phase, speed.
pub fn cosim_table(s: &Summary) -> String {
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    let mut accuracy = table(&["test accuracy", "RTL", "golden", "f64"]);
    for e in &s.epochs {
        accuracy.add_row([format!("epoch {}", e.epoch), percent(e.rtl), percent(e.golden), percent(e.float)]);
    }
    let mut cycles = table(&["training, per sample", "cycles", "share"]);
    for phase in &Phase::of(s.memory.is_some())[1..] {
        let count = s.phases.get(phase.name()).copied().unwrap_or(0);
        let per_sample = count as f64 / s.samples.max(1) as f64;
        let share = count as f64 / s.cycles_total.max(1) as f64;
        cycles.add_row([phase.name().replace('_', " "), format!("{per_sample:.1}"), percent(share)]);
    }
    cycles.add_row(["all".to_string(), format!("{:.1}", s.cycles_per_sample), percent(1.0)]);
    let mut rest = table(&["", ""]);
    let mut row = |name: &str, value: String| {
        rest.add_row([name.to_string(), value]);
    };
    row("mismatches", s.mismatches.to_string());
    row("cycles measured / predicted", format!("{} / {}", s.cycles_total, s.cycles_predicted));
    row("arrays busy (training)", percent(s.array_busy));
    row("write slots per sample", format!("{:.1}", s.slots as f64 / s.samples.max(1) as f64));
    row("cycles per inference", format!("{:.1}", s.cycles_per_inference));
    if let Some(m) = s.memory {
        row("cells programmed / failed", format!("{} / {}", m.successes, m.failures));
        row("SET pulses, RESET pulses, cell reads", format!("{}, {}, {}", m.sets, m.resets, m.reads));
        row("pairs refreshed", m.refreshed.to_string());
    }
    for (i, imperfection) in s.imperfections.iter().enumerate() {
        row(if i == 0 { "imperfect arrays" } else { "" }, imperfection.to_string());
    }
    row("samples per second", format!("{:.0}", s.samples_per_second));
    row("simulated cycles per second", format!("{:.3e}", s.simulated_cycles_per_second));
    row("wall time, build time", format!("{:.1} s, {:.1} s", s.wall_seconds, s.build_seconds));
    format!("{}\n\n{}\n{}\n", trimmed(&accuracy), trimmed(&cycles), trimmed(&rest))
}

/// Without the trailing blanks that pad a table's last column.
fn trimmed(table: &Table) -> String {
    table.lines().map(|l| l.trim_end().to_string()).collect::<Vec<_>>().join("\n")
}
