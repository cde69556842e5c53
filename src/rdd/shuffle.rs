//! What is left of a shuffle's map side once it has run?
//!
//! 1. The output belongs to the node and lives as long as it: a second job does not run the map side again.
//! 2. A reduce partition reads the map outputs in the order of the map partitions.
//! 3. Blocks in here are sealed: no job can change what the next one reads.
//! 4. What the memory has no room for is in files; it is read block by block, when a block is pulled.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Blocks, Mark, Parcels, Rdd, Way};
use crate::block::Block;
use crate::error::Result;
use crate::memory::{Gather, Level, Memory};

/// What one map task sends to each target partition, gathered while it runs.
#[derive(Debug)]
pub struct MapOutput {
    gathered: Gather,
    parcels: Parcels,
    marks: Marks,
}

/// Of one map task: in which batches the elements of each target are.
pub type Marks = Vec<Vec<Mark>>;

impl MapOutput {
    /// Nothing yet, for `targets` partitions, all in memory.
    pub fn new(targets: usize) -> Self {
        Self::within(&Memory::unbounded(), targets)
    }

    /// Nothing yet, for `targets` partitions, in files where `memory` has no room.
    pub fn within(memory: &Arc<Memory>, targets: usize) -> Self {
        Self {
            gathered: Gather::new(memory, Level::MemoryAndDisk, targets),
            parcels: Vec::new(),
            marks: vec![Vec::new(); targets],
        }
    }

    /// Number of target partitions.
    pub fn targets(&self) -> usize {
        self.gathered.sections()
    }

    /// Adds a sealed block to what `target` receives. May write what was added before to a file.
    pub fn push(&mut self, target: usize, block: Block) -> Result<()> {
        self.gathered.push(target, block).map(drop)
    }

    /// Says in which batches the next elements of `target` are.
    pub fn mark(&mut self, target: usize, mark: Mark) {
        let Some(marks) = self.marks.get_mut(target) else { return };
        match marks.last_mut() {
            Some(last) if last.size == mark.size && last.rows.is_multiple_of(last.size) => last.rows += mark.rows,
            _ => marks.push(mark),
        }
    }

    /// What was said about batches.
    pub fn take_marks(&mut self) -> Marks {
        std::mem::take(&mut self.marks)
    }

    /// Nothing more will be added: what is in memory may go to a file whenever others need the room.
    pub fn close(mut self) -> Result<Self> {
        self.parcels.append(&mut self.gathered.close()?);
        Ok(self)
    }

    /// All that was added, with a section per target; nothing more will be.
    pub fn into_parcels(self) -> Result<Parcels> {
        Ok(self.close()?.parcels)
    }
}

/// The panes of a window whose elements were shuffled.
pub struct Window {
    /// The panes, and the map partitions that are theirs, in order and without gaps.
    pub panes: Vec<(Arc<Rdd>, Range<usize>)>,
    /// What was done with their elements.
    pub way: Arc<Way>,
}

/// All map outputs of a shuffle, in the order of the map partitions.
#[derive(Default)]
pub struct ShuffleData {
    outputs: Vec<Parcels>,
    marks: Vec<Marks>,
    window: Option<Window>,
}

impl ShuffleData {
    /// `outputs[m]`: what map partition m sends.
    pub fn new(outputs: Vec<MapOutput>) -> Result<Self> {
        let outputs = outputs.into_iter().map(MapOutput::into_parcels).collect::<Result<_>>()?;
        Ok(Self { outputs, marks: Vec::new(), window: None })
    }

    /// The same; with `window`, these are the outputs of its panes, made in a way that is pure, of plain elements.
    pub fn of_window(outputs: Vec<Parcels>, window: Option<Window>) -> Self {
        Self { outputs, marks: Vec::new(), window }
    }

    /// The same, with what is known about the batches of all map partitions.
    pub fn marked(self, marks: Vec<Marks>) -> Self {
        Self { marks, ..self }
    }

    /// In which batches the elements of target partition `target` are, as far as that is known.
    pub fn marks(&self, target: usize) -> Vec<Mark> {
        self.marks.iter().filter_map(|marks| marks.get(target)).flatten().copied().collect()
    }

    /// The panes that it is made of, if what they sent is known to be the same whenever it is made.
    pub fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// Bytes of all outputs, if they are in memory and columns.
    pub fn column_bytes(&self) -> Option<usize> {
        self.outputs.iter().flatten().map(|parcel| parcel.column_bytes()).sum()
    }

    /// What target partition `target` receives.
    pub fn target(&self, target: usize) -> Blocks {
        self.target_from(0..self.outputs.len(), target)
    }

    /// What target partition `target` receives from some of the map partitions.
    pub fn target_from(&self, partitions: Range<usize>, target: usize) -> Blocks {
        let parcels: Parcels = self.outputs[partitions].iter().flatten().cloned().collect();
        Box::new(parcels.into_iter().flat_map(move |parcel| parcel.section(target).into_iter().flatten()))
    }
}

/// Holds a shuffle's output once it is there.
#[derive(Default)]
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
