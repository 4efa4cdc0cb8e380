//! The steps of a build: stage the sources, run Verilator, compile, link, publish, load.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    Cache, Error, Library, ModelBuilder, TraceFormat, Verilator,
    builder::{CONTROL, STAGED},
    cache::{self, Key},
    compile::{self, Job},
    evaluation, fold, generated, precompiled,
    runtime::{self, Toolchain},
    shim::{self, PREFIX, ShimOptions},
    verilator::Compiler,
};

/// A source file, read once: what is hashed is what is compiled.
pub(crate) struct Source {
    /// As the user wrote it.
    pub given: PathBuf,
    /// Name in the workspace.
    pub staged: String,
    pub bytes: Vec<u8>,
}

impl ModelBuilder {
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
        let base = self.base_key(&sources, &verilator, &compiler);
        // One lock for all contents of included files: which they are is known only after Verilator has run.
        let base_name = base.clone().finish();
        let cached = || {
            let key = full_key(&base, &cache.dependencies(&base_name));
            let place = cache.models().join(&base_name).join(key);
            if !cache::intact(&place) {
                return None;
            }
            cache::touch(&place);
            // Between check and load the entry may be evicted; then it is built again.
            self.load(&place, &sources).ok()
        };
        if let Some(library) = cached() {
            return Ok(library);
        }
        let lock = cache.lock(&base_name)?;
        // Another process may have built it while this one waited.
        if let Some(library) = cached() {
            return Ok(library);
        }
        let workspace = cache.workspace(&base_name, &lock)?;
        let tools = Toolchain {
            root: verilator.root()?,
            verilator: verilator.identity().into(),
            compiler,
            timing: self.verilator_args.iter().any(|a| a == "--timing"),
        };
        let (dependencies, headers) = std::thread::scope(|scope| {
            let headers = scope.spawn(|| self.headers(cache, &tools));
            (self.verilate(workspace.path(), &sources, &verilator, &tools), headers.join().ok().flatten())
        });
        let dependencies = dependencies?;
        self.compile(cache, workspace.path(), &tools, headers.as_deref())?;
        let place = cache.models().join(&base_name).join(full_key(&base, &dependencies));
        cache.set_dependencies(&base_name, &dependencies, workspace.path())?;
        cache.publish(&workspace.path().join("entry"), &place, workspace.path())?;
        let library = self.load(&place, &sources)?;
        cache.enforce_limit()?;
        Ok(library)
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
            let mut dependencies = generated::dependencies(&dir.join("obj"), &tools.root)?;
            dependencies.extend(self.shadows(&dependencies));
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

    /// Files that do not exist but would be read instead of `found` ones if they did: they take part in the key as missing.
    fn shadows(&self, found: &[PathBuf]) -> Vec<PathBuf> {
        let dirs: Vec<PathBuf> = self.include_dirs.iter().map(|d| absolute(d)).collect();
        let earlier = |file: &PathBuf| {
            let at = dirs.iter().position(|d| file.starts_with(d))?;
            let name = file.strip_prefix(&dirs[at]).ok()?.to_path_buf();
            Some(dirs[..at].iter().map(|d| d.join(&name)).collect::<Vec<_>>())
        };
        found.iter().filter_map(earlier).flatten().collect()
    }

    /// Compiled headers for the units of this model. Arguments of the user may change what the headers mean.
    fn headers(&self, cache: &Cache, tools: &Toolchain) -> Option<PathBuf> {
        if !self.compiler_args.is_empty() {
            return None;
        }
        // Whatever is wrong with compiler or cache shows again in the build, which does not need them.
        precompiled::headers(cache, tools, &self.header_flags(tools)).ok().flatten()
    }

    /// Compiles and links what Verilator wrote into `entry/`.
    fn compile(&self, cache: &Cache, dir: &Path, tools: &Toolchain, headers: Option<&Path>) -> Result<(), Error> {
        let obj = dir.join("obj");
        let classes = generated::Classes::read(&obj)?;
        let header_path = obj.join(format!("{PREFIX}.h"));
        let header = fs::read_to_string(&header_path).map_err(Error::io("read", header_path.clone()))?;
        let trace = self.trace_kind();
        let types = tools.root.join("include/verilated_types.h");
        let rng = fs::read_to_string(&types).map_err(Error::io("read", types))?.contains("vl_thread_rng()");
        let ports = shim::parse_ports(&header);
        let folds = if self.fold_falling_edge && !tools.timing {
            fold::foldable(&obj, &classes.code, &ports)?
        } else {
            Vec::new()
        };
        // Only a folded clock is known to be no input of any logic.
        let skip = if self.skip_settled_inputs && !folds.is_empty() {
            fold::make_inputs_skippable(&obj, &classes.code)?
        } else {
            None
        };
        let bare = evaluation::is_bare(&obj, &classes.code)?;
        let options = ShimOptions { trace, coverage: self.coverage, savable: self.snapshots, skip, bare, rng };
        let parts = if self.shared_shim() { shim::render_parts(&ports, &folds, options) } else { None };
        let write =
            |name: &str, text: &str| fs::write(obj.join(name), text).map_err(Error::io("write", obj.join(name)));
        write(precompiled::HEADER, &precompiled::text())?;
        if let Some(headers) = headers {
            precompiled::place(headers, &obj);
        }
        let mut units = classes.units(&obj, compile::parallelism(), self.cold_level())?;
        match &parts {
            Some((own, _)) => {
                write(&format!("{OWN_SHIM}.cpp"), own)?;
                if let Some(last) = units.last_mut() {
                    last.files.push(OWN_SHIM.into());
                }
            }
            None => {
                let level = generated::level(self.shim_level()).unwrap_or_default();
                write(&format!("{SHIM}.cpp"), &(level + &shim::render(&ports, &folds, options)))?;
            }
        }
        for (i, unit) in units.iter().enumerate() {
            write(&format!("vlrs_unit{i}.cpp"), &unit.text())?;
        }
        // Longest first: the last job to start should be a short one.
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(units[i].bytes));
        let mut jobs: Vec<Job> = order.iter().map(|&i| self.compile_job(tools, &format!("vlrs_unit{i}"))).collect();
        let mut names: Vec<String> = (0..units.len()).map(|i| format!("vlrs_unit{i}")).collect();
        if parts.is_none() {
            jobs.push(self.compile_job(tools, SHIM));
            names.insert(0, SHIM.into());
        }

        let runtime = std::thread::scope(|scope| {
            let runtime = scope.spawn(|| {
                runtime::objects(cache, tools, &classes.runtime, parts.as_ref().map(|(_, shared)| shared.as_str()))
            });
            let units = compile::run_all(&jobs, &obj).or_else(|error| {
                // Whatever is wrong with them, the model can be built.
                if precompiled::withdraw(&obj) { compile::run_all(&jobs, &obj) } else { Err(error) }
            });
            let runtime = runtime.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            units.and(runtime)
        })?;
        let objects = names.iter().map(|name| PathBuf::from(format!("{name}.o")));
        self.link(dir, tools, objects.chain(runtime).collect())?;
        let info = dir.join("entry").join(cache::INFO);
        fs::write(&info, format!("{}\n", self.top)).map_err(Error::io("write", info.clone()))?;
        cache::seal(&dir.join("entry"), &[LIBRARY, LOG, cache::INFO])
    }

    /// 0 none, 1 VCD, 2 FST.
    fn trace_kind(&self) -> u32 {
        self.trace.map_or(0, |f| match f {
            TraceFormat::Vcd => 1,
            TraceFormat::Fst => 2,
        })
    }

    /// All flags that the headers depend on.
    fn header_flags(&self, tools: &Toolchain) -> Vec<OsString> {
        let mut flags = tools.common_flags();
        flags.extend(self.optimisation().map(OsString::from));
        flags.extend(["-DVM_SC=0".into(), format!("-DVM_TRACE={}", u32::from(self.trace.is_some())).into()]);
        flags
    }

    fn compile_job(&self, tools: &Toolchain, unit: &str) -> Job {
        let mut args = self.header_flags(tools);
        let trace = self.trace_kind();
        let defines = [("VM_COVERAGE", self.coverage), ("VM_TRACE_VCD", trace == 1), ("VM_TRACE_FST", trace == 2)];
        args.extend(defines.map(|(name, on)| format!("-D{name}={}", u32::from(on)).into()));
        args.extend(["-I.", "-include", precompiled::HEADER].map(OsString::from));
        args.extend(self.compiler_args.iter().map(OsString::from));
        args.extend(["-c".into(), format!("{unit}.cpp").into(), "-o".into(), format!("{unit}.o").into()]);
        Job { tool: "C++ compiler", program: tools.compiler.path.clone(), args }
    }

    fn link(&self, dir: &Path, tools: &Toolchain, objects: Vec<PathBuf>) -> Result<(), Error> {
        let obj = dir.join("obj");
        let mut args: Vec<OsString> = ["-shared", "-pthread", "-o", "../entry/model.so"].map(OsString::from).into();
        // The shim comes before the runtime and replaces functions of it.
        args.push("-Wl,--allow-multiple-definition".into());
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

const LIBRARY: &str = "model.so";
/// All of the shim, and the part of it that belongs to one model.
const SHIM: &str = "vlrs_shim";
const OWN_SHIM: &str = "vlrs_own";
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
