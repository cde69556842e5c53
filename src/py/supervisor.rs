//! How does the watch over signals (`watch/`) get to know the interpreter?
//!
//! `core/engine/signals.py` chooses the signals, in the main thread; here are the functions it needs, and the doors that other
//! threads use: whatever enters the engine puts the hook back that a new handler of the program has replaced.

use std::ffi::{c_int, c_void};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::object::attach::{attach, try_attach};
use crate::object::called;
use crate::{stack, watch};

/// Begins to watch signals. `probe` must be handled by `answer_probe`; `tracer` is 0, or shows all stacks. To be called in the
/// main thread.
#[pyfunction]
pub(crate) fn watch_signals(py: Python<'_>, probe: c_int, tracer: c_int, notebook: bool) -> bool {
    let begun = py.detach(|| watch::begin(probe, tracer, notebook, warn));
    watch::hook();
    begun
}

/// The handler of the probe: that it runs is the answer.
#[pyfunction]
#[pyo3(signature = (number, frame=None))]
pub(crate) fn answer_probe(number: c_int, frame: Option<&Bound<'_, PyAny>>) {
    let _ = (number, frame);
    watch::answer();
}

/// The process ends: if a signal asked for that, whatever holds it up from now on is not waited for.
#[pyfunction]
pub(crate) fn process_ends() {
    watch::ending();
}

/// Calls `dstreams.core.engine.signals.watch` in the main thread, once that runs Python code.
#[pyfunction]
pub(crate) fn in_main_thread() -> PyResult<()> {
    // SAFETY: a function that lives as long as the process, and needs no argument.
    match unsafe { ffi::Py_AddPendingCall(Some(begin), std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(PyRuntimeError::new_err("the main thread has too much to do: signals are not watched")),
    }
}

extern "C" fn begin(_: *mut c_void) -> c_int {
    Python::attach(|py| {
        let begun = called::WATCH.get(py).and_then(|watch| watch.call0());
        begun.map_or_else(|raised| raised.write_unraisable(py, None), drop);
    });
    0
}

/// A warning to the program's log, from a thread that must not wait for the interpreter.
fn warn(text: String) {
    let work = move || {
        try_attach(|py| {
            let logging = py.import("logging").and_then(|logging| logging.call_method1("getLogger", ("dstreams",)));
            let told = logging.and_then(|logger| logger.call_method1("warning", ("%s", text)));
            told.map_or_else(|raised| raised.write_unraisable(py, None), drop);
        });
    };
    // Without threads there is nobody to tell it.
    drop(stack::spawn("dstreams-warning", work));
}

/// Puts the hook back where the program has set a handler since.
pub(crate) fn hook_again(_py: Python<'_>) {
    watch::hook();
}

/// Runs the handlers of signals that have come, in the main thread; raises what they raise.
pub(crate) fn check_signals() -> PyResult<()> {
    attach(|py| {
        watch::hook();
        py.check_signals()
    })
}
