//! The CSR block: what its template needs of the registers.

use askama::Template;

use super::{Access, Field, Kind, RegMap, Register};
use crate::spec::{Design, Device};

/// Column of the comments in the port list, counted from the port's name.
const PORT_WIDTH: usize = 17;

/// A field as the CSR template needs it.
struct FieldView {
    name: &'static str,
    /// Declaration range, padded to a common width.
    bits: String,
    /// Name and comma of its port, padded to a common width.
    port: String,
    /// Name of its register bits and of its port, each padded to the width of the longest beside it.
    stored: String,
    driven: String,
    /// Its bits of the register.
    slice: String,
    /// Condition under which its register is written.
    taken: String,
    reset: String,
    doc: String,
}

/// A register that software writes.
struct WritableView {
    address: String,
    /// Fields that keep what was written.
    fields: Vec<FieldView>,
    /// Their bits, byte by byte, as a write without all strobes sets them.
    pieces: Vec<PieceView>,
    /// Fields in more than one byte whose range matters.
    merged: Vec<MergedView>,
    /// "A write to it is checked": name of that register bit, and conditions under which the value is taken.
    to: String,
    fits: Vec<String>,
    /// "It changes nothing that may be locked": name of that register bit, and conditions; none if nothing may be locked.
    same_name: String,
    same: Vec<String>,
    /// Condition under which a write is done.
    taken: String,
    /// Part of the weight address, which accesses move on.
    weight: bool,
    /// The window on the weights.
    data: bool,
}

/// Bits of a field in one byte.
struct PieceView {
    byte: u32,
    field: String,
    value: String,
}

/// The value that a field would have.
struct MergedView {
    bits: String,
    name: String,
    value: String,
}

/// The bits of an address in which registers differ, and what the others have to be.
struct AddressView {
    bits: String,
    slice: String,
    whole_write: String,
    whole_read: String,
    known_write: String,
    known_read: String,
}

/// The bits of a written word that some register keeps, and the others; empty if there are no others.
struct DataView {
    bits: String,
    slice: String,
    above: String,
}

/// A line `name: value`, names padded to a common width.
struct Line {
    name: String,
    value: String,
}

struct CounterView {
    name: String,
    high: String,
    port: String,
    /// Address parameter of the low half, with a closing parenthesis, padded.
    address: String,
    doc: String,
}

struct WeightView {
    layer_width: u32,
    /// Bits of the row register, which reaches one row further than the port.
    row_width: u32,
    col_width: u32,
    state_bits: u32,
    layer_bits: String,
    row_bits: String,
    row_register_bits: String,
    row_slice: String,
    col_bits: String,
    data_bits: String,
    /// Rows and last column of each layer.
    layers: Vec<(usize, usize)>,
    /// Some layer has fewer columns than the column register can name.
    check_col: bool,
}

#[derive(Template)]
#[template(path = "csr.v", escape = "none")]
struct Csr<'a> {
    name: &'a str,
    addresses: Vec<Line>,
    address: AddressView,
    data: DataView,
    settings: Vec<FieldView>,
    pulses: Vec<FieldView>,
    flags: Vec<FieldView>,
    inputs: Vec<FieldView>,
    counters: Vec<CounterView>,
    counter_bits: u32,
    writable: Vec<WritableView>,
    read_cases: Vec<Line>,
    soft_reset: String,
    weights: Option<WeightView>,
}

impl RegMap {
    /// Verilog of the CSR block, module `<name>_csr`. `design` is the one that the map was made for.
    ///
    /// # Errors
    /// A template that does not render: a defect of memrtl.
    pub fn csr(&self, design: &Design) -> Result<String, askama::Error> {
        let plain = |access| {
            let fields = move |r| Register::fields_with(r, access).map(move |f| FieldView::new(r, f));
            align(self.registers.iter().filter(|r| r.kind == Kind::Plain).flat_map(fields).collect())
        };
        let pulses = plain(Access::PulseOnOne);
        let kept = self.kept_bits(design.device.state_bits);
        let soft_reset = pulses.iter().find(|f| f.name == "soft_reset").map(|f| f.slice.clone()).unwrap_or_default();
        Csr {
            name: &self.design,
            addresses: self.lines(|r| Some(format!("12'h{:03x}", r.address)), ""),
            settings: plain(Access::ReadWrite),
            flags: plain(Access::ClearOnOne),
            inputs: plain(Access::Input),
            counters: self.counters(),
            counter_bits: self.counter_bits,
            address: AddressView::new(&self.registers),
            data: DataView::new(kept),
            writable: self.writable(kept, &design.device),
            read_cases: self.lines(|register| read_value(register, self.counter_bits), ":"),
            soft_reset,
            weights: self.register("WEIGHT_DATA").map(|_| WeightView::new(design)),
            pulses,
        }
        .render()
    }

    /// One line for each register that has a value.
    fn lines(&self, value: impl Fn(&Register) -> Option<String>, mark: &str) -> Vec<Line> {
        let line = |r: &Register| Some(Line { name: address_name(r) + mark, value: value(r)? });
        let mut lines: Vec<_> = self.registers.iter().filter_map(line).collect();
        pad(lines.iter_mut().map(|line| &mut line.name));
        lines
    }

    fn counters(&self) -> Vec<CounterView> {
        let low = self.registers.iter().filter(|r| r.kind == Kind::CounterLow);
        let mut views: Vec<_> = low
            .map(|r| {
                let name = counter_port(r);
                CounterView {
                    high: format!("{name}_high_q"),
                    port: format!("{:<PORT_WIDTH$}", name.clone() + ","),
                    name,
                    address: address_name(r) + ")",
                    doc: first_sentence(&r.doc),
                }
            })
            .collect();
        pad(views.iter_mut().map(|v| &mut v.high));
        pad(views.iter_mut().map(|v| &mut v.address));
        views
    }

    /// Lowest bits of a written word that registers look at one by one; of those above only whether they are all the same.
    fn kept_bits(&self, state_bits: u32) -> u32 {
        let written = self.registers.iter().filter(|r| r.is_writable());
        written
            .map(|register| match register.kind {
                Kind::WeightData => state_bits,
                _ => {
                    let tops = register.fields.iter().filter(|f| f.access.is_writable()).map(|f| f.lsb + f.width);
                    // What a range forbids ends at the next field.
                    let ends = register.fields.iter().filter(|f| f.range.is_some()).map(|f| register.end_of(f));
                    tops.chain(ends.filter(|&end| end < 32)).max().unwrap_or(0)
                }
            })
            .max()
            .unwrap_or(32)
    }

    fn writable(&self, kept: u32, device: &Device) -> Vec<WritableView> {
        let written = self.registers.iter().filter(|r| r.is_writable());
        written.map(|r| WritableView::new(r, kept, device.state_bits)).collect()
    }
}

impl Register {
    fn fields_with(&self, access: Access) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.access == access)
    }

    /// The bit after those that belong to a field with a range: the next field's first, or the register's end.
    fn end_of(&self, field: &Field) -> u32 {
        self.fields.iter().map(|f| f.lsb).filter(|&lsb| lsb > field.lsb).min().unwrap_or(32)
    }
}

/// "A write to the register is done": name of that wire, 1 in the second cycle of the write.
fn taken(register: &Register) -> String {
    format!("{}_ok", register.signal())
}

impl WritableView {
    fn new(register: &Register, kept: u32, state_bits: u32) -> WritableView {
        let data = register.kind == Kind::WeightData;
        let fields: Vec<_> = register.fields_with(Access::ReadWrite).filter(|_| !data).collect();
        let (mut fits, mut merged) = (Vec::new(), Vec::new());
        for field in &fields {
            let Some((min, max)) = field.range else { continue };
            let (name, width) = (field.name, field.width);
            let end = register.end_of(field);
            if width < end.min(kept) {
                let end = end.min(kept);
                fits.push(format!("wr_data_q[{}:{width}] == {}'d0", end - 1, end - width));
            }
            if end > kept {
                fits.push("!wr_above_q".to_string());
            }
            let (low, high) = (min > 0, max < field.max());
            let one_byte = width <= 8;
            let new = if one_byte { format!("wr_data_q[{}:0]", width - 1) } else { format!("{name}_new") };
            if !one_byte && (low || high) {
                let parts = pieces(field).into_iter().rev();
                let part = |p: PieceView| format!("wr_strb_q[{}] ? {} : {}", p.byte, p.value, p.field);
                let value = format!("{{{}}}", parts.map(part).collect::<Vec<_>>().join(", "));
                merged.push(MergedView { bits: range(width), name: new.clone(), value });
            }
            match (low, one_byte) {
                (true, true) => fits.push(format!("(!wr_strb_q[0] || {new} >= {width}'d{min})")),
                (true, false) => fits.push(format!("{new} >= {width}'d{min}")),
                (false, _) => {}
            }
            if high {
                fits.push(format!("{new} <= {width}'d{max}"));
            }
        }
        if data {
            fits.push("wr_strb_q == 4'b1111".to_string());
            fits.extend(state_checks(state_bits, kept));
        }
        let locked = fields.iter().filter(|f| f.locked).flat_map(|f| pieces(f));
        let same = locked.map(|p| format!("(!wr_strb_q[{}] || {} == {})", p.byte, p.value, p.field)).collect();
        let signal = register.signal();
        WritableView {
            address: address_name(register),
            pieces: align_pieces(fields.iter().flat_map(|f| pieces(f)).collect()),
            merged,
            to: format!("to_{signal}_q"),
            fits,
            same_name: format!("{signal}_same_q"),
            same,
            taken: taken(register),
            weight: register.kind == Kind::WeightAddress,
            data,
            fields: align(fields.into_iter().map(|f| FieldView::new(register, f)).collect()),
        }
    }
}

/// A field's bits, byte by byte.
fn pieces(field: &Field) -> Vec<PieceView> {
    let (first, last) = (field.lsb, field.lsb + field.width - 1);
    let piece = |byte: u32| {
        let (low, high) = (first.max(8 * byte), last.min(8 * byte + 7));
        let slice = |low: u32, high: u32| if low == high { format!("[{low}]") } else { format!("[{high}:{low}]") };
        let whole = low == first && high == last;
        let part = if whole { String::new() } else { slice(low - first, high - first) };
        PieceView { byte, field: format!("{}_q{part}", field.name), value: format!("wr_data_q{}", slice(low, high)) }
    };
    (first / 8..=last / 8).map(piece).collect()
}

fn align_pieces(mut pieces: Vec<PieceView>) -> Vec<PieceView> {
    pad(pieces.iter_mut().map(|p| &mut p.field));
    pieces
}

/// Conditions under which the written word is a state of so many bits.
fn state_checks(state_bits: u32, kept: u32) -> Vec<String> {
    let sign = state_bits - 1;
    let mut checks = Vec::new();
    if state_bits < kept {
        let rest = kept - state_bits;
        checks.push(format!("wr_data_q[{}:{state_bits}] == {{{rest}{{wr_data_q[{sign}]}}}}", kept - 1));
    }
    if kept < 32 {
        checks.push(format!("(wr_data_q[{sign}] ? wr_ones_q : !wr_above_q)"));
    }
    // States are symmetric: the most negative number is none.
    checks.push(format!("wr_data_q[{sign}:0] != {state_bits}'h{:x}", 1u64 << sign));
    checks
}

impl AddressView {
    fn new(registers: &[Register]) -> AddressView {
        const WIDTH: u32 = 12;
        let first = registers.first().map_or(0, |r| r.address);
        let differ = registers.iter().fold(0, |bits, r| bits | (r.address ^ first));
        // At least one bit stays, for a map of one register.
        let (low, high) = match differ {
            0 => (2, 2),
            bits => (bits.trailing_zeros(), bits.ilog2()),
        };
        let (above, below) = (WIDTH - 1 - high, low);
        let (top, bottom) = (first >> (high + 1), first & ((1 << low) - 1));
        let part = |bits: u32, value: u32| (bits > 0).then(|| format!("{bits}'h{value:x}"));
        let whole = |name: &str| {
            let parts = [part(above, top), Some(format!("{name}_addr_q")), part(below, bottom)];
            format!("{{{}}}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        };
        let known = |name: &str| {
            let above = part(above, top).map(|value| format!("s_axil_{name}addr[11:{}] == {value}", high + 1));
            let below = part(below, bottom).map(|value| format!("s_axil_{name}addr[{}:0] == {value}", low - 1));
            let parts: Vec<_> = above.into_iter().chain(below).collect();
            if parts.is_empty() { "1'b1".to_string() } else { parts.join(" && ") }
        };
        AddressView {
            bits: range(high - low + 1),
            slice: format!("[{high}:{low}]"),
            whole_write: whole("aw"),
            whole_read: whole("ar"),
            known_write: known("aw"),
            known_read: known("ar"),
        }
    }
}

impl DataView {
    fn new(kept: u32) -> DataView {
        DataView {
            bits: range(kept),
            slice: format!("[{}:0]", kept - 1),
            above: if kept < 32 { format!("[31:{kept}]") } else { String::new() },
        }
    }
}

impl WeightView {
    fn new(design: &Design) -> WeightView {
        let rows = design.layers.iter().map(|l| l.rows()).max().unwrap_or(1);
        let columns = design.layers.iter().map(|l| l.outputs).max().unwrap_or(1);
        let bits_for = super::map::bits_for;
        let (layer_width, row_width, col_width) =
            (bits_for(design.layers.len() - 1), bits_for(rows), bits_for(columns - 1));
        let state_bits = design.device.state_bits;
        WeightView {
            layer_width,
            row_width,
            col_width,
            state_bits,
            layer_bits: range(layer_width),
            row_bits: range(bits_for(rows - 1)),
            row_register_bits: range(row_width),
            row_slice: format!("[{}:0]", bits_for(rows - 1) - 1),
            col_bits: range(col_width),
            data_bits: range(state_bits),
            layers: design.layers.iter().map(|l| (l.rows(), l.outputs - 1)).collect(),
            check_col: design.layers.iter().any(|l| l.outputs < 1 << col_width),
        }
    }
}

impl FieldView {
    fn new(register: &Register, field: &Field) -> FieldView {
        FieldView {
            name: field.name,
            bits: if field.width == 1 { " ".repeat(6) } else { range(field.width) },
            port: format!("{:<PORT_WIDTH$}", format!("{},", field.name)),
            stored: format!("{}_q", field.name),
            driven: field.name.to_string(),
            slice: format!("[{}]", field.position()),
            taken: taken(register),
            reset: format!("{}'d{}", field.width, field.reset),
            doc: first_sentence(&field.doc),
        }
    }
}

/// Brings texts to the width of the longest.
fn pad<'a>(texts: impl Iterator<Item = &'a mut String>) {
    let texts: Vec<_> = texts.collect();
    let width = texts.iter().map(|t| t.len()).max().unwrap_or(0);
    for text in texts {
        *text = format!("{text:<width$}");
    }
}

/// Fields that stand below one another.
fn align(mut fields: Vec<FieldView>) -> Vec<FieldView> {
    pad(fields.iter_mut().map(|f| &mut f.stored));
    pad(fields.iter_mut().map(|f| &mut f.driven));
    fields
}

/// Verilog range of a vector, padded to a common width.
fn range(width: u32) -> String {
    format!("{:<6}", format!("[{}:0]", width - 1))
}

fn address_name(register: &Register) -> String {
    format!("ADDR_{}", register.name)
}

/// Port of the counter that a register is a half of.
fn counter_port(register: &Register) -> String {
    let signal = register.signal();
    let name = signal.strip_suffix("_lo").or(signal.strip_suffix("_hi")).unwrap_or(&signal);
    format!("count_{name}")
}

/// Up to the first full stop or semicolon, as a port's comment.
fn first_sentence(doc: &str) -> String {
    let text = doc.split(['.', ';']).next().unwrap_or_default();
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        // Names in capitals stay.
        (Some(a), Some(b)) if !b.is_uppercase() => a.to_lowercase().chain(text.chars().skip(1)).collect(),
        _ => text.to_string(),
    }
}

/// Expression of the 32 bits that a read returns; `None` for the weight window.
fn read_value(register: &Register, counter_bits: u32) -> Option<String> {
    match register.kind {
        Kind::WeightData => return None,
        Kind::CounterLow => return Some(counter_port(register) + "[31:0]"),
        Kind::CounterHigh => {
            let high = counter_port(register) + "_high_q";
            return Some(match 64 - counter_bits {
                0 => high,
                above => format!("{{{above}'d0, {high}}}"),
            });
        }
        Kind::Plain | Kind::WeightAddress => {}
    }
    if register.fields.iter().all(|f| f.access == Access::Constant) {
        return Some(format!("32'h{:08x}", register.reset()));
    }
    let mut parts = Vec::new();
    let mut top = 32;
    let visible = register.fields.iter().rev().filter(|f| f.access != Access::PulseOnOne);
    for field in visible {
        let above = top - field.lsb - field.width;
        if above > 0 {
            parts.push(format!("{above}'d0"));
        }
        parts.push(match field.access {
            Access::Input => field.name.to_string(),
            Access::Constant => format!("{}'d{}", field.width, field.reset),
            _ => format!("{}_q", field.name),
        });
        top = field.lsb;
    }
    if top > 0 {
        parts.push(format!("{top}'d0"));
    }
    Some(match parts.as_slice() {
        [only] => only.clone(),
        _ => format!("{{{}}}", parts.join(", ")),
    })
}
