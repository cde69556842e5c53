//! Which elements does a sample hold? Those whose random number, drawn in order as Python draws it, is in a range.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_select::filter::filter;

use super::running::Running;
use crate::block::{Block, Columns};
use crate::error::Result;
use crate::kernel::keys::kernel_error;
use crate::kernel::mersenne::{PythonRandom, of_partition};
use crate::rdd::{Blocks, ready};

/// The sample of one partition.
pub(super) struct Sampled {
    running: Arc<Running>,
    drawn: Option<Drawn>,
    input: Blocks,
}

/// Says of each element, in order, whether it is in the sample.
pub struct Drawn {
    random: PythonRandom,
    from: f64,
    below: f64,
}

impl Drawn {
    /// Whether the next element is in the sample.
    pub fn draw(&mut self) -> bool {
        let number = self.random.random();
        self.from <= number && number < self.below
    }
}

impl Sampled {
    /// The elements of `input` with random numbers in `from..below`.
    pub(super) fn new(running: Arc<Running>, seed: i64, (from, below): (f64, f64), input: Blocks) -> Self {
        let random = of_partition(seed, running.partition);
        Self { running, drawn: Some(Drawn { random, from, below }), input }
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        while let Some(drawn) = &mut self.drawn {
            let Some(block) = self.input.next().transpose()? else { return Ok(None) };
            self.running.task.cancel.check()?;
            if self.running.onward.is_running(&block) {
                let rest = std::mem::replace(&mut self.input, ready(Vec::new()));
                let input = Box::new(std::iter::once(Ok(block)).chain(rest));
                return Ok(self.drawn.take().map(|drawn| self.running.onward.sampled(input, drawn)));
            }
            let kept: Vec<bool> = (0..block.len()).map(|_| drawn.draw()).collect();
            let made = match block {
                Block::Columns(columns) => {
                    let array = filter(columns.array(), &BooleanArray::from(kept)).map_err(kernel_error)?;
                    Block::Columns(Columns::new(columns.kind().clone(), array))
                }
                objects => self.running.onward.kept(&objects, &kept)?,
            };
            if !made.is_empty() {
                return Ok(Some(made));
            }
        }
        Ok(None)
    }
}

impl Iterator for Sampled {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
