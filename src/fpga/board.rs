//! What stands around a design on a board: clock, reset and serial port in Verilog, pins, and scripts of the tools.

use askama::Template;

use super::pll::Pll;
use super::target::{Family, Level, PllInput, Target};
use super::{FpgaError, place};
use crate::rtl::MARK;
use crate::spec::Design;

/// Cycles of a bit of the serial port: enough to sample it in the middle, and no more than a sensible counter has.
const BIT_CYCLES: std::ops::RangeInclusive<u64> = 4..=65535;

#[derive(Template)]
#[template(path = "fpga/board.v", escape = "none")]
struct Wrapper<'a> {
    name: &'a str,
    board: &'a str,
    /// MHz as text.
    oscillator: String,
    clock: String,
    bit_cycles: u64,
    baud: u32,
    /// The button's pin is low when it is pressed.
    reset: Option<bool>,
    pll: Option<PllView>,
}

/// Attributes of the family's PLL.
struct PllView {
    family: &'static str,
    pad: bool,
    pll: Pll,
    /// Of the 7 series: ns of the oscillator's period.
    period: String,
}

#[derive(Template)]
#[template(path = "fpga/pins.pcf", escape = "none")]
struct Pcf<'a> {
    target: &'a Target,
}

#[derive(Template)]
#[template(path = "fpga/pins.lpf", escape = "none")]
struct Lpf<'a> {
    target: &'a Target,
    reset_high: bool,
}

#[derive(Template)]
#[template(path = "fpga/pins.xdc", escape = "none")]
struct Xdc<'a> {
    target: &'a Target,
    period: String,
}

#[derive(Template)]
#[template(path = "fpga/vivado.tcl", escape = "none")]
struct Vivado<'a> {
    name: &'a str,
    part: String,
    sources: &'a [String],
    mhz: String,
}

#[derive(Template)]
#[template(path = "fpga/board.core", escape = "none")]
struct BoardCore<'a> {
    name: &'a str,
    board: &'a str,
    target: &'a str,
    core: String,
    version: &'static str,
    pins: &'static str,
    /// Tool in the words of FuseSoC, and its options.
    tool: &'static str,
    options: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "fpga/synth.ys", escape = "none")]
struct Synth<'a> {
    name: &'a str,
    sources: &'a [String],
    command: String,
    /// Names for what has none would take longer than all else.
    wide: bool,
}

/// From so many lanes or multipliers of an array on, Yosys gives no names to look-up tables: `autoname` of Yosys 0.23 takes minutes there, and for 64
/// lanes had not ended after 25.
const WIDE: usize = 16;

/// Clock of the design on a board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoardClock {
    /// MHz that the design gets: the wanted ones or the nearest below that the PLL can make.
    pub mhz: f64,
    pub pll: Option<Pll>,
}

impl BoardClock {
    /// The clock nearest to `wanted` MHz.
    ///
    /// # Errors
    /// A frequency that the board's PLL cannot make.
    pub fn new(target: &Target, wanted: f64) -> Result<BoardClock, FpgaError> {
        let reference = target.clock.mhz;
        if (wanted - reference).abs() < 1e-6 {
            return Ok(BoardClock { mhz: reference, pll: None });
        }
        match target.family.pll(reference, wanted) {
            Some(pll) => Ok(BoardClock { mhz: pll.mhz, pll: Some(pll) }),
            None => Err(FpgaError::Clock { mhz: wanted, target: target.name.clone(), oscillator: reference }),
        }
    }
}

/// A file that goes beside the design's Verilog.
pub struct BoardFile {
    pub name: String,
    pub text: String,
}

/// What to build on a board.
pub struct Board<'a> {
    pub design: &'a Design,
    pub target: &'a Target,
    pub clock: BoardClock,
    /// Verilog of the design with its host link, relative to the folder of the board's files.
    pub sources: Vec<String>,
}

impl Board<'_> {
    /// All files: wrapper, pins, scripts.
    ///
    /// # Errors
    /// A serial port that the clock is too slow or too fast for, or a template that does not render: a defect of memrtl.
    pub fn files(&self) -> Result<Vec<BoardFile>, FpgaError> {
        let name = &self.design.name;
        let target = self.target;
        let wide = self.design.array.lanes.max(self.design.array.adcs) >= WIDE;
        let mut files = vec![BoardFile { name: format!("{name}_board.v"), text: self.wrapper()? }];
        let mut sources = self.sources.clone();
        sources.push(format!("{name}_board.v"));
        let pins = match target.family {
            Family::Ice40 => Pcf { target }.render()?,
            Family::Ecp5 => {
                let reset_high = target.reset.as_ref().is_some_and(|r| r.active == Level::High);
                Lpf { target, reset_high }.render()?
            }
            Family::Xc7 => Xdc { target, period: format!("{:.3}", 1000.0 / target.clock.mhz) }.render()?,
        };
        files.push(BoardFile { name: format!("{name}.{}", place::constraints(target.family)), text: pins });
        files.push(match target.family {
            Family::Xc7 => BoardFile {
                name: format!("{name}.tcl"),
                text: Vivado { name, part: self.part(), sources: &sources, mhz: megahertz(self.clock.mhz) }.render()?,
            },
            family => BoardFile {
                name: format!("{name}.ys"),
                text: Synth { name, sources: &sources, command: synthesis(family, target), wide }.render()?,
            },
        });
        files.push(BoardFile { name: format!("{name}_board.core"), text: self.core()? });
        for file in &mut files {
            // FuseSoC wants this word first.
            let capi = if file.name.ends_with(".core") { "CAPI=2: " } else { "" };
            let comment = if file.name.ends_with(".v") { "//" } else { "#" };
            let version = env!("CARGO_PKG_VERSION");
            let text = file.text.trim_end();
            file.text = format!(
                "{capi}{comment} {MARK} {version} for {}. Do not edit: run `memrtl fpga --target {}`.\n{text}\n",
                target.board, target.name
            );
        }
        Ok(files)
    }

    fn core(&self) -> Result<String, askama::Error> {
        let target = self.target;
        let list = |words: Vec<String>| format!("[{}]", words.join(", "));
        let device = || {
            let mut words = place::device(target);
            words.extend(["--freq".to_string(), megahertz(self.clock.mhz)]);
            list(words)
        };
        let synthesis = || {
            let command = synthesis(target.family, target);
            list(command.split(' ').skip(1).map(str::to_string).collect())
        };
        let (tool, options) = match target.family {
            Family::Ice40 => (
                "icestorm",
                vec![("pnr", "next".to_string()), ("nextpnr_options", device()), ("yosys_synth_options", synthesis())],
            ),
            Family::Ecp5 => ("trellis", vec![("nextpnr_options", device()), ("yosys_synth_options", synthesis())]),
            Family::Xc7 => ("vivado", vec![("part", self.part())]),
        };
        BoardCore {
            name: &self.design.name,
            board: &target.board,
            target: &target.name,
            core: crate::rtl::vlnv(self.design),
            version: env!("CARGO_PKG_VERSION"),
            pins: place::constraints(target.family),
            tool,
            options,
        }
        .render()
    }

    /// Device as Vivado names it.
    fn part(&self) -> String {
        let target = self.target;
        format!("{}{}-{}", target.device, target.package, target.speed.as_deref().unwrap_or("1"))
    }

    fn wrapper(&self) -> Result<String, FpgaError> {
        let target = self.target;
        let bit_cycles = (self.clock.mhz * 1e6 / f64::from(target.baud)).round() as u64;
        if !BIT_CYCLES.contains(&bit_cycles) {
            return Err(FpgaError::Baud { baud: target.baud, target: target.name.clone(), mhz: self.clock.mhz });
        }
        let pll = self.clock.pll.map(|pll| PllView {
            family: match target.family {
                Family::Ice40 => "ice40",
                Family::Ecp5 => "ecp5",
                Family::Xc7 => "xc7",
            },
            pad: target.clock.pll == PllInput::Pad,
            pll,
            period: format!("{:.3}", 1000.0 / target.clock.mhz),
        });
        let text = Wrapper {
            name: &self.design.name,
            board: &target.board,
            oscillator: megahertz(target.clock.mhz),
            clock: megahertz(self.clock.mhz),
            bit_cycles,
            baud: target.baud,
            reset: target.reset.as_ref().map(|reset| reset.active == Level::Low),
            pll,
        }
        .render()?;
        Ok(crate::rtl::tidy(&text))
    }
}

/// Yosys' command for the family.
pub(super) fn synthesis(family: Family, target: &Target) -> String {
    let mut command = match family {
        Family::Ice40 => "synth_ice40".to_string(),
        Family::Ecp5 => "synth_ecp5".to_string(),
        Family::Xc7 => "synth_xilinx".to_string(),
    };
    if family == Family::Ice40 {
        if target.resources.multipliers > 0 {
            command += " -dsp";
        }
        if target.resources.large_memories > 0 {
            command += " -spram";
        }
        if target.device.starts_with("up") {
            command += " -device u";
        }
    }
    command
}

/// MHz without needless digits.
pub fn megahertz(mhz: f64) -> String {
    let text = format!("{mhz:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
