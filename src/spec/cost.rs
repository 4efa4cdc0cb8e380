//! `[cost]`: constants of the cost model that a spec changes. The table that they come from otherwise is `assets/components.toml`.

use std::fmt::Write;

use serde::Serialize;

use super::DeviceModel;
use super::error::{Code, Problem};
use super::quantity::Unit;
use super::reader::{Entry, Reader, Section};

macro_rules! constants {
    ($($constant:ident $name:literal $unit:ident $zero:literal $meaning:literal;)*) => {
        /// A constant of the cost model.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CostKey { $(#[doc = $meaning] $constant,)* }

        impl CostKey {
            pub const ALL: &[CostKey] = &[$(CostKey::$constant),*];

            /// Key in `[cost]` and in component tables.
            pub fn name(self) -> &'static str {
                match self { $(CostKey::$constant => $name,)* }
            }

            pub fn unit(self) -> Unit {
                match self { $(CostKey::$constant => Unit::$unit,)* }
            }

            /// Whether 0 is a value.
            pub fn zero(self) -> bool {
                match self { $(CostKey::$constant => $zero,)* }
            }

            pub fn meaning(self) -> &'static str {
                match self { $(CostKey::$constant => $meaning,)* }
            }
        }

        /// Names of all constants.
        pub(crate) const COST_KEYS: &[&str] = &[$($name),*];
    };
}

constants! {
    AdcEnergy "adc_energy" Energy true "a conversion of an ADC";
    DacEnergy "dac_energy" Energy true "setting a line to an 8-bit code; twice for each further bit";
    BitDriveEnergy "bit_drive_energy" Energy true "driving a line with one bit of a code";
    SampleHoldEnergy "sample_hold_energy" Energy true "sampling a line before its conversion";
    AddEnergy "add_energy" Energy true "adding a code to a sum, with a shift";
    TableEnergy "table_energy" Energy true "looking up activation and slope of a code";
    MultiplyEnergy "multiply_energy" Energy true "a multiplication of 8 by 8 bits; others by the product of the widths";
    MemoryEnergy "memory_energy" Energy true "reading or writing a bit of memory on the chip";
    BusEnergy "bus_energy" Energy true "moving a bit between blocks";
    SampleEnergy "sample_energy" Energy true "a bit of a sample or of an output to or from outside";
    RegisterEnergy "register_energy" Energy true "a bit of a driver's registers for a clock cycle";
    LocalEnergy "local_energy" Energy true "a decay or a transfer of one cell's second device";
    LineCapacitance "line_capacitance" Capacitance true "wire of a driven line, per cell";
    AdcLeakage "adc_leakage" Power true "an ADC that does nothing";
    DacLeakage "dac_leakage" Power true "a line driver that does nothing";
    CellConductance "cell_conductance" Conductance false "mean conductance of a device that has none of its own";
    ReadVoltage "read_voltage" Voltage false "full scale of a read where the device says nothing";
    WriteVoltage "write_voltage" Voltage false "full scale of a write where the device says nothing";
    CellArea "cell_area" Area true "a memristor";
    AccessArea "access_area" Area true "the access transistors of a memristor";
    AdcArea "adc_area" Area true "an ADC";
    DacArea "dac_area" Area true "a line driver for 8-bit codes; twice for each further bit";
    BitDriveArea "bit_drive_area" Area true "a line driver for single bits";
    SampleHoldArea "sample_hold_area" Area true "a sample-and-hold";
    AddArea "add_area" Area true "a shift-and-add";
    TableArea "table_area" Area true "a table of activations and slopes, for one word per cycle";
    MultiplyArea "multiply_area" Area true "a multiplier of 8 by 8 bits; others by the product of the widths";
    MemoryArea "memory_area" Area true "a bit of memory";
    RegisterArea "register_area" Area true "a bit of a register";
    RowPower "row_power" Share false "assumed activity: mean square of row codes in reads and writes, full scale 1";
    ColumnPower "column_power" Share false "assumed activity: mean square of column codes in transposed reads, full scale 1";
    LongestPulse "longest_pulse" Share false "assumed activity: longest pulse of a sample's own pair, as a share of the longest that there is";
    MeanPulse "mean_pulse" Share false "assumed activity: mean pulse of a slot over its longest";
    RowsWritten "rows_written" Share false "assumed activity: rows with a pulse in a step of the unit sram";
}

/// Constants as a spec gives them, in SI units.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CostOverrides(pub Vec<(CostKey, f64)>);

/// Reads `[cost]`; problems are reported.
pub(super) fn read(section: &Section<'_>) -> CostOverrides {
    let given = CostKey::ALL.iter().filter_map(|&key| match section.quantity(key.name(), key.unit(), key.zero()) {
        Entry::Given(value, _) => Some((key, value)),
        Entry::Absent | Entry::Bad => None,
    });
    CostOverrides(given.collect())
}

/// Reports constants that stand in the place of numbers which the device has itself.
pub(super) fn check(reader: &Reader<'_>, section: &Section<'_>, model: &DeviceModel) {
    let own: &[CostKey] = match model {
        DeviceModel::Ideal => &[],
        DeviceModel::Compact(_) | DeviceModel::Mtj(_) => {
            &[CostKey::CellConductance, CostKey::ReadVoltage, CostKey::WriteVoltage]
        }
        DeviceModel::Pcm(_) | DeviceModel::Response(_) => &[CostKey::CellConductance, CostKey::WriteVoltage],
    };
    for key in own {
        if let Some(span) = section.place(key.name()) {
            let message = format!("`{}` says nothing with this device", reader.quote(&span));
            let problem = Problem::new(Code::Constant, message).at(Some(span), "the device model has its own");
            reader.report(problem.help("change the keys of `[device]` instead"));
        }
    }
}

/// The section as text; nothing without constants.
pub(super) fn write(out: &mut String, cost: &CostOverrides) -> std::fmt::Result {
    if cost.0.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n[cost]")?;
    for (key, value) in &cost.0 {
        match key.unit() {
            Unit::Share => writeln!(out, "{} = {value:?}", key.name())?,
            // An exponent instead of a prefix: every digit of the value.
            unit => writeln!(out, "{} = \"{value:e} {}\"", key.name(), unit.symbol())?,
        }
    }
    Ok(())
}
