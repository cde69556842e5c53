//! How are pairs gathered by key?
//!
//! 1. A Python dict does the gathering: its equality (1 == 1.0 == True), its first-seen key and its order are the answer's.
//! 2. Before a shuffle, a dict that memory has no room for is sent on as it is, and a new one begins: the other side of
//!    the shuffle puts the parts of a key together. After it, `external.rs` takes over.

use std::sync::Arc;
use std::vec::IntoIter;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::call::{call1, call2};
use super::external::{Fold, Rule};
use super::pipeline::{Flow, Segment, Source};
use super::weigh::{self, Scale};
use crate::object::called;
use crate::rdd::Task;

/// What an entry of a dict takes beside its key and value.
pub(super) const ENTRY: usize = 100;

/// `key, value = item`, with Python's own errors for what does not unpack.
pub(crate) fn unpack<'py>(item: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if let Ok(pair) = item.cast_exact::<PyTuple>()
        && pair.len() == 2
    {
        return Ok((pair.get_item(0)?, pair.get_item(1)?));
    }
    let py = item.py();
    called::UNPACK_PAIR.get(py)?.call1((item,))?.extract()
}

/// create(value) for a new key, merge(combined, value) for a known one. A key may come more than once. `begun`: pairs of
/// keys and what is combined already.
pub(crate) fn combine(
    task: &Arc<Task>,
    input: Segment,
    create: Py<PyAny>,
    merge: Py<PyAny>,
    begun: Vec<Py<PyAny>>,
) -> Source {
    Gathering::source(task, input, Local::Combine { create, merge }, begun)
}

/// (key, \[values\]) in the order of appearance. A key may come more than once.
pub(crate) fn group(task: &Arc<Task>, input: Segment) -> Source {
    Gathering::source(task, input, Local::Group, Vec::new())
}

/// merge(combined, combined) for keys seen before.
pub(crate) fn merge_combiners(task: &Arc<Task>, input: Segment, merge: Py<PyAny>) -> Source {
    Source::Flow(Box::new(Fold::new(task, input, Rule::Combiners(merge))))
}

/// (key, ResultIterable) from (key, \[values\]) pairs of several map outputs.
pub(crate) fn merge_groups(task: &Arc<Task>, input: Segment) -> Source {
    Source::Flow(Box::new(Iterables(Fold::new(task, input, Rule::Groups))))
}

/// What is done with a value before the shuffle.
enum Local {
    Combine { create: Py<PyAny>, merge: Py<PyAny> },
    Group,
}

/// Pairs gathered in one dict after the other, as memory allows.
struct Gathering {
    input: Segment,
    local: Local,
    begun: Vec<Py<PyAny>>,
    scale: Scale,
    ready: IntoIter<Py<PyAny>>,
    over: bool,
}

impl Gathering {
    fn source(task: &Arc<Task>, input: Segment, local: Local, begun: Vec<Py<PyAny>>) -> Source {
        let (scale, ready) = (Scale::new(task), Vec::new().into_iter());
        Source::Flow(Box::new(Self { input, local, begun, scale, ready, over: false }))
    }

    /// The pairs of the next dict.
    fn fill(&mut self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.scale.clear();
        let found = PyDict::new(py);
        for pair in self.begun.drain(..) {
            let (key, combined) = unpack(pair.bind(py))?;
            found.set_item(key, combined)?;
        }
        loop {
            let Some(item) = self.input.next(py)? else {
                self.over = true;
                break;
            };
            let (key, value) = unpack(&item)?;
            drop(item);
            let due = self.scale.due();
            let before = found.get_item(&key)?;
            let mut bytes = match &before {
                None if due.is_some() => ENTRY + weigh::one(&key, 1),
                _ => 0,
            };
            match &self.local {
                Local::Group => {
                    bytes += if due.is_some() { 8 + weigh::one(&value, 1) } else { 0 };
                    match before {
                        Some(values) => values.cast::<PyList>()?.append(value)?,
                        None => found.set_item(key, PyList::new(py, [value])?)?,
                    }
                }
                Local::Combine { create, merge } => {
                    let known = before.as_ref().filter(|_| due.is_some()).map_or(0, |before| weigh::one(before, 2));
                    let combined = match before {
                        Some(before) => call2(merge.bind(py), &before, &value)?,
                        None => call1(create.bind(py), &value)?,
                    };
                    found.set_item(key, &combined)?;
                    bytes += due.map_or(0, |_| weigh::one(&combined, 2).saturating_sub(known));
                }
            }
            if let Some(times) = due
                && bytes > 0
                && !self.scale.add(py, bytes * times)?
            {
                break;
            }
        }
        found.iter().map(|(key, value)| Ok(PyTuple::new(py, [key, value])?.into_any().unbind())).collect()
    }
}

impl Flow for Gathering {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            if let Some(pair) = self.ready.next() {
                return Ok(Some(pair.into_bound(py)));
            }
            if self.over {
                return Ok(None);
            }
            self.ready = self.fill(py)?.into_iter();
        }
    }
}

/// Lists of values as what a program gets to see.
struct Iterables(Fold);

impl Flow for Iterables {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let iterable = called::RESULT_ITERABLE.get(py)?;
        let Some((key, values)) = self.0.next_pair(py)? else {
            return Ok(None);
        };
        Ok(Some(PyTuple::new(py, [key, iterable.call1((values,))?])?.into_any()))
    }
}
