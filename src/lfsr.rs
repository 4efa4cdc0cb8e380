//! Linear-feedback shift registers: the random numbers of the generated Verilog, bit for bit.
//!
//! 32 bits, taps 32, 22, 2 and 1 (the polynomial x^32 + x^22 + x^2 + x + 1 is primitive: every state but 0 comes up; P. Alfke, Xilinx
//! XAPP052). A draw takes the register 32 steps further, so that no two draws share a bit; all of it is a network of XORs.

/// Steps between draws.
const LEAP: u32 = 32;

/// A register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lfsr(u32);

impl Lfsr {
    /// Register of `lane` of the generator with this `seed`. Lanes start at different places of one sequence.
    pub fn new(seed: u32, lane: u32) -> Lfsr {
        // 2^32 over the golden ratio: no two of up to 2^32 lanes are alike.
        let state = seed.wrapping_add(lane.wrapping_mul(0x9e37_79b9));
        Lfsr(if state == 0 { 1 } else { state })
    }

    /// The leading `bits` of the register, 1 to 32.
    pub fn draw(self, bits: u32) -> u32 {
        self.0 >> (u32::BITS - bits)
    }

    /// Goes on to the next draw.
    pub fn advance(&mut self) {
        self.0 = self.0.to_be_bytes().iter().zip(&LEAPS).fold(0, |next, (&byte, leaps)| next ^ leaps[byte as usize]);
    }
}

/// Seed of the generator of layer number `layer`: the finaliser of MurmurHash3 (A. Appleby), so that layers have nothing in common.
pub fn seed(layer: usize) -> u32 {
    let mut x = (layer as u32).wrapping_add(1).wrapping_mul(0x9e37_79b9);
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// One step: the register moves to the left.
const fn step(state: u32) -> u32 {
    let feedback = (state >> 31) ^ (state >> 21) ^ (state >> 1) ^ state;
    state << 1 | feedback & 1
}

/// What each byte of a register, the leading one first, gives to the state after [`LEAP`] steps.
static LEAPS: [[u32; 256]; 4] = {
    let mut leaps = [[0; 256]; 4];
    let mut place = 0;
    while place < 4 {
        let mut byte = 0;
        while byte < 256 {
            let mut state = (byte as u32) << (24 - 8 * place);
            let mut steps = 0;
            while steps < LEAP {
                state = step(state);
                steps += 1;
            }
            leaps[place][byte] = state;
            byte += 1;
        }
        place += 1;
    }
    leaps
};

#[cfg(test)]
mod tests {
    use super::*;

    /// State after `steps` steps, by squaring of the linear map.
    fn after(state: u32, mut steps: u64) -> u32 {
        let mut map: [u32; 32] = std::array::from_fn(|bit| step(1 << bit));
        let apply = |map: &[u32; 32], x: u32| (0..32).filter(|bit| x >> bit & 1 == 1).fold(0, |y, bit| y ^ map[bit]);
        let mut state = state;
        while steps > 0 {
            if steps & 1 == 1 {
                state = apply(&map, state);
            }
            map = std::array::from_fn(|bit| apply(&map, map[bit]));
            steps >>= 1;
        }
        state
    }

    /// The order of a step divides 2^32 - 1 and none of its largest divisors.
    #[test]
    fn the_sequence_has_maximal_length() {
        const PERIOD: u64 = (1 << 32) - 1;
        let moved = |steps: u64| (0..32).any(|bit| after(1 << bit, steps) != 1 << bit);
        assert!(!moved(PERIOD));
        for prime in [3, 5, 17, 257, 65_537] {
            assert!(moved(PERIOD / prime), "{prime}");
        }
    }

    #[test]
    fn a_draw_leaps_over_all_bits_of_the_last() {
        for seed in [1, 0x8000_0000, 0xdead_beef, seed(3)] {
            let mut lfsr = Lfsr::new(seed, 0);
            lfsr.advance();
            assert_eq!(lfsr, Lfsr((0..LEAP).fold(seed, |state, _| step(state))));
        }
    }

    #[test]
    fn no_register_stands_still() {
        assert_eq!(Lfsr::new(0, 0), Lfsr(1));
        let seed = 0u32.wrapping_sub(0x9e37_79b9u32.wrapping_mul(5));
        assert_eq!(Lfsr::new(seed, 5), Lfsr(1));
    }

    /// Uniform, and lanes and successive draws independent: bounds of five standard errors.
    #[test]
    fn draws_are_uniform_and_independent() {
        const DRAWS: usize = 100_000;
        let mut lanes: Vec<Lfsr> = (0..8).map(|lane| Lfsr::new(seed(1), lane)).collect();
        let mut rows = Vec::new();
        for _ in 0..DRAWS {
            rows.push(lanes.iter().map(|l| f64::from(l.draw(24)) / 16_777_216.0 - 0.5).collect::<Vec<_>>());
            lanes.iter_mut().for_each(Lfsr::advance);
        }
        let bound = 5.0 / (DRAWS as f64).sqrt();
        let correlation = |a: usize, b: usize, lag: usize| {
            12.0 * (lag..DRAWS).map(|i| rows[i][a] * rows[i - lag][b]).sum::<f64>() / (DRAWS - lag) as f64
        };
        for a in 0..8 {
            let mean = rows.iter().map(|row| row[a]).sum::<f64>() / DRAWS as f64;
            assert!(mean.abs() * 12f64.sqrt() < bound, "{a}: {mean}");
            assert!((correlation(a, a, 0) - 1.0).abs() < bound);
            for (b, lag) in [(a, 1), (a, 2), (a, 8), ((a + 1) % 8, 0), ((a + 1) % 8, 1), ((a + 3) % 8, 0)] {
                assert!(correlation(a, b, lag).abs() < bound, "{a} {b} {lag}: {}", correlation(a, b, lag));
            }
        }
    }
}
