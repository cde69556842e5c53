//! How does one task get the blocks of one partition?
//!
//! Walks the lineage down to the nearest data: a kept partition, a shuffle's output, a source.

use std::sync::Arc;

use super::Executor;
use super::store::Wanted;
use super::windows::Folded;
use crate::error::{EngineError, Result};
use crate::rdd::{Blocks, Op, Rdd, Taker, Task, blocks_of, ready};
use crate::stack;

impl Executor {
    /// The blocks of a partition, from the store when the RDD is persisted.
    pub(super) fn blocks(self: &Arc<Self>, rdd: &Arc<Rdd>, partition: usize, task: &Arc<Task>) -> Result<Blocks> {
        self.marked(rdd, partition, task, Wanted::Blocks).map(|(blocks, _)| blocks)
    }

    /// The blocks of a partition for somebody who takes them at once.
    pub(super) fn blocks_for(
        self: &Arc<Self>,
        taker: Taker,
        rdd: &Arc<Rdd>,
        partition: usize,
        task: &Arc<Task>,
    ) -> Result<Blocks> {
        if let (None, Op::Narrow { parent, steps, .. }) = (rdd.level(), &*rdd.op()) {
            if let Some(window) = Folded::new(self, (parent, steps), task, partition)? {
                return Ok(self.folded(window, (parent, steps)));
            }
            task.cancel.check()?;
            let input = self.blocks(parent, partition, task)?;
            return Arc::clone(steps).run_for(taker, task, partition, input);
        }
        self.blocks(rdd, partition, task)
    }

    /// Whether the task may go on, and deeper.
    pub(super) fn check_depth(rdd: &Rdd, task: &Task) -> Result<()> {
        task.cancel.check()?;
        if stack::is_low() {
            let problem = format!("the lineage of {rdd:?} is too long: checkpoint or settle an RDD on the way to it");
            return Err(EngineError::Refused { class: "java.lang.StackOverflowError", problem });
        }
        Ok(())
    }

    pub(super) fn compute(self: &Arc<Self>, rdd: &Arc<Rdd>, partition: usize, task: &Arc<Task>) -> Result<Blocks> {
        Self::check_depth(rdd, task)?;
        match &*rdd.op() {
            Op::Held(slices) => Ok(ready(slices.get(partition).cloned().unwrap_or_default())),
            Op::Kept(partitions) => {
                let parcels = partitions.get(partition).cloned().unwrap_or_default();
                Ok(Box::new(parcels.into_iter().flat_map(|parcel| parcel.section(0).into_iter().flatten())))
            }
            Op::Read(reader) => reader.read(partition),
            Op::Narrow { parent, steps, .. } => {
                if let Some(window) = Folded::new(self, (parent, steps), task, partition)? {
                    return Ok(self.folded(window, (parent, steps)));
                }
                let input = self.blocks(parent, partition, task)?;
                Arc::clone(steps).run(task, partition, input)
            }
            Op::Union(parents) => {
                let (parent, at) = Rdd::union_member(parents, partition)?;
                self.blocks(parent, at, task)
            }
            op @ (Op::Aligned(_) | Op::Coalesce { .. }) => Ok(self.concat(Rdd::members(op, partition)?, task)),
            Op::Shuffle { slot, .. } => {
                let data = slot.get().ok_or_else(|| EngineError::Bug(format!("{rdd:?} read before its map side")))?;
                Ok(data.target(partition))
            }
            Op::Updated { older, newer, update, composed } => {
                let (before, batch) = (self.blocks(older, partition, task)?, self.blocks(newer, partition, task)?);
                match update.update(task, partition, before, batch)? {
                    Some(blocks) => Ok(blocks),
                    None => self.blocks(composed, partition, task),
                }
            }
            Op::Pair { left, right, meeting, pairing } => {
                self.pair((left, right), *meeting, pairing, partition, task).map(blocks_of)
            }
        }
    }

    /// Several partitions in turn; each is begun when the one before has been pulled.
    fn concat(self: &Arc<Self>, members: Vec<(Arc<Rdd>, usize)>, task: &Arc<Task>) -> Blocks {
        let (executor, task) = (Arc::clone(self), Arc::clone(task));
        Box::new(members.into_iter().flat_map(move |(parent, at)| {
            executor.blocks(&parent, at, &task).unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
        }))
    }
}
