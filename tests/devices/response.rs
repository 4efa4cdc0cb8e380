//! Pulse-response models against independent double-precision loops over single pulses, one device at a time.

mod single_pulses;

use memrtl::device::response::{self, Law, Parameters, Preset, Signed};
use memrtl::device::{CellAddress, CellPulse, Geometry, Noise, Slot};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use single_pulses::{Device, SIDE, all, array, geometry, moments};

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

/// 10,000 devices of each preset against 60,000 of the loop: mean and spread of the weight after pulses.
#[test]
fn mean_and_spread_of_every_preset_are_those_of_the_formula() {
    let deviations = single_pulses::deviations();
    let wrong: Vec<String> =
        deviations.iter().filter(|d| d.standard_errors.abs() >= 3.0).map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "of {} figures:\n{}", deviations.len(), wrong.join("\n"));
    assert!(deviations.len() > 6 * 14);
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
    // Without noise, and with that of the same operation.
    let exact: Vec<Parameters> = one_of_each().iter().map(exact).collect();
    for (p, noisy) in exact.into_iter().map(|p| (p, false)).chain(one_of_each().into_iter().map(|p| (p, true))) {
        for sign in [1, -1] {
            let (mut by_slot, mut by_pulse) = (array(&p, 1), array(&p, 1));
            all(&mut *by_slot, 3 * sign, 1);
            let (unit, scale) = if sign > 0 { (p.up, 1.0) } else { (p.down, down_pulses(&p)) };
            let at = CellAddress { device: 0, row: 2, col: 9 };
            let pulse = CellPulse { volts: f64::from(sign) * unit.volts, seconds: 3.0 * scale * unit.seconds };
            let before = by_pulse.weights().to_vec();
            by_pulse.pulse(at, pulse, 1);
            let cell = 2 * SIDE + 9;
            let (a, b) = (by_slot.weights()[cell], by_pulse.weights()[cell]);
            assert!((a - b).abs() < 1e-6, "{:?}: {a} {b}", p.law);
            let touched = by_pulse.weights().iter().zip(&before).filter(|(now, before)| now != before).count();
            assert_eq!(touched, 1, "a pulse has moved other cells");
            let mut again = array(&p, 1);
            again.pulse(at, pulse, 2);
            assert_eq!(again.weights()[cell] != b, noisy, "{:?}: noise of another operation", p.law);
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
