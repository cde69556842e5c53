//! How do elements leave a chain of steps?
//!
//! As they would leave a worker of Spark: in batches that are pickled. What is pickled together is one state of its objects, and
//! an object that occurs twice in it is one object. So a batch is pickled here if somebody else may still change its elements
//! (`travel.rs`); all others are handed on as they are.
//! A batch has twice as many elements as the one before, as long as its pickle is small.

use super::call::user_error;
use super::live::Live;
use super::{objects, travel};
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::rdd::Blocks;

/// Spark's bounds for the bytes of a batch: below the first the next one is twice as large, above the second half.
const SMALL: usize = 1 << 16;
const LARGE: usize = 10 * SMALL;
/// Elements of the largest batch, all of them smaller than any real pickle.
const MOST: usize = 1 << 16;

/// Live blocks of `made` as blocks that may leave the chain.
pub(super) fn of(made: Blocks) -> Blocks {
    Box::new(Batches { made, now: Now::Nothing, size: 1, grows: true })
}

/// The same in batches of a hundred, as elements come that are to be paired with others.
pub(super) fn of_hundreds(made: Blocks) -> Blocks {
    Box::new(Batches { made, now: Now::Nothing, size: 100, grows: false })
}

struct Batches {
    made: Blocks,
    now: Now,
    /// Elements of the next batch.
    size: usize,
    /// Whether batches are as large as their pickles allow.
    grows: bool,
}

enum Now {
    Nothing,
    Pulling(Live),
    Failed(EngineError),
}

impl Batches {
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
                    Some(Err(block)) => return Ok(Some(block)),
                },
            }
        }
    }

    fn pull(&mut self, mut live: Live) -> Result<Option<Block>> {
        let size = self.size;
        let (batch, bytes, failure) = live.within(|py, segment| {
            let (items, failure) = segment.take(py, size);
            match failure {
                Some(raised) if items.is_empty() => return Err(raised),
                _ if items.is_empty() => return Ok((None, 0, None)),
                _ => {}
            }
            if travel::are_own(py, &items) {
                // What pickle refuses could not leave a worker of Spark.
                objects::check_travels(py, &items)?;
                let bytes = travel::pickled_bytes(py, &items);
                return Ok((Some(objects::fresh(items)), bytes, failure));
            }
            let (block, bytes) = objects::pickled(py, items)?;
            Ok((Some(block), bytes, failure))
        })?;
        self.now = match failure {
            // Good elements come first: whoever wants no more of them never sees the failure.
            Some(raised) => Now::Failed(user_error(raised)),
            None if batch.as_ref().is_some_and(|batch| batch.len() == size) => Now::Pulling(live),
            None => Now::Nothing,
        };
        if !self.grows {
            return Ok(batch);
        }
        if bytes < SMALL {
            self.size = (size * 2).min(MOST);
        } else if bytes > LARGE {
            self.size = (size / 2).max(1);
        }
        Ok(batch)
    }
}

impl Iterator for Batches {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
