//! Lists that are walked side by side, and lists without what comes again.

use hashbrown::HashSet;

use super::sequence::items_of;
use crate::expr::cell::Cell;
use crate::expr::select::{self, offset};
use crate::expr::val::{Lists, Val};
use crate::expr::{Result, bail};

/// `list(zip(..))`: tuples, as many as the shortest has items.
pub(super) fn zip(lists: &[Val], rows: usize) -> Result<Val> {
    if lists.is_empty() {
        return bail("zip of nothing");
    }
    let lists: Vec<Lists> = lists.iter().map(|list| items_of(list, rows)).collect::<Result<_>>()?;
    let mut places: Vec<Vec<u32>> = vec![Vec::new(); lists.len()];
    let (mut offsets, mut count) = (vec![0], 0);
    for row in 0..rows {
        let shortest = lists.iter().map(|list| list.range(row).len()).min().unwrap_or(0);
        for (list, places) in lists.iter().zip(&mut places) {
            places.extend(list.range(row).take(shortest).map(|item| item as u32));
        }
        count += shortest;
        offsets.push(offset(count)?);
    }
    let items = lists.iter().zip(&places).map(|(list, places)| select::take(&list.items, places));
    Ok(Val::list(Val::tuple(items.collect::<Result<_>>()?), count, offsets))
}

/// The items of `set(values)`, in the order of their first appearance, which a set does not have: for uses to which order
/// does not matter. Only of text and ints, of which equal ones are the same.
pub(super) fn distinct(values: &Val, rows: usize) -> Result<Val> {
    let lists = items_of(values, rows)?;
    let (mut places, mut offsets) = (Vec::new(), vec![0]);
    let (mut texts, mut numbers) = (HashSet::new(), HashSet::new());
    for row in 0..rows {
        texts.clear();
        numbers.clear();
        for item in lists.range(row) {
            let first = match Cell::at(&lists.items, item) {
                Cell::Str(text) => texts.insert(text),
                Cell::Int(number) => numbers.insert(number),
                _ => return bail("a set of other things than text or ints"),
            };
            if first {
                places.push(item as u32);
            }
        }
        offsets.push(offset(places.len())?);
    }
    Ok(Val::list(select::take(&lists.items, &places)?, places.len(), offsets))
}
