//! What are RDDs, functions and inputs to a stream? The engine's `Driver`, in terms of Python functions and lineage nodes.
//!
//! 1. The graph holds `Func` and `Input` only: Python functions and plain data. Receivers live here.
//! 2. Each of the stream's threads keeps one Python thread state for its whole life, detached between callbacks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::durable::Durable;
use super::engine::place_of;
use super::feeds::{Bus, Feed, PythonFeed, SocketFeed};
use super::gil::{DriverHooks, detached};

use super::rdd::PyRdd;
use super::receiver::Inbox;
use super::supervisor::check_signals;
use crate::durable::{Found, InputFound, PathName, Snapshot};
use crate::error::{EngineError, Result};
use crate::exec::{Executor, Where};
use crate::input::{Records, Told, stream_files};
use crate::memory::Level;
use crate::monitor::InputInfo;
use crate::object::attach::{attach, try_attach};
use crate::object::call::user_error;
use crate::object::child::{check_waits_here, in_one_process};
use crate::object::named::calling;
use crate::object::threads::{Inside, Shelter, forget_dummy};
use crate::process::Origin;
use crate::rdd::{Op, Rdd};
use crate::source::{FileMonitor, FileMonitorSpec, SocketSpec, Taken, Warn};
use crate::stream::{Driver, Kept, Millis, Moment, NodeId, RateControl};

/// What feeds an input.
pub(crate) enum InputSpec {
    /// RDDs in turn; `empty` when there is none left.
    Queue { rdds: Vec<Arc<Rdd>>, one_at_a_time: bool, empty: Arc<Rdd> },
    /// Lines from a TCP server.
    Socket(SocketSpec),
    /// What a receiver in Python stores; its supervisor starts and stops it.
    Receiver { inbox: Arc<Inbox>, supervisor: Py<PyAny> },
    /// Records of files that appear in a folder; those older than `created_ms` are not new.
    Files { spec: FileMonitorSpec, records: Records, created_ms: i64 },
    /// The same, as an earlier run left it.
    Watched { monitor: FileMonitor, records: Records },
}

/// The running side of an input.
enum Live {
    /// `gone`: what batches took that are not in a checkpoint yet.
    Queue {
        left: VecDeque<Arc<Rdd>>,
        gone: Vec<(Millis, Arc<Rdd>)>,
        one_at_a_time: bool,
        empty: Arc<Rdd>,
    },
    Received {
        from: Arc<dyn Feed>,
        batches: BTreeMap<Millis, Taken>,
    },
    Files(FileMonitor, Records),
}

/// The driver of one stream.
pub(crate) struct PyDriver {
    executor: Arc<Executor>,
    origin: Origin,
    /// What the context's settings say about reading files.
    told: Told,
    context: Py<PyAny>,
    live: Mutex<HashMap<NodeId, Live>>,
    warn: Warn,
    bus: OnceLock<Arc<Bus>>,
    /// How fast each receiver may take records.
    rates: Arc<RateControl>,
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
        let warn: Warn = Arc::new(|text| log("warn", &[&text]));
        Self {
            executor,
            origin: Origin::here(),
            told,
            context,
            live: Mutex::default(),
            warn,
            bus: OnceLock::new(),
            rates,
            unpersists,
            durable: OnceLock::new(),
        }
    }

    /// Writes checkpoints from now on. Once, before the start.
    pub(crate) fn keep_in(&self, durable: Durable) {
        let _ = self.durable.set(durable);
    }

    /// Says where receivers' events go. Once, before the start.
    pub(crate) fn tell_to(&self, bus: Arc<Bus>) {
        let _ = self.bus.set(bus);
    }

    /// Where receivers' events go.
    pub(crate) fn bus(&self) -> Result<&Arc<Bus>> {
        self.bus.get().ok_or_else(|| EngineError::Bug("a stream without a way for its events".into()))
    }

    /// The running receivers. To be called without the lock: they may wait for the interpreter.
    fn feeds(&self) -> Vec<(NodeId, Arc<dyn Feed>)> {
        self.with_live(|all| {
            let mut feeds: Vec<_> = all
                .iter()
                .filter_map(|(node, live)| match live {
                    Live::Received { from, .. } => Some((*node, Arc::clone(from))),
                    _ => None,
                })
                .collect();
            feeds.sort_by_key(|(node, _)| *node);
            feeds
        })
    }

    fn with_live<T>(&self, look: impl FnOnce(&mut HashMap<NodeId, Live>) -> T) -> T {
        look(&mut self.live.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One of the functions of dstreams.streaming.callbacks.
pub(super) fn callback<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let import = || py.import("dstreams.streaming.callbacks").map(Bound::unbind);
    MODULE.get_or_try_init(py, import)?.bind(py).getattr(name)
}

/// Tells the program's log; a log that fails must not end a stream.
fn log(function: &str, texts: &[&str]) {
    // SAFETY: reads a variable of this thread.
    let is_visitor = unsafe { pyo3::ffi::PyGILState_GetThisThreadState() }.is_null();
    try_attach(|py| {
        // Half a message is worse than a late end.
        let _whole = Shelter::enter(py);
        let told = callback(py, function).and_then(|tell| tell.call1(pyo3::types::PyTuple::new(py, texts)?));
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

fn received(from: impl Feed + 'static, batches: BTreeMap<Millis, Taken>) -> Live {
    Live::Received { from: Arc::new(from), batches }
}

/// The supervisors of receivers, by their inputs.
type Supervisors = Vec<(u32, Py<PyAny>)>;

/// The Python functions of a graph, and its receivers.
fn held_functions(moment: &Moment<PyDriver>) -> (Vec<Py<PyAny>>, Supervisors) {
    attach(|py| {
        let functions = moment.functions.iter().map(|func| func.clone_ref(py)).collect();
        let receivers = moment.inputs.iter().filter_map(|(node, spec)| match spec.as_ref() {
            InputSpec::Receiver { supervisor, .. } => Some((node.0, supervisor.clone_ref(py))),
            _ => None,
        });
        (functions, receivers.collect())
    })
}

impl PyDriver {
    /// Where the inputs were after the batch of a moment; they may be further by now.
    fn inputs_at(&self, moment: &Moment<Self>) -> Result<BTreeMap<u32, InputFound>> {
        let mut queued: Vec<Arc<Rdd>> = Vec::new();
        let found = self.with_live(|all| {
            let mut found = BTreeMap::new();
            for (node, spec) in &moment.inputs {
                let input = match (all.get_mut(node), spec.as_ref()) {
                    (Some(Live::Queue { left, gone, one_at_a_time, empty }), _) => {
                        gone.retain(|(time, _)| *time > moment.time);
                        let left: Vec<_> = gone.iter().map(|(_, rdd)| rdd).chain(left.iter()).cloned().collect();
                        queued.extend(left.iter().cloned().chain([Arc::clone(empty)]));
                        let (one_at_a_time, empty) = (*one_at_a_time, Arc::clone(empty));
                        InputFound::Queue { left, empty, one_at_a_time }
                    }
                    (Some(Live::Files(monitor, records)), _) => {
                        let selected = monitor.selected_until(moment.time.0).into_iter().map(|(time, files)| {
                            (time, files.iter().map(|path| PathName::from(path.as_path())).collect())
                        });
                        let settings = to_json(&(monitor.with_selected(BTreeMap::new()), records))?;
                        InputFound::Files { settings, selected: selected.collect() }
                    }
                    (_, InputSpec::Socket(spec)) => InputFound::Receiver { settings: to_json(&Some(spec))? },
                    _ => InputFound::Receiver { settings: to_json(&None::<SocketSpec>)? },
                };
                found.insert(node.0, input);
            }
            Ok(found)
        });
        // Those that are not data yet are computed now, once.
        queued.iter().try_for_each(|rdd| self.settle(rdd))?;
        found
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|problem| EngineError::Bug(problem.to_string()))
}

impl Driver for PyDriver {
    type Rdd = Arc<Rdd>;
    type Func = Arc<Py<PyAny>>;
    type Input = Arc<InputSpec>;
    type Level = Level;

    fn start_inputs(&self, inputs: &[(NodeId, Self::Input)]) -> Result<()> {
        for (node, spec) in inputs {
            let past = || self.durable.get().map_or_else(|| Ok(BTreeMap::new()), |durable| durable.past(*node));
            // Before `past`, which takes blocks out: the new ones are numbered behind all of them.
            let log = || self.durable.get().and_then(|durable| durable.log_of(*node));
            let live = match spec.as_ref() {
                InputSpec::Queue { rdds, one_at_a_time, empty } => Live::Queue {
                    left: rdds.iter().cloned().collect(),
                    gone: Vec::new(),
                    one_at_a_time: *one_at_a_time,
                    empty: Arc::clone(empty),
                },
                InputSpec::Socket(spec) => {
                    let report = self.bus()?.report(node.0, "SocketReceiver", "localhost");
                    let (rate, warn) = (self.rates.of(node.0), Arc::clone(&self.warn));
                    received(SocketFeed::start(spec.clone(), rate, warn, report, log()), past()?)
                }
                InputSpec::Receiver { inbox, supervisor } => {
                    if let Some((log, first)) = log() {
                        inbox.log_to(log, first);
                    }
                    received(PythonFeed::start(Arc::clone(inbox), self.rates.of(node.0), supervisor)?, past()?)
                }
                InputSpec::Files { spec, records, created_ms } => {
                    Live::Files(FileMonitor::new(spec.clone(), *created_ms)?, *records)
                }
                InputSpec::Watched { monitor, records } => Live::Files(monitor.clone(), *records),
            };
            self.with_live(|all| all.insert(*node, live));
        }
        Ok(())
    }

    fn stop_inputs(&self, graceful: bool) {
        // What was received stays takeable after a receiver has stopped.
        self.blocking(|| {
            let feeds = self.feeds();
            feeds.iter().for_each(|(_, feed)| feed.ask_to_stop(graceful));
            feeds.iter().for_each(|(_, feed)| feed.wait_stopped(graceful));
        });
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
        let planned = self.durable.get().is_some_and(|durable| durable.is_planned(time));
        for (node, feed) in self.feeds() {
            // A batch that an earlier run has planned gets what it got then, and what comes now waits.
            let mut taken = if planned { Taken::default() } else { feed.take() };
            if let Some(durable) = self.durable.get() {
                let replayed = durable.replayed(node, time)?;
                if !planned && durable.logs {
                    durable.took(node, time, taken.until);
                }
                taken.groups.splice(0..0, replayed);
            }
            self.with_live(|all| {
                if let Some(Live::Received { batches, .. }) = all.get_mut(&node) {
                    batches.insert(time, taken);
                }
            });
        }
        Ok(())
    }

    fn input_info(&self, time: Millis) -> Vec<InputInfo> {
        self.with_live(|all| {
            let mut found: Vec<InputInfo> = all
                .iter()
                .filter_map(|(node, live)| match live {
                    Live::Received { batches, .. } => {
                        let blocks = batches.get(&time)?.groups.iter().flatten();
                        let records = blocks.map(|block| block.len() as u64).sum();
                        Some(InputInfo { stream: node.0, records, description: None })
                    }
                    Live::Files(monitor, _) => {
                        let names = monitor.selected(time.0).iter().map(|path| path.display().to_string());
                        let description = names.collect::<Vec<_>>().join("\n");
                        Some(InputInfo { stream: node.0, records: 0, description: Some(description) })
                    }
                    Live::Queue { .. } => None,
                })
                .collect();
            found.sort_by_key(|info| info.stream);
            found
        })
    }

    fn batch_ended(&self, time: Millis) {
        let ended: Vec<_> = self.with_live(|all| {
            let held = all.values_mut().filter_map(|live| match live {
                Live::Received { from, batches } => {
                    let ended = batches.range_mut(..=time).map(|(_, taken)| std::mem::take(&mut taken.held));
                    Some((Arc::clone(from), ended.sum()))
                }
                _ => None,
            });
            held.collect()
        });
        ended.iter().for_each(|(feed, bytes)| feed.release(*bytes));
    }

    fn forget(&self, until: Millis) {
        let dropped: Vec<_> = self.with_live(|all| {
            let batches = all.values_mut().filter_map(|live| match live {
                Live::Received { batches, .. } => Some(batches),
                _ => None,
            });
            batches
                .map(|batches| {
                    let kept = batches.split_off(&Millis(until.0 + 1));
                    std::mem::replace(batches, kept)
                })
                .collect()
        });
        drop(dropped);
    }

    fn input(&self, node: NodeId, _spec: &Self::Input, time: Millis) -> Result<Option<Self::Rdd>> {
        self.with_live(|all| match all.get_mut(&node) {
            None => Err(EngineError::Bug(format!("input {node:?} was not started"))),
            Some(Live::Queue { left, gone, one_at_a_time, empty }) => {
                let count = if *one_at_a_time { left.len().min(1) } else { left.len() };
                let mut taken: Vec<_> = left.drain(..count).collect();
                if self.durable.get().is_some() {
                    gone.extend(taken.iter().map(|rdd| (time, Arc::clone(rdd))));
                }
                Ok(Some(match taken.len() {
                    0 | 1 => taken.pop().unwrap_or_else(|| Arc::clone(empty)),
                    _ => Rdd::union(taken)?,
                }))
            }
            Some(Live::Received { batches, .. }) => {
                let groups = batches.get(&time).map(|taken| taken.groups.clone()).unwrap_or_default();
                Ok(Some(Rdd::new(Op::Held(groups))))
            }
            Some(Live::Files(monitor, records)) => {
                let warn = Arc::clone(&self.warn);
                let durable = self.durable.get();
                let files = match durable.and_then(|durable| durable.planned_files(node, time)) {
                    Some(files) => {
                        monitor.select(time.0, files.clone());
                        files
                    }
                    None => {
                        let files = monitor.new_files(time.0, &|text| warn(text));
                        if let Some(durable) = durable {
                            durable.selected(node, time, &files);
                        }
                        files
                    }
                };
                stream_files(&files, *records, &self.told, &self.warn).map(Some)
            }
        })
    }

    fn transform(&self, func: &Self::Func, time: Millis, parents: &[Option<Self::Rdd>]) -> Result<Option<Self::Rdd>> {
        attach(|py| {
            let nodes: Vec<Option<PyRdd>> = parents.iter().map(|rdd| rdd.clone().map(PyRdd)).collect();
            let _calls = calling(func.bind(py), "the function of a transformation");
            in_one_process(|| {
                rdd_of(&callback(py, "transform")?.call1((&self.context, func.as_ref(), time.0, nodes))?)
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
                rdd_of(&callback(py, "fold")?.call1((&self.context, func.as_ref(), time.0, older, newer))?)
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
        let replaced = || self.durable.get().map_or(Ok(()), |durable| self.blocking(|| durable.only_replaced()));
        replaced()?;
        let ran = attach(|py| {
            let _calls = calling(func.bind(py), "an output:");
            in_one_process(|| {
                callback(py, "output")?.call1((&self.context, func.as_ref(), time.0, PyRdd(rdd))).map(drop)
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
        self.durable.get().map_or(Ok(()), |durable| self.blocking(|| durable.plan(time)))
    }

    fn keep(&self, moment: Moment<Self>) -> Result<()> {
        let Some(durable) = self.durable.get() else { return Ok(()) };
        let inputs = self.inputs_at(&moment)?;
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
            taken: durable.taken_until(moment.forgotten.0),
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
        log("report", &[what, &text]);
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
