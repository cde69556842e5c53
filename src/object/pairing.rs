//! How do the elements of two partitions become pairs, the first with the first?
//!
//! Spark zips batches, not elements: each side is cut into batches of elements that were pickled together. It finds out
//! that sides are not equally long at the first batch without a partner (its JVM does, when that batch comes: `Refused`),
//! or at the first two batches of different lengths (whoever reads them does: `Unpaired`). Pairs before that are good.
//! Every element with every other: `product.rs`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::call::user_error;
use super::objects;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::object::attach::attach;
use crate::rdd::{Again, Lot, Lots, Pairing, Task};

/// Pairs that have left Spark's JVM, about, before it comes to the batch without a partner: 64 KiB of small pairs. Where
/// there are fewer, nobody gets to see them.
const BUFFERED: usize = 5000;

type Items = Vec<Py<PyAny>>;

/// One side: its blocks, and how many batches of which size there are, in their order.
#[derive(Default)]
struct Side {
    blocks: Vec<Block>,
    batches: Vec<(usize, usize)>,
}

impl Side {
    fn of(lots: Lots) -> Result<Self> {
        let mut side = Self::default();
        for lot in lots {
            let Lot { block, size } = lot?;
            let (whole, rest) = (block.len() / size.max(1), block.len() % size.max(1));
            side.add(whole, size);
            side.add(1, rest);
            side.blocks.push(block);
        }
        Ok(side)
    }

    fn add(&mut self, count: usize, size: usize) {
        if count == 0 || size == 0 {
            return;
        }
        match self.batches.last_mut() {
            Some((before, same)) if *same == size => *before += count,
            _ => self.batches.push((count, size)),
        }
    }

    fn items(&self, py: Python<'_>) -> PyResult<Items> {
        let mut all = Vec::with_capacity(self.blocks.iter().map(Block::len).sum());
        for block in &self.blocks {
            all.append(&mut objects::load(py, block)?);
        }
        Ok(all)
    }
}

/// First with first, second with second; both sides must be equally long, batch by batch.
pub(crate) struct ZippedPairs;

/// The pairs before the first batches that do not fit, and what is wrong with these.
fn fitting(left: &[(usize, usize)], right: &[(usize, usize)]) -> (usize, Option<EngineError>) {
    let (mut lefts, mut rights) = (left.iter().copied(), right.iter().copied());
    let (mut l, mut r) = (lefts.next(), rights.next());
    let mut good = 0;
    loop {
        match (l, r) {
            (None, None) => return (good, None),
            (Some((a, one)), Some((b, other))) if one == other => {
                let both = a.min(b);
                good += both * one;
                l = if a > both { Some((a - both, one)) } else { lefts.next() };
                r = if b > both { Some((b - both, other)) } else { rights.next() };
            }
            (Some((_, left_size)), Some((_, right_size))) => {
                // Spark's JVM may still find one without a partner behind these, and then that is what fails.
                let count = |batches: &[(usize, usize)]| batches.iter().map(|(count, _)| count).sum::<usize>();
                let unpaired = EngineError::Unpaired { left: left_size, right: right_size, in_task: false };
                return (good, Some(if count(left) == count(right) { unpaired } else { uneven() }));
            }
            _ => return (good, Some(uneven())),
        }
    }
}

fn uneven() -> EngineError {
    let problem = "Can only zip RDDs with same number of elements in each partition".to_owned();
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}

impl Pairing for ZippedPairs {
    fn pair(&self, _task: &Arc<Task>, left: Lots, right: Again, _is_steady: bool) -> Result<Lots> {
        // All of them before the interpreter is entered: blocks may have to be made.
        let (left, right) = (Side::of(left)?, Side::of(right()?)?);
        let (mut good, failure) = fitting(&left.batches, &right.batches);
        if matches!(failure, Some(EngineError::Refused { .. })) && good < BUFFERED {
            good = 0;
        }
        if good == 0 {
            return Ok(Box::new(failure.map(Err).into_iter()));
        }
        let lots = attach(|py| {
            let (lefts, rights) = (left.items(py)?, right.items(py)?);
            let mut pairs = lefts.iter().zip(&rights).take(good);
            let mut lots = Vec::new();
            for (count, size) in &left.batches {
                let some = pairs.by_ref().take(count * size);
                let items = some.map(|(l, r)| tuple(py, l, r)).collect::<PyResult<Items>>()?;
                if items.is_empty() {
                    break;
                }
                lots.push(Ok(Lot { block: objects::fresh(items), size: *size }));
            }
            Ok(lots)
        });
        let lots = lots.map_err(user_error)?;
        Ok(Box::new(lots.into_iter().chain(failure.map(Err))))
    }
}

fn tuple(py: Python<'_>, left: &Py<PyAny>, right: &Py<PyAny>) -> PyResult<Py<PyAny>> {
    Ok(PyTuple::new(py, [left, right])?.into_any().unbind())
}
