//! A chain of steps over Python objects or columns, as an RDD holds it.
//!
//! As native runs (`step/`) and runs of Python steps (`going.rs`), each of which takes the blocks of the one before; or in a
//! worker process, which runs the very same chain (`workers/remote.rs`).

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::frozen::Frozen;
use super::going::Going;
use super::remote::Remote;
use super::{as_columns, batches, frames, lots};
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::rdd::{Batching, Blocks, Folding, Lot, Lots, Narrow, Packing, Taker, Task};
use crate::step::{self, Form, Plan, Run, Running, Step};

/// Steps and their functions.
pub(crate) struct Chain {
    pub(super) plan: Arc<Plan>,
    pub(super) functions: Frozen,
    /// In which batches elements leave it, if it was said.
    packed: Option<usize>,
    /// Where the chain runs, if not in this process.
    remote: Option<Arc<Remote>>,
    /// What its functions are called, once they were loaded.
    pub(super) named: OnceLock<Arc<str>>,
}

impl Chain {
    /// `functions` holds the steps' functions in order, `forms` their native forms; without these all runs in Python.
    /// With `remote` it runs there, unless all functions of the program run natively.
    pub(crate) fn new(
        steps: Vec<Step>,
        functions: Frozen,
        forms: Option<Vec<Option<Form>>>,
        remote: Option<Arc<Remote>>,
    ) -> Self {
        let packed = match steps.last() {
            Some(Step::Packed(size)) => Some(*size),
            _ => None,
        };
        // Where more steps follow, nobody sees in which batches elements would have left it.
        let steps = steps.into_iter().filter(|step| !matches!(step, Step::Packed(_))).collect();
        let plan = Plan::new(steps, forms);
        let remote = remote.filter(|remote| plan.runs().iter().any(|run| calls(&plan, run, remote)));
        Self { plan: Arc::new(plan), functions, packed, remote, named: OnceLock::new() }
    }

    /// Its steps, and how they run.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its functions, as a task gets them.
    pub(crate) fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.functions.load(py)
    }

    /// Whether worker processes run it.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Some of the runs over a partition; blocks may be live ones.
    fn live(self: &Arc<Self>, runs: Range<usize>, task: &Arc<Task>, partition: usize, input: Blocks) -> Blocks {
        let going = Going::new(self, task, partition);
        Running::new(&self.plan, task, partition, going).run(runs, input)
    }

    /// Some of the runs over a partition.
    fn run_some(self: &Arc<Self>, runs: Range<usize>, task: &Arc<Task>, partition: usize, input: Blocks) -> Blocks {
        batches::of(self.live(runs, task, partition, input))
    }

    /// All of its runs, in a worker process, as frames for who takes them in the driver.
    pub(super) fn run_framed(
        self: &Arc<Self>,
        taker: Option<Taker>,
        task: &Arc<Task>,
        partition: usize,
        input: Blocks,
    ) -> Blocks {
        let made = self.live(self.all(), task, partition, read_by_task(input));
        match taker {
            Some(taker) => frames::of(made, taker),
            None => self.leave(made),
        }
    }

    /// What has been made, as it leaves the chain.
    fn leave(&self, made: Blocks) -> Blocks {
        match self.packed {
            // No step made them: what shared objects with others in a batch may do so no more.
            Some(_) if self.all().is_empty() => lots::of_objects(made, self.batching()),
            None | Some(0) => batches::of(made),
            Some(size) => batches::of_size(made, size),
        }
    }

    fn batching(&self) -> Batching {
        match self.packed {
            None | Some(0) => Batching::Grown,
            Some(size) => Batching::Each(size),
        }
    }

    fn all(&self) -> Range<usize> {
        0..self.plan.runs().len()
    }
}

/// Whether a run calls functions of the program in Python.
fn calls(plan: &Plan, run: &Run, remote: &Remote) -> bool {
    matches!(run, Run::Python(steps) if remote.calls_any(plan.functions_of(steps)))
}

/// The input of a chain: whatever reads it is the task's own code, native or not.
fn read_by_task(input: Blocks) -> Blocks {
    Box::new(input.map(|block| block.map_err(EngineError::in_task)))
}

impl Narrow for Chain {
    fn run(self: Arc<Self>, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        let input = read_by_task(input);
        if let Some(remote) = &self.remote {
            return Ok(remote.run(None, task, partition, input));
        }
        let made = self.live(self.all(), task, partition, input);
        Ok(self.leave(made))
    }

    fn run_for(self: Arc<Self>, taker: Taker, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        let input = read_by_task(input);
        if let Some(remote) = &self.remote {
            return Ok(remote.run(Some(taker), task, partition, input));
        }
        let made = self.live(self.all(), task, partition, input);
        Ok(match taker {
            Taker::Keyed { .. } | Taker::Dealt { .. } if !self.all().is_empty() => made,
            _ => self.leave(made),
        })
    }

    fn lots(self: Arc<Self>, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Lots> {
        let (input, size) = (read_by_task(input), self.packed.unwrap_or(0));
        let Some(remote) = &self.remote else {
            return Ok(lots::cut(self.live(self.all(), task, partition, input), self.batching()));
        };
        // Each frame is a batch, or several of one size.
        let frames = remote.run(Some(Taker::Batches { size }), task, partition, input);
        let lot = move |block: Block| Lot { size: if size == 0 { block.len().max(1) } else { size }, block };
        Ok(Box::new(frames.map(move |block| block.map(lot))))
    }

    fn packing(&self) -> Packing {
        match self.packed {
            None | Some(0) => Packing::Grown,
            Some(size) => Packing::Each(size),
        }
    }

    // A chain that runs in another process counts as impure: its functions may look at what differs there.
    fn same_as(&self, other: &dyn Narrow) -> bool {
        let other = other.as_any().downcast_ref::<Self>().filter(|other| !other.is_remote());
        !self.is_remote() && other.is_some_and(|other| self.plan.same_as(&other.plan))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_light(&self) -> bool {
        !self.is_remote() && self.plan.is_light()
    }

    fn folding(self: Arc<Self>) -> Option<Arc<dyn Folding>> {
        let (at, fold) = self.plan.fold()?;
        let fold = fold.clone();
        Some(Arc::new(Parts { chain: self, at, fold }))
    }
}

/// A chain in three parts, the middle one being a fold.
struct Parts {
    chain: Arc<Chain>,
    /// Which of its runs the fold is.
    at: usize,
    fold: step::Folding,
}

impl Folding for Parts {
    fn before(&self, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        Ok(self.chain.run_some(0..self.at, task, partition, input))
    }

    fn fold(&self, task: &Arc<Task>, input: Blocks) -> Result<Option<Vec<Block>>> {
        step::folded_whole(task, &self.fold, as_columns, input)
    }

    fn after(&self, task: &Arc<Task>, partition: usize, folded: Blocks) -> Result<Blocks> {
        Ok(self.chain.run_some(self.at + 1..self.chain.plan.runs().len(), task, partition, folded))
    }
}
