//! Tests of whole programs, without an interpreter; `tests/expr` compares programs with CPython.

mod arithmetic;
mod conditions;
mod programs;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Float64Array, Int64Array, StringViewArray};

use super::{Basic, Expr, Method, Node, NodeId, Op, Program, Value};
use crate::block::{Columns, Kind};

/// Builds an expression from the leaves up.
struct Build(Expr);

impl Build {
    fn arg(&mut self, position: usize) -> NodeId {
        self.0.add(Node::Arg(position)).unwrap()
    }

    fn int(&mut self, value: i64) -> NodeId {
        self.0.add(Node::Const(Value::Int(value))).unwrap()
    }

    fn text(&mut self, value: &str) -> NodeId {
        self.0.add(Node::Const(Value::text(value))).unwrap()
    }

    fn op(&mut self, name: &str, operands: &[NodeId]) -> NodeId {
        self.0.add(Node::Op(Op::from_name(name), operands.to_vec())).unwrap()
    }

    fn node(&mut self, node: Node) -> NodeId {
        self.0.add(node).unwrap()
    }
}

fn program(arity: usize, build: impl FnOnce(&mut Build) -> NodeId) -> Program {
    let mut expr = Build(Expr::new());
    build(&mut expr);
    Program::new(Arc::new(expr.0), arity)
}

fn ints(values: &[i64]) -> Columns {
    Columns::new(Kind::Int, Arc::new(Int64Array::from(values.to_vec())))
}

fn floats(values: &[f64]) -> Columns {
    Columns::new(Kind::Float, Arc::new(Float64Array::from(values.to_vec())))
}

fn texts(values: &[&str]) -> Columns {
    Columns::new(Kind::Str, Arc::new(StringViewArray::from_iter_values(values)))
}

fn int_values(columns: &Columns) -> Vec<i64> {
    assert_eq!(columns.kind(), &Kind::Int);
    columns.array().as_primitive::<Int64Type>().values().to_vec()
}

fn float_values(columns: &Columns) -> Vec<f64> {
    assert_eq!(columns.kind(), &Kind::Float);
    columns.array().as_primitive::<Float64Type>().values().to_vec()
}

fn text_values(columns: &Columns) -> Vec<String> {
    assert_eq!(columns.kind(), &Kind::Str);
    columns.array().as_string_view().iter().map(|text| text.unwrap().to_owned()).collect()
}

#[test]
fn every_name_is_read_back() {
    for name in ["add", "getitem", "str.split", "method.get", "compensated_sum"] {
        let op = Op::from_name(name);
        assert!(!matches!(op, Op::Unknown(_)), "{name}");
        assert!(name.ends_with(op.name()));
    }
    assert!(Basic::ALL.iter().all(|basic| Basic::from_name(basic.name()) == Some(*basic)));
    assert!(Method::ALL.iter().all(|method| Method::from_name(method.name()) == Some(*method)));
    assert_eq!(Op::from_name("str.lower"), Op::Method { method: Method::Lower, of_text: true });
    assert!(matches!(Op::from_name("list.append"), Op::Unknown(_)));
}
