//! Functions of two arguments that are well-known folds, as `reduceByKey` and its likes take them.
//!
//! Recognised by form alone, so what such a function does still depends on the values: `a + b` adds numbers and puts
//! texts together. Who runs a fold by itself must do for its kind of values just what the program does.

use super::node::{Expr, Node, NodeId};
use super::ops::{Basic, Op};
use super::value::Value;
pub use crate::kernel::fold::{Fold, Keep, Side};

/// The fold that an expression of two arguments is.
pub(super) fn recognise(expr: &Expr) -> Option<Fold> {
    Reader { expr }.fold(expr.root(), &[])
}

struct Reader<'a> {
    expr: &'a Expr,
}

impl Reader<'_> {
    /// The fold of the parts at `path` of both arguments.
    fn fold(&self, id: NodeId, path: &[usize]) -> Option<Fold> {
        if let Some(side) = self.side(id, path) {
            return Some(if side == Side::First { Fold::First } else { Fold::Last });
        }
        match self.expr.node(id).ok()? {
            Node::Tuple(items) if !items.is_empty() && path.len() < 4 => {
                let item = |(position, item): (usize, &NodeId)| self.fold(*item, &[path, &[position]].concat());
                items.iter().enumerate().map(item).collect::<Option<_>>().map(Fold::Tuple)
            }
            Node::Op(Op::Basic(op), operands) => {
                let [a, b] = operands.as_slice() else { return None };
                let (a, b) = (self.side(*a, path)?, self.side(*b, path)?);
                match (op, a, b) {
                    (Basic::Add, Side::First, Side::Second) => Some(Fold::Sum),
                    (Basic::Mul, Side::First, Side::Second) => Some(Fold::Product),
                    // The builtins give their first operand unless the second is strictly better.
                    (Basic::Max, first, second) if first != second => Some(Fold::Max(Keep { tie: first, nan: first })),
                    (Basic::Min, first, second) if first != second => Some(Fold::Min(Keep { tie: first, nan: first })),
                    _ => None,
                }
            }
            Node::If { cond, then, other } => {
                let (then, other) = (self.side(*then, path)?, self.side(*other, path)?);
                self.choice(*cond, then, other, path)
            }
            _ => None,
        }
    }

    /// `then if left OP right else other`
    fn choice(&self, cond: NodeId, then: Side, other: Side, path: &[usize]) -> Option<Fold> {
        let Node::Op(Op::Basic(op), operands) = self.expr.node(cond).ok()? else { return None };
        let [left, right] = operands.as_slice() else { return None };
        let (left, right) = (self.side(*left, path)?, self.side(*right, path)?);
        if left == right || then == other {
            return None;
        }
        let (greater, or_equal) = match op {
            Basic::Gt => (true, false),
            Basic::Ge => (true, true),
            Basic::Lt => (false, false),
            Basic::Le => (false, true),
            _ => return None,
        };
        let keep = Keep { tie: if or_equal { then } else { other }, nan: other };
        // `left > right` gives the greater if it gives `left`.
        Some(if greater == (then == left) { Fold::Max(keep) } else { Fold::Min(keep) })
    }

    /// Which argument's part at `path` a node is.
    fn side(&self, id: NodeId, path: &[usize]) -> Option<Side> {
        match (self.expr.node(id).ok()?, path.split_last()) {
            (Node::Arg(0), None) => Some(Side::First),
            (Node::Arg(1), None) => Some(Side::Second),
            (Node::Op(Op::Basic(Basic::GetItem), operands), Some((last, rest))) => {
                let [of, at] = operands.as_slice() else { return None };
                let Node::Const(Value::Int(at)) = self.expr.node(*at).ok()? else { return None };
                if usize::try_from(*at) == Ok(*last) { self.side(*of, rest) } else { None }
            }
            _ => None,
        }
    }
}
