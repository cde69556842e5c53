//! Which parts of shared buffers does an array use? The same values without the rest.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::ByteViewType;
use arrow_array::{Array, ArrayRef, GenericByteViewArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};

use super::list_array;
use crate::error::{EngineError, Result};

/// The same values without the parts of shared buffers that they do not use, as far as it is worth it: texts that use
/// less than half of their buffers are copied.
pub fn compact(array: &ArrayRef) -> Result<ArrayRef> {
    if let Some(text) = array.as_string_view_opt() {
        return Ok(compact_views(text).unwrap_or_else(|| Arc::clone(array)));
    }
    if let Some(bytes) = array.as_binary_view_opt() {
        return Ok(compact_views(bytes).unwrap_or_else(|| Arc::clone(array)));
    }
    if let Some(tuples) = array.as_struct_opt() {
        let items = tuples.columns().iter().map(compact).collect::<Result<_>>()?;
        let (fields, nulls) = (tuples.fields().clone(), tuples.nulls().cloned());
        let made = StructArray::try_new(fields, items, nulls);
        return Ok(Arc::new(made.map_err(|problem| EngineError::Bug(format!("tuples to compact: {problem}")))?));
    }
    if let Some(lists) = array.as_list_opt::<i32>() {
        let offsets = lists.value_offsets();
        let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        let items = compact(&lists.values().slice(first as usize, (last - first) as usize))?;
        let moved: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
        return list_array(items, OffsetBuffer::new(ScalarBuffer::from(moved)), lists.nulls().cloned());
    }
    Ok(Arc::clone(array))
}

fn compact_views<T: ByteViewType>(array: &GenericByteViewArray<T>) -> Option<ArrayRef>
where
    GenericByteViewArray<T>: 'static,
{
    let whole: usize = array.data_buffers().iter().map(|buffer| buffer.len()).sum();
    (whole > 2 * array.total_buffer_bytes_used()).then(|| Arc::new(array.gc()) as ArrayRef)
}
