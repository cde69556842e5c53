//! How is a function of Python called for the values of pairs?
//!
//! Where the pairs are columns, no object is made of their keys, and each result becomes a value of a column when it comes,
//! as long as they fit into one. Everything else is the Python step's. Only for a step with no other Python step beside it:
//! those take an element through all of them before the next one.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::block::{Block, Columns};
use crate::error::{EngineError, Result};
use crate::kernel::gather::{pair_columns, pairs};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::convert::{End, Growing};
use crate::object::going::Going;
use crate::object::live::Live;
use crate::object::pipeline::{Segment, Source, at_index};
use crate::object::turn::Turn;
use crate::object::{objects, task};
use crate::rdd::{Blocks, ready};
use crate::step::{Onward, Step};

/// The step `MapValues` of one partition.
pub(super) struct ValuesRun {
    going: Arc<Going>,
    step: usize,
    input: Blocks,
    now: Now,
    /// Elements of the next block: few at first, as few may be wanted.
    size: usize,
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

/// Blocks have so many rows at most.
const LARGEST_BLOCK: usize = 4096;

impl ValuesRun {
    /// Step `step` over `input`.
    pub(super) fn new(going: Arc<Going>, step: usize, input: Blocks) -> Self {
        Self { going, step, input, now: Now::Nothing, size: 1 }
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
        self.going.task.cancel.check().err().unwrap_or_else(|| user_error(raised))
    }

    /// Work that calls the program.
    fn called<T>(&self, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
        let _turn = Turn::wait();
        attach(|py| task::within(&self.going.task, || work(py))).map_err(|raised| self.stopped(raised))
    }

    fn begin(&mut self, block: Block) -> Result<Now> {
        if let Block::Columns(columns) = &block
            && let Some((_, (kind, values))) = pair_columns(columns)
        {
            let values = Columns::new(kind.clone(), Arc::clone(values));
            let source = Source::blocks(ready(vec![Block::Columns(values)]));
            let mut segment = Segment::new(source, self.going.task.cancel.clone());
            let function = self.called(|py| {
                let function = self.going.function(py, self.step)?;
                segment.make_for(Step::Map, &function)?;
                Ok(function.unbind())
            })?;
            segment.push(Step::Map, Some(function));
            return Ok(Now::Columns(columns.clone(), Box::new(segment)));
        }
        let steps = self.step..self.step + 1;
        let rest = std::mem::replace(&mut self.input, ready(Vec::new()));
        let rest = Box::new(ready(vec![block]).chain(rest));
        Ok(Now::Python(Arc::clone(&self.going).python(steps, None, rest)))
    }

    /// The next results with their keys; none when all of these pairs have passed.
    fn pull(&mut self, left: &Columns, mut results: Box<Segment>) -> Result<Option<Block>> {
        let size = self.size;
        let (made, end) = self.called(|py| {
            let mut made = Growing::without_lists(size);
            let end = made.fill(py, &mut results, size);
            match end {
                End::Raised(raised) if made.is_empty() => Err(raised),
                end => Ok((made.finish()?, end)),
            }
        })?;
        let rows = made.len();
        self.size = (size * 4).min(LARGEST_BLOCK);
        self.now = match end {
            End::Over => Now::Nothing,
            End::Enough => Now::Columns(left.slice(rows, left.len() - rows), results),
            End::Misfit(odd) => self.on_in_python(&left.slice(rows, left.len() - rows), odd)?,
            // Good elements come first: whoever wants no more of them never sees the failure.
            End::Raised(raised) => Now::Failed(raised),
        };
        if made.is_empty() {
            return Ok(None);
        }
        let before = left.slice(0, rows);
        let Some(((key_kind, keys), _)) = pair_columns(&before) else {
            return Err(EngineError::Bug("pairs without keys".to_owned()));
        };
        let values = (made.kind().clone(), Arc::clone(made.array()));
        pairs((key_kind.clone(), Arc::clone(keys)), values).map(|both| Some(Block::Columns(both)))
    }

    /// Has the Python step go on: with the result of the first of the pairs `left`, and what follows these.
    fn on_in_python(&mut self, left: &Columns, result: Py<PyAny>) -> Result<Now> {
        let rest = std::mem::replace(&mut self.input, ready(Vec::new()));
        let rest = Box::new(ready(vec![Block::Columns(left.slice(1, left.len() - 1))]).chain(rest));
        let first = left.slice(0, 1);
        let live = self.called(|py| {
            let mut steps = self.going.begin(py, self.step..self.step + 1, None, rest)?;
            let pair = objects::load(py, &Block::Columns(first))?;
            let key = pair.first().map(|pair| at_index(pair.bind(py), 0)).transpose()?;
            steps.put_back(PyTuple::new(py, [key.as_ref(), Some(result.bind(py))])?.into_any().unbind());
            Ok(Live::new(&self.going.task, steps).block())
        })?;
        Ok(Now::Python(ready(vec![live])))
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
