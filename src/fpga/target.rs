//! Targets: an FPGA on a board, each a small TOML file.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Built-in targets: name and file.
const BUILT_IN: [(&str, &str); 5] = [
    ("ice40-hx8k", include_str!("../../fpga/targets/ice40-hx8k.toml")),
    ("ice40-up5k", include_str!("../../fpga/targets/ice40-up5k.toml")),
    ("ecp5-25k", include_str!("../../fpga/targets/ecp5-25k.toml")),
    ("ecp5-85k", include_str!("../../fpga/targets/ecp5-85k.toml")),
    ("xc7a100t", include_str!("../../fpga/targets/xc7a100t.toml")),
];

/// Families of FPGAs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Lattice iCE40: Yosys, nextpnr-ice40, icepack.
    Ice40,
    /// Lattice ECP5: Yosys, nextpnr-ecp5, ecppack.
    Ecp5,
    /// AMD 7 series: a script for Vivado.
    Xc7,
}

/// An FPGA on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub name: String,
    pub board: String,
    pub family: Family,
    /// Device and package as the place and route program names them.
    pub device: String,
    pub package: String,
    /// Speed grade, where the program asks for one.
    pub speed: Option<String>,
    /// Bits per second of the serial port.
    pub baud: u32,
    pub clock: Clock,
    pub uart: Uart,
    /// A button; without one the design is reset by configuration alone.
    pub reset: Option<Reset>,
    pub resources: Resources,
}

/// The board's oscillator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub pin: String,
    /// MHz of the oscillator.
    pub mhz: f64,
    /// MHz that a design is asked for when the user does not say.
    pub design_mhz: f64,
    /// Of iCE40 devices: how the PLL gets its clock.
    #[serde(default)]
    pub pll: PllInput,
}

/// Where the PLL of an iCE40 takes its clock from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PllInput {
    /// From any pin, through the fabric.
    #[default]
    Core,
    /// From the PLL's own pin, which is then no input for anything else.
    Pad,
}

/// Pins of the serial port, as the FPGA sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uart {
    pub rx: String,
    pub tx: String,
}

/// A reset button.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    pub pin: String,
    pub active: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Low,
    High,
}

/// What the device has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Logic cells: each a look-up table with a flip-flop.
    pub logic: u64,
    /// Block RAMs.
    pub memories: u64,
    /// Multipliers.
    pub multipliers: u64,
    /// Single-port RAMs of 256 kbit.
    pub large_memories: u64,
}

/// One kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    Logic,
    Memories,
    Multipliers,
    LargeMemories,
}

impl Resource {
    pub const ALL: [Resource; 4] =
        [Resource::Logic, Resource::Memories, Resource::Multipliers, Resource::LargeMemories];

    /// In the words of the family.
    pub fn words(self, family: Family) -> &'static str {
        match (self, family) {
            (Resource::Logic, Family::Xc7) => "LUTs",
            (Resource::Logic, _) => "logic cells",
            (Resource::Memories, Family::Ice40) => "block RAMs (4 kbit)",
            (Resource::Memories, Family::Ecp5) => "block RAMs (18 kbit)",
            (Resource::Memories, Family::Xc7) => "block RAMs (36 kbit)",
            (Resource::Multipliers, _) => "multipliers (DSP)",
            (Resource::LargeMemories, _) => "SPRAMs (256 kbit)",
        }
    }
}

impl Resources {
    pub fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Logic => self.logic,
            Resource::Memories => self.memories,
            Resource::Multipliers => self.multipliers,
            Resource::LargeMemories => self.large_memories,
        }
    }

    pub fn of_mut(&mut self, resource: Resource) -> &mut u64 {
        match resource {
            Resource::Logic => &mut self.logic,
            Resource::Memories => &mut self.memories,
            Resource::Multipliers => &mut self.multipliers,
            Resource::LargeMemories => &mut self.large_memories,
        }
    }
}

/// Why there is no target.
#[derive(Debug, Error)]
pub enum TargetError {
    #[error("`--target {name}` is unknown; allowed: {}, or the path of a file that describes a board{}", names().collect::<Vec<_>>().join(", "), suggestion(.near.as_deref()))]
    Unknown { name: String, near: Option<String> },
    #[error("target `{file}`: cannot be read: {cause}")]
    Read { file: String, cause: std::io::Error },
    #[error("target `{file}`: {}", cause.to_string().trim_end())]
    Syntax { file: String, cause: Box<toml::de::Error> },
    #[error("target `{file}`: `{key} = {value}` is out of range; allowed: {allowed}")]
    Value { file: String, key: &'static str, value: String, allowed: &'static str },
}

fn suggestion(near: Option<&str>) -> String {
    near.map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// Names of the built-in targets.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// All built-in targets.
pub fn built_in() -> impl Iterator<Item = Target> {
    BUILT_IN.iter().filter_map(|(name, text)| Target::parse(text, name).ok())
}

impl Target {
    /// The built-in target of that name, or the one that the file of that path describes.
    ///
    /// # Errors
    /// No such target or file, or a description that does not hold.
    pub fn load(name: &str) -> Result<Target, TargetError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Target::parse(text, name);
        }
        let path = Path::new(name);
        if path.extension().is_none_or(|e| e != "toml") && path.components().count() < 2 {
            let near = names().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
            let near = near.filter(|(distance, _)| *distance <= 3).map(|(_, known)| known.to_string());
            return Err(TargetError::Unknown { name: name.to_string(), near });
        }
        let text =
            std::fs::read_to_string(path).map_err(|cause| TargetError::Read { file: name.to_string(), cause })?;
        Target::parse(&text, name)
    }

    /// The target that `text`, the contents of `file`, describes.
    ///
    /// # Errors
    /// A description that does not hold.
    pub fn parse(text: &str, file: &str) -> Result<Target, TargetError> {
        let target: Target = toml::from_str(text)
            .map_err(|cause| TargetError::Syntax { file: file.to_string(), cause: Box::new(cause) })?;
        target.check(file)?;
        Ok(target)
    }

    fn check(&self, file: &str) -> Result<(), TargetError> {
        let wrong =
            |key, value: String, allowed| Err(TargetError::Value { file: file.to_string(), key, value, allowed });
        // These become names of files, arguments and words of constraint files.
        let words = [
            ("name", Some(&self.name)),
            ("device", Some(&self.device)),
            ("package", Some(&self.package)),
            ("speed", self.speed.as_ref()),
            ("clock.pin", Some(&self.clock.pin)),
            ("uart.rx", Some(&self.uart.rx)),
            ("uart.tx", Some(&self.uart.tx)),
            ("reset.pin", self.reset.as_ref().map(|r| &r.pin)),
        ];
        for (key, word) in words {
            let Some(word) = word else { continue };
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if word.is_empty() || word.len() > 32 || word.starts_with('-') || !word.chars().all(plain) {
                return wrong(key, format!("{word:?}"), "1 to 32 letters, digits, `-` and `_`, no `-` in front");
            }
        }
        if self.board.is_empty() || self.board.len() > 80 || self.board.chars().any(char::is_control) {
            return wrong("board", format!("{:?}", self.board), "one line of 1 to 80 characters");
        }
        for (key, mhz) in [("clock.mhz", self.clock.mhz), ("clock.design_mhz", self.clock.design_mhz)] {
            if !(1.0..=1000.0).contains(&mhz) {
                return wrong(key, format!("{mhz:?}"), "1 to 1000");
            }
        }
        if !(1200..=12_000_000).contains(&self.baud) {
            return wrong("baud", self.baud.to_string(), "1200 to 12000000");
        }
        if self.resources.logic == 0 {
            return wrong("resources.logic", "0".to_string(), "1 or more");
        }
        Ok(())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_targets_hold_and_have_their_files_names() {
        assert_eq!(built_in().map(|t| t.name).collect::<Vec<_>>(), names().collect::<Vec<_>>());
    }

    #[test]
    fn mistakes_are_named() {
        let text = BUILT_IN[0].1;
        for (from, to, message) in [
            ("pin = \"J3\"", "pin = \"J3; rm\"", "`clock.pin = \"J3; rm\"` is out of range"),
            ("device = \"hx8k\"", "device = \"--read\"", "no `-` in front"),
            ("mhz = 12.0", "mhz = 0.0", "`clock.mhz = 0.0` is out of range; allowed: 1 to 1000"),
            ("baud = 1000000", "baud = 100", "allowed: 1200 to 12000000"),
            ("logic = 7680", "logic = 0", "`resources.logic = 0`"),
            ("family = \"ice40\"", "family = \"ice41\"", "unknown variant `ice41`"),
            ("baud = 1000000", "bauds = 1", "unknown field `bauds`"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            let error = Target::parse(&changed, "mine.toml").unwrap_err().to_string();
            assert!(error.contains(message) && error.contains("mine.toml"), "{error}");
        }
        let error = Target::load("ice40-hx8").unwrap_err().to_string();
        assert!(error.ends_with("did you mean `ice40-hx8k`?"), "{error}");
        assert!(Target::load("no/such.toml").unwrap_err().to_string().contains("cannot be read"));
    }
}
