//! Folds row by row against the same functions written in Rust.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringViewArray};
use proptest::prelude::*;

use super::RowFolder;
use crate::block::{Kind, tuple_array};
use crate::expr::{Basic, Expr, Node, NodeId, Op, Program, Value};
use crate::kernel::fold::Stop;

/// An expression that is built from the bottom.
#[derive(Default)]
struct Build(Expr);

impl Build {
    fn add(&mut self, node: Node) -> NodeId {
        self.0.add(node).unwrap()
    }

    fn arg(&mut self, position: usize) -> NodeId {
        self.add(Node::Arg(position))
    }

    fn int(&mut self, value: i64) -> NodeId {
        self.add(Node::Const(Value::Int(value)))
    }

    fn op(&mut self, op: Basic, operands: &[NodeId]) -> NodeId {
        self.add(Node::Op(Op::Basic(op), operands.to_vec()))
    }

    /// Item `at` of argument `of`.
    fn item(&mut self, of: usize, at: i64) -> NodeId {
        let (of, at) = (self.arg(of), self.int(at));
        self.op(Basic::GetItem, &[of, at])
    }

    fn program(self, arity: usize) -> Program {
        Program::new(Arc::new(self.0), arity)
    }
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// `a * 10 + b`
fn digits() -> Program {
    let mut build = Build::default();
    let (a, b, ten) = (build.arg(0), build.arg(1), build.int(10));
    let shifted = build.op(Basic::Mul, &[a, ten]);
    build.op(Basic::Add, &[shifted, b]);
    build.program(2)
}

#[test]
fn a_row_that_leaves_64_bits_stops_the_fold_before_it() {
    let mut folder = RowFolder::new(None, &digits(), &Kind::Int).unwrap();
    let found = folder.add(&[0, 1, 0, 1, 0], &ints(&[i64::MAX / 10, 1, 7, 2, 3])).unwrap();
    assert_eq!(found, Err(Stop { row: 4 }));
    let (kind, folded) = folder.finish().unwrap();
    assert_eq!(kind, Kind::Int);
    assert_eq!(folded.as_primitive::<Int64Type>().values(), &[i64::MAX, 12]);
}

#[test]
fn a_none_stops_the_fold_before_it() {
    let mut folder = RowFolder::new(None, &digits(), &Kind::Int).unwrap();
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None]));
    assert_eq!(folder.add(&[0, 0, 0], &values).unwrap(), Err(Stop { row: 2 }));
}

#[test]
fn what_may_have_two_types_has_no_form() {
    let mut build = Build::default();
    let (a, b) = (build.arg(0), build.arg(1));
    build.op(Basic::TrueDiv, &[a, b]);
    let halves = build.program(2);
    assert!(RowFolder::new(None, &halves, &Kind::Int).is_err());
    assert!(RowFolder::new(None, &halves, &Kind::Float).is_ok());
    assert!(RowFolder::new(None, &digits(), &Kind::Str).is_err());
    assert!(RowFolder::new(None, &digits(), &Kind::List(Box::new(Kind::Int))).is_err());
}

#[test]
fn texts_may_change_places() {
    let mut build = Build::default();
    let (one, other) = (build.item(0, 1), build.item(0, 0));
    let (b, zero) = (build.arg(1), build.int(0));
    let first = build.op(Basic::GetItem, &[b, zero]);
    let longer = build.op(Basic::Add, &[other, first]);
    build.add(Node::Tuple(vec![one, longer]));
    let kind = Kind::Tuple { items: vec![Kind::Str, Kind::Str], class: None };
    let mut folder = RowFolder::new(None, &build.program(2), &kind).unwrap();
    let column = |texts: &[&str]| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(texts)) };
    let values = tuple_array(vec![column(&["a", "é", "c"]), column(&["x", "y", "z"])], None).unwrap();
    folder.add(&[0, 0, 0], &values).unwrap().unwrap();
    let (_, folded) = folder.finish().unwrap();
    let texts: Vec<&str> = folded.as_struct().columns().iter().map(|texts| texts.as_string_view().value(0)).collect();
    // (a, x), (x, aé), (aé, xc)
    assert_eq!(texts, ["aé", "xc"]);
}

/// `(acc[0] + v, acc[1] + 1)` from `(v, 1)`
fn mean() -> (Program, Program) {
    let mut build = Build::default();
    let (v, one) = (build.arg(0), build.int(1));
    build.add(Node::Tuple(vec![v, one]));
    let create = build.program(1);
    let mut build = Build::default();
    let (sum, count, v, one) = (build.item(0, 0), build.item(0, 1), build.arg(1), build.int(1));
    let sum = build.op(Basic::Add, &[sum, v]);
    let count = build.op(Basic::Add, &[count, one]);
    build.add(Node::Tuple(vec![sum, count]));
    (create, build.program(2))
}

/// `b if b > a else a` of pairs, which compares them as tuples
fn greatest() -> Program {
    let mut build = Build::default();
    let (a, b) = (build.arg(0), build.arg(1));
    build.op(Basic::Max, &[a, b]);
    build.program(2)
}

proptest! {
    #[test]
    fn sums_and_counts_are_those_of_a_loop(
        rows in prop::collection::vec((0_u32..4, any::<f64>()), 0..40), cut in 0_usize..40
    ) {
        let mut numbers: Vec<u32> = Vec::new();
        let mut model: Vec<(f64, i64)> = Vec::new();
        // Keys get numbers in the order of appearance.
        let ids: Vec<u32> = rows.iter().map(|(key, value)| {
            let id = numbers.iter().position(|known| known == key).unwrap_or_else(|| {
                numbers.push(*key);
                numbers.len() - 1
            });
            match model.get_mut(id) {
                Some((sum, count)) => { *sum += value; *count += 1; }
                None => model.push((*value, 1)),
            }
            id as u32
        }).collect();
        let (create, merge) = mean();
        let mut folder = RowFolder::new(Some(&create), &merge, &Kind::Float).unwrap();
        let values: ArrayRef = Arc::new(Float64Array::from(rows.iter().map(|(_, value)| *value).collect::<Vec<_>>()));
        let cut = cut.min(rows.len());
        folder.add(&ids[..cut], &values.slice(0, cut)).unwrap().unwrap();
        folder.add(&ids[cut..], &values.slice(cut, rows.len() - cut)).unwrap().unwrap();
        let (_, folded) = folder.finish().unwrap();
        let columns = folded.as_struct().columns();
        let sums: Vec<u64> = columns[0].as_primitive::<Float64Type>().values().iter().map(|sum| sum.to_bits()).collect();
        prop_assert_eq!(sums, model.iter().map(|(sum, _)| sum.to_bits()).collect::<Vec<_>>());
        let counts: Vec<i64> = columns[1].as_primitive::<Int64Type>().values().to_vec();
        prop_assert_eq!(counts, model.iter().map(|(_, count)| *count).collect::<Vec<_>>());
    }

    #[test]
    fn the_greatest_pair_is_that_of_a_loop(rows in prop::collection::vec((-2_i64..3, "[aé]{0,3}"), 1..30)) {
        let kind = Kind::Tuple { items: vec![Kind::Int, Kind::Str], class: None };
        let mut folder = RowFolder::new(None, &greatest(), &kind).unwrap();
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(rows.iter().map(|row| &row.1)));
        let numbers = ints(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let values = tuple_array(vec![numbers, texts], None).unwrap();
        folder.add(&vec![0; rows.len()], &values).unwrap().unwrap();
        let (_, folded) = folder.finish().unwrap();
        let best = rows.iter().max().unwrap();
        let columns = folded.as_struct().columns();
        prop_assert_eq!(columns[0].as_primitive::<Int64Type>().value(0), best.0);
        prop_assert_eq!(columns[1].as_string_view().value(0), &best.1);
    }
}
