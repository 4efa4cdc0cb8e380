//! `[array]`: widths, sizes, and what stands behind an array's pins.

use serde::Serialize;

use super::{Design, Slices};

/// The widths and sizes that `[array]` gives all layers' arrays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Array {
    pub input_coding: InputCoding,
    pub dac_bits: u32,
    pub adc_bits: u32,
    pub pulse_bits: u32,
    /// Bits of y.
    pub error_bits: u32,
    /// ADCs per array, a power of two.
    pub adcs: usize,
    /// Vector words moved per cycle, a power of two.
    pub lanes: usize,
    /// Most rows and columns of an array, bias row included; `None`: as many as the layer has.
    pub rows: Option<usize>,
    pub cols: Option<usize>,
    /// Devices per weight; `None`: one.
    pub slices: Option<Slices>,
    pub backend: Backend,
    /// Of arrays inside the design; `None`: not given. Layers say what it comes to.
    pub state_memory: Option<StateMemory>,
}

/// How a vector reaches the lines of an array in a read. Writes drive rows by amplitude always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputCoding {
    /// One step: each line at the voltage of its code.
    Amplitude,
    /// A step for each bit of the codes: each line at the read voltage or at none.
    BitSerial,
}

/// Where the arrays are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(clap::ValueEnum)]
pub enum Backend {
    /// A macro: its pins are ports of the top.
    External,
    /// A synthesizable array behind the same pins, inside the design.
    Emulated,
    /// The same with row and column codes in memories instead of registers: small enough for an FPGA.
    Fpga,
}

/// Memory in which an array inside the design keeps the states of its cells. A write reads and writes a word in every cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StateMemory {
    /// One memory with a port for reads and one for writes: block RAM.
    DualPort,
    /// Two banks of single-port memory, for words at even and at odd addresses: large RAM blocks, or the SRAM macros of a chip.
    SinglePort,
}

impl StateMemory {
    /// All of them, with the names that specs give them.
    pub const ALL: [(&str, StateMemory); 2] =
        [("dual_port", StateMemory::DualPort), ("single_port", StateMemory::SinglePort)];

    pub fn name(self) -> &'static str {
        StateMemory::ALL.iter().find(|(_, memory)| *memory == self).map_or("", |(name, _)| name)
    }
}

impl Backend {
    /// All of them, with the names that specs give them.
    pub const ALL: [(&str, Backend); 3] =
        [("external", Backend::External), ("emulated", Backend::Emulated), ("fpga", Backend::Fpga)];

    /// Whether the array is part of the design.
    pub fn emulated(self) -> bool {
        self != Backend::External
    }

    /// Whether the codes on the lines lie in memories: no pin shows them.
    pub fn lines_in_memory(self) -> bool {
        self == Backend::Fpga
    }

    pub fn name(self) -> &'static str {
        Backend::ALL.iter().find(|(_, backend)| *backend == self).map_or("", |(name, _)| name)
    }
}

impl InputCoding {
    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            InputCoding::Amplitude => "amplitude",
            InputCoding::BitSerial => "bit_serial",
        }
    }

    /// Whether a read is one of bit planes.
    pub fn bit_serial(self) -> bool {
        self == InputCoding::BitSerial
    }
}

impl Array {
    /// Bits from what a weight's lowest slice counts to its highest; 0 with one device per weight.
    pub fn slice_span(&self) -> u32 {
        self.slices.map_or(0, |slices| slices.span())
    }

    /// Steps of a forward and of a transposed read: row codes are two's complement, column codes magnitudes with a polarity.
    pub fn planes(&self) -> (u32, u32) {
        match self.input_coding {
            InputCoding::Amplitude => (1, 1),
            InputCoding::BitSerial => (self.dac_bits, self.dac_bits - 1),
        }
    }
}

impl Design {
    /// Whether some layer's states lie in two banks of single-port memory.
    pub fn banked(&self) -> bool {
        self.layers.iter().any(|layer| layer.state_memory == StateMemory::SinglePort)
    }

    /// Bits of a performance counter. On an FPGA 40 of them last for 3 hours at 100 MHz and take a third less of the chip.
    pub fn counter_bits(&self) -> u32 {
        if self.array.backend.lines_in_memory() { 40 } else { 64 }
    }

    /// Why there is no such array for an FPGA, and what would help; `None` where there is one or none is asked for.
    pub fn fpga_obstacle(&self) -> Option<(String, &'static str)> {
        if !self.array.backend.lines_in_memory() {
            return None;
        }
        if self.array.input_coding.bit_serial() {
            let why =
                "the array for an FPGA multiplies whole codes: it has no `input_coding = \"bit_serial\"`".to_owned();
            return Some((why, "take `input_coding = \"amplitude\"`, or the backend `emulated`"));
        }
        let layer = self.layers.iter().find(|layer| !layer.tiling.is_single())?;
        let why = format!(
            "the array for an FPGA holds a whole layer, and layer `{}` is cut into {}",
            layer.name,
            layer.tiling.count()
        );
        Some((why, "remove `rows` and `cols` in `[array]`, or take the backend `emulated`"))
    }
}
