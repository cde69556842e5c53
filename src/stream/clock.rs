//! What time is it, and how does a thread wait for a time?
//!
//! Owns the `Clock` trait, the system's clock, a clock turned by hand, and `Wake`, by which a waiting thread is called.
//! 1. Times are `Millis`, UTC since 1970. `Reached` means `now() >= time`.
//! 2. A call (`Wake::raise`) is never lost: it ends the wait that is under way, or else the next one, at once.
//! 3. A call goes before the time: a wait that could end for both reasons is `Interrupted`.
//!
//! Waits block the thread; the caller leaves the interpreter first (`Driver::blocking`).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::time::Millis;

/// The system's clock may be set while a thread waits: look at it again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The time has come.
    Reached,
    /// Somebody called; the call is used up by this answer.
    Interrupted,
}

/// A clock that threads can wait on.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Millis;
    /// Blocks until `time` has come or somebody calls `wake`.
    fn wait_until(&self, time: Millis, wake: &Wake) -> Wait;
}

/// A handle to call a thread out of its wait. Clones are one and the same.
#[derive(Clone, Default)]
pub struct Wake {
    shared: Arc<(Mutex<Flags>, Condvar)>,
}

#[derive(Default)]
struct Flags {
    /// Somebody called.
    raised: bool,
    /// The clock was turned; only the clock itself cares.
    nudged: bool,
}

impl Wake {
    /// Calls the thread that waits, or that waits next.
    pub fn raise(&self) {
        self.lock().raised = true;
        self.shared.1.notify_all();
    }

    /// Whether both are one and the same.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Uses up a call, if there was one.
    pub fn take(&self) -> bool {
        std::mem::take(&mut self.lock().raised)
    }

    fn nudge(&self) {
        self.lock().nudged = true;
        self.shared.1.notify_all();
    }

    /// Sleeps until a call, a nudge, or the end of `longest`. A call is left for `take`.
    fn sleep(&self, longest: Option<Duration>) {
        let idle = |flags: &mut Flags| !flags.raised && !flags.nudged;
        let flags = self.lock();
        let mut flags = match longest {
            Some(longest) => {
                self.shared.1.wait_timeout_while(flags, longest, idle).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.shared.1.wait_while(flags, idle).unwrap_or_else(PoisonError::into_inner),
        };
        flags.nudged = false;
    }

    fn lock(&self) -> MutexGuard<'_, Flags> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The system's clock: it goes by itself, and somebody may set it.
pub struct SystemClock {
    since_1970: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl SystemClock {
    /// A clock that tells what `since_1970` says.
    pub fn telling(since_1970: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { since_1970: Box::new(since_1970) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::telling(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis(i64::try_from((self.since_1970)().as_millis()).unwrap_or(i64::MAX))
    }

    fn wait_until(&self, time: Millis, wake: &Wake) -> Wait {
        let target = Duration::from_millis(u64::try_from(time.0).unwrap_or(0));
        loop {
            if wake.take() {
                return Wait::Interrupted;
            }
            // Not from `now()`: it is cut to whole milliseconds, so the wait would end up to one late.
            match target.checked_sub((self.since_1970)()) {
                None | Some(Duration::ZERO) => return Wait::Reached,
                Some(left) => wake.sleep(Some(left.min(LOOK_AGAIN))),
            }
        }
    }
}

/// A clock that stands still until it is turned. Clones are one and the same clock.
#[derive(Clone, Default)]
pub struct ManualClock {
    /// Lock order: this one, then a `Wake`'s.
    shared: Arc<(Mutex<Hand>, Condvar)>,
}

#[derive(Default)]
struct Hand {
    now: Millis,
    next_ticket: u64,
    /// Threads that wait: a number to leave by, for when, and how to call them.
    waiting: Vec<(u64, Millis, Wake)>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Millis) -> Self {
        let clock = Self::default();
        clock.lock().now = now;
        clock
    }

    /// Turns the clock forward by `by`.
    pub fn advance(&self, by: Millis) {
        let mut hand = self.lock();
        let to = hand.now + by;
        Self::turn(&mut hand, to);
    }

    /// Sets the clock. Setting it back is allowed and wakes nobody.
    pub fn set(&self, now: Millis) {
        Self::turn(&mut self.lock(), now);
    }

    /// Blocks until some thread waits for `time` or later, at most for `longest`; tells whether one does. Once the
    /// batch loop waits for a time, all batches before that time have been generated.
    pub fn wait_for_waiter(&self, time: Millis, longest: Duration) -> bool {
        let deadline = Instant::now() + longest;
        let mut hand = self.lock();
        while !hand.waiting.iter().any(|(_, until, _)| *until >= time) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            hand = self.shared.1.wait_timeout(hand, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn turn(hand: &mut Hand, now: Millis) {
        hand.now = now;
        for (_, until, wake) in &hand.waiting {
            if *until <= now {
                wake.nudge();
            }
        }
        // Whoever has been called waits no more: `wait_for_waiter` must not see it before it has woken.
        hand.waiting.retain(|(_, until, _)| *until > now);
    }

    fn lock(&self) -> MutexGuard<'_, Hand> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        self.lock().now
    }

    fn wait_until(&self, time: Millis, wake: &Wake) -> Wait {
        loop {
            let ticket = {
                let mut hand = self.lock();
                if wake.take() {
                    return Wait::Interrupted;
                }
                if hand.now >= time {
                    return Wait::Reached;
                }
                hand.next_ticket += 1;
                let ticket = hand.next_ticket;
                hand.waiting.push((ticket, time, wake.clone()));
                ticket
            };
            self.shared.1.notify_all();
            wake.sleep(None);
            self.lock().waiting.retain(|(other, _, _)| *other != ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_manual_clock_ends_the_wait_when_it_gets_there() {
        let clock = ManualClock::new(Millis(5));
        let waiter = {
            let clock = clock.clone();
            thread::spawn(move || (clock.wait_until(Millis(20), &Wake::default()), clock.now()))
        };
        assert!(clock.wait_for_waiter(Millis(20), LONG));
        clock.advance(Millis(5));
        assert!(clock.wait_for_waiter(Millis(20), LONG), "10 is too early");
        clock.set(Millis(25));
        assert_eq!(waiter.join().unwrap(), (Wait::Reached, Millis(25)));
        assert!(!clock.wait_for_waiter(Millis(0), Duration::ZERO));
    }

    #[test]
    fn a_call_ends_the_wait_under_way_or_the_next_one() {
        for clock in [&SystemClock::default() as &dyn Clock, &ManualClock::default()] {
            let wake = Wake::default();
            wake.raise();
            assert_eq!(clock.wait_until(Millis(i64::MAX), &wake), Wait::Interrupted);
            thread::scope(|scope| {
                let waiter = scope.spawn(|| clock.wait_until(Millis(i64::MAX), &wake));
                wake.raise();
                assert_eq!(waiter.join().unwrap(), Wait::Interrupted);
            });
        }
    }

    #[test]
    fn a_call_goes_before_the_time() {
        let (clock, wake) = (ManualClock::new(Millis(9)), Wake::default());
        wake.raise();
        assert_eq!(clock.wait_until(Millis(1), &wake), Wait::Interrupted);
        assert_eq!(clock.wait_until(Millis(1), &wake), Wait::Reached);
    }

    #[test]
    fn the_system_clock_is_there_on_time() {
        let time = SystemClock::default().now() + Millis(20);
        assert_eq!(SystemClock::default().wait_until(time, &Wake::default()), Wait::Reached);
        assert!(SystemClock::default().now() >= time);
    }
}
