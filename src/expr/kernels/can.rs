//! Where would an operation give a value, and where would it raise?
//!
//! Each condition is about one exception: false where Python raises that very one, true where it gives a value. Where it is
//! neither for sure, they bail.

use arrow_buffer::BooleanBuffer;

use super::num::{Num, ints};
use super::parse::{self, Read};
use crate::expr::text::{Texts, char_count};
use crate::expr::val::Val;
use crate::expr::{Result, bail};

/// A condition by rows.
fn rows_where(rows: usize, holds: impl FnMut(usize) -> bool) -> Val {
    Val::bool(BooleanBuffer::collect_bool(rows, holds))
}

/// Whether text can be read; `otherwise` says whether another value can be converted, and bails if it cannot.
fn readable(
    value: &Val,
    rows: usize,
    read: impl Fn(&str) -> Read,
    otherwise: impl Fn(&Val) -> Result<Val>,
) -> Result<Val> {
    let Some(texts) = Texts::of(value)? else {
        otherwise(value)?;
        return Ok(rows_where(rows, |_| true));
    };
    let mut unsure = false;
    let known = rows_where(rows, |row| match read(texts.get(row)) {
        Read::Yes => true,
        Read::No => false,
        Read::Unsure => {
            unsure = true;
            false
        }
    });
    if unsure { bail("text that may be a number") } else { Ok(known) }
}

/// Whether `int(x)` does not raise ValueError.
pub(super) fn int(value: &Val, rows: usize) -> Result<Val> {
    readable(value, rows, parse::reads_as_int, |value| super::convert::int(std::slice::from_ref(value), rows))
}

/// Whether `float(x)` does not raise ValueError.
pub(super) fn float(value: &Val, rows: usize) -> Result<Val> {
    readable(value, rows, parse::reads_as_float, |value| super::convert::float(value, rows))
}

/// Whether taking x apart into `count` items does not raise ValueError.
pub(super) fn unpack(value: &Val, count: i64, rows: usize) -> Result<Val> {
    if value.may_be_none() {
        return bail("None cannot be unpacked");
    }
    match value {
        Val::Tuple(tuples) => Ok(rows_where(rows, |_| tuples.items.len() as i64 == count)),
        Val::List(lists) => Ok(rows_where(rows, |row| lists.range(row).len() as i64 == count)),
        other => bail(format!("{} taken apart", other.type_name())),
    }
}

/// Whether `x[index]` does not raise IndexError.
pub(super) fn get_item(of: &Val, at: &Val, rows: usize) -> Result<Val> {
    if of.may_be_none() {
        return bail("an item of None");
    }
    let index = ints(at)?;
    let within = |length: usize, row: usize| (-(length as i64)..length as i64).contains(&index.get(row));
    match of {
        Val::Tuple(tuples) => Ok(rows_where(rows, |row| within(tuples.items.len(), row))),
        Val::List(lists) if !lists.group => Ok(rows_where(rows, |row| within(lists.range(row).len(), row))),
        _ => match Texts::of(of)? {
            Some(texts) => Ok(rows_where(rows, |row| within(char_count(texts.get(row)), row))),
            None => bail(format!("an item of {}", of.type_name())),
        },
    }
}

/// Whether a division, or what `%` is of text, does not raise ZeroDivisionError.
pub(super) fn divide(of: &Val, by: &Val, rows: usize) -> Result<Val> {
    if Texts::of(of)?.is_some() {
        return Ok(rows_where(rows, |_| true));
    }
    Num::expect(of)?;
    Ok(match Num::expect(by)? {
        Num::Int(by) => rows_where(rows, |row| by.get(row) != 0),
        Num::Float(by) => rows_where(rows, |row| by.get(row) != 0.0),
    })
}
