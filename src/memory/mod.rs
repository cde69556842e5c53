//! What may stay in memory, and where does the rest go?
//!
//! Owns the budget of one executor (`Memory`), what is counted against it (`Holding` for sealed blocks, `Reservation` for
//! what a task gathers), and `Parcel`: blocks that are in memory or in a file. No Python here.
//! 1. All sizes are bytes. A buffer that several blocks share counts once, whole, as long as one of them is held.
//! 2. When the budget is used up, the parcels used longest ago go first: to a file, or they are dropped if their owner
//!    can make them again. Then whoever asks for more must write out what it has gathered itself.
//! 3. The ledger's lock is a leaf: nothing is written, dropped or called while it is held, so all of this may be used
//!    with or without the interpreter.
//!
//! Elsewhere: who keeps what (`rdd/shuffle.rs`, `exec/store.rs`), how much Python objects weigh (`object/values/weigh.rs`), the allocator (`heap/`).

mod files;
mod format;
mod gather;
mod ledger;
mod parcel;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use files::Folders;
pub use gather::Gather;
pub use ledger::Holding;
use ledger::Ledger;
pub use parcel::{Parcel, Pin};

use crate::error::Result;
use crate::heap::give_back;
use crate::process::Origin;

/// Where sealed blocks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// In memory while there is room; then they are dropped, and made again when needed.
    Memory,
    /// In memory while there is room, then in a file.
    MemoryAndDisk,
    /// In a file from the start.
    Disk,
}

/// A reservation may always hold this much: even under a tiny budget work goes on in pieces of some size.
const LEAST: usize = 16 << 10;

/// The budget of one executor.
#[derive(Debug)]
pub struct Memory {
    /// The process whose it is. In another one, a forked child, nothing is counted or given back: the ledger's lock may be
    /// that of a thread that is not there.
    origin: Origin,
    limit: usize,
    /// Most bytes for one task's gathering, beside what the number of tasks gives.
    most: usize,
    folders: Folders,
    active: AtomicUsize,
    /// Bytes let go since free memory went back to the system.
    freed: AtomicUsize,
    ledger: Mutex<Ledger>,
}

impl Memory {
    /// `limit` bytes for everything; at most `most` of them for one gathering of a task.
    pub fn new(limit: usize, most: usize, folders: Folders) -> Arc<Self> {
        Arc::new(Self {
            origin: Origin::here(),
            limit,
            most,
            folders,
            active: AtomicUsize::new(0),
            freed: AtomicUsize::new(0),
            ledger: Mutex::default(),
        })
    }

    /// Without bounds: nothing is counted, nothing is written.
    pub fn unbounded() -> Arc<Self> {
        Self::new(usize::MAX, usize::MAX, Folders::nowhere())
    }

    /// The whole budget in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that count now.
    pub fn held(&self) -> usize {
        self.ledger().held
    }

    /// Bytes that one gathering of a task may hold, given how many tasks run.
    pub fn share(&self) -> usize {
        // A task mostly has two: what it merges, and what it sends on.
        let tasks = self.active.load(Ordering::Relaxed).max(1);
        (self.limit / (2 * tasks)).min(self.most).max(LEAST)
    }

    /// Counts a running task until dropped.
    pub fn enter(self: &Arc<Self>) -> Presence {
        self.active.fetch_add(1, Ordering::Relaxed);
        Presence(Arc::clone(self))
    }

    /// For what a task gathers; nothing yet.
    pub fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { memory: Arc::clone(self), bytes: 0 }
    }

    /// Sends parcels away until `more` bytes fit, the one used longest ago first. Whether they fit now.
    pub fn make_room(&self, more: usize) -> Result<bool> {
        loop {
            let (fits, oldest) = {
                let mut ledger = self.ledger();
                if ledger.held.saturating_add(more) <= self.limit { (true, None) } else { (false, ledger.oldest()) }
            };
            match oldest {
                None => return Ok(fits),
                Some(parcel) => parcel.leave()?,
            }
        }
    }

    /// Says that `bytes` were let go. The allocator keeps what lies between objects that live on, and over many rounds
    /// of gathering and writing that adds up to more than the budget: so free pages go back to the system now and then.
    fn let_go(&self, bytes: usize) {
        let freed = self.freed.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if self.is_bounded() && freed > (self.limit / 4).max(4 << 20) {
            self.freed.store(0, Ordering::Relaxed);
            give_back();
        }
    }

    fn is_bounded(&self) -> bool {
        self.limit != usize::MAX
    }

    /// Whether it is this process's.
    fn is_here(&self) -> bool {
        self.origin.is_here()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running task, as the budget counts it.
#[derive(Debug)]
pub struct Presence(Arc<Memory>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that a task holds, given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds `more` bytes, unless they are beyond the task's share or the budget, parcels sent away included: then
    /// nothing changes and the answer is false. Fails when a parcel cannot be written.
    pub fn try_reserve(&mut self, more: usize) -> Result<bool> {
        let memory = &self.memory;
        if !memory.is_bounded() {
            return Ok(true);
        }
        let after = self.bytes.saturating_add(more);
        if after > LEAST && (after > memory.share() || !memory.make_room(more)?) {
            return Ok(false);
        }
        self.hold(more);
        Ok(true)
    }

    /// Holds `more` bytes whatever the budget says, for what cannot be cut smaller.
    pub fn hold(&mut self, more: usize) {
        self.bytes = self.bytes.saturating_add(more);
        let mut ledger = self.memory.ledger();
        ledger.held = ledger.held.saturating_add(more);
    }

    /// Gives everything back.
    pub fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        {
            let mut ledger = self.memory.ledger();
            ledger.held = ledger.held.saturating_sub(bytes);
        }
        self.memory.let_go(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.memory.is_here() {
            self.release();
        }
    }
}

#[cfg(test)]
mod tests;
