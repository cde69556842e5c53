//! Blocks for a step that wants columns: what of running blocks becomes columns, and what is left to Python?
//!
//! 1. Elements of running blocks become values of columns as they are made, each before the next one. So an element that its
//!    maker changes afterwards, or uses again, is what it was when it came by.
//! 2. From the first one that does not fit the rest of a running block comes as it is, for Python. Of a list that its maker
//!    still holds there is no value: it stays the object that it is.

use std::sync::Arc;

use super::onward::{Onward, Pulled, Then};
use super::running::Running;
use crate::block::{Block, Columns};
use crate::error::{EngineError, Result};
use crate::kernel::weigh::bytes_of;
use crate::rdd::Blocks;

/// Rows of the first columns and of the largest, and about the most bytes of these.
const FIRST: usize = 16;
const LARGEST: usize = 4096;
const LARGEST_BYTES: usize = 1 << 20;

/// Blocks as they are taken in.
pub(super) struct Taken {
    input: Blocks,
    now: Now,
    /// Rows of the next columns: few at first, as they may be large.
    rows: usize,
    /// Pulls from running blocks; None where these are taken as they are.
    onward: Option<Arc<dyn Onward>>,
}

enum Now {
    Nothing,
    /// To come before anything else.
    Block(Block),
    Pulling(Block),
    Failed(EngineError),
}

impl Taken {
    pub(super) fn new(running: &Running, input: Blocks) -> Self {
        Self { input, now: Now::Nothing, rows: FIRST, onward: Some(Arc::clone(&running.onward)) }
    }

    /// Blocks as they are, for a step that leaves objects to Python.
    pub(super) fn as_they_are(input: Blocks) -> Self {
        Self { input, now: Now::Nothing, rows: FIRST, onward: None }
    }

    /// Has `block` come next, again.
    pub(super) fn put_back(&mut self, block: Block) {
        let before = std::mem::replace(&mut self.now, Now::Block(block));
        let input = std::mem::replace(&mut self.input, Box::new(std::iter::empty()));
        self.input = before.followed_by(input);
    }

    /// All that has not come yet, as it is.
    pub(super) fn rest(self) -> Blocks {
        self.now.followed_by(self.input)
    }

    /// The next elements of a running block as columns; another block as it is.
    fn pull(&mut self, block: Block) -> Result<Option<Block>> {
        let Some(onward) = &self.onward else { return Ok(Some(block)) };
        let rows = self.rows;
        let Pulled { made, then } = match onward.pull(block, rows)? {
            Ok(pulled) => pulled,
            Err(block) => return Ok(Some(block)),
        };
        if !made.is_empty() {
            self.rows = next_rows(&made, rows);
        }
        self.now = match then {
            Then::Over => Now::Nothing,
            Then::More(block) => Now::Pulling(block),
            Then::Failed(error) => Now::Failed(error),
            Then::Misfit(block) if made.is_empty() => return Ok(Some(block)),
            Then::Misfit(block) => Now::Block(block),
        };
        Ok((!made.is_empty()).then_some(Block::Columns(made)))
    }
}

impl Now {
    fn followed_by(self, input: Blocks) -> Blocks {
        match self {
            Self::Nothing => input,
            Self::Block(block) | Self::Pulling(block) => Box::new(std::iter::once(Ok(block)).chain(input)),
            Self::Failed(error) => Box::new(std::iter::once(Err(error)).chain(input)),
        }
    }
}

fn next_rows(made: &Columns, before: usize) -> usize {
    let each = (bytes_of(made.array()) / made.len().max(1)).max(1);
    (before * 4).min(LARGEST).min(LARGEST_BYTES / each).max(1)
}

impl Iterator for Taken {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let made = match std::mem::replace(&mut self.now, Now::Nothing) {
                Now::Block(block) => return Some(Ok(block)),
                Now::Failed(error) => return Some(Err(error)),
                Now::Pulling(block) => self.pull(block),
                Now::Nothing => match self.input.next()? {
                    Ok(columns @ Block::Columns(_)) => return Some(Ok(columns)),
                    Ok(block) => self.pull(block),
                    Err(error) => return Some(Err(error)),
                },
            };
            if let Some(block) = made.transpose() {
                return Some(block);
            }
        }
    }
}
