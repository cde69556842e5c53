//! What does each batch consist of, in this run and in the one before?
//!
//! Owns `Plans`: the ranges that an earlier run planned, and those of this run that are not in the journal yet.
//! 1. What a batch consists of is durable before its outputs run. A range may be planned after its batch was (a window asks for
//!    it later): it goes into the journal with the next batch.
//! 2. A batch that an earlier run planned is not planned again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::replay::JournalLog;
use crate::durable::{Codec, Keeper, Plan, Received, Replay};
use crate::error::Result;
use crate::source::BlockLog;

/// What an earlier run left behind.
#[derive(Default)]
pub struct Left {
    /// What its batches consisted of.
    pub plans: BTreeMap<i64, Plan>,
    /// What it logged, by input, in order.
    pub blocks: BTreeMap<u32, Vec<Received>>,
}

impl From<Replay> for Left {
    fn from(replay: Replay) -> Self {
        let mut left = Self { plans: replay.plans, blocks: BTreeMap::new() };
        for block in replay.blocks {
            left.blocks.entry(block.node).or_default().push(block);
        }
        left
    }
}

/// The ranges of one input by the times of batches.
type Ranges = BTreeMap<i64, Value>;

/// The plans of a stream with checkpoints.
pub struct Plans {
    keeper: Arc<Keeper>,
    /// Whether received blocks are logged.
    logs: bool,
    earlier: BTreeMap<i64, Plan>,
    past: BTreeMap<u32, Ranges>,
    blocks: Mutex<BTreeMap<u32, Vec<Received>>>,
    fresh: Mutex<BTreeMap<u32, Ranges>>,
}

impl Plans {
    /// Goes on after what an earlier run left, if there was one.
    pub fn new(keeper: Arc<Keeper>, logs: bool, left: Left) -> Self {
        let mut past: BTreeMap<u32, Ranges> = BTreeMap::new();
        for (node, ranges) in left.plans.values().flat_map(|plan| &plan.ranges) {
            let known = past.entry(*node).or_default();
            for (time, range) in ranges {
                known.entry(*time).or_insert_with(|| range.clone());
            }
        }
        Self { keeper, logs, earlier: left.plans, past, blocks: Mutex::new(left.blocks), fresh: Mutex::default() }
    }

    /// What an earlier run planned of an input.
    pub(super) fn past(&self, node: u32) -> Ranges {
        self.past.get(&node).cloned().unwrap_or_default()
    }

    /// What it logged of that input; once.
    pub(super) fn blocks(&self, node: u32) -> Vec<Received> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).remove(&node).unwrap_or_default()
    }

    /// Where blocks of an input are logged, if they are.
    pub(super) fn log(&self, node: u32, codec: &Arc<dyn Codec>) -> Option<Arc<dyn BlockLog>> {
        let log = JournalLog { keeper: Arc::clone(&self.keeper), codec: Arc::clone(codec), node };
        self.logs.then(|| Arc::new(log) as Arc<dyn BlockLog>)
    }

    /// What a batch had of an input in an earlier run; null: the batch was planned, and had nothing of it.
    pub(super) fn planned(&self, node: u32, time: i64) -> Option<Value> {
        let found = self.past.get(&node).and_then(|ranges| ranges.get(&time)).cloned();
        found.or_else(|| self.earlier.contains_key(&time).then_some(Value::Null))
    }

    /// A batch has a range: to be made durable.
    pub(super) fn note(&self, node: u32, time: i64, range: Value) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.entry(node).or_default().insert(time, range);
    }

    /// Makes durable what a batch consists of, unless an earlier run did.
    pub(super) fn write(&self, time: i64) -> Result<()> {
        // A stream that was replaced must not run its outputs beside those of the other one, whether or not it has to write.
        if self.earlier.contains_key(&time) {
            return self.keeper.check_replaced();
        }
        let ranges = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        if ranges.is_empty() {
            return self.keeper.check_replaced();
        }
        let (journal, plan) = (self.keeper.journal(), Plan { time, ranges });
        let written = journal.plan(&plan).and_then(|place| journal.commit(place));
        if written.is_err() {
            // With the plan of the next batch, then.
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            for (node, ranges) in plan.ranges {
                fresh.entry(node).or_default().extend(ranges);
            }
        }
        written
    }
}
