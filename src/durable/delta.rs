//! Which rows of a block differ from those of the block that was in its place before?
//!
//! 1. Rows are compared by position. A block that got shorter, or whose kind changed, has no delta.
//! 2. Equal means equal for Python, types included: floats by their bits.
//! 3. A delta is a list of rows, by rising position, and their values; rows beyond the old block's end are all in it.

use arrow_array::cast::AsArray;
use arrow_array::types::{ByteViewType, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, GenericByteViewArray, UInt32Array};

use super::blocks::damaged;
use crate::block::Columns;
use crate::error::{EngineError, Result};

/// What makes a block of an older one.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    /// Rows of the new block.
    pub(super) length: u32,
    /// Which rows are new or changed, rising.
    pub(super) rows: Vec<u32>,
    /// Their values.
    pub(super) values: Columns,
}

/// Whether two columns are the very same memory.
pub(super) fn is_same(old: &Columns, new: &Columns) -> bool {
    std::sync::Arc::ptr_eq(old.array(), new.array())
        || (old.len() == new.len() && old.kind() == new.kind() && old.array().to_data().ptr_eq(&new.array().to_data()))
}

/// The delta from `old` to `new`; None if there is none, or it has more than half of the rows.
pub(super) fn between(old: &Columns, new: &Columns) -> Result<Option<Delta>> {
    if old.kind() != new.kind() || new.len() < old.len() {
        return Ok(None);
    }
    let mut changed = vec![false; old.len()];
    if !mark(old.array(), new.array(), &mut changed) {
        return Ok(None);
    }
    let rows = (0..new.len()).filter(|row| changed.get(*row).copied().unwrap_or(true));
    let rows: Vec<u32> = rows.map(|row| row as u32).collect();
    if rows.len() * 2 > new.len() {
        return Ok(None);
    }
    let values = arrow_select::take::take(new.array(), &UInt32Array::from(rows.clone()), None)
        .map_err(|problem| EngineError::Bug(format!("changed rows of a block: {problem}")))?;
    Ok(Some(Delta { length: new.len() as u32, rows, values: Columns::new(new.kind().clone(), values) }))
}

/// Marks the rows, of as many as are marked, in which two arrays of one kind differ; false if that is not known.
fn mark(old: &ArrayRef, new: &ArrayRef, changed: &mut [bool]) -> bool {
    if std::sync::Arc::ptr_eq(old, new) {
        return true;
    }
    if old.null_count() > 0 || new.null_count() > 0 {
        for (row, changed) in changed.iter_mut().enumerate() {
            *changed |= old.is_null(row) != new.is_null(row);
        }
    }
    if let (Some(old), Some(new)) = (old.as_primitive_opt::<Int64Type>(), new.as_primitive_opt::<Int64Type>()) {
        mark_values(old.values(), new.values(), changed, |a, b| a != b);
    } else if let (Some(old), Some(new)) =
        (old.as_primitive_opt::<Float64Type>(), new.as_primitive_opt::<Float64Type>())
    {
        mark_values(old.values(), new.values(), changed, |a, b| a.to_bits() != b.to_bits());
    } else if let (Some(old), Some(new)) = (old.as_string_view_opt(), new.as_string_view_opt()) {
        mark_views(old, new, changed);
    } else if let (Some(old), Some(new)) = (old.as_binary_view_opt(), new.as_binary_view_opt()) {
        mark_views(old, new, changed);
    } else if let (Some(old), Some(new)) = (old.as_boolean_opt(), new.as_boolean_opt()) {
        for (row, changed) in changed.iter_mut().enumerate() {
            *changed |= old.value(row) != new.value(row);
        }
    } else if let (Some(old), Some(new)) = (old.as_struct_opt(), new.as_struct_opt()) {
        return old.columns().iter().zip(new.columns()).all(|(old, new)| mark(old, new, changed));
    } else {
        return old.as_any().is::<arrow_array::NullArray>();
    }
    true
}

fn mark_values<T: Copy>(old: &[T], new: &[T], changed: &mut [bool], differ: impl Fn(T, T) -> bool) {
    for ((old, new), changed) in old.iter().zip(new).zip(changed) {
        *changed |= differ(*old, *new);
    }
}

fn mark_views<T: ByteViewType>(old: &GenericByteViewArray<T>, new: &GenericByteViewArray<T>, changed: &mut [bool])
where
    T::Native: PartialEq,
{
    // Equal views into equal buffers are equal text; so are equal short ones, which have their text inside.
    let alike = old.data_buffers().len() == new.data_buffers().len()
        && old.data_buffers().iter().zip(new.data_buffers().iter()).all(|(old, new)| old.as_ptr() == new.as_ptr());
    for (row, changed) in changed.iter_mut().enumerate() {
        let (a, b) = (old.views()[row], new.views()[row]);
        let same = a == b && (alike || (a as u32) <= 12);
        *changed |= !same && old.value(row) != new.value(row);
    }
}

/// A block, and then what changed in it, in order.
pub(super) fn apply(base: Columns, deltas: &[Delta]) -> Result<Columns> {
    // Where each row of the result is: which array, which row there.
    let mut places: Vec<(usize, usize)> = (0..base.len()).map(|row| (0, row)).collect();
    for (at, delta) in deltas.iter().enumerate() {
        let (length, before) = (delta.length as usize, places.len());
        let rising = delta.rows.windows(2).all(|pair| pair[0] < pair[1]);
        let new_rows = delta.rows.iter().filter(|row| **row as usize >= before).count();
        let inside = delta.rows.last().is_none_or(|last| (*last as usize) < length);
        let whole = before.checked_add(new_rows) == Some(length) && delta.rows.len() == delta.values.len();
        if !(rising && inside && whole) || delta.values.kind() != base.kind() {
            return Err(damaged("a delta that does not fit its block"));
        }
        places.resize(length, (0, 0));
        for (value, row) in delta.rows.iter().enumerate() {
            places[*row as usize] = (at + 1, value);
        }
    }
    let mut arrays: Vec<&dyn Array> = vec![base.array().as_ref()];
    arrays.extend(deltas.iter().map(|delta| delta.values.array().as_ref()));
    let array = arrow_select::interleave::interleave(&arrays, &places).map_err(damaged)?;
    Ok(Columns::new(base.kind().clone(), array))
}
