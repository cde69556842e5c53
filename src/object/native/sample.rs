//! Which elements does a sample hold? Those whose random number, drawn in order as Python draws it, is in a range.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_select::filter::filter;

use crate::block::{Block, Columns};
use crate::error::Result;
use crate::kernel::keys::kernel_error;
use crate::kernel::mersenne::{PythonRandom, of_partition};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::chain::Running;
use crate::object::objects;
use crate::rdd::Blocks;

/// The sample of one partition.
pub(crate) struct Sampled {
    running: Arc<Running>,
    random: PythonRandom,
    from: f64,
    below: f64,
    input: Blocks,
}

impl Sampled {
    /// The elements of `input` with random numbers in `from..below`.
    pub(crate) fn new(running: Arc<Running>, seed: i64, (from, below): (f64, f64), input: Blocks) -> Self {
        let random = of_partition(seed, running.partition);
        Self { running, random, from, below, input }
    }

    fn choose(&mut self, block: Block) -> Result<Block> {
        let kept: Vec<bool> = (0..block.len())
            .map(|_| {
                let number = self.random.random();
                self.from <= number && number < self.below
            })
            .collect();
        match block {
            Block::Columns(columns) => {
                let array = filter(columns.array(), &BooleanArray::from(kept)).map_err(kernel_error)?;
                Ok(Block::Columns(Columns::new(columns.kind().clone(), array)))
            }
            block => attach(|py| {
                let items = objects::load(py, &block).map_err(user_error)?;
                let items = items.into_iter().zip(kept).filter_map(|(item, keep)| keep.then_some(item)).collect();
                Ok(objects::fresh(items))
            }),
        }
    }
}

impl Iterator for Sampled {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = match self.input.next()? {
                Ok(block) => self.running.task.cancel.check().and_then(|()| self.choose(block)),
                Err(error) => Err(error),
            };
            match block {
                Ok(block) if block.is_empty() => {}
                other => return Some(other),
            }
        }
    }
}
