//! Arrow arrays for tuples and lists, from the arrays of their parts.
//!
//! Every field may hold nulls, whether it does or not: blocks of one kind then always have the same Arrow type.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};

use crate::error::{EngineError, Result};

fn inconsistent(error: impl std::fmt::Display) -> EngineError {
    EngineError::Bug(format!("parts of a column do not fit together: {error}"))
}

/// The array of tuples whose fields are `items`, at least one; fields are named "0", "1" ...
pub fn tuple_array(items: Vec<ArrayRef>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let named = items.into_iter().enumerate().map(|(position, item)| (position.to_string(), item, true));
    let batch = RecordBatch::try_from_iter_with_nullable(named).map_err(inconsistent)?;
    let (fields, items, _) = StructArray::from(batch).into_parts();
    Ok(Arc::new(StructArray::try_new(fields, items, nulls).map_err(inconsistent)?))
}

/// The array of lists cut out of `items` at `offsets`.
pub fn list_array(items: ArrayRef, offsets: OffsetBuffer<i32>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let batch = RecordBatch::try_from_iter_with_nullable([("item", items.slice(0, 0), true)]).map_err(inconsistent)?;
    let schema = batch.schema();
    let field = schema.fields().iter().next().ok_or_else(|| inconsistent("no field"))?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, nulls).map_err(inconsistent)?))
}
