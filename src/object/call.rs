//! How does a Python exception travel through the engine, and back?
//!
//! An exception is the `cause` of `EngineError::UserCode`, whole, until `py/errors.rs` hands it to the caller.

use std::fmt;

use pyo3::exceptions::{PyBaseException, PyOSError, PyRuntimeError, PyStopIteration, PyValueError};
use pyo3::prelude::*;

use crate::error::EngineError;
use crate::object::attach::attach;

/// A Python exception as the engine carries it.
#[derive(Debug)]
pub(crate) struct Raised(pub PyErr);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Raised {}

pyo3::create_exception!(
    dstreams._native,
    WorkerLost,
    PyRuntimeError,
    "The process that ran a task has ended. On its way through Python code; programs see a Py4JJavaError."
);

pyo3::create_exception!(
    dstreams._native,
    Refused,
    PyRuntimeError,
    "Spark's JVM side fails here. On its way through Python code; programs see a Py4JJavaError."
);

/// The class of Java's exception, as `Refused` has it with it.
#[pyclass(frozen)]
struct JavaClass(&'static str);

/// An exception of user code as an engine error.
pub(crate) fn user_error(raised: PyErr) -> EngineError {
    attach(|py| passed(raised.value(py))).unwrap_or_else(|| EngineError::UserCode { cause: Box::new(Raised(raised)) })
}

/// The engine's own error that has come through Python code.
fn passed(raised: &Bound<'_, PyBaseException>) -> Option<EngineError> {
    let args = || raised.getattr("args").ok();
    if raised.is_instance_of::<WorkerLost>() {
        let (problem, tries) = args()?.extract().ok()?;
        return Some(EngineError::WorkerLost { problem, tries });
    }
    if raised.is_instance_of::<Refused>() {
        let (problem, class) = args()?.extract::<(String, PyRef<'_, JavaClass>)>().ok()?;
        return Some(EngineError::Refused { class: class.0, problem });
    }
    None
}

/// An engine error that has to pass through Python code; `user_error` knows it again.
pub(crate) fn engine_error(py: Python<'_>, error: &EngineError) -> PyErr {
    if let EngineError::WorkerLost { problem, tries } = error {
        return WorkerLost::new_err((problem.clone(), *tries));
    }
    if let EngineError::Refused { class, problem } = error {
        return Py::new(py, JavaClass(class))
            .map_or_else(|failed| failed, |class| Refused::new_err((problem.clone(), class)));
    }
    raised_in(py, error).unwrap_or_else(|| match error {
        EngineError::External { .. } => PyOSError::new_err(error.to_string()),
        other => PyRuntimeError::new_err(other.to_string()),
    })
}

/// The exception inside an engine error, if there is one.
pub(crate) fn raised_in(py: Python<'_>, error: &EngineError) -> Option<PyErr> {
    match error {
        EngineError::UserCode { cause } => cause.downcast_ref::<Raised>().map(|raised| raised.0.clone_ref(py)),
        EngineError::TaskFailed { source, .. } => raised_in(py, source),
        EngineError::Unpaired { .. } => Some(PyValueError::new_err(error.to_string())),
        _ => None,
    }
}

/// A `StopIteration` that leaves a user's function would silently end the loop it runs in: make it an error.
pub(crate) fn no_stop_iteration(py: Python<'_>, raised: PyErr) -> PyErr {
    if !raised.is_instance_of::<PyStopIteration>(py) {
        return raised;
    }
    let failure = PyRuntimeError::new_err(format!(
        "Caught StopIteration thrown from user's code; failing the task: {}",
        raised.value(py)
    ));
    failure.set_cause(py, Some(raised));
    failure
}

/// Calls a user's function with one argument.
#[inline]
pub(crate) fn call1<'py>(f: &Bound<'py, PyAny>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    f.call1((item,)).map_err(|raised| no_stop_iteration(f.py(), raised))
}

/// Calls a user's function with two arguments.
#[inline]
pub(crate) fn call2<'py>(
    f: &Bound<'py, PyAny>,
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    f.call1((left, right)).map_err(|raised| no_stop_iteration(f.py(), raised))
}
