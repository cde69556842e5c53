//! How does a chain of steps run over one partition of objects?
//!
//! As native runs (`native/`) and runs of Python steps, each of which takes the blocks of the one before. Simple Python steps
//! are fused into a lazy `Segment`; a step over the whole partition ends one segment and begins the next.

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow_array::Int64Array;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyList};

use super::call::{no_stop_iteration, user_error};
use super::elements::Elements;
use super::frozen::Frozen;
use super::live::Live;
use super::named::describe;
use super::native::{self, Form, How, Keyed, RowsRun, Run, Sampled, Singles, ValuesRun, Whole};
use super::pipeline::{Segment, Source};
use super::remote::Remote;
use super::step::Step;
use super::turn::Turn;
use super::{aggregate, batches, frames, objects, pure, task};
use crate::block::{Block, Columns, Kind};
use crate::doing;
use crate::error::{EngineError, Result};
use crate::expr::Program;
use crate::object::attach::attach;
use crate::rdd::{Blocks, Folding, Narrow, Taker, Task, ready};

/// Steps and their functions.
pub(crate) struct Chain {
    steps: Vec<Step>,
    functions: Frozen,
    /// Per step: the native forms of its functions.
    forms: Vec<Vec<Option<Form>>>,
    /// Whether native forms were looked for.
    read: bool,
    runs: Vec<Run>,
    /// Where the chain runs, if not in this process.
    remote: Option<Arc<Remote>>,
    /// What its functions are called, once they were loaded.
    named: OnceLock<Arc<str>>,
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
        let read = forms.is_some();
        let mut forms = forms.unwrap_or_default().into_iter();
        let mut of_step = |step: &Step| (0..step.functions()).map(|_| forms.next().flatten()).collect();
        let forms: Vec<Vec<Option<Form>>> = steps.iter().map(&mut of_step).collect();
        let runs = if read { native::plan(&steps, &forms) } else { vec![Run::Python(0..steps.len())] };
        let remote = remote.filter(|remote| runs.iter().any(|run| calls(&steps, run, remote)));
        Self { steps, functions, forms, read, runs, remote, named: OnceLock::new() }
    }
}

/// What there is to say about a chain.
impl Chain {
    /// The steps, each with how it runs.
    pub(crate) fn told(&self) -> impl Iterator<Item = (Step, How)> {
        self.steps.iter().copied().zip(native::told(&self.runs).0)
    }

    /// Whether Python's steps make the elements that leave it.
    pub(crate) fn ends_in_python(&self) -> bool {
        native::told(&self.runs).1
    }

    /// Its functions, as a task gets them.
    pub(crate) fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.functions.load(py)
    }

    /// Whether its functions were looked at at all.
    pub(crate) fn was_read(&self) -> bool {
        self.read
    }

    /// Whether worker processes run it.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }
}

impl Chain {
    /// Some of the runs over a partition; blocks may be live ones.
    fn live(self: &Arc<Self>, runs: Range<usize>, task: &Arc<Task>, partition: usize, input: Blocks) -> Blocks {
        let (chain, task) = (Arc::clone(self), Arc::clone(task));
        let running = Arc::new(Running { chain, task, partition, functions: OnceLock::new() });
        let (all, end) = (&self.runs, runs.end);
        runs.fold(input, |input, at| match &all[at] {
            Run::Python(steps) if running.is_of_values(steps) && !passes_on(&all[at + 1..end]) => {
                Box::new(ValuesRun::new(Arc::clone(&running), steps.start, input))
            }
            Run::Python(steps) => Arc::clone(&running).python(steps.clone(), input),
            Run::Rows { steps, eager } => Box::new(RowsRun::new(Arc::clone(&running), steps.clone(), *eager, input)),
            Run::Whole { steps, what } => running.native(what, steps.clone(), input),
        })
    }

    /// Some of the runs over a partition.
    pub(super) fn run_some(
        self: &Arc<Self>,
        runs: Range<usize>,
        task: &Arc<Task>,
        partition: usize,
        input: Blocks,
    ) -> Blocks {
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
        let made = self.live(0..self.runs.len(), task, partition, read_by_task(input));
        match taker {
            Some(taker) => frames::of(made, taker),
            None => batches::of(made),
        }
    }

    /// Its steps, each with the native forms of its functions.
    pub(super) fn forms(&self) -> impl Iterator<Item = (Step, &[Option<Form>])> {
        self.steps.iter().copied().zip(self.forms.iter().map(Vec::as_slice))
    }

    /// How it is cut into runs.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Whether its functions were read, and none of them is to run in another process.
    pub(super) fn is_read(&self) -> bool {
        self.read && self.remote.is_none()
    }
}

/// Whether what comes next may be asked for few elements, and hands them on one by one.
fn passes_on(next: &[Run]) -> bool {
    matches!(next.first(), Some(Run::Whole { what: Whole::Sample { .. }, .. }))
}

/// Functions that `steps` take.
fn count_functions(steps: &[Step]) -> usize {
    steps.iter().map(|step| step.functions()).sum()
}

/// Whether a run calls functions of the program in Python.
fn calls(all: &[Step], run: &Run, remote: &Remote) -> bool {
    let Run::Python(steps) = run else { return false };
    let first = count_functions(&all[..steps.start]);
    remote.calls_any(first..first + count_functions(&all[steps.clone()]))
}

/// A chain over one partition.
pub(crate) struct Running {
    chain: Arc<Chain>,
    /// The task it runs in.
    pub(super) task: Arc<Task>,
    /// The partition of the chain's node.
    pub(super) partition: usize,
    /// The task's functions: loaded once, so that they share what they shared before.
    functions: OnceLock<Py<PyList>>,
}

impl Running {
    /// Step `at`.
    pub(super) fn step(&self, at: usize) -> Step {
        self.chain.steps[at]
    }

    /// The program of step `at`'s only function.
    pub(super) fn program(&self, at: usize) -> Option<&Program> {
        match self.chain.forms[at].first() {
            Some(Some(Form::Program(program))) => Some(program),
            _ => None,
        }
    }

    /// Whether a run of Python steps is one function of values, in a chain whose functions may run natively.
    fn is_of_values(&self, steps: &Range<usize>) -> bool {
        self.chain.read && steps.len() == 1 && self.step(steps.start) == Step::MapValues
    }

    /// `steps` in Python over `input`: the steps themselves, as a live block.
    pub(super) fn python(self: Arc<Self>, steps: Range<usize>, input: Blocks) -> Blocks {
        self.python_from(steps, None, input)
    }

    /// The same, where the first step begins with what native code has made of the rows before: pairs of keys and combined
    /// values, or what `tasks.resumed` takes.
    pub(super) fn python_from(self: Arc<Self>, steps: Range<usize>, begun: Option<Columns>, input: Blocks) -> Blocks {
        later(move || {
            let _turn = Turn::wait();
            let task = &self.task;
            let begun = attach(|py| task::within(task, || self.begin(py, steps, begun, input)));
            // A cancelled task shows as an exception on its way through Python code.
            let begun = begun.map_err(|raised| task.cancel.check().err().unwrap_or_else(|| user_error(raised)))?;
            Ok(ready(vec![Live::new(task, begun).named(self.chain.named.get()).block()]))
        })
    }

    fn native(self: &Arc<Self>, what: &Whole, steps: Range<usize>, input: Blocks) -> Blocks {
        let running = Arc::clone(self);
        match what.clone() {
            Whole::Fold(fold) => Box::new(Keyed::new(running, steps, fold, input)),
            Whole::Singles => Box::new(Singles::new(running, steps, input)),
            Whole::Groups => later(move || native::grouped(&running, steps, input, false)),
            Whole::Join { keep_left, keep_right } => {
                later(move || native::joined_sides(&running, steps, (keep_left, keep_right), input, false))
            }
            Whole::Sort { key, ascending } => {
                later(move || native::sorted(&running, steps, key.as_ref(), ascending, input))
            }
            Whole::Sample { seed, from, below } => Box::new(Sampled::new(running, seed, (from, below), input)),
            Whole::Mapped(what) => later(move || native::mapped_states(&running, steps, &what, input)),
            Whole::Reduce(what) => later(move || native::reduced(&running, steps, &what, input)),
            Whole::Count => later(move || Ok(ready(count_blocks(&running.task, input)?))),
        }
    }

    /// The only function of step `at`.
    pub(super) fn function<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Bound<'py, PyAny>> {
        self.functions(py)?.get_item(count_functions(&self.chain.steps[..at]))
    }

    /// Notes what this thread calls, as far as it is known.
    fn say(&self) {
        if let Some(named) = self.chain.named.get() {
            doing::say(named);
        }
    }

    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        if let Some(loaded) = self.functions.get() {
            self.say();
            return Ok(loaded.bind(py).clone());
        }
        let loaded = self.chain.functions.load(py)?;
        self.chain.named.get_or_init(|| describe(&loaded).into());
        self.say();
        Ok(self.functions.get_or_init(|| loaded.unbind()).bind(py).clone())
    }

    /// The last segment of `steps`: what is pulled from it has passed all of them.
    pub(super) fn begin(
        &self,
        py: Python<'_>,
        steps: Range<usize>,
        begun: Option<Columns>,
        input: Blocks,
    ) -> PyResult<Segment> {
        let functions = self.functions(py)?;
        let skipped = count_functions(&self.chain.steps[..steps.start]);
        let mut functions = functions.iter().skip(skipped);
        let mut next_function =
            || functions.next().ok_or_else(|| PyRuntimeError::new_err("bug in dstreams: a step lacks its function"));
        let mut segment = self.segment(Source::blocks(input));
        let mut begun = begun.map(|begun| objects::load(py, &Block::Columns(begun))).transpose()?;
        // What the function of a partition returned is handed on as it is: the next one may go through a list twice.
        let mut returned: Option<Bound<'_, PyAny>> = None;
        for &step in &self.chain.steps[steps] {
            if matches!(step, Step::Partitions | Step::IndexedPartitions) {
                let elements = match returned.take() {
                    Some(elements) => elements,
                    None => Bound::new(py, Elements::new(segment))?.into_any(),
                };
                let function = resumed(next_function()?, begun.take())?;
                returned = Some(over_partition(step, &elements, &function, self.partition)?);
                segment = self.segment(Source::items(Vec::new()));
                continue;
            }
            if let Some(made) = returned.take() {
                segment = self.segment(iterator(&made)?);
            }
            let source = match step {
                Step::Glom => Source::items(vec![PyList::new(py, segment.drain(py)?)?.into_any().unbind()]),
                Step::Count => Source::items(vec![PyInt::new(py, segment.count(py)?).into_any().unbind()]),
                Step::Combine { .. } => {
                    let (create, merge) = (next_function()?.unbind(), next_function()?.unbind());
                    aggregate::combine(&self.task, segment, create, merge, begun.take().unwrap_or_default())
                }
                Step::MergeCombiners => aggregate::merge_combiners(&self.task, segment, next_function()?.unbind()),
                Step::Group => aggregate::group(&self.task, segment),
                Step::MergeGroups => aggregate::merge_groups(&self.task, segment),
                simple => {
                    let function = if simple.functions() == 1 { Some(next_function()?) } else { None };
                    if let Some(function) = function.as_ref().filter(|_| self.chain.read) {
                        segment.make_for(simple, function)?;
                    }
                    segment.push(simple, function.map(Bound::unbind));
                    continue;
                }
            };
            segment = self.segment(source);
        }
        match returned {
            Some(made) => Ok(self.segment(iterator(&made)?)),
            None => Ok(segment),
        }
    }

    fn segment(&self, source: Source) -> Segment {
        Segment::new(source, self.task.cancel.clone())
    }
}

/// Blocks of what `begin` gives, which is not called before the first one is pulled.
fn later(begin: impl FnOnce() -> Result<Blocks> + Send + 'static) -> Blocks {
    let begun = std::iter::once_with(begin);
    Box::new(begun.flat_map(|blocks| blocks.unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))))
}

/// A function over a partition that begins where native code has come to.
fn resumed<'py>(function: Bound<'py, PyAny>, begun: Option<Vec<Py<PyAny>>>) -> PyResult<Bound<'py, PyAny>> {
    static RESUMED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = function.py();
    match begun {
        None => Ok(function),
        Some(begun) => RESUMED.import(py, "dstreams.core.tasks", "resumed")?.call1((function, begun)),
    }
}

fn over_partition<'py>(
    step: Step,
    elements: &Bound<'py, PyAny>,
    function: &Bound<'py, PyAny>,
    partition: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let made = match step {
        Step::IndexedPartitions => function.call1((partition, elements)),
        _ => function.call1((elements,)),
    };
    made.map_err(|raised| no_stop_iteration(function.py(), raised))
}

/// What an iterable that was returned gives.
fn iterator(made: &Bound<'_, PyAny>) -> PyResult<Source> {
    Ok(Source::Iterator(made.try_iter()?.into_any().unbind()))
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
        let runs = 0..self.runs.len();
        Ok(self.run_some(runs, task, partition, input))
    }

    fn run_for(self: Arc<Self>, taker: Taker, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        let input = read_by_task(input);
        if let Some(remote) = &self.remote {
            return Ok(remote.run(Some(taker), task, partition, input));
        }
        let made = self.live(0..self.runs.len(), task, partition, input);
        Ok(match taker {
            Taker::Keyed { .. } | Taker::Dealt { .. } => made,
            Taker::Zip => batches::of_hundreds(made),
        })
    }

    fn same_as(&self, other: &dyn Narrow) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| pure::same(self, other))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_light(&self) -> bool {
        // The states of `mapWithState` may call their function.
        let is_light = |run: &Run| !matches!(run, Run::Python(_) | Run::Whole { what: Whole::Mapped(_), .. });
        self.is_read() && self.runs.iter().all(is_light)
    }

    fn folding(self: Arc<Self>) -> Option<Arc<dyn Folding>> {
        pure::folding(self)
    }
}

/// Counting needs no element.
fn count_blocks(task: &Arc<Task>, input: Blocks) -> Result<Vec<Block>> {
    let mut found = 0_u64;
    for block in input {
        task.cancel.check()?;
        found += match Live::of(block?) {
            Ok(live) => live.count()?,
            Err(block) => block.len() as u64,
        };
    }
    let found = Int64Array::from(vec![i64::try_from(found).unwrap_or(i64::MAX)]);
    Ok(vec![Block::Columns(Columns::new(Kind::Int, Arc::new(found)))])
}
