//! What a condition says of an operation is what the operation does.

use arrow_array::cast::AsArray;
use proptest::prelude::*;

use super::{Build, NodeId, float_values, floats, int_values, ints, program, texts};
use crate::block::Columns;

/// What an operation gives for a row alone, and what its condition says of all rows; None where that bails.
fn check(
    column: &Columns,
    asked: impl Fn(&mut Build, NodeId) -> NodeId,
    done: impl Fn(&mut Build, NodeId) -> NodeId,
    row: impl Fn(usize) -> Columns,
) -> Result<(), TestCaseError> {
    let condition = program(1, |e| {
        let x = e.arg(0);
        asked(e, x)
    });
    let operation = program(1, |e| {
        let x = e.arg(0);
        done(e, x)
    });
    let Ok(answers) = condition.eval(std::slice::from_ref(column), column.len()) else { return Ok(()) };
    let answers = answers.array().as_boolean().clone();
    for at in 0..answers.len() {
        prop_assert_eq!(answers.value(at), operation.eval(&[row(at)], 1).is_ok(), "row {}", at);
    }
    Ok(())
}

proptest! {
    #[test]
    fn of_text_as_numbers(values in prop::collection::vec("[-+ 0-9._einfa]{0,5}", 1..20)) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        for (asks, name) in [("can_int", "int"), ("can_float", "float")] {
            let one = |at: usize| texts(&[values[at]]);
            check(&texts(&values), |e, x| e.op(asks, &[x]), |e, x| e.op(name, &[x]), one)?;
        }
    }

    #[test]
    fn of_items(values in prop::collection::vec("[a,é]{0,6}", 1..20), index in -4..4i64) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let one = |at: usize| texts(&[values[at]]);
        let item = |name: &'static str| move |e: &mut Build, x: NodeId| { let at = e.int(index); e.op(name, &[x, at]) };
        check(&texts(&values), item("can_getitem"), item("getitem"), one)?;
        let part = |name: &'static str| move |e: &mut Build, x: NodeId| {
            let (comma, at) = (e.text(","), e.int(index));
            let parts = e.op("method.split", &[x, comma]);
            e.op(name, &[parts, at])
        };
        check(&texts(&values), part("can_getitem"), part("getitem"), one)?;
        check(&texts(&values), part("can_unpack"), part("unpack"), one)?;
    }

    #[test]
    fn of_divisions(values in prop::collection::vec(-2..3i64, 1..20)) {
        for name in ["truediv", "floordiv", "mod"] {
            let by = |name: &'static str| move |e: &mut Build, x: NodeId| { let one = e.int(7); e.op(name, &[one, x]) };
            check(&ints(&values), by("can_divide"), by(name), |at| ints(&[values[at]]))?;
            let real: Vec<f64> = values.iter().map(|value| *value as f64).collect();
            check(&floats(&real), by("can_divide"), by(name), |at| floats(&[real[at]]))?;
        }
    }
}

#[test]
fn a_row_that_would_raise_takes_the_other_way() {
    let parsed = program(1, |e| {
        let x = e.arg(0);
        let (cond, then, other) = (e.op("can_int", &[x]), e.op("int", &[x]), e.int(-1));
        e.node(super::Node::If { cond, then, other })
    });
    let values = parsed.eval(&[texts(&["7", "x", " 12 ", ""])], 4).unwrap();
    assert_eq!(int_values(&values), [7, -1, 12, -1]);
    // Whether this is a number only Python says.
    assert!(parsed.eval(&[texts(&["7", "\u{663}"])], 2).is_err());
    let read = program(1, |e| {
        let x = e.arg(0);
        e.op("float", &[x])
    });
    assert_eq!(float_values(&read.eval(&[texts(&["1.5"])], 1).unwrap()), [1.5]);
}
