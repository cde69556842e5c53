//! How do the elements of two partitions become all their pairs?
//!
//! Spark pairs batches: each batch of the left with each of the right, and within these each element with each. The right
//! side is computed again for each batch of the left, unless nobody can tell. A pair of batches is one batch of pairs, and has its own copies of
//! elements that may change.

use std::collections::VecDeque;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::call::user_error;
use super::objects::{self, Prefer};
use super::{convert, objects::seal_items};
use crate::block::Block;
use crate::error::Result;
use crate::object::attach::attach;
use crate::rdd::{Again, Lot, Lots, Pairing, Task};

/// Pairs that are made in one go, about.
const ENOUGH: usize = 4096;

type Items = Vec<Py<PyAny>>;

/// Every element of the left with every element of the right.
pub(crate) struct CartesianPairs;

impl Pairing for CartesianPairs {
    fn pair(&self, task: &Arc<Task>, left: Lots, right: Again, is_steady: bool) -> Result<Lots> {
        let rights = if is_steady { Rights::Unread } else { Rights::Anew };
        let (task, made) = (Arc::clone(task), VecDeque::new());
        Ok(Box::new(Products { task, left, again: right, rights, now: None, made, over: false }))
    }
}

/// The batches of a lot, to be paired with others.
enum Side {
    /// Nobody can change these: all pairs have the same ones. So many are in a batch.
    Same { items: Option<Items>, size: usize },
    /// One batch, of which each pair of batches has its own copy.
    Copied(Block),
}

impl Side {
    fn of(py: Python<'_>, lot: Lot, sides: &mut Vec<Self>) -> PyResult<()> {
        let items = objects::load(py, &lot.block)?;
        if items.iter().all(|item| convert::is_immutable(item.bind(py))) {
            sides.push(Self::Same { items: Some(items), size: lot.size });
            return Ok(());
        }
        let mut items = items.into_iter();
        while items.len() > 0 {
            let batch = items.by_ref().take(lot.size).collect();
            sides.push(Self::Copied(seal_items(py, batch, Prefer::Shared)?));
        }
        Ok(())
    }

    fn batches(&self) -> usize {
        match self {
            Self::Same { items, size } => items.as_ref().map_or(0, |items| items.len().div_ceil(*size)),
            Self::Copied(_) => 1,
        }
    }

    /// Does something with the elements of a batch.
    fn with<T>(&self, py: Python<'_>, batch: usize, work: impl FnOnce(&[Py<PyAny>]) -> PyResult<T>) -> PyResult<T> {
        match self {
            Self::Same { items, size } => {
                let items = items.as_deref().unwrap_or_default();
                work(&items[batch * size..items.len().min((batch + 1) * size)])
            }
            Self::Copied(block) => work(&objects::load(py, block)?),
        }
    }
}

/// Python objects may only be dropped while attached.
impl Drop for Side {
    fn drop(&mut self) {
        if let Self::Same { items, .. } = self
            && let Some(items) = items.take()
        {
            drop(objects::fresh(items));
        }
    }
}

/// The right side.
enum Rights {
    /// Computed again for each batch of the left.
    Anew,
    /// The same; it is being read, and these sides of it are paired now.
    Reading(Lots, Vec<Side>),
    /// To be computed once.
    Unread,
    Read(Vec<Side>),
}

/// Where the left side is: the batches of a lot, one of them; and which of the right's batches it is to be paired with.
struct Cursor {
    sides: Vec<Side>,
    side: usize,
    batch: usize,
    right: usize,
    right_batch: usize,
}

impl Cursor {
    /// Goes on to the next batch of the left; whether there is one in this lot.
    fn step(&mut self) -> bool {
        (self.right, self.right_batch) = (0, 0);
        self.batch += 1;
        if self.batch >= self.sides[self.side].batches() {
            self.side += 1;
            self.batch = 0;
        }
        self.side < self.sides.len()
    }

    /// Adds the pairs of this batch with batches of the right, until there are enough. Whether that was the last one.
    fn pair(&mut self, py: Python<'_>, rights: &[Side], pairs: &mut Pairs) -> PyResult<bool> {
        while let Some(right) = rights.get(self.right) {
            if self.right_batch >= right.batches() {
                (self.right, self.right_batch) = (self.right + 1, 0);
            } else if pairs.is_enough() {
                return Ok(false);
            } else {
                let batch = self.right_batch;
                self.right_batch += 1;
                self.sides[self.side].with(py, self.batch, |left| {
                    right.with(py, batch, |right| product(py, left, right).map(|made| pairs.add(made)))
                })?;
            }
        }
        Ok(true)
    }
}

fn product(py: Python<'_>, left: &[Py<PyAny>], right: &[Py<PyAny>]) -> PyResult<Items> {
    let mut made = Vec::with_capacity(left.len() * right.len());
    for l in left {
        for r in right {
            made.push(PyTuple::new(py, [l, r])?.into_any().unbind());
        }
    }
    Ok(made)
}

/// Batches of pairs, gathered into lots.
#[derive(Default)]
struct Pairs {
    lots: Vec<Lot>,
    items: Items,
    /// Elements of the batches in `items`; no more can be added after a smaller one.
    size: usize,
    closed: bool,
}

impl Pairs {
    fn add(&mut self, mut batch: Items) {
        if batch.is_empty() {
            return;
        }
        if self.closed || batch.len() > self.size {
            self.cut();
            self.size = batch.len();
        }
        self.closed = batch.len() < self.size;
        self.items.append(&mut batch);
    }

    fn cut(&mut self) {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            self.lots.push(Lot { block: objects::fresh(items), size: self.size });
        }
        self.closed = false;
    }

    fn is_enough(&self) -> bool {
        self.items.len() + self.lots.iter().map(|lot| lot.block.len()).sum::<usize>() >= ENOUGH
    }

    fn finish(mut self) -> Vec<Lot> {
        self.cut();
        self.lots
    }
}

struct Products {
    task: Arc<Task>,
    left: Lots,
    again: Again,
    rights: Rights,
    now: Option<Cursor>,
    made: VecDeque<Lot>,
    over: bool,
}

impl Products {
    fn advance(&mut self) -> Result<()> {
        self.task.cancel.check()?;
        let Some(cursor) = self.now.take() else {
            return self.begin();
        };
        match std::mem::replace(&mut self.rights, Rights::Anew) {
            Rights::Unread => {
                self.rights = Rights::Read(read_all((self.again)()?)?);
                self.now = Some(cursor);
            }
            Rights::Read(sides) => {
                let paired = self.pair_with(cursor, &sides);
                self.rights = Rights::Read(sides);
                paired?;
            }
            Rights::Anew => {
                self.rights = Rights::Reading((self.again)()?, Vec::new());
                self.now = Some(cursor);
            }
            Rights::Reading(rights, sides) => self.read_on(cursor, rights, sides)?,
        }
        Ok(())
    }

    /// The next lot of the left.
    fn begin(&mut self) -> Result<()> {
        let Some(lot) = self.left.next().transpose()? else {
            self.over = true;
            return Ok(());
        };
        let mut sides = Vec::new();
        attach(|py| Side::of(py, lot, &mut sides)).map_err(user_error)?;
        if sides.iter().any(|side| side.batches() > 0) {
            self.now = Some(Cursor { sides, side: 0, batch: 0, right: 0, right_batch: 0 });
        }
        Ok(())
    }

    /// Pairs with a right side that stays as it is.
    fn pair_with(&mut self, mut cursor: Cursor, rights: &[Side]) -> Result<()> {
        let made = attach(|py| {
            let (mut pairs, mut more) = (Pairs::default(), true);
            while more && cursor.pair(py, rights, &mut pairs)? {
                more = cursor.step();
            }
            Ok((pairs.finish(), more))
        });
        let (lots, more) = made.map_err(user_error)?;
        self.made.extend(lots);
        self.now = more.then_some(cursor);
        Ok(())
    }

    /// Pairs a batch with a right side that is computed for it, lot by lot.
    fn read_on(&mut self, mut cursor: Cursor, mut rights: Lots, mut sides: Vec<Side>) -> Result<()> {
        let next = if cursor.right < sides.len() { None } else { Some(rights.next().transpose()?) };
        let made = match next {
            Some(None) => {
                self.now = cursor.step().then_some(cursor);
                return Ok(());
            }
            next => attach(|py| {
                if let Some(Some(lot)) = next {
                    sides.clear();
                    (cursor.right, cursor.right_batch) = (0, 0);
                    Side::of(py, lot, &mut sides)?;
                }
                let mut pairs = Pairs::default();
                cursor.pair(py, &sides, &mut pairs)?;
                Ok(pairs.finish())
            }),
        };
        self.made.extend(made.map_err(user_error)?);
        (self.rights, self.now) = (Rights::Reading(rights, sides), Some(cursor));
        Ok(())
    }
}

fn read_all(lots: Lots) -> Result<Vec<Side>> {
    let mut sides = Vec::new();
    for lot in lots {
        let lot = lot?;
        attach(|py| Side::of(py, lot, &mut sides)).map_err(user_error)?;
    }
    Ok(sides)
}

impl Iterator for Products {
    type Item = Result<Lot>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(lot) = self.made.pop_front() {
                return Some(Ok(lot));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.advance() {
                self.over = true;
                return Some(Err(error));
            }
        }
    }
}
