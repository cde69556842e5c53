//! How do a chain's Python steps run over one partition?
//!
//! Simple steps are fused into a lazy `Segment`; a step over the whole partition ends one segment and begins the next. What
//! native steps (`step/`) leave to Python comes here.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList};

use super::call::{no_stop_iteration, user_error};
use super::chain::Chain;
use super::convert::{list_to_columns, to_list};
use super::elements::Elements;
use super::live::Live;
use super::map_values::ValuesRun;
use super::named::describe;
use super::pipeline::{Segment, Source};
use super::turn::Turn;
use super::{aggregate, as_columns, objects, sample, task};
use crate::block::{Block, Columns};
use crate::doing;
use crate::error::Result;
use crate::object::attach::attach;
use crate::object::called;
use crate::rdd::{Blocks, Task, ready};
use crate::step::{Drawn, Onward, Pulled, Step, later};

/// A chain over one partition.
pub(super) struct Going {
    chain: Arc<Chain>,
    /// The task it runs in.
    pub(super) task: Arc<Task>,
    partition: usize,
    /// The task's functions: loaded once, so that they share what they shared before.
    functions: OnceLock<Py<PyList>>,
}

impl Going {
    pub(super) fn new(chain: &Arc<Chain>, task: &Arc<Task>, partition: usize) -> Arc<Self> {
        let (chain, task) = (Arc::clone(chain), Arc::clone(task));
        Arc::new(Self { chain, task, partition, functions: OnceLock::new() })
    }

    /// The only function of step `at`.
    pub(super) fn function<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Bound<'py, PyAny>> {
        self.functions(py)?.get_item(self.chain.plan.functions_of(&(at..at)).start)
    }

    /// Notes what this thread calls, as far as it is known.
    fn say(&self) {
        if let Some(named) = self.chain.named.get() {
            doing::say(named);
        }
    }

    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        if let Some(loaded) = self.functions.get() {
            self.say();
            return Ok(loaded.bind(py).clone());
        }
        let loaded = self.chain.functions.load(py)?;
        self.chain.named.get_or_init(|| describe(&loaded).into());
        self.say();
        Ok(self.functions.get_or_init(|| loaded.unbind()).bind(py).clone())
    }

    /// The last segment of `steps`: what is pulled from it has passed all of them.
    pub(super) fn begin(
        &self,
        py: Python<'_>,
        steps: Range<usize>,
        begun: Option<Columns>,
        input: Blocks,
    ) -> PyResult<Segment> {
        let functions = self.functions(py)?;
        let skipped = self.chain.plan.functions_of(&steps).start;
        let mut functions = functions.iter().skip(skipped);
        let mut next_function =
            || functions.next().ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: a step lacks its function"));
        let mut segment = self.segment(Source::blocks(input));
        let mut begun = begun.map(|begun| objects::load(py, &Block::Columns(begun))).transpose()?;
        // What the function of a partition returned is handed on as it is: the next one may go through a list twice.
        let mut returned: Option<Bound<'_, PyAny>> = None;
        for &step in &self.chain.plan.steps()[steps] {
            if matches!(step, Step::Partitions | Step::IndexedPartitions) {
                let elements = match returned.take() {
                    Some(elements) => elements,
                    None => Bound::new(py, Elements::new(segment))?.into_any(),
                };
                let function = resumed(next_function()?, begun.take())?;
                returned = Some(over_partition(step, &elements, &function, self.partition)?);
                segment = self.segment(Source::items(Vec::new()));
                continue;
            }
            if let Some(made) = returned.take() {
                segment = self.segment(iterator(&made)?);
            }
            let source = match step {
                Step::Glom => Source::items(vec![PyList::new(py, segment.drain(py)?)?.into_any().unbind()]),
                Step::Count => Source::items(vec![PyInt::new(py, segment.count(py)?).into_any().unbind()]),
                Step::Combine { .. } => {
                    let (create, merge) = (next_function()?.unbind(), next_function()?.unbind());
                    aggregate::combine(&self.task, segment, create, merge, begun.take().unwrap_or_default())
                }
                Step::MergeCombiners => aggregate::merge_combiners(&self.task, segment, next_function()?.unbind()),
                Step::Group => aggregate::group(&self.task, segment),
                Step::MergeGroups => aggregate::merge_groups(&self.task, segment),
                simple => {
                    let function = if simple.functions() == 1 { Some(next_function()?) } else { None };
                    if let Some(function) = function.as_ref().filter(|_| self.chain.plan.is_read()) {
                        segment.make_for(simple, function)?;
                    }
                    segment.push(simple, function.map(Bound::unbind));
                    continue;
                }
            };
            segment = self.segment(source);
        }
        match returned {
            Some(made) => Ok(self.segment(iterator(&made)?)),
            None => Ok(segment),
        }
    }

    fn segment(&self, source: Source) -> Segment {
        Segment::new(source, self.task.cancel.clone())
    }

    /// What `call` makes of the program's function, as a part of the task, or the exception that it raises. An interruption of
    /// the task is an error: it comes once.
    fn called<T>(
        &self,
        step: usize,
        call: impl FnOnce(Python<'_>, Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<PyResult<T>> {
        let _turn = Turn::wait();
        attach(|py| {
            let called = task::within(&self.task, || self.function(py, step).and_then(|function| call(py, function)));
            match called {
                Err(raised) if !raised.is_instance_of::<PyException>(py) => {
                    Err(self.task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
                }
                called => Ok(called),
            }
        })
    }
}

impl Onward for Going {
    fn python(self: Arc<Self>, steps: Range<usize>, begun: Option<Columns>, input: Blocks) -> Blocks {
        later(move || {
            let _turn = Turn::wait();
            let task = &self.task;
            let begun = attach(|py| task::within(task, || self.begin(py, steps, begun, input)));
            // A cancelled task shows as an exception on its way through Python code.
            let begun = begun.map_err(|raised| task.cancel.check().err().unwrap_or_else(|| user_error(raised)))?;
            Ok(ready(vec![Live::new(task, begun).named(self.chain.named.get()).block()]))
        })
    }

    fn values(self: Arc<Self>, step: usize, input: Blocks) -> Blocks {
        Box::new(ValuesRun::new(self, step, input))
    }

    fn columns(&self, block: Block) -> std::result::Result<Columns, Block> {
        as_columns(block)
    }

    fn is_running(&self, block: &Block) -> bool {
        Live::is(block)
    }

    fn pull(&self, block: Block, rows: usize) -> Result<std::result::Result<Pulled, Block>> {
        match Live::of(block) {
            Ok(live) => live.pull(rows).map(Ok),
            Err(block) => Ok(Err(block)),
        }
    }

    fn count(&self, block: Block) -> Result<u64> {
        match Live::of(block) {
            Ok(live) => live.count(),
            Err(block) => Ok(block.len() as u64),
        }
    }

    fn kept(&self, block: &Block, kept: &[bool]) -> Result<Block> {
        attach(|py| {
            let items = objects::load(py, block).map_err(user_error)?;
            let items = items.into_iter().zip(kept).filter_map(|(item, keep)| keep.then_some(item)).collect();
            Ok(objects::fresh(items))
        })
    }

    fn sampled(&self, input: Blocks, drawn: Drawn) -> Block {
        sample::passing(&self.task, input, drawn)
    }

    fn call_by_row(&self, step: usize, states: &Columns, ids: &[u32], records: &Columns) -> Result<Option<Columns>> {
        let called = self.called(step, |py, function| {
            let rows = called::CALLED_BY_ROW.get(py)?;
            let made = rows.call1((function, to_list(py, states)?, ids.to_vec(), to_list(py, records)?))?;
            Ok(list_to_columns(made.cast::<PyList>()?))
        });
        // What it raises it will raise again, where all records are looked at in Python.
        called.map(|called| called.ok().flatten())
    }

    fn call_for_idle(&self, step: usize, idle: &Columns) -> Result<Block> {
        let called = self.called(step, |py, function| {
            let each = called::CALLED_FOR_IDLE.get(py)?;
            let made = each.call1((function, to_list(py, idle)?))?.cast_into::<PyList>()?;
            let objects = || objects::fresh(made.iter().map(Bound::unbind).collect());
            Ok(list_to_columns(&made).map_or_else(objects, Block::Columns))
        })?;
        called.map_err(user_error)
    }
}

/// A function over a partition that begins where native code has come to.
fn resumed<'py>(function: Bound<'py, PyAny>, begun: Option<Vec<Py<PyAny>>>) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    match begun {
        None => Ok(function),
        Some(begun) => called::RESUMED.get(py)?.call1((function, begun)),
    }
}

fn over_partition<'py>(
    step: Step,
    elements: &Bound<'py, PyAny>,
    function: &Bound<'py, PyAny>,
    partition: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let made = match step {
        Step::IndexedPartitions => function.call1((partition, elements)),
        _ => function.call1((elements,)),
    };
    made.map_err(|raised| no_stop_iteration(function.py(), raised))
}

/// What an iterable that was returned gives.
fn iterator(made: &Bound<'_, PyAny>) -> PyResult<Source> {
    Ok(Source::Iterator(made.try_iter()?.into_any().unbind()))
}
