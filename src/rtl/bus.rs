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

/// `<name>_sample_in`: AXI4-Stream slave that keeps samples in two banks. Instantiates the gear.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "sample_in.v", escape = "none")]
pub struct SampleIn<'a> {
    /// Name of the design, the module's prefix.
    pub name: &'a str,
}

/// `<name>_sample_out`: AXI4-Stream master for output vectors. Instantiates the gear.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "sample_out.v", escape = "none")]
pub struct SampleOut<'a> {
    /// Name of the design, the module's prefix.
    pub name: &'a str,
}
