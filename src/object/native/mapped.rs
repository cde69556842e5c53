//! The states of `mapWithState`, natively: `_native.KeyedStates` holds those of one partition, as of several batches.
//!
//! 1. A batch is applied as a whole or not at all. Versions share what is equal, so holding some costs what changed.
//! 2. Once something comes that has no exact answer here, the states are given up to the table in Python
//!    (`dstreams/streaming/statetable.py`) for good; `versions` are empty then.
//! 3. The lock is held while a batch is applied. Who holds the interpreter waits for it detached.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_select::filter::filter;
use hashbrown::HashSet;
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyList, PyTuple};

use super::as_columns;
use super::form::needed;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::{Program, RowMapper};
use crate::kernel::gather::pair_columns;
use crate::kernel::keys::{KeyTable, Unhashable, kernel_error};
use crate::kernel::state::{ByRow, Changes, Table, Ways, Working, address, changes};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::chain::Running;
use crate::object::convert::{append_to, list_to_columns, to_list};
use crate::object::turn::Turn;
use crate::py::to_python;
use crate::rdd::{Blocks, ready};

/// What a batch does to the states of its keys.
#[derive(Clone)]
pub(crate) struct Mapped {
    /// By partition.
    pub states: Arc<Vec<Py<KeyedStates>>>,
    pub program: Program,
    pub batch: Batch,
}

/// What the states have to know of a batch. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub time: i64,
    /// The oldest version that may still be asked for.
    pub oldest: i64,
    /// States older than this are too far behind; Python says so.
    pub least: i64,
    /// Whether None is an element like any other.
    pub emits_none: bool,
}

struct Version {
    time: i64,
    blocks: Vec<Columns>,
}

#[derive(Default)]
struct Part {
    /// Of the newest version, if it is known.
    table: Option<Table>,
    /// Oldest first.
    versions: Vec<Version>,
    given_up: bool,
    /// Columns of keys that had their turn. They are kept, so that no other column is taken for one of them.
    had_turn: Vec<ArrayRef>,
    /// Whether there was something before the first version that is held.
    cut: bool,
}

impl Mapped {
    /// From what `dstreams.core.native` says of a function.
    pub(super) fn parse(parts: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let states: Vec<Py<KeyedStates>> = parts.get_item(1)?.extract()?;
        let (time, oldest, least, emits_none) = parts.get_item(3)?.extract()?;
        let batch = Batch { time, oldest, least, emits_none };
        Ok(Self { states: Arc::new(states), program: needed("mapped", parts, 2)?, batch })
    }
}

/// The elements that the records of a partition give; from Python, where there is no native answer.
pub(crate) fn mapped_states(
    running: &Arc<Running>,
    steps: Range<usize>,
    what: &Mapped,
    mut input: Blocks,
) -> Result<Blocks> {
    // All of them, before anything else: this applies the batches before.
    let (mut records, mut seen) = (Vec::new(), Vec::new());
    while let Some(block) = input.next() {
        running.task.cancel.check()?;
        match as_columns(block?) {
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => {
                seen.push(Block::Columns(columns.clone()));
                records.push(columns);
            }
            Err(objects) => {
                seen.push(objects);
                return Ok(Arc::clone(running).python(steps, Box::new(ready(seen).chain(input))));
            }
        }
    }
    let states = what.states.get(running.partition).ok_or_else(|| kernel_error("a partition without states"))?;
    let made = states.get().lock().apply(running, steps.start, what, &records)?;
    match made {
        None => Ok(Arc::clone(running).python(steps, ready(seen))),
        Some(elements) => {
            let elements = elements.map(|all| if what.batch.emits_none { Ok(all) } else { without_none(&all) });
            Ok(ready(elements.transpose()?.into_iter().map(Block::Columns).collect()))
        }
    }
}

fn without_none(elements: &Columns) -> Result<Columns> {
    let Some(nulls) = elements.array().logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(elements.clone());
    };
    let kept = BooleanArray::new(nulls.into_inner(), None);
    Ok(Columns::new(elements.kind().clone(), filter(elements.array(), &kept).map_err(kernel_error)?))
}

/// The table and the states after a batch, and its elements.
type Made = (Table, Vec<Columns>, Columns);

fn mapped(
    table: Option<Table>,
    blocks: Vec<Columns>,
    program: &Program,
    records: &[Columns],
    one_by_one: ByRow<'_>,
) -> Result<Option<Made>> {
    let Some(first) = records.first() else { return Ok(None) };
    let Some(((key, _), _)) = pair_columns(first) else { return Ok(None) };
    let Some(mut working) = Working::open(table, blocks, key, &Kind::None)? else { return Ok(None) };
    let at_once = |states: &Columns, records: &Columns| {
        let arguments = [states.clone(), records.clone()];
        program.eval(&arguments, records.len()).ok()
    };
    let by_row = |states: &Columns, ids: &[u32], records: &Columns| {
        let Ok(mapper) = RowMapper::new(program, states.kind(), records.kind()) else { return Ok(None) };
        let made = mapper.map(states.array(), ids, (records.kind(), records.array()))?;
        Ok(made.map(|(kind, array)| Columns::new(kind, array)))
    };
    let ways = Ways { at_once: &at_once, by_row: &by_row, one_by_one };
    let Some(elements) = working.map(records, &ways)? else { return Ok(None) };
    let (table, blocks) = working.close()?;
    Ok(Some((table, blocks, elements)))
}

/// The program's function, called for each record: of the state of each key, and which of them the record's is.
fn called(running: &Running, step: usize, states: &Columns, ids: &[u32], records: &Columns) -> Result<Option<Columns>> {
    let _turn = Turn::wait();
    attach(|py| {
        let call = || -> PyResult<Option<Columns>> {
            let rows = py.import("dstreams.streaming.mapwithstate")?.getattr("called_by_row")?;
            let function = running.function(py, step)?;
            let made = rows.call1((function, to_list(py, states)?, ids.to_vec(), to_list(py, records)?))?;
            Ok(list_to_columns(made.cast::<PyList>()?))
        };
        match call() {
            // What the function raises it will raise again, where all records are looked at in Python. An interruption of
            // the task comes once.
            Err(raised) if raised.is_instance_of::<PyException>(py) => Ok(None),
            made => made.map_err(user_error),
        }
    })
}

impl Part {
    /// The version that counted at a time.
    fn as_of(&self, time: i64) -> &[Columns] {
        let found = self.versions.iter().rev().find(|version| version.time <= time);
        found.map_or(&[], |version| version.blocks.as_slice())
    }

    /// Applies the records of a batch; its elements, if there are some. None, and nothing done, if Python must do it.
    fn apply(
        &mut self,
        running: &Running,
        step: usize,
        what: &Mapped,
        records: &[Columns],
    ) -> Result<Option<Option<Columns>>> {
        let batch = &what.batch;
        let last = self.versions.last().map(|version| version.time);
        if self.given_up || last.is_some_and(|last| last > batch.time || last < batch.least) {
            return Ok(None);
        }
        let again = last == Some(batch.time);
        let before = self.versions.len() - usize::from(again);
        if again && before == 0 && self.cut {
            return Ok(None);
        }
        let blocks = self.versions[..before].last().map_or_else(Vec::new, |version| version.blocks.clone());
        let table = self.table.take().filter(|_| !again);
        let one_by_one = |states: &Columns, ids: &[u32], records: &Columns| called(running, step, states, ids, records);
        let (table, blocks, elements) = if records.is_empty() {
            (table, blocks, None)
        } else {
            match mapped(table, blocks, &what.program, records, &one_by_one)? {
                Some((table, blocks, elements)) => (Some(table), blocks, Some(elements)),
                None => return Ok(None),
            }
        };
        self.versions.truncate(before);
        let kept = self.versions.iter().rposition(|version| version.time <= batch.oldest).unwrap_or(0);
        self.versions.drain(..kept);
        self.cut |= kept > 0;
        self.versions.push(Version { time: batch.time, blocks });
        self.table = table;
        Ok(Some(elements))
    }
}

/// The states of a partition that Python looks at, and how they are given up.
#[pyclass(name = "KeyedStates", module = "dstreams._native", frozen)]
#[derive(Default)]
pub(crate) struct KeyedStates {
    part: Mutex<Part>,
}

impl KeyedStates {
    /// To be called detached.
    fn lock(&self) -> MutexGuard<'_, Part> {
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_attached<'a>(&'a self, py: Python<'_>) -> MutexGuard<'a, Part> {
        self.part.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one version had that the next one has not: its time, the one of the version before it, pairs, keys without a state.
type Replaced<'py> = (i64, Option<i64>, Bound<'py, PyList>, Bound<'py, PyList>);

#[pymethods]
impl KeyedStates {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The time of the newest batch that was applied; None before the first.
    #[getter]
    fn version(&self, py: Python<'_>) -> Option<i64> {
        self.lock_attached(py).versions.last().map(|version| version.time)
    }

    /// Sets the states before the first batch; False, and nothing done, if they have no form here.
    fn load(&self, py: Python<'_>, version: i64, pairs: &Bound<'_, PyList>) -> PyResult<bool> {
        let blocks = if pairs.is_empty() {
            Vec::new()
        } else {
            let Some(columns) = list_to_columns(pairs) else { return Ok(false) };
            if !may_be_states(&columns).map_err(|error| to_python(py, &error))? {
                return Ok(false);
            }
            vec![columns]
        };
        let mut part = self.lock_attached(py);
        if part.given_up || !part.versions.is_empty() {
            return Ok(false);
        }
        part.versions.push(Version { time: version, blocks });
        part.cut = true;
        Ok(true)
    }

    /// (key, state) of all keys as of a version; None if that version is not there.
    fn snapshot<'py>(&self, py: Python<'py>, version: i64) -> PyResult<Option<Bound<'py, PyList>>> {
        let part = self.lock_attached(py);
        let found = part.versions.iter().find(|found| found.time == version).map(|found| found.blocks.clone());
        drop(part);
        found.map(|blocks| listed(py, &blocks)).transpose()
    }

    /// (key, state) of all keys as they were at a time.
    fn as_of<'py>(&self, py: Python<'py>, time: i64) -> PyResult<Bound<'py, PyList>> {
        let blocks = self.lock_attached(py).as_of(time).to_vec();
        listed(py, &blocks)
    }

    /// (key, state) of all keys that got another state after one version up to another one, and the keys that lost it. None
    /// if the earlier version is gone.
    fn changes<'py>(
        &self,
        py: Python<'py>,
        since: i64,
        version: i64,
    ) -> PyResult<Option<(Bound<'py, PyList>, Bound<'py, PyList>)>> {
        let part = self.lock_attached(py);
        if !part.versions.iter().any(|found| found.time <= since) {
            return Ok(None);
        }
        let (earlier, later) = (part.as_of(since).to_vec(), part.as_of(version).to_vec());
        drop(part);
        let found = py.detach(|| changes(&earlier, &later)).map_err(|error| to_python(py, &error))?;
        found.map(|Changes { pairs, gone }| Ok((listed(py, &pairs)?, listed(py, &gone)?))).transpose()
    }

    /// Keys of the newest version.
    fn __len__(&self, py: Python<'_>) -> usize {
        self.lock_attached(py).versions.last().map_or(0, |version| version.blocks.iter().map(Columns::len).sum())
    }

    /// The next states of a round in which all have their turn: at least so many, as they were at a time. With `begin` it is
    /// a new round. Also says whether all have had their turn.
    fn turn<'py>(&self, py: Python<'py>, time: i64, count: usize, begin: bool) -> PyResult<(Bound<'py, PyList>, bool)> {
        let mut part = self.lock_attached(py);
        if begin {
            part.had_turn.clear();
        }
        let blocks = part.as_of(time).to_vec();
        let mut had: HashSet<*const ()> = part.had_turn.iter().map(address).collect();
        let (mut turn, mut rows, mut over) = (Vec::new(), 0, true);
        for block in blocks {
            let Some(((_, keys), _)) = pair_columns(&block) else { continue };
            if !had.insert(address(keys)) {
                continue;
            }
            if rows >= count {
                over = false;
                break;
            }
            rows += block.len();
            part.had_turn.push(Arc::clone(keys));
            turn.push(block);
        }
        drop(part);
        Ok((listed(py, &turn)?, over))
    }

    /// Hands the states to Python for good: the newest version, its states, and for each version that replaced one that is
    /// known, oldest first, what it replaced.
    fn give_up<'py>(&self, py: Python<'py>) -> PyResult<(Option<i64>, Bound<'py, PyList>, Vec<Replaced<'py>>)> {
        let mut part = self.lock_attached(py);
        let (versions, cut) = (std::mem::take(&mut part.versions), part.cut);
        (part.given_up, part.table, part.had_turn) = (true, None, Vec::new());
        drop(part);
        let mut replaced = Vec::new();
        for (at, newer) in versions.iter().enumerate().skip(usize::from(cut)) {
            let older = at.checked_sub(1).and_then(|at| versions.get(at));
            let blocks = older.map_or(&[][..], |older| older.blocks.as_slice());
            let Changes { pairs, gone } = changes(&newer.blocks, blocks)
                .map_err(|error| to_python(py, &error))?
                .ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: states that cannot be compared"))?;
            replaced.push((newer.time, older.map(|older| older.time), listed(py, &pairs)?, listed(py, &gone)?));
        }
        let newest = versions.last().map_or_else(|| Ok(PyList::empty(py)), |newest| listed(py, &newest.blocks))?;
        Ok((versions.last().map(|newest| newest.time), newest, replaced))
    }
}

/// Whether these are pairs with distinct keys and states that are not None.
fn may_be_states(columns: &Columns) -> Result<bool> {
    let Some(((kind, keys), (_, states))) = pair_columns(columns) else { return Ok(false) };
    let Some(mut table) = KeyTable::new(kind) else { return Ok(false) };
    let numbered = table.number(keys, &mut Vec::new())? != Err(Unhashable);
    Ok(numbered && table.len() == columns.len() && states.logical_null_count() == 0)
}

fn listed<'py>(py: Python<'py>, blocks: &[Columns]) -> PyResult<Bound<'py, PyList>> {
    let mut all = Vec::new();
    blocks.iter().try_for_each(|block| append_to(py, block, &mut all))?;
    PyList::new(py, all)
}
