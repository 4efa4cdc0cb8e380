//! The step equations, for one cell at a time and without a branch, so that loops over them become vector code.

use crate::device::elementary::{clamp, exp, ln, one_minus_exp2, one_minus_exp2_near};

/// Longest reach of the short functions.
pub(crate) const NEAR: f32 = 0.75;

/// What a cell receives.
#[derive(Clone, Copy)]
pub(crate) struct Dose {
    /// In unit pulses, positive upwards.
    pub pulses: f32,
    /// Square root of its size, which loops know beforehand.
    pub root: f32,
    /// [`Law::reach`].
    pub reach: f32,
}

/// Whether a dose is one upwards: by its sign alone, which a vector unit needs not compare. One of size 0 moves nothing either way.
#[inline(always)]
fn upwards(pulses: f32) -> bool {
    pulses.is_sign_positive()
}

/// A step equation with `N` numbers of each cell.
pub(crate) trait Law<const N: usize>: Copy + Send + 'static {
    /// Most pulses that are taken one by one; a larger dose is divided into this many equal parts. 1 where the equation
    /// covers a dose of any size.
    const PASSES: usize;

    /// How far the signed `dose` (in unit pulses, positive upwards) reaches on this cell: 0 where the equation does not ask. Up
    /// to [`NEAR`] the functions with `CLOSE` hold, with the bits of those without; they are short, and most doses are.
    #[inline(always)]
    fn reach(&self, _cell: [f32; N], _dose: f32) -> f32 {
        0.0
    }

    /// The costly function of the equation. With several passes, loops over cells take it in a loop of its own: a processor overlaps
    /// short chains of operations, but not long ones.
    fn curve<const CLOSE: bool>(&self, w: f32, cell: [f32; N], push: Dose) -> f32;

    /// Mean state after the dose, and the standard deviation of its noise, with the value of [`Law::curve`]. With several
    /// passes the noise is proportional to the root of the dose.
    fn moved<const CLOSE: bool>(&self, w: f32, cell: [f32; N], push: Dose, curve: f32) -> (f32, f32);

    /// Lowest and highest state.
    fn bounds(&self, cell: [f32; N]) -> (f32, f32);
}

/// State after a dose with the noise `xi` (standard normal).
#[inline(always)]
pub(crate) fn settle<L: Law<N>, const N: usize>(law: &L, mean: f32, sigma: f32, xi: f32, cell: [f32; N]) -> f32 {
    let (low, high) = law.bounds(cell);
    clamp(sigma.mul_add(xi, mean), low, high)
}

/// `a` if `up`, else `b`; by the bits in which they differ, as a choice between two loads would become one between their
/// addresses, which is no vector code.
#[inline(always)]
pub(crate) fn pick(up: bool, a: f32, b: f32) -> f32 {
    let mask = if up { u32::MAX } else { 0 };
    f32::from_bits(b.to_bits() ^ ((a.to_bits() ^ b.to_bits()) & mask))
}

/// `dw = +-step (1 + s xi)`: q pulses are one step of q, with `sqrt(q)` times the noise.
#[derive(Clone, Copy)]
pub(crate) struct ConstantStep {
    pub sigma: f32,
}

impl Law<4> for ConstantStep {
    const PASSES: usize = 1;

    #[inline(always)]
    fn curve<const CLOSE: bool>(&self, _: f32, _: [f32; 4], _: Dose) -> f32 {
        0.0
    }

    #[inline(always)]
    fn moved<const CLOSE: bool>(&self, w: f32, [up, down, _, _]: [f32; 4], push: Dose, _: f32) -> (f32, f32) {
        let step = pick(upwards(push.pulses), up, down);
        (step.mul_add(push.pulses, w), self.sigma * step * push.root)
    }

    #[inline(always)]
    fn bounds(&self, [_, _, max, min]: [f32; 4]) -> (f32, f32) {
        (min, max)
    }
}

/// Steps that are linear in the state, `dw = t (c - w)` with a fixed point c: q pulses give
/// `w + (c - w) share` exactly, `share = 1 - (1 - t)^q = 1 - 2^(-rate q)` with `rate = -log2(1 - t)`.
#[inline(always)]
fn approach(w: f32, target: f32, share: f32) -> f32 {
    (target - w).mul_add(share, w)
}

/// `1 - 2^-reach` of a dose.
#[inline(always)]
fn share<const CLOSE: bool>(reach: f32) -> f32 {
    let near = one_minus_exp2_near(reach);
    if CLOSE || reach <= NEAR { near } else { one_minus_exp2(reach) }
}

/// Noise of additive pulses under the contraction of [`approach`]: variances of q pulses sum to that of one times
/// `(1 - (1-t)^2q) / (1 - (1-t)^2)`. With `noise = s step sqrt(2 r / (1 - (1-t)^2))`, r the reach of one pulse as a power of e
/// instead of 2, that is `noise^2 q (1 - 4^-reach) / (2 ln 2 reach)`: a short reach has about the noise of q pulses that do not
/// feel each other.
#[inline(always)]
fn additive<const CLOSE: bool>(noise: f32, share: f32, push: Dose) -> f32 {
    noise * push.root * damping::<CLOSE>(push.reach, share)
}

/// `sqrt((1 - 4^-y) / (2 ln 2 y))` of `y >= 0` with `share = 1 - 2^-y`; up to [`NEAR`] by a minimax polynomial in the share, right to
/// 12 parts in a million, as the normal numbers are.
#[inline(always)]
fn damping<const CLOSE: bool>(y: f32, share: f32) -> f32 {
    const TWO_LN_2: f32 = 2.0 * std::f32::consts::LN_2;
    let near =
        (-0.041_136_686_f32).mul_add(share, -0.035_376_65).mul_add(share, -0.500_585_7).mul_add(share, 1.000_008_6);
    if CLOSE || y <= NEAR { near } else { (share * (2.0 - share) / (TWO_LN_2 * y)).sqrt() }
}

/// Noise of multiplicative pulses, to second order in their relative spread s: `s |c - w| k (1-t)^q sqrt(q)` with
/// `k = t / (1 - t)` from one pulse on; below, the part of a pulse keeps the spread of the whole.
#[inline(always)]
fn multiplicative(distance: f32, sigma: f32, ratio: f32, share: f32, root: f32) -> f32 {
    let (many, part) = (ratio * (1.0 - share) * root, share / if root < 1e-15 { 1e-15 } else { root });
    sigma * distance.abs() * if many < part { many } else { part }
}

/// Soft bounds: the fixed points are the bounds. A cell: for each direction bound, rate, and noise (additive: as [`additive`] takes
/// it; multiplicative: the ratio t / (1 - t)).
#[derive(Clone, Copy)]
pub(crate) struct SoftBounds<const MULTIPLICATIVE: bool> {
    pub sigma: f32,
}

impl<const MULTIPLICATIVE: bool> Law<6> for SoftBounds<MULTIPLICATIVE> {
    const PASSES: usize = 1;

    #[inline(always)]
    fn reach(&self, [_, up, _, _, down, _]: [f32; 6], dose: f32) -> f32 {
        (pick(upwards(dose), up, down) * dose).abs()
    }

    #[inline(always)]
    fn curve<const CLOSE: bool>(&self, _: f32, _: [f32; 6], push: Dose) -> f32 {
        share::<CLOSE>(push.reach)
    }

    #[inline(always)]
    fn moved<const CLOSE: bool>(&self, w: f32, cell: [f32; 6], push: Dose, share: f32) -> (f32, f32) {
        let [max, _, noise_up, min, _, noise_down] = cell;
        let up = upwards(push.pulses);
        let (bound, noise) = (pick(up, max, min), pick(up, noise_up, noise_down));
        let mean = approach(w, bound, share);
        let sigma = if MULTIPLICATIVE {
            multiplicative(bound - w, self.sigma, noise, share, push.root)
        } else {
            additive::<CLOSE>(noise, share, push)
        };
        (mean, sigma)
    }

    #[inline(always)]
    fn bounds(&self, [max, _, _, min, _, _]: [f32; 6]) -> (f32, f32) {
        (min, max)
    }
}

/// Linear step: fixed points beyond the bounds, which are hard. A cell: as [`SoftBounds`] with the fixed points, then the
/// bounds.
#[derive(Clone, Copy)]
pub(crate) struct LinearStep<const MULTIPLICATIVE: bool> {
    pub sigma: f32,
}

impl<const MULTIPLICATIVE: bool> Law<8> for LinearStep<MULTIPLICATIVE> {
    const PASSES: usize = 1;

    #[inline(always)]
    fn reach(&self, [_, up, _, _, down, _, _, _]: [f32; 8], dose: f32) -> f32 {
        (pick(upwards(dose), up, down) * dose).abs()
    }

    #[inline(always)]
    fn curve<const CLOSE: bool>(&self, _: f32, _: [f32; 8], push: Dose) -> f32 {
        share::<CLOSE>(push.reach)
    }

    #[inline(always)]
    fn moved<const CLOSE: bool>(&self, w: f32, cell: [f32; 8], push: Dose, share: f32) -> (f32, f32) {
        let [up_to, _, noise_up, down_to, _, noise_down, _, _] = cell;
        let up = upwards(push.pulses);
        let (target, noise) = (pick(up, up_to, down_to), pick(up, noise_up, noise_down));
        let mean = approach(w, target, share);
        let sigma = if MULTIPLICATIVE {
            multiplicative(target - w, self.sigma, noise, share, push.root)
        } else {
            additive::<CLOSE>(noise, share, push)
        };
        (mean, sigma)
    }

    #[inline(always)]
    fn bounds(&self, cell: [f32; 8]) -> (f32, f32) {
        (cell[7], cell[6])
    }
}

/// NeuroSim's curve `G(P) = B (1 - exp(-P/A))`: `G(P(G) + q)` is linear in G again. Its noise does not feel the contraction:
/// `sigma sqrt(q)` of the range. A cell: fixed point and rate upwards, fixed point and rate downwards.
#[derive(Clone, Copy)]
pub(crate) struct NeuroSim {
    /// Noise of one pulse in each direction.
    pub sigma_up: f32,
    pub sigma_down: f32,
    pub w_max: f32,
    pub w_min: f32,
}

impl Law<4> for NeuroSim {
    const PASSES: usize = 1;

    #[inline(always)]
    fn reach(&self, [_, up, _, down]: [f32; 4], dose: f32) -> f32 {
        (pick(upwards(dose), up, down) * dose).abs()
    }

    #[inline(always)]
    fn curve<const CLOSE: bool>(&self, _: f32, _: [f32; 4], push: Dose) -> f32 {
        share::<CLOSE>(push.reach)
    }

    #[inline(always)]
    fn moved<const CLOSE: bool>(&self, w: f32, cell: [f32; 4], push: Dose, share: f32) -> (f32, f32) {
        let [up_to, _, down_to, _] = cell;
        let up = upwards(push.pulses);
        let mean = approach(w, pick(up, up_to, down_to), share);
        (mean, pick(up, self.sigma_up, self.sigma_down) * push.root)
    }

    #[inline(always)]
    fn bounds(&self, _: [f32; 4]) -> (f32, f32) {
        (self.w_min, self.w_max)
    }
}

/// `dw = +-step max(1 - A exp(+-gamma z), 0)` with `z = 2 a w / (w_max - w_min) + b`, noise
/// `s (|dw| + add + slope |w|)`. A cell: steps up and down, bounds up and down, `2 a / (w_max - w_min)`.
#[derive(Clone, Copy)]
pub(crate) struct ExpStep {
    pub sigma: f32,
    pub sigma_add: f32,
    pub sigma_slope: f32,
    pub b: f32,
    pub a_up: f32,
    pub a_down: f32,
    pub gamma_up: f32,
    pub gamma_down: f32,
}

impl Law<5> for ExpStep {
    const PASSES: usize = 16;

    #[inline(always)]
    fn curve<const CLOSE: bool>(&self, w: f32, [_, _, _, _, scale]: [f32; 5], push: Dose) -> f32 {
        exp(pick(upwards(push.pulses), self.gamma_up, -self.gamma_down) * scale.mul_add(w, self.b))
    }

    #[inline(always)]
    fn moved<const CLOSE: bool>(&self, w: f32, cell: [f32; 5], push: Dose, curve: f32) -> (f32, f32) {
        let ([up, down, _, _, _], upwards) = (cell, upwards(push.pulses));
        let y = curve.mul_add(-pick(upwards, self.a_up, self.a_down), 1.0);
        let step = pick(upwards, up, down) * if y < 0.0 { 0.0 } else { y };
        let sigma = self.sigma * self.sigma_slope.mul_add(w.abs(), step + self.sigma_add);
        (step.mul_add(push.pulses, w), sigma * push.root)
    }

    #[inline(always)]
    fn bounds(&self, [_, _, max, min, _]: [f32; 5]) -> (f32, f32) {
        (min, max)
    }
}

/// `dw = +-step u^gamma`, u the distance to the bound as a share of the range. A cell: steps up and down, bounds up and down,
/// exponents up and down.
#[derive(Clone, Copy)]
pub(crate) struct PowStep {
    pub sigma: f32,
}

impl Law<6> for PowStep {
    const PASSES: usize = 16;

    #[inline(always)]
    fn curve<const CLOSE: bool>(&self, w: f32, cell: [f32; 6], push: Dose) -> f32 {
        const LEAST: f32 = 1e-30;
        let ([_, _, max, min, gamma_up, gamma_down], up) = (cell, upwards(push.pulses));
        let share = pick(up, max - w, w - min) / (max - min + LEAST);
        let share = if share < LEAST { LEAST } else { share };
        exp(pick(up, gamma_up, gamma_down) * ln(share))
    }

    #[inline(always)]
    fn moved<const CLOSE: bool>(&self, w: f32, cell: [f32; 6], push: Dose, curve: f32) -> (f32, f32) {
        let [up, down, _, _, _, _] = cell;
        let step = pick(upwards(push.pulses), up, down) * curve;
        (step.mul_add(push.pulses, w), self.sigma * step * push.root)
    }

    #[inline(always)]
    fn bounds(&self, [_, _, max, min, _, _]: [f32; 6]) -> (f32, f32) {
        (min, max)
    }
}
