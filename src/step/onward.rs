//! How does a chain go on in Python where native steps end, or have no answer?
//!
//! `Onward` is what a chain over one partition asks of the layer that knows objects. A block of objects is *running* if it
//! stands for Python's steps that are still making its elements (`object/live.rs`): each element is taken in before the next
//! one is asked for, and such a block is read once, to its end before the block after it is asked for.

use std::ops::Range;
use std::sync::Arc;

use super::sample::Drawn;
use crate::block::{Block, Columns};
use crate::error::{EngineError, Result};
use crate::rdd::Blocks;

/// The elements of a block as columns; the block itself if they are no columns. What is running does not fit.
pub type AsColumns = fn(Block) -> std::result::Result<Columns, Block>;

/// The first elements of a running block, as columns.
pub struct Pulled {
    /// None of them, perhaps.
    pub made: Columns,
    /// What comes after them.
    pub then: Then,
}

/// What is left of a running block.
pub enum Then {
    /// Nothing.
    Over,
    /// As many elements came as were asked for; this block has the others.
    More(Block),
    /// The first element of this block is no value of a column like those before.
    Misfit(Block),
    /// Good elements come first: whoever wants no more of them never sees the failure.
    Failed(EngineError),
}

/// A chain over one partition, as far as only Python can tell.
pub trait Onward: Send + Sync {
    /// `steps` in Python over `input`, of which nothing is asked before the first block is pulled. With `begun` the first of
    /// them begins with what native code has made of the rows before: pairs of keys and combined values for a step that
    /// combines, else whatever its function resumes from.
    fn python(self: Arc<Self>, steps: Range<usize>, begun: Option<Columns>, input: Blocks) -> Blocks;
    /// Step `step`, a function of the values of pairs with no other Python step beside it, over `input`.
    fn values(self: Arc<Self>, step: usize, input: Blocks) -> Blocks;
    /// The elements of a block as columns: see `AsColumns`.
    fn columns(&self, block: Block) -> std::result::Result<Columns, Block>;
    /// Whether a block is running.
    fn is_running(&self, block: &Block) -> bool;
    /// Up to so many elements of a running block as columns; the block itself if it is not running.
    fn pull(&self, block: Block, rows: usize) -> Result<std::result::Result<Pulled, Block>>;
    /// The number of elements; those of a running block are made for it.
    fn count(&self, block: Block) -> Result<u64>;
    /// The elements of a block of objects, not a running one, for which `kept` says so.
    fn kept(&self, block: &Block, kept: &[bool]) -> Result<Block>;
    /// The sample of a running block and all blocks after it: each element is drawn when it comes by.
    fn sampled(&self, input: Blocks, drawn: Drawn) -> Block;
    /// What the function of step `step` gives for each record, and the state that it leaves with the record's key: record i
    /// is of the key whose state is `states[ids[i]]`. None if that is no column, or if it raises.
    fn call_by_row(&self, step: usize, states: &Columns, ids: &[u32], records: &Columns) -> Result<Option<Columns>>;
    /// What the function of step `step` gives for keys that time out: pairs of these and their states.
    fn call_for_idle(&self, step: usize, idle: &Columns) -> Result<Block>;
}
