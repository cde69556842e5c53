//! What does a plain Python function do to whole columns?
//!
//! Owns the native form of such functions: `Expr`, an expression as data, and `Program`, which computes it for all rows of
//! a chunk at once. No Python here, no I/O, no threads.
//! 1. An answer is exactly CPython's, value and type, or there is none: whatever CPython would raise, and whatever has no
//!    exact native form, is a `Bail`, after which the caller runs the Python function itself on the same rows.
//! 2. Only what CPython would evaluate counts: a branch that a row does not take never makes that row bail.
//! 3. Programs have no side effects. So a bail costs time and nothing else.
//!
//! Reading functions from bytecode: `python/dstreams/udf`; from its trees to `Expr`: `object/values/program.rs`.

mod alias;
mod cell;
mod eval;
mod fold;
mod groups;
mod kernels;
mod node;
mod ops;
mod program;
mod rounds;
mod rows;
mod select;
mod show;
mod table;
mod text;
mod val;
mod value;

#[cfg(test)]
mod tests;

pub use fold::{Fold, Keep, Side};
pub use node::{Expr, Node, NodeId, Part};
pub use ops::{Basic, Method, Op};
pub use program::Program;
pub use rounds::RoundFolder;
pub use rows::{RowFolder, RowMapper};
pub use value::{Real, Value};

/// Why there is no native answer for some rows; the Python function has to give it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Bail {
    /// A few words for people, such as "an int beyond 64 bits".
    pub reason: String,
}

impl Bail {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

type Result<T> = std::result::Result<T, Bail>;

/// There is no native answer.
#[cold]
fn bail<T>(reason: impl Into<String>) -> Result<T> {
    Err(Bail::new(reason))
}
