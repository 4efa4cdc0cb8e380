//! Convolutions between image and array: windows that are read, maps that are pooled, and the way of an error back to its windows.

use crate::fixed;
use crate::spec::{Conv, Pooling};

/// Row codes of the kernel's window at a position, bias included, appended to `rows`. `image`: all words.
pub fn window(conv: &Conv, image: &[i32], position: usize, bias: i32, rows: &mut Vec<i32>) {
    rows.extend(conv.words(position).map(|word| image[word]));
    rows.push(bias);
}

/// From the ADC codes of all positions, `positions x channels`, to those of the pooled map, `pixels x channels`, before the activation.
/// `winners` takes for each of these which place of its window it is from; of a mean it stays empty.
pub fn pool(conv: &Conv, channels: usize, reads: &[i32], pooled: &mut Vec<i32>, winners: &mut Vec<u32>) {
    pooled.clear();
    winners.clear();
    for window in reads.chunks_exact(conv.elements() * channels) {
        for channel in 0..channels {
            let codes = window.iter().skip(channel).step_by(channels);
            match conv.pooling {
                Pooling::Average => {
                    let sum: i64 = codes.map(|&code| i64::from(code)).sum();
                    pooled.push(fixed::round_shift(sum, conv.mean_bits()) as i32);
                }
                Pooling::Max => {
                    // The first of equal ones.
                    let (mut winner, mut most) = (0, i32::MIN);
                    for (place, &code) in codes.enumerate() {
                        if code > most {
                            (winner, most) = (place as u32, code);
                        }
                    }
                    pooled.push(most);
                    winners.push(winner);
                }
            }
        }
    }
}

/// y of one position, one word per channel, from that of the pooled map: of the largest only its winner has a share. A mean has handed
/// the divisor on with its slope.
pub fn error_at(conv: &Conv, channels: usize, position: usize, map: &[i32], winners: &[u32], y: &mut Vec<i32>) {
    let (pixel, element) = (position / conv.elements(), (position % conv.elements()) as u32);
    let words = pixel * channels..(pixel + 1) * channels;
    y.clear();
    match conv.pooling {
        Pooling::Average => y.extend_from_slice(&map[words]),
        Pooling::Max => {
            let shares = map[words.clone()].iter().zip(&winners[words]);
            y.extend(shares.map(|(&word, &winner)| if winner == element { word } else { 0 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Map;

    fn conv(pool: usize, pooling: Pooling) -> Conv {
        Conv { input: Map { height: 6, width: 4, channels: 2 }, kernel: 3, stride: 1, pool, pooling }
    }

    #[test]
    fn windows_hold_the_pixels_under_the_kernel() {
        let conv = conv(2, Pooling::Max);
        assert_eq!((conv.pixels(), conv.positions(), conv.window()), (2, 8, 18));
        // Words that say where they stand: line, pixel, channel.
        let image: Vec<i32> =
            (0..6).flat_map(|y| (0..4).flat_map(move |x| (0..2).map(move |c| 100 * y + 10 * x + c))).collect();
        let mut rows = Vec::new();
        // The second pixel of the pooled map is below the first; its window's last place is one line and one pixel further.
        window(&conv, &image, 7, 127, &mut rows);
        assert_eq!(rows.len(), 19);
        assert_eq!(rows[..7], [310, 311, 320, 321, 330, 331, 410]);
        assert_eq!(rows[17..], [531, 127]);
    }

    #[test]
    fn the_first_of_the_largest_wins() {
        let conv = conv(2, Pooling::Max);
        // Two channels, four places of a window, two windows.
        let reads = [1, -9, 5, -8, 5, -7, 4, -6, -128, 3, -128, 3, -128, 3, -128, 3];
        let (mut pooled, mut winners, mut y) = (Vec::new(), Vec::new(), Vec::new());
        pool(&conv, 2, &reads, &mut pooled, &mut winners);
        assert_eq!(pooled, [5, -6, -128, 3]);
        assert_eq!(winners, [1, 3, 0, 0]);
        let map = [10, 20, 30, 40];
        let all: Vec<Vec<i32>> = (0..8)
            .map(|position| {
                error_at(&conv, 2, position, &map, &winners, &mut y);
                y.clone()
            })
            .collect();
        assert_eq!(all, [[0, 0], [10, 0], [0, 0], [0, 20], [30, 40], [0, 0], [0, 0], [0, 0]].map(Vec::from));
    }

    #[test]
    fn means_round_half_up() {
        let conv = conv(2, Pooling::Average);
        let reads = [1, -1, 2, -2, 3, -3, 4, -4, 0, 0, 0, 0, 1, -1, 0, 0];
        let (mut pooled, mut winners) = (Vec::new(), Vec::new());
        pool(&conv, 2, &reads, &mut pooled, &mut winners);
        assert_eq!(pooled, [3, -2, 0, 0]);
        assert!(winners.is_empty());
    }
}
