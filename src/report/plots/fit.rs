//! A measured pulse response beside its fit, and what is left between them.

use super::chart::prefixed;
use super::{Axis, BLUE, Chart, HEIGHT, Mark, ORANGE, Panel, PlotError, WIDTH};
use crate::device::measured::{Fit, Measured};

/// The picture of `fit` over `measured`, which comes from `name`.
///
/// # Errors
/// Data without a finite number.
pub fn fit_chart(name: &str, measured: &Measured, fit: &Fit) -> Result<Chart, PlotError> {
    let (low, high) = measured.range();
    let (siemens, scale) = prefixed(high, "S");
    let branches = [(&measured.up, &fit.up, BLUE), (&measured.down, &fit.down, ORANGE)];
    let (mut data, mut rest) = (Vec::new(), Vec::new());
    for (branch, fitted, color) in branches {
        let along = |value: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> {
            branch.pulses.iter().enumerate().map(|(i, &pulse)| (pulse, value(i))).collect()
        };
        data.push(Mark::Dots { points: along(&|i| scale * branch.siemens[i]), color });
        data.push(Mark::Line { points: along(&|i| scale * fitted[i]), color, width: 2.0, dashed: false });
        let residual = |i: usize| 100.0 * (branch.siemens[i] - fitted[i]) / (high - low);
        rest.push(Mark::Dots { points: along(&residual), color });
    }
    let law = fit.parameters.law.name();
    let legend = vec![(BLUE, "up".to_owned()), (ORANGE, "down".to_owned())];
    Ok(Chart {
        title: format!("{name}: measured conductances and the law {law}"),
        panels: vec![
            Panel {
                title: format!("measured (dots) and {law}"),
                x: Axis::linear("pulses"),
                y: Axis::linear(format!("conductance ({siemens})")),
                marks: data,
                legend: legend.clone(),
            },
            Panel {
                title: format!("residual, {:.2} % rms", 100.0 * fit.residual),
                x: Axis::linear("pulses"),
                y: Axis::linear("measured - fit (% of the range)"),
                marks: rest,
                legend,
            },
        ],
        width: WIDTH,
        height: HEIGHT,
    })
}
