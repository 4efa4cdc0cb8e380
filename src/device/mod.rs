//! Memristor models behind one trait. A model holds the state of every cell of one array.

mod ideal;

pub use ideal::Ideal;

/// The cells of one crossbar of `rows` x `cols` devices.
///
/// Codes and pulse widths are integers as they stand on the array's pins; sums are exact, the analog-to-digital conversion is
/// the crossbar's business ([`crate::array`]).
pub trait Device: Send {
    /// Forward read: drives the rows with `x` (one code per row) and senses every column: `out[n] = sum_m x[m] s[m][n]`.
    fn read_columns(&self, x: &[i32], out: &mut [i64]);

    /// Transposed read: drives the columns with `u` and senses the first `out.len()` rows: `out[m] = sum_n u[n] s[m][n]`.
    fn read_rows(&self, u: &[i32], out: &mut [i64]);

    /// Rank-1 write: row codes `x`, signed pulse widths (one per column, sign = polarity). All cells change at once.
    fn write(&mut self, x: &[i32], pulses: &[i32]);

    /// Cell states, row-major, `rows * cols`.
    fn states(&self) -> &[i32];

    /// Sets all cell states, row-major; values outside the device's range saturate.
    fn load(&mut self, states: &[i32]);
}
