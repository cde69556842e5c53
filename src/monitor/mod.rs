//! What happened to each batch, when, and how long did it take?
//!
//! Owns the events of a stream (`StreamEvent`), the interface of whoever wants to hear them (`Listener`), the list of
//! those (`Listeners`), and a bounded memory of recent batches (`BatchLog`). No threads: an event is told in the thread
//! in which it happens, so a listener that may block has to queue.
//! 1. Times are `i64` milliseconds, UTC since 1970; delays are milliseconds.
//! 2. Events of one batch come in this order: submitted, started, then per output operation started and completed,
//!    completed. Batches complete in order of time; the next one may be submitted before the last one is complete.
//! 3. A batch without jobs has no events.
//! 4. Events of one receiver come in their order, in a thread of their own: a listener may stop the stream.
//!
//! Elsewhere: who sends the events (`stream/`), the Python listener classes (`py/`).

mod log;
mod receivers;

use std::sync::{Arc, Mutex, PoisonError};

pub use log::BatchLog;
pub use receivers::{ReceiverInfo, ReceiverReport};

/// What an input stream brought into a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputInfo {
    /// Number of the input stream.
    pub stream: u32,
    /// Records received for the batch.
    pub records: u64,
    /// What else is known of them, for people to read, for instance file names.
    pub description: Option<String>,
}

/// One output operation of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutputInfo {
    /// The batch it belongs to.
    pub batch_time: i64,
    /// Position among the jobs of the batch, from 0.
    pub id: usize,
    /// Short name, for instance `foreachRDD at NativeMethodAccessorImpl.java:0`.
    pub name: String,
    /// Long form of the name.
    pub description: String,
    /// When it began; `None` before that.
    pub started: Option<i64>,
    /// When it ended, well or not; `None` before that.
    pub ended: Option<i64>,
    /// Text of the error that ended it.
    pub failure: Option<String>,
}

impl OutputInfo {
    /// How long it ran, once it has ended.
    pub fn duration(&self) -> Option<i64> {
        Some(self.ended? - self.started?)
    }
}

/// All that is known of a batch at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchInfo {
    /// Time of the batch: the end of the interval in which its data arrived.
    pub time: i64,
    /// What the inputs brought, by number of the stream.
    pub inputs: Vec<InputInfo>,
    /// When its jobs joined the queue.
    pub submitted: i64,
    /// When its first job began.
    pub processing_start: Option<i64>,
    /// When its last job ended.
    pub processing_end: Option<i64>,
    /// Its jobs, in the order in which they run.
    pub outputs: Vec<OutputInfo>,
}

impl BatchInfo {
    /// Records of all inputs together.
    pub fn records(&self) -> u64 {
        self.inputs.iter().map(|input| input.records).sum()
    }

    /// Time spent in the queue, once the first job has begun.
    pub fn scheduling_delay(&self) -> Option<i64> {
        Some(self.processing_start? - self.submitted)
    }

    /// Time between the begin of the first job and the end of the last.
    pub fn processing_delay(&self) -> Option<i64> {
        Some(self.processing_end? - self.processing_start?)
    }

    /// Time between submission and the end of the last job.
    pub fn total_delay(&self) -> Option<i64> {
        Some(self.scheduling_delay()? + self.processing_delay()?)
    }
}

/// Something that happened in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// The context has started; the time is when.
    StreamingStarted(i64),
    /// A receiver has begun, or begun again.
    ReceiverStarted(ReceiverInfo),
    /// A receiver reports an error and goes on.
    ReceiverError(ReceiverInfo),
    /// A receiver has ended, perhaps to begin again.
    ReceiverStopped(ReceiverInfo),
    /// The jobs of a batch joined the queue.
    BatchSubmitted(BatchInfo),
    /// The first job of a batch is about to begin.
    BatchStarted(BatchInfo),
    /// A job is about to begin.
    OutputOperationStarted(OutputInfo),
    /// A job has ended, well or not.
    OutputOperationCompleted(OutputInfo),
    /// The last job of a batch has ended.
    BatchCompleted(BatchInfo),
}

/// Whoever wants to hear of events.
pub trait Listener: Send + Sync {
    /// Called in the thread in which the event happened, which waits for the return.
    fn on_event(&self, event: &StreamEvent);
}

/// The listeners of one stream; may grow at any time.
#[derive(Default)]
pub struct Listeners {
    list: Mutex<Vec<Arc<dyn Listener>>>,
}

impl Listeners {
    /// A listener that hears every event from now on.
    pub fn add(&self, listener: Arc<dyn Listener>) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Tells everybody, in the order in which they were added. Calls without holding a lock.
    pub fn tell(&self, event: &StreamEvent) {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner).clone();
        list.iter().for_each(|listener| listener.on_event(event));
    }
}
