//! How does a range of numbers become an RDD?
//!
//! It is made anew by each reader instead of being held.

use std::sync::Arc;

use arrow_array::Int64Array;

use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::rdd::{Blocks, Reader};

/// Numbers per block.
const CHUNK: i64 = 1 << 16;

/// Partitions `start, start + step, ...` of `count` numbers each, all within 64 bits.
pub struct Numbers {
    /// (start, step, count) per partition.
    pub slices: Vec<(i64, i64, i64)>,
}

impl Reader for Numbers {
    fn partitions(&self) -> Result<usize> {
        Ok(self.slices.len())
    }

    fn read(&self, partition: usize) -> Result<Blocks> {
        let (start, step, count) = self.slices.get(partition).copied().unwrap_or((0, 1, 0));
        let chunks = (0..(count + CHUNK - 1) / CHUNK).map(move |chunk| {
            let indices = chunk * CHUNK..count.min((chunk + 1) * CHUNK);
            let values: Int64Array = indices.map(|i| start + i * step).collect::<Vec<i64>>().into();
            Ok(Block::Columns(Columns::new(Kind::Int, Arc::new(values))))
        });
        Ok(Box::new(chunks))
    }

    fn name(&self) -> &'static str {
        "Numbers"
    }
}
