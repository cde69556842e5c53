//! How many bytes do the rows of a column take by themselves, whatever else its buffers hold?

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

/// Longest text that a view holds itself.
const INLINE: u32 = 12;

/// Bytes of the rows of an array.
pub fn bytes_of(array: &ArrayRef) -> usize {
    let rows = array.len();
    let nulls = if array.nulls().is_some() { rows / 8 } else { 0 };
    let values = if let Some(texts) = array.as_string_view_opt() {
        rows * 16 + texts.lengths().filter(|length| *length > INLINE).map(|length| length as usize).sum::<usize>()
    } else if let Some(values) = array.as_binary_view_opt() {
        rows * 16 + values.lengths().filter(|length| *length > INLINE).map(|length| length as usize).sum::<usize>()
    } else if let Some(tuples) = array.as_struct_opt() {
        tuples.columns().iter().map(bytes_of).sum()
    } else if let Some(lists) = array.as_list_opt::<i32>() {
        let offsets = lists.value_offsets();
        let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        rows * 4 + bytes_of(&lists.values().slice(first as usize, (last - first) as usize))
    } else if array.as_boolean_opt().is_some() {
        rows / 8
    } else {
        // Numbers; a column of nothing but None takes nothing, which is close enough.
        rows * 8
    };
    values + nulls
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn a_slice_weighs_what_its_own_rows_weigh() {
        let texts: ArrayRef =
            Arc::new(StringViewArray::from(vec!["short", "as long as a text that needs a buffer", ""]));
        assert_eq!(bytes_of(&texts), 3 * 16 + 37);
        assert_eq!(bytes_of(&texts.slice(2, 1)), 16);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1; 100]));
        assert_eq!(bytes_of(&numbers.slice(10, 5)), 40);
    }
}
