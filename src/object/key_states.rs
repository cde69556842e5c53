//! `_native.KeyedStates`: the states of `mapWithState` of one partition (`step/key_states.rs`), as Python looks at them.
//!
//! Who holds the interpreter waits for their lock detached.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyList;

use super::convert::{append_to, list_to_columns};
use crate::block::Columns;
use crate::error::Result;
use crate::kernel::state::{Changes, View, unstamped};
use crate::py::to_python;
use crate::step::{KeyStates, Replaced};

/// The states of a partition that Python looks at, and how they are given up.
#[pyclass(name = "KeyedStates", module = "dstreams._native", frozen)]
pub(crate) struct KeyedStates {
    states: Arc<Mutex<KeyStates>>,
}

impl KeyedStates {
    /// The states themselves, for a step.
    pub(super) fn shared(&self) -> Arc<Mutex<KeyStates>> {
        Arc::clone(&self.states)
    }

    fn lock<'a>(&'a self, py: Python<'_>) -> MutexGuard<'a, KeyStates> {
        self.states.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one version had that the next one has not: its time, the one of the version before it, pairs, keys without a state.
type Was<'py> = (i64, Option<i64>, Bound<'py, PyList>, Bound<'py, PyList>);

#[pymethods]
impl KeyedStates {
    /// `timed`: keys can time out.
    #[new]
    fn new(timed: bool) -> Self {
        Self { states: Arc::new(Mutex::new(KeyStates::new(timed))) }
    }

    /// The time of the newest batch that was applied; None before the first.
    #[getter]
    fn version(&self, py: Python<'_>) -> Option<i64> {
        self.lock(py).last()
    }

    /// Sets the states before the first batch, and when each was touched last if keys can time out; False, and nothing done,
    /// if they have no form here.
    fn load(&self, py: Python<'_>, version: i64, pairs: &Bound<'_, PyList>, times: Option<Vec<i64>>) -> PyResult<bool> {
        let timed = self.lock(py).is_timed();
        if timed != times.as_ref().is_some_and(|times| times.len() == pairs.len()) {
            return Err(PyValueError::new_err("times: expected one for each pair where keys can time out, else None"));
        }
        let columns = if pairs.is_empty() { None } else { list_to_columns(pairs) };
        if columns.is_none() && !pairs.is_empty() {
            return Ok(false);
        }
        self.lock(py).load(version, columns, times).map_err(|error| to_python(py, &error))
    }

    /// (key, state) of all keys as of a version, without stamps; None if that version is not there.
    fn snapshot<'py>(&self, py: Python<'py>, version: i64) -> PyResult<Option<Bound<'py, PyList>>> {
        let states = self.lock(py);
        let (found, timed) = (states.version(version), states.is_timed());
        drop(states);
        let Some(view) = found else { return Ok(None) };
        let mut blocks = made(py, view)?;
        if timed {
            let plain: Result<_> = blocks.iter().map(unstamped).collect();
            blocks = plain.map_err(|error| to_python(py, &error))?;
        }
        listed(py, &blocks).map(Some)
    }

    /// (key, state) of all keys as they were at a time.
    fn as_of<'py>(&self, py: Python<'py>, time: i64) -> PyResult<Bound<'py, PyList>> {
        let view = self.lock(py).as_of(time);
        listed(py, &made(py, view)?)
    }

    /// (key, state) of all keys that got another state after one version up to another one, and the keys that lost it. None
    /// if the earlier version is gone.
    fn changes<'py>(
        &self,
        py: Python<'py>,
        since: i64,
        version: i64,
    ) -> PyResult<Option<(Bound<'py, PyList>, Bound<'py, PyList>)>> {
        let states = self.lock(py);
        let (since, version) = (states.before(since), states.as_of(version));
        drop(states);
        let Some((_, since)) = since else { return Ok(None) };
        let found = py.detach(|| since.changes_up_to(&version));
        let found = found.map_err(|error| to_python(py, &error))?;
        found.map(|Changes { pairs, gone }| Ok((listed(py, &pairs)?, listed(py, &gone)?))).transpose()
    }

    /// Keys of the newest version.
    fn __len__(&self, py: Python<'_>) -> usize {
        self.lock(py).keys()
    }

    /// The next states of a round in which all have their turn: at least so many, as they were at a time. With `begin` it is
    /// a new round. Also says whether all have had their turn.
    fn turn<'py>(&self, py: Python<'py>, time: i64, count: usize, begin: bool) -> PyResult<(Bound<'py, PyList>, bool)> {
        let turn = self.lock(py).turn(time, count, begin);
        let (turn, over) = turn.map_err(|error| to_python(py, &error))?;
        Ok((listed(py, &turn)?, over))
    }

    /// Hands the states to Python for good: the newest version, its states, and for each version that replaced one that is
    /// known, oldest first, what it replaced. They stay here until `forget`: who takes them may be interrupted.
    fn give_up<'py>(&self, py: Python<'py>) -> PyResult<(Option<i64>, Bound<'py, PyList>, Vec<Was<'py>>)> {
        let (versions, cut) = self.lock(py).give_up();
        let versions = versions.into_iter().map(|(time, view)| Ok((time, made(py, view)?)));
        let versions: Vec<(i64, Vec<Columns>)> = versions.collect::<PyResult<_>>()?;
        let replaced = Replaced::all(&versions, cut).map_err(|error| to_python(py, &error))?;
        let was = |replaced: &Replaced| {
            let Replaced { time, before, was: Changes { pairs, gone } } = replaced;
            Ok((*time, *before, listed(py, pairs)?, listed(py, gone)?))
        };
        let replaced = replaced.iter().map(was).collect::<PyResult<_>>()?;
        let newest = versions.last().map_or_else(|| Ok(PyList::empty(py)), |newest| listed(py, &newest.1))?;
        Ok((versions.last().map(|newest| newest.0), newest, replaced))
    }

    /// Forgets all states for good: they are Python's.
    fn forget(&self, py: Python<'_>) {
        self.lock(py).forget();
    }
}

/// The chunks of a version.
fn made(py: Python<'_>, view: View) -> PyResult<Vec<Columns>> {
    py.detach(|| view.blocks()).map_err(|error| to_python(py, &error))
}

fn listed<'py>(py: Python<'py>, blocks: &[Columns]) -> PyResult<Bound<'py, PyList>> {
    let mut all = Vec::new();
    blocks.iter().try_for_each(|block| append_to(py, block, &mut all))?;
    PyList::new(py, all)
}
