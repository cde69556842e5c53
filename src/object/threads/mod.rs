//! Which threads of the engine may be inside Python code, and how are they told to leave it?
//!
//! An interpreter that shuts down ends such threads in a way that Rust code does not survive. So before that, at exit,
//! `interrupt_threads` raises SystemExit in each of them; so does a job that ends early in the tasks it leaves behind.
//! An entry is removed while attached, as the last thing a thread does there: once there is none, the interpreter may go.
//!
//! What the engine itself does in Python after user code has raised, such as the text of a traceback, is sheltered: it is
//! waited for, but not interrupted, because half of it would leave open files behind.
//!
//! Around it: entering the interpreter (`attach.rs`), whose turn it is there (`turn.rs`), which task a thread runs (`task.rs`)
//! and prints for (`printed.rs`), children that are forked there (`child.rs`), and threads that the interpreter ends
//! (`ended.rs`).

pub(crate) mod attach;
pub(crate) mod child;
mod ended;
mod printed;
pub(crate) mod task;
pub(crate) mod turn;

use std::ffi::{c_long, c_ulong};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::process::Renewed;
use attach::attach;

/// (thread, stage of the task it runs, if any)
type Entry = (c_ulong, Option<u64>);

#[derive(Default)]
struct Threads {
    inside: Vec<Entry>,
    sheltered: Vec<c_ulong>,
    /// Threads that were interrupted since they last looked.
    interrupted: Vec<c_ulong>,
    /// The process ends.
    closing: bool,
}

static THREADS: Renewed<Mutex<Threads>> = Renewed::new(Mutex::default);

fn with_threads<T>(look: impl FnOnce(&mut Threads) -> T) -> T {
    look(&mut THREADS.get().lock().unwrap_or_else(PoisonError::into_inner))
}

fn remove_last<T: PartialEq>(all: &mut Vec<T>, one: &T) {
    if let Some(at) = all.iter().rposition(|entry| entry == one) {
        all.swap_remove(at);
    }
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
        with_threads(|all| all.inside.push(entry));
        Self(entry)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let ident = self.0.0;
        let outermost = with_threads(|all| {
            let outermost = all.inside.iter().filter(|(thread, _)| *thread == ident).count() == 1;
            if outermost {
                all.sheltered.push(ident);
            }
            outermost
        });
        if outermost {
            take_back_interruption(ident);
        }
        with_threads(|all| {
            remove_last(&mut all.inside, &self.0);
            if outermost {
                remove_last(&mut all.sheltered, &ident);
            }
        });
    }
}

/// An interruption that has not arrived yet is for what this thread did until now, and must not meet what it does next: it
/// is let arrive here, where it does no harm. (Up to CPython 3.12, to set no exception in its place would leave the
/// interpreter looking for it for ever.) The current thread must be `ident`, attached, listed, and sheltered.
fn take_back_interruption(ident: c_ulong) {
    static NOTHING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let was = with_threads(|all| {
        let before = all.interrupted.len();
        all.interrupted.retain(|thread| *thread != ident);
        all.interrupted.len() < before
    });
    if !was {
        return;
    }
    attach(|py| {
        // With globals of its own: those of the program would live as long as this.
        let made = || Ok(py.eval(c"lambda: None", Some(&PyDict::new(py)), None)?.unbind());
        let nothing = NOTHING.get_or_try_init(py, made);
        match nothing.and_then(|nothing| nothing.call0(py)) {
            Err(raised) if raised.is_instance_of::<PyKeyboardInterrupt>(py) => {
                // Came at the same time, and is not to be lost.
                // SAFETY: only sets a flag.
                unsafe { ffi::PyErr_SetInterrupt() }
            }
            Err(raised) if !raised.is_instance_of::<PySystemExit>(py) => raised.write_unraisable(py, None),
            _ => {}
        }
    });
}

/// Runs `body`, which enters the interpreter, unless the process ends; the end waits for it, and does not interrupt it.
fn unless_closing(body: impl FnOnce()) {
    let entry = (current(), None);
    let may = with_threads(|all| {
        if !all.closing {
            all.inside.push(entry);
            all.sheltered.push(entry.0);
        }
        !all.closing
    });
    if may {
        body();
        with_threads(|all| {
            remove_last(&mut all.inside, &entry);
            remove_last(&mut all.sheltered, &entry.0);
        });
    }
}

/// The current thread is not interrupted until dropped. Not the place for code of the program, which may not end.
pub(crate) struct Shelter(c_ulong);

impl Shelter {
    /// Takes back an interruption that has not arrived yet; it will be repeated if it still matters.
    pub(crate) fn enter(_py: Python<'_>) -> Self {
        let ident = current();
        with_threads(|all| all.sheltered.push(ident));
        take_back_interruption(ident);
        Self(ident)
    }
}

impl Drop for Shelter {
    fn drop(&mut self) {
        with_threads(|all| remove_last(&mut all.sheltered, &self.0));
    }
}

/// Raises SystemExit, which user code seldom catches, in the chosen threads. Tells how many there are, sheltered ones
/// included.
fn interrupt(py: Python<'_>, chosen: impl Fn(&Entry) -> bool) -> usize {
    let class = py.get_type::<PySystemExit>();
    // Under the lock: a thread that is still listed has not left its Python code.
    with_threads(|all| {
        let (mut found, mut interrupted) = (0, Vec::new());
        for (ident, _) in all.inside.iter().filter(|entry| chosen(entry)) {
            if !all.sheltered.contains(ident) {
                // SAFETY: attached, and the class outlives the call, which takes its own reference.
                unsafe { ffi::PyThreadState_SetAsyncExc(*ident as c_long, class.as_ptr()) };
                interrupted.push(*ident);
            }
            found += 1;
        }
        all.interrupted.append(&mut interrupted);
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

/// Bytes of stack that threads of the engine get: Python's threads that run functions of the program should have as much.
#[pyfunction]
pub(crate) fn stack_size() -> usize {
    crate::stack::size()
}

/// How many calls of Python and C in turn a thread of the engine has room for.
#[pyfunction]
pub(crate) fn stack_calls() -> usize {
    crate::stack::calls()
}

/// Python code that asks for the current thread, as `logging` does, gets an object for it even in one of the engine's, and
/// up to CPython 3.12 that is listed for ever. To be called attached, at the end of a thread that Python did not make.
pub(crate) fn forget_dummy(py: Python<'_>) {
    // Only where `threading` has been imported.
    let forget = || {
        let Some(threading) = py.import("sys")?.getattr("modules")?.cast::<PyDict>()?.get_item("threading")? else {
            return Ok(());
        };
        let (listed, ident) = (threading.getattr("_active")?, current());
        let Some(thread) = listed.cast::<PyDict>()?.get_item(ident)? else { return Ok(()) };
        if thread.is_instance(&threading.getattr("_DummyThread")?)? {
            listed.cast::<PyDict>()?.del_item(ident)?;
        }
        Ok::<(), PyErr>(())
    };
    if let Err(raised) = forget() {
        raised.write_unraisable(py, None);
    }
}

/// Raises SystemExit in the engine's threads that are inside Python code, the caller's own excepted. Tells how many. To be
/// called when the process ends.
#[pyfunction]
pub(crate) fn interrupt_threads(py: Python<'_>) -> usize {
    let own = current();
    ended::process_ends();
    with_threads(|all| all.closing = true);
    interrupt(py, |(ident, _)| *ident != own)
}
