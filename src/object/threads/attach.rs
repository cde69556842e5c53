//! How does a thread of the engine enter the interpreter?
//!
//! Through `attach`. The interpreter's state of such a thread is made the first time and stays until the thread ends: what
//! functions keep per thread (`threading.local`, the context of `decimal`) is there as long as in a thread of Python's own,
//! and nothing is made anew from block to block.

use std::cell::{Cell, OnceCell};

use pyo3::ffi;
use pyo3::prelude::*;

use super::{ended, forget_dummy, task, unless_closing};

/// A reference to the state of this thread.
struct Kept;

thread_local! {
    static IS_KEPT: Cell<bool> = const { Cell::new(false) };
    static KEPT: OnceCell<Kept> = const { OnceCell::new() };
}

impl Drop for Kept {
    fn drop(&mut self) {
        unless_closing(|| {
            Python::try_attach(|py| {
                forget_dummy(py);
                // SAFETY: gives back what `attach` took; attached, and whoever attached here lets go last.
                unsafe { ffi::PyGILState_Release(ffi::PyGILState_STATE::PyGILState_LOCKED) }
            });
        });
    }
}

/// Whether this thread's state stays when it leaves the interpreter. False in threads that Python made.
fn is_kept() -> bool {
    IS_KEPT.get()
}

/// Runs `body` attached.
pub(crate) fn attach<T>(body: impl for<'py> FnOnce(Python<'py>) -> T) -> T {
    // SAFETY: reads a variable of this thread.
    let is_new = !is_kept() && unsafe { ffi::PyGILState_GetThisThreadState() }.is_null();
    Python::attach(|py| {
        if is_new {
            keep();
        }
        ended::watch();
        body(py)
    })
}

/// Runs `body` attached, unless there is no interpreter any more; the state of a thread of the engine goes with it.
pub(crate) fn try_attach<T>(body: impl for<'py> FnOnce(Python<'py>) -> T) -> Option<T> {
    Python::try_attach(|py| {
        ended::watch();
        body(py)
    })
}

/// To be called attached, in a thread that is not Python's.
fn keep() {
    IS_KEPT.set(true);
    // Before `KEPT`: what a task's functions ask for is still there when the last of their objects go, with this state.
    task::make_room();
    // A thread at its very end keeps nothing any more.
    let _ = KEPT.try_with(|kept| {
        kept.get_or_init(|| {
            // SAFETY: attached; one reference more to this thread's state.
            unsafe { ffi::PyGILState_Ensure() };
            Kept
        });
    });
}
