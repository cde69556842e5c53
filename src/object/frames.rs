//! How do the elements that a worker process makes go to a shuffle of the driver's, or to be paired there?
//!
//! As if the driver took each one when it is made, though it gets frames of many.
//! 1. What Spark pickles together is one state of its objects: ten elements that are dealt together, what
//!    is paired, what waits for the targets of a shuffle. A frame holds one or more such parts, each its own.
//! 2. A pair for a shuffle is made a plain one when it comes by, and its key is what it was then: if the key may have
//!    changed by the time of the frame, a copy of it comes along, by which the pair is placed.

use std::any::Any;
use std::fmt;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::aggregate::unpack;
use super::batches::{self, Cut, More, SMALL};
use super::pipeline::Segment;
use super::router::Pace;
use super::{convert, lots, objects, travel};
use crate::block::{Block, LoadObjects, Objects};
use crate::error::{EngineError, Result};
use crate::rdd::{Batching, Blocks, Taker, blocks_of};

/// Elements of the largest frame of small ones, about.
const MOST: usize = 1 << 16;

/// A taker as its worker is told of it.
pub(super) fn told(taker: Taker) -> (&'static str, usize) {
    match taker {
        Taker::Keyed { targets } => ("keyed", targets),
        Taker::Dealt { batch } => ("dealt", batch),
        Taker::Batches { size } => ("batches", size),
    }
}

/// The taker that was told of; `None` for any other name.
pub(super) fn heard((name, number): (&str, usize)) -> Option<Taker> {
    match name {
        "keyed" => Some(Taker::Keyed { targets: number }),
        "dealt" => Some(Taker::Dealt { batch: number }),
        "batches" => Some(Taker::Batches { size: number }),
        _ => None,
    }
}

/// Live blocks of `made` as frames for `taker`.
pub(super) fn of(made: Blocks, taker: Taker) -> Blocks {
    let parts = |part: usize| Parts { part: part.max(1), passed: 0, count: 1 };
    match taker {
        Taker::Keyed { targets } => batches::cut(made, Keyed { pace: Pace::new(targets), targets }),
        Taker::Dealt { batch } => batches::cut(made, parts(batch)),
        Taker::Batches { size: 0 } => blocks_of(lots::cut(made, Batching::Grown)),
        Taker::Batches { size } => blocks_of(lots::cut(made, Batching::Each(size))),
    }
}

/// Frames of parts with so many elements.
struct Parts {
    part: usize,
    /// Elements so far.
    passed: usize,
    /// Parts of the next frame.
    count: usize,
}

impl Cut for Parts {
    fn next(&mut self, py: Python<'_>, segment: &mut Segment) -> PyResult<(Option<Block>, More)> {
        let (mut frame, mut sum, mut more) = (Vec::new(), 0, More::Perhaps);
        for _ in 0..self.count {
            let wanted = self.part - self.passed % self.part;
            let (items, failure) = segment.take(py, wanted);
            more = More::after(items.len(), wanted, failure);
            self.passed += items.len();
            let (mut items, bytes) = objects::settled(py, items)?;
            frame.append(&mut items);
            sum += bytes;
            if sum >= SMALL || !matches!(more, More::Perhaps) {
                break;
            }
        }
        if sum < SMALL {
            self.count = (self.count * 2).min(MOST / self.part).max(1);
        }
        Ok(((!frame.is_empty()).then(|| objects::fresh(frame)), more))
    }

    fn pass(&mut self, rows: usize) {
        self.passed += rows;
    }
}

/// Frames of what Spark pickles at the same time for the targets of a shuffle.
struct Keyed {
    pace: Pace,
    targets: usize,
}

impl Cut for Keyed {
    fn next(&mut self, py: Python<'_>, segment: &mut Segment) -> PyResult<(Option<Block>, More)> {
        let wanted = self.pace.wanted();
        let (mut pairs, mut keys) = (Vec::new(), Vec::new());
        let mut differ = false;
        let (found, failure) = segment.take_each(py, wanted, |item| {
            let (pair, key) = placed(item)?;
            differ |= key.is_some();
            pairs.push(pair);
            keys.push(key);
            Ok(())
        });
        let more = More::after(found, wanted, failure);
        let count = pairs.len();
        let (pairs, bytes) = objects::settled(py, pairs)?;
        self.pace.settled(self.targets.min(count), bytes);
        let block = if differ { PlacedBlock { pairs, keys }.block() } else { objects::fresh(pairs) };
        Ok(((count > 0).then_some(block), more))
    }
}

/// What is sent of an element; and a copy of its key, if the key may change before that.
fn placed(item: Bound<'_, PyAny>) -> PyResult<(Py<PyAny>, Option<Py<PyAny>>)> {
    let py = item.py();
    if let Ok(pair) = item.cast_exact::<PyTuple>()
        && pair.len() == 2
        && convert::is_immutable(&*pair.get_borrowed_item(0)?)
    {
        return Ok((item.unbind(), None));
    }
    let item = item.unbind();
    let is_final = travel::are_own(py, std::slice::from_ref(&item));
    let item = item.into_bound(py);
    let (key, value) = unpack(&item)?;
    let copy = if is_final || convert::is_immutable(&key) {
        None
    } else {
        objects::copied(py, vec![key.clone().unbind()])?.0.pop()
    };
    let pair = if item.is_exact_instance_of::<PyTuple>() { item } else { PyTuple::new(py, [key, value])?.into_any() };
    Ok((pair.unbind(), copy))
}

/// Pairs of a worker's, and by which keys they are placed: `None` for the pair's own.
pub(super) struct PlacedBlock {
    pub(super) pairs: Vec<Py<PyAny>>,
    pub(super) keys: Vec<Option<Py<PyAny>>>,
}

impl PlacedBlock {
    fn block(self) -> Block {
        Block::Objects(std::sync::Arc::new(self))
    }

    /// If a block is one.
    pub(super) fn of(block: &Block) -> Option<&Self> {
        match block {
            Block::Objects(objects) => objects.as_any().downcast_ref::<Self>(),
            Block::Columns(_) => None,
        }
    }
}

/// What a worker pickles of a block.
pub(super) fn dumped<'py>(py: Python<'py>, block: &Block) -> PyResult<Bound<'py, PyAny>> {
    let Some(PlacedBlock { pairs, keys }) = PlacedBlock::of(block) else {
        return Ok(PyList::new(py, objects::load(py, block)?)?.into_any());
    };
    Ok(PyTuple::new(py, [PyList::new(py, pairs)?, PyList::new(py, keys)?])?.into_any())
}

/// The block of what a worker pickled.
pub(super) fn loaded(frame: Bound<'_, PyAny>) -> PyResult<Block> {
    match frame.cast_into::<PyList>() {
        Ok(items) => Ok(objects::fresh(items.iter().map(Bound::unbind).collect())),
        Err(other) => {
            let (pairs, keys) = other.into_inner().extract()?;
            Ok(PlacedBlock { pairs, keys }.block())
        }
    }
}

/// Python objects may only be dropped while attached.
impl Drop for PlacedBlock {
    fn drop(&mut self) {
        let mut held = Some((std::mem::take(&mut self.pairs), std::mem::take(&mut self.keys)));
        Python::try_attach(|_| drop(held.take()));
        // No interpreter any more: leaking beats touching freed memory.
        std::mem::forget(held);
    }
}

impl fmt::Debug for PlacedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlacedBlock")
    }
}

/// For the router alone that the worker was told of.
impl Objects for PlacedBlock {
    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn bytes(&self) -> usize {
        2 * self.pairs.len() * size_of::<Py<PyAny>>()
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn dump(&self) -> Result<(Vec<u8>, LoadObjects)> {
        Err(EngineError::Bug("pairs on their way to a shuffle cannot be kept".to_owned()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
