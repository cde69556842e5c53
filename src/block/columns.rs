//! Elements as an Arrow array together with the Python kind they stand for.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{Buffer, NullBuffer};

use super::Kind;

/// A column of elements.
#[derive(Debug, Clone)]
pub struct Columns {
    kind: Kind,
    array: ArrayRef,
}

impl Columns {
    /// `array` must have the Arrow type that `kind` names.
    pub fn new(kind: Kind, array: ArrayRef) -> Self {
        Self { kind, array }
    }

    /// The Python kind of every element.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The Arrow array.
    pub fn array(&self) -> &ArrayRef {
        &self.array
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// Elements `offset .. offset + length`, without a copy.
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self { kind: self.kind.clone(), array: self.array.slice(offset, length) }
    }

    /// Address and bytes of every buffer of the array, whole even where the array is a slice of it.
    pub fn for_each_buffer(&self, found: &mut dyn FnMut(usize, usize)) {
        visit(&self.array, &mut |buffer| {
            if buffer.capacity() > 0 {
                found(buffer.data_ptr().as_ptr() as usize, buffer.capacity());
            }
        });
    }
}

fn visit(array: &ArrayRef, found: &mut dyn FnMut(&Buffer)) {
    if let Some(nulls) = array.nulls().map(NullBuffer::buffer) {
        found(nulls);
    }
    if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        found(numbers.values().inner());
    } else if let Some(numbers) = array.as_primitive_opt::<Float64Type>() {
        found(numbers.values().inner());
    } else if let Some(truths) = array.as_boolean_opt() {
        found(truths.values().inner());
    } else if let Some(text) = array.as_string_view_opt() {
        found(text.views().inner());
        text.data_buffers().iter().for_each(found);
    } else if let Some(bytes) = array.as_binary_view_opt() {
        found(bytes.views().inner());
        bytes.data_buffers().iter().for_each(found);
    } else if let Some(tuples) = array.as_struct_opt() {
        tuples.columns().iter().for_each(|item| visit(item, found));
    } else if let Some(lists) = array.as_list_opt::<i32>() {
        found(lists.offsets().inner().inner());
        visit(lists.values(), found);
    }
}
