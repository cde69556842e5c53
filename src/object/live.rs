//! How do elements that Python is still making come to whoever takes them, each at its time?
//!
//! Python's steps hand on no block of elements but a `Live` one: the running steps themselves, from which elements are pulled.
//! 1. Each element is taken in before the next one is asked for: by the next Python function, or as a value of a column. So
//!    an element that its maker changes afterwards, or uses again, is what it was when it came by.
//! 2. A list that its maker still holds is no value: it stays the object that it is, and so does all that follows.
//! 3. A live block is read once, and to its end before the block after it is asked for.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use super::call::user_error;
use super::convert::{End, Growing};
use super::pipeline::Segment;
use super::task;
use super::turn::Turn;
use crate::block::{Block, Columns, LoadObjects, Objects};
use crate::doing;
use crate::error::{EngineError, Result};
use crate::kernel::weigh::bytes_of;
use crate::object::attach::attach;
use crate::rdd::{Blocks, Task};

/// Rows of the first columns and of the largest, and about the most bytes of these.
const FIRST: usize = 16;
const LARGEST: usize = 4096;
const LARGEST_BYTES: usize = 1 << 20;

/// Steps that run, and the task they run in.
pub(super) struct Live {
    task: Arc<Task>,
    segment: Option<Box<Segment>>,
    /// What their functions are called.
    named: Option<Arc<str>>,
}

impl Live {
    pub(super) fn new(task: &Arc<Task>, segment: Segment) -> Self {
        Self { task: Arc::clone(task), segment: Some(Box::new(segment)), named: None }
    }

    /// Says what their functions are called.
    pub(super) fn named(mut self, named: Option<&Arc<str>>) -> Self {
        self.named = named.cloned();
        self
    }

    /// Whether a block stands for running steps.
    pub(super) fn is(block: &Block) -> bool {
        matches!(block, Block::Objects(objects) if objects.as_any().is::<LiveBlock>())
    }

    /// The steps that a block stands for; the block itself if it is another one.
    pub(super) fn of(block: Block) -> std::result::Result<Self, Block> {
        let found = match &block {
            Block::Objects(objects) => objects.as_any().downcast_ref::<LiveBlock>().and_then(LiveBlock::take),
            Block::Columns(_) => None,
        };
        found.ok_or(block)
    }

    /// As a block, for whoever pulls on.
    pub(super) fn block(self) -> Block {
        Block::Objects(Arc::new(LiveBlock(Mutex::new(Some(self)))))
    }

    /// The steps.
    pub(super) fn into_segment(mut self) -> Option<Box<Segment>> {
        self.segment.take()
    }

    /// Work on the steps, as a part of the task.
    pub(super) fn within<T>(&mut self, work: impl FnOnce(Python<'_>, &mut Segment) -> PyResult<T>) -> Result<T> {
        let (task, segment) = (&self.task, &mut self.segment);
        let missing = || EngineError::Bug("steps that are pulled by somebody else".to_owned());
        let segment = segment.as_mut().ok_or_else(missing)?;
        let _turn = Turn::wait();
        let named = self.named.as_deref();
        let done = attach(|py| {
            task::within(task, || {
                named.map(doing::say);
                work(py, segment)
            })
        });
        // A cancelled task shows as an exception on its way through Python code.
        done.map_err(|raised| task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
    }

    /// How many elements there are still to come.
    pub(super) fn count(mut self) -> Result<u64> {
        self.within(|py, segment| segment.count(py))
    }
}

/// Python objects may only be dropped while attached.
impl Drop for Live {
    fn drop(&mut self) {
        if self.segment.is_some() {
            Python::try_attach(|_| drop(self.segment.take()));
            // No interpreter any more: leaking beats touching freed memory.
            std::mem::forget(self.segment.take());
        }
    }
}

struct LiveBlock(Mutex<Option<Live>>);

impl LiveBlock {
    fn take(&self) -> Option<Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for LiveBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LiveBlock")
    }
}

/// Nobody knows yet what is in it: it never leaves the chain that makes it.
impl Objects for LiveBlock {
    fn len(&self) -> usize {
        1
    }

    fn bytes(&self) -> usize {
        0
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn dump(&self) -> Result<(Vec<u8>, LoadObjects)> {
        Err(EngineError::Bug("elements that are still being made cannot be kept".to_owned()))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Blocks for a step that wants columns: elements of live blocks become columns as they are made. From the first one that
/// does not fit the rest of a live block comes as such, for Python.
pub(super) struct Taken {
    input: Blocks,
    now: Now,
    /// Rows of the next columns: few at first, as they may be large.
    rows: usize,
    /// Whether live blocks are wanted as columns.
    pulls: bool,
}

enum Now {
    Nothing,
    /// To come before anything else.
    Block(Block),
    Pulling(Live),
    Failed(EngineError),
}

impl Taken {
    pub(super) fn new(input: Blocks) -> Self {
        Self { input, now: Now::Nothing, rows: FIRST, pulls: true }
    }

    /// Blocks as they are, for a step that leaves objects to Python.
    pub(super) fn as_they_are(input: Blocks) -> Self {
        Self { pulls: false, ..Self::new(input) }
    }

    /// Has `block` come next, again.
    pub(super) fn put_back(&mut self, block: Block) {
        let before = std::mem::replace(&mut self.now, Now::Nothing);
        let input = std::mem::replace(&mut self.input, Box::new(std::iter::empty()));
        self.input = Self { input, now: before, ..*self }.rest();
        self.now = Now::Block(block);
    }

    /// All that has not come yet, as it is.
    pub(super) fn rest(self) -> Blocks {
        match self.now {
            Now::Nothing => self.input,
            Now::Block(block) => Box::new(std::iter::once(Ok(block)).chain(self.input)),
            Now::Pulling(live) => Box::new(std::iter::once(Ok(live.block())).chain(self.input)),
            Now::Failed(error) => Box::new(std::iter::once(Err(error)).chain(self.input)),
        }
    }

    /// The next elements of running steps as columns.
    fn pull(&mut self, mut live: Live) -> Result<Option<Block>> {
        let rows = self.rows;
        let (made, end) = live.within(|py, segment| {
            let mut made = Growing::new(rows);
            let end = match made.fill(py, segment, rows) {
                End::Raised(raised) if made.is_empty() => return Err(raised),
                End::Misfit(item) => {
                    segment.put_back(item);
                    None
                }
                end => Some(end),
            };
            Ok((made.finish()?, end))
        })?;
        if !made.is_empty() {
            self.rows = next_rows(&made, rows);
        }
        self.now = match end {
            Some(End::Over) => Now::Nothing,
            Some(End::Enough) => Now::Pulling(live),
            // Good elements come first: whoever wants no more of them never sees the failure.
            Some(End::Raised(raised)) => Now::Failed(user_error(raised)),
            _ if made.is_empty() => return Ok(Some(live.block())),
            _ => Now::Block(live.block()),
        };
        Ok((!made.is_empty()).then_some(Block::Columns(made)))
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
                Now::Pulling(live) => self.pull(live),
                Now::Nothing => match self.input.next()? {
                    Ok(block) if !self.pulls => return Some(Ok(block)),
                    Ok(block) => match Live::of(block) {
                        Ok(live) => self.pull(live),
                        Err(block) => return Some(Ok(block)),
                    },
                    Err(error) => return Some(Err(error)),
                },
            };
            if let Some(block) = made.transpose() {
                return Some(block);
            }
        }
    }
}
