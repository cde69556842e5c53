//! How does a function of the library become a source of partitions? It is asked for their elements, once, on first use.
//!
//! What it gives is small: names of files, say, which a following step opens.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::call::user_error;
use super::objects::seal_list;
use crate::block::Block;
use crate::error::Result;
use crate::object::attach::attach;
use crate::rdd::{Blocks, Reader, ready};

/// Partitions that a function without parameters gives as lists.
pub(crate) struct Planned {
    plan: Py<PyAny>,
    slices: OnceLock<Vec<Vec<Block>>>,
}

impl Planned {
    pub(crate) fn new(plan: Py<PyAny>) -> Self {
        Self { plan, slices: OnceLock::new() }
    }

    fn slices(&self) -> Result<&[Vec<Block>]> {
        if let Some(found) = self.slices.get() {
            return Ok(found);
        }
        let found = attach(|py| {
            let lists: Vec<Bound<'_, PyList>> = self.plan.bind(py).call0()?.extract()?;
            lists.iter().map(|list| Ok(vec![seal_list(list)?])).collect::<PyResult<Vec<_>>>()
        });
        let found = found.map_err(user_error)?;
        Ok(self.slices.get_or_init(|| found))
    }
}

impl Reader for Planned {
    fn partitions(&self) -> Result<usize> {
        Ok(self.slices()?.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        Ok(ready(self.slices()?.get(partition).cloned().unwrap_or_default()))
    }

    fn name(&self) -> &'static str {
        "NewHadoopRDD"
    }
}
