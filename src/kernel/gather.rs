//! How do rows with one key come together, and rows for one partition?
//!
//! Both are a counting sort: rows of one number follow one another, in the order they had.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_select::take::take;

use super::keys::{KeyTable, Unhashable, joined, kernel_error};
use super::portable_hash::{bucket, hash_columns};
use super::siphash::Algorithm;
use crate::block::{Columns, Kind, list_array, tuple_array};
use crate::error::Result;

/// Rows sorted by a number below `count`: all rows, and where those of each number begin (`count + 1` of these).
pub fn rows_by_number(numbers: &[u32], count: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0_usize; count + 1];
    for number in numbers {
        starts[*number as usize + 1] += 1;
    }
    for at in 0..count {
        starts[at + 1] += starts[at];
    }
    let mut rows = vec![0_u32; numbers.len()];
    for (row, number) in numbers.iter().enumerate() {
        let place = &mut starts[*number as usize];
        rows[*place] = row as u32;
        *place += 1;
    }
    // Each start has become the one of the next number.
    starts.copy_within(0..count, 1);
    starts[0] = 0;
    (rows, starts)
}

/// The rows of an array, in the order of `rows`.
pub fn pick(array: &ArrayRef, rows: Vec<u32>) -> Result<ArrayRef> {
    take(array, &UInt32Array::from(rows), None).map_err(kernel_error)
}

/// One item of tuples: its kind and its values.
pub type Item<'a> = (&'a Kind, &'a ArrayRef);

/// The key and value columns of pairs: tuples of two, without a `None` among them. `None` for anything else.
pub fn pair_columns(pairs: &Columns) -> Option<(Item<'_>, Item<'_>)> {
    let Kind::Tuple { items, .. } = pairs.kind() else { return None };
    let ([key_kind, value_kind], Some(tuples)) = (items.as_slice(), pairs.array().as_struct_opt()) else { return None };
    let [keys, values] = tuples.columns() else { return None };
    (tuples.null_count() == 0).then_some(((key_kind, keys), (value_kind, values)))
}

/// Pairs of two columns.
pub fn pairs(keys: (Kind, ArrayRef), values: (Kind, ArrayRef)) -> Result<Columns> {
    let kind = Kind::Tuple { items: vec![keys.0, values.0], class: None };
    Ok(Columns::new(kind, tuple_array(vec![keys.1, values.1], None)?))
}

/// The partition of every pair by Spark's hash of its key; `None` when Python must be asked.
pub fn targets_by_hash(pairs: &Columns, targets: usize, algorithm: Algorithm) -> Option<Vec<u32>> {
    let ((kind, keys), _) = pair_columns(pairs)?;
    let hashes = hash_columns(&Columns::new(kind.clone(), Arc::clone(keys)), algorithm)?;
    // To divide takes longer than to hash; most programs have 2, 4, 8 partitions.
    if targets.is_power_of_two() {
        return Some(hashes.into_iter().map(|hash| (hash as u64 & (targets as u64 - 1)) as u32).collect());
    }
    Some(hashes.into_iter().map(|hash| bucket(hash, targets) as u32).collect())
}

/// The rows for each target, in order; targets without rows are left out.
pub fn scatter(columns: &Columns, numbers: &[u32], targets: usize) -> Result<Vec<(usize, Columns)>> {
    let (rows, starts) = rows_by_number(numbers, targets);
    let mut parts = Vec::new();
    for target in 0..targets {
        let mine = &rows[starts[target]..starts[target + 1]];
        if mine.len() == columns.len() {
            return Ok(vec![(target, columns.clone())]);
        }
        if !mine.is_empty() {
            parts.push((target, Columns::new(columns.kind().clone(), pick(columns.array(), mine.to_vec())?)));
        }
    }
    Ok(parts)
}

/// Pairs as groups of one value each: what a later `Groups` puts together. `None` for what is no pair, and for keys that
/// Python may refuse.
pub fn singles(columns: &Columns) -> Result<Option<Columns>> {
    let Some(((key_kind, keys), (value_kind, values))) = pair_columns(columns) else { return Ok(None) };
    if KeyTable::new(key_kind).is_none() {
        return Ok(None);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from((0..=values.len() as i32).collect::<Vec<_>>()));
    let lists = list_array(Arc::clone(values), offsets, None)?;
    let kind = Kind::List(Box::new(value_kind.clone()));
    pairs((key_kind.clone(), Arc::clone(keys)), (kind, lists)).map(Some)
}

/// Values by key, gathered from pairs of a key and a list of values.
pub struct Groups {
    keys: KeyTable,
    value: Kind,
    /// Per value: the number of its key.
    ids: Vec<u32>,
    values: Vec<ArrayRef>,
    scratch: Vec<u32>,
}

impl Groups {
    /// Groups for pairs of this kind; `None` if Python must make them.
    pub fn new(kind: &Kind) -> Option<Self> {
        let Kind::Tuple { items, .. } = kind else { return None };
        let [key, Kind::List(value)] = items.as_slice() else { return None };
        let (keys, value) = (KeyTable::new(key)?, (**value).clone());
        Some(Self { keys, value, ids: Vec::new(), values: Vec::new(), scratch: Vec::new() })
    }

    /// Adds lists to their keys. False, and nothing added, if Python must go on.
    pub fn add(&mut self, columns: &Columns) -> Result<bool> {
        let Some(((key_kind, keys), (value_kind, lists))) = pair_columns(columns) else { return Ok(false) };
        let same = key_kind == self.keys.kind() && matches!(value_kind, Kind::List(value) if **value == self.value);
        let Some(lists) = lists.as_list_opt::<i32>().filter(|lists| same && lists.null_count() == 0) else {
            return Ok(false);
        };
        if self.keys.number(keys, &mut self.scratch)? == Err(Unhashable) {
            return Ok(false);
        }
        let offsets = lists.value_offsets();
        let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        for (id, ends) in self.scratch.iter().zip(offsets.windows(2)) {
            let length = (ends[1] - ends[0]) as usize;
            self.ids.extend(std::iter::repeat_n(*id, length));
        }
        self.values.push(lists.values().slice(first as usize, (last - first) as usize));
        Ok(true)
    }

    /// Pairs of a key and all its values, in the order of first appearance.
    pub fn finish(self, grouped: impl FnOnce(Kind) -> Kind) -> Result<Columns> {
        let count = self.keys.len();
        let (rows, starts) = rows_by_number(&self.ids, count);
        drop(self.ids);
        let offsets: Vec<i32> = starts
            .into_iter()
            .map(i32::try_from)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| kernel_error("more than 2^31 values in one partition"))?;
        let values = joined(&self.values)?;
        drop(self.values);
        let values = pick(&values, rows)?;
        let lists = list_array(values, OffsetBuffer::new(ScalarBuffer::from(offsets)), None)?;
        let key = self.keys.kind().clone();
        pairs((key, self.keys.finish()?), (grouped(self.value), lists))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    fn int_pairs(rows: &[(i64, i64)]) -> Columns {
        let column = |item: fn(&(i64, i64)) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(rows.iter().map(item)))
        };
        pairs((Kind::Int, column(|row| row.0)), (Kind::Int, column(|row| row.1))).unwrap()
    }

    fn read_groups(columns: &Columns) -> Vec<(i64, Vec<i64>)> {
        let ((_, keys), (_, lists)) = pair_columns(columns).unwrap();
        let lists = lists.as_list::<i32>();
        let list = |row| lists.value(row).as_primitive::<Int64Type>().values().to_vec();
        keys.as_primitive::<Int64Type>().values().iter().enumerate().map(|(row, key)| (*key, list(row))).collect()
    }

    #[test]
    fn rows_keep_their_order_within_a_number() {
        assert_eq!(rows_by_number(&[2, 0, 2, 1, 0], 4), (vec![1, 4, 3, 0, 2], vec![0, 2, 3, 5, 5]));
    }

    #[test]
    fn pairs_of_another_kind_are_left_to_python() {
        let ints = singles(&int_pairs(&[(1, 2)])).unwrap().unwrap();
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a"]));
        let mixed = pairs((Kind::Str, texts), (Kind::Int, Arc::new(Int64Array::from(vec![1])))).unwrap();
        let mixed = singles(&mixed).unwrap().unwrap();
        let mut groups = Groups::new(ints.kind()).unwrap();
        assert!(groups.add(&ints).unwrap());
        assert!(!groups.add(&mixed).unwrap());
        assert_eq!(read_groups(&groups.finish(|value| Kind::List(Box::new(value))).unwrap()), [(1, vec![2])]);
    }

    proptest! {
        #[test]
        fn groups_and_parts_hold_what_a_loop_finds(
            rows in prop::collection::vec((0_i64..6, any::<i64>()), 0..50), cut in 0_usize..50, targets in 1_usize..4
        ) {
            let cut = cut.min(rows.len());
            let columns = int_pairs(&rows);
            let mut model: Vec<(i64, Vec<i64>)> = Vec::new();
            for (key, value) in &rows {
                match model.iter_mut().find(|(known, _)| known == key) {
                    Some((_, values)) => values.push(*value),
                    None => model.push((*key, vec![*value])),
                }
            }
            let single = singles(&columns).unwrap().unwrap();
            let mut groups = Groups::new(single.kind()).unwrap();
            // A slice, because offsets of sliced columns are where readers go wrong.
            prop_assert!(groups.add(&single.slice(0, cut)).unwrap());
            prop_assert!(groups.add(&single.slice(cut, rows.len() - cut)).unwrap());
            let grouped = groups.finish(|value| Kind::List(Box::new(value))).unwrap();
            prop_assert_eq!(&read_groups(&grouped), &model);
            // Groups of groups: the lists follow one another.
            let mut again = Groups::new(grouped.kind()).unwrap();
            prop_assert!(again.add(&grouped).unwrap() && again.add(&grouped).unwrap());
            let twice = again.finish(|value| Kind::List(Box::new(value))).unwrap();
            let doubled: Vec<_> = model.iter().map(|(key, values)| (*key, [&values[..], &values[..]].concat())).collect();
            prop_assert_eq!(read_groups(&twice), doubled);

            let numbers = targets_by_hash(&columns, targets, Algorithm::SipHash13).unwrap();
            for (target, part) in scatter(&columns, &numbers, targets).unwrap() {
                let ((_, keys), (_, values)) = pair_columns(&part).unwrap();
                let found: Vec<(i64, i64)> = keys.as_primitive::<Int64Type>().values().iter().copied()
                    .zip(values.as_primitive::<Int64Type>().values().iter().copied()).collect();
                let mine: Vec<(i64, i64)> =
                    rows.iter().copied().filter(|(key, _)| *key as usize % targets == target).collect();
                prop_assert_eq!(found, mine);
            }
        }
    }
}
