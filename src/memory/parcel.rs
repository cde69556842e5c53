//! Some blocks, in memory or in a file.
//!
//! 1. A block has a section and a place in it; both stay, wherever the parcel is. Readers pull block by block, and do not
//!    notice when the parcel moves to a file between two pulls.
//! 2. A parcel moves at most once. It is written outside of all locks; meanwhile readers find it in memory.
//! 3. The ledger lists the parcels in memory that are not pinned. Locks: the contents, then the ledger.

use std::io::BufWriter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::files::SpillFile;
use super::format::Frame;
use super::{Holding, Level, Memory};
use crate::block::Block;
use crate::error::Result;

#[derive(Debug)]
enum Contents {
    Here { sections: Arc<Vec<Vec<Block>>>, place: u64, _holding: Holding },
    File(Arc<Stored>),
    Gone,
}

#[derive(Debug)]
struct Stored {
    file: SpillFile,
    sections: Vec<Vec<Frame>>,
}

/// Blocks in numbered sections.
#[derive(Debug)]
pub struct Parcel {
    memory: Arc<Memory>,
    level: Level,
    pins: AtomicUsize,
    contents: Mutex<Contents>,
}

/// As long as it lives, the parcel is not dropped. (One that may go to disk needs no such care, so nothing is inside.)
#[derive(Debug)]
pub struct Pin(Option<Arc<Parcel>>);

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(parcel) = &self.0
            && parcel.memory.is_here()
            && parcel.pins.fetch_sub(1, Ordering::AcqRel) == 1
        {
            parcel.list();
        }
    }
}

impl Parcel {
    /// Blocks in memory that `holding` counts. They stay until the parcel is listed.
    pub(super) fn here(memory: &Arc<Memory>, level: Level, sections: Vec<Vec<Block>>, holding: Holding) -> Arc<Self> {
        let contents = Contents::Here { sections: Arc::new(sections), place: 0, _holding: holding };
        let (memory, pins) = (Arc::clone(memory), AtomicUsize::new(0));
        Arc::new(Self { memory, level, pins, contents: Mutex::new(contents) })
    }

    /// Blocks that are written to a file at once.
    pub(super) fn written(memory: &Arc<Memory>, sections: &[Vec<Block>]) -> Result<Arc<Self>> {
        let contents = Contents::File(Arc::new(Stored::write(memory, sections)?));
        let (memory, pins) = (Arc::clone(memory), AtomicUsize::new(0));
        Ok(Arc::new(Self { memory, level: Level::Disk, pins, contents: Mutex::new(contents) }))
    }

    /// The blocks of a section, each read when it is pulled; None when they have been dropped.
    pub fn section(self: &Arc<Self>, section: usize) -> Option<impl Iterator<Item = Result<Block>> + Send + use<>> {
        let (pin, parcel) = (self.pin()?, Arc::clone(self));
        parcel.list();
        let mut at = 0;
        Some(std::iter::from_fn(move || {
            let _stays = &pin;
            let found = parcel.block(section, at);
            at += 1;
            found
        }))
    }

    /// Keeps the blocks from being dropped; None when they have been.
    pub fn pin(self: &Arc<Self>) -> Option<Pin> {
        if self.level != Level::Memory {
            return Some(Pin(None));
        }
        // Under the lock, so that the parcel does not leave at this moment.
        let contents = self.contents();
        if matches!(*contents, Contents::Gone) {
            return None;
        }
        self.pins.fetch_add(1, Ordering::AcqRel);
        if let Contents::Here { place, .. } = &*contents {
            self.memory.ledger().forget(*place);
        }
        Some(Pin(Some(Arc::clone(self))))
    }

    fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::Acquire) > 0
    }

    /// Bytes of all blocks, if they are in memory and columns.
    pub fn column_bytes(&self) -> Option<usize> {
        match &*self.contents() {
            Contents::Here { sections, .. } => sections.iter().flatten().map(Block::column_bytes).sum(),
            Contents::File(_) | Contents::Gone => None,
        }
    }

    /// Bytes of the blocks in memory, and in a file.
    pub fn sizes(&self) -> (usize, usize) {
        match &*self.contents() {
            Contents::Here { _holding: holding, .. } => (holding.bytes(), 0),
            Contents::File(stored) => (0, stored.sections.iter().flatten().map(Frame::length).sum()),
            Contents::Gone => (0, 0),
        }
    }

    /// Whether the blocks are in memory.
    pub fn is_here(&self) -> bool {
        matches!(*self.contents(), Contents::Here { .. })
    }

    /// Moves the blocks to a file, or drops them. The ledger has crossed the parcel out already.
    pub(super) fn leave(self: &Arc<Self>) -> Result<()> {
        let sections = match &*self.contents() {
            Contents::Here { sections, .. } => Arc::clone(sections),
            _ => return Ok(()),
        };
        let after = match self.level {
            Level::Memory => Contents::Gone,
            _ => match Stored::write(&self.memory, &sections) {
                Ok(stored) => Contents::File(Arc::new(stored)),
                Err(error) => {
                    self.list();
                    return Err(error);
                }
            },
        };
        let mut contents = self.contents();
        // Pinned since it was chosen: it comes back to the ledger with the end of the pin.
        if self.is_pinned() {
            return Ok(());
        }
        if let Contents::Here { place, .. } = &*contents {
            self.memory.ledger().forget(*place);
        }
        let before = std::mem::replace(&mut *contents, after);
        drop(contents);
        // Outside the lock: dropping objects may need the interpreter.
        drop((before, sections));
        Ok(())
    }

    /// Says that the parcel was used now, and may leave the memory later.
    pub(super) fn list(self: &Arc<Self>) {
        if let Contents::Here { place, .. } = &mut *self.contents()
            && !self.is_pinned()
        {
            *place = self.memory.ledger().used(Arc::downgrade(self), *place);
        }
    }

    fn block(&self, section: usize, at: usize) -> Option<Result<Block>> {
        let stored = match &*self.contents() {
            Contents::Here { sections, .. } => return sections.get(section)?.get(at).cloned().map(Ok),
            Contents::File(stored) => Arc::clone(stored),
            Contents::Gone => return None,
        };
        let frame = stored.sections.get(section)?.get(at)?;
        Some(frame.read(&stored.file))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Contents::Here { place, .. } = self.contents.get_mut().unwrap_or_else(PoisonError::into_inner)
            && self.memory.is_here()
        {
            self.memory.ledger().forget(*place);
        }
    }
}

impl Stored {
    fn write(memory: &Memory, sections: &[Vec<Block>]) -> Result<Self> {
        let (file, out) = memory.folders.create()?;
        let (mut out, mut offset) = (BufWriter::with_capacity(1 << 18, out), 0);
        let mut write = |block: &Block| -> Result<Frame> {
            let (frame, bytes) = Frame::encode(block, offset)?;
            offset += bytes.len() as u64;
            file.write_all(&mut out, &bytes)?;
            Ok(frame)
        };
        let sections = sections
            .iter()
            .map(|blocks| blocks.iter().map(&mut write).collect::<Result<_>>())
            .collect::<Result<_>>()?;
        file.flush(&mut out)?;
        Ok(Self { file, sections })
    }
}
