//! Renderings of the register map: CSR block, C header, Markdown, SystemRDL.

use askama::Template;

use super::{Access, Field, Kind, RegMap, Register};
use crate::spec::Design;

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
    /// Address parameter of its register.
    address: String,
    reset: String,
    doc: String,
}

/// A register with fields that software writes and that keep what was written.
struct WritableView {
    signal: String,
    address: String,
    fields: Vec<FieldView>,
    /// Condition under which a write is taken.
    ok: String,
    /// Part of the weight address, which accesses move on.
    weight: bool,
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
    /// Conditions under which the written word is a state.
    state_checks: Vec<String>,
}

#[derive(Template)]
#[template(path = "csr.v", escape = "none")]
struct Csr<'a> {
    name: &'a str,
    addresses: Vec<Line>,
    settings: Vec<FieldView>,
    pulses: Vec<FieldView>,
    flags: Vec<FieldView>,
    inputs: Vec<FieldView>,
    counters: Vec<CounterView>,
    counter_bits: u32,
    writable: Vec<WritableView>,
    write_cases: Vec<Line>,
    read_cases: Vec<Line>,
    soft_reset: String,
    weights: Option<WeightView>,
}

#[derive(Template)]
#[template(path = "regs.h", escape = "none")]
struct Header<'a> {
    map: &'a RegMap,
    prefix: String,
}

#[derive(Template)]
#[template(path = "registers.md", escape = "none")]
struct Markdown<'a> {
    map: &'a RegMap,
}

#[derive(Template)]
#[template(path = "regs.rdl", escape = "none")]
struct SystemRdl<'a> {
    map: &'a RegMap,
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
        let soft_reset = pulses.iter().find(|f| f.name == "soft_reset").map(|f| f.slice.clone()).unwrap_or_default();
        Csr {
            name: &self.design,
            addresses: self.lines(|r| Some(format!("12'h{:03x}", r.address)), ""),
            settings: plain(Access::ReadWrite),
            flags: plain(Access::ClearOnOne),
            inputs: plain(Access::Input),
            counters: self.counters(),
            counter_bits: self.counter_bits,
            writable: self.registers.iter().filter_map(WritableView::new).collect(),
            write_cases: self.lines(write_condition, ":"),
            read_cases: self.lines(|register| read_value(register, self.counter_bits), ":"),
            soft_reset,
            weights: self.register("WEIGHT_DATA").map(|_| WeightView::new(design)),
            pulses,
        }
        .render()
    }

    /// C header with addresses, masks, positions and reset values.
    ///
    /// # Errors
    /// A template that does not render: a defect of memrtl.
    pub fn c_header(&self) -> Result<String, askama::Error> {
        Header { map: self, prefix: self.design.to_uppercase() }.render()
    }

    /// Documentation as Markdown tables.
    ///
    /// # Errors
    /// A template that does not render: a defect of memrtl.
    pub fn markdown(&self) -> Result<String, askama::Error> {
        Markdown { map: self }.render()
    }

    /// Description in SystemRDL 2.0.
    ///
    /// # Errors
    /// A template that does not render: a defect of memrtl.
    pub fn system_rdl(&self) -> Result<String, askama::Error> {
        SystemRdl { map: self }.render()
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
}

impl Register {
    fn rdl_doc(&self) -> String {
        rdl_text(&self.doc)
    }

    fn fields_with(&self, access: Access) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.access == access)
    }

    /// Fields worth naming in header and documentation: not the only one, or not of the register's name.
    fn named_fields(&self) -> &[Field] {
        match self.fields.as_slice() {
            [only] if only.name == "value" || only.name == self.signal() => &[],
            fields => fields,
        }
    }

    /// Purpose and, if the only field has the register's name, its meaning.
    fn summary(&self) -> String {
        let field = match self.fields.as_slice() {
            [only] if only.name == self.signal() => only.doc.as_str(),
            _ => "",
        };
        let range = match self.fields.as_slice() {
            [Field { range: Some((min, max)), .. }] => format!("{min} to {max}."),
            _ => String::new(),
        };
        [field, &self.doc, &range].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Short forms of the fields' accesses, each once.
    fn access(&self) -> String {
        let mut labels: Vec<&str> = Vec::new();
        for field in &self.fields {
            if !labels.contains(&field.access.label()) {
                labels.push(field.access.label());
            }
        }
        labels.join(", ")
    }
}

impl Field {
    /// `hi:lo`, or the only bit.
    fn position(&self) -> String {
        match self.width {
            1 => format!("{}", self.lsb),
            width => format!("{}:{}", self.lsb + width - 1, self.lsb),
        }
    }
}

impl Field {
    /// Properties of the field in SystemRDL: what software and hardware do with it.
    fn rdl_access(&self) -> &'static str {
        match self.access {
            Access::Constant => "sw = r; hw = na;",
            Access::Input => "sw = r; hw = w;",
            // The cell behind the window is the hardware's.
            Access::ReadWrite if self.name == "weight_data" => "sw = rw; hw = rw; precedence = hw;",
            Access::ReadWrite => "sw = rw; hw = r;",
            Access::ClearOnOne => "sw = rw; onwrite = woclr; hw = w; hwset;",
            Access::PulseOnOne => "sw = w; hw = r; singlepulse; reset = 1'b0;",
        }
    }

    fn rdl_doc(&self) -> String {
        rdl_text(&self.doc)
    }

    /// No value of its own after reset: it shows the hardware's.
    fn varies(&self) -> bool {
        self.access == Access::Input
    }
}

/// A text between quotation marks in SystemRDL.
fn rdl_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
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
            address: address_name(register),
            reset: format!("{}'d{}", field.width, field.reset),
            doc: first_sentence(&field.doc),
        }
    }
}

impl WritableView {
    fn new(register: &Register) -> Option<WritableView> {
        if !matches!(register.kind, Kind::Plain | Kind::WeightAddress) {
            return None;
        }
        let fields: Vec<_> = register.fields_with(Access::ReadWrite).collect();
        if fields.is_empty() {
            return None;
        }
        let mut conditions = Vec::new();
        let locked: Vec<_> = fields.iter().filter(|f| f.locked).map(|f| format!("{0}_new == {0}_q", f.name)).collect();
        match locked.as_slice() {
            [] => {}
            [only] => conditions.push(format!("(!busy || {only})")),
            all => conditions.push(format!("(!busy || ({}))", all.join(" && "))),
        }
        for field in &fields {
            if let Some((min, max)) = field.range {
                let (name, width) = (field.name, field.width);
                let end = register.fields.iter().map(|f| f.lsb).filter(|&lsb| lsb > field.lsb).min().unwrap_or(32);
                if width < end {
                    conditions.push(format!("wr_set[{}:{width}] == {}'d0", end - 1, end - width));
                }
                if min > 0 {
                    conditions.push(format!("{name}_new >= {width}'d{min}"));
                }
                if max < field.max() {
                    conditions.push(format!("{name}_new <= {width}'d{max}"));
                }
            }
        }
        Some(WritableView {
            signal: register.signal(),
            address: address_name(register),
            fields: align(fields.into_iter().map(|f| FieldView::new(register, f)).collect()),
            ok: if conditions.is_empty() { "1'b1".to_string() } else { conditions.join(" && ") },
            weight: register.kind == Kind::WeightAddress,
        })
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
        let mut state_checks = Vec::new();
        if state_bits < 32 {
            let (rest, sign) = (32 - state_bits, state_bits - 1);
            state_checks.push(format!("wr_data[31:{state_bits}] == {{{rest}{{wr_data[{sign}]}}}}"));
        }
        // States are symmetric: the most negative number is none.
        state_checks.push(format!("wr_data[{}:0] != {state_bits}'h{:x}", state_bits - 1, 1u64 << (state_bits - 1)));
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
            state_checks,
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

/// When a write to the register is taken; `None` for read-only ones.
fn write_condition(register: &Register) -> Option<String> {
    match register.kind {
        _ if !register.is_writable() => None,
        Kind::WeightData => Some("weight_data_ok".to_string()),
        _ if register.fields_with(Access::ReadWrite).next().is_some() => Some(format!("{}_ok", register.signal())),
        _ => Some("1'b1".to_string()),
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
