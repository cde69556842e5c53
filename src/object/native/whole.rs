//! Groups, joins and sorts of a partition.
//!
//! They hold all of their input anyway: if Python must go on, it begins again with all of it.

use std::sync::Arc;

use super::as_columns;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::Program;
use crate::kernel::gather::{Groups, pair_columns, pick, singles};
use crate::kernel::join::{Joined, Sides};
use crate::kernel::keys::joined;
use crate::kernel::sort::SortKeys;
use crate::object::chain::Running;
use crate::rdd::{Blocks, ready};

/// All columns of a partition; or its blocks, when some are no columns or `take` refuses one.
fn all_columns(
    running: &Running,
    input: Blocks,
    mut take: impl FnMut(&Columns) -> Result<bool>,
) -> Result<std::result::Result<(), Blocks>> {
    let (mut input, mut seen) = (input, Vec::new());
    while let Some(block) = input.next() {
        running.task.cancel.check()?;
        let again = match as_columns(block?) {
            Ok(columns) => {
                let taken = columns.is_empty() || take(&columns)?;
                seen.push(Block::Columns(columns));
                !taken
            }
            Err(objects) => {
                seen.push(objects);
                true
            }
        };
        if again {
            return Ok(Err(Box::new(ready(seen).chain(input))));
        }
    }
    Ok(Ok(()))
}

/// Pairs as groups of one, block by block.
pub(crate) struct Singles {
    running: Arc<Running>,
    steps: std::ops::Range<usize>,
    input: Option<Blocks>,
    python: Option<Blocks>,
}

impl Singles {
    /// The step `Group` over `input`.
    pub(crate) fn new(running: Arc<Running>, steps: std::ops::Range<usize>, input: Blocks) -> Self {
        Self { running, steps, input: Some(input), python: None }
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        while let Some(input) = &mut self.input {
            let Some(block) = input.next() else { return Ok(None) };
            self.running.task.cancel.check()?;
            let rest = match as_columns(block?) {
                Ok(columns) if columns.is_empty() => continue,
                Ok(columns) => match singles(&columns)? {
                    Some(made) => return Ok(Some(Block::Columns(made))),
                    None => Block::Columns(columns),
                },
                Err(objects) => objects,
            };
            // Groups of one before groups of many: put together later, they are the same.
            let input = self.input.take().into_iter().flatten();
            let input = Box::new(ready(vec![rest]).chain(input));
            self.python = Some(Arc::clone(&self.running).python(self.steps.clone(), input));
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

/// The groups of a partition.
pub(crate) fn grouped(running: &Arc<Running>, steps: std::ops::Range<usize>, input: Blocks) -> Result<Blocks> {
    let mut groups: Option<Groups> = None;
    let seen = all_columns(running, input, |columns| {
        if groups.is_none() {
            groups = Groups::new(columns.kind());
        }
        groups.as_mut().map_or(Ok(false), |groups| groups.add(columns))
    })?;
    match (seen, groups) {
        (Err(again), _) => Ok(Arc::clone(running).python(steps, again)),
        (Ok(()), None) => Ok(ready(Vec::new())),
        (Ok(()), Some(groups)) => {
            let made = groups.finish(|value| Kind::Group(Box::new(value)))?;
            Ok(ready(vec![Block::Columns(made)]))
        }
    }
}

/// The join of a partition's two sides.
pub(crate) struct Joining {
    joined: Joined,
}

impl Joining {
    /// The steps `MergeGroups` and the pairing of values over `input`.
    pub(crate) fn begin(
        running: &Arc<Running>,
        steps: std::ops::Range<usize>,
        (keep_left, keep_right): (bool, bool),
        input: Blocks,
    ) -> Result<Blocks> {
        let mut sides: Option<Sides> = None;
        let seen = all_columns(running, input, |columns| {
            if sides.is_none() {
                sides = Sides::new(columns.kind());
            }
            sides.as_mut().map_or(Ok(false), |sides| sides.add(columns))
        })?;
        match (seen, sides) {
            (Err(again), _) => Ok(Arc::clone(running).python(steps, again)),
            (Ok(()), None) => Ok(ready(Vec::new())),
            (Ok(()), Some(sides)) => Ok(Box::new(Self { joined: sides.finish(keep_left, keep_right)? })),
        }
    }
}

impl Iterator for Joining {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.joined.next_block().transpose().map(|block| block.map(Block::Columns))
    }
}

/// A partition's pairs by their keys.
pub(crate) struct Sorted;

impl Sorted {
    /// The pairs of `input`, sorted by `key` of their keys.
    pub(crate) fn begin(
        running: &Arc<Running>,
        steps: std::ops::Range<usize>,
        key: Option<&Program>,
        ascending: bool,
        input: Blocks,
    ) -> Result<Blocks> {
        let mut parts: Vec<Columns> = Vec::new();
        let seen = all_columns(running, input, |columns| {
            let same = parts.first().is_none_or(|first| first.kind() == columns.kind());
            if same {
                parts.push(columns.clone());
            }
            Ok(same && pair_columns(columns).is_some())
        })?;
        if let Err(again) = seen {
            return Ok(Arc::clone(running).python(steps, again));
        }
        let Some(kind) = parts.first().map(|first| first.kind().clone()) else { return Ok(ready(Vec::new())) };
        let arrays: Vec<_> = parts.into_iter().map(|part| Arc::clone(part.array())).collect();
        let all = Columns::new(kind, joined(&arrays)?);
        drop(arrays);
        match sorted_rows(&all, key, ascending) {
            Some(rows) => Ok(ready(vec![Block::Columns(Columns::new(all.kind().clone(), pick(all.array(), rows)?))])),
            None => Ok(Arc::clone(running).python(steps, ready(vec![Block::Columns(all)]))),
        }
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
