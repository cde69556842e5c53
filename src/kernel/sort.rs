//! In which order are rows by their keys, and into which range does a key fall?
//!
//! Python's order: stable, also when reversed; text by code point; tuples item by item. Keys that Python would not compare
//! (`None`, lists) and those it compares oddly (NaN) are refused.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, StringViewArray};

use crate::block::Kind;

/// Keys that can be compared row by row.
pub enum SortKeys<'a> {
    Bool(&'a BooleanArray),
    Int(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
    Tuple(Vec<SortKeys<'a>>),
}

impl<'a> SortKeys<'a> {
    /// The keys of a column; `None` if Python must compare them.
    pub fn new(kind: &Kind, keys: &'a ArrayRef) -> Option<Self> {
        if keys.null_count() > 0 {
            return None;
        }
        Some(match kind {
            Kind::Bool => Self::Bool(keys.as_boolean_opt()?),
            Kind::Int => Self::Int(keys.as_primitive_opt::<Int64Type>()?),
            Kind::Float => {
                let floats = keys.as_primitive_opt::<Float64Type>()?;
                if floats.values().iter().any(|value| value.is_nan()) {
                    return None;
                }
                Self::Float(floats)
            }
            Kind::Str => Self::Text(keys.as_string_view_opt()?),
            Kind::Bytes => Self::Bytes(keys.as_binary_view_opt()?),
            Kind::Tuple { items, .. } => {
                let columns = keys.as_struct_opt()?.columns();
                Self::Tuple(
                    items.iter().zip(columns).map(|(kind, column)| Self::new(kind, column)).collect::<Option<_>>()?,
                )
            }
            Kind::None | Kind::List(_) | Kind::Group(_) => return None,
        })
    }

    /// How row `a` of these keys compares with row `b` of `other`, which are of the same kind.
    #[inline]
    pub(super) fn compare(&self, a: usize, other: &SortKeys<'_>, b: usize) -> Ordering {
        match (self, other) {
            (Self::Bool(left), SortKeys::Bool(right)) => left.value(a).cmp(&right.value(b)),
            (Self::Int(left), SortKeys::Int(right)) => left.value(a).cmp(&right.value(b)),
            (Self::Float(left), SortKeys::Float(right)) => {
                left.value(a).partial_cmp(&right.value(b)).unwrap_or(Ordering::Equal)
            }
            (Self::Text(left), SortKeys::Text(right)) => left.value(a).cmp(right.value(b)),
            (Self::Bytes(left), SortKeys::Bytes(right)) => left.value(a).cmp(right.value(b)),
            (Self::Tuple(left), SortKeys::Tuple(right)) => left
                .iter()
                .zip(right)
                .map(|(left, right)| left.compare(a, right, b))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Bool(keys) => keys.len(),
            Self::Int(keys) => keys.len(),
            Self::Float(keys) => keys.len(),
            Self::Text(keys) => keys.len(),
            Self::Bytes(keys) => keys.len(),
            Self::Tuple(fields) => fields.first().map_or(0, Self::len),
        }
    }

    /// The rows in the order of their keys; equal ones keep theirs, whatever the direction.
    pub fn sorted_rows(&self, ascending: bool) -> Vec<u32> {
        if let Self::Int(keys) = self {
            let key = |value: &i64| if ascending { *value } else { !*value };
            return sorted_by(keys.values().iter().map(key));
        }
        if let Self::Text(keys) = self
            && ascending
        {
            // Eight bytes decide most comparisons without a look into the buffers.
            let mut rows: Vec<(u64, u32)> = keys.iter().flatten().map(head).zip(0..).collect();
            rows.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| keys.value(a.1 as usize).cmp(keys.value(b.1 as usize))));
            return rows.into_iter().map(|(_, row)| row).collect();
        }
        let mut rows: Vec<u32> = (0..self.len() as u32).collect();
        rows.sort_by(|a, b| {
            let order = self.compare(*a as usize, self, *b as usize);
            if ascending { order } else { order.reverse() }
        });
        rows
    }

    /// For each row, how many of the `bounds` (sorted, of the same kind) are less than its key.
    pub fn ranges(&self, bounds: &SortKeys<'_>) -> Vec<u32> {
        let many = bounds.len();
        (0..self.len())
            .map(|row| {
                let (mut low, mut high) = (0, many);
                while low < high {
                    let middle = usize::midpoint(low, high);
                    match bounds.compare(middle, self, row) {
                        Ordering::Less => low = middle + 1,
                        _ => high = middle,
                    }
                }
                low as u32
            })
            .collect()
    }
}

fn sorted_by(keys: impl Iterator<Item = i64>) -> Vec<u32> {
    let mut rows: Vec<(i64, u32)> = keys.zip(0..).collect();
    // The row decides between equal keys, so an unstable sort is stable here.
    rows.sort_unstable();
    rows.into_iter().map(|(_, row)| row).collect()
}

fn head(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::block::tuple_array;

    #[test]
    fn equal_keys_keep_their_order_in_both_directions() {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![2, 1, 2, i64::MIN, 1]));
        let sort = SortKeys::new(&Kind::Int, &keys).unwrap();
        assert_eq!(sort.sorted_rows(true), [3, 1, 4, 0, 2]);
        assert_eq!(sort.sorted_rows(false), [0, 2, 1, 4, 3]);
    }

    #[test]
    fn what_python_cannot_compare_is_refused() {
        let none: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        assert!(SortKeys::new(&Kind::Int, &none).is_none());
        let nan: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
        assert!(SortKeys::new(&Kind::Float, &nan).is_none());
    }

    #[test]
    fn a_bound_belongs_to_the_range_before_it() {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![0, 5, 6, 10, 11]));
        let bounds: ArrayRef = Arc::new(Int64Array::from(vec![5, 10]));
        let (keys, bounds) = (SortKeys::new(&Kind::Int, &keys).unwrap(), SortKeys::new(&Kind::Int, &bounds).unwrap());
        assert_eq!(keys.ranges(&bounds), [0, 0, 1, 1, 2]);
    }

    proptest! {
        #[test]
        fn text_and_tuples_sort_as_a_stable_sort_does(
            rows in prop::collection::vec(("[a-c\u{e9}\u{1f600}]{0,11}", -2_i64..2), 0..40), ascending: bool
        ) {
            let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(rows.iter().map(|row| row.0.clone())));
            let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
            let mut model: Vec<u32> = (0..rows.len() as u32).collect();
            model.sort_by(|a, b| {
                let order = rows[*a as usize].0.cmp(&rows[*b as usize].0);
                if ascending { order } else { order.reverse() }
            });
            let sort = SortKeys::new(&Kind::Str, &texts).unwrap();
            prop_assert_eq!(sort.sorted_rows(ascending), model.clone());
            model.sort_by_key(|row| *row);
            model.sort_by(|a, b| {
                let order = (rows[*a as usize].1, &rows[*a as usize].0).cmp(&(rows[*b as usize].1, &rows[*b as usize].0));
                if ascending { order } else { order.reverse() }
            });
            let kind = Kind::Tuple { items: vec![Kind::Int, Kind::Str], class: None };
            let tuples = tuple_array(vec![numbers, texts], None).unwrap();
            prop_assert_eq!(SortKeys::new(&kind, &tuples).unwrap().sorted_rows(ascending), model);
        }
    }
}
