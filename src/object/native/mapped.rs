//! The states of `mapWithState`, natively: `_native.KeyedStates` holds those of one partition, as of several batches.
//!
//! 1. A batch is applied as a whole or not at all. Older versions are held as what changed after them.
//! 2. Once something comes that has no exact answer here, the states are given up to the table in Python
//!    (`dstreams/streaming/statetable.py`) for good; `versions` are empty then.
//! 3. Where keys can time out, what is a state here and for Python is a tuple of the state and the time of the batch that
//!    touched it last, but in snapshots.
//! 4. The lock is held while records are looked at, and when what they made is to count; not while the function is called for
//!    keys that time out. Who holds the interpreter waits for it detached.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_select::filter::filter;
use hashbrown::HashSet;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
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
use crate::kernel::state::{Changes, Table, Versions, View, Ways, Working, address, changes, unstamped, with_stamps};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::chain::Running;
use crate::object::convert::{append_to, list_to_columns, to_list};
use crate::object::live::Taken;
use crate::object::objects::fresh;
use crate::object::task;
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
    /// Keys that were not touched since then time out now; None: not looked for in this batch.
    pub idle_before: Option<i64>,
}

#[derive(Default)]
struct Part {
    /// Whether keys can time out.
    timed: bool,
    /// Of the newest version, if it is known.
    table: Option<Table>,
    versions: Versions,
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
        let (time, oldest, least, emits_none, idle_before) = parts.get_item(3)?.extract()?;
        let batch = Batch { time, oldest, least, emits_none, idle_before };
        Ok(Self { states: Arc::new(states), program: needed("mapped", parts, 2)?, batch })
    }
}

/// The elements that the records of a partition give; from Python, where there is no native answer.
pub(crate) fn mapped_states(
    running: &Arc<Running>,
    steps: Range<usize>,
    what: &Mapped,
    input: Blocks,
) -> Result<Blocks> {
    let mut input = Taken::new(input);
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
                return Ok(Arc::clone(running).python(steps, Box::new(ready(seen).chain(input.rest()))));
            }
        }
    }
    let states = what.states.get(running.partition).ok_or_else(|| kernel_error("a partition without states"))?;
    let states = states.get();
    let made = states.lock().make(running, steps.start, what, &records)?;
    let Some(mut made) = made else { return Ok(Arc::clone(running).python(steps, ready(seen))) };
    let mut blocks = Vec::new();
    if let Some(elements) = made.elements.take() {
        blocks.push(Block::Columns(if what.batch.emits_none { elements } else { without_none(&elements)? }));
    }
    if let Some(idle) = made.idle.take() {
        blocks.push(timed_out(running, steps.start, &idle)?);
    }
    states.lock().keep(&what.batch, made)?;
    Ok(ready(blocks))
}

fn without_none(elements: &Columns) -> Result<Columns> {
    let Some(nulls) = elements.array().logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(elements.clone());
    };
    let kept = BooleanArray::new(nulls.into_inner(), None);
    Ok(Columns::new(elements.kind().clone(), filter(elements.array(), &kept).map_err(kernel_error)?))
}

/// What a batch makes of states, before it counts.
struct Made {
    /// The version before it, and whether that is the batch's own, made once before.
    last: Option<i64>,
    again: bool,
    table: Option<Table>,
    blocks: Vec<Columns>,
    elements: Option<Columns>,
    /// Keys that time out, and the states that they had.
    idle: Option<Columns>,
}

/// What the records of a batch, and time, make of states; false if Python must do it.
fn map_into(
    made: &mut Made,
    (running, step, what): (&Running, usize, &Mapped),
    timed: bool,
    records: &[Columns],
) -> Result<bool> {
    let (table, blocks) = (made.table.take(), std::mem::take(&mut made.blocks));
    let Some(first) = records.first().or(blocks.first()) else { return Ok(true) };
    let Some(((key, _), _)) = pair_columns(first) else { return Ok(false) };
    let key = key.clone();
    let Some(mut working) = Working::open(table, blocks, &key, &Kind::None)? else { return Ok(false) };
    if !records.is_empty() {
        let now = timed.then_some(what.batch.time);
        made.elements = map_records((running, step, &what.program), &mut working, records, now)?;
        if made.elements.is_none() {
            return Ok(false);
        }
    }
    if let Some(before) = what.batch.idle_before {
        made.idle = working.take_idle(before)?;
    }
    let (table, blocks) = working.close()?;
    (made.table, made.blocks) = (Some(table), blocks);
    Ok(true)
}

fn map_records(
    (running, step, program): (&Running, usize, &Program),
    working: &mut Working,
    records: &[Columns],
    now: Option<i64>,
) -> Result<Option<Columns>> {
    let at_once = |states: &Columns, records: &Columns| {
        let arguments = [states.clone(), records.clone()];
        program.eval(&arguments, records.len()).ok()
    };
    let by_row = |states: &Columns, ids: &[u32], records: &Columns| {
        let Ok(mapper) = RowMapper::new(program, states.kind(), records.kind()) else { return Ok(None) };
        let made = mapper.map(states.array(), ids, (records.kind(), records.array()))?;
        Ok(made.map(|(kind, array)| Columns::new(kind, array)))
    };
    let one_by_one = |states: &Columns, ids: &[u32], records: &Columns| called(running, step, states, ids, records);
    working.map(records, &Ways { at_once: &at_once, by_row: &by_row, one_by_one: &one_by_one }, now)
}

/// The program's function, called for each record: of the state of each key, and which of them the record's is.
fn called(running: &Running, step: usize, states: &Columns, ids: &[u32], records: &Columns) -> Result<Option<Columns>> {
    let (states, records) = (states.clone(), records.clone());
    in_python(running, step, move |py, function| {
        let rows = py.import("dstreams.streaming.mapwithstate")?.getattr("called_by_row")?;
        let made = rows.call1((function, to_list(py, &states)?, ids.to_vec(), to_list(py, &records)?))?;
        Ok(list_to_columns(made.cast::<PyList>()?))
    })
    // What it raises it will raise again, where all records are looked at in Python.
    .map(|called| called.ok().flatten())
}

/// What the program's function gives for keys that time out, pairs of these and their states. Not to be called while the
/// states are locked: the function may do anything, and take its time.
fn timed_out(running: &Running, step: usize, idle: &Columns) -> Result<Block> {
    in_python(running, step, |py, function| {
        let each = py.import("dstreams.streaming.mapwithstate")?.getattr("called_for_idle")?;
        let made = each.call1((function, to_list(py, idle)?))?.cast_into::<PyList>()?;
        Ok(list_to_columns(&made).map_or_else(|| fresh(made.iter().map(Bound::unbind).collect()), Block::Columns))
    })?
    .map_err(user_error)
}

/// What `call` makes of the program's function, as a part of the task, or the exception that it raises. An interruption of
/// the task is an error: it comes once.
fn in_python<T>(
    running: &Running,
    step: usize,
    call: impl FnOnce(Python<'_>, Bound<'_, PyAny>) -> PyResult<T>,
) -> Result<PyResult<T>> {
    let _turn = Turn::wait();
    attach(|py| {
        let called = task::within(&running.task, || running.function(py, step).and_then(|function| call(py, function)));
        match called {
            Err(raised) if !raised.is_instance_of::<PyException>(py) => {
                Err(running.task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
            }
            called => Ok(called),
        }
    })
}

impl Part {
    /// The version that counted at a time.
    fn as_of(&self, time: i64) -> View {
        self.versions.as_of(time).map_or_else(View::default, |(_, view)| view)
    }

    /// What the records of a batch make of the states, which stay as they are. None if Python must do it.
    fn make(&mut self, running: &Running, step: usize, what: &Mapped, records: &[Columns]) -> Result<Option<Made>> {
        let batch = &what.batch;
        let last = self.versions.last();
        if self.given_up || last.is_some_and(|last| last > batch.time || last < batch.least) {
            return Ok(None);
        }
        let again = last == Some(batch.time);
        let before = self.versions.as_of(batch.time - 1);
        if again && before.is_none() && self.cut {
            return Ok(None);
        }
        let blocks = before.map_or_else(|| Ok(Vec::new()), |(_, view)| view.blocks())?;
        let table = self.table.take().filter(|_| !again);
        let mut made = Made { last, again, table, blocks, elements: None, idle: None };
        let done = (records.is_empty() && batch.idle_before.is_none())
            || map_into(&mut made, (running, step, what), self.timed, records)?;
        Ok(done.then_some(made))
    }

    /// Has what a batch made of the states count. Nothing else may have happened to them since.
    fn keep(&mut self, batch: &Batch, made: Made) -> Result<()> {
        if self.given_up || self.versions.last() != made.last {
            return Err(kernel_error("a batch was applied to its states by another task meanwhile"));
        }
        if made.again {
            self.versions.pop()?;
        }
        self.cut |= self.versions.forget(batch.oldest);
        self.versions.push(batch.time, made.blocks)?;
        self.table = made.table;
        Ok(())
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
    /// `timed`: keys can time out.
    #[new]
    fn new(timed: bool) -> Self {
        Self { part: Mutex::new(Part { timed, ..Part::default() }) }
    }

    /// The time of the newest batch that was applied; None before the first.
    #[getter]
    fn version(&self, py: Python<'_>) -> Option<i64> {
        self.lock_attached(py).versions.last()
    }

    /// Sets the states before the first batch, and when each was touched last if keys can time out; False, and nothing done,
    /// if they have no form here.
    fn load(&self, py: Python<'_>, version: i64, pairs: &Bound<'_, PyList>, times: Option<Vec<i64>>) -> PyResult<bool> {
        let mut blocks = Vec::new();
        let mut part = self.lock_attached(py);
        if part.timed != times.as_ref().is_some_and(|times| times.len() == pairs.len()) {
            return Err(PyValueError::new_err("times: expected one for each pair where keys can time out, else None"));
        }
        if !pairs.is_empty() {
            let Some(columns) = list_to_columns(pairs) else { return Ok(false) };
            if !may_be_states(&columns).map_err(|error| to_python(py, &error))? {
                return Ok(false);
            }
            let columns = times.map_or_else(|| Ok(columns.clone()), |times| with_stamps(&columns, times));
            blocks.push(columns.map_err(|error| to_python(py, &error))?);
        }
        if part.given_up || part.versions.last().is_some() {
            return Ok(false);
        }
        part.versions.push(version, blocks).map_err(|error| to_python(py, &error))?;
        part.cut = true;
        Ok(true)
    }

    /// (key, state) of all keys as of a version, without stamps; None if that version is not there.
    fn snapshot<'py>(&self, py: Python<'py>, version: i64) -> PyResult<Option<Bound<'py, PyList>>> {
        let part = self.lock_attached(py);
        let (found, timed) = (part.versions.as_of(version), part.timed);
        drop(part);
        let Some((_, view)) = found.filter(|(time, _)| *time == version) else { return Ok(None) };
        let mut blocks = made(py, view)?;
        if timed {
            let plain: Result<_> = blocks.iter().map(unstamped).collect();
            blocks = plain.map_err(|error| to_python(py, &error))?;
        }
        listed(py, &blocks).map(Some)
    }

    /// (key, state) of all keys as they were at a time.
    fn as_of<'py>(&self, py: Python<'py>, time: i64) -> PyResult<Bound<'py, PyList>> {
        let view = self.lock_attached(py).as_of(time);
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
        let part = self.lock_attached(py);
        let (since, version) = (part.versions.as_of(since), part.as_of(version));
        drop(part);
        let Some((_, since)) = since else { return Ok(None) };
        let found = py.detach(|| since.changes_up_to(&version));
        let found = found.map_err(|error| to_python(py, &error))?;
        found.map(|Changes { pairs, gone }| Ok((listed(py, &pairs)?, listed(py, &gone)?))).transpose()
    }

    /// Keys of the newest version.
    fn __len__(&self, py: Python<'_>) -> usize {
        self.lock_attached(py).versions.keys()
    }

    /// The next states of a round in which all have their turn: at least so many, as they were at a time. With `begin` it is
    /// a new round. Also says whether all have had their turn.
    fn turn<'py>(&self, py: Python<'py>, time: i64, count: usize, begin: bool) -> PyResult<(Bound<'py, PyList>, bool)> {
        let mut part = self.lock_attached(py);
        if begin {
            part.had_turn.clear();
        }
        let view = part.as_of(time);
        let mut had: HashSet<*const ()> = part.had_turn.iter().map(address).collect();
        let (mut turn, mut rows, mut over) = (Vec::new(), 0, true);
        for chunk in 0..view.len() {
            let keys = view.keys(chunk).map_err(|error| to_python(py, &error))?;
            if !had.insert(address(keys)) {
                continue;
            }
            if rows >= count {
                over = false;
                break;
            }
            rows += keys.len();
            part.had_turn.push(Arc::clone(keys));
            turn.push(view.block(chunk).map_err(|error| to_python(py, &error))?);
        }
        drop(part);
        Ok((listed(py, &turn)?, over))
    }

    /// Hands the states to Python for good: the newest version, its states, and for each version that replaced one that is
    /// known, oldest first, what it replaced. They stay here until `forget`: who takes them may be interrupted.
    fn give_up<'py>(&self, py: Python<'py>) -> PyResult<(Option<i64>, Bound<'py, PyList>, Vec<Replaced<'py>>)> {
        let mut part = self.lock_attached(py);
        (part.given_up, part.table) = (true, None);
        let (versions, cut) = (part.versions.all(), part.cut);
        drop(part);
        let versions = versions.into_iter().map(|(time, view)| Ok((time, made(py, view)?)));
        let versions: Vec<(i64, Vec<Columns>)> = versions.collect::<PyResult<_>>()?;
        let mut replaced = Vec::new();
        for (at, (time, newer)) in versions.iter().enumerate().skip(usize::from(cut)) {
            let older = at.checked_sub(1).and_then(|at| versions.get(at));
            let before = older.map_or(&[][..], |older| older.1.as_slice());
            let Changes { pairs, gone } = changes(newer, before)
                .map_err(|error| to_python(py, &error))?
                .ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: states that cannot be compared"))?;
            replaced.push((*time, older.map(|older| older.0), listed(py, &pairs)?, listed(py, &gone)?));
        }
        let newest = versions.last().map_or_else(|| Ok(PyList::empty(py)), |newest| listed(py, &newest.1))?;
        Ok((versions.last().map(|newest| newest.0), newest, replaced))
    }

    /// Forgets all states for good: they are Python's.
    fn forget(&self, py: Python<'_>) {
        let mut part = self.lock_attached(py);
        *part = Part { timed: part.timed, given_up: true, ..Part::default() };
    }
}

/// The chunks of a version.
fn made(py: Python<'_>, view: View) -> PyResult<Vec<Columns>> {
    py.detach(|| view.blocks()).map_err(|error| to_python(py, &error))
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
