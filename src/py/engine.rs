//! `_native.Engine`: makes the first nodes of lineages and runs jobs, for one SparkContext.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::errors::to_python;
use super::files::{ReadingFields, dealt_by};
use super::gil::{DriverHooks, checked, enter_engine, on_main_thread};
use super::jobs::{self, PyJobs};
use super::rdd::PyRdd;
use super::supervisor::hook_again;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::exec::{Executor, Hooks, Job, Where};
use crate::heap::give_back;
use crate::input::{Numbers, Told, Untold, text_files, text_pieces};
use crate::memory::{Level, Memory};
use crate::object::threads::interrupt_tasks;
use crate::object::{ObjectSealer, Planned, claimed_from, load_list, seal_slice};
use crate::rdd::{CancelToken, Op, Packing, Rdd};
use crate::source::{Api, Reading, Shape};

/// The engine of one SparkContext.
#[pyclass(name = "Engine", module = "dstreams._native", frozen)]
pub(crate) struct PyEngine {
    executor: Arc<Executor>,
    /// Number of the engine in the process.
    number: u64,
    told: Told,
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

impl PyEngine {
    pub(crate) fn executor(&self) -> Arc<Executor> {
        Arc::clone(&self.executor)
    }

    /// What the context's settings say about reading files.
    pub(crate) fn told(&self) -> Told {
        Arc::clone(&self.told)
    }

    fn run(&self, py: Python<'_>, rdd: &PyRdd, partitions: Option<Vec<usize>>) -> PyResult<Vec<Vec<Block>>> {
        self.run_by(py, rdd, partitions, Executor::run)
    }

    fn run_by<T: Send>(
        &self,
        py: Python<'_>,
        rdd: &PyRdd,
        partitions: Option<Vec<usize>>,
        run: impl FnOnce(&Arc<Executor>, &Job, &dyn Hooks) -> Result<T> + Send,
    ) -> PyResult<T> {
        hook_again(py);
        let main_thread = on_main_thread(py)?;
        let hooks = DriverHooks::new(main_thread);
        let properties = jobs::of_job(py, self.number)?;
        // On the caller's thread, a function that never ends could not be left behind.
        let place = if main_thread || jobs::is_named(&properties) { Where::Pool } else { Where::Caller };
        enter_engine(py, || {
            let available = rdd.0.partitions()?;
            let partitions = partitions.unwrap_or_else(|| (0..available).collect());
            if let Some(beyond) = partitions.iter().find(|at| **at >= available) {
                let problem = format!("there is no partition {beyond}: the RDD has {available}");
                return Err(EngineError::Invalid { parameter: "partitions", problem });
            }
            let job = Job { rdd: Arc::clone(&rdd.0), partitions, cancel: CancelToken::default(), properties, place };
            run(&self.executor, &job, &hooks)
        })
    }
}

/// The word for a level: `level_of` the other way round.
pub(super) fn place_of(level: Level) -> &'static str {
    match level {
        Level::Memory => "memory",
        Level::MemoryAndDisk => "memory and disk",
        Level::Disk => "disk",
    }
}

/// All levels by their words.
pub(super) fn levels() -> impl Iterator<Item = (String, Level)> {
    [Level::Memory, Level::MemoryAndDisk, Level::Disk].into_iter().map(|level| (place_of(level).to_owned(), level))
}

/// The level that Python names.
pub(super) fn level_of(place: &str) -> PyResult<Level> {
    match place {
        "memory" => Ok(Level::Memory),
        "memory and disk" => Ok(Level::MemoryAndDisk),
        "disk" => Ok(Level::Disk),
        other => Err(PyValueError::new_err(format!("place: partitions cannot be kept in {other:?}"))),
    }
}

#[pymethods]
impl PyEngine {
    #[new]
    #[pyo3(signature = (threads, max_failures=1, memory_limit=None, task_limit=None, folders=None))]
    fn new(
        py: Python<'_>,
        threads: usize,
        max_failures: u32,
        memory_limit: Option<usize>,
        task_limit: Option<usize>,
        folders: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let memory = match (memory_limit, folders) {
            (Some(limit), Some(folders)) => Memory::new(limit, task_limit.unwrap_or(usize::MAX), claimed_from(folders)),
            _ => Memory::unbounded(),
        };
        let executor = checked(py, Executor::new(threads, max_failures, Arc::new(ObjectSealer), memory))?;
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Self { executor, number, told: Arc::new(RwLock::new(Ok(Reading::default()))) })
    }

    /// Its jobs.
    #[getter]
    fn jobs(&self) -> PyJobs {
        PyJobs { executor: self.executor(), engine: self.number }
    }

    #[getter]
    fn threads(&self) -> usize {
        self.executor.threads()
    }

    /// An RDD of lists, one per partition. What is pickled is so in batches of `batch` elements.
    #[pyo3(signature = (slices, batch=None))]
    fn held(&self, slices: Vec<Bound<'_, PyList>>, batch: Option<usize>) -> PyResult<PyRdd> {
        let slices = slices
            .iter()
            .map(|slice| if slice.is_empty() { Ok(Vec::new()) } else { seal_slice(slice, batch) })
            .collect::<PyResult<_>>()?;
        let rdd = Rdd::new(Op::Held(slices));
        if let Some(batch) = batch {
            rdd.set_packing(Packing::Each(batch.max(1)));
        }
        Ok(PyRdd(rdd))
    }

    /// An RDD of numbers: (start, step, count) per partition, all within 64 bits.
    fn numbers(&self, slices: Vec<(i64, i64, i64)>) -> PyRdd {
        let rdd = Rdd::new(Op::Read(Arc::new(Numbers { slices })));
        rdd.set_packing(Packing::Grown);
        PyRdd(rdd)
    }

    /// What the context's settings say about reading files from now on, or why they cannot be used.
    #[pyo3(signature = (reading, problem=None))]
    fn tell(&self, py: Python<'_>, reading: ReadingFields, problem: Option<(String, String)>) {
        let now = problem.map_or_else(|| Ok(reading.into()), |(class, text)| Err(Untold::new(&class, text)));
        py.detach(|| *self.told.write().unwrap_or_else(PoisonError::into_inner) = now);
    }

    /// The lines of text files, or what the context's settings have for records.
    fn text_file(&self, path: &str, min_partitions: usize) -> PyRdd {
        PyRdd(text_files(path, Api::Older(min_partitions), Shape::Text, self.told()))
    }

    /// The records of text files with their positions, or cut in two at a byte. `min_partitions`: of the older interface.
    #[pyo3(signature = (path, min_partitions, separator, reading))]
    fn text_pairs(
        &self,
        path: &str,
        min_partitions: Option<usize>,
        separator: Option<u8>,
        reading: ReadingFields,
    ) -> PyRdd {
        let shape = separator.map_or(Shape::Placed, Shape::Parted);
        let told = Arc::new(RwLock::new(Ok(reading.into())));
        PyRdd(text_files(path, min_partitions.map_or(Api::Newer, Api::Older), shape, told))
    }

    /// The records, with their positions, of the pieces (path, first byte, number of bytes) of text files that `plan()`
    /// gives as a list per partition; asked once, on first use.
    fn text_pieces(&self, plan: Bound<'_, PyAny>, newer: bool, reading: ReadingFields) -> PyRdd {
        let api = if newer { Api::Newer } else { Api::Older(0) };
        PyRdd(text_pieces(dealt_by(plan.unbind()), api, reading.into()))
    }

    /// An RDD of what `plan()` gives as a list per partition; asked once, on first use.
    fn planned(&self, plan: Bound<'_, PyAny>) -> PyRdd {
        PyRdd(Rdd::new(Op::Read(Arc::new(Planned::new(plan.unbind())))))
    }

    /// The elements of several RDDs, one after the other; partition by partition where all are partitioned alike.
    fn union(&self, py: Python<'_>, rdds: Vec<PyRef<'_, PyRdd>>) -> PyResult<PyRdd> {
        let rdds: Vec<_> = rdds.iter().map(|rdd| Arc::clone(&rdd.0)).collect();
        enter_engine(py, || Rdd::union(rdds)).map(PyRdd)
    }

    /// All elements of the given partitions (default: all), in one list.
    #[pyo3(signature = (rdd, partitions=None))]
    fn collect<'py>(
        &self,
        py: Python<'py>,
        rdd: &PyRdd,
        partitions: Option<Vec<usize>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let blocks = self.run(py, rdd, partitions)?;
        load_list(py, blocks.iter().flatten())
    }

    /// The elements of a partition; of pairs that do not fit those before them, and the exception.
    fn collect_to_misfit<'py>(
        &self,
        py: Python<'py>,
        rdd: &PyRdd,
        partition: usize,
    ) -> PyResult<(Bound<'py, PyList>, Option<PyErr>)> {
        let found = self.run_by(py, rdd, Some(vec![partition]), Executor::run_to_misfit)?;
        let (blocks, misfits): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let misfit = misfits.into_iter().flatten().next().map(|error| to_python(py, &error));
        Ok((load_list(py, blocks.iter().flatten())?, misfit))
    }

    /// Replaces the lineage of an RDD by its partitions, computed now unless they are kept.
    fn settle(&self, py: Python<'_>, rdd: &PyRdd) -> PyResult<()> {
        let hooks = DriverHooks::new(on_main_thread(py)?);
        enter_engine(py, || self.executor.settle(&rdd.0, Where::Pool, &hooks))
    }

    /// Bytes that count against the limit now.
    #[getter]
    fn memory_held(&self) -> usize {
        self.executor.memory().held()
    }

    /// What windows did: partitions of panes sent to shuffles, and sent again without being computed; panes added to
    /// sums, and partitions of windows made of sums.
    #[getter]
    fn window_counts(&self) -> (u64, u64, u64, u64) {
        let counts = self.executor.windows();
        let [sent, again, added, summed] = [&counts.sent, &counts.sent_again, &counts.added, &counts.summed]
            .map(|count| count.load(Ordering::Relaxed));
        (sent, again, added, summed)
    }

    /// Keep the partitions of an RDD once they are computed.
    fn persist(&self, rdd: &PyRdd, place: &str) -> PyResult<()> {
        rdd.0.set_persisted(Some(level_of(place)?));
        Ok(())
    }

    /// Forget the kept partitions of an RDD.
    fn unpersist(&self, py: Python<'_>, rdd: &PyRdd) {
        rdd.0.set_persisted(None);
        py.detach(|| self.executor.store().forget(rdd.0.id()));
    }

    /// Partitions of an RDD that are kept now, and their bytes in memory and in files.
    fn kept(&self, py: Python<'_>, rdd: &PyRdd) -> (usize, usize, usize) {
        py.detach(|| self.executor.store().sizes(rdd.0.id()))
    }

    /// End all jobs and refuse new ones.
    fn stop(&self, py: Python<'_>, reason: &str) {
        self.executor.jobs().close(reason);
        interrupt_tasks(py);
        py.detach(|| {
            self.executor.close();
            self.executor.store().clear();
            give_back();
        });
    }
}
