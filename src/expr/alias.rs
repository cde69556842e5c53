//! May one mutable value be at two places of a result?
//!
//! `(xs, xs)` holds one list twice in Python: what changes one changes the other. Columns would give two lists, so such
//! results bail. Decided in two steps: from the expression alone, whether one value may be twice in the result; then, from
//! the result's type, whether it has places for two lists at all.

use super::node::{Expr, Node, NodeId};
use super::ops::{Basic, Method, Op};
use super::val::Val;

/// Past this many places a result counts as one that repeats a value.
const MAX_PLACES: usize = 64;

/// Whether a value may be at two places of one result.
pub(super) fn may_alias(expr: &Expr) -> bool {
    let mut places = Vec::new();
    let complete = collect(expr, expr.root(), &mut places);
    if !complete {
        return true;
    }
    let overlap = |a: NodeId, b: NodeId| a == b || contains(expr, a, b) || contains(expr, b, a);
    places.iter().enumerate().any(|(position, a)| places[..position].iter().any(|b| overlap(*a, *b)))
}

/// The nodes whose values end up in the value of `id`. False if that is not known or too much.
fn collect(expr: &Expr, id: NodeId, places: &mut Vec<NodeId>) -> bool {
    let Ok(node) = expr.node(id) else { return false };
    if places.len() > MAX_PLACES {
        return false;
    }
    match node {
        Node::Tuple(items) | Node::List(items) => items.iter().all(|item| collect(expr, *item, places)),
        Node::Seq(_, value) => collect(expr, *value, places),
        // Either of them; both count, which is more careful than need be.
        Node::If { then, other, .. } => collect(expr, *then, places) && collect(expr, *other, places),
        Node::And(a, b) | Node::Or(a, b) => collect(expr, *a, places) && collect(expr, *b, places),
        Node::Each { body, over } => {
            // An element of another list than the one over which it goes would be in every element.
            let mut inner = Vec::new();
            collect(expr, *body, &mut inner)
                && inner.iter().all(|place| !is_shared(expr, *place))
                && collect(expr, *over, places)
        }
        Node::Op(Op::Basic(basic), operands) => match basic {
            // The second operand only says which.
            Basic::SortedBy | Basic::MaxBy | Basic::MinBy => {
                operands.first().is_some_and(|values| collect(expr, *values, places))
            }
            Basic::GetItem | Basic::Slice => {
                places.push(id);
                true
            }
            Basic::Add
            | Basic::Mul
            | Basic::Sorted
            | Basic::Reversed
            | Basic::Tuple
            | Basic::List
            | Basic::Zip
            | Basic::Min
            | Basic::Max => operands.iter().all(|operand| collect(expr, *operand, places)),
            _ => {
                places.push(id);
                true
            }
        },
        _ => {
            places.push(id);
            true
        }
    }
}

/// Whether a value comes from outside rather than being made anew for each row.
fn is_shared(expr: &Expr, id: NodeId) -> bool {
    match expr.node(id) {
        Ok(Node::Op(Op::Basic(Basic::GetItem), operands)) => {
            operands.first().is_none_or(|operand| is_shared(expr, *operand))
        }
        // Dicts hold constants only, so `get` gives nothing mutable but its default.
        Ok(Node::Arg(_) | Node::Attr(..) | Node::Op(Op::Method { method: Method::Get, .. }, _)) | Err(_) => true,
        Ok(_) => false,
    }
}

/// Whether the value of `part` may be inside that of `whole`, from which it was taken.
fn contains(expr: &Expr, whole: NodeId, part: NodeId) -> bool {
    let mut current = part;
    loop {
        match expr.node(current) {
            Ok(Node::Op(Op::Basic(Basic::GetItem | Basic::Slice), operands)) => match operands.first() {
                Some(operand) => current = *operand,
                None => return false,
            },
            Ok(Node::Attr(operand, _)) => current = *operand,
            _ => return false,
        }
        if current == whole {
            return true;
        }
    }
}

/// How many lists a value of this type may hold, up to 2 and more.
pub(super) fn lists_in(value: &Val) -> usize {
    match value {
        Val::Tuple(tuples) => tuples.items.iter().map(lists_in).sum(),
        Val::List(lists) if matches!(*lists.items, Val::List(_) | Val::Tuple(_)) => 1 + 2 * lists_in(&lists.items),
        Val::List(_) => 1,
        _ => 0,
    }
}
