//! How are pairs gathered by key that memory has no room for? In parts, each of which is done natively.
//!
//! Keys are numbered by first appearance, and a part holds those of a range of numbers: so the parts, one after the other,
//! give the keys in order, and the rows of a key keep theirs. Rows on their way into a part go to files as memory demands.
//! A part that is still too large is cut again; one that holds a single key cannot be, and is gathered whatever it takes.

use std::ops::Range;
use std::sync::Arc;

use super::running::Running;
use super::taken::Taken;
use crate::block::{Block, Columns};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, scatter};
use crate::kernel::keys::{KeyTable, Unhashable};
use crate::rdd::{Blocks, MapOutput, ShuffleData, ready};

/// Parts that the keys seen so far are cut into.
const CUTS: usize = 16;
/// Parts in all; the last one takes all later keys.
const PARTS: usize = 64;

/// What is done with a part; with the second argument true, whatever memory it takes.
pub(super) type Gathering = Arc<dyn Fn(Blocks, bool) -> Result<Blocks> + Send + Sync>;

/// Rows on their way into parts.
struct Cutter {
    keys: KeyTable,
    /// Keys per part.
    width: usize,
    output: MapOutput,
    ids: Vec<u32>,
}

impl Cutter {
    /// Sends the rows to their parts; false, and nothing sent, if Python must go on.
    fn add(&mut self, columns: &Columns) -> Result<bool> {
        let Some(((kind, keys), _)) = pair_columns(columns) else { return Ok(false) };
        if kind != self.keys.kind() || self.keys.number(keys, &mut self.ids)? == Err(Unhashable) {
            return Ok(false);
        }
        let parts: Vec<u32> = self.ids.iter().map(|id| (*id as usize / self.width).min(PARTS - 1) as u32).collect();
        for (part, rows) in scatter(columns, &parts, PARTS)? {
            self.output.push(part, Block::Columns(rows))?;
        }
        Ok(true)
    }

    /// The parts, and how many keys each has.
    fn finish(self) -> Result<Vec<(Blocks, usize)>> {
        let (count, width) = (self.keys.len(), self.width);
        let data = ShuffleData::new(vec![self.output])?;
        let size = |part: usize| {
            let left = count.saturating_sub(part * width);
            if part == PARTS - 1 { left } else { left.min(width) }
        };
        Ok((0..PARTS).map(|part| (data.target(part), size(part))).filter(|(_, size)| *size > 0).collect())
    }
}

/// `gathering` over the blocks of `input` in parts; `steps` are the same in Python. `seen` of the blocks are there already,
/// and show how many keys memory has room for.
pub(super) fn parted(
    running: &Arc<Running>,
    steps: Range<usize>,
    seen: Vec<Block>,
    rest: Blocks,
    gathering: &Gathering,
) -> Result<Blocks> {
    let Some(mut cutter) = cutter(running, &seen)? else {
        return Ok(running.python(steps, Box::new(ready(seen).chain(rest))));
    };
    let mut input = Taken::new(running, Box::new(ready(seen).chain(rest)));
    while let Some(block) = input.next() {
        running.task.cancel.check()?;
        let odd = match running.columns(block?) {
            Ok(columns) if columns.is_empty() || cutter.add(&columns)? => continue,
            Ok(columns) => Block::Columns(columns),
            Err(objects) => objects,
        };
        // The parts in order are the rows so far, as far as order matters.
        let parts = cutter.finish()?.into_iter().flat_map(|(part, _)| part);
        return Ok(running.python(steps, Box::new(parts.chain(ready(vec![odd])).chain(input.rest()))));
    }
    let gathering = Arc::clone(gathering);
    let parts = cutter.finish()?.into_iter();
    Ok(Box::new(parts.flat_map(move |(part, keys)| {
        gathering(part, keys == 1).unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
    })))
}

fn cutter(running: &Running, seen: &[Block]) -> Result<Option<Cutter>> {
    let columns: Vec<&Columns> = seen
        .iter()
        .filter_map(|block| match block {
            Block::Columns(columns) if !columns.is_empty() => Some(columns),
            _ => None,
        })
        .collect();
    let new_table = || columns.first().and_then(|first| KeyTable::new(pair_columns(first)?.0.0));
    let (Some(mut trial), Some(keys)) = (new_table(), new_table()) else { return Ok(None) };
    let mut ids = Vec::new();
    for columns in &columns {
        match pair_columns(columns) {
            Some(((kind, column), _)) if kind == trial.kind() => {
                if trial.number(column, &mut ids)? == Err(Unhashable) {
                    return Ok(None);
                }
            }
            _ => return Ok(None),
        }
    }
    let width = trial.len().div_ceil(CUTS).max(1);
    Ok(Some(Cutter { keys, width, output: MapOutput::within(running.task.memory(), PARTS), ids }))
}
