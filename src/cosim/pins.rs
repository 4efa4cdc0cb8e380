//! Handles to the pins of one array macro, and bit access to signals of any width.

use verilated::{Input, Model, Output};

use crate::spec::{Backend, Design, Layer, Tile};

/// Pins of one array, at the top (external) or inside the design (emulated, read only).
#[derive(Debug, Clone, Copy)]
pub struct MacroPins {
    pub op_valid: Output,
    pub op_kind: Output,
    pub op_last: Output,
    pub op_ready: Output,
    /// The codes on the lines and the pulses; none where they lie in memories inside the design.
    pub lines: Option<LinePins>,
    pub adc_group: Output,
    pub adc_ready: Output,
    pub adc_valid: Output,
    pub adc_code: Output,
    /// What drives rows and columns in reads of bit planes.
    pub bits: Option<BitPins>,
    /// What a decay leaves of the velocities; none without second devices.
    pub gamma: Option<Output>,
    /// What the macro drives, when that is the bench.
    pub driven: Option<DrivenPins>,
}

/// What drives the lines.
#[derive(Debug, Clone, Copy)]
pub struct LinePins {
    pub row_code: Output,
    pub col_mag: Output,
    pub col_neg: Output,
    pub col_on: Output,
}

/// One bit for each line.
#[derive(Debug, Clone, Copy)]
pub struct BitPins {
    pub row: Output,
    pub col: Output,
}

/// The macro's outputs: inputs of the design.
#[derive(Debug, Clone, Copy)]
pub struct DrivenPins {
    pub op_ready: Input,
    pub adc_valid: Input,
    pub adc_code: Input,
}

/// Pin names of an array and whether the macro drives them.
const PINS: [(&str, bool); 12] = [
    ("op_valid", false),
    ("op_kind", false),
    ("op_last", false),
    ("op_ready", true),
    ("row_code", false),
    ("col_mag", false),
    ("col_neg", false),
    ("col_on", false),
    ("adc_group", false),
    ("adc_ready", false),
    ("adc_valid", true),
    ("adc_code", true),
];

/// Those that show the codes on the lines and the pulses.
const LINES: [&str; 4] = ["row_code", "col_mag", "col_neg", "col_on"];

/// Bits of a column magnitude.
pub fn mag_bits(design: &Design) -> u32 {
    design.array.pulse_bits.max(design.array.dac_bits - 1)
}

fn width(design: &Design, layer: &Layer, tile: &Tile, pin: &str) -> u32 {
    let cols = tile.cols as u32;
    match pin {
        "op_kind" => design.kind_bits(),
        "gamma" => crate::spec::MOMENTUM_BITS,
        "row_code" => tile.rows as u32 * design.array.dac_bits,
        "col_mag" => cols * mag_bits(design),
        "row_bit" => tile.rows as u32,
        "col_neg" | "col_on" | "col_bit" => cols,
        "adc_group" => crate::rtl::tile_group_bits(design, layer),
        "adc_code" => design.array.adcs as u32 * design.array.adc_bits,
        _ => 1,
    }
}

/// Signals of the top module that the bench watches besides the ports.
pub fn taps(design: &Design) -> Vec<String> {
    let mut taps: Vec<String> =
        ["phase", "sample_end", "y_valid", "y_beat", "y_last", "y_data"].map(String::from).to_vec();
    if design.array.backend.emulated() {
        for (index, tile) in design.arrays() {
            let name = design.layers[index].array_name(&tile);
            let seen = |pin: &&str| !(design.array.backend.lines_in_memory() && LINES.contains(pin));
            taps.extend(PINS.iter().map(|(pin, _)| *pin).filter(seen).map(|pin| format!("{name}_{pin}")));
            if design.array.input_coding.bit_serial() {
                taps.extend(["row_bit", "col_bit"].map(|pin| format!("{name}_{pin}")));
            }
        }
    }
    taps
}

impl MacroPins {
    /// The lines that an operation drives and that must not move while it runs.
    pub fn lines(&self) -> impl Iterator<Item = Output> + use<> {
        let bits = self.bits.map(|bits| [bits.row, bits.col]);
        let codes = self.lines.map(|lines| [lines.row_code, lines.col_mag, lines.col_neg]);
        codes.into_iter().flatten().chain(bits.into_iter().flatten())
    }

    /// Finds the pins of a tile of `layer`.
    ///
    /// # Errors
    /// A pin that is missing or has another width than the design says.
    pub fn find(model: &Model, design: &Design, layer: &Layer, tile: &Tile) -> Result<MacroPins, verilated::Error> {
        let external = design.array.backend == Backend::External;
        let array = layer.array_name(tile);
        let width = |pin: &str| width(design, layer, tile, pin);
        let input = |pin: &str| model.input(&format!("{array}_{pin}"), width(pin));
        let read = |pin: &str, driven: bool| -> Result<Output, verilated::Error> {
            let width = width(pin);
            let name = format!("{array}_{pin}");
            match (external, driven) {
                (true, true) => input(pin).map(Output::from),
                (true, false) => model.output(&name, width),
                (false, _) => model.tap(&format!("{}.{name}", design.name), width),
            }
        };
        let pin = |pin: &str| {
            let driven = PINS.iter().any(|&(name, driven)| name == pin && driven);
            read(pin, driven)
        };
        let lines = match design.array.backend.lines_in_memory() {
            true => None,
            false => Some(LinePins {
                row_code: pin("row_code")?,
                col_mag: pin("col_mag")?,
                col_neg: pin("col_neg")?,
                col_on: pin("col_on")?,
            }),
        };
        let unit = design.training.momentum_unit;
        let gamma = if unit.in_array() { Some(read("gamma", false)?) } else { None };
        let bits = match design.array.input_coding.bit_serial() {
            true => Some(BitPins { row: read("row_bit", false)?, col: read("col_bit", false)? }),
            false => None,
        };
        let driven = if external {
            Some(DrivenPins {
                op_ready: input("op_ready")?,
                adc_valid: input("adc_valid")?,
                adc_code: input("adc_code")?,
            })
        } else {
            None
        };
        Ok(MacroPins {
            op_valid: pin("op_valid")?,
            op_kind: pin("op_kind")?,
            op_last: pin("op_last")?,
            op_ready: pin("op_ready")?,
            lines,
            adc_group: pin("adc_group")?,
            adc_ready: pin("adc_ready")?,
            adc_valid: pin("adc_valid")?,
            adc_code: pin("adc_code")?,
            bits,
            gamma,
            driven,
        })
    }
}

/// All bits of a signal in pieces: the low 64, then, of a wide one, all its words. Only good for telling changes.
pub fn raw(model: &Model, signal: Output) -> impl Iterator<Item = u64> {
    std::iter::once(model.get(signal)).chain(model.words(signal).iter().map(|&w| u64::from(w)))
}

/// `width` bits (at most 32) of a signal from bit `low` on.
#[inline]
pub fn bits(model: &Model, signal: Output, low: usize, width: u32) -> u32 {
    let mask = ((1u64 << width) - 1) as u32;
    if signal.width() <= 64 {
        return (model.get(signal) >> low) as u32 & mask;
    }
    let words = model.words(signal);
    let (word, shift) = (low / 32, low % 32);
    let pair = u64::from(words[word]) | words.get(word + 1).map_or(0, |&w| u64::from(w) << 32);
    (pair >> shift) as u32 & mask
}

/// The same, as a two's-complement number.
#[inline]
pub fn signed_bits(model: &Model, signal: Output, low: usize, width: u32) -> i32 {
    let value = bits(model, signal, low, width) << (32 - width);
    value as i32 >> (32 - width)
}

/// All words of `width` bits of a signal, two's complement, into `out`.
pub fn unpack_signed(model: &Model, signal: Output, width: u32, count: usize, out: &mut Vec<i32>) {
    out.clear();
    out.extend((0..count).map(|i| signed_bits(model, signal, i * width as usize, width)));
}

/// Writes `codes` as words of `width` bits each; words beyond them become zero.
pub fn pack(model: &mut Model, signal: Input, width: u32, codes: &[i32]) {
    let mask = (1u64 << width) - 1;
    if signal.width() <= 64 {
        let value = codes.iter().rev().fold(0u64, |v, &c| (v << width) | (c as u64 & mask));
        model.set(signal, value);
        return;
    }
    let words = model.words_mut(signal);
    words.fill(0);
    for (i, &code) in codes.iter().enumerate() {
        let low = i * width as usize;
        let value = (code as u64 & mask) << (low % 32);
        words[low / 32] |= value as u32;
        if let Some(next) = words.get_mut(low / 32 + 1) {
            *next |= (value >> 32) as u32;
        }
    }
}
