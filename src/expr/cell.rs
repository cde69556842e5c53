//! One value of a column at a time: the slow general way, for comparing, ordering and hashing nested values.

use std::cmp::Ordering;

use super::val::{Lists, Tuples, Val};
use super::value::{Real, Value};
use super::{Result, bail};

/// The value of one row.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    None,
    Bool(bool),
    Int(i64),
    Big(&'a str),
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    Tuple(&'a Tuples, usize),
    List(&'a Lists, usize),
    /// A dict or a regular expression, which are constants that nothing is asked of here.
    Table,
}

impl<'a> Cell<'a> {
    /// The value of a row that exists.
    #[inline]
    pub fn at(value: &'a Val, row: usize) -> Self {
        if value.nulls().is_some_and(|nulls| nulls.is_null(row)) {
            return Self::None;
        }
        match value {
            Val::Const(Value::None | Value::Tuple(_)) => Self::None,
            Val::Const(Value::Bool(value)) => Self::Bool(*value),
            Val::Const(Value::Int(value)) => Self::Int(*value),
            Val::Const(Value::Big(digits)) => Self::Big(digits),
            Val::Const(Value::Float(Real(value))) => Self::Float(*value),
            Val::Const(Value::Str(text)) => Self::Str(text),
            Val::Const(Value::Bytes(bytes)) => Self::Bytes(bytes),
            Val::Table(_) | Val::Regex(_) => Self::Table,
            Val::Bool(values, _) => Self::Bool(values.value(row)),
            Val::Int(values, _) => Self::Int(values[row]),
            Val::Float(values, _) => Self::Float(values[row]),
            Val::Str(texts) => Self::Str(texts.value(row)),
            Val::Bytes(values) => Self::Bytes(values.value(row)),
            Val::Tuple(tuples) => Self::Tuple(tuples, row),
            Val::List(lists) => Self::List(lists, row),
        }
    }

    /// Number of items of a tuple or list.
    pub fn count(&self) -> usize {
        match self {
            Self::Tuple(tuples, _) => tuples.items.len(),
            Self::List(lists, row) => lists.range(*row).len(),
            _ => 0,
        }
    }

    /// An item of a tuple or list, which exists.
    #[inline]
    pub fn item(&self, position: usize) -> Self {
        match self {
            Self::Tuple(tuples, row) => Cell::at(&tuples.items[position], *row),
            Self::List(lists, row) => Cell::at(&lists.items, lists.range(*row).start + position),
            _ => Self::None,
        }
    }

    fn is_nan(&self) -> bool {
        matches!(self, Self::Float(value) if value.is_nan())
    }
}

/// `a < b` and so on of an `int` and a `float`, exactly; `None` for NaN.
#[inline]
pub(super) fn compare_int_float(int: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // Both bounds are exact floats. Within them, the whole part of the float fits an int.
    if float >= 9_223_372_036_854_775_808.0 {
        return Some(Ordering::Less);
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    Some(int.cmp(&(whole as i64)).then_with(|| 0.0.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal)))
}

/// Python's `a == b`, outside of containers.
pub(super) fn equal(a: Cell<'_>, b: Cell<'_>) -> Result<bool> {
    Ok(match (number(a), number(b)) {
        (Some(a), Some(b)) => compare_numbers(a, b) == Some(Ordering::Equal),
        _ => match (a, b) {
            (Cell::None, Cell::None) => true,
            (Cell::Big(a), Cell::Big(b)) => a == b,
            (Cell::Big(_), Cell::Float(_)) | (Cell::Float(_), Cell::Big(_)) => {
                return bail("an int beyond 64 bits compared with a float");
            }
            (Cell::Str(a), Cell::Str(b)) => a == b,
            (Cell::Bytes(a), Cell::Bytes(b)) => a == b,
            (Cell::List(a, _), Cell::List(b, _)) if a.group || b.group => {
                return bail("a comparison by identity");
            }
            (Cell::Tuple(..), Cell::Tuple(..)) | (Cell::List(..), Cell::List(..)) => {
                // Lists compare their lengths first, tuples do not, but the answer is the same.
                a.count() == b.count() && first_difference(a, b)?.is_none()
            }
            (Cell::Table, _) | (_, Cell::Table) => return bail("a comparison of a dict"),
            _ => false,
        },
    })
}

/// Python's `a is b or a == b`, as containers compare their items.
pub(super) fn same(a: Cell<'_>, b: Cell<'_>) -> Result<bool> {
    if a.is_nan() && b.is_nan() {
        return bail("NaN, whose identity is not known");
    }
    equal(a, b)
}

fn first_difference(a: Cell<'_>, b: Cell<'_>) -> Result<Option<usize>> {
    for position in 0..a.count().min(b.count()) {
        if !same(a.item(position), b.item(position))? {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// How `a` and `b` are ordered; `None` if neither is less (NaN). Bails where Python raises.
pub(super) fn order(a: Cell<'_>, b: Cell<'_>) -> Result<Option<Ordering>> {
    Ok(match (number(a), number(b)) {
        (Some(a), Some(b)) => compare_numbers(a, b),
        _ => match (a, b) {
            (Cell::Str(a), Cell::Str(b)) => Some(a.cmp(b)),
            (Cell::Bytes(a), Cell::Bytes(b)) => Some(a.cmp(b)),
            (Cell::List(a, _), Cell::List(b, _)) if a.group || b.group => return bail("an order of groups"),
            (Cell::Tuple(..), Cell::Tuple(..)) | (Cell::List(..), Cell::List(..)) => match first_difference(a, b)? {
                Some(position) => order(a.item(position), b.item(position))?,
                None => Some(a.count().cmp(&b.count())),
            },
            _ => return bail("an order of values that have none"),
        },
    })
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

#[inline]
fn number(cell: Cell<'_>) -> Option<Number> {
    match cell {
        Cell::Bool(value) => Some(Number::Int(i64::from(value))),
        Cell::Int(value) => Some(Number::Int(value)),
        Cell::Float(value) => Some(Number::Float(value)),
        _ => None,
    }
}

#[inline]
fn compare_numbers(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Int(a), Number::Float(b)) => compare_int_float(a, b),
        (Number::Float(a), Number::Int(b)) => compare_int_float(b, a).map(Ordering::reverse),
    }
}

/// Python's truth of a value.
pub(super) fn truth(cell: Cell<'_>) -> bool {
    match cell {
        Cell::None => false,
        Cell::Bool(value) => value,
        Cell::Int(value) => value != 0,
        Cell::Float(value) => value != 0.0,
        Cell::Big(_) | Cell::Table => true,
        Cell::Str(text) => !text.is_empty(),
        Cell::Bytes(bytes) => !bytes.is_empty(),
        Cell::Tuple(..) | Cell::List(..) => cell.count() > 0,
    }
}
