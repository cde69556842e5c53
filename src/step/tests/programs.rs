//! Functions of programs, each in its native form and in plain words.

use std::sync::Arc;

use super::python::{Function, Stage};
use super::values::{Int, Value};
use crate::expr::{Expr, Node, NodeId, Op, Program, Value as Constant};
use crate::step::{Form, Step};

/// Builds an expression from the leaves up.
pub(super) struct Build(Expr);

impl Build {
    pub(super) fn arg(&mut self, position: usize) -> NodeId {
        self.0.add(Node::Arg(position)).unwrap()
    }

    pub(super) fn int(&mut self, value: i64) -> NodeId {
        self.0.add(Node::Const(Constant::Int(value))).unwrap()
    }

    pub(super) fn op(&mut self, name: &str, operands: &[NodeId]) -> NodeId {
        self.0.add(Node::Op(Op::from_name(name), operands.to_vec())).unwrap()
    }

    pub(super) fn item(&mut self, of: NodeId, at: i64) -> NodeId {
        let at = self.int(at);
        self.op("getitem", &[of, at])
    }

    pub(super) fn node(&mut self, node: Node) -> NodeId {
        self.0.add(node).unwrap()
    }
}

pub(super) fn program(arity: usize, build: impl FnOnce(&mut Build)) -> Program {
    let mut expr = Build(Expr::new());
    build(&mut expr);
    Program::new(Arc::new(expr.0), arity)
}

/// A function of one, both ways.
pub(super) struct Of1(pub Program, pub Function);
/// A function of two, both ways.
pub(super) struct Of2(pub Program, pub Function);

fn of_1(native: Program, plain: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Of1 {
    Of1(native, Function::One(Arc::new(plain)))
}

fn of_2(native: Program, plain: impl Fn(&Value, &Value) -> Value + Send + Sync + 'static) -> Of2 {
    Of2(native, Function::Two(Arc::new(plain)))
}

/// `x + 1`
pub(super) fn next() -> Of1 {
    let native = program(1, |b| {
        let (x, one) = (b.arg(0), b.int(1));
        b.op("add", &[x, one]);
    });
    of_1(native, |x| Int(x.int() + 1))
}

/// `x % 3`, which is false for each third
pub(super) fn modulo() -> Of1 {
    let native = program(1, |b| {
        let (x, three) = (b.arg(0), b.int(3));
        b.op("mod", &[x, three]);
    });
    of_1(native, |x| Int(x.int().rem_euclid(3)))
}

/// `(x % 7, x + 1)`
pub(super) fn keyed() -> Of1 {
    let native = program(1, |b| {
        let (x, seven, one) = (b.arg(0), b.int(7), b.int(1));
        let (key, value) = (b.op("mod", &[x, seven]), b.op("add", &[x, one]));
        b.node(Node::Tuple(vec![key, value]));
    });
    of_1(native, |x| Value::Tuple(vec![Int(x.int().rem_euclid(7)), Int(x.int() + 1)]))
}

/// `[x, x + 1]`
pub(super) fn both() -> Of1 {
    let native = program(1, |b| {
        let (x, one) = (b.arg(0), b.int(1));
        let more = b.op("add", &[x, one]);
        b.node(Node::List(vec![x, more]));
    });
    of_1(native, |x| Value::List(vec![x.clone(), Int(x.int() + 1)]))
}

/// `-x`
pub(super) fn negative() -> Of1 {
    let native = program(1, |b| {
        let x = b.arg(0);
        b.op("neg", &[x]);
    });
    of_1(native, |x| Int(-x.int()))
}

/// `x`
pub(super) fn same() -> Of1 {
    of_1(Program::identity(), Value::clone)
}

/// `(x, 1)`
pub(super) fn counted() -> Of1 {
    let native = program(1, |b| {
        let (x, one) = (b.arg(0), b.int(1));
        b.node(Node::Tuple(vec![x, one]));
    });
    of_1(native, |x| Value::Tuple(vec![x.clone(), Int(1)]))
}

/// `a + b`, a fold that the kernels know
pub(super) fn add() -> Of2 {
    let native = program(2, |b| {
        let (one, other) = (b.arg(0), b.arg(1));
        b.op("add", &[one, other]);
    });
    of_2(native, Value::plus)
}

/// `a * 2 + b`, which goes row by row, and in this order alone. The model's numbers end somewhere, Python's do not: there
/// it goes on from the other end.
pub(super) fn shifted() -> Of2 {
    let native = program(2, |b| {
        let (one, other, two) = (b.arg(0), b.arg(1), b.int(2));
        let twice = b.op("mul", &[one, two]);
        b.op("add", &[twice, other]);
    });
    of_2(native, |a, b| Int(a.int().wrapping_mul(2).wrapping_add(b.int())))
}

/// `(a[0] + x, a[1] + 1)`
pub(super) fn add_counted() -> Of2 {
    let native = program(2, |b| {
        let (a, x, one) = (b.arg(0), b.arg(1), b.int(1));
        let (sum, count) = (b.item(a, 0), b.item(a, 1));
        let (sum, count) = (b.op("add", &[sum, x]), b.op("add", &[count, one]));
        b.node(Node::Tuple(vec![sum, count]));
    });
    of_2(native, |a, x| Value::Tuple(vec![a.item(0).plus(x), a.item(1).plus(&Int(1))]))
}

/// `[x]`
pub(super) fn listed() -> Of1 {
    let native = program(1, |b| {
        let x = b.arg(0);
        b.node(Node::List(vec![x]));
    });
    of_1(native, |x| Value::List(vec![x.clone()]))
}

/// `a + [x + 1]`, which has no form row by row: all keys at once, round by round
pub(super) fn append() -> Of2 {
    let native = program(2, |b| {
        let (a, x, one) = (b.arg(0), b.arg(1), b.int(1));
        let more = b.op("add", &[x, one]);
        let list = b.node(Node::List(vec![more]));
        b.op("add", &[a, list]);
    });
    of_2(native, |a, x| Value::List([a.items(), &[Int(x.int() + 1)]].concat()))
}

/// A step of one function, which has a native form.
pub(super) fn step(step: Step, Of1(native, plain): Of1) -> Stage {
    Stage { step, functions: vec![plain], forms: vec![Some(Form::Program(native))] }
}

/// The same in Python alone.
pub(super) fn in_python(step: Step, Of1(_, plain): Of1) -> Stage {
    Stage { step, functions: vec![plain], forms: vec![None] }
}

/// A step without functions.
pub(super) fn bare(step: Step) -> Stage {
    Stage { step, functions: vec![], forms: vec![] }
}

pub(super) fn combine(Of1(create, plain_create): Of1, Of2(merge, plain_merge): Of2) -> Stage {
    let forms = vec![Some(Form::Program(create)), Some(Form::Program(merge))];
    Stage { step: Step::Combine { alike: true }, functions: vec![plain_create, plain_merge], forms }
}

pub(super) fn merge_combiners(Of2(merge, plain): Of2) -> Stage {
    Stage { step: Step::MergeCombiners, functions: vec![plain], forms: vec![Some(Form::Program(merge))] }
}

/// A function of the library over a whole partition, and its form.
pub(super) fn whole(
    step: Step,
    form: Form,
    plain: impl Fn(usize, Option<Vec<Value>>, Vec<Value>) -> Vec<Value> + Send + Sync + 'static,
) -> Stage {
    Stage { step, functions: vec![Function::Whole(Arc::new(plain))], forms: vec![Some(form)] }
}
