//! How fast do native programs run over columns? Answers are checked first; figures are of one core, and on Linux of
//! processor time, so that a busy machine gives the same ones.
//!
//! `cargo bench --no-default-features --bench expr`

#![expect(clippy::expect_used, reason = "a benchmark may fail as it likes")]

mod harness;

use std::hint::black_box;
use std::sync::Arc;

use _native::block::{Columns, Kind};
use _native::expr::{Expr, Node, NodeId, Op, Program, RowFolder, Value};
use arrow_array::cast::AsArray;
use arrow_array::{Float64Array, Int64Array, StringViewArray};
use arrow_buffer::Buffer;
use harness::time;

const ROWS: usize = 8192;
const WORDS: [&str; 12] =
    ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "#dog", "and", "international", "is"];

struct Build(Expr);

impl Build {
    fn add(&mut self, node: Node) -> NodeId {
        self.0.add(node).expect("a small expression")
    }

    fn int(&mut self, value: i64) -> NodeId {
        self.add(Node::Const(Value::Int(value)))
    }

    fn text(&mut self, value: &str) -> NodeId {
        self.add(Node::Const(Value::text(value)))
    }

    fn op(&mut self, name: &str, operands: &[NodeId]) -> NodeId {
        self.add(Node::Op(Op::from_name(name), operands.to_vec()))
    }
}

fn program(build: impl FnOnce(&mut Build, NodeId)) -> Program {
    let mut expr = Build(Expr::new());
    let x = expr.add(Node::Arg(0));
    build(&mut expr, x);
    Program::new(Arc::new(expr.0), 1)
}

/// Lines of ten words in one buffer, as a socket or file gives them.
fn lines() -> Columns {
    let mut text = String::new();
    let mut views = Vec::new();
    for line in 0..ROWS {
        let start = text.len();
        let words: Vec<&str> = (0..10).map(|word| WORDS[(line * 7 + word * word) % WORDS.len()]).collect();
        text.push_str(&words.join(" "));
        views.push(arrow_array::builder::make_view(&text.as_bytes()[start..], 0, start as u32));
        text.push('\n');
    }
    let array = StringViewArray::try_new(views.into(), vec![Buffer::from_vec(text.into_bytes())], None);
    Columns::new(Kind::Str, Arc::new(array.expect("valid views")))
}

fn bytes_of(columns: &Columns) -> usize {
    columns.array().as_string_view().lengths().map(|length| length as usize + 1).sum()
}

fn main() {
    let lines = lines();
    let split = program(|e, x| {
        let sep = e.text(" ");
        e.op("method.split", &[x, sep]);
    });
    let (words, counts) = split.flatten(std::slice::from_ref(&lines), ROWS).expect("native");
    assert_eq!(counts, vec![10; ROWS]);
    assert_eq!(words.array().as_string_view().value(0), WORDS[0]);
    time("flatMap: line.split(' ')", ROWS, bytes_of(&lines), || {
        black_box(split.flatten(black_box(std::slice::from_ref(&lines)), ROWS).expect("native"));
    });
    let spaces = program(|e, x| {
        e.op("method.split", &[x]);
    });
    assert_eq!(spaces.flatten(std::slice::from_ref(&lines), ROWS).expect("native").1, counts);
    time("flatMap: line.split()", ROWS, bytes_of(&lines), || {
        black_box(spaces.flatten(black_box(std::slice::from_ref(&lines)), ROWS).expect("native"));
    });
    of_words(&words);
    of_numbers();
    folds();
}

fn eval(name: &str, program: &Program, column: &Columns, width: usize) {
    let rows = column.len();
    time(name, rows, rows * width, || {
        black_box(program.eval(black_box(std::slice::from_ref(column)), rows).expect("native"));
    });
}

fn test(name: &str, program: &Program, column: &Columns, width: usize) {
    let rows = column.len();
    time(name, rows, rows * width, || {
        black_box(program.test(black_box(std::slice::from_ref(column)), rows).expect("native"));
    });
}

fn of_words(words: &Columns) {
    let pair = program(|e, x| {
        let one = e.int(1);
        e.add(Node::Tuple(vec![x, one]));
    });
    eval("map: (w, 1)", &pair, words, 16);
    let long = program(|e, x| {
        let (length, three) = (e.op("len", &[x]), e.int(3));
        e.op("gt", &[length, three]);
    });
    let count = long.test(std::slice::from_ref(words), words.len()).expect("native").count_set_bits();
    assert_eq!(count, words.array().as_string_view().iter().flatten().filter(|word| word.len() > 3).count());
    test("filter: len(w) > 3", &long, words, 16);
    let tag = program(|e, x| {
        let mark = e.text("#");
        e.op("method.startswith", &[x, mark]);
    });
    test("filter: w.startswith('#')", &tag, words, 16);
    let equal = program(|e, x| {
        let fox = e.text("fox");
        e.op("eq", &[x, fox]);
    });
    test("filter: w == 'fox'", &equal, words, 16);
    let upper = program(|e, x| {
        e.op("method.upper", &[x]);
    });
    eval("map: w.upper()", &upper, words, 16);
    let strip = program(|e, x| {
        e.op("method.strip", &[x]);
    });
    eval("map: w.strip()", &strip, words, 16);
}

fn of_numbers() {
    let numbers: Vec<i64> = (0..ROWS as i64).map(|number| number * 7919 % 100_000).collect();
    let ints = Columns::new(Kind::Int, Arc::new(Int64Array::from(numbers.clone())));
    let floats: Vec<f64> = numbers.iter().map(|number| *number as f64 / 8.0).collect();
    let floats = Columns::new(Kind::Float, Arc::new(Float64Array::from(floats)));
    for (name, op, operand) in
        [("x + 1", "add", 1), ("x * 3", "mul", 3), ("x % 10", "mod", 10), ("x // 7", "floordiv", 7)]
    {
        let program = program(|e, x| {
            let operand = e.int(operand);
            e.op(op, &[x, operand]);
        });
        eval(&format!("map: {name}"), &program, &ints, 8);
        eval(&format!("map: {name} of floats"), &program, &floats, 8);
    }
    let even = program(|e, x| {
        let (two, zero) = (e.int(2), e.int(0));
        let rest = e.op("mod", &[x, two]);
        e.op("eq", &[rest, zero]);
    });
    test("filter: x % 2 == 0", &even, &ints, 8);
    let branch = program(|e, x| {
        let (limit, half) = (e.int(500), e.int(2));
        let (cond, then) = (e.op("lt", &[x, limit]), e.op("floordiv", &[x, half]));
        e.add(Node::If { cond, then, other: x });
    });
    eval("map: x // 2 if x < 500 else x", &branch, &ints, 8);
}

/// Row by row: `(acc[0] + v, acc[1] + 1)` over the values of a thousand keys.
fn folds() {
    let create = program(|e, v| {
        let one = e.int(1);
        e.add(Node::Tuple(vec![v, one]));
    });
    let mut merge = Build(Expr::new());
    let (folded, value, zero, one) = (merge.add(Node::Arg(0)), merge.add(Node::Arg(1)), merge.int(0), merge.int(1));
    let (sum, count) = (merge.op("getitem", &[folded, zero]), merge.op("getitem", &[folded, one]));
    let (sum, count) = (merge.op("add", &[sum, value]), merge.op("add", &[count, one]));
    merge.add(Node::Tuple(vec![sum, count]));
    let merge = Program::new(Arc::new(merge.0), 2);
    let ids: Vec<u32> = (0..ROWS as u32).map(|row| row % 1000).collect();
    let values: arrow_array::ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row * 3)));
    let new = || RowFolder::new(Some(&create), &merge, &Kind::Int).expect("native");
    let mut folder = new();
    assert!(folder.add(&ids, &values).expect("no error").is_ok());
    let sums = folder.finish().expect("no error").1;
    let expected: i64 = (0..ROWS as i64).filter(|row| row % 1000 == 7).map(|row| row * 3).sum();
    assert_eq!(sums.as_struct().column(0).as_primitive::<arrow_array::types::Int64Type>().value(7), expected);
    time("fold: (acc[0] + v, acc[1] + 1)", ROWS, ROWS * 8, || {
        let mut folder = new();
        black_box(folder.add(black_box(&ids), &values).expect("no error").is_ok());
    });
}
