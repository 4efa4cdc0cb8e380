//! A loaded model library, from which instances are made.

use std::{
    ffi::{CString, c_char, c_int},
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::Arc,
};

use crate::{
    Error, Model,
    ffi::{self, Api},
};

/// Receives what a model prints.
pub type OutputSink = Box<dyn FnMut(&str) + Send>;

/// How one instance starts.
#[derive(Default)]
pub struct Options {
    /// Seed of random initial values (with [`ModelBuilder::random_init`](crate::ModelBuilder::random_init)) and of `$random`. Equal
    /// seeds give equal runs.
    pub seed: u64,
    /// Arguments for `$test$plusargs` and `$value$plusargs`, each with its `+`.
    pub plusargs: Vec<String>,
    /// Called after each evaluation in which the model printed something (`$display`, `$write`), with the text. Without it the text is
    /// kept for [`Model::take_output`](crate::Model::take_output), up to 1 MiB.
    pub on_output: Option<OutputSink>,
}

/// A built and loaded model. Cheap to clone; unloaded when the last clone and the last instance are gone.
#[derive(Clone)]
pub struct Library {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub api: Api,
    pub top: String,
    random_init: bool,
    /// Staged name and the user's name of each source.
    files: Vec<(String, String)>,
    log: String,
    pub path: PathBuf,
    // After the functions that point into it.
    _library: libloading::Library,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("top", &self.inner.top).field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Library {
    pub(crate) fn load(
        path: &Path,
        top: &str,
        random_init: bool,
        files: Vec<(String, String)>,
        log: String,
    ) -> Result<Library, Error> {
        let (library, api) = ffi::load(path)?;
        let inner =
            Inner { api, top: top.into(), random_init, files, log, path: path.to_path_buf(), _library: library };
        Ok(Library { inner: Arc::new(inner) })
    }

    /// The shared library in the cache. Also a cheap identity: the same path means the same model.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What Verilator printed when this model was built: its warnings, if they were not errors.
    pub fn log(&self) -> &str {
        &self.inner.log
    }

    /// A new instance, independent of all others. Nothing is evaluated yet: `initial` blocks run in the first evaluation.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the runtime rejects an argument, [`Error::Builder`] for a plusarg that is none.
    pub fn instantiate(&self, options: Options) -> Result<Model, Error> {
        let mut args = vec![CString::from(c"verilated")];
        for arg in &options.plusargs {
            let bad = || {
                Error::Builder(format!(
                    "`{}` is not a plusarg: it must start with + and hold no zero byte",
                    arg.escape_debug()
                ))
            };
            if !arg.starts_with('+') {
                return Err(bad());
            }
            args.push(CString::new(arg.as_str()).map_err(|_| bad())?);
        }
        let pointers: Vec<*const c_char> = args.iter().map(|a| a.as_ptr()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_| Error::Builder("too many plusargs".into()))?;
        let reset = if self.inner.random_init { 2 } else { 0 };
        // SAFETY: `pointers` are `count` valid strings; the runtime copies them.
        let raw = unsafe { (self.inner.api.new)(fold_seed(options.seed), reset, count, pointers.as_ptr()) };
        let raw = NonNull::new(raw).ok_or_else(|| Error::Builder("the model returned no instance".into()))?;
        Model::new(self.inner.clone(), raw, options.on_output)
    }
}

impl Inner {
    /// The user's name of a source in place of the staged one.
    pub fn unstage(&self, text: &str) -> String {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|(staged, _)| std::cmp::Reverse(staged.len()));
        files.iter().fold(text.to_string(), |text, (staged, given)| text.replace(staged, given))
    }
}

/// Verilator's seed has 31 bits, and 0 means "take any": spread the 64 bits over the others.
fn fold_seed(seed: u64) -> c_int {
    // Finaliser of splitmix64: every bit of the seed changes about half of the bits of the result.
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    ((z >> 33) as c_int).max(1)
}

#[cfg(test)]
mod tests {
    use super::fold_seed;

    #[test]
    fn seeds_are_positive_and_differ() {
        let folded: std::collections::BTreeSet<_> = (0..1000).map(fold_seed).collect();
        assert_eq!(folded.len(), 1000);
        assert!(folded.iter().all(|&s| s > 0));
    }
}
