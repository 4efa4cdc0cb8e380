//! Pulse-response models against independent double-precision loops over single pulses, one device at a time.

use memrtl::device::response::{self, CycleNoise, Law, Parameters, Preset, Signed, Spread};
use memrtl::device::{CellAddress, CellPulse, Geometry, Memristors, Noise, Slot};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIDE: usize = 100;

/// 10,000 cells; a row code of 1 and a pulse of width 1 are one unit pulse.
fn geometry(p: &Parameters) -> Geometry {
    Geometry {
        rows: SIDE,
        cols: SIDE,
        max_code: 127,
        max_width: 255,
        pulse_lsb: 1e-9,
        update_step: p.unit_step() as f32,
    }
}

fn array(p: &Parameters, seed: u64) -> Box<dyn Memristors> {
    response::array(p, geometry(p), Noise::new(seed, 0))
}

/// One slot of the same `pulses` (signed) on all cells.
fn all(cells: &mut dyn Memristors, pulses: i32, op: u64) {
    cells.write(Slot { x: &[1; SIDE], widths: &[pulses; SIDE] }, op);
}

/// The same parameters without any randomness.
fn exact(p: &Parameters) -> Parameters {
    Parameters {
        dw_min_dtod: 0.0,
        dw_min_std: 0.0,
        up_down_dtod: 0.0,
        w_max_dtod: 0.0,
        w_min_dtod: 0.0,
        write_noise_std: 0.0,
        gamma_up_dtod: 0.0,
        gamma_down_dtod: 0.0,
        reference_std: 0.0,
        pow_gamma_dtod: 0.0,
        nl_dtod: 0.0,
        cycle_sigma: 0.0,
        ..p.clone()
    }
}

/// One preset of each law, and a power step, which has no preset.
fn one_of_each() -> Vec<Parameters> {
    Law::ALL
        .iter()
        .map(|law| match Preset::ALL.iter().rev().find(|preset| preset.law == *law) {
            Some(preset) => preset.parameters(),
            None => Parameters { pow_gamma: 1.7, ..Parameters::of(*law) },
        })
        .collect()
}

/// A device in double precision, pulse by pulse, written from the equations of the sources.
struct Device {
    p: Parameters,
    up: f64,
    down: f64,
    max: f64,
    min: f64,
    gamma_up: f64,
    gamma_down: f64,
    reference: f64,
    /// Curvatures of NeuroSim's law, up and down.
    curvature: [f64; 2],
    w: f64,
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

impl Device {
    fn curvatures(p: &Parameters) -> [f64; 2] {
        [p.nl_up, p.nl_down].map(response::curvature::curvature)
    }

    fn draw(p: &Parameters, curvature: [f64; 2], rng: &mut ChaCha8Rng) -> Device {
        let mut xi = || normal(rng);
        let gain = match p.spread {
            Spread::Normal => 1.0 + p.dw_min_dtod * xi(),
            Spread::LogNormal => (p.dw_min_dtod * xi()).exp(),
        };
        let bias = p.up_down_dtod * xi();
        let (weaker_up, weaker_down) = if p.up_down > 0.0 { (0.0, -p.up_down) } else { (p.up_down, 0.0) };
        let up = (p.dw_min * (gain + weaker_up + bias)).abs();
        let down = (p.dw_min * (gain + weaker_down - bias)).abs();
        let max = (p.w_max * (1.0 + p.w_max_dtod * xi())).abs();
        let min = -(p.w_min * (1.0 + p.w_min_dtod * xi())).abs();
        let (gamma_up, gamma_down) = match p.law {
            Law::PowStep => {
                let mut gamma = || (p.pow_gamma * (1.0 + p.pow_gamma_dtod * xi())).abs();
                (gamma(), gamma())
            }
            _ => ((p.gamma_up + p.gamma_up_dtod * xi()).abs(), (p.gamma_down + p.gamma_down_dtod * xi()).abs()),
        };
        let reference = if p.law == Law::SoftBoundsReference {
            let symmetry = (up - down) / (up / max - down / min);
            (symmetry + p.reference_std * xi()).clamp(min, max)
        } else {
            0.0
        };
        Device { p: p.clone(), up, down, max, min, gamma_up, gamma_down, reference, curvature, w: 0.0 }
    }

    /// One unit pulse.
    fn pulse(&mut self, upwards: bool, rng: &mut ChaCha8Rng) {
        let (p, w) = (&self.p, self.w);
        let (sign, step) = if upwards { (1.0, self.up) } else { (-1.0, self.down) };
        let xi = p.dw_min_std * normal(rng);
        let moved = match p.law {
            Law::ConstantStep => w + sign * step * (1.0 + xi),
            Law::LinearStep => {
                let slope = if upwards { -self.gamma_up / p.w_max } else { -self.gamma_down / p.w_min };
                match p.cycle_noise {
                    CycleNoise::Additive => w + sign * step * (1.0 + slope * w + xi),
                    CycleNoise::Multiplicative => w + sign * step * (1.0 + slope * w) * (1.0 + xi),
                }
            }
            Law::SoftBounds | Law::SoftBoundsReference => {
                let bound = if upwards { self.max } else { self.min };
                // The rule of memrtl for steps that are longer than the way to the bound.
                let step = step.min((1.0 - 1.0 / 1024.0) * bound.abs());
                let raw = w + self.reference;
                let moved = match p.cycle_noise {
                    CycleNoise::Additive => raw + sign * step * (1.0 - raw / bound + xi),
                    CycleNoise::Multiplicative => raw + sign * step * (1.0 - raw / bound) * (1.0 + xi),
                };
                moved.clamp(self.min, self.max) - self.reference
            }
            Law::ExpStep => {
                let z = 2.0 * p.exp_a * w / (self.max - self.min) + p.exp_b;
                let y = if upwards {
                    1.0 - p.a_up * (p.gamma_up * z).exp()
                } else {
                    1.0 - p.a_down * (-p.gamma_down * z).exp()
                };
                let dw = y.max(0.0) * step;
                w + sign * dw + xi * (dw + p.dw_min_std_add + p.dw_min_std_slope * w.abs())
            }
            Law::PowStep => {
                let range = self.max - self.min;
                let share = if upwards { (self.max - w) / range } else { (w - self.min) / range };
                let gamma = if upwards { self.gamma_up } else { self.gamma_down };
                w + sign * step * share.max(0.0).powf(gamma) * (1.0 + xi)
            }
            Law::NeuroSim => {
                // Straight from the definition: the pulse number of the present state, one more, back to a state.
                let (a, pulses) =
                    if upwards { (self.curvature[0], p.pulses_up) } else { (self.curvature[1], p.pulses_down) };
                let a = a * pulses;
                let range = p.w_max - p.w_min;
                let b = range / (1.0 - (-pulses / a).exp());
                let travelled = if upwards { w - p.w_min } else { p.w_max - w };
                let number = -a * (1.0 - travelled / b).ln();
                // Doses are counted in unit pulses upwards.
                let travelled = b * (1.0 - (-(number + pulses / p.pulses_up) / a).exp());
                if upwards { p.w_min + travelled } else { p.w_max - travelled }
            }
        };
        self.w = match p.law {
            Law::SoftBounds | Law::SoftBoundsReference => moved,
            _ => moved.clamp(self.min, self.max),
        };
    }

    /// Weight after pulses as a read sees it.
    fn after(&mut self, pulses: i32, rng: &mut ChaCha8Rng) -> f64 {
        for _ in 0..pulses.abs() {
            self.pulse(pulses > 0, rng);
        }
        if self.p.law == Law::NeuroSim {
            // NeuroSim adds the noise of a write once, after all its pulses.
            let own = if pulses > 0 { 1.0 } else { self.p.pulses_down / self.p.pulses_up };
            let sigma = self.p.cycle_sigma * (self.p.w_max - self.p.w_min);
            let noisy = self.w + sigma * (f64::from(pulses.abs()) * own).sqrt() * normal(rng);
            self.w = noisy.clamp(self.p.w_min, self.p.w_max);
        }
        self.w + self.p.write_noise_std * self.p.unit_step() * normal(rng)
    }
}

#[test]
fn every_law_is_its_loop_over_single_pulses() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for p in one_of_each().iter().map(exact) {
        let mut cells = array(&p, 1);
        let mut device = Device::draw(&p, Device::curvatures(&p), &mut rng);
        for (op, pulses) in (1..).zip([1, 2, 7, 16, -3, -10, 5, 12, -16, -1, 9]) {
            let want = device.after(pulses, &mut rng);
            all(&mut *cells, pulses, op);
            for &got in cells.weights() {
                assert!((f64::from(got) - want).abs() < 2e-5, "{:?} after {pulses}: {got} {want}", p.law);
            }
        }
    }
}

/// A dose in two halves is the dose; exact where the law has a closed form.
#[test]
fn parts_of_a_pulse_add_up() {
    for p in one_of_each().iter().map(exact).filter(|p| !matches!(p.law, Law::ExpStep | Law::PowStep)) {
        let mut halves =
            response::array(&p, Geometry { update_step: 0.5 * p.unit_step() as f32, ..geometry(&p) }, Noise::new(1, 0));
        let mut whole = array(&p, 1);
        for (op, sign) in [(1, 1), (2, -1), (3, -1)] {
            all(&mut *whole, sign, op);
            all(&mut *halves, sign, op);
            all(&mut *halves, sign, op);
            let (a, b) = (whole.weights()[0], halves.weights()[0]);
            assert!((a - b).abs() < 1e-6, "{:?}: {a} {b}", p.law);
        }
    }
}

/// Doses beyond 16 pulses of the laws without a closed form: the error of the parts is bounded.
#[test]
fn large_doses_are_taken_in_parts() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for p in one_of_each().iter().map(exact).filter(|p| matches!(p.law, Law::ExpStep | Law::PowStep)) {
        let mut cells = array(&p, 1);
        let want = Device::draw(&p, Device::curvatures(&p), &mut rng).after(100, &mut rng);
        all(&mut *cells, 100, 1);
        let got = f64::from(cells.weights()[0]);
        assert!((got - want).abs() < 0.03 * want, "{:?}: {got} {want}", p.law);
    }
}

struct Moments {
    mean: f64,
    deviation: f64,
    kurtosis: f64,
}

fn moments(values: &[f64]) -> Moments {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |k: i32| values.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
    Moments { mean, deviation: central(2).sqrt(), kurtosis: central(4) / (central(2) * central(2)) }
}

/// 10,000 devices of each preset against 60,000 of the loop: mean and spread of the weight after pulses.
#[test]
fn mean_and_spread_of_every_preset_are_those_of_the_formula() {
    const REFERENCE: usize = 60_000;
    let (mut checked, mut wrong) = (0, String::new());
    for preset in Preset::ALL {
        let p = preset.parameters();
        let curvature = Device::curvatures(&p);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for pulses in [1i32, -1, 8] {
            // The bounds cut each pulse's noise, in the array after the whole dose: devices that reach them within a few
            // pulses are compared after one.
            if pulses.abs() > 1 && p.law == Law::SoftBoundsReference {
                continue;
            }
            let want: Vec<f64> =
                (0..REFERENCE).map(|_| Device::draw(&p, curvature, &mut rng).after(pulses, &mut rng)).collect();
            let want = moments(&want);
            let mut cells = array(&p, 11);
            all(&mut *cells, pulses, 1);
            let got: Vec<f64> = cells.weights().iter().map(|&w| f64::from(w)).collect();
            let n = 1.0 / got.len() as f64 + 1.0 / REFERENCE as f64;
            let got = moments(&got);
            let errors = [
                (got.mean - want.mean) / (want.deviation * n.sqrt()),
                (got.deviation - want.deviation) / (want.deviation * (0.25 * (want.kurtosis - 1.0) * n).sqrt()),
            ];
            for (what, error) in ["mean", "spread"].iter().zip(errors) {
                checked += 1;
                if error.abs() >= 3.0 {
                    wrong += &format!("{} after {pulses}: {what} off by {error:.2} standard errors\n", preset.name);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "of {checked} figures:\n{wrong}");
    assert!(checked > 6 * 14);
}

#[test]
fn no_state_leaves_the_bounds() {
    for p in one_of_each() {
        let p = Parameters { w_max_dtod: 0.0, w_min_dtod: 0.0, write_noise_std: 0.0, ..p };
        // Weights are seen from the reference, which may stand anywhere between the bounds.
        let slack = if p.law == Law::SoftBoundsReference { 1.0 } else { 0.0 };
        let mut cells = array(&p, 3);
        for op in 0..40 {
            all(&mut *cells, if op % 2 == 0 { 200 } else { -200 }, op);
            let (low, high) = (p.w_min as f32 - slack - 1e-5, p.w_max as f32 + slack + 1e-5);
            assert!(cells.weights().iter().all(|w| (low..=high).contains(w)), "{:?}", p.law);
        }
    }
}

#[test]
fn asymmetry_shortens_the_steps_of_one_direction() {
    for (up_down, up, down) in [(0.25, 1.0, 0.75), (-0.4, 0.6, 1.0)] {
        let p = Parameters { up_down, dw_min: 0.01, ..exact(&Parameters::of(Law::ConstantStep)) };
        let mut cells = array(&p, 1);
        all(&mut *cells, 1, 1);
        assert!((cells.weights()[0] - 0.01 * up).abs() < 1e-7);
        all(&mut *cells, -1, 2);
        assert!((cells.weights()[0] - 0.01 * (up - down)).abs() < 1e-7);
    }
}

/// Alternating pulses lead a soft-bound device to the point where both steps are equally long; with a reference, that is 0.
#[test]
fn alternating_pulses_end_at_the_symmetry_point() {
    let soft = Parameters { w_max: 0.8, w_min: -0.4, dw_min: 0.01, ..exact(&Parameters::of(Law::SoftBounds)) };
    // a (1 - w/0.8) = a (1 + w/0.4) has its solution at 0; with up steps of 1 and down steps of 0.5 it lies elsewhere.
    let tilted = Parameters { up_down: 0.5, ..soft.clone() };
    let between = (1.0 - 0.5) / (1.0 / 0.8 + 0.5 / 0.4);
    let spread = Parameters { dw_min_dtod: 0.3, up_down_dtod: 0.2, w_max_dtod: 0.2, w_min_dtod: 0.2, ..tilted.clone() };
    let reference = Parameters { law: Law::SoftBoundsReference, ..spread };
    for (p, want, tolerance) in [(soft, 0.0, 0.01), (tilted, between, 0.01), (reference, 0.0, 0.03)] {
        let mut cells = array(&p, 2);
        for op in 0..4000 {
            all(&mut *cells, if op % 2 == 0 { 1 } else { -1 }, op);
        }
        let far = cells.weights().iter().filter(|w| (f64::from(**w) - want).abs() > tolerance).count();
        assert!(far <= SIDE * SIDE / 100, "{:?}: {far} devices away from {want}", p.law);
    }
}

#[test]
fn the_same_seed_gives_the_same_devices_and_another_gives_others() {
    for preset in Preset::ALL {
        for signed in [Signed::Reference, Signed::Differential] {
            let p = Parameters { signed, ..preset.parameters() };
            let run = |seed| {
                let mut cells = array(&p, seed);
                for op in 0..4 {
                    all(&mut *cells, if op == 2 { -3 } else { 2 }, op);
                }
                cells.states().to_vec()
            };
            assert_eq!(run(1), run(1));
            assert_ne!(run(1), run(2), "{}", preset.name);
        }
    }
}

#[test]
fn silent_rows_and_columns_keep_their_state() {
    for p in one_of_each() {
        let mut cells = array(&p, 4);
        all(&mut *cells, 3, 1);
        let before = cells.weights().to_vec();
        let (mut x, mut widths) = ([0; SIDE], [0; SIDE]);
        (x[5], widths[7]) = (2, 3);
        cells.write(Slot { x: &x, widths: &widths }, 2);
        let truly = p.write_noise_std == 0.0;
        for (i, (a, b)) in before.iter().zip(cells.weights()).enumerate() {
            // A written row is seen anew.
            let same = i / SIDE != 5 || (truly && i % SIDE != 7);
            assert!(!same || a == b, "{:?}: cell {i}", p.law);
        }
        assert_ne!(before[5 * SIDE + 7], cells.weights()[5 * SIDE + 7]);
    }
}

#[test]
fn a_pulse_on_one_device_is_a_write_slot_of_that_dose() {
    for p in one_of_each().iter().map(exact) {
        for sign in [1, -1] {
            let (mut by_slot, mut by_pulse) = (array(&p, 1), array(&p, 1));
            all(&mut *by_slot, 3 * sign, 1);
            let (unit, scale) = if sign > 0 { (p.up, 1.0) } else { (p.down, down_pulses(&p)) };
            let at = CellAddress { device: 0, row: 2, col: 9 };
            let pulse = CellPulse { volts: f64::from(sign) * unit.volts, seconds: 3.0 * scale * unit.seconds };
            by_pulse.pulse(at, pulse, 1);
            let cell = 2 * SIDE + 9;
            let (a, b) = (by_slot.weights()[cell], by_pulse.weights()[cell]);
            assert!((a - b).abs() < 1e-6, "{:?}: {a} {b}", p.law);
            let untouched = by_pulse.weights().iter().filter(|w| **w != 0.0).count();
            assert_eq!(untouched, 1, "a pulse has moved other cells");
        }
    }
}

/// Unit pulses downwards in one unit of dose.
fn down_pulses(p: &Parameters) -> f64 {
    if p.law == Law::NeuroSim { p.pulses_down / p.pulses_up } else { 1.0 }
}

#[test]
fn conductances_span_the_range_and_tell_the_weight() {
    for p in one_of_each().iter().map(exact) {
        for signed in [Signed::Reference, Signed::Differential] {
            let p = Parameters { signed, ..p.clone() };
            let mut cells = array(&p, 1);
            let (low, high) = cells.conductance_range();
            let programmed: Vec<f32> = (0..SIDE * SIDE).map(|i| (i as f32 / 5000.0 - 1.0) * 0.4).collect();
            cells.program(&programmed, 1);
            let per_weight = (high - low) / (p.w_max - p.w_min);
            for (i, &want) in programmed.iter().enumerate().step_by(97) {
                let g = |device| cells.conductance(CellAddress { device, row: i / SIDE, col: i % SIDE });
                let weight = match signed {
                    Signed::Reference => (g(0) - low) / per_weight + p.w_min,
                    Signed::Differential => (g(0) - g(1)) / per_weight / 2.0,
                };
                assert!((low..=high).contains(&g(0)));
                assert!((weight - f64::from(want)).abs() < 1e-6, "{:?}: {weight} {want}", p.law);
                assert!((cells.weights()[i] - want).abs() < 1e-6);
            }
        }
    }
}

/// Two devices average what differs between devices: half the variance, the same mean.
#[test]
fn a_differential_pair_halves_the_variance() {
    let p = Parameters { dw_min: 0.01, ..Parameters::of(Law::ConstantStep) };
    let spread = |signed| {
        let mut cells = array(&Parameters { signed, ..p.clone() }, 21);
        all(&mut *cells, 4, 1);
        moments(&cells.weights().iter().map(|&w| f64::from(w)).collect::<Vec<_>>())
    };
    let (one, two) = (spread(Signed::Reference), spread(Signed::Differential));
    assert!((one.mean - 0.04).abs() < 0.001 && (two.mean - 0.04).abs() < 0.001);
    let ratio = (two.deviation / one.deviation).powi(2);
    assert!((ratio - 0.5).abs() < 0.05, "{ratio}");
}

#[test]
fn a_restored_array_goes_on_as_before() {
    for p in one_of_each() {
        let p = Parameters { signed: Signed::Differential, ..p };
        let mut cells = array(&p, 6);
        all(&mut *cells, 2, 1);
        let moment = cells.states().to_vec();
        all(&mut *cells, -5, 2);
        let end = cells.states().to_vec();
        let mut other = array(&p, 6);
        other.restore(&moment);
        all(&mut *other, -5, 2);
        assert_eq!(other.states(), end);
    }
}
