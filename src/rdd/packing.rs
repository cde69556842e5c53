//! Which elements of a partition does Spark pickle together?
//!
//! Its JVM knows batches, not elements: it pairs, deals out and merges these. So the answers of `cartesian`, `zip` and
//! `repartition` follow from where batches end.
//! 1. A batch never holds elements of two lots, and only the last batch of a lot may have fewer elements than its size.
//! 2. Whoever asks for blocks alone need not find batches in them.
//!
//! Elsewhere: finding the batches of a partition (`exec/lots.rs`), cutting elements into them (`object/lots.rs`).

use crate::block::Block;
use crate::error::Result;

/// How an RDD's batches come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// So many elements in each, but for the last one.
    Each(usize),
    /// 1, 2, 4 ... elements, as long as pickles are small.
    Grown,
    /// As something else left them: a shuffle, the batches of parents.
    Varied,
}

/// So many elements, in batches of `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Elements.
    pub rows: usize,
    /// Elements in a batch; 0: 1, 2, 4 ... as for `Packing::Grown`.
    pub size: usize,
}

/// How to cut elements into batches.
#[derive(Debug, Clone)]
pub enum Batching {
    /// So many elements in each, but for the last one.
    Each(usize),
    /// As `Packing::Grown`.
    Grown,
    /// As these say; what comes after them is as `Grown`.
    Marks(Vec<Mark>),
}

/// A block, and how many of its elements are in a batch; its last batch may be smaller.
#[derive(Debug)]
pub struct Lot {
    /// The elements.
    pub block: Block,
    /// Elements in a batch; positive.
    pub size: usize,
}

impl Lot {
    /// What it says about its elements.
    pub fn mark(&self) -> Mark {
        Mark { rows: self.block.len(), size: self.size }
    }
}

/// The lots of one partition, read in order, as `Blocks` are.
pub type Lots = Box<dyn Iterator<Item = Result<Lot>> + Send>;

/// Their blocks alone.
pub fn blocks_of(lots: Lots) -> super::Blocks {
    Box::new(lots.map(|lot| lot.map(|lot| lot.block)))
}

/// Gives the same lots, made anew, each time it is called.
pub type Again = Box<dyn Fn() -> Result<Lots> + Send>;
