//! Arithmetic of `float`s as CPython does it.

use super::num::{Num, Src, try_zip, zip};
use crate::expr::ops::Basic;
use crate::expr::val::Val;
use crate::expr::{Result, bail};

/// A binary operator.
pub(super) fn binary(op: Basic, a: &Src<'_, f64>, b: &Src<'_, f64>, rows: usize) -> Result<Vec<f64>> {
    if matches!(op, Basic::TrueDiv | Basic::FloorDiv | Basic::Mod) && !b.all(|b| b != 0.0) {
        return bail("a division by zero");
    }
    Ok(match op {
        Basic::Add => zip(a, b, rows, |a, b| a + b),
        Basic::Sub => zip(a, b, rows, |a, b| a - b),
        Basic::Mul => zip(a, b, rows, |a, b| a * b),
        Basic::TrueDiv => zip(a, b, rows, |a, b| a / b),
        Basic::FloorDiv => zip(a, b, rows, |a, b| div_mod(a, b).0),
        Basic::Mod => zip(a, b, rows, |a, b| div_mod(a, b).1),
        Basic::Pow => try_zip(a, b, rows, power)?,
        _ => return bail(format!("{} of floats", op.name())),
    })
}

/// Python's `divmod`; the divisor is not zero. The remainder is exact and has the divisor's sign, zero included.
pub(super) fn div_mod(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 {
        if (b < 0.0) != (rest < 0.0) {
            rest += b;
            quotient -= 1.0;
        }
    } else {
        rest = 0f64.copysign(b);
    }
    if quotient == 0.0 {
        return (0f64.copysign(a / b), rest);
    }
    let whole = quotient.floor();
    // The division above may have rounded up to a half too much.
    (if quotient - whole > 0.5 { whole + 1.0 } else { whole }, rest)
}

/// Python's `a ** b`; bails where it raises or gives a complex number.
pub(super) fn power(a: f64, b: f64) -> Result<f64> {
    if a == 0.0 && b < 0.0 {
        return bail("zero to a negative power");
    }
    if a < 0.0 && a.is_finite() && b.is_finite() && b.fract() != 0.0 {
        return bail("a complex number");
    }
    let result = a.powf(b);
    let exceptional = result.is_infinite() || result.is_subnormal() || result.is_nan();
    if exceptional && a.is_finite() && b.is_finite() {
        return bail("a power beyond the range of floats");
    }
    Ok(result)
}

/// A float without a fraction as an `int`.
pub(super) fn to_int(value: f64) -> Result<i64> {
    // Both bounds are exact floats.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        return Ok(value as i64);
    }
    bail("a float that is no int of 64 bits")
}

/// `round(value, digits)`: the decimal nearest to the exact value, ties to even, and the float nearest to that.
pub(super) fn round_to(value: f64, digits: i64) -> Result<f64> {
    if !value.is_finite() {
        return Ok(value);
    }
    match usize::try_from(digits) {
        Ok(digits) if digits > 400 => Ok(value),
        Ok(digits) => format!("{value:.digits$}").parse().or_else(|_| bail("a number that cannot be rounded")),
        Err(_) => bail("round of a float to tens"),
    }
}

/// `math.sqrt(x)`
pub(super) fn sqrt(value: &Val, rows: usize) -> Result<Val> {
    let values = Num::expect(value)?.floats();
    if !values.all(|value| value >= 0.0 || value.is_nan()) {
        return bail("a square root of a negative number");
    }
    Ok(Val::float(values.map(rows, f64::sqrt)))
}

/// `math.log(x)`, `math.log2(x)` and `math.log10(x)`, by the same functions of the C library as CPython's.
pub(super) fn logarithm(op: Basic, value: &Val, rows: usize) -> Result<Val> {
    let values = Num::expect(value)?.floats();
    if !values.all(|value| value > 0.0 || value.is_nan()) {
        return bail("a logarithm of a number that is not positive");
    }
    let function = match op {
        Basic::Log2 => f64::log2,
        Basic::Log10 => f64::log10,
        _ => f64::ln,
    };
    Ok(Val::float(values.map(rows, function)))
}

/// `math.exp(x)`
pub(super) fn exp(value: &Val, rows: usize) -> Result<Val> {
    let values = Num::expect(value)?.floats();
    if !values.all(|value| !value.is_finite() || value.exp().is_finite()) {
        return bail("a power beyond the range of floats");
    }
    Ok(Val::float(values.map(rows, f64::exp)))
}

/// `math.floor(x)` and `math.ceil(x)`
pub(super) fn whole(op: Basic, value: &Val, rows: usize) -> Result<Val> {
    let round = if op == Basic::Floor { f64::floor } else { f64::ceil };
    Ok(Val::int(match Num::expect(value)? {
        Num::Int(values) => values.map(rows, |value| value),
        Num::Float(values) => (0..rows).map(|row| to_int(round(values.get(row)))).collect::<Result<_>>()?,
    }))
}

/// `x.is_integer()`, which an `int` has only in newer Pythons.
pub(super) fn is_integer(value: &Val, rows: usize) -> Result<Val> {
    match Num::expect(value)? {
        Num::Float(values) => Ok(Val::bool(values.map(rows, |value| value.is_finite() && value.fract() == 0.0).into())),
        Num::Int(_) => bail("is_integer of an int"),
    }
}
