//! Which elements does a sample hold? Those whose random number, drawn in order as Python draws it, is in a range.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_select::filter::filter;
use pyo3::prelude::*;

use crate::block::{Block, Columns};
use crate::error::Result;
use crate::kernel::keys::kernel_error;
use crate::kernel::mersenne::{PythonRandom, of_partition};
use crate::object::attach::attach;
use crate::object::call::user_error;
use crate::object::chain::Running;
use crate::object::live::Live;
use crate::object::objects;
use crate::object::pipeline::{Flow, Segment, Source};
use crate::rdd::{Blocks, ready};

/// The sample of one partition.
pub(crate) struct Sampled {
    running: Arc<Running>,
    drawn: Option<Drawn>,
    input: Blocks,
}

/// Says of each element, in order, whether it is in the sample.
struct Drawn {
    random: PythonRandom,
    from: f64,
    below: f64,
}

impl Drawn {
    fn next(&mut self) -> bool {
        let number = self.random.random();
        self.from <= number && number < self.below
    }
}

/// The sample of elements that are still being made: each is drawn when it comes by.
struct Passing {
    elements: Segment,
    drawn: Drawn,
}

impl Flow for Passing {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        while let Some(item) = self.elements.next(py)? {
            if self.drawn.next() {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

impl Sampled {
    /// The elements of `input` with random numbers in `from..below`.
    pub(crate) fn new(running: Arc<Running>, seed: i64, (from, below): (f64, f64), input: Blocks) -> Self {
        let random = of_partition(seed, running.partition);
        Self { running, drawn: Some(Drawn { random, from, below }), input }
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        while let Some(drawn) = &mut self.drawn {
            let Some(block) = self.input.next().transpose()? else { return Ok(None) };
            self.running.task.cancel.check()?;
            if Live::is(&block) {
                return Ok(self.drawn.take().map(|drawn| self.passing(block, drawn)));
            }
            let made = choose(drawn, block)?;
            if !made.is_empty() {
                return Ok(Some(made));
            }
        }
        Ok(None)
    }

    /// The sample of running steps and all that follows them.
    fn passing(&mut self, live: Block, drawn: Drawn) -> Block {
        let rest = std::mem::replace(&mut self.input, ready(Vec::new()));
        let cancel = &self.running.task.cancel;
        let elements = Segment::new(Source::blocks(Box::new(std::iter::once(Ok(live)).chain(rest))), cancel.clone());
        let passing = Source::Flow(Box::new(Passing { elements, drawn }));
        Live::new(&self.running.task, Segment::new(passing, cancel.clone())).block()
    }
}

fn choose(drawn: &mut Drawn, block: Block) -> Result<Block> {
    let kept: Vec<bool> = (0..block.len()).map(|_| drawn.next()).collect();
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

impl Iterator for Sampled {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
