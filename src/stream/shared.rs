//! What do the batch loop, the scheduler and the context have in common?
//!
//! Owns `Shared`: one handle on everything that a running stream is made of, and the two ways to tell the outside:
//! events and errors.

use std::sync::Arc;

use super::clock::Clock;
use super::driver::Driver;
use super::generator::Mailbox;
use super::live::Live;
use super::progress::Progress;
use super::scheduler::JobQueue;
use super::waiter::Waiter;
use crate::error::EngineError;
use crate::monitor::{Listeners, StreamEvent};

/// The parts of a stream.
pub(super) struct Shared<D: Driver> {
    pub(super) driver: Arc<D>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) live: Live<D>,
    pub(super) queue: JobQueue<D>,
    pub(super) mailbox: Mailbox,
    pub(super) waiter: Waiter,
    pub(super) progress: Progress,
    pub(super) listeners: Arc<Listeners>,
}

impl<D: Driver> Shared<D> {
    /// Now, as events say it.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().0
    }

    pub(super) fn tell(&self, event: &StreamEvent) {
        self.listeners.tell(event);
    }

    /// Logs an error and hands it to whoever waits for the end of the stream.
    pub(super) fn fail(&self, what: &str, error: EngineError) {
        self.driver.report_error(what, &error);
        self.waiter.notify_error(error);
    }
}
