//! How do received blocks come into the log, and which batch gets them again?
//!
//! Owns `JournalLog`, the journal as the log of one input, and `Replay`, which deals out what an earlier run logged.
//! 1. Blocks of an input are numbered over all runs. A batch that was planned gets the blocks below its range that no batch
//!    before it has; blocks of no planned batch are the rest, in order.
//! 2. Neighbours with the same group are one partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::Block;
use crate::durable::{Codec, Keeper, Received, decode, encode};
use crate::error::{EngineError, Result};
use crate::source::BlockLog;

/// The journal, for the blocks of one input.
pub(super) struct JournalLog {
    pub(super) keeper: Arc<Keeper>,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) node: u32,
}

impl BlockLog for JournalLog {
    fn encode(&self, block: &Block) -> Result<Vec<u8>> {
        let bytes = encode(block, self.codec.as_ref())?;
        if bytes.len() > u32::MAX as usize / 2 {
            let problem = "a received block of 2 GiB or more cannot be logged".into();
            return Err(EngineError::Refused { class: "org.apache.spark.SparkException", problem });
        }
        Ok(bytes)
    }

    fn append(&self, number: u64, group: u64, bytes: &[u8]) -> u64 {
        self.keeper.journal().block(self.node, number, group, bytes)
    }

    fn commit(&self, place: u64) -> Result<()> {
        self.keeper.journal().commit(place)
    }
}

/// What an earlier run logged, dealt out.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The blocks of each batch that was planned, also where there are none.
    pub(super) batches: BTreeMap<i64, Vec<Received>>,
    /// Those that no batch had, in order.
    pub(super) rest: Vec<Received>,
    /// The number behind all of them.
    pub(super) next: u64,
}

impl Replay {
    /// `past`: up to which block each batch took. `blocks`: what the log has, in order.
    pub(super) fn new(past: &BTreeMap<i64, u64>, mut blocks: Vec<Received>) -> Self {
        let behind_last = blocks.last().map(|block| block.number + 1);
        let next = behind_last.max(past.values().max().copied()).unwrap_or(0);
        let batches = past.iter().map(|(time, until)| {
            let count = blocks.iter().take_while(|block| block.number < *until).count();
            (*time, blocks.drain(..count).collect())
        });
        let batches = batches.collect();
        Self { batches, rest: blocks, next }
    }
}

/// Logged blocks, in their partitions.
pub(super) fn decoded(blocks: &[Received], codec: &dyn Codec) -> Result<Vec<Vec<Block>>> {
    let mut groups: Vec<(u64, Vec<Block>)> = Vec::new();
    for received in blocks {
        let block = decode(&received.bytes, codec)?;
        match groups.last_mut() {
            Some((last, blocks)) if *last == received.group => blocks.push(block),
            _ => groups.push((received.group, vec![block])),
        }
    }
    Ok(groups.into_iter().map(|(_, blocks)| blocks).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> Received {
        Received { node: 0, number, group: number, bytes: Vec::new() }
    }

    fn numbers(blocks: &[Received]) -> Vec<u64> {
        blocks.iter().map(|block| block.number).collect()
    }

    #[test]
    fn each_planned_batch_gets_the_blocks_below_its_range_and_nobody_twice() {
        // ranges      1: 2        2: 2     4: 5    (batch 3 was never planned)
        // blocks  [0, 1]           []   [2, 3, 4]   5 and 6 are left
        let past = BTreeMap::from([(1, 2), (2, 2), (4, 5)]);
        let replay = Replay::new(&past, (0..7).map(block).collect());
        let batches: Vec<_> = replay.batches.iter().map(|(time, blocks)| (*time, numbers(blocks))).collect();
        assert_eq!(batches, [(1, vec![0, 1]), (2, vec![]), (4, vec![2, 3, 4])]);
        assert_eq!((numbers(&replay.rest), replay.next), (vec![5, 6], 7));
    }

    #[test]
    fn the_next_number_is_behind_ranges_whose_blocks_are_gone() {
        let replay = Replay::new(&BTreeMap::from([(1, 9)]), Vec::new());
        assert_eq!((replay.next, replay.rest.len()), (9, 0));
        assert_eq!(Replay::new(&BTreeMap::new(), Vec::new()).next, 0);
    }
}
