//! The C++ shim of a model: the port list read from the header Verilator wrote, and the generated head of the shim's C++.

use std::fmt::Write;

use crate::{
    evaluation,
    fold::{self, Foldable},
};

/// C++ that is the same for every model, in this order.
pub(crate) const SHIM: [&str; 3] =
    [include_str!("instance.cpp"), include_str!("hooks.cpp"), include_str!("exports.cpp")];
/// Included before every other header, in models and in the runtime.
pub(crate) const PRELUDE: &str = include_str!("prelude.h");
/// Raised whenever the exported functions or [`crate::ffi`] change.
pub(crate) const ABI: u32 = 5;
/// Class name of every model (the top module's own name could be anything).
pub(crate) const PREFIX: &str = "Vmodel";
/// Makes the members of the model known.
pub(crate) const ROOT: &str = "#include \"Vmodel___024root.h\"\n";

/// Direction of a port, as the numbers in the table of the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Input = 0,
    Output = 1,
    Inout = 2,
}

impl Direction {
    pub fn from_raw(raw: u32) -> Direction {
        match raw {
            0 => Direction::Input,
            1 => Direction::Output,
            _ => Direction::Inout,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Direction::Input => "input",
            Direction::Output => "output",
            Direction::Inout => "inout",
        }
    }
}

/// A port of the generated class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    /// As in the Verilog.
    pub name: String,
    /// As in the C++.
    pub member: String,
    pub direction: Direction,
    pub width: u32,
}

/// Reads the ports from the model's header: lines such as `VL_IN8(&clk,0,0);` and `VL_OUTW(&w,99,0,4);`, a form unchanged since
/// Verilator 4. Ports that are unpacked arrays, reals or strings have other forms and are left out.
pub(crate) fn parse_ports(header: &str) -> Vec<Port> {
    header.lines().filter_map(|line| parse_port(line.trim())).collect()
}

fn parse_port(line: &str) -> Option<Port> {
    let rest = line.strip_prefix("VL_")?;
    let (kind, args) = rest.strip_suffix(");")?.split_once('(')?;
    let direction = match kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'W') {
        "IN" => Direction::Input,
        "OUT" => Direction::Output,
        "INOUT" => Direction::Inout,
        _ => return None,
    };
    let mut args = args.split(',');
    let member = args.next()?.strip_prefix('&')?;
    let msb: i64 = args.next()?.parse().ok()?;
    let lsb: i64 = args.next()?.parse().ok()?;
    let width = u32::try_from(msb.abs_diff(lsb) + 1).ok()?;
    Some(Port { name: verilog_name(member), member: member.into(), direction, width })
}

/// Undoes Verilator's encoding of names: `a__b` is `a___05Fb` in C++, and `__SYM__` stands before C++ keywords.
fn verilog_name(member: &str) -> String {
    let member = member.strip_prefix("__SYM__").unwrap_or(member);
    let mut name = String::new();
    let mut rest = member;
    while let Some(at) = rest.find("__0") {
        let code = rest.get(at + 3..at + 5).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                name.push_str(&rest[..at]);
                name.push(code as char);
                rest = &rest[at + 5..];
            }
            None => {
                name.push_str(&rest[..at + 3]);
                rest = &rest[at + 3..];
            }
        }
    }
    name + rest
}

/// Kinds of conditions that end a run: equal to a value, different from a value, different from now.
pub(crate) const EQUALS: u32 = 0;
pub(crate) const DIFFERS: u32 = 1;
pub(crate) const CHANGES: u32 = 2;

/// What of the build the shim depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShimOptions {
    /// 0 none, 1 VCD, 2 FST.
    pub trace: u32,
    pub coverage: bool,
    pub savable: bool,
    /// The assignment that leaves the logic behind the inputs out of an evaluation, where that can be done.
    pub skip: Option<&'static str>,
    /// Evaluations but the first may go without what Verilator puts around them.
    pub bare: bool,
    /// The runtime draws from `VlRNG` (5.030 has it, 5.006 has not).
    pub rng: bool,
}

/// The part of the shim that knows the class of the model: every access to it. `linkage` is empty where the rest is another translation
/// unit.
fn model_side(ports: &[Port], folds: &[Foldable], options: ShimOptions, linkage: &str) -> String {
    let mut text = format!(
        "#include \"{PREFIX}.h\"\n{SIGNAL}#define VLRS_LINKAGE {linkage}\n\
         VLRS_LINKAGE {PREFIX}* vlrs_model_new(VerilatedContext* context) {{ return new {PREFIX}{{context, \"TOP\"}}; }}\n\
         VLRS_LINKAGE void vlrs_model_free({PREFIX}* top) {{ delete top; }}\n\
         VLRS_LINKAGE void vlrs_model_eval({PREFIX}* top) {{ top->eval(); }}\n\
         VLRS_LINKAGE void vlrs_model_final({PREFIX}* top) {{ top->final(); }}\n"
    );
    if options.savable {
        text.push_str(&format!(
            "VLRS_LINKAGE void vlrs_model_save({PREFIX}* top, VerilatedSerialize& to) {{ to << *top; }}\n\
             VLRS_LINKAGE void vlrs_model_restore({PREFIX}* top, VerilatedDeserialize& from) {{ from >> *top; }}\n"
        ));
    }
    text.push_str(&format!(
        "VLRS_LINKAGE size_t vlrs_model_ports({PREFIX}* top, VlrsSignal* table) {{\n    if (!table) return {};\n",
        ports.len()
    ));
    for port in ports {
        let name = port.name.replace('\\', "\\\\").replace('"', "\\\"");
        let (width, direction, member) = (port.width, port.direction as u32, &port.member);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "    *table++ = {{\"{name}\", {width}, {direction}, sizeof(top->{member}), 1, &top->{member}}};"
        );
    }
    let _ = writeln!(text, "    return {};\n}}", ports.len());
    text.push_str(&fold::render(folds));
    text + &fold::render_settled(options.skip) + &evaluation::render(options.bare)
}

/// What both parts of the shim know.
const SIGNAL: &str = "#include <cstddef>\n#include <cstdint>\n\
     struct VlrsSignal { const char* name; uint32_t width, direction, bytes, elements; void* data; };\n";

/// All the rest, with what it needs of the model: as text, `model_side`, or as declarations.
fn rest(model: &str, options: ShimOptions) -> String {
    let ShimOptions { trace, coverage, savable, rng, .. } = options;
    let [coverage, savable, rng] = [coverage, savable, rng].map(u32::from);
    let head = format!(
        "#define VLRS_ABI {ABI}\n\
         #define VLRS_MODEL {PREFIX}\n\
         #define VLRS_TRACE {trace}\n\
         #define VLRS_COVERAGE {coverage}\n\
         #define VLRS_SAVABLE {savable}\n\
         #define VLRS_RNG {rng}\n\
         #define VLRS_EQUALS {EQUALS}\n\
         #define VLRS_CHANGES {CHANGES}\n\
         struct VlrsCondition {{ const uint8_t* data; uint32_t bytes, kind; uint64_t value; }};\n"
    );
    format!("{model}{head}{}", SHIM.concat())
}

/// The shim as one translation unit: calls into the model are direct.
pub(crate) fn render(ports: &[Port], folds: &[Foldable], options: ShimOptions) -> String {
    rest(&model_side(ports, folds, options, "static inline"), options)
}

/// The shim in two parts: what belongs to this model, and what is the same for all models of these options and need not be compiled
/// for each. None if options make the second part depend on the model's flags.
pub(crate) fn render_parts(ports: &[Port], folds: &[Foldable], options: ShimOptions) -> Option<(String, String)> {
    if options.trace != 0 || options.coverage {
        return None;
    }
    let declarations = format!(
        "{SIGNAL}class {PREFIX};\nclass VerilatedContext;\nclass VerilatedSerialize;\nclass VerilatedDeserialize;\n\
         {PREFIX}* vlrs_model_new(VerilatedContext*);\n\
         void vlrs_model_free({PREFIX}*);\n\
         void vlrs_model_eval({PREFIX}*);\n\
         void vlrs_model_final({PREFIX}*);\n\
         void vlrs_model_save({PREFIX}*, VerilatedSerialize&);\n\
         void vlrs_model_restore({PREFIX}*, VerilatedDeserialize&);\n\
         size_t vlrs_model_ports({PREFIX}*, VlrsSignal*);\n\
         uint8_t* vlrs_model_previous({PREFIX}*, const void*);\n\
         void vlrs_model_settled({PREFIX}*);\n\
         void vlrs_model_again({PREFIX}*);\n"
    );
    Some((model_side(ports, folds, options, ""), rest(&declarations, options)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_a_header() {
        let header = "    VL_IN8(&clk,0,0);\n    VL_OUTW(&w,99,0,4);\n    VL_IN(&a___05Fb,31,0);\n    VL_OUT8(&__SYM__class,0,7);\n\
                      VL_IN8((&arr)[4],7,0);\n    double &r;\n    VL_UNCOPYABLE(Vu);\n    VL_INOUT64(&io,63,0);";
        let ports: Vec<_> = parse_ports(header).into_iter().map(|p| (p.name, p.direction, p.width)).collect();
        assert_eq!(
            ports,
            [
                ("clk".to_string(), Direction::Input, 1),
                ("w".to_string(), Direction::Output, 100),
                ("a__b".to_string(), Direction::Input, 32),
                ("class".to_string(), Direction::Output, 8),
                ("io".to_string(), Direction::Inout, 64),
            ]
        );
    }
}
