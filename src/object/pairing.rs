//! How do the elements of two partitions become pairs?

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::call::user_error;
use super::objects;
use super::pipeline::{Segment, Source};
use crate::block::Block;
use crate::error::Result;
use crate::object::attach::attach;
use crate::rdd::{Blocks, Pairing, Task};

fn drain(py: Python<'_>, task: &Arc<Task>, blocks: Blocks) -> PyResult<Vec<Py<PyAny>>> {
    Segment::new(Source::blocks(blocks), task.cancel.clone()).drain(py)
}

fn tuple(py: Python<'_>, left: &Py<PyAny>, right: &Py<PyAny>) -> PyResult<Py<PyAny>> {
    Ok(PyTuple::new(py, [left, right])?.into_any().unbind())
}

/// First with first, second with second; both sides must be equally long.
pub(crate) struct ZippedPairs;

impl Pairing for ZippedPairs {
    fn pair(&self, task: &Arc<Task>, left: Blocks, right: Blocks) -> Result<Vec<Block>> {
        attach(|py| {
            let (left, right) = (drain(py, task, left)?, drain(py, task, right)?);
            if left.len() != right.len() {
                return Err(PyValueError::new_err(format!(
                    "Can only zip RDDs with same number of elements in each partition: partition {} has {} and {}",
                    task.id.partition,
                    left.len(),
                    right.len()
                )));
            }
            let pairs = left.iter().zip(&right).map(|(l, r)| tuple(py, l, r)).collect::<PyResult<_>>()?;
            Ok(vec![objects::fresh(pairs)])
        })
        .map_err(user_error)
    }
}

/// Every element of the left with every element of the right.
pub(crate) struct CartesianPairs;

impl Pairing for CartesianPairs {
    fn pair(&self, task: &Arc<Task>, left: Blocks, right: Blocks) -> Result<Vec<Block>> {
        attach(|py| {
            let (left, right) = (drain(py, task, left)?, drain(py, task, right)?);
            let mut pairs = Vec::with_capacity(left.len() * right.len());
            for l in &left {
                for r in &right {
                    pairs.push(tuple(py, l, r)?);
                }
            }
            Ok(vec![objects::fresh(pairs)])
        })
        .map_err(user_error)
    }
}
