//! From Verilog files to a loaded library.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    Cache, Error, Library, Verilator,
    cache::{self, Key},
    compile::{self, Job},
    generated,
    runtime::{self, Toolchain},
    shim::{self, PREFIX, ShimOptions},
    verilator::Compiler,
};

/// Raised when the way models are built changes in a manner that the key does not see.
const BUILD_FORMAT: u32 = 1;

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
    /// Short builds: for tests and short runs.
    #[default]
    QuickBuild,
    /// Fast models, tied to this machine's processor: for long runs.
    FastRun,
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
    top: String,
    sources: Vec<PathBuf>,
    include_dirs: Vec<PathBuf>,
    defines: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    verilator_args: Vec<String>,
    compiler_args: Vec<String>,
    taps: Vec<(String, String)>,
    trace: Option<TraceFormat>,
    trace_depth: Option<u32>,
    random_init: bool,
    profile: Profile,
    coverage: bool,
    assertions: bool,
    verilator: Option<Verilator>,
}

/// A source file, read once: what is hashed is what is compiled.
struct Source {
    /// As the user wrote it.
    given: PathBuf,
    /// Name in the workspace.
    staged: String,
    bytes: Vec<u8>,
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

    /// Registers without reset and unknown values start random, from the seed given to [`Library::instantiate`]. Default: all zero.
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

    /// Takes the model from the cache, or builds it, and loads it.
    ///
    /// Several processes may build at once; one of them works and the others wait for it. A damaged entry is built again.
    ///
    /// # Errors
    /// A missing or too old tool, an unreadable source, an unusable cache directory, or what Verilator and the compiler say.
    pub fn build(&self, cache: &Cache) -> Result<Library, Error> {
        self.check()?;
        let sources = self.read_sources()?;
        let verilator = match &self.verilator {
            Some(v) => v.clone(),
            None => Verilator::find()?,
        };
        let compiler = Compiler::find()?;
        let base = self.base_key(&sources, &verilator, &compiler)?;
        let key = full_key(&base, &cache.dependencies(&base.clone().finish()));
        let place = cache.models().join(&key);
        if cache::intact(&place) {
            // Between check and load the entry may be evicted; then it is built below.
            if let Ok(library) = self.load(&place, &sources) {
                return Ok(library);
            }
        }
        // One lock for all contents of included files: which they are is known only after Verilator has run.
        let lock_key = base.clone().finish();
        let lock = cache.lock(&lock_key)?;
        let key = full_key(&base, &cache.dependencies(&lock_key));
        let place = cache.models().join(&key);
        if cache::intact(&place)
            && let Ok(library) = self.load(&place, &sources)
        {
            return Ok(library);
        }
        let workspace = cache.workspace(&lock_key, &lock)?;
        let tools = Toolchain {
            root: verilator.root()?,
            verilator: verilator.identity().into(),
            compiler,
            timing: self.verilator_args.iter().any(|a| a == "--timing" || a == "--main"),
        };
        let dependencies = self.verilate(workspace.path(), &sources, &verilator, &tools)?;
        self.compile(cache, workspace.path(), &tools)?;
        let key = full_key(&base, &dependencies);
        let place = cache.models().join(&key);
        cache.set_dependencies(&lock_key, &dependencies, workspace.path())?;
        cache.publish(&workspace.path().join("entry"), &place, workspace.path())?;
        self.load(&place, &sources)
    }

    fn check(&self) -> Result<(), Error> {
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

    fn read_sources(&self) -> Result<Vec<Source>, Error> {
        let mut sources: Vec<Source> = Vec::new();
        for (i, given) in self.sources.iter().enumerate() {
            let bytes = fs::read(given).map_err(Error::io("read", given))?;
            let name = given.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let mut staged = format!("{STAGED}/{name}");
            if sources.iter().any(|s| s.staged == staged) {
                staged = format!("{STAGED}/{i}/{name}");
            }
            sources.push(Source { given: given.clone(), staged, bytes });
        }
        Ok(sources)
    }

    /// Everything but the contents of included files.
    fn base_key(&self, sources: &[Source], verilator: &Verilator, compiler: &Compiler) -> Result<Key, Error> {
        let mut key = Key::default();
        key.part("format", &BUILD_FORMAT.to_le_bytes());
        key.part("shim", shim::SHIM.as_bytes());
        key.part("prelude", shim::PRELUDE.as_bytes());
        key.part("verilator", verilator.identity().as_bytes());
        key.part("compiler", compiler.identity.as_bytes());
        for arg in self.verilator_command(sources) {
            key.part("arg", arg.as_encoded_bytes());
        }
        key.part("control", self.control_file().as_bytes());
        for arg in self.optimisation(true).iter().chain(&self.optimisation(false)).chain(&self.compiler_args) {
            key.part("flag", arg.as_bytes());
        }
        if self.profile == Profile::FastRun {
            key.part("target", compiler.native_target()?.as_bytes());
        }
        for source in sources {
            key.part(&source.staged, &source.bytes);
        }
        Ok(key)
    }

    fn verilator_command(&self, sources: &[Source]) -> Vec<OsString> {
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
        if self.assertions {
            args.push("--assert".into());
        }
        if self.coverage {
            args.extend(["--coverage-line", "--coverage-toggle"].map(OsString::from));
        }
        match self.profile {
            Profile::QuickBuild => {
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

    /// Verilator's control file that makes the tapped signals visible.
    fn control_file(&self) -> String {
        let mut text = String::from("`verilator_config\n");
        for (module, signal) in &self.taps {
            text.push_str(&format!("public_flat_rd -module \"{module}\" -var \"{signal}\"\n"));
        }
        text
    }

    /// Flags for the code that runs at every evaluation, and for the code that runs once.
    fn optimisation(&self, hot: bool) -> Vec<String> {
        let flags: &[&str] = match (self.profile, hot) {
            (Profile::QuickBuild, true) => &["-O1"],
            (Profile::QuickBuild, false) => &["-O0"],
            (Profile::FastRun, true) => &["-O3", "-march=native", "-fvisibility=hidden", "-fno-plt"],
            (Profile::FastRun, false) => &["-O1", "-march=native", "-fvisibility=hidden", "-fno-plt"],
        };
        flags.iter().map(|f| f.to_string()).collect()
    }

    /// Runs Verilator in the workspace; returns the files it read beyond the sources.
    fn verilate(
        &self,
        dir: &Path,
        sources: &[Source],
        verilator: &Verilator,
        tools: &Toolchain,
    ) -> Result<Vec<PathBuf>, Error> {
        for source in sources {
            let path = dir.join(&source.staged);
            if let Some(parent) = path.parent() {
                cache::make_dir(parent)?;
            }
            fs::write(&path, &source.bytes).map_err(Error::io("write", path.clone()))?;
        }
        fs::write(dir.join(CONTROL), self.control_file()).map_err(Error::io("write", dir.join(CONTROL)))?;
        let job = Job { tool: "verilator", program: absolute(verilator.path()), args: self.verilator_command(sources) };
        // A file that is saved while Verilator reads it could be compiled in one state and hashed in the other.
        for _ in 0..3 {
            let started = SystemTime::now();
            let log = job.run(dir).map_err(|e| unstage_error(e, sources))?;
            let dependencies = generated::dependencies(&dir.join("obj"), &tools.root)?;
            let changed = |f: &PathBuf| fs::metadata(f).and_then(|m| m.modified()).is_ok_and(|t| t >= started);
            if !dependencies.iter().any(changed) {
                cache::make_dir(&dir.join("entry"))?;
                let log_file = dir.join("entry").join(LOG);
                fs::write(&log_file, unstage(&log, sources)).map_err(Error::io("write", log_file.clone()))?;
                return Ok(dependencies);
            }
        }
        Err(Error::Builder(format!("the files that `{}` includes keep changing while it is built", self.top)))
    }

    /// Compiles and links what Verilator wrote into `entry/`.
    fn compile(&self, cache: &Cache, dir: &Path, tools: &Toolchain) -> Result<(), Error> {
        let obj = dir.join("obj");
        let classes = generated::Classes::read(&obj)?;
        let header_path = obj.join(format!("{PREFIX}.h"));
        let header = fs::read_to_string(&header_path).map_err(Error::io("read", header_path.clone()))?;
        let trace = self.trace.map_or(0, |f| match f {
            TraceFormat::Vcd => 1,
            TraceFormat::Fst => 2,
        });
        let options = ShimOptions { trace, coverage: self.coverage };
        let shim = shim::render(&shim::parse_ports(&header), options);
        let write =
            |name: &str, text: &str| fs::write(obj.join(name), text).map_err(Error::io("write", obj.join(name)));
        write("vlrs_prelude.h", shim::PRELUDE)?;
        write("vlrs_shim.cpp", &shim)?;

        let units = classes.units(&obj, compile::parallelism())?;
        for (i, unit) in units.iter().enumerate() {
            write(&format!("vlrs_unit{i}.cpp"), &unit.text())?;
        }
        // Longest first: the last job to start should be a short one.
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(units[i].bytes));
        let mut jobs: Vec<Job> =
            order.iter().map(|&i| self.compile_job(tools, &format!("vlrs_unit{i}"), units[i].hot, trace)).collect();
        jobs.push(self.compile_job(tools, "vlrs_shim", true, trace));

        let runtime = runtime::objects(cache, tools, &classes.runtime)?;
        compile::run_all(&jobs, &obj)?;
        let objects = (0..units.len()).map(|i| format!("vlrs_unit{i}.o")).chain(["vlrs_shim.o".into()]);
        self.link(dir, tools, objects.map(PathBuf::from).chain(runtime).collect())?;
        cache::seal(&dir.join("entry"), &[LIBRARY, LOG])
    }

    fn compile_job(&self, tools: &Toolchain, unit: &str, hot: bool, trace: u32) -> Job {
        let mut args = tools.common_flags();
        args.extend(self.optimisation(hot).iter().map(OsString::from));
        let defines = [
            ("VM_COVERAGE", self.coverage),
            ("VM_SC", false),
            ("VM_TRACE", trace > 0),
            ("VM_TRACE_VCD", trace == 1),
            ("VM_TRACE_FST", trace == 2),
        ];
        args.extend(defines.map(|(name, on)| format!("-D{name}={}", u32::from(on)).into()));
        args.extend(["-I.", "-include", "vlrs_prelude.h"].map(OsString::from));
        args.extend(self.compiler_args.iter().map(OsString::from));
        args.extend(["-c".into(), format!("{unit}.cpp").into(), "-o".into(), format!("{unit}.o").into()]);
        Job { tool: "C++ compiler", program: tools.compiler.path.clone(), args }
    }

    fn link(&self, dir: &Path, tools: &Toolchain, objects: Vec<PathBuf>) -> Result<(), Error> {
        let obj = dir.join("obj");
        let mut args: Vec<OsString> = ["-shared", "-pthread", "-o", "../entry/model.so"].map(OsString::from).into();
        if cfg!(target_os = "linux") {
            let script = obj.join("vlrs.map");
            fs::write(&script, "{ global: vlrs_*; local: *; };\n").map_err(Error::io("write", script.clone()))?;
            args.extend(["-Wl,--version-script=vlrs.map", "-Wl,-Bsymbolic", "-Wl,-z,defs"].map(OsString::from));
        }
        args.extend(objects.into_iter().map(OsString::from));
        if self.trace == Some(TraceFormat::Fst) {
            // The writer of newer versions compresses with LZ4 as well.
            let lz4 = tools.root.join("include/fstcpp").exists();
            args.extend(lz4.then(|| "-llz4".into()));
            args.push("-lz".into());
        }
        Job { tool: "linker", program: tools.compiler.path.clone(), args }.run(&obj).map(drop)
    }

    fn load(&self, place: &Path, sources: &[Source]) -> Result<Library, Error> {
        let files = sources.iter().map(|s| (s.staged.clone(), s.given.display().to_string())).collect();
        let log = fs::read_to_string(place.join(LOG)).map_err(Error::io("read", place.join(LOG)))?;
        Library::load(&place.join(LIBRARY), &self.top, self.random_init, files, log)
    }
}

/// Directory of the sources in the workspace; Verilator puts these names into messages, so they must not depend on where it is.
const STAGED: &str = "staged";
const CONTROL: &str = "staged_taps.vlt";
const LIBRARY: &str = "model.so";
const LOG: &str = "verilator.log";

fn full_key(base: &Key, dependencies: &[PathBuf]) -> String {
    let mut key = base.clone();
    for path in dependencies {
        // A file that is gone makes another key, hence a build, and Verilator's own message.
        match fs::read(path) {
            Ok(bytes) => key.part(&path.to_string_lossy(), &bytes),
            Err(_) => key.part("missing", path.as_os_str().as_encoded_bytes()),
        }
    }
    key.finish()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Puts the user's file names in place of the staged ones.
fn unstage(text: &str, sources: &[Source]) -> String {
    // `a.v` must not be replaced inside `a.vh`.
    let mut sources: Vec<&Source> = sources.iter().collect();
    sources.sort_by_key(|s| std::cmp::Reverse(s.staged.len()));
    sources.iter().fold(text.to_string(), |text, s| text.replace(&s.staged, &s.given.display().to_string()))
}

fn unstage_error(error: Error, sources: &[Source]) -> Error {
    match error {
        Error::Command { tool, command, status, output } => {
            Error::Command { tool, command: unstage(&command, sources), status, output: unstage(&output, sources) }
        }
        other => other,
    }
}
