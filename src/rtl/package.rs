//! What other tools need of a generated folder: package for FuseSoC, clock constraints, a smoke test.

use askama::Template;

use super::{Document, Rtl, notice};
use crate::regmap::RegMap;
use crate::spec::{Backend, Design};

#[derive(Template)]
#[template(path = "packaging/fusesoc.core", escape = "none")]
struct Core<'a> {
    name: &'a str,
    top: &'a str,
    vlnv: String,
    description: String,
    files: Vec<String>,
}

#[derive(Template)]
#[template(path = "packaging/clock.sdc", escape = "none")]
struct Clock<'a> {
    top: &'a str,
    clock: &'static str,
    /// ns.
    period: String,
    delay: String,
    link: bool,
}

#[derive(Template)]
#[template(path = "packaging/tb.v", escape = "none")]
struct Smoke<'a> {
    name: &'a str,
    /// Inputs of array macros, which rest.
    idle: Vec<String>,
    /// Address and value of registers that never change.
    constants: Vec<(String, String)>,
    /// Address of the learning rate.
    setting: String,
}

/// Name of a design's package: vendor, library, name, version.
pub(crate) fn vlnv(design: &Design) -> String {
    format!("memrtl:generated:{}:{}", design.name, env!("CARGO_PKG_VERSION"))
}

impl Rtl {
    /// Package, clock and smoke test of these modules; those of an earlier call are replaced.
    pub(super) fn package(&mut self, design: &Design, registers: &RegMap) -> Result<(), askama::Error> {
        let name = design.name.as_str();
        let link = self.top != name;
        let sizes = std::iter::once(design.inputs).chain(design.layers.iter().map(crate::spec::Layer::words));
        let shape = sizes.map(|n| n.to_string()).collect::<Vec<_>>().join("-");
        let core = Core {
            name,
            top: &self.top,
            vlnv: vlnv(design),
            description: format!("Memristor-crossbar training accelerator, {shape}"),
            files: self.modules.iter().map(|module| format!("{}.v", module.name)).collect(),
        }
        .render()?;
        let nanoseconds = |ns: f64| format!("{:.3}", ns);
        let clock = Clock {
            top: &self.top,
            clock: if link { "clk" } else { "aclk" },
            period: nanoseconds(design.timing.clock_ns),
            delay: nanoseconds(0.2 * design.timing.clock_ns),
            link,
        }
        .render()?;
        let mut idle = Vec::new();
        if design.array.backend == Backend::External {
            for (index, tile) in design.arrays() {
                let array = design.layers[index].array_name(&tile);
                idle.extend(["op_ready", "adc_valid", "adc_code"].map(|pin| format!("{array}_{pin}")));
            }
        }
        let address = |name: &str| format!("12'h{:03x}", registers.addr(name).unwrap_or_default());
        let constant = |name: &str| {
            let value = registers.register(name).map_or(0, |register| register.reset());
            (address(name), format!("32'h{value:08x}"))
        };
        let smoke = Smoke {
            name,
            idle,
            constants: ["ID", "SPEC_HASH_LO", "SPEC_HASH_HI", "SHAPE"].map(constant).to_vec(),
            setting: address("LEARNING_RATE"),
        }
        .render()?;
        let notice = notice(design);
        let new = [
            // FuseSoC wants this word first.
            (format!("{name}.core"), format!("CAPI=2: # {notice}\n{core}")),
            (format!("{name}.sdc"), format!("# {notice}\n{clock}")),
            (format!("{name}_tb.v"), format!("// {notice}\n{smoke}")),
        ];
        for (file, text) in new {
            self.documents.retain(|document| document.file != file);
            self.documents.push(Document { file, text: text.trim_end().to_string() + "\n" });
        }
        Ok(())
    }
}
