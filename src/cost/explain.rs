//! From our figures to the published ones, term by term: each term replaces one assumption of ours by what the published work is believed to
//! have had, and the estimate is made again.

use serde::Serialize;

use super::CostError;
use super::compare::{Claim, Comparison, Network, Quantity, beside};
use super::components::Components;
use super::gpu::{Baseline, Gpu};
use crate::spec::{CostKey, MomentumUnit};

/// Factor that counts as agreement.
pub const AGREEMENT: f64 = 3.0;

/// One replaced assumption.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Term {
    pub what: &'static str,
    pub why: &'static str,
    /// The figure with all terms so far, and what this term divided it by.
    pub value: f64,
    pub factor: f64,
}

/// A published figure beside ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    pub claim: Claim,
    /// Ours in the published way of counting, geometric mean over the networks.
    pub ours: f64,
    pub networks: Vec<String>,
    /// Ours over the published one.
    pub ratio: f64,
    /// Whether both agree to [`AGREEMENT`].
    pub agrees: bool,
    /// What leads from ours to the published one; empty where both agree.
    pub terms: Vec<Term>,
    /// What no term explains: the last value over the published one.
    pub rest: f64,
}

/// Geometric mean.
fn mean(values: &[f64]) -> f64 {
    libm::exp(values.iter().map(|v| libm::log(*v)).sum::<f64>() / values.len().max(1) as f64)
}

/// What stands for the published work: constants, the longest pulse, and which of the card's energies counts.
struct Case {
    components: Components,
    /// ns
    longest_pulse: Option<f64>,
    baseline: Baseline,
}

/// Devices recalled as those of the published work: RRAM between 2 and 100 kohm, written from the 1.8 V of a 180 nm process.
const SIEMENS: f64 = 0.5 * (1.0 / 2e3 + 1.0 / 100e3);
const VOLTS: f64 = 1.8;
/// Longest pulse: the published times are recalled as of the order of microseconds.
const LONGEST_NS: f64 = 1000.0;

/// What a term does to a case.
type Change = fn(&mut Case);

/// Constants of converters and logic, which another process changes.
const PERIPHERY: [CostKey; 11] = [
    CostKey::AdcEnergy,
    CostKey::DacEnergy,
    CostKey::BitDriveEnergy,
    CostKey::SampleHoldEnergy,
    CostKey::AddEnergy,
    CostKey::TableEnergy,
    CostKey::MultiplyEnergy,
    CostKey::MemoryEnergy,
    CostKey::BusEnergy,
    CostKey::RegisterEnergy,
    CostKey::LineCapacitance,
];

/// What the published energy is believed to contain and ours does not; all of it assumed.
const ENERGY: [(&str, &str, Change); 6] = [
    (
        "the card's energy without waiting for launches (large batch)",
        "886 times faster and 7 times less energy mean 127 times the card's power, if both are of the same iteration; so its energy cannot be its power times that iteration's time",
        |case| case.baseline = Baseline::LargeBatch,
    ),
    (
        "devices of 2 and 100 kohm, written with 1.8 V",
        "parameters that fit the group's RRAM, and the supply of its 180 nm process; recalled",
        |case| {
            for (key, value) in [(CostKey::CellConductance, SIEMENS), (CostKey::WriteVoltage, VOLTS)] {
                case.components.give(key, value, "the published work, assumed");
            }
        },
    ),
    ("longest pulse of 1 us", "write times of the order of microseconds, recalled; ours is 0.51 us", |case| {
        case.longest_pulse = Some(LONGEST_NS)
    }),
    (
        "decay and transfer as pulses of such devices",
        "two pulses on W and two on V in each step, by our reconstruction; each as long as a gradient's mean pulse, instead of 50 fJ per cell",
        |case| {
            let get = |key| case.components.get(key);
            let seconds = LONGEST_NS * 1e-9 * get(CostKey::LongestPulse) * get(CostKey::MeanPulse);
            let joules = VOLTS * VOLTS * get(CostKey::RowPower) * SIEMENS * seconds;
            case.components.give(CostKey::LocalEnergy, joules, "the published work, assumed");
        },
    ),
    (
        "180 nm instead of 32 to 45 nm around the arrays",
        "capacitances by length, 1.8 V instead of 0.9 V: (180 / 32) (1.8 / 0.9)^2 = 22.5",
        |case| {
            for key in PERIPHERY {
                let value = case.components.get(key) * (180.0 / 32.0) * (1.8 / 0.9) * (1.8 / 0.9);
                case.components.give(key, value, "180 nm, assumed");
            }
        },
    ),
    (
        "an amplifier of 1 mW on each line, always on",
        "the published circuits are analog: a line has an amplifier instead of a shared ADC; 1 mW is a guess",
        |case| case.components.give(CostKey::DacLeakage, 1e-3, "an amplifier per line, assumed"),
    ),
];

/// The published figures beside ours. `networks` with their comparisons, in the same order.
///
/// # Errors
/// See [`super::estimate`].
pub fn explain(
    claims: &[Claim],
    networks: &[Network],
    comparisons: &[Comparison],
    components: &Components,
    gpu: &Gpu,
) -> Result<Vec<Beside>, CostError> {
    let mut list = Vec::new();
    for claim in claims {
        // The published comparison was made with two networks on MNIST.
        let chosen: Vec<(&Network, &Comparison)> = networks
            .iter()
            .zip(comparisons)
            .filter(|(n, c)| n.name.starts_with("MNIST") && c.unit.name() == claim.unit)
            .collect();
        let figures: Option<Vec<f64>> = chosen.iter().map(|(_, c)| figure(c, claim.what, Baseline::OneByOne)).collect();
        let Some(figures) = figures.filter(|figures| !figures.is_empty()) else { continue };
        let ours = mean(&figures);
        let ratio = ours / claim.value;
        let agrees = (1.0 / AGREEMENT..=AGREEMENT).contains(&ratio);
        let mut terms = Vec::new();
        if !agrees && claim.what == Quantity::Energy {
            terms = walk(&chosen, components, gpu, ours)?;
        }
        let rest = terms.last().map_or(ours, |term: &Term| term.value) / claim.value;
        let networks = chosen.iter().map(|(n, _)| n.name.clone()).collect();
        list.push(Beside { claim: claim.clone(), ours, networks, ratio, agrees, terms, rest });
    }
    Ok(list)
}

fn figure(comparison: &Comparison, what: Quantity, baseline: Baseline) -> Option<f64> {
    let against = comparison.over(baseline)?;
    match what {
        Quantity::SpeedUp => Some(against.speed_up),
        Quantity::Energy => against.energy,
    }
}

/// One term after the other, all before it kept.
fn walk(
    chosen: &[(&Network, &Comparison)],
    components: &Components,
    gpu: &Gpu,
    ours: f64,
) -> Result<Vec<Term>, CostError> {
    let mut case = Case { components: components.clone(), longest_pulse: None, baseline: Baseline::OneByOne };
    let (mut terms, mut before) = (Vec::new(), ours);
    for (what, why, change) in ENERGY {
        change(&mut case);
        let mut figures = Vec::new();
        for (network, _) in chosen {
            let mut network = (*network).clone();
            if let Some(longest) = case.longest_pulse {
                let units = f64::from((1u32 << network.design.array.pulse_bits) - 1);
                let timing = &mut network.design.timing;
                timing.pulse_lsb_ns = longest / units;
                *timing = timing.with_clock(timing.clock_ns).unwrap_or_else(|| timing.clone());
            }
            let again = beside(&network, network.estimate(&case.components)?, gpu);
            figures.extend(figure(&again, Quantity::Energy, case.baseline));
        }
        let value = mean(&figures);
        terms.push(Term { what, why, value, factor: before / value });
        before = value;
    }
    Ok(terms)
}

/// Power of the accelerator over that of the card that a published pair of figures means.
pub fn power_ratio(claims: &[Claim]) -> Option<f64> {
    let of = |what: Quantity| {
        let unit = MomentumUnit::InArray.name();
        claims.iter().find(|claim| claim.what == what && claim.unit == unit).map(|claim| claim.value)
    };
    Some(of(Quantity::SpeedUp)? / of(Quantity::Energy)?)
}
