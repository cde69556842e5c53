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
use crate::block::{Block, LoadObjects, Objects};
use crate::doing;
use crate::error::{EngineError, Result};
use crate::object::attach::attach;
use crate::rdd::Task;
use crate::step::{Pulled, Then};

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

    /// Up to so many elements as columns.
    pub(super) fn pull(mut self, rows: usize) -> Result<Pulled> {
        let (made, end) = self.within(|py, segment| {
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
        let then = match end {
            Some(End::Over) => Then::Over,
            Some(End::Enough) => Then::More(self.block()),
            Some(End::Raised(raised)) => Then::Failed(user_error(raised)),
            Some(End::Misfit(_)) | None => Then::Misfit(self.block()),
        };
        Ok(Pulled { made, then })
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
