//! How is a function computed for one row after the other?
//!
//! Folding is not columnar: what a row gives is the argument of the next. So programs of numbers, truths, text and tuples
//! of these are compiled, for the kinds of their arguments, into a few instructions over registers, and run row by row
//! (`RowFolder`,
//! `RowMapper`). Costs some nanoseconds an instruction, however rows and keys are distributed.
//! 1. As everywhere in `expr`: exactly Python's answer, or none. A program that has no form here bails when it is compiled;
//!    a row without an answer stops the fold before that row.
//! 2. The kind of every value is known before the first row: a function that gives an `int` for some rows and a `float`
//!    for others has no form here.

mod code;
mod compile;
mod folder;
mod mapper;
mod place;

#[cfg(test)]
mod tests;

pub use folder::RowFolder;
pub use mapper::RowMapper;

use super::Bail;
use super::node::{Expr, Node};
use super::ops::Op;
use crate::block::Kind;

/// Why an expression cannot go on from an accumulator of one kind with a value of another, if it cannot.
pub(super) fn why_not(expr: &Expr, folded: &Kind, value: &Kind) -> Option<Bail> {
    match compile::compile(expr, &[folded, value], true) {
        Err(problem) => Some(problem),
        Ok(code) if code.result.kind() == *folded => None,
        Ok(code) => Some(Bail::new(format!("a fold that gives {} of another type", code.result.type_name()))),
    }
}

/// Whether every operation of an expression may have a form row by row.
pub(super) fn may_run(expr: &Expr) -> bool {
    expr.nodes().iter().all(|node| match node {
        Node::Op(op, _) => matches!(op, Op::Basic(_)),
        Node::List(_) | Node::Each { .. } | Node::Keep { .. } | Node::Item | Node::Table(_) => false,
        Node::FString(_) | Node::Format(_) => false,
        _ => true,
    })
}
