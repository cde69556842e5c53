//! How does a program wait for the end of its stream?
//!
//! Owns what `awaitTermination` needs: has the stream stopped, and what was the last error?
//! 1. An error goes before the stop, and is told by every wait from then on; the newest error wins.
//! 2. Whoever waits wakes at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::EngineError;

/// What a wait found.
#[derive(Debug, Clone)]
pub enum Waited {
    /// The stream still runs, without an error.
    TimedOut,
    /// The stream has stopped.
    Stopped,
    /// Something failed; the stream may still run.
    Failed(Arc<EngineError>),
}

#[derive(Default)]
struct End {
    stopped: bool,
    error: Option<Arc<EngineError>>,
    /// Errors so far.
    errors: u64,
}

impl End {
    fn is_near(&self) -> bool {
        self.stopped || self.error.is_some()
    }
}

/// Where programs wait for the end of a stream.
#[derive(Default)]
pub struct Waiter {
    end: Mutex<End>,
    changed: Condvar,
}

impl Waiter {
    /// Something failed: all waits, now and later, tell this error.
    pub fn notify_error(&self, error: EngineError) {
        self.note_error(error);
        self.changed.notify_all();
    }

    /// The same without waking anybody: a stop follows, and wakes them when it is complete.
    pub fn note_error(&self, error: EngineError) {
        let mut end = self.lock();
        end.error = Some(Arc::new(error));
        end.errors += 1;
    }

    /// How many errors there have been.
    pub fn errors(&self) -> u64 {
        self.lock().errors
    }

    /// The newest error, if there have been more than `count`.
    pub fn error_since(&self, count: u64) -> Option<Arc<EngineError>> {
        let end = self.lock();
        end.error.clone().filter(|_| end.errors > count)
    }

    /// The stream has stopped.
    pub fn notify_stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Blocks for at most `longest`. The caller leaves the interpreter first.
    pub fn wait_slice(&self, longest: Duration) -> Waited {
        let end = self.lock();
        let (end, _) =
            self.changed.wait_timeout_while(end, longest, |end| !end.is_near()).unwrap_or_else(PoisonError::into_inner);
        match &end.error {
            Some(error) => Waited::Failed(Arc::clone(error)),
            None if end.stopped => Waited::Stopped,
            None => Waited::TimedOut,
        }
    }

    fn lock(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn failure(waited: &Waited) -> String {
        match waited {
            Waited::Failed(error) => error.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_wait_ends_at_once_when_the_stream_stops() {
        let waiter = Waiter::default();
        assert!(matches!(waiter.wait_slice(Duration::ZERO), Waited::TimedOut));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| waiter.wait_slice(LONG));
            waiter.notify_stop();
            assert!(matches!(waiting.join().unwrap(), Waited::Stopped));
        });
    }

    #[test]
    fn the_newest_error_is_told_again_and_again() {
        let waiter = Waiter::default();
        waiter.notify_error(EngineError::Bug("one".into()));
        assert!(failure(&waiter.wait_slice(LONG)).ends_with("one"));
        waiter.notify_error(EngineError::Bug("two".into()));
        waiter.notify_stop();
        for _ in 0..2 {
            assert!(failure(&waiter.wait_slice(LONG)).ends_with("two"));
        }
    }
}
