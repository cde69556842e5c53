//! Of which plans is it known that they give the same whenever they run, and that nobody notices?
//!
//! 1. A function that was read as a program has no side effects on plain values, and depends on its arguments alone: also
//!    when it runs in Python. What was read is compared, not the function, so one that is made anew in every batch is
//!    the same as before.
//! 2. Steps of the library are pure where they look at the elements alone. A sample, and a function that gets the number
//!    of its partition, are not.

use super::folding::Folding;
use super::form::Form;
use super::op::Step;
use super::plan::{Plan, Run, Whole};

impl Plan {
    /// Whether both are pure and do the same.
    pub fn same_as(&self, other: &Self) -> bool {
        let mut others = other.forms();
        let alike = self.forms().all(|step| others.next().is_some_and(|other| same_step(step, other)));
        self.is_read() && other.is_read() && alike && others.next().is_none()
    }

    /// The run that is a fold by key, if only steps over single elements are before it; and which one it is.
    pub fn fold(&self) -> Option<(usize, &Folding)> {
        let at = self.runs().iter().position(|run| !matches!(run, Run::Rows { .. }))?;
        match &self.runs()[at] {
            Run::Whole { what: Whole::Fold(fold), .. } => Some((at, fold)),
            _ => None,
        }
    }
}

fn same_step((step, forms): (Step, &[Option<Form>]), (other, others): (Step, &[Option<Form>])) -> bool {
    let pure = !matches!(step, Step::Partitions | Step::IndexedPartitions);
    let same = |(one, other): (&Option<Form>, &Option<Form>)| match (one, other) {
        (Some(Form::Program(one)), Some(Form::Program(other))) => one.same_as(other),
        _ => false,
    };
    pure && step == other && forms.iter().zip(others).all(same)
}
