//! Accuracy over seeds.

use super::{table, trimmed};
use crate::train::{Spread, Summary};

/// The closing table of a sweep: a line per seed (of a single one: per epoch), then mean and spread.
pub fn train_table(s: &Summary) -> String {
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    let maybe = |v: Option<f64>| v.map_or(String::new(), percent);
    let mut rows = table(&["test accuracy", "golden", "f64", "write slots per sample", "samples per second"]);
    if let [run] = &s.runs[..] {
        for e in &run.outcome.epochs {
            let blank = String::new;
            rows.add_row([format!("epoch {}", e.epoch), percent(e.golden), maybe(e.float), blank(), blank()]);
        }
    }
    for run in &s.runs {
        let o = &run.outcome;
        rows.add_row([
            format!("seed {}", o.seed),
            percent(o.accuracy),
            maybe(o.accuracy_float),
            format!("{:.1}", o.slots as f64 / o.samples.max(1) as f64),
            format!("{:.0}", run.samples_per_second),
        ]);
    }
    if let Some(deviation) = s.accuracy.deviation {
        let float = |pick: fn(Spread) -> Option<f64>| maybe(s.accuracy_float.and_then(pick));
        let (blank, all) = (String::new, format!("{:.0}", s.samples_per_second));
        rows.add_row(["mean".to_owned(), percent(s.accuracy.mean), float(|f| Some(f.mean)), blank(), all]);
        rows.add_row(["standard deviation".to_owned(), percent(deviation), float(|f| f.deviation), blank(), blank()]);
    }
    let imperfections: Vec<String> = s.imperfections.iter().map(ToString::to_string).collect();
    let imperfect = if imperfections.is_empty() {
        String::new()
    } else {
        format!("\nimperfect arrays: {}\n", imperfections.join(", "))
    };
    trimmed(&rows) + "\n" + &imperfect
}
