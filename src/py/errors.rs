//! Which exception does an engine error become?
//!
//! What Spark reports through the JVM is a `Py4JJavaError` here too: dstreams.core.engine.errors builds it, with the user's
//! traceback in its text and the user's exception as `__cause__`.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::error::{EngineError, TaskId};
use crate::object::call::raised_in;
use crate::object::called;
use crate::object::threads::Shelter;

/// The exception for an error of the engine.
pub(crate) fn to_python(py: Python<'_>, error: &EngineError) -> PyErr {
    match error {
        EngineError::Invalid { .. } => PyValueError::new_err(error.to_string()),
        EngineError::Bug(_) => PyRuntimeError::new_err(error.to_string()),
        // Raised by the driver's own code while it waited for the job (Ctrl-C, a listener).
        EngineError::UserCode { .. } => {
            raised_in(py, error).unwrap_or_else(|| PyRuntimeError::new_err(error.to_string()))
        }
        EngineError::Unpaired { .. } => PyValueError::new_err(error.to_string()),
        EngineError::TaskFailed { source, .. } if matches!(**source, EngineError::Unpaired { in_task: false, .. }) => {
            to_python(py, source)
        }
        EngineError::TaskFailed { source, .. } if matches!(**source, EngineError::WorkerLost { .. }) => {
            java_error_with(py, error, format!("{error}, most recent failure: {source}"))
        }
        EngineError::TaskFailed { at, tries, source } => task_failed(py, *at, *tries, source),
        EngineError::Refused { .. }
        | EngineError::WorkerLost { .. }
        | EngineError::MissingInput { .. }
        | EngineError::External { .. }
        | EngineError::Replaced { .. }
        | EngineError::Cancelled { .. } => java_error(py, error),
    }
}

/// A JVM class name for the kinds of failure that Spark names.
fn java_class(error: &EngineError) -> &'static str {
    match error {
        EngineError::MissingInput { .. } => "org.apache.hadoop.mapred.InvalidInputException",
        EngineError::External { .. } => "java.io.IOException",
        EngineError::Refused { class, .. } => class,
        _ => "org.apache.spark.SparkException",
    }
}

fn java_error(py: Python<'_>, error: &EngineError) -> PyErr {
    java_error_with(py, error, error.to_string())
}

fn java_error_with(py: Python<'_>, error: &EngineError, text: String) -> PyErr {
    let built = called::JAVA_ERROR.get(py).and_then(|build| build.call1((java_class(error), text)));
    built.map_or_else(|failed| failed, PyErr::from_value)
}

fn task_failed(py: Python<'_>, at: TaskId, tries: u32, source: &EngineError) -> PyErr {
    let cause = raised_in(py, source);
    if cause.is_none() {
        return unreadable_in_task(py, (at, tries), source).unwrap_or_else(|| java_error(py, source));
    }
    let _shelter = Shelter::enter(py);
    let built = called::TASK_ERROR.get(py).and_then(|build| {
        let cause = cause.map(|raised| raised.into_value(py));
        build.call1((at.partition, at.stage, at.number, tries, cause))
    });
    built.map_or_else(|failed| failed, PyErr::from_value)
}

/// The error of a job one of whose tasks could not read or write a file.
fn unreadable_in_task(py: Python<'_>, (at, tries): (TaskId, u32), source: &EngineError) -> Option<PyErr> {
    let what = match source {
        EngineError::MissingInput { path } => format!("java.io.FileNotFoundException: File {path} does not exist"),
        EngineError::External { .. } => format!("java.io.IOException: {source}"),
        _ => return None,
    };
    let TaskId { stage, partition, number, .. } = at;
    let last = tries.saturating_sub(1);
    let failed = EngineError::Refused {
        class: "org.apache.spark.SparkException",
        problem: format!(
            "Job aborted due to stage failure: Task {partition} in stage {stage}.0 failed {tries} times, most recent \
             failure: Lost task {partition}.{last} in stage {stage}.0 (TID {number}): {what}"
        ),
    };
    Some(java_error(py, &failed))
}

/// The text of an error as a program's log shows it.
pub(crate) fn text_of(py: Python<'_>, error: &EngineError) -> String {
    let Some(raised) = raised_in(py, error) else { return error.to_string() };
    let _shelter = Shelter::enter(py);
    called::USER_TRACEBACK
        .get(py)
        .and_then(|text| text.call1((raised.into_value(py),))?.extract())
        .unwrap_or_else(|_| error.to_string())
}

/// What `awaitTermination` raises for an error in a function of the program.
pub(crate) fn stream_failed(py: Python<'_>, error: &EngineError) -> PyErr {
    let Some(raised) = raised_in(py, error) else { return to_python(py, error) };
    let _shelter = Shelter::enter(py);
    let built =
        called::CALLBACK_ERROR.get(py).and_then(|build| build.call1(("a streaming batch", raised.into_value(py))));
    built.map_or_else(|failed| failed, PyErr::from_value)
}
