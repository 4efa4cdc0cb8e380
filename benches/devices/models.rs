//! Right numbers of the models: compact models against an independent solver, populations against a loop over single pulses.

#[path = "../../tests/devices/response/single_pulses.rs"]
mod single_pulses;

use std::path::Path;

use memrtl::device::compact::{Kind, Model, Window};
use memrtl::report::figures::{Bar, Figure};

use super::Results;

const REFERENCE: &str = "tests/data/compact_reference.csv";

pub fn measure(results: &mut Results) {
    match reference_errors(&Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE)) {
        Ok(errors) => {
            for (kind, (points, worst)) in Kind::ALL.into_iter().zip(errors) {
                let title = format!("pulses of {} against SciPy, largest relative error of {points}", kind.name());
                results.figures.push(Figure::new(&title, worst, "", Bar::AtMost(1e-6)));
            }
        }
        Err(error) => results.missing.push(format!("pulses of the compact models against SciPy: {error}")),
    }
    let deviations = single_pulses::deviations();
    for (what, words) in [("mean", "means"), ("spread", "spreads")] {
        let of: Vec<f64> = deviations.iter().filter(|d| d.what == what).map(|d| d.standard_errors.abs()).collect();
        let title = format!("10,000 devices of each pulse-response preset, {} {words}, largest deviation", of.len());
        let worst = of.iter().fold(0.0, |most: f64, e| most.max(*e));
        results.figures.push(Figure::new(&title, worst, "standard errors", Bar::AtMost(3.0)));
    }
}

/// Per model: pulses, and their largest error relative to the change of the state; changes below a thousandth of the range count as
/// that.
fn reference_errors(path: &Path) -> Result<[(usize, f64); 5], Box<dyn std::error::Error>> {
    let mut errors = [(0, 0.0f64); 5];
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path)?;
    for record in reader.records() {
        let record = record?;
        let number = |i: usize| record[i].parse::<f64>();
        let index = Kind::ALL.iter().position(|kind| *kind.name() == record[0]).ok_or(record[0].to_owned())?;
        let set = Kind::ALL[index].sets().into_iter().find(|set| *set.name == record[1]);
        let mut model = set.ok_or(record[1].to_owned())?.model;
        let p = number(3)?;
        let window = match &record[2] {
            "joglekar" => Window::Joglekar { p },
            "prodromakis" => Window::Prodromakis { p, j: 1.0 },
            "biolek" => Window::Biolek { p },
            "kvatinsky" => Window::Kvatinsky { a_on: 0.5e-9, a_off: 2.5e-9, w_c: 107e-12 },
            _ => Window::Clip,
        };
        if let Some((own, _)) = Model::window(&mut model) {
            *own = window;
        }
        let model = model.as_dyn();
        let (low, high) = model.bounds();
        let (start, expected) = (number(4)?, number(7)?);
        let end = model.pulse(start, number(5)?, number(6)?)?;
        let error = (end - expected).abs() / (expected - start).abs().max(1e-3 * (high - low));
        errors[index] = (errors[index].0 + 1, errors[index].1.max(error));
    }
    Ok(errors)
}
