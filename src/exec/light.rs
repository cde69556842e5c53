//! Is a stage so light that to wake other threads would cost more than its tasks?
//!
//! It is if all that its tasks read is in memory, as columns, and little of it; and if nothing that they do may take long
//! whatever it reads: no function of the program is called.

use std::sync::Arc;

use crate::block::Block;
use crate::rdd::{Op, Rdd};

/// Bytes that the tasks of a light stage read together: some tens of microseconds of work.
const BYTES: usize = 32 << 10;
/// Nodes that are looked at.
const NODES: usize = 64;

/// Whether the tasks that compute an RDD are light, those of shuffles before it not counted.
pub(super) fn is_light(rdd: &Arc<Rdd>) -> bool {
    Looker { bytes: BYTES, nodes: NODES }.is_light(rdd)
}

/// What may still be read and looked at.
struct Looker {
    bytes: usize,
    nodes: usize,
}

impl Looker {
    fn is_light(&mut self, rdd: &Arc<Rdd>) -> bool {
        let Some(nodes) = self.nodes.checked_sub(1) else { return false };
        self.nodes = nodes;
        match &*rdd.op() {
            Op::Held(partitions) => partitions.iter().flatten().all(|block| self.reads(Block::column_bytes(block))),
            Op::Kept(partitions) => partitions.iter().flatten().all(|parcel| self.reads(parcel.column_bytes())),
            Op::Shuffle { slot, .. } => slot.get().is_some_and(|data| self.reads(data.column_bytes())),
            Op::Narrow { parent, steps, .. } => steps.is_light() && self.is_light(parent),
            Op::Union(parents) | Op::Aligned(parents) => parents.iter().all(|parent| self.is_light(parent)),
            Op::Coalesce { parent, .. } => self.is_light(parent),
            Op::Updated { older, newer, .. } => self.is_light(older) && self.is_light(newer),
            Op::Read(_) | Op::Pair { .. } => false,
        }
    }

    fn reads(&mut self, bytes: Option<usize>) -> bool {
        match bytes.and_then(|bytes| self.bytes.checked_sub(bytes)) {
            Some(left) => {
                self.bytes = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use arrow_array::Int64Array;

    use super::*;
    use crate::block::{Columns, Kind};
    use crate::error::Result;
    use crate::rdd::{Blocks, Narrow, Task};

    struct Steps {
        light: bool,
    }

    impl Narrow for Steps {
        fn run(self: Arc<Self>, _: &Arc<Task>, _: usize, input: Blocks) -> Result<Blocks> {
            Ok(input)
        }

        fn as_any(&self) -> &dyn Any {
            self
        }

        fn is_light(&self) -> bool {
            self.light
        }
    }

    fn held(rows: usize) -> Arc<Rdd> {
        let numbers: Vec<i64> = vec![1; rows];
        Rdd::new(Op::Held(vec![vec![Block::Columns(Columns::new(Kind::Int, Arc::new(Int64Array::from(numbers))))]; 2]))
    }

    fn over(parent: Arc<Rdd>, light: bool) -> Arc<Rdd> {
        Rdd::new(Op::Narrow { parent, steps: Arc::new(Steps { light }), keeps_partitioner: false })
    }

    #[test]
    fn few_columns_under_native_steps_are_light() {
        assert!(is_light(&held(10)));
        assert!(is_light(&Rdd::new(Op::Union(vec![over(held(10), true), held(0)]))));
    }

    #[test]
    fn much_data_and_functions_of_the_program_are_not() {
        let half = held(BYTES / 8 / 4 + 1);
        assert!(is_light(&half));
        assert!(!is_light(&Rdd::new(Op::Union(vec![Arc::clone(&half), half]))), "bytes are counted together");
        assert!(!is_light(&held(BYTES)));
        assert!(!is_light(&over(over(held(1), false), true)));
        assert!(!is_light(&Rdd::new(Op::Union(vec![held(1); NODES]))), "nodes are counted");
    }
}
