//! How does a worker process run what its driver sends? Used by `dstreams.core.workers.worker`; the other end is `remote.rs`.

use std::collections::BTreeMap;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::claimed_from;
use crate::block::Block;
use crate::error::{Result, TaskId};
use crate::exec::workers::{Kind, Link};
use crate::memory::Memory;
use crate::object::attach::attach;
use crate::object::call::{raised_in, user_error};
use crate::object::task::Updates;
use crate::object::{Chain, Frozen, frames, objects, parse_forms, parse_steps};
use crate::process::Own;
use crate::rdd::{Blocks, CancelToken, Task};

/// The worker's end of its socket. The process ends when the driver's end is closed.
#[pyclass(name = "WorkerLink", module = "dstreams._native", frozen)]
pub(crate) struct PyLink(Own<Link>);

#[pymethods]
impl PyLink {
    /// Takes the socket over.
    #[new]
    fn new(descriptor: i32) -> PyResult<Self> {
        // SAFETY: the caller gives away a descriptor that it made for this.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self(Own::new(Link::new(UnixStream::from(socket))?)))
    }

    fn send(&self, py: Python<'_>, kind: &str, data: &[u8]) -> PyResult<()> {
        let kind = Kind::named(kind).ok_or_else(|| PyValueError::new_err(format!("kind: there is no {kind:?}")))?;
        Ok(py.detach(|| self.0.send(kind, data))?)
    }

    fn receive<'py>(&self, py: Python<'py>) -> PyResult<(&'static str, Bound<'py, PyBytes>)> {
        let frame = py.detach(|| self.0.receive())?;
        Ok((frame.kind.name(), PyBytes::new(py, &frame.data)))
    }

    fn ask<'py>(&self, py: Python<'py>, question: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let answer = py.detach(|| self.0.ask(question))?;
        Ok(PyBytes::new(py, &answer))
    }
}

/// The input that the driver gives when asked.
struct Pulled(Py<PyAny>);

impl Iterator for Pulled {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        attach(|py| {
            let list = self.0.bind(py).call0()?;
            if list.is_none() {
                return Ok(None);
            }
            Ok(Some(objects::fresh(list.cast::<PyList>()?.iter().map(Bound::unbind).collect())))
        })
        .map_err(user_error)
        .transpose()
    }
}

/// What the tasks of a worker may hold, and where the rest goes.
#[pyclass(name = "WorkerMemory", module = "dstreams._native", frozen)]
pub(crate) struct WorkerMemory(Arc<Memory>);

#[pymethods]
impl WorkerMemory {
    /// `limit` bytes, at most `most` of them for one gathering; `folders()` gives the paths of folders.
    #[new]
    fn new(limit: usize, most: usize, folders: Py<PyAny>) -> Self {
        Self(Memory::new(limit, most, claimed_from(folders)))
    }
}

/// A chain that runs as a task of the driver's. Iterable once: what goes to the driver of its blocks.
#[pyclass(name = "TaskRun", module = "dstreams._native", frozen)]
pub(crate) struct TaskRun {
    task: Arc<Task>,
    blocks: Mutex<Option<Blocks>>,
}

#[pymethods]
impl TaskRun {
    /// `functions` as bytes that `closure.load_functions` reads, and their native forms, if any; `index`: the RDD's
    /// partition; `numbers`: stage, partition, attempt, task number; `taker`: who takes its elements, if they are no
    /// results; `pull()` gives a list, or None at the end of the input.
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        steps: Vec<(String, usize)>,
        functions: (Bound<'_, PyBytes>, Option<Bound<'_, PyAny>>),
        index: usize,
        numbers: (u64, usize, u32, u64),
        properties: BTreeMap<String, String>,
        memory: &WorkerMemory,
        taker: Option<(String, usize)>,
        pull: Py<PyAny>,
    ) -> PyResult<Self> {
        let (stage, partition, attempt, number) = numbers;
        let id = TaskId { stage, partition, attempt, number };
        let task = Task::within(&memory.0, id, CancelToken::default(), Arc::new(properties));
        let (functions, forms) = functions;
        let forms = forms.as_ref().map(parse_forms).transpose()?;
        let chain = Arc::new(Chain::new(parse_steps(&steps)?, Frozen::new(&functions)?, forms, None));
        let unknown = |name: &str| PyValueError::new_err(format!("taker: there is no {name:?}"));
        let taker =
            taker.map(|(name, number)| frames::heard((&name, number)).ok_or_else(|| unknown(&name))).transpose()?;
        let blocks = chain.run_framed(taker, &task, index, Box::new(Pulled(pull)));
        Ok(Self { task, blocks: Mutex::new(Some(blocks)) })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let pulled = py.detach(|| {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            blocks.as_mut().and_then(Iterator::next)
        });
        match pulled.transpose() {
            Ok(Some(block)) => frames::dumped(py, &block).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(raised_in(py, &error).unwrap_or_else(|| bug(error))),
        }
    }

    /// Ends the chain; what its functions added to accumulators.
    fn end(&self, py: Python<'_>) -> Option<Py<PyDict>> {
        let blocks = py.detach(|| self.blocks.lock().unwrap_or_else(PoisonError::into_inner).take());
        drop(blocks);
        Some(self.task.collect()?.downcast::<Updates>().ok()?.0)
    }
}

fn bug(error: crate::error::EngineError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}
