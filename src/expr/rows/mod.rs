//! How is a function computed for one row after the other?
//!
//! Folding is not columnar: what a row gives is the argument of the next. So programs of numbers, truths, text and tuples
//! of these are compiled, for the kinds of their arguments, into a few instructions over registers, and run row by row
//! (`RowFolder`). Costs some nanoseconds an instruction, however rows and keys are distributed.
//! 1. As everywhere in `expr`: exactly Python's answer, or none. A program that has no form here bails when it is compiled;
//!    a row without an answer stops the fold before that row.
//! 2. The kind of every value is known before the first row: a function that gives an `int` for some rows and a `float`
//!    for others has no form here.

mod code;
mod compile;
mod folder;
mod place;

#[cfg(test)]
mod tests;

pub use folder::RowFolder;

use super::node::{Expr, Node};
use super::ops::Op;

/// Whether every operation of an expression may have a form row by row.
pub(super) fn may_run(expr: &Expr) -> bool {
    expr.nodes().iter().all(|node| match node {
        Node::Op(op, _) => matches!(op, Op::Basic(_)),
        Node::List(_) | Node::Each { .. } | Node::Keep { .. } | Node::Item | Node::Table(_) => false,
        Node::FString(_) | Node::Format(_) => false,
        _ => true,
    })
}
