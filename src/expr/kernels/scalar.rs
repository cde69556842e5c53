//! The arithmetic of the kernels for single numbers; `None` where Python raises or leaves 64 bits.

use super::{arith, float};

/// Python's `a // b`.
#[inline]
pub(in crate::expr) fn floor_div(a: i64, b: i64) -> Option<i64> {
    (b != 0 && !(a == i64::MIN && b == -1)).then(|| arith::floor_div(a, b))
}

/// Python's `a % b`.
#[inline]
pub(in crate::expr) fn floor_mod(a: i64, b: i64) -> Option<i64> {
    (b != 0).then(|| arith::floor_mod(a, b))
}

/// `a / b`, where one rounding gives it.
#[inline]
pub(in crate::expr) fn divide(a: i64, b: i64) -> Option<f64> {
    (b != 0 && arith::exact_as_float(a) && arith::exact_as_float(b)).then(|| a as f64 / b as f64)
}

/// `a ** b`, if it is an int.
pub(in crate::expr) fn power(a: i64, b: i64) -> Option<i64> {
    if b < 0 { None } else { arith::int_power(a, b) }
}

/// `a << b`
pub(in crate::expr) fn shift_left(a: i64, b: i64) -> Option<i64> {
    arith::shift_left(a, b).ok()
}

/// `a >> b`
pub(in crate::expr) fn shift_right(a: i64, b: i64) -> Option<i64> {
    arith::shift_right(a, b).ok()
}

/// Python's `divmod(a, b)`; b is not zero.
pub(in crate::expr) fn float_div_mod(a: f64, b: f64) -> (f64, f64) {
    float::div_mod(a, b)
}

/// `a ** b`, if it is a float.
pub(in crate::expr) fn float_power(a: f64, b: f64) -> Option<f64> {
    float::power(a, b).ok()
}

/// A float without a fraction as an `int`.
#[inline]
pub(in crate::expr) fn to_int(value: f64) -> Option<i64> {
    float::to_int(value).ok()
}

/// `round(value, digits)`
pub(in crate::expr) fn round_to(value: f64, digits: i64) -> Option<f64> {
    float::round_to(value, digits).ok()
}
