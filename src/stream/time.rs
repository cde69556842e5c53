//! When are batches?
//!
//! Owns `Millis` and its arithmetic. No clock here (`clock.rs`).
//! 1. A `Millis` is a point in time (milliseconds, UTC since 1970) or a duration (milliseconds); both are whole.
//! 2. Batch times are multiples of the batch interval since 1970, as Spark's are.
//! 3. Sums saturate instead of wrapping: "remember for ever" stays for ever.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// A time (UTC since 1970) or a duration, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whether this duration is a whole number of `unit`s; never for a unit that is not positive.
    pub fn is_multiple_of(self, unit: Self) -> bool {
        unit.0 > 0 && self.0 % unit.0 == 0
    }

    /// The last time at or before this one that is a whole number of `slide`s (positive) from `zero`.
    pub fn floor(self, slide: Self, zero: Self) -> Self {
        // Euclidean, so that times before `zero` are rounded down as well.
        zero + Self((self - zero).0.div_euclid(slide.0.max(1))) * slide.0
    }
}

/// The first batch time after `now`: the next multiple of `interval`, never `now` itself.
pub fn first_batch_after(now: Millis, interval: Millis) -> Millis {
    now.floor(interval, Millis::ZERO) + interval
}

/// Every multiple of `slide` from `zero` that lies in `[from, to]`, oldest first; `zero` and all before it left out.
pub fn slides_between(from: Millis, to: Millis, slide: Millis, zero: Millis) -> impl Iterator<Item = Millis> {
    let step = slide.0.max(1);
    let first = from.floor(slide, zero).max(zero + slide);
    let last = to.floor(slide, zero);
    // The count is taken first: a loop of comparisons would not end at the largest time.
    let count = if last < first { 0 } else { (last - first).0 / step + 1 };
    (0..count).map(move |n| first + Millis(n) * step)
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<i64> for Millis {
    type Output = Self;
    fn mul(self, times: i64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

/// As Spark prints times and durations: `250 ms`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn between(from: i64, to: i64, slide: i64, zero: i64) -> Vec<i64> {
        slides_between(Millis(from), Millis(to), Millis(slide), Millis(zero)).map(|time| time.0).collect()
    }

    #[test]
    fn the_first_batch_is_the_next_multiple_and_never_now() {
        let first = |now| first_batch_after(Millis(now), Millis(250)).0;
        assert_eq!([first(1), first(249), first(250), first(251), first(-1)], [250, 250, 500, 500, 0]);
    }

    #[test]
    fn slides_are_rounded_down_and_begin_after_zero() {
        assert_eq!(between(105, 129, 10, 100), [110, 120]);
        assert_eq!(between(115, 120, 10, 100), [110, 120]);
        assert_eq!(between(0, 99, 10, 100), [0; 0]);
        assert_eq!(between(i64::MIN, 120, 10, 100), [110, 120]);
        assert_eq!(between(120, 110, 10, 100), [0; 0]);
    }

    #[test]
    fn a_time_reads_as_in_spark() {
        assert_eq!(Millis(1500).to_string(), "1500 ms");
        assert!(!Millis(5).is_multiple_of(Millis::ZERO));
    }

    proptest! {
        #[test]
        fn floor_is_the_last_aligned_time(time in -1000i64..1000, slide in 1i64..50, zero in -100i64..100) {
            let floor = Millis(time).floor(Millis(slide), Millis(zero)).0;
            prop_assert!(floor <= time && time < floor + slide && (floor - zero) % slide == 0);
        }
    }
}
