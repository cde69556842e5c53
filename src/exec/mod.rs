//! Who does the work? Stages, tasks on rayon threads, shuffle, cache, cancellation.
//!
//! Owns the thread pool of a context and the store of persisted partitions. No Python: functions come as the traits of
//! `rdd/`, and `Hooks` is how the caller's side (signals, accumulators) is reached while a job runs.
//! 1. Tasks of a stage run on at most `threads` threads; a job with one task may run on the caller's own thread.
//! 2. Map stages run before the stages that read them; a shuffle that has run is not run again.
//! 3. The first task that fails for good ends the job; its other tasks are told to stop and are not waited for.
//! 4. Nothing here may be called while attached to the interpreter.

mod compute;
mod job;
mod jobs;
mod light;
mod lots;
mod panes;
mod pool;
mod store;
mod windows;
pub mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use job::{Hooks, Job, Where};
pub use jobs::{CALL_SITE, GROUP, JobRecord, JobStatus, Jobs, StageProgress, TAGS};
pub use panes::WindowCounts;
use pool::TaskPool;
pub use store::{Sealer, Store};

use crate::error::Result;
use crate::memory::Memory;
use crate::process::Own;
use crate::rdd::{CancelToken, Rdd};

/// Runs the jobs of one context.
pub struct Executor {
    /// Of this process: a forked child has no such threads.
    pool: Own<TaskPool>,
    store: Store,
    jobs: Jobs,
    memory: Arc<Memory>,
    windows: WindowCounts,
    max_failures: u32,
    stages: AtomicU64,
    tasks: AtomicU64,
}

impl Executor {
    /// An executor with `threads` task threads that tries a task up to `max_failures` times, and holds what `memory` allows.
    pub fn new(threads: usize, max_failures: u32, sealer: Arc<dyn Sealer>, memory: Arc<Memory>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            pool: Own::new(TaskPool::new(threads)?),
            store: Store::new(Arc::clone(&memory), sealer),
            jobs: Jobs::default(),
            memory,
            windows: WindowCounts::default(),
            max_failures: max_failures.max(1),
            stages: AtomicU64::new(0),
            tasks: AtomicU64::new(0),
        }))
    }

    /// Number of task threads.
    pub fn threads(&self) -> usize {
        self.pool.size()
    }

    /// Ends its threads: no job can run any more.
    pub fn close(&self) {
        self.pool.close();
    }

    /// The jobs so far.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// What its tasks and kept blocks may hold.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// What windows did, and were spared.
    pub fn windows(&self) -> &WindowCounts {
        &self.windows
    }

    /// The persisted partitions.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Computes all partitions of an RDD and replaces its lineage by them.
    pub fn settle(self: &Arc<Self>, rdd: &Arc<Rdd>, place: Where, hooks: &dyn Hooks) -> Result<()> {
        let partitions = (0..rdd.partitions()?).collect();
        let rdd = Arc::clone(rdd);
        let job = Job { rdd, partitions, cancel: CancelToken::default(), properties: Arc::default(), place };
        job.rdd.settle(self.park(&job, hooks)?);
        job.rdd.set_persisted(None);
        self.store.forget(job.rdd.id());
        Ok(())
    }

    fn next_stage(&self) -> u64 {
        self.stages.fetch_add(1, Ordering::Relaxed)
    }

    fn next_task(&self) -> u64 {
        self.tasks.fetch_add(1, Ordering::Relaxed)
    }
}
