//! Arithmetic against models: `i128` for ints, the definition for floats.

use proptest::prelude::*;

use super::{float_values, floats, int_values, ints, program};

/// Ints near the edges where things go wrong, small ones, and any.
fn edgy() -> impl Strategy<Value = i64> {
    prop_oneof![
        prop::sample::select(vec![
            0,
            1,
            -1,
            i64::MAX,
            i64::MIN,
            1 << 53,
            (1 << 53) + 1,
            1 << 32,
            (1 << 32) - 1,
            -(1 << 31)
        ]),
        -100..100i64,
        any::<i64>(),
    ]
}

fn model(op: &str, a: i128, b: i128) -> Option<i128> {
    let floor = |a: i128, b: i128| a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0);
    let value = match op {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "floordiv" => floor(a, (b != 0).then_some(b)?),
        "mod" => a - floor(a, (b != 0).then_some(b)?) * b,
        "bitand" => a & b,
        "bitor" => a | b,
        "bitxor" => a ^ b,
        "lshift" if a == 0 && b >= 0 => 0,
        "lshift" => a.checked_mul(1i128.checked_shl(u32::try_from(b).ok().filter(|b| *b < 63)?)?)?,
        _ => a >> if b < 0 { return None } else { b.min(127) },
    };
    i64::try_from(value).ok().map(i128::from)
}

const OPS: [&str; 10] = ["add", "sub", "mul", "floordiv", "mod", "bitand", "bitor", "bitxor", "lshift", "rshift"];

proptest! {
    #[test]
    fn ints_are_exact_or_bail(op in prop::sample::select(OPS.to_vec()), a in prop::collection::vec(edgy(), 1..20), b in edgy()) {
        let by_constant = program(1, |e| { let x = e.arg(0); let c = e.int(b); e.op(op, &[x, c]) });
        let by_column = program(2, |e| { let x = e.arg(0); let y = e.arg(1); e.op(op, &[x, y]) });
        let expected: Option<Vec<i64>> =
            a.iter().map(|a| model(op, i128::from(*a), i128::from(b)).map(|value| value as i64)).collect();
        let column = vec![b; a.len()];
        for result in [
            by_constant.eval(&[ints(&a)], a.len()),
            by_column.eval(&[ints(&a), ints(&column)], a.len()),
        ] {
            prop_assert_eq!(result.ok().map(|columns| int_values(&columns)), expected.clone(), "{} {}", op, b);
        }
    }

    #[test]
    fn small_dividends_divide_as_others_do(a in prop::collection::vec(0..=i64::from(u32::MAX), 1..50), b in 1..=i64::from(u32::MAX)) {
        for op in ["floordiv", "mod"] {
            let divided = program(1, |e| { let x = e.arg(0); let c = e.int(b); e.op(op, &[x, c]) });
            let expected: Vec<i64> = a.iter().map(|a| if op == "mod" { a % b } else { a / b }).collect();
            prop_assert_eq!(int_values(&divided.eval(&[ints(&a)], a.len()).unwrap()), expected);
        }
    }

    #[test]
    fn ints_compare_with_floats_exactly(a in edgy(), b in prop_oneof![any::<f64>(), edgy().prop_map(|b| b as f64)]) {
        let less = program(2, |e| { let x = e.arg(0); let y = e.arg(1); e.op("lt", &[x, y]) });
        // A float between two ints is greater than the lower one; beyond 1e30 it is beyond all ints.
        let expected = if b.is_nan() || b.abs() >= 1e30 {
            b > 0.0
        } else {
            let floor = b.floor() as i128;
            i128::from(a) < floor || (i128::from(a) == floor && b.fract() != 0.0)
        };
        let bits = less.test(&[ints(&[a]), floats(&[b])], 1).unwrap();
        prop_assert_eq!(bits.value(0), expected);
    }

    #[test]
    fn the_rest_of_a_float_division_has_the_divisors_sign(a in -1e9..1e9f64, b in prop_oneof![0.001..1e3f64, -1e3..-0.001f64]) {
        let rest = program(2, |e| { let x = e.arg(0); let y = e.arg(1); e.op("mod", &[x, y]) });
        let rest = float_values(&rest.eval(&[floats(&[a]), floats(&[b])], 1).unwrap())[0];
        prop_assert_eq!(rest.is_sign_negative(), b < 0.0);
        prop_assert!(rest.abs() <= b.abs());
    }
}

#[test]
fn division_of_ints_is_rounded_once() {
    let divide = program(2, |e| {
        let x = e.arg(0);
        let y = e.arg(1);
        e.op("truediv", &[x, y])
    });
    let exact = divide.eval(&[ints(&[1 << 53, 7]), ints(&[3, 2])], 2).unwrap();
    assert_eq!(float_values(&exact), [9_007_199_254_740_992.0 / 3.0, 3.5]);
    for (a, b) in [((1 << 53) + 1, 3), (1, (1 << 53) + 1), (1, 0)] {
        assert!(divide.eval(&[ints(&[a]), ints(&[b])], 1).is_err(), "{a} / {b}");
    }
}
