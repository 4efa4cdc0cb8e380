//! Least squares: the numbers of a law from measured conductances, and the choice between laws.

use rmpfit::{MPConfig, MPFitter, MPPar, MPResult};

use super::curves::{Unknown, Way, parameters, starts, unknowns};
use super::{Branch, Measured};
use crate::device::response::{Law, Parameters};

/// Laws that an automatic choice compares, plainest first.
pub const AUTOMATIC: [Law; 6] =
    [Law::ConstantStep, Law::SoftBounds, Law::LinearStep, Law::NeuroSim, Law::PowStep, Law::ExpStep];
/// A plainer law is kept while its residual is at most this much larger than the least.
const TOLERANCE: f64 = 1.03;

/// A law fitted to a measured response.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Law, numbers and noise; conductances and pulses as in the data.
    pub parameters: Parameters,
    /// Root mean square of measurement minus curve, per degree of freedom, as a share of the measured range.
    pub residual: f64,
    /// Fitted conductances, siemens, at the pulses of the data.
    pub up: Vec<f64>,
    pub down: Vec<f64>,
}

/// A fit that does not come to an end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the law `{law}` cannot be fitted: {why}")]
pub struct FitError {
    pub law: &'static str,
    pub why: String,
}

/// The residuals of a law.
struct Problem<'m> {
    law: Law,
    up: &'m Branch,
    down: &'m Branch,
    weights: [Vec<f64>; 2],
    limits: Vec<MPPar>,
    config: MPConfig,
}

impl Problem<'_> {
    fn pulses(&self) -> (f64, f64) {
        (span(self.up), span(self.down))
    }

    /// Weights on the curve from `start` at the pulses of a branch.
    fn curve(way: &Way, start: f64, branch: &Branch) -> Vec<f64> {
        let (mut w, mut given) = (start, branch.pulses[0]);
        let at = |&pulse: &f64| {
            w = way.after(w, pulse - given);
            given = pulse;
            w
        };
        branch.pulses.iter().map(at).collect()
    }

    /// The numbers with the least sum of squares, and that sum: from each start first with the bounds held, which curves that end
    /// before them do not feel, then with all numbers free.
    fn search(&mut self, all: &[Unknown]) -> MPResult<(Vec<f64>, f64)> {
        let mut best = (Vec::new(), f64::INFINITY);
        let mut failed = None;
        for mut x in starts(self.law, all) {
            // The data's own beginnings.
            for (x, (weights, unknown)) in x.iter_mut().zip(self.weights.iter().zip(all)) {
                *x = weights[0].clamp(unknown.low, unknown.high);
            }
            for held in [true, false] {
                self.limits[2..4].iter_mut().for_each(|limit| limit.fixed = held);
                match self.mpfit(&mut x) {
                    Ok(status) if status.best_norm < best.1 => best = (x.clone(), status.best_norm),
                    Ok(_) => {}
                    Err(error) => failed = Some(error),
                }
            }
        }
        match failed {
            Some(error) if best.0.is_empty() => Err(error),
            _ => Ok(best),
        }
    }

    fn curves(&self, x: &[f64]) -> [Vec<f64>; 2] {
        let [up, down] = Way::of(self.law, &x[2..], self.pulses());
        [Problem::curve(&up, x[0], self.up), Problem::curve(&down, x[1], self.down)]
    }
}

impl MPFitter for Problem<'_> {
    fn eval(&mut self, x: &[f64], deviates: &mut [f64]) -> MPResult<()> {
        let curves = self.curves(x);
        let pairs = self.weights.iter().flatten().zip(curves.iter().flatten());
        deviates.iter_mut().zip(pairs).for_each(|(d, (measured, curve))| *d = measured - curve);
        Ok(())
    }

    fn number_of_points(&self) -> usize {
        self.weights.iter().map(Vec::len).sum()
    }

    fn config(&self) -> &MPConfig {
        &self.config
    }

    fn parameters(&self) -> &[MPPar] {
        &self.limits
    }
}

/// Pulses that a branch covers.
fn span(branch: &Branch) -> f64 {
    branch.pulses[branch.pulses.len() - 1] - branch.pulses[0]
}

/// Fits `law`.
///
/// # Errors
/// A search that finds no numbers.
pub fn fit(measured: &Measured, law: Law) -> Result<Fit, FitError> {
    let (low, high) = measured.range();
    let weight = |g: &f64| 2.0 * (g - low) / (high - low) - 1.0;
    let weights = [&measured.up, &measured.down].map(|branch| branch.siemens.iter().map(weight).collect::<Vec<f64>>());
    let all = unknowns(law, 2.0 / span(&measured.up), 2.0 / span(&measured.down));
    let limit = |u: &Unknown| MPPar {
        limited_low: true,
        limited_up: true,
        limit_low: u.low,
        limit_up: u.high,
        // Wide enough for the bisection inside NeuroSim's curvature.
        rel_step: 1e-6,
        ..MPPar::new()
    };
    let mut problem = Problem {
        law,
        up: &measured.up,
        down: &measured.down,
        weights,
        limits: all.iter().map(limit).collect(),
        config: MPConfig { max_iter: 500, ..MPConfig::new() },
    };
    let (x, norm) = problem.search(&all).map_err(|error| FitError { law: law.name(), why: error.to_string() })?;
    let points = problem.weights.iter().map(Vec::len).sum::<usize>();
    let freedom = points.saturating_sub(x.len()).max(1);
    // Weights span 2.
    let residual = 0.5 * (norm / freedom as f64).sqrt();
    let mut fitted = parameters(law, &x[2..], problem.pulses(), (low, high));
    noise(&problem, &x, &mut fitted);
    let siemens = |w: &f64| low + 0.5 * (w + 1.0) * (high - low);
    let [up, down] = problem.curves(&x).map(|curve| curve.iter().map(siemens).collect());
    Ok(Fit { parameters: fitted, residual, up, down })
}

/// Fits all laws of [`AUTOMATIC`]; the fits in that order, and the index of the plainest that is as good as the best.
///
/// # Errors
/// No law that can be fitted.
pub fn fit_best(measured: &Measured) -> Result<(Vec<Fit>, usize), FitError> {
    let mut failed = None;
    let mut fits = Vec::new();
    for law in AUTOMATIC {
        match fit(measured, law) {
            Ok(found) => fits.push(found),
            Err(error) => failed = Some(error),
        }
    }
    let least = fits.iter().map(|f| f.residual).fold(f64::INFINITY, f64::min);
    match (fits.iter().position(|f| f.residual <= TOLERANCE * least), failed) {
        (Some(best), _) => Ok((fits, best)),
        (None, Some(error)) => Err(error),
        (None, None) => Err(FitError { law: "any", why: "no residual is a number".to_owned() }),
    }
}

/// Noise from the scatter of single steps around the fitted ones: that of a pulse, and that of the state as it is seen.
fn noise(problem: &Problem<'_>, x: &[f64], p: &mut Parameters) {
    let ways = Way::of(problem.law, &x[2..], problem.pulses());
    let (mut square, mut product, mut steps, mut pairs) = (0.0, 0.0, 0.0, 0.0);
    let mut count = 0.0;
    for (k, branch) in [problem.up, problem.down].into_iter().enumerate() {
        let w = &problem.weights[k];
        let mut last = None;
        for i in 1..w.len() {
            // At a bound the noise of a pulse is cut off: such steps say nothing of it.
            if ways[k].clips(w[i - 1]) {
                last = None;
                continue;
            }
            let pulses = branch.pulses[i] - branch.pulses[i - 1];
            let error = w[i] - ways[k].after(w[i - 1], pulses);
            square += error * error;
            // The noise of a pulse scales with the local step of these laws, with that at weight 0 of the others.
            let local = matches!(problem.law, Law::ExpStep | Law::PowStep);
            let step = ways[k].step(if local { w[i - 1] } else { 0.0 });
            steps += step * step * pulses;
            count += 1.0;
            if let Some(last) = last {
                product += error * last;
                pairs += 1.0;
            }
            last = Some(error);
        }
    }
    if count == 0.0 {
        return;
    }
    let mean_pulses = (span(problem.up) + span(problem.down)) / count;
    // An error of one measurement enters two steps with opposite signs.
    let seen = if problem.law == Law::NeuroSim { 0.0 } else { (-product / f64::max(pairs, 1.0)).max(0.0) };
    let moved = (square / count - 2.0 * seen).max(0.0);
    match problem.law {
        Law::NeuroSim => p.cycle_sigma = (moved / mean_pulses).sqrt() / (p.w_max - p.w_min),
        _ => {
            p.dw_min_std = if steps > 0.0 { (moved * count / steps).sqrt() } else { 0.0 };
            p.write_noise_std = seen.sqrt() / p.dw_min;
        }
    }
}
