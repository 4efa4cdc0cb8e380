//! What a model writes: waveforms, coverage, snapshots.

use std::{
    ffi::{CString, c_char},
    ops::RangeInclusive,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::Model;
use crate::{Coverage, Error, ffi};

impl Model {
    /// Writes a waveform of everything from here on.
    ///
    /// # Errors
    /// As [`Model::trace_open_window`].
    pub fn trace_open(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.trace_open_window(path, 0..=u64::MAX)
    }

    /// Writes a waveform of the clock cycles in `window` (as counted by [`Model::cycles`] before the cycle runs); nothing outside of
    /// it is written. A waveform that is already open is closed.
    ///
    /// # Errors
    /// [`Error::NoTrace`] when built without, [`Error::Io`] when the file cannot be written.
    pub fn trace_open_window(&mut self, path: impl AsRef<Path>, window: RangeInclusive<u64>) -> Result<(), Error> {
        let path = path.as_ref();
        let name = c_path(path)?;
        let (first, last) = (*window.start(), *window.end());
        let api = self.library.api;
        // SAFETY: as in `eval`; the name is null or ends with a zero byte, and is copied.
        let open = |name: *const c_char| unsafe { (api.trace_open)(self.raw.as_ptr(), name, first, last) };
        if open(std::ptr::null()) != 0 {
            return Err(Error::NoTrace { top: self.library.top.clone() });
        }
        // The runtime does not say why it cannot open a file, and some versions not even that: the system does.
        std::fs::File::create(path).map_err(Error::io("write", path))?;
        match open(name.as_ptr()) {
            0 => Ok(()),
            _ => Err(Error::io("write", path)(std::io::Error::other("the waveform cannot be opened"))),
        }
    }

    /// Ends the waveform and completes its file. Dropping the model does so as well, but cannot tell when that fails.
    ///
    /// # Errors
    /// [`Error::Fatal`] when what was left could not be written: the file is not whole. (What the disk refuses earlier is the error of the
    /// cycle in which it happens.)
    pub fn trace_close(&mut self) -> Result<(), Error> {
        // SAFETY: as in `eval`.
        match unsafe { (self.library.api.trace_close)(self.raw.as_ptr()) } {
            0 => Ok(()),
            status => Err(self.failure(status)),
        }
    }

    /// Writes coverage counts in Verilator's format.
    ///
    /// # Errors
    /// [`Error::NoCoverage`] when built without, [`Error::Io`] when the file cannot be written.
    pub fn write_coverage(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let name = c_path(path)?;
        // The runtime does not tell when it cannot write.
        std::fs::File::create(path).map_err(Error::io("write", path))?;
        // SAFETY: as in `trace_open_window`.
        if unsafe { (self.library.api.coverage_write)(self.raw.as_ptr(), name.as_ptr()) } != 0 {
            std::fs::remove_file(path).map_err(Error::io("remove", path))?;
            return Err(Error::NoCoverage { top: self.library.top.clone() });
        }
        Coverage::read(path)?.rename(|key| self.library.unstage(key)).write(path)
    }

    /// The whole state of the model: registers, memories, inputs, time, cycle counter and random numbers.
    ///
    /// # Errors
    /// [`Error::Snapshot`] when built without [`ModelBuilder::snapshots`](crate::ModelBuilder::snapshots).
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        let (mut data, mut size) = (std::ptr::null(), 0);
        // SAFETY: the shim hands out its buffer, which stays until the next snapshot; it is copied before.
        unsafe {
            match (self.library.api.save)(self.raw.as_ptr(), &mut data, &mut size) {
                0 => Ok(Snapshot {
                    bytes: std::slice::from_raw_parts(data, size).into(),
                    library: self.library.path.clone(),
                }),
                1 => Err(self.without_snapshots()),
                _ => Err(self.failure(ffi::FATAL)),
            }
        }
    }

    /// Registers, memories and ports as bytes, in an order of the build's own: two instances of one library with equal bytes go on alike
    /// when they are driven alike. Time, cycle counter and random numbers are left out.
    ///
    /// # Errors
    /// [`Error::Snapshot`] when built without [`ModelBuilder::snapshots`](crate::ModelBuilder::snapshots).
    pub fn state(&mut self) -> Result<Vec<u8>, Error> {
        let (mut data, mut size) = (std::ptr::null(), 0);
        // SAFETY: as in `snapshot`.
        unsafe {
            match (self.library.api.state)(self.raw.as_ptr(), &mut data, &mut size) {
                0 => Ok(std::slice::from_raw_parts(data, size).to_vec()),
                1 => Err(self.without_snapshots()),
                _ => Err(self.failure(ffi::FATAL)),
            }
        }
    }

    /// Goes back to a snapshot of this model or of another instance of the same library. An ended model may run again. What was
    /// written (waveforms, text) stays written; an open waveform should be closed first, as time goes back.
    ///
    /// # Errors
    /// [`Error::Snapshot`] for a snapshot of another library or a model built without.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if snapshot.library != self.library.path {
            return Err(Error::Snapshot(format!("the snapshot is not one of this build of `{}`", self.library.top)));
        }
        self.settled = false;
        // SAFETY: the bytes were written by the same library.
        match unsafe { (self.library.api.restore)(self.raw.as_ptr(), snapshot.bytes.as_ptr(), snapshot.bytes.len()) } {
            0 => Ok(()),
            1 => Err(self.without_snapshots()),
            _ => Err(self.failure(ffi::FATAL)),
        }
    }

    fn without_snapshots(&self) -> Error {
        let top = &self.library.top;
        Error::Snapshot(format!("`{top}` was built without snapshots: build it with ModelBuilder::snapshots(true)"))
    }
}

/// The state of a model at one moment, from [`Model::snapshot`]. Of use for the same build of the same model only.
#[derive(Clone)]
pub struct Snapshot {
    bytes: Box<[u8]>,
    library: PathBuf,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("bytes", &self.bytes.len()).field("library", &self.library).finish()
    }
}

fn c_path(path: &Path) -> Result<CString, Error> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::Builder(format!("`{}` cannot be the name of a file", path.display())))
}
