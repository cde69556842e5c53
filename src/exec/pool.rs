//! Which threads run tasks?
//!
//! They have deep stacks (`stack.rs`): tasks call functions of the program, and walk along lineages.
//! 1. At most `threads` tasks of wanted stages run at once.
//! 2. A task whose result nobody wants may be stuck in user code (asleep, say) and cannot be stopped. It keeps its thread,
//!    but not its place: the pool it occupies is left to it and replaced by a new one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{EngineError, Result};
use crate::stack;

struct Threads {
    pool: rayon::ThreadPool,
    /// Tasks of abandoned stages that still run here.
    stuck: AtomicUsize,
}

/// The task threads of a context.
pub(super) struct TaskPool {
    size: usize,
    current: Mutex<Arc<Threads>>,
}

/// A stage's place in the pool, and its running tasks.
pub(super) struct StagePlace {
    threads: Arc<Threads>,
    running: Arc<AtomicUsize>,
}

impl TaskPool {
    pub(super) fn new(size: usize) -> Result<Self> {
        Ok(Self { size, current: Mutex::new(start(size)?) })
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// A place for the tasks of one stage.
    pub(super) fn stage(&self) -> Result<StagePlace> {
        Ok(StagePlace { threads: self.free_threads()?, running: Arc::default() })
    }

    fn free_threads(&self) -> Result<Arc<Threads>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.stuck.load(Ordering::Acquire) > 0 {
            // The old threads end when their tasks do.
            *current = start(self.size)?;
        }
        Ok(Arc::clone(&current))
    }
}

impl StagePlace {
    /// Runs `task` on a thread of the pool.
    pub(super) fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        let (running, threads) = (Arc::clone(&self.running), Arc::downgrade(&self.threads));
        self.threads.pool.spawn(move || {
            running.fetch_add(1, Ordering::AcqRel);
            task();
            // After `abandon` the count has gone over to `stuck`.
            let counted = running.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
            if counted.is_err()
                && let Some(threads) = threads.upgrade()
            {
                threads.stuck.fetch_sub(1, Ordering::AcqRel);
            }
        });
    }

    /// The tasks that still run are not wanted any more.
    pub(super) fn abandon(&self) {
        let left = self.running.swap(0, Ordering::AcqRel);
        self.threads.stuck.fetch_add(left, Ordering::AcqRel);
    }
}

fn start(size: usize) -> Result<Arc<Threads>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(size)
        .spawn_handler(|thread| stack::spawn(format!("dstreams-task-{}", thread.index()), || thread.run()).map(drop))
        .build()
        .map_err(|problem| EngineError::Invalid { parameter: "master", problem: problem.to_string() })?;
    Ok(Arc::new(Threads { pool, stuck: AtomicUsize::new(0) }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossbeam_channel::bounded;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_stuck_task_of_an_abandoned_stage_does_not_hold_up_the_next() {
        let pool = TaskPool::new(1).expect("one thread");
        let ((begun, begins), (release, released)) = (bounded(1), bounded::<()>(1));
        let first = pool.stage().expect("a place");
        first.spawn(move || {
            begun.send(()).expect("the test waits");
            assert!(released.recv().is_err(), "ends when the sender is dropped");
        });
        begins.recv_timeout(LONG).expect("the first task begins");
        first.abandon();
        let (done, next) = bounded(1);
        pool.stage().expect("a place").spawn(move || done.send(()).expect("the test waits"));
        next.recv_timeout(LONG).expect("the second task runs while the first is stuck");
        drop(release);
    }
}
