//! Which computed partitions are kept for the next job?
//!
//! 1. A kept partition is sealed: what a later job does to its elements is not seen by the next one.
//! 2. Two tasks that need the same missing partition compute it once: the second waits for the first.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use crate::block::Block;
use crate::error::Result;
use crate::rdd::RddId;

/// Makes blocks safe to keep: their elements can no longer be changed by anybody.
pub trait Sealer: Send + Sync {
    /// The same elements, isolated.
    fn seal(&self, blocks: Vec<Block>) -> Result<Vec<Block>>;
}

type Entry = Arc<Mutex<Option<Vec<Block>>>>;

/// Persisted partitions of all RDDs of a context.
#[derive(Default)]
pub struct Store {
    entries: Mutex<HashMap<(RddId, usize), Entry>>,
}

impl Store {
    /// The kept partition, or what `compute` makes of it, which is then kept.
    pub fn get_or_compute(
        &self,
        rdd: RddId,
        partition: usize,
        compute: impl FnOnce() -> Result<Vec<Block>>,
    ) -> Result<Vec<Block>> {
        let entry = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(entries.entry((rdd, partition)).or_default())
        };
        let mut kept = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blocks) = kept.as_ref() {
            return Ok(blocks.clone());
        }
        let blocks = compute()?;
        *kept = Some(blocks.clone());
        Ok(blocks)
    }

    /// Whether all `partitions` of an RDD are kept.
    pub fn holds(&self, rdd: RddId, partitions: usize) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        (0..partitions).all(|at| {
            let entry = entries.get(&(rdd, at));
            // An entry in use is being computed right now.
            entry.is_some_and(|entry| entry.try_lock().is_ok_and(|kept| kept.is_some()))
        })
    }

    /// Forget all partitions of an RDD.
    pub fn forget(&self, rdd: RddId) {
        let dropped: Vec<Entry> = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.extract_if(|(owner, _), _| *owner == rdd).map(|(_, entry)| entry).collect()
        };
        // Outside the lock: dropping objects may need the interpreter.
        drop(dropped);
    }

    /// Forget everything.
    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner));
        drop(all);
    }
}
