//! Chains against a plain model, without an interpreter: every native form, over columns, objects and elements that are
//! still being made, with a row at any place that only Python can go on from, and with little memory.
//!
//! `tests/core/test_native_*.py` compare the same with CPython.

mod folds;
mod kinds;
mod plans;
mod programs;
mod python;
mod random;
mod reducing;
mod rows;
mod states;
mod values;
mod wholes;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use self::python::{Stage, Stand, elements, made, making, plain};
use self::values::{Value, to_columns};
use super::{Plan, Running};
use crate::block::Block;
use crate::error::{Result, TaskId};
use crate::memory::{Folders, Memory};
use crate::rdd::{Blocks, CancelToken, Task, ready};

/// How the elements of a partition come.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Columns of so many rows; what fits none comes as objects.
    Columns(usize),
    /// Blocks of so many objects.
    Objects(usize),
    /// So many elements at a time that are still being made.
    Making(usize),
    /// Each of the above in turn.
    Mixed(usize),
}

const SHAPES: [Shape; 7] = [
    Shape::Columns(1000),
    Shape::Columns(7),
    Shape::Objects(1000),
    Shape::Objects(40),
    Shape::Making(1000),
    Shape::Making(9),
    Shape::Mixed(5),
];

fn blocks(shape: Shape, input: &[Value]) -> Blocks {
    let block = |shape: Shape, values: &[Value]| match shape {
        Shape::Columns(_) => to_columns(values).map_or_else(|| made(values.to_vec()), Block::Columns),
        Shape::Objects(_) => made(values.to_vec()),
        Shape::Making(_) | Shape::Mixed(_) => making(values.iter().cloned().map(Ok)),
    };
    let (Shape::Columns(size) | Shape::Objects(size) | Shape::Making(size) | Shape::Mixed(size)) = shape;
    let of = |at: usize| match shape {
        Shape::Mixed(_) => [Shape::Columns(size), Shape::Objects(size), Shape::Making(size)][at % 3],
        shape => shape,
    };
    ready(input.chunks(size).enumerate().map(|(at, values)| block(of(at), values)).collect())
}

/// A chain over one partition.
struct Chain {
    stand: Arc<Stand>,
    plan: Arc<Plan>,
    running: Arc<Running>,
}

const PARTITION: usize = 3;

impl Chain {
    fn new(stages: &[Stage]) -> Self {
        Self::within(&Memory::unbounded(), Stand { stages: stages.to_vec(), ..Stand::new() })
    }

    fn within(memory: &Arc<Memory>, stand: Stand) -> Self {
        let steps = stand.stages.iter().map(|stage| stage.step).collect();
        let forms = stand.stages.iter().flat_map(|stage| stage.forms.clone()).collect();
        let (plan, stand) = (Arc::new(Plan::new(steps, Some(forms))), Arc::new(stand));
        let task = Task::within(memory, TaskId::default(), CancelToken::default(), Arc::default());
        let running = Running::new(&plan, &task, PARTITION, Arc::clone(&stand) as _);
        Self { stand, plan, running }
    }

    fn blocks(&self, input: Blocks) -> Blocks {
        self.running.run(0..self.plan.runs().len(), input)
    }

    fn run(&self, input: Blocks) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for block in self.blocks(input) {
            all.append(&mut elements(&block?)?);
        }
        Ok(all)
    }

    /// Elements that came to Python.
    fn rows_in_python(&self) -> usize {
        self.stand.rows.load(Relaxed)
    }
}

impl Stand {
    fn new() -> Self {
        Self { stages: vec![], partition: PARTITION, rows: AtomicUsize::new(0), stateful: None }
    }
}

/// Columns of `input` get the model's answer, none of it from Python but of so many rows.
fn check_native(stages: &[Stage], input: &[Value], rows_in_python: usize) {
    let chain = Chain::new(stages);
    assert_eq!(chain.run(blocks(Shape::Columns(7), input)).unwrap(), plain(stages, PARTITION, None, input.to_vec()));
    assert_eq!(chain.rows_in_python(), rows_in_python, "rows that came to Python");
}

/// `input` in every shape gets the model's answer.
fn check(stages: &[Stage], input: &[Value]) {
    let expected = plain(stages, PARTITION, None, input.to_vec());
    for shape in SHAPES {
        assert_eq!(Chain::new(stages).run(blocks(shape, input)).unwrap(), expected, "{shape:?} of {input:?}");
    }
}

/// The same with `odd` in place of each row, one after the other, and of each at which Python begins something.
fn check_bails(stages: &[Stage], input: &[Value], odd: &Value) {
    check(stages, input);
    for row in 0..input.len() {
        let mut input = input.to_vec();
        input[row] = odd.clone();
        check(stages, &input);
    }
    let mut input = input.to_vec();
    let (last, middle) = (input.len() - 1, input.len() / 2);
    (input[middle], input[last]) = (odd.clone(), odd.clone());
    check(stages, &input);
}

/// Memory for few bytes. Its files are in a folder that goes when all tests have ended.
fn little_memory(limit: usize) -> Arc<Memory> {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = std::env::temp_dir().join(format!("dstreams-steps-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        path
    });
    Memory::new(limit, usize::MAX, Folders::new(|| Ok(vec![FOLDER.clone()])))
}
