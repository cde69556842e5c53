//! Which computed partitions are kept for the next job, and where?
//!
//! 1. A kept partition is sealed: what a later job does to its elements is not seen by the next one.
//! 2. Two tasks that need the same missing partition compute it once: the second waits for the first.
//! 3. A partition kept in memory only may be dropped when memory is short, or not be kept at all when it is larger than
//!    what there is: then it is computed again. Its readers pin it, and so does a job that relies on it being there.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, unbounded};
use hashbrown::HashMap;

use super::lots::Computed;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::memory::{Gather, Level, Memory, Pin};
use crate::rdd::{Batching, Blocks, Lots, Mark, Parcels, RddId};

/// Makes blocks safe to keep: their elements can no longer be changed by anybody.
pub trait Sealer: Send + Sync {
    /// The same elements, isolated.
    fn seal(&self, blocks: Vec<Block>) -> Result<Vec<Block>>;
    /// The same elements in batches.
    fn cut(&self, blocks: Blocks, cut: Batching) -> Lots;
}

/// In which batches the elements of a partition are, if it was asked for when they were computed.
type Marks = Option<Arc<[Mark]>>;

/// Blocks, and what is known of their batches.
pub(super) type Marked = (Blocks, Marks);

type Entry = Arc<Mutex<Option<(Parcels, Marks)>>>;

/// What somebody wants to know of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Its elements.
    Blocks,
    /// And where batches end, which cannot always be told from the blocks.
    Batches,
}

/// What has become of a partition.
enum Gathered {
    All(Parcels),
    /// What was sealed before the room ran out, and what has not been computed yet.
    Some(Vec<Block>, Blocks),
}

/// The blocks of a partition; None when some have been dropped.
fn read(parcels: &Parcels) -> Option<Blocks> {
    let sections = parcels.iter().map(|parcel| parcel.section(0)).collect::<Option<Vec<_>>>()?;
    Some(Box::new(sections.into_iter().flatten()))
}

/// The blocks of a part; at its end it says how many elements they had.
struct Counted<E> {
    part: Blocks,
    rows: usize,
    ended: E,
}

impl<E: FnMut(usize)> Iterator for Counted<E> {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.part.next();
        match &next {
            Some(Ok(block)) => self.rows += block.len(),
            Some(Err(_)) => {}
            None => (self.ended)(self.rows),
        }
        next
    }
}

/// The blocks, and what comes to be known about their batches while they are pulled.
fn noted(computed: Computed) -> (Blocks, Option<Receiver<Mark>>) {
    match computed {
        Computed::Blocks(blocks) => (blocks, None),
        Computed::Lots(lots) => {
            let (sender, notes) = unbounded();
            let blocks = lots.map(move |lot| {
                let lot = lot?;
                // Nobody listens any more where it is not kept.
                let _ = sender.send(lot.mark());
                Ok(lot.block)
            });
            (Box::new(blocks), Some(notes))
        }
        Computed::Parts(parts) => {
            let (sender, notes) = unbounded();
            let blocks = parts.flat_map(move |part| {
                let sender = sender.clone();
                let (part, marks): Marked = match part {
                    Ok(marked) => marked,
                    Err(error) => (Box::new(std::iter::once(Err(error))), None),
                };
                let ended = move |rows| {
                    let all = [Mark { rows, size: 0 }];
                    for mark in marks.as_deref().unwrap_or(&all) {
                        let _ = sender.send(*mark);
                    }
                };
                Box::new(Counted { part, rows: 0, ended }) as Blocks
            });
            (Box::new(blocks), Some(notes))
        }
    }
}

/// Persisted partitions of all RDDs of a context.
pub struct Store {
    memory: Arc<Memory>,
    sealer: Arc<dyn Sealer>,
    entries: Mutex<HashMap<(RddId, usize), Entry>>,
}

impl Store {
    /// An empty store whose partitions count against `memory`.
    pub fn new(memory: Arc<Memory>, sealer: Arc<dyn Sealer>) -> Self {
        Self { memory, sealer, entries: Mutex::default() }
    }

    /// The kept partition, or what `compute` makes of it, which is then kept at `level` if there is room.
    pub(super) fn get_or_compute(
        &self,
        (rdd, partition): (RddId, usize),
        level: Level,
        wanted: Wanted,
        compute: impl FnOnce() -> Result<Computed>,
    ) -> Result<Marked> {
        let entry = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(entries.entry((rdd, partition)).or_default())
        };
        let mut kept = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((parcels, marks)) = kept.as_ref()
            && let Some(blocks) = read(parcels)
        {
            return Ok((blocks, marks.clone()));
        }
        // Parcels that were dropped: nothing to read in them any more.
        *kept = None;
        let dropped = || EngineError::Bug("a new parcel was dropped".to_owned());
        let (blocks, notes) = noted(compute()?);
        match self.gather(level, blocks)? {
            Gathered::All(parcels) => {
                let blocks = read(&parcels).ok_or_else(dropped)?;
                let marks = notes.map(|notes| notes.try_iter().collect::<Arc<[Mark]>>());
                *kept = Some((parcels, marks.clone()));
                Ok((blocks, marks))
            }
            // The elements of `rest` are new to everybody, so they need no seal.
            Gathered::Some(blocks, rest) => {
                let blocks: Blocks = Box::new(blocks.into_iter().map(Ok).chain(rest));
                match notes {
                    // All is noted when all has been computed: until it has been read, it lies where there is room.
                    Some(notes) if wanted == Wanted::Batches => {
                        let parcels = self.park(blocks)?;
                        Ok((read(&parcels).ok_or_else(dropped)?, Some(notes.try_iter().collect())))
                    }
                    _ => Ok((blocks, None)),
                }
            }
        }
    }

    /// Seals and gathers blocks as far as there is room for them.
    fn gather(&self, level: Level, mut blocks: Blocks) -> Result<Gathered> {
        let mut gathered = Gather::new(&self.memory, level, 1);
        while let Some(block) = blocks.next() {
            for sealed in self.sealer.seal(vec![block?])? {
                if !gathered.push(0, sealed)? {
                    return Ok(Gathered::Some(gathered.take().into_iter().flatten().collect(), blocks));
                }
            }
        }
        Ok(Gathered::All(gathered.close()?))
    }

    /// Blocks as one parcel after the other, wherever there is room; they are not computed again.
    pub(super) fn park(&self, blocks: Blocks) -> Result<Parcels> {
        match self.gather(Level::MemoryAndDisk, blocks)? {
            Gathered::All(parcels) => Ok(parcels),
            Gathered::Some(..) => Err(EngineError::Bug("blocks that may go to disk found no room".to_owned())),
        }
    }

    /// Who seals what is kept.
    pub(super) fn sealer(&self) -> &dyn Sealer {
        self.sealer.as_ref()
    }

    /// Whether all `partitions` of an RDD are kept; if so, they stay as long as the pins live.
    pub(super) fn pin(&self, rdd: RddId, partitions: usize) -> Option<Vec<Pin>> {
        let found: Vec<Entry> = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            (0..partitions).map(|at| entries.get(&(rdd, at)).cloned()).collect::<Option<_>>()?
        };
        let mut pins = Vec::new();
        for entry in found {
            // An entry in use is being computed right now.
            let kept = entry.try_lock().ok()?;
            for parcel in &kept.as_ref()?.0 {
                pins.push(parcel.pin()?);
            }
        }
        Some(pins)
    }

    /// How many partitions of an RDD are kept now, and their bytes in memory and in files. One that is being computed does
    /// not count.
    pub fn sizes(&self, rdd: RddId) -> (usize, usize, usize) {
        let found: Vec<Entry> = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.iter().filter(|((owner, _), _)| *owner == rdd).map(|(_, entry)| Arc::clone(entry)).collect()
        };
        let mut all = (0, 0, 0);
        for entry in found {
            let Ok(kept) = entry.try_lock() else { continue };
            let Some((parcels, _)) = kept.as_ref() else { continue };
            all.0 += 1;
            for parcel in parcels {
                let (memory, disk) = parcel.sizes();
                all.1 += memory;
                all.2 += disk;
            }
        }
        all
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
