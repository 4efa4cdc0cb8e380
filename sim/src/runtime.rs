//! The Verilated runtime (verilated.cpp and its neighbours), compiled once per Verilator, compiler and flags.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Cache, Error,
    cache::{self, Key},
    compile::{self, Job},
    shim,
    verilator::Compiler,
};

/// What decides how runtime and model are compiled.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    pub compiler: Compiler,
    /// Identity of the Verilator whose runtime it is.
    pub verilator: String,
    /// `VERILATOR_ROOT`.
    pub root: PathBuf,
    /// The design uses delays: coroutines are needed.
    pub timing: bool,
}

impl Toolchain {
    /// Flags that runtime and model share. They stay free of paths in the workspace, so that the runtime serves every model.
    pub fn common_flags(&self) -> Vec<OsString> {
        let mut flags: Vec<OsString> = vec!["-fPIC".into(), "-pthread".into(), "-w".into()];
        match (self.timing, self.compiler.is_clang()) {
            (false, _) => flags.push("-std=gnu++17".into()),
            (true, true) => flags.push("-std=gnu++20".into()),
            (true, false) => flags.extend(["-std=gnu++20".into(), "-fcoroutines".into()]),
        }
        if !self.compiler.is_clang() {
            // Unique symbols would be shared by all loaded models, and with them the state of the runtime.
            flags.push("-fno-gnu-unique".into());
        }
        if cfg!(target_arch = "x86_64") {
            flags.push("-fcf-protection=none".into());
        }
        let include = self.root.join("include");
        for dir in [include.join("vltstd"), include] {
            flags.push("-I".into());
            flags.push(dir.into());
        }
        flags
    }
}

/// Calls between functions of the runtime must stay replaceable: the shim puts its own random numbers in their place.
const RUNTIME_FLAGS: [&str; 3] = ["-O2", "-fsemantic-interposition", "-c"];

/// The objects `names` (such as `verilated`, `verilated_fst_c`), from the cache or compiled now, in parallel. Before them stands that of
/// `shim`, the text of the shim as far as it is the same for many models.
pub(crate) fn objects(
    cache: &Cache,
    tools: &Toolchain,
    names: &[String],
    shim: Option<&str>,
) -> Result<Vec<PathBuf>, Error> {
    let shim = shim.map(|text| (shim_name(text), text));
    let names: Vec<&String> = shim.iter().map(|(name, _)| name).chain(names).collect();
    let mut key = Key::default();
    key.part("verilator", tools.verilator.as_bytes());
    key.part("compiler", tools.compiler.identity.as_bytes());
    key.part("prelude", shim::PRELUDE.as_bytes());
    for flag in tools.common_flags().iter().chain(RUNTIME_FLAGS.map(OsString::from).iter()) {
        key.part("flag", flag.as_encoded_bytes());
    }
    let key = key.finish();
    let place = |name: &str| cache.runtimes().join(&key).join(name);
    let object = |name: &str| place(name).join("object.o");
    let wanted: Vec<PathBuf> = names.iter().map(|n| object(n)).collect();
    if names.iter().all(|n| cache::intact(&place(n))) {
        names.iter().for_each(|n| cache::touch(&place(n)));
        return Ok(wanted);
    }
    let lock = cache.lock(&key)?;
    let workspace = cache.workspace(&key, &lock)?;
    let dir = workspace.path();
    let prelude = dir.join("prelude.h");
    fs::write(&prelude, shim::PRELUDE).map_err(Error::io("write", prelude.clone()))?;
    let missing: Vec<&String> = names.into_iter().filter(|n| !cache::intact(&place(n))).collect();
    let mut jobs = Vec::new();
    for name in &missing {
        cache::make_dir(&dir.join(name))?;
        let source = match &shim {
            Some((own, text)) if own == *name => {
                let path = dir.join("shim.cpp");
                fs::write(&path, text).map_err(Error::io("write", path.clone()))?;
                path
            }
            _ => tools.root.join("include").join(format!("{name}.cpp")),
        };
        jobs.push(compile_job(tools, dir, name, source));
    }
    compile::run_all(&jobs, dir)?;
    for name in missing {
        let info = dir.join(name).join(cache::INFO);
        fs::write(&info, format!("{name}\n")).map_err(Error::io("write", info.clone()))?;
        cache::seal(&dir.join(name), &["object.o", cache::INFO])?;
        cache.publish(&dir.join(name), &place(name), dir)?;
    }
    Ok(wanted)
}

fn shim_name(text: &str) -> String {
    let mut key = Key::default();
    key.part("shim", text.as_bytes());
    format!("shim_{}", key.finish())
}

fn compile_job(tools: &Toolchain, dir: &Path, name: &str, source: PathBuf) -> Job {
    let mut args: Vec<OsString> = tools.common_flags();
    args.extend(RUNTIME_FLAGS.map(OsString::from));
    args.extend(["-include".into(), dir.join("prelude.h").into()]);
    args.push(source.into());
    args.extend(["-o".into(), dir.join(name).join("object.o").into()]);
    Job { tool: "C++ compiler", program: tools.compiler.path.clone(), args }
}
