//! How do elements leave a chain of steps?
//!
//! In blocks that begin small: whoever wants a few elements makes few.

use super::call::user_error;
use super::live::Live;
use super::{objects, weigh};
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::rdd::Blocks;

/// Elements of the largest block.
const LARGEST: usize = 4096;

/// Live blocks of `made` as blocks that may leave the chain.
pub(super) fn of(made: Blocks) -> Blocks {
    Box::new(Batches { made, now: Now::Nothing, size: 1 })
}

struct Batches {
    made: Blocks,
    now: Now,
    /// Elements of the next block.
    size: usize,
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
        let (items, failure) = live.within(|py, segment| {
            let (items, failure) = segment.take(py, size);
            // What pickle refuses could not leave a worker of Spark.
            objects::check_travels(py, &items)?;
            if items.len() == size {
                self.size = weigh::next_size(py, &items, LARGEST);
            }
            match failure {
                Some(raised) if items.is_empty() => Err(raised),
                failure => Ok((items, failure)),
            }
        })?;
        self.now = match failure {
            // Good elements come first: whoever wants no more of them never sees the failure.
            Some(raised) => Now::Failed(user_error(raised)),
            None if items.len() == size => Now::Pulling(live),
            None => Now::Nothing,
        };
        Ok((!items.is_empty()).then(|| objects::fresh(items)))
    }
}

impl Iterator for Batches {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
