//! Bit slicing: several devices per weight, each on an array of its own, whose codes count by powers of a ratio.
//!
//! Writes go to the lowest slice, where a pulse moves the weight least. Rows of it are emptied into the slice above in turn: carry
//! resolution (PANTHER, Ankit et al. 2020; "periodic carry", Agarwal et al. 2017), here one row at a time between two samples.

use serde::Serialize;

use super::error::{Code, Problem, Span};
use super::reader::{Entry, Found, Reader, Section};
use super::{Design, DeviceModel, Layer, MomentumUnit, defaults};

/// Most devices per weight.
const SLICES_MAX: i64 = 4;
/// Largest ratio of two slices.
const RATIO_MAX: i64 = 64;

/// Devices per weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Slices {
    /// At least 2.
    pub count: usize,
    /// What a slice counts over the one below it, as an exponent of 2.
    pub bits: u32,
    /// What a code of its reads counts over one of the slice below, as an exponent of 2: 0 where all converters have the same full scale, `bits`
    /// where each has that of its own weights.
    pub code_bits: u32,
    /// Training steps from one row's carry to the next row's.
    pub every: u32,
}

/// Formats of one layer's carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarryFormat {
    /// A code of a row is a count of carries times `2^down`,
    pub down: u32,
    /// or over `2^up`; one of the two is 0.
    pub up: u32,
    /// A carry is a pulse of `2^coarse` units on the slice above, the row at half of full scale,
    pub coarse: u32,
    /// and takes one of `2^back` off the slice below.
    pub back: u32,
}

/// The keys as read; `None` where one is wrong.
pub(super) struct SlicesEntry {
    count: Found<i64>,
    ratio: Found<i64>,
    codes: Found<i64>,
    every: Found<i64>,
}

impl SlicesEntry {
    pub fn read(reader: &Reader<'_>, section: &Section<'_>) -> Option<SlicesEntry> {
        let count = section.int("slices", 1..=SLICES_MAX).or(1);
        let ratio = section.power_of_two("slice_ratio", RATIO_MAX);
        let codes = section.power_of_two("slice_code_ratio", RATIO_MAX);
        let every = section.int("carry_every", 1..=65_535);
        let count = count?;
        if count.value == 1 {
            for (key, entry) in [("slice_ratio", &ratio), ("slice_code_ratio", &codes), ("carry_every", &every)] {
                if let Entry::Given(_, span) = entry {
                    let problem =
                        Problem::new(Code::Slices, format!("`{key}` says nothing with one device per weight"));
                    reader.report(problem.at(Some(span.clone()), "").help("remove it, or set `slices = 2`"));
                }
            }
        }
        if let Entry::Given(1, span) = &ratio {
            let problem = Problem::new(Code::Slices, "slices that all count the same");
            let problem = problem.at(Some(span.clone()), format!("allowed: 2 to {RATIO_MAX}"));
            reader.report(problem.help("nearest: `slice_ratio = 2`"));
            return None;
        }
        let (ratio, codes) = (ratio.or(defaults::SLICE_RATIO)?, codes.or(defaults::SLICE_CODE_RATIO)?);
        if codes.value > ratio.value {
            let message = format!("`slice_code_ratio = {}` is more than what the slices count", codes.value);
            let problem = Problem::new(Code::Slices, message).at(codes.span, format!("allowed: 1 to {}", ratio.value));
            reader.report(problem.also(ratio.span, "").help(format!("nearest: `slice_code_ratio = {}`", ratio.value)));
            return None;
        }
        Some(SlicesEntry { count, ratio, codes, every: every.or(defaults::CARRY_EVERY)? })
    }

    /// What the keys say; `None` for one device per weight.
    pub fn complete(&self) -> Option<Slices> {
        let (count, bits) = (self.count.value as usize, self.ratio.value.ilog2());
        let code_bits = self.codes.value.ilog2();
        (count > 1).then_some(Slices { count, bits, code_bits, every: self.every.value as u32 })
    }

    pub fn spans(&self) -> SlicesPlaces {
        SlicesPlaces { count: self.count.span.clone(), ratio: self.ratio.span.clone() }
    }
}

/// Where the keys stand.
#[derive(Debug, Clone, Default)]
pub(super) struct SlicesPlaces {
    pub count: Option<Span>,
    ratio: Option<Span>,
}

impl Slices {
    /// Bits from what the lowest slice counts to what the highest does.
    pub fn span(&self) -> u32 {
        self.bits * (self.count as u32 - 1)
    }

    /// The same of the codes of their reads.
    pub fn code_span(&self) -> u32 {
        self.code_bits * (self.count as u32 - 1)
    }

    /// Bits by which the converters of slice `slice` are coarser than those of a slice whose full scale is that of its weights.
    pub fn coarser(&self, slice: usize) -> u32 {
        (self.bits - self.code_bits) * (self.count - 1 - slice) as u32
    }

    /// The share of a weight's full scale that slice `slice` counts as its own; 0 is the lowest.
    pub fn share(&self, slice: usize) -> f32 {
        2f32.powi((self.bits * slice as u32) as i32 - self.span() as i32)
    }
}

impl Design {
    /// Bits from the dot product of a row at half of full scale to the code of a carry's read.
    pub fn row_shift(&self) -> u32 {
        // Half of full scale is one bit of a code: where inputs are bit-serial, a step of its own.
        let driven = if self.array.input_coding.bit_serial() { 0 } else { self.array.dac_bits - 2 };
        (driven + self.device.state_bits).saturating_sub(self.array.adc_bits)
    }
}

impl Layer {
    /// Formats of the carries; `None` with one device per weight.
    pub fn carry_format(&self, design: &Design) -> Option<CarryFormat> {
        let slices = design.array.slices?;
        let array = &design.array;
        // A pulse moves every slice by the same share of its own full scale, so the slice above by a whole state, at least.
        let coarse = (self.shifts.write + 2).saturating_sub(array.dac_bits);
        let back = coarse + slices.bits;
        // Full scale of the lowest slice over that of its longest pulse on the row: what a code counts of pulse widths.
        let widths = self.lowest_weight(design) - self.ranges.update + 1 + array.pulse_bits as i32;
        let code = widths - (array.adc_bits as i32 - 1);
        let down = back as i32 - code;
        Some(CarryFormat { down: down.max(0) as u32, up: (-down).max(0) as u32, coarse, back })
    }

    /// Full scale of what the lowest slice counts, as a power of two: that of the weight where there is one device.
    fn lowest_weight(&self, design: &Design) -> i32 {
        self.ranges.weight - design.array.slice_span() as i32
    }
}

/// Reports what slices cannot work with.
pub(super) fn check(reader: &Reader<'_>, design: &Design, places: &SlicesPlaces, memory: Option<Option<Span>>) {
    let Some(slices) = design.array.slices else { return };
    let count = slices.count;
    let refuse = |message: String, also: Option<Span>, help: &str| {
        let problem = Problem::new(Code::Slices, message).at(places.count.clone(), "").also(also, "");
        reader.report(problem.help(help));
    };
    let unit = design.training.momentum_unit;
    if !matches!(unit, MomentumUnit::None | MomentumUnit::History) {
        let message = format!("`slices = {count}` does not go with `momentum_unit = \"{}\"`", unit.name());
        let help = "take `momentum_unit = \"history\"` or `\"none\"`, or remove `slices`";
        refuse(message, None, help);
    }
    if design.layers.iter().any(|layer| layer.conv.is_some()) {
        let message = format!("`slices = {count}` has no convolutions: carries wait for no place of the kernel");
        refuse(message, None, "remove `slices` or `kernel`");
    }
    if design.array.backend.emulated() {
        let message = format!("`slices = {count}` has no emulated array");
        refuse(
            message,
            None,
            "set `backend = \"external\"`, or raise `state_bits`: an emulated weight has as many bits as that",
        );
    }
    if let Some(span) = memory {
        refuse(format!("`slices = {count}` has no memory mode"), span, "remove `[memory]` or `slices`");
    }
    match design.device.model {
        DeviceModel::Mtj(_) => refuse(
            format!(
                "`slices = {count}` needs devices that hold a value between their extremes: a junction has two states"
            ),
            None,
            "remove `slices`",
        ),
        DeviceModel::Pcm(_) => refuse(
            format!(
                "`slices = {count}` needs devices that can be moved both ways: pairs that are written and taken back for ever only grow, until they are full"
            ),
            None,
            "remove `slices`",
        ),
        _ => {}
    }
    formats(reader, design, places, slices);
}

/// Carries that no pulse makes, or that a slice never holds.
fn formats(reader: &Reader<'_>, design: &Design, places: &SlicesPlaces, slices: Slices) {
    let pulse_bits = design.array.pulse_bits;
    for layer in &design.layers {
        let Some(format) = layer.carry_format(design) else { continue };
        let report = |message: String, note: String, help: &str| {
            let problem = Problem::new(Code::Slices, message).at(places.ratio.clone().or(places.count.clone()), "");
            reader.report(problem.note(note).help(help));
        };
        let name = &layer.name;
        let lowest = layer.lowest_weight(design);
        if layer.ranges.update > lowest {
            let note = format!(
                "`weight_range` {} over {} makes {}, `max_update` is {}",
                2f64.powi(layer.ranges.weight),
                1u32 << slices.span(),
                2f64.powi(lowest),
                2f64.powi(layer.ranges.update)
            );
            report(
                format!("one update is more than the lowest slice of layer `{name}` holds"),
                note,
                "lower `slice_ratio`, `slices` or `max_update`, or raise `weight_range`",
            );
        } else if format.back >= pulse_bits {
            report(
                format!("no pulse takes a carry off the lower slice of layer `{name}`"),
                format!(
                    "a whole state of the slice above is a pulse of 2^{} units on that below, the longest has 2^{pulse_bits} - 1",
                    format.back
                ),
                "lower `slice_ratio`, or raise `pulse_bits`, `state_bits` or `max_update` of the layer",
            );
        } else if format.down + 1 >= design.array.adc_bits {
            report(
                format!("the lower slice of layer `{name}` never holds a whole carry"),
                format!("a carry is 2^{} codes of {} bits", format.down, design.array.adc_bits),
                "lower `slice_ratio`, or raise `weight_range`",
            );
        }
    }
}
