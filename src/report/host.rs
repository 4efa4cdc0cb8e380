//! The closing table of a training over a link.

use super::{table, trimmed};
use crate::host::Outcome;

/// Accuracy per epoch, speed of the link, cycles of the machine.
pub fn host_table(outcome: &Outcome) -> String {
    let percent = |part: u64, whole: u64| format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64);
    let mut accuracy = table(&["test accuracy", ""]);
    for &(epoch, right, of) in &outcome.epochs {
        accuracy.add_row([format!("epoch {epoch}"), percent(right as u64, of as u64)]);
    }
    let count = |name: &str| outcome.counters.iter().find(|(n, _)| n == name).map_or(0, |(_, count)| *count);
    // What the machine waits for the link is no work.
    let work = count("cycles") - count("wait_input");
    let mut rest = table(&["", ""]);
    let mut row = |name: &str, value: String| {
        rest.add_row([name.to_string(), value]);
    };
    row("samples trained", outcome.trained.to_string());
    row("samples per second over the link", format!("{:.0}", outcome.trained as f64 / outcome.seconds.max(1e-9)));
    row("cycles of work per sample", format!("{:.1}", work as f64 / outcome.trained.max(1) as f64));
    row("arrays busy", percent(count("array_busy"), work));
    row("machine waits for the link", percent(count("wait_input"), count("cycles")));
    row("requests sent again", outcome.retries.to_string());
    format!("{}\n\n{}\n", trimmed(&accuracy), trimmed(&rest))
}
