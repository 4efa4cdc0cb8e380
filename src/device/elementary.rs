//! Single-precision elementary functions for loops over cells: every operation is exactly rounded (fused ones, too: where the
//! processor has none, a library function gives the same bits), none depends on a branch, so that every machine gets the same bits however wide its vectors are. Polynomials of Cephes (S. Moshier) and Taylor's.

/// Added and taken away again, rounds a number below 2^22 to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, so that the product of the leading one with an exponent is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Exponents beyond this are taken as this: the result stays a normal number.
const EXP_LIMIT: f32 = 87.0;

/// Natural logarithm of a positive normal number, relative error about 1e-7.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let f = mantissa - 1.0;
    let z = f * f;
    let mut p: f32 = 7.037_683_6e-2;
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.5e-1,
        3.333_333e-1_f32,
    ] {
        p = p.mul_add(f, c);
    }
    let e = exponent as f32;
    let low = (p * f).mul_add(z, e.mul_add(LN2_LOW, -0.5 * z));
    e.mul_add(LN2_HIGH, f + low)
}

/// `2^n` of `ROUND + n`.
#[inline(always)]
fn power_of_two(shifted: f32) -> f32 {
    f32::from_bits((shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127)) << 23)
}

/// `2^n` and `exp(f) - 1` with `x = n ln 2 + f`, `|f| <= ln 2 / 2`.
#[inline(always)]
fn split(x: f32) -> (f32, f32) {
    let x = clamp(x, -EXP_LIMIT, EXP_LIMIT);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let f = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let mut p: f32 = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0_f32] {
        p = p.mul_add(f, c);
    }
    (power_of_two(shifted), p * f)
}

/// `exp(x)`, relative error about 2e-7; `x` is limited to -87 to 87. No number stays none.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let (power, rest) = split(x);
    power.mul_add(rest, power)
}

/// `exp(x) - 1`, relative error about 2e-7 also for small `x`; limits as [`exp`].
#[inline(always)]
pub(super) fn exp_m1(x: f32) -> f32 {
    let (power, rest) = split(x);
    power.mul_add(rest, power - 1.0)
}

/// `1 - 2^-y` of `y >= 0`, relative error about 5e-7 (minimax polynomial). No number stays none.
#[inline(always)]
pub(super) fn one_minus_exp2(y: f32) -> f32 {
    const LIMIT: f32 = 126.0;
    let y = if y > LIMIT { LIMIT } else { y };
    // -y = n + f with |f| <= 1/2.
    let shifted = ROUND - y;
    let f = (ROUND - shifted) - y;
    let mut p: f32 = 1.333_353_9e-3;
    for c in [9.666_245e-3, 5.550_5e-2, 0.240_223_51, std::f32::consts::LN_2] {
        p = p.mul_add(f, c);
    }
    let power = power_of_two(shifted);
    power.mul_add(-(p * f), 1.0 - power)
}

/// The same for `0 <= y <= 3/4`, relative error about 4e-7 (minimax polynomial), and shorter.
#[inline(always)]
pub(super) fn one_minus_exp2_near(y: f32) -> f32 {
    let mut p: f32 = 1.074_523_9e-3;
    for c in [-9.452_958e-3, 5.545_999e-2, -0.240_222_32, std::f32::consts::LN_2] {
        p = p.mul_add(y, c);
    }
    p * y
}

/// `x` between `low` and `high`; no number stays none, unlike with `f32::min`.
#[inline(always)]
pub(super) fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_those_of_the_library() {
        for i in -87_000..=87_000 {
            let x = i as f32 / 1000.0;
            let wide = f64::from(x);
            let close = |got: f32, want: f64| (f64::from(got) - want).abs() <= 3e-7 * want.abs();
            assert!(close(exp(x), libm::exp(wide)), "exp {x}: {} {}", exp(x), libm::exp(wide));
            for x in [x, x * 1e-3, x * 1e-6] {
                let want = libm::expm1(f64::from(x));
                assert!(close(exp_m1(x), want), "exp_m1 {x}: {} {want}", exp_m1(x));
            }
            let want = -libm::expm1(-wide.abs() * std::f64::consts::LN_2);
            assert!((f64::from(one_minus_exp2(x.abs())) - want).abs() <= 1e-6 * want, "1 - 2^-y {x}");
            let y = x.abs() * (0.75 / 87.0);
            let want = -libm::expm1(-f64::from(y) * std::f64::consts::LN_2);
            assert!((f64::from(one_minus_exp2_near(y)) - want).abs() <= 5e-7 * want, "1 - 2^-y {y}");
            let positive = exp(x);
            let want = libm::log(f64::from(positive));
            assert!((f64::from(ln(positive)) - want).abs() <= 2e-7 * want.abs().max(0.1), "ln {positive}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        assert!(exp(f32::NAN).is_nan() && exp_m1(f32::NAN).is_nan() && clamp(f32::NAN, 0.0, 1.0).is_nan());
        assert!(one_minus_exp2(f32::NAN).is_nan());
        assert_eq!((one_minus_exp2(0.0), one_minus_exp2(1e30)), (0.0, 1.0));
        assert_eq!(exp_m1(0.0), 0.0);
        assert_eq!(exp_m1(-1e30), -1.0);
    }
}
