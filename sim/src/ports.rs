//! Typed handles to ports and tapped signals.

use crate::ffi::RawSignal;

/// Where a signal lives and how wide it is. Resolved once, then copied freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Address of the storage; valid only together with the model of number `model`.
    pub address: usize,
    pub model: u64,
    pub width: u32,
    /// Storage of 1, 2, 4 or 8 bytes, or a multiple of 4 for wide signals.
    pub bytes: u32,
}

impl Signal {
    pub fn new(raw: &RawSignal, model: u64) -> Signal {
        Signal { address: raw.data as usize, model, width: raw.width, bytes: raw.bytes }
    }

    /// All ones in the width of the signal, for signals of at most 64 bit.
    pub fn mask(self) -> u64 {
        if self.width >= 64 { u64::MAX } else { (1 << self.width) - 1 }
    }

    pub fn is_wide(self) -> bool {
        self.width > 64
    }
}

/// An input (or inout) port of one model, from [`Model::input`](crate::Model::input). May be written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input(pub(crate) Signal);

/// A readable signal of one model: an output from [`Model::output`](crate::Model::output) or a tap from
/// [`Model::tap`](crate::Model::tap).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output(pub(crate) Signal);

impl Input {
    /// Width in bits.
    pub fn width(self) -> u32 {
        self.0.width
    }
}

impl Output {
    /// Width in bits.
    pub fn width(self) -> u32 {
        self.0.width
    }
}

/// Inputs can be read back.
impl From<Input> for Output {
    fn from(input: Input) -> Output {
        Output(input.0)
    }
}

/// Declares a struct of handles with a `resolve` that looks all of them up.
///
/// A field is `name: input(WIDTH)`, `name: output(WIDTH)` or `name: tap(WIDTH) = "top.u_inst.signal"`; `= "name"` also serves ports
/// whose name is not the field's. Widths are expressions, and may use arguments declared after the struct's name.
///
/// ```no_run
/// verilated::ports! {
///     /// Pins of the FIFO, `width` bits a word.
///     pub struct Pins(width: u32) {
///         clk: input(1),
///         push: input(1),
///         /// Valid with `push`.
///         data: input(width) = "push_data",
///         count: output(5),
///     }
/// }
/// # fn example(mut model: verilated::Model) -> Result<(), verilated::Error> {
/// let pins = Pins::resolve(&model, 8)?;
/// model.set(pins.push, 1);
/// model.cycle(pins.clk)?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! ports {
    (@type input) => { $crate::Input };
    (@type output) => { $crate::Output };
    (@type tap) => { $crate::Output };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $port:expr) => { $port };
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(($($arg:ident: $ty:ty),* $(,)?))? {
        $($(#[$field_meta:meta])* $field:ident: $kind:ident($width:expr) $(= $port:expr)?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $crate::ports!(@type $kind),)*
        }

        impl $name {
            /// Looks up every port by name, and checks its direction and width.
            ///
            /// # Errors
            /// For the first port that the model does not have like this.
            $vis fn resolve(model: &$crate::Model $($(, $arg: $ty)*)?) -> Result<Self, $crate::Error> {
                Ok(Self { $($field: model.$kind($crate::ports!(@name $field $($port)?), $width)?,)* })
            }
        }
    };
}
