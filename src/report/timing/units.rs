//! The pictures of docs/momentum.md: the example with other momentum units; and a read in bit planes.

use std::path::Path;

use super::record::{Cycle, Kind, Operation, Sample, operations};
use super::scenes::{Picture, View, record};
use super::{Driver, Span, TimingError, Value};
use crate::cosim::Options;
use crate::spec::{self, Design, SpecErrors};

/// Cycles shown before the end of the last read, and after the last operation.
const LEAD: usize = 2;

/// Passes over the samples: the first over the rows of a fast array only empties them.
const PASSES: usize = 4;

/// A unit, its picture, lines of its own in `[timing]`, and the most operations that are shown.
const UNITS: [(&str, &str, &str, usize); 3] = [
    // Short, so that the picture is not all waiting.
    ("in_array", "update-in-array.svg", "decay = 8.0\ntransfer = 12.0", 3),
    ("sram", "update-sram.svg", "", 3),
    ("tiki_taka", "update-tiki-taka.svg", "", 4),
];

/// Draws the update of each unit that is not the example's own, and a bit-serial read.
///
/// # Errors
/// As for [`super::draw_all`].
pub(super) fn draw(design: &Design, samples: &[Sample], options: &Options) -> Result<Vec<Picture>, TimingError> {
    let layer = design.layers.len() - 1;
    let mut pictures = Vec::new();
    let longer: Vec<Sample> = samples.iter().cycle().take(PASSES * samples.len()).cloned().collect();
    for (unit, picture, timing, most) in UNITS {
        let design = changed(design, "momentum_unit", &format!("momentum_unit = \"{unit}\""), timing)?;
        let cycles = record(&design, &longer, options)?;
        pictures.push(View { design: &design, layer, picture }.update(&cycles, unit, most)?);
    }
    let serial = format!("input_coding = \"bit_serial\"\ndac_bits = {}", design.array.dac_bits);
    let serial = changed(design, "dac_bits", &serial, "")?;
    let cycles = record(&serial, samples, options)?;
    pictures.push(View { design: &serial, layer, picture: "bit-serial-read.svg" }.planes(&cycles)?);
    Ok(pictures)
}

/// The design with other lines for `key`, and further ones in `[timing]`. Full scales are those of the design.
fn changed(design: &Design, key: &str, lines: &str, timing: &str) -> Result<Design, SpecErrors> {
    let text = spec::canonical_toml(design);
    let line = |line: &str| match line.split(" = ").next() {
        Some(first) if first == key => lines.to_owned(),
        // A depth is that of the unit `history` alone.
        Some("history") if key == "momentum_unit" => String::new(),
        Some("[timing]") => format!("{line}\n{timing}"),
        _ => line.to_owned(),
    };
    let text: Vec<String> = text.lines().map(line).collect();
    spec::parse(&text.join("\n"), "example", Path::new(""))
}

impl View<'_> {
    /// The operations of a unit after a sample's last read, `most` of them at most: of the sample that brings most.
    fn update(&self, cycles: &[Cycle], unit: &str, most: usize) -> Result<Picture, TimingError> {
        let all = operations(cycles, self.layer);
        let ends: Vec<usize> = (0..cycles.len()).filter(|&at| cycles[at].sample_end).collect();
        let of_sample = |pair: &[usize]| -> Vec<Operation> {
            let inside = all.iter().filter(|o| o.first > pair[0] && o.last <= pair[1]).copied();
            let after_reads = inside.skip_while(|o| o.kind != Kind::Transposed).skip(1);
            after_reads.take(most).collect()
        };
        // The first of equals: `max_by_key` takes the last.
        let updates = ends.windows(2).map(of_sample).rev();
        let shown = updates.max_by_key(Vec::len).unwrap_or_default();
        let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
            return Err(self.missing("operation of the update"));
        };
        let read = all.iter().rfind(|o| o.last < first.first).ok_or_else(|| self.missing("read before the update"))?;
        let begin = read.last + 1 - LEAD;
        let window = &cycles[begin..(last.last + 1 + LEAD).min(cycles.len())];
        let pins = self.pins(window);
        let mut rows = self.operation_rows(&pins);
        rows.push(self.op_ready(&pins));
        if pins.iter().any(|p| p.gamma.is_some()) {
            let gamma = pins.iter().map(|p| {
                let decays = p.operation() == Some(Kind::Decay);
                p.gamma.filter(|_| decays).map(|gamma| Value::plain(gamma.to_string()))
            });
            rows.push(self.bus("gamma", Driver::Design, gamma.collect()));
        }
        rows.push(self.row_codes(&pins));
        rows.extend(self.column_codes(&pins));
        rows.extend(self.pulse_rows(&pins));
        if shown.iter().any(|o| o.kind == Kind::ReadVelocity) {
            rows.extend(self.adc_rows(&pins));
        }
        let title = format!("Update of layer {} by the unit {unit}, behind the sample's last read", self.layer_name());
        let mut diagram = self.frame(title, window.len(), rows);
        let spans = shown.iter().map(|o| {
            let length = o.last + 1 - o.first;
            Span { first: o.first - begin, last: o.last - begin, text: format!("{length} cycles") }
        });
        diagram.spans.extend(spans);
        let ends = (0..pins.len()).filter(|&at| pins[at].ends()).collect();
        diagram.shade = Some(("an operation ends".to_owned(), ends));
        Ok(self.picture(diagram))
    }

    /// A forward read in bit planes.
    fn planes(&self, cycles: &[Cycle]) -> Result<Picture, TimingError> {
        let begin = self.second_sample(cycles)?;
        let steps = self.design.array.planes().0 as usize;
        let all = operations(cycles, self.layer);
        let read: Vec<Operation> =
            all.into_iter().filter(|o| o.kind == Kind::Forward && o.first > begin).take(steps).collect();
        let (Some(first), Some(last)) = (read.first(), read.get(steps - 1)) else {
            return Err(self.missing("read in all its planes"));
        };
        let from = first.first - LEAD;
        let window = &cycles[from..(last.last + 1 + LEAD).min(cycles.len())];
        let pins = self.pins(window);
        let mut rows = self.operation_rows(&pins);
        let bits = pins.iter().map(|p| {
            let bits: Vec<String> = p.row_bit.iter().map(i32::to_string).collect();
            p.reading().then(|| Value::plain(bits.join(" ")))
        });
        rows.push(self.bus("row_bit", Driver::Design, bits.collect()));
        rows.extend(self.adc_rows(&pins));
        let title = format!("A forward read of layer {} in bit planes, lowest bit first", self.layer_name());
        let mut diagram = self.frame(title, window.len(), rows);
        for (plane, step) in read.iter().enumerate() {
            let sign = if plane + 1 == steps { ", sign" } else { "" };
            let text = format!("plane {plane}{sign}");
            diagram.spans.push(Span { first: step.first - from, last: step.last - from, text });
        }
        let moves = (0..pins.len()).filter(|&at| pins[at].code_moves()).collect();
        diagram.shade = Some(("a group's codes move".to_owned(), moves));
        Ok(self.picture(diagram))
    }
}
