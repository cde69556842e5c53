//! Python values <-> columns, exactly: which values become columns, and how do they come back?
//!
//! 1. `to_columns` is all or nothing: values that are not of one kind to the last stay objects.
//! 2. What comes back is equal and of identical type, bits of floats included. Identity is not kept, as with pickle: two
//!    elements that were one list come back as two.
//! 3. `None` fits any kind.
//!
//! Filling columns: `build.rs`; reading them: `read.rs`; which classes count as tuples: `classes.rs`.

mod build;
mod read;

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

pub(crate) use self::read::Reader;
pub(crate) use super::classes::{is_immutable, is_plain};
use crate::block::{Columns, Kind};
use crate::error::EngineError;
use crate::object::child::end_raised_in_child;
use crate::object::pipeline::Segment;
use crate::process::Origin;
use build::Builder;

/// The columns that `items` fit into, if they do.
pub(crate) fn to_columns(py: Python<'_>, items: &[Py<PyAny>]) -> Option<Columns> {
    let mut builder = Builder::new(items.len());
    for item in items {
        builder.push(item.bind_borrowed(py))?;
    }
    let (kind, array) = builder.finish(items.len())?;
    Some(Columns::new(kind, array))
}

/// Why no more elements are taken in.
pub(crate) enum End {
    Enough,
    /// The one that does not fit.
    Misfit(Py<PyAny>),
    Over,
    Raised(PyErr),
}

/// Values that become columns one by one, as they are made.
pub(crate) struct Growing {
    builder: Builder,
    rows: usize,
}

impl Growing {
    /// Of about `capacity` values, to which nobody else may refer unless they are immutable.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { builder: Builder::owned(capacity), rows: 0 }
    }

    /// The same without lists.
    pub(crate) fn without_lists(capacity: usize) -> Self {
        Self { builder: Builder::without_lists(capacity), rows: 0 }
    }

    /// Adds a value; false if it does not fit. That was the last one then.
    #[inline]
    fn push(&mut self, item: &Bound<'_, PyAny>) -> bool {
        let fits = self.builder.push(item.as_borrowed()).is_some();
        self.rows += usize::from(fits);
        fits
    }

    /// Whether there is no value yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes elements in as they are pulled from `segment`, until there are `most`.
    pub(crate) fn fill(&mut self, py: Python<'_>, segment: &mut Segment, most: usize) -> End {
        let origin = Origin::here();
        // A child that was forked meanwhile asks for no more.
        while self.rows < most && origin.is_here() {
            match segment.next(py) {
                Ok(Some(item)) if self.push(&item) => {}
                Ok(Some(item)) => return End::Misfit(item.unbind()),
                Ok(None) => return End::Over,
                Err(raised) => {
                    end_raised_in_child(origin, &raised, py);
                    return End::Raised(raised);
                }
            }
        }
        End::Enough
    }

    /// The columns of all values that fitted.
    pub(crate) fn finish(self) -> PyResult<Columns> {
        let made = self.builder.finish(self.rows);
        let (kind, array) = made.ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: columns that do not fit"))?;
        Ok(Columns::new(kind, array))
    }
}

/// The columns that the elements of `list` fit into, if they do.
pub(crate) fn list_to_columns(list: &Bound<'_, PyList>) -> Option<Columns> {
    let mut builder = Builder::new(list.len());
    let mut rows = 0;
    for item in list {
        builder.push(item.as_borrowed())?;
        rows += 1;
    }
    let (kind, array) = builder.finish(rows)?;
    Some(Columns::new(kind, array))
}

/// All elements as a new list.
pub(crate) fn to_list<'py>(py: Python<'py>, columns: &Columns) -> PyResult<Bound<'py, PyList>> {
    let reader = Reader::new(columns).map_err(bug)?;
    Ok(read::list(py, &reader)?.cast_into::<PyList>()?)
}

/// Appends all elements to `out`; after an exception, those before the failing one.
pub(crate) fn append_to(py: Python<'_>, columns: &Columns, out: &mut Vec<Py<PyAny>>) -> PyResult<()> {
    let reader = Reader::new(columns).map_err(bug)?;
    out.reserve(reader.len());
    let _pause = read::NoCollection::begin(py);
    let mut recent = read::Recent::of(reader.len());
    for index in 0..reader.len() {
        out.push(reader.get(py, index, &mut recent)?.unbind());
    }
    Ok(())
}

fn bug(error: EngineError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// For tests: the elements of `list` through columns and back by one of the ways above, with the kind they had;
/// `None` if they do not fit.
#[pyfunction]
#[pyo3(signature = (list, way = "list"))]
pub(crate) fn _columns_round_trip<'py>(
    list: &Bound<'py, PyList>,
    way: &str,
) -> PyResult<Option<(String, Bound<'py, PyList>)>> {
    let py = list.py();
    let columns = match way {
        "list" => list_to_columns(list),
        // Lists as if they were the values of `groupByKey`, which are never made from objects.
        "group" => list_to_columns(list).map(|columns| match columns.kind() {
            Kind::List(item) => Columns::new(Kind::Group(item.clone()), Arc::clone(columns.array())),
            _ => columns,
        }),
        _ => to_columns(py, &list.iter().map(Bound::unbind).collect::<Vec<_>>()),
    };
    let Some(columns) = columns else {
        return Ok(None);
    };
    let back = match way {
        "list" | "group" => to_list(py, &columns)?,
        _ => {
            // In two slices, because offsets of sliced columns are where readers go wrong.
            let middle = columns.len() / 2;
            let mut items = Vec::new();
            append_to(py, &columns.slice(0, middle), &mut items)?;
            append_to(py, &columns.slice(middle, columns.len() - middle), &mut items)?;
            PyList::new(py, items)?
        }
    };
    Ok(Some((format!("{:?}", columns.kind()), back)))
}

/// For tests: `is_immutable`.
#[pyfunction]
pub(crate) fn _is_immutable(value: &Bound<'_, PyAny>) -> bool {
    is_immutable(value)
}
