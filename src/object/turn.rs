//! Who runs Python code next, when only one thread can?
//!
//! With a global interpreter lock, two busy tasks only slow each other down: every few milliseconds one thread has to wake
//! the other. So a task waits its turn as long as the task before it makes progress. One that sleeps, or waits for
//! something, makes none, and the next one goes ahead: tasks that wait still do so side by side.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

/// How long the task in turn may go without progress before the next one starts.
const PATIENCE: Duration = Duration::from_millis(20);

thread_local! {
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

static TAKEN: Mutex<bool> = Mutex::new(false);
static FREE: Condvar = Condvar::new();
static PROGRESS: AtomicU64 = AtomicU64::new(0);
/// Whether threads run Python code side by side: then nobody waits.
static PARALLEL: AtomicBool = AtomicBool::new(false);

/// Finds out whether this interpreter has a global lock. Called once, when the module is made.
pub(crate) fn look_at_interpreter(py: Python<'_>) -> PyResult<()> {
    let sys = py.import("sys")?;
    if sys.hasattr("_is_gil_enabled")? {
        let locked: bool = sys.call_method0("_is_gil_enabled")?.extract()?;
        PARALLEL.store(!locked, Ordering::Relaxed);
    }
    Ok(())
}

/// Some elements have been processed since the last call.
#[inline]
pub(crate) fn progressed() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

/// A turn, held until dropped; or the right to run without one.
pub(crate) struct Turn {
    held: bool,
}

impl Turn {
    /// Waits for the turn. The thread must not be attached.
    pub(crate) fn wait() -> Self {
        // A chain that pulls from another one runs within the turn it has.
        if PARALLEL.load(Ordering::Relaxed) || HOLDS.get() {
            return Self { held: false };
        }
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            let before = PROGRESS.load(Ordering::Relaxed);
            let (again, waited) = FREE.wait_timeout(taken, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            taken = again;
            if waited.timed_out() && *taken && PROGRESS.load(Ordering::Relaxed) == before {
                return Self { held: false };
            }
        }
        *taken = true;
        HOLDS.set(true);
        Self { held: true }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.held {
            HOLDS.set(false);
            *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = false;
            FREE.notify_one();
        }
    }
}
