//! How fast may a receiver take records?
//!
//! Owns `Rate`, the limit of one input, which its controller changes while the receiver reads it, and `Allowance`, the
//! arithmetic of keeping to a limit. No clock and no thread here: times are handed in.
//! 1. A limit is in records per second; without one a receiver takes what comes.
//! 2. What was not taken may be taken later, but never more than one second's records at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Shortest wait for a limit to allow more: one record at a time would cost a wake-up each.
const LEAST_PAUSE: Duration = Duration::from_millis(2);

/// Longest wait before looking again: the limit may have changed, or the receiver is to stop.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Stands for "no limit".
const NONE: u64 = u64::MAX;

/// The limit of one input.
#[derive(Debug)]
pub struct Rate {
    current: AtomicU64,
    /// The highest limit that may be set.
    most: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Rate {
    /// A limit that begins at `initial` and never rises above `most`; one that is not given, or 0, does not limit.
    pub fn new(initial: Option<u64>, most: Option<u64>) -> Self {
        let most = most.filter(|most| *most > 0).unwrap_or(NONE);
        let initial = initial.filter(|initial| *initial > 0).unwrap_or(NONE);
        Self { current: AtomicU64::new(initial.min(most)), most }
    }

    /// The limit now, in records per second.
    pub fn current(&self) -> Option<u64> {
        Some(self.current.load(Ordering::Relaxed)).filter(|rate| *rate != NONE)
    }

    /// Changes the limit. 0 changes nothing: a receiver that takes nothing could not be measured any more.
    pub fn set(&self, rate: u64) {
        if rate > 0 {
            self.current.store(rate.min(self.most), Ordering::Relaxed);
        }
    }
}

/// How many records a receiver may take.
#[derive(Debug)]
pub struct Allowance {
    /// Records that may be taken; below 0 when it took more than it might.
    saved: f64,
    /// Up to when that was computed, since the receiver began.
    known: Duration,
}

impl Default for Allowance {
    /// The first record need not wait.
    fn default() -> Self {
        Self { saved: 1.0, known: Duration::ZERO }
    }
}

impl Allowance {
    /// Whole records that may be taken at `now` (since the receiver began), at `rate` records per second.
    pub fn at(&mut self, now: Duration, rate: u64) -> u64 {
        let rate = rate as f64;
        let earned = now.saturating_sub(self.known).as_secs_f64() * rate;
        self.saved = (self.saved + earned).min(rate.max(1.0));
        self.known = now.max(self.known);
        self.saved as u64
    }

    /// So many were taken.
    pub fn spend(&mut self, records: usize) {
        self.saved -= records as f64;
    }

    /// How long to wait before asking again, when none may be taken.
    pub fn pause(&self, rate: u64) -> Duration {
        self.until_one(rate).clamp(LEAST_PAUSE, LONGEST_PAUSE)
    }

    /// How long until a record may be taken.
    fn until_one(&self, rate: u64) -> Duration {
        Duration::try_from_secs_f64((1.0 - self.saved).max(0.0) / rate.max(1) as f64).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_stays_below_the_highest_one() {
        let rate = Rate::new(Some(500), Some(200));
        assert_eq!(rate.current(), Some(200));
        rate.set(50);
        assert_eq!(rate.current(), Some(50));
        rate.set(0);
        rate.set(900);
        assert_eq!(rate.current(), Some(200));
        assert_eq!([Rate::default().current(), Rate::new(None, Some(0)).current()], [None, None]);
        assert_eq!(Rate::new(Some(3), None).current(), Some(3));
    }

    #[test]
    fn an_idle_receiver_saves_one_second_and_no_more() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.at(Duration::ZERO, 100), 1, "the first record need not wait");
        allowance.spend(1);
        assert_eq!(allowance.at(Duration::from_millis(5), 100), 0);
        assert_eq!(allowance.until_one(100), Duration::from_millis(5));
        let pauses = [1_000_000, 100, 1].map(|rate| allowance.pause(rate));
        assert_eq!(pauses, [LEAST_PAUSE, Duration::from_millis(5), LONGEST_PAUSE]);
        assert_eq!(allowance.at(Duration::from_millis(50), 100), 5);
        assert_eq!(allowance.at(Duration::from_secs(90), 100), 100);
    }

    proptest! {
        #[test]
        fn a_receiver_never_takes_more_than_its_rate(
            rate in 1u64..5000,
            steps in prop::collection::vec((0u64..400, 0u64..2000), 1..60),
        ) {
            let (mut allowance, mut now, mut taken) = (Allowance::default(), Duration::ZERO, 0);
            for (wait, wanted) in steps {
                now += Duration::from_millis(wait);
                let some = allowance.at(now, rate).min(wanted);
                allowance.spend(some as usize);
                taken += some;
                prop_assert!(taken as f64 <= now.as_secs_f64() * rate as f64 + 1.0 + 1e-6);
            }
        }

        #[test]
        fn who_waits_as_long_as_told_may_take_one(rate in 1u64..5000, taken in 0usize..9000) {
            let mut allowance = Allowance::default();
            allowance.spend(taken);
            // A nanosecond more: durations are cut to whole ones.
            let later = allowance.until_one(rate) + Duration::from_nanos(1);
            prop_assert!(allowance.at(later, rate) >= 1);
        }
    }
}
