//! What each imperfection of a spec's arrays costs in accuracy: the same network trained without any, with each alone, with all.

use std::sync::atomic::AtomicBool;

use crate::spec::{Design, NonIdeal};
use crate::train::{self, Options, Spread, TrainError};

/// Accuracy with some imperfections.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// In words, with its numbers.
    pub name: String,
    /// Test accuracy after the last epoch, over the seeds.
    pub accuracy: Spread,
}

/// The imperfections of `all`, one at a time, each with its description.
pub fn alone(all: &NonIdeal) -> Vec<(String, NonIdeal)> {
    let percent = |share: f64| format!("{:.3}", 100.0 * share).trim_end_matches('0').trim_end_matches('.').to_owned();
    let none = NonIdeal::default();
    let mut found = Vec::new();
    let stuck = [("low", all.stuck_lrs), ("high", all.stuck_hrs)].map(|(end, share)| {
        let mut one =
            NonIdeal { lrs_conductance: all.lrs_conductance, hrs_conductance: all.hrs_conductance, ..none.clone() };
        *(if end == "low" { &mut one.stuck_lrs } else { &mut one.stuck_hrs }) = share;
        (share, format!("{} % stuck at {end} resistance", percent(share)), one)
    });
    found.extend(stuck.into_iter().filter(|(share, ..)| *share > 0.0).map(|(_, name, one)| (name, one)));
    let mut add = |on: bool, name: String, one: NonIdeal| {
        if on {
            found.push((name, one));
        }
    };
    let n = || none.clone();
    add(
        all.stuck_open > 0.0,
        format!("{} % open", percent(all.stuck_open)),
        NonIdeal { stuck_open: all.stuck_open, ..n() },
    );
    if let Some(map) = &all.fault_map {
        let ends = (all.lrs_conductance, all.hrs_conductance);
        let one = NonIdeal { fault_map: Some(map.clone()), lrs_conductance: ends.0, hrs_conductance: ends.1, ..n() };
        add(true, format!("fault map, {} devices", map.faults.len()), one);
    }
    let of_scale = |share: f64| format!("{} % of full scale", percent(share));
    add(
        all.read_noise > 0.0,
        format!("read noise, {}", of_scale(all.read_noise)),
        NonIdeal { read_noise: all.read_noise, ..n() },
    );
    add(
        all.adc_offset > 0.0,
        format!("ADC offset, {}", of_scale(all.adc_offset)),
        NonIdeal { adc_offset: all.adc_offset, ..n() },
    );
    add(
        all.adc_gain > 0.0,
        format!("ADC gain, {} %", percent(all.adc_gain)),
        NonIdeal { adc_gain: all.adc_gain, ..n() },
    );
    add(
        all.dac_inl != 0.0 || all.dac_bow != 0.0,
        format!("DAC nonlinearity, {} and {} LSB", all.dac_inl, all.dac_bow),
        NonIdeal { dac_inl: all.dac_inl, dac_bow: all.dac_bow, ..n() },
    );
    add(
        all.has_wires(),
        format!("wires, {} and {} ohm a segment", all.wire_row, all.wire_column),
        NonIdeal { wire_row: all.wire_row, wire_column: all.wire_column, ..n() },
    );
    add(
        all.age > 0.0,
        match all.retention {
            Some(retention) => format!("{} s of retention loss, time constant {retention} s", all.age),
            None => format!("{} s of drift", all.age),
        },
        NonIdeal { age: all.age, retention: all.retention, ..n() },
    );
    found
}

/// Trains the network of `design` once for each imperfection and seed.
///
/// # Errors
/// As for [`train::sweep`].
pub fn measure(
    design: &Design,
    options: &Options,
    stop: &AtomicBool,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Effect>, TrainError> {
    let mut cases = vec![("none".to_owned(), NonIdeal::default())];
    let single = alone(&design.nonideal);
    let several = single.len() > 1;
    cases.extend(single);
    if several {
        cases.push(("all together".to_owned(), design.nonideal.clone()));
    }
    let run = |(name, nonideal): (String, NonIdeal)| {
        let design = Design { nonideal, ..design.clone() };
        Ok(Effect { name, accuracy: train::sweep(&design, options, stop, tell)?.accuracy })
    };
    cases.into_iter().map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All together are the imperfections alone, put together: none is forgotten.
    #[test]
    fn every_imperfection_comes_up_once() {
        let all = NonIdeal {
            stuck_lrs: 0.01,
            stuck_hrs: 0.02,
            stuck_open: 0.03,
            read_noise: 0.04,
            adc_offset: 0.05,
            adc_gain: 0.06,
            dac_inl: 0.5,
            dac_bow: 0.25,
            wire_row: 1.0,
            wire_column: 2.0,
            retention: Some(1e6),
            age: 1e5,
            ..NonIdeal::default()
        };
        let alone = alone(&all);
        let mut sum = NonIdeal::default();
        for (_, one) in &alone {
            for (to, from) in [
                (&mut sum.stuck_lrs, one.stuck_lrs),
                (&mut sum.stuck_hrs, one.stuck_hrs),
                (&mut sum.stuck_open, one.stuck_open),
                (&mut sum.read_noise, one.read_noise),
                (&mut sum.adc_offset, one.adc_offset),
                (&mut sum.adc_gain, one.adc_gain),
                (&mut sum.dac_inl, one.dac_inl),
                (&mut sum.dac_bow, one.dac_bow),
                (&mut sum.wire_row, one.wire_row),
                (&mut sum.wire_column, one.wire_column),
                (&mut sum.age, one.age),
            ] {
                *to += from;
            }
            sum.retention = sum.retention.or(one.retention);
        }
        assert_eq!(sum, all);
        assert_eq!(alone.len(), 9);
        assert_eq!(alone[0].0, "1 % stuck at low resistance");
    }
}
