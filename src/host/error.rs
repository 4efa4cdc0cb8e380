//! What can go wrong between a host and a machine.

use std::io;

use thiserror::Error;

/// Why a host gave up.
#[derive(Debug, Error)]
pub enum HostError {
    #[error("cannot open port `{port}`: {why}")]
    Open { port: String, why: String },
    #[error("the line to `{port}` is closed: the cable was cut or the machine switched off; reconnect and start again")]
    Closed { port: String },
    #[error("port `{port}`: {source}")]
    Line { port: String, source: io::Error },
    #[error(
        "no answer on `{port}` after {attempts} attempts: is the board programmed, and is --baud {baud} the rate of its link?"
    )]
    Silent { port: String, attempts: u32, baud: u32 },
    #[error("the machine refused to {what}")]
    Refused { what: String },
    #[error("the machine made no progress while it was asked to {what}; `memrtl host reset` brings it back")]
    Stalled { what: String },
    #[error("the bridge knows no request to {what}: its bitstream is of another version of memrtl")]
    Unknown { what: String },
    #[error(
        "what answers on `{port}` is no memrtl machine: register ID reads {found:#010x}, expected {expected:#010x} (`MRTL`)"
    )]
    NoMachine { port: String, found: u32, expected: u32 },
    #[error("the machine's register map has version {found}, this program knows version {expected}")]
    Version { found: u32, expected: u32 },
    #[error(
        "the machine was generated from another spec: it has hash {found:016x}, `{name}` has {expected:016x}; \
         load the bitstream of this spec, or name the machine's with --config"
    )]
    OtherDesign { name: String, found: u64, expected: u64 },
    #[error("the machine stays busy in phase {phase}: it did not become idle within {seconds:.1} s")]
    Busy { phase: &'static str, seconds: f64 },
    #[error(
        "the machine was reset in the middle of the run: its settings and its momentum are lost; start again, or go on with --resume"
    )]
    WasReset,
    #[error(
        "the machine finished {finished} of {sent} samples: it was reset or disturbed in the meantime; start again, or go on with --resume"
    )]
    Lost { sent: u64, finished: u64 },
    #[error("stopped by Ctrl-C")]
    Interrupted,
    #[error("weights of layer {layer}: {why}")]
    Weights { layer: usize, why: String },
}
