//! When was each key touched last, and which keys were not for long?
//!
//! Where keys of `mapWithState` can time out, what a table holds as a key's state is a tuple of the state and a stamp: the
//! milliseconds of the batch that touched the key last. So versions and checkpoints have the stamps like any state.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, NullArray};

use super::changes::column;
use super::table::Working;
use crate::block::{Columns, Kind, tuple_array};
use crate::error::Result;
use crate::kernel::gather::{pair_columns, pairs};
use crate::kernel::keys::kernel_error;

/// States with the time of the batch that touched them.
pub(super) fn stamped(kind: Kind, states: &ArrayRef, now: i64) -> Result<(Kind, ArrayRef)> {
    with_times(kind, states, Arc::new(Int64Array::from_value(now, states.len())))
}

fn with_times(kind: Kind, states: &ArrayRef, times: ArrayRef) -> Result<(Kind, ArrayRef)> {
    Ok((Kind::Tuple { items: vec![kind, Kind::Int], class: None }, tuple_array(vec![Arc::clone(states), times], None)?))
}

/// Pairs of keys and stamped states, of those of keys and states, and the stamp of each.
pub fn with_stamps(block: &Columns, stamps: Vec<i64>) -> Result<Columns> {
    let ((key, keys), (value, values)) = pair_columns(block).ok_or_else(|| kernel_error("states that are no pairs"))?;
    pairs((key.clone(), Arc::clone(keys)), with_times(value.clone(), values, Arc::new(Int64Array::from(stamps)))?)
}

/// Pairs of keys and states, of those of keys and stamped states.
pub fn unstamped(block: &Columns) -> Result<Columns> {
    let ((key, keys), (value, values)) = pair_columns(block).ok_or_else(|| kernel_error("states that are no pairs"))?;
    pairs((key.clone(), Arc::clone(keys)), (state_kind(value)?.clone(), Arc::clone(part(values, 0)?)))
}

fn state_kind(stamped: &Kind) -> Result<&Kind> {
    match stamped {
        Kind::Tuple { items, .. } if items.len() == 2 => Ok(&items[0]),
        _ => Err(kernel_error("states without stamps")),
    }
}

/// The states (0) or the stamps (1) of stamped ones.
fn part(stamped: &ArrayRef, item: usize) -> Result<&ArrayRef> {
    match stamped.as_struct_opt() {
        Some(parts) if parts.num_columns() == 2 => Ok(parts.column(item)),
        _ => Err(kernel_error("states without stamps")),
    }
}

impl Working {
    /// The states of keys, without their stamps; None for keys without one.
    pub(super) fn unstamped_states(&self, ids: &[u32]) -> Result<Columns> {
        if !self.has_rows() {
            return Ok(Columns::new(Kind::None, Arc::new(NullArray::new(ids.len()))));
        }
        let states = self.fetch_of(ids, |rows| part(column(rows, 1)?, 0))?;
        Ok(Columns::new(state_kind(&self.table.value)?.clone(), states))
    }

    /// Forgets the keys that were not touched since `before`: pairs of these and their states, the longest idle first, and
    /// those idle for equally long in the order in which they got a state. None if there is none.
    pub fn take_idle(&mut self, before: i64) -> Result<Option<Columns>> {
        let mut idle: Vec<(i64, u32)> = Vec::new();
        for (rows, ids) in self.rows_by_chunk() {
            let times = part(column(rows, 1)?, 1)?;
            let times =
                times.as_primitive_opt::<Int64Type>().ok_or_else(|| kernel_error("stamps that are no times"))?;
            let found = times.values().iter().zip(ids).filter(|(time, _)| **time < before);
            idle.extend(found.map(|(time, id)| (*time, *id)));
        }
        if idle.is_empty() {
            return Ok(None);
        }
        idle.sort_by_key(|(time, _)| *time);
        let ids: Vec<u32> = idle.into_iter().map(|(_, id)| id).collect();
        let (keys, states) = (self.fetch(0, &ids)?, self.unstamped_states(&ids)?);
        let gone = pairs((self.table.keys.kind().clone(), keys), (states.kind().clone(), Arc::clone(states.array())))?;
        self.remove(&ids)?;
        Ok(Some(gone))
    }
}
