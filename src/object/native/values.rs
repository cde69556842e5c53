//! How is a function of Python called for the values of pairs?
//!
//! Where the pairs are columns, no object is made of their keys, and the results become a column again if they fit into one.
//! Everything else is the Python step's. Only for a step with no other Python step beside it: those take an element through
//! all of them before the next one.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::block::{Block, Columns, Kind};
use crate::error::{EngineError, Result};
use crate::kernel::gather::{pair_columns, pairs};
use crate::object::attach::attach;
use crate::object::call::{engine_error, user_error};
use crate::object::chain::{LARGEST_BLOCK, Running};
use crate::object::pipeline::{Segment, Source};
use crate::object::step::Step;
use crate::object::turn::Turn;
use crate::object::{convert, objects, task, weigh};
use crate::rdd::{Blocks, ready};

/// The step `MapValues` of one partition.
pub(crate) struct ValuesRun {
    running: Arc<Running>,
    step: usize,
    input: Blocks,
    now: Now,
    /// Elements of the next block: few at first, as few may be wanted.
    size: usize,
    /// Whether all results so far became columns.
    fit: bool,
}

enum Now {
    /// The next block is to be looked at.
    Nothing,
    /// Pairs whose results the segment has not given yet.
    Columns(Columns, Box<Segment>),
    /// A block came that is the Python step's, and with it all that follow.
    Python(Blocks),
    /// To be raised when more is asked for.
    Failed(PyErr),
    Over,
}

/// What comes after a block.
struct Next {
    now: Now,
    size: usize,
}

/// Whether results may be columns: of a list, Python may hold more than one reference.
fn is_value(kind: &Kind) -> bool {
    match kind {
        Kind::Tuple { items, .. } => items.iter().all(is_value),
        Kind::List(_) | Kind::Group(_) => false,
        _ => true,
    }
}

impl ValuesRun {
    /// Step `step` over `input`.
    pub(crate) fn new(running: Arc<Running>, step: usize, input: Blocks) -> Self {
        Self { running, step, input, now: Now::Nothing, size: 1, fit: true }
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        loop {
            match std::mem::replace(&mut self.now, Now::Over) {
                Now::Over => return Ok(None),
                Now::Failed(raised) => return Err(self.stopped(raised)),
                Now::Python(mut blocks) => {
                    let block = blocks.next().transpose()?;
                    self.now = Now::Python(blocks);
                    return Ok(block);
                }
                Now::Columns(left, results) => {
                    if let Some(block) = self.pull(&left, results)? {
                        return Ok(Some(block));
                    }
                }
                Now::Nothing => match self.input.next() {
                    None => return Ok(None),
                    Some(block) => self.now = self.begin(block?)?,
                },
            }
        }
    }

    /// A cancelled task shows as an exception on its way through Python code.
    fn stopped(&self, raised: PyErr) -> EngineError {
        self.running.task.cancel.check().err().unwrap_or_else(|| user_error(raised))
    }

    /// Work that calls the program.
    fn called<T>(&self, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
        let _turn = Turn::wait();
        attach(|py| task::within(&self.running.task, || work(py))).map_err(|raised| self.stopped(raised))
    }

    fn begin(&mut self, block: Block) -> Result<Now> {
        if let Block::Columns(columns) = &block
            && let Some((_, (kind, values))) = pair_columns(columns)
        {
            let values = Columns::new(kind.clone(), Arc::clone(values));
            let source = Source::blocks(ready(vec![Block::Columns(values)]));
            let mut segment = Segment::new(source, self.running.task.cancel.clone());
            let function = self.called(|py| {
                let function = self.running.function(py, self.step)?;
                segment.make_for(Step::Map, &function)?;
                Ok(function.unbind())
            })?;
            segment.push(Step::Map, Some(function));
            return Ok(Now::Columns(columns.clone(), Box::new(segment)));
        }
        let steps = self.step..self.step + 1;
        let rest = std::mem::replace(&mut self.input, ready(Vec::new()));
        let rest = Box::new(ready(vec![block]).chain(rest));
        Ok(Now::Python(Arc::clone(&self.running).python(steps, rest)))
    }

    /// The next results with their keys; none when all of these pairs have passed.
    fn pull(&mut self, left: &Columns, mut results: Box<Segment>) -> Result<Option<Block>> {
        let (size, fit) = (self.size, self.fit);
        let (block, next) = self.called(|py| {
            let (made, failure) = results.take(py, size);
            let next = match failure {
                Some(raised) if made.is_empty() => return Err(raised),
                // Good elements come first: whoever wants no more of them never sees the failure.
                Some(raised) => Next { now: Now::Failed(raised), size },
                None if made.len() < size => Next { now: Now::Nothing, size },
                None => Next {
                    now: Now::Columns(left.slice(size, left.len() - size), results),
                    size: weigh::next_size(py, &made, LARGEST_BLOCK),
                },
            };
            let block = if made.is_empty() { None } else { Some(self.with_keys(py, left, &made, fit)?) };
            Ok((block, next))
        })?;
        (self.now, self.size) = (next.now, next.size);
        self.fit &= block.as_ref().is_none_or(|block| matches!(block, Block::Columns(_)));
        Ok(block)
    }

    /// The results, and the keys of as many of the pairs `left`.
    fn with_keys(&self, py: Python<'_>, left: &Columns, results: &[Py<PyAny>], fit: bool) -> PyResult<Block> {
        let before = left.slice(0, results.len());
        let Some(((key_kind, keys), _)) = pair_columns(&before) else {
            return Err(PyRuntimeError::new_err("bug in dstreams: pairs without keys"));
        };
        if fit && let Some(made) = convert::to_columns(py, results).filter(|made| is_value(made.kind())) {
            let values = (made.kind().clone(), Arc::clone(made.array()));
            let both = pairs((key_kind.clone(), Arc::clone(keys)), values);
            return both.map(Block::Columns).map_err(|error| engine_error(py, &error));
        }
        let keys = objects::load(py, &Block::Columns(Columns::new(key_kind.clone(), Arc::clone(keys))))?;
        let pair = |(key, value): (Py<PyAny>, &Py<PyAny>)| {
            Ok(PyTuple::new(py, [key.bind(py), value.bind(py)])?.into_any().unbind())
        };
        let made: Vec<Py<PyAny>> = keys.into_iter().zip(results).map(pair).collect::<PyResult<_>>()?;
        if self.running.is_last(self.step) {
            objects::check_travels(py, &made)?;
        }
        Ok(objects::fresh(made))
    }
}

impl Iterator for ValuesRun {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// Python objects may only be dropped while attached.
impl Drop for ValuesRun {
    fn drop(&mut self) {
        if let Now::Columns(_, segment) = std::mem::replace(&mut self.now, Now::Over) {
            let mut segment = Some(segment);
            Python::try_attach(|_| drop(segment.take()));
            std::mem::forget(segment);
        }
    }
}
