//! Which elements of running steps does a sample hold? Each is drawn when it comes by, and handed on before the next one.

use std::sync::Arc;

use pyo3::prelude::*;

use super::live::Live;
use super::pipeline::{Flow, Segment, Source};
use crate::block::Block;
use crate::rdd::{Blocks, Task};
use crate::step::Drawn;

/// The sample of elements that are still being made.
struct Passing {
    elements: Segment,
    drawn: Drawn,
}

impl Flow for Passing {
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        while let Some(item) = self.elements.next(py)? {
            if self.drawn.draw() {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

/// The sample of running steps and all that follows them.
pub(super) fn passing(task: &Arc<Task>, input: Blocks, drawn: Drawn) -> Block {
    let elements = Segment::new(Source::blocks(input), task.cancel.clone());
    let passing = Source::Flow(Box::new(Passing { elements, drawn }));
    Live::new(task, Segment::new(passing, task.cancel.clone())).block()
}
