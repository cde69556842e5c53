//! Which task is this thread running, as Python code in it may ask?
//!
//! 1. A thread runs one task at a time; outside tasks there is none, and `task_info()` gives None.
//! 2. Accumulator updates are collected in one dict per task attempt and travel in the task's slot: the driver sees them
//!    only when the attempt succeeded.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Inside;
use super::child::in_one_process;
use super::ended;
use super::printed::Printed;
use crate::doing::{self, Kind};
use crate::error::TaskId;
use crate::rdd::{CancelToken, Properties, Task};

struct Running {
    task: Arc<Task>,
    updates: Option<Py<PyDict>>,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// What a task's functions left with it.
pub(crate) struct Updates(pub Py<PyDict>);

/// Runs `body` as (a part of) `task` on this thread, which is attached. A child forked in it ends with it.
pub(crate) fn within<T>(task: &Arc<Task>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // A chain that pulls from another one of the same task: one context, one dict of updates.
    let nested = RUNNING.with(|slot| slot.borrow().as_ref().is_some_and(|running| running.task.id == task.id));
    if nested {
        return body();
    }
    let _inside = Inside::enter(Some(task.id.stage));
    let _calls = doing::begin(Kind::Calls, "a task");
    let updates = task.collect().and_then(|left| left.downcast::<Updates>().ok()).map(|updates| updates.0);
    let before = RUNNING.with(|slot| slot.replace(Some(Running { task: Arc::clone(task), updates })));
    let result = {
        let _printed = Printed::enter(task.id);
        ended::watch();
        in_one_process(body)
    };
    let after = RUNNING.with(|slot| slot.replace(before));
    if let Some(updates) = after.and_then(|running| running.updates) {
        task.leave(Box::new(Updates(updates)));
    }
    result
}

/// Makes this thread's place for a task: what was made first goes last when the thread ends.
pub(crate) fn make_room() {
    RUNNING.with(|slot| drop(slot.borrow()));
}

/// The running task; outside of tasks, one that nothing bounds.
pub(crate) fn current() -> Arc<Task> {
    let running = RUNNING.with(|slot| slot.borrow().as_ref().map(|running| Arc::clone(&running.task)));
    running.unwrap_or_else(|| Task::new(TaskId::default(), CancelToken::default(), Arc::default()))
}

/// `(stage, partition, attempt, task number)` of the running task, or None in the driver.
#[pyfunction]
pub(crate) fn task_info() -> Option<(u64, usize, u32, u64)> {
    let id = RUNNING.with(|slot| slot.borrow().as_ref().map(|running| running.task.id))?;
    Some((id.stage, id.partition, id.attempt, id.number))
}

/// A local property of the running task's job; None in the driver, or when it is not set.
#[pyfunction]
pub(crate) fn task_property(key: &str) -> Option<String> {
    RUNNING.with(|slot| slot.borrow().as_ref()?.task.properties.get(key).cloned())
}

/// All local properties of the running task's job; none in the driver.
#[pyfunction]
pub(crate) fn task_properties() -> Properties {
    RUNNING.with(|slot| slot.borrow().as_ref().map(|running| (*running.task.properties).clone()).unwrap_or_default())
}

/// The dict of accumulator updates of the running task, or None in the driver.
#[pyfunction]
pub(crate) fn task_updates(py: Python<'_>) -> Option<Py<PyDict>> {
    RUNNING.with(|slot| {
        let mut running = slot.borrow_mut();
        let running = running.as_mut()?;
        Some(running.updates.get_or_insert_with(|| PyDict::new(py).unbind()).clone_ref(py))
    })
}
