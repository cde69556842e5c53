//! How do elements flow through simple steps, one at a time and only when asked for?
//!
//! 1. Pulling one element runs exactly the functions that this element needs: `take(1)` evaluates no more than it must.
//! 2. Blocks are pulled from the engine while detached.
//! 3. Where the elements are those of running steps (`live.rs`), it pulls from these, element by element.

use std::time::{Duration, Instant};
use std::vec::IntoIter;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::call::{call1, engine_error};
use super::child::end_raised_in_child;
use super::live::Live;
use super::objects;
use super::turn;
use super::used::Used;
use crate::block::{Block, Columns};
use crate::error::Result;
use crate::kernel::weigh::bytes_of;
use crate::process::Origin;
use crate::rdd::{Blocks, CancelToken};
use crate::step::Step;

/// Elements between two looks at the cancel token.
const CHECK_EVERY: u32 = 64;
/// Rows of a column that are objects at the same time, and about their bytes in the column.
const FEWEST: usize = 16;
const MOST: usize = 4096;
const PIECE_BYTES: usize = 256 << 10;
/// A block that took longer than this to come was made by other work than Python's.
const SLOW: Duration = Duration::from_micros(100);

/// Where a segment's elements come from.
pub(crate) enum Source {
    /// Blocks of the engine.
    Blocks(FromBlocks),
    /// Objects made by an earlier step.
    Items(IntoIter<Py<PyAny>>),
    /// What a function of a whole partition returned.
    Iterator(Py<PyAny>),
    /// What a step over the whole partition makes, piece by piece.
    Flow(Box<dyn Flow>),
}

/// Elements made when they are asked for.
pub(crate) trait Flow: Send {
    /// The next element, or None at the end.
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>>;
}

impl Source {
    pub(crate) fn blocks(blocks: Blocks) -> Self {
        let items = Vec::new().into_iter();
        Self::Blocks(FromBlocks {
            blocks,
            columns: None,
            items,
            steps: None,
            piece: FEWEST,
            used: None,
            is_slow: false,
        })
    }

    pub(crate) fn items(items: Vec<Py<PyAny>>) -> Self {
        Self::Items(items.into_iter())
    }

    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Items(items) => Ok(items.next().map(|item| item.into_bound(py))),
            Self::Iterator(iterator) => next_of(py, iterator),
            Self::Flow(flow) => flow.next(py),
            Self::Blocks(blocks) => blocks.next(py),
        }
    }
}

/// The elements of blocks as objects.
pub(crate) struct FromBlocks {
    blocks: Blocks,
    /// What is left of a block of columns, and the most rows of a piece of it.
    columns: Option<(Columns, usize)>,
    items: IntoIter<Py<PyAny>>,
    /// Steps that a live block stood for.
    steps: Option<Box<Segment>>,
    /// Rows of the next piece: few at first, as few may be wanted.
    piece: usize,
    /// Which items of tuples are looked at, if not all.
    used: Option<Used>,
    /// Whether the last block took long to come.
    is_slow: bool,
}

impl FromBlocks {
    /// The next block. Detached: while it is made, another task may have the turn, but not if blocks are there at once: then
    /// tasks would only alternate.
    fn pull(&mut self) -> Option<Result<Block>> {
        let was_slow = self.is_slow;
        let mut next = || {
            let begun = Instant::now();
            let block = self.blocks.next();
            self.is_slow = begun.elapsed() > SLOW;
            block
        };
        if was_slow { turn::aside(next) } else { next() }
    }

    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            if let Some(item) = self.items.next() {
                return Ok(Some(item.into_bound(py)));
            }
            if let Some(steps) = &mut self.steps {
                match steps.next(py)? {
                    Some(item) => return Ok(Some(item)),
                    None => self.steps = None,
                }
                continue;
            }
            if let Some((columns, most)) = self.columns.take() {
                let now = columns.len().min(self.piece).min(most);
                self.items = objects::load(py, &Block::Columns(columns.slice(0, now)))?.into_iter();
                self.columns = (now < columns.len()).then(|| (columns.slice(now, columns.len() - now), most));
                self.piece = (self.piece * 4).min(MOST);
                continue;
            }
            match py.detach(|| self.pull()) {
                None => return Ok(None),
                Some(block) => match block.map_err(|e| engine_error(py, &e))? {
                    Block::Columns(columns) => {
                        let used = self.used.as_ref().map(|used| used.kept(&columns));
                        let columns = used.unwrap_or(Ok(columns)).map_err(|error| engine_error(py, &error))?;
                        self.columns = Some(in_pieces(columns));
                    }
                    block => match Live::of(block) {
                        Ok(live) => self.steps = live.into_segment(),
                        Err(block) => self.items = objects::load(py, &block)?.into_iter(),
                    },
                },
            }
        }
    }
}

/// A column, and how many of its rows are objects at the same time: few if they are large.
fn in_pieces(columns: Columns) -> (Columns, usize) {
    let bytes = bytes_of(columns.array());
    let rows = PIECE_BYTES / (bytes / columns.len().max(1)).max(1);
    (columns, rows.clamp(FEWEST, MOST))
}

fn next_of<'py>(py: Python<'py>, iterator: &Py<PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    // SAFETY: `iterator` came from `PyObject_GetIter`; PyIter_Next gives a new reference, or NULL with or without an error.
    let item = unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyIter_Next(iterator.as_ptr())) };
    match item {
        Some(item) => Ok(Some(item)),
        None => PyErr::take(py).map_or(Ok(None), Err),
    }
}

/// A step with its function.
struct Stage {
    step: Step,
    function: Option<Py<PyAny>>,
    /// FlatMap and FlatMapValues: what the function returned for the current element, and that element's key.
    inner: Option<(Py<PyAny>, Option<Py<PyAny>>)>,
    /// Take: elements still wanted.
    left: usize,
}

/// A source and the simple steps over it.
pub(crate) struct Segment {
    source: Source,
    stages: Vec<Stage>,
    /// Indices of the stages that hold an inner iterator, rising.
    active: Vec<usize>,
    finished: bool,
    /// An element that has passed all stages, and comes next.
    ahead: Option<Py<PyAny>>,
    cancel: CancelToken,
    until_check: u32,
}

impl Segment {
    pub(crate) fn new(source: Source, cancel: CancelToken) -> Self {
        let (stages, active) = (Vec::new(), Vec::new());
        Self { source, stages, active, finished: false, ahead: None, cancel, until_check: CHECK_EVERY }
    }

    /// Has an element that came from here come next, again.
    pub(crate) fn put_back(&mut self, item: Py<PyAny>) {
        self.ahead = Some(item);
    }

    /// Has the elements of blocks made for the function of the first step alone, which must be the next one added.
    pub(crate) fn make_for(&mut self, step: Step, function: &Bound<'_, PyAny>) -> PyResult<()> {
        if let (Source::Blocks(blocks), true) = (&mut self.source, self.stages.is_empty()) {
            blocks.used = Used::of(step, function)?;
        }
        Ok(())
    }

    /// Adds a simple step at the end.
    pub(crate) fn push(&mut self, step: Step, function: Option<Py<PyAny>>) {
        let left = if let Step::Take(n) = step { n } else { 0 };
        if matches!(step, Step::Take(0)) {
            self.finished = true;
        }
        self.stages.push(Stage { step, function, inner: None, left });
    }

    /// The next element, or None at the end.
    pub(crate) fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(item) = self.ahead.take() {
            return Ok(Some(item.into_bound(py)));
        }
        'pull: while !self.finished {
            let Some((mut item, from)) = self.pull(py)? else { break };
            for at in from..self.stages.len() {
                match self.apply(py, at, item)? {
                    Some(next) => item = next,
                    None => continue 'pull,
                }
            }
            return Ok(Some(item));
        }
        Ok(None)
    }

    /// The next elements, `most` of them unless there are fewer; and what ended them before their time. Whoever wants no
    /// more than the elements never sees that.
    pub(crate) fn take(&mut self, py: Python<'_>, most: usize) -> (Vec<Py<PyAny>>, Option<PyErr>) {
        let mut found = Vec::with_capacity(most.min(MOST));
        let (_, failure) = self.take_each(py, most, |item| {
            found.push(item.unbind());
            Ok(())
        });
        (found, failure)
    }

    /// The same, each given to `keep` when it is made; how many there were.
    pub(crate) fn take_each<'py>(
        &mut self,
        py: Python<'py>,
        most: usize,
        mut keep: impl FnMut(Bound<'py, PyAny>) -> PyResult<()>,
    ) -> (usize, Option<PyErr>) {
        let (origin, mut found) = (Origin::here(), 0);
        // A child that was forked meanwhile asks for no more.
        while found < most && origin.is_here() {
            let kept = self.next(py).and_then(|item| item.map(&mut keep).transpose());
            match kept {
                Ok(Some(())) => found += 1,
                Ok(None) => break,
                Err(raised) => {
                    // Here and not when somebody asks for more: a child has nobody to ask.
                    end_raised_in_child(origin, &raised, py);
                    return (found, Some(raised));
                }
            }
        }
        (found, None)
    }

    /// How many elements remain.
    pub(crate) fn count(&mut self, py: Python<'_>) -> PyResult<u64> {
        let (origin, mut found) = (Origin::here(), 0);
        while origin.is_here() && self.next(py)?.is_some() {
            found += 1;
        }
        Ok(found)
    }

    /// All remaining elements.
    pub(crate) fn drain(&mut self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        if self.stages.is_empty()
            && self.ahead.is_none()
            && let Source::Items(items) = &mut self.source
        {
            return Ok(std::mem::take(items).collect());
        }
        let mut all = Vec::new();
        while let Some(item) = self.next(py)? {
            all.push(item.unbind());
        }
        Ok(all)
    }

    /// An element and the index of the first stage it has not passed.
    fn pull<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyAny>, usize)>> {
        while let Some(&at) = self.active.last() {
            if let Some((iterator, key)) = &self.stages[at].inner {
                if let Some(item) = next_of(py, iterator)? {
                    let item = match key {
                        None => item,
                        Some(key) => PyTuple::new(py, [key.bind(py), &item])?.into_any(),
                    };
                    return Ok(Some((item, at + 1)));
                }
                self.stages[at].inner = None;
            }
            self.active.pop();
        }
        self.until_check -= 1;
        if self.until_check == 0 {
            self.until_check = CHECK_EVERY;
            turn::progressed();
            self.cancel.check().map_err(|stop| PyRuntimeError::new_err(stop.to_string()))?;
        }
        Ok(self.source.next(py)?.map(|item| (item, 0)))
    }

    /// Passes an element through one stage; None when it goes no further now.
    fn apply<'py>(
        &mut self,
        py: Python<'py>,
        at: usize,
        item: Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let stage = &mut self.stages[at];
        let function = stage.function.as_ref().map(|f| f.bind(py));
        match (stage.step, function) {
            (Step::Map, Some(f)) => call1(f, &item).map(Some),
            (Step::Filter, Some(f)) => Ok(call1(f, &item)?.is_truthy()?.then_some(item)),
            (Step::FlatMap, Some(f)) => {
                stage.inner = Some((call1(f, &item)?.try_iter()?.into_any().unbind(), None));
                self.active.push(at);
                Ok(None)
            }
            (Step::MapValues, Some(f)) => {
                let (key, value) = (at_index(&item, 0)?, at_index(&item, 1)?);
                Ok(Some(PyTuple::new(py, [key, call1(f, &value)?])?.into_any()))
            }
            (Step::FlatMapValues, Some(f)) => {
                let (key, value) = (at_index(&item, 0)?, at_index(&item, 1)?);
                stage.inner = Some((call1(f, &value)?.try_iter()?.into_any().unbind(), Some(key.unbind())));
                self.active.push(at);
                Ok(None)
            }
            (Step::Keys, _) => at_index(&item, 0).map(Some),
            (Step::Values, _) => at_index(&item, 1).map(Some),
            (Step::Take(_), _) => {
                stage.left = stage.left.saturating_sub(1);
                if stage.left == 0 {
                    self.finished = true;
                }
                Ok(Some(item))
            }
            (step, _) => Err(PyRuntimeError::new_err(format!("bug in dstreams: {step:?} is no simple step"))),
        }
    }
}

/// `item[index]`, quick for tuples.
pub(crate) fn at_index<'py>(item: &Bound<'py, PyAny>, index: usize) -> PyResult<Bound<'py, PyAny>> {
    match item.cast_exact::<PyTuple>() {
        Ok(tuple) => tuple.get_item(index),
        Err(_) => item.get_item(index),
    }
}
