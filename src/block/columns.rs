//! Elements as an Arrow array together with the Python kind they stand for.

use arrow_array::{Array, ArrayRef};

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

    /// Bytes held by the array's buffers.
    pub fn bytes(&self) -> usize {
        self.array.get_array_memory_size()
    }
}
