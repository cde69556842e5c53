//! Which steps of a chain run natively?

use std::ops::Range;

use super::folding::Folding;
use super::form::Form;
use super::mapped::Mapped;
use super::op::Step;
use super::reduce::Reducing;
use crate::expr::Program;

/// A part of a chain, by the indices of its steps.
#[derive(Clone)]
pub enum Run {
    /// Python functions, element by element.
    Python(Range<usize>),
    /// Programs, chunk by chunk. `eager`: objects are made into columns, because a native step over the partition follows.
    Rows { steps: Range<usize>, eager: bool },
    /// A native step over the whole partition.
    Whole { steps: Range<usize>, what: Whole },
}

/// What a native step does with a partition.
#[derive(Clone)]
pub enum Whole {
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
pub enum How {
    Python,
    Native,
    /// Natively, over elements that Python's steps before it make: each becomes a column's value when it is made.
    TakesIn,
}

/// Steps, and how they run.
pub struct Plan {
    steps: Vec<Step>,
    /// Per step: the native forms of its functions.
    forms: Vec<Vec<Option<Form>>>,
    /// Whether native forms were looked for.
    read: bool,
    runs: Vec<Run>,
}

impl Plan {
    /// Of `steps` with the native forms of their functions, in order; without these all runs in Python.
    pub fn new(steps: Vec<Step>, forms: Option<Vec<Option<Form>>>) -> Self {
        let read = forms.is_some();
        let mut forms = forms.unwrap_or_default().into_iter();
        let mut of_step = |step: &Step| (0..step.functions()).map(|_| forms.next().flatten()).collect();
        let forms: Vec<Vec<Option<Form>>> = steps.iter().map(&mut of_step).collect();
        let runs = match steps.len() {
            0 => Vec::new(),
            _ if read => cut(&steps, &forms),
            all => vec![Run::Python(0..all)],
        };
        Self { steps, forms, read, runs }
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How they are cut into runs.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Whether native forms were looked for.
    pub fn is_read(&self) -> bool {
        self.read
    }

    /// The steps, each with the native forms of its functions.
    pub(super) fn forms(&self) -> impl Iterator<Item = (Step, &[Option<Form>])> {
        self.steps.iter().copied().zip(self.forms.iter().map(Vec::as_slice))
    }

    /// The program of step `at`'s only function.
    pub(super) fn program(&self, at: usize) -> Option<&Program> {
        self.forms[at].first().and_then(program)
    }

    /// Whether a run of Python steps is one function of values, in a chain whose functions may run natively.
    pub(super) fn is_of_values(&self, steps: &Range<usize>) -> bool {
        self.read && steps.len() == 1 && self.steps[steps.start] == Step::MapValues
    }

    /// Whether no function of the program is called. The states of `mapWithState` may call theirs.
    pub fn is_light(&self) -> bool {
        let calls = |run: &Run| matches!(run, Run::Python(_) | Run::Whole { what: Whole::Mapped(_), .. });
        self.read && !self.runs.iter().any(calls)
    }

    /// The steps, each with how it runs.
    pub fn told(&self) -> impl Iterator<Item = (Step, How)> {
        self.steps.iter().copied().zip(told(&self.runs).0)
    }

    /// Whether Python's steps make the elements that leave it.
    pub fn ends_in_python(&self) -> bool {
        told(&self.runs).1
    }

    /// The functions that some of the steps take, by their place among all.
    pub fn functions_of(&self, steps: &Range<usize>) -> Range<usize> {
        let count = |steps: &[Step]| steps.iter().map(|step| step.functions()).sum::<usize>();
        let first = count(&self.steps[..steps.start]);
        first..first + count(&self.steps[steps.clone()])
    }
}

/// Of `runs`, how each of their steps runs; and whether Python's steps are still making the elements at the end.
fn told(runs: &[Run]) -> (Vec<How>, bool) {
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
fn cut(steps: &[Step], forms: &[Vec<Option<Form>>]) -> Vec<Run> {
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
