//! Where is a context in its life, and who has to do the next step?
//!
//! Owns `Life`: the phase, the stream's own threads, and waiting for a phase. It decides; `context.rs` does.
//! 1. Phases only move forward: Initialized, Starting, Active, Stopping, Stopped; any of them may be skipped.
//! 2. Exactly one caller is told to start, and one to carry out each order to stop.
//! 3. The mutex is never held during a driver call. What `become_stopped` is given runs under it (lock order: life ->
//!    graph, life -> waiter), so that no thread sees a context half stopped.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::driver::Driver;
use super::graph::{State, untimely};
use crate::error::Result;

/// How often a long wait asks for Ctrl-C.
pub(super) const SIGNALS: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Initialized,
    /// `start` is under way in this thread.
    Starting(ThreadId),
    Active,
    Stopping {
        graceful: bool,
    },
    Stopped,
}

struct Facts {
    phase: Phase,
    threads: Vec<ThreadId>,
    running: usize,
}

/// The life of one context.
pub(super) struct Life {
    facts: Mutex<Facts>,
    changed: Condvar,
}

impl Life {
    pub(super) fn new() -> Self {
        let facts = Facts { phase: Phase::Initialized, threads: Vec::new(), running: 0 };
        Self { facts: Mutex::new(facts), changed: Condvar::new() }
    }

    /// As the user sees it.
    pub(super) fn state(&self) -> State {
        match self.lock().phase {
            Phase::Initialized | Phase::Starting(_) => State::Initialized,
            Phase::Active | Phase::Stopping { .. } => State::Active,
            Phase::Stopped => State::Stopped,
        }
    }

    /// Whether the caller is to start the stream; if another thread does so now, waits for the outcome.
    pub(super) fn claim_start<D: Driver>(&self, driver: &D) -> Result<bool> {
        let me = thread::current().id();
        loop {
            {
                let mut facts = self.lock();
                match facts.phase {
                    Phase::Initialized => {
                        facts.phase = Phase::Starting(me);
                        return Ok(true);
                    }
                    Phase::Starting(other) if other != me => {}
                    Phase::Starting(_) | Phase::Active | Phase::Stopping { .. } => return Ok(false),
                    Phase::Stopped => return untimely("StreamingContext has already been stopped"),
                }
            }
            self.wait_while(driver, None, |facts| matches!(facts.phase, Phase::Starting(_)))?;
        }
    }

    /// Whether the caller is to stop inputs and threads; if another thread starts the stream now, waits for the outcome.
    /// A stop that is not graceful overtakes one that is. Before the start it is over at once, `also` as below.
    pub(super) fn claim_stop<D: Driver>(&self, driver: &D, graceful: bool, also: impl Fn()) -> Result<bool> {
        let me = thread::current().id();
        loop {
            {
                let mut facts = self.lock();
                match facts.phase {
                    Phase::Starting(starter) if starter == me => {
                        return untimely("an input cannot stop the context while it is started");
                    }
                    Phase::Starting(_) => {}
                    Phase::Initialized => {
                        Self::stop_now(&mut facts, also);
                        drop(facts);
                        self.changed.notify_all();
                        return Ok(false);
                    }
                    Phase::Stopping { graceful: before } if graceful || !before => return Ok(false),
                    Phase::Stopped => return Ok(false),
                    Phase::Active | Phase::Stopping { .. } => {
                        facts.phase = Phase::Stopping { graceful };
                        return Ok(true);
                    }
                }
            }
            self.wait_while(driver, None, |facts| matches!(facts.phase, Phase::Starting(_)))?;
        }
    }

    /// The start has succeeded.
    pub(super) fn become_active(&self) {
        self.lock().phase = Phase::Active;
        self.changed.notify_all();
    }

    /// It is over. `also` runs before anybody can see that, and only the first time.
    pub(super) fn become_stopped(&self, also: impl FnOnce()) {
        Self::stop_now(&mut self.lock(), also);
        self.changed.notify_all();
    }

    /// Waits until it is over, at most for `longest`.
    pub(super) fn wait_stopped<D: Driver>(&self, driver: &D, longest: Option<Duration>) -> Result<()> {
        self.wait_while(driver, longest, |facts| facts.phase != Phase::Stopped)
    }

    /// Waits until none of the stream's threads runs, at most for `longest`.
    pub(super) fn wait_deserted<D: Driver>(&self, driver: &D, longest: Duration) -> Result<()> {
        self.wait_while(driver, Some(longest), |facts| facts.running > 0)
    }

    /// Whether the caller is one of the stream's own threads.
    pub(super) fn is_inside(&self) -> bool {
        self.lock().threads.contains(&thread::current().id())
    }

    /// A thread is about to be spawned.
    pub(super) fn expect_thread(&self) {
        self.lock().running += 1;
    }

    /// Called by that thread, first thing.
    pub(super) fn thread_began(&self) {
        self.lock().threads.push(thread::current().id());
    }

    /// An expected thread is over, or was never there. With the last one an ordered stop is complete: `also` as for
    /// `become_stopped`.
    pub(super) fn thread_ended(&self, also: impl FnOnce()) {
        let mut facts = self.lock();
        facts.running = facts.running.saturating_sub(1);
        if facts.running == 0 && matches!(facts.phase, Phase::Stopping { .. }) {
            Self::stop_now(&mut facts, also);
        }
        drop(facts);
        self.changed.notify_all();
    }

    /// Completes an ordered stop if no thread is left to do so (both have panicked).
    pub(super) fn stop_if_deserted(&self, also: impl FnOnce()) {
        let mut facts = self.lock();
        if facts.running == 0 {
            Self::stop_now(&mut facts, also);
        }
        drop(facts);
        self.changed.notify_all();
    }

    fn stop_now(facts: &mut Facts, also: impl FnOnce()) {
        if facts.phase != Phase::Stopped {
            also();
            facts.phase = Phase::Stopped;
        }
    }

    fn wait_while<D: Driver>(
        &self,
        driver: &D,
        longest: Option<Duration>,
        wrong: impl Fn(&Facts) -> bool + Sync,
    ) -> Result<()> {
        let deadline = longest.and_then(|longest| Instant::now().checked_add(longest));
        loop {
            let left = deadline.map_or(SIGNALS, |deadline| deadline.saturating_duration_since(Instant::now()));
            let still = driver.blocking(|| {
                let waited = self.changed.wait_timeout_while(self.lock(), left.min(SIGNALS), |facts| wrong(facts));
                waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
            });
            if !still || left.is_zero() {
                return Ok(());
            }
            driver.check_signals()?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
