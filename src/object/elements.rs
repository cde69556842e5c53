//! What does a function of a whole partition get to iterate over?

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;

use super::pipeline::Segment;
use crate::stack;

/// The elements of a partition, computed as they are asked for. Iterable once.
#[pyclass(module = "dstreams._native", frozen)]
pub(crate) struct Elements {
    segment: Mutex<Segment>,
}

impl Elements {
    pub(crate) fn new(segment: Segment) -> Self {
        Self { segment: Mutex::new(segment) }
    }
}

#[pymethods]
impl Elements {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        // Functions of whole partitions that iterate over each other's results: a level each.
        if stack::is_low() {
            return Err(PyRecursionError::new_err("too many functions of whole partitions are chained"));
        }
        let mut segment = self.segment.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        Ok(segment.next(py)?.map(Bound::unbind))
    }
}
