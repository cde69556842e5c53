//! How does a chain of steps run over one partition of objects?
//!
//! Simple steps are fused into a lazy `Segment`; a step over the whole partition ends one segment and begins the next.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList};

use super::call::user_error;
use super::elements::Elements;
use super::frozen::Frozen;
use super::pipeline::{Segment, Source};
use super::step::Step;
use super::turn::Turn;
use super::{aggregate, objects, task};
use crate::block::Block;
use crate::error::Result;
use crate::rdd::{Blocks, Narrow, Task};

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

    fn run_attached(&self, py: Python<'_>, task: &Arc<Task>, input: Blocks) -> PyResult<Vec<Py<PyAny>>> {
        let functions = self.functions.load(py)?;
        let mut functions = functions.iter();
        let mut next_function =
            || functions.next().ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: a step lacks its function"));
        let mut segment = Segment::new(Source::blocks(input), task.cancel.clone());
        for &step in &self.steps {
            let source = match step {
                Step::Partitions | Step::IndexedPartitions => {
                    over_partition(py, step, segment, &next_function()?, task)?
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
        let results = segment.drain(py)?;
        objects::check_travels(py, &results)?;
        Ok(results)
    }
}

fn count(py: Python<'_>, segment: &mut Segment) -> PyResult<Py<PyAny>> {
    let mut found = 0_u64;
    while segment.next(py)?.is_some() {
        found += 1;
    }
    Ok(PyInt::new(py, found).into_any().unbind())
}

fn over_partition(
    py: Python<'_>,
    step: Step,
    segment: Segment,
    function: &Bound<'_, PyAny>,
    task: &Arc<Task>,
) -> PyResult<Source> {
    let elements = Bound::new(py, Elements::new(segment))?;
    let made = match step {
        Step::IndexedPartitions => function.call1((task.id.partition, elements))?,
        _ => function.call1((elements,))?,
    };
    Ok(Source::Iterator(made.try_iter()?.into_any().unbind()))
}

impl Narrow for Chain {
    fn run(&self, task: &Arc<Task>, input: Blocks) -> Result<Vec<Block>> {
        let counts_only = self.steps.as_slice() == [Step::Count];
        if counts_only {
            return count_blocks(task, input);
        }
        let _turn = Turn::wait();
        Python::attach(|py| task::within(task, || self.run_attached(py, task, input)))
            .map(|items| vec![objects::fresh(items)])
            .map_err(|raised| {
                // A cancelled task shows as an exception on its way through Python code.
                task.cancel.check().err().unwrap_or_else(|| user_error(raised))
            })
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
