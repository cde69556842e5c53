//! How do blocks that a receiver got wait for their batch, without end?
//!
//! Owns `Intake`: blocks in groups (a group becomes a partition), in order, and a bound on their bytes. No thread.
//! 1. Blocks are handed over once and in order; nothing is dropped.
//! 2. Bounded, whoever adds has to ask for room first. Room is there as long as no more than `limit` bytes wait to be
//!    taken, or were taken and not yet released; so one block may go beyond. Open, there always is room; closed, there is
//!    none any more, and what waits stays.
//!
//! 3. Blocks are numbered. With a log, each is in it before it may be taken; when it is durable, `commit` tells.
//!
//! Elsewhere: what a block is made of (`socket.rs`, `py/receiver.rs`); how fast (`rate.rs`); when to release (`stream/`).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::block::Block;
use crate::error::Result;

/// Whether a block may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Yes.
    Free,
    /// Not yet.
    Full,
    /// Never again.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Bounded,
    Open,
    Closed,
}

/// Where received blocks become durable.
pub trait BlockLog: Send + Sync {
    /// A block as it is appended. May run Python code, so no lock may be held.
    fn encode(&self, block: &Block) -> Result<Vec<u8>>;
    /// Appends a block; the answer is what `commit` asks for.
    fn append(&self, number: u64, group: u64, bytes: &[u8]) -> u64;
    /// Waits until everything up to there is durable.
    fn commit(&self, place: u64) -> Result<()>;
}

/// A block, and what the log will have of it if there is one.
#[derive(Debug)]
pub struct Encoded {
    block: Block,
    bytes: Option<Vec<u8>>,
}

/// What a batch took.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The number of the first block that was left.
    pub until: u64,
    /// The partitions, a list of blocks each.
    pub groups: Vec<Vec<Block>>,
    /// Their bytes, to be released once they are processed.
    pub held: usize,
}

struct Pending {
    groups: Vec<(u64, Vec<Block>)>,
    /// Bytes of `groups`.
    bytes: usize,
    /// Bytes taken and not released.
    held: usize,
    gate: Gate,
    /// The number of the next block.
    next: u64,
}

impl Pending {
    fn room(&self, limit: usize, besides: usize) -> Room {
        match self.gate {
            Gate::Closed => Room::Closed,
            Gate::Bounded if self.held.saturating_add(self.bytes).saturating_add(besides) > limit => Room::Full,
            Gate::Bounded | Gate::Open => Room::Free,
        }
    }
}

/// Blocks received and not taken.
pub struct Intake {
    pending: Mutex<Pending>,
    changed: Condvar,
    limit: usize,
    log: OnceLock<Arc<dyn BlockLog>>,
}

impl Intake {
    /// Empty; there is room while at most `limit` bytes wait.
    pub fn new(limit: usize) -> Self {
        let pending = Pending { groups: Vec::new(), bytes: 0, held: 0, gate: Gate::Bounded, next: 0 };
        Self { pending: Mutex::new(pending), changed: Condvar::new(), limit, log: OnceLock::new() }
    }

    /// From now on blocks go to a log first, and are numbered from `first` on. To be said before anything is added.
    pub fn log_to(&self, log: Arc<dyn BlockLog>, first: u64) {
        self.lock().next = first;
        // Set already: an intake belongs to one stream, which starts once.
        let _ = self.log.set(log);
    }

    /// Adds a block to its group, which is the last one or a new one. Also when closed: what there was room for counts.
    /// With a log the answer is what `commit` asks for. No lock may be held that somebody attached waits for.
    pub fn add(&self, group: u64, block: Block) -> Result<Option<u64>> {
        Ok(self.add_encoded(group, self.encode(block)?))
    }

    /// A block, ready to be added.
    pub fn encode(&self, block: Block) -> Result<Encoded> {
        let bytes = self.log.get().map(|log| log.encode(&block)).transpose()?;
        Ok(Encoded { block, bytes })
    }

    /// Adds what `encode` gave.
    pub fn add_encoded(&self, group: u64, Encoded { block, bytes }: Encoded) -> Option<u64> {
        let mut pending = self.lock();
        // Under the lock: the log has the blocks in the order of their numbers, and all that can be taken.
        let place = self.log.get().zip(bytes).map(|(log, bytes)| log.append(pending.next, group, &bytes));
        pending.next += 1;
        pending.bytes += block.bytes();
        match pending.groups.last_mut() {
            Some((last, blocks)) if *last == group => blocks.push(block),
            _ => pending.groups.push((group, vec![block])),
        }
        place
    }

    /// Waits until what was added is durable. To be called without the interpreter.
    pub fn commit(&self, place: Option<u64>) -> Result<()> {
        match (self.log.get(), place) {
            (Some(log), Some(place)) => log.commit(place),
            _ => Ok(()),
        }
    }

    /// Hands over all that waits.
    pub fn take(&self) -> Taken {
        let mut pending = self.lock();
        let (groups, held) = (std::mem::take(&mut pending.groups), std::mem::take(&mut pending.bytes));
        pending.held += held;
        let until = pending.next;
        drop(pending);
        Taken { until, groups: groups.into_iter().map(|(_, blocks)| blocks).collect(), held }
    }

    /// What was taken is processed: so many bytes more may wait.
    pub fn release(&self, bytes: usize) {
        let mut pending = self.lock();
        pending.held = pending.held.saturating_sub(bytes);
        drop(pending);
        self.changed.notify_all();
    }

    /// Whether there is room now.
    pub fn room(&self) -> Room {
        self.lock().room(self.limit, 0)
    }

    /// Waits for room, at most for `longest`. `besides` are bytes that are to be added and count already.
    pub fn wait_for_room(&self, besides: usize, longest: Duration) -> Room {
        let full = |pending: &mut Pending| pending.room(self.limit, besides) == Room::Full;
        let waited = self.changed.wait_timeout_while(self.lock(), longest, full);
        waited.unwrap_or_else(PoisonError::into_inner).0.room(self.limit, besides)
    }

    /// Whether it is neither open nor closed.
    pub fn is_bounded(&self) -> bool {
        self.lock().gate == Gate::Bounded
    }

    /// Waits for so long, or until it is opened or closed.
    pub fn wait_while_bounded(&self, longest: Duration) {
        let bounded = |pending: &mut Pending| pending.gate == Gate::Bounded;
        drop(self.changed.wait_timeout_while(self.lock(), longest, bounded));
    }

    /// From now on there is room for everything: the last batch is to have all.
    pub fn open(&self) {
        self.set(Gate::Open);
    }

    /// There is no room any more.
    pub fn close(&self) {
        self.set(Gate::Closed);
    }

    fn set(&self, gate: Gate) {
        let mut pending = self.lock();
        if pending.gate != Gate::Closed {
            pending.gate = gate;
        }
        drop(pending);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Poison would mean a panic between two changes; each of them leaves whole blocks.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use arrow_array::Int64Array;
    use proptest::prelude::*;

    use super::*;
    use crate::block::{Columns, Kind};

    const LONG: Duration = Duration::from_secs(20);

    fn block(rows: usize) -> Block {
        Block::Columns(Columns::new(Kind::Int, Arc::new(Int64Array::from(vec![7; rows]))))
    }

    fn lengths(taken: &Taken) -> Vec<Vec<usize>> {
        taken.groups.iter().map(|group| group.iter().map(Block::len).collect()).collect()
    }

    #[test]
    fn a_full_intake_has_room_once_what_was_taken_is_released() {
        let intake = Arc::new(Intake::new(block(9).bytes()));
        assert_eq!(intake.wait_for_room(block(9).bytes(), Duration::ZERO), Room::Free);
        assert_eq!(intake.wait_for_room(block(10).bytes(), Duration::ZERO), Room::Full);
        intake.add(0, block(10)).unwrap();
        assert_eq!(intake.wait_for_room(0, Duration::ZERO), Room::Full);
        let taken = intake.take();
        assert_eq!((lengths(&taken), taken.held), (vec![vec![10]], block(10).bytes()));
        assert_eq!(intake.room(), Room::Full, "taken, but not processed");
        let waiter = thread::spawn({
            let intake = Arc::clone(&intake);
            move || intake.wait_for_room(0, LONG)
        });
        intake.release(taken.held);
        assert_eq!(waiter.join().unwrap(), Room::Free);
        assert!(intake.take().groups.is_empty());
    }

    #[test]
    fn opening_and_closing_wake_who_waits() {
        for (turn, found) in [(Intake::open as fn(&Intake), Room::Free), (Intake::close, Room::Closed)] {
            let intake = Arc::new(Intake::new(0));
            intake.add(0, block(1)).unwrap();
            let waiter = thread::spawn({
                let intake = Arc::clone(&intake);
                move || {
                    intake.wait_while_bounded(LONG);
                    intake.wait_for_room(0, LONG)
                }
            });
            assert!(intake.is_bounded());
            turn(&intake);
            assert_eq!(waiter.join().unwrap(), found);
            intake.add(1, block(2)).unwrap();
            assert_eq!(lengths(&intake.take()), [[1], [2]], "what waited stays");
        }
    }

    #[test]
    fn closed_is_for_good() {
        let intake = Intake::new(9);
        intake.close();
        intake.open();
        assert_eq!(intake.room(), Room::Closed);
    }

    proptest! {
        #[test]
        fn blocks_come_in_order_and_in_their_groups(given in prop::collection::vec((0u64..3, 1usize..4, any::<bool>()), 0..30)) {
            let intake = Intake::new(usize::MAX);
            let (mut group, mut wanted, mut found) = (0, Vec::<Vec<usize>>::new(), Vec::new());
            let mut fresh = true;
            for (step, rows, takes) in given {
                group += step;
                intake.add(group, block(rows)).unwrap();
                match wanted.last_mut() {
                    Some(last) if step == 0 && !fresh => last.push(rows),
                    _ => wanted.push(vec![rows]),
                }
                fresh = takes;
                if takes {
                    found.extend(lengths(&intake.take()));
                }
            }
            found.extend(lengths(&intake.take()));
            prop_assert_eq!(found, wanted);
        }
    }
}
