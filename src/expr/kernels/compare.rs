//! `==`, `<` and so on, and `is`.

use std::cmp::Ordering;

use arrow_array::StringViewArray;
use arrow_buffer::BooleanBuffer;

use super::num::{Num, Src};
use crate::expr::cell::{self, Cell, compare_int_float};
use crate::expr::ops::Basic;
use crate::expr::text::Texts;
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Result, bail};

/// A comparison.
pub(super) fn compare(op: Basic, a: &Val, b: &Val, rows: usize) -> Result<Val> {
    Ok(Val::bool(match op {
        Basic::Eq => equal(a, b, rows)?,
        Basic::Ne => !&equal(a, b, rows)?,
        _ => ordered(op, a, b, rows)?,
    }))
}

/// For which rows `a == b`.
fn equal(a: &Val, b: &Val, rows: usize) -> Result<BooleanBuffer> {
    if a.may_be_none() || b.may_be_none() {
        return by_cells(rows, |row| cell::equal(Cell::at(a, row), Cell::at(b, row)));
    }
    if matches!((a, b), (Val::Const(Value::Big(_)), _) | (_, Val::Const(Value::Big(_)))) {
        return by_cells(rows, |row| cell::equal(Cell::at(a, row), Cell::at(b, row)));
    }
    if let (Some(a), Some(b)) = (Num::of(a)?, Num::of(b)?) {
        return Ok(numbers(&a, &b, rows, |order| order == Some(Ordering::Equal)));
    }
    match (a, b) {
        (Val::Str(texts), Val::Const(Value::Str(text))) | (Val::Const(Value::Str(text)), Val::Str(texts)) => {
            Ok(equal_to_text(texts, text, rows))
        }
        _ => by_cells(rows, |row| cell::equal(Cell::at(a, row), Cell::at(b, row))),
    }
}

fn equal_to_text(texts: &StringViewArray, text: &str, rows: usize) -> BooleanBuffer {
    let views = texts.views();
    if text.len() <= crate::expr::text::INLINE {
        // Views of short texts are equal if and only if the texts are.
        let wanted = crate::expr::text::inline_view(text.as_bytes(), 0, text.len());
        return BooleanBuffer::collect_bool(rows, |row| views[row] == wanted);
    }
    BooleanBuffer::collect_bool(rows, |row| views[row] as u32 as usize == text.len() && texts.value(row) == text)
}

fn by_cells(rows: usize, test: impl Fn(usize) -> Result<bool>) -> Result<BooleanBuffer> {
    (0..rows).map(test).collect()
}

/// For which rows `a < b`, or as `op` says.
fn ordered(op: Basic, a: &Val, b: &Val, rows: usize) -> Result<BooleanBuffer> {
    let holds = holds(op);
    if let (Some(a), Some(b)) = (Num::of(a)?, Num::of(b)?) {
        return Ok(match op {
            Basic::Lt => numbers(&a, &b, rows, |order| order == Some(Ordering::Less)),
            Basic::Le => numbers(&a, &b, rows, |order| matches!(order, Some(Ordering::Less | Ordering::Equal))),
            Basic::Gt => numbers(&a, &b, rows, |order| order == Some(Ordering::Greater)),
            _ => numbers(&a, &b, rows, |order| matches!(order, Some(Ordering::Greater | Ordering::Equal))),
        });
    }
    if let (Some(a), Some(b)) = (Texts::of(a)?, Texts::of(b)?) {
        return Ok(BooleanBuffer::collect_bool(rows, |row| holds(Some(a.get(row).cmp(b.get(row))))));
    }
    by_cells(rows, |row| Ok(holds(cell::order(Cell::at(a, row), Cell::at(b, row))?)))
}

/// Which orders satisfy an operator.
pub(super) fn holds(op: Basic) -> fn(Option<Ordering>) -> bool {
    match op {
        Basic::Lt => |order| order == Some(Ordering::Less),
        Basic::Le => |order| matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Basic::Gt => |order| order == Some(Ordering::Greater),
        _ => |order| matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

#[inline]
fn numbers(a: &Num<'_>, b: &Num<'_>, rows: usize, test: impl Fn(Option<Ordering>) -> bool) -> BooleanBuffer {
    match (a, b) {
        (Num::Int(a), Num::Int(b)) => bits(a, b, rows, |a, b| test(Some(a.cmp(&b)))),
        (Num::Float(a), Num::Float(b)) => bits(a, b, rows, |a, b| test(a.partial_cmp(&b))),
        (Num::Int(a), Num::Float(b)) => bits(a, b, rows, |a, b| test(compare_int_float(a, b))),
        (Num::Float(a), Num::Int(b)) => bits(a, b, rows, |a, b| test(compare_int_float(b, a).map(Ordering::reverse))),
    }
}

#[inline]
fn bits<A: Copy, B: Copy>(a: &Src<'_, A>, b: &Src<'_, B>, rows: usize, test: impl Fn(A, B) -> bool) -> BooleanBuffer {
    match (a, b) {
        (Src::One(a), Src::One(b)) => {
            if test(*a, *b) {
                BooleanBuffer::new_set(rows)
            } else {
                BooleanBuffer::new_unset(rows)
            }
        }
        (Src::One(a), Src::Many(b)) => BooleanBuffer::collect_bool(b.len(), |row| test(*a, b[row])),
        (Src::Many(a), Src::One(b)) => BooleanBuffer::collect_bool(a.len(), |row| test(a[row], *b)),
        (Src::Many(a), Src::Many(b)) => BooleanBuffer::collect_bool(a.len().min(b.len()), |row| test(a[row], b[row])),
    }
}

/// `a is b`, where that is decided by the values: for `None` and `bool`.
pub(super) fn identical(a: &Val, b: &Val, rows: usize, negate: bool) -> Result<Val> {
    let (value, other) = match (a, b) {
        (Val::Const(Value::None | Value::Bool(_)), _) => (b, a),
        (_, Val::Const(Value::None | Value::Bool(_))) => (a, b),
        _ => return bail("a comparison by identity"),
    };
    let bits = match (value, other) {
        (value, Val::Const(Value::None)) => match value.nulls() {
            Some(nulls) => !nulls.inner(),
            None => none_or_all(matches!(value, Val::Const(Value::None)), rows),
        },
        (Val::Bool(values, nulls), Val::Const(Value::Bool(wanted))) => {
            let equal = if *wanted { values.clone() } else { !values };
            nulls.as_ref().map_or(equal.clone(), |nulls| &equal & nulls.inner())
        }
        (Val::Const(Value::Bool(value)), Val::Const(Value::Bool(wanted))) => none_or_all(value == wanted, rows),
        // Anything else is neither `True` nor `False`.
        _ => none_or_all(false, rows),
    };
    Ok(Val::bool(if negate { !&bits } else { bits }))
}

fn none_or_all(all: bool, rows: usize) -> BooleanBuffer {
    if all { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) }
}
