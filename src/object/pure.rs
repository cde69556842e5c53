//! Of which chains is it known that they give the same whenever they run, and that nobody notices?
//!
//! 1. A function that was read as a program has no side effects on plain values, and depends on its arguments alone: also
//!    when it runs in Python. What was read is compared, not the function, so one that is made anew in every batch is
//!    the same as before.
//! 2. Steps of the library are pure where they look at the elements alone. A sample, and a function that gets the number
//!    of its partition, are not.
//! 3. A chain that runs in another process counts as impure: its functions may look at what differs there.

use std::sync::Arc;

use super::chain::Chain;
use super::native::{Folding as Fold, Form, Run, Whole, folded_whole};
use super::step::Step;
use crate::block::Block;
use crate::error::Result;
use crate::rdd::{Blocks, Folding, Task};

/// Whether both are pure and do the same.
pub(super) fn same(one: &Chain, other: &Chain) -> bool {
    let alike = || {
        let mut others = other.forms();
        one.forms().all(|step| others.next().is_some_and(|other| same_step(step, other))) && others.next().is_none()
    };
    one.is_read() && other.is_read() && alike()
}

fn same_step((step, forms): (Step, &[Option<Form>]), (other, others): (Step, &[Option<Form>])) -> bool {
    let pure = !matches!(step, Step::Partitions | Step::IndexedPartitions);
    let same = |(one, other): (&Option<Form>, &Option<Form>)| match (one, other) {
        (Some(Form::Program(one)), Some(Form::Program(other))) => one.same_as(other),
        _ => false,
    };
    pure && step == other && forms.iter().zip(others).all(same)
}

/// A chain in three parts, the middle one being a fold.
struct Parts {
    chain: Arc<Chain>,
    /// Which of its runs the fold is.
    at: usize,
    fold: Fold,
}

/// The chain cut at its fold, if only steps over single elements are before it.
pub(super) fn folding(chain: Arc<Chain>) -> Option<Arc<dyn Folding>> {
    let at = chain.runs().iter().position(|run| !matches!(run, Run::Rows { .. }))?;
    let Run::Whole { what: Whole::Fold(fold), .. } = &chain.runs()[at] else { return None };
    let fold = fold.clone();
    Some(Arc::new(Parts { chain, at, fold }))
}

impl Folding for Parts {
    fn before(&self, task: &Arc<Task>, partition: usize, input: Blocks) -> Result<Blocks> {
        Ok(self.chain.run_some(0..self.at, task, partition, input))
    }

    fn fold(&self, task: &Arc<Task>, input: Blocks) -> Result<Option<Vec<Block>>> {
        folded_whole(task, &self.fold, input)
    }

    fn after(&self, task: &Arc<Task>, partition: usize, folded: Blocks) -> Result<Blocks> {
        Ok(self.chain.run_some(self.at + 1..self.chain.runs().len(), task, partition, folded))
    }
}
