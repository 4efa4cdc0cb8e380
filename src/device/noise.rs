//! Random numbers by counter: what a memristor draws depends on nothing but the seed, the array, the operation and the cell.
//!
//! Two models of one array that see the same operations therefore end in the same state, in whatever order or on however
//! many threads other arrays work. The mixing function is `triple32` (C. Wellons, "hash-prospector"), applied twice per word;
//! normal numbers follow by the Box-Muller transform with the single-precision kernels of Cephes (S. Moshier), whose
//! operations are all exactly rounded: every machine gets the same bits.

use multiversion::multiversion;

/// What a random number is for: different uses of one operation draw from different streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Stream {
    /// Differences between the devices of an array, drawn once.
    DeviceToDevice = 1,
    /// Noise of a write.
    CycleToCycle = 2,
    /// Noise of the state as it is seen, redrawn with every write.
    WriteNoise = 3,
    /// Noise of a read.
    Read = 4,
    /// Programming of initial weights.
    Program = 5,
    /// Drift exponents and what else changes with time.
    Drift = 6,
    /// Whether a binary device switches.
    Switching = 7,
    /// Which devices are broken.
    Fault = 8,
    /// Errors of converters, drawn once.
    Converter = 9,
}

/// Source of the random numbers of one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    key: u64,
}

/// Words of a row of cells in the counter: a row starts at `row << ROW_SHIFT`.
const ROW_SHIFT: u32 = 16;
/// Normal numbers come in blocks: one pair of uniform numbers gives number l and number l + 8 of a block.
const HALF: usize = 8;
const BLOCK: usize = 2 * HALF;

impl Noise {
    /// Source of array number `array` under the design's `seed`.
    pub fn new(seed: u64, array: u64) -> Noise {
        Noise { key: mix64(mix64(seed ^ 0x6d65_6d72_746c_0001).wrapping_add(array)) }
    }

    fn keys(&self, stream: Stream, op: u64) -> (u32, u32) {
        let key = mix64(mix64(self.key.wrapping_add(stream as u64)).wrapping_add(op));
        (key as u32, (key >> 32) as u32)
    }

    /// Fills `out` with standard normal numbers for the cells `(row, 0..out.len())` and operation `op`.
    pub fn normals(&self, stream: Stream, op: u64, row: usize, out: &mut [f32]) {
        normals(self.keys(stream, op), (row as u32) << ROW_SHIFT, out);
    }

    /// Fills `out` with numbers uniform in `0 <= u < 1`, steps of 2^-24, for the cells `(row, 0..out.len())`.
    pub fn uniforms(&self, stream: Stream, op: u64, row: usize, out: &mut [f32]) {
        uniforms(self.keys(stream, op), (row as u32) << ROW_SHIFT, out);
    }

    /// The number that [`Noise::normals`] gives cell `(row, col)`.
    pub fn normal(&self, stream: Stream, op: u64, row: usize, col: usize) -> f32 {
        let mut block = [0.0; BLOCK];
        let first = col / BLOCK * BLOCK;
        normals(self.keys(stream, op), ((row as u32) << ROW_SHIFT) + first as u32, &mut block);
        block[col % BLOCK]
    }

    /// The number that [`Noise::uniforms`] gives cell `(row, col)`.
    pub fn uniform(&self, stream: Stream, op: u64, row: usize, col: usize) -> f32 {
        let (k0, k1) = self.keys(stream, op);
        unit(word(((row as u32) << ROW_SHIFT) + col as u32, k0, k1))
    }
}

/// Finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix64(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[inline(always)]
fn triple32(mut x: u32) -> u32 {
    x = (x ^ (x >> 17)).wrapping_mul(0xed5a_d4bb);
    x = (x ^ (x >> 11)).wrapping_mul(0xac4c_1b51);
    x = (x ^ (x >> 15)).wrapping_mul(0x3184_8bab);
    x ^ (x >> 14)
}

/// Random word of a counter. The second key enters between two rounds, so that streams are not shifts of one another.
#[inline(always)]
fn word(counter: u32, k0: u32, k1: u32) -> u32 {
    triple32(triple32(counter.wrapping_add(k0)) ^ k1)
}

#[inline(always)]
fn unit(word: u32) -> f32 {
    (word >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn uniforms((k0, k1): (u32, u32), first: u32, out: &mut [f32]) {
    for (l, u) in out.iter_mut().enumerate() {
        *u = unit(word(first.wrapping_add(l as u32), k0, k1));
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn normals((k0, k1): (u32, u32), first: u32, out: &mut [f32]) {
    let mut counter = first;
    let mut blocks = out.chunks_exact_mut(BLOCK);
    for block in &mut blocks {
        let values = normal_block(counter, k0, k1);
        block.copy_from_slice(&values);
        counter = counter.wrapping_add(BLOCK as u32);
    }
    let rest = blocks.into_remainder();
    if !rest.is_empty() {
        let values = normal_block(counter, k0, k1);
        let n = rest.len();
        rest.copy_from_slice(&values[..n]);
    }
}

#[inline(always)]
fn normal_block(counter: u32, k0: u32, k1: u32) -> [f32; BLOCK] {
    let mut block = [0.0; BLOCK];
    for l in 0..HALF {
        let radius_word = word(counter.wrapping_add(l as u32), k0, k1);
        let angle_word = word(counter.wrapping_add((l + HALF) as u32), k0, k1);
        // 0 < u < 1 in steps of 2^-31; rounding may give 1, whose logarithm is 0.
        let u = ((radius_word >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0);
        let radius = (-2.0 * ln(u)).sqrt();
        // An angle within an eighth of a turn to both sides; two other bits choose the quarter.
        let t = ((angle_word & 0x00ff_ffff) as i32 as f32 - 8_388_607.5) * (std::f32::consts::FRAC_PI_4 / 8_388_608.0);
        let (sin, cos) = sin_cos_eighth(t);
        let cos = if angle_word & 0x8000_0000 != 0 { -cos } else { cos };
        let swap = angle_word & 0x4000_0000 != 0;
        block[l] = radius * if swap { sin } else { cos };
        block[l + HALF] = radius * if swap { cos } else { sin };
    }
    block
}

/// Natural logarithm of `0 < x <= 1`, relative error about 1e-7.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let f = mantissa - 1.0;
    let z = f * f;
    let mut p = 7.037_683_6e-2;
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
        p = p * f + c;
    }
    let e = exponent as f32;
    // ln 2 in two parts, so that the product with the exponent is exact in its leading one.
    let low = p * f * z + e * -2.121_944_4e-4 - 0.5 * z;
    f + low + e * 0.693_359_4
}

/// Sine and cosine of `|t| <= pi/4`.
#[inline(always)]
fn sin_cos_eighth(t: f32) -> (f32, f32) {
    let z = t * t;
    let sin = ((-1.951_529_6e-4 * z + 8.332_161e-3) * z - 1.666_665_5e-1) * z * t + t;
    let cos = ((2.443_315_7e-5 * z - 1.388_731_6e-3) * z + 4.166_664_6e-2) * z * z - 0.5 * z + 1.0;
    (sin, cos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_angles_are_those_of_the_library() {
        for i in 1..=100_000u32 {
            let x = i as f32 / 100_000.0;
            let (got, want) = (f64::from(ln(x)), libm::log(f64::from(x)));
            assert!((got - want).abs() <= 2e-7 * want.abs().max(0.1), "ln {x}: {got} {want}");
            let t = (x - 0.5) * std::f32::consts::FRAC_PI_2;
            let (s, c) = sin_cos_eighth(t);
            assert!((f64::from(s) - libm::sin(f64::from(t))).abs() < 1e-7);
            assert!((f64::from(c) - libm::cos(f64::from(t))).abs() < 1e-7);
        }
    }

    #[test]
    fn a_row_and_its_cells_agree() {
        let noise = Noise::new(7, 2);
        for len in [1, 15, 16, 17, 100] {
            let (mut n, mut u) = (vec![0.0; len], vec![0.0; len]);
            noise.normals(Stream::CycleToCycle, 99, 3, &mut n);
            noise.uniforms(Stream::CycleToCycle, 99, 3, &mut u);
            for col in 0..len {
                assert_eq!(n[col].to_bits(), noise.normal(Stream::CycleToCycle, 99, 3, col).to_bits());
                assert_eq!(u[col].to_bits(), noise.uniform(Stream::CycleToCycle, 99, 3, col).to_bits());
            }
        }
    }

    /// Bits that a change of the arithmetic, or of the machine, would change.
    #[test]
    fn the_bits_are_fixed() {
        let noise = Noise::new(1, 0);
        let mut n = [0.0f32; 64];
        noise.normals(Stream::CycleToCycle, 5, 1, &mut n);
        let digest = n.iter().fold(0u64, |h, v| mix64(h ^ u64::from(v.to_bits())));
        assert_eq!(digest, 0x5a48_0ab0_9342_df95, "{digest:#x}");
    }

    /// Moments, tails and independence of a million numbers: a bound of five standard errors each.
    #[test]
    fn normal_numbers_are_normal() {
        const ROWS: usize = 1000;
        const COLS: usize = 1000;
        let noise = Noise::new(3, 1);
        let mut all = Vec::new();
        let mut row = vec![0.0; COLS];
        for m in 0..ROWS {
            noise.normals(Stream::CycleToCycle, 17, m, &mut row);
            all.extend(row.iter().map(|&v| f64::from(v)));
        }
        let n = all.len() as f64;
        let moment = |k: i32| all.iter().map(|v| v.powi(k)).sum::<f64>() / n;
        for (k, want, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let error = (moment(k) - want) / (variance / n).sqrt();
            assert!(error.abs() < 5.0, "moment {k}: {error} standard errors");
        }
        for (limit, tail) in [(1.0, 0.317_310_5), (2.0, 0.045_500_3), (3.0, 2.699_8e-3), (4.0, 6.334e-5)] {
            let share = all.iter().filter(|v| v.abs() > limit).count() as f64 / n;
            let error = (share - tail) / (tail / n).sqrt();
            assert!(error.abs() < 5.0, "beyond {limit}: {share} {tail}");
        }
        let correlation =
            |step: usize| all.iter().zip(&all[step..]).map(|(a, b)| a * b).sum::<f64>() / (n - step as f64);
        for step in [1, 2, 8, 16, COLS, COLS + 1] {
            assert!(correlation(step).abs() < 5.0 / n.sqrt(), "step {step}: {}", correlation(step));
        }
    }

    #[test]
    fn operations_streams_arrays_and_seeds_are_independent() {
        let draw = |seed, array, stream, op| {
            let mut out = vec![0.0; 20_000];
            Noise::new(seed, array).normals(stream, op, 0, &mut out);
            out
        };
        let base = draw(1, 0, Stream::Read, 0);
        let others = [
            draw(2, 0, Stream::Read, 0),
            draw(1, 1, Stream::Read, 0),
            draw(1, 0, Stream::CycleToCycle, 0),
            draw(1, 0, Stream::Read, 1),
            draw(1, 0, Stream::Read, 2),
        ];
        for other in &others {
            let sum: f32 = base.iter().zip(other).map(|(a, b)| a * b).sum();
            assert!(sum.abs() < 5.0 * (20_000f32).sqrt(), "{sum}");
        }
    }
}
