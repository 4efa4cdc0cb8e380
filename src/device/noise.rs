//! Random numbers by counter: what a memristor draws depends on nothing but the seed, the array, the operation and the cell.
//!
//! Two models of one array that see the same operations therefore end in the same state, in whatever order or on however
//! many threads other arrays work. The mixing function is `triple32` (C. Wellons, "hash-prospector") with a key before and one
//! between its rounds; two normal numbers follow from one word by the Box-Muller transform with polynomials that are right to 12
//! parts in a million. All operations are exactly rounded, fused ones included: every machine gets the same bits.

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
/// Normal numbers come in groups: one random word gives number l and number l + 8 of a group.
const HALF: usize = 8;
const GROUP: usize = 2 * HALF;
/// Normal numbers computed side by side.
pub(super) const SPAN: usize = 64;
/// 2^32 over the golden ratio: the angle of a pair is that multiple of the word whose size gives the radius. Multiples of the
/// golden ratio fill a circle evenly from the first few on, so that the few words of a large radius point in all directions.
const GOLDEN: u32 = 0x9e37_79b9;

/// The normal numbers of one operation on one row of cells, for loops that draw them where they need them.
#[derive(Clone, Copy)]
pub(super) struct RowNoise {
    keys: (u32, u32),
    first: u32,
}

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
        normals(self.row(stream, op, row), out);
    }

    /// The numbers of [`Noise::normals`], to be drawn span by span.
    pub(super) fn row(&self, stream: Stream, op: u64, row: usize) -> RowNoise {
        RowNoise { keys: self.keys(stream, op), first: (row as u32) << ROW_SHIFT }
    }

    /// Fills `out` with numbers uniform in `0 <= u < 1`, steps of 2^-24, for the cells `(row, 0..out.len())`.
    pub fn uniforms(&self, stream: Stream, op: u64, row: usize, out: &mut [f32]) {
        uniforms(self.keys(stream, op), (row as u32) << ROW_SHIFT, out);
    }

    /// The number that [`Noise::normals`] gives cell `(row, col)`.
    pub fn normal(&self, stream: Stream, op: u64, row: usize, col: usize) -> f32 {
        let mut group = [0.0; GROUP];
        let mut numbers = self.row(stream, op, row);
        numbers.first += (col / GROUP * HALF) as u32;
        normals(numbers, &mut group);
        group[col % GROUP]
    }

    /// The number that [`Noise::uniforms`] gives cell `(row, col)`.
    pub fn uniform(&self, stream: Stream, op: u64, row: usize, col: usize) -> f32 {
        unit(mixed(((row as u32) << ROW_SHIFT) + col as u32, self.keys(stream, op)))
    }
}

/// Finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix64(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Random word of a counter. The second key enters between the rounds, so that streams are not shifts of one another.
#[inline(always)]
fn mixed(counter: u32, (k0, k1): (u32, u32)) -> u32 {
    let mut x = counter.wrapping_add(k0);
    x = (x ^ (x >> 17)).wrapping_mul(0xed5a_d4bb).wrapping_add(k1);
    x = (x ^ (x >> 11)).wrapping_mul(0xac4c_1b51);
    x = (x ^ (x >> 15)).wrapping_mul(0x3184_8bab);
    x ^ (x >> 14)
}

#[inline(always)]
fn unit(word: u32) -> f32 {
    (word >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn uniforms(keys: (u32, u32), first: u32, out: &mut [f32]) {
    for (l, u) in out.iter_mut().enumerate() {
        *u = unit(mixed(first.wrapping_add(l as u32), keys));
    }
}

#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx512f+avx512vl+avx512dq+avx512bw+fma", "aarch64+neon"))]
fn normals(row: RowNoise, out: &mut [f32]) {
    let (spans, rest) = out.as_chunks_mut::<SPAN>();
    let whole = spans.len();
    for (index, span) in spans.iter_mut().enumerate() {
        row.span(index, SPAN, span);
    }
    if !rest.is_empty() {
        let mut span = [0.0; SPAN];
        row.span(whole, rest.len(), &mut span);
        rest.copy_from_slice(&span[..rest.len()]);
    }
}

impl RowNoise {
    /// The first `n` numbers of span `index` of the row, at least.
    #[inline(always)]
    pub fn span(self, index: usize, n: usize, out: &mut [f32; SPAN]) {
        let pairs = n.min(SPAN).div_ceil(GROUP) * HALF;
        let counter = self.first.wrapping_add((index * SPAN / 2) as u32);
        // One step at a time for many numbers: a processor overlaps short chains of operations, but not long ones.
        let mut words = [0u32; SPAN / 2];
        let (mut low, mut high) = ([0f32; SPAN / 2], [0f32; SPAN / 2]);
        for (l, word) in (0u32..).zip(&mut words[..pairs]) {
            *word = mixed(counter.wrapping_add(l), self.keys);
        }
        for l in 0..pairs {
            // 0 < u < 1 in steps of 2^-31; rounding may give 1, whose logarithm is 0.
            let u = ((words[l] >> 1) as i32 as f32).mul_add(1.0 / 2_147_483_648.0, 0.5 / 2_147_483_648.0);
            low[l] = minus_two_ln(u).sqrt();
        }
        for l in 0..pairs {
            // An angle within an eighth of a turn to both sides; the two leading bits choose the quarter.
            let angle = words[l].wrapping_mul(GOLDEN);
            let t = (angle << 2) as i32 as f32 * (std::f32::consts::FRAC_PI_4 / 2_147_483_648.0);
            let (sin, cos) = sin_cos_eighth(t);
            let cos = f32::from_bits(cos.to_bits() ^ (angle & 0x8000_0000));
            let swap = ((angle << 1) as i32) < 0;
            let radius = low[l];
            low[l] = radius * if swap { sin } else { cos };
            high[l] = radius * if swap { cos } else { sin };
        }
        let ((low, _), (high, _)) = (low.as_chunks::<HALF>(), high.as_chunks::<HALF>());
        for (group, (low, high)) in out.as_chunks_mut::<GROUP>().0.iter_mut().zip(low.iter().zip(high)) {
            group[..HALF].copy_from_slice(low);
            group[HALF..].copy_from_slice(high);
        }
    }
}

/// `-2 ln x` of `0 < x <= 1`, relative error below 1e-5 (minimax polynomial, by Lawson's algorithm).
#[inline(always)]
fn minus_two_ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    // The exponent where it stands in the bits, 23 places up.
    let exponent = bits.wrapping_sub(SQRT_HALF) & 0xff80_0000;
    let f = f32::from_bits(bits.wrapping_sub(exponent)) - 1.0;
    let mut p: f32 = 0.285_841_52;
    for c in [-0.441_118_87, 0.508_065_4, -0.665_160_5, 0.999_804_4, -2.000_009_f32] {
        p = p.mul_add(f, c);
    }
    p.mul_add(f, exponent as i32 as f32 * (-2.0 * std::f32::consts::LN_2 / 8_388_608.0))
}

/// Sine and cosine of `|t| <= pi/4`, relative error below 1.3e-5 (minimax polynomials).
#[inline(always)]
fn sin_cos_eighth(t: f32) -> (f32, f32) {
    let z = t * t;
    let sin = 8.150_062_5e-3_f32.mul_add(z, -0.166_623_83).mul_add(z, 0.999_998_5) * t;
    let cos = 4.036_233_6e-2_f32.mul_add(z, -0.499_685_53).mul_add(z, 0.999_988_2);
    (sin, cos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_angles_are_those_of_the_library() {
        for i in 1..=100_000u32 {
            let x = i as f32 / 100_000.0;
            let (got, want) = (f64::from(minus_two_ln(x)), -2.0 * libm::log(f64::from(x)));
            assert!((got - want).abs() <= 1e-5 * want, "ln {x}: {got} {want}");
            let t = (x - 0.5) * std::f32::consts::FRAC_PI_2;
            let (s, c) = sin_cos_eighth(t);
            let (sin, cos) = (libm::sin(f64::from(t)), libm::cos(f64::from(t)));
            assert!((f64::from(s) - sin).abs() <= 2e-6 * sin.abs(), "sin {t}");
            assert!((f64::from(c) - cos).abs() <= 1.3e-5 * cos, "cos {t}");
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
        assert_eq!(digest, 0xd140_5abe_5aa8_f478, "{digest:#x}");
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
