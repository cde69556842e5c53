//! Which jobs run in which order?
//!
//! Owns the queue of job sets and the worker that empties it, the second of the stream's two threads.
//! 1. Job sets run in the order in which they were pushed, which is that of their times; a set's jobs run in order of
//!    the outputs' definition; one job at a time. (`spark.streaming.concurrentJobs` would be several workers that take
//!    jobs, not sets, from the same queue; a set is then complete with its last job.)
//! 2. A job that fails is reported; the later jobs of its batch run, and so do later batches.
//! 3. Once a set is complete, its RDD handles are gone and the batch loop is told.
//! 4. Once abandoned, no job begins and nothing is told any more.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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

/// The job sets that wait for the worker.
pub(super) struct JobQueue<D: Driver> {
    line: Mutex<Line<D>>,
    changed: Condvar,
}

struct Line<D: Driver> {
    waiting: VecDeque<JobSet<D>>,
    closed: bool,
    abandoned: bool,
}

impl<D: Driver> JobQueue<D> {
    pub(super) fn new() -> Self {
        let line = Line { waiting: VecDeque::new(), closed: false, abandoned: false };
        Self { line: Mutex::new(line), changed: Condvar::new() }
    }

    /// Queues a set; a closed queue drops it.
    pub(super) fn push(&self, set: JobSet<D>) {
        let mut line = self.lock();
        if line.closed {
            drop(line);
            return drop(set);
        }
        line.waiting.push_back(set);
        drop(line);
        self.changed.notify_all();
    }

    /// No more sets; those that wait still run.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// No more sets, and those that wait do not run.
    pub(super) fn drop_waiting(&self) {
        let dropped = std::mem::take(&mut self.lock().waiting);
        self.close();
        // Only now, without the lock: dropping RDD handles may need the interpreter.
        drop(dropped);
    }

    /// Not even the jobs of the set that runs begin any more.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.drop_waiting();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// The next set; waits for it. `None` once the queue is closed and empty.
    fn take(&self, driver: &D) -> Option<JobSet<D>> {
        if let Some(set) = self.lock().waiting.pop_front() {
            return Some(set);
        }
        driver.blocking(|| {
            let idle = |line: &mut Line<D>| line.waiting.is_empty() && !line.closed;
            let mut line = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            line.waiting.pop_front()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Line<D>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs job sets until the queue is closed and empty.
pub(super) fn run<D: Driver>(shared: &Shared<D>) {
    while let Some(set) = shared.queue.take(&shared.driver) {
        let time = set.time;
        if !set.jobs.is_empty() {
            run_set(shared, set);
        }
        shared.mailbox.send(Message::Completed(time));
    }
}

fn run_set<D: Driver>(shared: &Shared<D>, set: JobSet<D>) {
    let mut info = set.info();
    let last = set.jobs.len() - 1;
    info.processing_start = Some(shared.now());
    shared.tell(&StreamEvent::BatchStarted(info.clone()));
    for (id, job) in set.jobs.into_iter().enumerate() {
        if shared.queue.is_abandoned() {
            return;
        }
        let outcome = run_job(shared, set.time, job, &mut info.outputs[id]);
        if shared.queue.is_abandoned() {
            return report_late(shared, set.time, id, outcome);
        }
        shared.tell(&StreamEvent::OutputOperationCompleted(info.outputs[id].clone()));
        if id == last {
            info.processing_end = info.outputs[id].ended;
            shared.tell(&StreamEvent::BatchCompleted(info.clone()));
        }
        // After the events: whoever is woken by the error may stop the stream at once.
        if let Err(error) = outcome {
            shared.fail(&job_failed(set.time, id), error);
        }
    }
}

fn run_job<D: Driver>(shared: &Shared<D>, time: Millis, job: Job<D>, info: &mut OutputInfo) -> Result<()> {
    info.started = Some(shared.now());
    shared.tell(&StreamEvent::OutputOperationStarted(info.clone()));
    let outcome = shared.driver.output(&job.output.func, time, job.rdd);
    info.ended = Some(shared.now());
    info.failure = outcome.as_ref().err().map(ToString::to_string);
    outcome
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
