//! How do items that a receiver stores become blocks, in order, and how fast may they come?
//!
//! Owns `Inbox`: items of any kind until they are sealed, the order of their blocks, and the pace. Whoever stores seals: what a
//! block is made of is known to him. It never waits itself; it says how long to.
//! 1. Items of one block interval are a partition, and so is what one `store_many` brings to a batch. Times are those of the
//!    stream's clock, in milliseconds; the pace is on the system's.
//! 2. Blocks are let in in the order in which they were cut, though several threads may seal at the same time. One that could
//!    not be sealed is left out, and holds up no other.
//! 3. There is no pace any more once the intake is open or closed: the end of a stream is not to wait for it.
//!
//! Elsewhere: where blocks wait (`source/intake.rs`), who waits for room and pace (`py/receiver.rs`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::block::Block;
use crate::error::Result;
use crate::source::{Allowance, Encoded, Intake, Rate};

/// Items that are sealed together.
const CHUNK: usize = 1000;

/// With a rate limit, items of this part of a second are sealed together.
const CHUNKS_A_SECOND: u64 = 20;

/// Which block it is, and the partition it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In the order in which blocks were cut.
    number: u64,
    group: u64,
}

/// Items that are to be a block.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut<T> {
    /// Which one.
    pub place: Place,
    /// What is in it.
    pub items: Vec<T>,
}

/// Blocks that are ready before one that was cut earlier; none where the items could not be sealed.
#[derive(Default)]
struct Early {
    next: u64,
    blocks: BTreeMap<u64, (u64, Option<Encoded>)>,
}

impl Early {
    /// The next one in order, if it is there.
    fn ready(&mut self) -> Option<(u64, Option<Encoded>)> {
        let ready = self.blocks.remove(&self.next)?;
        self.next += 1;
        Some(ready)
    }
}

/// Items that are no block yet.
struct Current<T> {
    items: Vec<T>,
    /// Blocks cut so far.
    cuts: u64,
    /// The partition they will be in.
    group: u64,
    /// When the next partition begins.
    boundary: i64,
}

impl<T> Current<T> {
    fn cut(&mut self) -> Option<Cut<T>> {
        if self.items.is_empty() {
            return None;
        }
        let (group, items) = (self.group, std::mem::take(&mut self.items));
        Some(Cut { place: self.next_place(group), items })
    }

    fn next_place(&mut self, group: u64) -> Place {
        self.cuts += 1;
        Place { number: self.cuts - 1, group }
    }
}

/// How fast items may come, since the receiver was started with its stream.
struct Pace {
    rate: Arc<Rate>,
    begun: Instant,
    allowance: Mutex<Allowance>,
}

/// What one receiver stores, until a batch takes it.
pub struct Inbox<T> {
    /// The blocks; also whether there is room, and who waits for it.
    pub intake: Intake,
    current: Mutex<Current<T>>,
    early: Mutex<Early>,
    /// Known once the stream has started.
    pace: OnceLock<Pace>,
    interval: i64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Inbox<T> {
    /// Empty. A partition lasts `interval`, the first one from `now` on; there is room for `limit` bytes of blocks.
    pub fn new(now: i64, interval: i64, limit: usize) -> Self {
        let interval = interval.max(1);
        Self {
            intake: Intake::new(limit),
            current: Mutex::new(Current { items: Vec::new(), cuts: 0, group: 0, boundary: now + interval }),
            early: Mutex::default(),
            pace: OnceLock::new(),
            interval,
        }
    }

    /// How long a partition lasts.
    pub fn interval(&self) -> i64 {
        self.interval
    }

    /// From now on items come no faster than `rate`, which may change at any time.
    pub fn keep_to(&self, rate: Arc<Rate>) {
        // Set already: an intake has one receiver, which its stream starts once.
        let _ = self.pace.set(Pace { rate, begun: Instant::now(), allowance: Mutex::default() });
    }

    /// The limit now, in items per second.
    fn limit(&self) -> Option<(&Pace, u64)> {
        let pace = self.pace.get()?;
        let rate = pace.rate.current().filter(|_| self.intake.is_bounded())?;
        Some((pace, rate))
    }

    /// Lets `items` come if any may come now, all of them: the next ones wait for it. Else the pause before asking again.
    pub fn pause(&self, items: usize) -> Option<Duration> {
        let (pace, rate) = self.limit()?;
        let mut allowance = lock(&pace.allowance);
        if allowance.at(pace.begun.elapsed(), rate) > 0 {
            allowance.spend(items);
            return None;
        }
        Some(allowance.pause(rate))
    }

    /// How many items of an iterable are sealed together.
    pub fn chunk(&self) -> usize {
        let allowed = |(_, rate)| usize::try_from(rate / CHUNKS_A_SECOND).unwrap_or(CHUNK);
        self.limit().map_or(CHUNK, allowed).clamp(1, CHUNK)
    }

    /// Takes in one item; the answer is a block that is complete by that, if one is.
    pub fn push(&self, item: T, now: i64) -> Option<Cut<T>> {
        let mut done = None;
        let mut current = lock(&self.current);
        if now >= current.boundary {
            done = current.cut();
            current.group += 1;
            let passed = (now - current.boundary) / self.interval;
            current.boundary += (passed + 1) * self.interval;
        }
        current.items.push(item);
        if done.is_none() && current.items.len() >= CHUNK {
            done = current.cut();
        }
        done
    }

    /// Ends a block: the items so far.
    pub fn cut(&self) -> Option<Cut<T>> {
        lock(&self.current).cut()
    }

    /// Begins a partition of its own; the answer is that one, and the block before it.
    pub fn own_group(&self) -> (u64, Option<Cut<T>>) {
        let mut current = lock(&self.current);
        let before = current.cut();
        let group = current.group + 1;
        current.group += 2;
        (group, before)
    }

    /// A block of a partition of its own.
    pub fn cut_of(&self, group: u64, items: Vec<T>) -> Cut<T> {
        Cut { place: lock(&self.current).next_place(group), items }
    }

    /// Lets a block in, behind all that were cut before it; none: it could not be sealed. The answer is what `commit` of the
    /// intake asks for.
    pub fn let_in(&self, Place { number, group }: Place, block: Option<Block>) -> Result<Option<u64>> {
        // Before the lock: Python code may run, and others wait for the lock while attached.
        let (block, outcome) = match block.map(|block| self.intake.encode(block)).transpose() {
            Ok(block) => (block, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let mut place = None;
        let mut early = lock(&self.early);
        early.blocks.insert(number, (group, block));
        while let Some((group, block)) = early.ready() {
            if let Some(block) = block {
                place = self.intake.add_encoded(group, block).max(place);
            }
        }
        outcome.map(|()| place)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;

    use super::*;
    use crate::block::{Columns, Kind};

    fn seal(items: &[i64]) -> Option<Block> {
        Some(Block::Columns(Columns::new(Kind::Int, Arc::new(Int64Array::from(items.to_vec())))))
    }

    fn lengths(inbox: &Inbox<i64>) -> Vec<Vec<usize>> {
        inbox.intake.take().groups.iter().map(|group| group.iter().map(Block::len).collect()).collect()
    }

    fn let_in(inbox: &Inbox<i64>, cut: Cut<i64>) {
        inbox.let_in(cut.place, seal(&cut.items)).unwrap();
    }

    #[test]
    fn items_of_one_interval_are_a_partition() {
        // time       0    90  |  100         350
        // items      1     2  |   3     |     4        intervals of 100 from 0 on
        let inbox = Inbox::new(0, 100, 1 << 20);
        assert_eq!((inbox.push(1, 0), inbox.push(2, 90)), (None, None));
        for (item, now, before) in [(3, 100, vec![1, 2]), (4, 350, vec![3])] {
            let cut = inbox.push(item, now).unwrap();
            assert_eq!(cut.items, before);
            let_in(&inbox, cut);
        }
        assert_eq!(inbox.push(5, 399), None, "boundaries stay where they are");
        let_in(&inbox, inbox.cut().unwrap());
        assert_eq!(lengths(&inbox), [[2], [1], [2]]);
    }

    #[test]
    fn a_partition_of_many_items_has_many_blocks() {
        let inbox = Inbox::new(0, 100, 1 << 20);
        let cuts: Vec<_> = (0..2500).filter_map(|item| inbox.push(item, 5)).collect();
        assert_eq!(cuts.iter().map(|cut| cut.items.len()).collect::<Vec<_>>(), [CHUNK, CHUNK]);
        cuts.into_iter().chain(inbox.cut()).for_each(|cut| let_in(&inbox, cut));
        assert_eq!(lengths(&inbox), [[CHUNK, CHUNK, 500]]);
    }

    #[test]
    fn blocks_come_in_the_order_of_their_cuts_whoever_seals_first() {
        let inbox = Inbox::new(0, 100, 1 << 20);
        inbox.push(1, 0);
        let (group, first) = inbox.own_group();
        let (second, third) = (inbox.cut_of(group, vec![2, 2]), inbox.cut_of(group, vec![3, 3, 3]));
        let_in(&inbox, third);
        assert!(lengths(&inbox).is_empty(), "it waits for those before it");
        // This one cannot be sealed.
        inbox.let_in(second.place, None).unwrap();
        assert!(lengths(&inbox).is_empty());
        let_in(&inbox, first.unwrap());
        assert_eq!(lengths(&inbox), [[1], [3]]);
    }

    #[test]
    fn the_pace_holds_until_the_intake_is_open() {
        let inbox = Inbox::<i64>::new(0, 100, 1 << 20);
        assert_eq!((inbox.pause(1_000_000), inbox.chunk()), (None, CHUNK), "without a rate");
        inbox.keep_to(Arc::new(Rate::new(Some(100), None)));
        assert_eq!(inbox.chunk(), 5, "a twentieth of a second");
        // The first may come at once, however many; the next ones wait for them.
        while let Some(pause) = inbox.pause(1000) {
            std::thread::sleep(pause);
        }
        assert!(inbox.pause(1).is_some());
        inbox.intake.open();
        assert_eq!((inbox.pause(1), inbox.chunk()), (None, CHUNK));
    }
}
