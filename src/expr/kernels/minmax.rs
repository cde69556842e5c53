//! `min` and `max`: of several values, or of the items of one. Of equal ones the first, as in Python.

use std::cmp::Ordering;

use super::sequence::items_of;
use super::{compare, mask};
use crate::expr::cell::{self, Cell};
use crate::expr::ops::Basic;
use crate::expr::select;
use crate::expr::val::{Tuples, Val};
use crate::expr::{Result, bail};

/// `max(a, b, ..)`.
pub(super) fn of_values(op: Basic, values: &[Val], rows: usize) -> Result<Val> {
    let Some((first, rest)) = values.split_first() else { return bail("min or max of nothing") };
    let better = if op == Basic::Max { Basic::Gt } else { Basic::Lt };
    let mut best = first.clone();
    for value in rest {
        let wins = compare::compare(better, value, &best, rows)?;
        best = match mask::truth(&wins, rows)? {
            mask::Mask::All => value.clone(),
            mask::Mask::None => best,
            mask::Mask::Some(wins) => select::choose(&wins, value, &best)?,
        };
    }
    Ok(best)
}

/// `max(values)`.
pub(super) fn of_items(op: Basic, values: &Val, rows: usize) -> Result<Val> {
    if let Val::Tuple(Tuples { items, nulls: None, .. }) = values {
        return of_values(op, items, rows);
    }
    of_items_by(op, values, values, rows)
}

/// `max(values, key=..)`; `keys` are those of the items.
pub(super) fn of_items_by(op: Basic, values: &Val, keys: &Val, rows: usize) -> Result<Val> {
    let lists = items_of(values, rows)?;
    let keys = items_of(keys, rows)?;
    if keys.offsets != lists.offsets {
        return bail("keys of other items");
    }
    let wanted = if matches!(op, Basic::Max | Basic::MaxBy) { Ordering::Greater } else { Ordering::Less };
    let mut winners = Vec::with_capacity(rows);
    for row in 0..rows {
        let range = lists.range(row);
        let mut best = range.start;
        if range.is_empty() {
            return bail("min or max of nothing");
        }
        for item in range.skip(1) {
            if cell::order(Cell::at(&keys.items, item), Cell::at(&keys.items, best))? == Some(wanted) {
                best = item;
            }
        }
        winners.push(best as u32);
    }
    select::take(&lists.items, &winners)
}
