//! How does a chain of steps run over one partition of objects?
//!
//! Simple steps are fused into a lazy `Segment`; a step over the whole partition ends one segment and begins the next.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList};

use super::call::{no_stop_iteration, user_error};
use super::elements::Elements;
use super::frozen::Frozen;
use super::pipeline::{Segment, Source};
use super::step::Step;
use super::turn::Turn;
use super::{aggregate, objects, task};
use crate::block::Block;
use crate::error::Result;
use crate::rdd::{Blocks, Narrow, Task, ready};

/// Steps and their functions.
pub(crate) struct Chain {
    steps: Vec<Step>,
    functions: Frozen,
}

impl Chain {
    /// `functions` holds the steps' functions in order.
    pub(crate) fn new(steps: Vec<Step>, functions: Frozen) -> Self {
        Self { steps, functions }
    }

    /// The last segment: what is pulled from it has passed all steps.
    fn begin(&self, py: Python<'_>, task: &Arc<Task>, partition: usize, input: Blocks) -> PyResult<Segment> {
        let functions = self.functions.load(py)?;
        let mut functions = functions.iter();
        let mut next_function =
            || functions.next().ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: a step lacks its function"));
        let mut segment = Segment::new(Source::blocks(input), task.cancel.clone());
        for &step in &self.steps {
            let source = match step {
                Step::Partitions | Step::IndexedPartitions => {
                    over_partition(step, segment, &next_function()?, partition)?
                }
                Step::Glom => Source::items(vec![PyList::new(py, segment.drain(py)?)?.into_any().unbind()]),
                Step::Count => Source::items(vec![count(py, &mut segment)?]),
                Step::Combine => {
                    let (create, merge) = (next_function()?, next_function()?);
                    Source::items(aggregate::combine(&mut segment, &create, &merge)?)
                }
                Step::MergeCombiners => Source::items(aggregate::merge_combiners(&mut segment, &next_function()?)?),
                Step::Group => Source::items(aggregate::group(py, &mut segment)?),
                Step::MergeGroups => Source::items(aggregate::merge_groups(py, &mut segment)?),
                simple => {
                    let function = if simple.functions() == 1 { Some(next_function()?.unbind()) } else { None };
                    segment.push(simple, function);
                    continue;
                }
            };
            segment = Segment::new(source, task.cancel.clone());
        }
        Ok(segment)
    }
}

fn count(py: Python<'_>, segment: &mut Segment) -> PyResult<Py<PyAny>> {
    let mut found = 0_u64;
    while segment.next(py)?.is_some() {
        found += 1;
    }
    Ok(PyInt::new(py, found).into_any().unbind())
}

fn over_partition(step: Step, segment: Segment, function: &Bound<'_, PyAny>, partition: usize) -> PyResult<Source> {
    let py = function.py();
    let elements = Bound::new(py, Elements::new(segment))?;
    let made = match step {
        Step::IndexedPartitions => function.call1((partition, elements)),
        _ => function.call1((elements,)),
    };
    let made = made.map_err(|raised| no_stop_iteration(py, raised))?;
    Ok(Source::Iterator(made.try_iter()?.into_any().unbind()))
}

impl Narrow for Chain {
    fn run(self: Arc<Self>, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        let counts_only = self.steps.as_slice() == [Step::Count];
        if counts_only {
            return Ok(ready(count_blocks(task, input)?));
        }
        let state = State::Waiting { chain: self, partition, input };
        Ok(Box::new(LazyBlocks { task: Arc::clone(task), state, size: 1 }))
    }
}

/// Elements of the largest block that a chain makes at a time.
const LARGEST_BLOCK: usize = 4096;

/// The results of a chain, in blocks that begin small: whoever wants a few elements makes few.
struct LazyBlocks {
    task: Arc<Task>,
    state: State,
    size: usize,
}

enum State {
    Waiting { chain: Arc<Chain>, partition: usize, input: Blocks },
    Running(Segment),
    Over,
}

impl LazyBlocks {
    fn pull(&mut self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let mut segment = match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting { chain, partition, input } => chain.begin(py, &self.task, partition, input)?,
            State::Running(segment) => segment,
            State::Over => return Ok(Vec::new()),
        };
        let results = segment.take(py, self.size)?;
        objects::check_travels(py, &results)?;
        if results.len() == self.size {
            self.state = State::Running(segment);
            self.size = (self.size * 4).min(LARGEST_BLOCK);
        }
        Ok(results)
    }
}

impl Iterator for LazyBlocks {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Over) {
            return None;
        }
        let task = Arc::clone(&self.task);
        let _turn = Turn::wait();
        let pulled = Python::attach(|py| task::within(&task, || self.pull(py)));
        match pulled {
            Ok(items) if items.is_empty() => None,
            Ok(items) => Some(Ok(objects::fresh(items))),
            // A cancelled task shows as an exception on its way through Python code.
            Err(raised) => Some(Err(task.cancel.check().err().unwrap_or_else(|| user_error(raised)))),
        }
    }
}

/// Python objects may only be dropped while attached.
impl Drop for LazyBlocks {
    fn drop(&mut self) {
        if let State::Running(segment) = std::mem::replace(&mut self.state, State::Over) {
            let mut segment = Some(segment);
            Python::try_attach(|_| drop(segment.take()));
            std::mem::forget(segment);
        }
    }
}

/// Counting needs no element.
fn count_blocks(task: &Arc<Task>, input: Blocks) -> Result<Vec<Block>> {
    let mut found = 0_u64;
    for block in input {
        task.cancel.check()?;
        found += block?.len() as u64;
    }
    Ok(vec![Python::attach(|py| objects::fresh(vec![PyInt::new(py, found).into_any().unbind()]))])
}
