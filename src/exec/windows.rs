//! How is a window folded by key without going through all of its panes?
//!
//! Where the order of folding does not matter, a window is the sum of two sums: the back one, of its first pane up to some
//! pane before the flip, and the front one, of the flip up to its newest pane. The next window's back sum is there
//! already, because at a flip the sums of all ends of the window are made, from the newest pane to the oldest; its front
//! sum is this one and the new panes. A window that begins at the flip has no back sum: then there is a flip again. So
//! each pane is added about three times, however many windows hold it. The first window of all is folded in order: there may
//! be no second one.
//! 1. The answer is that of folding all panes in order: values because the fold says that order does not matter for values
//!    of this kind (`Folding::fold`), keys because the older part always comes first, so they appear in the same order.
//! 2. Sums are a cache, kept with the panes (`rdd/panes.rs`), and can be made from these alone. Whatever is missing or
//!    different (a batch computed again, another length, a gap) is found by comparing the panes themselves.
//! 3. Whenever a part cannot be folded for sure (floats, numbers beyond 64 bits, no room), all panes are folded in order,
//!    and so they are in all windows that hold the newest pane of now. So they are where sums would be larger than
//!    what they save: keys that hardly come again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Executor;
use super::panes::Seen;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::rdd::{Blocks, Folding, Leg, Narrow, Op, Parcels, Rdd, RddId, Role, Standing, Sum, Task, Way, ready};

/// From how many panes on sums are made: below, folding all is cheaper.
const WORTH_IT: usize = 8;
/// The sums of a flip may have this many times the pairs of the panes they are made of, and a few more.
const MOST_TIMES: usize = 3;
const FEW: usize = 4096;

type Read = dyn Fn(usize) -> Result<Blocks> + Send + Sync;

/// One partition of a window that is to be folded.
pub(super) struct Folded {
    panes: Vec<Arc<Rdd>>,
    ids: Arc<[RddId]>,
    way: Arc<Way>,
    folding: Arc<dyn Folding>,
    partition: usize,
    task: Arc<Task>,
    /// The blocks of a pane, by its place, before the steps.
    read: Box<Read>,
}

impl Folded {
    /// The partition, if `steps` over `parent` fold a window of enough panes that stay the same.
    pub(super) fn new(
        executor: &Arc<Executor>,
        (parent, steps): (&Arc<Rdd>, &Arc<dyn Narrow>),
        task: &Arc<Task>,
        partition: usize,
    ) -> Result<Option<Self>> {
        if parent.is_persisted() {
            return Ok(None);
        }
        let way = Way::default().from_leg(Leg::Steps(Arc::clone(steps)));
        let op = parent.op();
        let (panes, way, read): (Vec<Arc<Rdd>>, _, Box<Read>) = match &*op {
            Op::Aligned(panes) if panes.len() >= WORTH_IT && panes.iter().all(Rdd::is_fixed) => {
                let (executor, task, members) = (Arc::clone(executor), Arc::clone(task), panes.clone());
                let read = move |at: usize| executor.blocks(&members[at], partition, &task);
                (panes.clone(), way, Box::new(read))
            }
            Op::Shuffle { slot, .. } => {
                let Some(data) = slot.get() else { return Ok(None) };
                let Some(window) = data.window().filter(|window| window.panes.len() >= WORTH_IT) else {
                    return Ok(None);
                };
                let panes = window.panes.iter().map(|(pane, _)| Arc::clone(pane)).collect();
                let way = window.way.legs().iter().fold(way, |way, leg| way.from_leg(leg.clone()));
                let sent: Vec<_> = window.panes.iter().map(|(_, partitions)| partitions.clone()).collect();
                let data = Arc::clone(&data);
                let read = move |at: usize| Ok(data.target_from(sent[at].clone(), partition));
                (panes, way, Box::new(read))
            }
            _ => return Ok(None),
        };
        let Some(folding) = Arc::clone(steps).folding().filter(|_| way.is_pure()) else { return Ok(None) };
        let ids = panes.iter().map(|pane| pane.id()).collect();
        Ok(Some(Self { panes, ids, way: Arc::new(way), folding, partition, task: Arc::clone(task), read }))
    }

    fn sum(&self, at: usize, role: Role) -> Option<Sum> {
        self.panes[at].panes().sum(&self.way, self.partition, role, &self.ids[at..])
    }

    /// Refused if a pane is, known if a pane is.
    fn standing(&self) -> Standing {
        let mut found = Standing::New;
        for pane in &self.panes {
            match pane.panes().standing(&self.way, self.partition) {
                Standing::Refused => return Standing::Refused,
                Standing::Known => found = Standing::Known,
                Standing::New => {}
            }
        }
        found
    }

    /// The next window that holds the newest pane of now is not the first one.
    fn note(&self) {
        if let Some(newest) = self.panes.last() {
            newest.panes().note(&self.way, self.partition);
        }
    }

    /// No sums before the newest pane of now has left; those that there are will not be found again.
    fn refuse(&self) {
        self.panes.iter().for_each(|pane| pane.panes().forget_sums(&self.way, self.partition));
        if let Some(newest) = self.panes.last() {
            newest.panes().refuse(&self.way, self.partition);
        }
    }

    fn fold(&self, parts: Blocks) -> Result<Option<Vec<Block>>> {
        self.folding.fold(&self.task, parts)
    }

    /// A pane before the fold. Whether its elements are plain is known once they have been pulled.
    fn pane(&self, at: usize, seen: &Arc<Seen>) -> Result<Blocks> {
        self.folding.before(&self.task, self.partition, seen.plain_part((self.read)(at)?))
    }
}

fn read(parcels: &Parcels) -> Blocks {
    let parcels = parcels.clone();
    Box::new(parcels.into_iter().flat_map(|parcel| parcel.section(0).into_iter().flatten()))
}

impl Executor {
    /// What `steps` give for a partition of a window that is folded.
    pub(super) fn folded(self: &Arc<Self>, window: Folded, (parent, steps): (&Arc<Rdd>, &Arc<dyn Narrow>)) -> Blocks {
        let (executor, parent, steps) = (Arc::clone(self), Arc::clone(parent), Arc::clone(steps));
        let begun = std::iter::once_with(move || {
            let (task, partition) = (&window.task, window.partition);
            let standing = window.standing();
            window.note();
            if standing == Standing::Known {
                if let Ok(Some(sum)) = executor.sum_of_window(&window) {
                    executor.windows.summed.fetch_add(1, Ordering::Relaxed);
                    return window.folding.after(task, partition, ready(sum));
                }
                // What failed fails again below, unless something before it does: the first failure counts.
                task.cancel.check()?;
                window.refuse();
            }
            steps.run(task, partition, executor.blocks(&parent, partition, task)?)
        });
        Box::new(begun.flat_map(|blocks| blocks.unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))))
    }

    /// The pairs of the whole window; None if they are to be folded in order.
    fn sum_of_window(&self, window: &Folded) -> Result<Option<Vec<Block>>> {
        let Some(back) = window.sum(0, Role::Back) else { return self.flip(window) };
        let flip = back.members().len();
        if flip == window.panes.len() {
            return read(back.data()).collect::<Result<_>>().map(Some);
        }
        let Some(front) = self.front(window, flip)? else { return Ok(None) };
        window.fold(Box::new(read(back.data()).chain(ready(front))))
    }

    /// The sum of all panes from the flip on.
    fn front(&self, window: &Folded, flip: usize) -> Result<Option<Vec<Block>>> {
        let known = window.sum(flip, Role::Front);
        let until = known.as_ref().map_or(flip, |sum| flip + sum.members().len());
        let mut parts: Blocks = known.as_ref().map_or_else(|| ready(Vec::new()), |sum| read(sum.data()));
        if until == window.panes.len() {
            return parts.collect::<Result<_>>().map(Some);
        }
        let seen = Arc::default();
        for at in until..window.panes.len() {
            parts = Box::new(parts.chain(window.pane(at, &seen)?));
        }
        let Some(sum) = window.fold(parts)?.filter(|_| seen.is_plain()) else { return Ok(None) };
        self.windows.added.fetch_add((window.panes.len() - until) as u64, Ordering::Relaxed);
        self.keep_sum(window, flip, Role::Front, &sum)?;
        Ok(Some(sum))
    }

    /// The sum of the window, and the sums of all its ends, which later windows will begin with.
    fn flip(&self, window: &Folded) -> Result<Option<Vec<Block>>> {
        let (mut sum, mut kept, seen) = (Vec::new(), 0, Arc::default());
        for at in (0..window.panes.len()).rev() {
            window.task.cancel.check()?;
            // The older pane first: its keys come first, and so does what it holds of a key.
            let parts = window.pane(at, &seen)?.chain(ready(sum));
            let Some(longer) = window.fold(Box::new(parts))?.filter(|_| seen.is_plain()) else { return Ok(None) };
            sum = longer;
            kept += sum.iter().map(Block::len).sum::<usize>();
            if kept > MOST_TIMES * seen.rows() + FEW {
                return Ok(None);
            }
            self.keep_sum(window, at, Role::Back, &sum)?;
        }
        self.windows.added.fetch_add(window.panes.len() as u64, Ordering::Relaxed);
        Ok(Some(sum))
    }

    fn keep_sum(&self, window: &Folded, at: usize, role: Role, sum: &[Block]) -> Result<()> {
        let kept = self.store.park(ready(sum.to_vec()))?;
        let pane = window.panes.get(at).ok_or_else(|| EngineError::Bug(format!("a window has no pane {at}")))?;
        pane.panes().keep_sum(&window.way, window.partition, Sum::new(role, Arc::clone(&window.ids), at, kept));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
