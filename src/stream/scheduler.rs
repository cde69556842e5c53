//! Which jobs run in which order?
//!
//! Owns the queue of batches and the work of those who empty it: one thread per job that may run at the same time, which
//! is one unless `spark.streaming.concurrentJobs` says otherwise.
//! 1. Jobs begin in the order of their batches' times, and within a batch in order of the outputs' definition. With one
//!    worker none begins before the one before has ended; with several, a batch is complete with its last job.
//! 2. A job that fails is reported; the later jobs of its batch run, and so do later batches.
//! 3. The batch loop is told of a batch once that one and all before it have ended, and their RDD handles are gone.
//! 4. Once abandoned, no job begins and nothing is told any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::driver::Driver;
use super::generator::Message;
use super::live::Job;
use super::shared::Shared;
use super::time::Millis;
use crate::error::{EngineError, Result};
use crate::monitor::{BatchInfo, InputInfo, OutputInfo, StreamEvent};

/// The jobs of one batch.
pub(super) struct JobSet<D: Driver> {
    pub(super) time: Millis,
    pub(super) jobs: Vec<Job<D>>,
    pub(super) inputs: Vec<InputInfo>,
    pub(super) submitted: i64,
}

impl<D: Driver> JobSet<D> {
    /// What listeners are told before anything has run.
    pub(super) fn info(&self) -> BatchInfo {
        let output = |(id, job): (usize, &Job<D>)| OutputInfo {
            batch_time: self.time.0,
            id,
            name: job.output.name.clone(),
            description: job.output.description.clone(),
            ..OutputInfo::default()
        };
        BatchInfo {
            time: self.time.0,
            inputs: self.inputs.clone(),
            submitted: self.submitted,
            outputs: self.jobs.iter().enumerate().map(output).collect(),
            ..BatchInfo::default()
        }
    }
}

/// A batch that has begun: what its workers know of it together.
struct Ongoing {
    time: Millis,
    facts: Mutex<Facts>,
}

struct Facts {
    info: BatchInfo,
    /// Jobs that have not ended.
    left: usize,
}

impl Ongoing {
    fn with<T>(&self, look: impl FnOnce(&mut Facts) -> T) -> T {
        look(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A batch of which not all jobs have begun.
struct Queued<D: Driver> {
    ongoing: Arc<Ongoing>,
    jobs: VecDeque<(usize, Job<D>)>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// A worker tells the listeners that the batch begins; until they know, none of its jobs may begin.
    Beginning,
    Begun,
}

/// What a worker is to do next.
enum Work<D: Driver> {
    Begin(Arc<Ongoing>),
    Run(Arc<Ongoing>, usize, Job<D>),
    /// A batch without jobs.
    Pass(Millis),
}

/// The batches that wait for the workers.
pub(super) struct JobQueue<D: Driver> {
    line: Mutex<Line<D>>,
    changed: Condvar,
}

struct Line<D: Driver> {
    waiting: VecDeque<Queued<D>>,
    /// The batches that the batch loop takes for unfinished, and whether they have ended.
    open: BTreeMap<Millis, bool>,
    closed: bool,
    abandoned: bool,
}

impl<D: Driver> Line<D> {
    fn next(&mut self) -> Option<Work<D>> {
        let first = self.waiting.front_mut()?;
        let ongoing = Arc::clone(&first.ongoing);
        match first.phase {
            Phase::Beginning => None,
            Phase::Waiting if first.jobs.is_empty() => {
                self.waiting.pop_front();
                Some(Work::Pass(ongoing.time))
            }
            Phase::Waiting => {
                first.phase = Phase::Beginning;
                Some(Work::Begin(ongoing))
            }
            Phase::Begun => {
                let next = first.jobs.pop_front();
                if first.jobs.is_empty() {
                    self.waiting.pop_front();
                }
                next.map(|(id, job)| Work::Run(ongoing, id, job))
            }
        }
    }
}

impl<D: Driver> JobQueue<D> {
    pub(super) fn new() -> Self {
        let line = Line { waiting: VecDeque::new(), open: BTreeMap::new(), closed: false, abandoned: false };
        Self { line: Mutex::new(line), changed: Condvar::new() }
    }

    /// Queues a set; a closed queue drops it.
    pub(super) fn push(&self, set: JobSet<D>) {
        let facts = Facts { info: set.info(), left: set.jobs.len() };
        let ongoing = Arc::new(Ongoing { time: set.time, facts: Mutex::new(facts) });
        let queued = Queued { ongoing, jobs: set.jobs.into_iter().enumerate().collect(), phase: Phase::Waiting };
        let mut line = self.lock();
        if line.closed {
            drop(line);
            return drop(queued);
        }
        line.open.insert(set.time, false);
        line.waiting.push_back(queued);
        drop(line);
        self.changed.notify_all();
    }

    /// No more sets; those that wait still run.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// No more sets, and those that have not begun do not run.
    pub(super) fn drop_waiting(&self) {
        self.drop_where(|queued| queued.phase == Phase::Waiting);
    }

    /// Not even the jobs of the batches that run begin any more.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.drop_where(|_| true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    fn drop_where(&self, unwanted: impl Fn(&Queued<D>) -> bool) {
        let all = std::mem::take(&mut self.lock().waiting);
        let (dropped, kept) = all.into_iter().partition::<VecDeque<_>, _>(|queued| unwanted(queued));
        self.lock().waiting = kept;
        self.close();
        // Only now, without the lock: dropping RDD handles may need the interpreter.
        drop(dropped);
    }

    /// The next thing to do; waits for it. `None` once the queue is closed and empty.
    fn take(&self, driver: &D) -> Option<Work<D>> {
        if let Some(work) = self.lock().next() {
            return Some(work);
        }
        driver.blocking(|| {
            let mut line = self.lock();
            loop {
                if let Some(work) = line.next() {
                    return Some(work);
                }
                if line.closed && line.waiting.is_empty() {
                    return None;
                }
                line = self.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
            }
        })
    }

    /// The listeners know that this batch, the first in the queue, has begun.
    fn begun(&self, batch: &Ongoing) {
        if let Some(first) = self.lock().waiting.front_mut()
            && first.ongoing.time == batch.time
        {
            first.phase = Phase::Begun;
        }
        self.changed.notify_all();
    }

    /// A batch has ended; the answer is those that the batch loop may be told of now.
    fn ended(&self, time: Millis) -> Vec<Millis> {
        let mut line = self.lock();
        line.open.insert(time, true);
        let mut told = Vec::new();
        while let Some(oldest) = line.open.first_entry().filter(|oldest| *oldest.get()) {
            told.push(oldest.remove_entry().0);
        }
        told
    }

    fn lock(&self) -> MutexGuard<'_, Line<D>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs jobs until the queue is closed and empty.
pub(super) fn run<D: Driver>(shared: &Shared<D>) {
    while let Some(work) = shared.queue.take(&shared.driver) {
        match work {
            Work::Begin(batch) => {
                let started = shared.now();
                let info = batch.with(|facts| {
                    facts.info.processing_start = Some(started);
                    facts.info.clone()
                });
                shared.tell(&StreamEvent::BatchStarted(info));
                shared.queue.begun(&batch);
            }
            Work::Run(batch, id, job) => run_job(shared, &batch, id, job),
            Work::Pass(time) => end_batch(shared, time),
        }
    }
}

fn run_job<D: Driver>(shared: &Shared<D>, batch: &Ongoing, id: usize, job: Job<D>) {
    let (time, started) = (batch.time, shared.now());
    let output = change(batch, id, |output| output.started = Some(started));
    shared.tell(&StreamEvent::OutputOperationStarted(output));
    let outcome = shared.driver.output(&job.output.func, time, job.rdd);
    let ended = shared.now();
    if shared.queue.is_abandoned() {
        return report_late(shared, time, id, outcome);
    }
    let output = change(batch, id, |output| {
        output.ended = Some(ended);
        output.failure = outcome.as_ref().err().map(ToString::to_string);
    });
    shared.tell(&StreamEvent::OutputOperationCompleted(output));
    let complete = batch.with(|facts| {
        facts.left -= 1;
        facts.info.processing_end = (facts.left == 0).then_some(ended);
        (facts.left == 0).then(|| facts.info.clone())
    });
    let is_complete = complete.is_some();
    if let Some(info) = complete {
        shared.tell(&StreamEvent::BatchCompleted(info));
    }
    // After the events: whoever is woken by the error may stop the stream at once.
    if let Err(error) = outcome {
        shared.fail(&job_failed(time, id), error);
    }
    if is_complete {
        end_batch(shared, time);
    }
}

fn end_batch<D: Driver>(shared: &Shared<D>, time: Millis) {
    for time in shared.queue.ended(time) {
        shared.mailbox.send(Message::Completed(time));
    }
}

/// Changes what is known of an output, and tells it.
fn change(batch: &Ongoing, id: usize, how: impl FnOnce(&mut OutputInfo)) -> OutputInfo {
    batch.with(|facts| {
        how(&mut facts.info.outputs[id]);
        facts.info.outputs[id].clone()
    })
}

/// A job ended after the stream had stopped. Nobody waits for its error; only one that is not due to the stop is logged.
fn report_late<D: Driver>(shared: &Shared<D>, time: Millis, id: usize, outcome: Result<()>) {
    match outcome {
        Ok(()) | Err(EngineError::Cancelled { .. }) => {}
        Err(error) => shared.driver.report_error(&job_failed(time, id), &error),
    }
}

fn job_failed(time: Millis, id: usize) -> String {
    format!("Error running job streaming job {time}.{id}")
}
