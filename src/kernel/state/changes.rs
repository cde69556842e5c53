//! In which pairs do two snapshots differ?
//!
//! Snapshots share what is equal, so whole chunks are passed by, and of those that share their keys the states are compared
//! row by row. Only what is left is looked up by key.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;
use arrow_select::filter::filter;
use hashbrown::{HashMap, HashSet};

use super::rows::identical;
use crate::block::{Columns, Kind};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, pick};
use crate::kernel::keys::{KeyTable, Unhashable, joined, kernel_error};

/// What a later snapshot has that an earlier one has not.
#[derive(Debug, Default)]
pub struct Changes {
    /// Pairs that are new or have another state, as they are later.
    pub pairs: Vec<Columns>,
    /// Keys that are there no more.
    pub gone: Vec<Columns>,
}

/// What became of `earlier` in `later`. None for keys that Python must tell apart.
pub fn changes(earlier: &[Columns], later: &[Columns]) -> Result<Option<Changes>> {
    let known: HashSet<*const ()> = earlier.iter().map(|block| address(block.array())).collect();
    let kept: HashSet<*const ()> = later.iter().map(|block| address(block.array())).collect();
    let earlier = earlier.iter().filter(|block| !kept.contains(&address(block.array())));
    let later = later.iter().filter(|block| !known.contains(&address(block.array())));
    let mut by_keys: HashMap<*const (), &Columns> = HashMap::new();
    let mut old = Vec::new();
    for block in earlier {
        if let Some(odd) = by_keys.insert(address(keys_of(block)?), block) {
            old.push(odd);
        }
    }
    let (mut found, mut new) = (Changes::default(), Vec::new());
    for block in later {
        match by_keys.remove(&address(keys_of(block)?)) {
            Some(before) if before.kind() == block.kind() && before.len() == block.len() => {
                found.pairs.extend(rows(block, &!&identical(states_of(before)?, states_of(block)?))?);
            }
            odd => {
                old.extend(odd);
                new.push(block);
            }
        }
    }
    old.extend(by_keys.into_values());
    by_key(&old, &new, found)
}

/// The same of chunks that share nothing.
fn by_key(old: &[&Columns], new: &[&Columns], mut found: Changes) -> Result<Option<Changes>> {
    let Some(first) = old.first() else {
        found.pairs.extend(new.iter().map(|block| (*block).clone()));
        return Ok(Some(found));
    };
    let kind = first.kind();
    let Some(((key, _), _)) = pair_columns(first) else { return Ok(None) };
    let Some(mut table) = KeyTable::new(key) else { return Ok(None) };
    if old.iter().chain(new).any(|block| block.kind() != kind) {
        return Ok(None);
    }
    let before = all(old)?;
    let mut ids = Vec::new();
    if table.number(keys_of(&before)?, &mut ids)? == Err(Unhashable) || table.len() != before.len() {
        return Ok(None);
    }
    let mut there = vec![false; before.len()];
    for block in new {
        if table.number(keys_of(block)?, &mut ids)? == Err(Unhashable) {
            return Ok(None);
        }
        // Keys that are new have no row before: any will do, they count as changed.
        let row = |id: &u32| if (*id as usize) < before.len() { *id } else { 0 };
        let same = identical(&pick(states_of(&before)?, ids.iter().map(row).collect())?, states_of(block)?);
        let changed = |at: usize| ids[at] as usize >= before.len() || !same.value(at);
        found.pairs.extend(rows(block, &BooleanBuffer::collect_bool(block.len(), changed))?);
        ids.iter().filter(|id| (**id as usize) < before.len()).for_each(|id| there[*id as usize] = true);
    }
    let gone = BooleanBuffer::collect_bool(before.len(), |at| !there[at]);
    let keys = Columns::new(key.clone(), keys_of(&before)?.clone());
    found.gone.extend(rows(&keys, &gone)?);
    Ok(Some(found))
}

fn all(blocks: &[&Columns]) -> Result<Columns> {
    let arrays: Vec<ArrayRef> = blocks.iter().map(|block| block.array().clone()).collect();
    Ok(Columns::new(blocks.first().map_or(Kind::None, |block| block.kind().clone()), joined(&arrays)?))
}

/// The rows that are set, if there are some.
fn rows(columns: &Columns, wanted: &BooleanBuffer) -> Result<Option<Columns>> {
    if wanted.count_set_bits() == 0 {
        return Ok(None);
    }
    let found = filter(columns.array(), &BooleanArray::new(wanted.clone(), None)).map_err(kernel_error)?;
    Ok(Some(Columns::new(columns.kind().clone(), found)))
}

/// Where an array is, which tells it from all others that live.
pub(super) fn address(array: &ArrayRef) -> *const () {
    Arc::as_ptr(array).cast()
}

fn keys_of(block: &Columns) -> Result<&ArrayRef> {
    column(block, 0)
}

fn states_of(block: &Columns) -> Result<&ArrayRef> {
    column(block, 1)
}

/// Item 0 or 1 of pairs.
pub(super) fn column(rows: &Columns, item: usize) -> Result<&ArrayRef> {
    let pairs = rows.array().as_struct_opt().ok_or_else(|| kernel_error("states that are no pairs"))?;
    Ok(pairs.column(item))
}
