//! How do elements wait for their way to a target partition?
//!
//! They wait as objects until memory is short or the task ends; then those of each target are sealed into a block. In a
//! worker of Spark they wait too, and are pickled from time to time, those of each target together: whatever changes later
//! does not change these. So they are made copies of here at the same times, if somebody else may still change them.

use pyo3::prelude::*;

use super::call::engine_error;
use super::objects::{self, Prefer};
use super::weigh::{self, Scale};
use crate::rdd::{MapOutput, Task};

/// About the bytes of a block: a reader has one in memory, at times twice.
const LARGEST: usize = 2 << 20;

/// Elements by target.
pub(crate) struct Buckets {
    waiting: Vec<Vec<Py<PyAny>>>,
    /// How many of them nobody else can change any more.
    settled: Vec<usize>,
    scale: Scale,
    prefer: Prefer,
}

impl Buckets {
    /// Empty buckets for so many targets.
    pub(crate) fn new(task: &Task, targets: usize, prefer: Prefer) -> Self {
        let waiting = (0..targets).map(|_| Vec::new()).collect();
        Self { waiting, settled: vec![0; targets], scale: Scale::new(task), prefer }
    }

    /// Adds an element for a target; when memory is short, all that waits is sent to `output`.
    pub(crate) fn add(&mut self, target: usize, item: Bound<'_, PyAny>, output: &mut MapOutput) -> PyResult<()> {
        let py = item.py();
        let fits = match self.scale.due() {
            Some(times) => self.scale.add(py, times * (8 + weigh::one(&item, 1)))?,
            None => true,
        };
        self.waiting[target].push(item.unbind());
        if !fits {
            // Columns take less room than objects, here and in a file.
            self.prefer = Prefer::Columns;
            self.send(py, output)?;
        }
        Ok(())
    }

    /// Has the elements that came since the last time be what they are now. For how many targets, and about how many bytes.
    pub(crate) fn settle(&mut self, py: Python<'_>) -> PyResult<(usize, usize)> {
        let (mut targets, mut sum) = (0, 0);
        for (items, settled) in self.waiting.iter_mut().zip(&mut self.settled) {
            if items.len() == *settled {
                continue;
            }
            targets += 1;
            let (mut new, bytes) = objects::settled(py, items.split_off(*settled))?;
            items.append(&mut new);
            sum += bytes;
            *settled = items.len();
        }
        Ok((targets, sum))
    }

    /// Sends what waits.
    pub(crate) fn send(&mut self, py: Python<'_>, output: &mut MapOutput) -> PyResult<()> {
        self.settled.fill(0);
        for (target, items) in self.waiting.iter_mut().enumerate() {
            if !items.is_empty() {
                let rows = weigh::rows(py, items, LARGEST);
                let mut items = std::mem::take(items).into_iter();
                while items.len() > 0 {
                    let some = items.by_ref().take(rows).collect();
                    let block = objects::seal_items(py, some, self.prefer)?;
                    py.detach(|| output.push(target, block)).map_err(|error| engine_error(py, &error))?;
                }
            }
        }
        self.scale.clear();
        Ok(())
    }
}
