//! What does a running task know about itself?
//!
//! 1. One `Task` is one attempt at one partition, on one thread.
//! 2. `slot` belongs to the layer that runs functions: it keeps what a task's functions left (accumulator updates).

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{EngineError, Result, TaskId};
use crate::memory::{Memory, Presence, Reservation};

/// What the caller of a job says about it, by Spark's names: group, description, local properties.
pub type Properties = BTreeMap<String, String>;

/// Tells the tasks of a job to stop.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    cancelled: Arc<AtomicBool>,
    reason: Arc<Mutex<Option<String>>>,
}

impl CancelToken {
    /// Ask all tasks that share this token to stop.
    pub fn cancel(&self, reason: &str) {
        let mut held = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_with(|| reason.to_owned());
        self.cancelled.store(true, Ordering::Release);
    }

    /// Whether `cancel` was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// An error once cancelled; cheap enough for every few hundred records.
    pub fn check(&self) -> Result<()> {
        if !self.is_cancelled() {
            return Ok(());
        }
        let held = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        Err(EngineError::Cancelled { reason: held.clone().unwrap_or_default() })
    }
}

/// One attempt at one partition.
pub struct Task {
    /// Stage, partition, attempt, number.
    pub id: TaskId,
    /// Stops the task.
    pub cancel: CancelToken,
    /// The properties of its job.
    pub properties: Arc<Properties>,
    slot: Mutex<Option<Box<dyn Any + Send>>>,
    memory: Arc<Memory>,
    _counted: Presence,
}

impl Task {
    /// A task that has not begun, with all the memory there is.
    pub fn new(id: TaskId, cancel: CancelToken, properties: Arc<Properties>) -> Arc<Self> {
        Self::within(&Memory::unbounded(), id, cancel, properties)
    }

    /// A task that has not begun, and shares `memory` with others.
    pub fn within(memory: &Arc<Memory>, id: TaskId, cancel: CancelToken, properties: Arc<Properties>) -> Arc<Self> {
        let (slot, counted) = (Mutex::new(None), memory.enter());
        Arc::new(Self { id, cancel, properties, slot, memory: Arc::clone(memory), _counted: counted })
    }

    /// What the task may hold; `memory().share()` bytes for each thing that it gathers.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// For something that the task gathers: holds nothing yet, and gives back what it holds when dropped.
    pub fn reservation(&self) -> Reservation {
        self.memory.reservation()
    }

    /// Leave something with the task; the executor hands it to the job's hooks when the task succeeds.
    pub fn leave(&self, what: Box<dyn Any + Send>) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// Take what was left.
    pub fn collect(&self) -> Option<Box<dyn Any + Send>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
