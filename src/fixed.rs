//! The one definition of fixed-point arithmetic: golden model and RTL round and saturate exactly like this.
//!
//! A format is a two's-complement integer of `bits` bits whose full scale is a power of two: `value = code * 2^(exp - (bits - 1))`.

/// Divides by `2^shift`, rounding half towards plus infinity: `floor((v + 2^(shift-1)) / 2^shift)`. Verilog: `(v + HALF) >>> SHIFT`.
#[inline]
pub const fn round_shift(v: i64, shift: u32) -> i64 {
    if shift == 0 { v } else { (v + (1 << (shift - 1))) >> shift }
}

/// Largest code of a signed format: `2^(bits-1) - 1`.
#[inline]
pub const fn max_code(bits: u32) -> i64 {
    (1 << (bits - 1)) - 1
}

/// Saturates to the symmetric range `-(2^(bits-1)-1) ..= 2^(bits-1)-1`. Symmetric, so that sign and magnitude separate without loss.
#[inline]
pub const fn saturate(v: i64, bits: u32) -> i64 {
    let max = max_code(bits);
    if v > max {
        max
    } else if v < -max {
        -max
    } else {
        v
    }
}

/// Saturates a non-negative value to `0 ..= 2^bits - 1`.
#[inline]
pub const fn saturate_unsigned(v: i64, bits: u32) -> i64 {
    let max = (1 << bits) - 1;
    if v > max { max } else { v }
}

/// Nearest code of a real value in a signed format of full scale `2^exp`, saturated; ties go away from zero.
pub fn quantize(value: f64, bits: u32, exp: i32) -> i64 {
    let scaled = value * 2f64.powi(bits as i32 - 1 - exp);
    saturate(scaled.round().clamp(-1e15, 1e15) as i64, bits)
}

/// Real value of a code in a signed format of full scale `2^exp`.
pub fn real(code: i64, bits: u32, exp: i32) -> f64 {
    code as f64 * 2f64.powi(exp - (bits as i32 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_shift_rounds_half_up() {
        assert_eq!(round_shift(5, 1), 3);
        assert_eq!(round_shift(-5, 1), -2);
        assert_eq!(round_shift(-6, 2), -1);
        assert_eq!(round_shift(7, 0), 7);
    }

    #[test]
    fn saturation_is_symmetric() {
        assert_eq!(saturate(-200, 8), -127);
        assert_eq!(saturate(200, 8), 127);
        assert_eq!(saturate_unsigned(300, 8), 255);
    }

    #[test]
    fn quantize_and_real_are_inverse_on_codes() {
        for code in -127..=127 {
            assert_eq!(quantize(real(code, 8, 2), 8, 2), code);
        }
        assert_eq!(quantize(9.0, 8, 2), 127);
    }
}
