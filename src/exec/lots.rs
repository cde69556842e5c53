//! In which batches would Spark have one partition?
//!
//! As `compute.rs`, for somebody who needs to know where batches end. Elements that native steps make become objects for it,
//! so nobody should ask who does not need to know.

use std::collections::HashSet;
use std::sync::Arc;

use super::Executor;
use super::store::{Marked, Wanted};
use super::windows::Folded;
use crate::error::Result;
use crate::rdd::{Again, Batching, Blocks, Lots, Meeting, Op, Packing, Pairing, Rdd, Task};

impl Executor {
    /// The batches of a partition, from the store when the RDD is persisted.
    pub(super) fn lots(self: &Arc<Self>, rdd: &Arc<Rdd>, partition: usize, task: &Arc<Task>) -> Result<Lots> {
        if !rdd.is_persisted() {
            return self.compute_lots(rdd, partition, task);
        }
        let (blocks, marks) = self.marked(rdd, partition, task, Wanted::Batches)?;
        let cut = marks.map_or_else(|| cut_of(rdd, partition), |marks| Batching::Marks(marks.to_vec()));
        Ok(self.store.sealer().cut(blocks, cut))
    }

    /// The blocks of a partition, from the store when the RDD is persisted; and what the store has noted about batches.
    pub(super) fn marked(
        self: &Arc<Self>,
        rdd: &Arc<Rdd>,
        partition: usize,
        task: &Arc<Task>,
        wanted: Wanted,
    ) -> Result<Marked> {
        match rdd.level() {
            None => Ok((self.compute(rdd, partition, task)?, None)),
            Some(level) => {
                let compute = || self.to_keep(rdd, partition, task);
                self.store.get_or_compute((rdd.id(), partition), level, wanted, compute)
            }
        }
    }

    /// A partition that is to be kept: its blocks, or its batches if these could not be told from the blocks.
    fn to_keep(self: &Arc<Self>, rdd: &Arc<Rdd>, partition: usize, task: &Arc<Task>) -> Result<Computed> {
        let grown = rdd.packing() == Packing::Grown;
        match &*rdd.op() {
            Op::Union(_) | Op::Aligned(_) | Op::Coalesce { .. } if grown => {
                Self::check_depth(rdd, task)?;
                let parts = parts(rdd, partition)?;
                if let [(only, at)] = parts.as_slice()
                    && !only.is_persisted()
                {
                    return self.compute(only, *at, task).map(Computed::Blocks);
                }
                // Each of them begins with a batch of one.
                let (executor, task) = (Arc::clone(self), Arc::clone(task));
                let marked = move |(part, at): (Arc<Rdd>, usize)| executor.marked(&part, at, &task, Wanted::Batches);
                Ok(Computed::Parts(Box::new(parts.into_iter().map(marked))))
            }
            Op::Union(_) | Op::Aligned(_) | Op::Coalesce { .. } | Op::Pair { .. } if !grown => {
                self.compute_lots(rdd, partition, task).map(Computed::Lots)
            }
            _ => self.compute(rdd, partition, task).map(Computed::Blocks),
        }
    }

    fn compute_lots(self: &Arc<Self>, rdd: &Arc<Rdd>, partition: usize, task: &Arc<Task>) -> Result<Lots> {
        Self::check_depth(rdd, task)?;
        match &*rdd.op() {
            Op::Narrow { parent, steps, .. } => {
                if let Some(window) = Folded::new(self, (parent, steps), task, partition)? {
                    let folded = self.folded(window, (parent, steps));
                    return Ok(self.store.sealer().cut(folded, cut_of(rdd, partition)));
                }
                let input = self.blocks(parent, partition, task)?;
                Arc::clone(steps).lots(task, partition, input)
            }
            Op::Union(parents) => {
                let (parent, at) = Rdd::union_member(parents, partition)?;
                self.lots(parent, at, task)
            }
            op @ (Op::Aligned(_) | Op::Coalesce { .. }) => Ok(self.concat_lots(Rdd::members(op, partition)?, task)),
            Op::Pair { left, right, meeting, pairing } => self.pair((left, right), *meeting, pairing, partition, task),
            Op::Held(_) | Op::Kept(_) | Op::Read(_) | Op::Updated { .. } | Op::Shuffle { .. } => {
                Ok(self.store.sealer().cut(self.compute(rdd, partition, task)?, cut_of(rdd, partition)))
            }
        }
    }

    /// The pairs of two partitions, in the batches that theirs make.
    pub(super) fn pair(
        self: &Arc<Self>,
        (left, right): (&Arc<Rdd>, &Arc<Rdd>),
        meeting: Meeting,
        pairing: &Arc<dyn Pairing>,
        partition: usize,
        task: &Arc<Task>,
    ) -> Result<Lots> {
        let (l, r) = match meeting {
            Meeting::Zip => (partition, partition),
            Meeting::Cartesian => {
                let width = right.partitions()?;
                (partition / width, partition % width)
            }
        };
        let is_steady = meeting == Meeting::Cartesian && is_steady(right);
        let (executor, of, right) = (Arc::clone(self), Arc::clone(task), Arc::clone(right));
        let (left, task) = (self.lots(left, l, task)?, Arc::clone(task));
        let again: Again = Box::new(move || executor.lots(&right, r, &task));
        pairing.pair(&of, left, again, is_steady)
    }

    /// Several partitions in turn; each is begun when the one before has been pulled.
    fn concat_lots(self: &Arc<Self>, members: Vec<(Arc<Rdd>, usize)>, task: &Arc<Task>) -> Lots {
        let (executor, task) = (Arc::clone(self), Arc::clone(task));
        Box::new(members.into_iter().flat_map(move |(parent, at)| {
            executor.lots(&parent, at, &task).unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
        }))
    }
}

/// A partition as it was computed.
pub(super) enum Computed {
    /// Batches can be told from the blocks.
    Blocks(Blocks),
    /// They could not.
    Lots(Lots),
    /// They can be told from the blocks of each part.
    Parts(Box<dyn Iterator<Item = Result<Marked>> + Send>),
}

/// The partitions that a partition of a union, or of a union of unions, consists of.
fn parts(rdd: &Arc<Rdd>, partition: usize) -> Result<Vec<(Arc<Rdd>, usize)>> {
    let (mut found, mut pending) = (Vec::new(), vec![(Arc::clone(rdd), partition)]);
    while let Some((node, at)) = pending.pop() {
        let is_kept = node.is_persisted() && !Arc::ptr_eq(&node, rdd);
        match &*node.op() {
            Op::Union(parents) if !is_kept => {
                let (parent, at) = Rdd::union_member(parents, at)?;
                pending.push((Arc::clone(parent), at));
            }
            op @ (Op::Aligned(_) | Op::Coalesce { .. }) if !is_kept => {
                pending.extend(Rdd::members(op, at)?.into_iter().rev());
            }
            _ => found.push((node, at)),
        }
    }
    Ok(found)
}

/// How the blocks of a partition are to be cut into batches.
fn cut_of(rdd: &Rdd, partition: usize) -> Batching {
    if let Op::Shuffle { slot, .. } = &*rdd.op() {
        return slot.get().map_or(Batching::Grown, |data| Batching::Marks(data.marks(partition)));
    }
    match rdd.packing() {
        Packing::Each(size) => Batching::Each(size),
        Packing::Grown | Packing::Varied => Batching::Grown,
    }
}

/// Whether nobody can tell if it is computed once or again: no function of the program is called.
fn is_steady(rdd: &Arc<Rdd>) -> bool {
    let (mut seen, mut pending) = (HashSet::new(), vec![Arc::clone(rdd)]);
    while let Some(rdd) = pending.pop() {
        if rdd.is_persisted() || !seen.insert(rdd.id()) {
            continue;
        }
        match &*rdd.op() {
            Op::Held(_) | Op::Kept(_) | Op::Read(_) | Op::Shuffle { .. } => {}
            Op::Narrow { steps, .. } if !steps.is_light() => return false,
            Op::Updated { .. } => return false,
            _ => pending.extend(rdd.parents()),
        }
    }
    true
}
