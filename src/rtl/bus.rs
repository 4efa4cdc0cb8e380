//! The parametric modules of the bus side. Their templates bind only the design's name; sizes are Verilog parameters, set
//! by whoever instantiates them.

use askama::Template;

/// `<name>_gear`: converts a vector between beats of `IN` and of `OUT` words.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "gear.v", escape = "none")]
pub struct Gear<'a> {
    /// Name of the design, the module's prefix.
    pub name: &'a str,
}
