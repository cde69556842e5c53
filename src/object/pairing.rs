//! How do the elements of two partitions become pairs?
//!
//! Spark zips batches, not elements: each side is cut into batches of elements that were pickled together. It finds out
//! that sides are not equally long at the first batch without a partner (its JVM does, when that batch comes: `Refused`),
//! or at the first two batches of different lengths (whoever reads them does: `Unpaired`). Pairs before that are good.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::call::user_error;
use super::objects;
use crate::block::Block;
use crate::error::{EngineError, Result};
use crate::object::attach::attach;
use crate::rdd::{Blocks, Pairing, ready};

/// Pairs that have left Spark's JVM, about, before it comes to the batch without a partner: 64 KiB of small pairs. Where
/// there are fewer, nobody gets to see them.
const BUFFERED: usize = 5000;

type Items = Vec<Py<PyAny>>;

/// The elements of both sides. Collected before the interpreter is entered: their blocks may have to be made.
fn drain<T>(left: Blocks, right: Blocks, pairs: impl FnOnce(Python<'_>, Items, Items) -> PyResult<T>) -> Result<T> {
    let (left, right) = (left.collect::<Result<Vec<_>>>()?, right.collect::<Result<Vec<_>>>()?);
    let items = |py: Python<'_>, blocks: Vec<Block>| {
        let mut all = Vec::with_capacity(blocks.iter().map(Block::len).sum());
        for block in blocks {
            all.append(&mut objects::load(py, &block)?);
        }
        Ok::<_, PyErr>(all)
    };
    attach(|py| pairs(py, items(py, left)?, items(py, right)?)).map_err(user_error)
}

fn tuple(py: Python<'_>, left: &Py<PyAny>, right: &Py<PyAny>) -> PyResult<Py<PyAny>> {
    Ok(PyTuple::new(py, [left, right])?.into_any().unbind())
}

/// First with first, second with second; both sides must be equally long.
pub(crate) struct ZippedPairs {
    /// Elements in a batch of each side; positive.
    pub batches: (usize, usize),
}

/// The pairs before the first batches that do not fit, and what is wrong with these.
fn fitting(lengths: (usize, usize), batches: (usize, usize)) -> (usize, Option<EngineError>) {
    let in_batch = |at: usize, length: usize, batch: usize| length.saturating_sub(at * batch).min(batch);
    let (mut at, mut good) = (0, 0);
    loop {
        match (in_batch(at, lengths.0, batches.0), in_batch(at, lengths.1, batches.1)) {
            (0, 0) => return (good, None),
            (0, _) | (_, 0) => return (good, Some(uneven())),
            (left, right) if left == right => good += left,
            (left, right) => {
                // Spark's JVM may still find one without a partner behind these, and then that is what fails.
                let counts = (lengths.0.div_ceil(batches.0), lengths.1.div_ceil(batches.1));
                let unpaired = EngineError::Unpaired { left, right, in_task: false };
                return (good, Some(if counts.0 == counts.1 { unpaired } else { uneven() }));
            }
        }
        at += 1;
    }
}

fn uneven() -> EngineError {
    let problem = "Can only zip RDDs with same number of elements in each partition".to_owned();
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}

impl Pairing for ZippedPairs {
    fn pair(&self, left: Blocks, right: Blocks) -> Result<Blocks> {
        let (block, failure) = drain(left, right, |py, left, right| {
            let (mut good, failure) = fitting((left.len(), right.len()), self.batches);
            if matches!(failure, Some(EngineError::Refused { .. })) && good < BUFFERED {
                good = 0;
            }
            let pairs = left.iter().zip(&right).take(good).map(|(l, r)| tuple(py, l, r)).collect::<PyResult<_>>()?;
            Ok((objects::fresh(pairs), failure))
        })?;
        let good = (!block.is_empty() || failure.is_none()).then_some(Ok(block));
        Ok(Box::new(good.into_iter().chain(failure.map(Err))))
    }
}

/// Every element of the left with every element of the right.
pub(crate) struct CartesianPairs;

impl Pairing for CartesianPairs {
    fn pair(&self, left: Blocks, right: Blocks) -> Result<Blocks> {
        drain(left, right, |py, left, right| {
            let mut pairs = Vec::with_capacity(left.len() * right.len());
            for l in &left {
                for r in &right {
                    pairs.push(tuple(py, l, r)?);
                }
            }
            Ok(ready(vec![objects::fresh(pairs)]))
        })
    }
}
