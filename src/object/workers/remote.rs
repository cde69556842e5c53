//! How does a chain of steps run in a worker process?
//!
//! The task's thread keeps its place in the engine: it pulls the input, and hands on the results block by block, each only
//! when it is asked for. The worker runs the very same chain (`serve.rs` there). What the frames hold is made and read by
//! `dstreams.core.workers.travel`.
//! 1. While it waits for the worker the thread is detached and has no turn.
//! 2. A worker goes back to its crew after the last frame of its task; in all other cases it is killed.
//! 3. Accumulator updates come with the last frame, and become the task's.

use std::ops::Range;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::exec::workers::{Crew, Frame, Kind, Launch, Seat, Worker};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::called;
use crate::object::{frames, objects, task, turn};
use crate::process::Origin;
use crate::rdd::{Blocks, Taker, Task};

/// The worker processes of one context.
#[pyclass(name = "Workers", module = "dstreams._native", frozen)]
pub(crate) struct Workers {
    crew: Arc<Crew<Notes>>,
    tries: u32,
    /// Gives the local folders, for workers that need one.
    folders: Arc<Py<PyAny>>,
}

/// What `dstreams.core.workers.travel.Peer` notes about a worker.
type Notes = Option<Py<PyAny>>;

#[pymethods]
impl Workers {
    /// `count` processes, started as `command` when they are needed; a task that loses its worker is tried `tries` times.
    /// `folders()` gives the paths of local folders.
    #[new]
    fn new(
        count: usize,
        tries: u32,
        command: Vec<String>,
        environment: Vec<(String, String)>,
        folders: Py<PyAny>,
    ) -> Self {
        let mut command = command.into_iter();
        let launch = Launch { program: command.next().unwrap_or_default(), arguments: command.collect(), environment };
        Self { crew: Arc::new(Crew::new(count, launch)), tries, folders: Arc::new(folders) }
    }

    /// Ends all of them, those with a task included.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.crew.stop());
    }

    /// The process numbers of those that are there now.
    fn processes(&self) -> Vec<u32> {
        self.crew.processes()
    }
}

/// A chain as a worker gets it, and who runs it.
pub(crate) struct Remote {
    crew: Arc<Crew<Notes>>,
    tries: u32,
    folders: Arc<Py<PyAny>>,
    shipment: Py<PyBytes>,
    /// Per function of the chain: whether it is the program's own, or calls such a one.
    own: Vec<bool>,
}

impl Remote {
    /// `shipment` and `own` are what `travel.shipment` made of the steps and their functions.
    pub(crate) fn new(workers: &Workers, shipment: Py<PyBytes>, own: Vec<bool>) -> Arc<Self> {
        let (crew, folders) = (Arc::clone(&workers.crew), Arc::clone(&workers.folders));
        Arc::new(Self { crew, tries: workers.tries, folders, shipment, own })
    }

    /// Whether one of these functions of the chain is the program's own.
    pub(crate) fn calls_any(&self, functions: Range<usize>) -> bool {
        self.own[functions].contains(&true)
    }

    /// The results of the chain, computed in a worker as they are pulled; or what `taker` takes instead.
    pub(crate) fn run(self: &Arc<Self>, taker: Option<Taker>, task: &Arc<Task>, index: usize, input: Blocks) -> Blocks {
        let state = State::Waiting(input);
        Box::new(RemoteBlocks {
            remote: Arc::clone(self),
            task: Arc::clone(task),
            taker,
            index,
            state,
            origin: Origin::here(),
        })
    }

    /// Says which setting a lost worker belongs to, and how often the task may be tried.
    fn explain(&self, task: &Task, error: EngineError) -> EngineError {
        let EngineError::WorkerLost { problem, .. } = error else { return error };
        let (size, tries) = (self.crew.size(), self.tries);
        let problem = format!(
            "Python worker exited unexpectedly (crashed): {problem}, and with it {}. Functions run in processes of their \
             own because spark.dstreams.python.workers is {size}; a task whose process ends is tried \
             spark.task.maxFailures times ({tries})",
            task.id
        );
        EngineError::WorkerLost { problem, tries }
    }
}

/// A worker that has a task.
struct Session {
    worker: Worker,
    seat: Seat,
    peer: Py<PyAny>,
    input: Blocks,
}

enum State {
    Waiting(Blocks),
    /// The worker waits to be asked for the next block.
    Running(Session),
    Over,
}

struct RemoteBlocks {
    remote: Arc<Remote>,
    task: Arc<Task>,
    /// Who takes the elements, if they are no results.
    taker: Option<Taker>,
    /// The RDD's partition, which need not be the task's.
    index: usize,
    state: State,
    origin: Origin,
}

impl RemoteBlocks {
    fn attached<T>(&self, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
        let done = attach(|py| task::within(&self.task, || work(py)));
        done.map_err(|raised| self.task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
    }

    fn begin(&self, input: Blocks) -> Result<Session> {
        let cancel = &self.task.cancel;
        let (seat, worker, notes) = self.remote.crew.hire(cancel)?;
        let (id, properties) = (self.task.id, &self.task.properties);
        let (peer, order) = self.attached(|py| {
            let peer = match notes {
                Some(peer) => peer,
                None => called::PEER.get(py)?.call1((self.remote.folders.as_ref(),))?.unbind(),
            };
            let numbers = (id.stage, id.partition, id.attempt, id.number);
            let taker = self.taker.map(frames::told);
            let order = (&self.remote.shipment, self.index, numbers, taker, properties.as_ref().clone());
            let order = bytes_of(&peer.bind(py).call_method1("task", order)?)?;
            Ok((peer, order))
        })?;
        let mut session = Session { worker, seat, peer, input };
        session.worker.send(Kind::Task, &order, cancel)?;
        Ok(session)
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        let session = match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting(input) => self.begin(input)?,
            State::Running(mut session) => {
                session.seat.computes(true);
                session.worker.send(Kind::Next, &[], &self.task.cancel)?;
                session
            }
            State::Over => return Ok(None),
        };
        self.listen(session)
    }

    /// Serves the worker until it has made a block, or ended.
    fn listen(&mut self, mut session: Session) -> Result<Option<Block>> {
        loop {
            let Frame { kind, data } = session.worker.receive(&self.task.cancel)?;
            match kind {
                Kind::Need => self.feed(&mut session)?,
                Kind::Ask => self.answer(&mut session, &data)?,
                Kind::Block => {
                    session.seat.computes(false);
                    let block = self.attached(|py| read_block(py, &data))?;
                    self.state = State::Running(session);
                    return Ok(Some(block));
                }
                Kind::Done => {
                    self.attached(|py| keep_updates(py, &data))?;
                    self.dismiss(session);
                    return Ok(None);
                }
                Kind::Failed => {
                    let raised = self.attached(|py| read_failure(py, &data))?;
                    self.dismiss(session);
                    return Err(user_error(raised));
                }
                unexpected => return Err(EngineError::Bug(format!("a worker said {unexpected:?}"))),
            }
        }
    }

    fn dismiss(&self, session: Session) {
        self.remote.crew.dismiss(session.worker, Some(session.peer));
    }

    fn feed(&self, session: &mut Session) -> Result<()> {
        let Session { worker, seat, peer, input } = session;
        let Some(block) = seat.feeding(|| input.next()) else {
            return worker.send(Kind::End, &[], &self.task.cancel);
        };
        let block = block?;
        let data = self.attached(|py| {
            let items = PyList::new(py, objects::load(py, &block)?)?;
            bytes_of(&peer.bind(py).call_method1("items", (items,))?)
        })?;
        drop(block);
        worker.send(Kind::Input, &data, &self.task.cancel)
    }

    fn answer(&self, session: &mut Session, question: &[u8]) -> Result<()> {
        let peer = &session.peer;
        let answer =
            self.attached(|py| bytes_of(&peer.bind(py).call_method1("answer", (PyBytes::new(py, question),))?))?;
        session.worker.send(Kind::Answer, &answer, &self.task.cancel)
    }

    /// No more blocks are wanted: lets the worker end its task, for the sake of what it left.
    fn finish(&mut self) -> Result<()> {
        if let State::Running(mut session) = std::mem::replace(&mut self.state, State::Over) {
            session.seat.computes(true);
            session.worker.send(Kind::Stop, &[], &self.task.cancel)?;
            self.listen(session)?;
        }
        Ok(())
    }
}

impl Iterator for RemoteBlocks {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        turn::aside(|| self.advance()).map_err(|error| self.remote.explain(&self.task, error)).transpose()
    }
}

impl Drop for RemoteBlocks {
    fn drop(&mut self) {
        if !matches!(self.state, State::Running(_)) || !self.origin.is_here() {
            return;
        }
        // Nobody is left to hear of a failure, and the worker it happened in has been killed.
        let _ = crate::py::detached(|| turn::aside(|| self.finish()));
    }
}

fn bytes_of(made: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    Ok(made.cast::<PyBytes>()?.as_bytes().to_vec())
}

fn read_block(py: Python<'_>, data: &[u8]) -> PyResult<Block> {
    frames::loaded(objects::pickle_loads(py)?.call1((PyBytes::new(py, data),))?)
}

/// Adds what the worker's functions added to accumulators to what the task has added so far.
fn keep_updates(py: Python<'_>, data: &[u8]) -> PyResult<()> {
    if data.is_empty() {
        return Ok(());
    }
    called::KEEP_UPDATES.get(py)?.call1((PyBytes::new(py, data),)).map(drop)
}

fn read_failure(py: Python<'_>, data: &[u8]) -> PyResult<PyErr> {
    let read = called::LOAD_FAILURE.get(py)?;
    Ok(PyErr::from_value(read.call1((PyBytes::new(py, data),))?))
}
