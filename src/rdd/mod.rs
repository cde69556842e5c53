//! How is an RDD made from others? Lineage as plain data.
//!
//! Owns the nodes (`Rdd`, `Op`), and the traits through which the layers above give meaning to a step (`traits`). Nothing
//! runs here.
//! 1. A node never changes, except for its storage level, the output of its shuffle once that has run, and that it may
//!    be settled: its lineage replaced by its data, which cuts off all that came before.
//! 2. The number of partitions is found on first use (a text file may be missing) and then stays.
//! 3. What a node computes is fixed when it is made: functions in it are already frozen copies.
//!
//! Elsewhere: running it (`exec/`), functions over Python objects (`object/`).

mod packing;
mod panes;
mod shuffle;
mod task;
mod traits;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

pub use packing::{Again, Batching, Lot, Lots, Mark, Packing, blocks_of};
pub use panes::{Leg, Panes, Role, Standing, Sum, Way};
pub use shuffle::{MapOutput, Marks, ShuffleData, ShuffleSlot, Window};
pub use task::{CancelToken, Properties, Task};
pub use traits::{Folding, Narrow, Pairing, Reader, Router, Taker, Update};

use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::memory::{Level, Parcel};

/// The blocks of one partition, read in order. Pulling may wait: never pull while attached to the interpreter.
pub type Blocks = Box<dyn Iterator<Item = Result<Block>> + Send>;

/// Blocks that are already there.
pub fn ready(blocks: Vec<Block>) -> Blocks {
    Box::new(blocks.into_iter().map(Ok))
}

/// The parcels that hold a partition, in order, each with one section.
pub type Parcels = Vec<Arc<Parcel>>;

/// Number of an RDD, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RddId(pub u64);

/// Where elements of a partitioned RDD are: which function of the key decides, and for how many partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitioner {
    /// Number of partitions.
    pub targets: usize,
    /// Identity of the function; 0 for the portable hash.
    pub function: usize,
}

/// Which partitions of two parents meet in a `Pair` node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// Partition i meets partition i.
    Zip,
    /// Every partition meets every partition; the right side runs fastest.
    Cartesian,
}

/// How the partitions of an RDD come about.
pub enum Op {
    /// Blocks held in memory, a list per partition.
    Held(Vec<Vec<Block>>),
    /// Sealed blocks that were computed before, in memory or in files, for each partition.
    Kept(Vec<Parcels>),
    /// Read from outside.
    Read(Arc<dyn Reader>),
    /// Fused narrow steps over the parent's partition.
    Narrow { parent: Arc<Rdd>, steps: Arc<dyn Narrow>, keeps_partitioner: bool },
    /// The parents' partitions, one after the other.
    Union(Vec<Arc<Rdd>>),
    /// Partition i is the parents' partitions i, one after the other (all parents have the same partitioner).
    Aligned(Vec<Arc<Rdd>>),
    /// Neighbouring partitions of the parent merged into at most `groups`.
    Coalesce { parent: Arc<Rdd>, groups: usize },
    /// The parent's elements, sent to `targets` partitions.
    Shuffle {
        parent: Arc<Rdd>,
        targets: usize,
        router: Arc<dyn Router>,
        partitioner: Option<Partitioner>,
        slot: ShuffleSlot,
    },
    /// Partition i is that of `composed`, which `update` may make in a shorter way of partitions i of `older` and `newer`,
    /// both of them ancestors of `composed`.
    Updated { older: Arc<Rdd>, newer: Arc<Rdd>, update: Arc<dyn Update>, composed: Arc<Rdd> },
    /// Pairs of partitions of two parents.
    Pair { left: Arc<Rdd>, right: Arc<Rdd>, meeting: Meeting, pairing: Arc<dyn Pairing> },
}

/// A node of the lineage.
pub struct Rdd {
    id: RddId,
    op: RwLock<Arc<Op>>,
    partitioner: Option<Partitioner>,
    partitions: OnceLock<usize>,
    level: Mutex<Option<Level>>,
    label: Mutex<Option<String>>,
    site: OnceLock<String>,
    packing: OnceLock<Packing>,
    panes: Panes,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Rdd {
    /// A node with the next free id.
    pub fn new(op: Op) -> Arc<Self> {
        let partitioner = partitioner_of(&op);
        Self::placed(op, partitioner)
    }

    /// Data that were computed by another process, whose keys are where `partitioner` says.
    pub fn restored(partitions: Vec<Vec<Block>>, partitioner: Option<Partitioner>) -> Arc<Self> {
        Self::placed(Op::Held(partitions), partitioner)
    }

    fn placed(op: Op, partitioner: Option<Partitioner>) -> Arc<Self> {
        let id = RddId(NEXT_ID.fetch_add(1, Ordering::Relaxed));
        let op = RwLock::new(Arc::new(op));
        Arc::new(Self {
            id,
            op,
            partitioner,
            partitions: OnceLock::new(),
            level: Mutex::new(None),
            label: Mutex::new(None),
            site: OnceLock::new(),
            packing: OnceLock::new(),
            panes: Panes::default(),
        })
    }

    /// The node's number.
    pub fn id(&self) -> RddId {
        self.id
    }

    /// How the node computes.
    pub fn op(&self) -> Arc<Op> {
        Arc::clone(&self.op.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The name that the program gave it.
    pub fn label(&self) -> Option<String> {
        self.label.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives it a name, or takes it away.
    pub fn set_label(&self, label: Option<String>) {
        *self.label.lock().unwrap_or_else(PoisonError::into_inner) = label;
    }

    /// What of the program made it, and where, if that was said.
    pub fn site(&self) -> Option<&str> {
        self.site.get().map(String::as_str)
    }

    /// Says what of the program made it, and where. The first word counts.
    pub fn set_site(&self, site: String) {
        self.site.get_or_init(|| site);
    }

    /// Says in which batches its elements are, where that does not follow from its lineage. The first word counts.
    pub fn set_packing(&self, packing: Packing) {
        self.packing.get_or_init(|| packing);
    }

    /// In which batches its elements are. Those of a union are alike.
    pub fn packing(&self) -> Packing {
        let first = |parents: &[Arc<Self>]| parents.first().map(Arc::clone);
        let own = |rdd: &Self| match &*rdd.op() {
            Op::Held(_) | Op::Kept(_) | Op::Updated { .. } => Ok(Packing::Grown),
            Op::Read(_) => Ok(Packing::Each(1)),
            Op::Narrow { steps, .. } => Ok(steps.packing()),
            Op::Shuffle { .. } | Op::Pair { .. } => Ok(Packing::Varied),
            Op::Union(parents) | Op::Aligned(parents) => first(parents).ok_or(Packing::Grown).map_or_else(Ok, Err),
            Op::Coalesce { parent, .. } => Err(Arc::clone(parent)),
        };
        // Without recursion: a lineage may be long.
        let mut next = match self.packing.get() {
            Some(packing) => return *packing,
            None => own(self),
        };
        loop {
            match next {
                Ok(packing) => return packing,
                Err(parent) => next = parent.packing.get().map_or_else(|| own(&parent), |packing| Ok(*packing)),
            }
        }
    }

    /// The class of RDD that Spark would have here.
    pub fn kind(&self) -> &'static str {
        match &*self.op() {
            Op::Held(slices) if slices.is_empty() => "EmptyRDD",
            Op::Held(_) | Op::Kept(_) => "ParallelCollectionRDD",
            Op::Read(reader) => reader.name(),
            Op::Narrow { .. } => "PythonRDD",
            Op::Union(_) => "UnionRDD",
            Op::Aligned(_) => "PartitionerAwareUnionRDD",
            Op::Coalesce { .. } => "CoalescedRDD",
            Op::Shuffle { .. } => "ShuffledRDD",
            Op::Updated { composed, .. } => composed.kind(),
            Op::Pair { meeting: Meeting::Zip, .. } => "ZippedPartitionsRDD2",
            Op::Pair { meeting: Meeting::Cartesian, .. } => "CartesianRDD",
        }
    }

    /// Drops the shuffle outputs that this RDD is made from, up to persisted RDDs: they are made again when needed.
    pub fn forget_shuffles(self: &Arc<Self>) {
        let mut pending = vec![Arc::clone(self)];
        while let Some(rdd) = pending.pop() {
            if let Op::Shuffle { slot, .. } = &*rdd.op() {
                slot.clear();
            }
            pending.extend(rdd.parents().into_iter().filter(|parent| !parent.is_persisted()));
        }
    }

    /// Where its elements are by their keys, if that is known.
    pub fn partitioner(&self) -> Option<Partitioner> {
        self.partitioner
    }

    /// Replaces the lineage by the data of all partitions, which must be sealed.
    pub fn settle(&self, partitions: Vec<Parcels>) {
        self.set_packing(self.packing());
        self.replace(Arc::new(Op::Kept(partitions)));
    }

    /// Replaces the lineage by that of an RDD with the same elements in the same partitions.
    pub fn settle_as(&self, same: &Self) {
        self.replace(same.op());
    }

    fn replace(&self, op: Arc<Op>) {
        let before = std::mem::replace(&mut *self.op.write().unwrap_or_else(PoisonError::into_inner), op);
        // Outside the lock: what is dropped here may be a long lineage.
        drop_lineage(Arc::into_inner(before));
    }

    /// The union of RDDs as Spark makes it: partition by partition where all are partitioned alike.
    pub fn union(rdds: Vec<Arc<Self>>) -> Result<Arc<Self>> {
        let mut filled = Vec::with_capacity(rdds.len());
        for rdd in &rdds {
            if rdd.partitions()? > 0 {
                filled.push(Arc::clone(rdd));
            }
        }
        let alike = filled.first().is_some_and(|first| {
            first.partitioner.is_some() && filled.iter().all(|rdd| rdd.partitioner == first.partitioner)
        });
        Ok(Self::new(if alike { Op::Aligned(filled) } else { Op::Union(rdds) }))
    }

    /// Whether partitions, once computed, are kept.
    pub fn is_persisted(&self) -> bool {
        self.level().is_some()
    }

    /// Where partitions, once computed, are kept; None: nowhere.
    pub fn level(&self) -> Option<Level> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keep partitions once computed, or stop doing so (dropping what is kept is the store's part).
    pub fn set_persisted(&self, level: Option<Level>) {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = level;
        if level.is_none() {
            self.panes.clear();
        }
    }

    /// What windows keep with it.
    pub fn panes(&self) -> &Panes {
        &self.panes
    }

    /// Whether reading it again gives the same elements without computing them: it is data, is kept, or is a union of
    /// such RDDs.
    pub fn is_fixed(self: &Arc<Self>) -> bool {
        let mut pending = vec![Arc::clone(self)];
        while let Some(rdd) = pending.pop() {
            if rdd.is_persisted() {
                continue;
            }
            match &*rdd.op() {
                Op::Held(_) | Op::Kept(_) => {}
                Op::Union(parents) | Op::Aligned(parents) => pending.extend(parents.iter().cloned()),
                _ => return false,
            }
        }
        true
    }

    /// Number of partitions, found on first use.
    pub fn partitions(&self) -> Result<usize> {
        if let Some(known) = self.partitions.get() {
            return Ok(*known);
        }
        // Those it is counted by come first, without recursion: a lineage may be long.
        let mut pending = self.uncounted();
        while let Some(node) = pending.pop() {
            let before = node.uncounted();
            if before.is_empty() {
                node.count_partitions()?;
            } else {
                pending.push(node);
                pending.extend(before);
            }
        }
        self.count_partitions()
    }

    /// The nodes whose partitions must be counted before its own are, the first one last.
    fn uncounted(&self) -> Vec<Arc<Self>> {
        let by = match &*self.op() {
            Op::Held(_) | Op::Kept(_) | Op::Read(_) | Op::Shuffle { .. } => vec![],
            Op::Narrow { parent, .. } | Op::Coalesce { parent, .. } => vec![Arc::clone(parent)],
            Op::Union(parents) => parents.iter().rev().cloned().collect(),
            Op::Aligned(parents) => parents.first().into_iter().cloned().collect(),
            Op::Updated { composed, .. } => vec![Arc::clone(composed)],
            Op::Pair { left, right, meeting: Meeting::Cartesian, .. } => vec![Arc::clone(right), Arc::clone(left)],
            Op::Pair { left, meeting: Meeting::Zip, .. } => vec![Arc::clone(left)],
        };
        by.into_iter().filter(|node| node.partitions.get().is_none()).collect()
    }

    fn count_partitions(&self) -> Result<usize> {
        let found = match &*self.op() {
            Op::Held(slices) => slices.len(),
            Op::Kept(partitions) => partitions.len(),
            Op::Read(reader) => reader.partitions()?,
            Op::Narrow { parent, .. } => parent.partitions()?,
            Op::Union(parents) => parents.iter().map(|p| p.partitions()).sum::<Result<usize>>()?,
            Op::Aligned(parents) => parents.first().map_or(Ok(0), |p| p.partitions())?,
            Op::Coalesce { parent, groups } => parent.partitions()?.min(*groups),
            Op::Shuffle { targets, .. } => *targets,
            Op::Updated { composed, .. } => composed.partitions()?,
            Op::Pair { left, right, meeting: Meeting::Cartesian, .. } => left.partitions()? * right.partitions()?,
            Op::Pair { left, meeting: Meeting::Zip, .. } => left.partitions()?,
        };
        Ok(*self.partitions.get_or_init(|| found))
    }

    /// The nodes this one reads from.
    pub fn parents(&self) -> Vec<Arc<Rdd>> {
        match &*self.op() {
            Op::Held(_) | Op::Kept(_) | Op::Read(_) => vec![],
            Op::Narrow { parent, .. } | Op::Coalesce { parent, .. } | Op::Shuffle { parent, .. } => {
                vec![Arc::clone(parent)]
            }
            Op::Union(parents) | Op::Aligned(parents) => parents.clone(),
            // As if it were `composed` itself.
            Op::Updated { composed, .. } => composed.parents(),
            Op::Pair { left, right, .. } => vec![Arc::clone(left), Arc::clone(right)],
        }
    }

    /// Which parent, and which of its partitions, hold partition `index` of a union.
    pub fn union_member(parents: &[Arc<Rdd>], index: usize) -> Result<(&Arc<Rdd>, usize)> {
        let mut left = index;
        for parent in parents {
            let size = parent.partitions()?;
            if left < size {
                return Ok((parent, left));
            }
            left -= size;
        }
        Err(EngineError::Bug(format!("a union has no partition {index}")))
    }

    /// The partitions of parents that partition `index` of an `Aligned` or a `Coalesce` consists of, in order.
    pub fn members(op: &Op, index: usize) -> Result<Vec<(Arc<Rdd>, usize)>> {
        match op {
            Op::Aligned(parents) => Ok(parents.iter().map(|parent| (Arc::clone(parent), index)).collect()),
            Op::Coalesce { parent, groups } => {
                let members = Self::coalesce_members(parent.partitions()?, *groups, index);
                Ok(members.map(|at| (Arc::clone(parent), at)).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The parent's partitions that partition `index` of a `Coalesce` merges.
    pub fn coalesce_members(parents: usize, groups: usize, index: usize) -> std::ops::Range<usize> {
        let groups = groups.min(parents).max(1);
        index * parents / groups..(index + 1) * parents / groups
    }
}

impl fmt::Debug for Rdd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind(), self.id.0)
    }
}

/// A lineage may be thousands of nodes long (a state over many batches): drop it without recursion.
impl Drop for Rdd {
    fn drop(&mut self) {
        let empty = Arc::new(Op::Held(Vec::new()));
        let op = std::mem::replace(self.op.get_mut().unwrap_or_else(PoisonError::into_inner), empty);
        drop_lineage(Arc::into_inner(op));
    }
}

fn drop_lineage(op: Option<Op>) {
    let mut pending = op.map(into_parents).unwrap_or_default();
    while let Some(parent) = pending.pop() {
        if let Some(mut last) = Arc::into_inner(parent) {
            let empty = Arc::new(Op::Held(Vec::new()));
            let op = std::mem::replace(last.op.get_mut().unwrap_or_else(PoisonError::into_inner), empty);
            pending.extend(Arc::into_inner(op).map(into_parents).unwrap_or_default());
        }
    }
}

fn into_parents(op: Op) -> Vec<Arc<Rdd>> {
    match op {
        Op::Held(_) | Op::Kept(_) | Op::Read(_) => vec![],
        Op::Narrow { parent, .. } | Op::Coalesce { parent, .. } | Op::Shuffle { parent, .. } => vec![parent],
        Op::Union(parents) | Op::Aligned(parents) => parents,
        Op::Updated { older, newer, composed, .. } => vec![older, newer, composed],
        Op::Pair { left, right, .. } => vec![left, right],
    }
}

fn partitioner_of(op: &Op) -> Option<Partitioner> {
    match op {
        Op::Shuffle { partitioner, .. } => *partitioner,
        Op::Narrow { parent, keeps_partitioner: true, .. } => parent.partitioner,
        Op::Aligned(parents) => parents.first().and_then(|first| first.partitioner),
        Op::Updated { composed, .. } => composed.partitioner,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(partitions: usize) -> Arc<Rdd> {
        Rdd::new(Op::Held(vec![Vec::new(); partitions]))
    }

    #[test]
    fn coalesce_merges_neighbours_evenly() {
        let groups: Vec<_> = (0..3).map(|i| Rdd::coalesce_members(5, 3, i)).collect();
        assert_eq!(groups, [0..1, 1..3, 3..5]);
        assert_eq!(Rdd::coalesce_members(2, 8, 1), 1..2);
    }

    #[test]
    fn a_union_counts_through_its_parents() {
        let parents = vec![held(2), held(0), held(3)];
        let union = Rdd::new(Op::Union(parents.clone()));
        assert_eq!(union.partitions().ok(), Some(5));
        let (member, at) = Rdd::union_member(&parents, 3).expect("there are five partitions");
        assert_eq!((member.id(), at), (parents[2].id(), 1));
        assert!(Rdd::union_member(&parents, 5).is_err());
    }

    #[test]
    fn a_long_lineage_is_counted_and_dropped_without_recursion() {
        let mut rdd = held(1);
        for _ in 0..200_000 {
            rdd = Rdd::new(Op::Coalesce { parent: rdd, groups: 1 });
        }
        assert_eq!(rdd.partitions().ok(), Some(1));
        drop(rdd);
    }
}
