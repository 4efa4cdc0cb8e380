//! What programming the arrays as memory has brought.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{table, trimmed};
use crate::cosim::MemoryTotals;
use crate::golden::memory::{CellResult, RowCells};
use crate::spec::{Design, Memory};

/// A cell that could not be programmed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailedCell {
    pub layer: String,
    pub device: usize,
    pub row: usize,
    pub col: usize,
    /// Siemens.
    pub target: f64,
    pub reached: f64,
}

/// `memory.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub design: String,
    pub spec_hash: String,
    pub cells: u64,
    pub failed: Vec<FailedCell>,
    /// Cells by the number of pulses that they took.
    pub pulses: BTreeMap<u32, u64>,
    /// Cells by the distance in codes of the read-back from the target, with its sign.
    pub errors: BTreeMap<i64, u64>,
    /// Siemens of one code.
    pub step: f64,
    /// Accepted distance in codes.
    pub tolerance_codes: u32,
    pub counters: MemoryTotals,
    /// Mean cycles per programmed cell, read-back included.
    pub cycles_per_cell: f64,
}

/// Adds up rows.
#[derive(Debug, Clone)]
pub struct Tally {
    step: f64,
    tolerance_codes: u32,
    cells: u64,
    failed: Vec<FailedCell>,
    pulses: BTreeMap<u32, u64>,
    errors: BTreeMap<i64, u64>,
}

impl Tally {
    pub fn new(memory: &Memory) -> Tally {
        Tally {
            step: memory.step(),
            tolerance_codes: memory.tolerance_codes,
            cells: 0,
            failed: Vec::new(),
            pulses: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    /// Results of programming `cells` of `layer` to `targets`.
    pub fn programmed(&mut self, layer: &str, cells: RowCells, targets: &[u32], results: &[CellResult]) {
        for ((col, &target), result) in (cells.first_col..).zip(targets).zip(results) {
            self.cells += 1;
            *self.pulses.entry(result.pulses).or_default() += 1;
            if result.failed {
                self.failed.push(FailedCell {
                    layer: layer.to_string(),
                    device: cells.device,
                    row: cells.row,
                    col,
                    target: f64::from(target) * self.step,
                    reached: f64::from(result.code) * self.step,
                });
            }
        }
    }

    /// Codes read back where `targets` were programmed.
    pub fn read_back(&mut self, codes: &[u32], targets: &[u32]) {
        for (&code, &target) in codes.iter().zip(targets) {
            *self.errors.entry(i64::from(code) - i64::from(target)).or_default() += 1;
        }
    }

    pub fn report(self, design: &Design, counters: MemoryTotals) -> Report {
        Report {
            design: design.name.clone(),
            spec_hash: design.spec_hash.clone(),
            cells: self.cells,
            cycles_per_cell: counters.cycles as f64 / self.cells.max(1) as f64,
            failed: self.failed,
            pulses: self.pulses,
            errors: self.errors,
            step: self.step,
            tolerance_codes: self.tolerance_codes,
            counters,
        }
    }
}

/// Failures listed in the table; the rest is in the file.
const SHOWN: usize = 10;

/// Success, pulses, cycles and errors for people.
pub fn memory_table(r: &Report) -> String {
    let mut rest = table(&["programming", ""]);
    let mut row = |name: &str, value: String| {
        rest.add_row([name.to_string(), value]);
    };
    let c = &r.counters;
    let good = r.cells - r.failed.len() as u64;
    row("cells programmed", format!("{good} of {} ({:.1} %)", r.cells, 100.0 * good as f64 / r.cells.max(1) as f64));
    row("SET pulses, RESET pulses", format!("{}, {}", c.sets, c.resets));
    row("pulses per cell", format!("{:.2}", (c.sets + c.resets) as f64 / r.cells.max(1) as f64));
    row("reads", c.reads.to_string());
    row("cycles, all as predicted", c.cycles.to_string());
    row("cycles per cell", format!("{:.1}", r.cycles_per_cell));
    row("a code, tolerance", format!("{:.3e} S, {} codes", r.step, r.tolerance_codes));
    let mut errors = table(&["read-back minus target", "siemens", "cells", "share"]);
    for (error, count) in &r.errors {
        errors.add_row([
            format!("{error:+}"),
            format!("{:+.3e}", *error as f64 * r.step),
            count.to_string(),
            format!("{:.1} %", 100.0 * *count as f64 / r.cells.max(1) as f64),
        ]);
    }
    let mut text = format!("{}\n\n{}\n", trimmed(&rest), trimmed(&errors));
    if !r.failed.is_empty() {
        let mut failed = table(&["failed", "device", "row", "column", "target", "reached"]);
        for f in r.failed.iter().take(SHOWN) {
            failed.add_row([
                f.layer.clone(),
                f.device.to_string(),
                f.row.to_string(),
                f.col.to_string(),
                format!("{:.3e} S", f.target),
                format!("{:.3e} S", f.reached),
            ]);
        }
        text += &format!("\n{}\n", trimmed(&failed));
        if r.failed.len() > SHOWN {
            text += &format!("and {} more\n", r.failed.len() - SHOWN);
        }
    }
    text
}
