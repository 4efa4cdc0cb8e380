//! Kinds of momentum and batches, and what a gradient is multiplied with.

use serde::Serialize;

use super::{LEARNING_RATE_BITS, LEARNING_RATE_FRACTION, MOMENTUM_BITS, MomentumUnit, SCALE_GUARD_BITS};

/// Bits of a factor with its guard bits.
pub const SCALE_BITS: u32 = LEARNING_RATE_BITS + SCALE_GUARD_BITS;

/// What a step makes of the velocity V, the gradient g and the weights W; eta learning rate, gamma momentum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentumKind {
    /// `V <- gamma V + eta g`, `W <- W + V` (heavy ball, Polyak 1964).
    Classical,
    /// `V <- gamma V + (1 - gamma) eta g`, `W <- W + V`: an exponential moving average of the gradients.
    Dampened,
    /// `V <- gamma V + eta g`, `W <- W + gamma V + eta g` (Nesterov's look ahead in the form of Sutskever et al. 2013, as frameworks
    /// have it).
    Nesterov,
}

impl MomentumKind {
    pub const ALL: [MomentumKind; 3] = [MomentumKind::Classical, MomentumKind::Dampened, MomentumKind::Nesterov];

    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            MomentumKind::Classical => "classical",
            MomentumKind::Dampened => "dampened",
            MomentumKind::Nesterov => "nesterov",
        }
    }

    pub fn dampened(self) -> bool {
        self == MomentumKind::Dampened
    }

    pub fn nesterov(self) -> bool {
        self == MomentumKind::Nesterov
    }
}

/// How a unit forms the factors of gradients from the registers for learning rate and momentum.
///
/// A factor has 16 bits in use and 8 guard bits below them. Where it is much smaller than the learning rate, it has [`Self::shift`]
/// more fraction bits than that, so that it loses no digits; a factor that then does not fit saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorFormat {
    kind: MomentumKind,
    /// The unit writes a gradient anew each step, so its first factor holds the look ahead of Nesterov's kind.
    rewrites: bool,
    /// It writes the gradients of a batch at once.
    gathers: bool,
    /// Momentum of the spec, in units of `2^-16`.
    gamma: u32,
    /// Samples whose gradients are averaged.
    batch: u32,
    /// Fraction bits beyond those of the learning-rate register.
    pub shift: u32,
    /// Those of them that are due to `1 - gamma`.
    damped: u32,
}

/// Factors in units of `2^-(LEARNING_RATE_FRACTION + shift + SCALE_GUARD_BITS)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    /// Of the sample's own gradient.
    pub own: u32,
    /// What becomes the factor of the gradient before it when it has decayed once; the same but for Nesterov's kind.
    pub past: u32,
}

impl Factors {
    /// The multiplier of the own gradient: the guard bits are cut off.
    pub fn rate(self) -> u32 {
        self.own >> SCALE_GUARD_BITS
    }
}

impl FactorFormat {
    /// Format of a unit for a momentum of `gamma` in units of `2^-16` and batches of `batch` samples, 1 to 256.
    pub fn new(kind: MomentumKind, unit: MomentumUnit, gamma: u32, batch: usize) -> FactorFormat {
        let (batch, damped) = ((batch as u32).max(1), FactorFormat::damped(kind, gamma));
        FactorFormat {
            kind,
            rewrites: unit.history(),
            gathers: unit.sram(),
            gamma,
            batch,
            shift: batch.ilog2() + damped,
            damped,
        }
    }

    /// The same with room for a smaller momentum of a schedule.
    pub fn down_to(self, gamma: u32) -> FactorFormat {
        let damped = FactorFormat::damped(self.kind, gamma.min(self.gamma)).min(self.damped);
        FactorFormat { shift: self.batch.ilog2() + damped, damped, ..self }
    }

    /// Largest shift that keeps every learning rate times what a gradient is dampened by within the register's range.
    fn damped(kind: MomentumKind, gamma: u32) -> u32 {
        let rest: u32 = (1 << MOMENTUM_BITS) - gamma;
        match kind {
            MomentumKind::Dampened => (MOMENTUM_BITS - rest.next_power_of_two().ilog2()).min(SCALE_GUARD_BITS),
            _ => 0,
        }
    }

    /// Whether the factor's digits are those of the learning rate.
    pub fn plain(self) -> bool {
        let kind = match self.kind {
            MomentumKind::Classical => true,
            MomentumKind::Dampened => false,
            MomentumKind::Nesterov => !self.rewrites,
        };
        kind && self.reciprocal().is_none()
    }

    /// `2^16 / batch`, times the power of two that brings it above `2^15`; `None` where that is `2^16`: the factor's own fraction
    /// bits divide by the batch.
    pub fn reciprocal(self) -> Option<u32> {
        let whole = 1u32 << (MOMENTUM_BITS + self.batch.ilog2());
        (!self.batch.is_power_of_two()).then(|| (whole + self.batch / 2) / self.batch)
    }

    /// Right shift from the product of a 24-bit scale and `2^16 (1 - gamma)` to a dampened factor.
    pub fn damping_shift(self) -> u32 {
        MOMENTUM_BITS - self.damped
    }

    /// Fraction bits of a factor without guard bits.
    pub fn fraction(self) -> u32 {
        LEARNING_RATE_FRACTION + self.shift
    }

    /// Factor of a gradient's first write over the learning rate, for the momentum of the spec.
    pub fn gain(self) -> f64 {
        self.gain_at(self.gamma)
    }

    /// The same for another momentum, in units of `2^-16`.
    pub fn gain_at(self, gamma: u32) -> f64 {
        let gamma = f64::from(gamma) / f64::from(1u32 << MOMENTUM_BITS);
        let kind = match self.kind {
            MomentumKind::Dampened => 1.0 - gamma,
            MomentumKind::Nesterov if self.rewrites => 1.0 + gamma,
            _ => 1.0,
        };
        kind / f64::from(self.batch)
    }

    /// Whether one write brings what a whole batch has summed up.
    pub fn gathers_batches(self) -> bool {
        self.gathers && self.batch > 1
    }

    /// The largest write over the learning rate: that of one pair or, where a batch is gathered, the sum of endless gradients of one
    /// sign. (Single samples come often enough for a residue to catch up.)
    pub fn write_gain(self) -> f64 {
        self.write_gain_at(self.gamma)
    }

    /// The same for another momentum, in units of `2^-16`.
    pub fn write_gain_at(self, gamma: u32) -> f64 {
        if !self.gathers_batches() {
            return self.gain_at(gamma);
        }
        let rest = 1.0 - f64::from(gamma) / f64::from(1u32 << MOMENTUM_BITS);
        self.gain_at(gamma) * f64::from(self.batch) / rest
    }

    /// The factors for register values `eta` and `gamma`, to the bit as in hardware.
    pub fn factors(self, eta: u32, gamma: u32) -> Factors {
        let most = (1u64 << SCALE_BITS) - 1;
        let scale = u64::from(eta) << SCALE_GUARD_BITS;
        let scale = self.reciprocal().map_or(scale, |share| rounded(scale * u64::from(share), MOMENTUM_BITS));
        let (own, past) = match self.kind {
            MomentumKind::Dampened => {
                let product = scale * u64::from((1 << MOMENTUM_BITS) - gamma);
                let own = rounded(product, self.damping_shift()).min(most);
                (own, own)
            }
            MomentumKind::Nesterov if self.rewrites => {
                let past = rounded(scale * u64::from(gamma), MOMENTUM_BITS);
                ((scale + past).min(most), past)
            }
            _ => (scale, scale),
        };
        Factors { own: own as u32, past: past as u32 }
    }

    /// The same for the registers' values of the spec.
    pub fn of_spec(self, eta: u32) -> Factors {
        self.factors(eta, self.gamma)
    }
}

/// Factor of a pair, `eta gamma^j` for the classical kind: formed by repeated multiplication, with guard bits.
#[derive(Debug, Clone, Copy)]
pub struct Scale(u64);

impl Scale {
    /// j = 0. `scale`: with its guard bits.
    pub fn new(scale: u32) -> Self {
        debug_assert!(scale < 1 << SCALE_BITS);
        Scale(scale.into())
    }

    /// The multiplier of |y|: the guard bits are cut off.
    pub fn factor(self) -> i64 {
        (self.0 >> SCALE_GUARD_BITS) as i64
    }

    /// j + 1.
    pub fn decay(&mut self, gamma: u32) {
        self.0 = (self.0 * u64::from(gamma) + (1 << (MOMENTUM_BITS - 1))) >> MOMENTUM_BITS;
    }
}

/// `product / 2^shift`, half rounded up.
fn rounded(product: u64, shift: u32) -> u64 {
    (product + (1 << (shift - 1))) >> shift
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETA: u32 = 1638;

    fn format(kind: MomentumKind, unit: MomentumUnit, gamma: u32) -> FactorFormat {
        FactorFormat::new(kind, unit, gamma, 1)
    }

    #[test]
    fn factors_are_those_of_the_recursions() {
        for gamma in [0, 1, 30_000, 58_982, 65_535] {
            let g = f64::from(gamma) / 65_536.0;
            for unit in [MomentumUnit::History, MomentumUnit::InArray, MomentumUnit::Sram] {
                for kind in MomentumKind::ALL {
                    let format = format(kind, unit, gamma);
                    let Factors { own, past } = format.of_spec(ETA);
                    let real = |scale: u32| f64::from(scale) / 2f64.powi((8 + format.shift) as i32) / f64::from(ETA);
                    let looks = kind.nesterov() && unit.history();
                    let (want, before) = match kind {
                        MomentumKind::Dampened => (1.0 - g, 1.0 - g),
                        _ if looks => (1.0 + g, g),
                        _ => (1.0, 1.0),
                    };
                    assert!((real(own) - want).abs() < 2e-6, "{kind:?} {unit:?} {gamma}: {} {want}", real(own));
                    assert!((real(past) - before).abs() < 2e-6, "{kind:?} {unit:?} {gamma}");
                    assert!((format.gain() - want).abs() < 1e-9);
                    assert_eq!(format.plain(), kind == MomentumKind::Classical || (kind.nesterov() && !looks));
                }
            }
        }
    }

    /// Mean over a batch: a shift for powers of two, else a product with a reciprocal.
    #[test]
    fn batches_divide_the_factor() {
        for batch in 1..=256 {
            let mean = FactorFormat::new(MomentumKind::Classical, MomentumUnit::None, 0, batch);
            let own = mean.of_spec(ETA).own;
            let real = f64::from(own) / 2f64.powi((8 + mean.shift) as i32);
            let want = f64::from(ETA) / batch as f64;
            assert!((real / want - 1.0).abs() < 2e-5, "{batch}: {real} {want}");
            assert!((mean.gain() * batch as f64 - 1.0).abs() < 1e-12);
            assert_eq!(mean.plain(), batch.is_power_of_two());
            assert!(!mean.plain() || own == ETA << 8);
        }
        let both = FactorFormat::new(MomentumKind::Dampened, MomentumUnit::History, 58_982, 6);
        let real = f64::from(both.of_spec(ETA).own) / 2f64.powi((8 + both.shift) as i32);
        assert!((real / f64::from(ETA) / both.gain() - 1.0).abs() < 2e-5, "{real}");
    }

    #[test]
    fn small_factors_keep_their_digits() {
        let shift = |gamma| format(MomentumKind::Dampened, MomentumUnit::History, gamma).shift;
        assert_eq!([0, 32_767, 32_768, 58_982, 64_881, 65_535].map(shift), [0, 0, 1, 3, 6, 8]);
        // The largest learning rate fits for the momentum of the spec, and saturates far below it.
        let format = format(MomentumKind::Dampened, MomentumUnit::History, 58_982);
        assert!(format.of_spec(65_535).own < (1 << SCALE_BITS) - 1);
        assert_eq!(format.factors(65_535, 0).own, (1 << SCALE_BITS) - 1);
    }

    #[test]
    fn nesterov_saturates_at_the_register() {
        let format = format(MomentumKind::Nesterov, MomentumUnit::History, 58_982);
        assert_eq!(format.of_spec(65_535).own, (1 << SCALE_BITS) - 1);
        assert!(format.of_spec(32_768).own < (1 << SCALE_BITS) - 1);
    }

    #[test]
    fn without_momentum_all_kinds_are_the_learning_rate() {
        for kind in MomentumKind::ALL {
            let factors = format(kind, MomentumUnit::History, 0).of_spec(ETA);
            assert_eq!(factors.own, ETA << 8, "{kind:?}");
            assert_eq!(factors.rate(), ETA, "{kind:?}");
        }
    }
}
