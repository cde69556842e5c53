//! `_native.Streaming`: a stream's graph and life, for one StreamingContext.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::checkpoint::{Manners, NewReceiver, PyCheckpoint, durable_in, graph_of};
use super::drawn::{Drawn, drawn};
use super::driver::PyDriver;
use super::engine::{PyEngine, level_of};
use super::errors::{stream_failed, to_python};
use super::feeds::{Bus, PythonFeed};
use super::gil::{checked, enter_engine};

use super::listener::{PyListener, batch_facts};
use super::rdd::PyRdd;
use super::receiver::PyIntake;
use super::source::PySource;
use crate::durable::{Locks, Recovery, Trust};
use crate::error::EngineError;
use crate::input::{AnySource, Files, Queue, Received, Records, SocketFeed};
use crate::monitor::BatchLog;
use crate::process::Own;
use crate::source::{FileMonitorSpec, SocketSpec};
use crate::stream::{
    Clock, Kind, Limits, ManualClock, Millis, Node, NodeId, Output, PidEstimator, PidSettings, RateControl, Settings,
    State, StreamRuntime, SystemClock, Waited,
};

/// File systems stamp files with a clock that ticks every few milliseconds: a file written right after a stream was made
/// may look a tick older than it.
const CLOCK_TICK_MS: i64 = 10;

/// What the settings of a program say, by the names of `dstreams.streaming.settings.StreamSettings`.
#[derive(FromPyObject)]
struct StreamSettings {
    manual_clock: bool,
    concurrent_jobs: usize,
    unpersist: bool,
    retained_batches: usize,
    graceful_stop_ms: Option<u64>,
}

/// The engine of one StreamingContext.
#[pyclass(name = "Streaming", module = "dstreams._native", frozen)]
pub(crate) struct PyStreaming {
    /// Of this process: a forked child has no such threads, and must not wait for what they held.
    runtime: Own<StreamRuntime<PyDriver>>,
    clock: Arc<dyn Clock>,
    /// The same clock, if it is one that is turned by hand.
    hand: Option<ManualClock>,
    rates: Arc<RateControl>,
    log: Arc<BatchLog>,
    /// What is left of the checkpoint that the stream was made of.
    recovery: Mutex<Option<Recovery>>,
}

impl PyStreaming {
    fn input(&self, py: Python<'_>, source: impl AnySource) -> PyResult<u32> {
        enter_engine(py, || self.runtime.input(Arc::new(source))).map(|node| node.0)
    }

    fn hand(&self) -> PyResult<&ManualClock> {
        let problem = "the clock is not one that can be turned: set spark.streaming.clock to \
                       org.apache.spark.util.ManualClock before the SparkContext is made";
        self.hand.as_ref().ok_or_else(|| PyRuntimeError::new_err(problem))
    }
}

/// The error of a batch, as `awaitTermination` raises it.
fn batch_error(py: Python<'_>, error: &EngineError) -> PyErr {
    match error {
        EngineError::UserCode { .. } => stream_failed(py, error),
        other => to_python(py, other),
    }
}

fn nodes(ids: Vec<u32>) -> Vec<NodeId> {
    ids.into_iter().map(NodeId).collect()
}

#[pymethods]
impl PyStreaming {
    #[new]
    fn new(
        py: Python<'_>,
        engine: &PyEngine,
        interval_ms: i64,
        context: Py<PyAny>,
        settings: StreamSettings,
    ) -> PyResult<Self> {
        let hand = settings.manual_clock.then(ManualClock::default);
        let clock: Arc<dyn Clock> = match &hand {
            Some(hand) => Arc::new(hand.clone()),
            None => Arc::new(SystemClock::default()),
        };
        let (rates, log) = (Arc::<RateControl>::default(), Arc::new(BatchLog::new(settings.retained_batches)));
        let driver =
            Arc::new(PyDriver::new(engine.executor(), engine.told(), context, Arc::clone(&rates), settings.unpersist));
        let engine_settings = Settings {
            concurrent_jobs: settings.concurrent_jobs,
            finish_within: settings.graceful_stop_ms.map(Duration::from_millis),
            ..Settings::new(Millis(interval_ms))
        };
        let runtime = enter_engine(py, || StreamRuntime::new(driver, Arc::clone(&clock), engine_settings))?;
        runtime.driver().tell_to(Bus::new(runtime.listeners(), Arc::clone(&clock)));
        runtime.add_listener(rates.clone());
        runtime.add_listener(log.clone());
        Ok(Self { runtime: Own::new(runtime), clock, hand, rates, log, recovery: Mutex::new(None) })
    }

    /// Limits of the receivers that start later, in records per second; `pid` holds the weights of the estimator that
    /// moves them: proportional, integral, derived, and the lowest rate.
    #[pyo3(signature = (initial, most, pid=None))]
    fn limit_receivers(&self, initial: Option<u64>, most: Option<u64>, pid: Option<(f64, f64, f64, f64)>) {
        let interval = self.runtime.with_graph(|graph| graph.interval());
        let estimator = pid.map(|(proportional, integral, derived, min_rate)| {
            PidEstimator::new(interval, PidSettings { proportional, integral, derived, min_rate })
        });
        self.rates.limit(Limits { initial, most, estimator });
    }

    /// The limit of an input's receiver now, in records per second.
    fn receiver_rate(&self, node: u32) -> Option<u64> {
        self.rates.of(node).current()
    }

    /// Distance of the batches.
    fn interval_ms(&self) -> i64 {
        self.runtime.with_graph(|graph| graph.interval()).0
    }

    /// Time of the stream's clock.
    fn clock_ms(&self) -> i64 {
        self.clock.now().0
    }

    /// Turns a clock that is turned by hand.
    fn set_clock(&self, py: Python<'_>, time_ms: i64) -> PyResult<()> {
        let hand = self.hand()?;
        py.detach(|| hand.set(Millis(time_ms)));
        Ok(())
    }

    /// Turns the clock batch by batch, and waits for each; raises what a batch raised.
    fn advance(&self, py: Python<'_>, batches: u32) -> PyResult<()> {
        self.hand()?;
        self.follow(py, batches)
    }

    /// The same with any clock: one that goes by itself is waited for.
    fn follow(&self, py: Python<'_>, batches: u32) -> PyResult<()> {
        match enter_engine(py, || self.runtime.advance(self.hand.as_ref(), batches))? {
            None => Ok(()),
            Some(error) => Err(batch_error(py, &error)),
        }
    }

    /// What is known of the last batches, oldest first.
    fn recent_batches<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let batches = py.detach(|| self.log.batches());
        batches.iter().map(|info| batch_facts(py, info)).collect()
    }

    fn add_queue(
        &self,
        py: Python<'_>,
        rdds: Vec<PyRef<'_, PyRdd>>,
        one_at_a_time: bool,
        empty: &PyRdd,
    ) -> PyResult<u32> {
        let rdds = rdds.iter().map(|rdd| Arc::clone(&rdd.0));
        self.input(py, Queue::new(rdds, one_at_a_time, Arc::clone(&empty.0)))
    }

    fn add_socket(
        &self,
        py: Python<'_>,
        host: String,
        port: u16,
        block_interval_ms: u64,
        retry_ms: u64,
        max_waiting_bytes: usize,
    ) -> PyResult<u32> {
        let mut spec = SocketSpec::new(host, port);
        spec.block_interval = Duration::from_millis(block_interval_ms);
        spec.retry = Duration::from_millis(retry_ms);
        spec.max_pending_bytes = max_waiting_bytes;
        self.input(py, Received::new(SocketFeed::new(spec)))
    }

    /// Where a receiver stores its items, bounded to `limit` bytes that wait to be processed.
    fn intake(&self, block_interval_ms: i64, limit: usize) -> PyIntake {
        PyIntake::new(Arc::clone(&self.clock), block_interval_ms, limit)
    }

    /// An input of what is stored in `intake`.
    fn add_receiver(
        &self,
        py: Python<'_>,
        intake: &PyIntake,
        supervisor: Py<PyAny>,
        name: &str,
        location: &str,
    ) -> PyResult<u32> {
        let stream = self.input(py, Received::new(PythonFeed { store: Arc::clone(&intake.0), supervisor }))?;
        let bus = checked(py, self.runtime.driver().bus())?;
        intake.is_of(py, bus.report(stream, name, location))?;
        Ok(stream)
    }

    /// An input that a program wrote; `connector` is one of `dstreams.streaming.source`.
    fn add_source(&self, py: Python<'_>, connector: Py<PyAny>) -> PyResult<u32> {
        self.input(py, PySource::new(py, connector)?)
    }

    /// `piece` is the length of binary records; without it, records are lines.
    #[pyo3(signature = (directory, min_remember_ms, piece=None))]
    fn add_files(
        &self,
        py: Python<'_>,
        directory: String,
        min_remember_ms: i64,
        piece: Option<usize>,
    ) -> PyResult<u32> {
        let records = piece.map_or(Records::Lines, Records::Pieces);
        let batch_ms = self.runtime.with_graph(|graph| graph.interval()).0;
        let spec = FileMonitorSpec { directory, batch_ms, min_remember_ms, new_files_only: true };
        self.input(py, Files::new(spec, records, self.clock.now().0 - CLOCK_TICK_MS))
    }

    fn add_transformed(&self, py: Python<'_>, parents: Vec<u32>, func: Py<PyAny>) -> PyResult<u32> {
        enter_engine(py, || self.runtime.transform(nodes(parents), Arc::new(func))).map(|node| node.0)
    }

    fn add_union(&self, py: Python<'_>, parents: Vec<u32>) -> PyResult<u32> {
        enter_engine(py, || self.runtime.union(nodes(parents))).map(|node| node.0)
    }

    #[pyo3(signature = (parent, length_ms, slide_ms=None))]
    fn add_window(&self, py: Python<'_>, parent: u32, length_ms: i64, slide_ms: Option<i64>) -> PyResult<u32> {
        enter_engine(py, || self.runtime.window(NodeId(parent), Millis(length_ms), slide_ms.map(Millis)))
            .map(|node| node.0)
    }

    #[pyo3(signature = (parent, add, subtract, length_ms, slide_ms))]
    fn add_reduced_window(
        &self,
        py: Python<'_>,
        parent: u32,
        add: Py<PyAny>,
        subtract: Py<PyAny>,
        length_ms: i64,
        slide_ms: i64,
    ) -> PyResult<u32> {
        enter_engine(py, || {
            let step = self.runtime.slide(NodeId(parent))?;
            self.runtime.reduced_window(Kind::Reduced {
                parent: NodeId(parent),
                add: Arc::new(add),
                subtract: Arc::new(subtract),
                length: Millis(length_ms),
                slide: Millis(slide_ms),
                step,
            })
        })
        .map(|node| node.0)
    }

    #[pyo3(signature = (parent, func, initial=None))]
    fn add_state(
        &self,
        py: Python<'_>,
        parent: u32,
        func: Py<PyAny>,
        initial: Option<PyRef<'_, PyRdd>>,
    ) -> PyResult<u32> {
        let initial = initial.map(|rdd| Arc::clone(&rdd.0));
        enter_engine(py, || self.runtime.fold(NodeId(parent), Arc::new(func), initial)).map(|node| node.0)
    }

    fn checkpoint(&self, py: Python<'_>, node: u32, interval_ms: i64) -> PyResult<()> {
        enter_engine(py, || self.runtime.checkpoint(NodeId(node), Millis(interval_ms)))
    }

    /// Raises what Spark raises when checkpoints are asked for that it could not write.
    fn check_checkpoints(&self, py: Python<'_>, has_folder: bool) -> PyResult<()> {
        enter_engine(py, || self.runtime.with_graph(|graph| graph.check_checkpoints(has_folder)))
    }

    /// The functions of the graph, in the order in which a checkpoint has them.
    fn functions(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let functions = py.detach(|| self.runtime.with_graph(|graph| graph.functions()));
        functions.iter().map(|func| func.clone_ref(py)).collect()
    }

    /// Goes on from a checkpoint, with its functions and with receivers made anew. For a stream without nodes.
    fn restore(
        &self,
        py: Python<'_>,
        checkpoint: &PyCheckpoint,
        functions: Vec<Py<PyAny>>,
        receivers: Vec<NewReceiver<'_>>,
        clock_jump_ms: i64,
    ) -> PyResult<()> {
        let mut recovery = checkpoint.take()?;
        let graph = graph_of(&mut recovery, functions, receivers, self.runtime.driver().context());
        let graph = checked(py, graph)?;
        if let Some(hand) = &self.hand {
            py.detach(|| hand.set(Millis(recovery.manifest.time + clock_jump_ms)));
        }
        *self.recovery.lock().unwrap_or_else(PoisonError::into_inner) = Some(recovery);
        py.detach(|| self.runtime.restore(graph));
        Ok(())
    }

    /// Writes checkpoints into a folder from the start on. `how`: whether it may be anybody's, whether it is locked, and
    /// whether what receivers get is written too.
    fn keep_in(
        &self,
        py: Python<'_>,
        folder: PathBuf,
        how: (bool, bool, bool),
        conf: Vec<(String, String)>,
        program: (String, String, String),
        functions: Vec<u8>,
    ) -> PyResult<()> {
        let recovery = self.recovery.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (of_anybody, locks, logs) = how;
        let trust = if of_anybody { Trust::Anybody } else { Trust::Own };
        let manners = Manners { trust, locks: if locks { Locks::Used } else { Locks::Unused } };
        enter_engine(py, || {
            let (durable, plans) = durable_in(folder, manners, logs, conf, program, functions, recovery)?;
            self.runtime.driver().keep_in(durable, plans)
        })
    }

    /// Says which input an intake is for, when that input is of an earlier run.
    fn claim_intake(&self, py: Python<'_>, intake: &PyIntake, node: u32, name: &str, location: &str) -> PyResult<()> {
        let bus = checked(py, self.runtime.driver().bus())?;
        intake.is_of(py, bus.report(node, name, location))
    }

    fn add_output(&self, py: Python<'_>, parent: u32, func: Py<PyAny>) -> PyResult<()> {
        let name = func.bind(py).repr()?.to_string();
        let output = Output { parent: NodeId(parent), func: Arc::new(func), name, description: String::new() };
        enter_engine(py, || self.runtime.output(output))
    }

    fn persist(&self, py: Python<'_>, node: u32, place: &str) -> PyResult<()> {
        let level = level_of(place)?;
        enter_engine(py, || self.runtime.persist(NodeId(node), level))
    }

    fn slide_ms(&self, py: Python<'_>, node: u32) -> PyResult<i64> {
        enter_engine(py, || self.runtime.slide(NodeId(node))).map(|slide| slide.0)
    }

    /// The time of the oldest RDD of a node that is remembered.
    fn oldest_ms(&self, py: Python<'_>, node: u32) -> PyResult<Option<i64>> {
        let oldest = || self.runtime.with_graph(|graph| graph.node(NodeId(node)).map(Node::oldest));
        enter_engine(py, oldest).map(|time| time.map(|time| time.0))
    }

    /// A node as plain data, for explanations.
    fn node(&self, py: Python<'_>, node: u32) -> PyResult<Drawn> {
        let found = self.runtime.with_graph(|graph| graph.node(NodeId(node)).map(|node| drawn(py, node)));
        checked(py, found)
    }

    /// The nodes of all outputs and their functions, in order of definition.
    fn outputs(&self, py: Python<'_>) -> Vec<(u32, Py<PyAny>)> {
        let output = |output: &Output<PyDriver>| (output.parent.0, output.func.clone_ref(py));
        self.runtime.with_graph(|graph| graph.outputs().iter().map(output).collect())
    }

    fn remember(&self, py: Python<'_>, duration_ms: i64) -> PyResult<()> {
        enter_engine(py, || self.runtime.remember(Millis(duration_ms)))
    }

    fn slice(&self, py: Python<'_>, node: u32, from_ms: i64, to_ms: i64) -> PyResult<Vec<PyRdd>> {
        let rdds = enter_engine(py, || self.runtime.slice(NodeId(node), Millis(from_ms), Millis(to_ms)))?;
        Ok(rdds.into_iter().map(PyRdd).collect())
    }

    fn add_listener(&self, py: Python<'_>, listener: Py<PyAny>) {
        py.detach(|| self.runtime.add_listener(Arc::new(PyListener(listener))));
    }

    fn start(&self, py: Python<'_>) -> PyResult<()> {
        enter_engine(py, || self.runtime.start())
    }

    fn stop(&self, py: Python<'_>, graceful: bool) -> PyResult<()> {
        enter_engine(py, || self.runtime.stop(graceful))
    }

    /// Ends a running stream because its context is stopped; tells whether there was one.
    fn break_off(&self, py: Python<'_>, reason: &str) -> PyResult<bool> {
        enter_engine(py, || self.runtime.break_off(reason))
    }

    /// Waits until the stream's threads are gone, at most for so many seconds.
    fn join(&self, py: Python<'_>, longest: f64) -> PyResult<()> {
        enter_engine(py, || self.runtime.join(Duration::from_secs_f64(longest.max(0.0))))
    }

    /// Whether the stream is stopped; raises the error of a batch.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let longest = timeout.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        match enter_engine(py, || self.runtime.wait(longest))? {
            Waited::Stopped => Ok(true),
            Waited::TimedOut => Ok(false),
            Waited::Failed(error) => Err(batch_error(py, &error)),
        }
    }

    /// Whether it has not been started.
    fn is_new(&self) -> bool {
        self.runtime.state() == State::Initialized
    }

    fn is_active(&self) -> bool {
        self.runtime.state() == State::Active
    }
}
