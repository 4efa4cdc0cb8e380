//! Energy of write pulses, from the device model: V^2 G t per cell and slot.

use super::components::Components;
use crate::device::DeviceError;
use crate::device::response::{Law, Parameters, Signed, UnitPulse};
use crate::golden::momentum::Slot;
use crate::spec::{CostKey, Design, DeviceModel, Layer};

/// Joules of a cell per unit of pulse width, by the magnitude of the row code; index 0 is no drive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PulseEnergy {
    /// Where the product of row code and pulse is positive.
    up: Vec<f64>,
    down: Vec<f64>,
}

/// Takes what the device model says of itself into the table.
pub(super) fn electrical(design: &Design, components: &mut Components) -> Result<(), DeviceError> {
    let mut give = |key: CostKey, value: f64| {
        if !components.given(key) {
            components.give(key, value, "the spec's device");
        }
    };
    match &design.device.model {
        DeviceModel::Ideal => {}
        DeviceModel::Compact(cells) => {
            give(CostKey::CellConductance, 0.5 * (cells.g_low + cells.g_high));
            give(CostKey::ReadVoltage, cells.v_read);
            if let Some(layer) = design.layers.first() {
                let drive = cells.drive(&layer.geometry(design))?;
                let strongest = drive.up().iter().chain(drive.down()).map(|v| v.abs()).fold(0.0, f64::max);
                give(CostKey::WriteVoltage, strongest);
            }
        }
        DeviceModel::Mtj(junction) => {
            let siemens = 0.5 * (1.0 / junction.r_p + 1.0 / junction.r_ap());
            give(CostKey::CellConductance, siemens);
            give(CostKey::ReadVoltage, junction.v_read);
            give(CostKey::WriteVoltage, junction.write_current * junction.critical_current / siemens);
        }
        DeviceModel::Pcm(pairs) => {
            give(CostKey::CellConductance, 0.5 * (pairs.set.g_min + pairs.set.g_max));
            give(CostKey::WriteVoltage, pairs.set.up.volts);
        }
        DeviceModel::Response(parameters) => {
            give(CostKey::CellConductance, 0.5 * (parameters.g_min + parameters.g_max));
            give(CostKey::WriteVoltage, parameters.up.volts.max(parameters.down.volts));
        }
    }
    Ok(())
}

/// Memristors per weight.
pub(super) fn devices(model: &DeviceModel) -> f64 {
    match model {
        DeviceModel::Ideal | DeviceModel::Compact(_) => 1.0,
        DeviceModel::Mtj(_) | DeviceModel::Pcm(_) => 2.0,
        DeviceModel::Response(p) => {
            if p.signed == Signed::Differential {
                2.0
            } else {
                1.0
            }
        }
    }
}

impl PulseEnergy {
    /// Of the cells of a layer at their mean conductance.
    ///
    /// # Errors
    /// Devices that cannot be driven as the geometry asks for.
    pub fn new(design: &Design, layer: &Layer, components: &Components) -> Result<PulseEnergy, DeviceError> {
        let geometry = layer.geometry(design);
        let siemens = components.get(CostKey::CellConductance);
        let codes = geometry.max_code as usize;
        let share = |code: usize| code as f64 / codes as f64;
        let each = |joules: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..=codes).map(joules).collect() };
        let pulse = |volts: f64| volts * volts * siemens * geometry.pulse_lsb;
        let both = |energies: Vec<f64>| PulseEnergy { up: energies.clone(), down: energies };
        Ok(match &design.device.model {
            // Amplitude in proportion to the code, as on a device that moves in proportion to it.
            DeviceModel::Ideal => {
                let full = components.get(CostKey::WriteVoltage);
                both(each(&|code| pulse(full * share(code))))
            }
            DeviceModel::Compact(cells) => {
                let drive = cells.drive(&geometry)?;
                let energies = |volts: &[f64]| {
                    let driven = volts.iter().map(|v| pulse(*v));
                    std::iter::once(0.0).chain(driven).collect()
                };
                PulseEnergy { up: energies(drive.up()), down: energies(drive.down()) }
            }
            // Both junctions of a pair are pulsed, by a current each.
            DeviceModel::Mtj(junction) => {
                let currents = junction.row_currents(geometry.max_code)?;
                let amperes = |code: usize| currents[code] * junction.critical_current;
                both(each(&|code| 2.0 * amperes(code) * amperes(code) / siemens * geometry.pulse_lsb))
            }
            // Up and down are SET pulses of one device of the pair or the other.
            DeviceModel::Pcm(pairs) => {
                let set = f64::from(geometry.update_step) / pairs.set.unit_step() * of_unit(pairs.set.up, siemens);
                both(each(&|code| code as f64 * set))
            }
            DeviceModel::Response(parameters) => {
                let (up, down) = unit_energies(parameters, f64::from(geometry.update_step), siemens);
                PulseEnergy { up: each(&|code| code as f64 * up), down: each(&|code| code as f64 * down) }
            }
        })
    }

    /// Joules of a slot.
    pub fn slot(&self, slot: &Slot) -> f64 {
        self.lines(&slot.x, &slot.pulses)
    }

    /// Joules of a write with these row codes and signed pulse widths: all cells, without a loop over them.
    pub fn lines(&self, rows: &[i32], pulses: &[i32]) -> f64 {
        // Sums over rows that are driven positive and negative, of both tables.
        let mut sums = [[0.0; 2]; 2];
        for &code in rows {
            let sign = usize::from(code < 0);
            let magnitude = code.unsigned_abs() as usize;
            sums[sign][0] += self.up.get(magnitude).copied().unwrap_or(0.0);
            sums[sign][1] += self.down.get(magnitude).copied().unwrap_or(0.0);
        }
        let mut widths = [0i64; 2];
        for &pulse in pulses {
            widths[usize::from(pulse < 0)] += i64::from(pulse.abs());
        }
        let [positive, negative] = widths.map(|w| w as f64);
        positive * (sums[0][0] + sums[1][1]) + negative * (sums[0][1] + sums[1][0])
    }

    /// Mean over both directions for rows of a mean square `power` (full scale 1), each like all others.
    pub fn at_power(&self, power: f64) -> f64 {
        let code = (power.sqrt() * (self.up.len() - 1) as f64).round() as usize;
        0.5 * (self.up[code.min(self.up.len() - 1)] + self.down[code.min(self.down.len() - 1)])
    }
}

fn of_unit(pulse: UnitPulse, siemens: f64) -> f64 {
    pulse.volts * pulse.volts * siemens * pulse.seconds
}

/// Joules per unit of code times width, upwards and downwards: so many unit pulses as the weight change takes.
fn unit_energies(p: &Parameters, step: f64, siemens: f64) -> (f64, f64) {
    let down_step = if p.law == Law::NeuroSim { (p.w_max - p.w_min) / p.pulses_down } else { p.dw_min };
    let up = step / p.unit_step() * of_unit(p.up, siemens);
    let down = step / down_step * of_unit(p.down, siemens);
    // A pair moves in opposite directions.
    if p.signed == Signed::Differential { (up + down, up + down) } else { (up, down) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec;

    /// A spec of a small network with these cells.
    fn design(device: &str) -> Design {
        let text = format!(
            "name = \"little\"\n[network]\ninputs = 3\nlayers = [ {{ outputs = 2 }} ]\n[device]\n{device}\n\
             [data]\ncsv = \"none.csv\""
        );
        spec::parse(&text, "little.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
    }

    fn energy(design: &Design) -> PulseEnergy {
        let mut components = Components::embedded(design.array.adc_bits).expect("the shipped table");
        electrical(design, &mut components).expect("drivable");
        PulseEnergy::new(design, &design.layers[0], &components).expect("drivable")
    }

    /// The sums over lines are those of a loop over the cells, and every device has an energy.
    #[test]
    fn a_slot_is_the_sum_of_its_cells() {
        let (rows, pulses) = ([100i32, -37, 0, 127], [12i32, -255, 0]);
        for device in [
            "",
            "model = \"vteam\"",
            "preset = \"ReRamSB\"",
            "preset = \"EpiRAM\"",
            "model = \"pcm\"",
            "model = \"mtj\"",
        ] {
            let energy = energy(&design(device));
            let mut cells = 0.0;
            for &x in &rows {
                for &w in &pulses {
                    let table = if i64::from(x) * i64::from(w) > 0 { &energy.up } else { &energy.down };
                    cells += table[x.unsigned_abs() as usize] * f64::from(w.abs());
                }
            }
            let lines = energy.lines(&rows, &pulses);
            assert!(lines > 0.0 && (lines / cells - 1.0).abs() < 1e-12, "{device}: {lines:e} {cells:e}");
        }
    }

    /// 10 unit pulses of 1 V and 100 ns at 5.5 uS: 10 * 1 * 5.5e-6 * 1e-7 = 5.5 pJ.
    #[test]
    fn pulse_responses_take_unit_pulses() {
        let design = design("model = \"constant_step\"");
        let geometry = design.layers[0].geometry(&design);
        let energy = energy(&design);
        let units = f64::from(geometry.update_step) * 64.0 * 200.0 / 0.0016;
        let joules = energy.lines(&[64], &[200]);
        assert!((joules / (units * 5.5e-13) - 1.0).abs() < 1e-6, "{joules:e} for {units} unit pulses");
    }
}
