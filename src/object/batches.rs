//! How do elements leave a chain of steps?
//!
//! As they would leave a worker of Spark: in batches that are pickled. What is pickled together is one state of its objects, and
//! an object that occurs twice in it is one object. So a batch is pickled here if somebody else may still change its elements
//! (`values/travel.rs`); all others are handed on as they are.
//! A batch of results has twice as many elements as the one before, as long as its pickle is small.

use pyo3::prelude::*;

use super::call::user_error;
use super::live::Live;
use super::objects;
use super::pipeline::Segment;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::rdd::Blocks;

/// Spark's bounds for the bytes of a batch: below the first the next one is twice as large, above the second half.
pub(super) const SMALL: usize = 1 << 16;
pub(super) const LARGE: usize = 10 * SMALL;
/// Elements of the largest batch, all of them smaller than any real pickle.
pub(super) const MOST: usize = 1 << 16;

/// Live blocks of `made` as blocks that may leave the chain.
pub(super) fn of(made: Blocks) -> Blocks {
    cut(made, Results { size: 1, grows: true })
}

/// The same in batches of one size.
pub(super) fn of_size(made: Blocks, size: usize) -> Blocks {
    cut(made, Results { size, grows: false })
}

/// How the elements of running steps are taken.
pub(super) trait Cut: Send + 'static {
    /// The next block, if there are more elements.
    fn next(&mut self, py: Python<'_>, segment: &mut Segment) -> PyResult<(Option<Block>, More)>;
    /// So many elements came by that nobody can change.
    fn pass(&mut self, _rows: usize) {}
}

/// What comes after a block.
pub(super) enum More {
    /// Other blocks, perhaps.
    Perhaps,
    Nothing,
    /// Good elements come first: whoever wants no more of them never sees the failure.
    Failure(PyErr),
}

impl More {
    /// After elements of which `wanted` were asked for and `found` came.
    pub(super) fn after(found: usize, wanted: usize, failure: Option<PyErr>) -> Self {
        match failure {
            Some(raised) => Self::Failure(raised),
            None if found < wanted => Self::Nothing,
            None => Self::Perhaps,
        }
    }
}

/// Live blocks of `made` as `how` takes them.
pub(super) fn cut(made: Blocks, how: impl Cut) -> Blocks {
    Box::new(Batches { made, now: Now::Nothing, how })
}

struct Batches<C> {
    made: Blocks,
    now: Now,
    how: C,
}

enum Now {
    Nothing,
    Pulling(Live),
    Failed(EngineError),
}

impl<C: Cut> Batches<C> {
    fn advance(&mut self) -> Result<Option<Block>> {
        loop {
            match std::mem::replace(&mut self.now, Now::Nothing) {
                Now::Failed(error) => return Err(error),
                Now::Pulling(live) => {
                    if let Some(block) = self.pull(live)? {
                        return Ok(Some(block));
                    }
                }
                Now::Nothing => match self.made.next().transpose()?.map(Live::of) {
                    None => return Ok(None),
                    Some(Ok(live)) => self.now = Now::Pulling(live),
                    Some(Err(block)) => {
                        self.how.pass(block.len());
                        return Ok(Some(block));
                    }
                },
            }
        }
    }

    fn pull(&mut self, mut live: Live) -> Result<Option<Block>> {
        let (block, more) = live.within(|py, segment| match self.how.next(py, segment)? {
            (None, More::Failure(raised)) => Err(raised),
            pulled => Ok(pulled),
        })?;
        self.now = match more {
            More::Perhaps => Now::Pulling(live),
            More::Nothing => Now::Nothing,
            More::Failure(raised) => Now::Failed(user_error(raised)),
        };
        Ok(block)
    }
}

impl<C: Cut> Iterator for Batches<C> {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

struct Results {
    /// Elements of the next batch.
    size: usize,
    /// Whether batches are as large as their pickles allow.
    grows: bool,
}

impl Cut for Results {
    fn next(&mut self, py: Python<'_>, segment: &mut Segment) -> PyResult<(Option<Block>, More)> {
        let (items, failure) = segment.take(py, self.size);
        let more = More::after(items.len(), self.size, failure);
        if items.is_empty() {
            return Ok((None, more));
        }
        let (block, bytes) = match objects::mostly_own(py, items)? {
            Ok((items, bytes)) => {
                // What pickle refuses could not leave a worker of Spark.
                objects::check_travels(py, &items)?;
                (objects::fresh(items), bytes)
            }
            Err(items) => objects::pickled(py, items)?,
        };
        if self.grows && bytes < SMALL {
            self.size = (self.size * 2).min(MOST);
        } else if self.grows && bytes > LARGE {
            self.size = (self.size / 2).max(1);
        }
        Ok((Some(block), more))
    }
}
