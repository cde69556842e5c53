//! What are RDDs, functions and inputs to a stream? The engine's `Driver`, in terms of Python functions and lineage nodes.
//!
//! 1. The graph holds `Func` and `Input` only: Python functions and sources (`input/`).
//! 2. Each of the stream's threads keeps one Python thread state for its whole life, detached between callbacks.

use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;

use super::durable::{Durable, PyCodec};
use super::engine::place_of;
use super::feeds::{Bus, supervisor_of};
use super::gil::{DriverHooks, detached};
use super::rdd::PyRdd;
use super::supervisor::check_signals;
use crate::durable::{Found, Snapshot};
use crate::error::{EngineError, Result};
use crate::exec::{Executor, Where};
use crate::input::{AnySource, Host, Inputs, Plans, Told};
use crate::memory::Level;
use crate::monitor::InputInfo;
use crate::object::attach::{attach, try_attach};
use crate::object::call::user_error;
use crate::object::called;
use crate::object::child::{check_waits_here, in_one_process};
use crate::object::named::calling;
use crate::object::threads::{Inside, Shelter, forget_dummy};
use crate::process::Origin;
use crate::rdd::{Op, Rdd};
use crate::source::Warn;
use crate::stream::{Driver, Kept, Millis, Moment, NodeId, RateControl};

/// The driver of one stream.
pub(crate) struct PyDriver {
    executor: Arc<Executor>,
    origin: Origin,
    context: Py<PyAny>,
    inputs: Inputs,
    warn: Warn,
    bus: Arc<OnceLock<Arc<Bus>>>,
    /// Whether persisted RDDs are freed once no window needs them.
    unpersists: bool,
    durable: OnceLock<Durable>,
}

impl PyDriver {
    pub(crate) fn new(
        executor: Arc<Executor>,
        told: Told,
        context: Py<PyAny>,
        rates: Arc<RateControl>,
        unpersists: bool,
    ) -> Self {
        let warn: Warn = Arc::new(|text| log(&called::WARN, &[&text]));
        let bus = Arc::<OnceLock<Arc<Bus>>>::default();
        let reports = Arc::clone(&bus);
        let report = move |node, class: &str, location: &str| Ok(bus_of(&reports)?.report(node, class, location));
        let inputs = Inputs::new(Host {
            warn: Arc::clone(&warn),
            told,
            codec: Arc::new(PyCodec),
            rate: Box::new(move |node| rates.of(node)),
            report: Box::new(report),
        });
        let (origin, durable) = (Origin::here(), OnceLock::new());
        Self { executor, origin, context, inputs, warn, bus, unpersists, durable }
    }

    /// Writes checkpoints from now on. Once, before the start.
    pub(crate) fn keep_in(&self, durable: Durable, plans: Plans) -> Result<()> {
        self.inputs.keep(plans)?;
        let _ = self.durable.set(durable);
        Ok(())
    }

    /// The SparkContext.
    pub(super) fn context(&self) -> &Py<PyAny> {
        &self.context
    }

    /// Says where receivers' events go. Once, before the start.
    pub(crate) fn tell_to(&self, bus: Arc<Bus>) {
        let _ = self.bus.set(bus);
    }

    /// Where receivers' events go.
    pub(crate) fn bus(&self) -> Result<&Arc<Bus>> {
        bus_of(&self.bus)
    }
}

fn bus_of(bus: &OnceLock<Arc<Bus>>) -> Result<&Arc<Bus>> {
    bus.get().ok_or_else(|| EngineError::Bug("a stream without a way for its events".into()))
}

/// Tells the program's log; a log that fails must not end a stream.
fn log(function: &called::Called, texts: &[&str]) {
    // SAFETY: reads a variable of this thread.
    let is_visitor = unsafe { pyo3::ffi::PyGILState_GetThisThreadState() }.is_null();
    try_attach(|py| {
        // Half a message is worse than a late end.
        let _whole = Shelter::enter(py);
        let told = function.get(py).and_then(|tell| tell.call1(pyo3::types::PyTuple::new(py, texts)?));
        if let Err(raised) = told {
            raised.write_unraisable(py, None);
        }
        if is_visitor {
            forget_dummy(py);
        }
    });
}

fn rdd_of(made: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Rdd>>> {
    let node: Option<PyRef<'_, PyRdd>> = made.extract()?;
    Ok(node.map(|node| Arc::clone(&node.0)))
}

/// The supervisors of receivers, by their inputs.
type Supervisors = Vec<(u32, Py<PyAny>)>;

/// The Python functions of a graph, and its receivers.
fn held_functions(moment: &Moment<PyDriver>) -> (Vec<Py<PyAny>>, Supervisors) {
    attach(|py| {
        let functions = moment.functions.iter().map(|func| func.clone_ref(py)).collect();
        let receivers = moment
            .inputs
            .iter()
            .filter_map(|(node, source)| Some((node.0, supervisor_of(source.as_ref())?.clone_ref(py))));
        (functions, receivers.collect())
    })
}

impl Driver for PyDriver {
    type Rdd = Arc<Rdd>;
    type Func = Arc<Py<PyAny>>;
    type Input = Arc<dyn AnySource>;
    type Level = Level;

    fn start_inputs(&self, inputs: &[(NodeId, Self::Input)]) -> Result<()> {
        inputs.iter().try_for_each(|(node, source)| self.inputs.start(node.0, Arc::clone(source)))
    }

    fn stop_inputs(&self, graceful: bool) {
        // What was received stays takeable after a receiver has stopped.
        self.blocking(|| self.inputs.stop(graceful));
        if let Some(bus) = self.bus.get() {
            bus.close();
        }
    }

    fn rest(&self) {
        if let Some(durable) = self.durable.get() {
            self.blocking(|| durable.keeper.rest());
        }
    }

    fn begin_batch(&self, time: Millis) -> Result<()> {
        self.inputs.begin(time.0)
    }

    fn input_info(&self, time: Millis) -> Vec<InputInfo> {
        self.inputs.info(time.0)
    }

    fn batch_ended(&self, time: Millis) {
        self.inputs.release(time.0);
    }

    fn forget(&self, until: Millis) {
        self.inputs.forget(until.0);
    }

    fn input(&self, node: NodeId, _source: &Self::Input, time: Millis) -> Result<Option<Self::Rdd>> {
        self.inputs.rdd(node.0, time.0).map(Some)
    }

    fn transform(&self, func: &Self::Func, time: Millis, parents: &[Option<Self::Rdd>]) -> Result<Option<Self::Rdd>> {
        attach(|py| {
            let nodes: Vec<Option<PyRdd>> = parents.iter().map(|rdd| rdd.clone().map(PyRdd)).collect();
            let _calls = calling(func.bind(py), "the function of a transformation");
            in_one_process(|| {
                rdd_of(&called::TRANSFORM.get(py)?.call1((&self.context, func.as_ref(), time.0, nodes))?)
            })
        })
        .map_err(user_error)
    }

    fn union(&self, rdds: &[Self::Rdd]) -> Result<Self::Rdd> {
        Rdd::union(rdds.to_vec())
    }

    fn fold(
        &self,
        func: &Self::Func,
        time: Millis,
        older: Option<&Self::Rdd>,
        newer: &Self::Rdd,
    ) -> Result<Option<Self::Rdd>> {
        attach(|py| {
            let (older, newer) = (older.cloned().map(PyRdd), PyRdd(Arc::clone(newer)));
            let _calls = calling(func.bind(py), "the function of a state");
            in_one_process(|| {
                rdd_of(&called::FOLD.get(py)?.call1((&self.context, func.as_ref(), time.0, older, newer))?)
            })
        })
        .map_err(user_error)
    }

    fn settle(&self, rdd: &Self::Rdd) -> Result<()> {
        if matches!(&*rdd.op(), Op::Held(_) | Op::Kept(_)) {
            return Ok(());
        }
        self.executor.settle(rdd, Where::Caller, &DriverHooks::new(false))
    }

    fn output(&self, func: &Self::Func, time: Millis, rdd: Self::Rdd) -> Result<()> {
        let replaced =
            || self.durable.get().map_or(Ok(()), |durable| self.blocking(|| durable.keeper.check_replaced()));
        replaced()?;
        let ran = attach(|py| {
            let _calls = calling(func.bind(py), "an output:");
            in_one_process(|| {
                called::OUTPUT.get(py)?.call1((&self.context, func.as_ref(), time.0, PyRdd(rdd))).map(drop)
            })
        });
        // What fails because another run does the same at the same time is told as that.
        ran.map_err(|raised| replaced().err().unwrap_or_else(|| user_error(raised)))
    }

    fn persist(&self, rdd: &Self::Rdd, level: Level) -> Result<()> {
        rdd.set_persisted(Some(level));
        Ok(())
    }

    fn unpersist(&self, rdd: &Self::Rdd) {
        if self.unpersists && rdd.is_persisted() {
            rdd.set_persisted(None);
            self.executor.store().forget(rdd.id());
        }
    }

    fn keeps(&self) -> bool {
        self.durable.get().is_some()
    }

    fn planned(&self, time: Millis) -> Result<()> {
        self.blocking(|| self.inputs.planned(time.0))
    }

    fn keep(&self, moment: Moment<Self>) -> Result<()> {
        let Some(durable) = self.durable.get() else { return Ok(()) };
        let (inputs, taken) = self.inputs.save(moment.time.0, moment.forgotten.0, &|rdd| self.settle(rdd))?;
        let (functions, receivers) = held_functions(&moment);
        let pickled = durable.functions(&functions, &receivers, &|text| (self.warn)(text.to_owned()));
        let tables = durable.tables(&functions, moment.time)?;
        let mut rdds: Vec<Found> = Vec::new();
        for Kept { node, time, rdd, replaces } in moment.rdds {
            rdds.push(Found { node: node.0, time: Some(time.0), rdd, replaces });
        }
        for (node, rdd) in moment.initial {
            rdds.push(Found { node: node.0, time: None, rdd: Some(rdd), replaces: false });
        }
        let snapshot = Snapshot {
            time: moment.time.0,
            forgotten: moment.forgotten.0,
            program: durable.program.clone(),
            conf: durable.conf.clone(),
            functions: pickled,
            graph: moment.graph,
            rdds,
            inputs,
            tables,
            taken,
        };
        self.blocking(|| durable.keeper.write(snapshot)).map(drop)
    }

    fn ended(&self) {
        if let Some(durable) = self.durable.get() {
            durable.keeper.release();
        }
    }

    fn level_name(level: Level) -> String {
        place_of(level).to_owned()
    }

    fn window_level(&self) -> Option<Level> {
        // Never computed again: a window reads what it keeps in every batch.
        Some(Level::MemoryAndDisk)
    }

    fn report_error(&self, what: &str, error: &EngineError) {
        let text = attach(|py| super::errors::text_of(py, error));
        log(&called::REPORT, &[what, &text]);
    }

    fn check_signals(&self) -> Result<()> {
        check_signals().map_err(user_error)?;
        check_waits_here(self.origin)
    }

    fn run_thread(&self, body: &mut (dyn FnMut() + Send)) {
        // All that the thread does is within this, so its state goes here, and not later when the thread ends.
        Python::attach(|py| {
            let _inside = Inside::enter(None);
            py.detach(body);
            forget_dummy(py);
        });
    }

    fn blocking<T: Send>(&self, wait: impl FnOnce() -> T + Send) -> T {
        detached(wait)
    }
}
