//! How do programs run over the blocks of a partition?
//!
//! In chunks that begin small, so that `take` evaluates little, and stay small enough for the cache. A chunk at which a
//! program bails goes on in Python from that step, element by element as it is pulled.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray};
use arrow_select::filter::filter;

use super::op::Step;
use super::running::Running;
use super::taken::Taken;
use crate::block::{Block, Columns, Kind};
use crate::error::Result;
use crate::expr::Program;
use crate::kernel::gather::{pair_columns, pairs, pick};
use crate::kernel::keys::kernel_error;
use crate::rdd::{Blocks, ready};

/// Rows of the first chunk and of the largest.
const FIRST_CHUNK: usize = 64;
const LARGEST_CHUNK: usize = 8192;
/// Objects that are too few to be worth a conversion.
const FEW: usize = 32;

/// A run of programs over one partition.
pub(super) struct RowsRun {
    running: Arc<Running>,
    steps: std::ops::Range<usize>,
    eager: bool,
    input: Taken,
    /// What is left of the current block.
    rest: Option<Columns>,
    /// A chunk that Python goes on with.
    python: Option<Blocks>,
    chunk: usize,
}

/// A chunk that has passed the programs before step `at`.
struct Bailed {
    at: usize,
    columns: Columns,
}

impl RowsRun {
    /// The run of `steps` over `input`.
    pub(super) fn new(running: Arc<Running>, steps: std::ops::Range<usize>, eager: bool, input: Blocks) -> Self {
        let input = if eager { Taken::new(&running, input) } else { Taken::as_they_are(input) };
        Self { running, steps, eager, input, rest: None, python: None, chunk: FIRST_CHUNK }
    }

    fn next_chunk(&mut self) -> Option<Columns> {
        let rest = self.rest.take()?;
        if rest.len() <= self.chunk {
            return Some(rest);
        }
        let chunk = rest.slice(0, self.chunk);
        self.rest = Some(rest.slice(self.chunk, rest.len() - self.chunk));
        self.chunk = (self.chunk * 8).min(LARGEST_CHUNK);
        Some(chunk)
    }

    fn in_python(&mut self, from: usize, block: Block) {
        self.python = Some(self.running.python(from..self.steps.end, ready(vec![block])));
    }

    fn evaluate(&self, mut columns: Columns) -> Result<std::result::Result<Columns, Bailed>> {
        for at in self.steps.clone() {
            if columns.is_empty() {
                break;
            }
            let program = self.running.program(at);
            match apply(self.running.step(at), program, &columns)? {
                Some(made) => columns = made,
                None => return Ok(Err(Bailed { at, columns })),
            }
        }
        Ok(Ok(columns))
    }

    fn advance(&mut self) -> Result<Option<Block>> {
        loop {
            if let Some(python) = &mut self.python {
                match python.next() {
                    Some(block) => return block.map(Some),
                    None => self.python = None,
                }
            }
            if let Some(chunk) = self.next_chunk() {
                self.running.task.cancel.check()?;
                match self.evaluate(chunk)? {
                    Ok(made) if made.is_empty() => {}
                    Ok(made) => return Ok(Some(Block::Columns(made))),
                    Err(bailed) => self.in_python(bailed.at, Block::Columns(bailed.columns)),
                }
                continue;
            }
            let Some(block) = self.input.next() else { return Ok(None) };
            match block? {
                Block::Columns(columns) => self.rest = Some(columns),
                objects if self.eager && objects.len() > FEW => match self.running.columns(objects) {
                    Ok(columns) => self.rest = Some(columns),
                    Err(objects) => self.in_python(self.steps.start, objects),
                },
                objects => self.in_python(self.steps.start, objects),
            }
        }
    }
}

impl Iterator for RowsRun {
    type Item = Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// One step over a chunk; `None` if its program bails.
fn apply(step: Step, program: Option<&Program>, columns: &Columns) -> Result<Option<Columns>> {
    let rows = columns.len();
    let whole = std::slice::from_ref(columns);
    match (step, program) {
        (Step::Map, Some(program)) => Ok(program.eval(whole, rows).ok()),
        (Step::Filter, Some(program)) => match program.test(whole, rows) {
            Ok(kept) => {
                let kept = BooleanArray::new(kept, None);
                let array = filter(columns.array(), &kept).map_err(kernel_error)?;
                Ok(Some(Columns::new(columns.kind().clone(), array)))
            }
            Err(_) => Ok(None),
        },
        (Step::FlatMap, Some(program)) => Ok(program.flatten(whole, rows).ok().map(|(made, _)| made)),
        (Step::MapValues, Some(program)) => {
            let Some(((key_kind, keys), (value_kind, values))) = pair_columns(columns) else { return Ok(None) };
            let values = Columns::new(value_kind.clone(), Arc::clone(values));
            let Ok(made) = program.eval(std::slice::from_ref(&values), rows) else { return Ok(None) };
            pairs((key_kind.clone(), Arc::clone(keys)), (made.kind().clone(), Arc::clone(made.array()))).map(Some)
        }
        (Step::FlatMapValues, Some(program)) => {
            let Some(((key_kind, keys), (value_kind, values))) = pair_columns(columns) else { return Ok(None) };
            let values = Columns::new(value_kind.clone(), Arc::clone(values));
            let Ok((made, counts)) = program.flatten(std::slice::from_ref(&values), rows) else { return Ok(None) };
            let repeated =
                counts.iter().zip(0_u32..).flat_map(|(count, row)| std::iter::repeat_n(row, *count as usize));
            let keys = pick(keys, repeated.collect())?;
            pairs((key_kind.clone(), keys), (made.kind().clone(), Arc::clone(made.array()))).map(Some)
        }
        (Step::Keys, _) => Ok(item(columns, 0)),
        (Step::Values, _) => Ok(item(columns, 1)),
        _ => Ok(None),
    }
}

/// Item `at` of every tuple.
fn item(columns: &Columns, at: usize) -> Option<Columns> {
    let Kind::Tuple { items, .. } = columns.kind() else { return None };
    let tuples = columns.array().as_struct_opt().filter(|tuples| tuples.null_count() == 0)?;
    Some(Columns::new(items.get(at)?.clone(), Arc::clone(tuples.columns().get(at)?)))
}
