//! What can library functions of a task use when they gather more than memory holds? (A sort does.)

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyIterator, PyList};

use super::call::engine_error;
use super::elements::Elements;
use super::objects::{self, Prefer};
use super::pipeline::{Segment, Source};
use super::task;
use super::weigh::{self, Scale};
use crate::error::Result;
use crate::memory::{Gather, Level, Parcel};
use crate::rdd::Task;

/// Bytes of the objects of one block: as much as a reader has in memory at a time.
const BLOCK: usize = 128 << 10;

/// An iterable in pieces that memory has room for.
#[pyclass(module = "dstreams._native", frozen)]
pub(crate) struct Chunks {
    rest: Py<PyIterator>,
    scale: Mutex<Scale>,
}

#[pymethods]
impl Chunks {
    #[new]
    fn new(elements: &Bound<'_, PyAny>) -> PyResult<Self> {
        let scale = Mutex::new(Scale::new(&task::current()));
        Ok(Self { rest: elements.try_iter()?.unbind(), scale })
    }

    /// The next elements, and whether there may be more. The ones before are taken to be gone.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, bool)> {
        let mut scale = self.scale.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        scale.clear();
        let found = PyList::empty(py);
        for element in self.rest.bind(py) {
            let element = element?;
            let bytes = scale.due().map(|times| times * (16 + weigh::one(&element, 1)));
            found.append(element)?;
            if let Some(bytes) = bytes
                && !scale.add(py, bytes)?
            {
                return Ok((found, true));
            }
        }
        Ok((found, false))
    }
}

/// Writes a list to a file, and gives its elements as they are asked for.
#[pyfunction]
pub(crate) fn spool(py: Python<'_>, list: &Bound<'_, PyList>) -> PyResult<Elements> {
    let task = task::current();
    let items: Vec<Py<PyAny>> = list.iter().map(Bound::unbind).collect();
    let rows = weigh::rows(py, &items, BLOCK).min(4096);
    let mut gathered = Gather::new(task.memory(), Level::Disk, 1);
    let mut items = items.into_iter();
    loop {
        let block: Vec<Py<PyAny>> = items.by_ref().take(rows).collect();
        if block.is_empty() {
            break;
        }
        let block = objects::seal_items(py, block, Prefer::Columns)?;
        py.detach(|| gathered.push(0, block)).map_err(|error| engine_error(py, &error))?;
    }
    let parcels = py.detach(|| gathered.close()).map_err(|error| engine_error(py, &error))?;
    Ok(elements_of(parcels, &task))
}

fn elements_of(parcels: Vec<Arc<Parcel>>, task: &Task) -> Elements {
    let blocks = parcels.into_iter().flat_map(|parcel| parcel.section(0).into_iter().flatten());
    let blocks: Box<dyn Iterator<Item = Result<_>> + Send> = Box::new(blocks);
    Elements::new(Segment::new(Source::blocks(blocks), task.cancel.clone()))
}
