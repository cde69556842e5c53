//! How are pairs gathered by key?
//!
//! A Python dict does the gathering: its equality (1 == 1.0 == True), its first-seen key and its order are the answer's.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::call::{call1, call2};
use super::pipeline::Segment;

/// `key, value = item`, with Python's own errors for what does not unpack.
pub(crate) fn unpack<'py>(item: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if let Ok(pair) = item.cast_exact::<PyTuple>()
        && pair.len() == 2
    {
        return Ok((pair.get_item(0)?, pair.get_item(1)?));
    }
    static UNPACK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = item.py();
    UNPACK.import(py, "dstreams.core.closure", "unpack_pair")?.call1((item,))?.extract()
}

fn pairs(found: &Bound<'_, PyDict>) -> PyResult<Vec<Py<PyAny>>> {
    found.iter().map(|(key, value)| Ok(PyTuple::new(found.py(), [key, value])?.into_any().unbind())).collect()
}

/// create(value) for a new key, merge(combined, value) for a known one.
pub(crate) fn combine(
    input: &mut Segment,
    create: &Bound<'_, PyAny>,
    merge: &Bound<'_, PyAny>,
) -> PyResult<Vec<Py<PyAny>>> {
    let py = create.py();
    let found = PyDict::new(py);
    while let Some(item) = input.next(py)? {
        let (key, value) = unpack(&item)?;
        let combined = match found.get_item(&key)? {
            Some(before) => call2(merge, &before, &value)?,
            None => call1(create, &value)?,
        };
        found.set_item(key, combined)?;
    }
    pairs(&found)
}

/// merge(combined, combined) for keys seen before.
pub(crate) fn merge_combiners(input: &mut Segment, merge: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyAny>>> {
    let py = merge.py();
    let found = PyDict::new(py);
    while let Some(item) = input.next(py)? {
        let (key, value) = unpack(&item)?;
        let combined = match found.get_item(&key)? {
            Some(before) => call2(merge, &before, &value)?,
            None => value,
        };
        found.set_item(key, combined)?;
    }
    pairs(&found)
}

/// (key, \[values\]) in the order of appearance.
pub(crate) fn group(py: Python<'_>, input: &mut Segment) -> PyResult<Vec<Py<PyAny>>> {
    let found = PyDict::new(py);
    while let Some(item) = input.next(py)? {
        let (key, value) = unpack(&item)?;
        match found.get_item(&key)? {
            Some(values) => values.cast::<PyList>()?.append(value)?,
            None => found.set_item(key, PyList::new(py, [value])?)?,
        }
    }
    pairs(&found)
}

/// (key, ResultIterable) from (key, \[values\]) pairs of several map outputs.
pub(crate) fn merge_groups(py: Python<'_>, input: &mut Segment) -> PyResult<Vec<Py<PyAny>>> {
    static ITERABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let iterable = ITERABLE.import(py, "dstreams.core.resultiterable", "ResultIterable")?;
    let found = PyDict::new(py);
    while let Some(item) = input.next(py)? {
        let (key, values) = unpack(&item)?;
        match found.get_item(&key)? {
            Some(before) => {
                before.call_method1("extend", (values,))?;
            }
            None => found.set_item(key, values)?,
        }
    }
    found
        .iter()
        .map(|(key, values)| Ok(PyTuple::new(py, [key, iterable.call1((values,))?])?.into_any().unbind()))
        .collect()
}
