//! Where does go what a task prints? To standard error: standard output is the program's own, as with Spark's workers.
//!
//! While tasks are inside Python code, `sys.stdout` is a `dstreams.core.engine.surroundings.TaskStdout`, which looks who writes.
//! 1. It is put there by the first task that enters, and taken away by the last one that leaves, unless the program has
//!    put something else there meanwhile.
//! 2. It is not freed when it is taken away: `print` of another thread may be inside of it, by a borrowed reference.
//! 3. Putting it there and taking it away is not interrupted.
//! 4. What a task itself has put there (`contextlib.redirect_stdout` around a `yield`, say) stays for its next blocks.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::{MutexExt, PyOnceLock};
use pyo3::types::PyType;

use super::Shelter;
use crate::error::TaskId;
use crate::object::called;
use crate::process::Renewed;

/// Tasks that are inside Python code.
static INSIDE: Renewed<Mutex<usize>> = Renewed::new(Mutex::default);

thread_local! {
    /// What this thread's last task left as `sys.stdout` in the place of what it found there.
    static LEFT: Cell<Option<(TaskId, usize)>> = const { Cell::new(None) };
}

/// The rule holds for a task until dropped. To be made and dropped attached.
pub(super) struct Printed(TaskId);

impl Printed {
    pub(super) fn enter(task: TaskId) -> Self {
        Python::attach(|py| {
            let replaced = {
                let mut inside = INSIDE.get().lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
                *inside += 1;
                put(py, task)
            };
            tell(py, replaced);
        });
        Self(task)
    }
}

impl Drop for Printed {
    fn drop(&mut self) {
        // Without an interpreter there is nothing to put right.
        Python::try_attach(|py| {
            let replaced = {
                let mut inside = INSIDE.get().lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
                *inside = inside.saturating_sub(1);
                take_away(py, self.0, *inside == 0)
            };
            tell(py, replaced);
        });
    }
}

/// What was replaced, to be dropped without the lock.
type Replaced<'py> = PyResult<Option<Bound<'py, PyAny>>>;

fn tell(py: Python<'_>, replaced: Replaced<'_>) {
    if let Err(raised) = replaced {
        raised.write_unraisable(py, None);
    }
}

fn kind<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyType>> {
    Ok(called::TASK_STDOUT.get(py)?.cast::<PyType>()?)
}

fn sys<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyModule>> {
    static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(SYS.get_or_try_init(py, || py.import("sys").map(Bound::unbind))?.bind(py))
}

fn put<'py>(py: Python<'py>, task: TaskId) -> Replaced<'py> {
    let (sys, kind) = (sys(py)?, kind(py)?);
    let Some(found) = sys.getattr_opt("stdout")? else { return Ok(None) };
    let is_own = LEFT.get() == Some((task, found.as_ptr() as usize));
    if found.is_none() || found.get_type().is(kind) || is_own {
        return Ok(None);
    }
    let _whole = Shelter::enter(py);
    let stands = called::STANDING_FOR.get(py)?;
    sys.setattr("stdout", stands.call1((&found,))?)?;
    Ok(Some(found))
}

fn take_away<'py>(py: Python<'py>, task: TaskId, is_last: bool) -> Replaced<'py> {
    let (sys, kind) = (sys(py)?, kind(py)?);
    let Some(found) = sys.getattr_opt("stdout")? else { return Ok(None) };
    if !found.get_type().is(kind) {
        LEFT.set(Some((task, found.as_ptr() as usize)));
        return Ok(None);
    }
    LEFT.set(None);
    if !is_last {
        return Ok(None);
    }
    let _whole = Shelter::enter(py);
    let take_away = called::TAKE_AWAY.get(py)?;
    sys.setattr("stdout", take_away.call1((&found,))?)?;
    Ok(Some(found))
}
