//! The `ideal` device: an integer state per cell that moves by exactly code times width.

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
        out.fill(0);
        for (&x, row) in x.iter().zip(self.states.chunks_exact(self.cols)) {
            if x != 0 {
                for (sum, &s) in out.iter_mut().zip(row) {
                    *sum += i64::from(x) * i64::from(s);
                }
            }
        }
    }

    /// Transposed read: drives the columns with `u` and senses the first `out.len()` rows: `out[m] = sum_n u[n] s[m][n]`.
    pub fn read_rows(&self, u: &[i32], out: &mut [i64]) {
        for (sum, row) in out.iter_mut().zip(self.states.chunks_exact(self.cols)) {
            *sum = u.iter().zip(row).map(|(&u, &s)| i64::from(u) * i64::from(s)).sum();
        }
    }

    /// Rank-1 write: row codes `x`, signed pulse widths (one per column, sign = polarity). All cells change at once.
    pub fn write(&mut self, x: &[i32], pulses: &[i32]) {
        let (half, shift, max) = (self.half, self.write_shift, i64::from(self.max));
        for (&x, row) in x.iter().zip(self.states.chunks_exact_mut(self.cols)) {
            if x != 0 {
                for (s, &p) in row.iter_mut().zip(pulses) {
                    let step = (i64::from(x) * i64::from(p) + half) >> shift;
                    *s = (i64::from(*s) + step).clamp(-max, max) as i32;
                }
            }
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
}

#[cfg(test)]
mod tests {
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
}
