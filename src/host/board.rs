//! A board without hardware: the design behind its link under Verilator, its two pins on a pseudo-terminal.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;
use verilated::{Cache, Input, Library, Model, ModelBuilder, Output, Profile, Watch};

use super::Terminal;
use crate::rtl::Rtl;

/// Clock cycles of a bit: few, since all of them are simulated.
const BIT_CYCLES: u64 = 4;
/// Bits that are simulated between two looks at the terminal.
const SLICE: u64 = 2_000;
/// Bits without anything on the line, after which the board waits for the host instead of running as fast as it can.
const RESTLESS: u64 = 100_000;

/// Why there is no board.
#[derive(Debug, Error)]
pub enum BoardError {
    #[error(transparent)]
    Simulator(#[from] verilated::Error),
    #[error("temporary folder or terminal: {0}")]
    File(#[from] io::Error),
}

/// A simulated board.
pub struct Board {
    model: Model,
    clock: Input,
    reset: Input,
    rx: Input,
    tx: Output,
    watch: Watch,
    /// Bits still to be put on `uart_rx`.
    bits: VecDeque<bool>,
    /// Bits of the byte that `uart_tx` is sending, the start bit first.
    receiving: Vec<bool>,
    received: Vec<u8>,
    /// Bits since something was on the line.
    quiet: u64,
}

impl Board {
    /// Builds the model of a design with a link, see [`Rtl::with_link`]. `cache`: folder of built models, `None`: the user's.
    ///
    /// # Errors
    /// No usable Verilator or compiler.
    pub fn build(rtl: &Rtl, profile: Profile, cache: Option<PathBuf>) -> Result<Library, BoardError> {
        let cache = match cache {
            Some(dir) => Cache::new(dir),
            None => Cache::default_dir()?,
        };
        let dir = tempfile::tempdir()?;
        let mut builder = ModelBuilder::new(&rtl.top).random_init(true).profile(profile);
        builder = builder.parameter("BIT_CYCLES", BIT_CYCLES);
        for module in &rtl.modules {
            let path = dir.path().join(format!("{}.v", module.name));
            std::fs::write(&path, &module.text)?;
            builder = builder.source(path);
        }
        Ok(builder.build(&cache)?)
    }

    /// A board that has just been switched on; `seed` of what its registers hold then.
    ///
    /// # Errors
    /// A model without the pins of a link.
    pub fn new(library: &Library, seed: u64) -> Result<Board, BoardError> {
        let model = library.instantiate(verilated::Options { seed, ..Default::default() })?;
        let tx = model.output("uart_tx", 1)?;
        let mut board = Board {
            clock: model.input("clk", 1)?,
            reset: model.input("rst_n", 1)?,
            rx: model.input("uart_rx", 1)?,
            tx,
            watch: Watch::new().changes(tx),
            model,
            bits: VecDeque::new(),
            receiving: Vec::new(),
            received: Vec::new(),
            quiet: 0,
        };
        board.reset()?;
        Ok(board)
    }

    /// The reset button. What was on the line is lost.
    ///
    /// # Errors
    /// The simulator's own.
    pub fn reset(&mut self) -> Result<(), BoardError> {
        self.bits.clear();
        self.receiving.clear();
        self.received.clear();
        self.model.set(self.rx, 1);
        self.model.set(self.reset, 0);
        self.run(2 * BIT_CYCLES)?;
        self.model.set(self.reset, 1);
        self.run(2 * BIT_CYCLES)
    }

    /// Simulates for a while, with `bytes` on the line to the board behind those from before; returns what has come back.
    ///
    /// # Errors
    /// The simulator's own.
    pub fn exchange(&mut self, bytes: &[u8]) -> Result<Vec<u8>, BoardError> {
        for &byte in bytes {
            self.bits.push_back(false);
            self.bits.extend((0..8).map(|bit| byte >> bit & 1 == 1));
            self.bits.push_back(true);
        }
        let mut left = SLICE;
        while left > 0 {
            let ran = if self.bits.is_empty() && self.receiving.is_empty() { self.wait(left)? } else { self.bit()? };
            left -= ran.min(left);
        }
        Ok(std::mem::take(&mut self.received))
    }

    /// Holds the line low for longer than a byte: a break.
    pub fn line_break(&mut self) {
        self.bits.extend([false; 12]);
        self.bits.extend([true; 12]);
    }

    /// Whether nothing has been on the line for long.
    pub fn is_quiet(&self) -> bool {
        self.quiet > RESTLESS
    }

    fn run(&mut self, cycles: u64) -> Result<(), BoardError> {
        self.model.run(self.clock, cycles, &Watch::new())?;
        Ok(())
    }

    /// One bit. The board sends at ticks that keep their distance from ours, so that each of its bits is seen once.
    fn bit(&mut self) -> Result<u64, BoardError> {
        let bit = self.bits.pop_front().unwrap_or(true);
        self.model.set(self.rx, u64::from(bit));
        self.run(BIT_CYCLES)?;
        self.quiet = 0;
        self.sample();
        Ok(1)
    }

    /// At most `most` bits with the line to the board at rest, up to a bit in which it begins to send.
    fn wait(&mut self, most: u64) -> Result<u64, BoardError> {
        self.model.set(self.rx, 1);
        let ran = self.model.run(self.clock, most * BIT_CYCLES, &self.watch)?.cycles;
        let bits = ran.div_ceil(BIT_CYCLES);
        self.run(bits * BIT_CYCLES - ran)?;
        self.quiet += bits;
        self.sample();
        Ok(bits)
    }

    fn sample(&mut self) {
        let bit = self.model.get(self.tx) == 1;
        if self.receiving.is_empty() && bit {
            return;
        }
        self.receiving.push(bit);
        if self.receiving.len() == 10 {
            // A stop bit that is low would be the design's mistake; the host's checksum finds it.
            let data = self.receiving[1..9].iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
            self.received.push(data);
            self.receiving.clear();
        }
    }

    /// Connects the pins with a terminal until `stop`.
    ///
    /// # Errors
    /// The simulator's or the terminal's own.
    pub fn serve(&mut self, terminal: &mut Terminal, stop: &AtomicBool) -> Result<(), BoardError> {
        let mut buffer = [0; 1024];
        while !stop.load(Ordering::Relaxed) {
            let wait = if self.is_quiet() { Duration::from_millis(20) } else { Duration::ZERO };
            let count = terminal.receive(&mut buffer, wait)?;
            let reply = self.exchange(&buffer[..count])?;
            terminal.send(&reply)?;
        }
        Ok(())
    }
}
