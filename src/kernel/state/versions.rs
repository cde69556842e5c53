//! Which states did earlier batches leave?
//!
//! Owns `Versions`: the states after each of some batches, the newest as they are, those before it as what the next one
//! replaced.
//! 1. A version costs about what changed after it, however the changes are spread over its chunks. So the memory of chunks
//!    that were replaced is free for the next batch, and holding more versions needs hardly any.
//! 2. Made again, a version shares with those after it what is equal, as snapshots do: whole chunks, and keys.
//! 3. What was long ago is put together from what each batch since then replaced, chunk by chunk, and only where somebody
//!    looks.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_select::interleave::interleave;
use hashbrown::HashMap;

use super::changes::{Changes, address, changes, column};
use super::rows::{identical, put};
use crate::block::{Columns, Kind};
use crate::error::Result;
use crate::kernel::gather::{pairs, pick};
use crate::kernel::keys::kernel_error;

/// The states after some batches, oldest first.
#[derive(Default)]
pub struct Versions {
    older: Vec<Older>,
    newest: Option<View>,
    newest_time: i64,
}

struct Older {
    time: i64,
    blocks: Arc<Vec<Held>>,
}

/// A chunk as it was before that of the next version.
enum Held {
    /// As it is there, under this number.
    Same(usize),
    /// As it is there, but for some states.
    Put(Put),
    Whole(Columns),
}

struct Put {
    /// The number of the chunk in the next version.
    chunk: usize,
    /// Of both chunks.
    kind: Arc<Kind>,
    keys: ArrayRef,
    replaced: Replaced,
}

/// States of some rows, which ascend, as they were and as they became.
#[derive(Clone)]
struct Replaced {
    rows: Vec<u32>,
    before: ArrayRef,
    after: ArrayRef,
}

/// The states of one version, still to be made.
#[derive(Clone, Default)]
pub struct View {
    newest: Vec<Columns>,
    /// What was before, and before that.
    back: Vec<Arc<Vec<Held>>>,
}

/// What became of a chunk.
enum Fate<'a> {
    /// It is in another version, under a number, and these of its states were replaced on the way.
    Lives(usize, Option<Cow<'a, Replaced>>, Option<&'a Put>),
    /// It is not; here it is.
    Gone(Columns),
}

impl View {
    /// The chunks of the version.
    pub fn blocks(&self) -> Result<Vec<Columns>> {
        (0..self.len()).map(|chunk| self.block(chunk)).collect()
    }

    /// How many chunks it has.
    pub fn len(&self) -> usize {
        self.back.last().map_or(self.newest.len(), |held| held.len())
    }

    /// Whether no key has a state.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of the chunks.
    pub fn block(&self, chunk: usize) -> Result<Columns> {
        match self.fate(chunk, 0)? {
            Fate::Gone(block) => Ok(block),
            Fate::Lives(chunk, None, _) => Ok(self.newest[chunk].clone()),
            Fate::Lives(chunk, Some(replaced), _) => replaced.put_back(&self.newest[chunk]),
        }
    }

    /// The keys of a chunk.
    pub fn keys(&self, mut chunk: usize) -> Result<&ArrayRef> {
        for held in self.back.iter().rev() {
            match &held[chunk] {
                Held::Same(next) => chunk = *next,
                Held::Put(put) => return Ok(&put.keys),
                Held::Whole(block) => return column(block, 0),
            }
        }
        column(&self.newest[chunk], 0)
    }

    /// What became of a chunk up to the version that has `later` versions after it.
    fn fate(&self, mut chunk: usize, later: usize) -> Result<Fate<'_>> {
        let (mut all, mut last): (Option<Cow<'_, Replaced>>, Option<&Put>) = (None, None);
        for held in self.back[later..].iter().rev() {
            match &held[chunk] {
                Held::Same(next) => chunk = *next,
                Held::Put(put) => {
                    all = Some(match all {
                        None => Cow::Borrowed(&put.replaced),
                        Some(earlier) => Cow::Owned(earlier.and_then(&put.replaced)?),
                    });
                    (chunk, last) = (put.chunk, Some(put));
                }
                Held::Whole(block) => {
                    return Ok(Fate::Gone(all.map_or_else(|| Ok(block.clone()), |all| all.put_back(block))?));
                }
            }
        }
        Ok(Fate::Lives(chunk, all, last))
    }

    /// What became of this version in another one of the same `Versions`. None for keys that Python must tell apart.
    pub fn changes_up_to(&self, later: &Self) -> Result<Option<Changes>> {
        if self.back.len() < later.back.len() {
            return changes(&self.blocks()?, &later.blocks()?);
        }
        let (mut known, mut pairs, mut earlier) = (vec![false; later.len()], Vec::new(), Vec::new());
        for chunk in 0..self.len() {
            match self.fate(chunk, later.back.len())? {
                Fate::Gone(block) => earlier.push(block),
                Fate::Lives(chunk, replaced, put) => {
                    known[chunk] = true;
                    if let (Some(replaced), Some(put)) = (replaced, put) {
                        pairs.extend(replaced.changed(put)?);
                    }
                }
            }
        }
        let unknown = (0..later.len()).filter(|chunk| !known[*chunk]).map(|chunk| later.block(chunk));
        let unknown: Vec<Columns> = unknown.collect::<Result<_>>()?;
        Ok(changes(&earlier, &unknown)?.map(|mut found| {
            found.pairs.append(&mut pairs);
            found
        }))
    }
}

impl Replaced {
    /// The chunk as it was before.
    fn put_back(&self, block: &Columns) -> Result<Columns> {
        let numbers: Vec<u32> = (0..self.rows.len() as u32).collect();
        let states = put(column(block, 1)?, &self.rows, &self.before, &numbers)?;
        let Kind::Tuple { items, .. } = block.kind() else { return Err(kernel_error("states that are no pairs")) };
        pairs((items[0].clone(), Arc::clone(column(block, 0)?)), (items[1].clone(), states))
    }

    /// This and what was replaced after it, as if it had been at once.
    fn and_then(&self, later: &Self) -> Result<Self> {
        let merged = merged(&self.rows, &later.rows);
        let of = |one: &ArrayRef, other: &ArrayRef, places: &[(usize, usize)]| {
            interleave(&[one.as_ref(), other.as_ref()], places).map_err(kernel_error)
        };
        let before = of(&self.before, &later.before, &merged.first)?;
        Ok(Self { rows: merged.all, before, after: of(&self.after, &later.after, &merged.last)? })
    }

    /// The pairs whose states are others now.
    fn changed(&self, put: &Put) -> Result<Option<Columns>> {
        let differ = !&identical(&self.before, &self.after);
        let rows: Vec<u32> = differ.set_indices().map(|at| at as u32).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        let Kind::Tuple { items, .. } = &*put.kind else { return Err(kernel_error("states that are no pairs")) };
        let keys = pick(&put.keys, rows.iter().map(|at| self.rows[*at as usize]).collect())?;
        pairs((items[0].clone(), keys), (items[1].clone(), pick(&self.after, rows)?)).map(Some)
    }
}

/// All that is in one of two lists that ascend, and where: the list, and the place in it. Of what is in both, the place in
/// the first one, and the one in the last one.
struct Merged {
    all: Vec<u32>,
    first: Vec<(usize, usize)>,
    last: Vec<(usize, usize)>,
}

fn merged(one: &[u32], other: &[u32]) -> Merged {
    let mut merged = Merged { all: Vec::new(), first: Vec::new(), last: Vec::new() };
    let (mut at, mut there) = (0, 0);
    while at < one.len() || there < other.len() {
        let rows = (one.get(at).copied().unwrap_or(u32::MAX), other.get(there).copied().unwrap_or(u32::MAX));
        let (in_one, in_other) = (rows.0 <= rows.1, rows.1 <= rows.0);
        merged.all.push(rows.0.min(rows.1));
        merged.first.push(if in_one { (0, at) } else { (1, there) });
        merged.last.push(if in_other { (1, there) } else { (0, at) });
        at += usize::from(in_one);
        there += usize::from(in_other);
    }
    merged
}

/// What is to be held of `older` beside `newer`.
fn held(older: &[Columns], newer: &[Columns]) -> Result<Vec<Held>> {
    let mut by_keys = HashMap::new();
    for (chunk, block) in newer.iter().enumerate() {
        by_keys.insert(address(column(block, 0)?), chunk);
    }
    let kind = Arc::new(newer.first().map_or(Kind::None, |block| block.kind().clone()));
    let mut all = Vec::with_capacity(older.len());
    for block in older {
        let chunk = by_keys.get(&address(column(block, 0)?)).copied();
        let Some(chunk) = chunk.filter(|chunk| [block.kind(), newer[*chunk].kind()] == [&*kind; 2]) else {
            all.push(Held::Whole(block.clone()));
            continue;
        };
        if address(block.array()) == address(newer[chunk].array()) {
            all.push(Held::Same(chunk));
            continue;
        }
        let (states, after) = (column(block, 1)?, column(&newer[chunk], 1)?);
        let differ = !&identical(states, after);
        let rows: Vec<u32> = differ.set_indices().map(|row| row as u32).collect();
        if rows.len() * 3 > block.len() {
            all.push(Held::Whole(block.clone()));
            continue;
        }
        let replaced = Replaced { before: pick(states, rows.clone())?, after: pick(after, rows.clone())?, rows };
        let keys = Arc::clone(column(block, 0)?);
        all.push(Held::Put(Put { chunk, kind: Arc::clone(&kind), keys, replaced }));
    }
    Ok(all)
}

impl Versions {
    /// The time of the newest one.
    pub fn last(&self) -> Option<i64> {
        self.newest.as_ref().map(|_| self.newest_time)
    }

    /// How many keys the newest one has.
    pub fn keys(&self) -> usize {
        self.newest.iter().flat_map(|view| &view.newest).map(Columns::len).sum()
    }

    /// The version that counted at a time; nothing if there was none.
    pub fn as_of(&self, time: i64) -> Option<(i64, View)> {
        let newest = self.newest.as_ref()?;
        if self.newest_time <= time {
            return Some((self.newest_time, newest.clone()));
        }
        let at = self.older.iter().rposition(|older| older.time <= time)?;
        Some((self.older[at].time, self.view(at)))
    }

    fn view(&self, at: usize) -> View {
        let newest = self.newest.as_ref().map_or_else(Vec::new, |view| view.newest.clone());
        View { newest, back: self.older[at..].iter().rev().map(|older| Arc::clone(&older.blocks)).collect() }
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<(i64, View)> {
        let older = (0..self.older.len()).map(|at| (self.older[at].time, self.view(at)));
        older.chain(self.newest.clone().map(|view| (self.newest_time, view))).collect()
    }

    /// Adds a version after the others; after an error nothing has changed.
    pub fn push(&mut self, time: i64, blocks: Vec<Columns>) -> Result<()> {
        if let Some(before) = &self.newest {
            let blocks = Arc::new(held(&before.newest, &blocks)?);
            self.older.push(Older { time: self.newest_time, blocks });
        }
        self.newest = Some(View { newest: blocks, back: Vec::new() });
        self.newest_time = time;
        Ok(())
    }

    /// Takes the newest one away; after an error it is still there.
    pub fn pop(&mut self) -> Result<()> {
        let before = self.older.len().checked_sub(1).map(|at| self.view(at));
        self.newest = before.map(|view| Ok(View { newest: view.blocks()?, back: Vec::new() })).transpose()?;
        self.newest_time = self.older.pop().map_or(0, |older| older.time);
        Ok(())
    }

    /// Forgets those that count at no time from `oldest` on; whether there were some.
    pub fn forget(&mut self, oldest: i64) -> bool {
        let newest = self.newest.as_ref().map(|_| self.newest_time);
        let times = self.older.iter().map(|older| older.time).chain(newest);
        let gone = times.take_while(|time| *time <= oldest).count().saturating_sub(1);
        self.older.drain(..gone);
        gone > 0
    }
}
