//! Stuck devices: what they conduct, whatever is done to them.

use crate::device::{CellAddress, Memristors, Noise, Stream};
use crate::spec::{FaultKind, MappedFault, NonIdeal, Tile};

/// The stuck devices of an array, sorted by row, column, device.
#[derive(Clone)]
pub(super) struct Faults {
    stuck: Vec<(CellAddress, f64)>,
}

fn key(at: CellAddress) -> (usize, usize, usize) {
    (at.row, at.col, at.device)
}

impl Faults {
    /// Draws the stuck devices of a tile of layer `layer` and puts those of the map in their places.
    pub fn new(nonideal: &NonIdeal, layer: usize, tile: &Tile, cells: &dyn Memristors, noise: Noise) -> Faults {
        let (low, high) = cells.conductance_range();
        let siemens = |kind| match kind {
            FaultKind::Lrs => nonideal.lrs_conductance.unwrap_or(high),
            FaultKind::Hrs => nonideal.hrs_conductance.unwrap_or(low),
            FaultKind::Open => 0.0,
        };
        let (rows, cols) = (tile.rows, tile.cols);
        let limits = [
            (FaultKind::Lrs, nonideal.stuck_lrs),
            (FaultKind::Hrs, nonideal.stuck_lrs + nonideal.stuck_hrs),
            (FaultKind::Open, nonideal.stuck_lrs + nonideal.stuck_hrs + nonideal.stuck_open),
        ];
        let mut stuck = Vec::new();
        let mut draws = vec![0.0; cols];
        for device in 0..cells.devices() {
            if limits[2].1 == 0.0 {
                break;
            }
            for row in 0..rows {
                noise.uniforms(Stream::Fault, device as u64, row, &mut draws);
                for (col, &u) in draws.iter().enumerate() {
                    if let Some((kind, _)) = limits.iter().find(|(_, limit)| f64::from(u) < *limit) {
                        stuck.push((CellAddress { device, row, col }, siemens(*kind)));
                    }
                }
            }
        }
        if let Some(map) = &nonideal.fault_map {
            // The map counts rows and columns of the layer.
            let place = |fault: &MappedFault| {
                let (row, col) = (fault.at.row.checked_sub(tile.first_row)?, fault.at.col.checked_sub(tile.first_col)?);
                let here = fault.layer == layer && row < rows && col < cols;
                here.then_some((CellAddress { row, col, ..fault.at }, siemens(fault.kind)))
            };
            let mapped: Vec<_> = map.faults.iter().filter_map(place).collect();
            let mut addresses: Vec<_> = mapped.iter().map(|(at, _)| key(*at)).collect();
            addresses.sort_unstable();
            stuck.retain(|(at, _)| addresses.binary_search(&key(*at)).is_err());
            stuck.extend(mapped);
        }
        stuck.sort_unstable_by_key(|(at, _)| key(*at));
        Faults { stuck }
    }

    /// All of them with their conductances in siemens.
    pub fn all(&self) -> &[(CellAddress, f64)] {
        &self.stuck
    }

    /// Conductance of a stuck device in siemens.
    pub fn at(&self, at: CellAddress) -> Option<f64> {
        self.stuck.binary_search_by_key(&key(at), |(at, _)| key(*at)).ok().map(|index| self.stuck[index].1)
    }

    /// The weights with a stuck device, each once, and whether all its devices are stuck.
    pub fn weights(&self, devices: usize) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
        self.stuck.chunk_by(|(a, _), (b, _)| (a.row, a.col) == (b.row, b.col)).map(move |stuck| {
            let at = stuck[0].0;
            (at.row, at.col, stuck.len() == devices)
        })
    }
}
