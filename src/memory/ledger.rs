//! Which bytes count, and which parcels could go?

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use hashbrown::HashMap;

use super::{Memory, Parcel};
use crate::block::Block;

/// What an executor holds.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Bytes of distinct buffers and of reservations.
    pub held: usize,
    /// Buffers by address: their bytes, and how many holdings have them.
    buffers: HashMap<usize, (usize, usize)>,
    /// Parcels in memory by the time of their last use.
    parcels: BTreeMap<u64, Weak<Parcel>>,
    clock: u64,
}

impl Ledger {
    fn add(&mut self, address: usize, bytes: usize) {
        let (_, holders) = self.buffers.entry(address).or_insert((bytes, 0));
        *holders += 1;
        if *holders == 1 {
            self.held = self.held.saturating_add(bytes);
        }
    }

    fn remove(&mut self, address: usize) {
        if let Some((bytes, holders)) = self.buffers.get_mut(&address) {
            *holders -= 1;
            if *holders == 0 {
                self.held = self.held.saturating_sub(*bytes);
                self.buffers.remove(&address);
            }
        }
    }

    /// Notes that a parcel is used now; gives the number of its new place.
    pub fn used(&mut self, parcel: Weak<Parcel>, before: u64) -> u64 {
        self.parcels.remove(&before);
        self.clock += 1;
        self.parcels.insert(self.clock, parcel);
        self.clock
    }

    /// The parcel at this place is not to be sent away.
    pub fn forget(&mut self, place: u64) {
        self.parcels.remove(&place);
    }

    /// Takes the parcel used longest ago out of the list.
    pub fn oldest(&mut self) -> Option<Arc<Parcel>> {
        loop {
            let (_, parcel) = self.parcels.pop_first()?;
            // One that is just being dropped needs no sending away.
            if let Some(parcel) = parcel.upgrade() {
                return Some(parcel);
            }
        }
    }
}

/// The buffers of some blocks, counted until dropped.
#[derive(Debug)]
pub struct Holding {
    memory: Arc<Memory>,
    /// Addresses; one that occurs in several blocks is here several times.
    addresses: Vec<usize>,
    bytes: usize,
}

impl Holding {
    /// Holds nothing yet.
    pub fn new(memory: &Arc<Memory>) -> Self {
        Self { memory: Arc::clone(memory), addresses: Vec::new(), bytes: 0 }
    }

    /// Counts the buffers of a block.
    pub fn add(&mut self, block: &Block) {
        if !self.memory.is_bounded() {
            return;
        }
        let mut found = Vec::new();
        block.for_each_buffer(&mut |address, bytes| found.push((address, bytes)));
        let mut ledger = self.memory.ledger();
        for (address, bytes) in found {
            ledger.add(address, bytes);
            self.addresses.push(address);
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    /// Bytes of all blocks; a buffer that several of them share counts for each.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts nothing any more.
    pub fn clear(&mut self) {
        self.bytes = 0;
        if self.addresses.is_empty() {
            return;
        }
        let mut ledger = self.memory.ledger();
        self.addresses.drain(..).for_each(|address| ledger.remove(address));
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if self.memory.is_here() {
            self.clear();
        }
    }
}
