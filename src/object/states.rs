//! `_native.States`: the tables of one stream of states or windows, as its lineage is made.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::as_columns;
use super::program::Program;
use crate::py::PyRdd;
use crate::rdd::{Op, Rdd};
use crate::step::{Rule, Tables};

/// `_native.States`: the tables of one stream of states or windows.
#[pyclass(name = "States", module = "dstreams._native", frozen)]
pub(crate) struct States {
    tables: Tables,
}

#[pymethods]
impl States {
    #[new]
    fn new() -> Self {
        Self { tables: Tables::default() }
    }

    /// How many partitions have a table.
    fn __len__(&self) -> usize {
        self.tables.len()
    }

    /// Tables are a matter of speed: a copy begins without any.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, Bound<'py, PyTuple>) {
        (slf.get_type().into_any(), PyTuple::empty(slf.py()))
    }

    /// `composed`, made natively of `older` and `newer` where programs have an answer.
    fn updated(
        &self,
        rule: &str,
        programs: Vec<Option<PyRef<'_, Program>>>,
        older: &PyRdd,
        newer: &PyRdd,
        composed: &PyRdd,
    ) -> PyResult<PyRdd> {
        let program = |at: usize| programs.get(at).and_then(Option::as_ref).map(|program| program.inner.clone());
        let rule = match (rule, program(0)) {
            ("update", Some(update)) => Rule::Update(update),
            ("subtract", Some(inverse)) => Rule::Subtract(inverse),
            ("add", Some(add)) => Rule::Add(add, program(1)),
            _ => {
                return Err(PyValueError::new_err(format!("rule: there is no native rule {rule:?} of these programs")));
            }
        };
        let update = self.tables.update(rule, as_columns);
        let (older, newer, composed) = (Arc::clone(&older.0), Arc::clone(&newer.0), Arc::clone(&composed.0));
        Ok(PyRdd(Rdd::new(Op::Updated { older, newer, update, composed })))
    }
}
