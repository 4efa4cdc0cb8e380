//! Phase-change memory: cumulative SET, abrupt RESET, drift and read noise against their formulas in double precision.

use memrtl::device::pcm::{Pcm, PcmPairs};
use memrtl::device::response::{Parameters, UnitPulse};
use memrtl::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Slot};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIDE: usize = 100;
const CELLS: usize = SIDE * SIDE;

fn pairs(p: &Pcm, seed: u64) -> PcmPairs {
    let geometry = Geometry {
        rows: SIDE,
        cols: SIDE,
        max_code: 127,
        max_width: 255,
        pulse_lsb: 1e-9,
        update_step: p.set.dw_min as f32,
    };
    PcmPairs::new(p, geometry, Noise::new(seed, 0))
}

fn all(cells: &mut PcmPairs, pulses: i32, op: u64) {
    cells.write(Slot { x: &[1; SIDE], widths: &[pulses; SIDE] }, op);
}

/// Devices that are all alike, without noise, RESET to 0.
fn exact() -> Pcm {
    let set =
        Parameters { dw_min_dtod: 0.0, dw_min_std: 0.0, up_down_dtod: 0.0, w_max_dtod: 0.0, ..Pcm::default().set };
    Pcm { set, reset: 0.0, reset_dtod: 0.0, reset_std: 0.0, read_noise: 0.0, ..Pcm::default() }
}

/// State of a device after one more SET pulse.
fn set(p: &Parameters, w: f64, max: f64, step: f64, xi: f64) -> f64 {
    let z = 2.0 * p.exp_a * w / max + p.exp_b;
    let dw = (1.0 - p.a_up * (p.gamma_up * z).exp()).max(0.0) * step;
    let sigma = p.dw_min_std * (dw + p.dw_min_std_add + p.dw_min_std_slope * w);
    (w + dw + sigma * xi).clamp(0.0, max)
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn moments(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |k: i32| values.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
    (mean, central(2).sqrt(), central(4) / central(2).powi(2))
}

#[test]
fn set_pulses_add_up_on_the_device_of_their_sign() {
    let p = exact();
    let mut cells = pairs(&p, 1);
    let (mut plus, mut minus) = (0.0, 0.0);
    for (op, pulses) in [3, -2, 5, -4, 1].into_iter().enumerate() {
        all(&mut cells, pulses, op as u64);
        let state = if pulses > 0 { &mut plus } else { &mut minus };
        for _ in 0..pulses.abs() {
            *state = set(&p.set, *state, p.set.w_max, p.set.dw_min, 0.0);
        }
        assert!((f64::from(cells.weights()[77]) - (plus - minus)).abs() < 1e-5);
        let states = cells.states();
        assert!((f64::from(states[77]) - plus).abs() < 1e-5 && (f64::from(states[CELLS + 77]) - minus).abs() < 1e-5);
    }
}

#[test]
fn mean_and_spread_are_those_of_the_formula() {
    const REFERENCE: usize = 100_000;
    let p = Pcm { read_noise: 0.0, ..Pcm::default() };
    for pulses in [1, 6] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let device = |rng: &mut ChaCha8Rng| {
            let s = &p.set;
            let gain = 1.0 + s.dw_min_dtod * normal(rng);
            let step = (s.dw_min * (gain + s.up_down_dtod * normal(rng))).abs();
            let max = s.w_max * (1.0 + s.w_max_dtod * normal(rng)).abs();
            let other = (p.reset + p.reset_dtod * normal(rng)).max(0.0);
            let mut w = (p.reset + p.reset_dtod * normal(rng)).max(0.0);
            // The noise of all pulses is added after the last, as the model does.
            let mut variance = 0.0;
            for _ in 0..pulses {
                let next = set(s, w, max, step, 0.0);
                variance += (s.dw_min_std * (next - w + s.dw_min_std_add + s.dw_min_std_slope * w)).powi(2);
                w = next;
            }
            (w + variance.sqrt() * normal(rng)).clamp(0.0, max) - other
        };
        let want = moments((0..REFERENCE).map(|_| device(&mut rng)));
        let mut cells = pairs(&p, 9);
        all(&mut cells, pulses, 1);
        let got = moments(cells.weights().iter().map(|&w| f64::from(w)));
        let n = 1.0 / CELLS as f64 + 1.0 / REFERENCE as f64;
        let mean = (got.0 - want.0) / (want.1 * n.sqrt());
        let spread = (got.1 - want.1) / (want.1 * (0.25 * (want.2 - 1.0) * n).sqrt());
        assert!(mean.abs() < 3.0 && spread.abs() < 3.0, "{pulses}: {mean} and {spread} standard errors");
    }
}

#[test]
fn a_reset_is_abrupt_and_a_weak_pulse_does_nothing() {
    let quiet = Parameters { dw_min_std: 0.0, ..Pcm::default().set };
    let p = Pcm { set: quiet, reset_std: 0.005, ..Pcm::default() };
    let mut cells = pairs(&p, 2);
    all(&mut cells, 30, 1);
    let at = |device| CellAddress { device, row: 3, col: 4 };
    let (before, range) = (cells.conductance(at(0)), cells.conductance_range());
    assert!(before > 0.3 * range.1, "{before}");
    cells.pulse(at(0), CellPulse { volts: -0.9 * p.set.down.volts, seconds: 1e-6 }, 2);
    assert_eq!(cells.conductance(at(0)), before);
    let others: Vec<f32> = cells.weights().to_vec();
    cells.pulse(at(0), CellPulse { volts: -p.set.down.volts, seconds: p.set.down.seconds }, 3);
    assert!(cells.conductance(at(0)) < 0.08 * range.1);
    let changed = others.iter().zip(cells.weights()).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1);
    // Back up, one SET pulse after the other.
    let mut last = cells.conductance(at(0));
    for op in 4..12 {
        cells.pulse(at(0), CellPulse { volts: p.set.up.volts, seconds: p.set.up.seconds }, op);
        let now = cells.conductance(at(0));
        assert!(now > last, "{now} {last}");
        last = now;
    }
}

#[test]
fn drift_follows_the_power_law_and_a_pulse_starts_it_anew() {
    let p = Pcm { drift: 1.0, ..exact() };
    let mut cells = pairs(&p, 4);
    cells.program(&vec![1.0; CELLS], 1);
    let programmed = f64::from(cells.weights()[0]);
    let mut twice = pairs(&p, 4);
    twice.program(&vec![1.0; CELLS], 1);
    cells.age(1e6, 2);
    twice.age(1e3, 2);
    twice.age(1e6 - 1e3, 3);
    // ln(w / w0) / ln(t / t0) is minus the exponent of each device.
    let scale = ((20.0 + 1e6) / 20.0_f64).ln();
    let exponents = moments(cells.weights().iter().map(|&w| -(f64::from(w) / programmed).ln() / scale));
    let log = (programmed / p.set.w_max).ln();
    let mean = (-0.0155 * log + 0.0244).clamp(0.049, 0.1);
    let spread = (-0.0125 * log - 0.0059).clamp(0.008, 0.045);
    let n = CELLS as f64;
    assert!((exponents.0 - mean).abs() < 3.0 * spread / n.sqrt(), "{} {mean}", exponents.0);
    assert!((exponents.1 - spread).abs() < 3.0 * spread / (2.0 * n).sqrt(), "{} {spread}", exponents.1);
    for (a, b) in cells.weights().iter().zip(twice.weights()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    // What has been written drifts from its new state, the rest goes on.
    let drifted = cells.weights().to_vec();
    let mut widths = [0; SIDE];
    widths[0] = 1;
    cells.write(Slot { x: &[1; SIDE], widths: &widths }, 4);
    assert!(cells.weights()[0] > drifted[0] && cells.weights()[1] == drifted[1]);
    let moment = cells.states().to_vec();
    cells.age(100.0, 5);
    let loss = |i: usize, before: f32| 1.0 - cells.weights()[i] / before;
    assert!(loss(0, moment[0]) > 20.0 * loss(1, moment[1]), "a fresh device drifts faster than an old one");
    let end = cells.states().to_vec();
    let mut other = pairs(&p, 4);
    other.restore(&moment);
    other.age(100.0, 5);
    assert_eq!(other.states(), end);
    assert_eq!(other.weights(), cells.weights());
}

#[test]
fn read_noise_is_that_of_the_formula() {
    let p = Pcm { read_noise: 1.0, ..exact() };
    let mut cells = pairs(&p, 5);
    assert!(pairs(&exact(), 5).read_sigma().is_none());
    let weights: Vec<f32> = (0..CELLS).map(|i| i as f32 / CELLS as f32 * 3.8 - 1.9).collect();
    cells.program(&weights, 1);
    for seconds in [0.0, 1e5] {
        cells.age(seconds, 2);
        let states = cells.states().to_vec();
        let sigma = cells.read_sigma().expect("noise");
        for i in (0..CELLS).step_by(101) {
            let variance: f64 = [states[i], states[CELLS + i]]
                .iter()
                .map(|&s| {
                    let u = f64::from(s) / p.set.w_max;
                    let q = (0.0088 / u.powf(0.65).max(1e-3)).min(0.2);
                    (u * p.set.w_max * q).powi(2) * ((seconds + 20.0 + 250e-9) / 500e-9).ln()
                })
                .sum();
            let want = variance.sqrt();
            assert!((f64::from(sigma[i]) - want).abs() <= 1e-5 * want, "{} {want}", sigma[i]);
        }
    }
}

#[test]
fn programming_has_the_noise_of_the_formula() {
    let p = Pcm { programming_noise: 1.0, ..exact() };
    let mut cells = pairs(&p, 6);
    cells.program(&vec![0.8; CELLS], 1);
    let got = moments(cells.weights().iter().map(|&w| f64::from(w)));
    let u = 0.8 / p.set.w_max;
    let want = p.set.w_max * (0.26348 + 1.9650 * u - 1.1731 * u * u) / 25.0;
    let n = CELLS as f64;
    assert!((got.0 - 0.8).abs() < 3.0 * want / n.sqrt() && (got.1 - want).abs() < 3.0 * want / (2.0 * n).sqrt());
}

#[test]
fn seeds_make_the_devices() {
    let run = |seed| {
        let mut cells = pairs(&Pcm::default(), seed);
        all(&mut cells, 2, 1);
        all(&mut cells, -2, 2);
        cells.age(10.0, 3);
        all(&mut cells, 1, 4);
        cells.states().to_vec()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let unit = UnitPulse { volts: 1.0, seconds: 50e-9 };
    assert_eq!(Pcm::default().set.up, unit);
}
