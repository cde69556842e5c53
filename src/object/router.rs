//! To which partition does an element go?

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::aggregate::unpack;
use super::call::{call1, user_error};
use super::frozen::Frozen;
use super::hash::{Hasher, bucket};
use super::objects::{self, Prefer};
use super::task;
use super::turn::Turn;
use crate::error::Result;
use crate::kernel::random::XorShiftRandom;
use crate::rdd::{Blocks, MapOutput, Router, Task};

/// By key: Spark's portable hash, or a function of the user.
pub(crate) enum KeyRouter {
    PortableHash,
    Function(Frozen),
}

impl KeyRouter {
    fn route_attached(&self, py: Python<'_>, task: &Arc<Task>, input: Blocks, targets: usize) -> PyResult<MapOutput> {
        let mut buckets: Vec<Vec<Py<PyAny>>> = (0..targets).map(|_| Vec::new()).collect();
        if targets == 0 {
            return Ok(Vec::new());
        }
        let function = match self {
            Self::PortableHash => None,
            Self::Function(frozen) => Some(frozen.load(py)?.get_item(0)?),
        };
        let hasher = Hasher::new(py)?;
        let mut input = super::pipeline::Segment::new(super::pipeline::Source::blocks(input), task.cancel.clone());
        while let Some(item) = input.next(py)? {
            let (key, value) = unpack(&item)?;
            let target = match &function {
                None => bucket(hasher.hash(&key)?, targets),
                Some(f) => call1(f, &key)?.rem(targets)?.extract()?,
            };
            let pair =
                if item.is_exact_instance_of::<PyTuple>() { item } else { PyTuple::new(py, [key, value])?.into_any() };
            buckets[target].push(pair.unbind());
        }
        seal_buckets(py, buckets)
    }
}

fn seal_buckets(py: Python<'_>, buckets: Vec<Vec<Py<PyAny>>>) -> PyResult<MapOutput> {
    buckets
        .into_iter()
        .map(|items| match items.is_empty() {
            true => Ok(Vec::new()),
            false => Ok(vec![objects::seal_items(py, items, Prefer::Shared)?]),
        })
        .collect()
}

impl Router for KeyRouter {
    fn route(&self, task: &Arc<Task>, input: Blocks, targets: usize) -> Result<MapOutput> {
        let _turn = Turn::wait();
        Python::attach(|py| task::within(task, || self.route_attached(py, task, input, targets)))
            .map_err(|raised| task.cancel.check().err().unwrap_or_else(|| user_error(raised)))
    }
}

/// Deals out batches of elements in turn, from a start that Spark's random gives for the map partition.
pub(crate) struct DealRouter {
    /// Elements dealt together.
    pub batch: usize,
}

impl Router for DealRouter {
    fn route(&self, task: &Arc<Task>, input: Blocks, targets: usize) -> Result<MapOutput> {
        let mut position = XorShiftRandom::new(task.id.partition as i64).next_int(targets as i32) as usize;
        Python::attach(|py| {
            let mut items = Vec::new();
            let mut input = input;
            while let Some(block) = py.detach(|| input.next()) {
                match block {
                    Ok(block) => items.extend(objects::load(py, &block).map_err(user_error)?),
                    Err(error) => return Err(error),
                }
            }
            let mut buckets: Vec<Vec<Py<PyAny>>> = (0..targets).map(|_| Vec::new()).collect();
            let mut items = items.into_iter().peekable();
            while items.peek().is_some() {
                position += 1;
                buckets[position % targets].extend(items.by_ref().take(self.batch));
            }
            seal_buckets(py, buckets).map_err(user_error)
        })
    }
}
