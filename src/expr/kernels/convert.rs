//! `int()`, `float()`, `str()`, `repr()`, `ord()` and `chr()`.

use super::num::{Num, ints};
use super::{float as floats, parse, repr};
use crate::expr::cell::Cell;
use crate::expr::text::{self, Texts};
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Bail, Result, bail};

/// `int(x)` and `int(x, base)`.
pub(super) fn int(operands: &[Val], rows: usize) -> Result<Val> {
    let (value, base) = match operands {
        [] => return Ok(Val::Const(Value::Int(0))),
        [value] => (value, None),
        [value, Val::Const(Value::Int(base))] => (value, Some(*base)),
        _ => return bail("int with a base that varies"),
    };
    if let Some(texts) = Texts::of(value)? {
        let base = match base.unwrap_or(10) {
            base @ 2..=36 => base as u32,
            _ => return bail("int in a base that says itself"),
        };
        let parsed = (0..rows).map(|row| parse::int(texts.get(row), base));
        let parsed: Option<Vec<i64>> = parsed.collect();
        return parsed.map(Val::int).ok_or_else(|| Bail::new("text that is no int of 64 bits"));
    }
    if base.is_some() {
        return bail("int with a base of something that is not text");
    }
    Ok(Val::int(match Num::expect(value)? {
        Num::Int(values) => values.map(rows, |value| value),
        Num::Float(values) => (0..rows).map(|row| floats::to_int(values.get(row).trunc())).collect::<Result<_>>()?,
    }))
}

/// `float(x)`.
pub(super) fn float(value: &Val, rows: usize) -> Result<Val> {
    if let Some(texts) = Texts::of(value)? {
        let parsed: Option<Vec<f64>> = (0..rows).map(|row| parse::float(texts.get(row))).collect();
        return parsed.map(Val::float).ok_or_else(|| Bail::new("text that is no float"));
    }
    Ok(Val::float(Num::expect(value)?.floats().map(rows, |value| value)))
}

/// `str(x)`.
pub(super) fn text(value: &Val, rows: usize) -> Result<Val> {
    if Texts::of(value).is_ok_and(|texts| texts.is_some()) {
        return Ok(value.clone());
    }
    text::build(rows, |row, out| repr::write_str(Cell::at(value, row), out))
}

/// `repr(x)`.
pub(super) fn repr(value: &Val, rows: usize) -> Result<Val> {
    text::build(rows, |row, out| repr::write_repr(Cell::at(value, row), out))
}

/// `ord(x)`.
pub(super) fn ord(value: &Val, rows: usize) -> Result<Val> {
    let texts = Texts::expect(value)?;
    let codes: Option<Vec<i64>> = (0..rows)
        .map(|row| {
            let mut chars = texts.get(row).chars();
            let first = chars.next()?;
            chars.next().is_none().then_some(i64::from(u32::from(first)))
        })
        .collect();
    codes.map(Val::int).ok_or_else(|| Bail::new("ord of text that is not one character"))
}

/// `chr(x)`.
pub(super) fn chr(value: &Val, rows: usize) -> Result<Val> {
    let codes = ints(value)?;
    text::build(rows, |row, out| match u32::try_from(codes.get(row)).ok().and_then(char::from_u32) {
        Some(c) => {
            out.push(c);
            Ok(())
        }
        None => bail("chr of no character"),
    })
}
