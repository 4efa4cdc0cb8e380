//! A layer's weights on a grid of arrays: tiles of at most so many rows and columns that work side by side.

use serde::Serialize;

/// How the `rows` x `cols` cells of a layer (bias row included) lie on tiles. All tiles of a row of the grid have the same rows,
/// all of a column the same columns; the last ones may be smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tiling {
    pub rows: usize,
    pub cols: usize,
    /// Rows and columns of all tiles but the last: whole groups of ADCs where there are several.
    pub tile_rows: usize,
    pub tile_cols: usize,
    /// Devices per weight, each with a grid of its own.
    pub slices: usize,
}

/// One tile and its place in the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Number within the layer, slice by slice, row of the grid by row.
    pub index: usize,
    /// Which of a weight's devices it holds, 0 counts least.
    pub slice: usize,
    /// Place in the grid.
    pub grid: (usize, usize),
    pub first_row: usize,
    pub rows: usize,
    pub first_col: usize,
    pub cols: usize,
    /// Rows that a transposed read converts: all but the bias.
    pub inputs: usize,
}

impl Tiling {
    /// One array that holds all.
    pub fn whole(rows: usize, cols: usize) -> Tiling {
        Tiling { rows, cols, tile_rows: rows, tile_cols: cols, slices: 1 }
    }

    /// As few tiles of at most `most` rows and columns (`None`: any number) as possible, of about the same size: that keeps their
    /// wires short and their work alike. `most` are multiples of `adcs`, so that no group of codes lies on two tiles.
    pub fn new(rows: usize, cols: usize, most: (Option<usize>, Option<usize>), adcs: usize) -> Tiling {
        let share = |lines: usize, most: Option<usize>| match most {
            Some(most) if lines > most => lines.div_ceil(lines.div_ceil(most)).next_multiple_of(adcs),
            _ => lines,
        };
        Tiling { rows, cols, tile_rows: share(rows, most.0), tile_cols: share(cols, most.1), slices: 1 }
    }

    /// Rows and columns of the grid.
    pub fn grid(&self) -> (usize, usize) {
        (self.rows.div_ceil(self.tile_rows), self.cols.div_ceil(self.tile_cols))
    }

    /// Number of tiles.
    pub fn count(&self) -> usize {
        let (rows, cols) = self.grid();
        rows * cols * self.slices
    }

    /// Whether one array holds all.
    pub fn is_single(&self) -> bool {
        self.count() == 1
    }

    /// Tile `index`, counted slice by slice, row of the grid by row.
    pub fn tile(&self, index: usize) -> Tile {
        let (down, across) = self.grid();
        let (slice, place) = (index / (down * across), index % (down * across));
        let (row, col) = (place / across, place % across);
        let (first_row, first_col) = (row * self.tile_rows, col * self.tile_cols);
        let rows = self.tile_rows.min(self.rows - first_row);
        let inputs = rows.min(self.rows - 1 - first_row);
        Tile {
            index,
            slice,
            grid: (row, col),
            first_row,
            rows,
            first_col,
            cols: self.tile_cols.min(self.cols - first_col),
            inputs,
        }
    }

    /// What `tile` is programmed to for the weights `states` of the layer, row-major: of several devices per weight the highest takes all
    /// of it.
    pub fn programmed(&self, tile: &Tile, states: &[i32]) -> Vec<i32> {
        let mut own = tile.cut(states, self.cols);
        if tile.slice + 1 < self.slices {
            own.fill(0);
        }
        own
    }

    /// All tiles in order.
    pub fn tiles(self) -> impl Iterator<Item = Tile> {
        (0..self.count()).map(move |index| self.tile(index))
    }
}

impl Tile {
    /// This tile's cells of a row-major matrix of the layer, which has `across` columns.
    pub fn cut<T: Copy>(&self, layer: &[T], across: usize) -> Vec<T> {
        let rows = layer.chunks_exact(across).skip(self.first_row).take(self.rows);
        rows.flat_map(|row| row[self.first_col..][..self.cols].iter().copied()).collect()
    }

    /// Puts this tile's cells, row-major, in their places of such a matrix.
    pub fn paste<T: Copy>(&self, cells: &[T], layer: &mut [T], across: usize) {
        let rows = layer.chunks_exact_mut(across).skip(self.first_row);
        for (to, from) in rows.zip(cells.chunks_exact(self.cols)) {
            to[self.first_col..][..self.cols].copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_lies_on_one_tile_and_no_tile_is_too_large() {
        for (rows, cols) in [(785, 256), (257, 10), (17, 8), (33, 31), (50, 24), (9, 9), (2, 1)] {
            for most in [8, 16, 24, 32, 128, 1024] {
                for adcs in [1, 2, 8] {
                    let tiling = Tiling::new(rows, cols, (Some(most), Some(most)), adcs);
                    let mut seen = vec![0; rows * cols];
                    for tile in tiling.tiles() {
                        assert!((1..=most).contains(&tile.rows) && (1..=most).contains(&tile.cols), "{tile:?}");
                        let several = tiling.grid();
                        assert!(several.0 == 1 || tile.first_row % adcs == 0, "{tile:?}");
                        assert!(several.1 == 1 || tile.first_col % adcs == 0, "{tile:?}");
                        for row in tile.first_row..tile.first_row + tile.rows {
                            seen[row * cols + tile.first_col..][..tile.cols].iter_mut().for_each(|n| *n += 1);
                        }
                        let last = tile.first_row + tile.rows == rows;
                        assert_eq!(tile.inputs, tile.rows - usize::from(last));
                    }
                    assert!(seen.iter().all(|&n| n == 1), "{tiling:?}");
                }
            }
        }
    }

    #[test]
    fn a_layer_that_fits_is_one_array() {
        let tiling = Tiling::new(65, 32, (Some(128), Some(128)), 8);
        assert_eq!(tiling, Tiling::whole(65, 32));
        assert!(tiling.is_single());
    }

    #[test]
    fn mnist_on_tiles_of_128() {
        let tiling = Tiling::new(785, 256, (Some(128), Some(128)), 8);
        assert_eq!((tiling.grid(), tiling.tile_rows, tiling.tile_cols), ((7, 2), 120, 128));
        assert_eq!(tiling.tile(13).rows, 785 - 720);
        assert_eq!(Tiling::new(257, 10, (Some(128), None), 8).grid(), (3, 1));
    }
}
