//! What is left of a shuffle's map side once it has run?
//!
//! 1. The output belongs to the node and lives as long as it: a second job does not run the map side again.
//! 2. A reduce partition reads the map outputs in the order of the map partitions.
//! 3. Blocks in here are sealed: no job can change what the next one reads.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Blocks, ready};
use crate::block::Block;
use crate::error::Result;

/// What one map task sends to each target partition, gathered while it runs.
#[derive(Debug)]
pub struct MapOutput {
    targets: Vec<Vec<Block>>,
}

impl MapOutput {
    /// Nothing yet, for `targets` partitions.
    pub fn new(targets: usize) -> Self {
        Self { targets: vec![Vec::new(); targets] }
    }

    /// Number of target partitions.
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// Adds a sealed block to what `target` receives.
    pub fn push(&mut self, target: usize, block: Block) -> Result<()> {
        if !block.is_empty() {
            self.targets[target].push(block);
        }
        Ok(())
    }
}

/// All map outputs of a shuffle, in the order of the map partitions.
#[derive(Debug, Default)]
pub struct ShuffleData {
    outputs: Vec<MapOutput>,
}

impl ShuffleData {
    /// `outputs[m]`: what map partition m sends.
    pub fn new(outputs: Vec<MapOutput>) -> Self {
        Self { outputs }
    }

    /// What target partition `target` receives.
    pub fn target(&self, target: usize) -> Blocks {
        ready(self.outputs.iter().filter_map(|map| map.targets.get(target)).flatten().cloned().collect())
    }
}

/// Holds a shuffle's output once it is there.
#[derive(Debug, Default)]
pub struct ShuffleSlot {
    data: Mutex<Option<Arc<ShuffleData>>>,
    /// Held by the job that runs the map side, so that a second job waits instead of running it too.
    pub(crate) running: Mutex<()>,
}

impl ShuffleSlot {
    /// The output, if the map side has run.
    pub fn get(&self) -> Option<Arc<ShuffleData>> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drop the output.
    pub fn clear(&self) {
        let before = self.data.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Outside the lock: dropping objects may need the interpreter.
        drop(before);
    }

    /// Keep the output.
    pub fn set(&self, data: ShuffleData) {
        *self.data.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(data));
    }
}
