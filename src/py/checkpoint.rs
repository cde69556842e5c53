//! `_native.Checkpoint`: what was read from a checkpoint folder, and how a stream is made of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::driver::PyDriver;
use super::durable::{Durable, PyCodec, TrialCodec};
use super::engine::levels;
use super::feeds::PythonFeed;
use super::gil::enter_engine;

use super::receiver::PyIntake;
use super::source::PySource;
use crate::durable::{Keeper, Locks, Program, Recovery, RestoredRdd, Trust, has_checkpoint};
use crate::error::{EngineError, Result};
use crate::input::{Left, Plans, Received, Registry};
use crate::rdd::{Partitioner, Rdd};
use crate::stream::{Graph, Millis, NodeId, Restored};

/// A receiver made again: its input, where it stores, and who calls it.
pub(super) type NewReceiver<'py> = (u32, PyRef<'py, PyIntake>, Py<PyAny>);

/// Which tables, which partition of them, the whole and then what changed.
type Table<'py> = (u64, u64, Vec<Bound<'py, PyBytes>>);

/// The newest good checkpoint of a folder.
#[pyclass(name = "Checkpoint", module = "dstreams._native", frozen)]
pub(crate) struct PyCheckpoint {
    #[pyo3(get)]
    time_ms: i64,
    #[pyo3(get)]
    interval_ms: i64,
    #[pyo3(get)]
    conf: Vec<(String, String)>,
    /// Version of the interpreter, file of the program, sum of that file.
    #[pyo3(get)]
    program: (String, String, String),
    #[pyo3(get)]
    warnings: Vec<String>,
    /// Inputs whose receivers have to be made again.
    #[pyo3(get)]
    receivers: Vec<u32>,
    functions: Py<PyBytes>,
    recovery: Mutex<Option<Recovery>>,
}

#[pymethods]
impl PyCheckpoint {
    /// Whether a folder has checkpoints, of whatever kind.
    #[staticmethod]
    fn is_in(py: Python<'_>, folder: PathBuf) -> PyResult<bool> {
        enter_engine(py, || has_checkpoint(&folder))
    }

    /// The newest good checkpoint of a folder; None if it has none at all.
    #[staticmethod]
    fn read(py: Python<'_>, folder: PathBuf, of_anybody: bool) -> PyResult<Option<Self>> {
        let trust = if of_anybody { Trust::Anybody } else { Trust::Own };
        let found = enter_engine(py, || Recovery::open(&folder, &TrialCodec, trust))?;
        Ok(found.map(|mut recovery| {
            let manifest = &recovery.manifest;
            let Program { python, file, sum } = manifest.program.clone();
            let receivers = recovery.inputs.iter().filter(|(_, input)| input.kind == PythonFeed::KIND);
            let receivers = receivers.map(|(node, _)| *node).collect();
            Self {
                time_ms: manifest.time,
                interval_ms: manifest.graph.interval,
                conf: manifest.conf.clone(),
                program: (python, file, sum),
                warnings: std::mem::take(&mut recovery.warnings),
                receivers,
                functions: PyBytes::new(py, &recovery.functions).unbind(),
                recovery: Mutex::new(Some(recovery)),
            }
        }))
    }

    /// The pickle of the functions.
    fn functions(&self, py: Python<'_>) -> Py<PyBytes> {
        self.functions.clone_ref(py)
    }

    /// (tables, partition, the whole and then what changed) of the states of `mapWithState`.
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Vec<Table<'py>>> {
        let guard = self.recovery.lock().unwrap_or_else(PoisonError::into_inner);
        let recovery = guard.as_ref().ok_or_else(used)?;
        let parts = |parts: &Vec<Vec<u8>>| parts.iter().map(|part| PyBytes::new(py, part)).collect();
        Ok(recovery.tables.iter().map(|(table, partition, all)| (*table, *partition, parts(all))).collect())
    }
}

fn used() -> PyErr {
    PyRuntimeError::new_err("a checkpoint is gone on from only once")
}

impl PyCheckpoint {
    /// Takes out what a stream is made of; once.
    pub(super) fn take(&self) -> PyResult<Recovery> {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(used)
    }
}

/// The graph of an earlier run, with its data. Takes RDDs and inputs out of `recovery`.
pub(super) fn graph_of(
    recovery: &mut Recovery,
    functions: Vec<Py<PyAny>>,
    receivers: Vec<NewReceiver<'_>>,
    context: &Py<PyAny>,
) -> Result<Graph<PyDriver>> {
    let feed = |(node, intake, supervisor): NewReceiver<'_>| {
        (node, Received::new(PythonFeed { store: Arc::clone(&intake.0), supervisor }))
    };
    let receivers = Mutex::new(receivers.into_iter().map(feed).collect::<BTreeMap<_, _>>());
    let mut registry = Registry::default();
    registry.add(PythonFeed::KIND, |found| {
        let made = receivers.lock().unwrap_or_else(PoisonError::into_inner).remove(&found.node);
        let missing = || EngineError::Bug(format!("the receiver of input {} was not made again", found.node));
        Ok(Arc::new(made.ok_or_else(missing)?))
    });
    registry.add(PySource::KIND, |found| Ok(Arc::new(PySource::found(found, context)?)));
    let inputs = std::mem::take(&mut recovery.inputs).into_iter();
    let inputs = inputs.map(|(node, input)| Ok((node, registry.open(node, input)?))).collect::<Result<_>>()?;
    let rdds = std::mem::take(&mut recovery.rdds).into_iter().map(|RestoredRdd { node, time, targets, partitions }| {
        let partitioner = targets.map(|targets| Partitioner { targets, function: 0 });
        let rdd = partitions.map(|partitions| Rdd::restored(partitions, partitioner));
        (NodeId(node), time.map(Millis), rdd)
    });
    let restored = Restored {
        time: Millis(recovery.manifest.time),
        functions: functions.into_iter().map(Arc::new).collect(),
        inputs,
        levels: levels().collect(),
        rdds: rdds.collect(),
    };
    Graph::restored(&recovery.manifest.graph, restored)
}

/// Whose folders are used, and whether they are locked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    pub(super) trust: Trust,
    pub(super) locks: Locks,
}

/// What writes checkpoints from now on: in a fresh folder, or after `recovery`.
pub(super) fn durable_in(
    folder: PathBuf,
    manners: Manners,
    logs: bool,
    conf: Vec<(String, String)>,
    program: (String, String, String),
    functions: Vec<u8>,
    mut recovery: Option<Recovery>,
) -> Result<(Durable, Plans)> {
    let same = recovery.take().filter(|recovery| recovery.folder == folder);
    let Manners { trust, locks } = manners;
    let keeper = Keeper::with(&folder, Arc::new(PyCodec), same.as_ref(), trust, locks)?;
    let keeper = Arc::new(keeper);
    let left = same.map_or_else(Left::default, |recovery| recovery.replay.into());
    let (python, file, sum) = program;
    let durable = Durable::new(Arc::clone(&keeper), conf, Program { python, file, sum }, functions);
    Ok((durable, Plans::new(keeper, logs, left)))
}
