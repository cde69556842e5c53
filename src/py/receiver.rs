//! How does a receiver in Python store its items, and when must it wait?
//!
//! Owns `Store`, what a receiver's `store` and `store_many` call, and the class that Python sees. Blocks, their order and the pace
//! are `input::Inbox`'s.
//! 1. Items become sealed blocks in the thread that stores them, a thousand at a time. The batch takes what is there, whole
//!    blocks or not.
//! 2. Whoever stores waits for the rate and for room, without the interpreter, until the intake is closed; rate and room
//!    are those that sockets keep to.
//! 3. Block intervals and the pauses before a restart are on the stream's clock; rates are on the system's.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use super::errors::to_python;
use super::gil::{checked, on_main_thread};
use crate::error::EngineError;
use crate::input::{Cut, Inbox};
use crate::monitor::ReceiverReport;
use crate::object::attach::try_attach;
use crate::object::seal_list;
use crate::source::{BlockLog, Rate, Room, Taken};
use crate::stream::{Clock, Millis, Wait, Wake};

/// So many chunks of one `store_many` go to the log at once.
const CHUNKS_A_COMMIT: usize = 64;

/// How often a thread that waits for room looks for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// What one receiver in Python stores, until a batch takes it.
#[pyclass(name = "Intake", module = "dstreams._native", frozen)]
pub(crate) struct PyIntake(pub(crate) Arc<Store>);

/// The inside of an intake.
pub(crate) struct Store {
    inbox: Inbox<Py<PyAny>>,
    clock: Arc<dyn Clock>,
    /// Those who wait on the clock; `None` once closed.
    waiting: Mutex<Option<Vec<Wake>>>,
    /// Threads that stored something after the intake was closed.
    refused: Mutex<Vec<ThreadId>>,
    pub(crate) report: OnceLock<ReceiverReport>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    fn new(clock: Arc<dyn Clock>, interval: Millis, limit: usize) -> Self {
        Self {
            inbox: Inbox::new(clock.now().0, interval.0, limit),
            clock,
            waiting: Mutex::new(Some(Vec::new())),
            refused: Mutex::default(),
            report: OnceLock::new(),
        }
    }

    /// From now on blocks go to a log first.
    pub(super) fn log_to(&self, log: Arc<dyn BlockLog>, first: u64) {
        self.inbox.intake.log_to(log, first);
    }

    /// From now on items come no faster than `rate`, which may change at any time.
    pub(super) fn keep_to(&self, rate: Arc<Rate>) {
        self.inbox.keep_to(rate);
    }

    /// Waits on the stream's clock; false if the intake was opened or closed before. Without the interpreter.
    fn wait_until(&self, time: Millis) -> bool {
        let wake = Wake::default();
        match lock(&self.waiting).as_mut() {
            Some(waiting) => waiting.push(wake.clone()),
            None => return false,
        }
        // Looked at after the wake is known: whoever opens or closes the intake wakes all that are known then.
        let reached = self.inbox.intake.is_bounded() && self.clock.wait_until(time, &wake) == Wait::Reached;
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.retain(|other| !other.is(&wake));
        }
        reached
    }

    /// Waits until so many more items may come. False once the intake is closed.
    fn admit(&self, py: Python<'_>, items: usize) -> PyResult<bool> {
        while let Some(pause) = self.inbox.pause(items) {
            py.check_signals()?;
            py.detach(|| self.inbox.intake.wait_while_bounded(pause));
        }
        if self.inbox.intake.room() == Room::Free {
            return Ok(true);
        }
        loop {
            match py.detach(|| self.inbox.intake.wait_for_room(0, SIGNALS)) {
                Room::Free => return Ok(true),
                Room::Closed => return self.refuse(py).map(|()| false),
                Room::Full => py.check_signals()?,
            }
        }
    }

    /// Nothing can be stored any more. A thread of the receiver's is told by `is_stopped`, and may not have looked yet; if
    /// it goes on, it is ended, without a word.
    fn refuse(&self, py: Python<'_>) -> PyResult<()> {
        let problem = "nothing can be stored any more: the receiver has been stopped (ask is_stopped())";
        if on_main_thread(py)? {
            let (class, problem) = ("org.apache.spark.SparkException", problem.into());
            return Err(to_python(py, &EngineError::Refused { class, problem }));
        }
        let me = thread::current().id();
        let mut refused = lock(&self.refused);
        if refused.contains(&me) {
            return Err(PySystemExit::new_err(problem));
        }
        refused.push(me);
        Ok(())
    }

    /// Seals a block and lets it in, behind all that were cut before it: they may still be at it in other threads. With a
    /// log, it is durable then.
    fn seal(&self, py: Python<'_>, cut: Cut<Py<PyAny>>) -> PyResult<()> {
        let place = self.let_in(py, cut)?;
        self.commit(py, place)
    }

    /// Waits for the log, without the interpreter.
    fn commit(&self, py: Python<'_>, place: Option<u64>) -> PyResult<()> {
        let durable = py.detach(|| self.inbox.intake.commit(place));
        checked(py, durable)
    }

    /// The same without waiting for the log.
    fn let_in(&self, py: Python<'_>, cut: Cut<Py<PyAny>>) -> PyResult<Option<u64>> {
        let sealed = PyList::new(py, cut.items).and_then(|items| seal_list(&items));
        let (block, outcome) = match sealed {
            Ok(block) => (Some(block), Ok(())),
            Err(raised) => (None, Err(raised)),
        };
        let place = checked(py, self.inbox.let_in(cut.place, block))?;
        outcome.map(|()| place)
    }

    fn store(&self, py: Python<'_>, item: Py<PyAny>) -> PyResult<()> {
        if !self.admit(py, 1)? {
            return Ok(());
        }
        let done = self.inbox.push(item, self.clock.now().0);
        done.map_or(Ok(()), |done| self.seal(py, done))
    }

    fn store_many(&self, py: Python<'_>, items: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut items = items.try_iter()?;
        let (group, before) = self.inbox.own_group();
        let mut place = before.map_or(Ok(None), |before| self.let_in(py, before))?;
        let stored = self.let_in_all(py, &mut items, group, &mut place);
        // Also what came before something that could not be stored.
        let durable = self.commit(py, place);
        stored.and(durable)
    }

    /// Lets chunk after chunk in. One wait for the log is enough for many; `place` is what is left to wait for.
    fn let_in_all(
        &self,
        py: Python<'_>,
        items: &mut Bound<'_, PyIterator>,
        group: u64,
        place: &mut Option<u64>,
    ) -> PyResult<()> {
        for turn in 1_usize.. {
            let chunk = self.next_of(items)?;
            let is_slow = chunk.len() < self.inbox.chunk();
            if chunk.is_empty() || !self.admit(py, chunk.len())? {
                break;
            }
            *place = self.let_in(py, self.inbox.cut_of(group, chunk))?.max(*place);
            if is_slow || turn.is_multiple_of(CHUNKS_A_COMMIT) {
                self.commit(py, place.take())?;
            }
        }
        Ok(())
    }

    /// The next items of an iterable; fewer of one that takes its time.
    fn next_of(&self, items: &mut Bound<'_, PyIterator>) -> PyResult<Vec<Py<PyAny>>> {
        let (size, until) = (self.inbox.chunk(), self.clock.now() + Millis(self.inbox.interval()));
        let mut chunk = Vec::new();
        while chunk.len() < size
            && (chunk.is_empty() || self.clock.now() < until)
            && let Some(item) = items.next()
        {
            chunk.push(item?.unbind());
        }
        Ok(chunk)
    }

    /// The partitions so far, those of the items stored last among them; `lost` hears why these are not.
    pub(super) fn take(&self, lost: impl FnOnce(Python<'_>, PyErr)) -> Taken {
        if let Some(items) = self.inbox.cut() {
            try_attach(|py| {
                // Who takes makes durable what was taken.
                if let Err(raised) = self.let_in(py, items) {
                    lost(py, raised);
                }
            });
        }
        self.inbox.intake.take()
    }

    /// What was taken is processed.
    pub(super) fn release(&self, bytes: usize) {
        self.inbox.intake.release(bytes);
    }

    fn open(&self) {
        self.inbox.intake.open();
        lock(&self.waiting).iter().flatten().for_each(Wake::raise);
    }

    fn close(&self) {
        self.inbox.intake.close();
        let waiting = lock(&self.waiting).take();
        waiting.iter().flatten().for_each(Wake::raise);
    }
}

#[pymethods]
impl PyIntake {
    fn store(&self, py: Python<'_>, item: Py<PyAny>) -> PyResult<()> {
        self.0.store(py, item)
    }

    fn store_many(&self, py: Python<'_>, items: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.store_many(py, items)
    }

    fn pause(&self, py: Python<'_>, milliseconds: i64) -> bool {
        py.detach(|| self.0.wait_until(self.0.clock.now() + Millis(milliseconds)))
    }

    fn open(&self) {
        self.0.open();
    }

    fn close(&self) {
        self.0.close();
    }

    fn tell_started(&self, py: Python<'_>) {
        self.tell(py, ReceiverReport::started);
    }

    fn tell_error(&self, py: Python<'_>, message: &str, error: &str) {
        self.tell(py, |report| report.error(message, error));
    }

    fn tell_stopped(&self, py: Python<'_>, message: &str, error: &str) {
        self.tell(py, |report| report.stopped(message, error));
    }
}

impl PyIntake {
    pub(crate) fn new(clock: Arc<dyn Clock>, interval_ms: i64, limit: usize) -> Self {
        Self(Arc::new(Store::new(clock, Millis(interval_ms), limit)))
    }

    /// Says which stream the items are for.
    pub(crate) fn is_of(&self, py: Python<'_>, report: ReceiverReport) -> PyResult<()> {
        let set = self.0.report.set(report);
        let used = |_| EngineError::Bug("an intake belongs to two streams".into());
        checked(py, set.map_err(used))
    }

    fn tell(&self, py: Python<'_>, event: impl FnOnce(&ReceiverReport) + Send) {
        if let Some(report) = self.0.report.get() {
            py.detach(|| event(report));
        }
    }
}
