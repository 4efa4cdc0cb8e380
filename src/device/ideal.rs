//! The `ideal` device: an integer state per cell that moves by exactly code times width.
//!
//! Every sum is exact. Where the codes at hand prove that 32-bit sums cannot overflow, they are used: vector units are twice as fast with
//! them, and have no 64-bit product of their own. Both ways give the same integers.

use multiversion::multiversion;

use crate::fixed;

/// State s is a signed integer of `state_bits`; a write adds `round(x * width / 2^write_shift)` and saturates symmetrically.
#[derive(Debug, Clone)]
pub struct Ideal {
    cols: usize,
    max: i32,
    half: i64,
    write_shift: u32,
    states: Vec<i32>,
}

impl Ideal {
    /// All states zero.
    pub fn new(rows: usize, cols: usize, state_bits: u32, write_shift: u32) -> Self {
        let half = if write_shift == 0 { 0 } else { 1i64 << (write_shift - 1) };
        Ideal { cols, max: fixed::max_code(state_bits) as i32, half, write_shift, states: vec![0; rows * cols] }
    }

    /// Forward read: drives the rows with `x` (one code per row) and senses every column: `out[n] = sum_m x[m] s[m][n]`.
    pub fn read_columns(&self, x: &[i32], out: &mut [i64]) {
        match self.products(x) {
            0 => columns_wide(&self.states, self.cols, x, out),
            products => columns_narrow(&self.states, self.cols, x, products, out),
        }
    }

    /// Transposed read: drives the columns with `u` and senses the first `out.len()` rows: `out[m] = sum_n u[n] s[m][n]`.
    pub fn read_rows(&self, u: &[i32], out: &mut [i64]) {
        rows(&self.states, self.cols, u, out);
    }

    /// Rank-1 write: row codes `x`, signed pulse widths (one per column, sign = polarity). All cells change at once.
    pub fn write(&mut self, x: &[i32], pulses: &[i32]) {
        let largest = i64::from(largest(x)) * i64::from(largest(pulses)) + self.half;
        let moved = (largest >> self.write_shift) + i64::from(self.max);
        if largest.max(moved) <= i64::from(i32::MAX) {
            write_narrow(&mut self.states, self.cols, x, pulses, (self.half as i32, self.write_shift, self.max));
        } else {
            write_wide(&mut self.states, self.cols, x, pulses, (self.half, self.write_shift, self.max.into()));
        }
    }

    /// Moves every cell by a number of states of its own, row-major.
    pub fn add(&mut self, steps: impl Iterator<Item = i64>) {
        let max = i64::from(self.max);
        for (s, step) in self.states.iter_mut().zip(steps) {
            *s = (i64::from(*s) + step).clamp(-max, max) as i32;
        }
    }

    /// Cell states, row-major, `rows * cols`.
    pub fn states(&self) -> &[i32] {
        &self.states
    }

    /// Sets all cell states, row-major; values outside the device's range saturate.
    pub fn load(&mut self, states: &[i32]) {
        for (s, &v) in self.states.iter_mut().zip(states) {
            *s = v.clamp(-self.max, self.max);
        }
    }

    /// How many products of these codes with states surely fit into a sum of 32 bits.
    fn products(&self, codes: &[i32]) -> usize {
        let product = u64::from(largest(codes)) * u64::from(self.max.unsigned_abs());
        // No sum is longer than an array has lines.
        (i32::MAX as u64 / product.max(1)).min(1 << 20) as usize
    }
}

fn largest(codes: &[i32]) -> u32 {
    codes.iter().map(|code| code.unsigned_abs()).max().unwrap_or(0)
}

/// Columns summed at a time; their 32-bit sums stay in the first cache.
const TILE: usize = 256;

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn columns_narrow(states: &[i32], cols: usize, x: &[i32], products: usize, out: &mut [i64]) {
    let mut sums = [0i32; TILE];
    for (tile, out) in out.chunks_mut(TILE).enumerate() {
        let (first, sums) = (tile * TILE, &mut sums[..out.len()]);
        out.fill(0);
        for (x, rows) in x.chunks(products).zip(states.chunks(products * cols)) {
            sums.fill(0);
            for (&x, row) in x.iter().zip(rows.chunks_exact(cols)) {
                if x != 0 {
                    for (sum, &s) in sums.iter_mut().zip(&row[first..]) {
                        *sum += x * s;
                    }
                }
            }
            for (out, &sum) in out.iter_mut().zip(&*sums) {
                *out += i64::from(sum);
            }
        }
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn columns_wide(states: &[i32], cols: usize, x: &[i32], out: &mut [i64]) {
    out.fill(0);
    for (&x, row) in x.iter().zip(states.chunks_exact(cols)) {
        if x != 0 {
            for (sum, &s) in out.iter_mut().zip(row) {
                *sum += i64::from(x) * i64::from(s);
            }
        }
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn rows(states: &[i32], cols: usize, u: &[i32], out: &mut [i64]) {
    for (out, row) in out.iter_mut().zip(states.chunks_exact(cols)) {
        *out = u.iter().zip(row).map(|(&u, &s)| i64::from(u) * i64::from(s)).sum();
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn write_narrow(states: &mut [i32], cols: usize, x: &[i32], pulses: &[i32], (half, shift, max): (i32, u32, i32)) {
    for (&x, row) in x.iter().zip(states.chunks_exact_mut(cols)) {
        if x != 0 {
            for (s, &p) in row.iter_mut().zip(pulses) {
                *s = (*s + ((x * p + half) >> shift)).min(max).max(-max);
            }
        }
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl+avx512dq+avx512bw", "aarch64+neon"))]
fn write_wide(states: &mut [i32], cols: usize, x: &[i32], pulses: &[i32], (half, shift, max): (i64, u32, i64)) {
    for (&x, row) in x.iter().zip(states.chunks_exact_mut(cols)) {
        if x != 0 {
            for (s, &p) in row.iter_mut().zip(pulses) {
                let step = (i64::from(x) * i64::from(p) + half) >> shift;
                *s = (i64::from(*s) + step).clamp(-max, max) as i32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_are_dot_products_in_both_directions() {
        let mut d = Ideal::new(2, 3, 12, 0);
        d.load(&[1, 2, 3, 4, 5, 6]);
        let mut cols = [0; 3];
        d.read_columns(&[10, -1], &mut cols);
        assert_eq!(cols, [6, 15, 24]);
        let mut rows = [0; 2];
        d.read_rows(&[1, 0, -1], &mut rows);
        assert_eq!(rows, [-2, -2]);
    }

    #[test]
    fn write_rounds_half_up_and_saturates() {
        let mut d = Ideal::new(1, 4, 8, 2);
        d.load(&[0, 0, 126, -126]);
        d.write(&[1], &[2, -2, 40, -40]);
        // 2/4 = 0.5 -> 1, -2/4 = -0.5 -> 0; +-10 saturates at +-127.
        assert_eq!(d.states(), [1, 0, 127, -127]);
    }

    /// What the kernels must give, in 128 bits, which nothing here can overflow.
    struct Plain {
        cols: usize,
        max: i128,
        shift: u32,
        states: Vec<i128>,
    }

    impl Plain {
        fn columns(&self, x: &[i32]) -> Vec<i64> {
            (0..self.cols)
                .map(|n| {
                    x.iter().enumerate().map(|(m, &x)| i128::from(x) * self.states[m * self.cols + n]).sum::<i128>()
                        as i64
                })
                .collect()
        }

        fn rows(&self, u: &[i32]) -> Vec<i64> {
            let row = |row: &[i128]| u.iter().zip(row).map(|(&u, s)| i128::from(u) * s).sum::<i128>() as i64;
            self.states.chunks(self.cols).map(row).collect()
        }

        fn write(&mut self, x: &[i32], pulses: &[i32]) {
            for (i, s) in self.states.iter_mut().enumerate() {
                let product = i128::from(x[i / self.cols]) * i128::from(pulses[i % self.cols]);
                let step = if self.shift == 0 { product } else { (product + (1 << (self.shift - 1))) >> self.shift };
                *s = (*s + step).clamp(-self.max, self.max);
            }
        }
    }

    /// Codes of up to `bits` bits with sign, the extremes and zeros often.
    fn codes(bits: u32, len: usize) -> impl Strategy<Value = Vec<i32>> {
        let max = (1i32 << (bits - 1)) - 1;
        prop::collection::vec(prop_oneof![Just(max), Just(-max), Just(0), -max..=max], len)
    }

    fn case() -> impl Strategy<Value = (u32, u32, usize, Vec<i32>, [Vec<i32>; 3])> {
        (4u32..=32, 0u32..=40, 2u32..=12, 2u32..=13, 1usize..70, prop_oneof![1usize..40, 250usize..300]).prop_flat_map(
            |(state, shift, code, width, rows, cols)| {
                let max = fixed::max_code(state) as i32;
                let cells = prop::collection::vec(prop_oneof![Just(max), Just(-max), -max..=max], rows * cols);
                let vectors = (codes(code, rows), codes(width, cols), codes(code, cols));
                (Just(state), Just(shift), Just(cols), cells, vectors.prop_map(|(x, p, u)| [x, p, u]))
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn all_widths_give_exact_integers((state, shift, cols, cells, [x, pulses, u]) in case()) {
            let mut device = Ideal::new(x.len(), cols, state, shift);
            device.load(&cells);
            let mut plain = Plain {
                cols,
                max: i128::from(fixed::max_code(state)),
                shift,
                states: cells.iter().map(|&s| s.into()).collect(),
            };
            for _ in 0..3 {
                let (mut forward, mut back) = (vec![7; cols], vec![7; x.len()]);
                device.read_columns(&x, &mut forward);
                device.read_rows(&u, &mut back);
                prop_assert_eq!(forward, plain.columns(&x));
                prop_assert_eq!(back, plain.rows(&u));
                device.write(&x, &pulses);
                plain.write(&x, &pulses);
                let states: Vec<i128> = device.states().iter().map(|&s| s.into()).collect();
                prop_assert_eq!(&states, &plain.states);
            }
        }

        /// The exact 64-bit way and the 32-bit way, where the latter may be taken.
        #[test]
        fn narrow_and_wide_agree((state, shift, cols, cells, [x, pulses, _]) in case()) {
            let (state, shift) = (state.min(20), shift.min(12));
            let mut device = Ideal::new(x.len(), cols, state, shift);
            device.load(&cells);
            let products = device.products(&x);
            prop_assume!(products > 0);
            let (mut narrow, mut wide) = (vec![1; cols], vec![2; cols]);
            columns_narrow(&device.states, cols, &x, products, &mut narrow);
            columns_wide(&device.states, cols, &x, &mut wide);
            prop_assert_eq!(narrow, wide);
            let (mut narrow, mut wide) = (device.states.clone(), device.states.clone());
            write_narrow(&mut narrow, cols, &x, &pulses, (device.half as i32, shift, device.max));
            write_wide(&mut wide, cols, &x, &pulses, (device.half, shift, device.max.into()));
            prop_assert_eq!(narrow, wide);
        }
    }
}
