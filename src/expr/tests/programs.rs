//! What programs do with rows, branches, buffers and types.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, StringViewArray};
use arrow_buffer::OffsetBuffer;

use super::{Build, floats, int_values, ints, program, text_values, texts};
use crate::block::{Columns, Kind, list_array};
use crate::expr::{Expr, Fold, Node, Program, Value};

fn split() -> Program {
    program(1, |e| {
        let (line, sep) = (e.arg(0), e.text(" "));
        e.op("method.split", &[line, sep])
    })
}

const LINE: &str = "a line with some words, one-of-which-is-long, and  two spaces ";

#[test]
fn words_are_views_of_their_line() {
    let lines = texts(&[LINE, "", "short"]);
    let (words, counts) = split().flatten(std::slice::from_ref(&lines), 3).unwrap();
    let expected: Vec<&str> = [LINE, "", "short"].iter().flat_map(|line| line.split(' ')).collect();
    assert_eq!(text_values(&words), expected);
    assert_eq!(counts, [11, 1, 1]);
    let (words, lines) = (words.array().as_string_view(), lines.array().as_string_view());
    assert!(Arc::ptr_eq(words.data_buffers(), lines.data_buffers()), "no text is copied");
    // What was built without checks is valid.
    StringViewArray::try_new(words.views().clone(), words.data_buffers().to_vec(), None).unwrap();
}

#[test]
fn separators_are_found_at_every_place_of_a_line() {
    for length in 0..40 {
        for at in 0..length {
            let mut line = vec![b'x'; length];
            line[at] = b' ';
            line[length - 1] = if at % 2 == 0 { 0xa0 - 0x80 } else { b'!' };
            let line = String::from_utf8(line).unwrap();
            let (words, _) = split().flatten(&[texts(&[&line])], 1).unwrap();
            assert_eq!(text_values(&words), line.split(' ').collect::<Vec<_>>());
        }
    }
}

#[test]
fn white_space_is_found_at_every_place_of_a_line() {
    let words = program(1, |e| {
        let line = e.arg(0);
        e.op("method.split", &[line])
    });
    let spaces = ['\t', '\n', '\x0b', '\x0c', '\r', '\x1c', '\x1d', '\x1e', '\x1f', ' '];
    for c in (0..128).map(char::from) {
        for length in [1, 5, 8, 9, 16, 30] {
            for at in 0..length {
                let line: String = (0..length).map(|place| if place % 7 == at % 7 { c } else { 'x' }).collect();
                let expected: Vec<&str> = line.split(spaces).filter(|word| !word.is_empty()).collect();
                let (found, _) = words.flatten(&[texts(&["a b", &line])], 2).unwrap();
                assert_eq!(text_values(&found)[2..], expected, "{line:?}");
            }
        }
    }
}

#[test]
fn deep_branches_fit_a_small_stack() {
    let deep = program(1, |e| {
        let x = e.arg(0);
        let mut value = e.int(0);
        for level in 1..49 {
            let (limit, one) = (e.int(level), e.int(1));
            let cond = e.op("gt", &[x, limit]);
            // Not cheap, so each level selects its rows.
            let text = e.op("str", &[value]);
            let inner = e.op("int", &[text]);
            value = e.node(Node::If { cond, then: inner, other: one });
        }
        value
    });
    let numbers: Vec<i64> = (0..100).collect();
    let run = move || deep.eval(&[ints(&numbers)], 100).map(|result| int_values(&result)[..2].to_vec());
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap();
    assert_eq!(thread.join().unwrap(), Ok(vec![1, 1]));
}

#[test]
fn slices_of_columns_are_read_where_they_are() {
    let lines = texts(&["no", "a b", LINE, "no"]).slice(1, 2);
    let (words, counts) = split().flatten(&[lines], 2).unwrap();
    assert_eq!((words.len(), counts), (13, vec![2, 11]));
}

#[test]
fn a_branch_counts_only_for_its_rows() {
    let divide = program(1, |e| {
        let x = e.arg(0);
        let (hundred, minus) = (e.int(100), e.int(-1));
        let quotient = e.op("floordiv", &[hundred, x]);
        e.node(Node::If { cond: x, then: quotient, other: minus })
    });
    assert_eq!(int_values(&divide.eval(&[ints(&[0, 7, 0, -3])], 4).unwrap()), [-1, 14, -1, -34]);
    assert_eq!(int_values(&divide.eval(&[ints(&[0, 0])], 2).unwrap()), [-1, -1]);
}

#[test]
fn none_beside_values_becomes_null_and_types_do_not_mix() {
    let maybe = |other: Value| {
        program(1, |e| {
            let x = e.arg(0);
            let other = e.node(Node::Const(other));
            e.node(Node::If { cond: x, then: x, other })
        })
    };
    let result = maybe(Value::None).eval(&[ints(&[0, 5])], 2).unwrap();
    assert_eq!((result.kind(), result.array().null_count()), (&Kind::Int, 1));
    let mixed = maybe(Value::text("a")).eval(&[ints(&[0, 5])], 2).unwrap_err();
    assert!(mixed.reason.contains("in one column"), "{mixed}");
    assert_eq!(text_values(&maybe(Value::text("a")).eval(&[ints(&[0, 0])], 2).unwrap()), ["a", "a"]);
}

fn group() -> Columns {
    let items: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 2]));
    let lists = list_array(items, OffsetBuffer::from_lengths([2, 1]), None).unwrap();
    Columns::new(Kind::Group(Box::new(Kind::Int)), lists)
}

#[test]
fn a_group_is_counted_and_summed_but_is_no_list() {
    let run = |name: &str| {
        program(1, |e| {
            let x = e.arg(0);
            e.op(name, &[x])
        })
        .eval(&[group()], 2)
    };
    assert_eq!(int_values(&run("len").unwrap()), [2, 1]);
    assert_eq!(int_values(&run("sum").unwrap()), [4, 2]);
    assert_eq!(run("sorted").unwrap().kind(), &Kind::List(Box::new(Kind::Int)));
    assert_eq!(run("list").unwrap().kind(), &Kind::List(Box::new(Kind::Int)));
    assert!(run("str").is_err());
    assert!(run("reversed").is_err());
    let indexed = program(1, |e| {
        let (x, at) = (e.arg(0), e.int(0));
        e.op("getitem", &[x, at])
    });
    assert!(indexed.eval(&[group()], 2).is_err());
    let itself = program(1, |e| e.arg(0));
    assert_eq!(itself.eval(&[group()], 2).unwrap().kind(), group().kind());
}

#[test]
fn a_list_is_not_put_at_two_places() {
    let twice = program(1, |e| {
        let x = e.arg(0);
        e.node(Node::Tuple(vec![x, x]))
    });
    assert!(twice.eval(&[group()], 2).is_err());
    assert!(twice.eval(&[ints(&[1])], 1).is_ok());
}

#[test]
fn programs_are_stored_and_read_back() {
    let built = program(2, |e| {
        let (x, y) = (e.arg(0), e.arg(1));
        let nan = e.node(Node::Const(Value::float(f64::NAN)));
        let sum = e.op("add", &[x, y]);
        e.node(Node::Tuple(vec![sum, nan, sum]))
    });
    let stored = serde_json::to_string(&built).unwrap();
    let read: Program = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, built);
    assert_eq!(read.to_string(), "lambda x0, x1: ((x0 + x1), nan, (x0 + x1))");
    assert!(serde_json::from_str::<Program>(r#"{"expr": {"nodes": [{"Not": 0}], "root": 0}, "arity": 1}"#).is_err());
    assert!(serde_json::from_str::<Program>(r#"{"expr": {"nodes": [], "root": 0}, "arity": 1}"#).is_err());
}

#[test]
fn equal_nodes_are_one() {
    let mut e = Build(Expr::new());
    let (x, one) = (e.arg(0), e.int(1));
    assert_eq!(e.op("add", &[x, one]), e.op("add", &[x, one]));
    // `True` and `1`, `0.0` and `-0.0` are equal to Python, but not one.
    assert_ne!(e.node(Node::Const(Value::Bool(true))), one);
    assert_ne!(e.node(Node::Const(Value::float(0.0))), e.node(Node::Const(Value::float(-0.0))));
}

#[test]
fn wrong_calls_bail() {
    let program = program(1, |e| e.arg(0));
    assert!(program.eval(&[], 1).is_err());
    assert!(program.eval(&[ints(&[1])], 2).is_err());
    assert!(program.eval(&[Columns::new(Kind::Str, Arc::new(Int64Array::from(vec![1])))], 1).is_err());
    assert_eq!(program.fold(), None);
    assert!(Program::new(Arc::new(Expr::new()), 0).eval(&[], 1).is_err());
}

#[test]
fn sums_are_recognised() {
    let sum = program(2, |e| {
        let (x, y) = (e.arg(0), e.arg(1));
        e.op("add", &[x, y])
    });
    assert_eq!(sum.fold(), Some(Fold::Sum));
}

#[test]
fn a_short_text_is_held_by_its_view() {
    let first = program(1, |e| {
        let (line, zero) = (e.arg(0), e.int(0));
        let sep = e.text(" ");
        let words = e.op("method.split", &[line, sep]);
        e.op("getitem", &[words, zero])
    });
    let result = first.eval(&[texts(&[LINE, "averyveryverylongword x"])], 2).unwrap();
    assert_eq!(text_values(&result), ["a", "averyveryverylongword"]);
    assert_eq!(result.array().as_string_view().views()[0] as u32, 1);
}

#[test]
fn lists_side_by_side_end_with_the_shortest() {
    let pairs = program(1, |e| {
        let (line, comma, one) = (e.arg(0), e.text(","), e.int(1));
        let none = e.node(Node::Const(Value::None));
        let words = e.op("method.split", &[line, comma]);
        let rest = e.op("slice", &[words, one, none, none]);
        e.op("zip", &[words, rest])
    });
    let (items, counts) = pairs.flatten(&[texts(&["a,b,c", "x", "y,z"])], 3).unwrap();
    assert_eq!(counts, [2, 0, 1]);
    let parts = items.array().as_struct();
    let (firsts, seconds) = (parts.column(0).as_string_view(), parts.column(1).as_string_view());
    let found: Vec<_> = firsts.iter().flatten().zip(seconds.iter().flatten()).collect();
    assert_eq!(found, [("a", "b"), ("b", "c"), ("y", "z")]);
}

#[test]
fn sets_of_text_and_ints_alone_are_counted() {
    let count = program(1, |e| {
        let line = e.arg(0);
        let words = e.op("method.split", &[line]);
        let different = e.op("distinct", &[words]);
        e.op("len", &[different])
    });
    assert_eq!(int_values(&count.eval(&[texts(&["a b a", "", "x x"])], 3).unwrap()), [2, 0, 1]);
    let of_two = program(1, |e| {
        let value = e.arg(0);
        let both = e.node(Node::List(vec![value, value]));
        let different = e.op("distinct", &[both]);
        e.op("len", &[different])
    });
    assert_eq!(int_values(&of_two.eval(&[ints(&[5, 6])], 2).unwrap()), [1, 1]);
    // NaN is in a set once or twice, depending on which object it is.
    assert!(of_two.eval(&[floats(&[f64::NAN])], 1).is_err());
}
