//! Parameters: named sets with their sources, and what can be wrong with a value.

use std::fmt;

/// Whether a parameter set can be traced to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The numbers stand in the named source.
    Sourced,
    /// The numbers are assumed: typical of the named device, not quoted from a publication.
    Assumed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Sourced => "sourced",
            Status::Assumed => "assumed",
        })
    }
}

/// A named set of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSet<M> {
    pub name: &'static str,
    pub source: &'static str,
    pub status: Status,
    pub model: M,
}

/// Whether a parameter problem forbids the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// A parameter outside what the model means.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterProblem {
    /// Name of the field in the model's struct.
    pub field: &'static str,
    /// The value, with its unit.
    pub value: String,
    /// What is allowed, such as `above 0 ohm`.
    pub allowed: String,
    /// Why, when the range alone does not say it.
    pub reason: &'static str,
    pub severity: Severity,
}

impl fmt::Display for ParameterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` = {}; allowed: {}", self.field, self.value, self.allowed)?;
        if !self.reason.is_empty() {
            write!(f, " ({})", self.reason)?;
        }
        Ok(())
    }
}

/// Collects problems, field by field.
#[derive(Default)]
pub(super) struct Checker {
    problems: Vec<ParameterProblem>,
}

/// Value with its unit; very large and small magnitudes in exponent notation.
fn quantity(value: f64, unit: &str) -> String {
    let number = if value == 0.0 || (1e-3..1e6).contains(&value.abs()) || !value.is_finite() {
        format!("{value}")
    } else {
        format!("{value:e}")
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

impl Checker {
    pub fn finish(self) -> Vec<ParameterProblem> {
        self.problems
    }

    pub fn push(
        &mut self,
        severity: Severity,
        field: &'static str,
        value: impl Into<String>,
        allowed: impl Into<String>,
        reason: &'static str,
    ) {
        self.problems.push(ParameterProblem { field, value: value.into(), allowed: allowed.into(), reason, severity });
    }

    fn require(&mut self, holds: bool, field: &'static str, value: f64, unit: &str, allowed: String) -> bool {
        // NaN and infinity fail every range.
        let good = holds && value.is_finite();
        if !good {
            self.push(Severity::Error, field, quantity(value, unit), allowed, "");
        }
        good
    }

    pub fn finite(&mut self, field: &'static str, value: f64, unit: &str) -> bool {
        self.require(true, field, value, unit, "a finite number".into())
    }

    pub fn above(&mut self, field: &'static str, value: f64, limit: f64, unit: &str) -> bool {
        self.require(value > limit, field, value, unit, format!("above {}", quantity(limit, unit)))
    }

    pub fn below(&mut self, field: &'static str, value: f64, limit: f64, unit: &str) -> bool {
        self.require(value < limit, field, value, unit, format!("below {}", quantity(limit, unit)))
    }

    pub fn within(&mut self, field: &'static str, value: f64, low: f64, high: f64, unit: &str) -> bool {
        let allowed = format!("{low} to {}", quantity(high, unit));
        self.require((low..=high).contains(&value), field, value, unit, allowed)
    }
}
