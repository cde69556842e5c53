//! How is a source that a program wrote in Python a source of the engine?
//!
//! Owns `PySource`. Its records can be asked for again: see `dstreams.streaming.source`, which also has what is called here.
//! 1. Ranges are JSON as text, just as Python wrote it: numbers of any size stay what they are.
//! 2. Calls of the program's code are noted, and end in a child that it forks.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::{Deserialize, Serialize};

use super::rdd::PyRdd;
use crate::error::{EngineError, Result};
use crate::input::{Described, Found, Moment, Saved, Source, Start, settings_of};
use crate::object::attach::{attach, try_attach};
use crate::object::call::user_error;
use crate::object::called;
use crate::object::child::in_one_process;
use crate::object::named::calling;
use crate::rdd::{Op, Rdd};
use crate::source::Warn;

/// A source in Python.
pub(crate) struct PySource {
    /// A `Connector`.
    connector: Py<PyAny>,
    name: String,
    /// What was planned last before this run.
    last: Option<String>,
    /// The source as it was before it was started; known once checkpoints are written.
    dumped: OnceLock<Arc<Vec<u8>>>,
    warn: OnceLock<Warn>,
}

/// Settings in a checkpoint.
#[derive(Serialize, Deserialize)]
struct Settings {
    last: Option<String>,
}

/// The piece of a checkpoint that holds the pickle.
const PICKLE: i64 = 0;

impl PySource {
    /// What a checkpoint calls it.
    pub(super) const KIND: &'static str = "python";

    pub(super) fn new(py: Python<'_>, connector: Py<PyAny>) -> PyResult<Self> {
        let name = connector.getattr(py, "name")?.extract(py)?;
        Ok(Self { connector, name, last: None, dumped: OnceLock::new(), warn: OnceLock::new() })
    }

    /// The source of a checkpoint, for a context.
    pub(super) fn found(mut found: Found, context: &Py<PyAny>) -> Result<Self> {
        let Settings { last } = settings_of(&found.settings)?;
        let missing = || EngineError::Bug("a source in Python was kept without its pickle".into());
        let dumped = found.pieces.remove(&PICKLE).ok_or_else(missing)?;
        let load = |py: Python<'_>| {
            let connector = called::LOAD_SOURCE.get(py)?.call1((PyBytes::new(py, &dumped), context))?;
            Self::new(py, connector.unbind())
        };
        let loaded = attach(load).map_err(|raised| {
            let problem = format!("the source of input {} cannot be loaded by this program: {raised}", found.node);
            EngineError::Refused { class: "org.apache.spark.SparkException", problem }
        })?;
        Ok(Self { last, dumped: OnceLock::from(Arc::new(dumped)), ..loaded })
    }

    /// Calls the program's code.
    fn call<T>(&self, what: &str, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T> {
        attach(|py| self.call_attached(py, what, call)).map_err(user_error)
    }

    fn call_attached<'py, T>(
        &self,
        py: Python<'py>,
        what: &str,
        call: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<T> {
        let connector = self.connector.bind(py);
        let _calls = calling(&connector.get_type(), &format!("{what} of the source {},", self.name));
        in_one_process(|| call(connector))
    }
}

impl Source for PySource {
    type Range = Option<String>;

    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn shown(&self) -> (String, Vec<Arc<Rdd>>) {
        (format!("the source {}", self.name), Vec::new())
    }

    fn start(&self, start: Start<Option<String>>) -> Result<()> {
        if start.keeps && self.dumped.get().is_none() {
            let dumped: Vec<u8> = self.call("the pickle", |source| source.call_method0("dump")?.extract())?;
            // Set by nobody else: a source is started once.
            let _ = self.dumped.set(Arc::new(dumped));
        }
        let _ = self.warn.set(Arc::clone(&start.host.warn));
        let planned = start.past.into_values().rev().flatten().next();
        let last = planned.or_else(|| self.last.clone()).unwrap_or_else(|| "null".into());
        self.call("start", |source| source.call_method1("start", (last,)).map(drop))
    }

    fn plan(&self, time: i64) -> Result<Option<String>> {
        let range: String = self.call("plan", |source| source.call_method1("plan", (time,))?.extract())?;
        Ok((range != "null").then_some(range))
    }

    fn rdd(&self, _time: i64, range: &Option<String>) -> Result<Arc<Rdd>> {
        let Some(range) = range else { return Ok(Rdd::new(Op::Held(Vec::new()))) };
        let made = |source: &Bound<'_, PyAny>| {
            let node = source.call_method1("rdd", (range,))?;
            Ok(Arc::clone(&node.extract::<PyRef<'_, PyRdd>>()?.0))
        };
        self.call("rdd", made)
    }

    fn release(&self, until: i64) {
        let told = self.call("release", |source| source.call_method1("release", (until,)).map(drop));
        self.tell("release", told);
    }

    fn describe(&self, _time: i64, range: &Option<String>) -> Option<Described> {
        let nothing = Described { records: 0, description: None };
        let Some(range) = range else { return Some(nothing) };
        let found = self.call("describe", |source| source.call_method1("describe", (range,))?.extract());
        let found: Option<(u64, Option<String>)> = self.tell("describe", found);
        Some(found.map_or(nothing, |(records, description)| Described { records, description }))
    }

    fn save(&self, moment: &Moment<'_, Option<String>>) -> Result<Saved> {
        let last = moment.last.cloned().flatten().or_else(|| self.last.clone());
        let dumped = self.dumped.get().map(|dumped| (PICKLE, Arc::clone(dumped)));
        Ok(Saved { pieces: BTreeMap::from_iter(dumped), ..Saved::settings(&Settings { last })? })
    }

    fn wait_stopped(&self, _graceful: bool) {
        try_attach(|py| {
            let stopped = self.call_attached(py, "stop", |source| source.call_method0("stop").map(drop));
            if let Err(raised) = stopped {
                raised.write_unraisable(py, None);
            }
        });
    }
}

impl PySource {
    /// What fails beside a batch is told, and fails nothing.
    fn tell<T>(&self, what: &str, outcome: Result<T>) -> Option<T> {
        let told = |error: EngineError| {
            let warn = self.warn.get()?;
            warn(format!("{} of the source {} failed: {error}", what, self.name));
            None
        };
        outcome.map_or_else(told, Some)
    }
}
