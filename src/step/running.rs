//! A chain over one partition: which run takes the blocks of which?
//!
//! Runs follow one another lazily: nothing runs before the first block is pulled, and no more than the pulled blocks need.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::Int64Array;

use super::keyed::Keyed;
use super::mapped::mapped_states;
use super::onward::Onward;
use super::op::Step;
use super::plan::{Plan, Run, Whole};
use super::reduce::reduced;
use super::rows::RowsRun;
use super::sample::Sampled;
use super::whole::{Singles, grouped, joined_sides, sorted};
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::Program;
use crate::rdd::{Blocks, Task, ready};

/// A chain over one partition.
pub struct Running {
    plan: Arc<Plan>,
    /// The task it runs in.
    pub(super) task: Arc<Task>,
    /// The partition of the chain's node.
    pub(super) partition: usize,
    pub(super) onward: Arc<dyn Onward>,
}

impl Running {
    /// `plan` over a partition; `onward` is the same chain over the same partition in Python.
    pub fn new(plan: &Arc<Plan>, task: &Arc<Task>, partition: usize, onward: Arc<dyn Onward>) -> Arc<Self> {
        Arc::new(Self { plan: Arc::clone(plan), task: Arc::clone(task), partition, onward })
    }

    /// Some of the runs over `input`; blocks may be running ones.
    pub fn run(self: &Arc<Self>, runs: Range<usize>, input: Blocks) -> Blocks {
        let (all, end) = (self.plan.runs(), runs.end);
        runs.fold(input, |input, at| match &all[at] {
            Run::Python(steps) if self.plan.is_of_values(steps) && !passes_on(&all[at + 1..end]) => {
                Arc::clone(&self.onward).values(steps.start, input)
            }
            Run::Python(steps) => self.python(steps.clone(), input),
            Run::Rows { steps, eager } => Box::new(RowsRun::new(Arc::clone(self), steps.clone(), *eager, input)),
            Run::Whole { steps, what } => self.native(what, steps.clone(), input),
        })
    }

    /// Step `at`.
    pub(super) fn step(&self, at: usize) -> Step {
        self.plan.steps()[at]
    }

    /// The program of step `at`'s only function.
    pub(super) fn program(&self, at: usize) -> Option<&Program> {
        self.plan.program(at)
    }

    /// `steps` in Python over `input`.
    pub(super) fn python(&self, steps: Range<usize>, input: Blocks) -> Blocks {
        self.python_from(steps, None, input)
    }

    /// The same, where the first step begins with what native code has made of the rows before.
    pub(super) fn python_from(&self, steps: Range<usize>, begun: Option<Columns>, input: Blocks) -> Blocks {
        Arc::clone(&self.onward).python(steps, begun, input)
    }

    /// The elements of a block as columns, if they are.
    pub(super) fn columns(&self, block: Block) -> std::result::Result<Columns, Block> {
        match block {
            Block::Columns(columns) => Ok(columns),
            objects => self.onward.columns(objects),
        }
    }

    fn native(self: &Arc<Self>, what: &Whole, steps: Range<usize>, input: Blocks) -> Blocks {
        let running = Arc::clone(self);
        match what.clone() {
            Whole::Fold(fold) => Box::new(Keyed::new(running, steps, fold, input)),
            Whole::Singles => Box::new(Singles::new(running, steps, input)),
            Whole::Groups => later(move || grouped(&running, steps, input, false)),
            Whole::Join { keep_left, keep_right } => {
                later(move || joined_sides(&running, steps, (keep_left, keep_right), input, false))
            }
            Whole::Sort { key, ascending } => later(move || sorted(&running, steps, key.as_ref(), ascending, input)),
            Whole::Sample { seed, from, below } => Box::new(Sampled::new(running, seed, (from, below), input)),
            Whole::Mapped(what) => later(move || mapped_states(&running, steps, &what, input)),
            Whole::Reduce(what) => later(move || reduced(&running, steps, &what, input)),
            Whole::Count => later(move || Ok(ready(running.count(input)?))),
        }
    }

    /// Counting needs no element.
    fn count(&self, input: Blocks) -> Result<Vec<Block>> {
        let mut found = 0_u64;
        for block in input {
            self.task.cancel.check()?;
            found += match block? {
                Block::Columns(columns) => columns.len() as u64,
                objects => self.onward.count(objects)?,
            };
        }
        let found = Int64Array::from(vec![i64::try_from(found).unwrap_or(i64::MAX)]);
        Ok(vec![Block::Columns(Columns::new(Kind::Int, Arc::new(found)))])
    }
}

/// Whether what comes next may be asked for few elements, and hands them on one by one.
fn passes_on(next: &[Run]) -> bool {
    matches!(next.first(), Some(Run::Whole { what: Whole::Sample { .. }, .. }))
}

/// Blocks of what `begin` gives, which is not called before the first one is pulled.
pub fn later(begin: impl FnOnce() -> Result<Blocks> + Send + 'static) -> Blocks {
    let begun = std::iter::once_with(begin);
    Box::new(begun.flat_map(|blocks| blocks.unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))))
}
