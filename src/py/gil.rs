//! The only door from the interpreter into the engine.
//!
//! Order: never wait for the engine (a job, a lock, a channel) while attached. Ctrl-C reaches a waiting main thread
//! through `Signals`, which attaches for a moment every 50 ms.

use std::any::Any;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::errors::to_python;
use super::supervisor::check_signals;
use crate::error::{EngineError, Result};
use crate::exec::Hooks;
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::called;
use crate::object::child::check_waits_here;
use crate::object::task::Updates;
use crate::object::threads::interrupt_stage;
use crate::process::Origin;
use crate::watch::InEngine;

/// Python -> engine. First line of every method that may wait.
pub(crate) fn enter_engine<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let _inside = InEngine::enter();
    py.detach(work).map_err(|error| to_python(py, &error))
}

/// Runs a wait without the interpreter, whether or not this thread holds it now.
pub(crate) fn detached<T: Send>(wait: impl FnOnce() -> T + Send) -> T {
    // SAFETY: only looks at the current thread; may be called at any time.
    if unsafe { ffi::PyGILState_Check() } == 1 {
        // Attached already, so this attaches for free.
        attach(|py| py.detach(wait))
    } else {
        wait()
    }
}

/// Converts an engine error on the spot.
pub(crate) fn checked<T>(py: Python<'_>, result: Result<T, EngineError>) -> PyResult<T> {
    result.map_err(|error| to_python(py, &error))
}

/// Whether this is the thread that gets Ctrl-C.
pub(crate) fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    static MAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let threading = MAIN.import(py, "threading", "main_thread")?;
    let main: u64 = threading.call0()?.getattr("ident")?.extract()?;
    let current: u64 = py.import("_thread")?.call_method0("get_ident")?.extract()?;
    Ok(main == current)
}

/// Signals and accumulators of a job.
pub(crate) struct DriverHooks {
    /// Look for signals while waiting.
    main_thread: bool,
    origin: Origin,
}

impl DriverHooks {
    /// For a job of this process.
    pub(crate) fn new(main_thread: bool) -> Self {
        Self { main_thread, origin: Origin::here() }
    }
}

impl Hooks for DriverHooks {
    fn poll(&self) -> Result<()> {
        if !self.main_thread {
            return Ok(());
        }
        check_signals().map_err(user_error)?;
        check_waits_here(self.origin)
    }

    fn abandon(&self, stage: u64) {
        attach(|py| interrupt_stage(py, stage));
    }

    fn merge(&self, left: Vec<Box<dyn Any + Send>>) -> Result<()> {
        attach(|py| {
            let apply = called::APPLY_UPDATES.get(py)?;
            for updates in left.into_iter().filter_map(|one| one.downcast::<Updates>().ok()) {
                apply.call1((updates.0,))?;
            }
            Ok(())
        })
        .map_err(user_error)
    }
}
