//! What may a step, a shuffle's map side, a pairing or an update be? The traits through which the layers above give meaning to
//! a node: functions over Python objects and over columns are unknown here.
//!
//! 1. What a trait gives is pulled later, never while attached to the interpreter.
//! 2. `same_as` is true only where it is known; what is not known is run each time.

use std::any::Any;
use std::sync::Arc;

use super::{Again, Blocks, Lot, Lots, MapOutput, Packing, Task};
use crate::block::Block;
use crate::error::Result;

/// A source of partitions outside the lineage: files, received data, numbers of a range.
pub trait Reader: Send + Sync {
    /// Number of partitions. Asked once per RDD.
    fn partitions(&self) -> Result<usize>;
    /// The data of a partition, read anew at each call.
    fn read(&self, partition: usize) -> Result<Blocks>;
    /// A word for `toDebugString`.
    fn name(&self) -> &'static str;
}

/// Who takes the elements of steps, if they are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    /// A shuffle that places pairs by their keys, each as soon as it is made.
    Keyed {
        /// Partitions to which they go.
        targets: usize,
    },
    /// A shuffle that deals them out.
    Dealt {
        /// Elements that go together.
        batch: usize,
    },
    /// Somebody who needs to know where batches end.
    Batches {
        /// Elements in each; 0: as many as are worth it.
        size: usize,
    },
}

/// Fused steps over one partition. `Any`: whoever made them may look at them again.
pub trait Narrow: Any + Send + Sync {
    /// The steps over partition `partition` of the node, whose parent's partition is `input`. Nothing runs before the
    /// first block is pulled, and no more than the pulled blocks need.
    fn run(self: Arc<Self>, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks>;
    /// The same for somebody who takes the elements otherwise than whoever keeps them. Only `taker` can read all blocks.
    fn run_for(self: Arc<Self>, _taker: Taker, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        self.run(task, partition, input)
    }
    /// The same for somebody who needs to know where batches end.
    fn lots(self: Arc<Self>, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Lots> {
        let blocks = self.run(task, partition, input)?;
        Ok(Box::new(blocks.map(|block| block.map(|block| Lot { size: block.len().max(1), block }))))
    }
    /// In which batches elements leave the steps.
    fn packing(&self) -> Packing {
        Packing::Grown
    }
    /// Whether it is known that both do the same to plain elements (`Block::is_plain`): whenever, in whichever partition,
    /// and unnoticed elsewhere. So steps that are not even the same as themselves must be run each time.
    fn same_as(&self, _other: &dyn Narrow) -> bool {
        false
    }
    /// For `same_as`.
    fn as_any(&self) -> &dyn Any;
    /// Whether no function of the program is called, so that few elements never take long.
    fn is_light(&self) -> bool {
        false
    }
    /// The steps in three parts, if they hold a fold by key with nothing but steps over single elements before it.
    fn folding(self: Arc<Self>) -> Option<Arc<dyn Folding>> {
        None
    }
}

/// Steps that fold values by key: what they give of a partition can be made from what they give of parts of it.
pub trait Folding: Send + Sync {
    /// The steps before the fold.
    fn before(&self, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks>;
    /// A pair per key, in the order of first appearance, of pairs that may be folded already. None unless it is known
    /// that the order in which parts are folded does not matter for values such as these.
    fn fold(&self, task: &Arc<Task>, input: Blocks) -> Result<Option<Vec<Block>>>;
    /// The steps after the fold.
    fn after(&self, task: &Arc<Task>, partition: usize, folded: Blocks) -> Result<Blocks>;
}

/// The map side of a shuffle: which element goes to which partition. `Any` as for `Narrow`.
pub trait Router: Any + Send + Sync {
    /// Sends the elements of a map partition to the targets of `output`; those of one target keep their order.
    fn route(&self, task: &Arc<Task>, input: Blocks, output: &mut MapOutput) -> Result<()>;
    /// How it takes the elements of steps for so many targets.
    fn taker(&self, targets: usize) -> Taker {
        Taker::Keyed { targets }
    }
    /// Whether it takes batches as they lie, block by block, instead of elements.
    fn takes_batches(&self) -> bool {
        false
    }
    /// Whether both are known to send plain elements to the same targets, whichever map partition they are in.
    fn same_as(&self, _other: &dyn Router) -> bool {
        false
    }
    /// For `same_as`.
    fn as_any(&self) -> &dyn Any;
    /// Whether no function of the program is called, as for `Narrow`.
    fn is_light(&self) -> bool {
        false
    }
}

/// Elements of two partitions made into pairs.
pub trait Pairing: Send + Sync {
    /// The partition that `left` and what `right` gives make together. `is_steady`: nobody can tell how often it is called.
    fn pair(&self, task: &Arc<Task>, left: Lots, right: Again, is_steady: bool) -> Result<Lots>;
}

/// What a batch does to the states of a partition.
pub trait Update: Send + Sync {
    /// The states after the batch, made of those before and the batch's pairs; None if the lineage must give them.
    fn update(&self, task: &Arc<Task>, partition: usize, older: Blocks, newer: Blocks) -> Result<Option<Blocks>>;
}
