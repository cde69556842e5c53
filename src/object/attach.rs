//! How does a thread of the engine enter the interpreter?
//!
//! Through `attach`. The interpreter's state of such a thread is made the first time and stays until the thread ends: what
//! functions keep per thread (`threading.local`, the context of `decimal`) is there as long as in a thread of Python's own,
//! and nothing is made anew from block to block.

use std::cell::OnceCell;

use pyo3::ffi;
use pyo3::prelude::*;

use super::threads;

/// A reference to the state of this thread.
struct Kept;

thread_local! {
    static KEPT: OnceCell<Kept> = const { OnceCell::new() };
}

impl Drop for Kept {
    fn drop(&mut self) {
        threads::unless_closing(|| {
            // SAFETY: gives back what `attach` took; attached, and whoever attached here lets go last.
            Python::try_attach(|_| unsafe { ffi::PyGILState_Release(ffi::PyGILState_STATE::PyGILState_LOCKED) });
        });
    }
}

/// Whether this thread's state stays when it leaves the interpreter. False in threads that Python made.
pub(crate) fn is_kept() -> bool {
    KEPT.try_with(|kept| kept.get().is_some()).unwrap_or(false)
}

/// Runs `body` attached.
pub(crate) fn attach<T>(body: impl for<'py> FnOnce(Python<'py>) -> T) -> T {
    // SAFETY: reads a variable of this thread.
    let is_new = !is_kept() && unsafe { ffi::PyGILState_GetThisThreadState() }.is_null();
    Python::attach(|py| {
        if is_new {
            keep();
        }
        body(py)
    })
}

/// To be called attached, in a thread that is not Python's.
fn keep() {
    // A thread at its very end keeps nothing any more.
    let _ = KEPT.try_with(|kept| {
        kept.get_or_init(|| {
            // SAFETY: attached; one reference more to this thread's state.
            unsafe { ffi::PyGILState_Ensure() };
            Kept
        });
    });
}
