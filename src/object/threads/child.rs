//! What becomes of a process that the program forks while the engine calls its code?
//!
//! The child comes back from that code like its parent, but there is no engine: no threads, nobody who waits for a result.
//! 1. In a thread of the engine (a function of a task, of a batch, of a listener) the child ends where that code ends: with
//!    the code of its SystemExit, with a traceback and 1 for other exceptions, else with 0.
//! 2. In a thread of the program that waits for the engine, and forked in a signal handler, the child is told that it
//!    cannot wait.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::attach::attach;
use crate::error::{EngineError, Result};
use crate::object::call::user_error;
use crate::object::called;
use crate::process::{Origin, exit_now};

/// Runs code of the program; a child that was forked in it ends with it.
pub(crate) fn in_one_process<T>(code: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let origin = Origin::here();
    let done = code();
    if !origin.is_here() {
        leave(done.err());
    }
    done
}

/// Ends a child of `origin`, if this is one, as an exception says that came out of the program's code.
pub(crate) fn end_raised_in_child(origin: Origin, raised: &PyErr, py: Python<'_>) {
    if !origin.is_here() {
        leave(Some(raised.clone_ref(py)));
    }
}

fn leave(raised: Option<PyErr>) -> ! {
    attach(|py| {
        let raised = raised.map(|raised| raised.into_value(py));
        let left = called::LEAVE_CHILD.get(py).and_then(|leave| leave.call1((raised,)));
        if let Err(failed) = left {
            failed.write_unraisable(py, None);
        }
    });
    exit_now(1)
}

/// Fails in a child of `origin`, whose caller waits for what only the parent has.
pub(crate) fn check_waits_here(origin: Origin) -> Result<()> {
    if origin.is_here() {
        return Ok(());
    }
    let problem = "this process was forked from the one that runs the job or stream that is waited for here; it goes on in \
                   that process, and not in this one. Make a new SparkContext here";
    Err::<(), EngineError>(user_error(PyRuntimeError::new_err(problem)))
}
