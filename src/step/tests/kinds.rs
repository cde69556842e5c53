//! Every kind of columns does what its row in the table of kinds says.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, NullArray, StringViewArray,
};
use arrow_buffer::OffsetBuffer;

use crate::block::{Columns, Kind, list_array, tuple_array};
use crate::kernel::keys::{KeyTable, Unhashable};
use crate::kernel::portable_hash::hash_columns;
use crate::kernel::siphash::Algorithm;
use crate::kernel::sort::SortKeys;

/// Two values of a kind; floats are NaN. A new kind does not compile before it has some.
fn two(kind: &Kind) -> ArrayRef {
    match kind {
        Kind::None => Arc::new(NullArray::new(2)),
        Kind::Bool => Arc::new(BooleanArray::from(vec![true, false])),
        Kind::Int => Arc::new(Int64Array::from(vec![1, 2])),
        Kind::Float => Arc::new(Float64Array::from(vec![f64::NAN, f64::NAN])),
        Kind::Str => Arc::new(StringViewArray::from_iter_values(["a", "b"])),
        Kind::Bytes => Arc::new(BinaryViewArray::from_iter_values([b"a", b"b"])),
        Kind::Tuple { items, .. } => tuple_array(items.iter().map(two).collect(), None).unwrap(),
        Kind::List(item) | Kind::Group(item) => {
            list_array(two(item), OffsetBuffer::from_lengths([1, 1]), None).unwrap()
        }
    }
}

fn kinds() -> Vec<Kind> {
    use Kind::{Bool, Bytes, Float, Group, Int, List, None, Str};
    let tuple = |items: Vec<Kind>| Kind::Tuple { items, class: Option::None };
    let mut kinds = vec![None, Bool, Int, Float, Str, Bytes, List(Box::new(Int)), Group(Box::new(Str))];
    kinds.extend(kinds.clone().into_iter().map(|kind| tuple(vec![Int, tuple(vec![Str, kind])])));
    kinds
}

#[test]
fn kernels_keep_what_the_table_of_kinds_says() {
    for kind in kinds() {
        let (facts, array) = (kind.facts(), two(&kind));
        assert_eq!(KeyTable::new(&kind).is_some(), facts.keys, "{kind:?} as keys");
        let hashes = hash_columns(&Columns::new(kind.clone(), Arc::clone(&array)), Algorithm::SipHash13);
        assert_eq!(hashes.is_some(), facts.keys, "hashes of {kind:?}");
        if let Some(mut table) = KeyTable::new(&kind) {
            // The floats are NaN.
            let refused = table.number(&array, &mut Vec::new()).unwrap() == Err(Unhashable);
            assert_eq!(refused, !facts.exact, "{kind:?} told apart");
        }
        // NaN has no order; all other floats have.
        let sorts = SortKeys::new(&kind, &array).is_some();
        assert_eq!(sorts, facts.ordered && facts.exact, "{kind:?} in order");
        assert_eq!(kind.holds_lists(), facts.changes);
    }
}

#[test]
fn an_array_fits_its_own_kind_alone() {
    let kinds = kinds();
    for kind in &kinds {
        let array = two(kind);
        for other in &kinds {
            assert_eq!(other.fits(&array), array.data_type() == two(other).data_type(), "{other:?} of {kind:?}");
        }
    }
}
