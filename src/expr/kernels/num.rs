//! Columns of numbers as slices, and functions over them.

use std::borrow::Cow;

use crate::expr::val::Val;
use crate::expr::value::{Real, Value};
use crate::expr::{Result, bail};

/// Numbers of all rows: one, or one each.
#[derive(Clone)]
pub(super) enum Src<'a, T: Copy> {
    One(T),
    Many(Cow<'a, [T]>),
}

impl<T: Copy> Src<'_, T> {
    #[inline]
    pub fn get(&self, row: usize) -> T {
        match self {
            Self::One(value) => *value,
            Self::Many(values) => values[row],
        }
    }

    /// Whether a property holds for all numbers.
    pub fn all(&self, holds: impl Fn(T) -> bool) -> bool {
        match self {
            Self::One(value) => holds(*value),
            Self::Many(values) => values.iter().all(|value| holds(*value)),
        }
    }

    pub fn map<R>(&self, rows: usize, f: impl Fn(T) -> R) -> Vec<R> {
        match self {
            Self::One(value) => (0..rows).map(|_| f(*value)).collect(),
            Self::Many(values) => values.iter().map(|value| f(*value)).collect(),
        }
    }
}

/// Numbers of one type; `bool` counts as `int`.
pub(super) enum Num<'a> {
    Int(Src<'a, i64>),
    Float(Src<'a, f64>),
}

impl<'a> Num<'a> {
    /// The numbers that `value` is, if it is; bails if some rows are `None`.
    pub fn of(value: &'a Val) -> Result<Option<Self>> {
        let number = Self::ignoring_nulls(value)?;
        if number.is_some() && value.nulls().is_some() {
            return bail("None where a number is needed");
        }
        Ok(number)
    }

    /// As `of`, with any number where a row is `None`.
    pub fn ignoring_nulls(value: &'a Val) -> Result<Option<Self>> {
        Ok(Some(match value {
            Val::Const(Value::Bool(value)) => Self::Int(Src::One(i64::from(*value))),
            Val::Const(Value::Int(value)) => Self::Int(Src::One(*value)),
            Val::Const(Value::Float(Real(value))) => Self::Float(Src::One(*value)),
            Val::Const(Value::Big(_)) => return bail("an int beyond 64 bits"),
            Val::Bool(values, _) => Self::Int(Src::Many(values.iter().map(i64::from).collect())),
            Val::Int(values, _) => Self::Int(Src::Many(Cow::Borrowed(values))),
            Val::Float(values, _) => Self::Float(Src::Many(Cow::Borrowed(values))),
            _ => return Ok(None),
        }))
    }

    /// As `of`, and bails for anything else.
    pub fn expect(value: &'a Val) -> Result<Self> {
        match Self::of(value)? {
            Some(number) => Ok(number),
            None => bail(format!("{} where a number is needed", value.type_name())),
        }
    }

    /// The numbers as floats, each the nearest one.
    pub fn floats(self) -> Src<'a, f64> {
        match self {
            Self::Float(values) => values,
            Self::Int(Src::One(value)) => Src::One(value as f64),
            Self::Int(Src::Many(values)) => Src::Many(values.iter().map(|value| *value as f64).collect()),
        }
    }
}

/// The ints that `value` is; bails for anything else, `bool` included among the ints.
pub(super) fn ints(value: &Val) -> Result<Src<'_, i64>> {
    match Num::expect(value)? {
        Num::Int(values) => Ok(values),
        Num::Float(_) => bail("float where an int is needed"),
    }
}

/// A function of two numbers for all rows.
#[inline]
pub(super) fn zip<A: Copy, B: Copy, R>(
    a: &Src<'_, A>,
    b: &Src<'_, B>,
    rows: usize,
    mut f: impl FnMut(A, B) -> R,
) -> Vec<R> {
    match (a, b) {
        (Src::One(a), Src::One(b)) => (0..rows).map(|_| f(*a, *b)).collect(),
        (Src::One(a), Src::Many(b)) => b.iter().map(|b| f(*a, *b)).collect(),
        (Src::Many(a), Src::One(b)) => a.iter().map(|a| f(*a, *b)).collect(),
        (Src::Many(a), Src::Many(b)) => a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect(),
    }
}

/// As `zip`, for functions that fail for some numbers: `f` gives a result and whether it failed.
#[inline]
pub(super) fn zip_checked<A: Copy, B: Copy, R>(
    a: &Src<'_, A>,
    b: &Src<'_, B>,
    rows: usize,
    reason: &str,
    f: impl Fn(A, B) -> (R, bool),
) -> Result<Vec<R>> {
    // No early end: a loop without one is faster, and a failure is rare.
    let mut failed = false;
    let values = zip(a, b, rows, |a, b| {
        let (value, bad) = f(a, b);
        failed |= bad;
        value
    });
    if failed { bail(reason) } else { Ok(values) }
}

/// As `zip`, for functions that have no answer for some numbers.
pub(super) fn try_zip<A: Copy, B: Copy, R>(
    a: &Src<'_, A>,
    b: &Src<'_, B>,
    rows: usize,
    f: impl Fn(A, B) -> Result<R>,
) -> Result<Vec<R>> {
    (0..rows).map(|row| f(a.get(row), b.get(row))).collect()
}
