//! Arithmetic: `int` here, exactly or not at all; `float` in `float.rs`; `+` and `*` of sequences in `sequence.rs`.

use super::num::{Num, Src, ints, try_zip, zip, zip_checked};
use super::{float, percent, sequence};
use crate::expr::ops::Basic;
use crate::expr::text::Texts;
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Result, bail};

const TOO_BIG: &str = "an int beyond 64 bits";
const ZERO: &str = "a division by zero";

/// A binary operator.
pub(super) fn binary(op: Basic, a: &Val, b: &Val, rows: usize) -> Result<Val> {
    if op == Basic::Mod
        && let Some(template) = Texts::of(a)?
    {
        return percent::format(template, b, rows);
    }
    if let (Basic::BitAnd | Basic::BitOr | Basic::BitXor, Some(a), Some(b)) = (op, bools(a, rows), bools(b, rows)) {
        return Ok(Val::bool(match op {
            Basic::BitAnd => &a & &b,
            Basic::BitOr => &a | &b,
            _ => &a ^ &b,
        }));
    }
    match (op, Num::of(a)?.is_some(), Num::of(b)?.is_some()) {
        (_, true, true) => numbers_only(op, a, b, rows),
        (Basic::Add, false, false) => sequence::add(a, b, rows),
        (Basic::Mul, false, true) => sequence::repeat(a, &ints(b)?, rows),
        (Basic::Mul, true, false) => sequence::repeat(b, &ints(a)?, rows),
        _ => bail(format!("{} of {} and {}", op.name(), a.type_name(), b.type_name())),
    }
}

fn bools(value: &Val, rows: usize) -> Option<arrow_buffer::BooleanBuffer> {
    match value {
        Val::Bool(values, None) => Some(values.clone()),
        Val::Const(Value::Bool(true)) => Some(arrow_buffer::BooleanBuffer::new_set(rows)),
        Val::Const(Value::Bool(false)) => Some(arrow_buffer::BooleanBuffer::new_unset(rows)),
        _ => None,
    }
}

/// A binary operator of numbers.
pub(super) fn numbers_only(op: Basic, a: &Val, b: &Val, rows: usize) -> Result<Val> {
    match (Num::expect(a)?, Num::expect(b)?) {
        (Num::Int(a), Num::Int(b)) => int_binary(op, &a, &b, rows),
        (a, b) => float::binary(op, &a.floats(), &b.floats(), rows).map(Val::float),
    }
}

fn int_binary(op: Basic, a: &Src<'_, i64>, b: &Src<'_, i64>, rows: usize) -> Result<Val> {
    let values = match op {
        Basic::Add => zip_checked(a, b, rows, TOO_BIG, i64::overflowing_add)?,
        Basic::Sub => zip_checked(a, b, rows, TOO_BIG, i64::overflowing_sub)?,
        Basic::Mul => zip_checked(a, b, rows, TOO_BIG, i64::overflowing_mul)?,
        Basic::FloorDiv | Basic::Mod => return divide(op, a, b, rows),
        Basic::TrueDiv => return true_divide(a, b, rows),
        Basic::Pow => return power(a, b, rows),
        Basic::LShift => try_zip(a, b, rows, shift_left)?,
        Basic::RShift => try_zip(a, b, rows, shift_right)?,
        Basic::BitAnd => zip(a, b, rows, |a, b| a & b),
        Basic::BitOr => zip(a, b, rows, |a, b| a | b),
        Basic::BitXor => zip(a, b, rows, |a, b| a ^ b),
        _ => return bail(format!("{} of ints", op.name())),
    };
    Ok(Val::int(values))
}

pub(super) fn shift_right(a: i64, by: i64) -> Result<i64> {
    match u32::try_from(by) {
        Ok(by) => Ok(a >> by.min(63)),
        Err(_) if by > 0 => Ok(a >> 63),
        Err(_) => bail("a negative shift"),
    }
}

pub(super) fn shift_left(a: i64, by: i64) -> Result<i64> {
    if by < 0 {
        return bail("a negative shift");
    }
    if a == 0 {
        return Ok(0);
    }
    match u32::try_from(by).ok().filter(|by| *by < 64) {
        Some(by) if (a << by) >> by == a => Ok(a << by),
        _ => bail(TOO_BIG),
    }
}

/// Python's `//`, which rounds down; not for 0, nor for the smallest int by -1.
#[inline]
pub(super) fn floor_div(a: i64, b: i64) -> i64 {
    let quotient = a.wrapping_div(b);
    quotient - i64::from((a ^ b) < 0 && quotient.wrapping_mul(b) != a)
}

/// Python's `%`, with the sign of the divisor.
#[inline]
pub(super) fn floor_mod(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    rest + if rest != 0 && (rest ^ b) < 0 { b } else { 0 }
}

fn divide(op: Basic, a: &Src<'_, i64>, b: &Src<'_, i64>, rows: usize) -> Result<Val> {
    if !b.all(|b| b != 0) {
        return bail(ZERO);
    }
    if op == Basic::FloorDiv && !b.all(|b| b != -1) && !a.all(|a| a != i64::MIN) {
        return bail(TOO_BIG);
    }
    if let (Src::Many(a), Src::One(divisor)) = (a, b)
        && let Some(values) = divide_small(op, a, *divisor)
    {
        return Ok(Val::int(values));
    }
    Ok(Val::int(match op {
        Basic::FloorDiv => zip(a, b, rows, floor_div),
        _ => zip(a, b, rows, floor_mod),
    }))
}

/// Division of numbers of 32 bits by one of them, without a division per number: by a multiplication with the
/// divisor's inverse, which is exact for these.
fn divide_small(op: Basic, a: &[i64], divisor: i64) -> Option<Vec<i64>> {
    let small = 0..=i64::from(u32::MAX);
    let divisor = u64::try_from(divisor).ok().filter(|divisor| *divisor > 1 && *divisor <= u64::from(u32::MAX))?;
    if a.iter().fold(0, |all, value| all | *value) & !i64::from(u32::MAX) != 0 {
        return None;
    }
    debug_assert!(a.iter().all(|value| small.contains(value)));
    let inverse = u64::MAX / divisor + 1;
    let quotient = |value: i64| ((u128::from(inverse) * u128::from(value as u64)) >> 64) as i64;
    Some(match op {
        Basic::FloorDiv => a.iter().map(|value| quotient(*value)).collect(),
        _ => a.iter().map(|value| value - quotient(*value) * divisor as i64).collect(),
    })
}

/// Whether the float of a number is exact: then a quotient is rounded once, and so rightly.
#[inline]
pub(super) fn exact_as_float(value: i64) -> bool {
    value.unsigned_abs() <= 1 << 53
}

fn true_divide(a: &Src<'_, i64>, b: &Src<'_, i64>, rows: usize) -> Result<Val> {
    if !b.all(|b| b != 0) {
        return bail(ZERO);
    }
    if !a.all(exact_as_float) || !b.all(exact_as_float) {
        return bail("a division of ints beyond 53 bits");
    }
    Ok(Val::float(zip(a, b, rows, |a, b| a as f64 / b as f64)))
}

/// `a ** b` within 64 bits; b is not negative.
pub(super) fn int_power(a: i64, b: i64) -> Option<i64> {
    match (a, u32::try_from(b)) {
        (0 | 1, _) => Some(if b == 0 { 1 } else { a }),
        (-1, _) => Some(if b % 2 == 0 { 1 } else { -1 }),
        (_, Ok(b)) => a.checked_pow(b),
        (_, Err(_)) => None,
    }
}

fn power(a: &Src<'_, i64>, b: &Src<'_, i64>, rows: usize) -> Result<Val> {
    if b.all(|b| b >= 0) {
        let values = try_zip(a, b, rows, |a, b| int_power(a, b).map_or_else(|| bail(TOO_BIG), Ok));
        return values.map(Val::int);
    }
    if b.all(|b| b < 0) {
        let values = try_zip(a, b, rows, |a, b| float::power(a as f64, b as f64));
        return values.map(Val::float);
    }
    bail("int and float in one column")
}

/// A unary operator, or `abs`.
pub(super) fn unary(op: Basic, value: &Val, rows: usize) -> Result<Val> {
    if op == Basic::Invert && matches!(value, Val::Bool(..) | Val::Const(Value::Bool(_))) {
        return bail("~ of a bool, which Python may warn of");
    }
    Ok(match (op, Num::expect(value)?) {
        (Basic::Invert, Num::Int(values)) => Val::int(values.map(rows, |value| !value)),
        (Basic::Pos, Num::Int(values)) => Val::int(values.map(rows, |value| value)),
        (Basic::Neg | Basic::Abs, Num::Int(values)) => {
            if !values.all(|value| value != i64::MIN) {
                return bail(TOO_BIG);
            }
            Val::int(values.map(rows, if op == Basic::Neg { i64::wrapping_neg } else { i64::wrapping_abs }))
        }
        (Basic::Pos, Num::Float(values)) => Val::float(values.map(rows, |value| value)),
        (Basic::Neg, Num::Float(values)) => Val::float(values.map(rows, |value| -value)),
        (Basic::Abs, Num::Float(values)) => Val::float(values.map(rows, f64::abs)),
        _ => return bail(format!("{} of {}", op.name(), value.type_name())),
    })
}

/// `round(x)`.
pub(super) fn round(value: &Val, rows: usize) -> Result<Val> {
    Ok(Val::int(match Num::expect(value)? {
        Num::Int(values) => values.map(rows, |value| value),
        Num::Float(values) => {
            (0..rows).map(|row| float::to_int(values.get(row).round_ties_even())).collect::<Result<_>>()?
        }
    }))
}

/// `round(x, digits)`; `None` for digits is as `round(x)`.
pub(super) fn round_to(value: &Val, digits: &Val, rows: usize) -> Result<Val> {
    if matches!(digits, Val::Const(Value::None)) {
        return round(value, rows);
    }
    let digits = ints(digits)?;
    match Num::expect(value)? {
        Num::Int(values) if digits.all(|digits| digits >= 0) => Ok(Val::int(values.map(rows, |value| value))),
        Num::Int(_) => bail("round of an int to tens"),
        Num::Float(values) => try_zip(&values, &digits, rows, float::round_to).map(Val::float),
    }
}

/// `x.bit_length()`.
pub(super) fn bit_length(value: &Val, rows: usize) -> Result<Val> {
    Ok(Val::int(ints(value)?.map(rows, |value| i64::from(64 - value.unsigned_abs().leading_zeros()))))
}
