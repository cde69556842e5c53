//! In which batches would Spark have pickled these elements?
//!
//! Elements come as blocks of any size; each lot that leaves here is a batch, or several of one size.
//! 1. Columns stay columns where the size of batches does not depend on their pickles.
//! 2. What running steps make is taken batch by batch, so that each batch is one state of its objects.

use std::collections::VecDeque;

use pyo3::prelude::*;

use super::batches::{LARGE, MOST, More, SMALL};
use super::call::user_error;
use super::live::Live;
use super::objects;
use super::values::travel;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::object::attach::attach;
use crate::rdd::{Batching, Blocks, Lot, Lots, Mark, blocks_of};

/// Elements of `made` in batches.
pub(super) fn cut(made: Blocks, cut: Batching) -> Lots {
    Box::new(Cutting::new(made, cut, false))
}

/// Objects of `made` as other batches have them; nobody can tell in which batches values of columns were.
pub(super) fn of_objects(made: Blocks, cut: Batching) -> Blocks {
    blocks_of(Box::new(Cutting::new(made, cut, true)))
}

fn sizes(cut: Batching) -> Sizes {
    match cut {
        Batching::Each(size) => Sizes::Each(size.max(1)),
        Batching::Grown => Sizes::Grown(1),
        Batching::Marks(marks) => {
            Sizes::Marks { left: marks.into_iter().filter(|mark| mark.rows > 0).rev().collect(), next: 1 }
        }
    }
}

/// Objects, which may only be dropped while attached.
#[derive(Default)]
struct Items(VecDeque<Py<PyAny>>);

impl Drop for Items {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.0);
        if !items.is_empty() {
            drop(objects::fresh(items.into()));
        }
    }
}

/// How large the next batches are.
enum Sizes {
    Each(usize),
    /// The next one has so many elements.
    Grown(usize),
    /// What is left of the marks, the first one last; and the size of the next batch of those that grow.
    Marks {
        left: Vec<Mark>,
        next: usize,
    },
}

/// The size of the batch after one of `size` elements, whose pickle has so many bytes.
fn after(size: usize, bytes: usize) -> usize {
    match bytes {
        0..SMALL => (size * 2).min(MOST),
        SMALL..=LARGE => size,
        _ => (size / 2).max(1),
    }
}

enum Now {
    Nothing,
    /// What is left of a block.
    Block(Block),
    Pulling(Live),
    Failed(EngineError),
}

struct Cutting {
    made: Blocks,
    sizes: Sizes,
    /// Elements that are no whole lot yet.
    waiting: Items,
    now: Now,
    /// Whether columns are left as they are.
    objects_only: bool,
    over: bool,
}

impl Cutting {
    fn new(made: Blocks, cut: Batching, objects_only: bool) -> Self {
        let (waiting, now) = (Items::default(), Now::Nothing);
        Self { made, sizes: sizes(cut), waiting, now, objects_only, over: false }
    }

    /// Elements of the next lot, and in its batches.
    fn wanted(&mut self) -> (usize, usize) {
        match &mut self.sizes {
            Sizes::Each(size) | Sizes::Grown(size) => (*size, *size),
            Sizes::Marks { left, next } => match left.last() {
                Some(Mark { rows, size: 0 }) => ((*next).min(*rows), *next),
                Some(Mark { rows, size }) => (*rows, *size),
                None => {
                    self.sizes = Sizes::Grown(1);
                    (1, 1)
                }
            },
        }
    }

    /// Whether the size of the batch after the next one depends on the pickle of this.
    fn grows(&self) -> bool {
        match &self.sizes {
            Sizes::Each(_) => false,
            Sizes::Grown(_) => true,
            Sizes::Marks { left, .. } => left.last().is_none_or(|mark| mark.size == 0),
        }
    }

    /// A block as the next lot; its pickle has so many bytes.
    fn lot(&mut self, block: Block, size: usize, bytes: usize) -> Lot {
        match &mut self.sizes {
            Sizes::Each(_) => {}
            Sizes::Grown(next) => *next = after(*next, bytes),
            Sizes::Marks { left, next } => match left.last_mut() {
                Some(mark) if mark.size == 0 && mark.rows > block.len() => {
                    mark.rows -= block.len();
                    *next = after(*next, bytes);
                }
                _ => {
                    left.pop();
                    *next = 1;
                }
            },
        }
        Lot { block, size }
    }

    /// The next `count` elements of those that wait.
    fn take_waiting(&mut self, count: usize, size: usize) -> Result<Lot> {
        let items = self.waiting.0.drain(..count.min(self.waiting.0.len())).collect();
        let grows = self.grows();
        let made = attach(|py| {
            // Objects of one block may be in several batches.
            let items = objects::settled(py, items)?.0;
            let bytes = if grows { pickled_bytes(py, &items)? } else { 0 };
            Ok((objects::fresh(items), bytes))
        });
        let (block, bytes) = made.map_err(user_error)?;
        Ok(self.lot(block, size, bytes))
    }

    /// The next lot, or nothing yet.
    fn advance(&mut self) -> Result<Option<Lot>> {
        let (wanted, size) = self.wanted();
        if self.waiting.0.len() >= wanted {
            return self.take_waiting(wanted, size).map(Some);
        }
        match std::mem::replace(&mut self.now, Now::Nothing) {
            Now::Failed(error) if self.waiting.0.is_empty() => Err(error),
            Now::Failed(error) => {
                self.now = Now::Failed(error);
                self.take_waiting(usize::MAX, size).map(Some)
            }
            Now::Pulling(live) => self.pull(live, wanted, size),
            Now::Block(block) => self.take_in(block, wanted, size),
            Now::Nothing => match self.made.next() {
                None if self.waiting.0.is_empty() => {
                    self.over = true;
                    Ok(None)
                }
                None => self.take_waiting(usize::MAX, size).map(Some),
                Some(Err(error)) => {
                    self.now = Now::Failed(error);
                    Ok(None)
                }
                Some(Ok(block)) => {
                    match Live::of(block) {
                        Ok(live) => self.now = Now::Pulling(live),
                        Err(block) if block.is_empty() => {}
                        Err(block) => self.now = Now::Block(block),
                    }
                    Ok(None)
                }
            },
        }
    }

    /// Elements of running steps: as many as the next lot needs.
    fn pull(&mut self, mut live: Live, wanted: usize, size: usize) -> Result<Option<Lot>> {
        let missing = wanted - self.waiting.0.len();
        let grows = self.grows();
        let (items, bytes, more) = live.within(|py, segment| {
            let (items, failure) = segment.take(py, missing);
            let more = More::after(items.len(), missing, failure);
            let (items, bytes) = match objects::mostly_own(py, items)? {
                Ok((items, _)) => {
                    // What pickle refuses could not leave a worker of Spark.
                    objects::check_travels(py, &items)?;
                    let bytes = if grows { pickled_bytes(py, &items)? } else { 0 };
                    (items, bytes)
                }
                Err(items) => objects::copied(py, items)?,
            };
            Ok((items, bytes, more))
        })?;
        let whole = self.waiting.0.is_empty() && items.len() == wanted;
        self.now = match more {
            More::Perhaps => Now::Pulling(live),
            More::Nothing => Now::Nothing,
            More::Failure(raised) => Now::Failed(user_error(raised)),
        };
        if whole {
            let block = objects::fresh(items);
            return Ok(Some(self.lot(block, size, bytes)));
        }
        self.waiting.0.extend(items);
        Ok(None)
    }

    /// Elements of a block: as many as the next lots need.
    fn take_in(&mut self, block: Block, wanted: usize, size: usize) -> Result<Option<Lot>> {
        if self.objects_only && matches!(block, Block::Columns(_)) {
            if self.waiting.0.is_empty() {
                return Ok(Some(Lot { size: block.len(), block }));
            }
            self.now = Now::Block(block);
            return self.take_waiting(usize::MAX, size).map(Some);
        }
        if self.waiting.0.is_empty() && !self.grows() {
            let length = block.len();
            let whole = if matches!(self.sizes, Sizes::Each(_)) { length - length % size } else { wanted };
            if whole == length {
                return Ok(Some(self.lot(block, size, 0)));
            }
            if let (Block::Columns(columns), true) = (&block, 0 < whole && whole < length) {
                self.now = Now::Block(Block::Columns(columns.slice(whole, length - whole)));
                return Ok(Some(self.lot(Block::Columns(columns.slice(0, whole)), size, 0)));
            }
        }
        let missing = wanted - self.waiting.0.len();
        let some = match &block {
            Block::Columns(columns) if columns.len() > missing => {
                self.now = Now::Block(Block::Columns(columns.slice(missing, columns.len() - missing)));
                Block::Columns(columns.slice(0, missing))
            }
            _ => block,
        };
        self.waiting.0.extend(attach(|py| objects::load(py, &some)).map_err(user_error)?);
        Ok(None)
    }
}

impl Iterator for Cutting {
    type Item = Result<Lot>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            if let Some(lot) = self.advance().transpose() {
                self.over = lot.is_err();
                return Some(lot);
            }
        }
        None
    }
}

/// The bytes of a batch's pickle: exactly, where a guess could be on the wrong side of a bound.
fn pickled_bytes(py: Python<'_>, items: &[Py<PyAny>]) -> PyResult<usize> {
    let about = travel::pickled_bytes(py, items);
    let is_near = |bound: usize| about > bound / 2 && about < bound * 2;
    if is_near(SMALL) || is_near(LARGE) {
        return Ok(objects::pickled(py, items.iter().map(|item| item.clone_ref(py)).collect())?.1);
    }
    Ok(about)
}
