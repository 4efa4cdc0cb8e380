//! The register file as its documentation describes it, written without the descriptions that the RTL is made from, and a
//! generator of bus operations with the answers that the model gives.

use std::collections::HashMap;

use memrtl::regmap::RegMap;
use memrtl::spec::{Backend, Design, MomentumUnit};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const OKAY: u32 = 0;
const SLVERR: u32 = 2;

/// What the core sees of an operation besides the settings.
#[derive(Default)]
struct Effects {
    /// soft_reset, clear_history, clear_counters.
    pulses: u32,
    accesses: u32,
}

pub struct Model {
    map: RegMap,
    /// Rows and columns of each layer, if the weights are to be had.
    arrays: Option<Vec<(u32, u32)>>,
    momentum_unit: bool,
    depth: u32,
    state_bits: u32,
    ctrl: u32,
    rate: u32,
    momentum: u32,
    history: u32,
    flags: u32,
    busy: bool,
    phase: u32,
    counters: [u64; 11],
    high: [u32; 11],
    cell: (u32, u32, u32),
    states: HashMap<(u32, u32, u32), u32>,
    constants: HashMap<u32, u32>,
}

impl Model {
    pub fn new(design: &Design) -> Model {
        let map = RegMap::for_design(design);
        let hash = u64::from_str_radix(&design.spec_hash, 16).expect("hexadecimal hash");
        let array = &design.array;
        let stream_bits = if array.dac_bits <= 8 { 8 } else { 16 };
        let constants = [
            (0x00, 0x4d52_544c),
            (0x04, 1),
            (0x08, hash as u32),
            (0x0c, (hash >> 32) as u32),
            (0x10, (design.inputs as u32) << 16 | design.layers.len() as u32),
            (0x14, design.layers[design.layers.len() - 1].outputs as u32),
            (0x18, stream_bits << 24 | array.pulse_bits << 16 | array.adc_bits << 8 | array.dac_bits),
        ];
        let sizes = |l: &memrtl::spec::Layer| (l.inputs as u32 + 1, l.outputs as u32);
        Model {
            arrays: (array.backend == Backend::Emulated).then(|| design.layers.iter().map(sizes).collect()),
            momentum_unit: design.training.momentum_unit == MomentumUnit::History,
            depth: design.training.history as u32,
            state_bits: design.device.state_bits,
            ctrl: 0,
            rate: design.learning_rate_code(),
            momentum: design.momentum_code(),
            history: design.training.history as u32,
            flags: 0,
            busy: false,
            phase: 0,
            counters: [0; 11],
            high: [0; 11],
            cell: (0, 0, 0),
            states: HashMap::new(),
            constants: constants.into(),
            map,
        }
    }

    fn name(&self, address: u32) -> &str {
        self.map.registers.iter().find(|r| r.address == address).map_or("", |r| &r.name)
    }

    /// Rows and columns of the addressed layer.
    fn array(&self) -> (u32, u32) {
        self.arrays.as_ref().map_or((0, 0), |arrays| arrays[self.cell.0 as usize])
    }

    fn cell_exists(&self) -> bool {
        let (rows, columns) = self.array();
        self.cell.1 < rows && self.cell.2 < columns
    }

    fn step_cell(&mut self) {
        self.cell.2 += 1;
        if self.cell.2 == self.array().1 {
            self.cell = (self.cell.0, self.cell.1 + 1, 0);
        }
    }

    /// Whole-word registers whose value may not be out of range: the strobed bytes replaced, then checked.
    fn number(&mut self, name: &str, data: u32, mask: u32) -> u32 {
        let arrays = self.arrays.clone().unwrap_or_default();
        let rows = arrays.iter().map(|a| a.0).max().unwrap_or(0);
        let columns = arrays.iter().map(|a| a.1).max().unwrap_or(0);
        let (locked, range, place) = match name {
            "LEARNING_RATE" => (true, 0..=65_535, &mut self.rate),
            "MOMENTUM" => (true, 0..=65_535, &mut self.momentum),
            "HISTORY" => (true, 1..=self.depth, &mut self.history),
            "WEIGHT_LAYER" => (false, 0..=arrays.len() as u32 - 1, &mut self.cell.0),
            "WEIGHT_ROW" => (false, 0..=rows, &mut self.cell.1),
            // A column beyond all of them may fit into the register's bits; it must still be refused.
            _ => (false, 0..=columns - 1, &mut self.cell.2),
        };
        let new = *place & !mask | data & mask;
        if !range.contains(&new) || (locked && self.busy && new != *place) {
            return SLVERR;
        }
        *place = new;
        OKAY
    }

    fn write(&mut self, address: u32, data: u32, strobes: u32) -> (u32, Effects) {
        let mask = (0..4).filter(|b| strobes >> b & 1 == 1).fold(0, |m, b| m | 0xff << (8 * b));
        let set = data & mask;
        let mut effects = Effects::default();
        let name = self.name(address).to_string();
        let response = match name.as_str() {
            "CTRL" => {
                let new = (self.ctrl & !mask | set) & 7;
                if self.busy && (new ^ self.ctrl) & 6 != 0 {
                    SLVERR
                } else {
                    self.ctrl = new;
                    OKAY
                }
            }
            "COMMAND" => {
                effects.pulses = set & 7;
                if set & 1 == 1 {
                    self.ctrl &= 6;
                    self.flags = 0;
                }
                OKAY
            }
            "STATUS" => {
                self.flags &= !(set >> 8 & 3);
                OKAY
            }
            "LEARNING_RATE" | "MOMENTUM" | "HISTORY" | "WEIGHT_LAYER" | "WEIGHT_ROW" | "WEIGHT_COL" => {
                self.number(&name, data, mask)
            }
            "WEIGHT_DATA" => {
                let limit = (1i64 << (self.state_bits - 1)) - 1;
                let state = i64::from(data as i32);
                if self.busy || !self.cell_exists() || strobes != 15 || state.abs() > limit {
                    SLVERR
                } else {
                    self.states.insert(self.cell, data);
                    self.step_cell();
                    effects.accesses = 1;
                    OKAY
                }
            }
            _ => SLVERR,
        };
        (response, effects)
    }

    fn read(&mut self, address: u32) -> (u32, u32, Effects) {
        let mut effects = Effects::default();
        if let Some(&value) = self.constants.get(&address) {
            return (OKAY, value, effects);
        }
        let name = self.name(address).to_string();
        let value = match name.as_str() {
            "CTRL" => self.ctrl,
            "COMMAND" => 0,
            "STATUS" => self.flags << 8 | self.phase << 4 | u32::from(self.busy),
            "LEARNING_RATE" => self.rate,
            "MOMENTUM" => self.momentum,
            "HISTORY" => self.history,
            "WEIGHT_LAYER" => self.cell.0,
            "WEIGHT_ROW" => self.cell.1,
            "WEIGHT_COL" => self.cell.2,
            "WEIGHT_DATA" => {
                if self.busy || !self.cell_exists() {
                    return (SLVERR, 0, effects);
                }
                let state = self.states.get(&self.cell).copied().unwrap_or(0);
                self.step_cell();
                effects.accesses = 1;
                state
            }
            _ if (0x100..0x100 + 88).contains(&address) && address.is_multiple_of(4) => {
                let counter = (address - 0x100) as usize / 8;
                if address.is_multiple_of(8) {
                    self.high[counter] = (self.counters[counter] >> 32) as u32;
                    self.counters[counter] as u32
                } else {
                    self.high[counter]
                }
            }
            _ => return (SLVERR, 0, effects),
        };
        (OKAY, value, effects)
    }

    /// An operation as the bench reads it: 144 bits in hex digits.
    fn line(&self, kind: u32, response: u32, strobes: u32, address: u32, data: u64, effects: &Effects) -> String {
        let (momentum, history) = if self.momentum_unit { (self.momentum, self.history) } else { (0, 0) };
        format!(
            "{kind:x}{response:x}{strobes:x}{address:03x}{data:016x}{:x}{:04x}{momentum:04x}{history:03x}{:x}{:x}\n",
            self.ctrl, self.rate, effects.pulses, effects.accesses
        )
    }

    fn write_line(&mut self, address: u32, data: u32, strobes: u32) -> String {
        let (response, effects) = self.write(address, data, strobes);
        self.line(1, response, strobes, address, data.into(), &effects)
    }

    fn read_line(&mut self, address: u32) -> String {
        let (response, data, effects) = self.read(address);
        self.line(2, response, 0, address, data.into(), &effects)
    }

    fn set_busy(&mut self, busy: bool, phase: u32) -> String {
        (self.busy, self.phase) = (busy, phase);
        self.line(3, 0, 0, 0, u64::from(phase << 1 | u32::from(busy)), &Effects::default())
    }

    /// A value that is worth writing to the register: often in range, often just beside it.
    fn data_for(&self, rng: &mut impl Rng, address: u32) -> u32 {
        let near = |rng: &mut dyn Rng, top: u32| rng.random_range(0..=top + 1);
        let (rows, columns) = self.array();
        match (self.name(address), rng.random_range(0..8)) {
            (_, 0) => rng.random(),
            ("CTRL" | "COMMAND", _) => rng.random_range(0..8),
            ("STATUS", _) => rng.random_range(0..4) << 8,
            ("LEARNING_RATE" | "MOMENTUM", 1) => rng.random_range(65_535..65_538),
            ("LEARNING_RATE", 2) => self.rate,
            // One bit off: from the value that is there, from a value that is taken.
            ("LEARNING_RATE", 3) => self.rate ^ 1 << rng.random_range(0..16),
            ("LEARNING_RATE" | "MOMENTUM", 4) => 1 << if rng.random() { 31 } else { rng.random_range(16..32) },
            ("LEARNING_RATE" | "MOMENTUM", _) => rng.random_range(0..65_536),
            ("HISTORY", _) => near(rng, self.depth),
            ("WEIGHT_LAYER", _) => near(rng, self.arrays.as_ref().map_or(0, |a| a.len() as u32 - 1)),
            ("WEIGHT_ROW", _) => near(rng, rows),
            ("WEIGHT_COL", _) => near(rng, columns),
            ("WEIGHT_DATA", kind) => {
                let full = 1i64 << (self.state_bits - 1);
                match kind {
                    1 => (-full) as u32,
                    2 => full as u32,
                    3 => (1 - full) as u32,
                    4 => (full - 1) as u32,
                    5 => rng.random_range(1 - full..full) as u32 ^ 1 << rng.random_range(self.state_bits.min(31)..32),
                    _ => rng.random_range(1 - full..full) as u32,
                }
            }
            _ => rng.random_range(0..4),
        }
    }

    fn operation(&mut self, rng: &mut impl Rng) -> String {
        let known = self.map.registers[rng.random_range(0..self.map.registers.len())].address;
        let weights = [0x40, 0x44, 0x48, 0x4c, 0x4c, 0x4c];
        let settings = [0x20, 0x24, 0x28, 0x30, 0x34, 0x38, 0x38];
        let address = match rng.random_range(0..16) {
            0 => rng.random_range(0..4096),
            1 => known + rng.random_range(1..4),
            2 => rng.random_range(0..1024) * 4,
            3..8 => weights[rng.random_range(0..weights.len())],
            8..12 => settings[rng.random_range(0..settings.len())],
            _ => known,
        };
        match rng.random_range(0..32) {
            0..2 => {
                let phase = rng.random_range(0..7);
                let busy = rng.random_bool(0.4);
                self.set_busy(busy, phase)
            }
            2..4 => {
                let counter = rng.random_range(0..11);
                self.counters[counter] = rng.random();
                self.line(4, 0, 0, counter as u32, self.counters[counter], &Effects::default())
            }
            4 => {
                let flags = rng.random_range(0..4);
                self.flags |= flags;
                self.line(5, 0, 0, 0, flags.into(), &Effects::default())
            }
            5..20 => {
                let strobes = if rng.random_bool(0.6) { 15 } else { rng.random_range(0..16) };
                let data = self.data_for(rng, address);
                self.write_line(address, data, strobes)
            }
            _ => self.read_line(address),
        }
    }

    /// `count` random operations, then every register once, then the machine idle with the weight address at the first cell.
    pub fn operations(mut self, seed: u64, count: usize) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut lines: String = self.map.registers.clone().iter().map(|r| self.read_line(r.address)).collect();
        for _ in 0..count {
            lines += &self.operation(&mut rng);
        }
        lines += &self.set_busy(false, 0);
        if self.arrays.is_some() {
            // Through the first layer to its end and beyond.
            let (rows, columns) = self.arrays.as_ref().map_or((0, 0), |a| a[0]);
            for address in [0x40, 0x44, 0x48] {
                lines += &self.write_line(address, 0, 15);
            }
            for _ in 0..rows * columns + 2 {
                lines += &self.read_line(0x4c);
            }
            lines += &self.write_line(0x4c, 1, 15);
            lines += &self.read_line(0x44);
            lines += &self.write_line(0x44, 0, 15);
        }
        lines + &self.line(0, 0, 0, 0, 0, &Effects::default())
    }
}
