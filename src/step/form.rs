//! The native form of one function of a step: what the engine does in its place.

use super::mapped::Mapped;
use super::reduce::Reducing;
use crate::block::Columns;
use crate::expr::Program;

/// What a function does, where the engine can do it too.
#[derive(Clone)]
pub enum Form {
    /// Reckons one value from its arguments.
    Program(Program),
    /// Sorts the pairs of a partition by `key` of their key (by the key itself if there is none).
    Sort { key: Option<Program>, ascending: bool },
    /// Pairs the values of two sides.
    Join { keep_left: bool, keep_right: bool },
    /// Keeps the elements whose random number is in a range.
    Sample { seed: i64, from: f64, below: f64 },
    /// Applies records to the states of their keys.
    Mapped(Mapped),
    /// Makes few things of a partition.
    Reduce(Reducing),
    /// Finds a key's range.
    Ranges { bounds: Columns, key: Option<Program>, ascending: bool },
}
