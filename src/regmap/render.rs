//! Renderings of the register map for people and programs: C header, Markdown, SystemRDL.

use askama::Template;

use super::{Access, Field, RegMap, Register};

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
}

impl Register {
    fn rdl_doc(&self) -> String {
        rdl_text(&self.doc)
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
    pub(super) fn position(&self) -> String {
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
