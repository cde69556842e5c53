//! Groups, joins and sorts of a partition.
//!
//! They hold all of their input anyway: if Python must go on, it begins again with all of it. What memory has no room for
//! is gathered in parts (`parted.rs`); a sort is then Python's, which knows how to merge files.

use std::ops::Range;
use std::sync::Arc;

use super::parted::{Gathering, parted};
use super::running::Running;
use super::taken::Taken;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::Program;
use crate::kernel::gather::{Groups, pair_columns, pick, singles};
use crate::kernel::join::{Joined, Sides};
use crate::kernel::keys::joined;
use crate::kernel::sort::SortKeys;
use crate::kernel::weigh::bytes_of;
use crate::memory::Reservation;
use crate::rdd::{Blocks, ready};

/// The input of a step over the whole partition.
enum Input {
    /// All of it was taken; it and what is made of it hold this memory.
    Taken(Reservation),
    /// The input again: some of it is no columns, or was refused.
    Odd(Blocks),
    /// The blocks read so far and the rest, for which there is no room.
    Large(Vec<Block>, Blocks),
}

/// Gives all columns of `input` to `take`, as long as memory has room for them, or whatever they need with `anyway`.
fn read(
    running: &Running,
    input: Blocks,
    anyway: bool,
    mut take: impl FnMut(&Columns) -> Result<bool>,
) -> Result<Input> {
    let mut input = Taken::new(running, input);
    let mut seen = Vec::new();
    let mut held = running.task.reservation();
    while let Some(block) = input.next() {
        running.task.cancel.check()?;
        match running.columns(block?) {
            Ok(columns) => {
                let more = 2 * bytes_of(columns.array());
                if anyway {
                    held.hold(more);
                } else if !held.try_reserve(more)? {
                    seen.push(Block::Columns(columns));
                    return Ok(Input::Large(seen, input.rest()));
                }
                let taken = columns.is_empty() || take(&columns)?;
                seen.push(Block::Columns(columns));
                if taken {
                    continue;
                }
            }
            Err(objects) => seen.push(objects),
        }
        return Ok(Input::Odd(Box::new(ready(seen).chain(input.rest()))));
    }
    Ok(Input::Taken(held))
}

/// Blocks, and the memory that is held until they are read.
fn holding(held: Reservation, blocks: Blocks) -> Blocks {
    Box::new(blocks.inspect(move |_| {
        let _ = &held;
    }))
}

/// Pairs as groups of one, block by block.
pub(super) struct Singles {
    running: Arc<Running>,
    steps: Range<usize>,
    input: Option<Taken>,
    python: Option<Blocks>,
}

impl Singles {
    /// The step `Group` over `input`.
    pub(super) fn new(running: Arc<Running>, steps: Range<usize>, input: Blocks) -> Self {
        let input = Some(Taken::new(&running, input));
        Self { running, steps, input, python: None }
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        while let Some(input) = &mut self.input {
            let Some(block) = input.next() else { return Ok(None) };
            self.running.task.cancel.check()?;
            let rest = match self.running.columns(block?) {
                Ok(columns) if columns.is_empty() => continue,
                Ok(columns) => match singles(&columns)? {
                    Some(made) => return Ok(Some(Block::Columns(made))),
                    None => Block::Columns(columns),
                },
                Err(objects) => objects,
            };
            // Groups of one before groups of many: put together later, they are the same.
            let input = self.input.take().into_iter().flat_map(Taken::rest);
            let input = Box::new(ready(vec![rest]).chain(input));
            self.python = Some(self.running.python(self.steps.clone(), input));
        }
        self.python.as_mut().and_then(Iterator::next).transpose()
    }
}

impl Iterator for Singles {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// The groups of a partition, or of a part of it.
pub(super) fn grouped(running: &Arc<Running>, steps: Range<usize>, input: Blocks, anyway: bool) -> Result<Blocks> {
    let mut groups: Option<Groups> = None;
    let read = read(running, input, anyway, |columns| {
        if groups.is_none() {
            groups = Groups::new(columns.kind());
        }
        groups.as_mut().map_or(Ok(false), |groups| groups.add(columns))
    })?;
    match (read, groups) {
        (Input::Odd(again), _) => Ok(running.python(steps, again)),
        (Input::Large(seen, rest), groups) => {
            drop(groups);
            let (inner, inner_steps) = (Arc::clone(running), steps.clone());
            let gathering: Gathering = Arc::new(move |part, anyway| grouped(&inner, inner_steps.clone(), part, anyway));
            parted(running, steps, seen, rest, &gathering)
        }
        (Input::Taken(_), None) => Ok(ready(Vec::new())),
        (Input::Taken(held), Some(groups)) => {
            let made = groups.finish(|value| Kind::Group(Box::new(value)))?;
            Ok(holding(held, ready(vec![Block::Columns(made)])))
        }
    }
}

/// The join of a partition's two sides.
struct Joining(Joined);

/// The steps `MergeGroups` and the pairing of values over `input`; `keep` the left, the right side.
pub(super) fn joined_sides(
    running: &Arc<Running>,
    steps: Range<usize>,
    keep: (bool, bool),
    input: Blocks,
    anyway: bool,
) -> Result<Blocks> {
    let mut sides: Option<Sides> = None;
    let read = read(running, input, anyway, |columns| {
        if sides.is_none() {
            sides = Sides::new(columns.kind());
        }
        sides.as_mut().map_or(Ok(false), |sides| sides.add(columns))
    })?;
    match (read, sides) {
        (Input::Odd(again), _) => Ok(running.python(steps, again)),
        (Input::Large(seen, rest), sides) => {
            drop(sides);
            let (inner, inner_steps) = (Arc::clone(running), steps.clone());
            let gathering: Gathering =
                Arc::new(move |part, anyway| joined_sides(&inner, inner_steps.clone(), keep, part, anyway));
            parted(running, steps, seen, rest, &gathering)
        }
        (Input::Taken(_), None) => Ok(ready(Vec::new())),
        (Input::Taken(held), Some(sides)) => Ok(holding(held, Box::new(Joining(sides.finish(keep.0, keep.1)?)))),
    }
}

impl Iterator for Joining {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_block().transpose().map(|block| block.map(Block::Columns))
    }
}

/// The pairs of `input`, sorted by `key` of their keys.
pub(super) fn sorted(
    running: &Arc<Running>,
    steps: Range<usize>,
    key: Option<&Program>,
    ascending: bool,
    input: Blocks,
) -> Result<Blocks> {
    let mut parts: Vec<Columns> = Vec::new();
    let read = read(running, input, false, |columns| {
        let same = parts.first().is_none_or(|first| first.kind() == columns.kind());
        if same {
            parts.push(columns.clone());
        }
        Ok(same && pair_columns(columns).is_some())
    })?;
    let held = match read {
        Input::Taken(held) => held,
        Input::Odd(again) => return Ok(running.python(steps, again)),
        Input::Large(seen, rest) => {
            drop(parts);
            return Ok(running.python(steps, Box::new(ready(seen).chain(rest))));
        }
    };
    let Some(kind) = parts.first().map(|first| first.kind().clone()) else { return Ok(ready(Vec::new())) };
    let arrays: Vec<_> = parts.into_iter().map(|part| Arc::clone(part.array())).collect();
    let all = Columns::new(kind, joined(&arrays)?);
    drop(arrays);
    match sorted_rows(&all, key, ascending) {
        Some(rows) => {
            let sorted = Columns::new(all.kind().clone(), pick(all.array(), rows)?);
            Ok(holding(held, ready(vec![Block::Columns(sorted)])))
        }
        None => Ok(running.python(steps, ready(vec![Block::Columns(all)]))),
    }
}

fn sorted_rows(all: &Columns, key: Option<&Program>, ascending: bool) -> Option<Vec<u32>> {
    let ((kind, keys), _) = pair_columns(all)?;
    let keys = Columns::new(kind.clone(), Arc::clone(keys));
    let keys = match key {
        None => keys,
        Some(program) => program.eval(std::slice::from_ref(&keys), keys.len()).ok()?,
    };
    Some(SortKeys::new(keys.kind(), keys.array())?.sorted_rows(ascending))
}
