//! One element: `x[index]` and `x.field`.

use super::num::{Src, ints};
use crate::expr::select;
use crate::expr::text::{self, Texts, byte_of_char, char_count};
use crate::expr::val::{Lists, Tuples, Val};
use crate::expr::{Bail, Result, bail};

fn out_of_range() -> Bail {
    Bail::new("an index out of range")
}

/// The position that an index means.
#[inline]
fn position(index: i64, length: usize) -> Result<usize> {
    let place = if index < 0 { index.saturating_add(length as i64) } else { index };
    usize::try_from(place).ok().filter(|place| *place < length).ok_or_else(out_of_range)
}

/// `of[at]`.
pub(super) fn get_item(of: &Val, at: &Val, rows: usize) -> Result<Val> {
    if let Val::Table(table) = of {
        return table.get(at, None, rows);
    }
    if of.may_be_none() {
        return bail("an item of None");
    }
    let index = ints(at)?;
    match (of, &index) {
        (Val::Tuple(tuples), Src::One(index)) => Ok(tuples.items[position(*index, tuples.items.len())?].clone()),
        (Val::Tuple(tuples), Src::Many(indices)) => {
            let parts: Vec<(&Val, usize)> = tuples.items.iter().map(|item| (item, rows)).collect();
            let all = select::concat(&parts)?;
            let places = indices
                .iter()
                .enumerate()
                .map(|(row, index)| Ok((position(*index, tuples.items.len())? * rows + row) as u32));
            select::take(&all, &places.collect::<Result<Vec<_>>>()?)
        }
        (Val::List(lists), _) if !lists.group => item_of_lists(lists, &index, rows),
        _ => match Texts::of(of)? {
            Some(texts) => text::cut(texts, rows, |row, text| character(text, index.get(row))),
            None => bail(format!("an item of {}", of.type_name())),
        },
    }
}

fn item_of_lists(lists: &Lists, index: &Src<'_, i64>, rows: usize) -> Result<Val> {
    let places = (0..rows).map(|row| {
        let range = lists.range(row);
        Ok((range.start + position(index.get(row), range.len())?) as u32)
    });
    select::take(&lists.items, &places.collect::<Result<Vec<_>>>()?)
}

/// Where the character at an index is.
fn character(text: &str, index: i64) -> Result<(usize, usize)> {
    let start = byte_of_char(text, position(index, char_count(text))?);
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    Ok((start, start + length))
}

/// `value.name`, a field of a namedtuple.
pub(in crate::expr) fn attribute(value: &Val, name: &str, _rows: usize) -> Result<Val> {
    match value {
        Val::Tuple(Tuples { items, nulls: None, class: Some(class) }) => {
            let place = class.fields().iter().position(|field| field == name);
            match place.and_then(|place| items.get(place)) {
                Some(item) => Ok(item.clone()),
                None => bail(format!("no native form of the attribute {name}")),
            }
        }
        other => bail(format!("no native form of {}.{name}", other.type_name())),
    }
}
