//! Evaluates the nodes of an expression for the rows of a chunk.
//!
//! A *frame* is a selection of rows: all of the chunk, those that take a branch, or the elements of a comprehension. It
//! remembers the value of each node that it computed.
//! 1. A frame never evaluates a node that CPython would not evaluate for each of its rows, except to see whether that
//!    succeeds: cheap nodes are tried on all rows, which is faster than selecting rows, and a bail then means nothing.
//! 2. A node known to an outer frame is not computed again, its rows are taken from there.
//! 3. A frame has at least one row.

use std::cell::RefCell;

use arrow_buffer::BooleanBuffer;
use hashbrown::HashMap;

use super::kernels::{self, Mask};
use super::node::{Node, NodeId};
use super::ops::{Basic, Op};
use super::program::Plan;
use super::select;
use super::val::{Lists, Tuples, Val};
use super::{Result, bail};

/// A selection of rows, and what is known about them.
pub(super) struct Frame<'a> {
    plan: &'a Plan,
    args: &'a [Val],
    /// The frame around, and which of its rows these are.
    outer: Option<(&'a Frame<'a>, Vec<u32>)>,
    rows: usize,
    known: RefCell<HashMap<NodeId, Val>>,
}

impl<'a> Frame<'a> {
    /// All rows of a chunk, at least one.
    pub fn new(plan: &'a Plan, args: &'a [Val], rows: usize) -> Self {
        Self { plan, args, outer: None, rows, known: RefCell::default() }
    }

    fn inner(&'a self, rows: Vec<u32>) -> Frame<'a> {
        let count = rows.len();
        Self { plan: self.plan, args: self.args, outer: Some((self, rows)), rows: count, known: RefCell::default() }
    }

    /// The value of a node.
    pub fn get(&self, id: NodeId) -> Result<Val> {
        if let Some(value) = self.look_up(id)? {
            return Ok(value);
        }
        let value = self.compute(id)?;
        self.remember(id, &value);
        Ok(value)
    }

    fn remember(&self, id: NodeId, value: &Val) {
        self.known.borrow_mut().insert(id, value.clone());
    }

    /// The value of a node if this frame or one around it knows it.
    fn look_up(&self, id: NodeId) -> Result<Option<Val>> {
        if let Some(value) = self.known.borrow().get(&id) {
            return Ok(Some(value.clone()));
        }
        let Some((outer, rows)) = &self.outer else { return Ok(None) };
        let Some(value) = outer.look_up(id)? else { return Ok(None) };
        let value = select::take(&value, rows)?;
        self.remember(id, &value);
        Ok(Some(value))
    }

    fn compute(&self, id: NodeId) -> Result<Val> {
        match self.plan.expr.node(id)? {
            Node::Arg(position) => match (&self.outer, self.args.get(*position)) {
                (Some((outer, rows)), _) => select::take(&outer.get(id)?, rows),
                (None, Some(value)) => Ok(value.clone()),
                (None, None) => bail("an argument that is not given"),
            },
            Node::Item => match &self.outer {
                Some((outer, rows)) => select::take(&outer.get(id)?, rows),
                None => bail("an element outside of its loop"),
            },
            Node::Const(value) => Ok(Val::constant(value.clone())),
            Node::Table(_) => self.plan.table(id),
            Node::Regex(_) => self.plan.regex(id),
            Node::Tuple(items) => Ok(Val::tuple(self.all(items)?)),
            Node::List(items) => self.list(items),
            Node::If { cond, then, other } => match self.truth(*cond)? {
                Mask::All => self.get(*then),
                Mask::None => self.get(*other),
                Mask::Some(mask) => self.branch(&mask, *then, *other),
            },
            Node::And(a, b) => match self.truth(*a)? {
                Mask::All => self.get(*b),
                Mask::None => self.get(*a),
                Mask::Some(mask) => self.branch(&mask, *b, *a),
            },
            Node::Or(a, b) => match self.truth(*a)? {
                Mask::All => self.get(*a),
                Mask::None => self.get(*b),
                Mask::Some(mask) => self.branch(&mask, *a, *b),
            },
            Node::Not(_) => Ok(self.truth(id)?.into_val(self.rows)),
            Node::Seq(first, value) => {
                for id in first {
                    self.get(*id)?;
                }
                self.get(*value)
            }
            Node::Op(Op::Basic(op @ (Basic::ReMatch | Basic::ReSearch | Basic::ReFullMatch)), operands) => {
                kernels::find(*op, &self.all(operands)?, self.plan.wanted_groups(id), self.rows)
            }
            Node::Op(op, operands) => self.operation(op, &self.all(operands)?),
            Node::Attr(value, name) => kernels::attribute(&self.get(*value)?, name, self.rows),
            Node::FString(parts) => self.folded(&self.all(parts)?, kernels::joined),
            Node::Format(part) => {
                let value = self.get(part.value)?;
                self.folded(&[value], |values, rows| kernels::formatted(&values[0], part.conversion, &part.spec, rows))
            }
            Node::Each { body, over } => {
                if let Val::Tuple(Tuples { items, nulls: None, .. }) = self.get(*over)?
                    && !items.is_empty()
                {
                    return self.each_of_tuple(*body, &items);
                }
                let lists = kernels::items_of(&self.get(*over)?, self.rows)?;
                let Some(inner) = self.elements(&lists)? else { return Ok(empty_lists(&lists)) };
                let items = inner.get(*body)?;
                Ok(Val::list(items, lists.count, lists.offsets.to_vec()))
            }
            Node::Keep { cond, over } => {
                let lists = kernels::items_of(&self.get(*over)?, self.rows)?;
                let Some(inner) = self.elements(&lists)? else { return Ok(empty_lists(&lists)) };
                keep(&lists, &inner.truth(*cond)?)
            }
        }
    }

    /// The list of `body` for every item of tuples, whose items may be of several kinds.
    fn each_of_tuple(&self, body: NodeId, items: &[Val]) -> Result<Val> {
        let values: Vec<Val> = items
            .iter()
            .map(|item| {
                let inner = self.inner((0..self.rows as u32).collect());
                if let Some(node) = self.plan.item {
                    inner.remember(node, item);
                }
                inner.get(body)
            })
            .collect::<Result<_>>()?;
        self.lists_of(&values)
    }

    fn all(&self, ids: &[NodeId]) -> Result<Vec<Val>> {
        ids.iter().map(|id| self.get(*id)).collect()
    }

    /// The result of a kernel; computed once for all rows if the operands are constants.
    fn folded(&self, operands: &[Val], kernel: impl Fn(&[Val], usize) -> Result<Val>) -> Result<Val> {
        if self.rows == 1 || !operands.iter().all(Val::is_constant) {
            return kernel(operands, self.rows);
        }
        let value = kernel(operands, 1)?;
        match value.first_as_constant() {
            Some(constant) => Ok(Val::constant(constant)),
            None if value.is_constant() => Ok(value),
            None => select::take(&value, &vec![0; self.rows]),
        }
    }

    fn operation(&self, op: &Op, operands: &[Val]) -> Result<Val> {
        self.folded(operands, |operands, rows| kernels::apply(op, operands, rows))
    }

    fn list(&self, items: &[NodeId]) -> Result<Val> {
        self.lists_of(&self.all(items)?)
    }

    /// Lists of one value of each.
    fn lists_of(&self, items: &[Val]) -> Result<Val> {
        let Some(count) = items.len().checked_mul(self.rows).filter(|count| i32::try_from(*count).is_ok()) else {
            return bail("lists of more than 2^31 items");
        };
        let offsets = (0..=self.rows).map(|row| (row * items.len()) as i32).collect();
        Ok(Val::list(select::interleave(items, self.rows)?, count, offsets))
    }

    /// `then` for the rows of the mask and `other` for the rest; there are both.
    fn branch(&self, mask: &BooleanBuffer, then: NodeId, other: NodeId) -> Result<Val> {
        if self.plan.is_cheap(then)
            && self.plan.is_cheap(other)
            && let (Ok(yes), Ok(no)) = (self.get(then), self.get(other))
            && let Ok(value) = select::choose(mask, &yes, &no)
        {
            return Ok(value);
        }
        let (set, unset) = select::split(mask);
        let yes = self.inner(set).get(then)?;
        let no = self.inner(unset).get(other)?;
        select::merge(mask, &yes, &no)
    }

    /// For which rows the value of a node is true.
    pub fn truth(&self, id: NodeId) -> Result<Mask> {
        match self.plan.expr.node(id)? {
            Node::Not(inner) => Ok(self.truth(*inner)?.not()),
            Node::And(a, b) => match self.truth(*a)? {
                Mask::None => Ok(Mask::None),
                Mask::All => self.truth(*b),
                Mask::Some(mask) => self.truth_within(&mask, *b),
            },
            Node::Or(a, b) => match self.truth(*a)? {
                Mask::All => Ok(Mask::All),
                Mask::None => self.truth(*b),
                // a or b: where a is not true, b decides.
                Mask::Some(mask) => Ok(self.truth_of_rest(&mask, *b)?.not()),
            },
            _ => kernels::truth(&self.get(id)?, self.rows),
        }
    }

    /// Rows of the mask for which a node is true.
    fn truth_within(&self, mask: &BooleanBuffer, id: NodeId) -> Result<Mask> {
        if self.plan.is_cheap(id)
            && let Ok(truth) = self.truth(id)
        {
            return Ok(match truth {
                Mask::None => Mask::None,
                Mask::All => Mask::Some(mask.clone()),
                Mask::Some(other) => Mask::of(mask & &other),
            });
        }
        let (set, _) = select::split(mask);
        let truth = self.inner(set).truth(id)?;
        Ok(match truth {
            Mask::None => Mask::None,
            Mask::All => Mask::Some(mask.clone()),
            Mask::Some(inner) => {
                let mut next = inner.iter();
                Mask::of(mask.iter().map(|bit| bit && next.next().unwrap_or(false)).collect())
            }
        })
    }

    /// Rows outside of the mask for which a node is not true.
    fn truth_of_rest(&self, mask: &BooleanBuffer, id: NodeId) -> Result<Mask> {
        let rest = !mask;
        Ok(match self.truth_within(&rest, id)? {
            Mask::None => Mask::Some(rest),
            Mask::All => Mask::None,
            Mask::Some(truth) => Mask::of(&rest & &!&truth),
        })
    }

    /// A frame with a row for each element of the lists, if there are elements.
    fn elements(&'a self, lists: &Lists) -> Result<Option<Frame<'a>>> {
        if lists.count == 0 {
            return Ok(None);
        }
        let mut rows = Vec::with_capacity(lists.count);
        for row in 0..self.rows {
            rows.resize(rows.len() + lists.range(row).len(), row as u32);
        }
        let inner = self.inner(rows);
        if let Some(item) = self.plan.item {
            inner.remember(item, &lists.items);
        }
        Ok(Some(inner))
    }
}

fn empty_lists(lists: &Lists) -> Val {
    Val::list(Val::NONE, 0, vec![0; lists.offsets.len()])
}

/// The lists without the elements for which the mask is not set.
fn keep(lists: &Lists, mask: &Mask) -> Result<Val> {
    Ok(match mask {
        Mask::None => empty_lists(lists),
        Mask::All => Val::list(lists.items.as_ref().clone(), lists.count, lists.offsets.to_vec()),
        Mask::Some(mask) => {
            let (kept, _) = select::split(mask);
            let mut offsets = Vec::with_capacity(lists.offsets.len());
            let mut position = 0;
            for end in lists.offsets.iter() {
                while kept.get(position).is_some_and(|item| (*item as i32) < *end) {
                    position += 1;
                }
                offsets.push(position as i32);
            }
            Val::list(select::take(&lists.items, &kept)?, kept.len(), offsets)
        }
    })
}
