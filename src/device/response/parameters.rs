//! Parameters of the pulse-response models, their allowed ranges, and which model has which.

use serde::Serialize;

use crate::device::field::{Field, POSITIVE};

/// How the step depends on the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// The same step everywhere between the bounds.
    ConstantStep,
    /// A step that shrinks linearly on the way to the bound, without reaching zero there.
    LinearStep,
    /// A step that is zero at the bound.
    SoftBounds,
    /// Soft bounds, read against a reference device that stands at each cell's symmetry point.
    SoftBoundsReference,
    /// A step with an exponential in the state.
    ExpStep,
    /// A step with a power of the distance to the bound.
    PowStep,
    /// The nonlinearity curve of NeuroSim.
    NeuroSim,
}

impl Law {
    pub const ALL: [Law; 7] = [
        Law::ConstantStep,
        Law::LinearStep,
        Law::SoftBounds,
        Law::SoftBoundsReference,
        Law::ExpStep,
        Law::PowStep,
        Law::NeuroSim,
    ];

    /// Name in specs.
    pub fn name(self) -> &'static str {
        match self {
            Law::ConstantStep => "constant_step",
            Law::LinearStep => "linear_step",
            Law::SoftBounds => "soft_bounds",
            Law::SoftBoundsReference => "soft_bounds_reference",
            Law::ExpStep => "exp_step",
            Law::PowStep => "pow_step",
            Law::NeuroSim => "neurosim",
        }
    }

    /// Parameters that the law has, in the order of a listing.
    pub fn fields(self) -> Vec<&'static Field<Parameters>> {
        ROWS.iter().filter(|row| row.laws.contains(&self)).map(|row| &row.field).collect()
    }

    /// Whether the step's noise may be additive or multiplicative.
    pub fn has_noise_kind(self) -> bool {
        matches!(self, Law::LinearStep | Law::SoftBounds | Law::SoftBoundsReference)
    }

    /// Whether the spread of the step may be log-normal.
    pub fn has_step_spread(self) -> bool {
        self != Law::NeuroSim
    }
}

/// Memristors per weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
    /// One, read against a reference column of fixed devices.
    Reference,
    /// Two that move in opposite directions; the weight is half their difference.
    Differential,
}

/// How the noise of a pulse scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CycleNoise {
    /// With the step at weight 0.
    Additive,
    /// With the step at the present weight.
    Multiplicative,
}

/// Distribution of the step between devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    Normal,
    /// The median is `dw_min`, the logarithm has the standard deviation `dw_min_dtod`.
    LogNormal,
}

/// A unit pulse: what the responses are given per pulse of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnitPulse {
    /// Magnitude in volts.
    pub volts: f64,
    pub seconds: f64,
}

/// Parameters of a pulse-response model; weights in units of the layer's full scale. Those that the law does not have keep
/// the values of [`Parameters::of`] and mean nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameters {
    pub law: Law,
    pub signed: Signed,
    pub cycle_noise: CycleNoise,
    pub spread: Spread,
    /// Mean weight change of a unit pulse at weight 0.
    pub dw_min: f64,
    /// Its spread between devices, relative.
    pub dw_min_dtod: f64,
    /// Its spread between pulses, relative.
    pub dw_min_std: f64,
    /// Asymmetry: above 0, down steps are shorter by this share; below 0, up steps are.
    pub up_down: f64,
    /// Its spread between devices.
    pub up_down_dtod: f64,
    pub w_max: f64,
    pub w_min: f64,
    /// Spread of the bounds between devices, relative.
    pub w_max_dtod: f64,
    pub w_min_dtod: f64,
    /// Noise of the state as it is seen after a write, in units of `dw_min`.
    pub write_noise_std: f64,
    /// Linear step: share of the step that is gone at the mean bound. Exponential step: slope of the exponent.
    pub gamma_up: f64,
    pub gamma_down: f64,
    /// Linear step: spread of the shares between devices, absolute.
    pub gamma_up_dtod: f64,
    pub gamma_down_dtod: f64,
    /// Soft bounds with reference: error of the reference device.
    pub reference_std: f64,
    /// Exponential step: scale and offset of the state in the exponent.
    pub exp_a: f64,
    pub exp_b: f64,
    /// Exponential step: weights of the exponential.
    pub a_up: f64,
    pub a_down: f64,
    /// Exponential step: noise of a pulse that does not depend on its step, and the share that grows with the state.
    pub dw_min_std_add: f64,
    pub dw_min_std_slope: f64,
    /// Power step: exponent and its relative spread between devices.
    pub pow_gamma: f64,
    pub pow_gamma_dtod: f64,
    /// NeuroSim: nonlinearity of both directions and its absolute spread between devices.
    pub nl_up: f64,
    pub nl_down: f64,
    pub nl_dtod: f64,
    /// NeuroSim: unit pulses that cross the range.
    pub pulses_up: f64,
    pub pulses_down: f64,
    /// NeuroSim: noise of a pulse as a share of the range.
    pub cycle_sigma: f64,
    /// Conductance at `w_min` and `w_max`, siemens.
    pub g_min: f64,
    pub g_max: f64,
    pub up: UnitPulse,
    pub down: UnitPulse,
}

impl Parameters {
    /// What a spec starts from that names a model and no preset: steps, bounds and noise of `GokmenVlasov`, exponents of
    /// `ReRamES`, nonlinearity of `EpiRAM`.
    pub fn of(law: Law) -> Parameters {
        Parameters {
            law,
            signed: Signed::Reference,
            cycle_noise: CycleNoise::Additive,
            spread: Spread::Normal,
            dw_min: 0.0016,
            dw_min_dtod: 0.3,
            dw_min_std: 0.3,
            up_down: 0.0,
            up_down_dtod: 0.01,
            w_max: 1.0,
            w_min: -1.0,
            w_max_dtod: if law == Law::NeuroSim { 0.0 } else { 0.3 },
            w_min_dtod: if law == Law::NeuroSim { 0.0 } else { 0.3 },
            write_noise_std: 0.0,
            gamma_up: if law == Law::ExpStep { 5.0 } else { 0.1 },
            gamma_down: if law == Law::ExpStep { 5.0 } else { 0.1 },
            gamma_up_dtod: 0.05,
            gamma_down_dtod: 0.05,
            reference_std: 0.05,
            exp_a: -0.5,
            exp_b: -0.5,
            a_up: -1.18445,
            a_down: -0.081404,
            dw_min_std_add: 0.0,
            dw_min_std_slope: 0.0,
            pow_gamma: 1.0,
            pow_gamma_dtod: 0.1,
            nl_up: 0.5,
            nl_down: 0.5,
            nl_dtod: 0.0,
            pulses_up: 64.0,
            pulses_down: 64.0,
            cycle_sigma: 0.02,
            g_min: 1e-6,
            g_max: 10e-6,
            up: UnitPulse { volts: 1.0, seconds: 100e-9 },
            down: UnitPulse { volts: 1.0, seconds: 100e-9 },
        }
    }

    /// Mean weight change of a unit pulse upwards: the unit in which doses are counted.
    pub fn unit_step(&self) -> f64 {
        if self.law == Law::NeuroSim { (self.w_max - self.w_min) / self.pulses_up } else { self.dw_min }
    }

    /// Unit pulses of a pulse of `volts` (signed, positive upwards) and `seconds`: linear in both, as the write pulses of the
    /// crossbar are. Signed, in units of [`Parameters::unit_step`].
    pub fn dose(&self, volts: f64, seconds: f64) -> f64 {
        let unit = if volts > 0.0 { self.up } else { self.down };
        let downward = if self.law == Law::NeuroSim { self.pulses_up / self.pulses_down } else { 1.0 };
        let scale = if volts > 0.0 { 1.0 } else { downward };
        scale * volts * seconds.max(0.0) / (unit.volts * unit.seconds)
    }
}

/// A number of [`Parameters`] and the laws that have it.
struct Row {
    field: Field<Parameters>,
    laws: &'static [Law],
}

use Law::{ConstantStep, ExpStep, LinearStep, NeuroSim, PowStep, SoftBounds, SoftBoundsReference};

const ALL: &[Law] = &Law::ALL;
const STEPS: &[Law] = &[ConstantStep, LinearStep, SoftBounds, SoftBoundsReference, ExpStep, PowStep];
const SLOPES: &[Law] = &[LinearStep, ExpStep];

const fn row(
    name: &'static str,
    range: (f64, bool, f64),
    unit: &'static str,
    laws: &'static [Law],
    access: fn(&mut Parameters) -> &mut f64,
) -> Row {
    Row { field: Field::new(name, unit, range, access), laws }
}

const ANY: (f64, bool, f64) = (-1e6, true, 1e6);
/// Relative spreads: a thousandfold of the mean is no longer one.
const SPREAD: (f64, bool, f64) = (0.0, true, 1e3);
/// NeuroSim's own table ends at 9.
const NONLINEARITY: (f64, bool, f64) = (0.0, true, 9.000_001);

static ROWS: &[Row] = &[
    row("dw_min", POSITIVE, "", STEPS, |p| &mut p.dw_min),
    row("dw_min_dtod", SPREAD, "", STEPS, |p| &mut p.dw_min_dtod),
    row("dw_min_std", SPREAD, "", STEPS, |p| &mut p.dw_min_std),
    row("dw_min_std_add", SPREAD, "", &[ExpStep], |p| &mut p.dw_min_std_add),
    row("dw_min_std_slope", SPREAD, "", &[ExpStep], |p| &mut p.dw_min_std_slope),
    row("up_down", (-1.0, false, 1.0), "", STEPS, |p| &mut p.up_down),
    row("up_down_dtod", SPREAD, "", STEPS, |p| &mut p.up_down_dtod),
    row("w_max", (0.0, false, 1e3), "", ALL, |p| &mut p.w_max),
    row("w_min", (-1e3, true, 0.0), "", ALL, |p| &mut p.w_min),
    row("w_max_dtod", SPREAD, "", STEPS, |p| &mut p.w_max_dtod),
    row("w_min_dtod", SPREAD, "", STEPS, |p| &mut p.w_min_dtod),
    row("gamma_up", SPREAD, "", SLOPES, |p| &mut p.gamma_up),
    row("gamma_down", SPREAD, "", SLOPES, |p| &mut p.gamma_down),
    row("gamma_up_dtod", SPREAD, "", &[LinearStep], |p| &mut p.gamma_up_dtod),
    row("gamma_down_dtod", SPREAD, "", &[LinearStep], |p| &mut p.gamma_down_dtod),
    row("reference_std", SPREAD, "", &[SoftBoundsReference], |p| &mut p.reference_std),
    row("exp_a", ANY, "", &[ExpStep], |p| &mut p.exp_a),
    row("exp_b", ANY, "", &[ExpStep], |p| &mut p.exp_b),
    row("a_up", ANY, "", &[ExpStep], |p| &mut p.a_up),
    row("a_down", ANY, "", &[ExpStep], |p| &mut p.a_down),
    row("pow_gamma", (0.0, true, 100.0), "", &[PowStep], |p| &mut p.pow_gamma),
    row("pow_gamma_dtod", SPREAD, "", &[PowStep], |p| &mut p.pow_gamma_dtod),
    row("nl_up", NONLINEARITY, "", &[NeuroSim], |p| &mut p.nl_up),
    row("nl_down", NONLINEARITY, "", &[NeuroSim], |p| &mut p.nl_down),
    row("nl_dtod", SPREAD, "", &[NeuroSim], |p| &mut p.nl_dtod),
    row("pulses_up", (1.0, true, 1e9), "", &[NeuroSim], |p| &mut p.pulses_up),
    row("pulses_down", (1.0, true, 1e9), "", &[NeuroSim], |p| &mut p.pulses_down),
    row("cycle_sigma", SPREAD, "", &[NeuroSim], |p| &mut p.cycle_sigma),
    row("write_noise_std", SPREAD, "", STEPS, |p| &mut p.write_noise_std),
    row("g_min", (0.0, true, f64::INFINITY), " S", ALL, |p| &mut p.g_min),
    row("g_max", POSITIVE, " S", ALL, |p| &mut p.g_max),
    row("up_volts", POSITIVE, " V", ALL, |p| &mut p.up.volts),
    row("up_seconds", POSITIVE, " s", ALL, |p| &mut p.up.seconds),
    row("down_volts", POSITIVE, " V", ALL, |p| &mut p.down.volts),
    row("down_seconds", POSITIVE, " s", ALL, |p| &mut p.down.seconds),
];
