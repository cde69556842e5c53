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

use crate::process::Renewed;

/// How long the task in turn may go without progress before the next one starts.
const PATIENCE: Duration = Duration::from_millis(20);

thread_local! {
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

static QUEUE: Renewed<Queue> = Renewed::new(Queue::default);
static PROGRESS: AtomicU64 = AtomicU64::new(0);
/// Whether threads run Python code side by side: then nobody waits.
static PARALLEL: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
struct Queue {
    taken: Mutex<bool>,
    free: Condvar,
}

/// Finds out whether this interpreter has a global lock. Called once, when the module is made.
pub(crate) fn look_at_interpreter(py: Python<'_>) -> PyResult<()> {
    let sys = py.import("sys")?;
    if sys.hasattr("_is_gil_enabled")? {
        let locked: bool = sys.call_method0("_is_gil_enabled")?.extract()?;
        PARALLEL.store(!locked, Ordering::Relaxed);
    }
    Ok(())
}

/// Whether threads run Python code side by side here.
pub(crate) fn is_parallel() -> bool {
    PARALLEL.load(Ordering::Relaxed)
}

/// Some elements have been processed since the last call.
#[inline]
pub(crate) fn progressed() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

/// A turn, held until dropped; or the right to run without one.
pub(crate) struct Turn {
    /// Whether the turn, if this thread has it, ends with this value: not that of a chain within another one.
    outermost: bool,
}

impl Turn {
    /// Waits for the turn. The thread must not be attached.
    pub(crate) fn wait() -> Self {
        // A chain that pulls from another one runs within the turn it has.
        if is_parallel() || HOLDS.get() {
            return Self { outermost: false };
        }
        queue_up();
        Self { outermost: true }
    }
}

/// Waits until this thread has the turn, or may do without.
fn queue_up() {
    let queue = QUEUE.get();
    let mut taken = queue.taken.lock().unwrap_or_else(PoisonError::into_inner);
    while *taken {
        let before = PROGRESS.load(Ordering::Relaxed);
        let (again, waited) = queue.free.wait_timeout(taken, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        taken = again;
        if waited.timed_out() && *taken && PROGRESS.load(Ordering::Relaxed) == before {
            return;
        }
    }
    *taken = true;
    HOLDS.set(true);
}

/// Gives up the turn, if this thread has it.
fn give_up() -> bool {
    let held = HOLDS.replace(false);
    if held {
        let queue = QUEUE.get();
        *queue.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        queue.free.notify_one();
    }
    held
}

/// Waits for another process, or works without Python, and has no turn meanwhile; the next one may go ahead. The thread must
/// not be attached.
pub(crate) fn aside<T>(wait: impl FnOnce() -> T) -> T {
    let held = give_up();
    let result = wait();
    if held {
        queue_up();
    }
    result
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.outermost {
            give_up();
        }
    }
}
