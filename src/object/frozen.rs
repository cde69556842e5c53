//! How do a task's functions stay what they were when the job was submitted?
//!
//! Made by `dstreams.core.closures.closure.freeze`: either the functions themselves, when nothing they can reach may change,
//! or one pickle of all functions of a chain. A pickle is loaded once per task, so functions that shared an object
//! still share its copy within the task, and no two tasks do.

use crate::object::called;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// The functions of a chain.
pub(crate) enum Frozen {
    Shared(Py<PyList>),
    Pickled(Py<PyBytes>),
}

impl Frozen {
    /// From what `freeze` returned: a list or bytes.
    pub(crate) fn new(frozen: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = frozen.cast::<PyBytes>() {
            return Ok(Self::Pickled(bytes.clone().unbind()));
        }
        Ok(Self::Shared(frozen.cast::<PyList>()?.clone().unbind()))
    }

    /// The functions for one task.
    pub(crate) fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match self {
            Self::Shared(functions) => Ok(functions.bind(py).clone()),
            Self::Pickled(data) => {
                let load = called::LOAD_FUNCTIONS.get(py)?;
                Ok(load.call1((data,))?.cast_into::<PyList>()?)
            }
        }
    }
}
