//! Compact models: pulses against an independent ODE solution, and what every pulse must fulfil.

use approx::assert_relative_eq;
use memrtl::device::compact::{Balance, CompactModel, Drive, Flow, FullScale, IvCurve, Vteam, Window};
use proptest::prelude::*;

const WINDOWS: [Window; 4] =
    [Window::Clip, Window::Joglekar { p: 2.0 }, Window::Prodromakis { p: 2.0, j: 1.0 }, Window::Biolek { p: 3.0 }];

fn vteam(set: usize, window: usize) -> Vteam {
    let sets = Vteam::sets();
    Vteam { window: WINDOWS[window % WINDOWS.len()], ..sets[set % sets.len()].model }
}

/// A pulse that moves the state by about `share` of its range.
fn pulse_length(model: &Vteam, volts: f64, share: f64) -> f64 {
    let (low, high) = model.bounds();
    let rate = model.rate(model.state_at(0.5), volts).abs();
    if rate == 0.0 { 1.0 } else { share * (high - low) / rate }
}

proptest! {
    #[test]
    fn a_pulse_stays_in_bounds_and_two_pulses_are_one(
        set in 0..6usize, window in 0..4usize, start in 0.0..=1.0f64, volts in -3.0..3.0f64, share in 0.0..2.0f64, cut in 0.0..1.0f64,
    ) {
        let model = vteam(set, window);
        let (low, high) = model.bounds();
        let state = model.state_at(start);
        let seconds = pulse_length(&model, volts, share);
        let whole = model.pulse(state, volts, seconds).unwrap();
        prop_assert!((low..=high).contains(&whole));
        let first = model.pulse(state, volts, seconds * cut).unwrap();
        let both = model.pulse(first, volts, seconds * (1.0 - cut)).unwrap();
        prop_assert!((both - whole).abs() <= 1e-9 * (high - low), "{whole:e} {both:e}");
        // The first part lies between start and end.
        prop_assert!((first - state) * (whole - first) >= -1e-18 * (high - low).powi(2));
    }

    #[test]
    fn below_the_thresholds_nothing_moves(set in 0..6usize, window in 0..4usize, start in 0.0..=1.0f64, part in -1.0..=1.0f64) {
        let model = vteam(set, window);
        let volts = if part < 0.0 { -part * model.v_on } else { part * model.v_off };
        let state = model.state_at(start);
        prop_assert_eq!(model.pulse(state, volts, 1.0).unwrap(), state);
    }

    #[test]
    fn conductance_and_state_are_inverse(set in 0..6usize, linear in any::<bool>(), start in 0.0..=1.0f64) {
        let iv = if linear { IvCurve::Linear } else { IvCurve::Exponential };
        let model = Vteam { iv, ..vteam(set, 0) };
        let siemens = model.conductance(model.state_at(start), 0.1);
        let (low, high) = model.conductance_range(0.1);
        let back = model.position_of(model.state_of(siemens.clamp(low, high), 0.1).unwrap());
        prop_assert!((back - start).abs() < 1e-9, "{start} {back}");
    }
}

/// The tables that training uses, against the pulses that they stand for.
#[test]
fn flow_tables_follow_the_pulses() {
    for (index, set) in Vteam::sets().iter().enumerate() {
        for window in WINDOWS {
            let model = Vteam { window, ..set.model };
            let full = FullScale::Rate { per_second: 1e3, limit: 100.0 };
            let drive = Drive::predistorted(&model, 127, full, Balance::None).unwrap();
            let flow = Flow::new(&model, &drive, 512).unwrap();
            let error = flow.error(&model, &drive, 40, 1e-3).unwrap();
            assert!(error.position < 2e-5, "set {index}, {}: {error:?}", window.name());
        }
    }
}

/// Pre-distortion makes the step proportional to the code (domain: `|v| = v_th (1 + (c |x|)^(1/alpha))`).
#[test]
fn the_step_is_proportional_to_the_code() {
    let model = Vteam::default();
    let full = FullScale::Rate { per_second: 1e6, limit: 2.0 };
    let drive = Drive::predistorted(&model, 127, full, Balance::None).unwrap();
    let middle = model.state_at(0.5);
    for code in 1..=127 {
        for (volts, sign) in [(drive.up()[code - 1], -1.0), (drive.down()[code - 1], 1.0)] {
            let moved = model.pulse(middle, volts, 100e-9).unwrap() - middle;
            assert_relative_eq!(moved, sign * 0.1 * 3e-9 * code as f64 / 127.0, max_relative = 1e-9);
        }
    }
}

/// Solutions by SciPy (`make reference`; version and tolerances in the file's header).
#[test]
fn pulses_agree_with_an_independent_solver() {
    let mut reader =
        csv::ReaderBuilder::new().comment(Some(b'#')).from_path("tests/data/compact_reference.csv").unwrap();
    let (mut checked, mut worst) = (0, 0.0f64);
    for record in reader.records() {
        let record = record.unwrap();
        let number = |i: usize| record[i].parse::<f64>().unwrap();
        let set = Vteam::sets().iter().find(|set| set.name == &record[1]).expect("a set of that name");
        let window = match &record[2] {
            "clip" => Window::Clip,
            "joglekar" => Window::Joglekar { p: number(3) },
            "prodromakis" => Window::Prodromakis { p: number(3), j: 1.0 },
            "biolek" => Window::Biolek { p: number(3) },
            other => panic!("window {other}"),
        };
        let model = Vteam { window, ..set.model };
        let (low, high) = model.bounds();
        let end = model.pulse(number(4), number(5), number(6)).unwrap();
        // Relative to the state itself, or to a thousandth of the range where the state is nearly 0.
        let error = (end - number(7)).abs() / number(7).abs().max(1e-3 * (high - low));
        assert!(error <= 1e-6, "{record:?}: {end:e}, error {error:e}");
        worst = worst.max(error);
        checked += 1;
    }
    assert!(checked >= 200, "{checked}");
    println!("{checked} pulses, largest relative error {worst:.1e}");
}
