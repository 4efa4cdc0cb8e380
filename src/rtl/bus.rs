pub fn render(_d: &crate::spec::Design) -> Result<Vec<(String, String)>, askama::Error> {
    Ok(vec![])
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
