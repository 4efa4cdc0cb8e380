//! From Verilog files to a loaded library.

use std::{ffi::OsString, path::PathBuf};

use crate::{
    Error, Verilator,
    build::Source,
    cache::Key,
    shim::{self, PREFIX},
    verilator::Compiler,
};

/// The source of everything that decides how a model is built. As part of the key it makes a changed crate build anew, without anybody
/// having to remember a version number.
const OWN_SOURCE: [&str; 8] = [
    include_str!("build.rs"),
    include_str!("builder.rs"),
    include_str!("evaluation.rs"),
    include_str!("fold.rs"),
    include_str!("generated.rs"),
    include_str!("precompiled.rs"),
    include_str!("runtime.rs"),
    include_str!("shim/mod.rs"),
];

/// Directory of the sources in the workspace; Verilator puts these names into messages, so they must not depend on where it is.
pub(crate) const STAGED: &str = "staged";
pub(crate) const CONTROL: &str = "staged_taps.vlt";

/// File format of waveforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// Value change dump: text, read by everything, large.
    Vcd,
    /// Fast signal trace: compressed, read by GTKWave and Surfer.
    Fst,
}

/// What a build is optimised for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The shortest builds, the same model at about half the speed of [`Profile::QuickBuild`]: for many models that run for some ten
    /// thousand cycles each, as in tests.
    Unoptimised,
    /// Short builds: for tests and short runs.
    #[default]
    QuickBuild,
    /// Fast models: for long runs.
    FastRun,
}

impl Profile {
    /// The profile whose build and run together take less time, for a run of about this many cycles. Building for speed costs more
    /// in proportion to the size of the design, and so does what it saves per cycle: the balance is at some three million cycles,
    /// whatever the design.
    pub fn for_cycles(cycles: u64) -> Profile {
        if cycles < 3_000_000 { Profile::QuickBuild } else { Profile::FastRun }
    }
}

/// Describes a model and builds it.
///
/// ```no_run
/// use verilated::{Cache, ModelBuilder, Options};
/// # fn main() -> Result<(), verilated::Error> {
/// let library = ModelBuilder::new("fifo").source("rtl/fifo.v").parameter("DEPTH", 16).build(&Cache::default_dir()?)?;
/// let mut fifo = library.instantiate(Options::default())?;
/// let clk = fifo.input("clk", 1)?;
/// let count = fifo.output("count", 5)?;
/// fifo.cycle(clk)?;
/// assert_eq!(fifo.get(count), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ModelBuilder {
    pub(crate) top: String,
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) include_dirs: Vec<PathBuf>,
    defines: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    pub(crate) verilator_args: Vec<String>,
    pub(crate) compiler_args: Vec<String>,
    taps: Vec<(String, String)>,
    pub(crate) trace: Option<TraceFormat>,
    trace_depth: Option<u32>,
    pub(crate) random_init: bool,
    profile: Profile,
    pub(crate) coverage: bool,
    assertions: bool,
    pub(crate) snapshots: bool,
    pub(crate) fold_falling_edge: bool,
    pub(crate) skip_settled_inputs: bool,
    pub(crate) verilator: Option<Verilator>,
}

impl ModelBuilder {
    /// A model of the module `top`.
    pub fn new(top: &str) -> ModelBuilder {
        ModelBuilder {
            top: top.into(),
            sources: Vec::new(),
            include_dirs: Vec::new(),
            defines: Vec::new(),
            parameters: Vec::new(),
            verilator_args: Vec::new(),
            compiler_args: Vec::new(),
            taps: Vec::new(),
            trace: None,
            trace_depth: None,
            random_init: false,
            profile: Profile::default(),
            coverage: false,
            assertions: true,
            snapshots: false,
            fold_falling_edge: true,
            skip_settled_inputs: true,
            verilator: None,
        }
    }

    /// Adds a Verilog, SystemVerilog or `.vlt` file.
    pub fn source(mut self, path: impl Into<PathBuf>) -> Self {
        self.sources.push(path.into());
        self
    }

    /// Adds several files.
    pub fn sources(mut self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        self.sources.extend(paths.into_iter().map(Into::into));
        self
    }

    /// A directory searched for `` `include`` files and for modules that no source defines. What is read from it takes part in the
    /// cache key.
    pub fn include_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.include_dirs.push(dir.into());
        self
    }

    /// A preprocessor macro, as `-Dname=value`; an empty value defines it as nothing.
    pub fn define(mut self, name: &str, value: impl ToString) -> Self {
        self.defines.push((name.into(), value.to_string()));
        self
    }

    /// A parameter of the top module, as `-Gname=value`; strings need their quotes.
    pub fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.parameters.push((name.into(), value.to_string()));
        self
    }

    /// Another argument for Verilator, such as `-Wno-WIDTH` or `--timing`. Paths must be absolute; options that change what is
    /// written where (`--Mdir`, `--prefix`, `--exe`, `--build`, `--sc`) do not work here.
    pub fn verilator_arg(mut self, arg: &str) -> Self {
        self.verilator_args.push(arg.into());
        self
    }

    /// Another argument for the C++ compiler, for the model only.
    pub fn compiler_arg(mut self, arg: &str) -> Self {
        self.compiler_args.push(arg.into());
        self
    }

    /// Builds in the ability to write waveforms; costs speed even when none is written. Default: none.
    pub fn trace(mut self, format: Option<TraceFormat>) -> Self {
        self.trace = format;
        self
    }

    /// Levels of hierarchy in waveforms: 1 is the top module. Signals below cost nothing. Default: all.
    pub fn trace_depth(mut self, levels: u32) -> Self {
        self.trace_depth = Some(levels.max(1));
        self
    }

    /// Registers without reset and unknown values start random, from [`Options::seed`](crate::Options::seed). Default: all zero.
    pub fn random_init(mut self, on: bool) -> Self {
        self.random_init = on;
        self
    }

    /// What to optimise for. Default: [`Profile::QuickBuild`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Builds in line and toggle coverage. Default: off.
    pub fn coverage(mut self, on: bool) -> Self {
        self.coverage = on;
        self
    }

    /// Checks `assert` statements. Default: on. (`$fatal` and `$stop` always work.)
    pub fn assertions(mut self, on: bool) -> Self {
        self.assertions = on;
        self
    }

    /// Builds in [`Model::snapshot`](crate::Model::snapshot). Default: off.
    pub fn snapshots(mut self, on: bool) -> Self {
        self.snapshots = on;
        self
    }

    /// Lets a cycle take one evaluation instead of two for clocks of which the model uses nothing but the rising edge. Found out from
    /// the generated C++, per clock; results are the same. Default: on. See [`Model::is_folded`](crate::Model::is_folded).
    pub fn fold_falling_edge(mut self, on: bool) -> Self {
        self.fold_falling_edge = on;
        self
    }

    /// Leaves the logic behind the inputs out of clock cycles before which no input but the clock has changed. For folded clocks and a
    /// Verilator (5.006, 5.049) whose C++ is as expected; results are the same. Default: on.
    pub fn skip_settled_inputs(mut self, on: bool) -> Self {
        self.skip_settled_inputs = on;
        self
    }

    /// Makes an internal signal readable: `signal` in every instance of `module`, whatever its parameters. `*` stands for any text.
    /// The Verilog stays as it is. Read it through [`Model::tap`](crate::Model::tap).
    pub fn tap(mut self, module: &str, signal: &str) -> Self {
        self.taps.push((module.into(), signal.into()));
        self
    }

    /// Uses this Verilator. Default: [`Verilator::find`].
    pub fn verilator(mut self, verilator: Verilator) -> Self {
        self.verilator = Some(verilator);
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "_$".contains(c));
        if !word(&self.top) {
            return Err(Error::Builder(format!("`{}` is not the name of a Verilog module", self.top)));
        }
        for (name, _) in self.defines.iter().chain(&self.parameters) {
            if !word(name) {
                return Err(Error::Builder(format!("`{name}` is not a name for a define or parameter")));
            }
        }
        for (module, signal) in &self.taps {
            // They stand inside quotes in a control file.
            if [module, signal].iter().any(|s| s.is_empty() || s.contains(['"', '\\', '\n'])) {
                return Err(Error::Builder(format!("`{module}`, `{signal}` cannot name a tapped signal")));
            }
        }
        if self.sources.is_empty() {
            return Err(Error::Builder(format!("no source file for `{}`", self.top)));
        }
        Ok(())
    }

    /// Everything but the contents of included files.
    pub(crate) fn base_key(&self, sources: &[Source], verilator: &Verilator, compiler: &Compiler) -> Key {
        let mut key = Key::default();
        for part in OWN_SOURCE.iter().chain(&shim::SHIM) {
            key.part("own", part.as_bytes());
        }
        key.part("prelude", shim::PRELUDE.as_bytes());
        key.part("verilator", verilator.identity().as_bytes());
        key.part("compiler", compiler.identity.as_bytes());
        for arg in self.verilator_command(sources) {
            key.part("arg", arg.as_encoded_bytes());
        }
        key.part("fold", &[u8::from(self.fold_falling_edge), u8::from(self.skip_settled_inputs)]);
        key.part("control", self.control_file().as_bytes());
        for flag in self.optimisation_flags().iter().chain(&self.compiler_args) {
            key.part("flag", flag.as_bytes());
        }
        for source in sources {
            key.part(&source.staged, &source.bytes);
        }
        key
    }

    pub(crate) fn verilator_command(&self, sources: &[Source]) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            ["--cc", "--prefix", PREFIX, "--Mdir", "obj", "--top-module", &self.top].map(OsString::from).into();
        let (unknown, initial) = if self.random_init { ("unique", "unique") } else { ("fast", "fast") };
        args.extend(["--x-assign", unknown, "--x-initial", initial].map(OsString::from));
        match self.trace {
            None => {}
            // The one spelling that all versions know.
            Some(TraceFormat::Vcd) => args.push("--trace".into()),
            Some(TraceFormat::Fst) => args.push("--trace-fst".into()),
        }
        if self.trace.is_some()
            && let Some(levels) = self.trace_depth
        {
            args.extend(["--trace-depth".into(), levels.to_string().into()]);
        }
        // Newer versions check assertions unless told not to, older ones the other way round.
        args.push(if self.assertions { "--assert".into() } else { "--no-assert".into() });
        if self.snapshots {
            args.push("--savable".into());
        }
        if self.coverage {
            args.extend(["--coverage-line", "--coverage-toggle"].map(OsString::from));
        }
        match self.profile {
            Profile::Unoptimised | Profile::QuickBuild => {
                args.extend(["--output-split", "5000", "--output-split-cfuncs", "500"].map(OsString::from))
            }
            Profile::FastRun => args.extend(["-O3", "--output-split", "20000"].map(OsString::from)),
        }
        args.extend(
            self.defines.iter().map(|(n, v)| if v.is_empty() { format!("-D{n}") } else { format!("-D{n}={v}") }.into()),
        );
        args.extend(self.parameters.iter().map(|(n, v)| format!("-G{n}={v}").into()));
        for dir in &self.include_dirs {
            // Verilator runs in the workspace.
            let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
            let mut arg = OsString::from("-I");
            arg.push(dir);
            args.push(arg);
        }
        args.extend(self.verilator_args.iter().map(OsString::from));
        if !self.taps.is_empty() {
            args.push(CONTROL.into());
        }
        args.extend(sources.iter().map(|s| OsString::from(&s.staged)));
        args
    }

    /// Flags of the C++ compiler in this profile: to build the same model by other means, for a comparison.
    pub fn optimisation_flags(&self) -> Vec<String> {
        self.optimisation().map(String::from).collect()
    }

    /// Verilator's control file that makes the tapped signals visible.
    pub(crate) fn control_file(&self) -> String {
        let mut text = String::from("`verilator_config\n");
        for (module, signal) in &self.taps {
            text.push_str(&format!("public_flat_rd -module \"{module}\" -var \"{signal}\"\n"));
        }
        text
    }

    /// Level of code that runs once, of `None` that of all the rest: construction and reset of a few hundred variables take the
    /// compiler longer at `-O3` than all that runs in every cycle.
    pub(crate) fn cold_level(&self) -> Option<&'static str> {
        match self.profile {
            Profile::Unoptimised | Profile::QuickBuild => None,
            Profile::FastRun => Some("O1"),
        }
    }

    /// The same of the shim, whose loops are short.
    pub(crate) fn shim_level(&self) -> Option<&'static str> {
        match self.profile {
            Profile::Unoptimised | Profile::QuickBuild => None,
            Profile::FastRun => Some("O2"),
        }
    }

    /// The part of the shim that is the same for all models is compiled once. Calls between the parts take a few nanoseconds per cycle.
    pub(crate) fn shared_shim(&self) -> bool {
        // Arguments of the user hold for all code of his model.
        self.profile != Profile::FastRun && self.compiler_args.is_empty()
    }

    /// Flags of all code of a model; precompiled headers are good only for the level that they were compiled with.
    pub(crate) fn optimisation(&self) -> impl Iterator<Item = &'static str> {
        let level: &[&str] = match self.profile {
            Profile::Unoptimised => &["-O0"],
            Profile::QuickBuild => &["-O1"],
            Profile::FastRun => &["-O3", "-falign-functions=64", "-falign-loops=32", "-falign-jumps=32"],
        };
        level.iter().copied().chain(["-fvisibility=hidden", "-fno-plt"]).chain(processor_flags().iter().copied())
    }
}

/// Instructions worth having. `-march=native` is slower here: signals are bytes and words next to each other, and wide loads of what
/// narrow stores have just written wait for them.
fn processor_flags() -> &'static [&'static str] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sse4.2") && is_x86_feature_detected!("popcnt") {
        return &["-msse4.2", "-mpopcnt"];
    }
    &[]
}
