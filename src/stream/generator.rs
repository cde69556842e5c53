//! When is the next batch, and what does it consist of?
//!
//! Owns the batch loop, the first of the stream's two threads, and the mailbox through which it is told things.
//! 1. Every batch time is generated, in order, none skipped: a late loop makes the missed ones one after the other.
//! 2. A batch that cannot be generated is reported; the loop goes on with the next time.
//! 3. Messages go before batches. Old RDDs are forgotten only once the batch is complete, and all before it.
//! 4. A graceful stop has a last batch, fixed when the stop is ordered: the first one after that moment. It is made at
//!    once: nothing more arrives by its time. So a loop that is slower than its interval ends as well. A graceful stop may
//!    have a time limit: batches that are not made by then are left out.
//! 5. A stream that was replaced by another run ends here: the batch that finds it out does not run.
//!
//! Elsewhere: running the jobs (`scheduler.rs`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::clock::{Wait, Wake};
use super::driver::Driver;
use super::scheduler::JobSet;
use super::shared::Shared;
use super::time::Millis;
use crate::error::EngineError;
use crate::monitor::StreamEvent;

/// What the batch loop can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// All jobs of a batch have ended.
    Completed(Millis),
    /// Make the batches that are due at `due` and one more, then end; none begins after `until`.
    Finish { due: Millis, until: Option<Instant> },
    /// End.
    Halt,
}

/// Where the batch loop finds its messages.
pub(super) struct Mailbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    wake: Wake,
    /// The loop has ended the stream by itself.
    gave_up: AtomicBool,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        let (sender, receiver) = unbounded();
        Self { sender, receiver, wake: Wake::default(), gave_up: AtomicBool::new(false) }
    }

    /// Never blocks. Without a loop to read it, the message is lost, which is as good.
    pub(super) fn send(&self, message: Message) {
        // The mailbox holds the receiver as well, so the channel cannot be closed.
        let _ = self.sender.send(message);
        self.wake.raise();
    }

    /// Whether all has been read.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

/// Runs the batch loop until it is told to end; false if it ended because another run is in this one's place. `first` is the
/// time of the first batch.
pub(super) fn run<D: Driver>(shared: &Shared<D>, first: Millis) -> bool {
    make_batches(shared, first);
    !shared.mailbox.gave_up.load(Ordering::Acquire)
}

fn make_batches<D: Driver>(shared: &Shared<D>, first: Millis) {
    let interval = shared.live.graph().interval();
    let mut next = first;
    loop {
        match read_mail(shared) {
            Some(Message::Halt) => return,
            Some(Message::Finish { due, until }) => return finish(shared, next, (due, interval), until),
            _ => {}
        }
        let waited = shared.driver.blocking(|| shared.clock.wait_until(next, &shared.mailbox.wake));
        if waited == Wait::Reached {
            generate(shared, next);
            next += interval;
        }
    }
}

fn finish<D: Driver>(shared: &Shared<D>, mut next: Millis, (due, interval): (Millis, Millis), until: Option<Instant>) {
    loop {
        if until.is_some_and(|until| Instant::now() >= until) {
            let reason = format!("the batch of {next} and later ones, with what was received for them, are left out");
            let error = EngineError::Cancelled { reason };
            return shared.driver.report_error("Timed out while stopping the job generator", &error);
        }
        let is_last = next > due;
        generate(shared, next);
        next += interval;
        if read_mail(shared) == Some(Message::Halt) {
            return;
        }
        if is_last {
            return wait_for(shared, next - interval);
        }
    }
}

/// Waits until the batch of `last` and all before it are complete, so that the checkpoint after them is written.
fn wait_for<D: Driver>(shared: &Shared<D>, last: Millis) {
    while shared.driver.keeps() && !shared.progress.has_reached(last) {
        let Ok(message) = shared.driver.blocking(|| shared.mailbox.receiver.recv()) else { return };
        match message {
            Message::Completed(time) => complete(shared, time),
            Message::Halt => return,
            Message::Finish { .. } => {}
        }
    }
}

/// A batch, and all before it, have ended: what is too old is forgotten, what is needed is kept.
fn complete<D: Driver>(shared: &Shared<D>, time: Millis) {
    shared.live.clear_before(time);
    if shared.driver.keeps()
        && let Err(error) = shared.live.keep(time)
    {
        match error {
            EngineError::Replaced { .. } => give_up(shared, error),
            error => {
                let what =
                    format!("The checkpoint after the batch of {time} could not be written; the next one is tried");
                shared.driver.report_error(&what, &error);
            }
        }
    }
    shared.progress.reach(time);
}

/// Another run is in this one's place: no further batch, no further output, and whoever waits for the end is told why.
fn give_up<D: Driver>(shared: &Shared<D>, error: EngineError) {
    if shared.mailbox.gave_up.swap(true, Ordering::AcqRel) {
        return;
    }
    shared.mailbox.send(Message::Halt);
    shared.queue.drop_waiting();
    shared.fail("The stream has ended", error);
    shared.driver.stop_inputs(false);
}

/// Does what the messages say; an order to end is left to the caller, `Halt` before `Finish`.
fn read_mail<D: Driver>(shared: &Shared<D>) -> Option<Message> {
    let mut order = None;
    for message in shared.mailbox.receiver.try_iter() {
        match message {
            Message::Completed(time) => complete(shared, time),
            Message::Halt => order = Some(Message::Halt),
            Message::Finish { .. } => order = order.or(Some(message)),
        }
    }
    order
}

fn generate<D: Driver>(shared: &Shared<D>, time: Millis) {
    match shared.live.jobs(time) {
        Ok(jobs) => {
            if shared.driver.keeps()
                && let Err(error) = shared.driver.planned(time)
            {
                if matches!(error, EngineError::Replaced { .. }) {
                    return give_up(shared, error);
                }
                let what = format!("What the batch of {time} consists of could not be written; it runs all the same");
                shared.driver.report_error(&what, &error);
            }
            let set = JobSet { time, jobs, inputs: shared.driver.input_info(time), submitted: shared.now() };
            // Told before the set is in the queue: its start may be told right after. A set without jobs goes through
            // the queue as well, so that it is complete only after all earlier ones.
            if !set.jobs.is_empty() && !shared.queue.is_closed() {
                shared.tell(&StreamEvent::BatchSubmitted(set.info()));
            }
            shared.queue.push(set);
        }
        Err(error) => {
            shared.fail(&format!("Error generating jobs for time {time}"), error);
            // In line like any other, so that it counts as done after all earlier ones.
            shared.queue.push(JobSet { time, jobs: Vec::new(), inputs: Vec::new(), submitted: shared.now() });
        }
    }
}
