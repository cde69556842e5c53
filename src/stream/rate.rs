//! How fast may inputs receive, so that batches keep up?
//!
//! Owns `PidEstimator`, the arithmetic by which Spark makes a rate from how long a batch took, and `RateControl`, a
//! listener that moves the `Rate` of every receiver with it (`spark.streaming.backpressure.enabled`).
//! 1. Rates are records per second; times and delays are milliseconds.
//! 2. The first batch only teaches what can be processed; from the second on, each batch with records gives a new rate.
//! 3. Batches without records, or that took no time, say nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::time::Millis;
use crate::monitor::{BatchInfo, Listener, StreamEvent};
use crate::source::Rate;

/// The weights of the estimator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PidSettings {
    /// How much the rate gives way to the error of this batch.
    pub proportional: f64,
    /// How much it gives way to what waits from earlier batches.
    pub integral: f64,
    /// How much it gives way to how fast the error changes.
    pub derived: f64,
    /// The lowest rate.
    pub min_rate: f64,
}

impl Default for PidSettings {
    fn default() -> Self {
        Self { proportional: 1.0, integral: 0.2, derived: 0.0, min_rate: 100.0 }
    }
}

/// What the batch before said.
#[derive(Debug, Clone, Copy)]
struct Latest {
    ended: i64,
    rate: f64,
    error: f64,
}

/// Makes rates from batches: a controller with a proportional, an integral and a derived part.
#[derive(Debug, Clone)]
pub struct PidEstimator {
    interval: Millis,
    settings: PidSettings,
    latest: Option<Latest>,
}

impl PidEstimator {
    /// For batches `interval` apart (positive).
    pub fn new(interval: Millis, settings: PidSettings) -> Self {
        Self { interval, settings, latest: None }
    }

    /// The rate after a batch that ended at `ended`, if there is a new one.
    pub fn compute(&mut self, ended: i64, records: u64, processing_delay: i64, scheduling_delay: i64) -> Option<f64> {
        let is_late = self.latest.is_some_and(|latest| ended <= latest.ended);
        if is_late || records == 0 || processing_delay <= 0 {
            return None;
        }
        let processed = records as f64 / processing_delay as f64 * 1000.0;
        let Some(before) = self.latest else {
            self.latest = Some(Latest { ended, rate: processed, error: 0.0 });
            return None;
        };
        let error = before.rate - processed;
        // What piled up while the batch waited, as the rate at which one interval would work it off.
        let backlog = scheduling_delay as f64 * processed / self.interval.0 as f64;
        let change = (error - before.error) / ((ended - before.ended) as f64 / 1000.0);
        let PidSettings { proportional, integral, derived, min_rate } = self.settings;
        let rate = (before.rate - proportional * error - integral * backlog - derived * change).max(min_rate);
        self.latest = Some(Latest { ended, rate, error });
        Some(rate)
    }
}

struct Controlled {
    rate: Arc<Rate>,
    /// None when rates stay as they are set.
    estimator: Option<PidEstimator>,
}

/// What the rates of a stream's receivers keep to.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Where every rate begins; unlimited if none is given.
    pub initial: Option<u64>,
    /// What no rate rises above.
    pub most: Option<u64>,
    /// What moves the rates; without it they stay as they are.
    pub estimator: Option<PidEstimator>,
}

/// The rates of a stream's receivers.
#[derive(Default)]
pub struct RateControl {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    limits: Limits,
    streams: BTreeMap<u32, Controlled>,
}

impl RateControl {
    /// The limits of all receivers that are asked for later.
    pub fn limit(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    /// The rate of an input, the same one at every call.
    pub fn of(&self, stream: u32) -> Arc<Rate> {
        let mut known = self.lock();
        let Limits { initial, most, estimator } = known.limits.clone();
        let controlled = known
            .streams
            .entry(stream)
            .or_insert_with(|| Controlled { rate: Arc::new(Rate::new(initial, most)), estimator });
        Arc::clone(&controlled.rate)
    }

    fn learn(&self, batch: &BatchInfo) {
        let (Some(ended), Some(processing), Some(scheduling)) =
            (batch.processing_end, batch.processing_delay(), batch.scheduling_delay())
        else {
            return;
        };
        let streams = &mut self.lock().streams;
        for input in &batch.inputs {
            let Some(Controlled { rate, estimator: Some(estimator) }) = streams.get_mut(&input.stream) else {
                continue;
            };
            if let Some(new) = estimator.compute(ended, input.records, processing, scheduling) {
                rate.set(new as u64);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for RateControl {
    fn on_event(&self, event: &StreamEvent) {
        if let StreamEvent::BatchCompleted(batch) = event {
            self.learn(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::monitor::InputInfo;

    fn estimator(settings: PidSettings) -> PidEstimator {
        PidEstimator::new(Millis(1000), settings)
    }

    #[test]
    fn the_first_batch_teaches_and_the_next_ones_tell() {
        let mut pid = estimator(PidSettings::default());
        assert_eq!(pid.compute(1000, 1000, 500, 0), None, "2000 a second");
        // Half as fast: 2000 - (2000 - 1000).
        assert_eq!(pid.compute(2000, 1000, 1000, 0), Some(1000.0));
        // 1000 - (1000 - 4000) - 0.2 * 500 * 4000 / 1000
        assert_eq!(pid.compute(3000, 4000, 1000, 500), Some(3600.0));
        assert_eq!(pid.compute(4000, 10, 1000, 0), Some(100.0), "never below the lowest rate");
    }

    #[test]
    fn every_part_has_its_weight() {
        let settings = PidSettings { proportional: 0.5, integral: 0.1, derived: 0.25, min_rate: 1.0 };
        let mut pid = estimator(settings);
        assert_eq!(pid.compute(0, 100, 1000, 0), None);
        // error 100 - 50 = 50; backlog 200 * 50 / 1000 = 10; change (50 - 0) / 2 s = 25
        // 100 - 0.5 * 50 - 0.1 * 10 - 0.25 * 25 = 67.75
        assert_eq!(pid.compute(2000, 50, 1000, 200), Some(67.75));
        // error 67.75 - 80 = -12.25; backlog 0; change (-12.25 - 50) / 0.5 s = -124.5
        // 67.75 + 6.125 + 31.125 = 105
        assert_eq!(pid.compute(2500, 80, 1000, 0), Some(105.0));
    }

    #[test]
    fn batches_that_say_nothing_change_nothing() {
        let mut pid = estimator(PidSettings::default());
        assert_eq!(pid.compute(1000, 0, 500, 0), None);
        assert_eq!(pid.compute(1000, 5, 0, 0), None);
        assert_eq!(pid.compute(1000, 1000, 500, 0), None);
        assert_eq!(pid.compute(1000, 9, 500, 0), None, "no later than the one before");
        assert_eq!(pid.compute(2000, 1000, 1000, 0), Some(1000.0));
    }

    #[test]
    fn a_batch_moves_the_rates_of_its_own_inputs() {
        let control = RateControl::default();
        let estimator = Some(estimator(PidSettings::default()));
        control.limit(Limits { initial: Some(5000), most: Some(3000), estimator });
        let (one, other) = (control.of(1), control.of(2));
        assert_eq!(one.current(), Some(3000));
        for (time, records) in [(1000, 4000), (2000, 500)] {
            let inputs = vec![InputInfo { stream: 1, records, description: None }];
            let (processing_start, processing_end) = (Some(time), Some(time + 1000));
            let batch =
                BatchInfo { time, submitted: time, inputs, processing_start, processing_end, ..BatchInfo::default() };
            control.on_event(&StreamEvent::BatchCompleted(batch));
        }
        assert_eq!((one.current(), other.current()), (Some(500), Some(3000)));
        assert!(Arc::ptr_eq(&one, &control.of(1)));
    }

    proptest! {
        #[test]
        fn rates_are_finite_and_never_below_the_lowest(
            batches in prop::collection::vec((1i64..5000, 0u64..100_000, 0i64..5000, 0i64..100_000), 1..40),
        ) {
            let (mut pid, mut time) = (estimator(PidSettings::default()), 0);
            for (step, records, processing, scheduling) in batches {
                time += step;
                if let Some(rate) = pid.compute(time, records, processing, scheduling) {
                    prop_assert!(rate.is_finite() && rate >= 100.0);
                }
            }
        }
    }
}
