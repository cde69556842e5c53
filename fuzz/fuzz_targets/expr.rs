//! Any expression over any columns: an answer with a value for every row, or none; and as a fold, row by row and in rounds.
//!
//! The bytes are read as a list of choices: some columns first, then nodes that use what is there already.
#![no_main]

use std::sync::Arc;

use _native::block::{Columns, Kind, list_array, tuple_array};
use _native::expr::{Basic, Expr, Method, Node, NodeId, Op, Part, Program, RoundFolder, RowFolder, Value};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, NullArray, StringViewArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use libfuzzer_sys::fuzz_target;

const INTS: [i64; 14] = [0, 1, -1, 2, 7, -3, 10, 64, 255, 1000, 1 << 53, i64::MAX, i64::MIN, i64::MAX - 1];
const FLOATS: [f64; 12] = [
    0.0,
    -0.0,
    1.0,
    -2.5,
    0.1,
    1e16,
    1e300,
    5e-324,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    9_223_372_036_854_775_808.0,
];
const TEXTS: [&str; 18] = [
    "",
    "a",
    "A b  c",
    "7",
    "-12",
    " 3.5 ",
    "1e5",
    "#tag",
    "a,b,,c",
    "Ünï ß",
    "\u{0130}x",
    "\n\r\n\t",
    "%s:%d",
    "{}-{:>5}",
    "a text of more than twelve bytes",
    "0x1f",
    "nan",
    "\u{0}\u{1F600}",
];
const SPECS: [&str; 10] = ["", "d", ".2f", ">10", "05d", ",", "x", "^12.3", "%", "e"];
const MOST_NODES: usize = 40;

/// The input, as choices.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> Option<usize> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(usize::from(*first))
    }

    fn below(&mut self, count: usize) -> usize {
        self.next().unwrap_or(0) % count
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// One of the nodes that are there.
    fn node(&mut self, count: usize) -> NodeId {
        self.below(count) as NodeId
    }

    fn nodes(&mut self, count: usize) -> Vec<NodeId> {
        (0..self.below(4)).map(|_| self.node(count)).collect()
    }
}

/// A column of a random kind. Some values may be None.
fn column(from: &mut Choices<'_>, rows: usize, depth: usize) -> (Kind, ArrayRef) {
    let present: Vec<bool> = match from.below(4) {
        0 => (0..rows).map(|_| from.below(3) > 0).collect(),
        _ => vec![true; rows],
    };
    let some = |row: usize| present[row].then_some(());
    match from.below(if depth == 0 { 6 } else { 10 }) {
        0 => (Kind::None, Arc::new(NullArray::new(rows))),
        1 => {
            (Kind::Bool, Arc::new((0..rows).map(|row| some(row).map(|()| from.below(2) > 0)).collect::<BooleanArray>()))
        }
        2 => (Kind::Int, Arc::new((0..rows).map(|row| some(row).map(|()| from.of(&INTS))).collect::<Int64Array>())),
        3 => {
            (Kind::Float, Arc::new((0..rows).map(|row| some(row).map(|()| from.of(&FLOATS))).collect::<Float64Array>()))
        }
        4 => {
            (Kind::Str, Arc::new((0..rows).map(|row| some(row).map(|()| from.of(&TEXTS))).collect::<StringViewArray>()))
        }
        5 => {
            let bytes = (0..rows).map(|row| some(row).map(|()| from.of(&TEXTS).as_bytes()));
            (Kind::Bytes, Arc::new(bytes.collect::<BinaryViewArray>()))
        }
        6 | 7 => {
            let (items, arrays) = (0..=from.below(3)).map(|_| column(from, rows, depth - 1)).unzip();
            (Kind::Tuple { items, class: None }, tuple_array(arrays, Some(present.into())).expect("equal lengths"))
        }
        which => {
            let mut offsets = vec![0_i32];
            for row in 0..rows {
                let length = if present[row] { from.below(4) as i32 } else { 0 };
                offsets.push(offsets[row] + length);
            }
            let (item, values) = column(from, offsets[rows] as usize, depth - 1);
            let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
            let array = list_array(values, offsets, Some(present.into())).expect("valid offsets");
            let item = Box::new(item);
            (if which == 8 { Kind::List(item) } else { Kind::Group(item) }, array)
        }
    }
}

fn constant(from: &mut Choices<'_>) -> Value {
    match from.below(8) {
        0 => Value::None,
        1 => Value::Bool(from.below(2) > 0),
        2 | 3 => Value::Int(from.of(&INTS)),
        4 => Value::float(from.of(&FLOATS)),
        5 => Value::Bytes(from.of(&TEXTS).as_bytes().into()),
        _ => Value::text(from.of(&TEXTS)),
    }
}

fn node(from: &mut Choices<'_>, count: usize, arity: usize) -> Node {
    match from.below(24) {
        0 => Node::Arg(from.below(arity + 1)),
        1 => Node::Item,
        2 | 3 => Node::Const(constant(from)),
        4 => Node::Const(Value::Tuple((0..from.below(4)).map(|_| constant(from)).collect())),
        5 => Node::Table((0..from.below(4)).map(|_| (constant(from), constant(from))).collect()),
        6 => Node::Tuple(from.nodes(count)),
        7 => Node::List(from.nodes(count)),
        8 => Node::If { cond: from.node(count), then: from.node(count), other: from.node(count) },
        9 => Node::And(from.node(count), from.node(count)),
        10 => Node::Or(from.node(count), from.node(count)),
        11 => Node::Not(from.node(count)),
        12 => Node::Seq(from.nodes(count), from.node(count)),
        13 => Node::FString(from.nodes(count)),
        14 => {
            let conversion = from.of(&[None, Some('s'), Some('r'), Some('a')]);
            Node::Format(Part { value: from.node(count), conversion, spec: from.of(&SPECS).into() })
        }
        15 => Node::Each { body: from.node(count), over: from.node(count) },
        16 => Node::Keep { cond: from.node(count), over: from.node(count) },
        17 => Node::Attr(from.node(count), "name".into()),
        18..=20 => {
            let op = Op::Method { method: from.of(Method::ALL), of_text: from.below(2) > 0 };
            Node::Op(op, std::iter::once(from.node(count)).chain(from.nodes(count)).collect())
        }
        _ => Node::Op(Op::Basic(from.of(Basic::ALL)), from.nodes(count)),
    }
}

/// Fails for a column whose parts do not fit together.
fn check(columns: &Columns, rows: usize) {
    assert_eq!(columns.len(), rows);
    columns.array().to_data().validate_full().expect("a valid column");
}

fn fold(program: &Program, values: &Columns, ids: &[u32]) {
    if let Ok(mut folder) = RowFolder::new(None, program, values.kind())
        && folder.add(ids, values.array()).is_ok_and(|added| added.is_ok())
    {
        let (kind, array) = folder.finish().expect("what was folded");
        check(&Columns::new(kind, array), ids.iter().max().map_or(0, |id| *id as usize + 1));
    }
    let mut rounds = RoundFolder::new(None, program, values.kind());
    drop(rounds.add(ids, values.array()));
}

fuzz_target!(|bytes: &[u8]| {
    let mut from = Choices(bytes);
    let (rows, arity) = (from.below(6), from.below(3));
    let columns: Vec<Columns> =
        (0..arity).map(|_| column(&mut from, rows, 2)).map(|(kind, array)| Columns::new(kind, array)).collect();
    let mut expr = Expr::new();
    for at in 0..arity {
        expr.add(Node::Arg(at)).expect("a leaf");
    }
    expr.add(Node::Item).expect("a leaf");
    while !from.0.is_empty() && expr.nodes().len() < MOST_NODES {
        let node = node(&mut from, expr.nodes().len(), arity);
        drop(expr.add(node));
    }
    let program = Program::new(Arc::new(expr), arity);
    if let Ok(result) = program.eval(&columns, rows) {
        check(&result, rows);
    }
    if let Ok(bits) = program.test(&columns, rows) {
        assert_eq!(bits.len(), rows);
    }
    if let Ok((items, counts)) = program.flatten(&columns, rows) {
        assert_eq!(counts.len(), rows);
        check(&items, counts.iter().map(|count| *count as usize).sum());
    }
    let _ = (program.fold(), program.runs_by_row(), program.to_string());
    if let [values, _] = columns.as_slice() {
        // Numbers of keys by first appearance.
        let ids: Vec<u32> = (0..rows as u32).map(|row| row.min(2)).collect();
        fold(&program, values, &ids);
    }
});
