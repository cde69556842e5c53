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
    fn route_attached(
        &self,
        py: Python<'_>,
        task: &Arc<Task>,
        input: Blocks,
        targets: usize,
    ) -> PyResult<Vec<Vec<Py<PyAny>>>> {
        let mut buckets: Vec<Vec<Py<PyAny>>> = (0..targets).map(|_| Vec::new()).collect();
        if targets == 0 {
            return Ok(buckets);
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
        Ok(buckets)
    }
}

/// Seals the elements for each target and adds them to the output.
fn send(py: Python<'_>, buckets: Vec<Vec<Py<PyAny>>>, output: &mut MapOutput) -> Result<()> {
    for (target, items) in buckets.into_iter().enumerate() {
        if !items.is_empty() {
            output.push(target, objects::seal_items(py, items, Prefer::Shared).map_err(user_error)?)?;
        }
    }
    Ok(())
}

impl Router for KeyRouter {
    fn route(&self, task: &Arc<Task>, input: Blocks, output: &mut MapOutput) -> Result<()> {
        let _turn = Turn::wait();
        Python::attach(|py| {
            let buckets = task::within(task, || self.route_attached(py, task, input, output.targets()))
                .map_err(|raised| task.cancel.check().err().unwrap_or_else(|| user_error(raised)))?;
            send(py, buckets, output)
        })
    }
}

/// Deals out batches of elements in turn, from a start that Spark's random gives for the map partition.
pub(crate) struct DealRouter {
    /// Elements dealt together.
    pub batch: usize,
}

impl Router for DealRouter {
    fn route(&self, task: &Arc<Task>, input: Blocks, output: &mut MapOutput) -> Result<()> {
        let targets = output.targets();
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
            send(py, buckets, output)
        })
    }
}
