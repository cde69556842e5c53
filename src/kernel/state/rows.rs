//! Rows of states: fetched from many chunks, put into one, compared.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, StructArray, UInt32Array, new_null_array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use crate::block::{compact, tuple_array};
use crate::error::Result;
use crate::kernel::keys::{joined, kernel_error};

/// Where a row is: chunk and position in it; none for a key without a row.
pub(super) type Place = Option<(usize, usize)>;

/// The values at `places` of `chunks`, None where there is no row.
pub(super) fn gather(chunks: &[&ArrayRef], places: &[Place]) -> Result<ArrayRef> {
    let Some(first) = chunks.first() else {
        return Err(kernel_error("states of no chunk"));
    };
    if let Some(gathered) = gather_numbers::<Int64Type>(chunks, places) {
        return Ok(gathered);
    }
    if let Some(gathered) = gather_numbers::<Float64Type>(chunks, places) {
        return Ok(gathered);
    }
    if let Some(gathered) = gather_tuples(chunks, places)? {
        return Ok(gathered);
    }
    let nothing = new_null_array(first.data_type(), 1);
    let mut sources: Vec<&dyn Array> = chunks.iter().map(|chunk| chunk.as_ref()).collect();
    sources.push(&nothing);
    let rows: Vec<(usize, usize)> = places.iter().map(|place| place.unwrap_or((chunks.len(), 0))).collect();
    interleave(&sources, &rows).map_err(kernel_error)
}

fn gather_numbers<T: ArrowPrimitiveType>(chunks: &[&ArrayRef], places: &[Place]) -> Option<ArrayRef> {
    let chunks: Vec<&PrimitiveArray<T>> = chunks.iter().map(|chunk| chunk.as_primitive_opt()).collect::<Option<_>>()?;
    if chunks.iter().any(|chunk| chunk.nulls().is_some()) {
        return None;
    }
    let value = |place: &Place| place.map_or_else(T::Native::default, |(chunk, row)| chunks[chunk].values()[row]);
    let values: Vec<T::Native> = places.iter().map(value).collect();
    let nulls = places.iter().any(Option::is_none).then(|| NullBuffer::from_iter(places.iter().map(Option::is_some)));
    Some(Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)))
}

fn gather_tuples(chunks: &[&ArrayRef], places: &[Place]) -> Result<Option<ArrayRef>> {
    let chunks: Option<Vec<&StructArray>> = chunks.iter().map(|chunk| whole_tuples(chunk)).collect();
    let Some(chunks) = chunks else { return Ok(None) };
    let items = (0..chunks.first().map_or(0, |chunk| chunk.num_columns())).map(|item| {
        let columns: Vec<&ArrayRef> = chunks.iter().map(|chunk| chunk.column(item)).collect();
        gather(&columns, places)
    });
    let nulls = places.iter().any(Option::is_none).then(|| NullBuffer::from_iter(places.iter().map(Option::is_some)));
    Ok(Some(tuple_array(items.collect::<Result<_>>()?, nulls)?))
}

/// Tuples that have items and none of which is None.
fn whole_tuples(array: &ArrayRef) -> Option<&StructArray> {
    array.as_struct_opt().filter(|tuples| tuples.null_count() == 0 && tuples.num_columns() > 0)
}

/// `chunk` with row `rows[i]` of `from` at position `positions[i]`.
pub(super) fn put(chunk: &ArrayRef, positions: &[u32], from: &ArrayRef, rows: &[u32]) -> Result<ArrayRef> {
    if let Some(put) = put_numbers::<Int64Type>(chunk, positions, from, rows) {
        return Ok(put);
    }
    if let Some(put) = put_numbers::<Float64Type>(chunk, positions, from, rows) {
        return Ok(put);
    }
    if let (Some(tuples), Some(new)) = (whole_tuples(chunk), whole_tuples(from)) {
        let items = tuples.columns().iter().zip(new.columns());
        let items = items.map(|(item, new)| put(item, positions, new, rows)).collect::<Result<_>>()?;
        let made = StructArray::try_new(tuples.fields().clone(), items, None).map_err(kernel_error)?;
        return Ok(Arc::new(made));
    }
    let count = chunk.len() as u32;
    let new = take(from, &UInt32Array::from(rows.to_vec()), None).map_err(kernel_error)?;
    let mut order: Vec<u32> = (0..count).collect();
    for (at, position) in positions.iter().enumerate() {
        order[*position as usize] = count + at as u32;
    }
    let both = joined(&[Arc::clone(chunk), new])?;
    compact(&take(&both, &UInt32Array::from(order), None).map_err(kernel_error)?)
}

fn put_numbers<T: ArrowPrimitiveType>(
    chunk: &ArrayRef,
    positions: &[u32],
    from: &ArrayRef,
    rows: &[u32],
) -> Option<ArrayRef> {
    let (chunk, from) = (chunk.as_primitive_opt::<T>()?, from.as_primitive_opt::<T>()?);
    if chunk.nulls().is_some() || (from.null_count() > 0 && rows.iter().any(|row| from.is_null(*row as usize))) {
        return None;
    }
    let mut values = chunk.values().to_vec();
    for (position, row) in positions.iter().zip(rows) {
        values[*position as usize] = from.values()[*row as usize];
    }
    Some(Arc::new(PrimitiveArray::<T>::new(values.into(), None)))
}

/// For each row, whether both arrays (of one type) hold the very same value: floats bit by bit.
pub(super) fn identical(one: &ArrayRef, other: &ArrayRef) -> BooleanBuffer {
    let rows = one.len();
    let (one_nulls, other_nulls) = (one.logical_nulls(), other.logical_nulls());
    let null = |nulls: &Option<NullBuffer>, row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    let value = values_identical(one, other);
    if one_nulls.is_none() && other_nulls.is_none() {
        return value;
    }
    BooleanBuffer::collect_bool(rows, |row| match (null(&one_nulls, row), null(&other_nulls, row)) {
        (false, false) => value.value(row),
        (one, other) => one == other,
    })
}

/// As `identical`, for rows that are not null.
fn values_identical(one: &ArrayRef, other: &ArrayRef) -> BooleanBuffer {
    let rows = one.len();
    if let (Some(one), Some(other)) = (one.as_primitive_opt::<Int64Type>(), other.as_primitive_opt::<Int64Type>()) {
        let (one, other) = (&one.values()[..rows], &other.values()[..rows]);
        BooleanBuffer::collect_bool(rows, |row| one[row] == other[row])
    } else if let (Some(one), Some(other)) =
        (one.as_primitive_opt::<Float64Type>(), other.as_primitive_opt::<Float64Type>())
    {
        let (one, other) = (&one.values()[..rows], &other.values()[..rows]);
        BooleanBuffer::collect_bool(rows, |row| one[row].to_bits() == other[row].to_bits())
    } else if let (Some(one), Some(other)) = (one.as_boolean_opt(), other.as_boolean_opt()) {
        BooleanBuffer::collect_bool(rows, |row| one.value(row) == other.value(row))
    } else if let (Some(one), Some(other)) = (one.as_string_view_opt(), other.as_string_view_opt()) {
        BooleanBuffer::collect_bool(rows, |row| one.value(row) == other.value(row))
    } else if let (Some(one), Some(other)) = (one.as_binary_view_opt(), other.as_binary_view_opt()) {
        BooleanBuffer::collect_bool(rows, |row| one.value(row) == other.value(row))
    } else if let (Some(one), Some(other)) = (one.as_struct_opt(), other.as_struct_opt()) {
        let items = one.columns().iter().zip(other.columns()).map(|(one, other)| identical(one, other));
        items.fold(BooleanBuffer::new_set(rows), |all, item| &all & &item)
    } else if let (Some(one), Some(other)) = (one.as_list_opt::<i32>(), other.as_list_opt::<i32>()) {
        BooleanBuffer::collect_bool(rows, |row| {
            let (one, other) = (one.value(row), other.value(row));
            one.len() == other.len() && identical(&one, &other).count_set_bits() == one.len()
        })
    } else {
        // Nothing but None on both sides, or types that differ.
        BooleanBuffer::collect_bool(rows, |_| one.data_type() == other.data_type())
    }
}
