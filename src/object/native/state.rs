//! States and windows, natively: what a batch does to a partition of them, and the tables between two batches.
//!
//! A table belongs to one snapshot of one partition (`kernel/state`). The task that makes the next snapshot takes it away
//! and leaves a new one; without a table that fits, after a failure say, it makes one from the snapshot. So tables are
//! a matter of speed alone. They count against the memory budget, and are left out when there is no room.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::as_columns;
use crate::block::{Block, Columns};
use crate::error::Result;
use crate::expr;
use crate::kernel::gather::pair_columns;
use crate::kernel::state::{Table, Working};
use crate::memory::Reservation;
use crate::object::program::Program;
use crate::py::PyRdd;
use crate::rdd::{Blocks, Op, Rdd, Task, Update, ready};

struct Kept {
    table: Table,
    _held: Reservation,
}

/// The tables of a stream, by partition.
type Tables = Arc<Mutex<HashMap<usize, Kept>>>;

/// What is done to a pair's state, and by which programs.
enum Rule {
    /// `f(new values, state or None)`, for all keys; None forgets the key.
    Update(expr::Program),
    /// `f(total, value)` for keys that left a window.
    Subtract(expr::Program),
    /// `f(total, value)` for keys that came into a window; then the second says which pairs stay.
    Add(expr::Program, Option<expr::Program>),
}

struct Native {
    rule: Rule,
    tables: Tables,
}

/// All blocks as columns, if they are.
fn columns_of(task: &Task, blocks: Blocks) -> Result<Option<Vec<Columns>>> {
    let mut all = Vec::new();
    for block in blocks {
        task.cancel.check()?;
        match as_columns(block?) {
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => all.push(columns),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(all))
}

fn call(program: &expr::Program, one: &Columns, other: &Columns) -> Option<Columns> {
    program.eval(&[one.clone(), other.clone()], one.len()).ok()
}

impl Rule {
    fn apply(&self, working: &mut Working, newer: &[Columns]) -> Result<bool> {
        match self {
            Self::Update(program) => working.update(newer, &|new, old| call(program, new, old)),
            Self::Subtract(program) => working.subtract(newer, &|total, old| call(program, total, old)),
            Self::Add(program, keep) => {
                let keeps = |rows: &Columns| keep.as_ref()?.test(std::slice::from_ref(rows), rows.len()).ok();
                working.add(newer, &|total, new| call(program, total, new), keep.as_ref().map(|_| &keeps as _))
            }
        }
    }
}

impl Update for Native {
    fn update(&self, task: &Arc<Task>, partition: usize, older: Blocks, newer: Blocks) -> Result<Option<Blocks>> {
        let (Some(older), Some(newer)) = (columns_of(task, older)?, columns_of(task, newer)?) else { return Ok(None) };
        let Some(first) = older.first().or(newer.first()) else { return Ok(Some(ready(Vec::new()))) };
        let Some(((key, _), (value, _))) = pair_columns(first) else { return Ok(None) };
        let (key, value) = (key.clone(), value.clone());
        let kept = self.tables.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
        let Some(mut working) = Working::open(kept.map(|kept| kept.table), older, &key, &value)? else {
            return Ok(None);
        };
        if !self.rule.apply(&mut working, &newer)? {
            return Ok(None);
        }
        let (table, blocks) = working.close()?;
        let bytes = table.bytes();
        let mut held = task.reservation();
        // A table is worth at most its part of the budget: the states themselves come first.
        if bytes <= task.memory().limit() / 4 && task.memory().make_room(bytes)? {
            held.hold(bytes);
            let kept = Kept { table, _held: held };
            drop(self.tables.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, kept));
        }
        Ok(Some(ready(blocks.into_iter().map(Block::Columns).collect())))
    }
}

/// `_native.States`: the tables of one stream of states or windows.
#[pyclass(name = "States", module = "dstreams._native", frozen)]
pub(crate) struct States {
    tables: Tables,
}

#[pymethods]
impl States {
    #[new]
    fn new() -> Self {
        Self { tables: Tables::default() }
    }

    /// How many partitions have a table.
    fn __len__(&self) -> usize {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Tables are a matter of speed: a copy begins without any.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, Bound<'py, PyTuple>) {
        (slf.get_type().into_any(), PyTuple::empty(slf.py()))
    }

    /// `composed`, made natively of `older` and `newer` where programs have an answer.
    fn updated(
        &self,
        rule: &str,
        programs: Vec<Option<PyRef<'_, Program>>>,
        older: &PyRdd,
        newer: &PyRdd,
        composed: &PyRdd,
    ) -> PyResult<PyRdd> {
        let program = |at: usize| programs.get(at).and_then(Option::as_ref).map(|program| program.inner.clone());
        let rule = match (rule, program(0)) {
            ("update", Some(update)) => Rule::Update(update),
            ("subtract", Some(inverse)) => Rule::Subtract(inverse),
            ("add", Some(add)) => Rule::Add(add, program(1)),
            _ => {
                return Err(PyValueError::new_err(format!("rule: there is no native rule {rule:?} of these programs")));
            }
        };
        let update: Arc<dyn Update> = Arc::new(Native { rule, tables: Arc::clone(&self.tables) });
        let (older, newer, composed) = (Arc::clone(&older.0), Arc::clone(&newer.0), Arc::clone(&composed.0));
        Ok(PyRdd(Rdd::new(Op::Updated { older, newer, update, composed })))
    }
}
