//! Is a value in a container, how often, and where?

use arrow_buffer::BooleanBuffer;
use memchr::memmem::Finder;

use super::compare::compare;
use super::mask;
use crate::expr::cell::{self, Cell};
use crate::expr::ops::Basic;
use crate::expr::table::Table;
use crate::expr::text::Texts;
use crate::expr::val::{Tuples, Val};
use crate::expr::value::Value;
use crate::expr::{Result, bail};

/// A tuple of constants with more items than this is searched by hash.
const FEW: usize = 6;

/// `item in container`.
pub(super) fn member(item: &Val, container: &Val, rows: usize, negate: bool) -> Result<Val> {
    let bits = match container {
        Val::Table(table) => found(table, item, rows)?,
        Val::Tuple(Tuples { items, nulls: None, .. }) => in_tuple(item, items, rows)?,
        Val::List(lists) if lists.nulls.is_none() => {
            let any = |row: usize| {
                let item = Cell::at(item, row);
                any_of(lists.range(row), |place| cell::same(item, Cell::at(&lists.items, place)))
            };
            (0..rows).map(any).collect::<Result<_>>()?
        }
        other => in_text(&Texts::expect(item)?, &Texts::expect(other)?, rows),
    };
    Ok(Val::bool(if negate { !&bits } else { bits }))
}

fn any_of(places: impl Iterator<Item = usize>, test: impl Fn(usize) -> Result<bool>) -> Result<bool> {
    for place in places {
        if test(place)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn found(table: &Table, item: &Val, rows: usize) -> Result<BooleanBuffer> {
    let places = table.find(item, rows)?;
    Ok(places.iter().map(Option::is_some).collect())
}

fn in_text(item: &Texts<'_>, container: &Texts<'_>, rows: usize) -> BooleanBuffer {
    match item {
        Texts::One(item) => {
            let finder = Finder::new(item);
            BooleanBuffer::collect_bool(rows, |row| finder.find(container.get(row).as_bytes()).is_some())
        }
        Texts::Many(_) => BooleanBuffer::collect_bool(rows, |row| container.get(row).contains(item.get(row))),
    }
}

fn in_tuple(item: &Val, items: &[Val], rows: usize) -> Result<BooleanBuffer> {
    let constants: Option<Vec<Value>> =
        items.iter().map(|item| if item.is_constant() { item.first_as_constant() } else { None }).collect();
    if let Some(constants) = constants.filter(|constants| constants.len() > FEW) {
        return found(&Table::set(&constants)?, item, rows);
    }
    if has_nan(item) && items.iter().any(has_nan) || items.iter().any(is_nested) {
        let any =
            |row: usize| any_of(0..items.len(), |place| cell::same(Cell::at(item, row), Cell::at(&items[place], row)));
        return (0..rows).map(any).collect();
    }
    let mut bits = BooleanBuffer::new_unset(rows);
    for other in items {
        let equal = mask::truth(&compare(Basic::Eq, item, other, rows)?, rows)?;
        bits = &bits | &equal.into_bits(rows);
    }
    Ok(bits)
}

fn has_nan(value: &Val) -> bool {
    match value {
        Val::Const(Value::Float(value)) => value.0.is_nan(),
        Val::Float(values, _) => values.iter().any(|value| value.is_nan()),
        _ => false,
    }
}

fn is_nested(value: &Val) -> bool {
    matches!(value, Val::Tuple(_) | Val::List(_))
}

/// The rows of a tuple or list as cells; a group is neither.
fn sequence(value: &Val, row: usize) -> Result<Cell<'_>> {
    match Cell::at(value, row) {
        Cell::List(lists, _) if lists.group => bail("a method of a group"),
        cell @ (Cell::Tuple(..) | Cell::List(..)) => Ok(cell),
        _ => bail("a method of None"),
    }
}

/// `sequence.count(item)`.
pub(super) fn count(of: &Val, item: &Val, rows: usize) -> Result<Val> {
    let counts = (0..rows).map(|row| {
        let (sequence, item) = (sequence(of, row)?, Cell::at(item, row));
        let mut count = 0;
        for place in 0..sequence.count() {
            count += i64::from(cell::same(sequence.item(place), item)?);
        }
        Ok(count)
    });
    counts.collect::<Result<_>>().map(Val::int)
}

/// `sequence.index(item)`.
pub(super) fn index(of: &Val, item: &Val, rows: usize) -> Result<Val> {
    let places = (0..rows).map(|row| {
        let (sequence, item) = (sequence(of, row)?, Cell::at(item, row));
        for place in 0..sequence.count() {
            if cell::same(sequence.item(place), item)? {
                return Ok(place as i64);
            }
        }
        bail("an item that is not found")
    });
    places.collect::<Result<_>>().map(Val::int)
}
