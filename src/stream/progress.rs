//! Up to which time has everything been done, and how is a stream driven by hand?
//!
//! Owns `Progress`, and `StreamRuntime::advance`, which turns the clock to the next batch and waits for it.
//! 1. A batch is done once its outputs have ended, all batches before it are done, and what it no longer needs is
//!    forgotten. A batch that could not be generated is done as well.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock::{Clock, ManualClock};
use super::context::StreamRuntime;
use super::driver::Driver;
use super::graph::{State, untimely};
use super::life::SIGNALS;
use super::time::{Millis, first_batch_after};
use crate::error::{EngineError, Result};

/// How far a stream has come.
#[derive(Default)]
pub(super) struct Progress {
    done: Mutex<Millis>,
    changed: Condvar,
    told: Mutex<Told>,
}

/// What `advance` has told its callers.
#[derive(Clone, Copy, Default)]
struct Told {
    batch: Millis,
    errors: u64,
}

impl Progress {
    /// The batch of `time` is done.
    pub(super) fn reach(&self, time: Millis) {
        let mut done = self.lock();
        *done = time.max(*done);
        drop(done);
        self.changed.notify_all();
    }

    /// Whether the batch of `time` is done.
    pub(super) fn has_reached(&self, time: Millis) -> bool {
        *self.lock() >= time
    }

    /// Waits until the batch of `time` is done, at most for `longest`; tells whether it is.
    fn wait(&self, time: Millis, longest: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), longest, |done| *done < time);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= time
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Millis> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> StreamRuntime<D> {
    /// Turns the clock, which is the one the stream was made with, to the next batch time and waits until that batch is
    /// done, `batches` times over. Without a clock to turn, waits for the next batches after those of the last call.
    ///
    /// Ends early, with the error, when something has failed since the last call; ends early when the stream stops.
    pub fn advance(&self, hand: Option<&ManualClock>, batches: u32) -> Result<Option<Arc<EngineError>>> {
        match self.state() {
            State::Initialized => return untimely("advance: the StreamingContext has not been started"),
            State::Stopped => return untimely("advance: the StreamingContext has been stopped"),
            State::Active => {}
        }
        if self.is_inside() {
            return untimely("advance: called from a function of the stream, so the batch would wait for itself");
        }
        let shared = self.shared();
        let (interval, zero) = self.with_graph(|graph| (graph.interval(), graph.zero().unwrap_or_default()));
        for _ in 0..batches {
            let told = *shared.progress.told();
            let next = match hand {
                Some(hand) => {
                    let next = first_batch_after(hand.now(), interval);
                    hand.set(next);
                    next
                }
                None => told.batch.max(zero) + interval,
            };
            let stopped = self.wait_for(next, told.errors)?;
            let error = shared.waiter.error_since(told.errors);
            *shared.progress.told() = Told { batch: next, errors: shared.waiter.errors() };
            if stopped || error.is_some() {
                return Ok(error);
            }
        }
        Ok(None)
    }

    /// Waits until a batch is done; true if the stream ended before.
    fn wait_for(&self, time: Millis, errors_before: u64) -> Result<bool> {
        let shared = self.shared();
        while !shared.driver.blocking(|| shared.progress.wait(time, SIGNALS)) {
            // A thread of the stream has panicked: there is nobody left to do the batch.
            let broken = matches!(shared.waiter.error_since(errors_before).as_deref(), Some(EngineError::Bug(_)));
            if broken || self.state() == State::Stopped {
                return Ok(true);
            }
            shared.driver.check_signals()?;
        }
        Ok(false)
    }
}
