//! Seeded choices: which samples are for testing, and in which order an epoch visits the others.
//!
//! Everything derives from ChaCha8 with a key that spells out seed, purpose and epoch, and from the shuffle below rather
//! than a library's: an update of a dependency must not change which samples a recorded run used.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Purpose of a random stream, part of its key: streams of one seed must not repeat each other.
#[derive(Clone, Copy)]
enum Stream {
    Split = 1,
    Epoch = 2,
}

/// Order in which epoch `epoch` (from 0) visits `n` training samples: a permutation of `0..n`.
pub fn epoch_order(seed: u64, epoch: u64, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, &mut stream(seed, Stream::Epoch, epoch));
    order
}

/// Indices of the training and of the test samples, both ascending. The test set holds `ceil(fraction * n)` samples; the
/// classes share them by largest remainder.
pub(super) fn stratify(labels: &[u16], classes: usize, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut members = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        members[usize::from(label)].push(index);
    }
    let quotas = quotas(&members.iter().map(Vec::len).collect::<Vec<_>>(), fraction);

    let mut rng = stream(seed, Stream::Split, 0);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (mut indices, quota) in members.into_iter().zip(quotas) {
        shuffle(&mut indices, &mut rng);
        test.extend_from_slice(&indices[..quota]);
        train.extend_from_slice(&indices[quota..]);
    }
    train.sort_unstable();
    test.sort_unstable();
    (train, test)
}

/// Test samples of each class: the whole part of its share, and one more for the classes with the largest remainders
/// (the lower class number first) until the total is reached.
fn quotas(counts: &[usize], fraction: f64) -> Vec<usize> {
    // 0.2 * 1795 is 359.00000000000006 in binary: without the margin one sample too many would be taken.
    let total = (counts.iter().sum::<usize>() as f64 * fraction - 1e-9).ceil() as usize;
    let shares: Vec<f64> = counts.iter().map(|&n| n as f64 * fraction).collect();
    let mut quotas: Vec<usize> = shares.iter().map(|share| share.floor() as usize).collect();

    let mut by_remainder: Vec<usize> = (0..counts.len()).filter(|&class| quotas[class] < counts[class]).collect();
    by_remainder.sort_by(|&a, &b| shares[b].fract().total_cmp(&shares[a].fract()).then(a.cmp(&b)));
    let missing = total.saturating_sub(quotas.iter().sum());
    for &class in by_remainder.iter().take(missing) {
        quotas[class] += 1;
    }
    quotas
}

fn stream(seed: u64, purpose: Stream, epoch: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&epoch.to_le_bytes());
    key[16] = purpose as u8;
    ChaCha8Rng::from_seed(key)
}

/// Fisher-Yates from the back.
fn shuffle(items: &mut [usize], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, rng) as usize);
    }
}

/// Uniform in `0..bound`: draws from the incomplete last stretch of the 64-bit range are rejected.
fn below(bound: u64, rng: &mut impl Rng) -> u64 {
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let draw = rng.next_u64();
        if draw < limit {
            return draw % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of an independent ChaCha8 and shuffle, written in Python.
    #[test]
    fn the_order_is_pinned() {
        assert_eq!(epoch_order(1, 0, 10), [3, 8, 4, 0, 2, 6, 5, 7, 1, 9]);
        assert_eq!(epoch_order(1, 1, 10), [5, 8, 3, 2, 4, 9, 7, 1, 0, 6]);
        assert_eq!(epoch_order(2, 0, 10), [6, 9, 1, 7, 3, 4, 5, 8, 2, 0]);
    }

    #[test]
    fn an_order_visits_every_sample_once() {
        for n in [0, 1, 2, 1437] {
            let mut order = epoch_order(7, 3, n);
            order.sort_unstable();
            assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_place_is_equally_likely() {
        // 6,000 shuffles of 6: each item at each place 1,000 times, standard deviation 29.
        let mut counts = [[0i32; 6]; 6];
        for epoch in 0..6000 {
            for (place, item) in epoch_order(1, epoch, 6).into_iter().enumerate() {
                counts[place][item] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (count - 1000).abs() < 145), "{counts:?}");
    }

    #[test]
    fn quotas_add_up_to_the_rounded_share() {
        assert_eq!(quotas(&[10, 10], 0.2), [2, 2]);
        // 11 * 0.2 = 2.2 rounds up; 0.6 and 0.6 remain, the lower class comes first.
        assert_eq!(quotas(&[3, 3, 5], 0.2), [1, 1, 1]);
        assert_eq!(quotas(&[1795], 0.2), [359]);
        assert_eq!(quotas(&[0, 1], 0.5), [0, 1]);
    }
}
