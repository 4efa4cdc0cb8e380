//! The functions a model's library exports: the Rust half of the shim's C++.

use std::{
    ffi::{c_char, c_int},
    path::Path,
};

use crate::{Error, shim};

/// An instance on the C++ side.
#[repr(C)]
pub(crate) struct RawModel {
    _opaque: [u8; 0],
}

/// One row of the port or tap table; the table lives as long as its instance.
#[repr(C)]
pub(crate) struct RawSignal {
    pub name: *const c_char,
    pub width: u32,
    pub direction: u32,
    pub bytes: u32,
    pub elements: u32,
    pub data: *mut u8,
}

/// A condition that ends a run; the C++ side reads `bytes` bytes at `data`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawCondition {
    pub data: usize,
    pub bytes: u32,
    pub kind: u32,
    pub value: u64,
}

/// Bits of the status word.
pub(crate) const FINISHED: c_int = 1;
pub(crate) const STOPPED: c_int = 2;
pub(crate) const FATAL: c_int = 4;
pub(crate) const OUTPUT: c_int = 8;

type Table = unsafe extern "C" fn(*const RawModel, *mut *const RawSignal, *mut usize);

macro_rules! api {
    ($($name:ident: $symbol:literal => $ty:ty,)*) => {
        /// Addresses of the exported functions, resolved once.
        #[derive(Clone, Copy)]
        pub(crate) struct Api { $(pub $name: $ty,)* }

        impl Api {
            /// # Safety
            /// `library` must be built from this crate's shim and stay loaded as long as the result is used.
            unsafe fn resolve(library: &libloading::Library) -> Result<Api, libloading::Error> {
                // SAFETY: the shim's ABI number, checked by the caller, stands for exactly these signatures.
                unsafe { Ok(Api { $($name: *library.get($symbol)?,)* }) }
            }
        }
    };
}

api! {
    new: b"vlrs_new" => unsafe extern "C" fn(c_int, c_int, c_int, *const *const c_char) -> *mut RawModel,
    free: b"vlrs_free" => unsafe extern "C" fn(*mut RawModel),
    ports: b"vlrs_ports" => Table,
    taps: b"vlrs_taps" => Table,
    status: b"vlrs_status" => unsafe extern "C" fn(*const RawModel) -> c_int,
    eval: b"vlrs_eval" => unsafe extern "C" fn(*mut RawModel) -> c_int,
    step: b"vlrs_step" => unsafe extern "C" fn(*mut RawModel, u64) -> c_int,
    cycle: b"vlrs_cycle" => unsafe extern "C" fn(*mut RawModel, *mut u8, c_int) -> c_int,
    run: b"vlrs_run" =>
        unsafe extern "C" fn(*mut RawModel, *mut u8, c_int, u64, *const RawCondition, usize, *mut i64) -> c_int,
    folded: b"vlrs_folded" => unsafe extern "C" fn(*mut RawModel, *mut u8) -> c_int,
    finish: b"vlrs_final" => unsafe extern "C" fn(*mut RawModel) -> c_int,
    cycles: b"vlrs_cycles" => unsafe extern "C" fn(*const RawModel) -> u64,
    time: b"vlrs_time" => unsafe extern "C" fn(*const RawModel) -> u64,
    event: b"vlrs_event" => unsafe extern "C" fn(*const RawModel, *mut *const c_char, *mut c_int, *mut *const c_char),
    output: b"vlrs_output" => unsafe extern "C" fn(*const RawModel, *mut *const c_char, *mut usize),
    output_clear: b"vlrs_output_clear" => unsafe extern "C" fn(*mut RawModel),
    trace_open: b"vlrs_trace_open" => unsafe extern "C" fn(*mut RawModel, *const c_char, u64, u64) -> c_int,
    trace_close: b"vlrs_trace_close" => unsafe extern "C" fn(*mut RawModel) -> c_int,
    save: b"vlrs_save" => unsafe extern "C" fn(*mut RawModel, *mut *const u8, *mut usize) -> c_int,
    state: b"vlrs_state" => unsafe extern "C" fn(*mut RawModel, *mut *const u8, *mut usize) -> c_int,
    restore: b"vlrs_restore" => unsafe extern "C" fn(*mut RawModel, *const u8, usize) -> c_int,
    coverage_write: b"vlrs_coverage_write" => unsafe extern "C" fn(*mut RawModel, *const c_char) -> c_int,
}

/// Loads a library and its functions.
pub(crate) fn load(path: &Path) -> Result<(libloading::Library, Api), Error> {
    let failed = |message: String| Error::Load { path: path.to_path_buf(), message };
    // SAFETY: the library comes from the cache with its checksum verified; loading it runs the static constructors of Verilator's
    // runtime only.
    unsafe {
        let library = libloading::Library::new(path).map_err(|e| failed(e.to_string()))?;
        let abi: libloading::Symbol<unsafe extern "C" fn() -> u32> =
            library.get(b"vlrs_abi").map_err(|e| failed(e.to_string()))?;
        let abi = abi();
        if abi != shim::ABI {
            return Err(failed(format!("built for interface {abi}, this crate has {}", shim::ABI)));
        }
        let api = Api::resolve(&library).map_err(|e| failed(e.to_string()))?;
        Ok((library, api))
    }
}
