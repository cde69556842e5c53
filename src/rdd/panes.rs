//! What do later windows find of a pane that earlier ones held too?
//!
//! A pane is an RDD of one batch that is in the windows of several. `Panes` belongs to the RDD: what is in it goes when
//! the RDD does, or when its partitions are no longer kept. All of it can be made again from the RDD, and is found only
//! by who would make just that: see `Way`.
//! 1. Kept are map outputs (what a partition of the pane sends to a shuffle), and sums (what a pane and its successors
//!    give together in one partition of a window's fold).
//! 2. It is parcels, so it counts against the memory and goes to files like other output.
//! 3. No more than `WAYS` ways are kept, and `SUMS` sums of each kind, those found longest ago going first: a program
//!    that makes new functions in every batch must not fill the memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::{Narrow, Parcels, RddId, Router};

/// Ways that are kept with one pane.
const WAYS: usize = 8;
/// Sums that are kept for one way, partition and role: windows of different lengths may share a pane.
const SUMS: usize = 4;

/// One leg of a way.
#[derive(Clone)]
pub enum Leg {
    /// Through fused steps.
    Steps(Arc<dyn Narrow>),
    /// Through a shuffle with this many targets.
    Sent(Arc<dyn Router>, usize),
}

impl Leg {
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Steps(one), Self::Steps(other)) => one.same_as(other.as_ref()),
            (Self::Sent(one, targets), Self::Sent(other, others)) => targets == others && one.same_as(other.as_ref()),
            _ => false,
        }
    }
}

/// What happens to the elements of a pane, the last leg first.
#[derive(Clone, Default)]
pub struct Way(Vec<Leg>);

impl Way {
    /// The way that comes from `leg`, and goes on as this one.
    pub fn from_leg(&self, leg: Leg) -> Self {
        Self(self.0.iter().cloned().chain([leg]).collect())
    }

    /// The legs, the last one first.
    pub fn legs(&self) -> &[Leg] {
        &self.0
    }

    /// Whether the way is known to give the same whenever it is gone, without being noticed elsewhere.
    pub fn is_pure(&self) -> bool {
        self.same_as(self)
    }

    /// Whether both ways are known to give the same for the same plain elements.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(one, other)| one.same_as(other))
    }
}

/// Which sum of a window's fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Of the pane and all up to a certain one. It never grows.
    Back,
    /// Of the pane and all after it so far. Later windows add to it.
    Front,
}

/// What a pane and its successors give together.
#[derive(Debug, Clone)]
pub struct Sum {
    role: Role,
    /// The panes that are in it, in order.
    members: Arc<[RddId]>,
    from: usize,
    data: Parcels,
}

impl Sum {
    /// The sum of the panes `members[from..]`.
    pub fn new(role: Role, members: Arc<[RddId]>, from: usize, data: Parcels) -> Self {
        Self { role, members, from, data }
    }

    /// The panes that are in it.
    pub fn members(&self) -> &[RddId] {
        &self.members[self.from..]
    }

    /// Key and value of everything in it.
    pub fn data(&self) -> &Parcels {
        &self.data
    }
}

/// What is known about a pane in one partition of a window's fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No window that holds it was folded.
    New,
    /// One was, and there may be sums.
    Known,
    /// Sums turned out not to be worth it, or not to be sums.
    Refused,
}

/// What is kept for one way.
struct Kept {
    way: Arc<Way>,
    outputs: HashMap<usize, Parcels>,
    sums: HashMap<usize, Vec<Sum>>,
    /// By partition of the fold.
    standing: HashMap<usize, Standing>,
}

/// What is kept with a pane.
#[derive(Default)]
pub struct Panes {
    /// The way used last comes last.
    kept: Mutex<Vec<Kept>>,
}

impl Panes {
    /// What partition `partition` of the pane sends on this way, if it is kept.
    pub fn output(&self, way: &Way, partition: usize) -> Option<Parcels> {
        self.of_way(way, |kept| kept.outputs.get(&partition).cloned())
    }

    /// Keeps what partition `partition` of the pane sends on this way.
    pub fn keep_output(&self, way: &Arc<Way>, partition: usize, output: Parcels) {
        self.change(way, |kept| kept.outputs.insert(partition, output).into_iter().collect());
    }

    /// The largest sum for partition `partition` of the window's fold that has nothing but the first ones of `panes`.
    pub fn sum(&self, way: &Way, partition: usize, role: Role, panes: &[RddId]) -> Option<Sum> {
        self.of_way(way, |kept| {
            let sums = kept.sums.get(&partition)?.iter();
            let fitting = sums.filter(|sum| sum.role == role && panes.starts_with(sum.members()));
            fitting.max_by_key(|sum| sum.members().len()).cloned()
        })
    }

    /// Keeps a sum that begins with the pane; at the front, in place of one that is part of it.
    pub fn keep_sum(&self, way: &Arc<Way>, partition: usize, sum: Sum) {
        self.change(way, |kept| {
            let sums = kept.sums.entry(partition).or_default();
            let same_role = |known: &Sum| known.role == sum.role;
            let outdated = |known: &Sum| match sum.role {
                Role::Back => known.members() == sum.members(),
                Role::Front => sum.members().starts_with(known.members()),
            };
            let replaced = sums.iter().position(|known| same_role(known) && outdated(known));
            let full = || (sums.iter().filter(|known| same_role(known)).count() >= SUMS).then_some(());
            let replaced = replaced.or_else(|| full().and_then(|()| sums.iter().position(same_role)));
            let before = replaced.map(|at| sums.remove(at).data);
            sums.push(sum);
            before.into_iter().collect()
        });
    }

    /// How the pane stands in partition `partition` of a window's fold.
    pub fn standing(&self, way: &Way, partition: usize) -> Standing {
        self.of_way(way, |kept| kept.standing.get(&partition).copied()).unwrap_or(Standing::New)
    }

    /// A window that holds the pane was folded.
    pub fn note(&self, way: &Arc<Way>, partition: usize) {
        self.change(way, |kept| {
            kept.standing.entry(partition).or_insert(Standing::Known);
            Vec::new()
        });
    }

    /// No window that holds the pane is to be summed up from parts in this partition.
    pub fn refuse(&self, way: &Arc<Way>, partition: usize) {
        self.forget_sums(way, partition);
        self.change(way, |kept| {
            kept.standing.insert(partition, Standing::Refused);
            Vec::new()
        });
    }

    /// Drops the sums that begin with the pane.
    pub fn forget_sums(&self, way: &Arc<Way>, partition: usize) {
        self.change(way, |kept| kept.sums.remove(&partition).into_iter().flatten().map(|sum| sum.data).collect());
    }

    /// Drops everything.
    pub fn clear(&self) {
        let before = std::mem::take(&mut *self.lock());
        // Outside the lock: dropping functions and objects may need the interpreter.
        drop(before);
    }

    fn of_way<T>(&self, way: &Way, look: impl FnOnce(&Kept) -> Option<T>) -> Option<T> {
        let mut all = self.lock();
        let at = all.iter().rposition(|kept| kept.way.same_as(way))?;
        all[at..].rotate_left(1);
        look(all.last()?)
    }

    fn change(&self, way: &Arc<Way>, change: impl FnOnce(&mut Kept) -> Vec<Parcels>) {
        let mut all = self.lock();
        let known = all.iter().rposition(|kept| kept.way.same_as(way));
        let oldest = (known.is_none() && all.len() >= WAYS).then(|| all.remove(0));
        match known {
            Some(at) => all[at..].rotate_left(1),
            None => all.push(Kept::new(Arc::clone(way))),
        }
        let replaced = all.last_mut().map(change);
        drop(all);
        // Outside the lock, as in `clear`.
        drop((oldest, replaced));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn new(way: Arc<Way>) -> Self {
        Self { way, outputs: HashMap::new(), sums: HashMap::new(), standing: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use super::super::{Blocks, Task};
    use super::*;
    use crate::error::Result;

    /// Steps that are the same when their names are.
    struct Named(&'static str);

    impl Narrow for Named {
        fn run(self: Arc<Self>, _: &Arc<Task>, _: usize, input: Blocks) -> Result<Blocks> {
            Ok(input)
        }
        fn same_as(&self, other: &dyn Narrow) -> bool {
            other.as_any().downcast_ref::<Self>().is_some_and(|other| self.0 == other.0 && self.0 != "impure")
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    fn way(name: &'static str) -> Arc<Way> {
        Arc::new(Way::default().from_leg(Leg::Steps(Arc::new(Named(name)))))
    }

    fn sum(role: Role, until: u64) -> Sum {
        Sum::new(role, ids(0..until).into(), 0, Vec::new())
    }

    fn ids(range: std::ops::Range<u64>) -> Vec<RddId> {
        range.map(RddId).collect()
    }

    #[test]
    fn outputs_are_found_by_who_goes_the_same_way() {
        let panes = Panes::default();
        panes.keep_output(&way("a"), 1, Vec::new());
        assert!(panes.output(&way("a"), 1).is_some());
        assert!(panes.output(&way("a"), 0).is_none());
        assert!(panes.output(&way("b"), 1).is_none());
        assert!(!way("impure").is_pure());
        panes.clear();
        assert!(panes.output(&way("a"), 1).is_none());
    }

    #[test]
    fn ways_not_used_for_long_are_forgotten() {
        let names = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let panes = Panes::default();
        for name in names {
            panes.keep_output(&way(name), 0, Vec::new());
            assert!(panes.output(&way("1"), 0).is_some());
        }
        let known: Vec<_> = names.into_iter().filter(|name| panes.output(&way(name), 0).is_some()).collect();
        assert_eq!(known, ["1", "3", "4", "5", "6", "7", "8", "9"]);
    }

    #[test]
    fn a_sum_is_found_by_windows_that_begin_with_it() {
        let panes = Panes::default();
        let found = |role, until| panes.sum(&way("a"), 0, role, &ids(0..until)).map(|sum| sum.members().len());
        for to in [3, 5] {
            panes.keep_sum(&way("a"), 0, sum(Role::Back, to));
            panes.keep_sum(&way("a"), 0, sum(Role::Front, to));
        }
        assert_eq!([2, 3, 4, 9].map(|until| found(Role::Back, until)), [None, Some(3), Some(3), Some(5)]);
        // What grows is in the place of what it grew from.
        assert_eq!([3, 4, 5, 9].map(|until| found(Role::Front, until)), [None, None, Some(5), Some(5)]);
    }

    #[test]
    fn what_is_refused_stays_so_and_has_no_sums() {
        let (panes, way) = (Panes::default(), way("a"));
        assert_eq!(panes.standing(&way, 0), Standing::New);
        panes.note(&way, 0);
        assert_eq!(panes.standing(&way, 0), Standing::Known);
        panes.keep_sum(&way, 0, sum(Role::Back, 3));
        panes.refuse(&way, 0);
        panes.note(&way, 0);
        assert_eq!([0, 1].map(|partition| panes.standing(&way, partition)), [Standing::Refused, Standing::New]);
        assert!(panes.sum(&way, 0, Role::Back, &ids(0..9)).is_none());
    }

    #[test]
    fn few_sums_are_kept() {
        let panes = Panes::default();
        (1..=2 * SUMS as u64).for_each(|to| panes.keep_sum(&way("a"), 0, sum(Role::Back, to)));
        let found = |until| panes.sum(&way("a"), 0, Role::Back, &ids(0..until)).is_some();
        assert!(!found(SUMS as u64) && found(SUMS as u64 + 1));
    }
}
