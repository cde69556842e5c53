//! Which threads run tasks?
//!
//! They have deep stacks (`stack.rs`): tasks call functions of the program, and walk along lineages.
//! 1. At most `threads` tasks of wanted stages run at once.
//! 2. A task whose result nobody wants may be stuck in user code (asleep, say) and cannot be stopped. It keeps its thread,
//!    but not its place: the pool it occupies is left to it and replaced by a new one.
//! 3. Once closed there are no threads, whoever still holds the pool; those that are busy end when their tasks do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{EngineError, Result};
use crate::stack;

/// How long closing waits for threads that have nothing to do: they need some microseconds.
const FAREWELL: Duration = Duration::from_millis(100);

struct Threads {
    pool: rayon::ThreadPool,
    /// Tasks of abandoned stages that still run here.
    stuck: AtomicUsize,
}

/// The task threads of a context.
pub(super) struct TaskPool {
    size: usize,
    current: Mutex<Option<Arc<Threads>>>,
    there: Arc<There>,
}

/// How many threads there are.
#[derive(Default)]
struct There {
    count: Mutex<usize>,
    fewer: Condvar,
}

impl There {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stage's place in the pool, and its running tasks.
pub(super) struct StagePlace {
    threads: Arc<Threads>,
    running: Arc<AtomicUsize>,
}

impl TaskPool {
    pub(super) fn new(size: usize) -> Result<Self> {
        let there = Arc::default();
        Ok(Self { size, current: Mutex::new(Some(start(size, &there)?)), there })
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
        let Some(threads) = current.as_mut() else {
            return Err(EngineError::Cancelled { reason: "SparkContext was shut down".into() });
        };
        if threads.stuck.load(Ordering::Acquire) > 0 {
            // The old threads end when their tasks do.
            *threads = start(self.size, &self.there)?;
        }
        Ok(Arc::clone(threads))
    }

    /// No more tasks. Waits for a moment until the threads are gone.
    pub(super) fn close(&self) {
        let threads = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(threads);
        drop(self.there.fewer.wait_timeout_while(self.there.lock(), FAREWELL, |count| *count > 0));
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

fn start(size: usize, there: &Arc<There>) -> Result<Arc<Threads>> {
    let (begins, ends) = (Arc::clone(there), Arc::clone(there));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(size)
        .spawn_handler(|thread| stack::spawn(format!("dstreams-task-{}", thread.index()), || thread.run()).map(drop))
        .start_handler(move |_| *begins.lock() += 1)
        .exit_handler(move |_| {
            *ends.lock() -= 1;
            ends.fewer.notify_all();
        })
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

    #[test]
    fn a_closed_pool_has_no_threads_whoever_holds_it() {
        let pool = TaskPool::new(3).expect("three threads");
        let (done, ran) = bounded(1);
        pool.stage().expect("a place").spawn(move || done.send(()).expect("the test waits"));
        ran.recv_timeout(LONG).expect("the task runs");
        pool.close();
        let count = pool.there.lock();
        let (count, late) = pool.there.fewer.wait_timeout_while(count, LONG, |count| *count > 0).expect("no panic");
        assert_eq!((*count, late.timed_out()), (0, false));
        drop(count);
        assert!(matches!(pool.stage(), Err(EngineError::Cancelled { .. })));
    }
}
