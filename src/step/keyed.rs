//! One folded value per key, natively as far as it goes.
//!
//! When a row comes that only Python can fold, Python goes on: with what is folded, then that row and the rest.
//! Before a shuffle a fold only makes what is sent less. Where hardly any key comes twice, blocks are sent as they are.

use std::sync::Arc;

use super::folding::{AnyFolder, Folding, Left};
use super::onward::AsColumns;
use super::op::Step;
use super::running::Running;
use super::taken::Taken;
use crate::block::{Block, Columns};
use crate::error::Result;
use crate::kernel::distinct::Seen;
use crate::kernel::gather::{pair_columns, pairs, pick};
use crate::kernel::keys::{KeyTable, Unhashable};
use crate::rdd::{Blocks, Task, ready};

/// Rows of a block that is worth a look at how many keys it has, and how many of them are looked at.
const WORTH_A_LOOK: usize = 8192;
const SAMPLE: usize = 2048;
/// Most rows of a partition that are sent as they are: what the first rows of each block say of all is not sure.
const MOST_UNFOLDED: usize = 1 << 17;

/// The step `Combine` or `MergeCombiners` of one partition.
pub(super) struct Keyed {
    running: Arc<Running>,
    steps: std::ops::Range<usize>,
    fold: Folding,
    /// Before a shuffle, a table that memory has no room for is sent on as it is: the other side puts parts together.
    /// After it, Python's step takes over, which knows how to work in parts.
    sends_parts: bool,
    /// Whether parts are put together by this very fold.
    alike: bool,
    /// Rows that were sent as they are.
    unfolded: usize,
    input: Option<Taken>,
    /// Set once Python has gone on.
    python: Option<Blocks>,
}

/// Folded values by key.
pub(super) struct Table {
    keys: KeyTable,
    folder: AnyFolder,
    /// Keys of rows that are folded in; the key table may know more.
    folded: usize,
    ids: Vec<u32>,
}

impl Table {
    /// For pairs of a kind; `None` if Python must fold them.
    pub(super) fn new(fold: &Folding, columns: &Columns) -> Option<Self> {
        let ((key, _), (value, _)) = pair_columns(columns)?;
        Some(Self { keys: KeyTable::new(key)?, folder: fold.by_key(value), folded: 0, ids: Vec::new() })
    }

    /// Whether no row is folded in.
    pub(super) fn is_empty(&self) -> bool {
        self.folded == 0
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.folder.bytes()
    }

    /// Folds pairs in; those that Python must go on with, if there are some.
    pub(super) fn add(&mut self, columns: &Columns) -> Result<Option<Columns>> {
        let all = || Ok(Some(columns.clone()));
        let Some(((key_kind, keys), (value_kind, values))) = pair_columns(columns) else { return all() };
        if key_kind != self.keys.kind() || value_kind != self.folder.kind() {
            return all();
        }
        if self.keys.number(keys, &mut self.ids)? == Err(Unhashable) {
            return all();
        }
        match self.folder.add(&self.ids, values)? {
            None => {
                self.folded = self.keys.len();
                Ok(None)
            }
            Some(Left::From(row)) => {
                let before = self.ids[..row].iter().map(|id| *id as usize + 1).max().unwrap_or(0);
                self.folded = self.folded.max(before);
                Ok(Some(columns.slice(row, columns.len() - row)))
            }
            Some(Left::Rows(rows)) => {
                // The first value of every key was in the first round: it counts for all of them, or for none.
                if rows.len() < columns.len() {
                    self.folded = self.keys.len();
                }
                Ok(Some(Columns::new(columns.kind().clone(), pick(columns.array(), rows)?)))
            }
        }
    }

    /// The pairs of keys and folded values.
    pub(super) fn finish(self) -> Result<Columns> {
        let key = self.keys.kind().clone();
        let keys = self.keys.finish()?.slice(0, self.folded);
        pairs((key, keys), self.folder.finish()?)
    }
}

/// The pairs of `input` folded in one go, for values that may be folded in parts; None if that is not known of these
/// values, or if there is no room.
pub fn folded_whole(
    task: &Arc<Task>,
    fold: &Folding,
    as_columns: AsColumns,
    input: Blocks,
) -> Result<Option<Vec<Block>>> {
    let mut table: Option<Table> = None;
    let mut held = task.reservation();
    for block in input {
        task.cancel.check()?;
        let more = (2 * table.as_ref().map_or(0, Table::bytes)).saturating_sub(held.bytes());
        if !held.try_reserve(more)? {
            return Ok(None);
        }
        let Ok(columns) = as_columns(block?) else { return Ok(None) };
        if columns.is_empty() {
            continue;
        }
        if table.is_none() {
            table = Table::new(fold, &columns).filter(|table| fold.is_associative(table.folder.kind()));
        }
        let Some(table) = &mut table else { return Ok(None) };
        if table.add(&columns)?.is_some() {
            return Ok(None);
        }
    }
    let folded = table.map(Table::finish).transpose()?;
    Ok(Some(folded.map(Block::Columns).into_iter().collect()))
}

impl Keyed {
    /// The fold over `input`.
    pub(super) fn new(running: Arc<Running>, steps: std::ops::Range<usize>, fold: Folding, input: Blocks) -> Self {
        let (sends_parts, alike) = match running.step(steps.start) {
            Step::Combine { alike } => (true, alike),
            _ => (false, false),
        };
        let input = Some(Taken::new(&running, input));
        Self { running, steps, fold, sends_parts, alike, unfolded: 0, input, python: None }
    }

    /// Whether a block is sent as it is.
    fn leaves(&self, columns: &Columns) -> Result<bool> {
        let rows = self.unfolded + columns.len();
        if !self.alike || columns.len() < WORTH_A_LOOK || rows > MOST_UNFOLDED {
            return Ok(false);
        }
        let Some(((key, keys), (value, _))) = pair_columns(columns) else { return Ok(false) };
        if !self.fold.is_associative(value) || !key.facts().exact {
            return Ok(false);
        }
        let Some(mut table) = KeyTable::new(key) else { return Ok(false) };
        if table.number(&keys.slice(0, SAMPLE), &mut Vec::new())? == Err(Unhashable) {
            return Ok(false);
        }
        let seen = Seen { rows: SAMPLE, keys: table.len() };
        Ok(seen.mostly_new() && seen.keys_in(rows) * 3 > rows * 2)
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        if let Some(python) = &mut self.python {
            return python.next().transpose();
        }
        let Some(mut input) = self.input.take() else { return Ok(None) };
        let mut table: Option<Table> = None;
        let mut held = self.running.task.reservation();
        while let Some(block) = input.next() {
            self.running.task.cancel.check()?;
            // The result is made beside the table.
            let more = (2 * table.as_ref().map_or(0, Table::bytes)).saturating_sub(held.bytes());
            let room = held.try_reserve(more)?;
            if let Some(full) = table.take_if(|_| !room && self.sends_parts) {
                input.put_back(block?);
                self.input = Some(input);
                return Ok(Some(Block::Columns(full.finish()?)));
            }
            let rest = match self.running.columns(block?) {
                Err(objects) => objects,
                Ok(columns) if columns.is_empty() => continue,
                Ok(columns) if table.is_none() && self.leaves(&columns)? => {
                    self.unfolded += columns.len();
                    self.input = Some(input);
                    return Ok(Some(Block::Columns(columns)));
                }
                Ok(columns) if !room => Block::Columns(columns),
                Ok(columns) => {
                    if table.is_none() {
                        table = Table::new(&self.fold, &columns);
                    }
                    let left = match &mut table {
                        Some(table) => table.add(&columns)?,
                        None => Some(columns),
                    };
                    match left {
                        None => continue,
                        Some(left) => Block::Columns(left),
                    }
                }
            };
            let begun = table.filter(|table| !table.is_empty()).map(Table::finish).transpose()?;
            let running = &self.running;
            let mut python = if self.sends_parts {
                running.python_from(self.steps.clone(), begun, Box::new(std::iter::once(Ok(rest)).chain(input.rest())))
            } else {
                // What is combined comes first again, as one more part of the input.
                let again = begun.map(Block::Columns).into_iter().chain([rest]).collect();
                running.python(self.steps.clone(), Box::new(ready(again).chain(input.rest())))
            };
            let first = python.next().transpose();
            self.python = Some(python);
            return first;
        }
        let Some(table) = table else { return Ok(None) };
        Ok(Some(Block::Columns(table.finish()?)).filter(|made| !made.is_empty()))
    }
}

impl Iterator for Keyed {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
