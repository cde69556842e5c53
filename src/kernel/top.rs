//! Which rows have the largest or the smallest keys?
//!
//! 1. As `sorted(rows, key=..)[:number]`, in both directions: of equal keys the earlier row comes first.
//! 2. Keys that `SortKeys` refuses are refused; a refusal leaves everything as it was. The best rows may then stand for
//!    all rows before, unless a NaN comes (`may_meet_nan`): where Python's heap puts that depends on all rows it saw.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use super::gather::pick;
use super::keys::joined;
use super::sort::SortKeys;
use super::weigh::bytes_of;
use crate::block::{Columns, Kind, tuple_array};
use crate::error::Result;

/// The best rows of a stream of columns.
pub struct Top {
    number: usize,
    largest: bool,
    /// The best so far, the best first, and their keys.
    best: Option<(Columns, Columns)>,
}

impl Top {
    /// The `number` best of no rows yet.
    pub fn new(number: usize, largest: bool) -> Self {
        Self { number, largest, best: None }
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.best.as_ref().map_or(0, |(rows, keys)| bytes_of(rows.array()) + bytes_of(keys.array()))
    }

    /// Whether keys are floats, or have some in them.
    pub fn may_meet_nan(&self) -> bool {
        self.best.as_ref().is_some_and(|(_, keys)| !keys.kind().facts().exact)
    }

    /// Takes in rows with their keys. False, and nothing taken, if Python must go on.
    pub fn add(&mut self, rows: &Columns, keys: &Columns) -> Result<bool> {
        let Some(sorted) = SortKeys::new(keys.kind(), keys.array()) else { return Ok(false) };
        if self.number == 0 {
            return Ok(false);
        }
        let Some((best, best_keys)) = &self.best else {
            let mut order = sorted.sorted_rows(!self.largest);
            order.truncate(self.number);
            self.keep(rows, keys, order)?;
            return Ok(true);
        };
        if rows.kind() != best.kind() || keys.kind() != best_keys.kind() {
            return Ok(false);
        }
        let Some(known) = SortKeys::new(best_keys.kind(), best_keys.array()) else { return Ok(false) };
        // An equal row comes later, so it must be better than the worst.
        let better = if self.largest { Ordering::Greater } else { Ordering::Less };
        let mut new: Vec<u32> = (0..rows.len() as u32).collect();
        if best.len() >= self.number {
            let worst = best.len() - 1;
            new.retain(|row| sorted.compare(*row as usize, &known, worst) == better);
        }
        if new.is_empty() {
            return Ok(true);
        }
        let both = |known: &Columns, more: &Columns| -> Result<Columns> {
            let parts = [Arc::clone(known.array()), pick(more.array(), new.clone())?];
            Ok(Columns::new(known.kind().clone(), joined(&parts)?))
        };
        let (rows, keys) = (both(best, rows)?, both(best_keys, keys)?);
        let Some(sorted) = SortKeys::new(keys.kind(), keys.array()) else { return Ok(false) };
        let mut order = sorted.sorted_rows(!self.largest);
        order.truncate(self.number);
        self.keep(&rows, &keys, order)?;
        Ok(true)
    }

    fn keep(&mut self, rows: &Columns, keys: &Columns, order: Vec<u32>) -> Result<()> {
        let chosen = |from: &Columns, order: Vec<u32>| -> Result<Columns> {
            Ok(Columns::new(from.kind().clone(), compacted(from.kind(), &pick(from.array(), order)?)?))
        };
        self.best = Some((chosen(rows, order.clone())?, chosen(keys, order)?));
        Ok(())
    }

    /// The best rows, the best first; `None` if there were no rows.
    pub fn finish(self) -> Option<Columns> {
        self.best.map(|(rows, _)| rows)
    }
}

/// The same values without the bytes of other texts that their buffers hold.
pub fn compacted(kind: &Kind, array: &ArrayRef) -> Result<ArrayRef> {
    if let Some(texts) = array.as_string_view_opt() {
        return Ok(Arc::new(texts.gc()));
    }
    if let Some(values) = array.as_binary_view_opt() {
        return Ok(Arc::new(values.gc()));
    }
    match (kind, array.as_struct_opt()) {
        (Kind::Tuple { items, .. }, Some(tuples)) => {
            let items = items.iter().zip(tuples.columns()).map(|(kind, column)| compacted(kind, column));
            tuple_array(items.collect::<Result<_>>()?, tuples.nulls().cloned())
        }
        _ => Ok(Arc::clone(array)),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int64Type;
    use arrow_array::{Float64Array, Int64Array, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    fn rows(values: &[(i64, i64)]) -> (Columns, Columns) {
        let column = |item: fn(&(i64, i64)) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(values.iter().map(item)))
        };
        (Columns::new(Kind::Int, column(|row| row.1)), Columns::new(Kind::Int, column(|row| row.0)))
    }

    #[test]
    fn a_nan_is_refused_and_said_to_be_possible() {
        let floats = |values: &[f64]| Columns::new(Kind::Float, Arc::new(Float64Array::from(values.to_vec())));
        let mut top = Top::new(2, true);
        assert!(top.add(&floats(&[1.0, 2.0, 3.0]), &floats(&[1.0, 2.0, 3.0])).unwrap() && top.may_meet_nan());
        assert!(!top.add(&floats(&[f64::NAN]), &floats(&[f64::NAN])).unwrap());
        assert_eq!(top.finish().unwrap().len(), 2);
    }

    #[test]
    fn texts_that_lost_leave_no_bytes_behind() {
        let texts = |from: usize| {
            let long = (from..from + 1000).map(|number| format!("a text of more than twelve bytes, {number:06}"));
            Columns::new(Kind::Str, Arc::new(StringViewArray::from_iter_values(long)))
        };
        let mut top = Top::new(3, true);
        for block in 0..20 {
            assert!(top.add(&texts(block * 1000), &texts(block * 1000)).unwrap());
        }
        assert!(top.bytes() < 10_000, "{}", top.bytes());
    }

    proptest! {
        #[test]
        fn the_best_are_the_first_of_a_stable_sort(
            values in prop::collection::vec((-3_i64..4, any::<i64>()), 1..60), number in 1_usize..8, cut in 0_usize..60, largest: bool
        ) {
            let cut = cut.min(values.len());
            let mut top = Top::new(number, largest);
            for part in [&values[..cut], &values[cut..]].into_iter().filter(|part| !part.is_empty()) {
                let (rows, keys) = rows(part);
                prop_assert!(top.add(&rows, &keys).unwrap());
            }
            let mut sorted = values.clone();
            sorted.sort_by(|a, b| if largest { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
            let best: Vec<i64> = sorted.iter().take(number).map(|row| row.1).collect();
            let found = top.finish().unwrap();
            prop_assert_eq!(found.array().as_primitive::<Int64Type>().values().to_vec(), best);
        }
    }
}
