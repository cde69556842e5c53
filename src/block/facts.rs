//! What can be done natively with values of a kind? One table: a row per kind, and how tuples follow from their items.
//!
//! Keys of tuples, folds by key and the choice of the largest ask here before they begin; the other kernels find out by their
//! matches, and are held to the same rows by a test. A new kind gets its row here, and its arms where the compiler asks for them: made of
//! objects and read back (`object/values/convert`), computed with (`expr/val.rs`), hashed, compared and sorted (`kernel/`),
//! kept (`durable/blocks.rs`). The test: `step/tests/kinds.rs`.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, NullArray};

use super::Kind;

/// What is known of the values of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// They can be keys of a dict: kernels number them, and know their portable hash.
    pub keys: bool,
    /// They are told apart by their values alone. Of NaN, Python asks which object it is.
    pub exact: bool,
    /// They can be sorted, if none of them is `None`.
    pub ordered: bool,
    /// They can change, as lists do.
    pub changes: bool,
}

/// Values that are what they are.
const PLAIN: Facts = Facts { keys: true, exact: true, ordered: true, changes: false };

impl Kind {
    /// The row of the table.
    pub fn facts(&self) -> Facts {
        match self {
            Self::None => Facts { ordered: false, ..PLAIN },
            Self::Bool | Self::Int | Self::Str | Self::Bytes => PLAIN,
            Self::Float => Facts { exact: false, ..PLAIN },
            Self::Tuple { items, .. } => items.iter().map(Self::facts).fold(PLAIN, Facts::and),
            Self::List(_) | Self::Group(_) => Facts { keys: false, exact: false, ordered: false, changes: true },
        }
    }

    /// Whether an array is what the kind stands for, all the way down.
    pub fn fits(&self, array: &ArrayRef) -> bool {
        match self {
            Self::None => array.as_any().is::<NullArray>(),
            Self::Bool => array.as_boolean_opt().is_some(),
            Self::Int => array.as_primitive_opt::<Int64Type>().is_some(),
            Self::Float => array.as_primitive_opt::<Float64Type>().is_some(),
            Self::Str => array.as_string_view_opt().is_some(),
            Self::Bytes => array.as_binary_view_opt().is_some(),
            Self::Tuple { items, .. } => array.as_struct_opt().is_some_and(|tuples| {
                let columns = tuples.columns();
                columns.len() == items.len() && items.iter().zip(columns).all(|(item, column)| item.fits(column))
            }),
            Self::List(item) | Self::Group(item) => {
                array.as_list_opt::<i32>().is_some_and(|lists| item.fits(lists.values()))
            }
        }
    }
}

impl Facts {
    /// Of tuples that hold such values and those.
    fn and(self, other: Self) -> Self {
        Self {
            keys: self.keys && other.keys,
            exact: self.exact && other.exact,
            ordered: self.ordered && other.ordered,
            changes: self.changes || other.changes,
        }
    }
}
