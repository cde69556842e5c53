//! What did the last batches look like?
//!
//! Owns `BatchLog`, a listener that keeps the newest state of at most `capacity` batches.
//! 1. When full, the oldest complete batch goes; if none is complete, the newest waiting one, which comes back with its
//!    next event. So a long queue never pushes out the batch that is running.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{BatchInfo, Listener, OutputInfo, StreamEvent};

/// The last batches, at most `capacity` of them.
pub struct BatchLog {
    capacity: usize,
    batches: Mutex<BTreeMap<i64, BatchInfo>>,
}

impl BatchLog {
    /// An empty log for `capacity` batches.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, batches: Mutex::default() }
    }

    /// The batches kept, oldest first.
    pub fn batches(&self) -> Vec<BatchInfo> {
        self.lock().values().cloned().collect()
    }

    /// The newest batch whose jobs have all ended.
    pub fn last_completed(&self) -> Option<BatchInfo> {
        self.lock().values().rev().find(|batch| batch.processing_end.is_some()).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, BatchInfo>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, batch: &BatchInfo) {
        let mut batches = self.lock();
        batches.insert(batch.time, batch.clone());
        while batches.len() > self.capacity {
            let complete = batches.values().find(|kept| kept.processing_end.is_some()).map(|kept| kept.time);
            let Some(victim) = complete.or_else(|| batches.keys().next_back().copied()) else { return };
            batches.remove(&victim);
        }
    }

    fn put_output(&self, output: &OutputInfo) {
        let mut batches = self.lock();
        let place = batches.get_mut(&output.batch_time).and_then(|batch| batch.outputs.get_mut(output.id));
        if let Some(place) = place {
            place.clone_from(output);
        }
    }
}

impl Listener for BatchLog {
    fn on_event(&self, event: &StreamEvent) {
        match event {
            StreamEvent::StreamingStarted(_)
            | StreamEvent::ReceiverStarted(_)
            | StreamEvent::ReceiverError(_)
            | StreamEvent::ReceiverStopped(_) => {}
            StreamEvent::BatchSubmitted(batch)
            | StreamEvent::BatchStarted(batch)
            | StreamEvent::BatchCompleted(batch) => self.put(batch),
            StreamEvent::OutputOperationStarted(output) | StreamEvent::OutputOperationCompleted(output) => {
                self.put_output(output);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(time: i64, ended: bool) -> BatchInfo {
        let processing_end = ended.then_some(time + 30);
        let outputs = vec![OutputInfo { batch_time: time, ..OutputInfo::default() }];
        BatchInfo { time, submitted: time, processing_start: Some(time + 10), processing_end, outputs, inputs: vec![] }
    }

    fn times(log: &BatchLog) -> Vec<i64> {
        log.batches().iter().map(|batch| batch.time).collect()
    }

    #[test]
    fn a_full_log_lets_the_oldest_complete_batch_go() {
        let log = BatchLog::new(2);
        for time in [1, 2, 3] {
            log.on_event(&StreamEvent::BatchCompleted(batch(time, true)));
        }
        assert_eq!(times(&log), [2, 3]);
        assert_eq!(log.last_completed().map(|last| last.time), Some(3));
    }

    #[test]
    fn a_long_queue_does_not_push_out_the_running_batch() {
        let log = BatchLog::new(2);
        for time in [1, 2, 3, 4] {
            log.on_event(&StreamEvent::BatchSubmitted(batch(time, false)));
        }
        assert_eq!(times(&log), [1, 2]);
        log.on_event(&StreamEvent::BatchCompleted(batch(1, true)));
        log.on_event(&StreamEvent::BatchStarted(batch(3, false)));
        assert_eq!(times(&log), [2, 3]);
    }

    #[test]
    fn an_output_operation_updates_its_batch() {
        let log = BatchLog::new(2);
        log.on_event(&StreamEvent::BatchStarted(batch(5, false)));
        let output = OutputInfo { batch_time: 5, started: Some(6), ended: Some(9), ..OutputInfo::default() };
        log.on_event(&StreamEvent::OutputOperationCompleted(output.clone()));
        assert_eq!(log.batches()[0].outputs, [output]);
        assert_eq!(log.batches()[0].outputs[0].duration(), Some(3));
    }

    #[test]
    fn delays_add_up() {
        let done = batch(100, true);
        assert_eq!(
            (done.scheduling_delay(), done.processing_delay(), done.total_delay()),
            (Some(10), Some(20), Some(30))
        );
        assert_eq!(batch(100, false).total_delay(), None);
    }
}
