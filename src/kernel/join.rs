//! Which values of two sides meet under one key?
//!
//! Takes pairs of a key and a list of (side, value), as a cogroup of two sides sends them: side 1 is left, 2 is right. Gives
//! (key, (left, right)) for all pairs of values, keys in the order of first appearance; a kept side without a partner meets
//! `None`.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, NullArray, UInt32Array};
use arrow_select::take::take;

use super::gather::{pair_columns, pairs, rows_by_number};
use super::keys::{KeyTable, Unhashable, joined, kernel_error};
use crate::block::{Columns, Kind, tuple_array};
use crate::error::Result;

/// Rows of a result block.
const BLOCK: usize = 65_536;

/// Both sides, gathered.
pub struct Sides {
    keys: KeyTable,
    scratch: Vec<u32>,
    left: Side,
    right: Side,
}

#[derive(Default)]
struct Side {
    kind: Option<Kind>,
    ids: Vec<u32>,
    values: Vec<ArrayRef>,
}

impl Side {
    /// Whether values of `kind` can be added.
    fn takes(&self, kind: &Kind) -> bool {
        self.kind.as_ref().is_none_or(|mine| mine == kind)
    }

    fn into_rows(self, count: usize) -> Result<SideRows> {
        let (rows, starts) = rows_by_number(&self.ids, count);
        let values = if self.values.is_empty() { None } else { Some(joined(&self.values)?) };
        Ok(SideRows { kind: self.kind.unwrap_or(Kind::None), rows, starts, values })
    }
}

struct SideRows {
    kind: Kind,
    rows: Vec<u32>,
    starts: Vec<usize>,
    values: Option<ArrayRef>,
}

impl SideRows {
    fn of(&self, id: usize) -> &[u32] {
        &self.rows[self.starts[id]..self.starts[id + 1]]
    }

    /// The values at `rows`, `None` where there is no row.
    fn pick(&self, rows: Vec<Option<u32>>) -> Result<ArrayRef> {
        match &self.values {
            Some(values) => take(values, &UInt32Array::from(rows), None).map_err(kernel_error),
            None => Ok(Arc::new(NullArray::new(rows.len()))),
        }
    }
}

/// The rows that are of one side, run by run, and whether that is the left one. Mostly one run: a block comes from one map
/// partition, and that from one side; those of a partition that was cut into parts may be joined. None if a row is of both.
fn runs_of_sides(
    tags: &[i64],
    rows: usize,
    row_items: impl Fn(usize) -> Range<usize>,
) -> Option<Vec<(bool, Range<usize>)>> {
    let mut runs: Vec<(bool, Range<usize>)> = Vec::new();
    for row in 0..rows {
        let tags = &tags[row_items(row)];
        let Some(tag) = tags.first() else { continue };
        if tags.iter().any(|other| other != tag) {
            return None;
        }
        match runs.last_mut() {
            Some((is_left, run)) if *is_left == (*tag == 1) => run.end = row + 1,
            _ => runs.push((*tag == 1, row..row + 1)),
        }
    }
    Some(runs)
}

impl Sides {
    /// For groups of this kind; `None` if Python must join them.
    pub fn new(kind: &Kind) -> Option<Self> {
        let Kind::Tuple { items, .. } = kind else { return None };
        let [key, value] = items.as_slice() else { return None };
        tagged_value(value)?;
        Some(Self { keys: KeyTable::new(key)?, scratch: Vec::new(), left: Side::default(), right: Side::default() })
    }

    /// Adds groups. False, and nothing added, if Python must go on.
    pub fn add(&mut self, columns: &Columns) -> Result<bool> {
        let Some(((key_kind, keys), (list_kind, lists))) = pair_columns(columns) else { return Ok(false) };
        let (Some(kind), Some(lists)) = (tagged_value(list_kind), lists.as_list_opt::<i32>()) else { return Ok(false) };
        if key_kind != self.keys.kind() || lists.null_count() > 0 {
            return Ok(false);
        }
        let offsets = lists.value_offsets();
        let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        let tagged = lists.values().slice(first as usize, (last - first) as usize);
        let Some(tagged) = tagged.as_struct_opt().filter(|tagged| tagged.null_count() == 0) else { return Ok(false) };
        let [tags, values] = tagged.columns() else { return Ok(false) };
        let Some(tags) = tags.as_primitive_opt::<Int64Type>().filter(|tags| tags.null_count() == 0) else {
            return Ok(false);
        };
        let row_items = |row: usize| (offsets[row] - first) as usize..(offsets[row + 1] - first) as usize;
        let Some(runs) = runs_of_sides(tags.values(), lists.len(), row_items) else { return Ok(false) };
        let takes = |is_left: bool| if is_left { self.left.takes(kind) } else { self.right.takes(kind) };
        if !runs.iter().all(|(is_left, _)| takes(*is_left))
            || self.keys.number(keys, &mut self.scratch)? == Err(Unhashable)
        {
            return Ok(false);
        }
        for (is_left, rows) in runs {
            let side = if is_left { &mut self.left } else { &mut self.right };
            side.kind = Some(kind.clone());
            for row in rows.clone() {
                side.ids.extend(std::iter::repeat_n(self.scratch[row], row_items(row).len()));
            }
            let (from, to) = (row_items(rows.start).start, row_items(rows.end - 1).end);
            side.values.push(values.slice(from, to - from));
        }
        Ok(true)
    }

    /// The joined pairs, in blocks.
    pub fn finish(self, keep_left: bool, keep_right: bool) -> Result<Joined> {
        let count = self.keys.len();
        let kind = self.keys.kind().clone();
        let keys = self.keys.finish()?;
        let (left, right) = (self.left.into_rows(count)?, self.right.into_rows(count)?);
        Ok(Joined { kind, keys, left, right, keep_left, keep_right, next: 0, count })
    }
}

/// The result of a join, made block by block.
pub struct Joined {
    kind: Kind,
    keys: ArrayRef,
    left: SideRows,
    right: SideRows,
    keep_left: bool,
    keep_right: bool,
    next: usize,
    count: usize,
}

impl Joined {
    /// Some more pairs; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Columns>> {
        let (mut ids, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
        while self.next < self.count && ids.len() < BLOCK {
            let (mine, theirs) = (self.left.of(self.next), self.right.of(self.next));
            let mut meet = |one: Option<u32>, other: Option<u32>| {
                ids.push(self.next as u32);
                left.push(one);
                right.push(other);
            };
            match (mine.is_empty(), theirs.is_empty()) {
                (true, _) if self.keep_right => theirs.iter().for_each(|row| meet(None, Some(*row))),
                (_, true) if self.keep_left => mine.iter().for_each(|row| meet(Some(*row), None)),
                _ => mine.iter().for_each(|one| theirs.iter().for_each(|other| meet(Some(*one), Some(*other)))),
            }
            self.next += 1;
        }
        if ids.is_empty() {
            return Ok(None);
        }
        let keys = take(&self.keys, &UInt32Array::from(ids), None).map_err(kernel_error)?;
        let kind = Kind::Tuple { items: vec![self.left.kind.clone(), self.right.kind.clone()], class: None };
        let values = tuple_array(vec![self.left.pick(left)?, self.right.pick(right)?], None)?;
        pairs((self.kind.clone(), keys), (kind, values)).map(Some)
    }
}

/// The kind of the values in a list of (side, value).
fn tagged_value(list: &Kind) -> Option<&Kind> {
    let Kind::List(tagged) = list else { return None };
    let Kind::Tuple { items, class: None } = &**tagged else { return None };
    match items.as_slice() {
        [Kind::Int, value] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringViewArray};
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::gather::singles;

    type Rows = Vec<(i64, i64)>;

    fn tagged(rows: &Rows, tag: i64) -> Columns {
        let ints = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let keys = ints(rows.iter().map(|row| row.0).collect());
        let (kind, values): (Kind, ArrayRef) = if tag == 1 {
            (Kind::Int, ints(rows.iter().map(|row| row.1).collect()))
        } else {
            let texts = StringViewArray::from_iter_values(rows.iter().map(|row| row.1.to_string()));
            (Kind::Str, Arc::new(texts))
        };
        let tags = ints(vec![tag; rows.len()]);
        let tagged = tuple_array(vec![tags, values], None).unwrap();
        let kind = Kind::Tuple { items: vec![Kind::Int, kind], class: None };
        singles(&pairs((Kind::Int, keys), (kind, tagged)).unwrap()).unwrap().unwrap()
    }

    fn read(mut joined: Joined) -> Vec<(i64, Option<i64>, Option<String>)> {
        let mut found = Vec::new();
        while let Some(block) = joined.next_block().unwrap() {
            let ((_, keys), (_, values)) = pair_columns(&block).unwrap();
            for (row, key) in keys.as_primitive::<Int64Type>().values().iter().enumerate() {
                let [left, right] = values.as_struct().columns() else { panic!("two sides") };
                let left = left.as_primitive_opt::<Int64Type>().filter(|left| left.is_valid(row));
                let right = right.as_string_view_opt().filter(|right| right.is_valid(row));
                found.push((*key, left.map(|left| left.value(row)), right.map(|right| right.value(row).to_owned())));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_two_loops(
            left in prop::collection::vec((0_i64..5, any::<i64>()), 0..20),
            right in prop::collection::vec((0_i64..5, any::<i64>()), 0..20),
            keep_left: bool, keep_right: bool
        ) {
            let blocks: Vec<Columns> =
                [tagged(&left, 1), tagged(&right, 2)].into_iter().filter(|block| !block.is_empty()).collect();
            prop_assume!(!blocks.is_empty());
            let mut sides = Sides::new(blocks[0].kind()).unwrap();
            for block in &blocks {
                prop_assert!(sides.add(block).unwrap());
            }
            let mut order: Vec<i64> = Vec::new();
            for (key, _) in left.iter().chain(&right) {
                if !order.contains(key) {
                    order.push(*key);
                }
            }
            let mut model = Vec::new();
            for key in order {
                let of = |rows: &Rows| -> Vec<Option<i64>> {
                    rows.iter().filter(|row| row.0 == key).map(|row| Some(row.1)).collect()
                };
                let (mut mine, mut theirs) = (of(&left), of(&right));
                if keep_right && mine.is_empty() {
                    mine.push(None);
                }
                if keep_left && theirs.is_empty() {
                    theirs.push(None);
                }
                for one in &mine {
                    for other in &theirs {
                        model.push((key, *one, other.map(|other| other.to_string())));
                    }
                }
            }
            prop_assert_eq!(read(sides.finish(keep_left, keep_right).unwrap()), model);
        }
    }
}
