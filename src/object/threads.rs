//! Which threads of the engine may be inside Python code, and how are they told to leave it?
//!
//! An interpreter that shuts down ends such threads in a way that Rust code does not survive. So before that, at exit,
//! `interrupt_threads` raises SystemExit in each of them; so does a job that ends early in the tasks it leaves behind.
//! An entry is added and removed while attached.

use std::ffi::{c_long, c_ulong};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PySystemExit;
use pyo3::ffi;
use pyo3::prelude::*;

/// (thread, stage of the task it runs, if any)
type Entry = (c_ulong, Option<u64>);

static INSIDE: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

fn with_inside<T>(look: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
    look(&mut INSIDE.lock().unwrap_or_else(PoisonError::into_inner))
}

fn current() -> c_ulong {
    // SAFETY: takes nothing and reads the current thread's number.
    unsafe { ffi::PyThread_get_thread_ident() }
}

/// Marks the current thread as inside Python code until dropped.
pub(crate) struct Inside(Entry);

impl Inside {
    /// The thread runs a task of `stage`, or none.
    pub(crate) fn enter(stage: Option<u64>) -> Self {
        let entry = (current(), stage);
        with_inside(|all| all.push(entry));
        Self(entry)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        with_inside(|all| {
            if let Some(at) = all.iter().rposition(|entry| *entry == self.0) {
                all.swap_remove(at);
            }
        });
    }
}

/// Raises SystemExit, which user code seldom catches, in the chosen threads. Tells how many.
fn interrupt(py: Python<'_>, chosen: impl Fn(&Entry) -> bool) -> usize {
    let class = py.get_type::<PySystemExit>();
    // Under the lock: a thread that is still listed has not left its Python code.
    with_inside(|all| {
        let mut found = 0;
        for (ident, _) in all.iter().filter(|entry| chosen(entry)) {
            // SAFETY: attached, and the class outlives the call, which takes its own reference.
            unsafe { ffi::PyThreadState_SetAsyncExc(*ident as c_long, class.as_ptr()) };
            found += 1;
        }
        found
    })
}

/// Interrupts the tasks of a stage whose result nobody wants any more.
pub(crate) fn interrupt_stage(py: Python<'_>, stage: u64) {
    interrupt(py, |(_, running)| *running == Some(stage));
}

/// Interrupts all tasks but one of the caller's own thread: their context is stopped.
pub(crate) fn interrupt_tasks(py: Python<'_>) {
    let own = current();
    interrupt(py, |(ident, stage)| stage.is_some() && *ident != own);
}

/// Raises SystemExit in the engine's threads that are inside Python code, the caller's own excepted. Tells how many.
#[pyfunction]
pub(crate) fn interrupt_threads(py: Python<'_>) -> usize {
    let own = current();
    interrupt(py, |(ident, _)| *ident != own)
}
