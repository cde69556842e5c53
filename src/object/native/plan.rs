//! Which steps of a chain run natively?

use std::ops::Range;

use super::folding::Folding;
use super::form::Form;
use super::mapped::Mapped;
use super::reduce::Reducing;
use crate::expr::Program;
use crate::object::step::Step;

/// A part of a chain, by the indices of its steps.
#[derive(Clone)]
pub(crate) enum Run {
    /// Python functions, element by element.
    Python(Range<usize>),
    /// Programs, chunk by chunk. `eager`: objects are made into columns, because a native step over the partition follows.
    Rows { steps: Range<usize>, eager: bool },
    /// A native step over the whole partition.
    Whole { steps: Range<usize>, what: Whole },
}

/// What a native step does with a partition.
#[derive(Clone)]
pub(crate) enum Whole {
    /// One folded value per key.
    Fold(Folding),
    /// Every pair as a group of one.
    Singles,
    /// All values of each key.
    Groups,
    /// All pairs of values of each key.
    Join { keep_left: bool, keep_right: bool },
    /// The pairs by their keys.
    Sort { key: Option<Program>, ascending: bool },
    /// A random part.
    Sample { seed: i64, from: f64, below: f64 },
    /// What the records give, each changing the state of its key.
    Mapped(Mapped),
    /// Few things made of all elements.
    Reduce(Reducing),
    /// The number of elements.
    Count,
}

/// How a step runs, as long as values fit into columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Python,
    Native,
    /// Natively, over elements that Python's steps before it make: each becomes a column's value when it is made.
    TakesIn,
}

/// Of `runs`, how each of their steps runs; and whether Python's steps are still making the elements at the end.
pub(crate) fn told(runs: &[Run]) -> (Vec<How>, bool) {
    let (mut told, mut live) = (Vec::new(), false);
    for run in runs {
        let (steps, how) = match run {
            Run::Python(steps) => (steps, How::Python),
            Run::Rows { steps, eager } if live => (steps, if *eager { How::TakesIn } else { How::Python }),
            Run::Whole { steps, what } if live && wants_columns(what) => (steps, How::TakesIn),
            Run::Whole { steps, what: Whole::Reduce(_) } if live => (steps, How::Python),
            Run::Rows { steps, .. } | Run::Whole { steps, .. } => (steps, How::Native),
        };
        // Columns are made once: the steps that follow get these.
        let rest = if how == How::TakesIn { How::Native } else { how };
        told.extend(steps.clone().enumerate().map(|(at, _)| if at == 0 { how } else { rest }));
        live = match run {
            Run::Whole { what: Whole::Sample { .. }, .. } => live,
            _ => how == How::Python,
        };
    }
    (told, live)
}

/// Cuts `steps` into runs; `forms[i]` are the forms of step i's functions.
pub(crate) fn plan(steps: &[Step], forms: &[Vec<Option<Form>>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < steps.len() {
        if let Some((what, length)) = whole(&steps[at..], &forms[at..]) {
            runs.push(Run::Whole { steps: at..at + length, what });
            at += length;
            continue;
        }
        let by_rows = is_row_step(steps[at], &forms[at]);
        match runs.last_mut() {
            Some(Run::Rows { steps, .. }) if by_rows => steps.end = at + 1,
            Some(Run::Python(steps)) if !by_rows => steps.end = at + 1,
            _ if by_rows => runs.push(Run::Rows { steps: at..at + 1, eager: false }),
            _ => runs.push(Run::Python(at..at + 1)),
        }
        at += 1;
    }
    settle_rows(runs)
}

/// Programs pay where columns come in, or where a step over the partition wants columns. Between Python functions they
/// would only cost two conversions.
fn settle_rows(runs: Vec<Run>) -> Vec<Run> {
    let wanted: Vec<bool> = (0..runs.len())
        .map(|at| matches!(runs.get(at + 1), Some(Run::Whole { what, .. }) if wants_columns(what)))
        .collect();
    let mut settled: Vec<Run> = Vec::new();
    for (run, wanted) in runs.into_iter().zip(wanted) {
        match (run, settled.last_mut()) {
            (Run::Rows { steps, .. }, Some(Run::Python(before))) if !wanted => before.end = steps.end,
            (Run::Python(steps), Some(Run::Python(before))) => before.end = steps.end,
            (Run::Rows { steps, .. }, _) => settled.push(Run::Rows { steps, eager: wanted }),
            (run, _) => settled.push(run),
        }
    }
    settled
}

/// Whether a step gains from objects being made into columns for it.
fn wants_columns(what: &Whole) -> bool {
    match what {
        Whole::Count | Whole::Sample { .. } => false,
        Whole::Reduce(reducing) => reducing.pays_conversion(),
        _ => true,
    }
}

fn program(form: &Option<Form>) -> Option<&Program> {
    match form {
        Some(Form::Program(program)) => Some(program),
        _ => None,
    }
}

fn is_row_step(step: Step, forms: &[Option<Form>]) -> bool {
    match step {
        Step::Map | Step::Filter | Step::FlatMap | Step::MapValues | Step::FlatMapValues => {
            forms.first().and_then(program).is_some()
        }
        Step::Keys | Step::Values => true,
        _ => false,
    }
}

/// The native step that begins here, and how many steps it stands for.
fn whole(steps: &[Step], forms: &[Vec<Option<Form>>]) -> Option<(Whole, usize)> {
    let form = |step: usize, function: usize| forms.get(step)?.get(function)?.as_ref();
    match steps.first()? {
        Step::Count => Some((Whole::Count, 1)),
        Step::Group => Some((Whole::Singles, 1)),
        Step::Combine { .. } => match (form(0, 0)?, form(0, 1)?) {
            (Form::Program(create), Form::Program(merge)) => Some((Whole::Fold(Folding::new(Some(create), merge)), 1)),
            _ => None,
        },
        Step::MergeCombiners => match form(0, 0)? {
            Form::Program(merge) => Some((Whole::Fold(Folding::new(None, merge)), 1)),
            _ => None,
        },
        Step::MergeGroups => match (steps.get(1), form(1, 0)) {
            (Some(Step::FlatMapValues), Some(Form::Join { keep_left, keep_right })) => {
                Some((Whole::Join { keep_left: *keep_left, keep_right: *keep_right }, 2))
            }
            _ => Some((Whole::Groups, 1)),
        },
        Step::Partitions => match form(0, 0)? {
            Form::Sort { key, ascending } => Some((Whole::Sort { key: key.clone(), ascending: *ascending }, 1)),
            Form::Reduce(reducing) => Some((Whole::Reduce(reducing.clone()), 1)),
            _ => None,
        },
        Step::IndexedPartitions => match form(0, 0)? {
            Form::Mapped(mapped) => Some((Whole::Mapped(mapped.clone()), 1)),
            Form::Sample { seed, from, below } => Some((Whole::Sample { seed: *seed, from: *from, below: *below }, 1)),
            _ => None,
        },
        _ => None,
    }
}
