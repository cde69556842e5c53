//! How many tasks may compute in workers at once?
//!
//! 1. A task takes a seat before it uses a worker; there are as many seats as workers are asked for.
//! 2. A seat whose worker has been waiting for input for `LENIENCE` does not count: its task may itself be waiting for
//!    one that has no seat (which computes the persisted partition that it reads, say), for ever if nobody gave way.
//! 3. For the same reason a task that feeds one worker gets a second one at once.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::POLL;
use crate::error::Result;
use crate::process::Origin;
use crate::rdd::CancelToken;

const LENIENCE: Duration = Duration::from_millis(50);

thread_local! {
    /// How many workers wait for input that this thread gets them.
    static FEEDING: Cell<usize> = const { Cell::new(0) };
}

struct Taken {
    number: u64,
    /// Since when its worker has nothing to do.
    idle_since: Option<Instant>,
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    next: u64,
}

impl State {
    fn busy(&self, now: Instant) -> usize {
        let is_busy = |since: Instant| now.saturating_duration_since(since) < LENIENCE;
        self.taken.iter().filter(|seat| seat.idle_since.is_none_or(is_busy)).count()
    }

    fn take(&mut self) -> u64 {
        self.next += 1;
        self.taken.push(Taken { number: self.next, idle_since: None });
        self.next
    }
}

/// The seats of a crew.
pub(super) struct Seats {
    size: usize,
    state: Mutex<State>,
    freed: Condvar,
    origin: Origin,
}

impl Seats {
    pub(super) fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { size, state: Mutex::default(), freed: Condvar::new(), origin: Origin::here() })
    }

    /// Waits for a seat.
    pub(super) fn take(self: &Arc<Self>, cancel: &CancelToken) -> Result<Seat> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while FEEDING.get() == 0 && state.busy(Instant::now()) >= self.size {
            cancel.check()?;
            state = self.freed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(Seat { number: state.take(), seats: Arc::clone(self) })
    }
}

/// The right to compute in a worker, until dropped.
pub struct Seat {
    number: u64,
    seats: Arc<Seats>,
}

impl Seat {
    fn change(&self, change: impl FnOnce(&mut Taken)) {
        let mut state = self.seats.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = state.taken.iter_mut().find(|seat| seat.number == self.number) {
            change(seat);
        }
    }

    /// Says whether the worker has something to do.
    pub fn computes(&self, busy: bool) {
        self.change(|seat| seat.idle_since = if busy { None } else { Some(Instant::now()) });
    }

    /// Gets the worker its input on this thread.
    pub fn feeding<T>(&self, get: impl FnOnce() -> T) -> T {
        struct Fed<'a>(&'a Seat);
        impl Drop for Fed<'_> {
            fn drop(&mut self) {
                FEEDING.set(FEEDING.get() - 1);
                self.0.computes(true);
            }
        }
        self.computes(false);
        FEEDING.set(FEEDING.get() + 1);
        let _fed = Fed(self);
        get()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.seats.origin.is_here() {
            return;
        }
        let mut state = self.seats.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.taken.retain(|seat| seat.number != self.number);
        drop(state);
        self.seats.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_counts_while_its_worker_computes_and_a_little_longer() {
        let (mut state, start) = (State::default(), Instant::now());
        state.take();
        state.take();
        assert_eq!(state.busy(start), 2);
        state.taken[0].idle_since = Some(start);
        assert_eq!(state.busy(start), 2);
        assert_eq!(state.busy(start + LENIENCE), 1);
        state.taken[0].idle_since = None;
        assert_eq!(state.busy(start + LENIENCE), 2);
    }

    #[test]
    fn who_waits_for_a_seat_gets_the_one_that_is_given_back() {
        let (seats, cancel) = (Seats::new(1), CancelToken::default());
        let held = seats.take(&cancel).expect("free");
        let waiter = std::thread::spawn({
            let (seats, cancel) = (Arc::clone(&seats), cancel.clone());
            move || seats.take(&cancel).map(drop).is_ok()
        });
        drop(held);
        assert!(waiter.join().expect("the waiter ends"));
    }

    #[test]
    fn a_cancelled_task_does_not_wait_for_a_seat() {
        let (seats, cancel) = (Seats::new(1), CancelToken::default());
        let _held = seats.take(&cancel).expect("free");
        cancel.cancel("enough");
        assert!(seats.take(&cancel).is_err());
    }

    #[test]
    fn a_thread_that_feeds_a_worker_gets_another_seat_at_once() {
        let (seats, cancel) = (Seats::new(1), CancelToken::default());
        let outer = seats.take(&cancel).expect("free");
        outer.feeding(|| seats.take(&cancel).map(drop)).expect("beyond the size");
    }
}
