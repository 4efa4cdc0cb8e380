//! Conditions under which a run of many cycles ends.

use crate::{Output, ffi::RawCondition, ports::Signal, shim};

/// Conditions that end [`Model::run`](crate::Model::run), each looked at after every cycle. The first one that holds, in the order in
/// which they were added, ends the run. Made once and used for many runs.
///
/// # Panics
/// Adding a signal of another model than the first one panics.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    conditions: Vec<RawCondition>,
    model: Option<u64>,
}

impl Watch {
    /// No condition: the run ends with its budget.
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Any bit of the signal is set.
    pub fn nonzero(self, signal: impl Into<Output>) -> Watch {
        self.add(signal.into().0, shim::DIFFERS, 0)
    }

    /// The signal, zero-extended, equals `value`.
    pub fn equals(self, signal: impl Into<Output>, value: u64) -> Watch {
        self.add(signal.into().0, shim::EQUALS, value)
    }

    /// The signal, zero-extended, is not `value`.
    pub fn differs(self, signal: impl Into<Output>, value: u64) -> Watch {
        self.add(signal.into().0, shim::DIFFERS, value)
    }

    /// The signal is not what it was when the run began.
    pub fn changes(self, signal: impl Into<Output>) -> Watch {
        self.add(signal.into().0, shim::CHANGES, 0)
    }

    fn add(mut self, signal: Signal, kind: u32, value: u64) -> Watch {
        let model = *self.model.get_or_insert(signal.model);
        assert!(model == signal.model, "one watch cannot look at two models");
        self.conditions.push(RawCondition { data: signal.address, bytes: signal.bytes, kind, value });
        self
    }

    pub(crate) fn conditions(&self) -> &[RawCondition] {
        &self.conditions
    }

    /// Number of the model whose signals these are.
    pub(crate) fn model(&self) -> Option<u64> {
        self.model
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// Cycles run, at least 1 unless the budget was 0.
    pub cycles: u64,
    /// Which condition ended it, counted from 0; none when the budget did.
    pub hit: Option<usize>,
}
