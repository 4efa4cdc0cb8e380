//! One instance of a model.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Error, Input, Location, Output, OutputSink, Ran, Watch,
    ffi::{self, RawModel, RawSignal},
    library::Inner,
    ports::Signal,
    shim::Direction,
};

mod files;

pub use files::Snapshot;

/// A running model.
///
/// Ports are read and written in place; only evaluation crosses into C++. An instance may move between threads. Several instances, of
/// one library or of many, share no state.
///
/// A handle belongs to the model it came from. Using it with another one panics, as an index out of bounds does: the check costs one
/// comparison.
pub struct Model {
    raw: NonNull<RawModel>,
    library: Arc<Inner>,
    id: u64,
    on_output: Option<OutputSink>,
    /// No input has changed since the last evaluation.
    settled: bool,
}

// SAFETY: an instance owns all it points to, and its library keeps no thread-bound reference to it: the shim sets the thread-local
// pointers of the runtime anew whenever a thread turns to another instance.
unsafe impl Send for Model {}
// SAFETY: every method that takes `&self` only reads; the C++ side changes state only in calls that take `&mut self`.
unsafe impl Sync for Model {}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("top", &self.library.top).field("cycles", &self.cycles()).finish_non_exhaustive()
    }
}

impl Model {
    pub(crate) fn new(
        library: Arc<Inner>,
        raw: NonNull<RawModel>,
        on_output: Option<OutputSink>,
    ) -> Result<Model, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut model = Model { raw, library, id: NEXT.fetch_add(1, Ordering::Relaxed), on_output, settled: false };
        // SAFETY: `raw` was just made by this library.
        let status = unsafe { (model.library.api.status)(model.raw.as_ptr()) };
        model.settle(status)?;
        Ok(model)
    }

    /// An input or inout port of `width` bits.
    ///
    /// # Errors
    /// [`Error::UnknownPort`], [`Error::PortDirection`] or [`Error::Width`].
    pub fn input(&self, name: &str, width: u32) -> Result<Input, Error> {
        self.port(name, width, Direction::Input).map(Input)
    }

    /// An output or inout port of `width` bits.
    ///
    /// # Errors
    /// As [`Model::input`].
    pub fn output(&self, name: &str, width: u32) -> Result<Output, Error> {
        self.port(name, width, Direction::Output).map(Output)
    }

    /// Name, width in bits and direction ("input", "output", "inout") of every port.
    pub fn ports(&self) -> impl Iterator<Item = (&str, u32, &'static str)> {
        self.table(false).iter().map(|p| (name_of(p), p.width, Direction::from_raw(p.direction).name()))
    }

    /// Path, width in bits and number of elements (1 unless it is a memory) of every tapped signal.
    pub fn taps(&self) -> impl Iterator<Item = (&str, u32, u32)> {
        self.table(true).iter().map(|p| (tap_name(p), p.width, p.elements))
    }

    /// A signal made visible with [`ModelBuilder::tap`](crate::ModelBuilder::tap), by its path from the top module on, such as
    /// `top.u_inst.signal` or `top.g[2].u_inst.signal`. For a memory this is its first element in storage.
    ///
    /// # Errors
    /// [`Error::UnknownTap`] or [`Error::Width`].
    pub fn tap(&self, path: &str, width: u32) -> Result<Output, Error> {
        self.tap_element(path, width, 0)
    }

    /// Element `index` of a tapped memory, counted from 0 in the order of storage (`reg [7:0] m [0:3]`: index 0 is `m[0]`).
    ///
    /// # Errors
    /// [`Error::UnknownTap`], [`Error::Width`] or [`Error::TapIndex`].
    pub fn tap_element(&self, path: &str, width: u32, index: u32) -> Result<Output, Error> {
        let table = self.table(true);
        let top = || self.library.top.clone();
        let Some(raw) = table.iter().find(|t| tap_name(t) == path) else {
            return Err(Error::UnknownTap {
                top: top(),
                name: path.into(),
                near: nearest(path, table.iter().map(tap_name)),
            });
        };
        if raw.width != width {
            return Err(Error::Width { top: top(), name: path.into(), asked: width, actual: raw.width });
        }
        if index >= raw.elements {
            return Err(Error::TapIndex { top: top(), name: path.into(), elements: raw.elements, index });
        }
        let mut signal = Signal::new(raw, self.id);
        signal.address += index as usize * raw.bytes as usize;
        Ok(Output(signal))
    }

    fn port(&self, name: &str, width: u32, wanted: Direction) -> Result<Signal, Error> {
        let table = self.table(false);
        let top = || self.library.top.clone();
        let Some(raw) = table.iter().find(|p| name_of(p) == name) else {
            return Err(Error::UnknownPort {
                top: top(),
                name: name.into(),
                near: nearest(name, table.iter().map(name_of)),
            });
        };
        let direction = Direction::from_raw(raw.direction);
        if direction != wanted && direction != Direction::Inout {
            let (asked, actual) = (wanted.name(), direction.name());
            return Err(Error::PortDirection { top: top(), name: name.into(), asked, actual });
        }
        if raw.width != width {
            return Err(Error::Width { top: top(), name: name.into(), asked: width, actual: raw.width });
        }
        Ok(Signal::new(raw, self.id))
    }

    fn table(&self, taps: bool) -> &[RawSignal] {
        let (mut data, mut count) = (std::ptr::null(), 0);
        let call = if taps { self.library.api.taps } else { self.library.api.ports };
        // SAFETY: the table is filled at construction and lives, unchanged, as long as the instance.
        unsafe {
            call(self.raw.as_ptr(), &mut data, &mut count);
            if count == 0 { &[] } else { std::slice::from_raw_parts(data, count) }
        }
    }

    #[inline(always)]
    fn own(&self, signal: Signal) {
        if signal.model != self.id {
            foreign_handle();
        }
    }

    /// Value of a signal; of a wide one the low 64 bits.
    ///
    /// # Panics
    /// When the handle belongs to another model.
    #[inline]
    pub fn get(&self, signal: impl Into<Output>) -> u64 {
        let signal = signal.into().0;
        self.own(signal);
        let at = signal.address as *const u8;
        // SAFETY: the handle is this instance's, so `at` is the storage of a signal with that many bytes, aligned for its type, which
        // lives as long as the instance; nobody writes it while `&self` is borrowed.
        unsafe {
            match signal.bytes {
                1 => u64::from(*at),
                2 => u64::from(*at.cast::<u16>()),
                4 => u64::from(*at.cast::<u32>()),
                8 if !signal.is_wide() => *at.cast::<u64>(),
                _ => u64::from(*at.cast::<u32>()) | u64::from(*at.cast::<u32>().add(1)) << 32,
            }
        }
    }

    /// Sets an input. Bits beyond its width are dropped, as in a Verilog assignment; the upper words of a wide input become 0.
    /// Takes effect at the next evaluation.
    ///
    /// # Panics
    /// When the handle belongs to another model.
    #[inline]
    pub fn set(&mut self, input: Input, value: u64) {
        let signal = input.0;
        self.own(signal);
        let value = value & signal.mask();
        let at = signal.address as *mut u8;
        // SAFETY: as in `get`; `&mut self` makes the access exclusive.
        let changed = unsafe {
            match signal.bytes {
                1 => std::mem::replace(&mut *at, value as u8) != value as u8,
                2 => std::mem::replace(&mut *at.cast::<u16>(), value as u16) != value as u16,
                4 => std::mem::replace(&mut *at.cast::<u32>(), value as u32) != value as u32,
                8 if !signal.is_wide() => std::mem::replace(&mut *at.cast::<u64>(), value) != value,
                bytes => {
                    let words = at.cast::<u32>();
                    *words = value as u32;
                    *words.add(1) = (value >> 32) as u32;
                    words.add(2).write_bytes(0, bytes as usize / 4 - 2);
                    true
                }
            }
        };
        self.settled &= !changed;
    }

    /// A signal wider than 64 bits as 32-bit words, the least significant first. Empty for a narrower signal: use [`Model::get`].
    ///
    /// # Panics
    /// When the handle belongs to another model.
    #[inline]
    pub fn words(&self, signal: impl Into<Output>) -> &[u32] {
        let signal = signal.into().0;
        self.own(signal);
        if !signal.is_wide() {
            return &[];
        }
        // SAFETY: as in `get`; wide storage is an array of 32-bit words.
        unsafe { std::slice::from_raw_parts(signal.address as *const u32, signal.bytes as usize / 4) }
    }

    /// An input wider than 64 bits as 32-bit words, the least significant first. Bits beyond the width, in the last word, must stay 0:
    /// Verilator relies on it. Empty for a narrower input: use [`Model::set`].
    ///
    /// # Panics
    /// When the handle belongs to another model.
    #[inline]
    pub fn words_mut(&mut self, input: Input) -> &mut [u32] {
        let signal = input.0;
        self.own(signal);
        if !signal.is_wide() {
            return &mut [];
        }
        self.settled = false;
        // SAFETY: as in `set`; wide storage is an array of 32-bit words.
        unsafe { std::slice::from_raw_parts_mut(signal.address as *mut u32, signal.bytes as usize / 4) }
    }

    /// Evaluates the model with the inputs as they are. Time does not move and nothing is traced.
    ///
    /// # Errors
    /// [`Error::Finished`], [`Error::Stopped`] or [`Error::Fatal`], in this and every later call.
    #[inline]
    pub fn eval(&mut self) -> Result<(), Error> {
        // SAFETY: `raw` is a live instance of this library, borrowed exclusively.
        let status = unsafe { (self.library.api.eval)(self.raw.as_ptr()) };
        self.settled = true;
        self.settle(status)
    }

    /// Moves time on by `ticks`, evaluates and traces: for test benches with clocks of their own.
    ///
    /// # Errors
    /// As [`Model::eval`].
    #[inline]
    pub fn step(&mut self, ticks: u64) -> Result<(), Error> {
        // SAFETY: as in `eval`.
        let status = unsafe { (self.library.api.step)(self.raw.as_ptr(), ticks) };
        self.settled = true;
        self.settle(status)
    }

    /// One clock cycle: rising edge, evaluation, falling edge, evaluation; each half takes one tick of time and is traced. (Where the model
    /// cannot see the falling edge, it is noted without an evaluation.) Inputs
    /// set before are seen by the rising edge; outputs read afterwards are those after it. The clock is low between calls; if nothing
    /// was evaluated yet, the state before the first edge is.
    ///
    /// # Errors
    /// As [`Model::eval`].
    ///
    /// # Panics
    /// When the handle belongs to another model.
    #[inline]
    pub fn cycle(&mut self, clock: Input) -> Result<(), Error> {
        self.own(clock.0);
        // SAFETY: as in `eval`; any input has at least one byte of storage, little-endian, so writing the first byte sets bit 0.
        let status = unsafe {
            (self.library.api.cycle)(self.raw.as_ptr(), clock.0.address as *mut u8, c_int::from(self.settled))
        };
        self.settled = true;
        self.settle(status)
    }

    /// Runs cycles of `clock`, as [`Model::cycle`] does, until a condition of `watch` holds after one of them, or `max_cycles` have run.
    /// The conditions are first looked at after the first cycle. Everything happens on the C++ side; text that the model prints is
    /// handed on at the end.
    ///
    /// # Errors
    /// As [`Model::eval`]; [`Model::cycles`] tells how many cycles were completed.
    ///
    /// # Panics
    /// When the clock or the watch belongs to another model.
    #[inline]
    pub fn run(&mut self, clock: Input, max_cycles: u64, watch: &Watch) -> Result<Ran, Error> {
        self.own(clock.0);
        if watch.model().is_some_and(|m| m != self.id) {
            foreign_handle();
        }
        let conditions = watch.conditions();
        let before = self.cycles();
        let mut hit = -1;
        // SAFETY: as in `cycle`; the conditions name storage of this instance.
        let status = unsafe {
            let clock = clock.0.address as *mut u8;
            (self.library.api.run)(
                self.raw.as_ptr(),
                clock,
                c_int::from(self.settled),
                max_cycles,
                conditions.as_ptr(),
                conditions.len(),
                &mut hit,
            )
        };
        // Without a cycle nothing is evaluated.
        self.settled |= max_cycles > 0;
        self.settle(status)?;
        Ok(Ran { cycles: self.cycles() - before, hit: usize::try_from(hit).ok() })
    }

    /// Whether a cycle of this clock takes one evaluation instead of two, because nothing in the model sees its falling edge.
    ///
    /// # Panics
    /// When the handle belongs to another model.
    pub fn is_folded(&self, clock: Input) -> bool {
        self.own(clock.0);
        // SAFETY: the call only compares the address.
        unsafe { (self.library.api.folded)(self.raw.as_ptr(), clock.0.address as *mut u8) != 0 }
    }

    /// Runs the `final` blocks. Call once, at the end; a dropped model does not run them.
    ///
    /// # Errors
    /// As [`Model::eval`], when a `final` block stops; a `$finish` that came before is no error here.
    pub fn finish(&mut self) -> Result<(), Error> {
        // SAFETY: as in `eval`.
        let status = unsafe { (self.library.api.finish)(self.raw.as_ptr()) };
        self.settle(status & !ffi::FINISHED)
    }

    /// Clock cycles run so far.
    #[inline]
    pub fn cycles(&self) -> u64 {
        // SAFETY: `raw` is a live instance of this library.
        unsafe { (self.library.api.cycles)(self.raw.as_ptr()) }
    }

    /// Simulation time in ticks.
    pub fn time(&self) -> u64 {
        // SAFETY: as in `cycles`.
        unsafe { (self.library.api.time)(self.raw.as_ptr()) }
    }

    /// What the model printed since the last call. Empty when [`Options::on_output`](crate::Options::on_output) takes it.
    pub fn take_output(&mut self) -> String {
        let (mut text, mut length) = (std::ptr::null::<c_char>(), 0);
        // SAFETY: the shim hands out its buffer, which stays until the next call; it is copied before.
        unsafe {
            (self.library.api.output)(self.raw.as_ptr(), &mut text, &mut length);
            let bytes = if length == 0 { &[] } else { std::slice::from_raw_parts(text.cast::<u8>(), length) };
            let text = String::from_utf8_lossy(bytes).into_owned();
            (self.library.api.output_clear)(self.raw.as_ptr());
            self.library.unstage(&text)
        }
    }

    #[inline(always)]
    fn settle(&mut self, status: c_int) -> Result<(), Error> {
        if status == 0 { Ok(()) } else { self.settle_slowly(status) }
    }

    #[cold]
    fn settle_slowly(&mut self, status: c_int) -> Result<(), Error> {
        if status & ffi::OUTPUT != 0 && self.on_output.is_some() {
            let text = self.take_output();
            if let Some(sink) = &mut self.on_output {
                sink(&text);
            }
        }
        if status & !ffi::OUTPUT == 0 {
            return Ok(());
        }
        Err(self.failure(status))
    }

    /// The error that the recorded event stands for.
    fn failure(&self, status: c_int) -> Error {
        let (mut file, mut line, mut text) = (std::ptr::null(), 0, std::ptr::null());
        // SAFETY: the strings belong to the instance and are copied at once.
        let (file, message) = unsafe {
            (self.library.api.event)(self.raw.as_ptr(), &mut file, &mut line, &mut text);
            (CStr::from_ptr(file).to_string_lossy(), CStr::from_ptr(text).to_string_lossy())
        };
        let location = Location { file: self.library.unstage(&file), line: u32::try_from(line).unwrap_or(0) };
        let message = self.library.unstage(&message);
        let top = self.library.top.clone();
        if status & ffi::FATAL != 0 {
            Error::Fatal { top, location, message }
        } else if status & ffi::STOPPED != 0 {
            Error::Stopped { top, location, message }
        } else {
            Error::Finished { top, location }
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the instance is live and nobody can use it afterwards.
        unsafe { (self.library.api.free)(self.raw.as_ptr()) }
    }
}

#[cold]
#[inline(never)]
fn foreign_handle() -> ! {
    panic!("port handle of another model: resolve handles once for each instance");
}

fn name_of(raw: &RawSignal) -> &str {
    // SAFETY: names in the tables are constants or strings of the instance, all ended by a zero byte.
    unsafe { CStr::from_ptr(raw.name) }.to_str().unwrap_or("")
}

/// Without the name of the wrapper that Verilator puts above the top module.
fn tap_name(raw: &RawSignal) -> &str {
    let name = name_of(raw);
    name.strip_prefix("TOP.").unwrap_or(name)
}

fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|c| (strsim::osa_distance(name, c), c))
        .min()
        .filter(|(distance, _)| *distance <= name.len().max(3) / 2)
        .map(|(_, c)| c.to_string())
}
