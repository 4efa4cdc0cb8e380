//! The register map, described once. The CSR block, the C header, the Markdown table and the addresses that test benches use
//! are renderings of one [`RegMap`].
//!
//! Bus: AXI4-Lite, 32-bit registers at byte addresses that are multiples of 4, 12-bit address space.

mod csr;
mod map;
mod memory;
mod render;

/// Version of the layout, readable in `VERSION`. To be raised when an address or a field's meaning changes.
pub const REGMAP_VERSION: u32 = 1;

/// What software may do with a field, and what the hardware does in return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read-only, fixed when the RTL is generated: reads as the reset value.
    Constant,
    /// Read-only: the value of the core's signal in the cycle of the read.
    Input,
    /// Read and written; the core sees the value.
    ReadWrite,
    /// Set by a pulse from the core, stays set until a 1 is written to it.
    ClearOnOne,
    /// Writing 1 gives the core a pulse of one cycle; reads 0.
    PulseOnOne,
}

impl Access {
    /// Short form used in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Access::Constant | Access::Input => "RO",
            Access::ReadWrite => "RW",
            Access::ClearOnOne => "W1C",
            Access::PulseOnOne => "W1P",
        }
    }

    /// Does software write it?
    pub const fn is_writable(self) -> bool {
        !matches!(self, Access::Constant | Access::Input)
    }
}

/// Bits of a register that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Lower-case Verilog identifier, unique in the map except for constants: the name of the core's signal.
    pub name: &'static str,
    /// Lowest bit.
    pub lsb: u32,
    /// Bits.
    pub width: u32,
    /// Value after reset; of a constant, its value.
    pub reset: u32,
    pub access: Access,
    /// Holds for a whole sample: a write that would change it while the machine is busy answers SLVERR.
    pub locked: bool,
    /// Smallest and largest value that is taken; the field then begins at bit 0, no other one of its register is kept, and a
    /// write of any other value to the bits up to the next field, or of the whole register, answers SLVERR.
    pub range: Option<(u32, u32)>,
    /// Meaning, with the unit.
    pub doc: String,
}

impl Field {
    /// Largest value of the field's width.
    pub const fn max(&self) -> u32 {
        u32::MAX >> (32 - self.width)
    }

    /// The field's bits in its register.
    pub const fn mask(&self) -> u32 {
        self.max() << self.lsb
    }
}

/// How a register is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each field on its own.
    Plain,
    /// Low half of a counter of the core: reading it keeps the high half for [`Kind::CounterHigh`].
    CounterLow,
    /// High half, as it was when the low half was read last.
    CounterHigh,
    /// Part of the address of a cell, moved on by accesses to [`Kind::WeightData`].
    WeightAddress,
    /// Window on the state of the addressed cell.
    WeightData,
}

/// A 32-bit register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Upper-case name.
    pub name: String,
    /// Byte address.
    pub address: u32,
    pub kind: Kind,
    /// In ascending order of bits. Bits of no field read 0, and what is written to them is ignored.
    pub fields: Vec<Field>,
    /// Purpose.
    pub doc: String,
}

impl Register {
    /// Value after reset.
    pub fn reset(&self) -> u32 {
        self.fields.iter().fold(0, |value, field| value | field.reset << field.lsb)
    }

    /// Is there anything to write? A write to any other register answers SLVERR.
    pub fn is_writable(&self) -> bool {
        self.fields.iter().any(|field| field.access.is_writable())
    }

    /// The field of that lower-case name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Lower-case name: prefix of the register's signals in the CSR block.
    fn signal(&self) -> String {
        self.name.to_lowercase()
    }
}

/// All registers of a design, in ascending order of addresses. A register that a design does not have leaves a hole: addresses
/// are the same in all designs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegMap {
    /// Name of the design.
    pub design: String,
    /// Of the performance counters, 33 to 64; the bits above read as 0.
    pub counter_bits: u32,
    pub registers: Vec<Register>,
}

impl RegMap {
    /// The register of that upper-case name; `None` if this design does not have it.
    pub fn register(&self, name: &str) -> Option<&Register> {
        self.registers.iter().find(|register| register.name == name)
    }

    /// Byte address of a register.
    pub fn addr(&self, name: &str) -> Option<u32> {
        self.register(name).map(|register| register.address)
    }

    /// A field by the names of its register and of itself.
    pub fn field(&self, register: &str, field: &str) -> Option<&Field> {
        self.register(register)?.field(field)
    }

    /// The bits of a field in its register.
    pub fn mask(&self, register: &str, field: &str) -> Option<u32> {
        self.field(register, field).map(Field::mask)
    }
}
