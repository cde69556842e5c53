//! A stand-in for Python: steps over plain values, and blocks that the engine cannot look into.
//!
//! `plain` is the answer that every way through native steps must give. `Stand` is what a chain goes on with: it runs the
//! same functions over opaque blocks, and notes how many elements came to it.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::values::{Int, Value, pair, to_columns, values_of};
use crate::block::{Block, Columns, LoadObjects, Objects};
use crate::error::{EngineError, Result};
use crate::rdd::{Blocks, ready};
use crate::step::{Drawn, Form, Onward, Pulled, Step, Then, later};

type OfOne = dyn Fn(&Value) -> Value + Send + Sync;
type OfTwo = dyn Fn(&Value, &Value) -> Value + Send + Sync;
type OfWhole = dyn Fn(usize, Option<Vec<Value>>, Vec<Value>) -> Vec<Value> + Send + Sync;

/// A function of the program or of the library, in Python.
#[derive(Clone)]
pub(super) enum Function {
    One(Arc<OfOne>),
    Two(Arc<OfTwo>),
    /// Of the number of a partition, of what was made of the elements before, and of all others.
    Whole(Arc<OfWhole>),
}

impl Function {
    fn one(&self, value: &Value) -> Value {
        match self {
            Self::One(function) => function(value),
            _ => panic!("a function of one is needed"),
        }
    }

    fn two(&self, one: &Value, other: &Value) -> Value {
        match self {
            Self::Two(function) => function(one, other),
            _ => panic!("a function of two is needed"),
        }
    }
}

/// A step, its functions, and their native forms.
#[derive(Clone)]
pub(super) struct Stage {
    pub step: Step,
    pub functions: Vec<Function>,
    pub forms: Vec<Option<Form>>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs: Vec<_> = self
            .forms
            .iter()
            .flatten()
            .map(|form| match form {
                Form::Program(program) => program.to_string(),
                _ => "the library's".to_owned(),
            })
            .collect();
        write!(f, "{:?} of {programs:?}", self.step)
    }
}

/// What steps give in Python; the first begins with `begun`.
pub(super) fn plain(stages: &[Stage], partition: usize, begun: Option<Vec<Value>>, input: Vec<Value>) -> Vec<Value> {
    let mut begun = begun;
    stages.iter().fold(input, |input, stage| one_step(stage, partition, begun.take(), input))
}

fn one_step(stage: &Stage, partition: usize, begun: Option<Vec<Value>>, input: Vec<Value>) -> Vec<Value> {
    let first = || &stage.functions[0];
    match stage.step {
        Step::Packed(_) => input,
        Step::Map => input.iter().map(|value| first().one(value)).collect(),
        Step::Filter => input.into_iter().filter(|value| first().one(value) != Int(0)).collect(),
        Step::FlatMap => input.iter().flat_map(|value| first().one(value).items().to_vec()).collect(),
        Step::MapValues => input.iter().map(|row| pair(row.item(0), first().one(&row.item(1)))).collect(),
        Step::FlatMapValues => input
            .iter()
            .flat_map(|row| {
                let made = first().one(&row.item(1));
                made.items().iter().map(|value| pair(row.item(0), value.clone())).collect::<Vec<_>>()
            })
            .collect(),
        Step::Keys => input.iter().map(|row| row.item(0)).collect(),
        Step::Values => input.iter().map(|row| row.item(1)).collect(),
        Step::Take(number) => input.into_iter().take(number).collect(),
        Step::Glom => vec![Value::List(input)],
        Step::Count => vec![Int(input.len() as i128)],
        Step::Partitions | Step::IndexedPartitions => match first() {
            Function::Whole(function) => function(partition, begun, input),
            _ => panic!("a function of a partition is needed"),
        },
        Step::Combine { .. } => {
            let (create, merge) = (&stage.functions[0], &stage.functions[1]);
            gathered(begun.unwrap_or_default(), &input, |before, value| match before {
                None => create.one(value),
                Some(before) => merge.two(before, value),
            })
        }
        Step::MergeCombiners => gathered(vec![], &input, |before, value| {
            before.map_or_else(|| value.clone(), |old| first().two(old, value))
        }),
        Step::Group | Step::MergeGroups => gathered(vec![], &input, |before, value| {
            let more = if stage.step == Step::Group { vec![value.clone()] } else { value.items().to_vec() };
            Value::List([before.map_or(&[][..], Value::items), &more].concat())
        }),
    }
}

/// One value per key, in the order of first appearance.
pub(super) fn gathered(
    begun: Vec<Value>,
    input: &[Value],
    merge: impl Fn(Option<&Value>, &Value) -> Value,
) -> Vec<Value> {
    let mut found: Vec<(Value, Value)> = begun.iter().map(|row| (row.item(0), row.item(1))).collect();
    for row in input {
        let (key, value) = (row.item(0), row.item(1));
        match found.iter_mut().find(|known| known.0 == key) {
            Some(known) => known.1 = merge(Some(&known.1), &value),
            None => found.push((key, merge(None, &value))),
        }
    }
    found.into_iter().map(|(key, value)| pair(key, value)).collect()
}

/// Objects that are there.
#[derive(Debug)]
struct Made(Vec<Value>);

/// Objects that are still being made; the last one may fail.
struct Making(Mutex<Option<VecDeque<std::result::Result<Value, String>>>>);

impl fmt::Debug for Making {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Making")
    }
}

pub(super) fn made(values: Vec<Value>) -> Block {
    Block::Objects(Arc::new(Made(values)))
}

pub(super) fn making(values: impl IntoIterator<Item = std::result::Result<Value, String>>) -> Block {
    Block::Objects(Arc::new(Making(Mutex::new(Some(values.into_iter().collect())))))
}

macro_rules! opaque {
    ($name:ident, $len:expr) => {
        impl Objects for $name {
            fn len(&self) -> usize {
                let len: fn(&Self) -> usize = $len;
                len(self)
            }
            fn bytes(&self) -> usize {
                0
            }
            fn is_plain(&self) -> bool {
                true
            }
            fn dump(&self) -> Result<(Vec<u8>, LoadObjects)> {
                Err(EngineError::Bug("no test writes objects to files".to_owned()))
            }
            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    };
}

opaque!(Made, |block| block.0.len());
opaque!(Making, |_| 1);

fn take_making(block: &Block) -> Option<VecDeque<std::result::Result<Value, String>>> {
    let Block::Objects(objects) = block else { return None };
    objects.as_any().downcast_ref::<Making>().map(|making| making.0.lock().unwrap().take().expect("is read once"))
}

fn raised(text: String) -> EngineError {
    EngineError::UserCode { cause: text.into() }
}

/// The elements of a block.
pub(super) fn elements(block: &Block) -> Result<Vec<Value>> {
    if let Some(making) = take_making(block) {
        return making.into_iter().map(|value| value.map_err(raised)).collect();
    }
    match block {
        Block::Columns(columns) => Ok(values_of(columns)),
        Block::Objects(objects) => Ok(objects.as_any().downcast_ref::<Made>().expect("a block of a test").0.clone()),
    }
}

/// See `AsColumns`.
pub(super) fn as_columns(block: Block) -> std::result::Result<Columns, Block> {
    let made = match &block {
        Block::Columns(columns) => Some(columns.clone()),
        Block::Objects(objects) => objects.as_any().downcast_ref::<Made>().and_then(|made| to_columns(&made.0)),
    };
    made.ok_or(block)
}

/// What a chain goes on with.
pub(super) struct Stand {
    pub stages: Vec<Stage>,
    pub partition: usize,
    /// Elements that came to Python.
    pub rows: AtomicUsize,
    /// What a function of `mapWithState` does: see `Onward`.
    pub stateful: Option<Stateful>,
}

/// Gives an element, the state afterwards, and what was done to it, of a key, a value and a state.
pub(super) type Stateful = fn(&Value, &Value, &Value) -> (Value, Value, i128);

impl Onward for Stand {
    fn python(self: Arc<Self>, steps: Range<usize>, begun: Option<Columns>, input: Blocks) -> Blocks {
        later(move || {
            let mut all = Vec::new();
            for block in input {
                all.append(&mut elements(&block?)?);
            }
            self.rows.fetch_add(all.len(), Relaxed);
            let begun = begun.as_ref().map(values_of);
            let made = plain(&self.stages[steps], self.partition, begun, all);
            Ok(ready(vec![making(made.into_iter().map(Ok))]))
        })
    }

    fn values(self: Arc<Self>, step: usize, input: Blocks) -> Blocks {
        self.python(step..step + 1, None, input)
    }

    fn columns(&self, block: Block) -> std::result::Result<Columns, Block> {
        as_columns(block)
    }

    fn is_running(&self, block: &Block) -> bool {
        matches!(block, Block::Objects(objects) if objects.as_any().is::<Making>())
    }

    fn pull(&self, block: Block, rows: usize) -> Result<std::result::Result<Pulled, Block>> {
        let Some(mut coming) = take_making(&block) else { return Ok(Err(block)) };
        let (mut values, mut then) = (Vec::new(), None);
        while then.is_none() && values.len() < rows {
            match coming.pop_front() {
                None => then = Some(Then::Over),
                Some(Err(text)) if values.is_empty() => return Err(raised(text)),
                Some(Err(text)) => then = Some(Then::Failed(raised(text))),
                Some(Ok(value)) => {
                    values.push(value);
                    if to_columns(&values).is_none() {
                        coming.extend(values.pop().map(Ok));
                        coming.rotate_right(1);
                        then = Some(Then::Misfit(making(std::mem::take(&mut coming))));
                    }
                }
            }
        }
        let made = to_columns(&values).expect("they fitted");
        Ok(Ok(Pulled { made, then: then.unwrap_or_else(|| Then::More(making(coming))) }))
    }

    fn count(&self, block: Block) -> Result<u64> {
        Ok(elements(&block)?.len() as u64)
    }

    fn kept(&self, block: &Block, kept: &[bool]) -> Result<Block> {
        Ok(made(elements(block)?.into_iter().zip(kept).filter_map(|(value, keep)| keep.then_some(value)).collect()))
    }

    fn sampled(&self, input: Blocks, mut drawn: Drawn) -> Block {
        let all: Vec<Value> = input.flat_map(|block| elements(&block.unwrap()).unwrap()).collect();
        making(all.into_iter().filter(|_| drawn.draw()).map(Ok))
    }

    fn call_by_row(&self, _: usize, states: &Columns, ids: &[u32], records: &Columns) -> Result<Option<Columns>> {
        let function = self.stateful.expect("a function of states");
        let (mut states, mut rows) = (values_of(states), Vec::new());
        for (id, record) in ids.iter().zip(values_of(records)) {
            let (element, after, done) = function(&record.item(0), &record.item(1), &states[*id as usize]);
            states[*id as usize] = after.clone();
            rows.push(Value::Tuple(vec![element, after, Int(done)]));
        }
        Ok(to_columns(&rows))
    }

    fn call_for_idle(&self, _: usize, idle: &Columns) -> Result<Block> {
        let function = self.stateful.expect("a function of states");
        Ok(made(values_of(idle).iter().map(|row| function(&row.item(0), &Value::None, &row.item(1)).0).collect()))
    }
}
