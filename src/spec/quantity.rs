//! Numbers with their unit in the text, such as `"1.667 pJ"`.

use toml::de::DeValue;

use super::error::{Code, Problem};
use super::reader::{Entry, Section};

/// What a quantity measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Energy,
    Power,
    Area,
    Time,
    Voltage,
    Conductance,
    Capacitance,
    /// Floating-point operations per second.
    Operations,
    /// Bytes per second.
    Bandwidth,
    /// A plain number from 0 to 1, without a unit.
    Share,
}

impl Unit {
    /// The unit without a prefix; empty for shares.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Energy => "J",
            Unit::Power => "W",
            Unit::Area => "m^2",
            Unit::Time => "s",
            Unit::Voltage => "V",
            Unit::Conductance => "S",
            Unit::Capacitance => "F",
            Unit::Operations => "FLOP/s",
            Unit::Bandwidth => "B/s",
            Unit::Share => "",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Energy => "an energy",
            Unit::Power => "a power",
            Unit::Area => "an area",
            Unit::Time => "a time",
            Unit::Voltage => "a voltage",
            Unit::Conductance => "a conductance",
            Unit::Capacitance => "a capacitance",
            Unit::Operations => "operations per second",
            Unit::Bandwidth => "bytes per second",
            Unit::Share => "a number from 0 to 1",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Unit::Energy => "\"1.667 pJ\"",
            Unit::Power => "\"0.3 mW\"",
            Unit::Area => "\"1200 um^2\"",
            Unit::Time => "\"50 ns\"",
            Unit::Voltage => "\"0.5 V\"",
            Unit::Conductance => "\"10 uS\"",
            Unit::Capacitance => "\"0.2 fF\"",
            Unit::Operations => "\"11.3 TFLOP/s\"",
            Unit::Bandwidth => "\"484 GB/s\"",
            Unit::Share => "0.25",
        }
    }

    /// Largest value that is taken: beyond it stands a slip of a prefix.
    fn limit(self) -> f64 {
        match self {
            Unit::Energy | Unit::Area => 1e-3,
            Unit::Power => 1e5,
            Unit::Time | Unit::Voltage => 1e3,
            Unit::Conductance | Unit::Capacitance | Unit::Share => 1.0,
            Unit::Operations => 1e18,
            Unit::Bandwidth => 1e15,
        }
    }

    /// A value of this unit as text with four digits and a fitting prefix.
    pub fn text(self, value: f64) -> String {
        let four = |v: f64| format!("{}", format!("{v:.3e}").parse::<f64>().unwrap_or(v));
        if self == Unit::Share {
            return four(value);
        }
        if self == Unit::Area {
            let (factor, unit) = if value >= 0.5e-6 { (1e6, "mm^2") } else { (1e12, "um^2") };
            return format!("{} {unit}", four(value * factor));
        }
        let prefix = PREFIXES.iter().rev().find(|(_, factor)| value >= 0.9995 * factor);
        let (letter, factor) = prefix.filter(|_| value > 0.0).copied().unwrap_or(("", 1.0));
        let (letter, factor) = if value > 0.0 && value < PREFIXES[0].1 { PREFIXES[0] } else { (letter, factor) };
        format!("{} {letter}{}", four(value / factor), self.symbol())
    }
}

/// Rising.
const PREFIXES: [(&str, f64); 11] = [
    ("a", 1e-18),
    ("f", 1e-15),
    ("p", 1e-12),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("", 1.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
];

/// Why a text is no quantity of the unit.
enum Bad {
    /// No number at its beginning.
    Number,
    /// Another unit, or none.
    Unit,
}

/// The value in SI units.
fn parse(text: &str, unit: Unit) -> Result<f64, Bad> {
    let text = text.trim();
    // The longest beginning that is a number: `1e-3 J` has its exponent, `1 EJ` none.
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
    let end = ends.into_iter().find(|&end| text[..end].trim_end().parse::<f64>().is_ok()).ok_or(Bad::Number)?;
    let number: f64 = text[..end].trim_end().parse().map_err(|_| Bad::Number)?;
    let word = text[end..].trim();
    let prefix = word.strip_suffix(unit.symbol()).ok_or(Bad::Unit)?;
    let prefix = if matches!(prefix, "\u{b5}" | "\u{3bc}") { "u" } else { prefix };
    let (_, factor) = PREFIXES.iter().find(|(letter, _)| *letter == prefix).ok_or(Bad::Unit)?;
    Ok(number * if unit == Unit::Area { factor * factor } else { *factor })
}

impl Section<'_> {
    /// A quantity in SI units, at least 0; `zero`: whether 0 itself is allowed.
    pub(crate) fn quantity(&self, key: &str, unit: Unit, zero: bool) -> Entry<f64> {
        let least = if zero { "at least 0" } else { "above 0" };
        if unit == Unit::Share {
            return if zero {
                self.real_within(key, 0.0..=1.0, "")
            } else {
                self.number(key, |n| n > 0.0 && n <= 1.0, || "above 0 and at most 1".to_owned())
            };
        }
        let Some((k, v)) = self.get(key) else { return Entry::Absent };
        let DeValue::String(text) = v.get_ref() else {
            self.wrong_type(
                k,
                v,
                "a number with its unit in quotes",
                Some(format!("for example `{key} = {}`", unit.example())),
            );
            return Entry::Bad;
        };
        let Some(span) = self.place(key) else { return Entry::Bad };
        match parse(text, unit) {
            Ok(value) if value.is_finite() && (value > 0.0 || (zero && value == 0.0)) && value <= unit.limit() => {
                Entry::Given(value, span)
            }
            Ok(_) => {
                let allowed = format!("{least} and at most {}", unit.text(unit.limit()));
                self.out_of_range(&span, &allowed, None);
                Entry::Bad
            }
            Err(bad) => {
                let what = match bad {
                    Bad::Number => "begins with no number",
                    Bad::Unit => "has the wrong unit",
                };
                let message = format!("`{}` {what}", self.reader.quote(&span));
                let expected = format!("expected {} in {}, with or without a prefix", unit.name(), unit.symbol());
                self.reader.report(
                    Problem::new(Code::Unit, message)
                        .at(Some(span), expected)
                        .help(format!("for example `{key} = {}`", unit.example())),
                );
                Entry::Bad
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_prefixes() {
        for (text, unit, value) in [
            ("1.667 pJ", Unit::Energy, 1.667e-12),
            ("1200um^2", Unit::Area, 1.2e-9),
            ("0.5 mm^2", Unit::Area, 5e-7),
            ("1e-3 mW", Unit::Power, 1e-6),
            ("-2 V", Unit::Voltage, -2.0),
            ("11.3 TFLOP/s", Unit::Operations, 11.3e12),
            ("484 GB/s", Unit::Bandwidth, 484e9),
            ("3 \u{b5}s", Unit::Time, 3e-6),
        ] {
            let read = parse(text, unit).unwrap_or(f64::NAN);
            assert!((read / value - 1.0).abs() < 1e-12, "{text}: {read}");
        }
        for (text, unit) in
            [("1.667 mW", Unit::Energy), ("5", Unit::Time), ("3 xJ", Unit::Energy), ("2 us", Unit::Area)]
        {
            assert!(matches!(parse(text, unit), Err(Bad::Unit)), "{text}");
        }
        assert!(matches!(parse("pJ", Unit::Energy), Err(Bad::Number)));
    }

    #[test]
    fn quantities_are_written_with_a_prefix() {
        for (value, unit, text) in [
            (1.667e-12, Unit::Energy, "1.667 pJ"),
            (0.0, Unit::Power, "0 W"),
            (1.2e-9, Unit::Area, "1200 um^2"),
            (2.5e-6, Unit::Area, "2.5 mm^2"),
            (250.0, Unit::Power, "250 W"),
            (1.13e13, Unit::Operations, "11.3 TFLOP/s"),
            (0.25, Unit::Share, "0.25"),
            (9.9999e-7, Unit::Time, "1 us"),
        ] {
            assert_eq!(unit.text(value), text);
        }
    }
}
