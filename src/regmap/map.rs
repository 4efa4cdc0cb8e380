//! Registers of a design.

use super::{Access, Field, Kind, REGMAP_VERSION, RegMap, Register};
use crate::phases::{Counter, Phase};
use crate::spec::{Design, LEARNING_RATE_BITS, LEARNING_RATE_FRACTION, MOMENTUM_BITS};

/// Address of the first counter; each takes two registers.
const COUNTERS: u32 = 0x100;

/// `"MRTL"`, the first letter in the most significant byte.
const ID: u32 = u32::from_be_bytes(*b"MRTL");

pub(super) fn field(name: &'static str, lsb: u32, width: u32, access: Access, doc: impl Into<String>) -> Field {
    Field { name, lsb, width, reset: 0, access, locked: false, range: None, doc: doc.into() }
}

fn constant(name: &'static str, lsb: u32, width: u32, value: u32, doc: &str) -> Field {
    Field { reset: value, ..field(name, lsb, width, Access::Constant, doc) }
}

/// The only field of a register that holds one number.
pub(super) fn number(name: &'static str, width: u32, reset: u32, range: (u32, u32), doc: impl Into<String>) -> Field {
    Field { reset, range: Some(range), ..field(name, 0, width, Access::ReadWrite, doc) }
}

pub(super) fn register(name: &str, address: u32, doc: impl Into<String>, fields: Vec<Field>) -> Register {
    Register { name: name.to_string(), address, kind: Kind::Plain, fields, doc: doc.into() }
}

/// A number that holds for a whole sample.
fn setting(name: &str, address: u32, field: Field) -> Register {
    register(name, address, "", vec![Field { locked: true, ..field }])
}

/// Bits to hold the values `0 ..= last`, at least 1.
pub(super) fn bits_for(last: usize) -> u32 {
    (usize::BITS - last.leading_zeros()).max(1)
}

impl RegMap {
    /// The registers of `design`.
    pub fn for_design(design: &Design) -> RegMap {
        let mut registers = identity(design);
        registers.extend(control(design));
        registers.extend(settings(design));
        if design.array.backend.emulated() {
            registers.extend(weights(design));
        }
        registers.extend(counters());
        if let Some(memory) = &design.memory {
            registers.extend(super::memory::registers(design, memory));
        }
        RegMap { design: design.name.clone(), counter_bits: design.counter_bits(), registers }
    }
}

fn identity(design: &Design) -> Vec<Register> {
    // 16 hex digits.
    let hash = design.spec_hash.chars().filter_map(|c| c.to_digit(16)).fold(0u64, |h, d| h << 4 | u64::from(d));
    let whole =
        |name, address, value, doc: &str| register(name, address, doc, vec![constant("value", 0, 32, value, "")]);
    let stream_bits = 64 / design.stream_words() as u32;
    vec![
        whole("ID", 0x000, ID, "`MRTL` in ASCII, `M` in the most significant byte."),
        whole("VERSION", 0x004, REGMAP_VERSION, "Version of the register map."),
        whole("SPEC_HASH_LO", 0x008, hash as u32, "Hash of the spec, low half."),
        whole("SPEC_HASH_HI", 0x00c, (hash >> 32) as u32, "Hash of the spec, high half."),
        register(
            "SHAPE",
            0x010,
            "Sizes of the network.",
            vec![
                constant("layers", 0, 16, design.layers.len() as u32, "Layers."),
                constant("inputs", 16, 16, design.inputs as u32, "Words of an input vector."),
            ],
        ),
        whole("OUTPUTS", 0x014, design.outputs() as u32, "Words of an output vector and of a target vector."),
        register(
            "FORMAT",
            0x018,
            "Widths in bits.",
            vec![
                constant("dac_bits", 0, 8, design.array.dac_bits, "DAC code: words of x, targets and outputs."),
                constant("adc_bits", 8, 8, design.array.adc_bits, "ADC code."),
                constant("pulse_bits", 16, 8, design.array.pulse_bits, "Pulse width."),
                constant("stream_bits", 24, 8, stream_bits, "Word of a stream beat."),
            ],
        ),
    ]
}

fn control(design: &Design) -> Vec<Register> {
    use Access::{ClearOnOne, Input, PulseOnOne, ReadWrite};
    let phases = Phase::of(design.memory.is_some());
    let phases = phases.iter().map(|p| format!("{} {}", p.code(), p.name())).collect::<Vec<_>>().join(", ");
    let locked = |name, lsb, doc: &str| Field { locked: true, ..field(name, lsb, 1, ReadWrite, doc) };
    vec![
        register(
            "CTRL",
            0x020,
            "Operation.",
            vec![
                field("run", 0, 1, ReadWrite, "Take samples. Clearing it stops the machine after the current sample."),
                locked("train", 1, "Train; otherwise infer. Samples bring targets in training only."),
                locked("emit", 2, "Send output vectors in training, too."),
            ],
        ),
        register(
            "COMMAND",
            0x024,
            "Requests.",
            vec![
                field(
                    "soft_reset",
                    0,
                    1,
                    PulseOnOne,
                    "Stop at once and forget samples and momentum; clears CTRL.run and the flags of STATUS. Weights stay.",
                ),
                field("clear_history", 1, 1, PulseOnOne, "Forget the stored (x, y) pairs."),
                field("clear_counters", 2, 1, PulseOnOne, "Set all counters to zero."),
            ],
        ),
        register(
            "STATUS",
            0x028,
            "State of the machine.",
            vec![
                field(
                    "busy",
                    0,
                    1,
                    Input,
                    "A packet is arriving, a sample is in the machine, or an output vector has not left it.",
                ),
                field("phase", 4, 4, Input, format!("Phase of the sequencer: {phases}.")),
                field("short_packet", 8, 1, ClearOnOne, "A sample was dropped: TLAST came before its last beat."),
                field("long_packet", 9, 1, ClearOnOne, "A sample was dropped: its last beat had no TLAST."),
            ],
        ),
    ]
}

fn settings(design: &Design) -> Vec<Register> {
    let rate_max = (1 << LEARNING_RATE_BITS) - 1;
    let rate = number(
        "learning_rate",
        LEARNING_RATE_BITS,
        design.learning_rate_code(),
        (0, rate_max),
        format!("Learning rate in units of 2^-{LEARNING_RATE_FRACTION}."),
    );
    let mut registers = vec![setting("LEARNING_RATE", 0x030, rate)];
    if design.training.momentum_unit.momentum() {
        let gamma_max = (1 << MOMENTUM_BITS) - 1;
        let doc = format!("Momentum in units of 2^-{MOMENTUM_BITS}.");
        let gamma = number("momentum", MOMENTUM_BITS, design.momentum_code(), (0, gamma_max), doc);
        registers.push(setting("MOMENTUM", 0x034, gamma));
    }
    if design.training.momentum_unit.history() {
        let depth = design.training.history;
        let doc = match design.training.batch {
            1 => "Pairs (x, y) that a step writes, the current one included.",
            _ => "Batches whose pairs (x, y) a step writes, the current one included.",
        };
        let history = number("history", bits_for(depth), depth as u32, (1, depth as u32), doc);
        registers.push(setting("HISTORY", 0x038, history));
    }
    registers
}

fn weights(design: &Design) -> Vec<Register> {
    let layers = design.layers.len();
    let rows = design.layers.iter().map(|l| l.rows()).max().unwrap_or(1);
    let columns = design.layers.iter().map(|l| l.outputs).max().unwrap_or(1);
    let part =
        |name: &str, address, field| Register { kind: Kind::WeightAddress, ..register(name, address, "", vec![field]) };
    // The row after a layer's last one is where the address stands when all of its cells are done.
    vec![
        part(
            "WEIGHT_LAYER",
            0x040,
            number("weight_layer", bits_for(layers - 1), 0, (0, layers as u32 - 1), "Layer of WEIGHT_DATA, from 0."),
        ),
        part(
            "WEIGHT_ROW",
            0x044,
            number(
                "weight_row",
                bits_for(rows),
                0,
                (0, rows as u32),
                "Row of WEIGHT_DATA: input; the last is the bias.",
            ),
        ),
        part(
            "WEIGHT_COL",
            0x048,
            number("weight_col", bits_for(columns - 1), 0, (0, columns as u32 - 1), "Column of WEIGHT_DATA: output."),
        ),
        Register {
            kind: Kind::WeightData,
            ..register(
                "WEIGHT_DATA",
                0x04c,
                format!(
                    "Access then moves to the next column, from a row's last one to column 0 of the next row. SLVERR, without \
                     access or move: no such cell, the machine is busy, part of the word is not strobed, the state is out of \
                     range ({} bits, symmetric).",
                    design.device.state_bits
                ),
                vec![field("weight_data", 0, 32, Access::ReadWrite, "State of the addressed cell, sign-extended.")],
            )
        },
    ]
}

fn counters() -> Vec<Register> {
    let half = |counter: Counter, address, suffix: &str, kind, doc: &str| Register {
        kind,
        ..register(
            &format!("{}_{suffix}", counter.name().to_uppercase()),
            address,
            doc,
            vec![field("value", 0, 32, Access::Input, "")],
        )
    };
    let mut registers = Vec::new();
    for (address, counter) in (COUNTERS..).step_by(8).zip(Counter::ALL) {
        registers.push(half(counter, address, "LO", Kind::CounterLow, &low_doc(counter)));
        registers.push(half(
            counter,
            address + 4,
            "HI",
            Kind::CounterHigh,
            "High half, as of the last read of the low one.",
        ));
    }
    registers
}

/// What a counter counts.
fn low_doc(counter: Counter) -> String {
    let what = match counter {
        Counter::Cycles => "Cycles in any phase but idle".to_string(),
        Counter::Phase(phase) => format!("Cycles in phase {}", phase.name()),
        Counter::ArrayBusy => "Cycles in which at least one array reads, converts or writes".to_string(),
        Counter::Samples => "Samples finished".to_string(),
        Counter::Slots => "Write slots issued, over all layers".to_string(),
        Counter::SlotsSkipped => "Stored pairs that gave no write slot, because no pulse lasts half a unit".to_string(),
    };
    format!("{what}; low half.")
}
