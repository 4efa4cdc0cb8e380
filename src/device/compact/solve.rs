//! A pulse where no closed form exists: quadrature of `dt = ds / rate(s)`.
//!
//! The equation is scalar and autonomous while the voltage is constant, so the state moves one way and the time to reach a
//! state is an integral. Stepping in the state instead of in time knows no stiffness: where the rate is huge a step takes
//! little time, where it vanishes (a window at its bound) the steps shrink geometrically until the pulse is over.

use super::CompactError;

/// Error of a step's time, relative to the step and to the whole pulse.
const TOLERANCE: f64 = 1e-12;
/// Error of the state that no one sees, relative to its range.
const NEGLIGIBLE: f64 = 1e-15;
/// Shortest step, relative to the range of the state.
const SHORTEST: f64 = 1e-16;
const MOST_STEPS: usize = 100_000;
const MOST_CROSSING_STEPS: usize = 1_000;

/// Kronrod's 15 nodes (the positive half, outermost first) with the weights of K15 and of the embedded G7 (QUADPACK `qk15`).
const NODES: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
    0.0,
];
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_55,
    0.104_790_010_322_250_18,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
const GAUSS: [f64; 4] =
    [0.129_484_966_168_869_7, 0.279_705_391_489_276_67, 0.381_830_050_505_118_9, 0.417_959_183_673_469_4];

/// Refuses what no pulse can start from.
pub(super) fn check_pulse(bounds: (f64, f64), state: f64, volts: f64, seconds: f64) -> Result<(), CompactError> {
    for (what, value) in [("state", state), ("voltage", volts), ("pulse length", seconds)] {
        if !value.is_finite() {
            return Err(CompactError::NotFinite { what, value });
        }
    }
    if !(bounds.0..=bounds.1).contains(&state) {
        return Err(CompactError::State { state, low: bounds.0, high: bounds.1 });
    }
    if seconds < 0.0 {
        return Err(CompactError::Duration { seconds });
    }
    Ok(())
}

/// Seconds from `a` to `b` and their estimated error. Infinite when the rate vanishes at a node.
fn seconds_between(rate: &dyn Fn(f64) -> f64, a: f64, b: f64) -> (f64, f64) {
    let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
    let pace = |s: f64| 1.0 / rate(s).abs();
    let centre = pace(middle);
    let (mut kronrod, mut gauss) = (KRONROD[7] * centre, GAUSS[3] * centre);
    for i in 0..7 {
        let pair = pace(middle - half * NODES[i]) + pace(middle + half * NODES[i]);
        kronrod += KRONROD[i] * pair;
        if i % 2 == 1 {
            gauss += GAUSS[i / 2] * pair;
        }
    }
    let length = half.abs();
    (kronrod * length, (kronrod - gauss).abs() * length)
}

/// State after `seconds` at `rate`, from `state` within `bounds`. No step crosses a kink: the difference of the two rules, as a
/// function of the kink's place, passes through 0, and would then vouch for a wrong time.
pub(super) fn pulse(
    rate: &dyn Fn(f64) -> f64,
    bounds: (f64, f64),
    kinks: &[f64],
    state: f64,
    seconds: f64,
) -> Result<f64, CompactError> {
    let first = rate(state);
    if !first.is_finite() {
        return Err(CompactError::NotFinite { what: "rate of the state", value: first });
    }
    if first == 0.0 || seconds == 0.0 {
        return Ok(state);
    }
    let (end, forward) = if first > 0.0 { (bounds.1, 1.0) } else { (bounds.0, -1.0) };
    let shortest = SHORTEST * (bounds.1 - bounds.0);
    let (mut at, mut remaining) = (state, seconds);
    let mut step = (2.0 * first.abs() * seconds).max(shortest);
    for _ in 0..MOST_STEPS {
        let left = (end - at).abs();
        if left <= shortest {
            return Ok(end);
        }
        let ahead = kinks.iter().map(|kink| (kink - at) * forward).filter(|&d| d > 0.0).fold(left, f64::min);
        let whole = step >= ahead;
        let next = match (whole, ahead < left) {
            (false, _) => at + forward * step,
            (true, true) => at + forward * ahead,
            (true, false) => end,
        };
        if next == at {
            // The rest of the way is below the resolution of the state.
            return Ok(at);
        }
        let (time, error) = seconds_between(rate, at, next);
        // Close to a bound where the rate vanishes, the rounding of the state alone makes the rate uncertain; there an error
        // far below the range's resolution is good enough.
        let moved_wrong = error * rate(at).abs().max(rate(next).abs());
        let exact = time.is_finite()
            && (error <= TOLERANCE * time.max(seconds) || moved_wrong <= NEGLIGIBLE * (bounds.1 - bounds.0));
        if !exact && step > shortest {
            step = 0.5 * step.min(ahead);
            continue;
        }
        if time.is_nan() {
            return Err(CompactError::NotFinite { what: "rate of the state", value: time });
        }
        if time >= remaining {
            // An infinite time over the shortest step: the rate vanishes here and the state rests.
            return Ok(if time.is_finite() { within_step(rate, at, next, remaining / time, remaining) } else { at });
        }
        remaining -= time;
        at = next;
        if at == end {
            return Ok(end);
        }
        step *= 2.0;
    }
    Err(CompactError::Integration { state: at, remaining })
}

/// State between `a` and `b` that is reached from `a` after `seconds`: Newton's method, kept inside a bracket.
fn within_step(rate: &dyn Fn(f64) -> f64, a: f64, b: f64, share: f64, seconds: f64) -> f64 {
    let (mut before, mut after) = (a, b);
    let mut guess = a + (b - a) * share;
    for _ in 0..100 {
        let late = seconds_between(rate, a, guess).0 - seconds;
        if late < 0.0 {
            before = guess;
        } else {
            after = guess;
        }
        let newton = guess - late * rate(guess);
        let inside = (newton - before) * (newton - after) < 0.0;
        let next = if inside { newton } else { 0.5 * (before + after) };
        let change = (next - guess).abs();
        guess = next;
        if change <= 1e-15 * (b - a).abs() || change <= f64::EPSILON * guess.abs() {
            break;
        }
    }
    guess
}

/// Seconds from `a` to `b`, to nine digits; infinite when the state does not get there.
pub(super) fn crossing_time(rate: &dyn Fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let wanted = (b - a).signum();
    let (mut at, mut step, mut total) = (a, (b - a).abs(), 0.0);
    let shortest = step * 1e-7;
    for _ in 0..MOST_CROSSING_STEPS {
        let left = (b - at).abs();
        let last = step >= left;
        let next = if last { b } else { at + wanted * step };
        let (time, error) = seconds_between(rate, at, next);
        // The rates of one direction have one sign; a node of the other sign would go unseen in the absolute value.
        if rate(0.5 * (at + next)) * wanted < 0.0 || time.is_nan() {
            return f64::INFINITY;
        }
        if time.is_finite() && error <= 1e-9 * time.max(total) {
            total += time;
            if last {
                return total;
            }
            at = next;
            step *= 2.0;
        } else if step <= shortest {
            return f64::INFINITY;
        } else {
            step = 0.5 * step.min(left);
        }
    }
    // So many steps are taken only where the rate dies away.
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rules_integrate_polynomials_exactly() {
        // A rate of 1 / (n s^(n-1)) takes b^n - a^n seconds; K15 is exact to degree 22, G7 to degree 13.
        for n in 1..=14 {
            let rate = |s: f64| 1.0 / (f64::from(n) * s.powi(n - 1));
            let (time, error) = seconds_between(&rate, 0.5, 2.0);
            let exact = 2f64.powi(n) - 0.5f64.powi(n);
            assert!((time / exact - 1.0).abs() < 1e-14 && error < 1e-13 * exact, "degree {n}: {time} {exact} {error}");
        }
    }

    #[test]
    fn exponential_decay_over_many_time_constants() {
        for (seconds, expected) in [(1e-9, 1.0 - 1e-9), (1.0, (-1.0f64).exp()), (30.0, (-30.0f64).exp()), (1e6, 0.0)] {
            let end = pulse(&|s| -s, (0.0, 1.0), &[], 1.0, seconds).unwrap();
            assert!((end - expected).abs() < 1e-12, "{seconds} s: {end}, not {expected}");
        }
    }

    #[test]
    fn a_jump_of_the_rate_is_crossed_and_a_region_without_rate_is_not() {
        let jump = |s: f64| if s < 0.3 { 1.0 } else { 1e-3 };
        let end = pulse(&jump, (0.0, 1.0), &[], 0.0, 100.3).unwrap();
        assert!((end - 0.4).abs() < 1e-9, "{end}");
        let frozen = |s: f64| if s < 0.3 { 1.0 } else { 0.0 };
        let end = pulse(&frozen, (0.0, 1.0), &[], 0.0, 5.0).unwrap();
        assert!((end - 0.3).abs() < 1e-12, "{end}");
    }

    #[test]
    fn a_rate_that_explodes_needs_no_small_time_steps() {
        // ds/dt = exp(50 s): 50 t = 1 - exp(-50 s); at s = 0.5 the digits of t leave 5 of s.
        let seconds = (1.0 - (-25.0f64).exp()) / 50.0;
        let end = pulse(&|s| libm::exp(50.0 * s), (0.0, 1.0), &[], 0.0, seconds).unwrap();
        assert!((end - 0.5).abs() < 1e-5, "{end}");
        let end = pulse(&|s| libm::exp(50.0 * s), (0.0, 1.0), &[], 0.0, 1.0).unwrap();
        assert_eq!(end, 1.0);
    }

    #[test]
    fn crossing_time_is_infinite_where_the_state_does_not_get_through() {
        assert!((crossing_time(&|s| s, 0.1, 0.9) - 9f64.ln()).abs() < 1e-9);
        assert_eq!(crossing_time(&|s| 1.0 - s, 0.1, 1.0), f64::INFINITY);
        assert_eq!(crossing_time(&|s| if s < 0.5 { 1.0 } else { 0.0 }, 0.1, 0.9), f64::INFINITY);
    }
}
