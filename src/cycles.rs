//! Cycle model.
